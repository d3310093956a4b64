//! Operations on hue and saturation, sample by sample against the plainest statement of their formulas.

use crate::common::COLOR_TYPES;
use crate::operations::through;
use crate::tone::assert_pixels;

/// A formula of red, green and blue, for every pixel; gray ones have three equal channels.
fn of_colours(formula: impl Fn([f64; 3]) -> [f64; 3]) -> impl Fn(&[f64], bool) -> Vec<f64> {
    move |pixel, has_alpha| {
        let (colours, alpha) = pixel.split_at(pixel.len() - usize::from(has_alpha));
        let colours = match *colours {
            [r, g, b] => [r, g, b],
            _ => [colours[0]; 3],
        };
        formula(colours).map(|sample| sample.clamp(0.0, 1.0)).into_iter().chain(alpha.iter().copied()).collect()
    }
}

fn luma([r, g, b]: [f64; 3]) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn times(rows: [[f64; 3]; 3], [r, g, b]: [f64; 3]) -> [f64; 3] {
    rows.map(|[x, y, z]| x * r + y * g + z * b)
}

#[test]
fn saturation_is_that_of_css() {
    for color in COLOR_TYPES.into_iter().filter(|color| color.has_color()) {
        for s in [0.0, 0.4, 1.0, 2.5] {
            let rows = [
                [0.213 + 0.787 * s, 0.715 - 0.715 * s, 0.072 - 0.072 * s],
                [0.213 - 0.213 * s, 0.715 + 0.285 * s, 0.072 - 0.072 * s],
                [0.213 - 0.213 * s, 0.715 - 0.715 * s, 0.072 + 0.928 * s],
            ];
            assert_pixels(color, &format!("saturation:{s}"), of_colours(|colours| times(rows, colours)));
        }
    }
}

#[test]
fn hue_is_turned_as_by_css() {
    for color in COLOR_TYPES.into_iter().filter(|color| color.has_color()) {
        for degrees in [-360.0_f64, -40.5, 0.0, 90.0, 180.0] {
            let (s, c) = degrees.to_radians().sin_cos();
            let rows = [
                [0.213 + c * 0.787 - s * 0.213, 0.715 - c * 0.715 - s * 0.715, 0.072 - c * 0.072 + s * 0.928],
                [0.213 - c * 0.213 + s * 0.143, 0.715 + c * 0.285 + s * 0.140, 0.072 - c * 0.072 - s * 0.283],
                [0.213 - c * 0.213 - s * 0.787, 0.715 - c * 0.715 + s * 0.715, 0.072 + c * 0.928 + s * 0.072],
            ];
            assert_pixels(color, &format!("hue:{degrees}"), of_colours(|colours| times(rows, colours)));
        }
    }
}

#[test]
fn gray_has_no_hue_and_no_saturation() {
    for color in COLOR_TYPES.into_iter().filter(|color| !color.has_color()) {
        for pipeline in ["hue:77", "saturation:3"] {
            let (before, after) = through(&crate::common::sample(23, 17, color), pipeline);
            after.assert_same(&before, &format!("{color:?} {pipeline}"));
        }
    }
}

#[test]
fn sepia_is_that_of_css_and_makes_colours() {
    for color in COLOR_TYPES {
        for (pipeline, t) in [("sepia", 0.0), ("sepia:0.3", 0.7), ("sepia:0", 1.0)] {
            let rows = [
                [0.393 + 0.607 * t, 0.769 - 0.769 * t, 0.189 - 0.189 * t],
                [0.349 - 0.349 * t, 0.686 + 0.314 * t, 0.168 - 0.168 * t],
                [0.272 - 0.272 * t, 0.534 - 0.534 * t, 0.131 + 0.869 * t],
            ];
            assert_pixels(color, pipeline, of_colours(|colours| times(rows, colours)));
        }
    }
}

#[test]
fn tint_mixes_with_the_colour_times_the_luma() {
    let tint = [1.0, 0.4, 0.2];
    for color in COLOR_TYPES {
        for (pipeline, strength) in [("tint:ff6633", 1.0), ("tint:ff6633,strength=0.3", 0.3)] {
            let mixed = |colours: [f64; 3]| {
                let luma = luma(colours);
                std::array::from_fn(|channel| colours[channel] * (1.0 - strength) + tint[channel] * luma * strength)
            };
            assert_pixels(color, pipeline, of_colours(mixed));
        }
    }
}

#[test]
fn duotone_lies_between_two_colours_by_luma() {
    let (dark, light) = ([0.0, 0.2, 0.4], [1.0, 0.8, 0.6]);
    for color in COLOR_TYPES {
        let between = |colours: [f64; 3]| {
            let luma = luma(colours);
            std::array::from_fn(|channel| dark[channel] + (light[channel] - dark[channel]) * luma)
        };
        assert_pixels(color, "duotone:003366,ffcc99", of_colours(between));
    }
}

#[test]
fn a_matrix_maps_colours() {
    for color in COLOR_TYPES {
        assert_pixels(color, "color_matrix:0;1;0;0;0;1;1;0;0", of_colours(|[r, g, b]| [g, b, r]));
        let sums = |[r, g, b]: [f64; 3]| [0.5 * r + 0.25 * g - 0.1 * b + 0.1, 2.0 * g - 0.5, 1.0 - b];
        assert_pixels(color, "color_matrix:0.5;0.25;-0.1;0.1;0;2;0;-0.5;0;0;-1;1", of_colours(sums));
    }
}
