//! Thousands of seeded schedules of failures: a random tree, in which children fail while they start, run, stop, and while others
//! do so, pools grow and shrink, and the whole is stopped at some point. A [`reference`] follows each event and predicts what must
//! happen; afterwards the real tree must look as predicted, and must end without anything left.
//!
//! `SAFELIGHT_SCHEDULES` sets the number of schedules, `SAFELIGHT_SEED` runs only the one with that seed and prints its events.

mod puppet;
mod reference;
mod rules;

use std::{mem, time::Duration};

use actix::prelude::*;
use safelight::actors::supervision::{Supervisor, *};
use tokio::time::{Instant, sleep_until, timeout};

use self::{
    puppet::{Count, Fail, Puppet, World},
    reference::Reference,
    rules::{Deadlines, Event, Id, Kind, Ms, Rules, State as Is, Table},
};
use crate::harness;

const SCHEDULES: u64 = 10_000;
/// By then every failure has been answered, and all is quiet. (Virtual hours cost nothing.)
const QUIET: Duration = Duration::from_secs(1_000_000);

/// How long things take, in milliseconds: whole tenths of a second, such that no small sum of them equals another. Every action of the
/// driver, and the start, has a place of its own within the tenth of a second. So what follows from one thing never happens in the
/// same instant as what follows from another, and the reference need not know in which order messages of different actors arrive.
const GAPS: [Ms; 4] = [0, 100, 1_000_700, 6_001_300];
const PLACE: Ms = 4;
const LAST_PLACE: Ms = 96;
const INITS: [Ms; 4] = [0, 0, 701_300, 1_939_100];
const INIT_DEADLINE: Ms = 4_303_700;
const TERMINATES: [Ms; 4] = [0, 0, 1_171_700, 2_900_900];
const SHUTDOWNS: [Ms; 2] = [502_100, 2_300_300];
const BACKOFFS: [Ms; 3] = [0, 0, 1_300_100];
/// These are compared with such sums, and equal none.
const PERIOD: Ms = 20_053_150;
const RESET_AFTER: Ms = 10_051_750;
/// Pools have rows for that many children; as one digit each, their names sort by number.
const POOL_ROWS: usize = 10;

#[test]
fn every_schedule_of_failures_ends_as_the_reference_predicts() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("SAFELIGHT_SEED");
    let count = number("SAFELIGHT_SCHEDULES").unwrap_or(SCHEDULES);
    for seed in seed.map_or(0..count, |seed| seed..seed + 1) {
        let (world, result) = play(seed);
        if let Err(complaint) = result {
            let trace = world.lock().trace.join("\n");
            panic!("{trace}\n{complaint}\nrun it again with SAFELIGHT_SEED={seed}");
        }
    }
}

