//! Source files as tokens, so that comments and strings cannot be mistaken for code.

use std::path::{Path, PathBuf};

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// The crate's directory.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One Rust file: its path below the crate's directory, its text and its tokens.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

impl Source {
    /// Reads a text as if it lay at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        // Files of tests that are a module of their own; a file of their own says nothing about `cfg(test)` itself.
        let test = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
        let mut scopes = Scopes::new(test);
        let mut tokens = Vec::new();
        let (mut offset, mut line) = (0, 1);
        for token in tokenize(text, FrontmatterAllowed::No) {
            let spelled = &text[offset..offset + token.len as usize];
            if let Some(text) = code(token.kind, spelled) {
                let scope = scopes.enter(text);
                tokens.push(Token { text: text.to_owned(), line, scope });
            }
            line += spelled.matches('\n').count();
            offset += spelled.len();
        }
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// The names of the modules around the file: `src/actors/master/mod.rs` is `actors`, `master`.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        let parts = path.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
        parts.map(str::to_owned).collect()
    }

    /// The module of the first floor that the file belongs to: `src/actors/master/mod.rs` is `actors`, `src/app.rs` is `app`.
    pub(crate) fn floor(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        path.split('/').next().map_or(path, |floor| floor.trim_end_matches(".rs"))
    }

    /// Every place where these tokens follow each other, as `path:line`.
    pub(crate) fn find(&self, pattern: &[&str]) -> impl Iterator<Item = Found<'_>> {
        let matches = move |window: &&[Token]| window.iter().zip(pattern).all(|(token, text)| token.text == *text);
        let places = self.tokens.windows(pattern.len()).filter(matches.to_owned());
        places.map(|window| Found { file: self, token: &window[0] })
    }
}

/// A place in a file.
pub(crate) struct Found<'a> {
    file: &'a Source,
    pub(crate) token: &'a Token,
}

impl std::fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.path, self.token.line)
    }
}

/// One token. Literals have an empty text, because no rule looks into them.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
    pub(crate) scope: Scope,
}

/// What surrounds a token inside of its file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    /// How many `mod x { .. }` it lies in.
    pub(crate) depth: usize,
    /// Whether it is compiled for tests only.
    pub(crate) test: bool,
}

/// What a token says as code: itself, nothing for literals; `None` for what is no code at all.
fn code(kind: TokenKind, spelled: &str) -> Option<&str> {
    match kind {
        TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } | TokenKind::Whitespace | TokenKind::Frontmatter { .. } => None,
        TokenKind::Literal { .. } | TokenKind::Lifetime { .. } | TokenKind::RawLifetime => Some(""),
        _ => Some(spelled.strip_prefix("r#").unwrap_or(spelled)),
    }
}

/// Follows the brackets of a file, to tell each token's scope.
struct Scopes {
    /// One frame for each open bracket, and one for the file.
    frames: Vec<Frame>,
    /// While an attribute is being read: the number of frames around it, and what it said so far.
    attribute: Option<(usize, String)>,
    last: String,
}

/// What is known between two brackets.
#[derive(Default)]
struct Frame {
    scope: Scope,
    /// Whether the item that is being read is a module, and whether it is for tests only.
    module: bool,
    test: bool,
}

impl Scopes {
    fn new(test: bool) -> Self {
        let file = Frame { scope: Scope { depth: 0, test }, ..Frame::default() };
        Self { frames: vec![file], attribute: None, last: String::new() }
    }

    /// The scope of the next token, whose text this is.
    fn enter(&mut self, text: &str) -> Scope {
        if matches!(text, ")" | "]" | "}") && self.frames.len() > 1 {
            self.close(text);
        }
        if let Some((_, said)) = &mut self.attribute {
            said.push_str(text);
        }
        let around = self.frames.len();
        let frame = self.frames.last_mut().expect("the file's own frame is never closed");
        let scope = Scope { test: frame.scope.test || frame.test, ..frame.scope };
        match text {
            "(" | "[" | "{" => {
                let depth = scope.depth + usize::from(frame.module && text == "{");
                self.frames.push(Frame { scope: Scope { depth, ..scope }, ..Frame::default() });
                if text == "[" && self.last == "#" {
                    self.attribute = Some((around, String::new()));
                }
            }
            ";" => (frame.module, frame.test) = (false, false),
            "mod" => frame.module = true,
            _ => {}
        }
        text.clone_into(&mut self.last);
        scope
    }

    /// Ends a frame; a block ends the item around it, and an attribute may say that the item is for tests only.
    fn close(&mut self, bracket: &str) {
        self.frames.pop();
        let around = self.frames.len();
        let outer = self.frames.last_mut().expect("the file's own frame is never closed");
        if let Some((_, said)) = self.attribute.take_if(|(depth, _)| *depth == around) {
            outer.test |= matches!(said.as_str(), "test" | "cfg(test)" | "tokio::test" | "actix::test");
        } else if bracket == "}" {
            (outer.module, outer.test) = (false, false);
        }
    }
}

/// Every Rust file below a directory of the crate, sorted by path.
pub(crate) fn sources(below: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join(below), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths
        .iter()
        .map(|path| Source::new(&relative(path), &std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{error}"))))
        .collect()
}

/// A path below the crate's directory, as text.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

/// Every file below a directory, sorted.
pub(crate) fn walk(directory: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, paths) } else { paths.push(path) }
    }
}

#[test]
fn the_sources_are_found() {
    let sources = sources("src");
    assert!(sources.len() > 30, "{} files", sources.len());
    assert!(sources.iter().any(|source| source.path == "src/domain/pipeline/mod.rs"));
}

#[test]
fn comments_and_strings_are_no_code() {
    let source = Source::new("src/x.rs", "// crate::a\n/// crate::b\nfn f() { \"crate::c\"; crate::d; }");
    assert_eq!(source.find(&["crate"]).map(|found| found.to_string()).collect::<Vec<_>>(), ["src/x.rs:3"]);
}

#[test]
fn test_only_items_are_marked_and_end_where_they_end() {
    let text = "#[cfg(test)]\nmod tests { fn a() { x } }\nfn b() { y }\n#[cfg(test)]\nuse q;\nmod inner { fn c() { z } }";
    let source = Source::new("src/x.rs", text);
    let scope = |name: &str| {
        let found = source.find(&[name]).next().map(|found| found.token.scope);
        found.map(|scope| (scope.test, scope.depth))
    };
    assert_eq!([scope("x"), scope("y"), scope("q"), scope("z")], [Some((true, 1)), Some((false, 0)), Some((true, 0)), Some((false, 1))]);
}
