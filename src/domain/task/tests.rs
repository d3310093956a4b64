//! The whole table of transitions. How they play together in long lives is tested against a model in `tests/stores`.

use std::time::Duration;

use super::*;
use crate::domain::blob::Sha256;
use crate::domain::probe::{ColorSpace, Details};

const POLICY: RetryPolicy = RetryPolicy { max_attempts: 3, max_refunds: 2 };
const NOW: Timestamp = Timestamp(5);
const LEASE: Duration = Duration::from_secs(30);

fn apply(task: &Task, change: &Change) -> Result<Task, Rejected> {
    task.apply(change, &POLICY, NOW).map(|transition| transition.task)
}

fn claimed(task: &Task) -> Task {
    task.claim(LEASE, NOW).unwrap().task
}

fn failure() -> Failure {
    Failure::new(ErrorCode::CorruptImage, "cut off")
}

fn result(task: &Task) -> TaskResult {
    TaskResult { claim_no: task.claim_no, blob: task.original, format: Format::Png, width: 1, height: 1, warnings: Vec::new() }
}

fn add(claim: Claim, variant: VariantName, result: TaskResult) -> Change {
    Change::AddResult { claim, variant, result, probe: None, lease: LEASE }
}

fn finish(claim: Claim, result: TaskResult) -> Change {
    add(claim, VariantName::RESULT, result)
}

/// A task in the given state, by the shortest way.
fn in_state(state: TaskState) -> Task {
    let original = BlobMeta { len: 1, sha256: Sha256([1; 32]) };
    let new = NewTask::new(TaskId::random(), Variants::only("invert".parse().unwrap()), original, Format::Png);
    let waiting = Task::create(new, 1, NOW);
    let working = claimed(&waiting);
    let change = match state {
        TaskState::NotStarted => return waiting,
        TaskState::InProgress => return working,
        TaskState::Finished => finish(working.current_claim(), result(&working)),
        TaskState::Failed => Change::Fail { claim: working.current_claim(), failure: failure() },
        TaskState::Cancelled => Change::Cancel { id: working.id },
        TaskState::Deleting => return apply(&in_state(TaskState::Finished), &Change::MarkDeleting { id: working.id }).unwrap(),
    };
    apply(&working, &change).unwrap()
}

/// Every kind of change, each shown with the task's latest claim, and the states from which it is allowed.
fn changes(task: &Task) -> Vec<(Change, &'static [TaskState])> {
    use TaskState::{Cancelled, Deleting, Failed, Finished, InProgress, NotStarted};
    let (id, claim) = (task.id, task.current_claim());
    let new = NewTask::new(id, task.variants.clone(), task.original, task.input_format);
    vec![
        (Change::Insert(new), &[]),
        (Change::Heartbeat { claim, lease: LEASE }, &[InProgress]),
        (Change::NoteMemory { claim, peak: 1, lease: LEASE }, &[InProgress]),
        (finish(claim, result(task)), &[InProgress]),
        (Change::Fail { claim, failure: failure() }, &[InProgress]),
        (Change::Release { claim, reason: failure(), refund: false, backoff: LEASE }, &[InProgress]),
        (Change::Release { claim, reason: failure(), refund: true, backoff: LEASE }, &[InProgress]),
        (Change::Cancel { id }, &[NotStarted, InProgress]),
        (Change::Retry { id, run: task.run }, &[Failed, Cancelled]),
        (Change::MarkDeleting { id }, &[Finished, Failed, Cancelled]),
        (Change::Remove { id }, &[Deleting]),
    ]
}

#[test]
fn each_change_is_allowed_from_its_states_only() {
    for state in TaskState::ALL {
        let task = in_state(state);
        assert_eq!(task.state, state);
        assert_eq!(task.claim(LEASE, NOW).is_ok(), state == TaskState::NotStarted, "claim from {state}");
        for (change, from) in changes(&task) {
            assert_eq!(apply(&task, &change).is_ok(), from.contains(&state), "{change:?} from {state}");
        }
    }
}

