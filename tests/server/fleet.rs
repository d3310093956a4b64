//! Where `SAFELIGHT_TEST_NODES` makes every test's server a cluster: what its nodes share, and what is known of them together.

use std::path::Path;
use std::{env, fs};

use serde_json::Value;

use crate::harness::Options;

/// The file of a test's directory that says where its cluster keeps everything.
const NOTE: &str = "cluster";

/// How many processes a server is.
pub fn size() -> usize {
    let nodes = env::var("SAFELIGHT_TEST_NODES").ok().filter(|nodes| !nodes.is_empty());
    nodes.map_or(1, |nodes| nodes.parse().expect("SAFELIGHT_TEST_NODES is a whole number"))
}

/// Whether a test has limits that every server keeps for itself; it stays with one.
pub fn limits_itself(options: &Options) -> bool {
    ["tasks.queue_limit", "tasks.queue_bytes", "watch.max_waiters", "watch.max_streams", "uploads.max_bytes"]
        .iter()
        .any(|key| options.is_set(key))
}

/// Whether a request is about what servers learn of each other only within seconds.
pub fn is_configuration(path: &str) -> bool {
    ["/v1/settings", "/v1/keys", "/v1/faults"].iter().any(|start| path.starts_with(start))
}

/// Gives the cluster of a directory a database and a place for its images, unless the test chose them. Started again, it has the same.
pub fn share(options: &mut Options, directory: &Path) {
    if size() > 1 && !options.is_set("data.tasks") {
        let note = directory.join(NOTE);
        let place = fs::read_to_string(&note).unwrap_or_else(|_| new_place());
        fs::write(note, &place).expect("the file can be written");
        let own = std::mem::replace(options, Options::empty());
        *options = place.lines().filter_map(|line| line.split_once('=')).fold(own, |options, (key, value)| options.set(key, value));
    }
}

/// The database of the cluster of a directory; `None` where a server has its own in the data directory.
pub fn database(directory: &Path) -> Option<String> {
    let place = fs::read_to_string(directory.join(NOTE)).ok()?;
    place.lines().find_map(|line| line.strip_prefix("data.tasks=")).map(str::to_owned)
}

/// Keys of the configuration and their values, one in a line.
#[cfg(feature = "s3")]
fn new_place() -> String {
    use crate::cluster::Cluster;
    use crate::seaweedfs::{ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed};
    let database = Cluster::shared().expect("a cluster needs PostgreSQL").database();
    let store = Seaweed::shared().expect("a cluster needs an S3 store");
    let (endpoint, prefix) = (store.endpoint(), store.options(&store.endpoint()).prefix);
    format!(
        "data.tasks={database}\ndata.blobs=s3://{BUCKET}/{prefix}\ns3.endpoint={endpoint}\n\
         s3.access_key={ACCESS_KEY}\ns3.secret_key={SECRET_KEY}\n"
    )
}

/// The blobs of a cluster; nothing where they are in the data directory.
#[cfg(feature = "s3")]
pub fn blobs(options: &Options) -> Option<Vec<String>> {
    use crate::cluster::Sql;
    use crate::seaweedfs::Seaweed;
    use safelight::stores::s3::{S3Blobs, S3Options};
    let (place, database) = (options.get("data.blobs")?, options.get("data.tasks")?);
    let (_, prefix) = place.strip_prefix("s3://")?.split_once('/')?;
    let store = Seaweed::shared().expect("it is there");
    let owner = Sql::connect(database).text("SELECT id::text FROM safelight.identity");
    let at = S3Options { prefix: prefix.to_owned(), owner, ..store.options(&store.endpoint()) };
    let spool = tempfile::TempDir::new().expect("a temporary directory");
    Some(names(&S3Blobs::open(&at, spool.path()).expect("it can be opened")).iter().map(ToString::to_string).collect())
}

/// What a store holds, over all pages.
#[cfg(feature = "s3")]
pub fn names(store: &dyn safelight::stores::blobs::BlobStore) -> Vec<safelight::domain::blob::BlobKey> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = futures::executor::block_on(store.list(after)).expect("it can be listed");
        names.extend(page.blobs.into_iter().map(|blob| blob.key));
        match page.next {
            Some(next) => after = Some(next),
            None => return names,
        }
    }
}

#[cfg(not(feature = "s3"))]
pub fn blobs(_: &Options) -> Option<Vec<String>> {
    None
}

#[cfg(not(feature = "s3"))]
fn new_place() -> String {
    panic!("a cluster needs the feature s3");
}

/// What the trees of the nodes tell of one service, as if it were one: numbers are added up, lists are joined, and for the rest the
/// first node speaks. What a node counts of everybody's tasks would be counted once for each: the greatest is taken.
pub fn together(mut trees: impl Iterator<Item = Value>) -> Option<Value> {
    let mut whole = trees.next()?;
    trees.for_each(|tree| add(&mut whole, &tree));
    Some(whole)
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
