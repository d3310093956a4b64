//! Animated GIF: a palette for each frame.

use std::io::{BufWriter, Write};

use gif::{DisposalMethod, Encoder as GifEncoder, EncodingError, Repeat};

use crate::imaging::encode::capped::{Capped, write_error};
use crate::imaging::encode::holding::with_binary_alpha;
use crate::imaging::encode::{BUFFER, Encoder, WriteSeek};
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Frame, Properties};

/// Time against colours, 1 to 30: what the quantiser's author proposes.
const SPEED: i32 = 10;

/// A GIF of several frames.
pub(in crate::imaging::encode) struct Gif<W: WriteSeek> {
    out: Option<BufWriter<Capped<W>>>,
    encoder: Option<GifEncoder<BufWriter<Capped<W>>>>,
    plays: u32,
}

impl<W: WriteSeek> Gif<W> {
    pub(in crate::imaging::encode) fn new(properties: &Properties, out: Capped<W>) -> Self {
        Self { out: Some(BufWriter::with_capacity(BUFFER, out)), encoder: None, plays: properties.plays }
    }

    fn start(&mut self, width: u16, height: u16) -> Result<(), EncodingError> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let mut encoder = GifEncoder::new(out, width, height, &[])?;
        match self.plays {
            0 => encoder.set_repeat(Repeat::Infinite)?,
            1 => {}
            plays => encoder.set_repeat(Repeat::Finite(u16::try_from(plays - 1).unwrap_or(u16::MAX)))?,
        }
        self.encoder = Some(encoder);
        Ok(())
    }
}

impl<W: WriteSeek> Encoder for Gif<W> {
    fn frame(&mut self, frame: Frame) -> Result<(), ImagingError> {
        let side =
            |length: u32| u16::try_from(length).map_err(|_| ImagingError::Operation(format!("gif holds no side of {length} pixels")));
        let (width, height) = (side(frame.image.width())?, side(frame.image.height())?);
        let delay = frame.delay.rounded(100).try_into().unwrap_or(u16::MAX);
        let mut pixels = with_binary_alpha(frame.image).into_rgba8();
        let mut encoded = gif::Frame::from_rgba_speed(width, height, &mut pixels, SPEED);
        encoded.delay = delay;
        encoded.dispose = DisposalMethod::Background;
        self.start(width, height).map_err(refusal)?;
        let written = self.encoder.as_mut().map_or(Ok(()), |encoder| encoder.write_frame(&encoded));
        written.map_err(refusal)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ImagingError> {
        let Some(encoder) = self.encoder.take() else { return Ok(()) };
        let mut out = encoder.into_inner().map_err(refusal)?;
        out.flush().map_err(write_error)
    }
}

fn refusal(error: EncodingError) -> ImagingError {
    match error {
        EncodingError::Io(error) => write_error(error),
        error => ImagingError::Operation(format!("cannot be encoded: {error}")),
    }
}
