//! Arrows point down only: which module may use which.

use crate::assert_none;
use crate::source::{Source, Token, sources};

const ADVICE: &str = "Arrows point down only. Move the code to a floor that may use this one, hand the value in from above, or let news \
                      travel upward as a Recipient<Message> whose message the lower module defines:";

/// A floor and what it may use, each as a path of modules: `actors::frontend` allows that module only, `actors` all of it.
/// `app` wires everything, so it also names the lower floors.
const FLOORS: [(&str, &[&str]); 11] = [
    ("main", &["cli"]),
    ("lib", &[]),
    ("cli", &["app", "sandbox", "imaging", "config", "domain"]),
    ("app", &["http", "actors", "stores", "sandbox", "config", "domain"]),
    ("http", &["actors::frontend", "actors::supervision", "config", "domain"]),
    ("actors", &["stores", "sandbox", "config", "domain"]),
    ("sandbox", &["imaging", "domain"]),
    ("stores", &["config", "domain"]),
    ("imaging", &["domain"]),
    ("config", &["domain"]),
    ("domain", &[]),
];

/// A module inside of a floor that may use even less than its floor: no service, only the failpoints.
const SUPERVISION: (&str, &[&str]) = ("actors::supervision", &["domain::faults"]);

/// A path of this crate that a file names.
#[derive(Debug, PartialEq, Eq)]
struct Edge {
    line: usize,
    to: Vec<String>,
}

/// Every path of this crate in a file: after `crate::`, after `super::` that leaves the floor, and in `main.rs` after
/// `safelight::`; with `use crate::{a, b::c}` taken apart.
fn edges(source: &Source) -> Vec<Edge> {
    let tokens = &source.tokens;
    let mut edges = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let own_name = source.path == "src/main.rs" && tokens[index].text == "safelight";
        let mut after = index + 1;
        if starts_path(tokens, index) && (tokens[index].text == "crate" || own_name) && is_path_separator(tokens, after) {
            targets(tokens, after + 2, &[], &mut edges);
        } else if starts_path(tokens, index) && tokens[index].text == "super" {
            let mut module = source.module();
            module.extend(std::iter::repeat_n("inline".to_owned(), tokens[index].scope.depth));
            module.pop();
            while is_path_separator(tokens, after) && tokens.get(after + 2).is_some_and(|token| token.text == "super") {
                module.pop();
                after += 3;
            }
            if is_path_separator(tokens, after) {
                targets(tokens, after + 2, &module, &mut edges);
            }
        }
        index = after;
    }
    edges
}

/// Whether a token is the first of its path.
fn starts_path(tokens: &[Token], index: usize) -> bool {
    index < 2 || !is_path_separator(tokens, index - 2)
}

fn is_path_separator(tokens: &[Token], index: usize) -> bool {
    [index, index + 1].iter().all(|index| tokens.get(*index).is_some_and(|token| token.text == ":"))
}

/// Follows a path, and every branch of a `{..}` in it. Returns where it ends.
fn targets(tokens: &[Token], mut index: usize, base: &[String], edges: &mut Vec<Edge>) -> usize {
    let mut path = base.to_vec();
    while let Some(token) = tokens.get(index) {
        if token.text == "{" {
            index += 1;
            while let Some(token) = tokens.get(index).filter(|token| token.text != "}") {
                index = match token.text.as_str() {
                    "," => index + 1,
                    "as" => index + 2,
                    _ => targets(tokens, index, &path, edges),
                };
            }
            return index + 1;
        }
        if token.text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_') && token.text != "self" {
            path.push(token.text.clone());
        }
        if !is_path_separator(tokens, index + 1) {
            edges.push(Edge { line: token.line, to: path });
            return index + 1;
        }
        index += 3;
    }
    index
}

