//! How servers that share a database hear of each other.

use std::time::Duration;

use crate::config::kind::Time;
use crate::config::schema::section;

section! {
    /// Nodes: the servers that share a database. Each tells the others of itself; `GET /v1/nodes` lists them.
    pub struct NodesConfig = "nodes" {
        /// The pause between two heartbeats. A node that misses three is shown as silent.
        heartbeat: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_mins(5) }, "5s"),
        /// How long a silent node is shown before it is forgotten. One that was stopped is forgotten at once.
        forget: Duration = fixed(Time { min: Duration::from_mins(20), max: Duration::from_hours(24 * 365) }, "1h"),
    }
}
