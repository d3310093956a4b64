//! `POST /v1/pipelines/explain`: what would be done, and everything that is wrong.

use serde_json::{Value, json};

use crate::harness::Server;

fn explained(server: &Server, query: &str, text: &str) -> Value {
    let answer = server.post(&format!("/v1/pipelines/explain{query}"), "text/plain", text.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_plan_lists_what_would_be_done_in_its_order() {
    let server = Server::new();
    let told = explained(&server, "", "swap_channels/crop:2000x2000/resize:200x/sepia/webp");
    assert_eq!(told["pipeline"].as_str().expect("a text").split('/').next(), Some("swap_channels:bgr"));
    assert_eq!(told["plan"]["decode"]["scale"], 4);
    let stages: Vec<_> =
        told["plan"]["stages"].as_array().expect("stages").iter().map(|stage| (&stage["stage"], &stage["steps"])).collect();
    assert_eq!(
        stages,
        [(&json!("to_srgb"), &json!([])), (&json!("window"), &json!([2])), (&json!("step"), &json!([3])), (&json!("pass"), &json!([1, 4]))]
    );
    assert!(told["plan"]["memory_bytes"].as_u64() > Some(0) && told["plan"]["time_ms"].as_f64() > Some(0.0));
    let gif = explained(&server, "?format=gif&width=100&height=50&frames=7", r#"{"steps":[{"op":"invert"}]}"#);
    assert_eq!((&gif["image"]["width"], &gif["plan"]["encode"]["frames"], &gif["errors"]), (&json!(100), &json!(7), &json!([])));
}

#[test]
fn every_error_is_told_with_its_place() {
    let server = Server::new();
    let told = explained(&server, "", "rezise:4x4/invert/rotate:900");
    let places: Vec<&Value> = told["errors"].as_array().expect("errors").iter().map(|error| &error["at"]).collect();
    assert_eq!(places, [&json!({"start": 0, "end": 6}), &json!({"start": 25, "end": 28})]);
    assert_eq!((&told["pipeline"], &told["plan"]), (&Value::Null, &Value::Null));
    // The limits and the presets are those in force.
    server.put("/v1/settings/presets.small", r#""resize:100x""#);
    server.put("/v1/settings/limits.max_width", "2000");
    let told = explained(&server, "", "small");
    assert_eq!((&told["json"]["steps"][0]["width"], &told["errors"][0]["code"]), (&json!(100), &json!("too_wide")));
    let nonsense = server.post("/v1/pipelines/explain?width=0", "text/plain", b"invert");
    assert_eq!((nonsense.status, &nonsense.json()["code"]), (400, &json!("invalid_request")));
}
