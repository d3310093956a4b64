//! The supervision tree as data: what runs, since when, what failed, and how fast it answers.

use std::time::Duration;

use actix::prelude::*;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::{Details, Strategy, Supervisor, child::Child};

/// Asks a supervisor for the tree below it.
///
/// The reply comes within the deadline, even if children hang: what did not answer is shown without its ping and details.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Node")]
pub struct Tree {
    /// How long children may take to answer.
    pub within: Duration,
}

impl Default for Tree {
    /// A quarter of a second.
    fn default() -> Self {
        Self { within: Duration::from_millis(250) }
    }
}

/// One child, or the supervisor that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique among its siblings.
    pub id: String,
    /// What it is doing.
    pub state: State,
    /// For how long it has been in its present life, in milliseconds; absent when it has none.
    pub uptime_ms: Option<u64>,
    /// How often it was started again in the present life of its supervisor.
    pub restarts: u64,
    /// How it failed last, in the present life of its supervisor.
    pub last_failure: Option<Failure>,
    /// How long it took to answer, behind the messages in its mailbox, in microseconds; absent when it did not.
    pub ping_us: Option<u64>,
    /// What it tells about itself.
    pub details: Details,
    /// For a supervisor: whom a child's failure takes along.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub strategy: Option<Strategy>,
    /// For a supervisor: its children, in the order they start.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub children: Vec<Node>,
}

/// What a child is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Down until those before it are ready, or those behind it are down.
    Waiting,
    /// Not ready yet.
    Starting,
    /// Ready.
    Running,
    /// Down after a failure, until its pause is over.
    Backoff,
    /// Asked to stop.
    Stopping,
    /// Ended for good.
    Stopped,
}

/// How a child failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exit, in words.
    pub reason: String,
    /// `file:line:column` of the panic it began with.
    pub location: Option<String>,
    /// How long ago, in milliseconds.
    pub ago_ms: u64,
}

impl Handler<Tree> for Supervisor {
    type Result = ResponseActFuture<Self, Node>;

    fn handle(&mut self, tree: Tree, _: &mut Context<Self>) -> Self::Result {
        let now = Instant::now();
        let children: Vec<_> = self.machine.children.iter().map(|child| look_at(child, tree.within, now)).collect();
        let mut node = self.own_node(now);
        let all = async move {
            node.children = join_all(children).await;
            node
        };
        Box::pin(all.into_actor(self))
    }
}

impl Supervisor {
    /// What a supervisor knows about itself; the rest is known to the one above it.
    fn own_node(&self, now: Instant) -> Node {
        Node {
            id: self.plan.id.to_string(),
            state: if self.machine.is_ending() { State::Stopping } else { State::Running },
            uptime_ms: Some(millis(now - self.born)),
            restarts: 0,
            last_failure: None,
            ping_us: None,
            details: Details::new(),
            strategy: Some(self.plan.strategy),
            children: Vec::new(),
        }
    }
}

/// Takes down what the books say now, and returns a future that asks the child itself.
fn look_at(child: &Child, within: Duration, now: Instant) -> impl Future<Output = Node> + use<> {
    let mut node = Node {
        id: child.spec.id().to_owned(),
        state: child.state(now),
        uptime_ms: child.life.as_ref().map(|life| millis(now - life.since)),
        restarts: child.restarts,
        last_failure: child.last_failure.as_ref().map(|(at, exit)| Failure {
            reason: exit.to_string(),
            location: exit.location().map(str::to_owned),
            ago_ms: millis(now - *at),
        }),
        ping_us: None,
        details: Details::new(),
        strategy: None,
        children: Vec::new(),
    };
    let lives = child.life.is_some();
    let answer = lives.then(|| child.spec.ask());
    let below = child.spec.supervisor.clone().filter(|_| lives);
    async move {
        // A level further down answers a little earlier, so that its answer is in time here.
        let subtree = below.map(|below| below.send(Tree { within: within * 3 / 4 }));
        if let Some(answer) = answer
            && let Ok(Ok(details)) = timeout_at(now + within, answer).await
        {
            node.ping_us = Some(u64::try_from(now.elapsed().as_micros()).unwrap_or(u64::MAX));
            node.details = details;
        }
        if let Some(subtree) = subtree
            && let Ok(Ok(subtree)) = timeout_at(now + within, subtree).await
        {
            node.strategy = subtree.strategy;
            node.children = subtree.children;
        }
        node
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
