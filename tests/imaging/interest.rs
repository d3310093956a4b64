//! Parts that are chosen by what an image shows: pictures with one place that should be kept.

use image::{ColorType, DynamicImage, Rgb, RgbImage};
use safelight::domain::format::Format;
use safelight::domain::pipeline::{Pipeline, Scale};
use safelight::imaging;

use crate::animation::{decoded, gif_of};
use crate::common::{COLOR_TYPES, Samples, convert, file, run, run_to_pixels};
use crate::operations::holder;

/// Left, top, width, height.
type Rectangle = [u32; 4];

const GRAY: [u8; 3] = [120; 3];

fn is_inside([left, top, width, height]: Rectangle, x: u32, y: u32) -> bool {
    (left..left + width).contains(&x) && (top..top + height).contains(&y)
}

/// A flat background with something on it.
fn picture((width, height): (u32, u32), background: [u8; 3], place: Rectangle, paint: fn(u32, u32) -> [u8; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb(if is_inside(place, x, y) { paint(x, y) } else { background }))
}

fn noise(x: u32, y: u32) -> [u8; 3] {
    let hash = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917);
    // None is the background's gray.
    [(hash >> 8) as u8 | 1, (hash >> 16) as u8 | 1, (hash >> 24) as u8 | 1]
}

fn stripes(x: u32, _: u32) -> [u8; 3] {
    if (x / 8).is_multiple_of(2) { [250; 3] } else { [10; 3] }
}

/// How many pixels of an image are other than its background's.
fn seen(image: &DynamicImage, background: [u8; 3]) -> usize {
    let background = Samples::of(&convert(RgbImage::from_pixel(1, 1, Rgb(background)).into(), image.color()));
    Samples::of(image).pixels().filter(|pixel| *pixel != background.pixel(0, 0)).count()
}

const PLACES: [(u32, u32); 5] = [(0, 0), (160, 120), (80, 60), (13, 110), (140, 21)];

#[test]
fn a_crop_keeps_all_of_the_one_thing_there_is() {
    for color in COLOR_TYPES {
        for (left, top) in PLACES {
            for (asked, paint) in [("entropy", noise as fn(u32, u32) -> [u8; 3]), ("attention", noise), ("attention", stripes)] {
                let image = convert(picture((200, 150), GRAY, [left, top, 40, 30], paint).into(), color);
                let all = seen(&image, GRAY);
                assert!(all > 1000, "{all}");
                let found = run_to_pixels(&file(&image, holder(color)), &format!("crop:70x60,g={asked}"));
                assert_eq!((found.width(), found.height()), (70, 60));
                assert_eq!(seen(&found, GRAY), all, "{color:?} {asked} {left},{top}");
            }
        }
    }
}

#[test]
fn strong_colours_draw_attention_but_not_by_their_area() {
    for (left, top) in PLACES {
        let image = picture((200, 150), GRAY, [left, top, 40, 30], |_, _| [220, 90, 30]);
        let found = run_to_pixels(&file(&image.into(), Format::Png), "crop:70x60,g=attention");
        assert_eq!(seen(&found, GRAY), 40 * 30, "{left},{top}");
    }
    let beach = RgbImage::from_fn(200, 150, |x, y| {
        let ball = is_inside([150, 110, 20, 20], x, y);
        Rgb(if ball {
            [230, 60, 40]
        } else if y < 75 {
            [80, 140, 230]
        } else {
            [150, 145, 140]
        })
    });
    let found = run_to_pixels(&file(&beach.into(), Format::Png), "crop:60x50,g=attention").into_rgb8();
    assert_eq!(found.pixels().filter(|pixel| pixel.0 == [230, 60, 40]).count(), 400);
}

