//! The load: clients that upload to whoever takes images, and go on only when what they have under way ends.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::campaign::fault_matrix::fleet::Fleet;
use crate::campaign::load::{Acknowledged, Album};
use crate::waiting::between_questions;

/// How many images a client has under way.
const WINDOW: usize = 6;

/// How the clients get on.
#[derive(Default)]
pub(super) struct Progress {
    sent: AtomicUsize,
    acknowledged: AtomicUsize,
    /// Uploads that were refused or cut off.
    pub(super) refused: AtomicUsize,
}

impl Progress {
    /// Uploads answered with 202.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }
}

/// Uploads until it is `over`, now to one server and now to the other, and gives what was acknowledged.
pub(super) fn client(fleet: &Fleet, album: &Album, over: &AtomicBool, progress: &Progress) -> Vec<Acknowledged> {
    let (mut acknowledged, mut under_way) = (Vec::new(), VecDeque::new());
    while !over.load(Ordering::Relaxed) {
        if under_way.len() < WINDOW {
            let upload = progress.sent.fetch_add(1, Ordering::SeqCst);
            match send(fleet, album, upload) {
                Some(id) => {
                    progress.acknowledged.fetch_add(1, Ordering::SeqCst);
                    under_way.push_back(id.clone());
                    acknowledged.push(Acknowledged { id, upload });
                }
                None => drop(progress.refused.fetch_add(1, Ordering::SeqCst)),
            }
        }
        if under_way.front().is_some_and(|id| has_ended(fleet, id, acknowledged.len())) {
            under_way.pop_front();
        } else if under_way.len() == WINDOW {
            between_questions();
        }
    }
    acknowledged
}

/// Uploads one image; its id if it was acknowledged. A refusal says that it is one.
fn send(fleet: &Fleet, album: &Album, upload: usize) -> Option<String> {
    let server = fleet.fronts[upload % 2].server()?;
    let answer = server.upload_to_ending(album.file(upload), "swap_channels")?;
    match answer.status {
        202 => Some(answer.text()),
        503 => {
            assert!(!answer.header("retry-after").is_empty(), "a refusal says when to come again: {}", answer.text());
            None
        }
        status => panic!("{status}: {}", answer.text()),
    }
}

/// Asks either server. What was acknowledged is known to both at any time, and fails for no fault of others.
fn has_ended(fleet: &Fleet, id: &str, turn: usize) -> bool {
    let Some(server) = fleet.fronts[turn % 2].server() else { return false };
    let Some(answer) = server.try_get(&format!("/image/isReady?id={id}")) else { return false };
    match (answer.status, answer.text().as_str()) {
        (200, "finished") => true,
        (200, "not started" | "in progress") | (503, _) => false,
        (status, word) => panic!("{id}: {status}, {word}, {}", server.task(id)),
    }
}