#[test]
fn a_rejection_says_what_the_caller_needs() {
    let task = in_state(TaskState::Finished);
    for (change, _) in changes(&task) {
        let rejected = apply(&task, &change).err();
        let expected = match change {
            Change::Insert(_) => Some(Rejected::Duplicate),
            Change::MarkDeleting { .. } => None,
            Change::Cancel { .. } | Change::Retry { .. } | Change::Remove { .. } => Some(Rejected::WrongState { state: task.state }),
            _ => Some(Rejected::Late { state: task.state, claim_no: task.claim_no }),
        };
        assert_eq!(rejected, expected);
    }
}

#[test]
fn a_worker_is_heard_with_the_latest_claim_of_its_own_task_only() {
    let task = in_state(TaskState::InProgress);
    let other = in_state(TaskState::InProgress);
    assert!(apply(&task, &Change::Heartbeat { claim: other.current_claim(), lease: LEASE }).is_err());
    let again = claimed(&Task { state: TaskState::NotStarted, ..task.clone() });
    assert!(apply(&again, &Change::Heartbeat { claim: task.current_claim(), lease: LEASE }).is_err());
    let borrowed = finish(again.current_claim(), result(&task));
    assert!(apply(&again, &borrowed).is_err(), "a result of another claim");
}

#[test]
fn timers_and_history_follow_the_transition() {
    let working = in_state(TaskState::InProgress);
    let claim = working.current_claim();
    let transition = |change: &Change| working.apply(change, &POLICY, NOW).unwrap();
    let heartbeat = transition(&Change::Heartbeat { claim, lease: LEASE });
    assert_eq!((heartbeat.task, heartbeat.timer, heartbeat.ended), (working.clone(), Timer::Lease(LEASE), None));
    let released = transition(&Change::Release { claim, reason: failure(), refund: true, backoff: LEASE });
    assert_eq!(released.timer, Timer::Backoff(LEASE));
    assert_eq!(released.ended, Some(AttemptEnd::Released { reason: failure(), refunded: true }));
    let finished = transition(&finish(claim, result(&working)));
    assert_eq!((finished.timer, finished.ended), (Timer::Off, Some(AttemptEnd::Finished)));
    let cancelled = transition(&Change::Cancel { id: working.id });
    assert_eq!((cancelled.timer, cancelled.ended), (Timer::Off, Some(AttemptEnd::Cancelled)));
    let waiting = in_state(TaskState::NotStarted);
    assert_eq!(waiting.apply(&Change::Cancel { id: waiting.id }, &POLICY, NOW).unwrap().ended, None, "no attempt was open");
}

#[test]
fn a_retry_opens_one_run_however_often_it_arrives() {
    let failed = in_state(TaskState::Failed);
    let retry = Change::Retry { id: failed.id, run: failed.run };
    let second = apply(&failed, &retry).unwrap();
    assert_eq!((second.run, retry.is_shown_by(&second), retry.is_shown_by(&failed)), (2, true, false));
    let cancelled = apply(&second, &Change::Cancel { id: failed.id }).unwrap();
    assert_eq!(apply(&cancelled, &retry), Err(Rejected::WrongState { state: TaskState::Cancelled }), "it was meant for the run before");
}

#[test]
fn a_lowered_limit_fails_a_task_at_its_next_release_and_never_strands_it() {
    let strict = RetryPolicy { max_attempts: 1, max_refunds: 0 };
    let third = claimed(&Task { attempts: 2, ..in_state(TaskState::NotStarted) });
    let release = Change::Release { claim: third.current_claim(), reason: failure(), refund: true, backoff: LEASE };
    assert_eq!(third.apply(&release, &strict, NOW).unwrap().task.state, TaskState::Failed);
}

