//! Assets as their users see them: stored under names, replaced, removed; refused where they are no images.

use image::ImageFormat;
use serde_json::{Value, json};
use sha2::Digest;

use crate::harness::{Answer, Options, Server, eventually};
use crate::images::{encode, rgb, rgba};
use crate::raw::Client;

fn logo(width: u32) -> Vec<u8> {
    encode(&rgba(width, 20), ImageFormat::Png)
}

fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Stores an asset, which must be taken.
pub(crate) fn put(server: &Server, name: &str, bytes: &[u8]) -> Value {
    let answer = server.put_bytes(&format!("/v1/assets/{name}"), bytes);
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    answer.json()
}

/// That the answer is a problem with that status and code.
pub(crate) fn assert_refused(what: &str, answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.json()["code"], code, "{what}: {}", answer.text());
}

/// The blobs of assets.
pub(crate) fn blobs(server: &Server) -> usize {
    server.blobs().iter().filter(|name| name.ends_with(".asset")).count()
}

/// Everything that is a blob or is to become one.
fn all_blobs(server: &Server) -> usize {
    server.blobs().len()
}

#[test]
fn an_asset_is_stored_read_replaced_and_removed() {
    let server = Server::new();
    let (first, second) = (logo(30), encode(&rgb(50, 40), ImageFormat::Jpeg));
    let stored = server.put_bytes("/v1/assets/logo", &first);
    assert_eq!(stored.status, 201, "{}", stored.text());
    let asset = stored.json();
    assert_eq!((&asset["name"], &asset["format"]), (&json!("logo"), &json!("png")));
    assert_eq!((&asset["width"], &asset["height"], &asset["bytes"]), (&json!(30), &json!(20), &json!(first.len())));
    assert_eq!(asset["sha256"], sha256(&first));
    assert!(asset["stored_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{asset}");

    let read = server.get("/v1/assets/logo");
    assert_eq!((read.status, read.header("content-type"), &read.body), (200, "image/png", &first));
    assert_eq!(read.header("etag"), format!("\"{}\"", sha256(&first)));
    assert_eq!(stored.header("etag"), read.header("etag"));
    let head = server.head("/v1/assets/logo");
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, read.header("etag"), 0));

    let tag = read.header("etag");
    for (known, status) in [(tag, 304), (&format!("\"x\", W/{tag}"), 304), ("*", 304), ("\"x\"", 200)] {
        let again = server.get_with("/v1/assets/logo", "if-none-match", known);
        assert_eq!((again.status, again.header("etag")), (status, tag), "{known}");
        assert_eq!(again.body.is_empty(), status == 304, "{known}");
    }

    let replaced = server.put_bytes("/v1/assets/logo", &second);
    assert_eq!((replaced.status, &replaced.json()["format"]), (200, &json!("jpeg")));
    assert_ne!(replaced.json()["version"], asset["version"]);
    assert_eq!(server.get("/v1/assets/logo").body, second);

    assert_eq!(server.delete("/v1/assets/logo").status, 204);
    for answer in [server.get("/v1/assets/logo"), server.delete("/v1/assets/logo")] {
        assert_refused("a name that is gone", &answer, 404, "not_found");
    }
}

#[test]
fn assets_are_listed_by_name() {
    let server = Server::new();
    for name in ["c", "a", "b"] {
        put(&server, name, &logo(10));
    }
    let page = |query: &str| {
        let page = server.get_json(&format!("/v1/assets{query}"));
        let names = page["assets"].as_array().into_iter().flatten().filter_map(|asset| asset["name"].as_str().map(str::to_owned));
        (names.collect::<Vec<_>>().join(" "), page["next"].clone())
    };
    assert_eq!(page(""), ("a b c".to_owned(), Value::Null));
    assert_eq!(page("?limit=2"), ("a b".to_owned(), json!("b")));
    assert_eq!(page("?limit=2&cursor=b"), ("c".to_owned(), Value::Null));
    for query in ["?limit=0", "?limit=501", "?cursor=A", "?page=1"] {
        assert_refused(query, &server.get(&format!("/v1/assets{query}")), 400, "invalid_request");
    }
}

