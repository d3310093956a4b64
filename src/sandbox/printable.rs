//! Text that a child made, before it reaches a log or a user: bounded, and without control characters.

/// At most `max` characters of `text`, with every control character (a line break that would forge a log line, an escape
/// sequence that would move a terminal's cursor) replaced by U+FFFD.
pub(super) fn printable(text: &str, max: usize) -> String {
    text.chars().take(max).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_length_are_taken_away() {
        assert_eq!(printable("ok\n[ERROR] forged\x1b[2J", 100), "ok\u{fffd}[ERROR] forged\u{fffd}[2J");
        assert_eq!(printable("äöü", 2), "äö");
    }
}
