//! What every engine promises about nodes: each tells of itself and hears of the others, and one of them has the duty of the janitor. Which
//! servers there are is nothing that must outlive them, so a reply does not mean that anything is durable.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::domain::node::{Heartbeat, Node, Workforce};
use crate::stores::tasks::TaskStoreError;

/// Which servers share the database.
pub trait NodeStore: Send + Sync {
    /// Notes that a node lives, and what it tells; replies with what all others together can do that are running. One that is stopping, or
    /// was not heard for [`Node::MISSING`] of its heartbeats, does not count.
    fn beat(&self, heartbeat: Heartbeat) -> BoxFuture<'static, Result<Workforce, TaskStoreError>>;

    /// Every node that was not forgotten, in the order of their names.
    fn nodes(&self) -> BoxFuture<'static, Result<Vec<Node>, TaskStoreError>>;

    /// Forgets a node that has stopped.
    fn leave(&self, node: String) -> BoxFuture<'static, Result<(), TaskStoreError>>;

    /// Forgets the nodes that were not heard for so long; says how many.
    fn forget_silent(&self, silent_for: Duration) -> BoxFuture<'static, Result<u64, TaskStoreError>>;

    /// The duty to clean up, as this server has it or not.
    fn janitor_duty(&self) -> Arc<dyn Duty>;
}

/// Something that one server at a time may do.
pub trait Duty: Send + Sync {
    /// Takes the duty if nobody has it, or confirms that it is still this server's; says whether it is. To be asked every second: a duty that
    /// is not confirmed goes to another server some seconds later.
    fn hold(&self) -> BoxFuture<'static, bool>;

    /// Whether it is certainly this server's at this moment. To be asked before each thing that is done by it.
    fn is_held(&self) -> bool;
}
