//! Kinds that are words: switches, choices, addresses, paths, pipelines.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::config::kind::{BadValue, Kind};
use crate::config::raw::Raw;
use crate::config::{Origins, TaskPlace};
use crate::domain::pipeline::Pipeline;
use crate::domain::task::Retention;

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

/// How long tasks are kept once they have ended.
pub(crate) struct Keep;

impl Kind for Keep {
    type Value = Retention;

    fn expected(&self) -> String {
        "\"never\", or a time from \"1s\" to 100 years such as \"12h\" or \"7d\"".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<Retention> {
        raw.text()?.parse().ok()
    }

    fn print(&self, value: &Retention) -> Json {
        Json::from(value.to_string())
    }
}

/// Origins whose pages may use the server.
pub(crate) struct OriginList;

impl Kind for OriginList {
    type Value = Origins;

    fn expected(&self) -> String {
        "origins such as \"https://app.example.org\", divided by commas, \"*\" for all, or \"\" for none".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<Origins> {
        raw.text()?.parse().ok()
    }

    fn print(&self, value: &Origins) -> Json {
        Json::from(value.to_string())
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

/// Where tasks are kept.
pub(crate) struct Tasks;

impl Kind for Tasks {
    type Value = TaskPlace;

    fn expected(&self) -> String {
        "\"local\", or the URL of a PostgreSQL database such as \"postgres://user:password@host/safelight\"".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<TaskPlace> {
        raw.text()?.parse().ok()
    }

    fn print(&self, value: &TaskPlace) -> Json {
        Json::from(value.to_string())
    }

    /// What was found may hold a password.
    fn refuse(&self, _: &Raw) -> BadValue {
        BadValue(format!("expected {}, found something else", self.expected()))
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
