//! What no file may contain, or only the files named here.

use crate::assert_none;
use crate::source::{Source, sources};

/// A row of tokens that is banned.
struct Ban {
    /// The tokens, as the lexer tells them apart.
    tokens: &'static [&'static str],
    /// Whether a path is under the ban.
    applies: fn(&str) -> bool,
    /// Whether test-only code is, too.
    in_tests: bool,
}

impl Ban {
    const fn new(tokens: &'static [&'static str], applies: fn(&str) -> bool) -> Self {
        Self { tokens, applies, in_tests: false }
    }
}

const RESPONSE_FUTURE: [Ban; 1] = [Ban::new(&["ResponseFuture"], |path| path.starts_with("src/actors/"))];

const ACTIX_DEV: [Ban; 2] = [
    Ban { tokens: &["actix", ":", ":", "dev"], applies: |path| !is_supervision(path), in_tests: true },
    Ban { tokens: &["actix", ":", ":", "{", "dev"], applies: |path| !is_supervision(path), in_tests: true },
];

const STARTS: [Ban; 6] = [
    Ban::new(&[".", "start", "(", ")"], outside_of_wiring),
    Ban::new(&[".", "start_default", "("], outside_of_wiring),
    Ban::new(&["start_in_arbiter"], outside_of_wiring),
    Ban::new(&["Supervisor", ":", ":", "start"], outside_of_wiring),
    Ban::new(&["SyncArbiter", ":", ":", "start"], outside_of_wiring),
    Ban::new(&["Arbiter", ":", ":", "new"], outside_of_wiring),
];

const UNWRAP: [Ban; 2] = [Ban::new(&[".", "unwrap", "(", ")"], |_| true), Ban::new(&[".", "unwrap_err", "(", ")"], |_| true)];

const SLEEPS: [Ban; 3] = [
    Ban { tokens: &["thread", ":", ":", "sleep"], applies: |path| path != POLLS_HTTP, in_tests: true },
    Ban { tokens: &["time", ":", ":", "sleep"], applies: by_the_real_clock, in_tests: true },
    Ban { tokens: &["time", ":", ":", "sleep_until"], applies: by_the_real_clock, in_tests: true },
];

/// The one place that may pause between two questions: HTTP has no signal for what becomes ready later.
const POLLS_HTTP: &str = "tests/server/waiting.rs";

/// The tests of supervision run by a clock that stands still and jumps to the next timer: a sleep there is an event, not a wait.
fn by_the_real_clock(path: &str) -> bool {
    !path.starts_with("tests/supervision/")
}

fn is_supervision(path: &str) -> bool {
    path.starts_with("src/actors/supervision/")
}

fn outside_of_wiring(path: &str) -> bool {
    path != "src/app.rs" && !path.starts_with("src/app/") && !is_supervision(path)
}

/// Where a file breaks one of the bans.
fn broken(source: &Source, bans: &[Ban]) -> Vec<String> {
    let bans = bans.iter().filter(|ban| (ban.applies)(&source.path));
    let places = bans.flat_map(|ban| source.find(ban.tokens).filter(|found| ban.in_tests || !found.token.scope.test));
    places.map(|found| found.to_string()).collect()
}

fn in_sources(bans: &[Ban]) -> Vec<String> {
    sources("src").iter().flat_map(|source| broken(source, bans)).collect()
}

/// The same for test code: everything in `tests/`, and what is test-only in `src/`.
fn in_test_code(bans: &[Ban]) -> Vec<String> {
    let of_tests = sources("tests");
    let mut findings: Vec<String> = of_tests.iter().flat_map(|source| broken(source, bans)).collect();
    for source in &sources("src") {
        let found = bans.iter().flat_map(|ban| source.find(ban.tokens)).filter(|found| found.token.scope.test);
        findings.extend(found.map(|found| found.to_string()));
    }
    findings
}

#[test]
fn actors_answer_with_actor_futures_only() {
    let advice = "A ResponseFuture runs as a task of its own: its panic is caught by nobody. Use ResponseActFuture:";
    assert_none(&in_sources(&RESPONSE_FUTURE), advice);
}

#[test]
fn actix_dev_stays_in_supervision() {
    assert_none(&in_sources(&ACTIX_DEV), "actix::dev changes between patch releases. Offer what is needed from src/actors/supervision:");
}

#[test]
fn only_the_application_and_supervision_start_actors() {
    assert_none(&in_sources(&STARTS), "An actor that nobody supervises is not restarted. Describe it as a child in src/app.rs:");
}

#[test]
fn nothing_unwraps_outside_of_tests() {
    assert_none(&in_sources(&UNWRAP), "Return an error, or use expect with the proof that it cannot happen:");
}

#[test]
fn tests_wait_for_signals_not_for_time() {
    let advice = "A sleep is too short on a slow machine and too long on a fast one. Wait for a message, a channel, a line or a state:";
    assert_none(&in_test_code(&SLEEPS), advice);
}

#[test]
fn each_ban_finds_a_bad_sample() {
    let samples: [(&[Ban], &str, &str); 10] = [
        (&RESPONSE_FUTURE, "src/actors/master/mod.rs", "type Result = ResponseFuture<u32>;"),
        (&ACTIX_DEV, "src/actors/master/mod.rs", "use actix::dev::ContextFut;"),
        (&ACTIX_DEV, "src/http/mod.rs", "use actix::{dev::Envelope, Addr};"),
        (&STARTS, "src/actors/master/mod.rs", "fn f() { Master::new().start(); }"),
        (&STARTS, "src/http/mod.rs", "fn f() { let arbiter = actix::Arbiter::new(); }"),
        (&STARTS, "src/stores/mod.rs", "fn f() { Supervisor::start(|_| Master::new()); }"),
        (&UNWRAP, "src/stores/mod.rs", "fn f() { g().unwrap(); }"),
        (&SLEEPS, "tests/it/main.rs", "fn f() { std::thread::sleep(second); }"),
        (&SLEEPS, "tests/supervision/pool.rs", "fn f() { thread::sleep(second); }"),
        (&SLEEPS, "tests/it/main.rs", "async fn f() { tokio::time::sleep(second).await; }"),
    ];
    for (bans, path, text) in samples {
        assert_eq!(broken(&Source::new(path, text), bans).len(), 1, "{path}: {text}");
    }
}

#[test]
fn what_is_not_banned_is_let_through() {
    let samples: [(&[Ban], &str, &str); 6] = [
        (&RESPONSE_FUTURE, "src/actors/master/mod.rs", "type Result = ResponseActFuture<Self, u32>; // no ResponseFuture"),
        (&ACTIX_DEV, "src/actors/supervision/guard.rs", "use actix::dev::ContextFut;"),
        (&STARTS, "src/app.rs", "fn f() { Master::new().start(); }"),
        (&UNWRAP, "src/stores/mod.rs", "fn f() { g().unwrap_or(0); } #[cfg(test)] mod tests { fn f() { g().unwrap(); } }"),
        (&SLEEPS, "tests/supervision/pool.rs", "async fn f() { tokio::time::sleep(second).await; }"),
        (&SLEEPS, "tests/it/main.rs", "async fn f() { tokio::time::timeout(second, g()).await; }"),
    ];
    for (bans, path, text) in samples {
        assert_eq!(broken(&Source::new(path, text), bans), Vec::<String>::new(), "{path}: {text}");
    }
}
