//! The supervision tree in short, as the others are told it: what runs, how often it was started again, and why. What changes all the time
//! (uptimes, answering times, counters) is left out, and so are workers that never failed.

use serde::Serialize;
use serde_json::Value;

use crate::actors::supervision::{Node, State};

/// Workers that are told of at most.
const WORKERS: usize = 8;

/// Letters of a reason that are told.
const REASON: usize = 160;

/// One child, or the root.
#[derive(Serialize)]
struct Summary<'t> {
    id: &'t str,
    state: State,
    restarts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<Failure<'t>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Summary<'t>>,
}

/// How it failed last.
#[derive(Serialize)]
struct Failure<'t> {
    reason: String,
    location: Option<&'t str>,
}

impl<'t> From<&'t Node> for Summary<'t> {
    fn from(node: &'t Node) -> Self {
        let last_failure = node
            .last_failure
            .as_ref()
            .map(|failure| Failure { reason: failure.reason.chars().take(REASON).collect(), location: failure.location.as_deref() });
        let is_pool = node.id == "workers";
        let told = node.children.iter().filter(|child| !is_pool || child.last_failure.is_some()).map(Self::from);
        let children = if is_pool { told.take(WORKERS).collect() } else { told.collect() };
        Self { id: &node.id, state: node.state, restarts: node.restarts, last_failure, children }
    }
}

/// The tree below a node.
pub(super) fn of(root: &Node) -> Value {
    serde_json::to_value(Summary::from(root)).expect("texts and numbers can be written as JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actors::supervision::{Details, Failure};

    fn node(id: &str, failed: bool, children: Vec<Node>) -> Node {
        let last_failure = failed.then(|| Failure { reason: "x".repeat(1000), location: Some("a.rs:1:2".into()), ago_ms: 7 });
        Node {
            id: id.to_owned(),
            state: State::Running,
            uptime_ms: Some(1),
            restarts: failed.into(),
            last_failure,
            ping_us: Some(1),
            details: Details::new(),
            strategy: None,
            children,
        }
    }

    #[test]
    fn failures_are_told_and_what_changes_all_the_time_is_not() {
        let workers = (0..300).map(|number| node(&format!("worker-{number}"), number % 2 == 1, Vec::new())).collect();
        let told = of(&node("root", false, vec![node("master", true, Vec::new()), node("workers", false, workers)]));
        let failure = json!({ "reason": "x".repeat(REASON), "location": "a.rs:1:2" });
        let master = json!({ "id": "master", "state": "running", "restarts": 1, "last_failure": failure });
        assert_eq!(told["children"][0], master);
        let workers = told["children"][1]["children"].as_array().expect("workers");
        assert_eq!((workers.len(), &workers[0]["id"]), (WORKERS, &json!("worker-1")));
        assert!(told.to_string().len() < 4000, "{}", told.to_string().len());
    }
}
