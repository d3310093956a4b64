//! Moments as people read them.

use crate::domain::timestamp::Timestamp;

/// A moment as RFC 3339 in UTC, such as `2026-11-23T17:40:00.125Z`.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    moment.unwrap_or(jiff::Timestamp::MAX).to_string()
}
