//! The peak memory of one attempt: what its child had resident at most, with what a child keeps from one job to the next.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::sleep;

use crate::sandbox::{Child, Gauge};

/// How often it is looked at while the attempt goes on: a child that dies tells nothing any more.
const EVERY: Duration = Duration::from_millis(100);

/// Watches a child for the time of one attempt.
pub(super) struct Peak {
    gauge: Gauge,
    /// Whether the system forgot what was before; else the peak may be another job's.
    is_reset: bool,
    seen: Cell<Option<u64>>,
}

impl Peak {
    /// Begins anew for the attempt that this child is about to make.
    pub(super) fn begin(child: &Child) -> Self {
        let gauge = child.gauge();
        Self { is_reset: gauge.reset_peak() || child.jobs_done() == 0, gauge, seen: Cell::new(None) }
    }

    /// Looks now and again; never ends.
    pub(super) async fn watch(&self) {
        loop {
            sleep(EVERY).await;
            self.look();
        }
    }

    /// The peak in bytes, where it is known.
    pub(super) fn end(self) -> Option<u64> {
        self.look();
        self.seen.get().filter(|_| self.is_reset)
    }

    fn look(&self) {
        let now = self.gauge.memory().map(|memory| memory.peak);
        self.seen.set(self.seen.get().max(now));
    }
}
