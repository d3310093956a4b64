//! The database as it is at one moment: a copy of it, and what its rows refer to. For backups; a server may run on it meanwhile.

use std::fmt;
use std::fs::File;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Row};
use uuid::Uuid;

use crate::domain::asset::{AssetName, AssetVersion};
use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::ids::TaskId;
use crate::stores::sqlite::connection::{self, OpenError};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::{self, task_columns};
use crate::stores::sqlite::{FILE_NAME, assets};
use crate::stores::tasks::TaskStoreError;

/// Rows that are read at once, so that no reading transaction lasts.
const PAGE: i64 = 500;

/// Copies the database of the directory `from` into the file `to`, which must not be there, and makes it durable. The copy has the schema
/// of this program, and no log beside it, so that it can be read from a medium that cannot be written to.
///
/// All of it is read in one transaction: writers go on meanwhile, only their log grows. Blocks.
///
/// # Errors
/// If there is no database of ours, it is of a later version, or one of the two cannot be read or written.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), OpenError> {
    let source = connection::open_reader(&from.join(FILE_NAME))?;
    connection::check_owner(&source)?;
    let mut target = Connection::open(to)?;
    match Backup::new(&source, &mut target)?.step(-1)? {
        StepResult::Done => {}
        unfinished => return Err(OpenError::NotCopied { why: format!("{unfinished:?}") }),
    }
    drop(target);
    let migrated = connection::open_writer(to)?;
    migrated.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))?;
    migrated.close().map_err(|(_, error)| error)?;
    Ok(File::open(to)?.sync_all()?)
}

/// What the rows of a database refer to.
pub struct References {
    connection: Connection,
}

/// A row that needs a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The row.
    pub row: Owner,
    /// The blob.
    pub key: BlobKey,
    /// What the blob must be, where the row says it.
    pub expected: Option<BlobMeta>,
}

/// A row, as people are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A task.
    Task(TaskId),
    /// The name of an asset.
    Asset(AssetName),
    /// Tasks that were accepted with a version of an asset whose name stands for another one by now.
    Tasks(AssetVersion),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(id) => write!(f, "task {id}"),
            Self::Asset(name) => write!(f, "asset {name}"),
            Self::Tasks(version) => write!(f, "tasks with version {version} of an asset"),
        }
    }
}

/// One row of a database, or why it cannot be understood.
pub type RowRead = Result<Vec<Reference>, String>;

impl References {
    /// Opens a database for reading.
    ///
    /// # Errors
    /// If there is no database of ours, or its schema is not that of this program.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = connection::open_reader(path)?;
        connection::check_owner(&connection)?;
        connection::check_schema(&connection)?;
        Ok(Self { connection })
    }

    /// What SQLite itself finds wrong with the file.
    ///
    /// # Errors
    /// If it cannot be read at all.
    pub fn damage(&self) -> Result<Vec<String>, TaskStoreError> {
        let check = || -> Result<Vec<String>, Fault> {
            let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        };
        Ok(check()?)
    }

    /// Hands every row to `each`, with the blobs that it needs; a task that is being deleted needs none. What is written meanwhile may be
    /// told or not.
    ///
    /// # Errors
    /// If the database cannot be read, or the first that `each` replies with.
    pub fn each<E: From<TaskStoreError>>(&self, mut each: impl FnMut(RowRead) -> Result<(), E>) -> Result<(), E> {
        let mut after = 0;
        loop {
            let page = self.tasks(after).map_err(TaskStoreError::from)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            page.into_iter().try_for_each(|(_, row)| each(row))?;
        }
        let assets = self.assets().map_err(TaskStoreError::from)?;
        assets.into_iter().try_for_each(each)
    }

    /// The tasks behind a place, each with its own place.
    fn tasks(&self, after: i64) -> Result<Vec<(i64, RowRead)>, Fault> {
        let mut statement =
            self.connection.prepare_cached(concat!("SELECT ", task_columns!(), " FROM tasks WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?;
        let rows = statement.query_map((after, PAGE), |row| Ok((row.get("seq")?, of_task(row))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn assets(&self) -> Result<Vec<RowRead>, Fault> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM assets ORDER BY name")?;
        let named = statement.query_map([], |row| Ok(of_asset(row)))?;
        let mut found = named.collect::<Result<Vec<_>, _>>()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT version FROM task_assets WHERE version NOT IN (SELECT version FROM assets) ORDER BY version",
        )?;
        let versions = statement.query_map([], |row| row.get(0))?;
        for version in versions {
            let version = AssetVersion::from(Uuid::from_bytes(version?));
            found.push(Ok(vec![Reference { row: Owner::Tasks(version), key: BlobKey::Asset(version), expected: None }]));
        }
        Ok(found)
    }
}

fn of_task(row: &Row<'_>) -> RowRead {
    let task = rows::task(row).map_err(|fault| fault.to_string())?;
    let needs = |(key, meta)| Reference { row: Owner::Task(task.id), key, expected: Some(meta) };
    Ok(task.blobs().into_iter().map(needs).collect())
}

fn of_asset(row: &Row<'_>) -> RowRead {
    let asset = assets::asset(row).map_err(|fault| format!("an asset: {fault}"))?;
    Ok(vec![Reference { key: asset.key(), expected: Some(asset.blob), row: Owner::Asset(asset.name) }])
}
