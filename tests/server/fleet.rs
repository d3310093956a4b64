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

/// Whether a request is about what one process has, or has a moment before the others hear of it.
pub fn is_of_one(path: &str) -> bool {
    ["/v1/keys", "/v1/faults"].iter().any(|start| path.starts_with(start))
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

/// The environment in which whoever works beside the server of a directory finds its data.
pub fn environment(directory: &Path) -> Vec<(String, String)> {
    let mut options = Options::empty();
    share(&mut options, directory);
    options.environment
}

/// The data directories of the processes.
pub fn directories() -> impl Iterator<Item = String> {
    (1..=size()).map(directory)
}

/// That of the process with this number.
pub fn directory(number: usize) -> String {
    if number == 1 { "data".to_owned() } else { format!("data-{number}") }
}

/// Makes the sweeps of a cluster take whatever they find for old. A server that is alone does so by itself when it starts.
pub fn let_grace_pass(options: &mut Options) {
    if size() > 1 {
        options.environment.push(("FAILPOINTS".to_owned(), "janitor.grace_is_over=return(error)".to_owned()));
        options.environment.extend(Options::empty().set("janitor.interval", "100ms").environment);
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

/// The store of a cluster, past its servers; nothing where the blobs are in the data directory. The directory is for what it spools.
#[cfg(feature = "s3")]
fn store(options: &Options) -> Option<(safelight::stores::s3::S3Blobs, tempfile::TempDir)> {
    use crate::cluster::Sql;
    use crate::seaweedfs::Seaweed;
    use safelight::stores::s3::{S3Blobs, S3Options};
    let (place, database) = (options.get("data.blobs")?, options.get("data.tasks")?);
    let (_, prefix) = place.strip_prefix("s3://")?.split_once('/')?;
    let store = Seaweed::shared().expect("it is there");
    let owner = Sql::connect(database).text("SELECT id::text FROM safelight.identity");
    let at = S3Options { prefix: prefix.to_owned(), owner, ..store.options(&store.endpoint()) };
    let spool = tempfile::TempDir::new().expect("a temporary directory");
    Some((S3Blobs::open(&at, spool.path()).expect("it can be opened"), spool))
}

/// The blobs in the store of a cluster.
#[cfg(feature = "s3")]
pub fn blobs(options: &Options) -> Vec<String> {
    store(options).map_or_else(Vec::new, |(store, _spool)| names(&store).iter().map(ToString::to_string).collect())
}

/// Puts other bytes in the place of the blob that holds these; `false` where the blobs are in the data directory.
#[cfg(feature = "s3")]
pub fn damage_blob(options: &Options, bytes: &[u8], damaged: &[u8]) -> bool {
    use futures::executor::block_on;
    use safelight::stores::blobs::BlobStore;
    use std::io::{Read, Write};
    let Some((store, _spool)) = store(options) else { return false };
    let held = |key| {
        let mut held = Vec::new();
        let read = block_on(store.open(key)).expect("it is there").file.read_to_end(&mut held);
        read.map(|_| held).expect("it can be read")
    };
    let key = names(&store).into_iter().find(|key| held(*key) == bytes).expect("the blob");
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(damaged).expect("it can be written");
    block_on(store.delete(key)).expect("it can be removed");
    block_on(store.put_file(key, file, damaged.len() as u64)).expect("it can be put");
    true
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
pub fn blobs(_: &Options) -> Vec<String> {
    Vec::new()
}

#[cfg(not(feature = "s3"))]
pub fn damage_blob(_: &Options, _: &[u8], _: &[u8]) -> bool {
    false
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
