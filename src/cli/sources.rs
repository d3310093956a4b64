//! Where the commands take their configuration from: the file that was named, else `./config.toml` where there is
//! one; the environment of this process; flags.

use std::path::{Path, PathBuf};

use crate::config::{Flag, Sources};

/// What is read when no file is named and there is one of this name in the working directory.
const DEFAULT_FILE: &str = "config.toml";

/// The sources of a command.
pub(super) fn sources(file: Option<PathBuf>, flags: Vec<Flag>) -> Sources {
    Sources { file: file.or_else(|| found_in(Path::new("."))), environment: std::env::vars_os().collect(), flags }
}

/// The configuration in a directory, if there is one. One that cannot be looked at counts, so that its fault is told.
fn found_in(directory: &Path) -> Option<PathBuf> {
    let path = directory.join(DEFAULT_FILE);
    path.try_exists().unwrap_or(true).then_some(path)
}

/// Names the file in a sentence.
pub(super) fn describe(sources: &Sources) -> String {
    match &sources.file {
        Some(path) => path.display().to_string(),
        None => format!("defaults (there is no ./{DEFAULT_FILE})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_working_directory_is_found() {
        let directory = tempfile::tempdir().expect("a directory of our own");
        assert_eq!(found_in(directory.path()), None);
        std::fs::write(directory.path().join(DEFAULT_FILE), "").expect("it is writable");
        assert_eq!(found_in(directory.path()), Some(directory.path().join(DEFAULT_FILE)));
    }

    #[test]
    fn a_named_file_is_used_even_where_there_is_none() {
        assert_eq!(sources(Some("other.toml".into()), Vec::new()).file, Some("other.toml".into()));
    }
}
