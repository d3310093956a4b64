//! What a client would rather have: `Prefer` (RFC 7240).

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponseBuilder};

use crate::http::problem::Problem;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What a request prefers. What is not known or not well-formed is passed over, as the RFC wants it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// To wait so long for the end of the task.
    wait: Option<Duration>,
    /// To be answered at once, or after `wait`.
    respond_async: bool,
}

impl Prefer {
    fn of(headers: &HeaderMap) -> Self {
        let mut prefer = Self::default();
        let lists = headers.get_all(PREFER).filter_map(|value| value.to_str().ok());
        for preference in lists.flat_map(|list| list.split(',')) {
            // Parameters of a preference mean nothing here.
            let word = preference.split(';').next().unwrap_or_default();
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                // The first one counts, as the RFC wants it.
                "wait" => prefer.wait = prefer.wait.or_else(|| value.parse().ok().map(Duration::from_secs)),
                "respond-async" => prefer.respond_async = true,
                _ => {}
            }
        }
        prefer
    }

    /// How long to wait, at most `longest`; `None` if the client did not ask for it.
    pub(crate) fn wait(self, longest: Duration) -> Option<Duration> {
        self.wait.map(|wait| wait.min(longest))
    }

    /// Says what was done about it, after a wait of `waited` if there was one.
    pub(crate) fn tell(self, waited: Option<Duration>, response: &mut HttpResponseBuilder) {
        if let Some(applied) = self.applied(waited) {
            response.insert_header((PREFERENCE_APPLIED, applied));
        }
    }

    fn applied(self, waited: Option<Duration>) -> Option<HeaderValue> {
        let wait = waited.map(|waited| format!("wait={}", waited.as_secs_f64().ceil()));
        let words: Vec<String> = self.respond_async.then(|| "respond-async".to_owned()).into_iter().chain(wait).collect();
        let value = HeaderValue::from_str(&words.join(", ")).expect("words and digits are a header value");
        (!words.is_empty()).then_some(value)
    }
}

impl FromRequest for Prefer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn prefer(lines: &[&str]) -> Prefer {
        let request = lines.iter().fold(TestRequest::default(), |request, line| request.append_header((PREFER, *line)));
        Prefer::of(request.to_http_request().headers())
    }

    #[test]
    fn the_first_wait_that_can_be_read_counts() {
        let seconds = |lines: &[&str]| prefer(lines).wait(Duration::from_secs(60)).map(|wait| wait.as_secs());
        for (lines, expected) in [
            (&["wait=10"][..], Some(10)),
            (&["Wait = \"7\"; strict", "wait=3"], Some(7)),
            (&["return=minimal, wait=x, wait=5"], Some(5)),
            (&["wait=600"], Some(60)),
            (&["wait=0"], Some(0)),
            (&["wait=-1"], None),
            (&["respond-async"], None),
            (&[], None),
        ] {
            assert_eq!(seconds(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn only_what_was_done_is_said() {
        let applied = |lines: &[&str], waited| prefer(lines).applied(waited).map(|value| value.to_str().expect("text").to_owned());
        let ten = Some(Duration::from_secs(10));
        assert_eq!(applied(&["wait=600, respond-async"], ten).as_deref(), Some("respond-async, wait=10"));
        assert_eq!(applied(&["respond-async"], None).as_deref(), Some("respond-async"));
        assert_eq!(applied(&["return=minimal"], None), None);
    }
}
