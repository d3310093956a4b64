//! Streams of events: what they tell, how a client goes on where it was, and what ends them.

use std::io::{BufRead, BufReader};

use rustix::process::Signal;
use serde_json::{Value, json};
use ureq::Agent;

use crate::access::{ask_as, make_key};
use crate::harness::{Options, PATIENCE, Server, eventually};
use crate::images::small_png;
use crate::jobs::{self, Held, Job};

/// A stream that is read line by line.
struct Stream {
    status: u16,
    lines: Box<dyn BufRead>,
}

/// One event, or an empty line that means nothing.
#[derive(Debug, Clone, PartialEq, Default)]
struct Frame {
    id: String,
    event: String,
    data: Value,
}

impl Stream {
    fn open(server: &Server, path: &str, last_event_id: Option<&str>) -> Self {
        let headers = last_event_id.map(|id| ("last-event-id", id));
        Self::open_with(server, path, &headers.into_iter().collect::<Vec<_>>())
    }

    fn open_with(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).timeout_recv_body(Some(PATIENCE)).build().into();
        let request = agent.get(format!("http://{}{path}", server.address()));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (parts, body) = request.call().expect("an answer").into_parts();
        if parts.status == 200 {
            assert_eq!(parts.headers["content-type"], "text/event-stream");
            assert_eq!(parts.headers["cache-control"], "no-store");
        }
        Self { status: parts.status.as_u16(), lines: Box::new(BufReader::new(body.into_reader())) }
    }

    /// The next block of lines; `None` at the end.
    fn block(&mut self) -> Option<Vec<String>> {
        let mut block = Vec::new();
        loop {
            let mut line = String::new();
            match self.lines.read_line(&mut line).expect("the stream can be read") {
                0 => return None,
                _ if line == "\n" => return Some(block),
                _ => block.push(line.trim_end().to_owned()),
            }
        }
    }

    /// The next event; `None` at the end. What only keeps the connection alive is passed over.
    fn next(&mut self) -> Option<Frame> {
        loop {
            let mut frame = Frame::default();
            for line in self.block()? {
                match line.split_once(": ") {
                    Some(("id", id)) => id.clone_into(&mut frame.id),
                    Some(("event", event)) => event.clone_into(&mut frame.event),
                    Some(("data", data)) => frame.data = serde_json::from_str(data).expect("data is JSON"),
                    _ => assert!(line == ":" || line == "retry: 2000", "{line}"),
                }
            }
            if !frame.id.is_empty() {
                return Some(frame);
            }
        }
    }

    fn rest(mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

/// In short: the state that was entered, or the variant that is there.
fn short(frames: &[Frame]) -> Vec<String> {
    let word = |frame: &Frame| match frame.event.as_str() {
        "state" => frame.data["state"].as_str().unwrap_or_default().to_owned(),
        "result" => format!("{} {}/{}", frame.data["variant"].as_str().unwrap_or_default(), frame.data["done"], frame.data["of"]),
        other => other.to_owned(),
    };
    frames.iter().map(word).collect()
}

const LIFE: [&str; 5] = ["not_started", "in_progress", "a 1/2", "b 2/2", "finished"];

fn two_variants(server: &Server) -> String {
    let answer = server.post("/v1/tasks?variants=a=invert+b=fault_stop", "image/png", &small_png());
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_stream_tells_the_life_of_a_task_and_ends_with_it() {
    let server = Server::new();
    let id = two_variants(&server);
    let path = format!("/v1/tasks/{id}/events");
    // The child stands still between the two results, so the first three are told as they happen or happened.
    jobs::wait_for_held(&server, 1);
    let mut stream = Stream::open(&server, &path, None);
    let first: Vec<Frame> = (0..3).map(|_| stream.next().expect("an event")).collect();
    jobs::held(&server).iter().for_each(Held::go_on);
    let frames = [first, stream.rest()].concat();
    assert_eq!(short(&frames), LIFE);
    assert!(frames.iter().all(|frame| frame.data["task"] == *id && frame.data["run"] == 1 && frame.data["at"].is_string()), "{frames:?}");
    let result = &server.task(&id)["variants"]["a"]["result"];
    assert_eq!([&frames[2].data["bytes"], &frames[2].data["width"]], [&result["bytes"], &result["width"]]);

    // Later the same is told from the store, or the rest of it.
    assert_eq!(Stream::open(&server, &path, None).rest(), frames);
    assert_eq!(Stream::open(&server, &path, Some(&frames[1].id)).rest(), frames[2..]);
    assert_eq!(Stream::open(&server, &path, Some(&frames[4].id)).status, 204, "there is nothing to come back for");
    assert_eq!(server.node("notifier")["details"]["streams"], 0);
}

#[test]
fn a_stream_of_everything_goes_on_where_it_was() {
    let server = Server::new();
    let mut live = Stream::open(&server, "/v1/events", None);
    let first = two_variants(&server);
    let seen: Vec<Frame> = (0..3).map(|_| live.next().expect("an event")).collect();
    assert_eq!(short(&seen), LIFE[..3]);
    drop(live);
    jobs::held(&server).iter().for_each(Held::go_on);
    let second = server.upload(&small_png()[..60], "");
    assert_eq!((server.wait(&second), server.wait(&first)), ("failed: corrupt_image".into(), "finished".into()));

    let mut missed = Stream::open(&server, "/v1/events", Some(&seen[2].id));
    let missed: Vec<Frame> = (0..5).map(|_| missed.next().expect("an event")).collect();
    let of = |id: &str| short(&missed.iter().filter(|frame| frame.data["task"] == *id).cloned().collect::<Vec<_>>());
    assert_eq!(
        (of(&first), of(&second)),
        (vec!["b 2/2".into(), "finished".into()], vec!["not_started".into(), "in_progress".into(), "failed".into()])
    );
    let code = missed.iter().find(|frame| frame.data["state"] == "failed").map(|frame| frame.data["code"].clone());
    assert_eq!(code, Some(json!("corrupt_image")));
    let mut all = Stream::open(&server, "/v1/events", Some("0"));
    assert_eq!((0..8).map(|_| all.next().expect("an event")).collect::<Vec<_>>(), [seen, missed].concat(), "from the beginning");
}

#[test]
fn what_was_forgotten_is_told_as_a_gap_and_a_task_as_it_is() {
    let server = Options::new().set("watch.keep_events", 1).start();
    let id = server.upload(&small_png(), "");
    server.wait(&id);
    eventually("the end of old events", || server.node("notifier")["details"]["forgotten"].as_u64().filter(|forgotten| *forgotten >= 3));
    let mut stream = Stream::open(&server, "/v1/events", Some("1"));
    assert_eq!(short(&[stream.next().expect("an event"), stream.next().expect("an event")]), ["gap", "finished"]);
    let mut foreign = Stream::open(&server, "/v1/events", Some("1000000"));
    assert_eq!(foreign.next().expect("an event").event, "gap", "an id of another server");
    assert_eq!(short(&Stream::open(&server, &format!("/v1/tasks/{id}/events"), Some("1")).rest()), ["finished"]);

    // With none of its events left.
    let other = server.upload(&small_png(), "");
    server.wait(&other);
    assert_eq!(short(&Stream::open(&server, &format!("/v1/tasks/{id}/events"), None).rest()).last().map(String::as_str), Some("finished"));
}

#[test]
fn a_silent_stream_beats_and_a_client_that_is_gone_is_noticed() {
    let server = Options::new().set("watch.heartbeat", "100ms").set("watch.max_streams", 1).start();
    let mut stream = Stream::open(&server, "/v1/events", None);
    assert_eq!(stream.block().expect("the beginning"), ["retry: 2000"]);
    (0..3).for_each(|_| assert_eq!(stream.block().expect("a heartbeat"), [":"]));
    let refused = server.get("/v1/events");
    assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("too_many_watchers")));
    assert_eq!(refused.header("retry-after"), "1");
    drop(stream);
    eventually("room", || (server.node("notifier")["details"]["streams"] == 0).then_some(()));
    assert_eq!(server.head("/v1/events").status, 200, "without a body that never ends");
    eventually("room", || (server.node("notifier")["details"]["streams"] == 0).then_some(()));
    assert_eq!(Stream::open(&server, "/v1/events", None).block().expect("the beginning"), ["retry: 2000"]);
}

