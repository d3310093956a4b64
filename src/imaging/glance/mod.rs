//! A glance at the pixels of an image: its dominant colour and its BlurHash, from a grid of samples that costs the same at any size.

mod blurhash;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, GenericImageView, Rgba, RgbaImage};

use super::error::ImagingError;
use super::profile::ToSrgb;
use crate::domain::probe::{Glance, HexColor};

/// Samples along the longer side, at most. They cover the image evenly, one in the middle of each cell of the grid.
const SIDE: u32 = 64;

/// Looks at one image, the first that it is shown.
pub(super) struct Look {
    to_srgb: Option<ToSrgb>,
    samples: Option<Samples>,
    seen: Option<Option<Glance>>,
}

impl Look {
    /// For an image whose colours this brings to sRGB, whether its pipeline does or not.
    pub(super) fn new(to_srgb: Option<ToSrgb>) -> Self {
        Self { to_srgb, samples: None, seen: None }
    }

    /// Shows it an image.
    pub(super) fn at(&mut self, image: &DynamicImage) {
        self.at_strip(image, 0, image.dimensions(), Orientation::NoTransforms);
    }

    /// Shows it the rows of an image of that size from the row `first` on; those before it were shown already. The image is shown as it is
    /// stored, and lies as it is to be seen under the orientation.
    pub(super) fn at_strip(&mut self, strip: &DynamicImage, first: u32, size: (u32, u32), orientation: Orientation) {
        if self.seen.is_some() {
            return;
        }
        let samples = self.samples.get_or_insert_with(|| Samples::of(size));
        samples.add(strip, first);
        if samples.are_all() {
            let mut samples = samples.image(strip.color());
            samples.apply_orientation(orientation);
            self.seen = Some(glance(samples, self.to_srgb.as_mut()).ok());
        }
    }

    /// What there was to see; nothing where the colours could not be converted.
    pub(super) fn seen(&self) -> Option<Glance> {
        self.seen.clone().flatten()
    }
}

/// What is seen of samples; their colours are what `to_srgb` takes for them. What is transparent counts as white for the BlurHash and not
/// at all for the dominant colour.
fn glance(mut samples: DynamicImage, to_srgb: Option<&mut ToSrgb>) -> Result<Glance, ImagingError> {
    if let Some(to_srgb) = to_srgb {
        to_srgb.apply(&mut samples)?;
    }
    let samples = samples.into_rgba8();
    Ok(Glance { dominant_color: dominant_color(&samples), blurhash: blurhash::encode(&on_white(&samples), samples.dimensions()) })
}

/// The samples of an image of that size.
struct Samples {
    size: (u32, u32),
    taken: RgbaImage,
    /// How many rows of them are.
    rows: u32,
}

impl Samples {
    fn of((width, height): (u32, u32)) -> Self {
        let longer = width.max(height).max(SIDE);
        // At least one along the shorter side.
        let side = |length: u32| (u64::from(length) * u64::from(SIDE) / u64::from(longer)).clamp(1, u64::from(SIDE)) as u32;
        Self { size: (width, height), taken: RgbaImage::new(side(width), side(height)), rows: 0 }
    }

    fn are_all(&self) -> bool {
        self.rows == self.taken.height()
    }

    /// Takes those that lie in a strip which begins with the row `first`.
    fn add(&mut self, strip: &DynamicImage, first: u32) {
        let middle = |index: u32, count: u32, length: u32| ((2 * u64::from(index) + 1) * u64::from(length) / (2 * u64::from(count))) as u32;
        let (columns, rows) = self.taken.dimensions();
        while !self.are_all() {
            let y = middle(self.rows, rows, self.size.1);
            if !(first..first + strip.height()).contains(&y) {
                return;
            }
            for x in 0..columns {
                self.taken.put_pixel(x, self.rows, strip.get_pixel(middle(x, columns, self.size.0), y - first));
            }
            self.rows += 1;
        }
    }

    /// A small image of 8 bits, gray and with alpha where the image is.
    fn image(&self, color: ColorType) -> DynamicImage {
        let samples = DynamicImage::from(self.taken.clone());
        match (color.has_color(), color.has_alpha()) {
            (true, true) => samples,
            (true, false) => samples.into_rgb8().into(),
            // Three channels that are equal have their own value as their luma.
            (false, true) => samples.into_luma_alpha8().into(),
            (false, false) => samples.into_luma8().into(),
        }
    }
}

