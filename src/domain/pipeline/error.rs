//! What is wrong with a pipeline's text, and where.

use std::fmt;
use std::ops::Range;

use super::Pipeline;
use crate::domain::error_code::ErrorCode;

/// A text is not a pipeline: what was expected instead, and the place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineError {
    code: ErrorCode,
    at: Range<usize>,
    message: String,
}

impl PipelineError {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidPipeline, at, message: message.into() }
    }

    /// More steps than [`Pipeline::MAX_STEPS`].
    pub(super) fn too_many_steps(at: Range<usize>, found: usize) -> Self {
        let message = format!("a pipeline has at most {} steps, found {found}", Pipeline::MAX_STEPS);
        Self { code: ErrorCode::TooManySteps, at, message }
    }

    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Offset in bytes of the first byte at fault, counted from the start of the text that was parsed.
    /// It is a character boundary of that text, and its length where something is missing at its end.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at.start
    }

    /// The bytes at fault; empty where something is missing.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.at.clone()
    }

    /// What is wrong and what was expected, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of `text` at fault, a line of carets below the place, and the message; for terminals and logs.
    /// `text` is the text that was parsed.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        let start = floor_char_boundary(text, self.at.start);
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let end = floor_char_boundary(text, self.at.end).clamp(start, line_end);
        let indent = " ".repeat(text[line_start..start].chars().count());
        let carets = "^".repeat(text[start..end].chars().count().max(1));
        format!("{}\n{indent}{carets} {}", &text[line_start..line_end], self.message)
    }
}

/// The last character boundary at or before `index`.
pub(super) fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.at.start)
    }
}

impl std::error::Error for PipelineError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_fault_points_below_its_line() {
        let error = PipelineError::new(8..12, "unknown");
        assert_eq!(error.render("öne\n  twoo\nthree"), "  twoo\n   ^^^ unknown");
        assert_eq!(PipelineError::new(3..3, "missing").render("abc"), "abc\n   ^ missing");
        assert_eq!(error.to_string(), "unknown (at byte 8)");
    }

    #[test]
    fn rendering_against_another_text_does_not_panic() {
        assert_eq!(PipelineError::new(90..99, "far").render("é"), "é\n ^ far");
        assert_eq!(PipelineError::new(1..1, "inside").render("é"), "é\n^ inside");
    }
}
