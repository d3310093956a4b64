//! The servers: two that take images, or do both, and two that work. Each reaches the database and the store by lines of its own, which tests slow down
//! and cut.

use std::fs;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use rustix::process::Signal;
use safelight::stores::s3::S3Options;
use tempfile::TempDir;

use crate::cluster::{Cluster, Sql};
use crate::harness::{Options, Server, eventually};
use crate::images::small_png;
use crate::proxy::{Proxy, Target};
use crate::seaweedfs::{ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed};

/// How long a claim lasts without a heartbeat.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// Four servers, and what they share: a PostgreSQL that nobody else uses, and a place in the S3 store of all tests, which stays as it is.
pub(super) struct Fleet {
    pub(super) fronts: [Member; 2],
    pub(super) workers: [Member; 2],
    pub(super) database: Cluster,
    /// That of its tasks.
    url: String,
    images: S3Options,
}

/// One server, and its lines.
pub(super) struct Member {
    server: RwLock<Option<Server>>,
    pub(super) to_database: Proxy,
    pub(super) to_store: Proxy,
    /// Whether it has workers.
    pub(super) works: bool,
    directory: TempDir,
}

impl Fleet {
    /// A fleet over a new database; nothing where something is missing that it needs.
    pub(super) fn start() -> Option<Self> {
        Self::of("serve", false)
    }

    /// The same, with servers that work as well as take images.
    pub(super) fn of_all_rounders() -> Option<Self> {
        Self::of("all", false)
    }

    /// The same, with servers whose clocks tests set.
    pub(super) fn with_clocks() -> Option<Self> {
        Self::of("serve", true)
    }

    fn of(front: &str, clocks: bool) -> Option<Self> {
        let store = Seaweed::shared().inspect_err(|why| println!("skipped: {why}")).ok()?;
        let database = Cluster::start("-c fsync=on").inspect_err(|why| println!("skipped: {why}")).ok()?;
        let images = store.options(&store.endpoint());
        let url = database.database();
        let name = url.rsplit('/').next().expect("a URL ends with the database's name");
        let member = |role| Member::start(&Shared { database: &database, name, store, prefix: &images.prefix, clocks }, role);
        let (fronts, workers) = ([front; 2].map(member), ["work"; 2].map(member));
        Some(Self { fronts, workers, database, url, images })
    }

    /// Where the images are, for a look past all servers.
    pub(super) fn images(&self) -> S3Options {
        let owner = Sql::connect(&self.url).text("SELECT id::text FROM safelight.identity");
        S3Options { owner, ..self.images.clone() }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.fronts.iter().chain(&self.workers)
    }

    /// Waits until everything works again: whoever takes images takes one, and it is worked on.
    pub(super) fn is_well(&self) {
        for front in &self.fronts {
            let id = eventually("an image that is taken", || {
                let answer = front.server()?.upload_to_ending(&small_png(), "swap_channels")?;
                (answer.status == 202).then(|| answer.text())
            });
            let server = front.server().expect("it runs");
            assert_eq!(server.wait(&id), "finished", "{}", server.task(&id));
        }
    }
}

/// The file that says how wrong the clock of a server is.
const CLOCK: &str = "clock";

fn set_clock(directory: &TempDir, minutes: i64) {
    let (new, place) = (directory.path().join("clock.new"), directory.path().join(CLOCK));
    // In one step: whoever looks finds the old time or the new one.
    fs::write(&new, format!("{minutes:+}m")).and_then(|()| fs::rename(new, place)).expect("the file can be written");
}

/// What the servers have in common.
struct Shared<'s> {
    database: &'s Cluster,
    name: &'s str,
    store: &'s Seaweed,
    prefix: &'s str,
    clocks: bool,
}

impl Member {
    fn start(shared: &Shared<'_>, role: &str) -> Self {
        let to_database = Proxy::to(Target::Socket(shared.database.socket()));
        let to_store = Proxy::before(shared.store.port());
        let directory = TempDir::new().expect("a temporary directory");
        set_clock(&directory, 0);
        let options = Options::new()
            .set("data.tasks", format!("postgres://safelight@127.0.0.1:{}/{}", to_database.port(), shared.name))
            .set("data.blobs", format!("s3://{BUCKET}/{}", shared.prefix))
            // The address of the store is the same for all, or they would not be known to have the same one.
            .set("s3.endpoint", shared.store.endpoint())
            .through(&to_store.endpoint())
            .set("s3.access_key", ACCESS_KEY)
            .set("s3.secret_key", SECRET_KEY)
            .set("s3.timeout", "2s")
            .set("tasks.lease", format!("{}s", LEASE.as_secs()))
            .set("tasks.heartbeat", "500ms")
            .set("server.role", role)
            .set("workers.count", 2)
            .set("log.level", "warn");
        let options = if shared.clocks { options.clock(&directory.path().join(CLOCK)) } else { options };
        let server = RwLock::new(Some(options.start_in(directory.path())));
        Self { server, to_database, to_store, works: role != "serve", directory }
    }

    /// The server, unless it is down.
    pub(super) fn server(&self) -> Option<impl std::ops::Deref<Target = Server> + '_> {
        struct Up<'m>(RwLockReadGuard<'m, Option<Server>>);
        impl std::ops::Deref for Up<'_> {
            type Target = Server;
            fn deref(&self) -> &Server {
                self.0.as_ref().expect("looked at before")
            }
        }
        let server = self.server.try_read().ok()?;
        server.is_some().then_some(Up(server))
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.server().expect("it runs").signal(signal);
    }

    /// Ends it as `kill -9` does; what `meanwhile` does happens without it.
    pub(super) fn kill(&self, meanwhile: impl FnOnce()) {
        self.signal(Signal::KILL);
        let mut server = self.server.write().unwrap_or_else(PoisonError::into_inner);
        let killed = server.take().expect("it ran");
        drop(server);
        meanwhile();
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = Some(killed.kill_and_restart());
    }

    /// Sets the clock of one server wrong by so many minutes.
    pub(super) fn set_clock(&self, minutes: i64) {
        set_clock(&self.directory, minutes);
    }
}