#[test]
fn what_cannot_be_an_asset_is_refused_and_leaves_nothing() {
    let server = Options::new().set("limits.max_asset_bytes", "64KiB").set("limits.max_pixels", 10_000).start();
    let put = |name: &str, bytes: &[u8]| server.put_bytes(&format!("/v1/assets/{name}"), bytes);
    let whole = encode(&rgb(90, 60), ImageFormat::Jpeg);
    assert_refused("text", &put("a", b"I am a text, not an image."), 415, "unsupported_format");
    assert_refused("nothing", &put("a", b""), 400, "empty_body");
    assert_refused("a name", &put("A", &whole), 400, "invalid_request");
    // The header is whole, so only the pixels tell.
    assert_refused("a file that is cut off", &put("a", &whole[..whole.len() * 2 / 3]), 422, "corrupt_image");
    assert_refused("a large picture", &put("a", &encode(&rgb(200, 60), ImageFormat::Jpeg)), 422, "too_many_pixels");
    assert_refused("a large file", &put("a", &encode(&rgb(250, 100), ImageFormat::Bmp)), 413, "payload_too_large");
    assert_refused("another method", &server.post("/v1/assets/a", "image/png", &whole), 405, "method_not_allowed");
    let mut client = Client::connect(&server);
    client.send(b"PUT /v1/assets/a HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    let large = encode(&rgb(250, 100), ImageFormat::Bmp);
    // The last is empty and ends the body.
    large.chunks(4096).chain([&[][..]]).take_while(|chunk| client.try_send_chunk(chunk)).for_each(drop);
    assert_eq!(client.answer().expect("an answer").status, 413, "a large file whose length was not told");
    assert_refused("none was stored", &server.get("/v1/assets/a"), 404, "not_found");
    eventually("an empty disk", || (all_blobs(&server) == 0).then_some(()));
}

#[test]
fn there_are_no_more_assets_than_there_may_be() {
    let server = Server::new();
    assert_eq!(server.put("/v1/settings/limits.max_assets", "2").status, 200);
    put(&server, "a", &logo(10));
    put(&server, "b", &logo(11));
    assert_refused("a third", &server.put_bytes("/v1/assets/c", &logo(12)), 409, "too_many_assets");
    put(&server, "b", &logo(13));
    assert_eq!(server.delete("/v1/assets/a").status, 204);
    put(&server, "c", &logo(14));
}

#[test]
fn no_more_are_stored_at_once_than_the_server_takes() {
    let server = Server::new();
    let begun = |_| {
        let mut client = Client::connect(&server);
        client.send(b"PUT /v1/assets/slow HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\n\x89PNG");
        client
    };
    let clients: Vec<Client> = (0..16).map(begun).collect();
    eventually("all of them", || (server.node("frontend")["details"]["storing_assets"] == 16).then_some(()));
    let refused = server.put_bytes("/v1/assets/logo", &logo(10));
    assert_refused("one more", &refused, 503, "queue_full");
    assert_eq!(refused.header("retry-after"), "1");
    drop(clients);
    eventually("room for one more", || (server.put_bytes("/v1/assets/logo", &logo(10)).status == 201).then_some(()));
}

#[test]
fn versions_that_no_name_stands_for_are_swept() {
    let server = Server::new();
    put(&server, "logo", &logo(10));
    put(&server, "logo", &logo(11));
    put(&server, "gone", &logo(12));
    assert_eq!(server.delete("/v1/assets/gone").status, 204);
    assert_eq!(blobs(&server), 3, "young ones are spared: their row may be on its way");
    // The sweep of the start needs no grace: nothing is on its way.
    let server = server.restart_much_later();
    eventually("one version of one asset", || (blobs(&server) == 1).then_some(()));
    assert_eq!(server.get("/v1/assets/logo").body, logo(11));
}

#[test]
fn a_kill_at_any_point_leaves_the_former_or_the_new_asset() {
    let points = ["blobs.write", "blobs.before_rename", "storage.put_done", "frontend.asset_stored", "assets.keep_asset"];
    for point in points.into_iter().chain(["tasks.before_commit", "tasks.after_commit", "assets.answered", "frontend.asset_kept"]) {
        let mut server = Server::new();
        let former = put(&server, "logo", &logo(10));
        // The question for room is answered through the same point.
        let before = if point == "assets.answered" { "1*off->" } else { "" };
        server.arm(point, &format!("{before}1*return(kill)"));
        assert!(server.try_put_bytes("/v1/assets/logo", &logo(11)).is_none(), "{point}");
        assert_eq!(server.exit_code(), None, "{point}: killed, not ended");
        let server = server.restart_much_later();
        let read = server.get("/v1/assets/logo").body;
        let version = server.get_json("/v1/assets")["assets"][0]["version"].clone();
        assert!(read == logo(10) && version == former["version"] || read == logo(11) && version != former["version"], "{point}");
        eventually("one version and nothing else", || (all_blobs(&server) == 1).then_some(()));
    }
}
