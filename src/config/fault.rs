//! What is wrong with a configuration, and where it was written.

use std::fmt;
use std::path::PathBuf;

/// Where a value was written. Later ones win over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file, at a line counted from 1; without a line, the fault is the file itself.
    File(PathBuf, Option<usize>),
    /// In an environment variable of this name.
    Environment(String),
    /// Behind a flag such as `--workers`.
    Flag(&'static str),
}

impl Place {
    /// A key's name as it is spelled in this kind of place.
    pub(crate) fn spell(&self, path: &str) -> String {
        match self {
            Self::Environment(_) => super::environment::variable(path),
            Self::File(..) | Self::Flag(_) => path.to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, Some(line)) => write!(f, "{}:{line}", path.display()),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::Environment(variable) => f.write_str(variable),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Fault {
    /// Where to look.
    pub place: Place,
    /// What is wrong there, and what would be right.
    pub message: String,
}

/// Everything that is wrong with a configuration, in the order of the places; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigFaults(pub(crate) Vec<Fault>);

impl ConfigFaults {
    /// The faults, one by one.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.0
    }
}

/// One fault a line.
impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
