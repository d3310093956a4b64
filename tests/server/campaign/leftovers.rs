//! What a server that was killed has left on its disk, and what must be there once the next one has settled.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use safelight::domain::blob::BlobKey;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{Task, TaskState};
use safelight::stores::sqlite::{FILE_NAME, SqliteDb, SqliteOptions};
use safelight::stores::tasks::{TaskQuery, TaskStore};

use crate::campaign::load::states;
use crate::harness::{Server, eventually, files};

/// Where the uploads and tasks stood when the server was killed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Moments {
    /// Files that were not complete.
    pub before_rename: usize,
    /// Originals that had their name, and no row.
    pub before_commit: usize,
    /// Tasks that a worker had in hand.
    pub in_progress: usize,
    /// Those whose result was stored, and the row did not say so.
    pub before_finish: usize,
}

impl Moments {
    /// Reads it from the data directory of a server that is not running. The database is copied first: to open it would
    /// change it.
    pub fn read(data: &Path) -> Self {
        let copy = tempfile::tempdir().expect("a temporary directory");
        for suffix in ["", "-wal"] {
            let name = format!("{FILE_NAME}{suffix}");
            fs::copy(data.join(&name), copy.path().join(&name)).expect("the database can be copied");
        }
        let tasks = SqliteDb::open(copy.path(), SqliteOptions::default()).expect("the copy opens");
        let (temp, blobs) = blobs(data);
        let has_row = |id| block_on(tasks.get(id)).expect("the copy can be read").is_some();
        let in_progress = in_progress(&tasks);
        let result = |task: &Task| task.current_claim().result_key(VariantName::RESULT);
        Self {
            before_rename: temp,
            before_commit: blobs.iter().filter(|key| matches!(key, BlobKey::Original(id) if !has_row(*id))).count(),
            in_progress: in_progress.len(),
            before_finish: in_progress.iter().filter(|task| blobs.contains(&result(task))).count(),
        }
    }
}

fn in_progress(tasks: &SqliteDb) -> Vec<Task> {
    let query = TaskQuery { state: Some(TaskState::InProgress), limit: TaskQuery::MAX_LIMIT, ..TaskQuery::default() };
    block_on(tasks.list(query)).expect("the copy can be read").tasks
}

/// The incomplete files and the blobs of a data directory.
fn blobs(data: &Path) -> (usize, HashSet<BlobKey>) {
    let root = data.join("blobs");
    let (temp, complete): (Vec<PathBuf>, Vec<PathBuf>) =
        files(&root).into_iter().partition(|path| path.parent() == Some(&root.join("tmp")));
    let name = |path: &PathBuf| path.file_name()?.to_str()?.parse().ok();
    (temp.len(), complete.iter().map(|path| name(path).unwrap_or_else(|| panic!("{path:?} is no blob"))).collect())
}

/// Waits until every task is finished and the disk holds one original and one result of each, and nothing else.
pub fn assert_tidy(server: &Server) {
    let tasks = eventually("the end of every task", || {
        let states = states(server);
        states.values().all(|state| state == "finished").then_some(states)
    });
    eventually("one original and one result of each task, and nothing else", || {
        let (temp, blobs) = blobs(&server.data());
        let originals = blobs.iter().filter(|key| matches!(key, BlobKey::Original(_))).count();
        let known = blobs.iter().all(|key| tasks.contains_key(&key.as_uuid().to_string()));
        let tidy = temp == 0 && known && (originals, blobs.len()) == (tasks.len(), tasks.len() * 2);
        if tidy {
            Ok(())
        } else {
            Err(format!("{} tasks, {originals} originals, {} blobs, {temp} incomplete files", tasks.len(), blobs.len()))
        }
    });
}
