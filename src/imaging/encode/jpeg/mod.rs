//! JPEG: baseline by an encoder of our own, progressive by the crate `jpeg-encoder`.

mod baseline;
mod by_rows;
mod progressive;

use std::borrow::Cow;
use std::io::Write;

use image::DynamicImage;

use crate::domain::pipeline::output::Jpeg;
use crate::imaging::error::ImagingError;
use baseline::{Baseline, Picture};
pub(super) use by_rows::ByRows;

/// Encodes a gray or colour image of 8 bits with a quality of 1 to 100; the other settings are those of `output`.
pub(super) fn encode(
    image: &DynamicImage,
    icc_profile: Option<&[u8]>,
    output: &Jpeg,
    quality: u8,
    out: &mut impl Write,
) -> Result<(), ImagingError> {
    let size = size((image.width(), image.height()))?;
    if output.progressive {
        return progressive::encode(image, size, icc_profile, output.subsampling, quality, out);
    }
    let has_color = image.color().has_color();
    let icc_profile = icc_profile.map(Cow::Borrowed);
    let mut file = Baseline::new(Picture { size, has_color, subsampling: output.subsampling, quality, icc_profile }, out);
    let mut strips = image.as_bytes().chunks(file.strip_bytes());
    strips.try_for_each(|strip| file.strip(strip)).and_then(|()| file.finish()).map_err(ImagingError::Write)
}

fn size((width, height): (u32, u32)) -> Result<(u16, u16), ImagingError> {
    let side = |length: u32| u16::try_from(length).map_err(|_| ImagingError::Operation(format!("jpeg holds no side of {length} pixels")));
    Ok((side(width)?, side(height)?))
}
