//! Waiting, when the server starts, for what is merely not there yet: a database or a store that starts at the same time, or restarts.

use std::thread;
use std::time::{Duration, Instant};

use crate::app::AppError;

/// The pause after the first try; it doubles with each further one.
const SHORTEST: Duration = Duration::from_millis(250);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// Until when it is waited.
pub(super) struct Patience {
    begun: Instant,
    deadline: Duration,
}

impl Patience {
    /// From now on for so long.
    pub(super) fn new(deadline: Duration) -> Self {
        Self { begun: Instant::now(), deadline }
    }

    /// Opens something, again and again while it is not there. What waiting does not mend is an error at once. Blocks; a try that is under
    /// way at the deadline is not cut off.
    pub(super) fn open<T>(&self, mut open: impl FnMut() -> Result<T, AppError>) -> Result<T, AppError> {
        let mut pause = SHORTEST;
        loop {
            let error = match open() {
                Err(error) if error.may_pass() => error,
                done => return done,
            };
            let left = self.deadline.saturating_sub(self.begun.elapsed());
            if left.is_zero() {
                return Err(error);
            }
            log::warn!(error:%, left:?, deadline:? = self.deadline; "not there yet; trying again until data.start_deadline");
            // Nothing else runs on this thread, or on any, before everything is open.
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(LONGEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::postgres;

    fn away() -> AppError {
        postgres::OpenError::Away("nobody listens".into()).into()
    }

    #[test]
    fn what_is_not_there_is_waited_for_and_what_is_wrong_is_not() {
        let patience = Patience::new(Duration::from_mins(1));
        let mut tries = 0;
        let opened = patience.open(|| {
            tries += 1;
            if tries < 3 { Err(away()) } else { Ok(tries) }
        });
        assert_eq!(opened.expect("it is there at last"), 3);
        let mut tries = 0;
        let refused = patience.open(|| {
            tries += 1;
            Err::<(), _>(postgres::OpenError::Postgres("no such database".into()).into())
        });
        assert!(refused.is_err_and(|error| error.to_string().contains("no such database")) && tries == 1);
    }

    #[test]
    fn patience_ends() {
        let mut tries = 0;
        let patience = Patience::new(Duration::from_millis(300));
        let given_up = patience.open(|| {
            tries += 1;
            Err::<(), _>(away())
        });
        assert!(given_up.is_err_and(|error| error.to_string().contains("nobody listens")));
        assert_eq!(tries, 3, "at once, after the first pause, and at the deadline");
    }
}
