//! Several servers over one database and one store of images, and everything that can happen to one of them or to what they share: each fault again
//! and again, under load. Nothing that was acknowledged is lost, and nothing is done twice.
//!
//! | file | what lives there |
//! |---|---|
//! | `fleet` | the servers: two that take images, or do both, and two that work, each with lines of its own to the database and the store |
//! | `clients` | the load, and what every client may see at any time |
//! | `judge` | what must be true in the end |
//! | `nodes`, `database`, `store`, `clocks` | the faults |

mod clients;
mod clocks;
mod database;
mod fleet;
mod judge;
mod nodes;
mod store;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::campaign::fault_matrix::clients::{Progress, client};
use crate::campaign::fault_matrix::fleet::Fleet;
use crate::campaign::fault_matrix::judge::Judgement;
use crate::campaign::load::{Acknowledged, Album};
use crate::harness::eventually;
use crate::jobs::Ending;
use crate::proof::{self, Dice};

/// Clients; each has some images under way.
const CLIENTS: usize = 4;

/// Brings a fault about and mends it, and tells where it met the fleet.
type Fault = fn(&Fleet, &mut Dice);

/// Lets a fault come over a loaded fleet again and again, and judges after each time.
fn prove(name: &str, test: &str, fault: Fault) {
    let Some(fleet) = Fleet::start() else { return };
    prove_with(name, test, &fleet, fault);
}

fn prove_with(name: &str, test: &str, fleet: &Fleet, fault: Fault) {
    let mut dice = Dice::new(name);
    let album = Album::of_small(20);
    let mut whole = Judgement::default();
    let rounds = proof::size(1, 20);
    for round in 1..=rounds {
        let (acknowledged, refused) = under_load(fleet, &album, |progress| {
            // Somewhere in the middle of everything: behind a number of answers that nobody chose.
            let moment = progress.acknowledged() + 4 + dice.below(20);
            eventually("load", || (progress.acknowledged() >= moment).then_some(()));
            fault(fleet, &mut dice);
        });
        let judgement = judge::judge(fleet, &album, &acknowledged, refused);
        println!("{name}, {round} of {rounds}: {judgement}");
        whole.add(&judgement);
    }
    let figures = format!("{whole}; blobs left to the sweep: {}", judge::leftovers(fleet));
    let size = format!("{rounds} times, 4 servers");
    proof::record(11, name, &size, &figures, &format!("campaign::fault_matrix::{test}"), Some(&dice));
}

/// Keeps clients at work while `during` runs, and until the fleet is well again.
fn under_load(fleet: &Fleet, album: &Album, during: impl FnOnce(&Progress)) -> (Vec<Acknowledged>, usize) {
    let (over, progress) = (AtomicBool::new(false), Progress::default());
    let acknowledged = thread::scope(|threads| {
        let ending = Ending(&over);
        let clients: Vec<_> = (0..CLIENTS).map(|_| threads.spawn(|| client(fleet, album, &over, &progress))).collect();
        during(&progress);
        fleet.is_well();
        drop(ending);
        clients.into_iter().flat_map(|client| client.join().expect("a client does not panic")).collect()
    });
    (acknowledged, progress.refused.load(Ordering::SeqCst))
}
