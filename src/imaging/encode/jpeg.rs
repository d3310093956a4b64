//! JPEG by the crate `jpeg-encoder`: baseline or progressive.
//!
//! It makes Huffman tables for the image only where each component has scans of its own. A baseline file of colour has one
//! scan with the tables of the specification instead, which is 6 % longer: such files are decoded in strips and at a scale,
//! by hardware too, and not every decoder takes the others.

use std::io::Write;

use image::DynamicImage;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use crate::domain::pipeline::Subsampling;
use crate::domain::pipeline::output::Jpeg;
use crate::imaging::error::ImagingError;

/// Encodes a gray or colour image of 8 bits with a quality of 1 to 100; the other settings are those of `output`.
pub(super) fn encode(
    image: &DynamicImage,
    icc_profile: Option<&[u8]>,
    output: &Jpeg,
    quality: u8,
    out: &mut impl Write,
) -> Result<(), ImagingError> {
    let mut encoder = Encoder::new(out, quality);
    let has_color = image.color().has_color();
    encoder.set_optimized_huffman_tables(output.progressive || !has_color);
    encoder.set_progressive(output.progressive);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(match output.subsampling {
        Subsampling::Quarter => SamplingFactor::R_4_2_0,
        Subsampling::Half => SamplingFactor::R_4_2_2,
        Subsampling::Full => SamplingFactor::R_4_4_4,
    });
    if let Some(profile) = icc_profile {
        encoder.add_icc_profile(profile).map_err(refusal)?;
    }
    let side = |length: u32| u16::try_from(length).map_err(|_| ImagingError::Operation(format!("jpeg holds no side of {length} pixels")));
    let color = if has_color { ColorType::Rgb } else { ColorType::Luma };
    encoder.encode(image.as_bytes(), side(image.width())?, side(image.height())?, color).map_err(refusal)
}

fn refusal(error: EncodingError) -> ImagingError {
    match error {
        EncodingError::IoError(error) => ImagingError::Write(error),
        error => ImagingError::Operation(format!("cannot be encoded: {error}")),
    }
}
