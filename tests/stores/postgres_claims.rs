//! What claims read of a PostgreSQL database, whatever waits there and whoever looks at it, and that they pass over nothing for long.

use std::time::{Duration, Instant};

use safelight::domain::task::{Change, TaskState};

use crate::cluster::Sql;
use crate::fixtures::*;
use crate::postgres_fixtures::Postgres;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many more tasks like the only one there is, each a rank behind the one before.
fn multiply(hand: &Sql, tasks: usize) {
    hand.run(&format!(
        "INSERT INTO safelight.tasks (seq, id, state, run, variants, input_format, original_len, original_sha256, priority, rank, claim_no,
             attempts, refunds, created_at, results)
         SELECT nextval('safelight.task_numbers'), gen_random_uuid(), state, run, variants, input_format, original_len, original_sha256, priority,
             rank + n, claim_no, attempts, refunds, created_at, results FROM safelight.tasks, generate_series(1, {tasks}) AS n"
    ));
}

/// Waits until no connections of a name are left: each tells at its end what it has read.
fn until_gone(hand: &Sql, name: &str) {
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND datname = current_database()");
    while hand.number(&left) > 0 {}
}

/// What the connections of an engine have read.
fn told(engine: Postgres, hand: &Sql, of: &str) -> i64 {
    drop(engine);
    until_gone(hand, "safelight");
    hand.number(&format!("SELECT {of}"))
}

/// Entries that were read in an index, those of rows that are no more included.
fn entries(index: &str) -> String {
    format!("idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = '{index}'")
}

/// A task goes through all of its life.
fn do_one(engine: &Postgres) {
    let db = engine.db();
    insert(&*db, 1);
    let claim = claim_one(&*db).claim;
    apply(&*db, Change::Heartbeat { claim, lease: LEASE }).unwrap();
    apply(&*db, Change::NoteMemory { claim, peak: 1, lease: LEASE }).unwrap();
    apply(&*db, finish(claim)).unwrap();
}

#[test]
fn a_task_costs_the_same_few_rows_also_when_the_tables_have_grown_since_the_plans_were_made() {
    const TASKS: usize = 20;
    let Some(engine) = Postgres::fresh() else { return };
    let hand = Sql::connect(&engine.url);
    // Tables that are known to be empty, whose statements are run so often that the engine's connection keeps their plans.
    for _ in 0..10 {
        do_one(&engine);
        assert_eq!(claim(&*engine.db(), &["a", "b"]), []);
        hand.run("DELETE FROM safelight.tasks");
        hand.run("VACUUM ANALYZE");
    }
    insert(&*engine.db(), 1);
    let filler = Sql::connect(&engine.url);
    filler.run("SET application_name = 'filler'");
    multiply(&filler, 20_000);
    filler
        .run("INSERT INTO safelight.attempts (seq, claim_no, run, worker, started_at) SELECT seq, 77, 1, 'worker', 1 FROM safelight.tasks");
    drop(filler);
    until_gone(&hand, "filler");
    hand.run("SELECT pg_stat_reset()");
    (0..TASKS).for_each(|_| do_one(&engine));
    let entries = "sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname IN ('tasks', 'attempts')";
    let read = told(engine, &hand, entries);
    assert!(read < 1_000, "{read} entries of indexes for {TASKS} tasks");
    let scanned = hand.number("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'tasks'");
    assert!(scanned < 1_000, "{scanned} rows of the table in its own order");
}

#[test]
fn the_place_where_a_claim_begins_is_a_condition_of_the_index() {
    let Some(engine) = Postgres::fresh() else { return };
    let hand = Sql::connect(&engine.url);
    insert(&*engine.db(), 1);
    multiply(&hand, 20_000);
    hand.run("VACUUM ANALYZE safelight.tasks");
    // The statement of `claims.rs`.
    let plan = hand.text(
        "EXPLAIN (FORMAT YAML) SELECT seq FROM safelight.tasks
             WHERE state = 'not_started' AND not_before IS NULL AND attempts = 0 AND refunds = 0 AND (rank, seq) >= (19000, 7)
             ORDER BY rank, seq LIMIT 10 FOR UPDATE SKIP LOCKED",
    );
    let expected = ["Index Name: \"tasks_fresh\"", "Index Cond: \"(ROW(rank, seq) >= ROW(19000, 7))\""];
    assert!(expected.iter().all(|line| plan.contains(line)) && !plan.contains("Sort"), "{plan}");
}

#[test]
fn an_old_view_of_the_database_does_not_make_claims_walk_over_what_was_handed_out() {
    let Some(engine) = Postgres::fresh() else { return };
    insert(&*engine.db(), 1);
    let hand = Sql::connect(&engine.url);
    multiply(&hand, 2_000);
    let old = Sql::connect(&engine.url);
    old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM safelight.tasks LIMIT 1");
    for _ in 0..300 {
        assert_eq!(claim(&*engine.db(), &["a", "b", "c", "d", "e"]).len(), 5);
    }
    // From the beginning every time it would be 5 + 10 + ... + 1500.
    let read = told(engine, &hand, &entries("tasks_fresh"));
    drop(old);
    assert!(read < 60_000, "{read} entries of the index for 1500 tasks");
}

#[test]
fn what_comes_back_is_handed_out_at_once_and_before_all_others() {
    let Some(engine) = Postgres::fresh() else { return };
    let (mine, other) = (engine.db(), engine.beside("other"));
    (0..6).for_each(|len| drop(insert(&*mine, len)));
    let first = claim(&*other, &["a", "b"]);
    let second = claim_one(&*mine);
    apply(&*other, release(first[1].claim, true, Duration::ZERO)).unwrap();
    apply(&*other, release(first[0].claim, false, Duration::from_secs(1))).unwrap();
    assert_eq!(claim_one(&*mine).task.id, first[1].task.id, "this node has come further already");
    engine.clock.advance(Duration::from_secs(1));
    let rest: Vec<_> = claim(&*mine, &["a", "b"]).into_iter().map(|claimed| claimed.task.original.len).collect();
    assert_eq!(rest, [0, 3], "a backoff that is over, and the next");
    apply(&*mine, Change::Cancel { id: second.task.id }).unwrap();
    apply(&*mine, Change::Retry { id: second.task.id, run: 1 }).unwrap();
    let rest: Vec<_> = claim(&*mine, &["a", "b", "c", "d"]).into_iter().map(|claimed| claimed.task.original.len).collect();
    assert_eq!(rest, [4, 5, 2], "a new run begins at the end");
}

#[test]
fn what_appears_before_the_place_of_the_last_claim_is_not_forgotten() {
    let Some(engine) = Postgres::fresh() else { return };
    let ids: Vec<_> = (0..3).map(|len| insert(&*engine.db(), len).id).collect();
    assert_eq!(claim_one(&*engine.db()).task.id, ids[0]);
    // As when a transaction that had looked at the ranks before this claim is committed after it.
    Sql::connect(&engine.url).run("UPDATE safelight.tasks SET rank = 1 WHERE original_len = 2");
    let begun = Instant::now();
    let claims = std::iter::from_fn(|| (begun.elapsed() < PATIENCE).then(|| claim(&*engine.db(), &["a"]))).flatten();
    let found: Vec<_> = claims.take(2).map(|claimed| claimed.task.id).collect();
    assert_eq!(found.iter().filter(|id| ids[1..].contains(id)).count(), 2, "passed over: {:?}", get(&*engine.db(), ids[2]).state);
    assert_eq!(get(&*engine.db(), ids[2]).state, TaskState::InProgress);
}
