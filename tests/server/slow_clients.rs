//! Clients that send half a body and then nothing, or hang up: they cost neither disk nor anybody else's time.

use crate::harness::{Options, Server, eventually};
use crate::images::small_png;
use crate::raw::{Client, assert_nothing_left, uploading};

const CLIENTS: usize = 100;

/// A client that has sent half of an image and sends no more.
fn half_sent(server: &Server) -> Client {
    let image = small_png();
    let mut client = Client::uploading(server, &[&format!("content-length: {}", image.len()), "content-type: image/png"]);
    client.send(&image[..image.len() / 2]);
    client
}

#[test]
fn a_hundred_hanging_clients_do_not_disturb_another_one() {
    // Nothing gives up on them by itself while the other one works.
    let server = Options::new().set("uploads.idle_timeout", "5m").start();
    let hanging: Vec<Client> = (0..CLIENTS).map(|_| half_sent(&server)).collect();
    eventually("a hundred uploads under way", || (uploading(&server) == CLIENTS as u64).then_some(()));
    server.process(&small_png(), "");
    assert_eq!(uploading(&server), CLIENTS as u64, "they still hang");
    drop(hanging);
    assert_nothing_left(&server, &server_tasks(&server));
}

#[test]
fn a_body_that_stalls_is_given_up() {
    let server = Options::new().set("uploads.idle_timeout", "300ms").start();
    let mut hanging: Vec<Client> = (0..CLIENTS).map(|_| half_sent(&server)).collect();
    let mut chunked = Client::uploading(&server, &["transfer-encoding: chunked"]);
    chunked.send(b"4\r\n\x89PNG\r\n");
    let mut form = Client::uploading(&server, &["content-length: 5000", "content-type: multipart/form-data; boundary=b"]);
    form.send(b"--b\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n\x89PNG\r\n");
    let mut silent = Client::uploading(&server, &["content-length: 5000"]);
    for client in hanging.iter_mut().chain([&mut chunked, &mut form, &mut silent]) {
        let reply = client.answer().expect("an answer");
        assert_eq!(reply.status, 408, "{reply:?}");
        assert_eq!(reply.body, "upload_timeout: no byte of the body arrived for 0.3 s; send it again");
    }
    assert_nothing_left(&server, &[]);
}

#[test]
fn a_body_that_drips_has_a_deadline_too() {
    let server = Options::new().set("uploads.idle_timeout", "2s").set("uploads.total_timeout", "2s").start();
    let mut client = Client::uploading(&server, &["transfer-encoding: chunked"]);
    client.send(b"8\r\n\x89PNG\r\n\x1a\n\r\n");
    eventually("the end of the server's patience", || {
        client.try_send_chunk(b"x");
        client.is_answered().then_some(())
    });
    let reply = client.answer().expect("an answer");
    assert_eq!((reply.status, reply.body.starts_with("upload_timeout: the body took longer")), (408, true), "{reply:?}");
    assert_nothing_left(&server, &[]);
}

#[test]
fn headers_that_never_end_are_given_up() {
    let server = Options::new().set("server.header_timeout", "1s").start();
    let mut client = Client::connect(&server);
    client.send(b"POST /newImage HTTP/1.1\r\nhost: te");
    // Told so, or hung up on: in both cases the connection ends.
    if let Some(reply) = client.answer() {
        assert_eq!(reply.status, 408, "{reply:?}");
    }
    assert_nothing_left(&server, &[]);
}

#[test]
fn a_client_that_hangs_up_leaves_nothing() {
    let server = Server::new();
    let clients: Vec<Client> = (0..10).map(|_| half_sent(&server)).collect();
    eventually("the uploads under way", || (uploading(&server) == 10).then_some(()));
    drop(clients);
    assert_nothing_left(&server, &[]);
    assert_eq!(server.get_json("/v1/tasks")["tasks"].as_array().map(Vec::len), Some(1), "only the one that shows that work is done");
}

/// The ids of every task that the server knows.
fn server_tasks(server: &Server) -> Vec<String> {
    let tasks = server.get_json("/v1/tasks")["tasks"].as_array().cloned().unwrap_or_default();
    tasks.iter().filter_map(|task| task["id"].as_str().map(str::to_owned)).collect()
}