#[test]
fn a_stream_of_everything_has_only_what_is_ones_own() {
    let server = Server::new();
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let [mine, other] = [(); 2].map(|()| make_key(&server, Some(&admin), &["submit", "read"], &json!({})).1);
    let bearers = [&mine, &other, &admin].map(|key| format!("Bearer {key}"));
    let mut streams = bearers.each_ref().map(|bearer| Stream::open_with(&server, "/v1/events", &[("authorization", bearer)]));
    let ids = [&mine, &other].map(|key| ask_as(&server, Some(key), "POST", "/newImage", "image/png", &small_png()).text());
    let mut told = |stream: usize, count: usize| -> Vec<Frame> { (0..count).map(|_| streams[stream].next().expect("an event")).collect() };
    let (own, theirs, all) = (told(0, 4), told(1, 4), told(2, 8));
    assert!(own.iter().all(|frame| frame.data["task"] == *ids[0]) && theirs.iter().all(|frame| frame.data["task"] == *ids[1]));
    // Also what is read from the store.
    let mut again = Stream::open_with(&server, "/v1/events", &[("authorization", &bearers[0]), ("last-event-id", "0")]);
    assert_eq!((0..4).map(|_| again.next().expect("an event")).collect::<Vec<_>>(), own);
    assert_eq!(short(&own), ["not_started", "in_progress", "result 1/1", "finished"]);
    assert_eq!(all.iter().filter(|frame| own.contains(frame)).count(), 4);
}

