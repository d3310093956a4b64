//! The table the reference keeps: every node of a tree, and what it is doing.

use safelight::actors::supervision::{Restart, Strategy};

/// Virtual milliseconds.
pub(crate) type Ms = u64;

/// A node's place in the table.
pub(crate) type Id = usize;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: usize,
    pub(crate) period: Ms,
    pub(crate) backoff_min: Ms,
    pub(crate) backoff_max: Ms,
    pub(crate) reset_after: Ms,
    /// For a pool: how many children it shall have.
    pub(crate) pool: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deadlines {
    pub(crate) init: Ms,
    pub(crate) shutdown: Ms,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Leaf(Deadlines),
    Sup(Rules),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Down,
    /// Must start now; only a leaf is seen here.
    Ordered,
    /// Its order to start was taken back in the same instant. Whether it began all the same, this instant will show.
    Revoked,
    Starting,
    Up,
    /// Must go down.
    Ending,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) parent: Option<Id>,
    pub(crate) restart: Restart,
    pub(crate) state: State,
    /// False once it ended for good, or is to.
    pub(crate) wanted: bool,
    /// Since when it is in its state.
    pub(super) since: Ms,
    /// Must end before it may run again.
    pub(super) recycle: bool,
    pub(super) was_up: bool,
    pub(super) hold: Ms,
    pub(super) streak: u32,
    /// How long it was up since its last failure, in lives that ended on order.
    pub(super) healthy: Ms,
    /// Since when it is up in its present life.
    pub(super) up_at: Option<Ms>,
    /// A leaf: how it said it would fail; true if normally.
    pub(super) cause: Option<bool>,
    /// A supervisor: its children in order, when they failed, and the way to the failure it gives up for.
    pub(crate) children: Vec<Id>,
    pub(super) failures: Vec<Ms>,
    pub(super) gives_up: Option<String>,
}

impl Node {
    /// Whether the supervisor above takes it for ready; it does not know yet of one that is about to give up.
    pub(super) fn seems_up(&self) -> bool {
        self.state == State::Up || self.state == State::Ending && self.gives_up.is_some() && self.up_at.is_some()
    }
}

/// What a leaf does, and what the driver does to the tree.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Init { dirty: bool },
    Ready,
    Terminate,
    Fails { normally: bool },
    Gone,
    Scale(usize),
    Stop,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) nodes: Vec<Node>,
    pub(super) now: Ms,
    /// How the root ended: the way to the failure, or `None` after an order.
    pub(crate) over: Option<Option<String>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { nodes: Vec::new(), now: 0, over: None }
    }

    pub(crate) fn add(&mut self, name: &str, parent: Option<Id>, restart: Restart, kind: Kind) -> Id {
        self.nodes.push(Node {
            name: name.to_owned(),
            kind,
            parent,
            restart,
            state: State::Down,
            wanted: true,
            since: self.now,
            recycle: false,
            was_up: false,
            hold: self.now,
            streak: 0,
            healthy: 0,
            up_at: None,
            cause: None,
            children: Vec::new(),
            failures: Vec::new(),
            gives_up: None,
        });
        let id = self.nodes.len() - 1;
        if let Some(parent) = parent {
            self.nodes[parent].children.push(id);
        }
        id
    }

    pub(super) fn set(&mut self, id: Id, state: State) {
        self.nodes[id].state = state;
        self.nodes[id].since = self.now;
    }

    pub(super) fn children(&self, sup: Id) -> Vec<Id> {
        self.nodes[sup].children.clone()
    }

    pub(super) fn rules(&self, sup: Id) -> &Rules {
        match &self.nodes[sup].kind {
            Kind::Sup(rules) => rules,
            Kind::Leaf(_) => unreachable!("a leaf has no children"),
        }
    }
}
