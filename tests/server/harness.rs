//! A real server of its own for every test: its own directory, its own port, ended with the test.
//!
//! `SAFELIGHT_TEST_NODES=3` makes each of them a cluster of so many processes over one database and one store of images (`fleet`). Every request goes
//! to the next of them, or to the one that the test has to stay with, and what is known of the inside is that of all of them together: tests need not know.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use ureq::Agent;

pub use crate::answer::Answer;
use crate::answer::{answer, try_answer};
use crate::fleet;
pub use crate::listing::files;
pub use crate::options::Options;
pub use crate::process::send_signal;
use crate::process::{Node, read};
pub use crate::waiting::{PATIENCE, eventually};

/// The directory in which a server runs.
pub(crate) enum Place {
    /// Removed with the server.
    Own(TempDir),
    /// Somebody else's.
    Given(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Own(directory) => directory.path(),
            Self::Given(directory) => directory,
        }
    }
}

/// A running server.
pub struct Server {
    /// The first one has the workers; the others, if there are any, only serve.
    nodes: Vec<Node>,
    /// How many requests were sent.
    sent: AtomicUsize,
    /// The node that gets all requests, once a test has to stay with one.
    pinned: OnceLock<usize>,
    directory: Option<Place>,
    options: Options,
    agent: Agent,
}

impl Server {
    /// A server with the options of [`Options::new`].
    pub fn new() -> Self {
        Options::new().start()
    }

    /// Starts every node of it.
    pub(crate) fn start(mut options: Options, directory: Place) -> Self {
        fleet::share(&mut options, directory.path());
        let pinned = fleet::limits_itself(&options).then_some(0).map_or_else(OnceLock::new, OnceLock::from);
        let nodes = (1..=fleet::size()).map(|number| Node::start(number, &options, directory.path())).collect();
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().new_agent();
        Self { nodes, sent: AtomicUsize::new(0), pinned, directory: Some(directory), options, agent }
    }

    pub fn pid(&self) -> u32 {
        self.nodes[0].pid()
    }

    /// `127.0.0.1:<port>`. Whoever makes connections of his own stays with one node, and not with the one that works.
    pub fn address(&self) -> &str {
        let last = self.nodes.len() - 1;
        self.nodes[*self.pinned.get_or_init(|| last)].url.strip_prefix("http://").expect("the server's URL begins with http://")
    }

    /// Where the server keeps its data. Whoever looks there stays with the node whose it is.
    pub fn data(&self) -> PathBuf {
        self.stay_with_worker();
        self.directory().join("data")
    }

    fn directory(&self) -> &Path {
        self.directory.as_ref().expect("taken only by a restart").path()
    }

    /// From now on asks the node that works.
    pub fn stay_with_worker(&self) {
        self.pinned.get_or_init(|| 0);
    }

    /// Everything the server has logged, over its restarts.
    pub fn log(&self) -> String {
        read(&self.directory().join("log"))
    }

    pub fn get(&self, path: &str) -> Answer {
        answer(self.agent.get(self.url(path)).call())
    }

