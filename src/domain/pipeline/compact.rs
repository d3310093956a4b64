//! The compact form: `swap_channels:bgr/resize:400x300,fit=cover/jpeg:q=85`. Text to calls; nothing here knows what a call means.
//!
//! ```text
//! pipeline = step *( "/" step )
//! step     = name [ ":" argument *( "," argument ) ]
//! argument = value / name "=" value
//! ```

use std::borrow::Cow;
use std::ops::Range;

use super::call::{Call, Kind, Value, Word, Written};
use super::error::PipelineError;

/// Splits a text into calls. `base` is added to every position.
pub(super) fn calls(text: &str, base: usize) -> Result<Vec<Call<'_>>, PipelineError> {
    pieces(text, '/', base).map(|(piece, at)| call(piece, at)).collect()
}

fn call(text: &str, at: Range<usize>) -> Result<Call<'_>, PipelineError> {
    let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
    let name = word(name, at.start);
    if name.text.is_empty() {
        return Err(PipelineError::new(name.at, "expected an operation, found nothing"));
    }
    let arguments = match rest {
        None => Vec::new(),
        Some(rest) => pieces(rest, ',', name.at.end + 1).map(|(piece, at)| argument(piece, at)).collect::<Result<_, _>>()?,
    };
    Ok(Call { name, arguments })
}

fn argument(text: &str, at: Range<usize>) -> Result<Written<'_>, PipelineError> {
    match text.split_once('=') {
        None if text.is_empty() => Err(PipelineError::new(at, "expected an argument, found nothing")),
        None => Ok(Written { name: None, value: value(text, at.start) }),
        Some(("", _)) => Err(PipelineError::new(at.start..at.start, "expected an argument's name before '='")),
        Some((name, rest)) => Ok(Written { name: Some(word(name, at.start)), value: value(rest, at.start + name.len() + 1) }),
    }
}

fn word(text: &str, start: usize) -> Word<'_> {
    Word { text: Cow::Borrowed(text), at: start..start + text.len() }
}

fn value(text: &str, start: usize) -> Value<'_> {
    Value { word: word(text, start), kind: Kind::Bare }
}

/// The pieces between separators and where each stands.
fn pieces(text: &str, separator: char, base: usize) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut start = base;
    text.split(separator).map(move |piece| {
        let at = start..start + piece.len();
        start = at.end + 1;
        (piece, at)
    })
}
