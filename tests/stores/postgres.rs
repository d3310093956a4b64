//! What is particular to PostgreSQL: several servers over one database, its schema, and a database that goes away.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use futures::future::join_all;
use safelight::domain::task::{Change, EventNo, Fingerprint, Idempotency, NewTask, Rejected, TaskState};
use safelight::stores::events::{EventFilter, EventQuery, EventStore};
use safelight::stores::nodes::NodeStore;
use safelight::stores::postgres::{OpenError, PostgresDb, PostgresOptions};
use safelight::stores::tasks::{Backlog, TaskQuery, TaskStore, TaskStoreError};

use crate::cluster::{Cluster, Sql};
use crate::conformance::claims::assert_late;
use crate::conformance::nodes::heartbeat;
use crate::fixtures::*;
use crate::postgres_fixtures::Postgres;

#[test]
fn nodes_that_claim_at_once_get_different_tasks() {
    let Some(engine) = Postgres::fresh() else { return };
    let ids: BTreeSet<_> = (0..200).map(|len| insert(&*engine.db(), len).id).collect();
    let nodes: Vec<_> = (0..4).map(|node| engine.beside(&format!("node-{node}"))).collect();
    let hands: Vec<_> = nodes
        .into_iter()
        .map(|node| {
            thread::spawn(move || {
                let more = || Some(claim(&*node, &["a", "b", "c"])).filter(|claimed| !claimed.is_empty());
                std::iter::from_fn(more).flatten().map(|claimed| claimed.claim).collect::<Vec<_>>()
            })
        })
        .collect();
    let claims: Vec<_> = hands.into_iter().flat_map(|hand| hand.join().unwrap()).collect();
    assert_eq!(claims.len(), ids.len(), "a task was handed out twice, or not at all");
    assert_eq!(claims.iter().map(|claim| claim.task).collect::<BTreeSet<_>>(), ids);
}

#[test]
fn a_node_that_begins_anew_takes_back_only_what_was_its_own() {
    let Some(engine) = Postgres::fresh() else { return };
    let mine = engine.db();
    let first = engine.beside("other");
    [1, 2, 3].iter().for_each(|len| drop(insert(&*mine, *len)));
    let (kept, lost) = (claim_one(&*mine), claim_one(&*first));
    apply(&*mine, release(claim_one(&*mine).claim, false, LEASE)).unwrap();
    drop(first);
    let again = engine.beside("other");
    assert_eq!(block_on(again.expired(10)), Ok(vec![lost.claim]), "the lease of its former life has ended, that of another node has not");
    assert_eq!(block_on(again.claims()), Ok(vec![lost.claim]));
    assert_eq!(block_on(again.recover()), Ok(1));
    assert_late(&*again, lost.claim);
    assert_eq!(claim_one(&*again).task.id, lost.task.id, "the backoff that another node gave goes on");
    assert_eq!(claim(&*again, &["a"]), []);
    apply(&*mine, finish(kept.claim)).unwrap();
}

#[test]
fn the_claims_of_a_dead_node_are_found_by_another() {
    let Some(engine) = Postgres::fresh() else { return };
    let dead = engine.beside("dead");
    insert(&*dead, 1);
    let lost = claim_one(&*dead);
    drop(dead);
    assert_eq!(block_on(engine.db().expired(10)), Ok(vec![]));
    engine.clock.advance(LEASE);
    assert_eq!(block_on(engine.db().expired(10)), Ok(vec![lost.claim]));
    apply(&*engine.db(), release(lost.claim, true, Duration::ZERO)).unwrap();
    assert_eq!(claim_one(&*engine.db()).task.id, lost.task.id);
    assert_late(&*engine.beside("dead"), lost.claim);
}

#[test]
fn what_several_nodes_count_comes_to_the_truth() {
    let Some(engine) = Postgres::fresh() else { return };
    let other = engine.beside("other");
    let task = insert(&*engine.db(), 100);
    insert(&*other, 20);
    apply(&*other, Change::Cancel { id: task.id }).unwrap();
    assert_eq!(block_on(engine.db().backlog()), Ok(Backlog { tasks: 1, bytes: 20 }));
}

