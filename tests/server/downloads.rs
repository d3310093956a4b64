//! Downloads: what is told about an image, whole and in parts, and how one that a client has already is not sent again.

use image::ImageFormat;
use sha2::{Digest, Sha256};

use crate::harness::{Answer, Options, Server};
use crate::images::{self, small_png};
use crate::jobs;

/// A result of a million bytes and more, read from the disk in several chunks: noise does not become smaller.
fn noise() -> Vec<u8> {
    let mut state = 7_u32;
    let pixels = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let image = image::RgbImage::from_raw(700, 700, pixels.take(700 * 700 * 3).collect()).expect("as many bytes as pixels need");
    images::encode(&image.into(), ImageFormat::Png)
}

fn tag(bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digest}\"")
}

/// The header fields that tell of a whole image.
fn assert_told(answer: &Answer, media_type: &str, name: &str) {
    assert_eq!(answer.header("content-type"), media_type);
    assert_eq!(answer.header("etag"), tag(&answer.body));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-disposition"), format!("inline; filename=\"{name}\""));
}

#[test]
fn the_original_and_the_result_of_a_task() {
    let server = Server::new();
    let original = small_png();
    let id = server.upload(&original, "bmp");
    server.wait(&id);
    let answer = server.get(&format!("/v1/tasks/{id}/original"));
    assert_eq!((answer.status, &answer.body), (200, &original), "to the byte");
    assert_told(&answer, "image/png", &format!("{id}-original.png"));
    let paths = [format!("/v1/tasks/{id}/result"), format!("/v1/tasks/{id}/variants/result"), format!("/image/get?id={id}")];
    for path in &paths {
        let (answer, head) = (server.get(path), server.head(path));
        assert_eq!(answer.status, 200);
        assert_eq!(images::decode(&answer.body), images::rgb(40, 30));
        assert_told(&answer, "image/bmp", &format!("{id}.bmp"));
        assert_eq!(answer.header("cache-control"), "private, max-age=31536000, immutable");
        assert!(answer.header("last-modified").ends_with(" GMT"), "{:?}", answer.headers);
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-length", "content-type", "etag", "accept-ranges", "cache-control", "last-modified", "content-disposition"] {
            assert_eq!(head.header(name), answer.header(name), "{name} of HEAD");
        }
    }
}

#[test]
fn an_image_that_is_not_there_says_why() {
    let server = Options::new().set("workers.count", 1).start();
    let held = server.upload(&small_png(), "fault_stop");
    let broken = server.upload(&small_png()[..60], "");
    let several = server.post("/newImage?variants=a=png+b=bmp", "application/octet-stream", &small_png()).text();
    let problem = |id: &str, file: &str| {
        let answer = server.get(&format!("/v1/tasks/{id}/{file}"));
        (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(problem(&held, "result"), (409, "in_progress".into()));
    assert_eq!(server.get(&format!("/v1/tasks/{held}/original")).body, small_png(), "it is there before the result is");
    jobs::wait_for_held(&server, 1)[0].go_on();
    server.wait(&broken);
    server.wait(&several);
    assert_eq!(problem(&broken, "result"), (422, "corrupt_image".into()));
    assert_eq!(server.get(&format!("/v1/tasks/{broken}/original")).status, 200);
    assert_eq!(problem(&several, "result"), (404, "not_found".into()));
    assert_eq!(server.get(&format!("/v1/tasks/{several}/variants/b")).status, 200);
    let unknown = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    assert_eq!([problem(unknown, "result"), problem(unknown, "original")], [(404, "not_found".into()), (404, "not_found".into())]);
}

#[test]
fn a_part_of_an_image() {
    let server = Server::new();
    let id = server.upload(&noise(), "png:compression=fast");
    server.wait(&id);
    let path = format!("/v1/tasks/{id}/result");
    let whole = server.get(&path).body;
    let len = whole.len();
    assert!(len > 1_000_000, "{len}");
    for (range, first, last) in [
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=1000-1999".to_owned(), 1000, 1999),
        // Over the end of a chunk that is read from the disk at once.
        ("bytes=262000-600000".to_owned(), 262_000, 600_000),
        (format!("bytes={}-", len - 5), len - 5, len - 1),
        ("bytes=-300000".to_owned(), len - 300_000, len - 1),
        (format!("bytes=10-{}", len * 2), 10, len - 1),
    ] {
        let answer = server.get_with(&path, "range", &range);
        assert_eq!((answer.status, answer.header("content-range")), (206, format!("bytes {first}-{last}/{len}").as_str()), "{range}");
        assert_eq!(answer.header("content-length"), (last - first + 1).to_string());
        assert_eq!((answer.header("etag"), answer.header("content-type")), (tag(&whole).as_str(), "image/png"));
        assert!(answer.body == whole[first..=last], "the bytes of {range}");
    }
    for range in ["bytes=0-1,5-6", "bytes=7-3", "pages=1-2", "bytes=x"] {
        let answer = server.get_with(&path, "range", range);
        assert_eq!((answer.status, answer.body == whole, answer.header("content-range")), (200, true, ""), "{range}");
    }
    let beyond = server.get_with(&path, "range", &format!("bytes={len}-"));
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{len}").as_str()));
    assert_eq!(beyond.json()["code"], "range_not_satisfiable");
    for (condition, status) in [(tag(&whole), 206), ("\"other\"".to_owned(), 200)] {
        let answer = server.get_with_all(&path, &[("range", "bytes=0-9"), ("if-range", &condition)]);
        assert_eq!(answer.status, status, "{condition}");
    }
}

#[test]
fn an_image_that_the_client_has_is_not_sent_again() {
    let server = Server::new();
    let id = server.upload(&small_png(), "");
    server.wait(&id);
    server.put_bytes("/v1/assets/logo", &small_png());
    for path in
        [format!("/v1/tasks/{id}/result"), format!("/image/get?id={id}"), format!("/v1/tasks/{id}/original"), "/v1/assets/logo".into()]
    {
        let whole = server.get(&path);
        let (tag, date) = (whole.header("etag"), whole.header("last-modified"));
        for condition in [("if-none-match", tag), ("if-none-match", "*"), ("if-modified-since", date)] {
            let answer = server.get_with_all(&path, &[condition]);
            assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, tag), "{path} {condition:?}");
            assert_eq!(answer.header("cache-control"), whole.header("cache-control"));
        }
        for condition in [("if-none-match", "\"other\""), ("if-match", tag), ("if-unmodified-since", date)] {
            assert_eq!(server.get_with_all(&path, &[condition]).body, whole.body, "{path} {condition:?}");
        }
        let refused = server.get_with(&path, "if-match", "\"other\"");
        assert_eq!((refused.status, refused.json()["code"].as_str()), (412, Some("precondition_failed")), "{path}");
    }
    assert_eq!(server.get("/v1/assets/logo").header("cache-control"), "private, no-cache", "another image may stand there tomorrow");
}

#[test]
fn an_image_is_kept_by_clients_no_longer_than_by_the_server() {
    let server = Server::new();
    let task = server.post("/v1/tasks?expires_in=2h", "application/octet-stream", &small_png()).json();
    let id = task["id"].as_str().expect("an id");
    server.wait(id);
    let answer = server.get(&format!("/v1/tasks/{id}/result"));
    let age = answer.header("cache-control").strip_prefix("private, max-age=").and_then(|rest| rest.strip_suffix(", immutable"));
    let age: u64 = age.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{:?}", answer.headers));
    assert!((7_000..=7_200).contains(&age), "{age}");
}
