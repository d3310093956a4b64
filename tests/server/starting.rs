//! A server that starts while what it needs is not there yet.

use std::process::Command;
use std::thread;

use tempfile::TempDir;

use crate::cluster::{Cluster, Sql};
use crate::harness::{Options, Server, eventually};
use crate::images::small_png;

/// What a server logs that waits.
pub(crate) const WAITS: &str = "not there yet";

/// Starts a server that has to wait, brings what it waits for, and returns it.
fn start_before(options: Options, bring: impl FnOnce()) -> (Server, TempDir) {
    let directory = TempDir::new().expect("a temporary directory");
    let log = directory.path().join("log");
    let server = thread::scope(|scope| {
        let starting = scope.spawn(|| options.start_in(directory.path()));
        eventually("the server to say that it waits", || std::fs::read_to_string(&log).unwrap_or_default().contains(WAITS).then_some(()));
        bring();
        starting.join().expect("it starts")
    });
    (server, directory)
}

/// Starts a server that gives up; what it says, and how it ends.
pub(crate) fn give_up(environment: &[(&str, &str)]) -> (String, Option<i32>) {
    let directory = TempDir::new().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path().join("data"));
    let output = command.envs(environment.iter().copied()).output().expect("the server's binary starts");
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

#[test]
fn a_database_that_starts_later_is_waited_for() {
    let cluster = match Cluster::start("-c fsync=off") {
        Ok(cluster) => cluster,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let url = cluster.database();
    cluster.stop();
    let (server, _directory) = start_before(Options::new().set("data.tasks", url), || cluster.run().expect("it runs again"));
    assert_eq!(server.process(&small_png(), "invert").status, 200);
}

#[test]
fn nobody_waits_for_ever() {
    let away = "postgres://u:sesame@127.0.0.1:9/safelight";
    let (said, code) = give_up(&[("SAFELIGHT__DATA__TASKS", away), ("SAFELIGHT__DATA__START_DEADLINE", "300ms")]);
    assert!(said.contains(WAITS) && said.contains("check that it runs") && !said.contains("sesame"), "{said}");
    assert_eq!(code, Some(1));
}

#[test]
fn what_waiting_does_not_mend_is_told_at_once() {
    let url = match Cluster::shared() {
        Ok(cluster) => cluster.database(),
        Err(reason) => return println!("skipped: {reason}"),
    };
    for (wrong, why) in [(format!("{url}_not_there"), "does not exist"), (url.replace("safelight@", "stranger@"), "stranger")] {
        let (said, code) = give_up(&[("SAFELIGHT__DATA__TASKS", &wrong)]);
        assert_eq!((said.contains(why), said.contains(WAITS), code), (true, false, Some(1)), "{said}");
    }
    drop(Options::new().set("data.tasks", &url).start());
    Sql::connect(&url).run("INSERT INTO safelight.schema_versions VALUES (99)");
    let (said, _) = give_up(&[("SAFELIGHT__DATA__TASKS", &url)]);
    assert!(said.contains("start the newer program") && !said.contains(WAITS), "{said}");
}

#[cfg(feature = "s3")]
mod stores_of_images {
    use super::*;
    use crate::proxy::{Manner, Proxy};
    use crate::seaweedfs::{ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed};

    #[test]
    fn a_store_that_starts_later_is_waited_for_and_one_that_refuses_is_not() {
        let store = match Seaweed::shared() {
            Ok(store) => store,
            Err(why) => return println!("skipped: {why}"),
        };
        let proxy = Proxy::before(store.port());
        let place = format!("s3://{BUCKET}/{}", store.options(&proxy.endpoint()).prefix);
        let options = Options::new().set("data.blobs", &place).set("s3.endpoint", proxy.endpoint()).set("s3.timeout", "2s");
        proxy.be(Manner::Absent);
        let options = options.set("s3.access_key", ACCESS_KEY).set("s3.secret_key", SECRET_KEY);
        let (server, _directory) = start_before(options, || proxy.be(Manner::Honest));
        assert_eq!(server.process(&small_png(), "invert").status, 200);

        let endpoint = proxy.endpoint();
        let (said, code) = give_up(&[
            ("SAFELIGHT__DATA__BLOBS", &place),
            ("SAFELIGHT__S3__ENDPOINT", &endpoint),
            ("SAFELIGHT__S3__ACCESS_KEY", ACCESS_KEY),
            ("SAFELIGHT__S3__SECRET_KEY", "wrong"),
        ]);
        assert_eq!((said.contains("does not let this server in"), said.contains(WAITS), code), (true, false, Some(1)), "{said}");
    }
}
