//! Animated PNG, 8 bits with alpha.

use std::borrow::Cow;
use std::io::BufWriter;

use png::{BitDepth, BlendOp, ColorType, DisposeOp, EncodingError, Filter, Info, Writer};

use crate::domain::pipeline::output;
use crate::imaging::encode::capped::Capped;
use crate::imaging::encode::png::{compression, refusal};
use crate::imaging::encode::{BUFFER, Encoder, WriteSeek, profile_for};
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Frame, Properties};

/// A PNG of several frames.
pub(in crate::imaging::encode) struct Apng<'a, W: WriteSeek> {
    output: &'a output::Png,
    properties: Properties,
    out: Option<Capped<W>>,
    writer: Option<Writer<BufWriter<Capped<W>>>>,
}

impl<'a, W: WriteSeek> Apng<'a, W> {
    pub(in crate::imaging::encode) fn new(output: &'a output::Png, properties: Properties, out: Capped<W>) -> Self {
        Self { output, properties, out: Some(out), writer: None }
    }

    /// Writes the header before the first frame.
    fn start(&mut self, first: &image::DynamicImage) -> Result<(), EncodingError> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let mut info = Info::with_size(first.width(), first.height());
        (info.color_type, info.bit_depth) = (ColorType::Rgba, BitDepth::Eight);
        info.icc_profile = profile_for(&mut self.properties, first).map(Cow::Owned);
        info.exif_metadata = self.properties.exif.take().map(Cow::Owned);
        let mut encoder = png::Encoder::with_info(BufWriter::with_capacity(BUFFER, out), info)?;
        encoder.set_animated(self.properties.frames, self.properties.plays)?;
        encoder.set_compression(compression(self.output.compression));
        encoder.set_filter(Filter::Adaptive);
        encoder.set_dispose_op(DisposeOp::None)?;
        encoder.set_blend_op(BlendOp::Source)?;
        self.writer = Some(encoder.write_header()?);
        Ok(())
    }

    fn write(&mut self, frame: Frame) -> Result<(), EncodingError> {
        self.start(&frame.image)?;
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let (numerator, denominator) = frame.delay.seconds();
        writer.set_frame_delay(numerator, denominator)?;
        writer.write_image_data(&frame.image.into_rgba8())
    }
}

impl<W: WriteSeek> Encoder for Apng<'_, W> {
    fn frame(&mut self, frame: Frame) -> Result<(), ImagingError> {
        if self.output.colors.is_some() {
            let message = "png: colors is for still images: leave it out, or take one frame by input:frames=first";
            return Err(ImagingError::Operation(message.to_owned()));
        }
        self.write(frame).map_err(refusal)
    }

    fn finish(self: Box<Self>) -> Result<(), ImagingError> {
        self.writer.map_or(Ok(()), Writer::finish).map_err(refusal)
    }
}
