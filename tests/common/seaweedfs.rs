//! A SeaweedFS of a test binary's own: an S3 store on loopback, with its files in a temporary directory.
//!
//! It comes from PyPI (`scripts/install-test-servers`). Where it is missing, the reason is returned and the test is skipped with it. A shell
//! holds the server and ends it when this process is gone, however it went: then the pipe is closed that the shell reads from.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use safelight::stores::s3::{S3Blobs, S3Options};
use tempfile::TempDir;
use uuid::Uuid;

/// Who is let in.
pub(crate) const ACCESS_KEY: &str = "tests";
/// By what.
pub(crate) const SECRET_KEY: &str = "tests-secret";

/// The bucket; the server makes it with the first object.
pub(crate) const BUCKET: &str = "safelight-tests";

const IDENTITIES: &str = r#"{"identities":[{"name":"tests","credentials":[{"accessKey":"tests","secretKey":"tests-secret"}],
    "actions":["Admin","Read","List","Tagging","Write"]}]}"#;

/// Ends the server by its id when the pipe is closed: nobody wants the data.
const HOLD: &str = r#""$@" & server=$!
read -r _; kill -KILL "$server"; wait "$server""#;

/// How long the server may take until it has taken an object.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server; it ends with the value.
pub(crate) struct Seaweed {
    port: u16,
    shell: Child,
    hold: Option<ChildStdin>,
    /// Removed after the server has ended.
    _directory: TempDir,
}

impl Seaweed {
    /// The server that the tests of this binary share.
    ///
    /// # Errors
    /// The reason why there can be none here.
    pub(crate) fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Seaweed, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// A server that has taken an object.
    fn start() -> Result<Self, String> {
        let program = program()?;
        let directory = TempDir::new().map_err(|error| format!("no directory: {error}"))?;
        let ports = free_ports::<8>().map_err(|error| format!("no ports: {error}"))?;
        let mut command = Command::new("sh");
        command.args(["-c", HOLD, "sh"]).arg(program).args(arguments(directory.path(), ports)?).current_dir(directory.path());
        let log = File::create(directory.path().join("log")).map_err(|error| format!("no log: {error}"))?;
        let errors = log.try_clone().map_err(|error| format!("no log: {error}"))?;
        let mut shell = command.stdin(Stdio::piped()).stdout(log).stderr(errors).spawn().map_err(|error| format!("no shell: {error}"))?;
        let hold = shell.stdin.take();
        let server = Self { port: ports[0], shell, hold, _directory: directory };
        server.wait_for_put()?;
        Ok(server)
    }

    /// The server answers long before it can keep anything.
    fn wait_for_put(&self) -> Result<(), String> {
        let begun = Instant::now();
        let spool = TempDir::new().map_err(|error| format!("no directory: {error}"))?;
        loop {
            match S3Blobs::open(&self.options(&self.endpoint()), spool.path()) {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > PATIENCE => return Err(format!("SeaweedFS does not start: {error}")),
                // Each try takes its time: it is repeated with pauses.
                Err(_) => {}
            }
        }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of its S3.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A place of a test's own in the bucket, reached at `endpoint`: that of the server, or of somebody before it.
    pub(crate) fn options(&self, endpoint: &str) -> S3Options {
        let own = Uuid::new_v4().to_string();
        S3Options {
            endpoint: Some(endpoint.to_owned()),
            credentials: Some((ACCESS_KEY.to_owned(), SECRET_KEY.to_owned())),
            ..S3Options::new(BUCKET, &format!("tests/{own}"), &own)
        }
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        drop(self.hold.take());
        let _ = self.shell.wait();
    }
}

fn program() -> Result<PathBuf, String> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-servers/seaweedfs/bin/weed");
    if installed.is_file() { Ok(installed) } else { Err("there is no SeaweedFS: run scripts/install-test-servers".to_owned()) }
}

/// Ports that were free a moment ago, no two alike.
fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

fn arguments(
    directory: &Path,
    [s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc]: [u16; 8],
) -> Result<Vec<String>, String> {
    let (data, identities) = (directory.join("data"), directory.join("identities.json"));
    fs::create_dir(&data).and_then(|()| fs::write(&identities, IDENTITIES)).map_err(|error| format!("no files: {error}"))?;
    let mut arguments: Vec<String> =
        ["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-s3.iam=false"].map(Into::into).into();
    // No ports of its own choice, and little room.
    arguments.extend(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=64"].map(Into::into));
    arguments.extend([format!("-dir={}", data.display()), format!("-s3.config={}", identities.display())]);
    let ports = [("s3.port", s3), ("s3.port.grpc", s3_grpc), ("master.port", master), ("master.port.grpc", master_grpc)];
    let more = [("volume.port", volume), ("volume.port.grpc", volume_grpc), ("filer.port", filer), ("filer.port.grpc", filer_grpc)];
    arguments.extend(ports.iter().chain(&more).map(|(name, port)| format!("-{name}={port}")));
    Ok(arguments)
}
