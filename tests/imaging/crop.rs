//! Parts of images, pixel by pixel against the `image` crate's.

use image::ColorType;
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::pipeline::{Pipeline, Scale};
use safelight::imaging;

use crate::common::{COLOR_TYPES, file, photos, run, run_to_pixels, sample};
use crate::operations::holder;
use crate::photographs::{decode, psnr};

/// Left, top, width and height of what a crop keeps of 40x30 pixels.
const CROPS: [(&str, [u32; 4]); 24] = [
    ("crop:10x8", [15, 11, 10, 8]),
    ("crop:11x", [14, 0, 11, 30]),
    ("crop:x7", [0, 11, 40, 7]),
    ("crop:25%x50%", [15, 7, 10, 15]),
    ("crop:90x90", [0, 0, 40, 30]),
    ("crop:0.001%x100%", [19, 0, 1, 30]),
    ("crop:10x8,gravity=northwest", [0, 0, 10, 8]),
    ("crop:10x8,gravity=north", [15, 0, 10, 8]),
    ("crop:10x8,gravity=northeast", [30, 0, 10, 8]),
    ("crop:10x8,gravity=west", [0, 11, 10, 8]),
    ("crop:10x8,gravity=east", [30, 11, 10, 8]),
    ("crop:10x8,gravity=southwest", [0, 22, 10, 8]),
    ("crop:10x8,gravity=south", [15, 22, 10, 8]),
    ("crop:10x8,gravity=southeast", [30, 22, 10, 8]),
    ("crop:10x8,gravity=0.25;0.5", [5, 11, 10, 8]),
    ("crop:10x8,gravity=0;1", [0, 22, 10, 8]),
    ("crop:10x8,x=3,y=4", [3, 4, 10, 8]),
    ("crop:10x8,x=50%,y=10%", [20, 3, 10, 8]),
    ("crop:10x8,x=39,y=25", [39, 25, 1, 5]),
    ("crop:10x8,y=2", [0, 2, 10, 8]),
    ("crop:aspect=1x1", [5, 0, 30, 30]),
    ("crop:aspect=2x1,gravity=south", [0, 10, 40, 20]),
    ("crop:aspect=1x60,gravity=east", [39, 0, 1, 30]),
    ("crop:20x20/crop:10x10,x=2,y=3", [12, 8, 10, 10]),
];

#[test]
fn a_crop_keeps_the_pixels_of_its_part() {
    for color in COLOR_TYPES {
        let image = sample(40, 30, color);
        let input = file(&image, holder(color));
        for (pipeline, [left, top, width, height]) in CROPS {
            let expected = image.crop_imm(left, top, width, height);
            assert!(run_to_pixels(&input, pipeline) == expected, "{color:?} {pipeline}");
        }
    }
}

#[test]
fn a_part_that_begins_beyond_the_image_is_an_error() {
    let input = file(&sample(40, 30, ColorType::Rgb8), Format::Png);
    for pipeline in ["crop:1x1,x=40", "crop:1x1,y=30", "crop:5x5,x=100%", "resize:20x/crop:1x1,x=20"] {
        let error = run(&input, pipeline).expect_err(pipeline);
        assert_eq!(error.code(), ErrorCode::OperationFailed);
        assert!(error.to_string().starts_with("crop: the part begins beyond the image, which has "), "{error}");
    }
}

#[test]
fn point_operations_around_a_crop_see_the_same_pixels() {
    let image = sample(40, 30, ColorType::Rgba8);
    let input = file(&image, Format::Png);
    let apart = file(&run_to_pixels(&input, "invert/brightness:0.7"), Format::Png);
    let expected = run_to_pixels(&apart, "crop:10x8,x=3,y=4");
    assert!(run_to_pixels(&input, "invert/crop:10x8,x=3,y=4/brightness:0.7") == expected);
}

#[test]
fn a_crop_of_a_photograph_is_resized_from_as_few_pixels_as_it_needs() {
    let Some(photos) = photos() else { return };
    let input = std::fs::read(photos.join("p12_seeding.jpg")).expect("readable");
    let info = imaging::probe(&input).expect("the header is whole");
    let whole = file(&decode(&input).into(), Format::Png);
    for (pipeline, scale) in [
        ("crop:1201x1203,x=1001,y=703/resize:150x", Scale::Quarter),
        ("crop:50%x50%,gravity=southeast/resize:90x90,fit=fill", Scale::Quarter),
        ("crop:80%x/crop:1777x/invert/resize:300x300,fit=cover", Scale::Half),
    ] {
        assert_eq!(info.scale(&pipeline.parse::<Pipeline>().expect("a pipeline")), scale, "{pipeline}");
        let (found, expected) = (run_to_pixels(&input, &format!("{pipeline}/png")), run_to_pixels(&whole, &format!("{pipeline}/png")));
        assert_eq!((found.width(), found.height()), (expected.width(), expected.height()));
        let ratio = psnr(&found.into_rgb8(), &expected.into_rgb8());
        println!("{pipeline}: {ratio:.2} dB");
        assert!(ratio > 38.0, "{pipeline}: {ratio:.2} dB");
    }
}

#[test]
fn what_is_cut_off_does_not_bleed_into_a_thumbnail() {
    // White, with a black middle.
    let image =
        image::GrayImage::from_fn(640, 640, |x, y| image::Luma([if (160..480).contains(&x) && (160..480).contains(&y) { 0 } else { 255 }]));
    let input = file(&image.into(), Format::Jpeg);
    let info = imaging::probe(&input).expect("the header is whole");
    let pipeline = "crop:320x320/resize:20x";
    assert_eq!(info.scale(&pipeline.parse().expect("a pipeline")), Scale::Eighth);
    let thumbnail = run_to_pixels(&input, &format!("{pipeline}/png")).into_luma8();
    assert!(thumbnail.pixels().all(|pixel| pixel[0] < 3), "{thumbnail:?}");
}
