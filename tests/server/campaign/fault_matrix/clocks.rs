//! Servers whose clocks are wrong. Leases, backoffs and retention go by the database's, so that nobody loses a task by it; an S3 store refuses
//! requests whose time differs from its own by more than a quarter of an hour.

use crate::campaign::fault_matrix::fleet::{Fleet, Member};
use crate::campaign::fault_matrix::{nodes, prove_with};
use crate::harness::eventually;
use crate::options::faketime;

/// A fleet whose clocks can be set; nothing where that cannot be.
fn fleet() -> Option<Fleet> {
    faketime().inspect_err(|why| println!("skipped: {why}")).ok()?;
    Fleet::with_clocks()
}

#[test]
fn clocks_are_half_an_hour_apart() {
    let Some(fleet) = fleet() else { return };
    fleet.fronts[1].set_clock(14);
    fleet.workers[1].set_clock(-14);
    let name = "clocks 28 minutes apart, and a server that works is killed";
    prove_with(name, "clocks::clocks_are_half_an_hour_apart", &fleet, |fleet, dice| nodes::kill_one(&fleet.workers, fleet, dice));
}

/// Whether a server knows that it cannot reach the images.
fn knows(member: &Member) {
    eventually("a server that knows", || {
        let answer = member.server()?.try_get("/readyz")?;
        (answer.status == 503 && answer.text().contains("store of images")).then_some(())
    });
}

#[test]
fn clocks_jump_until_they_are_an_hour_apart() {
    let Some(fleet) = fleet() else { return };
    let name = "clocks jump until they are one hour apart, and back";
    prove_with(name, "clocks::clocks_jump_until_they_are_an_hour_apart", &fleet, |fleet, dice| {
        let (front, worker) = (dice.choose(&fleet.fronts), dice.choose(&fleet.workers));
        front.set_clock(30);
        worker.set_clock(-30);
        [front, worker].into_iter().for_each(knows);
        front.set_clock(0);
        worker.set_clock(0);
    });
}
