//! Quotas over several servers: how much a key can have beyond its quota, exactly, and that it does not last.

use serde_json::{Value, json};

use crate::access::{ask_as, make_key};
use crate::harness::{Answer, Server, eventually};
use crate::images::small_png;
use crate::nodes::Place;
use crate::raw::Client;

/// The quota of the tests.
const TASKS: usize = 3;

/// Two servers on which no task ever ends, an admin's key, and a user's with a quota, which both of them know.
struct House {
    servers: [Server; 2],
    admin: String,
    user: String,
}

impl House {
    fn new(quota: &Value) -> Option<Self> {
        let place = Place::new()?;
        let servers = [(); 2].map(|()| place.options(0).set("server.role", "serve").start());
        let (_, admin) = make_key(&servers[0], None, &["admin"], &json!({}));
        let (_, user) = make_key(&servers[0], Some(&admin), &["submit"], quota);
        eventually("the other server to know the keys", || {
            // Not by the user's, whose requests are counted.
            let keys = ask_as(&servers[1], Some(&admin), "GET", "/v1/keys", "", b"");
            (keys.status == 200 && keys.json()["keys"].as_array().map(Vec::len) == Some(2)).then_some(())
        });
        Some(Self { servers, admin, user })
    }

    fn upload(&self, server: usize) -> Answer {
        ask_as(&self.servers[server], Some(&self.user), "POST", "/v1/tasks", "image/png", &small_png())
    }

    /// A service in the tree.
    fn service(&self, server: usize, id: &str) -> Value {
        let tree = ask_as(&self.servers[server], Some(&self.admin), "GET", "/v1/tree", "", b"").json();
        tree["children"].as_array().expect("services").iter().find(|node| node["id"] == id).expect("the service").clone()
    }

    /// What a master counts.
    fn counts(&self, server: usize, count: &str) -> u64 {
        self.service(server, "engine")["children"][0]["details"][count].as_u64().unwrap_or_default()
    }

    /// Waits until a server has heard of so many uses of the user's key at the other.
    fn hears_of(&self, server: usize, uses: u64) {
        eventually("the uses elsewhere", || {
            let heard = self.service(server, "keys")["details"]["used_elsewhere"].clone();
            if heard == uses { Ok(()) } else { Err(heard.to_string()) }
        });
    }

    /// Lets both servers tell nothing of uses and hear of none, or ends that.
    fn no_exchange(&self, action: &str) {
        for server in &self.servers {
            let armed = ask_as(server, Some(&self.admin), "PUT", "/v1/faults/keys.share", "text/plain", action.as_bytes());
            assert_eq!(armed.status, 204, "{}", armed.text());
        }
    }

    /// A request that comes too soon, and how many seconds it is to wait.
    fn too_soon(&self, server: usize) -> u64 {
        let refused = self.upload(server);
        assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("too_many_requests")), "{}", refused.text());
        refused.header("retry-after").parse().expect("seconds")
    }

    /// Waits until both servers have counted so many unfinished tasks.
    fn both_know(&self, tasks: usize) {
        for server in 0..2 {
            eventually("a recount", || (self.counts(server, "unfinished_tasks") == tasks as u64).then_some(()));
        }
    }

    /// Begins an upload and sends none of its body.
    fn begin(&self, server: usize) -> Client {
        let key = format!("authorization: Bearer {}", self.user);
        Client::uploading_to(&self.servers[server], "/v1/tasks", &[&key, "content-length: 1000"])
    }

    /// Begins as many uploads as a server admits, which is as many as are expected.
    fn begin_all(&self, server: usize, expected: usize) -> Vec<Client> {
        let uploads = (0..expected).map(|_| self.begin(server)).collect();
        eventually("the permits", || (self.counts(server, "uploading") == expected as u64).then_some(()));
        let refused = self.begin(server).answer().expect("an answer before the body");
        assert!(refused.status == 429 && refused.body.contains("too_many_tasks_in_flight"), "{refused:?}");
        uploads
    }
}

#[test]
fn what_is_free_of_a_quota_can_be_taken_once_on_each_server_and_no_more() {
    let Some(house) = House::new(&json!({ "tasks_in_flight": TASKS })) else { return };
    assert_eq!(house.upload(0).status, 202);
    house.both_know(1);
    // Neither knows what is on its way to the other.
    let free = TASKS - 1;
    let uploads = [house.begin_all(0, free), house.begin_all(1, free)];
    drop(uploads);
    for server in 0..2 {
        eventually("the permits' end", || (house.counts(server, "uploading") == 0).then_some(()));
    }
    for _ in 0..free {
        eventually("what is free", || (house.upload(0).status == 202).then_some(()));
    }
    house.both_know(TASKS);
    for server in 0..2 {
        let refused = house.upload(server);
        assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("too_many_tasks_in_flight")), "{}", refused.text());
    }
}

#[test]
fn stored_bytes_are_those_of_all_servers() {
    let image = small_png().len();
    let Some(house) = House::new(&json!({ "stored_bytes": 2 * image })) else { return };
    for (server, tasks) in [(0, 1), (1, 2)] {
        assert_eq!(house.upload(server).status, 202);
        house.both_know(tasks);
    }
    for server in 0..2 {
        let refused = house.upload(server);
        assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("too_many_stored_bytes")), "{}", refused.text());
    }
}

#[test]
fn a_pace_is_that_of_all_servers() {
    let Some(house) = House::new(&json!({ "requests_per_minute": 2 })) else { return };
    assert_eq!(house.upload(0).status, 202);
    house.hears_of(1, 1);
    assert_eq!([house.upload(1).status, house.upload(1).status], [202, 429], "one of two was free");
    house.hears_of(0, 1);
    let wait = house.too_soon(0);
    assert!((1..=30).contains(&wait), "half a minute, less what has passed: {wait}");
}

#[test]
fn what_goes_beyond_a_pace_while_servers_do_not_know_of_each_other_is_waited_for_by_both() {
    let Some(house) = House::new(&json!({ "requests_per_minute": 2 })) else { return };
    house.no_exchange("return(error)");
    for server in 0..2 {
        assert_eq!([(); 3].map(|()| house.upload(server).status), [202, 202, 429], "each by its own measure");
    }
    house.no_exchange("off");
    for server in 0..2 {
        house.hears_of(server, 2);
        let wait = house.too_soon(server);
        assert!((31..=90).contains(&wait), "the other's two take another minute, beyond the half one: {wait}");
    }
}
