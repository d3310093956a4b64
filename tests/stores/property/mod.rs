//! The state machine and its engine against a small model: random operations by several workers, late ones among them, with
//! time passing, recoveries and openings in between. After each operation the store must be what the model says.

mod model;

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{Attempt, AttemptEnd, Change, Claim, NewTask, Task, TaskState};
use safelight::stores::tasks::{Backlog, TaskStoreError};

use crate::conformance::events::assert_events_tell;
use crate::fixtures::*;
use crate::postgres_fixtures::Postgres;
use crate::property::model::{Model, POLICY, VARIANTS, Verdict};

/// One operation. Numbers pick among the tasks, or among all claims that were ever handed out, late ones included.
#[derive(Clone, Debug)]
enum Op {
    Insert,
    Claim(usize),
    Heartbeat(usize, u64),
    AddResult(usize, usize),
    Fail(usize),
    Release(usize, bool, u64),
    ReleaseExpired,
    Cancel(usize),
    Retry(usize),
    MarkDeleting(usize),
    Remove(usize),
    Advance(u64),
    Recover,
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let pick = 0..1000_usize;
    prop_oneof![
        4 => Just(Op::Insert),
        8 => (1..4_usize).prop_map(Op::Claim),
        3 => (pick.clone(), 1..60_u64).prop_map(|(n, lease)| Op::Heartbeat(n, lease)),
        // The third is the name of no variant.
        8 => (pick.clone(), 0..3_usize).prop_map(|(n, variant)| Op::AddResult(n, variant)),
        2 => pick.clone().prop_map(Op::Fail),
        8 => (pick.clone(), any::<bool>(), prop_oneof![Just(0), 1..40_u64]).prop_map(|(n, refund, backoff)| Op::Release(n, refund, backoff)),
        2 => Just(Op::ReleaseExpired),
        2 => pick.clone().prop_map(Op::Cancel),
        3 => pick.clone().prop_map(Op::Retry),
        2 => pick.clone().prop_map(Op::MarkDeleting),
        2 => pick.prop_map(Op::Remove),
        4 => (1..40_u64).prop_map(Op::Advance),
        1 => Just(Op::Recover),
        1 => Just(Op::Reopen),
    ]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(150))]
    #[test]
    fn the_store_is_what_the_model_says(ops in prop::collection::vec(op(), 1..120)) {
        Run::of(Box::new(Sqlite::new(POLICY)), &ops);
    }
}

proptest! {
    // Fewer, since each has a database of its own.
    #![proptest_config(cases(30))]
    #[test]
    fn so_is_the_one_in_postgres(ops in prop::collection::vec(op(), 1..120)) {
        if let Some(engine) = Postgres::new(POLICY) {
            Run::of(Box::new(engine), &ops);
        }
    }
}

struct Run {
    engine: Box<dyn TaskEngine>,
    model: Model,
    /// The terminal state that was first seen of each run.
    ends: HashMap<(TaskId, u32), TaskState>,
}

impl Run {
    fn of(engine: Box<dyn TaskEngine>, ops: &[Op]) {
        let mut run = Self { engine, model: Model::default(), ends: HashMap::new() };
        ops.iter().for_each(|op| run.step(op));
        run.check_history();
    }

    fn step(&mut self, op: &Op) {
        let before: HashMap<_, _> = self.rows();
        match *op {
            Op::Insert => self.insert(),
            Op::Claim(workers) => self.claim(workers),
            Op::Heartbeat(n, lease) => self.report(n, |claim| Change::Heartbeat { claim, lease: Duration::from_secs(lease) }),
            Op::AddResult(n, variant) => {
                let name = VARIANTS.get(variant).map_or(VariantName::RESULT, |name| name.parse().unwrap());
                self.report(n, |claim| add(claim, name));
            }
            Op::Fail(n) => self.report(n, |claim| Change::Fail { claim, failure: failure() }),
            Op::Release(n, refund, backoff) => self.report(n, |claim| release(claim, refund, Duration::from_secs(backoff))),
            Op::ReleaseExpired => self.release_expired(),
            Op::Cancel(n) => self.order(n, |id| Change::Cancel { id }),
            Op::Retry(n) => {
                let run = self.model.run(n);
                self.order(n, |id| Change::Retry { id, run });
            }
            Op::MarkDeleting(n) => self.order(n, |id| Change::MarkDeleting { id }),
            Op::Remove(n) => self.order(n, |id| Change::Remove { id }),
            Op::Advance(seconds) => {
                self.engine.clock().advance(Duration::from_secs(seconds));
                self.model.now += seconds;
            }
            Op::Recover => {
                let taken_back = block_on(self.engine.tasks().recover()).unwrap();
                assert_eq!(taken_back, self.model.recover());
            }
            Op::Reopen => {
                self.engine.reopen();
                self.model.reopen();
            }
        }
        self.check(&before);
    }

