//! The rules that hold between keys. They name no live key, so that no change of a running server can break one.

use crate::config::loading::Loading;
use crate::config::{BlobPlace, Config};
use crate::domain::node::Role;

/// A rule between two keys, told as a sentence of both: `left must ... right`.
struct Rule {
    left: &'static str,
    must: &'static str,
    right: &'static str,
    holds: fn(&Config) -> bool,
}

/// What the child's own code, stack and buffers need of its address space beside the image, in bytes.
const CHILD_OVERHEAD: u64 = 256 << 20;

const RULES: [Rule; 9] = [
    Rule {
        left: "server.role",
        must: "leaves a half of the work to other servers, which need a PostgreSQL database in common, not",
        right: "data.tasks",
        holds: |config| config.server.role == Role::All || config.data.tasks.is_shared(),
    },
    Rule {
        left: "server.role",
        must: "leaves a half of the work to other servers, which need an S3 store in common, not",
        right: "data.blobs",
        holds: |config| config.server.role == Role::All || config.data.blobs != BlobPlace::Local,
    },
    Rule {
        left: "tasks.lease",
        must: "must be at least twice",
        right: "tasks.heartbeat",
        holds: |config| config.tasks.lease >= config.tasks.heartbeat * 2,
    },
    Rule {
        left: "tasks.backoff_min",
        must: "must not exceed",
        right: "tasks.backoff_max",
        holds: |config| config.tasks.backoff_min <= config.tasks.backoff_max,
    },
    Rule {
        left: "tasks.queue_bytes",
        must: "must not be less than",
        right: "uploads.max_bytes",
        holds: |config| config.tasks.queue_bytes >= config.uploads.max_bytes,
    },
    Rule {
        left: "uploads.idle_timeout",
        must: "must not exceed",
        right: "uploads.total_timeout",
        holds: |config| config.uploads.idle_timeout <= config.uploads.total_timeout,
    },
    Rule {
        left: "webhooks.backoff_min",
        must: "must not exceed",
        right: "webhooks.backoff_max",
        holds: |config| config.webhooks.backoff_min <= config.webhooks.backoff_max,
    },
    Rule {
        left: "workers.job_memory",
        must: "must not exceed",
        right: "workers.memory_budget",
        holds: |config| config.workers.job_memory <= config.workers.memory_budget,
    },
    Rule {
        left: "workers.address_space",
        must: "must exceed, by 256MiB or more for the child's own code,",
        right: "workers.job_memory",
        holds: |config| config.workers.address_space >= config.workers.job_memory.saturating_add(CHILD_OVERHEAD),
    },
];

/// Notes every rule that the configuration breaks. A rule about a refused value is passed over: its fault is noted already.
pub(crate) fn collect(loading: &mut Loading) {
    for rule in &RULES {
        if !loading.is_broken(rule.left) && !loading.is_broken(rule.right) && !(rule.holds)(&loading.config) {
            let place = loading.place(rule.left).max(loading.place(rule.right)).cloned();
            let place = place.expect("the defaults keep every rule, which a test holds");
            let message = format!("{} {} {}", loading.describe(rule.left), rule.must, loading.describe(rule.right));
            loading.fault(place, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn the_defaults_keep_every_rule() {
        for rule in &RULES {
            assert!((rule.holds)(&Config::default()), "{} {} {}", rule.left, rule.must, rule.right);
        }
    }

    #[test]
    fn no_rule_names_a_live_key() {
        for path in RULES.iter().flat_map(|rule| [rule.left, rule.right]) {
            assert!(!schema::system_key(path).expect("rules name keys of the schema").live, "{path}");
        }
    }
}
