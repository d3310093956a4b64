//! Animations: GIF, WebP and APNG, decoded frame by frame as they are shown. What a file says about its frames is read by
//! `survey`, before any of them is decoded.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, Frames, ImageDecoder, Limits};

use super::{Decoder, PNG_METADATA, refusal};
use crate::domain::format::Format;
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Delay, Frame};

/// The frames of an animation from one number on, each with all that it leaves of those before it.
pub(super) struct Animation<'a> {
    frames: Frames<'a>,
    memory: u64,
    /// Frames to be decoded and not handed out.
    skip: u32,
    /// Frames to be handed out.
    left: u32,
}

impl<'a> Animation<'a> {
    /// `count` frames, the first of which is that with the number `first`, counted from 0. The file must have them.
    pub(super) fn new(input: &'a [u8], format: Format, memory: u64, first: u32, count: u32) -> Result<Self, ImagingError> {
        let cursor = Cursor::new(input);
        let frames = match format {
            Format::Gif => frames(GifDecoder::new(cursor), memory),
            Format::Webp => frames(WebPDecoder::new(cursor), memory),
            _ => {
                let decoder = PngDecoder::with_limits(cursor, limited(PNG_METADATA)).and_then(|mut decoder| {
                    decoder.set_limits(limited(memory))?;
                    decoder.apng()
                });
                decoder.map(AnimationDecoder::into_frames)
            }
        };
        Ok(Self { frames: frames.map_err(|error| refusal(error, memory))?, memory, skip: first, left: count })
    }

    fn decode(&mut self) -> Result<image::Frame, ImagingError> {
        match self.frames.next() {
            Some(frame) => frame.map_err(|error| refusal(error, self.memory)),
            None => Err(ImagingError::Corrupt("frames are missing".to_owned())),
        }
    }
}

impl Decoder for Animation<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, ImagingError> {
        while self.skip > 0 {
            self.decode()?;
            self.skip -= 1;
        }
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let frame = self.decode()?;
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let delay = Delay { numerator, denominator: denominator.max(1) };
        Ok(Some(Frame { image: frame.into_buffer().into(), shrunk: None, delay }))
    }
}

fn limited(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

fn frames<'a>(decoder: image::ImageResult<impl ImageDecoder + AnimationDecoder<'a>>, memory: u64) -> image::ImageResult<Frames<'a>> {
    let mut decoder = decoder?;
    decoder.set_limits(limited(memory))?;
    Ok(decoder.into_frames())
}