/// The events behind a number, as (number, length of the list).
fn numbers(store: &PostgresDb, after: EventNo) -> Vec<u64> {
    let query = EventQuery { after, filter: EventFilter::default(), limit: 100 };
    block_on(store.page(query)).unwrap().events.iter().map(|event| event.no.0).collect()
}

#[test]
fn nothing_is_shown_before_what_may_still_appear_ahead_of_it() {
    let Some(engine) = Postgres::fresh() else { return };
    let db = engine.db();
    let before = insert(&*db, 1);
    // Another server, in the middle of an insertion: it has its numbers, but has not committed. Announced as `order.rs` does.
    let slow = Sql::connect(&engine.url);
    slow.run(
        "SET search_path = safelight; BEGIN;
         SELECT pg_advisory_xact_lock_shared((x'5AFD'::bigint << 48) | last_value) FROM task_numbers;
         SELECT pg_advisory_xact_lock_shared((x'5AFE'::bigint << 48) | last_value) FROM event_numbers;
         INSERT INTO tasks SELECT nextval('task_numbers'), gen_random_uuid(), state, run, variants, input_format, original_len, original_sha256,
             caller, priority, rank, metadata, expires_in, webhook, claim_no, attempts, refunds, node, created_at, started_at, ended_at,
             expires_at, results, probe, failure_code, failure_detail, lease_until, not_before FROM tasks;
         INSERT INTO events (task, at, news) SELECT task, at, news FROM events",
    );
    let after = insert(&*db, 2);
    let page = || block_on(db.list(TaskQuery { limit: 10, ..TaskQuery::default() })).unwrap().tasks;
    assert_eq!(page().iter().map(|task| task.id).collect::<Vec<_>>(), [before.id]);
    assert_eq!(numbers(&db, EventNo(0)), [1]);
    assert_eq!(block_on(db.span()).unwrap().latest, EventNo(1));
    assert_eq!(block_on(db.get(after.id)), Ok(Some(after.clone())), "by its name it is there");
    slow.run("COMMIT");
    assert_eq!(page().iter().map(|task| task.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(page()[2].id, after.id);
    assert_eq!(numbers(&db, EventNo(1)), [2, 3]);
}

#[test]
fn changes_that_wait_share_a_transaction() {
    let Some(engine) = Postgres::fresh() else { return };
    let db = engine.db();
    let before = db.stats().commits;
    let writes: Vec<_> = (0..200).map(|len| db.apply(Change::Insert(new_task(len)))).collect();
    assert!(block_on(join_all(writes)).iter().all(Result::is_ok));
    let commits = db.stats().commits - before;
    assert!(commits < 50, "{commits} transactions for 200 insertions");
}

#[test]
fn what_is_told_of_a_claim_at_the_same_time_shares_a_transaction() {
    let Some(engine) = Postgres::fresh() else { return };
    let db = engine.db();
    (0..50).for_each(|len| drop(insert(&*db, len)));
    let workers: Vec<_> = (0..50).map(|number| format!("worker-{number}")).collect();
    let claims: Vec<_> =
        claim(&*db, &workers.iter().map(String::as_str).collect::<Vec<_>>()).into_iter().map(|claimed| claimed.claim).collect();
    let before = db.stats().commits;
    let memory = |claim, peak| Change::NoteMemory { claim, peak, lease: LEASE };
    let told = |claim| [Change::Heartbeat { claim, lease: LEASE }, memory(claim, 5), finish(claim), memory(claim, 7)];
    let told: Vec<_> = claims.iter().flat_map(|claim| told(*claim)).map(|change| db.apply(change)).collect();
    let ended: Vec<_> = block_on(join_all(told)).iter().map(Result::is_ok).collect();
    assert_eq!(ended, [true, true, true, false].repeat(50), "what comes after the end is late");
    let commits = db.stats().commits - before;
    assert!(commits < 25, "{commits} transactions for the ends of 50 tasks");
    let attempt = block_on(db.view(claims[0].task)).unwrap().unwrap().attempts.pop().unwrap();
    assert_eq!((attempt.peak_memory, attempt.ended.is_some()), (Some(5), true));
}

#[test]
fn changes_of_one_task_are_made_in_their_order() {
    let Some(engine) = Postgres::fresh() else { return };
    let db = engine.db();
    let new = new_task(1);
    let id = new.id;
    let changes =
        [Change::Insert(new), Change::Cancel { id }, Change::Retry { id, run: 1 }, Change::Cancel { id }, Change::MarkDeleting { id }];
    let made = block_on(join_all(changes.map(|change| db.apply(change))));
    assert_eq!(made.last().unwrap().as_ref().map(|task| (task.state, task.run)), Ok((TaskState::Deleting, 2)));
}

#[test]
fn one_row_that_cannot_be_read_spoils_no_other() {
    let Some(mut engine) = Postgres::fresh() else { return };
    let [broken, good] = [1, 2].map(|len| insert(&*engine.db(), len).id);
    let hand = Sql::connect(&engine.url);
    hand.run("UPDATE safelight.tasks SET variants = 'result=melt' WHERE original_len = 1");
    let changes = [broken, good].map(|id| engine.db().apply(Change::Cancel { id }));
    let [of_broken, of_good] = <[_; 2]>::try_from(block_on(join_all(changes))).unwrap();
    assert!(matches!(of_broken, Err(TaskStoreError::Corrupt(text)) if text.contains("melt")));
    assert_eq!(of_good.map(|task| task.state), Ok(TaskState::Cancelled));
    let next = insert(&*engine.db(), 3).id;
    assert_eq!(claim(&*engine.db(), &["a", "b"]).iter().map(|claimed| claimed.task.id).collect::<Vec<_>>(), [next]);
    assert_eq!(block_on(engine.db().next_runnable()), Ok(None), "it is set aside");
    TaskEngine::reopen(&mut engine);
    assert_eq!(block_on(engine.db().next_runnable()), Ok(Some(Duration::ZERO)), "until the next start");
}

#[test]
fn one_change_that_the_database_does_not_take_spoils_no_other() {
    let Some(engine) = Postgres::fresh() else { return };
    Sql::connect(&engine.url).run("ALTER TABLE safelight.tasks ADD CHECK (original_len <> 3)");
    let changes = (0..7).map(|len| engine.db().apply(Change::Insert(new_task(len))));
    let taken: Vec<_> = block_on(join_all(changes)).iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, true, true, false, true, true, true]);
}

