//! Servers that do one half of the work: one has clients and no workers, another has workers and no clients.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::access::ask_as;
use crate::access::routes::{Needs, ROUTES};
use crate::cluster::Sql;
use crate::harness::{Options, Server, eventually};
use crate::images::small_png;
use crate::jobs::{self, Held, Job};
use crate::nodes::Place;
use crate::webhooks::endpoint::{Endpoint, register};

/// Server options with a role.
fn with_role(options: Options, role: &str) -> Server {
    options.set("server.role", role).start()
}

/// The name that the server has among those that share a database.
fn name(server: &Server) -> String {
    std::fs::read_to_string(server.data().join("node")).expect("it has a name").trim().to_owned()
}

#[test]
fn clients_are_served_by_one_server_and_their_images_worked_on_by_another() {
    let Some(place) = Place::new() else { return };
    let front = with_role(place.options(2), "serve");
    let lonely = Job::upload(&front, 0);
    let back = with_role(place.options(2), "work");
    for job in [lonely, Job::upload(&front, 1)] {
        job.check(&front);
    }
    assert_eq!(front.get("/readyz").status, 200);
    let has_a_pool = |server: &Server| server.get("/v1/tree").text().contains("\"id\":\"workers\"");
    assert_eq!((has_a_pool(&front), has_a_pool(&back)), (false, true), "whatever workers.count says");
    assert_eq!(front.put("/v1/settings/workers.count", "3").status, 200);
    eventually("a third worker where there are any", || (back.workers().len() == 3).then_some(()));
    assert!(!has_a_pool(&front));
}

#[test]
fn a_server_without_clients_answers_operators_and_probes_and_sends_all_others_away() {
    let Some(place) = Place::new() else { return };
    let (front, back) = (with_role(place.options(1), "serve"), with_role(place.options(1), "work"));
    let task = Job::upload(&front, 0);
    task.check(&front);
    for &(method, path, needs, example) in ROUTES {
        let answer = ask_as(&back, None, method, &example.replace("TASK", &task.id), "image/png", b"x");
        let is_operators = matches!(needs, Needs::Nothing | Needs::Admin);
        assert_eq!(answer.status == 421, !is_operators, "{method} {path}: {}", answer.text());
        assert!(is_operators || answer.text().contains("misdirected"), "{method} {path}: {}", answer.text());
    }
    let told = back.get_json(&format!("/v1/tasks/{}", task.id));
    assert_eq!((&told["code"], &told["retryable"]), (&json!("misdirected"), &json!(false)), "{told}");
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("\"serve\" or \"all\"")), "{told}");
    task.check(&front);
}

#[test]
fn each_half_is_ready_for_what_it_is_for() {
    let Some(place) = Place::new() else { return };
    let options = || place.options(1).set("tasks.queue_limit", 1);
    let (front, back) = (with_role(options(), "serve"), with_role(options(), "work"));
    let job = Job::upload_held(&front, 0);
    jobs::wait_for_held(&back, 1);
    eventually("a full queue", || (front.get_json("/readyz")["code"] == "queue_full").then_some(()));
    eventually("the other to have counted, too", || (back.node("master")["details"]["unfinished_tasks"] == 1).then_some(()));
    assert_eq!(back.get("/readyz").status, 200, "a full queue is no reason not to work on it");
    eventually("the end of the job", || {
        jobs::held(&back).iter().for_each(Held::go_on);
        (front.is_ready(&job.id) == "finished").then_some(())
    });
}

#[test]
fn a_server_without_workers_estimates_by_what_others_have_measured() {
    let Some(place) = Place::new() else { return };
    // Who works tells of its first measure at once, not with its next heartbeat.
    let node = |role, heartbeat| with_role(place.options(2).set("nodes.heartbeat", heartbeat), role);
    let (front, mut back) = (node("serve", "100ms"), node("work", "5m"));
    let submit = || {
        let accepted = front.post("/v1/tasks", "image/png", &small_png());
        assert_eq!(accepted.status, 202, "{}", accepted.text());
        accepted.json()
    };
    let first = submit();
    assert_eq!(first["estimated_ready_at"], Value::Null, "nobody has measured anything yet: {first}");
    assert_eq!(front.wait(first["id"].as_str().expect("an id")), "finished");
    let estimated = |task: &Value| task["estimated_ready_at"].is_string();
    let known = eventually("an estimate", || Some(submit()).filter(estimated));
    let moment = |key: &str| known[key].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).expect("a moment");
    assert!(moment("estimated_ready_at") >= moment("created_at"), "{known}");
    back.signal(Signal::TERM);
    assert_eq!(back.exit_code(), Some(0));
    eventually("no estimate where nobody works", || Some(submit()).filter(|task| !estimated(task)));
}

#[test]
fn endpoints_are_told_by_servers_that_have_clients() {
    let Some(place) = Place::new() else { return };
    let options = || place.options(2).set("webhooks.allow_private", true).set("webhooks.allow_http", true);
    let (front, back) = (with_role(options(), "serve"), with_role(options(), "work"));
    let endpoint = Endpoint::new(&[200]);
    let (webhook, _) = register(&front, None, &endpoint.url());
    for number in 0..4 {
        let accepted = ask_as(&front, None, "POST", &format!("/v1/tasks?webhook={webhook}"), "image/png", &small_png());
        assert_eq!(accepted.status, 202, "{number}: {}", accepted.text());
        assert_eq!(endpoint.next().json()["type"], "task.finished");
    }
    let told_by = Sql::connect(&place.tasks).text("SELECT string_agg(DISTINCT taken_by, ' ') FROM safelight.deliveries");
    assert_eq!(told_by, name(&front), "although {} knew of each end first", name(&back));
    assert_eq!(back.node("webhooks")["details"]["taken"], Value::from(0));
}
