//! Files of four inks (CMYK, or YCCK, which is CMYK with a transform of the first three): to red, green and blue of sRGB, by the
//! profile of the file, or without one by the formula `(1 - ink) * (1 - black)`.

use image::ImageResult;
use zune_jpeg::zune_core::colorspace::ColorSpace;

use super::{corrupt, metadata, read_samples, strict};
use crate::imaging::profile::{self, InksToSrgb};

/// How the samples of a file stand for inks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inks {
    /// Whether the first three went through the transform of Y'CbCr.
    transformed: bool,
    /// Whether 0 is all of an ink, and 255 none: so in all files that a program of Adobe has marked, and those that imitate it.
    inverted: bool,
}

impl Inks {
    /// Those of a file whose decoder found this space in its header; `None` if it has no inks.
    pub(super) fn of(input: &[u8], space: ColorSpace) -> Option<Self> {
        let inverted = metadata::is_marked_by_adobe(input);
        match space {
            ColorSpace::CMYK => Some(Self { transformed: false, inverted }),
            ColorSpace::YCCK => Some(Self { transformed: true, inverted }),
            _ => None,
        }
    }

    /// Decodes a file into `pixels`, three samples each.
    pub(super) fn read(self, input: &[u8], pixels: &mut [u8]) -> ImageResult<()> {
        let space = if self.transformed { ColorSpace::YCCK } else { ColorSpace::CMYK };
        let (colours, _) = pixels.as_chunks_mut::<3>();
        let mut samples = vec![0; colours.len() * 4];
        read_samples(input, strict().jpeg_set_out_colorspace(space), &mut samples)?;
        let (inks, _) = samples.as_chunks_mut::<4>();
        inks.iter_mut().for_each(|pixel| *pixel = self.inks(*pixel));
        match metadata::icc_profile(input).as_deref().and_then(InksToSrgb::new) {
            Some(to_srgb) => to_srgb.apply(&samples, pixels).map_err(|_| corrupt("the colour profile cannot be applied")),
            None => {
                inks.iter().zip(colours).for_each(|(inks, colour)| *colour = without_profile(*inks));
                Ok(())
            }
        }
    }

    /// How much of each ink a pixel has, 255 all of it.
    fn inks(self, pixel: [u8; 4]) -> [u8; 4] {
        let [y, cb, cr, black] = pixel;
        let samples = if self.transformed {
            // The transform is that of the complement (T.872, 6.5.3).
            let [r, g, b] = ycbcr_to_rgb(y, cb, cr);
            [255 - r, 255 - g, 255 - b, black]
        } else {
            pixel
        };
        if self.inverted { samples.map(|sample| 255 - sample) } else { samples }
    }
}

/// An upper bound of what the conversion allocates beside what it reads and makes: four samples a pixel, and what a profile needs.
pub(super) fn working_bytes(input: &[u8], pixels: u64) -> u64 {
    let profile = metadata::icc_profile(input).map_or(0, |profile| profile.len() as u64);
    pixels.saturating_mul(4).saturating_add(profile.saturating_mul(2)).saturating_add(profile::working_bytes(profile))
}

/// ITU-T T.871, 7.
fn ycbcr_to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    // The cast clamps.
    [1.402 * cr, -0.344_136_3 * cb - 0.714_136_3 * cr, 1.772 * cb].map(|more| (y + more).round() as u8)
}

fn without_profile([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let light = |ink: u8| 255 - u32::from(ink);
    [cyan, magenta, yellow].map(|ink| ((light(ink) * light(black) + 127) / 255) as u8)
}
