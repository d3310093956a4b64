//! Many clients at once: each takes the next image that nobody has taken, until there are no more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::Client;

/// One upload and what came of it.
pub(crate) struct Accepted {
    /// Which of the images it was.
    pub(crate) number: usize,
    pub(crate) id: String,
    /// From the first byte to the answer.
    pub(crate) accept: Duration,
}

/// What a burst came to.
#[derive(Default)]
pub(crate) struct Burst {
    pub(crate) accepted: Vec<Accepted>,
    /// Why uploads were not accepted.
    pub(crate) refused: Vec<String>,
    pub(crate) elapsed: Duration,
}

impl Burst {
    /// Every upload was accepted, or an error that says why one was not.
    pub(crate) fn all_accepted(self) -> Outcome<Self> {
        match self.refused.first() {
            None => Ok(self),
            Some(first) => Err(format!("{} uploads were not accepted; the first: {first}", self.refused.len()).into()),
        }
    }

    /// Accepted uploads per second.
    pub(crate) fn rate(&self) -> f64 {
        self.accepted.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Uploads `count` images with `clients` clients; `image` gives the bytes of a number.
pub(crate) fn upload<'i>(
    url: &str,
    clients: usize,
    count: usize,
    pipeline: Option<&str>,
    image: impl Fn(usize) -> &'i [u8] + Sync,
) -> Burst {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let one = || {
        let (client, mut own) = (Client::new(url), Burst::default());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return own;
            }
            let began = Instant::now();
            match client.upload(image(number), pipeline) {
                Ok(id) => own.accepted.push(Accepted { number, id, accept: began.elapsed() }),
                Err(error) => own.refused.push(error.to_string()),
            }
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        let mut all = Burst::default();
        for client in running {
            let own = client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.accepted.extend(own.accepted);
            all.refused.extend(own.refused);
        }
        all.elapsed = start.elapsed();
        all.accepted.sort_by_key(|accepted| accepted.number);
        all
    })
}
