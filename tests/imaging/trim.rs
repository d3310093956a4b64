//! Borders that are cut off.

use gif::Repeat;
use image::{ColorType, DynamicImage, Rgba, RgbaImage};
use safelight::domain::format::Format;

use crate::animation::{decoded, gif_of};
use crate::common::{COLOR_TYPES, Samples, assert_sizes, convert, file, run, run_to_pixels, sample};
use crate::operations::holder;
use crate::resize::on_canvas;

/// Something that fills its bounds, on a canvas.
fn framed(color: ColorType, border: [u8; 4]) -> (DynamicImage, DynamicImage) {
    let inner = convert(RgbaImage::from_pixel(9, 7, Rgba([10, 200, 90, 255])).into(), color);
    (on_canvas(&inner, (20, 30), (4, 11), border), inner)
}

#[test]
fn what_is_inside_a_border_is_left() {
    for color in COLOR_TYPES {
        for border in [[255; 4], [0, 0, 0, 255], [30, 60, 120, 255], [0; 4]] {
            let (image, inner) = framed(color, border);
            let found = run_to_pixels(&file(&image, holder(image.color())), "trim");
            let expected = Samples::of(&convert(inner, image.color()));
            Samples::of(&found).assert_near(&expected, f64::from(f32::EPSILON), &format!("{color:?} {border:?}"));
        }
    }
}

#[test]
fn the_threshold_says_what_belongs_to_the_border() {
    let mut image = RgbaImage::from_pixel(20, 10, Rgba([100, 100, 100, 255]));
    image.put_pixel(5, 4, Rgba([100, 151, 100, 255]));
    image.put_pixel(15, 6, Rgba([100, 100, 90, 255]));
    let input = file(&image.into(), Format::Png);
    assert_sizes(
        &input,
        &[
            ("trim", (1, 1)),
            ("trim:3.9", (11, 3)),
            ("trim:19.9", (1, 1)),
            ("trim:20", (20, 10)),
            ("trim:0,color=646464", (11, 3)),
            ("trim:color=white", (20, 10)),
            ("trim:color=649764", (20, 10)),
        ],
    );
}

#[test]
fn the_colour_of_what_is_transparent_does_not_matter() {
    let mut image = sample(20, 10, ColorType::Rgba8).into_rgba8();
    image.pixels_mut().for_each(|pixel| pixel[3] = 0);
    image.put_pixel(5, 4, Rgba([0, 0, 0, 255]));
    let (_, info) = run(&file(&image.into(), Format::Png), "trim").expect("it runs");
    assert_eq!((info.width, info.height), (1, 1));
}

#[test]
fn steps_after_it_see_the_size_that_is_left() {
    let (image, _) = framed(ColorType::Rgb8, [255; 4]);
    let input = file(&image, Format::Png);
    let (_, info) = run(&input, "trim/resize:18x,enlarge=true").expect("it runs");
    assert_eq!((info.width, info.height), (18, 14));
    assert!(run(&input, "trim/crop:1x1,x=9").is_err());
    // Inverted first, the border is black.
    assert_eq!(run(&input, "invert/trim:color=black").expect("it runs").1.width, 9);
}

#[test]
fn the_first_frame_decides_for_an_animation() {
    let picture = |left: u32| {
        RgbaImage::from_fn(20, 10, |x, y| {
            let inside = (left..left + 8).contains(&x) && (3..7).contains(&y);
            Rgba(if inside { [200, 30, 10, 255] } else { [255; 4] })
        })
    };
    let pictures = [picture(2), picture(6), picture(0)];
    let (file, _) = run(&gif_of(&pictures, Some(Repeat::Infinite)), "trim/png").expect("it runs");
    let expected: Vec<_> = pictures.iter().map(|picture| image::imageops::crop_imm(picture, 2, 3, 8, 4).to_image()).collect();
    assert!(decoded(&file).0.into_iter().map(|(frame, _)| frame).eq(expected));
}
