//! WebP by libwebp: lossy or lossless, with alpha, with a colour profile.

mod container;
mod libwebp;

use image::DynamicImage;

use crate::domain::limits::{Limit, LimitExceeded};
use crate::domain::pipeline::output::Webp;
use crate::imaging::error::ImagingError;
use libwebp::{Refusal, Settings};

/// Encodes an image of 8 bits, colour with or without alpha, as a file of at most `max_bytes`. `quality` is 1 to 100; the
/// other settings are those of `output`.
pub(super) fn encode(
    image: &DynamicImage,
    icc_profile: Option<&[u8]>,
    output: &Webp,
    quality: u8,
    max_bytes: u64,
) -> Result<Vec<u8>, ImagingError> {
    let encoded = libwebp::encode(image, settings(output, quality), max_bytes).map_err(|refused| refusal(refused, max_bytes))?;
    Ok(match icc_profile {
        Some(profile) => container::with_profile(&encoded, (image.width(), image.height()), image.color().has_alpha(), profile),
        None => encoded,
    })
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
