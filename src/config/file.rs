//! The file as a source: TOML, with the line of every key.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::fault::Place;
use crate::config::loading::Loading;
use crate::config::raw::Raw;
use crate::config::schema;

/// Whether the whole file could be read; when not, keys may be missing from what was collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Whole,
    Broken,
}

/// Takes every key of the file at `path`.
pub(crate) fn collect(path: &Path, loading: &mut Loading) -> Read {
    match std::fs::read_to_string(path) {
        Ok(text) => collect_text(path, &text, loading),
        Err(error) => {
            loading.fault(Place::File(path.to_owned(), None), format!("the configuration cannot be read: {error}"));
            Read::Broken
        }
    }
}

/// Takes every key of a file's text. Beside errors of syntax, the keys on the other lines are checked all the same.
fn collect_text(path: &Path, text: &str, loading: &mut Loading) -> Read {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk { path, text, loading, unreadable: Vec::new() };
    for error in &errors {
        let place = walk.place(error.span().unwrap_or(0..0));
        walk.loading.fault(place.clone(), error.message().to_owned());
        walk.unreadable.push(place);
    }
    walk.sections(table.get_ref());
    if errors.is_empty() { Read::Whole } else { Read::Broken }
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    loading: &'a mut Loading,
    /// Lines with an error of syntax: what the parser made of them is a guess.
    unreadable: Vec<Place>,
}

impl Walk<'_> {
    fn sections(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let place = self.place(name.span());
            let section = name.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(keys) if schema::sections().iter().any(|known| known.name == section) => self.keys(section, keys),
                _ if self.unreadable.contains(&place) => {}
                DeValue::Table(_) => self.loading.fault(place, unknown_section(section)),
                _ => self.loading.fault(place, format!("{section}: a key belongs into a section such as [server]")),
            }
        }
    }

    fn keys(&mut self, section: &str, keys: &DeTable<'_>) {
        for (name, value) in keys {
            self.key(&format!("{section}.{}", name.get_ref()), name.span(), value);
        }
    }

    fn key(&mut self, path: &str, span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let place = self.place(span);
        if !self.unreadable.contains(&place) {
            self.loading.put(path, &Raw::from(value.get_ref()), place);
        }
    }

    /// The place of a byte range of the file's text.
    fn place(&self, span: Range<usize>) -> Place {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Place::File(self.path.to_owned(), Some(line))
    }
}

/// Says that there is no such section, and which one was probably meant.
fn unknown_section(name: &str) -> String {
    match schema::nearest_section(name) {
        Some(meant) => format!("there is no section [{name}]; did you mean [{meant}]?"),
        None => format!("there is no section [{name}]; `safelight config default` lists every section"),
    }
}
