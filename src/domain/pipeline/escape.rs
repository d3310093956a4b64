//! Characters that mean something in the compact form, inside a text: percent-encoded as in a URL (RFC 3986, 2.1).

use std::borrow::Cow;
use std::fmt;

/// Whether a character stands for itself in the text of the compact form.
fn is_plain(character: char) -> bool {
    !(matches!(character, '%' | '/' | ':' | ',' | '=' | '&' | '#' | '+' | '?' | '{' | '"')
        || character.is_control()
        || character.is_whitespace())
}

/// Writes a text so that [`read`] gives it back.
pub(super) fn write(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for character in text.chars() {
        if is_plain(character) {
            write!(f, "{character}")?;
        } else {
            character.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
        }
    }
    Ok(())
}

/// The text with every `%XX` replaced by its byte; `None` where a `%` is followed by something else or the bytes are no UTF-8.
pub(super) fn read(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
                tail
            }
            (b'%', _) => return None,
            (plain, tail) => {
                bytes.push(*plain);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_are_no_text() {
        for broken in ["%", "%4", "%zz", "a%2", "%ff"] {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(read("50%25%20off%2f").as_deref(), Some("50% off/"));
    }
}
