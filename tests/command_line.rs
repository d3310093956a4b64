//! The program as its user starts it: what it prints where, and its exit codes.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in `directory`, with nothing in its environment.
fn safelight(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(arguments).current_dir(directory).env_clear().output().expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the program prints UTF-8")
}

#[test]
fn the_printed_default_configuration_is_found_and_valid() {
    let directory = tempfile::tempdir().unwrap();
    let default = safelight(directory.path(), &["config", "default"]);
    assert_eq!(default.status.code(), Some(0));
    std::fs::write(directory.path().join("config.toml"), &default.stdout).unwrap();

    let check = safelight(directory.path(), &["config", "check"]);
    assert_eq!((check.status.code(), text(&check.stdout)), (Some(0), "the configuration is valid: ./config.toml\n"));
}

#[test]
fn without_a_configuration_the_defaults_are_valid() {
    let directory = tempfile::tempdir().unwrap();
    let check = safelight(directory.path(), &["config", "check"]);
    assert_eq!((check.status.code(), text(&check.stdout)), (Some(0), "the configuration is valid: defaults (there is no ./config.toml)\n"));
}

#[test]
fn a_faulty_configuration_is_refused_by_check_and_by_serve_with_every_fault() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config.toml"), "[workers]\ncuont = 4\nnice = 20\n").unwrap();
    let check = safelight(directory.path(), &["config", "check"]);
    assert_eq!((check.status.code(), text(&check.stderr).lines().count()), (Some(2), 2));
    assert!(text(&check.stderr).starts_with("./config.toml:2: "), "{}", text(&check.stderr));

    let serve = safelight(directory.path(), &["serve", "--workers", "300", "--listen", "nowhere"]);
    assert_eq!((serve.status.code(), text(&serve.stderr).lines().count()), (Some(2), 4));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing was made");
}

#[test]
fn a_named_configuration_that_is_not_there_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let serve = safelight(directory.path(), &["serve", "--config", "other.toml"]);
    assert_eq!(serve.status.code(), Some(2));
    assert!(text(&serve.stderr).starts_with("other.toml: the configuration cannot be read"), "{}", text(&serve.stderr));
}

#[test]
fn explain_tells_the_plan_or_points_at_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let told = safelight(directory.path(), &["explain", "invert/resize:100x", "--size", "800x600", "--format", "png"]);
    assert_eq!((told.status.code(), text(&told.stderr)), (Some(0), ""));
    let plan: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&plan["image"]["width"], &plan["plan"]["encode"]["height"]), (&800.into(), &75.into()));

    image::GrayImage::new(90, 60).save(directory.path().join("small.png")).unwrap();
    let told = safelight(directory.path(), &["explain", "resize:50%", "--image", "small.png"]);
    let plan: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&plan["plan"]["decode"]["width"], &plan["plan"]["encode"]["width"]), (&90.into(), &45.into()));

    let wrong = safelight(directory.path(), &["explain", "rezise:4x4/rotate:900"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        text(&wrong.stderr).contains("^^^^^^ unknown operation") && text(&wrong.stderr).contains("^^^ degrees: expected"),
        "{}",
        text(&wrong.stderr)
    );
    let missing = safelight(directory.path(), &["explain", "invert", "--image", "none.png"]);
    assert_eq!((missing.status.code(), missing.stdout.is_empty()), (Some(2), true));
}

#[test]
fn health_says_no_when_nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let directory = tempfile::tempdir().unwrap();
    let health = safelight(directory.path(), &["health", "--url", &url]);
    assert_eq!(health.status.code(), Some(1));
    assert!(text(&health.stderr).contains("is not ready"), "{}", text(&health.stderr));
}
