//! The rules: what a tree may and must do, over a table of all its nodes.
//!
//! They are no copy of the machine: they know the whole tree at once, have no messages, and only leaves move by themselves; a
//! supervisor moves in the instant in which its children let it.

use safelight::actors::supervision::{Restart, Strategy};

use super::table::{Event, Id, Kind, Ms, Node, State, Table};

/// Timers of the real tree may be late by that much.
const LATE: Ms = 2;

impl Table {
    pub(crate) fn start(&mut self) {
        self.set(0, State::Starting);
        self.begin(0);
        self.settle();
    }

    /// Takes one event of a node.
    pub(crate) fn hear(&mut self, id: Id, event: &Event) -> Result<(), String> {
        let result = self.apply(id, event);
        self.settle();
        result.map_err(|complaint| format!("at {} ms: {}: {event:?}: {complaint}", self.now, self.nodes[id].name))
    }

    /// Lets time pass; what had to happen in it must have happened.
    pub(crate) fn advance(&mut self, to: Ms) -> Result<(), String> {
        if to > self.now {
            while self.catch_up() {}
        }
        let next =
            |table: &Self| table.nodes.iter().filter(|node| node.state == State::Down && node.hold > table.now).map(|node| node.hold).min();
        while let Some(at) = next(self).filter(|at| *at <= to) {
            self.now = at;
            self.settle();
            while at < to && self.catch_up() {}
        }
        self.now = to;
        self.check_patience()
    }

    fn check_patience(&self) -> Result<(), String> {
        for node in &self.nodes {
            let Kind::Leaf(deadlines) = &node.kind else { continue };
            let patience = match node.state {
                State::Ordered => 0,
                State::Starting => deadlines.init,
                State::Ending if node.up_at.is_some() => deadlines.shutdown,
                // It was not ready yet, so there is nothing to finish.
                State::Ending => 0,
                State::Down | State::Up | State::Revoked => continue,
            };
            if node.since + patience + LATE < self.now {
                return Err(format!("at {} ms: {} is {:?} since {} ms", self.now, node.name, node.state, node.since));
            }
        }
        Ok(())
    }

    /// Takes for done what needs a turn of the real tree, but no time: an order to start that was taken back is so, and a supervisor
    /// without children to start is ready. Returns whether there was any of it.
    pub(crate) fn catch_up(&mut self) -> bool {
        let all = 0..self.nodes.len();
        let revoked: Vec<Id> = all.clone().filter(|id| self.nodes[*id].state == State::Revoked).collect();
        let hollow: Vec<Id> = all.filter(|id| self.is_hollow(*id)).collect();
        for id in &revoked {
            self.nodes[*id].recycle = false;
            self.set(*id, State::Down);
        }
        hollow.iter().for_each(|id| self.up(*id));
        self.settle();
        !revoked.is_empty() || !hollow.is_empty()
    }

    fn is_hollow(&self, id: Id) -> bool {
        let node = &self.nodes[id];
        matches!(node.kind, Kind::Sup(_)) && node.state == State::Starting && !node.children.iter().any(|child| self.nodes[*child].wanted)
    }

    fn apply(&mut self, id: Id, event: &Event) -> Result<(), String> {
        let (state, since) = (self.nodes[id].state, self.nodes[id].since);
        match (event, state) {
            (Event::Init { dirty: true }, _) => return Err("its state is not fresh".to_owned()),
            (Event::Init { .. }, State::Ordered) => self.set(id, State::Starting),
            (Event::Init { .. }, State::Revoked) => self.set(id, State::Ending),
            (Event::Ready, State::Starting) => self.up(id),
            (Event::Ready, State::Ending) if since == self.now => self.nodes[id].up_at = Some(self.now),
            (Event::Terminate, State::Ending) => {}
            (Event::Fails { normally }, State::Starting | State::Up | State::Ending) => self.nodes[id].cause = Some(*normally),
            (Event::Gone, State::Starting | State::Up | State::Ending) => self.leaf_gone(id)?,
            (Event::Scale(count), _) => self.scale(id, *count),
            (Event::Stop, State::Starting | State::Up) => self.set(id, State::Ending),
            (Event::Stop, State::Ending | State::Down) => {}
            (_, state) => return Err(format!("it is {state:?} since {since} ms")),
        }
        Ok(())
    }

