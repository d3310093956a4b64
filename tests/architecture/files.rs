//! Rules about whole files: how they open, how long they are, what their text may not name.

use std::path::PathBuf;

use crate::assert_none;
use crate::source::{Source, relative, root, sources, walk};

/// The length that a file should have at most, in lines.
const GOOD_LENGTH: usize = 300;

/// The length that a file must have at most, in lines.
const MAX_LENGTH: usize = 350;

/// The length of `main.rs` must be below this.
const MAIN_LENGTH: usize = 50;

fn lines(source: &Source) -> usize {
    source.text.lines().count()
}

fn opens_without_doc(source: &Source) -> bool {
    !source.text.starts_with("//! ")
}

/// The absolute paths of somebody's machine in a text, by line.
fn home_paths(path: &str, text: &str) -> Vec<String> {
    // Taken apart, so that this file does not find itself.
    let homes = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    let lines = text.lines().enumerate().filter(|(_, line)| homes.iter().any(|home| line.contains(home)));
    lines.map(|(index, _)| format!("{path}:{}", index + 1)).collect()
}

/// Every text file that belongs to the project.
fn text_files() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for directory in ["src", "tests", "benches", "examples", "docs", "ui", ".ci"] {
        walk(&root().join(directory), &mut paths);
    }
    let top = std::fs::read_dir(root()).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.extend(top.filter(|path| path.is_file()));
    let read = |path: PathBuf| Some((relative(&path), std::fs::read_to_string(&path).ok()?));
    paths.into_iter().filter_map(read).collect()
}

#[test]
fn every_file_says_first_what_lives_in_it() {
    let missing = sources("src").into_iter().chain(sources("tests")).filter(opens_without_doc);
    let missing: Vec<String> = missing.map(|source| source.path).collect();
    assert_none(&missing, "Open the file with `//! ` and what lives here, and what does not:");
}

#[test]
fn no_file_is_too_long() {
    let all: Vec<Source> = sources("src").into_iter().chain(sources("tests")).collect();
    for source in all.iter().filter(|source| lines(source) > GOOD_LENGTH) {
        println!("{} has {} lines; {GOOD_LENGTH} would be good", source.path, lines(source));
    }
    let long = all.iter().filter(|source| lines(source) > MAX_LENGTH);
    let long: Vec<String> = long.map(|source| format!("{}: {} lines", source.path, lines(source))).collect();
    assert_none(&long, &format!("One idea per file, {MAX_LENGTH} lines at most. Split by idea, or move the tests to a file beside it:"));
}

#[test]
fn main_is_short() {
    let long: Vec<String> = sources("src")
        .into_iter()
        .filter(|source| source.path == "src/main.rs" && lines(source) >= MAIN_LENGTH)
        .map(|source| source.path)
        .collect();
    assert_none(&long, "main.rs parses the command line and calls one function. Move the rest to src/cli:");
}

#[test]
fn no_file_names_a_home_directory() {
    let found: Vec<String> = text_files().iter().flat_map(|(path, text)| home_paths(path, text)).collect();
    assert_none(&found, "Nobody else has this directory. Use a relative path, a variable of the environment or a temporary directory:");
}

#[test]
fn each_rule_finds_a_bad_sample() {
    assert!(opens_without_doc(&Source::new("src/x.rs", "use std::fmt;\n")));
    assert!(!opens_without_doc(&Source::new("src/x.rs", "//! What lives here.\n")));
    assert_eq!(lines(&Source::new("src/x.rs", &"//\n".repeat(351))), 351);
    let text = format!("first\ncd {}me/user/project\n", "/ho");
    assert_eq!(home_paths("README.md", &text), ["README.md:2"]);
    assert!(text_files().iter().any(|(path, _)| path == "Cargo.toml"));
}
