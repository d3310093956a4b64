//! A proxy between a client and its server that misbehaves when it is told to: it answers 503, is slow or silent, is not there, cuts the line
//! without a word, or swallows replies after the server has done what it was asked.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How the proxy treats requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As if it were not there.
    Honest,
    /// Every request is answered with 503.
    Refusing,
    /// Requests are taken, and nothing is ever said.
    Silent,
    /// Every connection is closed as soon as it comes about.
    Absent,
    /// Every piece of what is sent, in either direction, takes so long.
    Slow(Duration),
    /// The line is cut: nothing passes, and nobody is told. What was sent arrives when it is whole again.
    CutOff,
}

/// Where the server listens.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// On a port of loopback.
    Port(u16),
    /// On a socket in the file system.
    Socket(PathBuf),
}

/// A proxy on a free port of loopback. Its threads end with their connections, and the last one with the process.
pub(crate) struct Proxy {
    port: u16,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    /// Told when the manner changes.
    changed: Condvar,
}

struct State {
    manner: Manner,
    /// So many requests that begin like this lose their reply.
    lose: (Vec<u8>, usize),
    /// Replies that were lost.
    lost: usize,
    /// Closed when the manner changes.
    open: Vec<TcpStream>,
}

impl Default for State {
    fn default() -> Self {
        Self { manner: Manner::Honest, lose: (Vec::new(), 0), lost: 0, open: Vec::new() }
    }
}

impl Proxy {
    /// A proxy before a server on loopback.
    pub(crate) fn before(server: u16) -> Self {
        Self::to(Target::Port(server))
    }

    /// A proxy before a server that listens there.
    pub(crate) fn to(target: Target) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let line = Arc::new(Line::default());
        let shared = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (line, target) = (Arc::clone(&shared), target.clone());
                thread::spawn(move || serve(client, &target, &line));
            }
        });
        Self { port, line }
    }

    /// Where it listens, on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes its manners. Connections are closed, but not because the line is cut or whole again.
    pub(crate) fn be(&self, manner: Manner) {
        let mut state = self.line.lock();
        let cut = [state.manner, manner].contains(&Manner::CutOff);
        state.manner = manner;
        self.line.changed.notify_all();
        let open = if cut { Vec::new() } else { std::mem::take(&mut state.open) };
        drop(state);
        for connection in open {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets the next `count` requests that begin with `start` be carried out, and swallows their replies.
    pub(crate) fn lose_replies(&self, start: &str, count: usize) {
        self.line.lock().lose = (start.as_bytes().to_vec(), count);
    }

    /// How many replies it has swallowed.
    pub(crate) fn lost(&self) -> usize {
        self.line.lock().lost
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when what was sent arrives.
    fn carry(&self) {
        let cut = |state: &mut State| state.manner == Manner::CutOff;
        let state = self.changed.wait_while(self.lock(), cut).unwrap_or_else(PoisonError::into_inner);
        if let slow @ Manner::Slow(time) = state.manner {
            drop(self.changed.wait_timeout_while(state, time, |state| state.manner == slow));
        }
    }
}

fn serve(mut client: TcpStream, target: &Target, line: &Arc<Line>) {
    let manner = line.lock().manner;
    match manner {
        Manner::Absent => {}
        Manner::Refusing => {
            let _ = refuse(&mut client);
        }
        Manner::Silent => {
            remember(&client, line);
            let _ = io::copy(&mut client, &mut io::sink());
        }
        Manner::Honest | Manner::Slow(_) | Manner::CutOff => {
            remember(&client, line);
            line.carry();
            match target {
                Target::Port(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).map(|server| pass_on(client, server, line)),
                Target::Socket(path) => UnixStream::connect(path).map(|server| pass_on(client, server, line)),
            }
            .unwrap_or_default();
        }
    }
}

fn remember(connection: &TcpStream, line: &Line) {
    if let Ok(connection) = connection.try_clone() {
        line.lock().open.push(connection);
    }
}

/// A connection of either kind.
trait Duplex: Read + Write + Send + Sized + 'static {
    fn another(&self) -> io::Result<Self>;
    fn close(&self, how: Shutdown);
}

impl Duplex for TcpStream {
    fn another(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn close(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

impl Duplex for UnixStream {
    fn another(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn close(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

/// Answers a request when its head has come. What is left of it is read, so that the answer is not lost with the connection.
fn refuse(client: &mut TcpStream) -> io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    client.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
    client.shutdown(Shutdown::Write)?;
    io::copy(client, &mut io::sink()).map(drop)
}

/// Passes both directions on; a reply that is to be lost closes both instead.
fn pass_on(client: TcpStream, server: impl Duplex, line: &Arc<Line>) {
    let doomed = Arc::new(Mutex::new(false));
    let (Ok(mut from_client), Ok(mut to_server)) = (client.another(), server.another()) else { return };
    let (on_the_way, shared) = (Arc::clone(&doomed), Arc::clone(line));
    let up = thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut piece) {
            if is_doomed(&piece[..length], &shared) {
                *on_the_way.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            shared.carry();
            if to_server.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        to_server.close(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_server.read(&mut piece) {
        if *doomed.lock().unwrap_or_else(PoisonError::into_inner) {
            line.lock().lost += 1;
            break;
        }
        line.carry();
        if to_client.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    to_client.close(Shutdown::Both);
    from_server.close(Shutdown::Both);
    let _ = up.join();
}

/// Whether a piece begins a request whose reply is to be lost. A client sends the head of a request at once, and no other before its
/// reply.
fn is_doomed(piece: &[u8], line: &Line) -> bool {
    let mut state = line.lock();
    let doomed = state.lose.1 > 0 && piece.starts_with(&state.lose.0);
    state.lose.1 -= usize::from(doomed);
    doomed
}
