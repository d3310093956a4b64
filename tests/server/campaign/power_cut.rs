//! The power of the whole server is cut under load: what was acknowledged is there when the power is back.

use rustix::process::Signal;

use crate::campaign::leftovers::assert_tidy;
use crate::campaign::load::{Acknowledged, Album, Progress, upload_while};
use crate::disk::Disk;
use crate::harness::{Options, Server, eventually};
use crate::jobs::{children, lives};
use crate::proof::{self, Dice};

const CLIENTS: usize = 4;

/// The latest cut comes after so many acknowledgements.
const LATEST: usize = 24;

/// Cuts on one disk; then a new one, so that it does not fill up.
const CUTS_PER_DISK: usize = 10;

/// Stops every thread of the server: a power cut ends the processor together with the disk. A server that ran on could
/// acknowledge what a real cut would not have let it: a sync that waits for its data while the disk is shut down finds its
/// journal commit done, since an aborted one counts as ended (`jbd2_complete_transaction`), and succeeds.
fn stand_still(server: &Server) {
    server.signal(Signal::STOP);
    eventually("the server to stand still", || stopped(server.pid()).then_some(()));
}

/// Whether a process is stopped: then no thread of it comes back from the kernel.
fn stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    // The name, which may hold anything, is in parentheses.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

/// Cuts the power after a number of acknowledgements nobody chose, ends the server, and brings the disk back.
fn cut_under_load(server: &mut Server, disk: &Disk, album: &Album, dice: &mut Dice) -> Vec<Acknowledged> {
    let processes = children(server);
    let (enough, delay) = (dice.below(LATEST), dice.time(std::time::Duration::from_millis(20)));
    let cut = |progress: &Progress| {
        eventually("acknowledgements", || (progress.acknowledged() >= enough).then_some(()));
        let moment = std::time::Instant::now() + delay;
        while std::time::Instant::now() < moment {
            std::hint::spin_loop();
        }
        stand_still(server);
        disk.cut_power();
        server.signal(Signal::KILL);
    };
    let (acknowledged, _) = upload_while(server, album, CLIENTS, cut);
    assert_eq!(server.exit_code(), None, "killed, not ended");
    eventually("the end of the child processes", || (!processes.iter().any(|pid| lives(*pid))).then_some(()));
    disk.remount();
    acknowledged
}

#[test]
fn the_power_is_cut_under_load() {
    let mut dice = Dice::new("power cut");
    let album = Album::new(40);
    let cuts = proof::size(5, 50);
    let (mut done, mut acknowledged) = (0, 0);
    while done < cuts {
        let disk = match Disk::ext4(512) {
            Ok(disk) => disk,
            Err(reason) => return println!("skipped: no power can be cut here: {reason}"),
        };
        let mut server = Options::new().set("janitor.interval", "100ms").set("log.level", "warn").start_in(&disk.path());
        let mut ledger = Vec::new();
        for _ in 0..CUTS_PER_DISK.min(cuts - done) {
            ledger.extend(cut_under_load(&mut server, &disk, &album, &mut dice));
            done += 1;
            println!("cut {done}: {} acknowledged on this disk", ledger.len());
            server = server.restart();
            ledger.iter().for_each(|one| album.assert_original(&server.data(), one));
            ledger.iter().for_each(|one| album.assert_result(&server, one));
            assert_tidy(&server);
        }
        acknowledged += ledger.len();
    }
    let figures = format!("{acknowledged} acknowledged, 0 lost or damaged");
    proof::record(2, "power cut, whole server", &format!("{cuts} cuts"), &figures, "campaign::power_cut", Some(&dice));
}
