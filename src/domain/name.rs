//! How people name what they keep here: presets, assets.

/// A lower-case letter, then up to 63 lower-case letters, digits, `_` or `-`: such a name needs no quotes in a pipeline, a URL or a file.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}
