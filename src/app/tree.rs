//! The supervision tree: every service with its specification, wired before anything runs.
//!
//! Addresses exist before their actors start, so the order here is the order of starting and nothing else.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::{Addr, Recipient};
use uuid::Uuid;

use crate::actors::assets::Assets;
use crate::actors::frontend::{self, Frontend, Lookup};
use crate::actors::janitor::{Janitor, JanitorDeps, ScrubPlan};
use crate::actors::key_values::{KeyValues, SettingsChanged};
use crate::actors::keys::{Gate, Keys};
use crate::actors::master::{AdmissionLimits, FirstMeasured, Master, MasterDeps};
use crate::actors::nodes::{Announce, Nodes, NodesDeps, Surroundings};
use crate::actors::notifier::{Notifier, NotifierDeps, WatchLimits};
use crate::actors::storage::Storage;
use crate::actors::supervision::{
    Backoff, ChildSpec, Mailbox, Options, Policy, Root, RootError, Scale, Service, Strategy, Template, child, pool, supervisor,
};
use crate::actors::task_db::{ChangedElsewhere, TaskDb, TasksChanged};
use crate::actors::webhooks::{Courier, FlightLimits, Reach, Webhooks, WebhooksDeps};
use crate::actors::workers::{Inspector, MemoryBudget, Spare, Worker, WorkerDeps};
use crate::app::{AppError, Stores};
use crate::config::{Config, JanitorConfig, LimitsConfig, Live};
use crate::domain::webhook::Patience;
use crate::sandbox::{ChildLimits, ChildProgram, Spawner};
use crate::stores::Database;

/// Tasks that failed together are not all tried again at the same moment.
const BACKOFF_JITTER: f64 = 0.2;

/// The hidden subcommand that makes this binary a worker's child.
pub const CHILD_COMMAND: &str = "__worker";

/// The running tree, and whom the rest of the program talks to.
pub(super) struct Services {
    pub(super) root: Root,
    pub(super) frontend: Addr<Frontend>,
    pub(super) lookup: Lookup,
    pub(super) master: Addr<Master>,
    /// Who is let in.
    pub(super) gate: Gate,
    pub(super) notifier: Addr<Notifier>,
    pub(super) nodes: Addr<Nodes>,
    /// Where the nodes find what there is only now.
    surroundings: Arc<OnceLock<Surroundings>>,
}

impl Services {
    /// Everything runs, and the server listens: the other servers may know of it.
    pub(super) fn announce(&self, address: SocketAddr) {
        let _ = self.surroundings.set(Surroundings { tree: self.root.addr().clone(), address });
        self.nodes.do_send(Announce);
    }
}

/// Starts every service; returns when all of them are ready.
///
/// # Errors
/// When one of them cannot be started; nothing runs then any more.
pub(super) async fn start(config: &Config, stores: &Stores) -> Result<Services, AppError> {
    let live = Arc::new(Live::from_config(config));
    let spawner = spawner(config).map_err(AppError::Spawner)?;
    // These know services that are described only after them.
    let (key_values_box, key_values) = Mailbox::new();
    let (master_box, master) = Mailbox::new();
    let (nodes_box, nodes) = Mailbox::new();

    let gate = Gate::default();
    let (keys_spec, keys) = keys(config, stores, gate.clone());
    let (storage_spec, storage) = storage(config, stores);
    let (notifier_spec, notifier) = notifier(config, stores);
    let (webhooks_spec, webhooks) = webhooks(config, stores);
    let told = vec![notifier.clone().recipient(), webhooks.clone().recipient()];
    let elsewhere = vec![
        notifier.clone().recipient(),
        webhooks.clone().recipient(),
        master.clone().recipient(),
        key_values.clone().recipient(),
        keys.clone().recipient(),
    ];
    let (task_db_spec, task_db) = task_db(stores, told, elsewhere);
    let (assets_spec, assets) = over_the_database("assets", stores, |database| Assets::new(database));
    let (spare_spec, spare) = spare(config, spawner);
    let memory = MemoryBudget::new(config.workers.memory_budget, config.workers.job_memory);
    let inspector = Inspector::new(spare.clone(), memory.clone(), config.tasks.deadline);
    let (workers_spec, workers) = workers(config, &live, worker_deps(config, master.clone(), storage.clone(), spare, memory));
    let master_deps = master_deps(config, task_db.clone(), key_values.clone(), workers, nodes.clone().recipient());
    let master_spec = master_of(master_box, master_deps, Arc::clone(&live));
    let (janitor_spec, janitor) = janitor(janitor_deps(config, stores, storage.clone(), task_db.clone(), assets.clone()));
    let surroundings = Arc::default();
    let nodes_spec = nodes_of(nodes_box, nodes_deps(config, stores, master.clone(), Arc::clone(&surroundings)));
    let (frontend_spec, frontend) = {
        let (master, notifier, nodes) = (master.clone(), notifier.clone(), nodes.clone());
        let role = config.server.role;
        let services =
            frontend::Services { role, key_values, keys, storage, task_db, assets, inspector, master, notifier, webhooks, janitor, nodes };
        frontend_of(services, Arc::clone(&live))
    };
    let followers = vec![master.clone().recipient(), frontend.clone().recipient()];
    let key_values_spec = key_values_of(key_values_box, config, stores, live, followers);

    let engine = [master_spec, spare_spec].into_iter().chain(workers_spec).collect();
    let (engine_spec, _) = supervisor("engine", Strategy::RestForOne, Policy::default(), engine).map_err(RootError::from)?;
    let before = [key_values_spec, keys_spec, storage_spec, task_db_spec, assets_spec];
    let behind = [notifier_spec, webhooks_spec, janitor_spec, nodes_spec, frontend_spec];
    let services = before.into_iter().chain([engine_spec]).chain(behind).collect();
    let root = Root::start(Strategy::OneForOne, Policy::default(), services).await?;
    let lookup = Lookup::new(stores.database.clone());
    Ok(Services { root, frontend, lookup, master, notifier, gate, nodes, surroundings })
}

