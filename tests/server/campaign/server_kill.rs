//! kill -9 of the whole server at random moments, with at least eight uploads in flight and both workers busy.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::campaign::leftovers::{Moments, assert_tidy};
use crate::campaign::load::{Acknowledged, Album, states, upload_while};
use crate::harness::{Options, Server, eventually};
use crate::jobs::{children, lives};
use crate::proof::{self, Dice};

/// More than eight, so that eight are in flight at any moment.
const CLIENTS: usize = 12;
const IN_FLIGHT: usize = 8;

/// Kills over one data directory; then a new one, so that the time to check it does not grow.
const KILLS_PER_DIRECTORY: usize = 10;

/// From the first moment of full load to the latest kill.
const LATEST: Duration = Duration::from_millis(250);

/// Loads the server, kills it at a moment nobody chose, and tells where everything stood.
fn kill_under_load(server: &mut Server, album: &Album, dice: &mut Dice) -> (Vec<Acknowledged>, Moments) {
    let processes = children(server);
    let delay = dice.time(LATEST);
    let (acknowledged, _) = upload_while(server, album, CLIENTS, |progress| {
        eventually("full load", || {
            let full = progress.in_flight() >= IN_FLIGHT && server.node("master")["details"]["in_hand"] == 2;
            full.then_some(())
        });
        let moment = Instant::now() + delay;
        while Instant::now() < moment || progress.in_flight() < IN_FLIGHT {
            std::hint::spin_loop();
        }
        server.signal(Signal::KILL);
    });
    assert_eq!(server.exit_code(), None, "killed, not ended");
    eventually("the end of the child processes", || (!processes.iter().any(|pid| lives(*pid))).then_some(()));
    (acknowledged, Moments::read(&server.data()))
}

/// Everything that was ever acknowledged exists and ends well; what is new is compared byte by byte and pixel by pixel.
fn judge(server: &Server, album: &Album, before: &[Acknowledged], new: &[Acknowledged]) {
    new.iter().for_each(|one| album.assert_original(&server.data(), one));
    new.iter().for_each(|one| album.assert_result(server, one));
    assert_tidy(server);
    let states = states(server);
    assert!(before.iter().chain(new).all(|one| states.get(&one.id).is_some_and(|state| state == "finished")));
}

#[test]
fn killed_at_random_moments_under_load() {
    let mut dice = Dice::new("server kill");
    let album = Album::new(40);
    let kills = proof::size(20, 200);
    let (mut moments, mut acknowledged) = (Vec::new(), 0);
    while moments.len() < kills {
        let mut server = Options::new().set("janitor.interval", "100ms").set("log.level", "warn").start();
        let mut ledger: Vec<Acknowledged> = Vec::new();
        for _ in 0..KILLS_PER_DIRECTORY.min(kills - moments.len()) {
            let (new, moment) = kill_under_load(&mut server, &album, &mut dice);
            println!("kill {}: {} acknowledged since the start, {moment:?}", moments.len() + 1, new.len());
            moments.push(moment);
            server = server.restart();
            judge(&server, &album, &ledger, &new);
            ledger.extend(new);
        }
        // Once more, as the last of them left it.
        ledger.iter().for_each(|one| album.assert_original(&server.data(), one));
        ledger.iter().for_each(|one| album.assert_result(&server, one));
        acknowledged += ledger.len();
    }
    report(&moments, acknowledged, &dice);
}

/// How many kills met at least one upload or task at each place.
fn report(moments: &[Moments], acknowledged: usize, dice: &Dice) {
    let met = |place: fn(&Moments) -> usize| moments.iter().filter(|moment| place(moment) > 0).count();
    let figures = format!(
        "{acknowledged} acknowledged, 0 lost or damaged; kills that met uploads before the rename {}, between rename and commit {}, \
         tasks in progress {}, between result and finish {}",
        met(|moment| moment.before_rename),
        met(|moment| moment.before_commit),
        met(|moment| moment.in_progress),
        met(|moment| moment.before_finish),
    );
    proof::record(1, "server kill", &format!("{} kills", moments.len()), &figures, "campaign::server_kill", Some(dice));
}
