//! `safelight health`: asks a running server whether it is ready. It speaks just enough HTTP/1.1 for one question, so
//! that a container's health check needs no other program.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cli::{UNUSABLE, print, sources};
use crate::config::Config;

/// How long the whole question may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// How much of the answer is looked at: the status line comes first.
const MAX_HEAD: usize = 4096;

/// The arguments of `health`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    /// The server to ask, such as http://127.0.0.1:8080 [default: the configured server.listen]
    #[arg(long)]
    url: Option<Url>,
    /// The configuration that tells where the server listens [default: ./config.toml where there is one]
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    config: Option<PathBuf>,
}

/// Where to ask: the host and port as they were written, and the path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Url {
    authority: String,
    path: String,
}

/// Why a server does not count as ready.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error("the address {0} cannot be found: {1}")]
    Address(String, io::Error),
    #[error("no answer within {} seconds", DEADLINE.as_secs())]
    TooLate,
    #[error("{0}; is the server running?")]
    NoAnswer(io::Error),
    #[error("the answer is not HTTP: {0:?}")]
    NotHttp(String),
    #[error("it answers {0}")]
    Status(String),
}

impl From<io::Error> for NotReady {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A socket tells its timeout as the one or the other.
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TooLate,
            _ => Self::NoAnswer(error),
        }
    }
}

pub(super) fn run(arguments: Arguments) -> ExitCode {
    let url = match arguments.url {
        Some(url) => url,
        None => match Config::load(&sources::sources(arguments.config, Vec::new())) {
            Ok(config) => Url::of_listener(config.server.listen),
            Err(faults) => {
                eprintln!("{faults}");
                return ExitCode::from(UNUSABLE);
            }
        },
    };
    match ask(&url, Instant::now() + DEADLINE) {
        Ok(()) => print(&format!("the server at {} is ready\n", url.authority)),
        Err(why) => {
            eprintln!("the server at {} is not ready: {why}", url.authority);
            ExitCode::FAILURE
        }
    }
}

impl Url {
    const READY: &str = "/readyz";

    /// How a listener is reached from its own machine.
    fn of_listener(listen: SocketAddr) -> Self {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Self { authority: SocketAddr::new(ip, listen.port()).to_string(), path: Self::READY.to_owned() }
    }
}

impl std::str::FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("http://").ok_or("expected a URL that begins with http://")?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if authority.is_empty() || authority.contains('@') || text.contains(|c: char| c.is_ascii_control() || c == ' ') {
            return Err("expected a URL such as http://127.0.0.1:8080".to_owned());
        }
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let path = if matches!(path, "" | "/") { Self::READY } else { path };
        Ok(Self { authority, path: path.to_owned() })
    }
}

/// Asks, and understands the answer.
fn ask(url: &Url, deadline: Instant) -> Result<(), NotReady> {
    let mut connection = connect(&url.authority, deadline)?;
    write!(connection, "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.path, url.authority)?;
    let line = status_line(&mut connection, deadline)?;
    match line.strip_prefix("HTTP/1.").and_then(|rest| rest.split_once(' ')) {
        Some((_, status)) if status.starts_with('2') => Ok(()),
        Some((_, status)) => Err(NotReady::Status(status.to_owned())),
        None => Err(NotReady::NotHttp(line)),
    }
}

/// Connects to the first address that takes the connection.
fn connect(authority: &str, deadline: Instant) -> Result<TcpStream, NotReady> {
    let not_found = |error| NotReady::Address(authority.to_owned(), error);
    let mut last = not_found(io::ErrorKind::NotFound.into());
    for address in authority.to_socket_addrs().map_err(not_found)? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(connection) => {
                connection.set_write_timeout(Some(left(deadline)?))?;
                return Ok(connection);
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// The first line of the answer, however slowly it trickles, but not after the deadline.
fn status_line(connection: &mut TcpStream, deadline: Instant) -> Result<String, NotReady> {
    let mut head = Vec::new();
    let mut piece = [0; 512];
    while !head.contains(&b'\n') && head.len() < MAX_HEAD {
        connection.set_read_timeout(Some(left(deadline)?))?;
        match connection.read(&mut piece)? {
            0 => break,
            length => head.extend_from_slice(&piece[..length]),
        }
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).trim_end().to_owned())
}

/// The time that is left; never zero, which the socket would take for "no limit".
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    /// A server that reads one request's head, sends `answer`, and waits for the client to go.
    fn server(answer: &'static str) -> (Url, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = Url::of_listener(listener.local_addr().expect("it is bound"));
        let thread = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().expect("the client comes");
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && connection.read(&mut byte).expect("the client writes") == 1 {
                request.push(byte[0]);
            }
            connection.write_all(answer.as_bytes()).expect("the client reads");
            let _ = connection.read(&mut byte);
            String::from_utf8(request).expect("HTTP is text")
        });
        (url, thread)
    }

    fn answer(answer: &'static str) -> (Result<(), String>, String) {
        let (url, thread) = server(answer);
        let result = ask(&url, Instant::now() + DEADLINE).map_err(|why| why.to_string());
        (result, thread.join().expect("the server ends with the client"))
    }

    #[test]
    fn a_ready_server_is_one_that_says_200() {
        let (result, request) = answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(result, Ok(()));
        assert!(request.starts_with("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
    }

    #[test]
    fn a_draining_server_is_quoted() {
        let (result, _) = answer("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert_eq!(result, Err("it answers 503 Service Unavailable".to_owned()));
    }

    #[test]
    fn another_protocol_is_not_ready() {
        let (result, _) = answer("SSH-2.0-OpenSSH\r\n");
        assert_eq!(result, Err("the answer is not HTTP: \"SSH-2.0-OpenSSH\"".to_owned()));
    }

    #[test]
    fn a_silent_server_is_given_up_at_the_deadline() {
        let (url, thread) = server("");
        let result = ask(&url, Instant::now() + Duration::from_millis(50));
        assert!(matches!(result, Err(NotReady::TooLate)), "{result:?}");
        thread.join().expect("the server ends with the client");
    }

    #[test]
    fn nobody_there_is_not_ready() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = Url::of_listener(listener.local_addr().expect("it is bound"));
        drop(listener);
        assert!(matches!(ask(&url, Instant::now() + DEADLINE), Err(NotReady::NoAnswer(_))));
    }

    #[test]
    fn urls_name_a_host_and_may_name_a_path() {
        let url = |text: &str| text.parse::<Url>().map(|url| format!("{} {}", url.authority, url.path));
        assert_eq!(url("http://127.0.0.1:8080").as_deref(), Ok("127.0.0.1:8080 /readyz"));
        assert_eq!(url("http://images/").as_deref(), Ok("images:80 /readyz"));
        assert_eq!(url("http://[::1]:81/livez").as_deref(), Ok("[::1]:81 /livez"));
        for bad in ["127.0.0.1:8080", "https://images", "http://", "http://u@images", "http://images/\r\nX: y"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_listener_on_every_address_is_asked_on_this_machine() {
        let url = |listen: &str| Url::of_listener(listen.parse().expect("an address")).authority;
        assert_eq!(url("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(url("[::]:8080"), "[::1]:8080");
        assert_eq!(url("192.0.2.1:80"), "192.0.2.1:80");
    }
}
