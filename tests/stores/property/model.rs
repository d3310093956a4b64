//! The model: the promises of a task's life, told once more in the plainest way, with a list instead of a database.

use safelight::domain::ids::{ClaimNo, TaskId};
use safelight::domain::task::{Change, Claim, Rejected, RetryPolicy, Task, TaskState};

/// Small, so that short sequences reach its limits.
pub(crate) const POLICY: RetryPolicy = RetryPolicy { max_attempts: 2, max_refunds: 2 };

/// What every task is to become.
pub(crate) const VARIANTS: [&str; 2] = ["large", "thumb"];

/// What a change comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    Late,
    WrongState,
    NotFound,
    Duplicate,
    NotAwaited,
}

impl From<Rejected> for Verdict {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Late { .. } => Self::Late,
            Rejected::WrongState { .. } => Self::WrongState,
            Rejected::NotFound => Self::NotFound,
            // The model inserts without keys.
            Rejected::Duplicate | Rejected::KeyTaken { .. } => Self::Duplicate,
            Rejected::NotAwaited(_) => Self::NotAwaited,
        }
    }
}

/// A task. `state` is `None` once it is gone.
#[derive(Debug)]
pub(crate) struct ModelTask {
    pub(crate) id: TaskId,
    len: u64,
    state: Option<TaskState>,
    run: u32,
    claim_no: u64,
    attempts: u32,
    refunds: u32,
    lease_until: u64,
    not_before: u64,
    /// Its place among those that wait: that of its insertion or its last retry.
    turn: u64,
    /// The claims that made the results, by [`VARIANTS`].
    results: [Option<u64>; 2],
}

impl ModelTask {
    pub(crate) fn check(&self, row: Option<&Task>) {
        let Some(row) = row else { return assert_eq!(self.state, None, "{self:?} is missing") };
        let expected = (self.state, self.run, self.claim_no, self.attempts, self.refunds, self.len, self.results);
        let results = VARIANTS.map(|name| row.results.get(&name.parse().unwrap()).map(|result| result.claim_no.0));
        assert_eq!((Some(row.state), row.run, row.claim_no.0, row.attempts, row.refunds, row.original.len, results), expected);
        assert_eq!(row.ended_at.is_some(), !row.state.is_open());
    }
}

/// Everything that is stored, and every claim that was ever handed out.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) tasks: Vec<ModelTask>,
    pub(crate) claims: Vec<Claim>,
    turns: u64,
}

impl Model {
    pub(crate) fn insert(&mut self, id: TaskId, len: u64) {
        self.turns += 1;
        self.tasks.push(ModelTask {
            id,
            len,
            state: Some(TaskState::NotStarted),
            run: 1,
            claim_no: 0,
            attempts: 0,
            refunds: 0,
            lease_until: 0,
            not_before: 0,
            turn: self.turns,
            results: [None; 2],
        });
    }

    /// The run of the task that a number picks; 1 if there is no task.
    pub(crate) fn run(&self, pick: usize) -> u32 {
        self.tasks.get(pick % self.tasks.len().max(1)).map_or(1, |task| task.run)
    }

    pub(crate) fn claim(&mut self, workers: usize, lease: u64) -> Vec<Claim> {
        let now = self.now;
        let mut runnable: Vec<_> =
            self.tasks.iter_mut().filter(|task| task.state == Some(TaskState::NotStarted) && task.not_before <= now).collect();
        runnable.sort_by_key(|task| task.turn);
        let claimed: Vec<_> = runnable
            .into_iter()
            .take(workers)
            .map(|task| {
                task.state = Some(TaskState::InProgress);
                task.claim_no += 1;
                task.attempts += 1;
                task.lease_until = now + lease;
                Claim { task: task.id, claim_no: ClaimNo(task.claim_no) }
            })
            .collect();
        self.claims.extend(&claimed);
        claimed
    }

    pub(crate) fn change(&mut self, change: &Change) -> Verdict {
        let now = self.now;
        let task = self.tasks.iter_mut().find(|task| task.id == change.task()).expect("the model knows every id");
        let Some(state) = task.state else { return Verdict::NotFound };
        let open = matches!(state, TaskState::NotStarted | TaskState::InProgress);
        let claim = match change {
            Change::Heartbeat { claim, .. }
            | Change::AddResult { claim, .. }
            | Change::Fail { claim, .. }
            | Change::Release { claim, .. } => Some(claim.claim_no.0),
            _ => None,
        };
        if claim.is_some_and(|claim_no| state != TaskState::InProgress || claim_no != task.claim_no) {
            return Verdict::Late;
        }
        match change {
            Change::Heartbeat { lease, .. } => task.lease_until = now + lease.as_secs(),
            Change::AddResult { variant, lease, .. } => {
                let at = VARIANTS.iter().position(|name| *name == variant.as_str());
                let Some(result) = at.map(|at| &mut task.results[at]).filter(|result| result.is_none()) else {
                    return Verdict::NotAwaited;
                };
                *result = claim;
                task.lease_until = now + lease.as_secs();
                if task.results.iter().all(Option::is_some) {
                    task.state = Some(TaskState::Finished);
                }
            }
            Change::Fail { .. } => task.state = Some(TaskState::Failed),
            Change::Release { refund, backoff, .. } => task.release(*refund, now + backoff.as_secs()),
            Change::Cancel { .. } if open => task.state = Some(TaskState::Cancelled),
            Change::Retry { run, .. } if *run == task.run && matches!(state, TaskState::Failed | TaskState::Cancelled) => {
                task.state = Some(TaskState::NotStarted);
                task.run += 1;
                (task.attempts, task.refunds, task.not_before) = (0, 0, 0);
                self.turns += 1;
                task.turn = self.turns;
            }
            Change::MarkDeleting { .. } if !open && state != TaskState::Deleting => task.state = Some(TaskState::Deleting),
            Change::Remove { .. } if state == TaskState::Deleting => task.state = None,
            _ => return Verdict::WrongState,
        }
        Verdict::Done
    }

    pub(crate) fn expired(&self) -> Vec<Claim> {
        let lapsed = self.tasks.iter().filter(|task| task.state == Some(TaskState::InProgress) && task.lease_until <= self.now);
        let mut claims: Vec<_> = lapsed.map(|task| Claim { task: task.id, claim_no: ClaimNo(task.claim_no) }).collect();
        claims.sort_by_key(|claim| claim.task);
        claims
    }

    pub(crate) fn recover(&mut self) -> u64 {
        self.tasks.iter_mut().for_each(|task| task.not_before = 0);
        let claimed = self.tasks.iter_mut().filter(|task| task.state == Some(TaskState::InProgress));
        claimed.map(|task| task.release(true, 0)).count() as u64
    }

    /// Timers do not outlive the clock they ran on.
    pub(crate) fn reopen(&mut self) {
        for task in &mut self.tasks {
            task.lease_until = 0;
            task.not_before = 0;
        }
    }

    pub(crate) fn next_runnable(&self) -> Option<u64> {
        let waiting = self.tasks.iter().filter(|task| task.state == Some(TaskState::NotStarted));
        waiting.map(|task| task.not_before.saturating_sub(self.now)).min()
    }
}

impl ModelTask {
    fn release(&mut self, refund: bool, not_before: u64) {
        let refunded = refund && self.refunds < POLICY.max_refunds;
        if refunded {
            self.refunds += 1;
            self.attempts -= 1;
        }
        let spent = !refunded && self.attempts >= POLICY.max_attempts;
        self.state = Some(if spent { TaskState::Failed } else { TaskState::NotStarted });
        self.not_before = not_before;
    }
}
