//! What the common jobs on photographs cost, in time of one core: a thumbnail, a smaller picture, all pixels changed. The
//! photographs are those of the folder `SAFELIGHT_PHOTOS`, else `../shared/photos`; without them nothing is measured.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::time::Duration;

use criterion::Criterion;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::Pipeline;
use safelight::imaging::{self, Assets};

/// A photograph and what is done to it.
const JOBS: [(&str, &str); 5] = [
    ("p12_seeding.jpg", "resize:400x400/jpeg:q=80"),
    ("p12_sunset.jpg", "resize:400x400/jpeg:q=80"),
    ("p12_seeding.jpg", "resize:1600x1600/webp"),
    ("p12_seeding.jpg", "swap_channels:bgr/jpeg:q=85"),
    ("p1_seeding.jpg", "resize:200x200,fit=cover/jpeg:q=80"),
];

fn main() {
    let criterion = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    let mut criterion = criterion.configure_from_args();
    let folder = std::env::var_os("SAFELIGHT_PHOTOS");
    let folder = folder.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/photos"), PathBuf::from);
    for (photograph, steps) in JOBS {
        let Ok(input) = fs::read(folder.join(photograph)) else {
            println!("skipped: no {photograph} (SAFELIGHT_PHOTOS)");
            continue;
        };
        let pipeline: Pipeline = steps.parse().expect("a pipeline");
        // The result's buffer is kept, as a worker keeps its own.
        let mut out = Cursor::new(Vec::new());
        criterion.bench_function(&format!("{photograph} {steps}"), |bencher| {
            bencher.iter(|| {
                out.get_mut().clear();
                out.set_position(0);
                imaging::run(&input, &pipeline, &Assets::default(), &ImageLimits::default(), &mut out).expect("it is processed")
            });
        });
    }
    criterion.final_summary();
}
