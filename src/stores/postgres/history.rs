//! The history of attempts, written with the steps of their tasks.

use crate::domain::task::AttemptEnd;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, int, text};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::writes::{Step, claim_no, each, seq};

/// Opens the attempts of fresh claims in the history.
pub(super) async fn begin_attempts(session: &Session, steps: &[Step], now: Now) -> Result<(), Fault> {
    let claimed: Vec<_> = steps.iter().filter(|step| step.worker.is_some()).collect();
    if claimed.is_empty() {
        return Ok(());
    }
    let of = || claimed.iter().copied();
    let statement = "INSERT INTO attempts (seq, claim_no, run, worker, started_at)
         SELECT seq, claim_no, run, worker, $5::bigint FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
             AS step (seq, claim_no, run, worker)";
    let claim_no = each(of(), |step| int(step.after().claim_no.0));
    let run = each(of(), |step| i64::from(step.after().run));
    let workers = each(of(), |step| step.worker.as_deref());
    session.execute(statement, &[&each(of(), seq), &claim_no, &run, &workers, &int(now.wall.0)]).await.map(drop)
}

/// Notes what the processes of attempts had in memory.
pub(super) async fn note_memory(session: &Session, steps: &[Step]) -> Result<(), Fault> {
    let noted: Vec<_> = steps.iter().filter(|step| step.transition.peak_memory.is_some()).collect();
    if noted.is_empty() {
        return Ok(());
    }
    let of = || noted.iter().copied();
    let statement = "UPDATE attempts SET peak_memory = step.peak
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS step (seq, claim_no, peak)
         WHERE attempts.seq = step.seq AND attempts.seq = ANY($1) AND attempts.claim_no = step.claim_no";
    let peaks = each(of(), |step| step.transition.peak_memory.map(int));
    session.execute(statement, &[&each(of(), seq), &each(of(), claim_no), &peaks]).await.map(drop)
}

/// Closes attempts that ended.
pub(super) async fn end_attempts(session: &Session, steps: &[Step], now: Now) -> Result<(), Fault> {
    let ended: Vec<_> = steps.iter().filter_map(|step| Some((step, step.transition.ended.as_ref()?))).collect();
    if ended.is_empty() {
        return Ok(());
    }
    let of = || ended.iter().map(|(step, _)| *step);
    fn ends<'a, T>(ended: &[(&'a Step, &'a AttemptEnd)], of: impl Fn(&'a AttemptEnd) -> T) -> Vec<T> {
        ended.iter().map(|(_, end)| of(end)).collect()
    }
    let statement =
        "UPDATE attempts SET ended_at = $3::bigint, outcome = step.outcome, reason_code = step.code, reason_detail = step.detail,
             refunded = step.refunded
         FROM unnest($1::bigint[], $2::bigint[], $4::text[], $5::text[], $6::text[], $7::boolean[])
             AS step (seq, claim_no, outcome, code, detail, refunded)
         WHERE attempts.seq = step.seq AND attempts.seq = ANY($1) AND attempts.claim_no = step.claim_no AND attempts.ended_at IS NULL";
    let changed = session
        .execute(
            statement,
            &[
                &each(of(), seq),
                &each(of(), claim_no),
                &int(now.wall.0),
                &ends(&ended, AttemptEnd::as_str),
                &ends(&ended, |end| end.reason().map(|reason| reason.code.code())),
                &ends(&ended, |end| end.reason().map(|reason| text(&reason.detail))),
                &ends(&ended, AttemptEnd::refunded),
            ],
        )
        .await?;
    match changed {
        changed if changed == ended.len() as u64 => Ok(()),
        _ => Err(Fault::Corrupt("a task in progress has no open attempt in its history".into())),
    }
}
