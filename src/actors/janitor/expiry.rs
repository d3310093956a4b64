//! Expiry: tasks whose retention is over are hidden, and then removed like any that was deleted.

use crate::actors::janitor::{JanitorDeps, JanitorError, STEP_DEADLINE, deletion};
use crate::actors::task_db::RetireTasks;

/// Tasks that are hidden in one transaction: short enough that no upload waits for it.
const AT_ONCE: usize = 100;

/// Removes what has expired; says how many tasks.
pub(super) async fn expire(deps: &JanitorDeps) -> Result<u64, JanitorError> {
    let mut expired = 0;
    loop {
        deps.on_duty()?;
        let retired = deps.task_db.send(RetireTasks { limit: AT_ONCE }).timeout(STEP_DEADLINE).await??;
        if retired.is_empty() {
            return Ok(expired);
        }
        for task in &retired {
            deps.on_duty()?;
            log::info!(task:% = task.id, retention:% = task.retention; "task expired");
            deletion::finish(deps, task).await?;
            expired += 1;
        }
    }
}
