//! Progressive JPEG by the crate `jpeg-encoder`, with Huffman tables made for the image.

use std::io::Write;

use image::DynamicImage;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use crate::domain::pipeline::Subsampling;
use crate::imaging::error::ImagingError;

/// Encodes a gray or colour image of 8 bits.
pub(super) fn encode(
    image: &DynamicImage,
    (width, height): (u16, u16),
    icc_profile: Option<&[u8]>,
    subsampling: Subsampling,
    quality: u8,
    out: &mut impl Write,
) -> Result<(), ImagingError> {
    let mut encoder = Encoder::new(out, quality);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_progressive(true);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(match subsampling {
        Subsampling::Quarter => SamplingFactor::R_4_2_0,
        Subsampling::Half => SamplingFactor::R_4_2_2,
        Subsampling::Full => SamplingFactor::R_4_4_4,
    });
    if let Some(profile) = icc_profile {
        encoder.add_icc_profile(profile).map_err(refusal)?;
    }
    let color = if image.color().has_color() { ColorType::Rgb } else { ColorType::Luma };
    encoder.encode(image.as_bytes(), width, height, color).map_err(refusal)
}

fn refusal(error: EncodingError) -> ImagingError {
    match error {
        EncodingError::IoError(error) => ImagingError::Write(error),
        error => ImagingError::Operation(format!("cannot be encoded: {error}")),
    }
}
