//! Who may do what: keys and their life, quotas, and every route with every scope.

mod command_line;
mod keys;
mod matrix;
mod quotas;
pub(crate) mod routes;

use serde_json::{Value, json};
use ureq::Agent;

use crate::harness::{Answer, PATIENCE, Server};

/// Asks as the holder of a key. The body of a good answer is not read: it may have no end.
pub(crate) fn ask_as(server: &Server, key: Option<&str>, method: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
    let config = Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true).timeout_global(Some(PATIENCE));
    let agent: Agent = config.build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", server.address()));
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let (parts, mut answer) = match method {
        "GET" | "HEAD" | "DELETE" => agent.run(request.body(()).expect("a request")),
        _ => agent.run(request.header("content-type", content_type).body(body).expect("a request")),
    }
    .expect("the server answers")
    .into_parts();
    let is_stream = parts.headers.get("content-type").is_some_and(|media_type| media_type == "text/event-stream");
    let body = if is_stream { Vec::new() } else { answer.read_to_vec().expect("a whole body") };
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// Asks with JSON.
pub(crate) fn ask_json(server: &Server, key: Option<&str>, method: &str, path: &str, body: &Value) -> Answer {
    ask_as(server, key, method, path, "application/json", body.to_string().as_bytes())
}

/// Makes a key and returns its id and what its holder shows. The maker must be let in itself.
pub(crate) fn make_key(server: &Server, maker: Option<&str>, scopes: &[&str], quota: &Value) -> (String, String) {
    let made = ask_json(server, maker, "POST", "/v1/keys", &json!({ "name": "test", "scopes": scopes, "quota": quota }));
    assert_eq!(made.status, 201, "{}", made.text());
    let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

/// The code of a problem.
fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().expect("a problem").to_owned()
}
