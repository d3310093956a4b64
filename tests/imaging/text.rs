//! Texts, against the outlines of the font: how many points of each pixel they go around.

use ab_glyph::{Font, FontRef, OutlineCurve, Point, point};
use image::{ColorType, DynamicImage};
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, convert, file, run, run_to_pixels};
use crate::operations::through;

const FONT: &[u8] = include_bytes!("../../assets/fonts/NotoSans-Regular.ttf");

/// Points along each side of a pixel.
const POINTS: i32 = 12;

/// A line of text as straight pieces of its outlines, in pixels from the top left of its block.
struct Outlines {
    width: f32,
    height: f32,
    pieces: Vec<(Point, Point)>,
}

impl Outlines {
    fn new(text: &str, em: f32) -> Self {
        let font = FontRef::try_from_slice(FONT).expect("a font");
        let scale = em / font.units_per_em().expect("it has an em");
        let mut outlines = Self { width: 0.0, height: scale * (font.ascent_unscaled() - font.descent_unscaled()), pieces: Vec::new() };
        let mut last = None;
        for id in text.chars().map(|character| font.glyph_id(character)) {
            outlines.width += last.map_or(0.0, |last| font.kern_unscaled(last, id)) * scale;
            let at = |place: Point| point(outlines.width + place.x * scale, scale * (font.ascent_unscaled() - place.y));
            for curve in font.outline(id).iter().flat_map(|outline| &outline.curves) {
                let steps = if matches!(curve, OutlineCurve::Line(..)) { 1 } else { 16 };
                let along: Vec<Point> = (0..=steps).map(|step| at(on(curve, step as f32 / steps as f32))).collect();
                outlines.pieces.extend(along.windows(2).map(|piece| (piece[0], piece[1])));
            }
            outlines.width += font.h_advance_unscaled(id) * scale;
            last = Some(id);
        }
        outlines
    }

    /// Whether the outlines go around a point, other than as often one way as the other.
    fn contain(&self, x: f32, y: f32) -> bool {
        let mut turns = 0;
        for (a, b) in &self.pieces {
            if (a.y <= y) != (b.y <= y) && a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x) > x {
                turns += if a.y <= y { 1 } else { -1 };
            }
        }
        turns != 0
    }

    /// How much of every pixel of an image is covered, if the block begins at this place.
    fn coverage(&self, (width, height): (u32, u32), place: (f32, f32)) -> Vec<f64> {
        let at = |pixel: u32, point: i32| pixel as f32 + (point as f32 + 0.5) / POINTS as f32;
        let points = || (0..POINTS).flat_map(|i| (0..POINTS).map(move |j| (i, j)));
        let inside = |x, y| points().filter(|(i, j)| self.contain(at(x, *i) - place.0, at(y, *j) - place.1)).count();
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        places.map(|(x, y)| inside(x, y) as f64 / f64::from(POINTS * POINTS)).collect()
    }
}

fn on(curve: &OutlineCurve, t: f32) -> Point {
    let mix = |a: Point, b: Point| point(a.x + t * (b.x - a.x), a.y + t * (b.y - a.y));
    match *curve {
        OutlineCurve::Line(a, b) => mix(a, b),
        OutlineCurve::Quad(a, b, c) => mix(mix(a, b), mix(b, c)),
        OutlineCurve::Cubic(a, b, c, d) => mix(mix(mix(a, b), mix(b, c)), mix(mix(b, c), mix(c, d))),
    }
}

/// A flat image with that alpha in a hundredth part.
fn flat(width: u32, height: u32, color: ColorType, alpha: f32) -> DynamicImage {
    convert(image::Rgba32FImage::from_pixel(width, height, image::Rgba([0.2, 0.4, 0.6, alpha])).into(), color)
}

/// The colour and the opacity laid over a pixel, all from 0 to 1; the pixel has three colours, then alpha.
fn over(pixel: &[f64], color: [f64; 3], alpha: f64) -> Vec<f64> {
    let behind = pixel[3] * (1.0 - alpha);
    let whole = alpha + behind;
    let colours = pixel.iter().zip(color).map(|(below, color)| if whole > 0.0 { (color * alpha + below * behind) / whole } else { *below });
    colours.chain([whole]).collect()
}