#[test]
fn skin_draws_more_attention_than_another_colour_as_light_and_as_strong() {
    for (skin, other) in [(20, 150), (150, 20)] {
        let image = RgbImage::from_fn(200, 100, |x, y| {
            Rgb(match (is_inside([skin, 30, 30, 40], x, y), is_inside([other, 30, 30, 40], x, y)) {
                (true, _) => [210, 155, 125],
                (_, true) => [125, 172, 210],
                _ => [165; 3],
            })
        });
        let found = run_to_pixels(&file(&image.into(), Format::Png), "resize:100x100,fit=cover,g=attention").into_rgb8();
        assert_eq!((found.width(), found.height()), (100, 100));
        assert_eq!(found.pixels().filter(|pixel| pixel.0 == [210, 155, 125]).count(), 30 * 40, "{skin}");
    }
}

#[test]
fn a_cover_keeps_the_same_part_of_a_jpeg_that_is_decoded_at_a_scale() {
    for left in [0, 350, 1150, 1400] {
        let image: DynamicImage = picture((1600, 400), GRAY, [left, 100, 200, 200], |_, _| [250; 3]).into();
        let (jpeg, png) = (file(&image, Format::Jpeg), file(&image, Format::Png));
        let info = imaging::probe(&jpeg).expect("a header");
        for asked in ["entropy", "attention"] {
            for pipeline in [format!("resize:40x40,fit=cover,g={asked}/png"), format!("crop:400x400,g={asked}/resize:40x/png")] {
                let parsed: Pipeline = pipeline.parse().expect("a pipeline");
                assert_ne!(info.scale(&parsed), Scale::Full, "{pipeline}");
                let (found, whole) = (run_to_pixels(&jpeg, &pipeline).into_luma8(), run_to_pixels(&png, &pipeline).into_luma8());
                assert_eq!(found.dimensions(), (40, 40));
                for picture in [&found, &whole] {
                    // Of the thing, 20x20 pixels are left; all are far from the background.
                    let seen = picture.pixels().filter(|pixel| pixel[0].abs_diff(120) > 60).count();
                    assert!((360..=440).contains(&seen), "{pipeline} {left}: {seen}");
                }
            }
        }
    }
}

#[test]
fn the_first_frame_decides_for_an_animation() {
    let frame = |left| DynamicImage::from(picture((100, 60), GRAY, [left, 20, 16, 16], |_, _| [250, 20, 20])).into_rgba8();
    for step in ["crop:40x60,g=entropy", "crop:40x60,g=attention", "resize:40x60,fit=cover,g=entropy", "resize:40x60,fit=cover,g=attention"]
    {
        let (animation, _) = run(&gif_of(&[frame(70), frame(5)], None), &format!("{step}/png")).expect("it runs");
        let seen: Vec<usize> =
            decoded(&animation).0.iter().map(|(frame, _)| frame.pixels().filter(|pixel| pixel[0] > 200).count()).collect();
        assert_eq!(seen, [256, 0], "{step}");
    }
}

#[test]
fn what_comes_before_is_seen() {
    // Thrown away before the look: the right half; darkened: nothing is lost of what is left.
    let image = RgbImage::from_fn(200, 60, |x, y| {
        Rgb(if is_inside([150, 10, 40, 40], x, y) {
            noise(x, y)
        } else if is_inside([60, 20, 10, 10], x, y) {
            [250; 3]
        } else {
            GRAY
        })
    });
    let input = file(&image.into(), Format::Png);
    for asked in ["entropy", "attention"] {
        let found = run_to_pixels(&input, &format!("brightness:0.5/crop:100x60,x=0/crop:30x60,g={asked}")).into_rgb8();
        assert_eq!(found.pixels().filter(|pixel| pixel.0 == [125; 3]).count(), 100, "{asked}");
    }
    let white = file(&DynamicImage::from(RgbImage::from_pixel(9, 7, Rgb([255; 3]))), Format::Png);
    for pipeline in ["crop:3x7,g=entropy", "crop:1x1,g=attention", "resize:9x7,fit=cover,g=attention", "crop:900x1,g=entropy"] {
        run(&white, pipeline).expect("there is nothing to see");
    }
    let one = file(&convert(DynamicImage::from(RgbImage::from_pixel(1, 1, Rgb(GRAY))), ColorType::La16), Format::Png);
    assert_eq!(run_to_pixels(&one, "crop:1x1,g=attention").width(), 1);
}
