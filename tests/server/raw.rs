//! HTTP by hand, for clients that no library would be: silent, cut off, or lying about lengths.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::harness::{PATIENCE, Server, eventually};

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A connection on which the test writes what it likes.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
        Self { stream: BufReader::new(stream) }
    }

    /// Begins an upload with these further header lines.
    pub(crate) fn uploading(server: &Server, headers: &[&str]) -> Self {
        Self::uploading_to(server, "/newImage", headers)
    }

    /// Begins an upload to a path and query with these further header lines.
    pub(crate) fn uploading_to(server: &Server, path: &str, headers: &[&str]) -> Self {
        let mut client = Self::connect(server);
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        client.send(format!("POST {path} HTTP/1.1\r\nhost: test\r\n{lines}\r\n").as_bytes());
        client
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the server still takes bytes");
    }

    /// Sends one chunk of a chunked body; `false` once the server has hung up.
    pub(crate) fn try_send_chunk(&mut self, bytes: &[u8]) -> bool {
        self.try_send(&[format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
    }

    /// Sends bytes that the server may not want any more; `false` once it has hung up.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        match self.stream.get_mut().write_all(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the server neither takes bytes nor hangs up"),
            sent => sent.is_ok(),
        }
    }

    /// Whether an answer has begun to arrive.
    pub(crate) fn is_answered(&self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).expect("a socket can be asked without waiting");
        let answered = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).expect("as it was");
        answered
    }

    /// The final answer; interim ones (1xx) are passed over. `None` if the server hangs up without one.
    pub(crate) fn answer(&mut self) -> Option<Reply> {
        loop {
            let head = self.head()?;
            let status = head.split(' ').nth(1)?.parse().ok()?;
            if status >= 200 {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|value| value.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                self.stream.read_exact(&mut body).ok()?;
                return Some(Reply { status, head, body: String::from_utf8_lossy(&body).into_owned() });
            }
        }
    }

    /// The status line and the headers.
    fn head(&mut self) -> Option<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match self.stream.read_line(&mut head) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the server neither answers nor hangs up"),
                Ok(0) | Err(_) => return None,
            }
        }
        Some(head)
    }
}

/// How many uploads are under way.
pub(crate) fn uploading(server: &Server) -> u64 {
    // A busy machine may not let it answer in time; then the tree has no details.
    eventually("the frontend's own counters", || server.node("frontend")["details"]["queue_depth"].as_u64())
}

/// Waits until nothing is on the disk but what belongs to the `tasks` that were accepted; then shows that work is still done.
pub(crate) fn assert_nothing_left(server: &Server, tasks: &[String]) {
    let is_strange = |name: &String| !tasks.iter().any(|id| name.starts_with(id.as_str()));
    // An upload is aborted beside the answer, so the file may outlive it for a moment.
    eventually("a clean disk", || match server.blobs().into_iter().find(is_strange) {
        None if uploading(server) == 0 => Ok(()),
        stranger => Err(format!("{stranger:?}")),
    });
    server.process(&crate::images::small_png(), "");
}
