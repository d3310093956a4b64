//! AVIF of 8 bits: gray or colours, with alpha, with a colour profile. The AV1 streams come from libaom where the build has it, else from
//! the crate `rav1e`.

use image::DynamicImage;

use crate::domain::pipeline::Subsampling;
use crate::domain::pipeline::output::Avif;
use crate::imaging::avif::planes::Planes;
use crate::imaging::avif::writer::{self, Coded};
use crate::imaging::avif::{Chroma, Cicp};
use crate::imaging::error::ImagingError;

/// Encodes an image of 8 bits with a quality of 1 to 100; the other settings are those of `output`.
pub(super) fn encode(image: &DynamicImage, icc_profile: Option<&[u8]>, output: &Avif, quality: u8) -> Result<Vec<u8>, ImagingError> {
    let chroma = match output.subsampling {
        Subsampling::Quarter => Chroma::Quarter,
        Subsampling::Half => Chroma::Half,
        Subsampling::Full => Chroma::Full,
    };
    let effort = u8::try_from(output.effort.get()).expect("an effort is 0 to 9");
    let coded = |planes: &Planes, quality: u8| -> Result<Coded, ImagingError> {
        Ok(Coded { stream: stream(planes, quality, effort)?, chroma: planes.chroma })
    };
    let color = coded(&Planes::of_colors(image, chroma), quality)?;
    // Edges of what is cut out show more than those within a picture.
    let alpha = Planes::of_alpha(image).map(|planes| coded(&planes, quality.midpoint(100))).transpose()?;
    Ok(writer::write((image.width(), image.height()), &color, alpha.as_ref(), Cicp::SRGB, icc_profile))
}

/// A quality on a scale of quantisers, from 0 (best) to `worst`.
fn quantizer(quality: u8, worst: u32) -> u8 {
    ((u32::from(100 - quality) * worst + 50) / 100) as u8
}

/// libavif and libheif scale a quality to all of libaom's quantisers, 0 to 63. Tuned as it is here, libaom makes less of the same
/// quantiser (both the file and its score are smaller), and with this scale about as much of the same quality.
#[cfg(feature = "libaom")]
fn stream(planes: &Planes, quality: u8, effort: u8) -> Result<Vec<u8>, ImagingError> {
    crate::imaging::avif::aom::encode(planes, quantizer(quality, 58), 9 - effort)
        .map_err(|refusal| ImagingError::Operation(format!("cannot be encoded: libaom says {refusal:?}")))
}

#[cfg(not(feature = "libaom"))]
fn stream(planes: &Planes, quality: u8, effort: u8) -> Result<Vec<u8>, ImagingError> {
    // The index of AV1 that libaom takes for a quantiser, on the scale of libavif.
    let index = match quantizer(quality, 63) {
        62 => 249,
        63 => 255,
        fine => fine * 4,
    };
    // One step faster than libaom at the same effort, and without vector instructions still slower.
    crate::imaging::avif::rav1e::encode(planes, index, (11 - effort).min(10))
        .map_err(|error| ImagingError::Operation(format!("cannot be encoded: {error}")))
}
