//! Moments as people read them.

use crate::domain::timestamp::Timestamp;

/// A moment as RFC 3339 in UTC, such as `2026-11-23T17:40:00.125Z`.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    moment.unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// The moment that a text such as [`rfc3339`] writes names; one before 1970 reads as 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(u64::try_from(moment.as_millisecond()).unwrap_or_default()))
}
