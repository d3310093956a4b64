//! The real tree, built from the reference's table; what the driver does to it, and how it is compared with the prediction.

use std::{mem, time::Duration};

use actix::prelude::*;
use safelight::actors::supervision::{Supervisor, *};
use tokio::time::{Instant, sleep_until};

use super::{
    puppet::{Count, Fail, Puppet, World},
    random_tree::{GAPS, LAST_PLACE, PLACE, POOL_ROWS},
    table::{Deadlines, Event, Id, Kind, Rules, State as Is, Table},
};

/// By then every failure has been answered, and all is quiet. (Virtual hours cost nothing.)
pub(super) const QUIET: Duration = Duration::from_secs(1_000_000);

/// How a tree can end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    StartFailed,
    Escalated,
    Stopped,
}

impl Ending {
    pub(super) const ALL: [Ending; 3] = [Ending::StartFailed, Ending::Escalated, Ending::Stopped];
}

/// See the module.
pub(super) struct RealTree {
    specs: Vec<ChildSpec>,
    rules: Rules,
    leaves: Vec<(Id, Addr<Puppet>)>,
    pools: Vec<(Id, Addr<Supervisor>)>,
}

impl RealTree {
    pub(super) fn build(world: &World) -> Self {
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
    pub(super) async fn play(mut self, world: &World) -> Result<Ending, String> {
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
            Err(RootError::Failed(exit)) => return check_end(world, &exit).map(|_| Ending::StartFailed),
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
        let ending = check_end(world, &root.stop(QUIET).await)?;
        drop(root);
        self.check_addresses(world, false).await?;
        Ok(ending)
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
                let pool = self.scale(world);
                fail_some(world, pool);
            }
            _ => {
                drop(inner);
                fail_some(world, None);
            }
        }
    }

    /// Changes the size of a pool, and tells which.
    fn scale(&self, world: &World) -> Option<Id> {
        let mut inner = world.lock();
        let count = inner.dice.usize(0..=5);
        let (id, addr) = inner.dice.choice(&self.pools)?;
        let nodes = &inner.reference.table().nodes;
        let taken = nodes[*id].children.iter().filter(|row| nodes[**row].wanted || nodes[**row].state != Is::Down).count();
        if nodes[*id].state == Is::Down || taken + count > POOL_ROWS {
            return None;
        }
        drop(inner);
        addr.do_send(Scale { count });
        world.tell(*id, &Event::Scale(count));
        Some(*id)
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

/// Lets one to three siblings fail at the same time: those in the given pool, or any.
fn fail_some(world: &World, pool: Option<Id>) {
    let mut inner = world.lock();
    let up: Vec<Id> = (0..inner.reference.table().nodes.len())
        .filter(|id| inner.reference.table().nodes[*id].state == Is::Up && matches!(inner.reference.table().nodes[*id].kind, Kind::Leaf(_)))
        .filter(|id| pool.is_none_or(|pool| inner.reference.table().nodes[*id].parent == Some(pool)))
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
            if inner.dice.u8(0..4) == 0 {
                // This one waits in the mailbox, and hits the next life as soon as it is ready.
                addr.do_send(how);
            }
        }
    }
}

/// Compares the end of the tree with the predicted one.
fn check_end(world: &World, exit: &Exit) -> Result<Ending, String> {
    let mut inner = world.lock();
    let now = inner.now();
    inner.reference.advance(now + 1);
    let endings = inner.reference.readings().iter().map(|table| check_reading(table, exit));
    endings.reduce(Result::or).unwrap_or_else(|| Err("there is no reading".to_owned()))
}

fn check_reading(table: &Table, exit: &Exit) -> Result<Ending, String> {
    if let Some(node) = table.nodes.iter().find(|node| node.state != Is::Down) {
        return Err(format!("the tree ended with {exit}, but {} is {:?}", node.name, node.state));
    }
    let text = exit.to_string();
    match &table.over {
        Some(None) if *exit == Exit::Shutdown => Ok(Ending::Stopped),
        Some(Some(way)) if text.starts_with(&format!("{way}: ")) => Ok(Ending::Escalated),
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