#[test]
fn a_state_reads_what_it_prints() {
    for state in TaskState::ALL {
        assert_eq!(state.to_string().parse(), Ok(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    assert_eq!("done".parse::<TaskState>(), Err(InvalidTaskState));
}

fn name(text: &str) -> VariantName {
    text.parse().unwrap()
}

/// A task of two variants in the hands of a worker.
fn of_two() -> Task {
    claimed(&Task { variants: "large=invert thumb=resize:10x".parse().unwrap(), ..in_state(TaskState::NotStarted) })
}

#[test]
fn a_task_is_finished_when_no_variant_is_missing() {
    let working = of_two();
    let claim = working.current_claim();
    let first = working.apply(&add(claim, name("thumb"), result(&working)), &POLICY, NOW).unwrap();
    assert_eq!((first.task.state, first.timer, &first.ended), (TaskState::InProgress, Timer::Lease(LEASE), &None));
    assert_eq!(first.task.missing().map(|(name, _)| name).collect::<Vec<_>>(), [name("large")]);
    assert_eq!(first.task.result_key(name("thumb")), Some(claim.result_key(name("thumb"))));
    let last = first.task.apply(&add(claim, name("large"), result(&working)), &POLICY, NOW).unwrap();
    assert_eq!((last.task.state, last.timer, last.ended), (TaskState::Finished, Timer::Off, Some(AttemptEnd::Finished)));
}

#[test]
fn each_variant_gets_its_result_once_and_no_other_gets_any() {
    let working = of_two();
    let claim = working.current_claim();
    let first = add(claim, name("thumb"), result(&working));
    let after = apply(&working, &first).unwrap();
    assert_eq!(apply(&after, &first), Err(Rejected::NotAwaited(name("thumb"))));
    assert!(first.is_shown_by(&after) && !first.is_shown_by(&working));
    assert_eq!(apply(&working, &finish(claim, result(&working))), Err(Rejected::NotAwaited(VariantName::RESULT)));
}

#[test]
fn results_are_kept_when_a_task_is_tried_again() {
    let working = of_two();
    let claim = working.current_claim();
    let after = apply(&working, &add(claim, name("thumb"), result(&working))).unwrap();
    let kept = |task: &Task| assert_eq!(task.results, after.results, "{}", task.state);
    let released = apply(&after, &Change::Release { claim, reason: failure(), refund: true, backoff: LEASE }).unwrap();
    kept(&released);
    let again = claimed(&released);
    assert_eq!(apply(&again, &add(again.current_claim(), name("large"), result(&again))).unwrap().state, TaskState::Finished);
    let failed = apply(&after, &Change::Fail { claim, failure: failure() }).unwrap();
    kept(&failed);
    kept(&apply(&failed, &Change::Retry { id: failed.id, run: failed.run }).unwrap());
    kept(&apply(&after, &Change::Cancel { id: after.id }).unwrap());
}

#[test]
fn what_is_known_of_the_original_comes_with_a_result_and_stays() {
    let details = Details { color_space: ColorSpace::Gray, profile: None, bit_depth: 8, alpha: false, orientation: 1, exif: None };
    let known =
        |width| ImageProbe { format: Format::Png, width, height: 1, frames: 1, duration_ms: 0, details: details.clone(), glance: None };
    let variants = "large=invert small=resize:10x".parse().expect("two variants");
    let new = NewTask::new(TaskId::random(), variants, BlobMeta { len: 1, sha256: Sha256([1; 32]) }, Format::Png);
    let mut task = claimed(&Task::create(new, 1, NOW));
    assert_eq!(task.probe, None);
    for (variant, width) in [("large", 1), ("small", 2)] {
        let (claim, variant) = (task.current_claim(), variant.parse().expect("a name"));
        let change = Change::AddResult { claim, variant, result: result(&task), probe: Some(Box::new(known(width))), lease: LEASE };
        task = apply(&task, &change).unwrap();
        assert_eq!(task.probe, Some(known(1)));
    }
    assert_eq!((task.state, apply(&task, &Change::MarkDeleting { id: task.id }).unwrap().probe), (TaskState::Finished, Some(known(1))));
}
