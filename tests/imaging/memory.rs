//! The estimate of memory against the memory that was used.

use std::io::{self, Seek, SeekFrom, Write};

use image::ColorType;
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::{Pipeline, cost};
use safelight::imaging::{self, Assets};

use crate::allocation::{hold, peak_of, peaks_of};
use crate::common::{COLOR_TYPES, file, photos, sample, try_file, written};
use crate::formats::with_profile;

/// Such as change the pixel type, some of them one after the other.
const POINT_OPERATIONS: [&str; 10] = [
    "gamma:2",
    "threshold",
    "normalize",
    "sepia",
    "opacity:0.5",
    "flatten",
    "flatten:336699",
    "sepia/opacity:0.5",
    "flatten:336699/grayscale/duotone:003366,ffcc99/opacity:0.5",
    "tint:336699/rotate:90/opacity:0.5/resize:400x",
];

/// Such as look at a pixel with its neighbours.
const AREA_OPERATIONS: [&str; 15] = [
    "blur:0.5",
    "blur:4",
    "blur:40",
    "sharpen",
    "text:Hello",
    "text:Wg,size=300/tiff",
    "text:Wg%20W,size=20%,color=336699,tile=true/tiff",
    "median",
    "median:3",
    "pixelate:2",
    "pixelate:40",
    "round:30",
    "round:30/tiff",
    "circle",
    "resize:301x300,fit=fill/circle/tiff",
];

/// Such as change the size.
const GEOMETRY: [&str; 13] = [
    "crop:50%x50%,g=entropy/rotate:90",
    "resize:301x100,fit=cover,g=attention",
    "rotate:30",
    "rotate:45,bg=369",
    "rotate:-0.1,bg=white",
    "trim:50/rotate:90",
    "extend:50",
    "extend:aspect=3x1,bg=33669980",
    "resize:700x400,fit=contain,bg=33669980",
    "resize:200x600,fit=contain,enlarge=true,bg=369",
    "crop:50%x50%",
    "crop:90%x,x=3%/rotate:90",
    "crop:70%x/opacity:0.5/resize:90x",
];

/// Takes bytes and keeps none, but counts them as a file in memory that has them.
#[derive(Default)]
struct Sink {
    position: u64,
    len: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.position += bytes.len() as u64;
        self.len = self.len.max(self.position);
        hold(self.len);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.position.checked_add_signed(by).expect("in range"),
            SeekFrom::End(by) => self.len.checked_add_signed(by).expect("in range"),
        };
        Ok(self.position)
    }
}

/// Runs the pipeline and compares; returns by how much the estimate exceeds what was allocated and the result.
fn excess(name: &str, input: &[u8], pipeline: &str) -> f64 {
    let parsed: Pipeline = pipeline.parse().expect("the pipeline is one");
    let (info, probing) = peak_of(|| imaging::probe(input));
    let estimate = cost::peak_bytes(&info.expect("the header is whole"), &parsed);
    let mut sink = Sink::default();
    let (done, peak, with_result) = peaks_of(|| imaging::run(input, &parsed, &Assets::default(), &ImageLimits::default(), &mut sink));
    done.unwrap_or_else(|error| panic!("{name} {pipeline}: {error}"));
    let used = input.len() as u64 + with_result;
    let excess = estimate as f64 / (input.len() as u64 + peak + sink.len) as f64;
    println!("{name:20} {pipeline:30} used {used:10}, estimated {estimate:10}: {excess:.2}");
    assert!(estimate >= used, "{name} {pipeline}: used {used}, estimated {estimate}");
    assert!(probing < 300_000, "{name}: the header alone took {probing}");
    excess
}

#[test]
fn the_estimate_holds_for_every_pixel_type_and_format() {
    for color in COLOR_TYPES {
        let image = sample(500, 300, color);
        for format in Format::ALL {
            let Some(bytes) = try_file(&image, format) else { continue };
            for output in written() {
                excess(&format!("{format} {color:?}"), &bytes, &format!("swap_channels/{output}"));
            }
            for steps in [
                "rotate:90",
                "resize:400x",
                "resize:400x300,fit=cover",
                "resize:900x,enlarge=true",
                "grayscale",
                "jpeg:q=100",
                "png:colors=256",
                "png:colors=2,dither=0",
            ] {
                excess(&format!("{format} {color:?}"), &bytes, steps);
            }
            for steps in AREA_OPERATIONS {
                excess(&format!("{format} {color:?}"), &bytes, steps);
            }
            for steps in POINT_OPERATIONS.iter().chain(&GEOMETRY) {
                for output in ["", "/png", "/tiff"] {
                    excess(&format!("{format} {color:?}"), &bytes, &format!("{steps}{output}"));
                }
            }
        }
    }
}

