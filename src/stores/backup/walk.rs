//! The walk over the rows of a database, and what is wrong with what they refer to.

use std::fmt;
use std::io;

use crate::domain::blob::{BlobKey, BlobMeta};
use crate::stores::backup::BackupError;
use crate::stores::local_fs::CopyError;
use crate::stores::sqlite::{Owner, Reference, References, RowRead};

/// What a walk came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of tasks and assets.
    pub rows: u64,
    /// Blobs that they refer to and that are what they must be.
    pub blobs: u64,
    /// The lengths of those, in bytes.
    pub bytes: u64,
    /// What is wrong: zero if every row resolves.
    pub problems: u64,
}

/// Something that is wrong.
#[derive(Debug)]
pub enum Problem {
    /// A row, or the file that it is in, cannot be understood.
    Unreadable(String),
    /// A blob is not there.
    Missing(Owner, BlobKey),
    /// A blob is not what its row says.
    Damaged {
        /// The row.
        row: Owner,
        /// The blob.
        key: BlobKey,
        /// What it must be.
        expected: BlobMeta,
        /// What it is.
        found: BlobMeta,
    },
    /// A blob cannot be read.
    Unread(Owner, BlobKey, io::Error),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => f.write_str(why),
            Self::Missing(row, key) => write!(f, "{row}: the blob {key} is missing"),
            Self::Damaged { row, key, expected, found } if found.len != expected.len => {
                write!(f, "{row}: the blob {key} has {} bytes, not {}", found.len, expected.len)
            }
            Self::Damaged { row, key, expected, found } => {
                write!(f, "{row}: the blob {key} is damaged: its SHA-256 is {}, not {}", found.sha256, expected.sha256)
            }
            Self::Unread(row, key, error) => write!(f, "{row}: the blob {key} cannot be read: {error}"),
        }
    }
}

/// The walk; it reports problems as it meets them.
pub(super) struct Walk<'t> {
    report: Report,
    tell: &'t mut dyn FnMut(&Problem),
}

impl<'t> Walk<'t> {
    pub(super) fn new(tell: &'t mut dyn FnMut(&Problem)) -> Self {
        Self { report: Report::default(), tell }
    }

    /// Goes over every row; `look` reads the blob of a reference, and whatever else is to be done with it.
    pub(super) fn all(
        mut self,
        references: &References,
        mut look: impl FnMut(&Reference) -> Result<Option<BlobMeta>, CopyError>,
    ) -> Result<Report, BackupError> {
        references.each(|row| self.row(row, &mut look))?;
        Ok(self.report)
    }

    /// Something is wrong that is no row's reference.
    pub(super) fn unreadable(&mut self, what: String) {
        self.problem(&Problem::Unreadable(what));
    }

    fn row(&mut self, row: RowRead, look: &mut impl FnMut(&Reference) -> Result<Option<BlobMeta>, CopyError>) -> Result<(), BackupError> {
        self.report.rows += 1;
        match row {
            Err(why) => self.unreadable(why),
            Ok(references) => {
                for reference in references {
                    let found = look(&reference);
                    self.judge(reference, found)?;
                }
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        Reference { row, key, expected }: Reference,
        found: Result<Option<BlobMeta>, CopyError>,
    ) -> Result<(), BackupError> {
        match (found, expected) {
            (Err(CopyError::Target { path, source }), _) => return Err(BackupError::Io { what: "cannot write", path, source }),
            (Err(CopyError::Source(error)), _) => self.problem(&Problem::Unread(row, key, error)),
            (Ok(None), _) => self.problem(&Problem::Missing(row, key)),
            (Ok(Some(found)), Some(expected)) if found != expected => self.problem(&Problem::Damaged { row, key, expected, found }),
            (Ok(Some(found)), _) => {
                self.report.blobs += 1;
                self.report.bytes += found.len;
            }
        }
        Ok(())
    }

    fn problem(&mut self, problem: &Problem) {
        self.report.problems += 1;
        (self.tell)(problem);
    }
}
