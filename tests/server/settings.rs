//! Settings as their users see them: the system's, checked and in force at once, and the user's own.

use serde_json::{Value, json};

use crate::harness::{Server, eventually};
use crate::images::{self, small_png};

fn put(server: &Server, key: &str, value: &str) -> (u16, Value) {
    let answer = server.put(&format!("/v1/settings/{key}"), value);
    (answer.status, answer.json())
}

fn get(server: &Server, key: &str) -> (u16, Value) {
    let answer = server.get(&format!("/v1/settings/{key}"));
    (answer.status, answer.json())
}

/// That the change is refused with 422, and what the refusal says.
fn refusal(server: &Server, key: &str, value: &str) -> String {
    let (status, problem) = put(server, key, value);
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_setting")), "{key}: {problem}");
    problem["detail"].as_str().expect("a sentence").to_owned()
}

#[test]
fn a_setting_that_cannot_be_says_why() {
    let server = Server::new();
    assert_eq!(
        refusal(&server, "workers.count", "257"),
        "workers.count: expected a whole number from 0 to 256, or \"auto\" for the available cores, found 257"
    );
    assert!(refusal(&server, "workers.count", "many").contains("found \"many\""));
    assert_eq!(refusal(&server, "workers.cuont", "4"), "workers.cuont is not a setting of this server; did you mean workers.count?");
    assert!(refusal(&server, "workers", "4").contains("is not a setting"));
    assert!(refusal(&server, "server.listen", "127.0.0.1:1").ends_with("set it in the configuration and restart the server"));
    assert!(refusal(&server, "presets.default", "swap_chanels").contains("did you mean \"swap_channels\"?"));
    assert!(refusal(&server, "presets.resize", "invert").contains("resize"), "an operation's name is taken");
    assert!(refusal(&server, "a%20key", "1").contains("without spaces"));
    assert!(refusal(&server, &"k".repeat(300), "1").contains("256"));
    let large = server.put("/v1/settings/note", &"x".repeat(70_000));
    assert_eq!((large.status, &large.json()["code"]), (413, &json!("payload_too_large")));
    assert_eq!(get(&server, "workers.count").1["value"], 2, "nothing has changed");
}

#[test]
fn own_keys_hold_any_json() {
    let server = Server::new();
    for (value, kept) in [
        (r#"{"theme":"dark","sizes":[1,2.5,null]}"#, json!({ "theme": "dark", "sizes": [1, 2.5, null] })),
        ("true", json!(true)),
        ("plain text", json!("plain text")),
        ("\"4\"", json!("4")),
    ] {
        let (status, setting) = put(&server, "my-app:ui", value);
        assert_eq!((status, &setting["value"], &setting["system"]), (200, &kept, &json!(false)));
        assert_eq!(get(&server, "my-app:ui").1, setting);
    }
    assert_eq!(get(&server, "my-app:ui").1["version"], 4, "it grows with every change");
    let settings = server.get_json("/v1/settings")["settings"].as_array().cloned().expect("a list");
    let keys: Vec<&str> = settings.iter().filter_map(|setting| setting["key"].as_str()).collect();
    assert!(keys.contains(&"my-app:ui") && keys.contains(&"workers.count") && keys.contains(&"presets.default"), "{keys:?}");
    assert_eq!(server.delete("/v1/settings/my-app:ui").status, 204);
    for answer in [server.get("/v1/settings/my-app:ui"), server.delete("/v1/settings/my-app:ui")] {
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("not_found")));
    }
}

#[test]
fn a_system_key_works_at_once_survives_a_restart_and_falls_back() {
    let server = Server::new();
    let workers = |server: &Server, count: usize| eventually("the workers", || (server.workers().len() == count).then_some(()));
    assert_eq!(get(&server, "workers.count").1, json!({ "key": "workers.count", "value": 2, "version": null, "system": true }));
    let (status, setting) = put(&server, "workers.count", "3");
    assert_eq!((status, setting), (200, json!({ "key": "workers.count", "value": 3, "version": 1, "system": true })));
    workers(&server, 3);
    put(&server, "note", "\"kept\"");
    let server = server.kill_and_restart();
    workers(&server, 3);
    assert_eq!((&get(&server, "workers.count").1["value"], &get(&server, "note").1["value"]), (&json!(3), &json!("kept")));
    assert_eq!(server.delete("/v1/settings/workers.count").status, 204);
    workers(&server, 2);
    assert_eq!(get(&server, "workers.count").1["value"], 2, "the configuration's");
    // `auto` is told as the number it means here.
    let (status, setting) = put(&server, "workers.count", "auto");
    assert_eq!((status, setting["value"].is_u64()), (200, true), "{setting}");
}

#[test]
fn a_preset_is_there_for_the_next_upload() {
    let server = Server::new();
    let png = images::encode(&images::rgb(64, 48), image::ImageFormat::Png);
    assert_eq!(server.try_upload(&png, "thumb").status, 400, "not yet");
    assert_eq!(put(&server, "presets.thumb", "resize:16x16/jpeg").0, 200);
    // Followers are told beside the answer.
    let id = eventually("the preset", || Some(server.try_upload(&png, "thumb")).filter(|answer| answer.status == 202)).text();
    assert_eq!(server.wait(&id), "finished");
    let result = server.image(&id);
    assert_eq!((result.header("content-type"), images::decode(&result.body).width()), ("image/jpeg", 16));
    assert_eq!(put(&server, "presets.default", r#"{"steps":[{"op":"grayscale"}],"output":{"format":"bmp"}}"#).0, 200);
    eventually("the default preset", || (server.process(&small_png(), "").header("content-type") == "image/bmp").then_some(()));
    assert_eq!(server.delete("/v1/settings/presets.thumb").status, 204);
    eventually("the preset's end", || (server.try_upload(&png, "thumb").status == 400).then_some(()));
}
