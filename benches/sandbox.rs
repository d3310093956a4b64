//! What the sandbox costs: the time from the order for a child until it is ready, and what a job of 3 MB in and 1 MB out
//! takes longer through a child than directly in this process.

use std::fs::File;
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use criterion::Criterion;
use image::{ImageFormat, Rgb, RgbImage};
use safelight::app::CHILD_COMMAND;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::{Pipeline, Variants};
use safelight::imaging::{self, Assets};
use safelight::sandbox::{Child, ChildLimits, ChildProgram, Job, Probe, Progress, Spawner};
use tokio::runtime::Runtime;

/// Rounds of the paired comparison, each with both sides in turn.
const ROUNDS: usize = 101;

/// The job: cheap pixels, so that the way to the child and back shows.
struct Sample {
    file: File,
    bytes: Vec<u8>,
    pipeline: Pipeline,
}

impl Sample {
    /// 1 megapixel as BMP, made gray: 3 MB in, 1 MB out.
    fn new() -> Self {
        let picture = RgbImage::from_fn(1000, 1000, |x, y| Rgb([x as u8, y as u8, (x + y) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Bmp).expect("it can be encoded");
        let bytes = bytes.into_inner();
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&bytes).expect("room for 3 MB");
        Self { file, bytes, pipeline: "grayscale/bmp".parse().expect("an operation and a format") }
    }

    /// The time of the work without a child.
    fn directly(&self) -> Duration {
        let start = Instant::now();
        let mut made = Cursor::new(Vec::new());
        imaging::run(&self.bytes, &self.pipeline, &Assets::default(), &ImageLimits::default(), &mut made).expect("it is processed");
        let elapsed = start.elapsed();
        assert!((1_000_000..1_100_000).contains(&made.into_inner().len()), "1 MB out");
        elapsed
    }

    /// The time of the same work by a child, until its output is sealed.
    async fn by(&self, child: &mut Child) -> Duration {
        let start = Instant::now();
        let job = Job { variants: Variants::only(self.pipeline.clone()), assets: Vec::new(), limits: ImageLimits::default() };
        let Ok(Probe::Readable(probed)) = child.probe(job, &self.file, &[]).await else { panic!("the child cannot read it") };
        let Ok(Progress::Done(_)) = probed.run().await else { panic!("the child failed") };
        start.elapsed()
    }
}

async fn spawn(spawner: &Spawner) -> Child {
    spawner.spawn().await.expect("a child of this build")
}

fn spawn_to_ready(criterion: &mut Criterion, runtime: &Runtime, spawner: &Spawner) {
    criterion.bench_function("child, from its spawn until it is ready", |bencher| {
        bencher.iter_custom(|children| {
            runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..children {
                    let start = Instant::now();
                    let child = spawn(spawner).await;
                    spent += start.elapsed();
                    child.kill().await;
                }
                spent
            })
        });
    });
}

fn job(criterion: &mut Criterion, runtime: &Runtime, spawner: &Spawner, sample: &Sample) {
    let mut group = criterion.benchmark_group("job of 3 MB in, 1 MB out");
    group.bench_function("directly", |bencher| bencher.iter_custom(|jobs| (0..jobs).map(|_| sample.directly()).sum()));
    let mut child = runtime.block_on(spawn(spawner));
    group.bench_function("by a child", |bencher| {
        bencher.iter_custom(|jobs| (0..jobs).map(|_| runtime.block_on(sample.by(&mut child))).sum());
    });
    group.finish();
    compare(sample, || runtime.block_on(sample.by(&mut child)));
}

/// Both sides in turn; the figure is the median of the differences.
fn compare(sample: &Sample, mut by_child: impl FnMut() -> Duration) {
    let difference = |_| by_child().as_secs_f64() - sample.directly().as_secs_f64();
    let mut differences: Vec<f64> = (0..ROUNDS).map(difference).map(|seconds| seconds * 1e3).collect();
    differences.sort_by(f64::total_cmp);
    println!(
        "| what a job of 3 MB in and 1 MB out takes longer by a child | none | **{:.2} ms** (quartiles {:.2} to {:.2} ms, {ROUNDS} rounds) | `cargo bench --bench sandbox` |",
        differences[ROUNDS / 2],
        differences[ROUNDS / 4],
        differences[ROUNDS * 3 / 4],
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let program = ChildProgram { path: env!("CARGO_BIN_EXE_safelight").into(), args: vec![CHILD_COMMAND.into()] };
    // As important as this process: who yields to whom is not what is measured.
    let spawner = Spawner::start(program, ChildLimits { nice: 0, ..Default::default() }).expect("a thread");
    let criterion = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    let mut criterion = criterion.configure_from_args();
    spawn_to_ready(&mut criterion, &runtime, &spawner);
    job(&mut criterion, &runtime, &spawner, &Sample::new());
    criterion.final_summary();
}
