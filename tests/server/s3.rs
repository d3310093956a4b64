//! A server whose images lie in an S3 store: the whole path, the store away and back, and what an operator is told.

use std::process::Command;

use crate::cluster::Cluster;
use crate::harness::{Answer, Options, eventually, files};
use crate::images::small_png;
use crate::jobs::{self, Held, Job};
use crate::proxy::{Manner, Proxy};
use crate::seaweedfs::{ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed};

/// Settings for a place of a test's own, reached through a proxy; nothing where there is no store.
fn store() -> Option<(Options, Proxy)> {
    let server = Seaweed::shared().inspect_err(|why| println!("skipped: {why}")).ok()?;
    let proxy = Proxy::before(server.port());
    let place = server.options(&proxy.endpoint());
    Some((reached(&proxy.endpoint(), &place.prefix), proxy))
}

/// Settings for a place in the store.
fn reached(endpoint: &str, prefix: &str) -> Options {
    let options = Options::new().set("data.blobs", format!("s3://{BUCKET}/{prefix}")).set("s3.endpoint", endpoint);
    options.set("s3.access_key", ACCESS_KEY).set("s3.secret_key", SECRET_KEY).set("s3.timeout", "2s")
}

fn assert_away(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("store of images"), "the dependency is named: {}", answer.text());
    assert!(!answer.header("retry-after").is_empty());
}

#[test]
fn the_whole_path_goes_through_the_store() {
    let Some((options, _proxy)) = store() else { return };
    let server = options.start();
    server.put_bytes("/v1/assets/logo", &small_png());
    let jobs: Vec<Job> = (0..4).map(|number| Job::upload(&server, number)).collect();
    let marked = server.upload(&small_png(), "watermark:logo");
    jobs.iter().for_each(|job| job.check(&server));
    assert_eq!(server.wait(&marked), "finished");
    let range = server.get_with(&format!("/v1/tasks/{}/original", jobs[0].id), "range", "bytes=1-3");
    assert_eq!((range.status, range.body.as_slice()), (206, b"PNG".as_slice()));
    assert!(!server.data().join("blobs").exists(), "nothing lies in the data directory");
    assert_eq!(files(&server.data().join("spool")), Vec::<std::path::PathBuf>::new());

    let server = server.kill_and_restart();
    jobs.iter().for_each(|job| job.check(&server));
    assert_eq!(server.get("/v1/assets/logo").body, small_png());
    assert_eq!(server.delete(&format!("/v1/tasks/{}", jobs[0].id)).status, 204);
    assert_eq!(server.image(&jobs[0].id).status, 404);
    jobs[1..].iter().for_each(|job| job.check(&server));
}

#[test]
fn a_store_that_is_away_costs_no_task_and_is_back_by_itself() {
    let Some((options, proxy)) = store() else { return };
    let server = options.set("workers.count", 2).start();
    let jobs: Vec<Job> = (0..4).map(|number| Job::upload_held(&server, number)).collect();
    let held = jobs::wait_for_held(&server, 2);
    for manner in [Manner::Absent, Manner::Refusing] {
        proxy.be(manner);
        let refusal = eventually("the refusal", || Some(server.get("/readyz")).filter(|answer| answer.status == 503));
        assert_away(&refusal);
        assert_away(&server.get_with("/readyz", "accept", "application/json"));
        let upload = server.post_for_json("/newImage", &small_png());
        assert_away(&upload);
        assert_eq!(upload.json()["code"], "unavailable");
        assert_eq!(server.get(&format!("/image/isReady?id={}", jobs[3].id)).status, 200, "what can be answered is");
        assert_eq!(server.get("/livez").status, 200);
        // The work in hand ends, and its results cannot be kept now.
        held.iter().for_each(Held::go_on);
        proxy.be(Manner::Honest);
        eventually("the return", || (server.get("/readyz").status == 200).then_some(()));
    }
    jobs::finish_all(&server, &jobs);
    Job::upload(&server, 9).check(&server);
    for job in &jobs {
        let task = server.task(&job.id);
        assert_eq!(task["attempts_used"], 1, "what the store was away for costs no attempt: {task}");
    }
}

