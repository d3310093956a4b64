//! Random trees, and how long things take in them.

use safelight::actors::supervision::{Restart, Strategy};

use super::table::{Deadlines, Id, Kind, Ms, Rules, Table};

/// Pauses between the actions of the driver.
///
/// All durations are in milliseconds, and whole tenths of a second, such that no small sum of them equals another. Every action of the
/// driver, and the start, has a place of its own within the tenth of a second. So what follows from one thing never happens in the
/// same instant as what follows from another, and the reference need not know in which order messages of different actors arrive.
pub(super) const GAPS: [Ms; 4] = [0, 100, 1_000_700, 6_001_300];
pub(super) const PLACE: Ms = 4;
pub(super) const LAST_PLACE: Ms = 96;
pub(super) const INITS: [Ms; 4] = [0, 0, 701_300, 1_939_100];
pub(super) const INIT_DEADLINE: Ms = 4_303_700;
pub(super) const TERMINATES: [Ms; 4] = [0, 0, 1_171_700, 2_900_900];
pub(super) const SHUTDOWNS: [Ms; 2] = [502_100, 2_300_300];
pub(super) const BACKOFFS: [Ms; 3] = [0, 0, 1_300_100];
/// These are compared with such sums, and equal none.
pub(super) const PERIOD: Ms = 20_053_150;
pub(super) const RESET_AFTER: Ms = 10_051_750;
/// Pools have rows for that many children; as one digit each, their names sort by number.
pub(super) const POOL_ROWS: usize = 10;

/// Fills the table with a random tree.
pub(super) fn grow_tree(table: &mut Table, dice: &mut fastrand::Rng) {
    let rules = random_rules(dice, false);
    let root = table.add("root", None, Restart::Permanent, Kind::Sup(rules));
    grow_children(table, root, 0, dice);
}

fn grow_children(table: &mut Table, parent: Id, depth: u32, dice: &mut fastrand::Rng) {
    let prefix = if parent == 0 { String::new() } else { table.nodes[parent].name.clone() };
    for number in 0..dice.usize(1..=4) {
        match dice.u8(0..100) {
            0..25 if depth < 2 => {
                let rules = random_rules(dice, false);
                let id = table.add(&format!("{prefix}s{number}"), Some(parent), Restart::Permanent, Kind::Sup(rules));
                grow_children(table, id, depth + 1, dice);
            }
            25..40 => {
                let rules = random_rules(dice, true);
                let id = table.add(&format!("{prefix}p{number}"), Some(parent), Restart::Permanent, Kind::Sup(rules));
                let (restart, kind) = (random_restart(dice), random_leaf(dice));
                for row in 0..POOL_ROWS {
                    table.add(&format!("{prefix}p{number}w-{row}"), Some(id), restart, kind.clone());
                }
            }
            _ => {
                let (restart, kind) = (random_restart(dice), random_leaf(dice));
                table.add(&format!("{prefix}l{number}"), Some(parent), restart, kind);
            }
        }
    }
}

fn random_restart(dice: &mut fastrand::Rng) -> Restart {
    let kinds = [Restart::Permanent, Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary];
    dice.choice(kinds).unwrap_or_default()
}

fn random_leaf(dice: &mut fastrand::Rng) -> Kind {
    Kind::Leaf(Deadlines { init: INIT_DEADLINE, shutdown: dice.choice(SHUTDOWNS).unwrap_or_default() })
}

fn random_rules(dice: &mut fastrand::Rng, pool: bool) -> Rules {
    let strategies = [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll];
    let backoff_min = dice.choice(BACKOFFS).unwrap_or_default();
    Rules {
        strategy: if pool { Strategy::OneForOne } else { dice.choice(strategies).unwrap_or(Strategy::OneForOne) },
        intensity: dice.usize(0..=4),
        period: PERIOD,
        backoff_min,
        backoff_max: backoff_min * 3,
        reset_after: RESET_AFTER,
        pool: pool.then(|| dice.usize(0..=3)),
    }
}
