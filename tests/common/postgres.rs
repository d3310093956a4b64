//! A PostgreSQL of a test binary's own: a throwaway cluster in a temporary directory, reached through a Unix socket in it.
//!
//! Needs Debian's packages (`scripts/install-test-servers`). Where they are missing, the reason is returned and the test is skipped with it.
//! The server refuses to be root's, so root starts it as another user. A shell holds it and ends it when this process is gone, however
//! it went: then the pipe is closed that the shell reads from.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

/// Whoever may own the server's files where this process is root's.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Ends the server by its id, as a crash would, when it is told to or the pipe is closed; then nobody wants the data any more.
/// A server of ours has up to nine connections, and one test up to seven clusters of three.
const HOLD: &str = r#""$1" -D "$2/data" -k "$2" -c listen_addresses= -c port=5432 -c max_connections=400 $3 & server=$!
read -r told; kill -QUIT "$server"; wait "$server"; [ -n "$told" ] || rm -rf "$2""#;

/// A cluster; its server ends with the value.
pub(crate) struct Cluster {
    directory: PathBuf,
    programs: PathBuf,
    user: Option<&'static str>,
    settings: &'static str,
    running: Mutex<Option<Running>>,
    databases: AtomicU32,
}

struct Running {
    shell: Child,
    hold: Option<ChildStdin>,
}

impl Cluster {
    /// The cluster that the tests of this binary share. It does not survive a power cut, which no test of it is about.
    ///
    /// # Errors
    /// The reason why there can be none here.
    pub(crate) fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        SHARED.get_or_init(|| Cluster::start("-c fsync=off")).as_ref().map_err(Clone::clone)
    }

    /// A cluster whose server runs.
    ///
    /// # Errors
    /// The reason why there can be none here.
    pub(crate) fn start(settings: &'static str) -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::start_in(memory, settings) } else { Self::start_in(&std::env::temp_dir(), settings) }
    }

    /// The same, with its files somewhere below `parent`.
    ///
    /// # Errors
    /// The reason why there can be none here.
    pub(crate) fn start_in(parent: &Path, settings: &'static str) -> Result<Self, String> {
        let programs = programs()?;
        let user = if rustix::process::geteuid().is_root() { Some(user()?) } else { None };
        let directory = tempfile::Builder::new().prefix("pg").tempdir_in(parent).map_err(|error| format!("no directory: {error}"))?.keep();
        let cluster = Self { directory, programs, user, settings, running: Mutex::new(None), databases: AtomicU32::new(0) };
        cluster.init()?;
        cluster.run()?;
        Ok(cluster)
    }

    fn init(&self) -> Result<(), String> {
        // The directory was made for this user alone; the server's may be another.
        if let Some(user) = self.user {
            done(Command::new("chown").arg(user).arg(&self.directory))?;
        }
        fs::set_permissions(&self.directory, Permissions::from_mode(0o755)).map_err(|error| format!("no permissions: {error}"))?;
        let mut init = self.command(&self.programs.join("initdb"));
        init.arg("-D").arg(self.directory.join("data"));
        done(init.args(["-U", "safelight", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]))
    }

    /// Starts the server, again if it was stopped, and waits until it accepts connections.
    pub(crate) fn run(&self) -> Result<(), String> {
        let mut command = self.command(Path::new("sh"));
        command.args(["-c", HOLD, "sh"]).arg(self.programs.join("postgres")).arg(&self.directory).arg(self.settings);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut shell = command.spawn().map_err(|error| format!("no shell: {error}"))?;
        let hold = shell.stdin.take();
        let mut lines = BufReader::new(shell.stderr.take().ok_or("no log")?).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let ready = lines.by_ref().inspect(|line| said.push(line.clone())).any(|line| line.contains("ready to accept connections"));
        if !ready {
            return Err(format!("PostgreSQL does not start: {}", said.join("; ")));
        }
        // A server whose log nobody reads stands still.
        thread::spawn(move || lines.for_each(drop));
        *self.lock() = Some(Running { shell, hold });
        Ok(())
    }

    /// Ends the server as a crash does; returns when it is gone.
    pub(crate) fn stop(&self) {
        if let Some(mut running) = self.lock().take() {
            running.hold.take().expect("it is held").write_all(b"stop\n").expect("the shell reads");
            running.shell.wait().expect("it is our child");
        }
    }

    /// The process that all of the server's others are children of.
    pub(crate) fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.directory.join("data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
    }

    /// A new database, and its URL.
    pub(crate) fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        Sql::connect(&self.url("postgres")).run(&format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join(".s.PGSQL.5432")
    }

    fn url(&self, database: &str) -> String {
        let host = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://safelight@{host}/{database}")
    }

    /// A program as the user who may run it.
    fn command(&self, program: &Path) -> Command {
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), "--clear-groups", "--"]).arg(program);
                command
            }
        };
        command.current_dir("/");
        command
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().expect("nothing panics under this lock")
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cluster")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// The directory of the newest server's programs.
fn programs() -> Result<PathBuf, String> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(versions);
    places
        .filter(|place| place.join("initdb").exists() && place.join("postgres").exists())
        .max()
        .ok_or_else(|| "PostgreSQL is not installed (scripts/install-test-servers)".to_owned())
}

fn user() -> Result<&'static str, String> {
    let is_there = |user: &&str| Command::new("id").arg(user).output().is_ok_and(|output| output.status.success());
    USERS.into_iter().find(is_there).ok_or_else(|| "no user whom PostgreSQL could run as".to_owned())
}

fn done(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))) }
}

/// A connection for the test itself.
pub(crate) struct Sql {
    runtime: Runtime,
    client: Client,
}

impl Sql {
    pub(crate) fn connect(url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls)).expect("it runs");
        runtime.spawn(connection);
        Self { runtime, client }
    }

    pub(crate) fn run(&self, script: &str) {
        self.runtime.block_on(self.client.batch_execute(script)).expect("it is right");
    }

    /// The only value of the only row.
    pub(crate) fn text(&self, statement: &str) -> String {
        self.runtime.block_on(self.client.query_one(statement, &[])).expect("it has one row").get(0)
    }

    /// The same, where it is a number.
    pub(crate) fn number(&self, statement: &str) -> i64 {
        self.runtime.block_on(self.client.query_one(statement, &[])).expect("it has one row").get(0)
    }
}
