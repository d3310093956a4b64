//! Kinds that lead elsewhere: places, addresses of other servers, and what opens their doors.

use serde_json::Value as Json;

use crate::config::kind::Kind;
use crate::config::raw::Raw;
use crate::config::{BlobPlace, Secret};

/// Where blobs are kept.
pub(crate) struct Blobs;

impl Kind for Blobs {
    type Value = BlobPlace;

    fn expected(&self) -> String {
        "\"local\", or a bucket such as \"s3://images\" or \"s3://images/safelight\"".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<BlobPlace> {
        raw.text()?.parse().ok()
    }

    fn print(&self, value: &BlobPlace) -> Json {
        Json::from(value.to_string())
    }
}

/// The URL of a server, scheme, host and port only; none if it is empty.
pub(crate) struct OptionalServer;

impl Kind for OptionalServer {
    type Value = Option<String>;

    fn expected(&self) -> String {
        "a URL such as \"https://s3.example.org\" or \"http://127.0.0.1:8333\", or \"\" for none".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<Option<String>> {
        let text = raw.text()?;
        if text.is_empty() {
            return Some(None);
        }
        let url = url::Url::parse(text).ok()?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        (plain && bare && url.has_host()).then(|| Some(url.as_str().trim_end_matches('/').to_owned()))
    }

    fn print(&self, value: &Option<String>) -> Json {
        Json::from(value.as_deref().unwrap_or_default())
    }
}

/// One word of letters, digits and `-`; may be empty.
pub(crate) struct Label;

impl Kind for Label {
    type Value = String;

    fn expected(&self) -> String {
        "letters, digits and -".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<String> {
        let text = raw.text()?;
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then(|| text.to_owned())
    }

    fn print(&self, value: &String) -> Json {
        Json::from(value.as_str())
    }
}

/// A text that is never shown again.
pub(crate) struct Hidden;

/// What is shown instead.
const SHOWN: &str = "(hidden)";

impl Kind for Hidden {
    type Value = Secret;

    fn expected(&self) -> String {
        "a text".to_owned()
    }

    fn parse(&self, raw: &Raw) -> Option<Secret> {
        raw.text().map(Secret::from)
    }

    fn print(&self, value: &Secret) -> Json {
        Json::from(if value.expose().is_empty() { "" } else { SHOWN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Raw {
        Raw::Text(value.into())
    }

    #[test]
    fn a_server_has_a_scheme_and_a_host_and_nothing_behind() {
        assert_eq!(OptionalServer.read(&text("http://127.0.0.1:8333/")), Ok(Some("http://127.0.0.1:8333".to_owned())));
        assert_eq!(OptionalServer.read(&text("")), Ok(None));
        for bad in ["127.0.0.1:8333", "ftp://a", "https://a/b", "https://u:p@a", "https://a?b"] {
            assert!(OptionalServer.read(&text(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_read_and_not_printed() {
        let secret = Hidden.read(&text("open sesame")).unwrap();
        assert_eq!((secret.expose(), Hidden.print(&secret)), ("open sesame", Json::from(SHOWN)));
        assert!(!Hidden.read(&Raw::Integer(7)).unwrap_err().to_string().contains("sesame"));
    }
}