/// The mean of the colours in the fullest of 4096 cells, 16 along each channel; white where all is transparent.
fn dominant_color(samples: &RgbaImage) -> HexColor {
    let mut cells = vec![([0_u32; 3], 0_u32); 1 << 12];
    for Rgba([r, g, b, _]) in samples.pixels().filter(|pixel| pixel[3] >= 128) {
        let cell = usize::from(*r >> 4) << 8 | usize::from(*g >> 4) << 4 | usize::from(*b >> 4);
        let (sums, count) = &mut cells[cell];
        sums.iter_mut().zip([*r, *g, *b]).for_each(|(sum, channel)| *sum += u32::from(channel));
        *count += 1;
    }
    // The first of equal ones: `max_by_key` would take the last.
    let fullest = cells.into_iter().rev().max_by_key(|(_, count)| *count);
    match fullest {
        Some((sums, count)) if count > 0 => HexColor(sums.map(|sum| ((sum + count / 2) / count) as u8)),
        _ => HexColor([255; 3]),
    }
}

/// Red, green and blue of each pixel.
fn on_white(samples: &RgbaImage) -> Vec<[u8; 3]> {
    let over = |channel: u8, alpha: u8| ((u32::from(channel) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8;
    samples.pixels().map(|Rgba([r, g, b, alpha])| [*r, *g, *b].map(|channel| over(channel, *alpha))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, ImageBuffer, Rgb, Rgb32FImage, RgbImage};

    fn seen(image: &DynamicImage) -> Glance {
        let mut look = Look::new(None);
        look.at(image);
        look.seen().unwrap()
    }

    #[test]
    fn a_flat_image_has_its_colour_in_every_pixel_type_and_size() {
        for size in [(1, 1), (1, 5000), (5000, 1), (63, 65), (200, 100)] {
            let rgb = RgbImage::from_pixel(size.0, size.1, Rgb([200, 100, 51]));
            let deep: DynamicImage = ImageBuffer::from_pixel(size.0, size.1, Rgb([200_u16 * 257, 100 * 257, 51 * 257])).into();
            let floats = Rgb32FImage::from_pixel(size.0, size.1, Rgb([200.0, 100.0, 51.0].map(|level: f32| level / 255.0)));
            for image in [rgb.into(), deep, DynamicImage::from(floats)] {
                assert_eq!(seen(&image).dominant_color, HexColor([200, 100, 51]), "{size:?}");
            }
            let gray = GrayImage::from_pixel(size.0, size.1, image::Luma([77]));
            assert_eq!(seen(&gray.into()).dominant_color, HexColor([77; 3]));
        }
    }

    #[test]
    fn the_most_frequent_colour_wins_and_what_is_transparent_does_not_count() {
        let image = RgbaImage::from_fn(100, 100, |x, _| match x {
            0..60 => Rgba([255, 0, 0, 0]),
            60..75 => Rgba([0, 0, 250, 255]),
            _ => Rgba([0, 200 + (x % 2) as u8 * 4, 0, 255]),
        });
        let HexColor(color) = seen(&image.into()).dominant_color;
        assert!(color[0] == 0 && (201..=203).contains(&color[1]) && color[2] == 0, "{color:?}");
        let nothing = RgbaImage::new(3, 3);
        let seen = seen(&nothing.into());
        assert_eq!(seen.dominant_color, HexColor([255; 3]));
        // The third to the sixth character are the mean colour: 0xffffff to the base of 83.
        assert_eq!(&seen.blurhash.as_str()[2..6], "TSUA");
    }

    #[test]
    fn samples_lie_in_the_middle_of_their_cells() {
        let ramp: DynamicImage = GrayImage::from_fn(640, 20, |x, _| image::Luma([(x / 10) as u8])).into();
        let mut samples = Samples::of(ramp.dimensions());
        samples.add(&ramp, 0);
        let taken = samples.image(ColorType::L8).into_luma8();
        assert_eq!(taken.dimensions(), (64, 2));
        assert!(taken.enumerate_pixels().all(|(x, _, gray)| u32::from(gray[0]) == x));
    }

    #[test]
    fn strips_show_what_the_whole_shows() {
        for height in [1, 5, 63, 64, 65, 300] {
            let whole: DynamicImage = RgbImage::from_fn(90, height, |x, y| Rgb([(x * 2) as u8, (y % 256) as u8, (x ^ y) as u8])).into();
            for rows in [1, 3, 16, 17] {
                let mut look = Look::new(None);
                for first in (0..height).step_by(rows as usize) {
                    assert_eq!(look.seen(), None);
                    look.at_strip(
                        &whole.crop_imm(0, first, 90, rows.min(height - first)),
                        first,
                        whole.dimensions(),
                        Orientation::NoTransforms,
                    );
                    if look.seen().is_some() {
                        break;
                    }
                }
                assert_eq!(look.seen(), Some(seen(&whole)), "{height} rows, {rows} at a time");
            }
        }
    }
}
