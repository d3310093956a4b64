//! An answer of the server, read whole.

use std::fmt::Debug;
use std::io::Read;

use serde_json::Value;
use ureq::http::{HeaderMap, Response};

/// An answer of the server, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The answer of a server that runs.
pub(crate) fn answer<E: Debug>(response: Result<Response<ureq::Body>, E>) -> Answer {
    let response = response.expect("the server answers");
    try_answer(Ok::<_, E>(response)).expect("the whole body arrives")
}

/// The answer of a server that may end meanwhile.
pub(crate) fn try_answer<E>(response: Result<Response<ureq::Body>, E>) -> Option<Answer> {
    let (parts, mut body) = response.ok()?.into_parts();
    let mut bytes = Vec::new();
    body.as_reader().read_to_end(&mut bytes).ok()?;
    Some(Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes })
}
