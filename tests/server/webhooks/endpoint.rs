//! An endpoint of the test: a small server that notes what it is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::access::ask_json;
use crate::harness::{Options, PATIENCE, Server};

/// A request that an endpoint was sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    fn read(stream: &TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        let mut reader = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        assert!(lines[0].starts_with("POST /hooks HTTP/1.1"), "{lines:?}");
        let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
        let headers: Vec<_> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut request = Self { headers, body: String::new() };
        let length: u64 = request.header("content-length").parse().expect("a length");
        reader.take(length).read_to_string(&mut request.body).expect("a body");
        request
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Whether one of the signatures is by this secret: HMAC by its definition (RFC 2104, 2), for a key shorter than a block.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let secret = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let pad = |byte: u8| (0..64).map(|index| secret.get(index).copied().unwrap_or(0) ^ byte).collect::<Vec<_>>();
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let inner = Sha256::digest([pad(0x36), signed.into_bytes()].concat());
        let expected = format!("v1,{}", STANDARD.encode(Sha256::digest([pad(0x5c), inner.to_vec()].concat())));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// An endpoint that answers each request with the next of its statuses, and with the last of them from then on.
pub(crate) struct Endpoint {
    address: SocketAddr,
    requests: mpsc::Receiver<Request>,
}

impl Endpoint {
    pub(crate) fn new(statuses: &[u16]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"), statuses)
    }

    pub(crate) fn on(listener: TcpListener, statuses: &[u16]) -> Self {
        let address = listener.local_addr().expect("an address");
        let (request_in, requests) = mpsc::channel();
        let mut statuses = statuses.to_vec();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let status = if statuses.len() > 1 { statuses.remove(0) } else { statuses[0] };
                let request = Request::read(&stream);
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\nok");
                (&stream).write_all(answer.as_bytes()).expect("an answer");
                if request_in.send(request).is_err() {
                    return;
                }
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a delivery")
    }
}

/// An address where nobody listens yet.
pub(crate) fn vacant() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

/// A server that may send to endpoints of the test, and does so without long pauses.
pub(crate) fn options() -> Options {
    let reach = Options::new().set("webhooks.allow_private", true).set("webhooks.allow_http", true);
    reach.set("webhooks.backoff_min", "20ms").set("webhooks.backoff_max", "100ms")
}

/// Registers an endpoint; its id and its secret.
pub(crate) fn register(server: &Server, key: Option<&str>, url: &str) -> (String, String) {
    let made = ask_json(server, key, "POST", "/v1/webhooks", &json!({ "url": url }));
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.text());
    let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
    assert_eq!(made.header("location"), format!("/v1/webhooks/{}", text("id")));
    (text("id"), text("secret"))
}
