//! Pictures that go from a JPEG file to the next by rows: the file is the one that is made of the picture as a whole, and its pixels
//! are never in memory at once.

use std::io::{Cursor, Seek};

use image::{ColorType, DynamicImage, GrayImage, Luma};
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::Pipeline;
use safelight::imaging::{self, Assets, ImagingError, OutputInfo};

use crate::allocation::peak_of;
use crate::common::{file, run, sample};
use crate::profile::tagged_as;
use crate::shrinking::oriented;

/// What the pipeline makes beside one that takes the picture as a whole, so that this one does, too.
fn at_once(input: &[u8], pipeline: &str) -> (Vec<u8>, OutputInfo) {
    let pipelines: Vec<Pipeline> = [pipeline, "blur:1/png"].iter().map(|text| text.parse().expect("a pipeline")).collect();
    let mut outs = [Cursor::new(Vec::new()), Cursor::new(Vec::new())];
    let mut info = None;
    let places = outs.iter_mut().collect();
    imaging::run_all(
        input,
        &pipelines.iter().collect::<Vec<_>>(),
        &Assets::default(),
        &ImageLimits::default(),
        places,
        &mut |index, made| {
            if index == 0 {
                info = Some(made);
            }
        },
    )
    .expect("it decodes");
    let [first, _] = outs;
    (first.into_inner(), info.expect("each is told").expect("it is made"))
}

const PIPELINES: [&str; 9] = [
    "swap_channels",
    "jpeg:q=90,subsampling=444",
    "jpeg:subsampling=422",
    "invert/gamma:2/jpeg:q=30",
    "grayscale/jpeg",
    "duotone:003366,ffcc99",
    "opacity:0.5/jpeg:q=70",
    "flatten:336699/sepia/contrast:1.5",
    "input:profile=keep/hue:40",
];

#[test]
fn a_file_is_that_of_the_picture_as_a_whole_to_the_byte() {
    for color in [ColorType::L8, ColorType::Rgb8] {
        // Neither of them whole blocks; more and fewer rows than a strip has.
        for size in [(61, 43), (1, 1), (17, 16), (300, 15), (40, 129)] {
            let image = sample(size.0, size.1, color);
            let plain = file(&image, Format::Jpeg);
            for input in [plain, tagged_as(&image, Format::Jpeg)] {
                for pipeline in PIPELINES {
                    let (by_rows, whole) = (run(&input, pipeline).expect("it is made"), at_once(&input, pipeline));
                    assert!(by_rows.0 == whole.0, "{color:?} {size:?} {pipeline}");
                    assert_eq!(by_rows.1, whole.1, "{color:?} {size:?} {pipeline}");
                }
            }
        }
    }
}

#[test]
fn what_is_seen_of_a_mirrored_picture_is_what_its_whole_shows() {
    // Dark on the left, with a dark bar below; the edges lie between blocks.
    let picture: DynamicImage = GrayImage::from_fn(128, 128, |x, y| Luma([if x < 64 || y >= 96 { 30 } else { 200 }])).into();
    for orientation in 1..=4 {
        let input = oriented(&picture, orientation);
        let (_, info) = run(&input, "resize:96x/png").expect("it is made");
        assert_eq!(info.glance, at_once(&input, "resize:96x/png").1.glance, "orientation {orientation}");
    }
}

fn run_within(
    input: &[u8],
    pipeline: &str,
    limits: &ImageLimits,
    out: &mut (impl std::io::Write + Seek),
) -> Result<OutputInfo, ImagingError> {
    imaging::run(input, &pipeline.parse().expect("a pipeline"), &Assets::default(), limits, out)
}

#[test]
fn the_pixels_are_never_there_at_once() {
    let pixels = 3000 * 2000 * 3;
    let input = file(&sample(3000, 2000, ColorType::Rgb8), Format::Jpeg);
    for (pipeline, most) in [("swap_channels/jpeg:q=85", 4), ("contrast:1.2/jpeg:q=50", 4), ("resize:1300x/png", 1)] {
        let mut out = Cursor::new(Vec::with_capacity(8 << 20));
        let (made, peak) = peak_of(|| run_within(&input, pipeline, &ImageLimits::default(), &mut out));
        made.expect("it is made");
        println!("{pipeline}: {peak} bytes, {pixels} of pixels");
        assert!(peak < pixels / most, "{pipeline}: {peak} bytes, {pixels} of pixels");
    }
    let (_, peak) = peak_of(|| run_within(&input, "flip:vertical/jpeg", &ImageLimits::default(), &mut Cursor::new(Vec::new())));
    assert!(peak > pixels, "that needs all of them: {peak}");
}

#[test]
fn what_does_not_fit_or_is_damaged_is_refused_on_the_way() {
    let input = file(&DynamicImage::from(sample(900, 700, ColorType::Rgb8).into_rgb8()), Format::Jpeg);
    let limits = ImageLimits { max_output_bytes: 5000, ..ImageLimits::default() };
    let refused = run_within(&input, "invert", &limits, &mut Cursor::new(Vec::new()));
    assert!(matches!(refused, Err(ImagingError::Limit(_))), "{refused:?}");
    let cut = &input[..input.len() - input.len() / 4];
    let corrupt = run_within(cut, "invert", &ImageLimits::default(), &mut Cursor::new(Vec::new()));
    assert!(matches!(corrupt, Err(ImagingError::Corrupt(_))), "{corrupt:?}");
}
