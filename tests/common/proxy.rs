//! A proxy between a client and its server that misbehaves when it is told to: it answers 503, is silent, is not there, or swallows replies
//! after the server has done what it was asked.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

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
}

/// A proxy on a free port of loopback. Its threads end with their connections, and the last one with the process.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    manner: Manner,
    /// So many requests that begin like this lose their reply.
    lose: (Vec<u8>, usize),
    /// Replies that were lost.
    lost: usize,
    /// Cut off when the manner changes.
    open: Vec<TcpStream>,
}

impl Proxy {
    /// A proxy before a server on loopback.
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(Mutex::new(State { manner: Manner::Honest, lose: (Vec::new(), 0), lost: 0, open: Vec::new() }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(client, server, &state));
            }
        });
        Self { port, state }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes its manners; whoever is connected is cut off.
    pub(crate) fn be(&self, manner: Manner) {
        let mut state = lock(&self.state);
        state.manner = manner;
        for connection in state.open.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets the next `count` requests that begin with `start` be carried out, and swallows their replies.
    pub(crate) fn lose_replies(&self, start: &str, count: usize) {
        lock(&self.state).lose = (start.as_bytes().to_vec(), count);
    }

    /// How many replies it has swallowed.
    pub(crate) fn lost(&self) -> usize {
        lock(&self.state).lost
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut client: TcpStream, server: u16, state: &Arc<Mutex<State>>) {
    let manner = lock(state).manner;
    match manner {
        Manner::Absent => {}
        Manner::Refusing => {
            let _ = refuse(&mut client);
        }
        Manner::Silent => {
            remember(&client, state);
            let _ = io::copy(&mut client, &mut io::sink());
        }
        Manner::Honest => {
            remember(&client, state);
            if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) {
                pass_on(client, server, state);
            }
        }
    }
}

fn remember(connection: &TcpStream, state: &Mutex<State>) {
    if let Ok(connection) = connection.try_clone() {
        lock(state).open.push(connection);
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
fn pass_on(client: TcpStream, server: TcpStream, state: &Arc<Mutex<State>>) {
    let doomed = Arc::new(Mutex::new(false));
    let (Ok(mut from_client), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let (on_the_way, shared) = (Arc::clone(&doomed), Arc::clone(state));
    let up = thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut piece) {
            if is_doomed(&piece[..length], &shared) {
                *on_the_way.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            if to_server.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_server.read(&mut piece) {
        if *doomed.lock().unwrap_or_else(PoisonError::into_inner) {
            lock(state).lost += 1;
            break;
        }
        if to_client.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = (to_client.shutdown(Shutdown::Both), from_server.shutdown(Shutdown::Both));
    let _ = up.join();
}

/// Whether a piece begins a request whose reply is to be lost. A client sends the head of a request at once, and no other before its
/// reply.
fn is_doomed(piece: &[u8], state: &Mutex<State>) -> bool {
    let mut state = lock(state);
    let doomed = state.lose.1 > 0 && piece.starts_with(&state.lose.0);
    state.lose.1 -= usize::from(doomed);
    doomed
}