    fn up(&mut self, id: Id) {
        self.set(id, State::Up);
        self.nodes[id].was_up = true;
        self.nodes[id].up_at = Some(self.now);
    }

    fn leaf_gone(&mut self, id: Id) -> Result<(), String> {
        let node = &mut self.nodes[id];
        let Kind::Leaf(deadlines) = &node.kind else { return Err("not a leaf".to_owned()) };
        let overdue = node.state == State::Starting && node.since + deadlines.init <= self.now;
        let normally = match (node.cause.take(), node.state) {
            (Some(normally), _) => normally,
            (None, State::Ending) => true,
            (None, _) if overdue => false,
            (None, _) => return Err("it ended, and nobody made it".to_owned()),
        };
        let name = node.name.clone();
        self.ended(id, normally, name);
        Ok(())
    }

    /// A child went down. `way` names it, and for a supervisor the child it gave up for.
    fn ended(&mut self, id: Id, normally: bool, way: String) {
        let (state, was_to_end) = (self.nodes[id].state, self.must_end(id));
        let up_at = self.nodes[id].up_at.take();
        let up_for = up_at.map_or(0, |at| self.now - at);
        let up_until = if state == State::Ending { self.nodes[id].since } else { self.now };
        self.set(id, State::Down);
        self.nodes[id].recycle = false;
        let Some(parent) = self.nodes[id].parent else {
            self.over = Some(self.nodes[id].gives_up.take());
            return;
        };
        if was_to_end || state == State::Ending && self.nodes[id].gives_up.is_none() {
            self.nodes[id].healthy += up_at.map_or(0, |at| up_until.saturating_sub(at));
            return;
        }
        let (restart, was_up) = (self.nodes[id].restart, self.nodes[id].was_up);
        let restarts = match restart {
            Restart::Permanent => true,
            Restart::Transient => !normally || state == State::Starting,
            Restart::Temporary => false,
        };
        if !was_up && self.nodes[parent].state == State::Starting {
            self.give_up(parent, way);
        } else if restarts {
            self.failed(parent, id, up_for, way);
        } else {
            self.nodes[id].wanted = false;
        }
    }

    fn failed(&mut self, sup: Id, id: Id, up_for: Ms, way: String) {
        let rules = self.rules(sup).clone();
        let now = self.now;
        self.nodes[sup].failures.push(now);
        let recent = self.nodes[sup].failures.iter().filter(|at| now - **at <= rules.period).count();
        if recent > rules.intensity {
            return self.give_up(sup, way);
        }
        if std::mem::take(&mut self.nodes[id].healthy) + up_for >= rules.reset_after {
            self.nodes[id].streak = 0;
        }
        let pause = (rules.backoff_min << self.nodes[id].streak.min(20)).min(rules.backoff_max);
        self.nodes[id].streak += 1;
        let taken: Vec<Id> = match rules.strategy {
            Strategy::OneForOne => vec![id],
            Strategy::RestForOne => self.children(sup).into_iter().filter(|other| *other >= id).collect(),
            Strategy::OneForAll => self.children(sup),
        };
        for other in taken {
            let node = &mut self.nodes[other];
            node.hold = node.hold.max(now + pause);
            if node.state != State::Down {
                node.recycle = true;
                node.wanted &= node.restart != Restart::Temporary;
            }
        }
    }

    fn give_up(&mut self, sup: Id, way: String) {
        self.set(sup, State::Ending);
        self.nodes[sup].gives_up = Some(way);
    }

    /// A supervisor begins a life: it forgets everything but which children ended for good.
    fn begin(&mut self, sup: Id) {
        let now = self.now;
        self.nodes[sup].failures.clear();
        self.nodes[sup].gives_up = None;
        if let Some(count) = self.rules(sup).pool {
            self.children(sup).into_iter().for_each(|id| self.nodes[id].wanted = false);
            self.scale(sup, count);
        }
        for id in self.children(sup) {
            let node = &mut self.nodes[id];
            (node.was_up, node.hold, node.streak, node.healthy, node.recycle) = (false, now, 0, 0, false);
        }
    }

