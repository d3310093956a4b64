//! Thousands of seeded schedules of failures: a random tree, in which children fail while they start, run, stop, and while others
//! do so, pools grow and shrink, and the whole is stopped at some point. A [`reference`] follows each event and predicts what must
//! happen; afterwards the real tree must look as predicted, and must end without anything left.
//!
//! `SAFELIGHT_SCHEDULES` sets the number of schedules, `SAFELIGHT_SEED` runs only the one with that seed and prints its events.

mod puppet;
mod random_tree;
mod real_tree;
mod reference;
mod rules;
mod table;

use tokio::time::timeout;

use self::{
    puppet::World,
    random_tree::grow_tree,
    real_tree::{Ending, QUIET, RealTree},
    reference::Reference,
    table::Table,
};
use crate::harness;

const SCHEDULES: u64 = 10_000;

#[test]
fn every_schedule_of_failures_ends_as_the_reference_predicts() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("SAFELIGHT_SEED") {
        // `RUST_LOG=info` shows what the supervisors think of it.
        let _ = env_logger::builder().is_test(true).try_init();
        let (world, result) = play(seed);
        println!("{}", world.lock().trace.join("\n"));
        result.expect("this schedule ends as predicted");
        return;
    }
    let count = number("SAFELIGHT_SCHEDULES").unwrap_or(SCHEDULES);
    let endings: Vec<Ending> = (0..count)
        .map(|seed| play(seed).1.unwrap_or_else(|complaint| panic!("{complaint}\nsee its events with SAFELIGHT_SEED={seed}")))
        .collect();
    for ending in Ending::ALL {
        let share = endings.iter().filter(|other| **other == ending).count();
        println!("{share} of {count} schedules ended {ending:?}");
        assert!(share as u64 >= count / 20, "the schedules are one-sided");
    }
}

/// Plays the schedule with this seed; fails with what was not as predicted.
fn play(seed: u64) -> (World, Result<Ending, String>) {
    harness::run(async {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut table = Table::new();
        grow_tree(&mut table, &mut dice);
        let world = World::new(Reference::new(table), dice);
        let tree = RealTree::build(&world);
        let result = timeout(3 * QUIET, tree.play(&world)).await.unwrap_or_else(|_| Err("it hangs".to_owned()));
        let complaint = world.lock().reference.complaint.take();
        (world.clone(), complaint.map_or(result, Err))
    })
}
