//! Every route with every scope, and every route about a task with one's own task, another caller's, and one that is not there.

use safelight::domain::access::Scope;
use safelight::http::{Access, openapi_json, route_table};
use serde_json::{Value, json};

use super::routes::{Needs, ROUTES};
use super::{ask_as, code, make_key};
use crate::harness::{Answer, Server};
use crate::images::small_png;

const MISSING: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// The statuses that the description of the interface has for a route.
fn described(method: &str, path: &str) -> Vec<u16> {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let answers = document["paths"][path][method.to_lowercase()]["responses"].as_object();
    let answers = answers.unwrap_or_else(|| panic!("{method} {path} is not described: see src/http/openapi"));
    answers.keys().map(|status| status.parse().expect("a status")).collect()
}

/// A server with keys, each good for one thing, and two callers who own tasks.
struct House {
    server: Server,
    admin: String,
    submit: String,
    read: String,
    /// Good for everything that a user may do.
    user: String,
    other: String,
}

impl House {
    fn new() -> Self {
        let server = Server::new();
        let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
        let key = |scopes: &[&str]| make_key(&server, Some(&admin), scopes, &json!({})).1;
        let (submit, read, user, other) = (key(&["submit"]), key(&["read"]), key(&["submit", "read"]), key(&["submit", "read"]));
        Self { server, admin, submit, read, user, other }
    }

    /// Hands an image in and waits for its end.
    fn task_of(&self, key: &str) -> String {
        let accepted = ask_as(&self.server, Some(key), "POST", "/newImage", "image/png", &small_png());
        assert_eq!(accepted.status, 202, "{}", accepted.text());
        let id = accepted.text();
        crate::harness::eventually("the end of the task", || {
            let ready = ask_as(&self.server, Some(&self.admin), "GET", &format!("/image/isReady?id={id}"), "", b"");
            (ready.text() == "finished").then_some(())
        });
        id
    }

    fn ask(&self, key: Option<&str>, method: &str, example: &str, task: &str) -> Answer {
        ask_as(&self.server, key, method, &example.replace("TASK", task), "image/png", &small_png())
    }
}

#[test]
fn the_table_of_this_test_is_the_whole_table_of_the_server() {
    let ours: Vec<_> = ROUTES.iter().map(|(method, path, needs, _)| ((*method).to_owned(), *path, *needs)).collect();
    let needs = |access| match access {
        Access::Open => Needs::Nothing,
        Access::AnyKey => Needs::AnyKey,
        Access::Scope(Scope::Submit) => Needs::Submit,
        Access::Scope(Scope::Read) => Needs::Read,
        Access::Scope(Scope::Admin) => Needs::Admin,
    };
    let theirs: Vec<_> = route_table().into_iter().map(|(method, path, access)| (method.to_string(), path, needs(access))).collect();
    for route in &theirs {
        assert!(ours.contains(route), "add {route:?} to tests/server/access/routes.rs");
    }
    assert_eq!(ours.len(), theirs.len(), "a route is gone: remove it from tests/server/access/routes.rs");
}

#[test]
fn every_route_lets_in_whom_it_should() {
    let house = House::new();
    let task = house.task_of(&house.admin);
    for &(method, path, needs, example) in ROUTES {
        // Test servers alone have these.
        let described = if path.starts_with("/v1/faults/") { None } else { Some(described(method, path)) };
        let is_described = |answer: &Answer| described.as_ref().is_none_or(|described| described.contains(&answer.status));
        let nobody = house.ask(None, method, example, &task);
        if needs == Needs::Nothing {
            assert_eq!(nobody.status, 200, "{method} {path} without a key");
            continue;
        }
        assert_eq!(nobody.status, 401, "{method} {path} without a key");
        assert!(nobody.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
        if method == "GET" {
            assert_eq!(house.ask(None, "HEAD", example, &task).status, 401, "HEAD {path} without a key");
        }
        let any = needs == Needs::AnyKey;
        for (scope, key, good) in [
            ("submit", &house.submit, any || needs == Needs::Submit),
            ("read", &house.read, any || needs == Needs::Read),
            ("admin", &house.admin, true),
        ] {
            let answer = house.ask(Some(key), method, example, &task);
            assert!(is_described(&answer), "{method} {path} with {scope}: {} is not described", answer.status);
            assert_eq!(matches!(answer.status, 401 | 403), !good, "{method} {path} with {scope}: {}", answer.status);
            if !good {
                let named = format!("{needs:?}").to_lowercase();
                let challenge = format!(r#"Bearer realm="safelight", error="insufficient_scope", scope="{named}""#);
                assert_eq!((answer.status, answer.header("www-authenticate")), (403, challenge.as_str()), "{method} {path} with {scope}");
                assert!(answer.text().contains("missing_scope") && answer.text().contains(&named), "{method} {path}: {}", answer.text());
            }
        }
    }
}

#[test]
fn a_task_of_another_caller_is_as_if_it_were_not_there() {
    let house = House::new();
    let about_tasks = ROUTES.iter().filter(|(.., example)| example.contains("TASK"));
    let mut seen = 0;
    for &(method, path, _, example) in about_tasks {
        let task = house.task_of(&house.user);
        let known = || house.ask(Some(&house.user), "GET", "/v1/tasks/TASK", &task).json();
        let before = known();
        let foreign = house.ask(Some(&house.other), method, example, &task);
        let missing = house.ask(Some(&house.other), method, example, MISSING);
        assert!(described(method, path).contains(&missing.status), "{method} {path}: {} is not described", missing.status);
        let same = |answer: &Answer, id: &str| {
            let mut headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
            headers.retain(|(name, _)| name != "x-request-id" && name != "date");
            (answer.status, headers, answer.text().replace(id, "ID"))
        };
        assert_eq!(same(&foreign, &task), same(&missing, MISSING), "{method} {path}");
        // What is not there is deleted already.
        assert_eq!(foreign.status, if method == "DELETE" { 204 } else { 404 }, "{method} {path}: {}", foreign.text());
        assert_eq!(known(), before, "{method} {path} did nothing to it");
        let own = house.ask(Some(&house.user), method, example, &task);
        assert_ne!(own.status, 404, "{method} {path}: {}", own.text());
        let task = house.task_of(&house.user);
        let admins = house.ask(Some(&house.admin), method, example, &task);
        assert_ne!(admins.status, 404, "{method} {path}: {}", admins.text());
        seen += 1;
    }
    assert!(seen >= 4, "some routes are about tasks");
}

#[test]
fn a_list_has_only_what_is_ones_own() {
    let house = House::new();
    let (mine, theirs) = (house.task_of(&house.user), house.task_of(&house.other));
    let listed = |key: &str| {
        let page = house.ask(Some(key), "GET", "/v1/tasks", "").json();
        page["tasks"].as_array().expect("a page").iter().filter_map(|task| task["id"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(listed(&house.user), std::slice::from_ref(&mine));
    assert_eq!(listed(&house.other), std::slice::from_ref(&theirs));
    assert_eq!(listed(&house.admin), [mine, theirs]);
    assert_eq!(code(&house.ask(Some(&house.submit), "GET", "/v1/tasks", "")), "missing_scope");
}
