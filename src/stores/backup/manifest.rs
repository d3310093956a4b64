//! What a complete backup says of itself. It is written last: a backup that was broken off has none.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::stores::backup::walk::Report;
use crate::stores::backup::{BackupError, at};

/// Its name in the backup.
const FILE_NAME: &str = "backup.json";

/// The layout that this program writes and reads.
const FORMAT: u32 = 1;

/// The manifest of a backup. Only the format is ever acted on; the rest is for people.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    program: String,
    completed_at: String,
    rows: u64,
    blobs: u64,
    bytes: u64,
    problems: u64,
}

impl Manifest {
    pub(super) fn new(report: &Report) -> Self {
        let Report { rows, blobs, bytes, problems } = *report;
        let program = concat!("safelight ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { format: FORMAT, program, completed_at: jiff::Timestamp::now().to_string(), rows, blobs, bytes, problems }
    }

    /// Writes it beside everything else, which is durable already.
    pub(super) fn write(&self, dir: &Path) -> Result<(), BackupError> {
        let (path, unfinished) = (dir.join(FILE_NAME), dir.join("backup.json.new"));
        let text = serde_json::to_string_pretty(self).expect("numbers and texts can be written as JSON");
        let write = || {
            let mut file = File::create_new(&unfinished)?;
            writeln!(file, "{text}")?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(at("cannot write", &path))
    }

    /// Reads the manifest of a backup.
    pub(super) fn read(dir: &Path) -> Result<Self, BackupError> {
        let incomplete = |why: String| BackupError::Incomplete { dir: dir.into(), why };
        let text = fs::read_to_string(dir.join(FILE_NAME)).map_err(|error| incomplete(error.to_string()))?;
        let manifest: Self = serde_json::from_str(&text).map_err(|error| incomplete(error.to_string()))?;
        let newer = || incomplete(format!("{} wrote it in format {}, this program reads {FORMAT}", manifest.program, manifest.format));
        if manifest.format == FORMAT { Ok(manifest) } else { Err(newer()) }
    }
}