fn master_of(mailbox: Mailbox<Master>, deps: MasterDeps, live: Arc<Live>) -> ChildSpec {
    mailbox.child("master", Options::default(), move || Master::new(deps.clone(), live.clone()))
}

/// As many as the settings say, on a server that works.
fn workers(config: &Config, live: &Live, deps: WorkerDeps) -> (Option<ChildSpec>, Option<Recipient<Scale>>) {
    if !config.server.role.works() {
        return (None, None);
    }
    let template = Template::new("worker", worker_options(config), move |number| Worker::new(format!("worker-{number}"), deps.clone()));
    let (spec, workers) = pool("workers", Policy::default(), live.workers() as usize, template);
    (Some(spec), Some(workers.recipient()))
}

fn key_values_of(
    mailbox: Mailbox<KeyValues>,
    config: &Config,
    stores: &Stores,
    live: Arc<Live>,
    followers: Vec<Recipient<SettingsChanged>>,
) -> ChildSpec {
    let (store, shared) = (Arc::clone(&stores.database), config.data.tasks.is_shared());
    mailbox.child("key_values", Options::default(), move || {
        let key_values = KeyValues::new(store.clone(), live.clone(), followers.clone());
        if shared { key_values.following() } else { key_values }
    })
}

fn frontend_of(services: frontend::Services, live: Arc<Live>) -> (ChildSpec, Addr<Frontend>) {
    child("frontend", Options::default(), move || Frontend::new(services.clone(), live.clone()))
}

fn task_db(
    stores: &Stores,
    followers: Vec<Recipient<TasksChanged>>,
    elsewhere: Vec<Recipient<ChangedElsewhere>>,
) -> (ChildSpec, Addr<TaskDb>) {
    over_the_database("task_db", stores, move |database| {
        let hints = database.hints();
        let task_db = TaskDb::new(database, followers.clone());
        match hints {
            Some(hints) => task_db.hearing(hints, elsewhere.clone()),
            None => task_db,
        }
    })
}

fn webhooks(config: &Config, stores: &Stores) -> (ChildSpec, Addr<Webhooks>) {
    let deps = webhooks_deps(config, stores);
    child("webhooks", Options::default(), move || Webhooks::new(deps.clone()))
}

fn notifier(config: &Config, stores: &Stores) -> (ChildSpec, Addr<Notifier>) {
    let deps = notifier_deps(config, stores);
    child("notifier", Options::default(), move || Notifier::new(deps.clone()))
}

fn janitor(deps: JanitorDeps) -> (ChildSpec, Addr<Janitor>) {
    child("janitor", Options::default(), move || Janitor::new(deps.clone()))
}

fn nodes_of(mailbox: Mailbox<Nodes>, deps: NodesDeps) -> ChildSpec {
    mailbox.child("nodes", Options::default(), move || Nodes::new(deps.clone()))
}

fn spare(config: &Config, spawner: Spawner) -> (ChildSpec, Addr<Spare>) {
    let enabled = config.workers.spare;
    child("spare", Options::default(), move || Spare::new(spawner.clone(), enabled))
}

fn keys(config: &Config, stores: &Stores, gate: Gate) -> (ChildSpec, Addr<Keys>) {
    let shared = config.data.tasks.is_shared();
    over_the_database("keys", stores, move |database| {
        let keys = Keys::new(database, gate.clone());
        if shared { keys.following() } else { keys }
    })
}