#[test]
fn no_work_is_begun_while_the_store_is_away() {
    let Some((options, proxy)) = store() else { return };
    // Without attempts to waste; a few are given back until it is noticed that the store is away.
    let server = options.set("workers.count", 1).set("tasks.max_attempts", 1).set("tasks.max_refunds", 5).start();
    let jobs: Vec<Job> = (0..2).map(|number| Job::upload_held(&server, number)).collect();
    let held = jobs::wait_for_held(&server, 1);
    proxy.be(Manner::Refusing);
    held[0].go_on();
    // Long enough to fail one after the other as often as it may.
    eventually("a long time", || (server.node("storage")["details"]["unanswered"].as_u64() >= Some(8)).then_some(()));
    proxy.be(Manner::Honest);
    jobs::finish_all(&server, &jobs);
}

#[test]
fn results_that_could_not_be_kept_are_made_again() {
    let Some((options, proxy)) = store() else { return };
    let server = options.set("workers.count", 1).start();
    let job = Job::upload_held(&server, 1);
    let held = jobs::wait_for_held(&server, 1);
    proxy.be(Manner::Absent);
    held[0].go_on();
    let given_back = eventually("the end of the attempt", || {
        let attempts = job.attempts(&server);
        attempts.first().filter(|attempt| attempt.0 == "released").cloned()
    });
    assert_eq!(given_back, jobs::released("unavailable", true));
    let task = server.task(&job.id).to_string();
    assert!(!task.contains("127.0.0.1") && !task.contains(BUCKET), "no address is told: {task}");
    proxy.be(Manner::Honest);
    jobs::finish_all(&server, std::slice::from_ref(&job));
}

#[test]
fn servers_share_a_database_and_a_store() {
    let (store, cluster) = match (Seaweed::shared(), Cluster::shared()) {
        (Ok(store), Ok(cluster)) => (store, cluster),
        (Err(why), _) | (_, Err(why)) => return println!("skipped: {why}"),
    };
    let (url, endpoint) = (cluster.database(), store.endpoint());
    let place = store.options(&endpoint).prefix;
    let servers = [(); 2].map(|()| reached(&endpoint, &place).set("data.tasks", &url).start());
    let jobs: Vec<(usize, Job)> = (0..12).map(|number| (number, Job::upload(&servers[number % 2], number as u32))).collect();
    // Whoever did the work, the other one has the result.
    jobs.iter().for_each(|(number, job)| job.check(&servers[(number + 1) % 2]));
    assert_eq!(servers[1].delete(&format!("/v1/tasks/{}", jobs[0].1.id)).status, 204);
    assert_eq!(servers[0].image(&jobs[0].1.id).status, 404);
}

#[test]
fn an_operator_is_told_what_is_wrong_and_nobody_a_secret() {
    let Some((options, proxy)) = store() else { return };
    let server = options.start();
    let settings = server.get("/v1/settings").text();
    assert!(settings.contains("(hidden)") && !settings.contains(SECRET_KEY), "{settings}");
    assert!(server.log().contains("conditional_put"), "what the store can do is in the log");

    let safelight = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
        let directory = server.data().with_file_name("elsewhere");
        std::fs::create_dir_all(&directory).expect("a directory");
        let output = command.args(arguments).current_dir(directory).envs(environment.iter().copied()).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let place = settings.split('"').find(|text| text.starts_with("s3://")).expect("the place is shown").to_owned();
    let endpoint = proxy.endpoint();
    let own = [
        ("SAFELIGHT__DATA__BLOBS", place.as_str()),
        ("SAFELIGHT__S3__ENDPOINT", &endpoint),
        ("SAFELIGHT__S3__ACCESS_KEY", ACCESS_KEY),
        ("SAFELIGHT__S3__SECRET_KEY", SECRET_KEY),
        ("SAFELIGHT__SERVER__LISTEN", "127.0.0.1:0"),
        ("SAFELIGHT__DATA__START_DEADLINE", "0s"),
    ];
    let (code, said) = safelight(&["serve"], &own);
    assert_eq!((code, said.contains("belong to another database")), (Some(1), true), "{said}");
    let (code, said) = safelight(&["backup", "there"], &own);
    assert_eq!((code, said.contains("images are in s3://")), (Some(2), true), "{said}");
    proxy.be(Manner::Absent);
    let (code, said) = safelight(&["serve"], &own);
    assert_eq!((code, said.contains("the S3 store cannot be used")), (Some(1), true), "{said}");
    assert!(!said.contains(SECRET_KEY));
}
