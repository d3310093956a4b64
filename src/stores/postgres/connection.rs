//! The way to the database, and the pool of connections: how long anything may take, and what every connection begins with.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::{Client, Connection, Socket};

use crate::stores::postgres::fault::{Fault, with_cause};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::tls::{Encrypted, Tls};

/// How long a new connection may take, from the first packet to the end of the greeting.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a piece of work waits for one of the connections.
const WAIT: Duration = Duration::from_secs(3);

/// What every connection begins with: our schema, and an end to everything that could last. A commit is durable when it is answered,
/// whatever the server's default is. Statements here are short, and a compiler would only delay them. Each has an index to go by, and a plan
/// outlives what it was made for: one that was made while a table was empty must not read all of it when it has grown.
const SETTINGS: &str = "-c search_path=safelight -c synchronous_commit=on -c statement_timeout=5s -c lock_timeout=3s \
    -c idle_in_transaction_session_timeout=10s -c client_min_messages=warning -c jit=off -c timezone=UTC \
    -c enable_seqscan=off";

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no URL of a database.
    #[error("not the URL of a PostgreSQL database ({0}): expected one such as postgres://user:password@host/database")]
    Url(String),
    /// The certificates cannot be used.
    #[error("the certificates of {path} cannot be used: {why}; data.tasks_ca is a file of certificates in the form of PEM, or \"\"")]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Certificates are named, and nothing would be checked by them.
    #[error(
        "data.tasks_ca is of no use where data.tasks does not ask for TLS: add sslmode=require to the URL, or leave the certificates out"
    )]
    Unencrypted,
    /// The server is too old.
    #[error("the database is of PostgreSQL {found}: upgrade it to 13 or later")]
    OldServer {
        /// Its version.
        found: String,
    },
    /// The schema was written by a later version of this program.
    #[error("the database has schema {found}, this program knows up to {known}: start the newer program, or restore a backup")]
    Newer {
        /// The schema in the database.
        found: i32,
        /// The latest schema known here.
        known: usize,
    },
    /// Rows and blobs would not belong together.
    #[error(
        "the database belongs to images that are kept elsewhere ({found}; this server has {ours}): start the server that has them, or name \
         another database in data.tasks"
    )]
    OtherBlobs {
        /// Where its blobs are.
        found: String,
        /// Where those of this server are.
        ours: String,
    },
    /// It does not answer, or cannot serve yet; it may do so in a moment.
    #[error("the database cannot be opened: {0}; check that it runs and that data.tasks is right")]
    Away(String),
    /// It said no, and will say so again.
    #[error("the database cannot be opened: {0}; check data.tasks")]
    Postgres(String),
    /// The engine's thread could not be prepared.
    #[error("the database cannot be opened: {0}")]
    Io(#[from] io::Error),
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Broken(text) | Fault::UnknownOutcome(text) | Fault::Conflict(text) => Self::Away(text),
            fault => Self::Postgres(fault.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault::from(error).into()
    }
}

/// How every connection is made: to where, with what, and whether it is encrypted.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) config: Config,
    tls: Tls,
}

impl Way {
    /// Reads the URL; connects to nothing yet. With `sslmode=require` everything is encrypted, and the server has a certificate of its own
    /// name by one of `roots` (`None`: by one that browsers trust); else nothing is.
    pub(super) fn new(url: &str, roots: Option<&Path>) -> Result<Self, OpenError> {
        let mut config: Config = url.parse().map_err(|error| OpenError::Url(with_cause(&error)))?;
        if config.get_ssl_mode() != SslMode::Require {
            if roots.is_some() {
                return Err(OpenError::Unencrypted);
            }
            // Not `prefer`: what is encrypted by chance protects nobody.
            config.ssl_mode(SslMode::Disable);
        }
        let asked = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{asked} {SETTINGS}")).application_name("safelight").connect_timeout(CONNECT);
        // A machine that is gone says nothing: without these a connection to it would seem to be in use for hours.
        config.keepalives_idle(Duration::from_secs(15)).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(20));
        Ok(Self { config, tls: Tls::trusting(roots)? })
    }

    /// The same with further options, each as `-c name=value`.
    pub(super) fn with(mut self, options: &str) -> Self {
        let known = self.config.get_options().unwrap_or_default().to_owned();
        self.config.options(format!("{known} {options}"));
        self
    }

    /// A connection outside of the pool.
    pub(super) async fn connect(&self) -> Result<(Client, Connection<Socket, Encrypted>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
}

/// As many connections as there may be, made when they are needed.
#[derive(Clone)]
pub(super) struct Connections(Pool);

impl Connections {
    /// Connects to nothing yet.
    pub(super) fn new(way: &Way, most: usize) -> Result<Self, OpenError> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(way.config.clone(), way.tls.clone(), config);
        let pool = Pool::builder(manager).max_size(most).runtime(Runtime::Tokio1);
        let pool = pool.wait_timeout(Some(WAIT)).create_timeout(Some(CONNECT)).recycle_timeout(Some(CONNECT)).build();
        pool.map(Self).map_err(|error| OpenError::Postgres(error.to_string()))
    }

    /// A connection, or the reason why there is none; nothing was asked of the database then.
    pub(super) async fn get(&self) -> Result<Session, Fault> {
        self.0.get().await.map(Session::new).map_err(|error| Fault::Broken(with_cause(&error)))
    }

    /// The first connection, on which it shows whether waiting can help.
    pub(super) async fn first(&self) -> Result<Session, OpenError> {
        self.0.get().await.map(Session::new).map_err(|error| match &error {
            PoolError::Backend(cause) if !is_away(cause) => OpenError::Postgres(with_cause(&error)),
            _ => OpenError::Away(with_cause(&error)),
        })
    }

    /// Closes those that are idle, and gives out no more.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

/// Whether nobody answered, or somebody who cannot serve yet: it starts, stops, or has too many connections. A wrong password is neither.
fn is_away(error: &tokio_postgres::Error) -> bool {
    if let Some(said) = error.as_db_error() {
        return ["08", "53", "55", "57", "58"].iter().any(|class| said.code().code().starts_with(class));
    }
    let mut causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    // A certificate that does not hold is an error of input and output, too.
    let is_away = |error: &io::Error| !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
    error.is_closed() || causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_away))
}
