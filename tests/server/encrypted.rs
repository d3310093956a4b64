//! TLS to PostgreSQL: everything is encrypted, and only to a server that somebody vouches for who is trusted.
//!
//! The certificates in `tls/` are of an authority of these tests, for a server called `localhost` (`openssl x509 -in tls/server.pem -text`).

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, thread};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

use crate::cluster::Cluster;
use crate::harness::Options;
use crate::images::small_png;
use crate::starting::{WAITS, give_up};

/// What a client sends that asks for TLS (PostgreSQL's SSLRequest).
const ASKS_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn of_tests(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/tls").join(name)
}

/// Speaks TLS to whoever comes, and nothing else, before the server behind a socket. The port.
fn speak_tls_before(socket: PathBuf) -> u16 {
    let chain = CertificateDer::pem_file_iter(of_tests("server.pem")).and_then(Iterator::collect).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(of_tests("server.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("they belong together");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    // It ends with the process.
    thread::spawn(move || {
        runtime.block_on(async {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, acceptor.clone(), socket.clone()));
            }
        });
    });
    port
}

async fn serve(mut client: TcpStream, acceptor: TlsAcceptor, socket: PathBuf) -> io::Result<()> {
    let mut first = [0; ASKS_FOR_TLS.len()];
    client.read_exact(&mut first).await?;
    if first != ASKS_FOR_TLS {
        return Ok(());
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    copy_bidirectional(&mut client, &mut UnixStream::connect(socket).await?).await.map(drop)
}

/// A database that is reached by TLS only: what follows the host in its URL, with the port.
fn database() -> Option<String> {
    let url = Cluster::shared().inspect_err(|why| println!("skipped: {why}")).ok()?.database();
    let (host, name) = url.split_once('@').and_then(|(_, place)| place.split_once('/')).expect("a host and a name");
    let port = speak_tls_before(Path::new(&host.replace("%2F", "/")).join(".s.PGSQL.5432"));
    Some(format!(":{port}/{name}"))
}

#[test]
fn everything_goes_through_tls_to_a_server_that_somebody_vouches_for() {
    let Some(place) = database() else { return };
    let url = format!("postgres://safelight@localhost{place}?sslmode=require");
    let server = Options::new().set("data.tasks", url).set("data.tasks_ca", of_tests("ca.pem").display()).start();
    assert_eq!(server.process(&small_png(), "invert").status, 200);
    // The pools, the hints and the duty of the janitor: none is let through unencrypted.
    crate::harness::eventually("the janitor", || (server.node("janitor")["details"]["on_duty"] == true).then_some(()));
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused_at_once() {
    let Some(place) = database() else { return };
    let (ca, key) = (of_tests("ca.pem").display().to_string(), of_tests("server.key").display().to_string());
    let encrypted = |host: &str| format!("postgres://safelight@{host}{place}?sslmode=require");
    for (url, ca, why) in [
        (encrypted("localhost"), "", "UnknownIssuer"),
        (encrypted("127.0.0.1"), ca.as_str(), "certificate"),
        (encrypted("localhost"), key.as_str(), "data.tasks_ca is a file"),
        (encrypted("localhost"), "/nowhere/ca.pem", "data.tasks_ca is a file"),
        (format!("postgres://safelight@localhost{place}"), ca.as_str(), "sslmode=require"),
    ] {
        let (said, code) = give_up(&[("SAFELIGHT__DATA__TASKS", &url), ("SAFELIGHT__DATA__TASKS_CA", ca)]);
        assert_eq!((said.contains(why), said.contains(WAITS), code), (true, false, Some(1)), "{url}, {ca:?}: {said}");
    }
}
