//! Nodes: tells the other servers of this one, again and again, knows which others there are, and tells the master what those can do.
//!
//! What is told stands in the database, in a row of this node's own; nobody is asked over the network.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor: heartbeats, and what is known of all nodes |
//! | `summary` | the supervision tree in short |

mod summary;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseActFuture, Supervised, WrapFuture, fut};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::actors::master::{FirstMeasured, GetLoad, Load, Master, OthersHeard};
use crate::actors::supervision::{Details, InitResult, Service, Supervisor, Tree};
use crate::domain::faults;
use crate::domain::node::{Heartbeat, Node, Role, Workforce};
use crate::stores::nodes::NodeStore;
use crate::stores::tasks::TaskStoreError;

/// How long the master and the tree may take to say how they are; then what they said last is told again.
const ASK: Duration = Duration::from_secs(1);

/// How often nodes are looked for that were silent for too long.
const FORGET: Duration = Duration::from_mins(1);

/// What the actor needs; the same over restarts.
#[derive(Clone)]
pub struct NodesDeps {
    /// Where nodes are told of.
    pub store: Arc<dyn NodeStore>,
    /// Knows how busy the server is, and is told how busy the others are.
    pub master: Addr<Master>,
    /// The name of this node.
    pub node: String,
    /// What it is for.
    pub role: Role,
    /// Tells this run of the server from others.
    pub run: Uuid,
    /// The pause between two heartbeats.
    pub interval: Duration,
    /// How long a node may be silent before it is forgotten.
    pub forget: Duration,
    /// Set once the server has started.
    pub surroundings: Arc<OnceLock<Surroundings>>,
}

/// What there is only when everything runs. Before that nothing is told.
#[derive(Clone)]
pub struct Surroundings {
    /// The root of the supervision tree.
    pub tree: Addr<Supervisor>,
    /// Where the server listens.
    pub address: SocketAddr,
}

/// The actor.
pub struct Nodes {
    deps: NodesDeps,
    /// A heartbeat is on its way.
    beating: bool,
    /// Another one is to follow at once.
    again: bool,
    /// What the master and the tree said last.
    load: Load,
    tree: Value,
    beats: u64,
    missed: u64,
}

impl Nodes {
    /// One that has told nothing yet.
    #[must_use]
    pub fn new(deps: NodesDeps) -> Self {
        Self { deps, beating: false, again: false, load: Load::default(), tree: json!({}), beats: 0, missed: 0 }
    }

    /// Asks how the server is, and tells it.
    fn beat(&mut self, context: &mut Context<Self>) {
        let Some(surroundings) = self.deps.surroundings.get().cloned() else { return };
        if self.beating {
            self.again = true;
            return;
        }
        self.beating = true;
        let asked = ask(self.deps.master.clone(), surroundings.tree);
        context.spawn(asked.into_actor(self).then(move |(load, tree), nodes, _| {
            faults::point("nodes.asked");
            nodes.load = load.unwrap_or(nodes.load);
            nodes.tree = tree.unwrap_or_else(|| nodes.tree.take());
            let told = nodes.deps.store.beat(nodes.heartbeat(surroundings.address));
            told.into_actor(nodes).map(Self::has_beaten)
        }));
    }

    fn heartbeat(&self, address: SocketAddr) -> Heartbeat {
        let Load { workers, busy, draining, measured } = self.load;
        let NodesDeps { node, role, run, interval, .. } = &self.deps;
        Heartbeat {
            node: node.clone(),
            run: *run,
            role: *role,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: address.to_string(),
            draining,
            workers,
            busy,
            measured,
            tree: self.tree.clone(),
            interval: *interval,
        }
    }

    fn has_beaten(told: Result<Workforce, TaskStoreError>, nodes: &mut Self, context: &mut Context<Self>) {
        nodes.beating = false;
        match told {
            Ok(others) => {
                nodes.beats += 1;
                nodes.deps.master.do_send(OthersHeard(others));
            }
            Err(error) => {
                nodes.missed += 1;
                log::debug!(error:%; "heartbeat not told; the next one follows");
            }
        }
        if std::mem::take(&mut nodes.again) {
            nodes.beat(context);
        }
    }

    fn forget(&mut self, context: &mut Context<Self>) {
        if !self.deps.store.janitor_duty().is_held() {
            return;
        }
        let forgotten = self.deps.store.forget_silent(self.deps.forget);
        context.spawn(forgotten.into_actor(self).map(|forgotten, _, _| match forgotten {
            Ok(0) => {}
            Ok(nodes) => log::info!(nodes; "silent nodes forgotten"),
            Err(error) => log::debug!(error:%; "silent nodes not forgotten; the next time does it"),
        }));
    }
}

async fn ask(master: Addr<Master>, tree: Addr<Supervisor>) -> (Option<Load>, Option<Value>) {
    let (load, tree) = futures::join!(master.send(GetLoad).timeout(ASK), tree.send(Tree::default()).timeout(ASK));
    (load.ok(), tree.ok().map(|root| summary::of(&root)))
}

impl Actor for Nodes {
    type Context = Context<Self>;
}

impl Supervised for Nodes {}

impl Service for Nodes {
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        context.run_interval(self.deps.interval, Self::beat);
        context.run_interval(FORGET, Self::forget);
        // After a restart everything is known; at the start it is announced.
        self.beat(context);
        Box::pin(fut::ready(Ok(())))
    }

    /// The others need not wait for its silence.
    fn terminate(&mut self, within: Duration, _: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        // A heartbeat behind it would bring the node back.
        self.beating = true;
        let left = tokio::time::timeout(within, self.deps.store.leave(self.deps.node.clone()));
        Box::pin(left.into_actor(self).map(|left, _, _| {
            if !matches!(left, Ok(Ok(()))) {
                log::debug!("not taken from the nodes; the others see the silence");
            }
        }))
    }

    fn inspect(&self) -> Details {
        let details = json!({ "node": self.deps.node, "beats": self.beats, "missed": self.missed });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// Asks for a heartbeat at once: something has changed that others should know.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Announce;

impl Handler<Announce> for Nodes {
    type Result = ();

    fn handle(&mut self, _: Announce, context: &mut Context<Self>) {
        self.beat(context);
    }
}

impl Handler<FirstMeasured> for Nodes {
    type Result = ();

    fn handle(&mut self, _: FirstMeasured, context: &mut Context<Self>) {
        self.beat(context);
    }
}

/// Every node that was not forgotten.
#[derive(Message)]
#[rtype(result = "Result<Vec<Node>, TaskStoreError>")]
pub struct AllNodes;

impl Handler<AllNodes> for Nodes {
    type Result = ResponseActFuture<Self, Result<Vec<Node>, TaskStoreError>>;

    fn handle(&mut self, _: AllNodes, _: &mut Context<Self>) -> Self::Result {
        faults::point("nodes.all_nodes");
        Box::pin(self.deps.store.nodes().into_actor(self))
    }
}