#[test]
fn two_nodes_that_are_sent_the_same_key_at_once_make_one_task() {
    let Some(engine) = Postgres::fresh() else { return };
    let nodes = [engine.db(), engine.beside("other")];
    for round in 0..20 {
        let together = Arc::new(Barrier::new(nodes.len()));
        let sent = nodes.each_ref().map(|node| {
            let idempotency = Idempotency { key: format!("order-{round}").parse().unwrap(), fingerprint: Fingerprint([1; 32]) };
            let (node, together) = (Arc::clone(node), Arc::clone(&together));
            thread::spawn(move || {
                together.wait();
                apply(&*node, Change::Insert(NewTask { idempotency: Some(idempotency), ..new_task(1) }))
            })
        });
        let mut answers = sent.map(|thread| thread.join().unwrap());
        answers.sort_by_key(Result::is_err);
        let [Ok(task), Err(TaskStoreError::Rejected(Rejected::KeyTaken { by, same: true }))] = &answers else { panic!("{answers:?}") };
        assert_eq!(*by, task.id);
    }
}

/// How many rows of a table were changed, and how many of them without a change of an index, once the engine is closed.
pub(crate) fn updates(engine: Postgres, table: &str) -> (i64, i64) {
    let hand = Sql::connect(&engine.url);
    // A connection tells its counts at its end.
    drop(engine);
    let others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'safelight' AND datname = current_database()";
    while hand.number(others) > 0 {}
    let told = |column: &str| hand.number(&format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = '{table}'"));
    (told("n_tup_upd"), told("n_tup_hot_upd"))
}

#[test]
fn a_heartbeat_of_a_worker_writes_no_index() {
    let Some(engine) = Postgres::fresh() else { return };
    let beside = engine.beside("beating");
    insert(&*beside, 1);
    let claim = claim_one(&*beside).claim;
    for _ in 0..50 {
        engine.clock.advance(Duration::from_secs(1));
        apply(&*beside, Change::Heartbeat { claim, lease: LEASE }).unwrap();
    }
    drop(beside);
    let (updates, heap_only) = updates(engine, "tasks");
    // One is the claim; a few begin a new page while somebody else looks at the old one.
    assert!(updates == 51 && heap_only >= 40, "{heap_only} of {updates}");
}

#[test]
fn a_heartbeat_of_a_node_writes_no_index() {
    let Some(engine) = Postgres::fresh() else { return };
    for busy in 0..51 {
        engine.clock.advance(Duration::from_secs(1));
        block_on(engine.db().beat(heartbeat("node", busy))).unwrap();
    }
    let (updates, heap_only) = updates(engine, "nodes");
    assert!(updates == 50 && heap_only >= 40, "{heap_only} of {updates}");
}

#[test]
fn a_schema_is_made_once_and_a_newer_one_refused() {
    let Ok(cluster) = Cluster::shared() else { return };
    let url = cluster.database();
    let open = |url: &str| PostgresDb::open(url, PostgresOptions::default());
    let together: Vec<_> = (0..4)
        .map(|node| {
            let options = PostgresOptions { node: format!("node-{node}"), ..PostgresOptions::default() };
            let url = url.clone();
            thread::spawn(move || PostgresDb::open(&url, options).map(drop))
        })
        .collect();
    together.into_iter().for_each(|opened| opened.join().unwrap().unwrap());
    Sql::connect(&url).run("INSERT INTO safelight.schema_versions VALUES (99)");
    assert!(matches!(open(&url), Err(OpenError::Newer { found: 99, known: 8 })));
    let refusal = |url: &str| open(url).map(drop).unwrap_err().to_string();
    assert!(refusal("mysql://host/db").contains("expected one such as postgres://"));
    assert!(refusal(&format!("{url}?sslmode=require")).to_lowercase().contains("tls"), "a Unix socket has none");
    assert!(refusal(&format!("{url}_not_there")).contains("does not exist"));
    assert!(matches!(open(&format!("{url}_not_there")), Err(OpenError::Postgres(_))), "waiting would not mend it");
    assert!(matches!(open(&url.replace("safelight@", "nobody@")), Err(OpenError::Postgres(_))), "nor this");
    assert!(matches!(open("postgres://safelight@127.0.0.1:9/db"), Err(OpenError::Away(_))));
}

#[test]
fn a_server_with_other_blobs_is_refused() {
    let Ok(cluster) = Cluster::shared() else { return };
    let url = cluster.database();
    let open = |blobs: &str| PostgresDb::open(&url, PostgresOptions { blobs: blobs.into(), ..PostgresOptions::default() }).map(drop);
    open("here").unwrap();
    assert!(matches!(open("there"), Err(OpenError::OtherBlobs { found, ours }) if (&*found, &*ours) == ("here", "there")));
    open("here").unwrap();
}

#[test]
fn a_database_that_was_away_is_used_again_and_has_lost_nothing() {
    let cluster = match Cluster::start("-c fsync=off") {
        Ok(cluster) => cluster,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let db = PostgresDb::open(&cluster.database(), PostgresOptions::default()).unwrap();
    let task = insert(&db, 1);
    cluster.stop();
    let refused = |answer| assert!(matches!(answer, Err(TaskStoreError::Unavailable(_) | TaskStoreError::UnknownOutcome(_))), "{answer:?}");
    refused(apply(&db, Change::Insert(new_task(2))));
    refused(apply(&db, Change::Insert(new_task(3))));
    assert!(matches!(block_on(db.get(task.id)), Err(TaskStoreError::Unavailable(_))));
    cluster.run().unwrap();
    assert_eq!(block_on(db.get(task.id)), Ok(Some(task)));
    insert(&db, 4);
    assert_eq!(block_on(db.backlog()).map(|backlog| backlog.bytes), Ok(5));
}

#[test]
fn what_is_queued_is_answered_when_the_engine_is_closed() {
    let Some(engine) = Postgres::fresh() else { return };
    let db = Arc::into_inner(engine.beside("closing")).unwrap();
    let writes: Vec<_> = (0..10).map(|len| db.apply(Change::Insert(new_task(len)))).collect();
    drop(db);
    assert!(block_on(join_all(writes)).iter().all(Result::is_ok));
}
