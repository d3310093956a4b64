//! Kinds that are amounts: counts, sizes, durations.

use std::fmt;
use std::time::Duration;

use serde_json::Value as Json;

use crate::config::kind::{BadValue, Kind};
use crate::config::raw::Raw;
use crate::config::units;

/// A whole number from `min` to `max`.
pub(crate) struct Count<T> {
    pub(crate) min: T,
    pub(crate) max: T,
}

impl<T: Copy + PartialOrd + fmt::Display + TryFrom<i64> + Into<u64>> Kind for Count<T> {
    type Value = T;

    fn expected(&self) -> String {
        format!("a whole number from {} to {}", self.min, self.max)
    }

    fn parse(&self, raw: &Raw) -> Option<T> {
        T::try_from(raw.integer()?).ok().filter(|value| (self.min..=self.max).contains(value))
    }

    fn print(&self, value: &T) -> Json {
        Json::from((*value).into())
    }
}

/// A whole number from `min` to `max`, or `auto`: as many as there are available cores.
pub(crate) struct CountOrCores {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

impl CountOrCores {
    const AUTO: &str = "auto";
}

impl Kind for CountOrCores {
    type Value = u32;

    fn expected(&self) -> String {
        format!("a whole number from {} to {}, or \"{}\" for the available cores", self.min, self.max, Self::AUTO)
    }

    fn parse(&self, raw: &Raw) -> Option<u32> {
        if raw.text() == Some(Self::AUTO) {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            return Some(u32::try_from(cores).unwrap_or(self.max).min(self.max));
        }
        Count { min: self.min, max: self.max }.parse(raw)
    }

    fn print(&self, value: &u32) -> Json {
        Json::from(*value)
    }

    /// `auto` stays `auto`: the number belongs to the machine, not to the setting.
    fn normalise(&self, raw: &Raw) -> Result<Json, BadValue> {
        let value = self.read(raw)?;
        Ok(if raw.text() == Some(Self::AUTO) { Json::from(Self::AUTO) } else { self.print(&value) })
    }
}

/// A number of bytes from `min` to `max`.
pub(crate) struct Size {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Kind for Size {
    type Value = u64;

    fn expected(&self) -> String {
        let (min, max) = (units::print_size(self.min), units::print_size(self.max));
        format!("a size such as \"64MiB\" or a number of bytes, from {min} to {max}")
    }

    fn parse(&self, raw: &Raw) -> Option<u64> {
        let bytes = match raw.text() {
            Some(text) => units::parse_size(text)?,
            None => u64::try_from(raw.integer()?).ok()?,
        };
        (self.min..=self.max).contains(&bytes).then_some(bytes)
    }

    fn print(&self, value: &u64) -> Json {
        Json::from(units::print_size(*value))
    }
}

/// A duration from `min` to `max`.
pub(crate) struct Time {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl Kind for Time {
    type Value = Duration;

    fn expected(&self) -> String {
        let (min, max) = (units::print_duration(self.min), units::print_duration(self.max));
        format!("a duration such as \"30s\", \"5m\" or \"500ms\", from {min} to {max}")
    }

    fn parse(&self, raw: &Raw) -> Option<Duration> {
        units::parse_duration(raw.text()?).filter(|value| (self.min..=self.max).contains(value))
    }

    fn print(&self, value: &Duration) -> Json {
        Json::from(units::print_duration(*value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Raw {
        Raw::Text(value.to_owned())
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_what_was_found() {
        let count = Count { min: 1_u32, max: 9 };
        let refused = |raw: &Raw| count.read(raw).expect_err("out of range or no number").to_string();
        assert_eq!(refused(&Raw::Integer(10)), "expected a whole number from 1 to 9, found 10");
        assert_eq!(refused(&Raw::Integer(-1)), "expected a whole number from 1 to 9, found -1");
        assert_eq!(refused(&text("many")), "expected a whole number from 1 to 9, found \"many\"");
    }

    #[test]
    fn auto_is_the_cores_of_this_machine_and_stays_auto() {
        let kind = CountOrCores { min: 1, max: 256 };
        assert!((1..=256).contains(&kind.read(&text("auto")).expect("auto is a count")));
        assert_eq!(CountOrCores { min: 1, max: 1 }.read(&text("auto")), Ok(1), "never above the maximum");
        assert_eq!(kind.normalise(&text("auto")), Ok(Json::from("auto")));
        assert_eq!(kind.normalise(&Raw::Integer(4)), Ok(Json::from(4)));
        assert!(kind.read(&Raw::Integer(0)).is_err());
        assert_eq!(CountOrCores { min: 0, max: 1 }.read(&Raw::Integer(0)), Ok(0));
    }

    #[test]
    fn sizes_and_durations_keep_their_range_and_their_shortest_form() {
        let size = Size { min: 1 << 20, max: 1 << 30 };
        assert_eq!(size.normalise(&Raw::Integer(1 << 21)), Ok(Json::from("2MiB")));
        assert!(size.read(&text("1KiB")).is_err());
        let time = Time { min: Duration::from_secs(1), max: Duration::from_secs(60) };
        assert_eq!(time.normalise(&text("60000ms")), Ok(Json::from("1m")));
        assert!(time.read(&Raw::Integer(30)).is_err(), "a bare number has no unit");
    }
}
