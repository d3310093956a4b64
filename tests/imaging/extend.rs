//! Larger canvases, pixel by pixel.

use image::ColorType;
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, file, run, run_to_pixels, sample};
use crate::operations::holder;
use crate::resize::{CANVASES, on_canvas};

#[test]
fn the_image_is_where_it_should_be_on_a_canvas_of_the_colour() {
    for color in COLOR_TYPES {
        let image = sample(20, 10, color);
        let input = file(&image, holder(color));
        for (background, colour) in CANVASES {
            for (arguments, size, at) in [
                ("3", (26, 16), (3, 3)),
                ("10%", (24, 12), (2, 1)),
                ("5,top=0,left=1", (26, 15), (1, 0)),
                ("right=7", (27, 10), (0, 0)),
                ("bottom=50%,left=2", (22, 15), (2, 0)),
                ("size=30x15", (30, 15), (5, 2)),
                ("size=x15,gravity=southeast", (20, 15), (0, 5)),
                ("size=30x5,gravity=west", (30, 10), (0, 0)),
                ("aspect=1x1", (20, 20), (0, 5)),
                ("aspect=3x1,gravity=east", (30, 10), (10, 0)),
                ("aspect=2x1", (20, 10), (0, 0)),
                ("0", (20, 10), (0, 0)),
            ] {
                let pipeline = format!("extend:{arguments},bg={background}");
                let found = run_to_pixels(&input, &pipeline);
                let expected = if size == (20, 10) { image.clone() } else { on_canvas(&image, size, at, colour) };
                Samples::of(&found).assert_near(&Samples::of(&expected), f64::from(f32::EPSILON), &format!("{color:?} {pipeline}"));
            }
        }
    }
}

#[test]
fn point_operations_before_a_canvas_leave_it_alone() {
    let image = sample(6, 4, ColorType::Rgb8);
    let input = file(&image, Format::Png);
    for (pipeline, same) in [
        ("invert/extend:2,bg=20a040", "extend:2,bg=df5fbf/invert"),
        ("invert/resize:10x8,fit=contain", "resize:10x8,fit=contain,bg=000/invert"),
    ] {
        assert!(run_to_pixels(&input, pipeline) == run_to_pixels(&input, same), "{pipeline}");
    }
}

#[test]
fn a_canvas_beyond_the_limits_is_refused_before_anything_is_decoded() {
    let input = file(&sample(20, 10, ColorType::L8), Format::Png);
    for pipeline in ["extend:65535", "extend:size=65535x65535", "extend:aspect=1x65535", "extend:65535/extend:65535"] {
        let error = run(&input, pipeline).expect_err(pipeline);
        assert!(error.to_string().starts_with("too large: max_"), "{pipeline}: {error}");
    }
}
