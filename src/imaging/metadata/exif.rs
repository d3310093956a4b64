//! EXIF data: what is read of it, and the little that is ever written. Own code rather than a crate: it reads a dozen tags of a
//! structure that `tiff` walks anyway, and writes two.

use super::tiff::Directory;

/// The photographer (TIFF 6.0, section 8).
const ARTIST: u16 = 315;
/// Who holds the rights; also two texts with a zero between them, of the photograph and of its edition (EXIF 3.0, 4.6.4).
const COPYRIGHT: u16 = 33_432;

/// Longer texts are none that a person wrote; both fit into the one segment that EXIF data has in a JPEG file.
const MAX_TEXT: usize = 16 << 10;

/// EXIF data that says nothing but who made the image and who holds the rights, as `exif` does; `None` where it does not.
pub(super) fn rights_only(exif: &[u8]) -> Option<Vec<u8>> {
    let first = Directory::first(exif)?;
    let text = |tag| first.find(tag)?.text().filter(|text| text.len() <= MAX_TEXT).map(|text| (tag, text));
    let texts: Vec<(u16, &[u8])> = [ARTIST, COPYRIGHT].into_iter().filter_map(text).collect();
    (!texts.is_empty()).then(|| written(&texts))
}

/// A directory of texts; their tags must rise.
fn written(texts: &[(u16, &[u8])]) -> Vec<u8> {
    const FIRST: usize = 8;
    let mut out = b"MM\0*\0\0\0\x08".to_vec();
    out.extend((texts.len() as u16).to_be_bytes());
    let mut values = Vec::new();
    let values_at = FIRST + 2 + 12 * texts.len() + 4;
    for (tag, text) in texts {
        let value = [text, &b"\0"[..]].concat();
        out.extend(tag.to_be_bytes());
        out.extend(2_u16.to_be_bytes());
        out.extend((value.len() as u32).to_be_bytes());
        if value.len() <= 4 {
            let mut inline = value;
            inline.resize(4, 0);
            out.extend(inline);
        } else {
            out.extend(((values_at + values.len()) as u32).to_be_bytes());
            values.extend(value);
            // Values begin at even places.
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    // No directory follows.
    out.extend([0; 4]);
    out.extend(values);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_texts_are_carried_over() {
        let expected = b"MM\0*\0\0\0\x08\0\x02\
            \x01\x3b\0\x02\0\0\0\x04Ann\0\
            \x82\x98\0\x02\0\0\0\x0a\0\0\0\x26\
            \0\0\0\0(c) Ann A\0";
        let written = written(&[(ARTIST, b"Ann"), (COPYRIGHT, b"(c) Ann A")]);
        assert_eq!(written, expected);
        assert_eq!(rights_only(expected).as_deref(), Some(&expected[..]));
        // A camera's name comes first, and an orientation stands between the two.
        let full = b"II*\0\x08\0\0\0\x04\0\
            \x0f\x01\x02\0\x06\0\0\0\x3e\0\0\0\
            \x12\x01\x03\0\x01\0\0\0\x06\0\0\0\
            \x3b\x01\x02\0\x04\0\0\0Ann\0\
            \x98\x82\x02\0\x0a\0\0\0\x44\0\0\0\
            \0\0\0\0Canon\0(c) Ann A\0";
        assert_eq!(rights_only(full).as_deref(), Some(&expected[..]));
    }

    #[test]
    fn texts_that_are_not_there_or_no_texts_are_left_out() {
        let entry = |tag: u16, kind: u16, count: u32| {
            [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &26_u32.to_be_bytes()].concat()
        };
        let file = |entry: &[u8], values: usize| [&b"MM\0*\0\0\0\x08\0\x01"[..], entry, &[0; 4], &vec![b'x'; values]].concat();
        assert!(rights_only(&file(&entry(COPYRIGHT, 2, 16 << 10), 16 << 10)).is_some());
        assert_eq!(rights_only(&file(&entry(COPYRIGHT, 2, (16 << 10) + 1), 17 << 10)), None, "too long");
        assert_eq!(rights_only(&file(&entry(COPYRIGHT, 2, 6), 5)), None, "cut off");
        assert_eq!(rights_only(&file(&entry(COPYRIGHT, 7, 6), 6)), None, "no text");
        assert_eq!(rights_only(&file(&entry(271, 2, 6), 6)), None, "another tag");
        assert_eq!(rights_only(b"garbage"), None);
    }
}