/// Plays the schedule with this seed.
fn play(seed: u64) -> (World, Result<(), String>) {
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

/// Fills the table with a random tree.
fn grow_tree(table: &mut Table, dice: &mut fastrand::Rng) {
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

/// The real tree, built from the reference's table.
struct RealTree {
    specs: Vec<ChildSpec>,
    rules: Rules,
    leaves: Vec<(Id, Addr<Puppet>)>,
    pools: Vec<(Id, Addr<Supervisor>)>,
}

impl RealTree {
    fn build(world: &World) -> Self {
        let Kind::Sup(rules) = world.lock().reference.table().nodes[0].kind.clone() else { unreachable!("the root is a supervisor") };
        let mut tree = Self { specs: Vec::new(), rules, leaves: Vec::new(), pools: Vec::new() };
        tree.specs = tree.children(0, world);
        tree
    }

    fn children(&mut self, parent: Id, world: &World) -> Vec<ChildSpec> {
        let children = world.lock().reference.table().nodes[parent].children.clone();
        children.into_iter().map(|id| self.child(id, world)).collect()
    }

    fn child(&mut self, id: Id, world: &World) -> ChildSpec {
        let node = world.lock().reference.table().nodes[id].clone();
        match node.kind {
            Kind::Leaf(deadlines) => {
                let world = world.clone();
                let (spec, addr) = child(node.name, options(node.restart, &deadlines), move || Puppet::new(id, &world));
                self.leaves.push((id, addr));
                spec
            }
            Kind::Sup(rules @ Rules { pool: Some(count), .. }) => {
                let first = node.children[0];
                let row = world.lock().reference.table().nodes[first].clone();
                let Kind::Leaf(deadlines) = row.kind else { unreachable!("pools have leaves") };
                let world = world.clone();
                let make = move |number| Puppet::new(first + number, &world);
                let template = Template::new(format!("{}w", node.name), options(row.restart, &deadlines), make);
                let (spec, addr) = pool(node.name, policy(&rules), count, template);
                self.pools.push((id, addr));
                spec
            }
            Kind::Sup(rules) => {
                let children = self.children(id, world);
                supervisor(node.name, rules.strategy, policy(&rules), children).expect("every name is unique").0
            }
        }
    }

    /// Runs the schedule, then compares.
    async fn play(mut self, world: &World) -> Result<(), String> {
        let begin = Instant::now();
        let actions = {
            let mut inner = world.lock();
            inner.mishaps = inner.dice.choice([0, 5, 15]).unwrap_or_default();
            inner.dice.u64(0..=20)
        };
        let starting = actix::spawn(Root::start(self.rules.strategy, policy(&self.rules), mem::take(&mut self.specs)));
        let mut at = 0;
        for action in 1..=actions {
            at += world.lock().dice.choice(GAPS).unwrap_or_default();
            sleep_until(begin + Duration::from_millis(at + action * PLACE)).await;
            self.act(world);
        }
        let hurry = world.lock().dice.bool();
        if !hurry {
            sleep_until(begin + Duration::from_millis(at) + QUIET).await;
        }
        let root = match starting.await.expect("the start does not panic") {
            Ok(root) => root,
            Err(RootError::Failed(exit)) => return check_end(world, &exit),
            Err(error) => return Err(error.to_string()),
        };
        if !hurry && world.table().over.is_none() {
            let tree = root.addr().send(Tree::default()).await.map_err(|error| error.to_string())?;
            check_tree(world, 0, &tree)?;
            self.check_addresses(world, true).await?;
        }
        let tenths = world.lock().now() / 100;
        sleep_until(begin + Duration::from_millis((tenths + 1) * 100 + LAST_PLACE)).await;
        world.tell(0, &Event::Stop);
        check_end(world, &root.stop(QUIET).await)?;
        drop(root);
        self.check_addresses(world, false).await
    }

    /// Does one thing to the tree.
    fn act(&self, world: &World) {
        world.table();
        let mut inner = world.lock();
        match inner.dice.u8(0..10) {
            0 => inner.mishaps = inner.dice.choice([0, 5, 15, 50]).unwrap_or_default(),
            1..3 => {
                drop(inner);
                self.scale(world);
            }
            3 => {
                drop(inner);
                self.scale(world);
                fail_some(world);
            }
            _ => {
                drop(inner);
                fail_some(world);
            }
        }
    }

    fn scale(&self, world: &World) {
        let mut inner = world.lock();
        let count = inner.dice.usize(0..=5);
        let Some((id, addr)) = inner.dice.choice(&self.pools) else { return };
        let nodes = &inner.reference.table().nodes;
        let taken = nodes[*id].children.iter().filter(|row| nodes[**row].wanted || nodes[**row].state != Is::Down).count();
        if nodes[*id].state == Is::Down || taken + count > POOL_ROWS {
            return;
        }
        drop(inner);
        addr.do_send(Scale { count });
        world.tell(*id, &Event::Scale(count));
    }

    /// Those that should live answer, from a fresh state; those that ended for good, or with the tree, refuse.
    async fn check_addresses(&self, world: &World, tree_runs: bool) -> Result<(), String> {
        for (id, addr) in &self.leaves {
            let name = world.lock().reference.table().nodes[*id].name.clone();
            let lives = tree_runs && world.lock().reference.table().nodes[*id].wanted;
            match (addr.send(Count).await, lives) {
                (Ok(_), true) | (Err(MailboxError::Closed), false) => {}
                (answer, _) => return Err(format!("{name} should {}live, and answered {answer:?}", if lives { "" } else { "not " })),
            }
        }
        Ok(())
    }
}

/// Lets one to three siblings fail at the same time.
fn fail_some(world: &World) {
    let mut inner = world.lock();
    let up: Vec<Id> = (0..inner.reference.table().nodes.len())
        .filter(|id| inner.reference.table().nodes[*id].state == Is::Up && matches!(inner.reference.table().nodes[*id].kind, Kind::Leaf(_)))
        .collect();
    let Some(first) = inner.dice.choice(&up).copied() else { return };
    let parent = inner.reference.table().nodes[first].parent;
    let mut siblings: Vec<Id> = up.into_iter().filter(|id| inner.reference.table().nodes[*id].parent == parent).collect();
    inner.dice.shuffle(&mut siblings);
    siblings.truncate(inner.dice.usize(1..=3));
    for id in siblings {
        let how = inner.dice.choice(Fail::ALL).unwrap_or(Fail::InHandler);
        let addr = inner.addrs[id].clone();
        let line = format!("        driver: {how:?} to {}", inner.reference.table().nodes[id].name);
        inner.trace.push(line);
        if let Some(addr) = addr {
            addr.do_send(how);
        }
    }
}

/// Compares the end of the tree with the predicted one.
fn check_end(world: &World, exit: &Exit) -> Result<(), String> {
    let mut inner = world.lock();
    let now = inner.now();
    inner.reference.advance(now + 1);
    if let Some(node) = inner.reference.table().nodes.iter().find(|node| node.state != Is::Down) {
        return Err(format!("the tree ended with {exit}, but {} is {:?}", node.name, node.state));
    }
    let text = exit.to_string();
    match &inner.reference.table().over {
        Some(None) if *exit == Exit::Shutdown => Ok(()),
        Some(Some(way)) if text.starts_with(&format!("{way}: ")) => Ok(()),
        other => Err(format!("the tree ended with {text:?}, predicted was {other:?}")),
    }
}

/// Compares the real tree with the predicted one, which must be at rest.
fn check_tree(world: &World, id: Id, real: &Node) -> Result<(), String> {
    let node = world.lock().reference.table().nodes[id].clone();
    let predicted = match node.state {
        Is::Up => State::Running,
        Is::Down if !node.wanted => State::Stopped,
        other => return Err(format!("{} is not at rest: {other:?}", node.name)),
    };
    if real.state != predicted {
        return Err(format!("{} is {:?}, predicted was {predicted:?}", node.name, real.state));
    }
    let is_pool = matches!(&node.kind, Kind::Sup(rules) if rules.pool.is_some());
    for child in node.children {
        let row = world.lock().reference.table().nodes[child].clone();
        match real.children.iter().find(|real| real.id == row.name) {
            Some(real) => check_tree(world, child, real)?,
            None if is_pool && !row.wanted => {}
            None => return Err(format!("{} is missing", row.name)),
        }
    }
    Ok(())
}

fn options(restart: Restart, deadlines: &Deadlines) -> Options {
    Options { restart, init: Duration::from_millis(deadlines.init), shutdown: Duration::from_millis(deadlines.shutdown), arbiter: None }
}

fn policy(rules: &Rules) -> Policy {
    let backoff = Backoff {
        min: Duration::from_millis(rules.backoff_min),
        max: Duration::from_millis(rules.backoff_max),
        jitter: 0.0,
        reset_after: Duration::from_millis(rules.reset_after),
    };
    Policy::new(rules.intensity as u32, Duration::from_millis(rules.period), backoff).expect("the pauses are short")
}
