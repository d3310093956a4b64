//! The kinds of values: what a key takes, how it is read, and its one normal form. Which key has which kind is the
//! sections' business.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;

use crate::config::raw::Raw;
use crate::config::units;
use crate::domain::pipeline::Pipeline;

/// A value that its key does not take; the text says what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(pub(crate) String);

/// How values of one kind are read and written.
pub(crate) trait Kind {
    /// What a valid value becomes.
    type Value;

    /// Ends the sentence "expected ...", ranges included.
    fn expected(&self) -> String;

    /// The value, where it is one of this kind.
    fn parse(&self, raw: &Raw) -> Option<Self::Value>;

    /// The value's one spelling, which reads back as the same value.
    fn print(&self, value: &Self::Value) -> Json;

    /// The value, or why not.
    fn read(&self, raw: &Raw) -> Result<Self::Value, BadValue> {
        self.parse(raw).ok_or_else(|| self.refuse(raw))
    }

    /// What to say of a value that is not of this kind.
    fn refuse(&self, raw: &Raw) -> BadValue {
        BadValue(format!("expected {}, found {raw}", self.expected()))
    }

    /// The normal form of a value, or why it is refused.
    fn normalise(&self, raw: &Raw) -> Result<Json, BadValue> {
        self.read(raw).map(|value| self.print(&value))
    }
}

/// A [`Kind`] whose value type is forgotten, so that keys of every kind fit into one table.
pub(crate) trait AnyKind: Sync {
    /// See [`Kind::expected`].
    fn expects(&self) -> String;
    /// See [`Kind::normalise`].
    fn normal(&self, raw: &Raw) -> Result<Json, BadValue>;
}

impl<K: Kind + Sync> AnyKind for K {
    fn expects(&self) -> String {
        Kind::expected(self)
    }

    fn normal(&self, raw: &Raw) -> Result<Json, BadValue> {
        Kind::normalise(self, raw)
    }
}

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

/// A whole number from 1 to `max`, or `auto`: as many as there are available cores.
pub(crate) struct CountOrCores {
    pub(crate) max: u32,
}

impl CountOrCores {
    const AUTO: &str = "auto";
}

impl Kind for CountOrCores {
    type Value = u32;

    fn expected(&self) -> String {
        format!("a whole number from 1 to {}, or \"{}\" for the available cores", self.max, Self::AUTO)
    }

    fn parse(&self, raw: &Raw) -> Option<u32> {
        if raw.text() == Some(Self::AUTO) {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            return Some(u32::try_from(cores).unwrap_or(self.max).min(self.max));
        }
        Count { min: 1_u32, max: self.max }.parse(raw)
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

/// `true` or `false`.
pub(crate) struct Switch;

impl Kind for Switch {
    type Value = bool;

    fn expected(&self) -> String {
        "true or false".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<bool> {
        raw.boolean()
    }

    fn print(&self, value: &bool) -> Json {
        Json::from(*value)
    }
}

/// One word out of a list.
pub(crate) struct Choice<T: 'static>(pub(crate) &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Kind for Choice<T> {
    type Value = T;

    fn expected(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|(word, _)| format!("{word:?}")).collect();
        format!("one of {}", words.join(", "))
    }

    fn parse(&self, raw: &Raw) -> Option<T> {
        let text = raw.text()?;
        self.0.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
    }

    fn print(&self, value: &T) -> Json {
        let word = self.0.iter().find(|(_, candidate)| candidate == value).map(|(word, _)| *word);
        Json::from(word.expect("a value of this kind was found in this list"))
    }
}

/// An IP address with a port; port 0 asks the system for a free one.
pub(crate) struct Address;

impl Kind for Address {
    type Value = SocketAddr;

    fn expected(&self) -> String {
        "an IP address and a port such as \"127.0.0.1:8080\" or \"[::]:8080\"".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<SocketAddr> {
        raw.text()?.parse().ok()
    }

    fn print(&self, value: &SocketAddr) -> Json {
        Json::from(value.to_string())
    }
}

/// The path of a directory; a relative one starts at the working directory.
pub(crate) struct Directory;

impl Kind for Directory {
    type Value = PathBuf;

    fn expected(&self) -> String {
        "the path of a directory".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<PathBuf> {
        raw.text().filter(|text| !text.is_empty()).map(PathBuf::from)
    }

    fn print(&self, value: &PathBuf) -> Json {
        Json::from(value.to_string_lossy())
    }
}

/// The path of a file, or nothing.
pub(crate) struct OptionalFile;

impl Kind for OptionalFile {
    type Value = Option<PathBuf>;

    fn expected(&self) -> String {
        "the path of a file, or \"\" for none".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<Option<PathBuf>> {
        raw.text().map(|text| (!text.is_empty()).then(|| PathBuf::from(text)))
    }

    fn print(&self, value: &Option<PathBuf>) -> Json {
        Json::from(value.as_ref().map_or_else(String::new, |path| path.to_string_lossy().into_owned()))
    }
}

/// A pipeline, compact or JSON; as JSON it may also be an object rather than a string.
pub(crate) struct PipelineText;

impl Kind for PipelineText {
    type Value = Pipeline;

    fn expected(&self) -> String {
        "a pipeline such as \"swap_channels\" or \"resize:400x300/jpeg:q=85\"".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<Pipeline> {
        self.read(raw).ok()
    }

    fn print(&self, value: &Pipeline) -> Json {
        Json::from(value.to_string())
    }

    /// The parser's own error says more than "expected a pipeline".
    fn read(&self, raw: &Raw) -> Result<Pipeline, BadValue> {
        match raw.text().or(raw.object()) {
            Some(text) => Pipeline::parse(text).map_err(|error| BadValue(format!("{error}, in {raw}"))),
            None => Err(self.refuse(raw)),
        }
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
        let kind = CountOrCores { max: 256 };
        assert!((1..=256).contains(&kind.read(&text("auto")).expect("auto is a count")));
        assert_eq!(CountOrCores { max: 1 }.read(&text("auto")), Ok(1), "never above the maximum");
        assert_eq!(kind.normalise(&text("auto")), Ok(Json::from("auto")));
        assert_eq!(kind.normalise(&Raw::Integer(4)), Ok(Json::from(4)));
        assert!(kind.read(&Raw::Integer(0)).is_err());
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

    #[test]
    fn words_paths_switches_and_addresses() {
        let choice = Choice(&[("text", 1), ("json", 2)]);
        assert_eq!(choice.read(&text("json")), Ok(2));
        assert!(choice.read(&text("xml")).expect_err("not listed").to_string().contains(r#"one of "text", "json""#));
        assert_eq!(OptionalFile.read(&text("")), Ok(None));
        assert!(Directory.read(&text("")).is_err());
        assert_eq!(Switch.read(&Raw::Untyped("true".into())), Ok(true));
        assert!(Switch.read(&text("true")).is_err(), "a quoted word in the file is not a switch");
        assert_eq!(Address.normalise(&text("[::1]:0")), Ok(Json::from("[::1]:0")));
        assert!(Address.read(&text("localhost:8080")).is_err());
    }
}
