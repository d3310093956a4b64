//! What an operator meets on the command line while a server runs.

use std::process::{Command, Output};

use crate::harness::Server;

fn safelight(server: &Server, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    let directory = server.data();
    command.args(arguments).current_dir(directory.parent().expect("the test's directory")).envs(environment.iter().copied());
    command.output().expect("the program starts")
}

#[test]
fn a_second_server_on_the_same_directory_refuses_to_start() {
    let server = Server::new();
    let data = server.data();
    let second = safelight(&server, &["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().expect("UTF-8")], &[]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("is in use by process {}: stop that server", server.pid())), "{said}");
    assert!(second.stdout.is_empty(), "it never listened");
    assert_eq!(server.get("/readyz").status, 200, "the first one is not disturbed");
}

#[test]
fn health_tells_by_its_exit_code() {
    let server = Server::new();
    let url = format!("http://{}", server.address());
    let ready = safelight(&server, &["health", "--url", &url], &[]);
    assert_eq!(ready.status.code(), Some(0), "{}", String::from_utf8_lossy(&ready.stderr));
    let configured = safelight(&server, &["health"], &[("SAFELIGHT__SERVER__LISTEN", server.address())]);
    assert_eq!(configured.status.code(), Some(0), "{}", String::from_utf8_lossy(&configured.stderr));
    let elsewhere = safelight(&server, &["health", "--url", &format!("{url}/v1/nowhere")], &[]);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("404"), "{}", String::from_utf8_lossy(&elsewhere.stderr));
}

#[test]
fn every_fault_of_a_configuration_is_told_at_once() {
    let server = Server::new();
    let file = server.data().with_file_name("faulty.toml");
    std::fs::write(&file, "[workers]\ncuont = 4\n\n[limits]\nmax_pixels = \"many\"\n").expect("a file");
    let environment = [("SAFELIGHT__TASKS__LEASE", "soon"), ("SAFELIGHT__TASKS__DEADLIN", "1s")];
    let check = safelight(&server, &["config", "check", "--config", file.to_str().expect("UTF-8")], &environment);
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    assert_eq!(check.status.code(), Some(2), "{said}");
    for fault in ["faulty.toml:2: ", "workers.count", "faulty.toml:5: ", "SAFELIGHT__TASKS__LEASE: ", "SAFELIGHT__TASKS__DEADLINE"] {
        assert!(said.contains(fault), "{fault} in:\n{said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}
