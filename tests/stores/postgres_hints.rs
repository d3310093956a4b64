//! What the servers of one PostgreSQL database hear of each other, how often, and that it survives the loss of a connection.

use std::time::{Duration, Instant};

use futures::future::poll_fn;
use safelight::domain::task::Change;
use safelight::stores::Database;
use safelight::stores::hints::{Heard, Hint, Hints};
use safelight::stores::postgres::PostgresDb;
use safelight::stores::tasks::TaskStore;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, NoTls};

use crate::cluster::Sql;
use crate::fixtures::*;
use crate::postgres_fixtures::Postgres;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who hears of other servers.
struct Ear {
    runtime: Runtime,
    hints: Hints,
    known: Heard,
}

impl Ear {
    /// One whose connection listens already.
    fn of(db: &PostgresDb) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut ear = Self { runtime, hints: db.hints().unwrap(), known: Heard::default() };
        ear.until(Hint::ALL);
        ear
    }

    /// Waits until everything of `hint` was heard.
    fn until(&mut self, hint: Hint) {
        let (hints, known) = (&mut self.hints, self.known);
        let all = |heard: &Heard| heard.since(known).bits() & hint.bits() == hint.bits();
        let heard = self.runtime.block_on(async { timeout(PATIENCE, hints.wait_for(all)).await.map(|heard| heard.map(|heard| *heard)) });
        self.known = heard.expect("it is heard").expect("the engine is there");
    }

    /// What was heard since the last wait.
    fn heard(&self) -> Hint {
        self.hints.borrow().since(self.known)
    }
}

#[test]
fn a_server_hears_what_others_do_and_nothing_of_itself() {
    let Some(engine) = Postgres::fresh() else { return };
    let (mine, other) = (engine.db(), engine.beside("other"));
    let (mut here, mut there) = (Ear::of(&mine), Ear::of(&other));
    let task = insert(&*mine, 1);
    there.until(Hint::RUNNABLE | Hint::EVENTS);
    let claimed = claim_one(&*other);
    here.until(Hint::EVENTS);
    assert!(!here.heard().is_about(Hint::RUNNABLE), "it has made the task itself");
    apply(&*other, release(claimed.claim, true, Duration::ZERO)).unwrap();
    here.until(Hint::RUNNABLE);
    claim_one(&*other);
    apply(&*mine, Change::Cancel { id: task.id }).unwrap();
    there.until(Hint::WITHDRAWN);
    assert!(!here.heard().is_about(Hint::WITHDRAWN));
}

#[test]
fn many_changes_are_told_seldom_and_by_a_connection_that_changes_nothing() {
    let Some(engine) = Postgres::fresh() else { return };
    let db = engine.db();
    let ear = Ear::of(&db);
    let (told, took, by) = ear.runtime.block_on(async {
        let (client, mut connection) = tokio_postgres::connect(&engine.url, NoTls).await.unwrap();
        let (sender, mut told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message {
                    sender.send(notification.process_id()).unwrap();
                }
            }
        });
        client.batch_execute("LISTEN safelight").await.unwrap();
        let begun = Instant::now();
        for _ in 0..40 {
            db.apply(Change::Insert(new_task(1))).await.unwrap();
        }
        let took = begun.elapsed();
        let by = timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
        (1 + std::iter::from_fn(|| told.try_recv().ok()).count(), took, by)
    });
    let most = took.as_millis() as usize / 100 + 2;
    assert!(told <= most, "{told} notifications of 40 transactions within {took:?}");
    let hand = Sql::connect(&engine.url);
    let last = hand.text(&format!("SELECT query FROM pg_stat_activity WHERE pid = {by}"));
    assert!(last.starts_with("NOTIFY"), "{last}");
}

#[test]
fn a_lost_connection_is_replaced_and_everything_is_looked_at() {
    let Some(engine) = Postgres::fresh() else { return };
    let (mine, other) = (engine.db(), engine.beside("other"));
    let mut there = Ear::of(&other);
    let hand = Sql::connect(&engine.url);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query LIKE 'NOTIFY%')";
    assert_eq!(hand.number(end), 2, "those of both servers");
    there.until(Hint::ALL);
    insert(&*mine, 1);
    there.until(Hint::RUNNABLE);
}