    fn insert(&mut self) {
        let new = NewTask { variants: "large=png thumb=resize:10x".parse().unwrap(), ..new_task(self.model.tasks.len() as u64 + 1) };
        let task = apply(&*self.engine.tasks(), Change::Insert(new)).unwrap();
        self.model.insert(task.id, task.original.len);
    }

    fn claim(&mut self, workers: usize) {
        let names = &["a", "b", "c"][..workers];
        let claims: Vec<_> = claim(&*self.engine.tasks(), names).into_iter().map(|claimed| claimed.claim).collect();
        assert_eq!(claims, self.model.claim(workers, LEASE.as_secs()));
    }

    fn report(&mut self, pick: usize, change: impl FnOnce(Claim) -> Change) {
        if !self.model.claims.is_empty() {
            // Recent claims are more likely to be current ones.
            let n = self.model.claims.len() - 1 - pick % self.model.claims.len().min(12);
            self.change(&change(self.model.claims[n]));
        }
    }

    fn order(&mut self, pick: usize, change: impl FnOnce(TaskId) -> Change) {
        if !self.model.tasks.is_empty() {
            let n = pick % self.model.tasks.len();
            self.change(&change(self.model.tasks[n].id));
        }
    }

    fn change(&mut self, change: &Change) {
        let expected = self.model.change(change);
        let verdict = match apply(&*self.engine.tasks(), change.clone()) {
            Ok(_) => Verdict::Done,
            Err(TaskStoreError::Rejected(rejected)) => rejected.into(),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(verdict, expected, "{change:?}");
    }

    fn release_expired(&mut self) {
        let mut expired = block_on(self.engine.tasks().expired(100)).unwrap();
        expired.sort_by_key(|claim| claim.task);
        assert_eq!(expired, self.model.expired());
        for claim in expired {
            self.change(&release(claim, false, Duration::ZERO));
        }
    }

    fn rows(&self) -> HashMap<TaskId, Task> {
        let store = self.engine.tasks();
        self.model.tasks.iter().filter_map(|task| block_on(store.get(task.id)).unwrap()).map(|task| (task.id, task)).collect()
    }

    /// The store is what the model says, and what no sequence of operations may do was not done.
    fn check(&mut self, before: &HashMap<TaskId, Task>) {
        let rows = self.rows();
        for expected in &self.model.tasks {
            expected.check(rows.get(&expected.id));
        }
        for task in rows.values() {
            assert!(task.attempts <= POLICY.max_attempts && task.refunds <= POLICY.max_refunds, "{task:?}");
            if let Some(before) = before.get(&task.id) {
                assert!(task.claim_no >= before.claim_no && task.run >= before.run, "{before:?} became {task:?}");
            }
            if task.state.is_terminal() {
                let first = *self.ends.entry((task.id, task.run)).or_insert(task.state);
                assert_eq!(first, task.state, "a second end of one run: {task:?}");
            }
        }
        let store = self.engine.tasks();
        let open = || rows.values().filter(|task| task.state.is_open());
        let backlog = Backlog { tasks: open().count() as u64, bytes: open().map(|task| task.original.len).sum() };
        assert_eq!(block_on(store.backlog()), Ok(backlog));
        assert_eq!(block_on(store.next_runnable()), Ok(self.model.next_runnable().map(Duration::from_secs)));
    }

    /// One attempt per claim, in order; every one that is not current has ended; refunds are those of the row.
    fn check_history(&self) {
        for task in self.rows().values() {
            assert_events_tell(&*self.engine.events(), task, "a random history");
            let history = block_on(self.engine.tasks().view(task.id)).unwrap().unwrap().attempts;
            let claims: Vec<_> = history.iter().map(|attempt| attempt.claim_no.0).collect();
            assert_eq!(claims, (1..=task.claim_no.0).collect::<Vec<_>>());
            let ended = |attempt: &&Attempt| attempt.ended.is_some();
            let in_progress = usize::from(task.state == TaskState::InProgress);
            assert_eq!(history.iter().filter(ended).count(), history.len() - in_progress);
            let ends = || history.iter().filter(|attempt| attempt.run == task.run).filter_map(|attempt| attempt.ended.as_ref());
            assert_eq!(ends().filter(|ended| ended.end.refunded()).count(), task.refunds as usize);
            assert_eq!(ends().filter(|ended| ended.end == AttemptEnd::Finished).count(), usize::from(task.missing().next().is_none()));
        }
    }
}
