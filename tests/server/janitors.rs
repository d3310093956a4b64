//! One janitor at a time: who has the duty, how it is lost, and who goes on.

use std::sync::Arc;

use futures::executor::block_on;
use safelight::stores::nodes::{Duty, NodeStore};
use safelight::stores::postgres::{PostgresDb, PostgresOptions};

use crate::cluster::{Cluster, Sql};
use crate::harness::eventually;

/// The duty of two servers over one database, the first of which has it.
struct Two {
    url: String,
    first: Arc<dyn Duty>,
    second: Arc<dyn Duty>,
    _databases: [PostgresDb; 2],
}

impl Two {
    fn new() -> Option<Self> {
        let url = Cluster::shared().inspect_err(|why| println!("skipped: {why}")).ok()?.database();
        let open =
            |node: &str| PostgresDb::open(&url, PostgresOptions { node: node.to_owned(), ..PostgresOptions::default() }).expect("it runs");
        let databases = [open("first"), open("second")];
        let [first, second] = [databases[0].janitor_duty(), databases[1].janitor_duty()];
        assert_eq!([&first, &second].map(|duty| block_on(duty.hold())), [true, false]);
        assert_eq!([&first, &second].map(|duty| duty.is_held()), [true, false]);
        Some(Self { url, first, second, _databases: databases })
    }
}

#[test]
fn who_loses_the_connection_loses_the_duty_at_once_and_another_has_it() {
    let Some(two) = Two::new() else { return };
    assert!(block_on(two.first.hold()) && !block_on(two.second.hold()), "it stays where it is");
    let sql = Sql::connect(&two.url);
    sql.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'safelight janitor first'",
    );
    eventually("the first to notice, unasked", || (!two.first.is_held()).then_some(()));
    eventually("the second to have it", || block_on(two.second.hold()).then_some(()));
    assert!(!block_on(two.first.hold()) && !two.first.is_held() && two.second.is_held());
    drop(two._databases);
    eventually("the end of the second's connection", || {
        (sql.text(
            "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND granted \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ) == "0")
            .then_some(())
    });
}

#[test]
fn a_duty_that_is_not_confirmed_is_given_up_before_another_server_gets_it() {
    let Some(two) = Two::new() else { return };
    let version: i64 = Sql::connect(&two.url).number("SELECT current_setting('server_version_num')::bigint");
    if version < 140_000 {
        return println!("skipped: PostgreSQL 13 keeps the connections of processes that stand still");
    }
    // As if the first stood still from here on.
    let mut was_free = false;
    eventually("the second to have it", || {
        let (first, second) = (two.first.is_held(), block_on(two.second.hold()));
        assert!(!(second && two.first.is_held()), "two at once");
        was_free |= !first && !second;
        second.then_some(())
    });
    assert!(was_free, "the first has given it up long before the database has");
}

#[cfg(feature = "s3")]
mod servers {
    use rustix::process::Signal;
    use serde_json::Value;

    use super::*;
    use crate::access::ask_as;
    use crate::harness::Server;
    use crate::images::small_png;
    use crate::nodes::Place;

    fn is_on_duty(server: &Server) -> bool {
        server.node("janitor")["details"]["on_duty"] == true
    }

    /// The janitors by what a server lists.
    fn listed(server: &Server) -> Vec<Value> {
        let nodes = server.get_json("/v1/nodes")["nodes"].as_array().cloned().unwrap_or_default();
        nodes.into_iter().filter(|node| node["janitor"] == true).collect()
    }

    /// Hands in an image that is kept for a second after its end.
    fn short_lived(server: &Server) -> String {
        let accepted = ask_as(server, None, "POST", "/v1/tasks?expires_in=1s", "image/png", &small_png());
        assert_eq!(accepted.status, 202, "{}", accepted.text());
        accepted.json()["id"].as_str().expect("an id").to_owned()
    }

    fn is_gone(server: &Server, task: &str) -> Option<()> {
        (server.get(&format!("/v1/tasks/{task}")).status == 404).then_some(())
    }

    #[test]
    fn when_the_janitors_server_is_killed_another_one_cleans_up() {
        let Some(place) = Place::new() else { return };
        let start = || place.options(1).set("janitor.interval", "100ms").set("nodes.heartbeat", "100ms").start();
        let servers = [start(), start()];
        let on_duty = eventually("one janitor", || match servers.each_ref().map(is_on_duty) {
            [true, false] => Ok(0),
            [false, true] => Ok(1),
            both => Err(format!("{both:?}")),
        });
        let by_name = eventually("both to be listed", || {
            let nodes = servers[0].get_json("/v1/nodes")["nodes"].as_array().cloned().unwrap_or_default();
            (nodes.len() == 2).then_some(listed(&servers[0]))
        });
        assert_eq!(by_name.len(), 1, "{by_name:?}");
        assert_eq!(by_name[0]["address"], servers[on_duty].address());
        let first = short_lived(&servers[1 - on_duty]);
        eventually("the end of a task", || is_gone(&servers[0], &first));
        assert_eq!(servers[1 - on_duty].node("janitor")["details"]["rounds"], 0, "the other janitor has left it alone");

        let mut servers = Vec::from(servers);
        let (mut victim, heir) = (servers.remove(on_duty), servers.remove(0));
        let second = short_lived(&heir);
        victim.signal(Signal::KILL);
        assert_eq!(victim.exit_code(), None);
        eventually("the end of another task", || is_gone(&heir, &second));
        assert!(is_on_duty(&heir));
        assert_eq!(listed(&heir).iter().map(|node| node["address"].clone()).collect::<Vec<_>>(), [heir.address()]);
        let late = victim.restart();
        eventually("a round of the heir", || (heir.node("janitor")["details"]["expired"].as_u64() >= Some(1)).then_some(()));
        assert!(is_on_duty(&heir) && !is_on_duty(&late), "who comes back does not take it away");
    }
}
