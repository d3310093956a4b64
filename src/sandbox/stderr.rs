//! From a child's standard error to the server's log: cut into lines, each bounded in length and all of them in rate, so
//! that no child can fill the log. Reading goes on past the bounds, or an honest child would block on a full pipe.

use std::time::{Duration, Instant};

use tokio::net::unix::pipe;

use super::printable::printable;

/// Bytes of a line that reach the log; the rest of the line is dropped.
const MAX_LINE: usize = 1024;
/// Lines in one [`WINDOW`] that reach the log; the others are counted.
const MAX_LINES: u64 = 20;
const WINDOW: Duration = Duration::from_secs(1);
/// Bytes that are still read after the child's death; what a grandchild writes later is nobody's.
pub(super) const LAST_WORDS: usize = 256 * 1024;

/// Reads until the pipe is closed.
pub(super) async fn forward(pipe: &pipe::Receiver, lines: &mut Lines) {
    loop {
        if pipe.readable().await.is_err() || drain(pipe, lines, LAST_WORDS) {
            return;
        }
    }
}

/// Reads what is there, about `limit` bytes at most; returns whether the pipe is closed.
pub(super) fn drain(pipe: &pipe::Receiver, lines: &mut Lines, limit: usize) -> bool {
    let mut buffer = [0; 8192];
    let mut taken = 0;
    while taken < limit {
        match pipe.try_read(&mut buffer) {
            Ok(0) => return true,
            Ok(n) => {
                taken += n;
                lines.push(&buffer[..n], Instant::now());
            }
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
    false
}

/// Cuts what one child writes into lines and logs them.
#[derive(Debug)]
pub(super) struct Lines {
    pid: i32,
    line: Vec<u8>,
    window: Option<Instant>,
    logged: u64,
    suppressed: u64,
}

impl Lines {
    pub(super) fn new(pid: i32) -> Self {
        Self { pid, line: Vec::new(), window: None, logged: 0, suppressed: 0 }
    }

    /// Takes the next bytes, which arrived at `now`.
    fn push(&mut self, bytes: &[u8], now: Instant) {
        let mut parts = bytes.split(|byte| *byte == b'\n');
        self.extend(parts.next().unwrap_or_default());
        for part in parts {
            self.end_line(now);
            self.extend(part);
        }
    }

    /// Logs what is left without a line break at its end, and how much was suppressed.
    pub(super) fn finish(&mut self, now: Instant) {
        if !self.line.is_empty() {
            self.end_line(now);
        }
        self.tell_suppressed();
    }

    fn extend(&mut self, part: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_line(&mut self, now: Instant) {
        if self.window.is_none_or(|start| now - start >= WINDOW) {
            self.tell_suppressed();
            (self.window, self.logged) = (Some(now), 0);
        }
        if self.logged < MAX_LINES {
            self.logged += 1;
            let text = printable(&String::from_utf8_lossy(&self.line), MAX_LINE);
            log::warn!(pid = self.pid, text; "a child process wrote to its standard error");
        } else {
            self.suppressed += 1;
        }
        self.line.clear();
    }

    fn tell_suppressed(&mut self) {
        if self.suppressed > 0 {
            log::warn!(pid = self.pid, lines = self.suppressed; "a child process wrote more to its standard error than is logged");
            self.suppressed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_takes_bounded_memory() {
        let (mut lines, now) = (Lines::new(1), Instant::now());
        for _ in 0..1000 {
            lines.push(&[b'x'; 8192], now);
        }
        assert_eq!(lines.line.len(), MAX_LINE);
        lines.push(b"\nnext", now);
        assert_eq!((lines.line.as_slice(), lines.logged), (&b"next"[..], 1));
    }

    #[test]
    fn a_flood_of_lines_is_counted_instead_of_logged() {
        let (mut lines, now) = (Lines::new(1), Instant::now());
        lines.push("x\n".repeat(100).as_bytes(), now);
        assert_eq!((lines.logged, lines.suppressed), (MAX_LINES, 100 - MAX_LINES));
        lines.push(b"y\n", now + WINDOW);
        assert_eq!((lines.logged, lines.suppressed), (1, 0));
    }
}