/// What a file uses although its floor may not.
fn forbidden(source: &Source) -> Vec<String> {
    let module = source.module().join("::");
    let floor = source.floor();
    let Some(&(_, mut allowed)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
        return vec![format!("{}: the floor {floor} is not in the table of tests/architecture/arrows.rs", source.path)];
    };
    let mut own = floor;
    if is_below(&module, SUPERVISION.0) {
        (own, allowed) = SUPERVISION;
    }
    let is_forbidden = |edge: &Edge| {
        let to = edge.to.join("::");
        // An item of the crate's root, such as a macro, is no floor.
        let names_a_floor = edge.to.first().is_some_and(|first| FLOORS.iter().any(|(name, _)| name == first));
        names_a_floor && !is_below(&to, own) && !allowed.iter().any(|allowed| is_below(&to, allowed))
    };
    let edges = edges(source).into_iter().filter(is_forbidden);
    edges.map(|edge| format!("{}:{}: {own} must not use {}", source.path, edge.line, edge.to.join("::"))).collect()
}

/// Whether `path` is `ancestor` or lies in it.
fn is_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn every_module_uses_lower_floors_only() {
    let findings: Vec<String> = sources("src").iter().flat_map(forbidden).collect();
    assert_none(&findings, ADVICE);
}

#[test]
fn the_table_itself_has_no_circle() {
    // The floors are listed from top to bottom.
    for (index, (floor, allowed)) in FLOORS.iter().enumerate() {
        for lower in *allowed {
            let name = lower.split("::").next();
            let place = FLOORS.iter().position(|(other, _)| Some(*other) == name);
            assert!(place > Some(index), "{floor} -> {lower} points up");
        }
    }
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let text = "use crate::{a, b::{c, self}, d::E as F};\nfn f() { crate::g::h(); let x: crate::i::J<crate::k::L>; m!(crate::n::O) }\n\
                pub(crate) use self::p::Q;\nmod inner { use super::super::r; }\n$crate::s::t";
    let edges = edges(&Source::new("src/http/tasks.rs", text));
    let found: Vec<String> = edges.iter().map(|edge| edge.to.join("::")).collect();
    assert_eq!(found, ["a", "b::c", "b", "d::E", "g::h", "i::J", "k::L", "n::O", "http::r", "s::t"]);
}

#[test]
fn bad_arrows_are_found() {
    let bad = [
        ("src/domain/task.rs", "use crate::stores::TaskStore;"),
        ("src/imaging/mod.rs", "fn f() { crate::config::Config::default(); }"),
        ("src/imaging/ops/flip.rs", "use super::super::super::config::Config;"),
        ("src/http/tasks.rs", "use crate::stores::TaskStore;"),
        ("src/http/tasks.rs", "use crate::actors::{frontend::Frontend, supervision::Tree, master::Master};"),
        ("src/actors/master/mod.rs", "type Handler = crate::http::Handler;"),
        ("src/actors/supervision/root.rs", "use crate::config::Config;"),
        ("src/actors/supervision/root.rs", "use super::super::master::Master;"),
        ("src/stores/sqlite/mod.rs", "use crate::actors::task_db::TaskDb;"),
        ("src/main.rs", "fn main() { safelight::app::run() }"),
        ("src/config/mod.rs", "mod inner { mod deep { use super::super::super::actors; } }"),
        ("src/extra/mod.rs", ""),
    ];
    for (path, text) in bad {
        assert_eq!(forbidden(&Source::new(path, text)).len(), 1, "{path}: {text}");
    }
}

#[test]
fn good_arrows_are_let_through() {
    let good = [
        ("src/http/tasks.rs", "use crate::actors::frontend::NewImage; use crate::http::problem::Problem;"),
        ("src/actors/supervision/root.rs", "use crate::domain::faults; use super::spec::ChildSpec;"),
        ("src/actors/master/mod.rs", "use crate::actors::supervision::Service; use crate::unrelated_macro;"),
        ("src/domain/task/mod.rs", "use super::ids::TaskId; mod tests { use super::*; }"),
        ("src/main.rs", "fn main() { safelight::cli::run() }"),
    ];
    for (path, text) in good {
        assert_eq!(forbidden(&Source::new(path, text)), Vec::<String>::new(), "{path}: {text}");
    }
}
