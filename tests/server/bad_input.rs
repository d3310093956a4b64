//! Bad input: each kind has a clear status and a sentence, leaves nothing on the disk, and disturbs nobody.

use image::ImageFormat;

use crate::harness::{Answer, Options, Server};
use crate::images::{self, encode, small_png};
use crate::raw::{Client, assert_nothing_left};

const FORM: &str = "multipart/form-data; boundary=b";

/// The status, the code at the start of the text, and that a sentence follows.
fn assert_refused(what: &str, answer: &Answer, status: u16, code: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{what}: {text}");
    let sentence = text.strip_prefix(code).and_then(|rest| rest.strip_prefix(": ")).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(sentence.split(' ').count() > 3, "{what}: {text}");
    assert!(answer.header("content-type").starts_with("text/plain"), "{what}");
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
}

#[test]
fn what_is_no_image_is_refused_at_once() {
    let server = Server::new();
    let part = "--b\r\ncontent-disposition: form-data; name=\"image\"; filename=\"photo.png\"\r\n\r\n";
    let field = "--b\r\ncontent-disposition: form-data; name=\"comment\"\r\n\r\nhello\r\n--b--\r\n";
    let (text, empty) = (format!("{part}I am a text, not an image.\r\n--b--\r\n"), format!("{part}\r\n--b--\r\n"));
    for (what, content_type, body, status, code) in [
        ("nothing", "image/png", "", 400, "empty_body"),
        ("text", "image/png", "I am a text, not an image.", 415, "unsupported_format"),
        ("a short text", "text/plain", "hello", 415, "unsupported_format"),
        ("an empty form", FORM, "", 400, "empty_body"),
        ("an empty file in a form", FORM, &empty, 400, "empty_body"),
        ("text in a form", FORM, &text, 415, "unsupported_format"),
        ("a form without a file", FORM, field, 400, "invalid_request"),
        ("no form", FORM, "I am no form.", 400, "invalid_request"),
        ("half a form", FORM, &part[..40], 400, "invalid_request"),
        ("a form that says no boundary", "multipart/form-data", &text, 400, "invalid_request"),
    ] {
        assert_refused(what, &server.post("/newImage", content_type, body.as_bytes()), status, code);
    }
    let mut chunked = Client::uploading(&server, &["transfer-encoding: chunked"]);
    chunked.send(b"0\r\n\r\n");
    let reply = chunked.answer().expect("an answer");
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.body.starts_with("empty_body: "), "{reply:?}");
    assert_nothing_left(&server, &[]);
}

#[test]
fn a_request_that_asks_for_nonsense_is_told_where() {
    let server = Server::new();
    for (query, code, hint) in [
        ("pipeline=swap_chanels", "invalid_pipeline", "did you mean \"swap_channels\"? (at byte 0)"),
        ("pipeline=invert/rotate:361", "invalid_pipeline", "(at byte 14)"),
        ("pipeline=%7B%22steps%22%3A%5B%7B%22op%22%3A%22x%22%7D%5D%7D", "invalid_pipeline", "(at byte 16)"),
        ("pipeline=nonexistent", "invalid_pipeline", "(at byte 0)"),
        ("pipelines=invert", "invalid_request", "pipelines"),
        ("pipeline=invert&pipeline=invert", "invalid_request", "duplicate"),
    ] {
        let answer = server.post(&format!("/newImage?{query}"), "image/png", &small_png());
        assert_refused(query, &answer, 400, code);
        assert!(answer.text().contains(hint), "{query}: {}", answer.text());
    }
    assert_nothing_left(&server, &[]);
}

#[test]
fn an_image_that_is_cut_off_fails_in_every_format() {
    let server = Server::new();
    let formats =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Qoi];
    let ids = formats.map(|format| {
        let file = encode(&images::rgb(120, 90), format);
        (format, server.upload(&file[..file.len() * 2 / 3], ""))
    });
    for (format, id) in &ids {
        assert_eq!(server.wait(id), "failed: corrupt_image", "{format:?}");
        let task = server.task(id);
        assert_eq!(task["attempts"].as_array().map(Vec::len), Some(1), "no second attempt could help: {task}");
        assert!(task["failure"]["detail"].as_str().is_some_and(|detail| detail.contains(' ')), "{task}");
    }
    assert_nothing_left(&server, &ids.map(|(_, id)| id));
}

#[test]
fn five_gigabytes_are_refused_before_the_first_byte() {
    let server = Server::new();
    for expect in [&[][..], &["expect: 100-continue"]] {
        let headers = [&["content-length: 5368709120", "content-type: image/png"], expect].concat();
        let reply = Client::uploading(&server, &headers).answer().expect("an answer, although no body was sent");
        assert_eq!(reply.status, 413, "{reply:?}");
        assert!(reply.body.starts_with("payload_too_large: the body is larger than the 104857600 bytes"), "{reply:?}");
    }
    let reply = Client::uploading(&server, &["content-length: 99999999999999999999"]).answer().expect("an answer");
    assert!(reply.status == 400 || reply.status == 413, "{reply:?}");
    assert_nothing_left(&server, &[]);
}