/// Any pixel type as three colours and alpha, from 0 to 1.
fn rgba(image: &Samples) -> Vec<Vec<f64>> {
    let of = |pixel: &[f64]| {
        let (colours, alpha) = pixel.split_at(image.colours());
        let colours = if colours.len() == 1 { [colours[0]; 3].to_vec() } else { colours.to_vec() };
        colours.into_iter().chain([alpha.first().copied().unwrap_or(image.largest)]).map(|sample| sample / image.largest).collect()
    };
    image.pixels().map(of).collect()
}

/// Colours multiplied by alpha, then alpha: colours that cannot be seen do not count.
fn multiplied(pixel: &[f64]) -> Vec<f64> {
    pixel[..3].iter().map(|colour| colour * pixel[3]).chain([pixel[3]]).collect()
}

/// Fails unless a text of that colour and opacity covers so much of each pixel, and nothing else has changed. `off`: what the coverage may be off.
#[track_caller]
fn assert_written((before, after): (&Samples, &Samples), coverage: &[f64], (color, opacity): ([f64; 3], f64), off: f64, what: &str) {
    let kind = |image: &Samples| (image.width, image.height, image.largest, image.has_alpha);
    assert_eq!(kind(after), kind(before), "{what}");
    for (index, ((old, new), coverage)) in rgba(before).iter().zip(&rgba(after)).zip(coverage).enumerate() {
        let expected = over(old, color, coverage * opacity);
        let near = multiplied(&expected).iter().zip(multiplied(new)).all(|(expected, new)| (expected - new).abs() < off);
        let (x, y) = (index as u32 % before.width, index as u32 / before.width);
        assert!(near, "{what}: at {x},{y} {new:?}, expected {expected:?}, coverage {coverage}");
    }
    assert!(coverage.iter().filter(|coverage| **coverage > 0.9).count() > 50, "{what}: something is covered");
}

#[test]
fn a_text_covers_what_its_outlines_go_around() {
    let outlines = Outlines::new("AVHZ", 31.0);
    let (width, height) = (outlines.width.ceil(), outlines.height.ceil());
    for (gravity, place) in [("northwest", (7.0, 7.0)), ("southeast", (130.0 - 7.0 - width, 71.0 - 7.0 - height))] {
        let coverage = outlines.coverage((130, 71), place);
        let pipeline = format!("text:AVHZ,size=31,g={gravity},margin=7,color=336699,opacity=0.8");
        for color in COLOR_TYPES {
            let (before, after) = through(&flat(130, 71, color, 0.5), &pipeline);
            assert_eq!(after.colours(), 3, "{color:?}");
            assert_written((&before, &after), &coverage, ([0.2, 0.4, 0.6], 0.8), 0.03, &format!("{color:?} {gravity}"));
        }
    }
}

#[test]
fn a_gray_text_leaves_a_gray_image_gray() {
    // Curves are drawn as so many straight lines that none is off by more than a seventh of a pixel.
    let coverage = Outlines::new("Q", 40.0).coverage((60, 70), (3.0, 3.0));
    for color in [ColorType::L8, ColorType::La8, ColorType::L16, ColorType::La16] {
        let (before, after) = through(&flat(60, 70, color, 0.0), "text:Q,size=40,g=northwest,margin=3");
        assert_eq!(after.colours(), 1);
        assert_written((&before, &after), &coverage, ([1.0; 3], 1.0), 0.15, &format!("{color:?}"));
    }
}

/// The rectangle of all pixels that have changed: left, top, right, bottom.
fn changed(before: &DynamicImage, after: &DynamicImage) -> (u32, u32, u32, u32) {
    let (before, after) = (before.to_rgb8(), after.to_rgb8());
    let places: Vec<(u32, u32)> =
        before.enumerate_pixels().filter(|(x, y, pixel)| after.get_pixel(*x, *y) != *pixel).map(|(x, y, _)| (x, y)).collect();
    let (xs, ys) = (places.iter().map(|place| place.0), places.iter().map(|place| place.1));
    (xs.clone().min().unwrap_or(0), ys.clone().min().unwrap_or(0), xs.max().unwrap_or(0), ys.max().unwrap_or(0))
}

