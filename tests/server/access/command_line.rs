//! Keys from the command line, while a server runs and while none does; and a server that would serve everybody.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::ask_as;
use crate::fleet;
use crate::harness::{Options, Server};

fn safelight(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(arguments).current_dir(directory).env_clear().envs(fleet::environment(directory));
    command.stdin(Stdio::null()).output().expect("the program starts")
}

/// What the program prints when it succeeds, without the end of the line.
fn printed(directory: &Path, arguments: &[&str]) -> String {
    let output = safelight(directory, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

fn status(server: &Server, key: &str) -> u16 {
    ask_as(server, Some(key), "GET", "/v1/tasks", "", b"").status
}

/// The id in a key.
fn id(key: &str) -> &str {
    key.split('_').nth(1).expect("three parts")
}

#[test]
fn keys_made_while_no_server_runs_are_good_when_one_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = printed(directory.path(), &["keys", "create", "--name", "ci", "--quota", "requests_per_minute=60", "--expires", "90d"]);
    let gone = printed(directory.path(), &["keys", "create", "--name", "gone"]);
    printed(directory.path(), &["keys", "revoke", id(&gone)]);
    let list = printed(directory.path(), &["keys", "list"]);
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.contains(id(&key)) && list.contains("submit,read") && list.contains("revoked") && !list.contains(&key), "{list}");
    let rotated = printed(directory.path(), &["keys", "rotate", id(&key), "--overlap", "0s"]);
    let server = Options::new().start_in(directory.path());
    assert_eq!([&key, &gone, &rotated].map(|key| status(&server, key)), [401, 401, 200]);
}

#[test]
fn keys_made_while_a_server_runs_go_through_it() {
    let server = Server::new();
    let data = server.data();
    let directory = data.parent().expect("the test's directory");
    let key = printed(directory, &["keys", "create", "--name", "ci", "--scopes", "read"]);
    assert_eq!((server.get("/v1/tasks").status, status(&server, &key)), (401, 200), "at once");
    let rotated = printed(directory, &["keys", "rotate", id(&key), "--overlap", "1h"]);
    assert_eq!([&key, &rotated].map(|key| status(&server, key)), [200, 200]);
    printed(directory, &["keys", "revoke", id(&key)]);
    assert_eq!([&key, &rotated].map(|key| status(&server, key)), [401, 401]);
    assert!(printed(directory, &["keys", "list"]).contains("revoked"));
    let unknown = safelight(directory, &["keys", "revoke", "0011223344556677"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no API key of that id"), "{unknown:?}");
    let server = server.kill_and_restart();
    assert_eq!(status(&server, &rotated), 401, "it was kept");
}

#[test]
fn without_a_key_a_server_refuses_to_serve_other_machines() {
    let directory = tempfile::tempdir().expect("a directory");
    let refused = safelight(directory.path(), &["serve", "--listen", "0.0.0.0:0"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(refused.stdout.is_empty() && said.contains("there is no API key") && said.contains("--insecure"), "{said}");
    let everywhere = || Options::new().set("server.listen", "0.0.0.0:0");
    let server = everywhere().set("server.insecure", true).start_in(directory.path());
    assert_eq!(server.get("/v1/tasks").status, 200, "it was told so");
    drop(server);
    let key = printed(directory.path(), &["keys", "create", "--name", "ci", "--scopes", "read"]);
    let server = everywhere().start_in(directory.path());
    assert_eq!((server.get("/v1/tasks").status, status(&server, &key)), (401, 200));
    drop(server);
    printed(directory.path(), &["keys", "revoke", id(&key)]);
    let server = everywhere().start_in(directory.path());
    assert_eq!((server.get("/v1/tasks").status, server.get("/livez").status), (401, 200), "without a good key it serves nobody");
}
