//! WebP by libwebp: lossy or lossless, with alpha, with a colour profile and EXIF data, still or animated.

mod container;
mod libwebp;

use std::io::Write;

use image::DynamicImage;

use super::capped::{Capped, write_error};
use super::holding::colours_of_8_bits;
use super::{Encoder, WriteSeek, profile_for};
use crate::domain::limits::{Limit, LimitExceeded};
use crate::domain::pipeline::output::Webp;
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Frame, Properties};
use libwebp::{Refusal, Settings};

/// Encodes an image of 8 bits, colour with or without alpha, as a file of at most `max_bytes`, beside a colour profile and EXIF data.
/// `quality` is 1 to 100; the other settings are those of `output`.
pub(super) fn encode(
    image: &DynamicImage,
    carried: (Option<&[u8]>, Option<&[u8]>),
    output: &Webp,
    quality: u8,
    max_bytes: u64,
) -> Result<Vec<u8>, ImagingError> {
    let encoded = libwebp::encode(image, settings(output, quality), max_bytes).map_err(|refused| refusal(refused, max_bytes))?;
    Ok(container::with_metadata(encoded, (image.width(), image.height()), image.color().has_alpha(), carried))
}

/// A WebP of several frames; it is written as a whole at the end.
pub(super) struct Animated<'a, W> {
    output: &'a Webp,
    properties: Properties,
    out: Capped<W>,
    animation: Option<libwebp::Animation>,
    /// When the next frame begins, in milliseconds.
    time: u32,
    size: (u32, u32),
    icc_profile: Option<Vec<u8>>,
}

impl<'a, W: WriteSeek> Animated<'a, W> {
    pub(super) fn new(output: &'a Webp, properties: Properties, out: Capped<W>) -> Self {
        Self { output, properties, out, animation: None, time: 0, size: (0, 0), icc_profile: None }
    }
}

impl<W: WriteSeek> Encoder for Animated<'_, W> {
    fn frame(&mut self, frame: Frame) -> Result<(), ImagingError> {
        let max = self.out.max();
        if self.animation.is_none() {
            self.size = (frame.image.width(), frame.image.height());
            self.icc_profile = profile_for(&mut self.properties, &frame.image).filter(|_| frame.image.color().has_color());
            self.animation = Some(libwebp::Animation::new(self.size, self.properties.plays).map_err(|refused| refusal(refused, max))?);
        }
        let Some(animation) = &mut self.animation else { return Ok(()) };
        let quality = u8::try_from(self.output.quality.get()).expect("a quality is 1 to 100");
        let image = colours_of_8_bits(frame.image);
        animation.add(&image, self.time, settings(self.output, quality)).map_err(|refused| refusal(refused, max))?;
        self.time = self.time.saturating_add(frame.delay.rounded(1000));
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ImagingError> {
        let Some(animation) = self.animation.take() else { return Ok(()) };
        let max = self.out.max();
        let encoded = animation.finish(self.time, max).map_err(|refused| refusal(refused, max))?;
        let carried = (self.icc_profile.as_deref(), self.properties.exif.as_deref());
        let file = container::with_metadata(encoded, self.size, true, carried);
        self.out.write_all(&file).and_then(|()| self.out.flush()).map_err(write_error)
    }
}

/// How hard libwebp looks for a smaller lossless file beside the method: its default.
const LOSSLESS_SEARCH: u8 = 75;

fn settings(output: &Webp, quality: u8) -> Settings {
    let method = u8::try_from(output.effort.get()).expect("an effort is 0 to 6");
    Settings { lossless: output.lossless, quality: if output.lossless { LOSSLESS_SEARCH } else { quality }, method }
}

fn refusal(refusal: Refusal, max: u64) -> ImagingError {
    match refusal {
        Refusal::Memory => ImagingError::Operation("cannot be encoded: libwebp found no memory left".to_owned()),
        Refusal::TooLong(found) => LimitExceeded { limit: Limit::MaxOutputBytes, max, found, step: None }.into(),
        Refusal::Other(code) => ImagingError::Operation(format!("cannot be encoded: libwebp's error {code}")),
    }
}
