//! Formats that hold one image, each by its encoder.

use std::io::{BufWriter, Write};

use image::codecs::{bmp::BmpEncoder, gif::GifEncoder, png, qoi::QoiEncoder, tiff::TiffEncoder};
use image::{DynamicImage, ImageEncoder, ImageError, ImageResult};

use super::capped::Capped;
use super::fitting::fit;
use super::holding::held_by;
use super::with_exif::WithExif;
use super::{BUFFER, Encoder, WriteSeek, jpeg, profile_for, webp};
use crate::domain::limits::{Limit, LimitExceeded};
use crate::domain::pipeline::{Compression, Output, Quality, output};
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
        let image = held_by(self.output.format(), frame.image);
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
struct Carried {
    icc_profile: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
}

/// Encodes a result of at most `max_bytes`; `out` refuses more anyway, this is for encoders that collect it first.
fn encode(image: &DynamicImage, carried: Carried, output: &Output, max_bytes: u64, out: &mut impl WriteSeek) -> Result<(), ImagingError> {
    let encoded = match output {
        Output::Png(settings) => write(png(settings, out), image, carried),
        Output::Jpeg(settings) => return write_jpeg(image, &carried, settings, out),
        Output::Webp(settings) => return write_webp(image, &carried, settings, max_bytes, out),
        Output::Gif(_) => GifEncoder::new(out).encode(image.as_bytes(), image.width(), image.height(), image.color().into()),
        Output::Bmp(_) => write(BmpEncoder::new(out), image, carried),
        Output::Tiff(_) => write(TiffEncoder::new(out), image, carried),
        Output::Qoi(_) => write(QoiEncoder::new(out), image, carried),
    };
    encoded.map_err(refusal)
}

/// Adaptive filters with fast compression are both faster and smaller than most encoders' defaults on photographs.
fn png<W: Write>(settings: &output::Png, out: W) -> png::PngEncoder<W> {
    let compression = match settings.compression {
        Compression::Fast => png::CompressionType::Fast,
        Compression::Balanced => png::CompressionType::Default,
        Compression::Best => png::CompressionType::Best,
    };
    png::PngEncoder::new_with_quality(out, compression, png::FilterType::Adaptive)
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

fn write(mut encoder: impl ImageEncoder, image: &DynamicImage, carried: Carried) -> ImageResult<()> {
    // The format may have no place for either.
    if let Some(profile) = carried.icc_profile {
        let _ = encoder.set_icc_profile(profile);
    }
    if let Some(exif) = carried.exif {
        let _ = encoder.set_exif_metadata(exif);
    }
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into())
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
