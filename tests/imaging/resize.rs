//! The ways to a size: which part is kept, what the canvas is made of, how large the result is.

use image::{ColorType, DynamicImage, GenericImage, Rgba};
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, assert_sizes, convert, file, run_to_pixels, sample};
use crate::operations::holder;

/// A canvas with the image on it, in a pixel type that has both.
pub(crate) fn on_canvas(image: &DynamicImage, size: (u32, u32), at: (u32, u32), colour: [u8; 4]) -> DynamicImage {
    let kind = image.color();
    let colours = kind.has_color() || colour[0] != colour[1] || colour[1] != colour[2];
    let kind = match (kind.bytes_per_pixel() / kind.channel_count(), colours, kind.has_alpha() || colour[3] < 255) {
        (1, false, false) => ColorType::L8,
        (1, false, true) => ColorType::La8,
        (1, true, false) => ColorType::Rgb8,
        (1, true, true) => ColorType::Rgba8,
        (2, false, false) => ColorType::L16,
        (2, false, true) => ColorType::La16,
        (2, true, false) => ColorType::Rgb16,
        (2, true, true) => ColorType::Rgba16,
        (_, _, false) => ColorType::Rgb32F,
        _ => ColorType::Rgba32F,
    };
    let canvas = image::RgbaImage::from_pixel(size.0, size.1, Rgba(colour));
    let mut canvas = convert(canvas.into(), kind);
    let image = convert(image.clone(), kind);
    for (y, x) in (0..image.height()).flat_map(|y| (0..image.width()).map(move |x| (y, x))) {
        match (&mut canvas, &image) {
            // `DynamicImage` gives its pixels as 8 bits only.
            (DynamicImage::ImageLuma16(to), DynamicImage::ImageLuma16(from)) => to.put_pixel(at.0 + x, at.1 + y, *from.get_pixel(x, y)),
            (DynamicImage::ImageLumaA16(to), DynamicImage::ImageLumaA16(from)) => to.put_pixel(at.0 + x, at.1 + y, *from.get_pixel(x, y)),
            (DynamicImage::ImageRgb16(to), DynamicImage::ImageRgb16(from)) => to.put_pixel(at.0 + x, at.1 + y, *from.get_pixel(x, y)),
            (DynamicImage::ImageRgba16(to), DynamicImage::ImageRgba16(from)) => to.put_pixel(at.0 + x, at.1 + y, *from.get_pixel(x, y)),
            (DynamicImage::ImageRgb32F(to), DynamicImage::ImageRgb32F(from)) => to.put_pixel(at.0 + x, at.1 + y, *from.get_pixel(x, y)),
            (DynamicImage::ImageRgba32F(to), DynamicImage::ImageRgba32F(from)) => to.put_pixel(at.0 + x, at.1 + y, *from.get_pixel(x, y)),
            (to, from) => to.put_pixel(at.0 + x, at.1 + y, image::GenericImageView::get_pixel(from, x, y)),
        }
    }
    canvas
}

/// Of every pixel type, on a white, a coloured and a see-through canvas.
pub(crate) const CANVASES: [(&str, [u8; 4]); 4] =
    [("white", [255; 4]), ("20a040", [0x20, 0xa0, 0x40, 255]), ("80808040", [0x80, 0x80, 0x80, 0x40]), ("transparent", [0; 4])];

#[test]
fn contain_lays_the_image_on_a_canvas_of_the_box() {
    for color in COLOR_TYPES {
        let image = sample(20, 10, color);
        let input = file(&image, holder(color));
        for (background, colour) in CANVASES {
            for (gravity, at) in [("center", (3, 7)), ("northwest", (0, 0)), ("southeast", (7, 15)), ("east", (7, 7))] {
                let found = run_to_pixels(&input, &format!("resize:27x25,fit=contain,bg={background},gravity={gravity}"));
                let expected = on_canvas(&image, (27, 25), at, colour);
                let what = format!("{color:?} {background} {gravity}");
                Samples::of(&found).assert_near(&Samples::of(&expected), f64::from(f32::EPSILON), &what);
            }
        }
    }
}

#[test]
fn what_contain_makes_smaller_is_what_inside_makes_of_it() {
    let image = sample(60, 40, ColorType::Rgb8);
    let input = file(&image, Format::Png);
    let inner = run_to_pixels(&input, "resize:30x30,fit=inside");
    assert_eq!((inner.width(), inner.height()), (30, 20));
    let found = run_to_pixels(&input, "resize:30x30,fit=contain,gravity=south,bg=000");
    assert!(found == on_canvas(&inner, (30, 30), (0, 10), [0, 0, 0, 255]));
    let grown = run_to_pixels(&input, "resize:90x90,enlarge=true");
    assert!(run_to_pixels(&input, "resize:90x90,fit=contain,enlarge=true") == on_canvas(&grown, (90, 90), (0, 15), [255; 4]));
}

#[test]
fn cover_keeps_what_it_is_told_to() {
    let wide = sample(40, 30, ColorType::Rgba16);
    let input = file(&wide, Format::Png);
    for (gravity, left) in [("west", 0), ("center", 5), ("northeast", 10), ("0.2;0.9", 0), ("0.5;0", 5), ("0.6;0", 9)] {
        let found = run_to_pixels(&input, &format!("resize:30x30,fit=cover,gravity={gravity}"));
        assert!(found == wide.crop_imm(left, 0, 30, 30), "{gravity}");
    }
    // The same part, made smaller.
    let expected = run_to_pixels(&input, "crop:30x30,gravity=east/resize:15x15");
    let found = run_to_pixels(&input, "resize:15x15,fit=cover,gravity=east");
    Samples::of(&found).assert_near(&Samples::of(&expected), 3000.0, "but for the border");
}

#[test]
fn sizes_follow_from_percentages_minima_and_pixel_ratios() {
    let input = file(&sample(80, 40, ColorType::Rgb8), Format::Png);
    assert_sizes(
        &input,
        &[
            ("resize:50%", (40, 20)),
            ("resize:0.001%", (1, 1)),
            ("resize:250%", (80, 40)),
            ("resize:250%,enlarge=true", (200, 100)),
            ("resize:12.5%", (10, 5)),
            ("resize:12.5%,dpr=1.5", (15, 8)),
            ("resize:20x,dpr=2", (40, 20)),
            ("resize:20x20,dpr=0.5", (10, 5)),
            ("resize:60x,dpr=2", (80, 40)),
            ("resize:60x,dpr=2,enlarge=true", (120, 60)),
            ("resize:20x20,fit=cover,dpr=1.5", (30, 30)),
            ("resize:20x20,fit=contain,dpr=3", (60, 60)),
            ("resize:20x20,min_height=20", (40, 20)),
            ("resize:20x20,min_width=10", (20, 10)),
            ("resize:20x20,min_width=30,min_height=20", (40, 20)),
            ("resize:20x,min_height=100", (80, 40)),
            ("resize:20x,min_height=100,enlarge=true", (200, 100)),
            ("resize:20x,min_height=15,dpr=2", (60, 30)),
            ("resize:20x15,fit=outside,min_width=50", (50, 25)),
            ("resize:100x100,fit=contain", (100, 100)),
        ],
    );
}
