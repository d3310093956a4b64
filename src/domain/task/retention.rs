//! How long a task is kept once it has ended.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long a task, its original and its results are kept after its run has ended. One that has not ended is kept in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Retention {
    /// Until somebody deletes it.
    #[default]
    Forever,
    /// For this time; whole seconds, from one to [`Retention::LONGEST`].
    For(Duration),
}

/// Seconds per unit, the largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Retention {
    /// The longest time that can be given: a hundred years of 365 days.
    pub const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

    /// The time, where there is one.
    #[must_use]
    pub fn time(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::For(time) => Some(time),
        }
    }

    /// The retention of so many seconds.
    ///
    /// # Errors
    /// If it is no second, or longer than [`Retention::LONGEST`].
    pub fn of_seconds(seconds: u64) -> Result<Self, InvalidRetention> {
        let time = Duration::from_secs(seconds);
        if time.is_zero() || time > Self::LONGEST { Err(InvalidRetention) } else { Ok(Self::For(time)) }
    }
}

/// The text is no time to keep something for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected \"never\", a number of seconds, or a time such as \"90s\", \"30m\", \"12h\" or \"7d\", up to 100 years")]
pub struct InvalidRetention;

impl FromStr for Retention {
    type Err = InvalidRetention;

    /// `never`, or whole seconds, or a whole number with one of the units s, m, h and d.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Forever);
        }
        let unit = UNITS.iter().find(|(unit, _)| text.ends_with(*unit));
        let (digits, seconds) = unit.map_or((text, 1), |(_, seconds)| (&text[..text.len() - 1], *seconds));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidRetention);
        }
        let number: u64 = digits.parse().map_err(|_| InvalidRetention)?;
        Self::of_seconds(number.checked_mul(seconds).ok_or(InvalidRetention)?)
    }
}

impl fmt::Display for Retention {
    /// The spelling with the largest unit that is exact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::For(time) = self else { return f.write_str("never") };
        let (unit, size) = UNITS.iter().find(|(_, size)| time.as_secs().is_multiple_of(*size)).expect("one second divides everything");
        write!(f, "{}{unit}", time.as_secs() / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_has_one_spelling() {
        for (text, printed) in
            [("never", "never"), ("90", "90s"), ("60", "1m"), ("7200s", "2h"), ("1440m", "1d"), ("36h", "36h"), ("36500d", "36500d")]
        {
            let retention: Retention = text.parse().expect(text);
            assert_eq!((retention.to_string().as_str(), printed.parse()), (printed, Ok(retention)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "0", "0d", "-1", "+1", "1.5h", "1 h", "1w", "h", "Never", "36501d", "99999999999999999999", "999999999999999999d"]
        {
            assert_eq!(text.parse::<Retention>(), Err(InvalidRetention), "{text}");
        }
    }
}
