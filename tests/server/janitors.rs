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

/// Whether the database notices that somebody says nothing any more.
fn gives_up_on_silence(url: &str) -> bool {
    let version = Sql::connect(url).number("SELECT current_setting('server_version_num')::bigint");
    if version < 140_000 {
        println!("skipped: PostgreSQL 13 keeps the connections of processes that stand still");
    }
    version >= 140_000
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
    if !gives_up_on_silence(&two.url) {
        return;
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

    /// Two servers, the first of which is the janitor's.
    fn two(place: &Place) -> [Server; 2] {
        let start = || place.options(1).set("janitor.interval", "100ms").set("nodes.heartbeat", "100ms").start();
        let [one, other] = [start(), start()];
        let first = eventually("one janitor", || match [&one, &other].map(is_on_duty) {
            [true, false] => Ok(true),
            [false, true] => Ok(false),
            both => Err(format!("{both:?}")),
        });
        if first { [one, other] } else { [other, one] }
    }

    #[test]
    fn when_the_janitors_server_is_killed_another_one_cleans_up() {
        let Some(place) = Place::new() else { return };
        let [mut victim, heir] = two(&place);
        let by_name = eventually("both to be listed", || {
            let nodes = heir.get_json("/v1/nodes")["nodes"].as_array().cloned().unwrap_or_default();
            (nodes.len() == 2).then_some(listed(&heir))
        });
        assert_eq!(by_name.iter().map(|node| node["address"].clone()).collect::<Vec<_>>(), [victim.address()]);
        let first = short_lived(&heir);
        eventually("the end of a task", || is_gone(&heir, &first));
        assert_eq!(heir.node("janitor")["details"]["rounds"], 0, "the other janitor has left it alone");

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

    #[test]
    fn a_janitor_that_stood_still_in_the_middle_of_a_round_does_not_go_on_with_it() {
        let Some(place) = Place::new() else { return };
        if !gives_up_on_silence(&place.tasks) {
            return;
        }
        let [victim, heir] = two(&place);
        // The thread of all actors stands still from there on.
        victim.arm("janitor.delete_blob", "1*pause");
        let tasks = [short_lived(&heir), short_lived(&heir)];
        eventually("another janitor", || is_on_duty(&heir).then_some(()));
        tasks.iter().for_each(|task| eventually("the end of a task", || is_gone(&heir, task)));
        victim.arm("janitor.delete_blob", "off");
        eventually("the end of its round", || victim.log().contains("is another server's, or not confirmed").then_some(()));
        eventually("it to have noticed", || (!is_on_duty(&victim)).then_some(()));
        assert!(is_on_duty(&heir));
    }
}