#[test]
fn a_body_without_a_length_is_cut_at_the_limit() {
    let server = Options::new().set("uploads.max_bytes", "64KiB").start();
    let mut client = Client::uploading(&server, &["transfer-encoding: chunked"]);
    client.send(b"8\r\n\x89PNG\r\n\x1a\n\r\n");
    // The server hangs up somewhere beyond the limit; what it never took is not sent for ever.
    let sent = (0..4096).take_while(|_| client.try_send_chunk(&[7; 4096])).count();
    let reply = client.answer().expect("an answer");
    assert_eq!(reply.status, 413, "after {sent} chunks: {reply:?}");
    assert!(reply.body.contains("65536 bytes"), "{reply:?}");
    let form = [
        &b"--b\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n\x89PNG\r\n\x1a\n"[..],
        &[7; 70_000],
        b"\r\n--b--\r\n",
    ];
    assert_refused("a form", &server.post("/newImage", FORM, &form.concat()), 413, "payload_too_large");
    assert_nothing_left(&server, &[]);
}

#[test]
fn an_image_beyond_a_limit_says_which_one() {
    let server = Server::new();
    // A picture of 40x30 pixels; with a comment of five bytes.
    let image = encode(&images::rgb(40, 30), ImageFormat::Gif);
    let image = [&image[..image.len() - 1], b"\x21\xfe\x05hello\0\x3b"].concat();
    let mut ids = Vec::new();
    for (key, value, pipeline, code, detail) in [
        ("max_width", 39, "invert", "too_wide", "max_width is 39, found 40"),
        ("max_width", 79, "resize:80x,enlarge=true", "too_wide", "max_width is 79, found 80 after step 1"),
        ("max_height", 29, "invert", "too_tall", "max_height is 29, found 30"),
        ("max_pixels", 1199, "invert", "too_many_pixels", "max_pixels is 1199, found 1200"),
        ("max_output_bytes", 1024, "bmp", "output_too_large", "max_output_bytes is 1024, found"),
    ] {
        let key = format!("/v1/settings/limits.{key}");
        assert_eq!(server.put(&key, &value.to_string()).status, 200);
        let id = server.upload(&image, pipeline);
        assert_eq!(server.wait(&id), format!("failed: {code}"));
        assert!(server.task(&id)["failure"]["detail"].as_str().is_some_and(|found| found.contains(detail)), "{}", server.task(&id));
        assert_eq!(server.image(&id).text(), format!("failed: {code}"));
        assert_eq!(server.delete(&key).status, 204);
        ids.push(id);
    }
    assert_nothing_left(&server, &ids);
}

#[test]
fn metadata_beyond_its_limit_says_so() {
    let server = Options::new().set("limits.max_metadata_bytes", "1KiB").start();
    let image = encode(&images::rgb(40, 30), ImageFormat::Jpeg);
    let comment = [&b"\xff\xfe\x04\x02"[..], &[b'x'; 1024]].concat();
    let id = server.upload(&[&image[..2], &comment, &image[2..]].concat(), "");
    assert_eq!(server.wait(&id), "failed: too_much_metadata");
    let detail = server.task(&id)["failure"]["detail"].to_string();
    assert!(detail.contains("max_metadata_bytes is 1024, found 10"), "{detail}");
    let plain = server.upload(&image, "");
    assert_eq!(server.wait(&plain), "finished");
}

/// Only the head of each request is ever sent.
#[test]
fn a_pipeline_of_too_many_steps_is_refused_before_the_body() {
    let server = Server::new();
    let refused = |steps: usize| {
        let mut client = Client::connect(&server);
        let pipeline = vec!["invert"; steps].join("/");
        client.send(format!("POST /newImage?pipeline={pipeline} HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\n").as_bytes());
        let reply = client.answer().expect("an answer without the body");
        assert_eq!(reply.status, 422, "{reply:?}");
        reply.body
    };
    assert_eq!(refused(65), "too_many_steps: a pipeline has at most 64 steps, found 65 (at byte 448)");
    assert_eq!(server.put("/v1/settings/limits.max_steps", "3").status, 200);
    assert_eq!(refused(4), "too_many_steps: limits.max_steps is 3, found 4; leave out steps");
    assert_eq!(server.process(&small_png(), "invert/invert/invert").status, 200);
    assert_eq!(server.put("/v1/settings/limits.max_steps", "65").status, 422);
}

/// The file is cut off: whoever decodes it, finds it corrupt. Its header alone tells what it would need.
#[test]
fn an_image_beyond_the_memory_fails_before_it_is_decoded() {
    let server = Options::new().set("workers.job_memory", "16MiB").start();
    let file = encode(&images::rgb(3000, 2500), ImageFormat::Png);
    let id = server.upload(&file[..file.len() / 2], "");
    assert_eq!(server.wait(&id), "failed: memory_budget_exceeded");
    let task = server.task(&id);
    assert_eq!(task["attempts"].as_array().map(Vec::len), Some(1), "{task}");
    assert!(task["failure"]["detail"].as_str().is_some_and(|detail| detail.contains("workers.job_memory")), "{task}");
    assert_nothing_left(&server, &[id]);
}

#[test]
fn a_full_server_says_so_before_the_body_and_when_to_come_back() {
    let server = Options::new().set("tasks.queue_limit", 1).start();
    let id = server.upload(&small_png(), "fault_loop");
    // Only the head of the request is ever sent.
    let reply = Client::uploading(&server, &["content-length: 1000"]).answer().expect("an answer without the body");
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.body.starts_with("queue_full: "), "{reply:?}");
    let wait: u64 = reply.head.lines().find_map(|line| line.strip_prefix("retry-after: ")?.parse().ok()).expect("Retry-After in seconds");
    assert!(wait >= 1);
    assert_eq!(server.is_ready(&id), "in progress", "the accepted one is not disturbed");
    let ready = server.get("/readyz");
    assert_eq!((ready.status, server.get("/livez").status), (503, 200), "{}", ready.text());
}
