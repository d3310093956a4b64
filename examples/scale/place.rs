//! The throwaway PostgreSQL that is measured, its databases, and what it has done and used.

use std::fs;
use std::ops::Sub;
use std::path::PathBuf;
use std::time::Duration;

use futures::executor::block_on;
use safelight::domain::blob::{BlobMeta, Sha256};
use safelight::domain::format::Format;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::Variants;
use safelight::domain::task::{Change, NewTask};
use safelight::stores::postgres::{PostgresDb, PostgresOptions};
use safelight::stores::tasks::TaskStore;

use crate::Outcome;
use crate::cluster::{Cluster, Sql};

/// Durable, as it comes; it counts its statements, and has memory for the indexes of some million tasks.
const SETTINGS: &str = "-c shared_preload_libraries=pg_stat_statements,auto_explain -c pg_stat_statements.max=1000 \
    -c pg_stat_statements.track_utility=on -c shared_buffers=1GB -c max_wal_size=4GB -c checkpoint_timeout=15min";

/// Where it keeps its files.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Scratch {
    /// The directory whose disk is measured
    #[arg(long, default_value = "target/tmp")]
    scratch: PathBuf,
}

/// A server of the measurement's own.
pub(crate) struct Place(Cluster);

impl Place {
    pub(crate) fn new(scratch: &Scratch) -> Outcome<Self> {
        fs::create_dir_all(&scratch.scratch)?;
        Ok(Self(Cluster::start_in(&scratch.scratch.canonicalize()?, SETTINGS)?))
    }

    /// A database in which so many tasks wait.
    pub(crate) fn database(&self, tasks: u64) -> Outcome<Database> {
        let url = self.0.database();
        let db = PostgresDb::open(&url, PostgresOptions { node: "filler".to_owned(), ..PostgresOptions::default() })?;
        block_on(db.apply(Change::Insert(new_task())))?;
        drop(db);
        let database = Database { hand: Sql::connect(&url), url };
        database.hand.run("CREATE EXTENSION pg_stat_statements");
        database.fill(tasks.saturating_sub(1));
        database.hand.run("CHECKPOINT");
        Ok(database)
    }

    /// What it has used of the processors so far, all of its processes.
    pub(crate) fn processor_time(&self) -> Outcome<Duration> {
        let postmaster = self.0.pid().ok_or("PostgreSQL has no process")?;
        let of_those_that_ended = Stat::of(postmaster)?.with_children;
        let children = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children = children.filter_map(|pid| Stat::of(pid).ok()).filter(|stat| stat.parent == postmaster);
        Ok(children.map(|stat| stat.own).sum::<Duration>() + of_those_that_ended)
    }

    /// Its version, in words.
    pub(crate) fn version(database: &Database) -> String {
        database.hand.text("SELECT split_part(version(), ' on ', 1)")
    }
}

fn new_task() -> NewTask {
    let variants = Variants::only("resize:400x300,fit=cover/jpeg:q=85".parse().expect("an operation"));
    NewTask::new(TaskId::random(), variants, BlobMeta { len: 100_000, sha256: Sha256([7; 32]) }, Format::Jpeg)
}

/// A database with tasks that wait.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) hand: Sql,
}

impl Database {
    /// Lets so many more tasks wait, each a rank behind the one before.
    pub(crate) fn fill(&self, tasks: u64) {
        self.hand.run(&format!(
            "SET search_path = safelight, public;
             INSERT INTO tasks (seq, id, state, run, variants, input_format, original_len, original_sha256, priority, rank, claim_no, attempts,
                 refunds, created_at, results)
             SELECT nextval('task_numbers'), gen_random_uuid(), 'not_started', 1, variants, input_format, original_len, original_sha256, priority,
                 (SELECT max(rank) FROM tasks) + n, 0, 0, 0, created_at, '{{}}'
             FROM (SELECT * FROM tasks ORDER BY seq LIMIT 1) AS one, generate_series(1, {tasks}) AS n;
             UPDATE backlog SET tasks = tasks + {tasks}, bytes = bytes + {tasks}::bigint * 100000"
        ));
        self.hand.run("VACUUM ANALYZE tasks");
    }

    /// What it has done since the last call of [`Database::begin_counting`].
    pub(crate) fn counts(&self) -> Counts {
        let sum = |what: &str| {
            self.hand.number(&format!(
                "SELECT coalesce(sum({what}), 0)::bigint FROM pg_stat_statements JOIN pg_database ON oid = dbid
                     WHERE datname = current_database() AND query NOT LIKE '%pg_stat_statements%'"
            ))
        };
        let wal = self.hand.number("SELECT (pg_current_wal_lsn() - '0/0')::bigint");
        Counts { commits: sum("CASE query WHEN 'COMMIT' THEN calls END"), statements: sum("calls"), wal }
    }

    /// What the statements of a form came to since then, each of them on average.
    pub(crate) fn statement(&self, form: &str) -> Statement {
        let mean = |what: &str| {
            let mean = self.hand.text(&format!(
                "SELECT coalesce(sum({what}) / sum(calls), 0)::text FROM pg_stat_statements JOIN pg_database ON oid = dbid
                     WHERE datname = current_database() AND query LIKE '{form}'"
            ));
            mean.parse().unwrap_or(f64::NAN)
        };
        Statement { ms: mean("total_exec_time"), pages: mean("shared_blks_hit + shared_blks_read") }
    }

    /// What is counted begins at nothing.
    pub(crate) fn begin_counting(&self) -> Counts {
        self.hand.run("SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()");
        self.counts()
    }
}

/// What a statement came to.
pub(crate) struct Statement {
    /// Its time in the server, in milliseconds.
    pub(crate) ms: f64,
    /// The pages that it looked at, in memory or not.
    pub(crate) pages: f64,
}

/// What a database has done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Transactions that were committed by a statement: all that write.
    pub(crate) commits: i64,
    /// Statements, those around transactions included.
    pub(crate) statements: i64,
    /// Bytes of its log, that of the whole server.
    pub(crate) wal: i64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { commits: self.commits - before.commits, statements: self.statements - before.statements, wal: self.wal - before.wal }
    }
}

/// What a process has used.
pub(crate) struct Stat {
    parent: u32,
    /// Of the processors.
    pub(crate) own: Duration,
    /// The same with its children that have ended.
    with_children: Duration,
}

/// The unit of times in /proc (`USER_HZ`): the same on every processor that this program runs on.
const TICKS_PER_SECOND: u64 = 100;

impl Stat {
    pub(crate) fn of(pid: u32) -> Outcome<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields: Vec<&str> = stat.rsplit_once(") ").ok_or("a process without a name")?.1.split(' ').collect();
        let ticks = |count: usize| -> Outcome<Duration> {
            let ticks = fields.get(11..11 + count).ok_or("a process without times")?;
            let ticks: u64 = ticks.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<_, _>>()?;
            Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
        };
        Ok(Self { parent: fields[1].parse()?, own: ticks(2)?, with_children: ticks(4)? })
    }
}

/// The nearest rank of some measurements in order: the least that `percent` of all do not exceed.
pub(crate) fn percentile(sorted: &[u64], percent: u64) -> u64 {
    let rank = (sorted.len() as u64 * percent).div_ceil(100) as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