fn storage(config: &Config, stores: &Stores) -> (ChildSpec, Addr<Storage>) {
    let (blobs, max_upload, min_free) = (Arc::clone(&stores.blobs), config.uploads.max_bytes, config.data.min_free);
    child("storage", Options::default(), move || Storage::new(blobs.clone(), max_upload, min_free))
}

/// A service that puts the database behind a mailbox.
fn over_the_database<A: Service>(
    id: &'static str,
    stores: &Stores,
    mut make: impl FnMut(Arc<dyn Database>) -> A + Send + 'static,
) -> (ChildSpec, Addr<A>) {
    let database = Arc::clone(&stores.database);
    child(id, Options::default(), move || make(Arc::clone(&database)))
}

/// The thread that starts the workers' children: this binary again, or the program that the configuration names.
fn spawner(config: &Config) -> io::Result<Spawner> {
    let path = config.workers.program.clone().unwrap_or_else(|| "/proc/self/exe".into());
    let limits = ChildLimits {
        address_space: config.workers.address_space,
        file_size: LimitsConfig::MAX_OUTPUT_BYTES,
        nice: i32::try_from(config.workers.nice).unwrap_or(19),
    };
    Spawner::start(ChildProgram { path, args: vec![CHILD_COMMAND.into()] }, limits)
}

/// A worker that is to stop finishes its job first; one that waits for memory or storage beyond that is not waited for.
fn worker_options(config: &Config) -> Options {
    Options { shutdown: config.tasks.deadline + Duration::from_secs(5), ..Options::default() }
}

fn worker_deps(config: &Config, master: Addr<Master>, storage: Addr<Storage>, spare: Addr<Spare>, memory: MemoryBudget) -> WorkerDeps {
    WorkerDeps {
        master,
        storage,
        spare,
        memory,
        deadline: config.tasks.deadline,
        heartbeat: config.tasks.heartbeat,
        recycle_after: config.workers.recycle_after.into(),
        recycle_rss: config.workers.recycle_rss,
    }
}

fn master_deps(
    config: &Config,
    task_db: Addr<TaskDb>,
    key_values: Addr<KeyValues>,
    workers: Option<Recipient<Scale>>,
    nodes: Recipient<FirstMeasured>,
) -> MasterDeps {
    let tasks = &config.tasks;
    MasterDeps {
        task_db,
        key_values,
        workers,
        nodes,
        admission: AdmissionLimits { tasks: tasks.queue_limit.into(), bytes: tasks.queue_bytes, upload_bytes: config.uploads.max_bytes },
        lease: tasks.lease,
        backoff: Backoff { min: tasks.backoff_min, max: tasks.backoff_max, jitter: BACKOFF_JITTER, reset_after: Duration::ZERO },
    }
}

fn notifier_deps(config: &Config, stores: &Stores) -> NotifierDeps {
    let watch = &config.watch;
    let limits = WatchLimits { waiters: watch.max_waiters.into(), streams: watch.max_streams.into(), buffer: watch.stream_buffer as usize };
    NotifierDeps { store: stores.database.clone(), limits, keep: watch.keep_events.into() }
}

fn webhooks_deps(config: &Config, stores: &Stores) -> WebhooksDeps {
    let (sends, config) = (config.server.role.serves(), &config.webhooks);
    WebhooksDeps {
        store: stores.database.clone(),
        courier: Courier::new(Reach { allow_private: config.allow_private, allow_http: config.allow_http, deadline: config.deadline }),
        limits: FlightLimits { all: config.in_flight as usize, each: config.per_endpoint as usize },
        patience: Patience { min: config.backoff_min, max: config.backoff_max, give_up: config.give_up },
        keep: config.keep,
        sends,
    }
}

fn nodes_deps(config: &Config, stores: &Stores, master: Addr<Master>, surroundings: Arc<OnceLock<Surroundings>>) -> NodesDeps {
    NodesDeps {
        store: stores.database.clone(),
        master,
        node: stores.node.clone(),
        role: config.server.role,
        run: Uuid::new_v4(),
        interval: config.nodes.heartbeat,
        forget: config.nodes.forget,
        surroundings,
    }
}

fn janitor_deps(config: &Config, stores: &Stores, storage: Addr<Storage>, task_db: Addr<TaskDb>, assets: Addr<Assets>) -> JanitorDeps {
    let JanitorConfig { interval, grace, scrub_interval, scrub_rate } = config.janitor;
    let scrub = ScrubPlan { interval: scrub_interval, rate: scrub_rate };
    // The sweep of the start takes every blob without a row for a leftover. Where there are other servers it may be an upload of theirs.
    let started = Arc::new(AtomicBool::new(config.data.tasks.is_shared()));
    JanitorDeps { storage, task_db, assets, duty: stores.database.janitor_duty(), interval, grace, scrub, started }
}