    /// Asks with one more header.
    pub fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.get_with_all(path, &[(name, value)])
    }

    /// Asks with some more headers.
    pub fn get_with_all(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.agent.get(self.url(path));
        answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).call())
    }

    pub fn get_json(&self, path: &str) -> Value {
        self.get_with(path, "accept", "application/json").json()
    }

    pub fn put(&self, path: &str, body: &str) -> Answer {
        self.put_bytes(path, body.as_bytes())
    }

    pub fn put_bytes(&self, path: &str, body: &[u8]) -> Answer {
        let answer = answer(self.agent.put(self.url(path)).send(body));
        self.wait_until_known(path);
        answer
    }

    pub fn head(&self, path: &str) -> Answer {
        answer(self.agent.head(self.url(path)).call())
    }

    pub fn delete(&self, path: &str) -> Answer {
        let answer = answer(self.agent.delete(self.url(path)).call());
        self.wait_until_known(path);
        answer
    }

    /// Whoever has answered that it changed a setting goes by it; the other processes hear of it within moments.
    fn wait_until_known(&self, path: &str) {
        if path.starts_with("/v1/settings/") && self.nodes.len() > 1 {
            let told = |node: &Node| {
                let told = answer(self.agent.get(format!("{}{path}", node.url)).call());
                (told.status, (told.status == 200).then(|| told.json()["value"].clone()))
            };
            eventually("the setting to be known", || self.nodes.iter().all(|node| told(node) == told(&self.nodes[0])).then_some(()));
        }
    }

    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        answer(self.agent.post(self.url(path)).header("content-type", content_type).send(body))
    }

    /// Posts something and wants the answer as JSON.
    pub fn post_for_json(&self, path: &str, body: &[u8]) -> Answer {
        answer(self.agent.post(self.url(path)).header("accept", "application/json").send(body))
    }

    /// Uploads an image and returns its id.
    pub fn upload(&self, image: &[u8], pipeline: &str) -> String {
        let answer = self.try_upload(image, pipeline);
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.text()
    }

    /// Uploads an image for a client that takes some media types, and returns its id.
    pub fn upload_accepting(&self, accept: &str, image: &[u8], pipeline: &str) -> String {
        let request = self.agent.post(self.url(&format!("/newImage?pipeline={pipeline}"))).header("accept", accept);
        let answer = answer(request.send(image));
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.text()
    }

    /// Uploads an image; the answer may be a refusal.
    pub fn try_upload(&self, image: &[u8], pipeline: &str) -> Answer {
        let query = if pipeline.is_empty() { String::new() } else { format!("?pipeline={pipeline}") };
        self.post(&format!("/newImage{query}"), "application/octet-stream", image)
    }

    pub fn is_ready(&self, id: &str) -> String {
        self.get(&format!("/image/isReady?id={id}")).text()
    }

    /// Waits until a task has ended: `finished`, `failed: <code>` or `not found`.
    pub fn wait(&self, id: &str) -> String {
        eventually(&format!("the end of task {id}"), || {
            // A service that is being restarted answers 503, which is no end.
            Some(self.is_ready(id)).filter(|state| state == "finished" || state == "not found" || state.starts_with("failed: "))
        })
    }

    /// Asks a server that may be ending: `None` if it is gone before it has answered.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        try_answer(self.agent.get(self.url(path)).call())
    }

    /// Puts something on a server that may be ending: `None` if it is gone before it has answered.
    pub fn try_put_bytes(&self, path: &str, body: &[u8]) -> Option<Answer> {
        try_answer(self.agent.put(self.url(path)).send(body))
    }

    /// Deletes something of a server that may be ending: `None` if it is gone before it has answered.
    pub fn try_delete(&self, path: &str) -> Option<Answer> {
        try_answer(self.agent.delete(self.url(path)).call())
    }

    /// Uploads to a server that may be ending: `None` if it is gone before it has answered.
    pub fn upload_to_ending(&self, image: &[u8], pipeline: &str) -> Option<Answer> {
        try_answer(self.agent.post(self.url(&format!("/newImage?pipeline={pipeline}"))).send(image))
    }

    pub fn image(&self, id: &str) -> Answer {
        self.get(&format!("/image/get?id={id}"))
    }

    /// Uploads, waits, downloads.
    pub fn process(&self, image: &[u8], pipeline: &str) -> Answer {
        let id = self.upload(image, pipeline);
        let state = self.wait(&id);
        assert_eq!(state, "finished", "{}", self.get(&format!("/v1/tasks/{id}")).text());
        let answer = self.image(&id);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    pub fn task(&self, id: &str) -> Value {
        self.get_json(&format!("/v1/tasks/{id}"))
    }

    /// A node of the supervision tree.
    pub fn node(&self, id: &str) -> Value {
        // Those that only serve have no workers.
        let found = self.nodes.iter().filter_map(|node| find(&self.tree(node)?, id).cloned());
        fleet::together(found).unwrap_or_else(|| panic!("no {id} in the tree"))
    }

    /// That of one process, unless it is gone.
    fn tree(&self, node: &Node) -> Option<Value> {
        Some(try_answer(self.agent.get(format!("{}/v1/tree", node.url)).call())?.json())
    }

    /// The workers of the pool as the tree shows them.
    pub fn workers(&self) -> Vec<Value> {
        self.node("workers")["children"].as_array().cloned().unwrap_or_default()
    }

    /// Arms a failpoint of the running server.
    pub fn arm(&self, point: &str, action: &str) {
        let answer = self.put(&format!("/v1/faults/{point}"), action);
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// Arms a failpoint that any process of the server may pass.
    pub fn arm_everywhere(&self, point: &str, action: &str) {
        for node in &self.nodes {
            let answer = answer(self.agent.put(format!("{}/v1/faults/{point}", node.url)).send(action));
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
    }

    /// Ends the server as `kill -9` does and starts it again over the same data; what was armed is not armed any more.
    pub fn kill_and_restart(mut self) -> Self {
        self.nodes[0].kill();
        self.restart()
    }

    /// Starts the server, which has ended, again over the same data; what was armed is not armed any more.
    pub fn restart(mut self) -> Self {
        self.nodes.iter_mut().for_each(Node::kill);
        let directory = self.directory.take().expect("taken only here");
        let options = Options { environment: std::mem::take(&mut self.options.environment) };
        Self::start(options, directory)
    }

    /// The same so much later that nothing which is left over is young any more. A server without others need not wait for that.
    pub fn restart_much_later(mut self) -> Self {
        fleet::let_grace_pass(&mut self.options);
        self.restart()
    }

    /// Sends a signal to the server.
    pub fn signal(&self, signal: rustix::process::Signal) {
        self.nodes.iter().for_each(|node| send_signal(node.pid(), signal));
    }

    /// Waits until the server has ended by itself and returns its exit code; of a cluster, the node that is asked and armed.
    pub fn exit_code(&mut self) -> Option<i32> {
        let asked = *self.pinned.get_or_init(|| 0);
        self.nodes[asked].exit_code()
    }

    /// The same of whichever process ends first.
    pub fn first_exit_code(&mut self) -> Option<i32> {
        eventually("the end of a process", || self.nodes.iter_mut().find_map(Node::ended)).code()
    }

    /// Everything asks the next node. Keys and faults are made at one, and all that follows is asked of it, too.
    fn url(&self, path: &str) -> String {
        let node = match self.pinned.get() {
            Some(node) => *node,
            None if fleet::is_of_one(path) => *self.pinned.get_or_init(|| 0),
            None => self.sent.fetch_add(1, Ordering::Relaxed) % self.nodes.len(),
        };
        format!("{}{path}", self.nodes[node].url)
    }

    /// The names of the blobs that are kept, wherever they are, and of what is on its way there.
    pub fn blobs(&self) -> Vec<String> {
        let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        let here = fleet::directories().flat_map(|data| ["blobs", "spool"].map(|part| self.directory().join(&data).join(part)));
        let mut names: Vec<String> = here.flat_map(|part| files(&part)).filter_map(|path| name(&path)).collect();
        names.extend(fleet::blobs(&self.options));
        names
    }

    /// Puts other bytes in the place of the blob that holds these, past the server.
    pub fn damage_blob(&self, bytes: &[u8], damaged: &[u8]) {
        if !fleet::damage_blob(&self.options, bytes, damaged) {
            let holds = |path: &PathBuf| std::fs::read(path).is_ok_and(|held| held == bytes);
            let file = files(&self.directory().join("data/blobs")).into_iter().find(holds).expect("the blob");
            std::fs::write(file, damaged).expect("the disk lets it be damaged");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.nodes.clear();
        if std::thread::panicking() && self.directory.is_some() {
            eprintln!("--- the server's log\n{}", self.log());
        }
    }
}

fn find<'t>(node: &'t Value, id: &str) -> Option<&'t Value> {
    if node["id"] == id {
        return Some(node);
    }
    node["children"].as_array()?.iter().find_map(|child| find(child, id))
}
