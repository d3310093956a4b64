//! Waiting for what HTTP gives no signal of: the one place of these tests that pauses.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up on it. Generous: machines that run tests are busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer; the one place that waits without a signal, since HTTP has none.
pub fn eventually<T, A: Asked<T>>(what: &str, mut ask: impl FnMut() -> A) -> T {
    let start = Instant::now();
    loop {
        match ask().asked() {
            Ok(answer) => return answer,
            Err(why) => assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {why}"),
        }
        between_questions();
    }
}

/// Asks again and again for a time: what is said must stay true.
pub fn stays(what: &str, time: Duration, mut ask: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < time {
        assert!(ask(), "after {:?} it is over: {what}", start.elapsed());
        between_questions();
    }
}

/// A pause so short that nobody waits for nothing, and so long that who is asked can do something else.
pub fn between_questions() {
    std::thread::sleep(Duration::from_millis(5));
}

/// What [`eventually`] waits for: an answer, or none yet, perhaps with what is there instead.
pub trait Asked<T> {
    fn asked(self) -> Result<T, String>;
}

impl<T> Asked<T> for Option<T> {
    fn asked(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing yet".to_owned())
    }
}

impl<T> Asked<T> for Result<T, String> {
    fn asked(self) -> Self {
        self
    }
}
