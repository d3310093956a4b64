//! The times per pixel that `src/domain/pipeline/cost/time.rs` estimates by, measured anew and printed beside what it says, in time of one
//! core. The picture is `p4_picos.png` of the folder `SAFELIGHT_PHOTOS`, else of `../shared/photos`.

use std::io::Cursor;
use std::path::PathBuf;
use std::time::Duration;

use image::DynamicImage;
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::cost::ImageInfo;
use safelight::domain::pipeline::{Output, Pipeline, Plan};
use safelight::imaging::{self, Assets};

/// Steps, each alone; they are measured between a BMP that is decoded and one that is encoded.
const STEPS: [&str; 31] = [
    "swap_channels",
    "invert",
    "grayscale",
    "gamma:2",
    "saturation:1.5",
    "saturation:1.5/hue:30/sepia/gamma:2",
    "normalize",
    "crop:90%x90%",
    "crop:50%x50%,g=entropy",
    "crop:50%x50%,g=attention",
    "rotate:90",
    "rotate:180",
    "rotate:12.5",
    "rotate:12.5,bg=white",
    "flip:horizontal",
    "resize:1200x",
    "resize:400x",
    "resize:100x",
    "extend:100",
    "trim",
    "blur:0.8",
    "blur:3",
    "blur:20",
    "sharpen",
    "pixelate:10",
    "median:1",
    "median:3",
    "round:20",
    "circle",
    "text:Safelight",
    "text:Safelight,tile=true",
];

/// Outputs, from pixels that were decoded from a BMP; AVIF where it is built.
const OUTPUTS: [&str; 17] = [
    "bmp",
    "tiff",
    "qoi",
    "gif",
    "png",
    "png:compression=balanced",
    "png:compression=best",
    "jpeg",
    "jpeg:progressive=true",
    "jpeg:subsampling=444",
    "jpeg:max_bytes=300000",
    "webp:effort=0",
    "webp",
    "webp:effort=6",
    "webp:lossless=true,effort=0",
    "webp:lossless=true",
    "avif",
];

/// Formats that are decoded.
const INPUTS: [Format; 7] = [Format::Png, Format::Jpeg, Format::Webp, Format::Gif, Format::Bmp, Format::Tiff, Format::Qoi];

/// The fastest of three runs, in nanoseconds of this thread.
fn time(input: &[u8], pipeline: &str) -> f64 {
    let pipeline: Pipeline = pipeline.parse().expect("a pipeline");
    let mut out = Cursor::new(Vec::new());
    let run = |_| {
        out.set_position(0);
        let start = now();
        imaging::run(input, &pipeline, &Assets::default(), &ImageLimits::default(), &mut out).expect("it is processed");
        (now() - start).as_nanos() as f64
    };
    (0..3).map(run).fold(f64::INFINITY, f64::min)
}

/// How long this thread has run.
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}

fn file(image: &DynamicImage, pipeline: &str) -> Vec<u8> {
    let mut bmp = Cursor::new(Vec::new());
    image.write_to(&mut bmp, image::ImageFormat::Bmp).expect("it encodes");
    let mut out = Cursor::new(Vec::new());
    imaging::run(bmp.get_ref(), &pipeline.parse().expect("a pipeline"), &Assets::default(), &ImageLimits::default(), &mut out)
        .expect("it encodes");
    out.into_inner()
}

/// A line of the table: what was measured and what is estimated, in milliseconds and for each pixel of the picture.
fn report(what: &str, measured: f64, estimated_ms: f64, pixels: f64) {
    let estimated = estimated_ms * 1e6;
    println!("{what:44} {:8.2} {:8.2} ns/pixel {:6.2}", measured / pixels, estimated / pixels, estimated / measured.max(1.0));
}

fn main() {
    let folder = std::env::var_os("SAFELIGHT_PHOTOS");
    let folder = folder.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/photos"), PathBuf::from);
    let Ok(image) = image::open(folder.join("p4_picos.png")) else {
        println!("skipped: no p4_picos.png (SAFELIGHT_PHOTOS)");
        return;
    };
    let image = DynamicImage::from(image.into_rgb8());
    let pixels = f64::from(image.width()) * f64::from(image.height());
    let bmp = file(&image, "bmp");
    let plan = |input: &[u8], pipeline: &str| {
        let info: ImageInfo = imaging::probe(input).expect("a header");
        Plan::new(&info, &pipeline.parse().expect("a pipeline")).expect("it has the frame")
    };
    println!("{:44} {:>8} {:>8}", "stage", "measured", "estimate");
    // What is read and written beside: a crop to one pixel leaves nothing to encode.
    let read = time(&bmp, "crop:1x1/bmp");
    report("decode bmp", read, plan(&bmp, "bmp").decode.time_ms, pixels);
    let write = time(&bmp, "bmp") - read;
    for output in OUTPUTS.into_iter().filter(|output| Output::is_built(output)) {
        report(&format!("encode {output}"), time(&bmp, output) - read, plan(&bmp, output).encode.time_ms, pixels);
    }
    for steps in STEPS {
        let (whole, plan) = (time(&bmp, &format!("{steps}/bmp")), plan(&bmp, &format!("{steps}/bmp")));
        let written = write * f64::from(plan.encode.width) * f64::from(plan.encode.height) / pixels;
        let estimated = plan.stages.iter().map(|stage| stage.time_ms).sum();
        report(steps, whole - read - written, estimated, pixels);
    }
    for format in INPUTS {
        let input = file(&image, format.name());
        report(&format!("decode {format}"), time(&input, "crop:1x1/bmp"), plan(&input, "bmp").decode.time_ms, pixels);
    }
    let jpeg = file(&image, "jpeg");
    for (steps, scale) in [("resize:25%", 2), ("resize:12.5%", 4), ("resize:6.25%", 8)] {
        let plan = plan(&jpeg, &format!("{steps}/bmp"));
        assert_eq!(plan.decode.scale, scale);
        report(&format!("whole: jpeg at 1/{scale}, {steps}"), time(&jpeg, &format!("{steps}/bmp")), plan.time_ms, pixels);
    }
    for pipeline in ["resize:400x400/jpeg:q=80", "resize:1600x1600/webp", "swap_channels/jpeg", "rotate:3/crop:80%x80%/sharpen/webp"] {
        report(&format!("whole: {pipeline}"), time(&jpeg, pipeline), plan(&jpeg, pipeline).time_ms, pixels);
    }
}
