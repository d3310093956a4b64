//! Clients that ask one kind of question all the time, and remember when they were answered well.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use crate::harness::{Server, eventually};
use crate::jobs::Job;

/// How long a prober waits between two questions, unless it is told to end.
const PACE: Duration = Duration::from_millis(20);

/// When the questions of one kind that were answered well were asked, and when they were answered; oldest first.
pub struct Answers {
    pub kind: &'static str,
    answers: Vec<(Timestamp, Timestamp)>,
}

impl Answers {
    /// How long after `moment` the first question was answered well that was not asked before it.
    pub fn first_after(&self, moment: Timestamp) -> Option<Duration> {
        let (_, answered) = self.answers.iter().find(|(asked, _)| *asked >= moment)?;
        Some(answered.duration_since(moment).unsigned_abs())
    }
}

/// The probers while they run.
pub struct Probers<'scope> {
    threads: Vec<(Sender<()>, ScopedJoinHandle<'scope, Answers>)>,
}

impl<'scope> Probers<'scope> {
    /// One prober for each kind of question. `known` is finished; jobs that the server acknowledges go to the two
    /// senders, since a prober has no time to check them.
    pub fn start<'env>(
        threads: &'scope Scope<'scope, 'env>,
        server: &'env Server,
        known: &'env Job,
        acknowledged: [Sender<Job>; 2],
    ) -> Self {
        let upload = |number, acknowledged: &Sender<Job>| {
            let job = Job::try_upload(server, number)?;
            let id = job.id.clone();
            acknowledged.send(job).expect("somebody checks them");
            Some(id)
        };
        let mut probers = Self { threads: Vec::new() };
        let [uploaded, done] = acknowledged;
        probers.add(threads, "upload", move || upload(210, &uploaded).is_some());
        probers.add(threads, "task done", move || upload(211, &done).is_some_and(|id| server.wait(&id) == "finished"));
        probers.add(threads, "is ready", || server.is_ready(&known.id) == "finished");
        probers.add(threads, "download", || server.image(&known.id).status == 200);
        probers.add(threads, "setting read", || server.get("/v1/settings/read.key").status == 200);
        probers.add(threads, "setting written", || {
            let written = server.put("/v1/settings/written.key", "1").status < 300;
            server.delete("/v1/settings/written.key").status < 300 && written
        });
        probers
    }

    fn add<'env>(&mut self, threads: &'scope Scope<'scope, 'env>, kind: &'static str, ask: impl Fn() -> bool + Send + 'scope) {
        let (end, ended) = channel();
        self.threads.push((end, threads.spawn(move || keep_asking(kind, &ended, ask))));
    }

    /// Ends each with one more good answer, and collects them.
    pub fn end(self) -> Vec<Answers> {
        let (ends, threads): (Vec<_>, Vec<_>) = self.threads.into_iter().unzip();
        drop(ends);
        threads.into_iter().map(|thread| thread.join().expect("a prober does not panic")).collect()
    }
}

fn keep_asking(kind: &'static str, ended: &Receiver<()>, ask: impl Fn() -> bool) -> Answers {
    let mut answers = Vec::new();
    let mut ask = || {
        let asked = Timestamp::now();
        let is_answered = ask();
        answers.extend(is_answered.then(|| (asked, Timestamp::now())));
        is_answered
    };
    while ended.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
        ask();
    }
    eventually("one more good answer", || ask().then_some(()));
    Answers { kind, answers }
}
