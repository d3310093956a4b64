//! Where `SAFELIGHT_TEST_NODES` makes every test's server a cluster: what its nodes share, and what is known of them together.

use std::env;

use serde_json::Value;

use crate::harness::Options;

/// How many processes a server is.
pub fn size() -> usize {
    let nodes = env::var("SAFELIGHT_TEST_NODES").ok().filter(|nodes| !nodes.is_empty());
    nodes.map_or(1, |nodes| nodes.parse().expect("SAFELIGHT_TEST_NODES is a whole number"))
}

/// Gives a cluster a database and a place for its images, unless it has them: from before a restart, or because the test chose.
pub fn share(options: &mut Options) {
    if size() > 1 && !options.is_set("data.tasks") {
        let own = std::mem::replace(options, Options::empty());
        *options = shared(own);
    }
}

#[cfg(feature = "s3")]
fn shared(options: Options) -> Options {
    use crate::cluster::Cluster;
    use crate::seaweedfs::{ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed};
    let database = Cluster::shared().expect("a cluster needs PostgreSQL").database();
    let store = Seaweed::shared().expect("a cluster needs an S3 store");
    let (endpoint, prefix) = (store.endpoint(), store.options(&store.endpoint()).prefix);
    let options = options.set("data.tasks", database).set("data.blobs", format!("s3://{BUCKET}/{prefix}"));
    options.set("s3.endpoint", endpoint).set("s3.access_key", ACCESS_KEY).set("s3.secret_key", SECRET_KEY)
}

#[cfg(not(feature = "s3"))]
fn shared(_: Options) -> Options {
    panic!("a cluster needs the feature s3");
}

/// What the trees of the nodes tell of one service, as if it were one: numbers are added up, lists are joined, and for the rest the
/// first node speaks. What a node counts of everybody's tasks would be counted once for each: the greatest is taken.
pub fn together(mut trees: Vec<Value>) -> Value {
    let mut whole = trees.remove(0);
    trees.iter().for_each(|tree| add(&mut whole, tree));
    whole
}

/// What each node tells of the whole cluster.
const OF_ALL: [&str; 2] = ["unfinished_tasks", "unfinished_bytes"];

fn add(sum: &mut Value, other: &Value) {
    match (sum, other) {
        (Value::Number(sum), Value::Number(other)) => {
            if let (Some(one), Some(two)) = (sum.as_u64(), other.as_u64()) {
                *sum = (one + two).into();
            }
        }
        (Value::Object(sum), Value::Object(other)) => {
            for (name, value) in other {
                match sum.get_mut(name) {
                    Some(sum) if !OF_ALL.contains(&name.as_str()) => add(sum, value),
                    Some(sum) => *sum = if sum.as_u64() < value.as_u64() { value.clone() } else { sum.clone() },
                    None => drop(sum.insert(name.clone(), value.clone())),
                }
            }
        }
        _ => {}
    }
}