#[test]
fn the_estimate_holds_for_assets_of_every_pixel_type() {
    for color in COLOR_TYPES {
        for (width, height) in [(500, 300), (60, 1000)] {
            let (image, asset) = (sample(400, 300, color), sample(width, height, color));
            let (image, asset) = (file(&image, crate::operations::holder(color)), file(&asset, crate::operations::holder(color)));
            let name = "logo".parse().expect("a name");
            for text in [
                "watermark:logo",
                "watermark:logo,scale=100%",
                "watermark:logo,scale=10%,tile=true",
                "rotate:90/watermark:logo/watermark:logo,x=3",
            ] {
                let pipeline: Pipeline = text.parse().expect("the pipeline is one");
                let limits = ImageLimits::default();
                let estimate = cost::peak_bytes(&imaging::probe(&image).expect("the header is whole"), &pipeline)
                    + imaging::probe_asset(&name, &asset, &limits).expect("the header is whole");
                let mut sink = Sink::default();
                let assets = Assets::new([(&name, asset.as_slice())]);
                let (done, _, peak) = peaks_of(|| imaging::run(&image, &pipeline, &assets, &limits, &mut sink));
                done.unwrap_or_else(|error| panic!("{color:?} {text}: {error}"));
                let used = (image.len() + asset.len()) as u64 + peak;
                assert!(estimate >= used, "{color:?} {width}x{height} {text}: used {used}, estimated {estimate}");
            }
        }
    }
}

#[test]
fn the_estimate_holds_for_animations_and_keeps_one_frame_at_a_time() {
    let frames: Vec<_> = (0..12).map(|shift| sample(300, 200, ColorType::Rgba8).huerotate(shift * 30).into_rgba8()).collect();
    let source = crate::animation::gif_of(&frames, None);
    for by in ["gif", "png", "webp:lossless=true"] {
        let mut animation = io::Cursor::new(Vec::new());
        let pipeline = by.parse().expect("the pipeline is one");
        imaging::run(&source, &pipeline, &Assets::default(), &ImageLimits::default(), &mut animation).expect("it converts");
        for output in ["gif", "png", "webp", "jpeg", "rotate:90/gif", "resize:900x,enlarge=true/png"] {
            excess(&format!("animated {by}"), animation.get_ref(), output);
        }
    }
    let mut sink = Sink::default();
    let (done, peak) =
        peak_of(|| imaging::run(&source, &"gif".parse().expect("a pipeline"), &Assets::default(), &ImageLimits::default(), &mut sink));
    done.expect("it runs");
    assert!(peak < 8 * 300 * 200 * 4, "{peak}");
}

#[test]
fn the_estimate_holds_for_a_profile_that_unpacks_to_a_giant() {
    let mut giant = vec![0; 32 << 20];
    giant[16..20].copy_from_slice(b"RGB ");
    let bytes = with_profile(&sample(2000, 1500, ColorType::Rgb8), Format::Png, giant);
    let pipeline = "invert/jpeg".parse().expect("the pipeline is one");
    let estimate = cost::peak_bytes(&imaging::probe(&bytes).expect("the header is whole"), &pipeline);
    let limits = ImageLimits { max_metadata_bytes: 32 << 20, ..ImageLimits::default() };
    let (done, used) = peak_of(|| imaging::run(&bytes, &pipeline, &Assets::default(), &limits, &mut Sink::default()));
    done.expect("it runs without the profile");
    assert!(used <= estimate, "used {used}, estimated {estimate}");
}

#[test]
fn the_estimate_holds_for_a_palette_of_more_pixels_than_it_is_chosen_from() {
    // Noise: hardly a colour comes twice.
    let noise = image::RgbaImage::from_fn(1500, 1000, |x, y| {
        image::Rgba(x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(2_246_822_519)).wrapping_mul(x | 1).to_le_bytes())
    });
    let bytes = file(&noise.into(), Format::Png);
    for pipeline in ["png:colors=256,dither=0", "resize:1000x,enlarge=true/png:colors=16"] {
        excess("noise", &bytes, pipeline);
    }
}

#[test]
fn the_estimate_holds_for_jpeg_of_noise() {
    let mut random = fastrand::Rng::with_seed(3);
    let (width, height) = (2200, 1500);
    // Flat at its top, so that codes that are made early know nothing of the rest: the two extremes in every channel.
    let noise = image::RgbImage::from_fn(width, height, |_, y| {
        if y < height / 8 { image::Rgb([90; 3]) } else { image::Rgb([(); 3].map(|()| 255 * random.u8(0..2))) }
    });
    for format in [Format::Jpeg, Format::Qoi] {
        let bytes = file(&noise.clone().into(), format);
        for (quality, subsampling) in [(1, 444), (80, 420), (90, 420), (90, 444), (91, 422), (100, 420), (100, 444)] {
            excess(&format!("noise {format}"), &bytes, &format!("jpeg:q={quality},subsampling={subsampling}"));
        }
    }
}

#[test]
fn the_estimate_is_not_far_off_for_photographs() {
    let Some(photos) = photos() else { return };
    for name in ["p12_seeding.jpg", "p12_sunset.jpg", "p12_sunset_prog.jpg", "p4_picos.png", "p4_picos.webp"] {
        let bytes = std::fs::read(photos.join(name)).expect("readable");
        for steps in ["swap_channels", "resize:400x", "rotate:90/jpeg", "png"] {
            let excess = excess(name, &bytes, steps);
            // libwebp allocates behind the back of the counting allocator.
            let counted = !name.ends_with(".webp") || steps.contains("png") || steps.contains("jpeg");
            assert!(excess < 4.0 || !counted, "{name} {steps}: {excess}");
        }
    }
}
