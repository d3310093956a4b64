//! What happens to one server: it is killed, it stands still, it is cut off.

use rustix::process::Signal;
use serde_json::Value;

use crate::campaign::fault_matrix::fleet::{Fleet, Member};
use crate::campaign::fault_matrix::{prove, prove_with};
use crate::harness::eventually;
use crate::proof::Dice;
use crate::proxy::Manner;

/// Waits until what a server had in hand has been done by others.
fn wait_for_rescue(fleet: &Fleet, tasks: &[String]) {
    eventually("a rescue", || {
        let server = fleet.fronts.iter().find_map(Member::server)?;
        tasks.iter().all(|id| server.is_ready(id) == "finished").then_some(())
    });
}

/// The tasks that a server works on, when it works on some.
fn in_hand(member: &Member) -> Vec<String> {
    let task = |worker: &Value| worker["details"]["task"]["id"].as_str().map(str::to_owned);
    eventually("work", || {
        let tasks: Vec<String> = member.server()?.workers().iter().filter_map(task).collect();
        (!tasks.is_empty()).then_some(tasks)
    })
}

/// Now it comes back at once, now only when others have done its work.
pub(super) fn kill_one(members: &[Member; 2], fleet: &Fleet, dice: &mut Dice) {
    let member = dice.choose(members);
    let tasks = if member.works { in_hand(member) } else { Vec::new() };
    let late = dice.below(2) == 1;
    member.kill(|| {
        if late {
            wait_for_rescue(fleet, &tasks);
        }
    });
}

#[test]
fn servers_that_take_images_are_killed() {
    prove("a server that takes images is killed", "nodes::servers_that_take_images_are_killed", |fleet, dice| {
        kill_one(&fleet.fronts, fleet, dice);
    });
}

#[test]
fn servers_that_work_are_killed() {
    prove("a server that works is killed", "nodes::servers_that_work_are_killed", |fleet, dice| {
        kill_one(&fleet.workers, fleet, dice);
    });
}

#[test]
fn servers_that_do_both_are_killed() {
    let Some(fleet) = Fleet::of_all_rounders() else { return };
    let (name, test) = ("a server that does both is killed", "nodes::servers_that_do_both_are_killed");
    prove_with(name, test, &fleet, |fleet, dice| kill_one(&fleet.fronts, fleet, dice));
}

#[test]
fn servers_stand_still_beyond_their_leases() {
    prove("a server that works stands still beyond its lease", "nodes::servers_stand_still_beyond_their_leases", |fleet, dice| {
        let member = dice.choose(&fleet.workers);
        let tasks = in_hand(member);
        member.signal(Signal::STOP);
        wait_for_rescue(fleet, &tasks);
        member.signal(Signal::CONT);
    });
}

#[test]
fn servers_that_work_are_cut_off() {
    prove("a server that works is cut off from everything", "nodes::servers_that_work_are_cut_off", |fleet, dice| {
        let member = dice.choose(&fleet.workers);
        let tasks = in_hand(member);
        member.to_database.be(Manner::CutOff);
        member.to_store.be(Manner::CutOff);
        wait_for_rescue(fleet, &tasks);
        member.to_database.be(Manner::Honest);
        member.to_store.be(Manner::Honest);
    });
}

#[test]
fn servers_that_take_images_are_cut_off() {
    prove("a server that takes images is cut off from everything", "nodes::servers_that_take_images_are_cut_off", |fleet, dice| {
        let member = dice.choose(&fleet.fronts);
        member.to_database.be(Manner::CutOff);
        member.to_store.be(Manner::CutOff);
        eventually("a server that knows it", || {
            let answer = member.server()?.try_get("/readyz")?;
            (answer.status == 503).then_some(())
        });
        member.to_database.be(Manner::Honest);
        member.to_store.be(Manner::Honest);
    });
}
