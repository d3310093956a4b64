//! The duty of the one janitor: an advisory lock that a connection of its own holds.
//!
//! The lock ends with the connection, and so for certain with the process. But a connection may also end without its owner: the database was
//! restarted, the network is cut, or the process stands still. So the database gives the lock up when it has not heard of the owner for
//! [`SILENT`], and the owner believes in it only for [`CERTAIN`] after it was confirmed, counted from before the question.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, Statement};

use crate::stores::nodes::Duty;
use crate::stores::postgres::connection::Way;
use crate::stores::postgres::fault::Fault;

/// The name of the lock among those of the database.
pub(super) const LOCK: i64 = 0x5AFF << 48;

/// What the connection is called, before the name of the node: so the database can tell who holds the lock.
pub(super) const CALLED: &str = "safelight janitor ";

/// How long the duty is certainly this server's after it was confirmed. Less than any time after which the database gives it to another.
const CERTAIN: Duration = Duration::from_secs(5);

/// After what silence the database ends the connection of a process that stands still (PostgreSQL 14 or later).
const SILENT: &str = "SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'idle_session_timeout'";

/// The same for one whose machine or network is gone: 11 s.
const GONE: &str = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10000";

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(3);

/// The lock as this server knows it.
pub(super) struct JanitorLock {
    engine: Handle,
    shared: Arc<Shared>,
}

struct Shared {
    way: Way,
    /// One question at a time.
    turn: tokio::sync::Mutex<()>,
    held: Mutex<Option<Held>>,
}

/// A connection that has the lock, or asks for it again and again.
struct Held {
    asker: Asker,
    /// When the database was asked that said that it has it.
    confirmed: Option<Instant>,
}

/// A connection, and the question.
#[derive(Clone)]
struct Asker {
    client: Arc<Client>,
    question: Statement,
}

impl JanitorLock {
    /// Connects to nothing yet.
    pub(super) fn new(way: Way, node: &str, engine: Handle) -> Self {
        let mut way = way.with(GONE);
        way.config.application_name(format!("{CALLED}{node}"));
        Self { engine, shared: Arc::new(Shared { way, turn: tokio::sync::Mutex::default(), held: Mutex::default() }) }
    }
}

impl Duty for JanitorLock {
    fn hold(&self) -> BoxFuture<'static, bool> {
        let (reply, answer) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        self.engine.spawn(async move {
            // Nobody may wait any more.
            let _ = reply.send(shared.hold().await);
        });
        answer.map(|held| held.unwrap_or(false)).boxed()
    }

    fn is_held(&self) -> bool {
        let held = self.shared.lock();
        let Some(Held { asker, confirmed: Some(confirmed) }) = &*held else { return false };
        confirmed.elapsed() < CERTAIN && !asker.client.is_closed()
    }
}

impl Shared {
    /// Nothing panics under the lock.
    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hold(&self) -> bool {
        let _turn = self.turn.lock().await;
        let asked = Instant::now();
        match timeout(ANSWER, self.ask()).await {
            Ok(Ok((asker, held))) => {
                *self.lock() = Some(Held { asker, confirmed: held.then_some(asked) });
                held
            }
            Ok(Err(fault)) => self.lose(&fault.to_string()),
            Err(_) => self.lose("the database did not answer in time"),
        }
    }

    /// Whatever the connection had ends with it.
    fn lose(&self, why: &str) -> bool {
        log::debug!(why; "the duty of the janitor was not confirmed");
        *self.lock() = None;
        false
    }

    /// A connection that has the lock is given it again.
    async fn ask(&self) -> Result<(Asker, bool), Fault> {
        let known = self.lock().as_ref().map(|held| held.asker.clone());
        let asker = match known {
            Some(asker) => asker,
            None => connect(&self.way).await?,
        };
        let row = asker.client.query_one(&asker.question, &[&LOCK]).await?;
        Ok((asker, row.try_get("held")?))
    }
}

async fn connect(way: &Way) -> Result<Asker, Fault> {
    let (client, connection) = way.connect().await?;
    tokio::spawn(connection);
    client.batch_execute(SILENT).await?;
    let question = client.prepare("SELECT pg_try_advisory_lock($1) AS held").await?;
    Ok(Asker { client: Arc::new(client), question })
}
