//! What durability costs in process: tasks per second by how many inserts share a commit, and uploads per second, from the
//! first byte of the blob to the committed row, by how many threads the blobs have.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use futures::executor::block_on;
use futures::future::join_all;
use safelight::domain::blob::{BlobKey, BlobMeta, Sha256};
use safelight::domain::format::Format;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::Variants;
use safelight::domain::task::{Change, NewTask};
use safelight::stores::blobs::{BlobStore, Chunk, PutSize};
use safelight::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use safelight::stores::sqlite::{SqliteDb, SqliteOptions};
use safelight::stores::tasks::TaskStore;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Inserts that are under way at the same time.
const BATCHES: [usize; 4] = [1, 8, 64, 256];

/// Uploads that are under way at the same time.
const CLIENTS: usize = 16;

/// A directory in the build directory: on a disk, where the system's own temporary directory may lie in memory.
fn scratch() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory in the build directory")
}

async fn insert(tasks: &SqliteDb, id: TaskId, original: BlobMeta) {
    let variants = Variants::only("swap_channels".parse().expect("an operation"));
    tasks.apply(Change::Insert(NewTask::new(id, variants, original, Format::Jpeg))).await.expect("a new task");
}

async fn upload(blobs: &LocalBlobs, tasks: &SqliteDb, body: Bytes) -> BlobKey {
    let id = TaskId::random();
    let (sender, receiver) = mpsc::channel(2);
    let announced = Some(body.len() as u64);
    for chunk in [Chunk::Data(body), Chunk::End] {
        sender.try_send(chunk).expect("there is room for two");
    }
    let key = BlobKey::Original(id);
    let original = blobs.put(key, receiver, PutSize { announced, max: u64::MAX }).await.expect("a new blob");
    insert(tasks, id, original).await;
    key
}

fn group_commit(criterion: &mut Criterion) {
    let directory = scratch();
    let tasks = SqliteDb::open(directory.path(), SqliteOptions::default()).expect("a new database");
    let original = BlobMeta { len: 100_000, sha256: Sha256([7; 32]) };
    let mut group = criterion.benchmark_group("group commit");
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new("inserts at once", batch), |bencher| {
            bencher.iter(|| block_on(join_all((0..batch).map(|_| insert(&tasks, TaskId::random(), original)))));
        });
    }
    group.finish();
}

fn durable_upload(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("durable upload");
    group.throughput(Throughput::Elements(CLIENTS as u64));
    let usual = LocalBlobsOptions::default().threads;
    for (name, bytes) in [("100 kB", 100_000), ("2 MB", 2_000_000)] {
        // Fewer threads show what the shared journal commits bring.
        for threads in [1, 4, usual] {
            let directory = scratch();
            let (blobs, tasks) = open(directory.path(), threads);
            let body = Bytes::from(vec![7; bytes]);
            group.bench_function(BenchmarkId::new(format!("{name}, {CLIENTS} at once"), format!("threads: {threads}")), |bencher| {
                bencher.iter_custom(|rounds| (0..rounds).map(|_| round(&blobs, &tasks, &body)).sum());
            });
        }
    }
    group.finish();
}

fn open(directory: &Path, threads: usize) -> (LocalBlobs, SqliteDb) {
    let blobs = LocalBlobs::open(directory, LocalBlobsOptions { threads, ..Default::default() }).expect("a new store");
    (blobs, SqliteDb::open(directory, SqliteOptions::default()).expect("a new database"))
}

/// The time of one upload by each client; that of the removal, which keeps the disk from filling up, does not count.
fn round(blobs: &LocalBlobs, tasks: &SqliteDb, body: &Bytes) -> Duration {
    let start = Instant::now();
    let keys = block_on(join_all((0..CLIENTS).map(|_| upload(blobs, tasks, body.clone()))));
    let elapsed = start.elapsed();
    block_on(join_all(keys.into_iter().map(|key| blobs.delete(key)))).into_iter().for_each(|deleted| deleted.expect("it is there"));
    elapsed
}

fn main() {
    let criterion = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    let mut criterion = criterion.configure_from_args();
    group_commit(&mut criterion);
    durable_upload(&mut criterion);
    criterion.final_summary();
}