#[test]
fn a_stream_does_not_outlive_its_key() {
    let server = Options::new().set("watch.heartbeat", "1h").set("tasks.deadline", "10m").start();
    // Opened while there was no key.
    let keyless = Stream::open(&server, "/v1/events", None);
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let (id, key) = make_key(&server, Some(&admin), &["submit", "read"], &json!({}));
    let mut stream = Stream::open_with(&server, "/v1/events", &[("authorization", &format!("Bearer {key}"))]);
    let held = ask_as(&server, Some(&key), "POST", "/v1/tasks?pipeline=fault_loop", "image/png", &small_png());
    assert_eq!(held.status, 202);
    assert!(stream.next().is_some(), "it is told of its own task");
    assert!(keyless.rest().is_empty(), "its next frame would have been the first that needs a key");
    assert_eq!(ask_as(&server, Some(&admin), "DELETE", &format!("/v1/keys/{id}"), "", b"").status, 204);
    let held = held.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(ask_as(&server, Some(&admin), "POST", &format!("/v1/tasks/{held}/cancel"), "", b"").status, 200);
    // An hour before the next heartbeat.
    let told = stream.rest();
    assert!(told.iter().all(|frame| frame.data["state"] != "cancelled"), "nothing is told once the key has ended: {told:?}");
}

#[test]
fn what_cannot_be_streamed_is_refused() {
    let server = Server::new();
    let id = server.upload(&small_png(), "");
    server.wait(&id);
    for (path, last, status, code) in [
        ("/v1/tasks/67e55044-10b1-426f-9247-bb680e5fe0c8/events", "1", 404, "not_found"),
        ("/v1/tasks/x/events", "1", 404, "not_found"),
        (&format!("/v1/tasks/{id}/events"), "x", 400, "invalid_request"),
        ("/v1/events", "-1", 400, "invalid_request"),
    ] {
        let answer = server.get_with(path, "last-event-id", last);
        assert_eq!((answer.status, answer.json()["code"].clone()), (status, json!(code)), "{path}: {}", answer.text());
    }
    assert_eq!(server.node("notifier")["details"]["streams"], 0);
}

#[test]
fn a_stop_ends_streams_while_jobs_still_run() {
    let mut server = Server::new();
    server.stay_with_worker();
    let job = Job::upload_held(&server, 0);
    jobs::wait_for_held(&server, 1);
    let path = format!("/v1/tasks/{}/events", job.id);
    let streams: Vec<Stream> = (0..20).map(|n| Stream::open(&server, if n % 2 == 0 { &path } else { "/v1/events" }, None)).collect();
    eventually("streams", || (server.node("notifier")["details"]["streams"] == 20).then_some(()));
    server.signal(Signal::TERM);
    let told: Vec<_> = streams.into_iter().map(|stream| short(&stream.rest())).collect();
    assert!(told.iter().step_by(2).all(|told| *told == LIFE[..2]), "{told:?}");
    assert_eq!(jobs::held(&server).len(), 1, "nobody has waited for the job");
    let refused = server.get("/v1/events");
    assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("draining")));
    jobs::held(&server).iter().for_each(Held::go_on);
    server.exit_code();
    jobs::finish_all(&server.restart(), &[job]);
}