#[test]
fn each_gravity_is_a_place() {
    let image = flat(301, 201, ColorType::Rgb8, 1.0);
    let input = file(&image, Format::Png);
    let places = [
        ("northwest", 0, 0),
        ("north", 1, 0),
        ("northeast", 2, 0),
        ("west", 0, 1),
        ("center", 1, 1),
        ("east", 2, 1),
        ("southwest", 0, 2),
        ("south", 1, 2),
        ("southeast", 2, 2),
    ];
    for (gravity, column, row) in places {
        // The block of an H: its ink has the same distance from the left as from the right.
        let (left, top, right, bottom) = changed(&image, &run_to_pixels(&input, &format!("text:H,size=10%,margin=5%,g={gravity}")));
        assert!(right - left < 20 && bottom - top < 20, "{gravity}");
        let place =
            |low: u32, high: u32, length: u32| [low < length / 4, low.abs_diff(length - 1 - high) <= 10, length - high < length / 4];
        assert!(place(left, right, 301)[column] && place(top, bottom, 201)[row], "{gravity}: {left} {top} {right} {bottom}");
    }
}

#[test]
fn lines_stand_below_each_other_on_the_side_of_the_gravity() {
    let image = flat(200, 120, ColorType::Rgb8, 1.0);
    let input = file(&image, Format::Png);
    let ink = |text: &str, gravity: &str| changed(&image, &run_to_pixels(&input, &format!("text:{text},size=20,margin=10,g={gravity}")));
    for gravity in ["northwest", "northeast"] {
        let (first, second) = (ink("HHHH%0AH", gravity), ink("HHHH", gravity));
        assert_eq!((first.0, first.1, first.2), (second.0, second.1, second.2), "{gravity}: the first line stays");
        assert!(first.3 > second.3 + 20, "{gravity}");
    }
    let (left, right) = (ink("%0AH", "northwest"), ink("HHHH%0AH", "northeast"));
    assert_eq!(right.2, ink("H", "northeast").2);
    assert!(left.1 > 30);
}

#[test]
fn a_tile_repeats_everywhere_with_the_margin_between() {
    let image = flat(150, 110, ColorType::Rgb8, 1.0);
    let input = file(&image, Format::Png);
    let outlines = Outlines::new("He", 20.0);
    let period = (outlines.width.ceil() as u32 + 9, outlines.height.ceil() as u32 + 9);
    let tiled = run_to_pixels(&input, "text:He,size=20,margin=9,g=northwest,tile=true").into_rgb8();
    let single = run_to_pixels(&input, "text:He,size=20,margin=9,g=northwest").into_rgb8();
    for (x, y, pixel) in tiled.enumerate_pixels() {
        let first = (9 + (x + 10 * period.0 - 9) % period.0, 9 + (y + 10 * period.1 - 9) % period.1);
        assert_eq!(pixel, single.get_pixel(first.0, first.1), "{x},{y}");
    }
}

#[test]
fn what_is_outside_is_cut_off() {
    let image = flat(30, 40, ColorType::Rgba8, 1.0);
    let input = file(&image, Format::Png);
    for gravity in ["northwest", "center", "southeast"] {
        let written = run_to_pixels(&input, &format!("text:Watermark,size=60,margin=0,g={gravity}"));
        assert!(written != image, "{gravity}");
    }
    let outlines = Outlines::new("HHH", 60.0);
    let (before, after) = through(&image, "text:HHH,size=60,margin=0,g=center");
    let place = |length: f32, block: f32| -((block.ceil() - length) / 2.0).floor();
    let coverage = outlines.coverage((30, 40), (place(30.0, outlines.width), place(40.0, outlines.height)));
    assert_written((&before, &after), &coverage, ([1.0; 3], 1.0), 0.03, "center");
}

#[test]
fn a_letter_that_the_font_lacks_is_an_error_that_names_it() {
    let error = run(&file(&flat(30, 20, ColorType::Rgb8, 1.0), Format::Png), "text:%E6%BC%A2").expect_err("there is no such glyph");
    assert!(error.to_string().contains("U+6F22"), "{error}");
}
