//! How PostgreSQL runs the statements of a task's life, with what each reads, among so many tasks that a wrong plan would show.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::Stdio;

use crate::Outcome;
use crate::place::{Place, Scratch};
use crate::running::{Load, Running};

/// How many wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many tasks wait
    #[arg(long, default_value_t = 100_000)]
    tasks: u64,
    #[command(flatten)]
    scratch: Scratch,
}

/// Statements, by how they begin, and what they are for.
const STATEMENTS: [(&str, &str); 8] = [
    ("SELECT * FROM (", "A claim: the tasks whose turn it is"),
    ("SELECT tasks.seq, tasks.id", "Any change: its tasks are loaded and locked"),
    ("UPDATE tasks SET state", "A claim or a change: the rows are written"),
    ("INSERT INTO attempts", "A claim: the attempts begin"),
    ("UPDATE attempts SET ended_at", "The end of attempts"),
    ("INSERT INTO events", "Any change: what has happened"),
    ("SELECT no, task, caller", "The notifier: what has happened behind an event"),
    ("SELECT id, claim_no FROM tasks", "Once a second: leases that have ended"),
];

/// Has every statement explained to the client that sent it.
const EXPLAIN: &str = "auto_explain.log_min_duration = 0; auto_explain.log_analyze = on; auto_explain.log_buffers = on;
     auto_explain.log_timing = off; auto_explain.log_level = warning";

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let place = Place::new(&arguments.scratch)?;
    let database = place.database(arguments.tasks)?;
    let name = database.hand.text("SELECT current_database()::text");
    EXPLAIN.split(';').for_each(|setting| database.hand.run(&format!("ALTER DATABASE {name} SET {setting}")));
    // The client logs what the server says beside its answers.
    let log = tempfile::NamedTempFile::new()?;
    let mut node = Running::start(&database, 0, Load { workers: 4, job: 50, seconds: 2, watched: true }, Stdio::from(log.reopen()?))?;
    node.begin()?;
    node.report()?;
    let mut text = String::new();
    log.reopen()?.read_to_string(&mut text)?;
    let plans = plans(&text);
    for (begins, what) in STATEMENTS {
        let plan = plans.get(begins).ok_or_else(|| format!("no plan of {begins:?}: is RUST_LOG=tokio_postgres=info set?"))?;
        println!("{what}:\n\n```text\n{plan}\n```\n");
    }
    Ok(())
}

/// The last plan of each statement in a log.
fn plans(log: &str) -> BTreeMap<&'static str, String> {
    let mut plans = BTreeMap::new();
    for said in log.split("plan:\n").skip(1) {
        // The lines of a message are indented in the log.
        let Some(text) = said.trim_start().strip_prefix("Query Text: ") else { continue };
        let Some((begins, _)) = STATEMENTS.into_iter().find(|(begins, _)| text.starts_with(begins)) else { continue };
        // Behind the text of the statement, and before the next line of the log.
        let plan = text.lines().skip_while(|line| !line.contains("(cost=")).take_while(|line| !line.starts_with('['));
        let plan = plan.map(|line| line.strip_prefix("    ").unwrap_or(line));
        plans.insert(begins, plan.collect::<Vec<_>>().join("\n"));
    }
    plans
}
