//! The memory that all running jobs share, by the estimate made from each image's header.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit in which memory is handed out, in bytes.
const UNIT: u64 = 1 << 20;

/// A budget of memory; clones share it.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    units: Arc<Semaphore>,
    per_job: u64,
}

/// Memory that a job holds; given back when dropped.
#[derive(Debug)]
pub struct MemoryPermit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// The job needs more memory than any job may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("processing needs about {needed} bytes of memory, and a job may use {allowed}; make the image smaller or raise workers.job_memory")]
pub struct NeverFits {
    /// The estimate, in bytes.
    pub needed: u64,
    /// The limit of one job, in bytes.
    pub allowed: u64,
}

impl MemoryBudget {
    /// A budget of `total` bytes, of which one job may have `per_job`.
    #[must_use]
    pub fn new(total: u64, per_job: u64) -> Self {
        let units = usize::try_from((total / UNIT).max(1)).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), per_job: per_job.min(units as u64 * UNIT) }
    }

    /// Waits until `bytes` are free. First come, first served, so that a large job is not overtaken for ever.
    ///
    /// # Errors
    /// At once, if a job may never have that much.
    pub async fn acquire(&self, bytes: u64) -> Result<MemoryPermit, NeverFits> {
        let never = NeverFits { needed: bytes, allowed: self.per_job };
        if bytes > self.per_job {
            return Err(never);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT).max(1)).map_err(|_| never)?;
        let permit = Arc::clone(&self.units).acquire_many_owned(units).await.expect("the semaphore is never closed");
        Ok(MemoryPermit(permit))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_job_runs_now_later_or_never() {
        let budget = MemoryBudget::new(10 * UNIT, 8 * UNIT);
        let now = budget.acquire(6 * UNIT).now_or_never().expect("now").expect("fits");
        let mut later = Box::pin(budget.acquire(5 * UNIT));
        assert!((&mut later).now_or_never().is_none(), "later");
        let never = budget.acquire(8 * UNIT + 1).now_or_never().expect("never").expect_err("more than a job may have");
        assert_eq!(never.allowed, 8 * UNIT);
        drop(now);
        assert!(later.now_or_never().expect("now").is_ok());
    }
}
