//! Formats that hold one image, each by its encoder.

use std::io::{BufWriter, Write};

use image::codecs::{bmp::BmpEncoder, gif::GifEncoder, qoi::QoiEncoder, tiff::TiffEncoder};
use image::{DynamicImage, ImageEncoder, ImageError};

use super::capped::Capped;
use super::fitting::fit;
use super::holding::held_by;
use super::with_exif::WithExif;
use super::{BUFFER, Encoder, WriteSeek, jpeg, png, profile_for, webp};
use crate::domain::limits::{Limit, LimitExceeded};
use crate::domain::pipeline::{Output, Quality, output};
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Frame, Properties};

/// Writes the frame that it is given; there must be only one.
pub(super) struct Still<'a, W> {
    pub(super) output: &'a Output,
    pub(super) properties: Properties,
    pub(super) out: Capped<W>,
}

impl<W: WriteSeek> Encoder for Still<'_, W> {
    fn frame(&mut self, frame: Frame) -> Result<(), ImagingError> {
        let has_color = frame.image.color().has_color();
        let image = held_by(self.output, frame.image);
        let icc_profile = profile_for(&mut self.properties, &image).filter(|_| has_color == image.color().has_color());
        let carried = Carried { icc_profile, exif: self.properties.exif.take() };
        let max_bytes = self.out.max();
        // Some encoders write byte by byte.
        let mut buffered = BufWriter::with_capacity(BUFFER, &mut self.out);
        let encoded = encode(&image, carried, self.output, max_bytes, &mut buffered);
        let flushed = encoded.and_then(|()| buffered.flush().map_err(ImagingError::Write));
        drop(buffered);
        match self.out.refused() {
            Some((max, found)) => Err(LimitExceeded { limit: Limit::MaxOutputBytes, max, found, step: None }.into()),
            None => flushed,
        }
    }

    fn finish(self: Box<Self>) -> Result<(), ImagingError> {
        Ok(())
    }
}

/// What goes into a file beside its pixels, if the format has a place for it.
pub(super) struct Carried {
    pub(super) icc_profile: Option<Vec<u8>>,
    pub(super) exif: Option<Vec<u8>>,
}

/// Encodes a result of at most `max_bytes`; `out` refuses more anyway, this is for encoders that collect it first.
fn encode(image: &DynamicImage, carried: Carried, output: &Output, max_bytes: u64, out: &mut impl WriteSeek) -> Result<(), ImagingError> {
    match output {
        Output::Png(settings) => png::encode(image, carried, settings, out),
        Output::Jpeg(settings) => write_jpeg(image, &carried, settings, out),
        Output::Webp(settings) => write_webp(image, &carried, settings, max_bytes, out),
        Output::Gif(_) => {
            let encoded = GifEncoder::new(out).encode(image.as_bytes(), image.width(), image.height(), image.color().into());
            encoded.map_err(refusal)
        }
        Output::Bmp(_) => write(BmpEncoder::new(out), image, carried),
        Output::Tiff(_) => write(TiffEncoder::new(out), image, carried),
        Output::Qoi(_) => write(QoiEncoder::new(out), image, carried),
        Output::Avif(settings) => write_avif(image, carried.icc_profile.as_deref(), settings, out),
    }
}

fn write_jpeg(image: &DynamicImage, carried: &Carried, settings: &output::Jpeg, out: &mut impl Write) -> Result<(), ImagingError> {
    let (highest, profile) = (number(settings.quality), carried.icc_profile.as_deref());
    let mut out = WithExif::new(out, carried.exif.as_deref());
    let Some(max_bytes) = settings.max_bytes else {
        return jpeg::encode(image, profile, settings, highest, &mut out);
    };
    let max_bytes = u64::from(max_bytes.get().unsigned_abs()).saturating_sub(out.more());
    let file = fit(max_bytes, highest, |quality| {
        let mut file = Vec::new();
        jpeg::encode(image, profile, settings, quality, &mut file).map(|()| file)
    })?;
    out.write_all(&file).map_err(ImagingError::Write)
}

fn write_webp(
    image: &DynamicImage,
    carried: &Carried,
    settings: &output::Webp,
    max_bytes: u64,
    out: &mut impl Write,
) -> Result<(), ImagingError> {
    let encode = |quality| webp::encode(image, (carried.icc_profile.as_deref(), carried.exif.as_deref()), settings, quality, max_bytes);
    // There is nothing to choose where it is lossless.
    let highest = if settings.lossless { 1 } else { number(settings.quality) };
    let file = match settings.max_bytes {
        Some(max_bytes) => fit(max_bytes.get().unsigned_abs().into(), highest, encode)?,
        None => encode(highest)?,
    };
    out.write_all(&file).map_err(ImagingError::Write)
}

#[cfg(any(feature = "avif", feature = "libaom"))]
fn write_avif(image: &DynamicImage, profile: Option<&[u8]>, settings: &output::Avif, out: &mut impl Write) -> Result<(), ImagingError> {
    let encode = |quality| super::avif::encode(image, profile, settings, quality);
    let highest = number(settings.quality);
    let file = match settings.max_bytes {
        Some(max_bytes) => fit(max_bytes.get().unsigned_abs().into(), highest, encode)?,
        None => encode(highest)?,
    };
    out.write_all(&file).map_err(ImagingError::Write)
}

/// No pipeline asks this build for it: the grammar refuses the output, and no original of the format is read.
#[cfg(not(any(feature = "avif", feature = "libaom")))]
fn write_avif(_: &DynamicImage, _: Option<&[u8]>, _: &output::Avif, _: &mut impl Write) -> Result<(), ImagingError> {
    Err(ImagingError::Operation("this build cannot write avif".to_owned()))
}

/// Encodes by an encoder of `image`.
pub(super) fn write(mut encoder: impl ImageEncoder, image: &DynamicImage, carried: Carried) -> Result<(), ImagingError> {
    // The format may have no place for either.
    if let Some(profile) = carried.icc_profile {
        let _ = encoder.set_icc_profile(profile);
    }
    if let Some(exif) = carried.exif {
        let _ = encoder.set_exif_metadata(exif);
    }
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).map_err(refusal)
}

/// The quality as an encoder takes it.
fn number(quality: Quality) -> u8 {
    u8::try_from(quality.get()).expect("a quality is 1 to 100")
}

fn refusal(error: ImageError) -> ImagingError {
    match error {
        ImageError::IoError(error) => ImagingError::Write(error),
        error => ImagingError::Operation(format!("cannot be encoded: {error}")),
    }
}