    fn scale(&mut self, pool: Id, count: usize) {
        if let Kind::Sup(rules) = &mut self.nodes[pool].kind {
            rules.pool = Some(count);
        }
        if !matches!(self.nodes[pool].state, State::Starting | State::Up) {
            return;
        }
        let mut members: Vec<Id> = self.children(pool).into_iter().filter(|id| self.nodes[*id].wanted).collect();
        members.sort_by_key(|id| self.nodes[*id].name.clone());
        for id in members.iter().skip(count) {
            self.nodes[*id].wanted = false;
        }
        for _ in members.len()..count {
            self.grow(pool);
        }
    }

    /// Reuses the row of the lowest number that is neither wanted nor still going down.
    fn grow(&mut self, pool: Id) {
        let free = self.children(pool).into_iter().filter(|id| !self.nodes[*id].wanted && self.nodes[*id].state == State::Down);
        let id = free.min_by_key(|id| self.nodes[*id].name.clone()).expect("a row for every number");
        let node = &mut self.nodes[id];
        (node.wanted, node.was_up, node.hold, node.streak, node.healthy, node.cause) = (true, false, self.now, 0, 0, None);
    }

    /// Whether a child must not run.
    fn must_end(&self, id: Id) -> bool {
        let node = &self.nodes[id];
        let parent_ends = node.parent.is_some_and(|parent| matches!(self.nodes[parent].state, State::Ending | State::Down));
        node.recycle || !node.wanted || parent_ends
    }

    fn settle(&mut self) {
        while (0..self.nodes.len()).any(|id| self.stop_if_it_must(id) || self.start_if_it_may(id) || self.conclude(id)) {}
    }

    fn stop_if_it_must(&mut self, id: Id) -> bool {
        let Some(parent) = self.nodes[id].parent else { return false };
        let runs = matches!(self.nodes[id].state, State::Ordered | State::Starting | State::Up);
        let behind = |other: &Id| *other > id && self.nodes[*other].state != State::Down && self.must_end(*other);
        if !runs || !self.must_end(id) || self.rules(parent).pool.is_none() && self.nodes[parent].children.iter().any(behind) {
            return false;
        }
        if self.nodes[id].state == State::Ordered {
            self.set(id, State::Revoked);
        } else {
            self.set(id, State::Ending);
        }
        true
    }

    fn start_if_it_may(&mut self, id: Id) -> bool {
        let node = &self.nodes[id];
        let Some(parent) = node.parent else { return false };
        let due = node.wanted && node.state == State::Down && node.hold <= self.now;
        if !due || !matches!(self.nodes[parent].state, State::Starting | State::Up) || !self.is_its_turn(parent, id) {
            return false;
        }
        match &self.nodes[id].kind {
            Kind::Leaf(_) => self.set(id, State::Ordered),
            Kind::Sup(_) => {
                self.set(id, State::Starting);
                self.begin(id);
            }
        }
        true
    }

    fn is_its_turn(&self, sup: Id, id: Id) -> bool {
        let rules = self.rules(sup);
        let siblings = &self.nodes[sup].children;
        let mut before = siblings.iter().filter(|other| **other < id).map(|other| &self.nodes[*other]).filter(|node| node.wanted);
        match rules.strategy {
            _ if rules.pool.is_some() => true,
            Strategy::OneForOne => before.all(|node| node.was_up),
            _ => {
                let leaving = siblings.iter().any(|other| self.nodes[*other].state != State::Down && self.must_end(*other));
                before.all(Node::seems_up) && !leaving
            }
        }
    }

    /// A supervisor is up when each child was, and down when all are.
    fn conclude(&mut self, sup: Id) -> bool {
        if !matches!(self.nodes[sup].kind, Kind::Sup(_)) {
            return false;
        }
        let children = &self.nodes[sup].children;
        match self.nodes[sup].state {
            State::Starting if !self.is_hollow(sup) && children.iter().all(|id| self.nodes[*id].was_up || !self.nodes[*id].wanted) => {
                self.up(sup);
            }
            State::Ending if children.iter().all(|id| self.nodes[*id].state == State::Down) => {
                let way = match &self.nodes[sup].gives_up {
                    Some(way) => format!("{}: {way}", self.nodes[sup].name),
                    None => self.nodes[sup].name.clone(),
                };
                let normally = self.nodes[sup].gives_up.is_none();
                self.ended(sup, normally, way);
            }
            _ => return false,
        }
        true
    }
}
