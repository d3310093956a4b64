//! libwebp behind safe functions: pixels in, the bytes of a file out. Nothing else in the crate calls C.
#![allow(unsafe_code)] // The encoder is a C library; this module is all that touches it.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use image::DynamicImage;
use libwebp_sys as sys;

/// How an image is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settings {
    /// Whether every pixel stays as it is, also where it is transparent.
    pub(super) lossless: bool,
    /// 0 to 100: of the picture if it is lossy, else how hard to look for a smaller file.
    pub(super) quality: u8,
    /// 0 (fast) to 6 (small).
    pub(super) method: u8,
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No memory was left.
    Memory,
    /// The file would have more bytes than it may; it would have at least so many.
    TooLong(u64),
    /// Another of libwebp's errors, by its number.
    Other(u32),
}

/// Encodes an image of 8 bits, colour with or without alpha, as a file of at most `max_bytes`. On the calling thread.
pub(super) fn encode(image: &DynamicImage, settings: Settings, max_bytes: u64) -> Result<Vec<u8>, Refusal> {
    let config = config(settings)?;
    let mut picture = Picture::import(image, settings.lossless)?;
    let mut out = Collected { bytes: Vec::new(), max_bytes, refused: None };
    picture.0.writer = Some(collect);
    picture.0.custom_ptr = (&raw mut out).cast();
    // SAFETY: config and picture were initialised by libwebp and live until the call returns, and so does `out`, which
    // only `collect` touches meanwhile.
    let encoded = unsafe { sys::WebPEncode(&raw const config, &raw mut picture.0) } != 0;
    match out.refused {
        Some(refusal) => Err(refusal),
        None if encoded => Ok(out.bytes),
        None => Err(picture.refusal()),
    }
}

/// What the encoder has written so far.
struct Collected {
    bytes: Vec<u8>,
    max_bytes: u64,
    refused: Option<Refusal>,
}

impl Collected {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let length = self.bytes.len() as u64 + bytes.len() as u64;
        if length > self.max_bytes {
            return Err(Refusal::TooLong(length));
        }
        self.bytes.try_reserve(bytes.len()).map_err(|_| Refusal::Memory)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// Takes a piece of the file; 0 makes the encoder give up.
unsafe extern "C" fn collect(data: *const u8, length: usize, picture: *const sys::WebPPicture) -> c_int {
    if length == 0 {
        return 1;
    }
    // SAFETY: libwebp passes the picture that it was given, whose `custom_ptr` `encode` has set to a `Collected` that
    // nothing else uses meanwhile, and `length` readable bytes.
    let (out, bytes) = unsafe { (&mut *(*picture).custom_ptr.cast::<Collected>(), std::slice::from_raw_parts(data, length)) };
    let pushed = out.push(bytes);
    out.refused = pushed.err();
    c_int::from(pushed.is_ok())
}

fn config(settings: Settings) -> Result<sys::WebPConfig, Refusal> {
    let mut config = sys::WebPConfig::new().map_err(|()| Refusal::Other(INVALID_CONFIGURATION))?;
    config.lossless = settings.lossless.into();
    config.exact = settings.lossless.into();
    config.quality = settings.quality.into();
    config.method = settings.method.into();
    config.thread_level = 0;
    Ok(config)
}

const INVALID_CONFIGURATION: u32 = sys::WebPEncodingError::VP8_ENC_ERROR_INVALID_CONFIGURATION as u32;

/// Pixels in the memory of libwebp.
struct Picture(sys::WebPPicture);

impl Picture {
    /// Copies the pixels: as they are for a lossless image, else as luma and chroma.
    fn import(image: &DynamicImage, argb: bool) -> Result<Self, Refusal> {
        let mut picture = Self(sys::WebPPicture::new().map_err(|()| Refusal::Other(INVALID_CONFIGURATION))?);
        let side = |length: u32| c_int::try_from(length).map_err(|_| Refusal::Other(BAD_DIMENSION));
        (picture.0.width, picture.0.height) = (side(image.width())?, side(image.height())?);
        picture.0.use_argb = argb.into();
        let stride = side(image.width())?.checked_mul(image.color().bytes_per_pixel().into()).ok_or(Refusal::Other(BAD_DIMENSION))?;
        let imported = match image {
            // SAFETY: the buffer has `height` rows of `stride` bytes, three to a pixel, and is only read during the call.
            DynamicImage::ImageRgb8(pixels) => unsafe { sys::WebPPictureImportRGB(&raw mut picture.0, pixels.as_ptr(), stride) },
            // SAFETY: as above, four bytes to a pixel.
            DynamicImage::ImageRgba8(pixels) => unsafe { sys::WebPPictureImportRGBA(&raw mut picture.0, pixels.as_ptr(), stride) },
            _ => return Err(Refusal::Other(INVALID_CONFIGURATION)),
        };
        if imported == 0 { Err(picture.refusal()) } else { Ok(picture) }
    }

    /// The error that libwebp has left in the picture.
    fn refusal(&self) -> Refusal {
        use sys::WebPEncodingError::{VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY, VP8_ENC_ERROR_OUT_OF_MEMORY};
        match self.0.error_code {
            VP8_ENC_ERROR_OUT_OF_MEMORY | VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY => Refusal::Memory,
            other => Refusal::Other(other as u32),
        }
    }
}

const BAD_DIMENSION: u32 = sys::WebPEncodingError::VP8_ENC_ERROR_BAD_DIMENSION as u32;

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised, and what it points to is libwebp's own or nothing.
        unsafe { sys::WebPPictureFree(&raw mut self.0) };
    }
}

/// An animation in the memory of libwebp: the frames that were added, encoded.
pub(super) struct Animation(NonNull<sys::WebPAnimEncoder>);

impl Animation {
    /// Frames of that width and height, which play so often; 0: forever.
    pub(super) fn new((width, height): (u32, u32), plays: u32) -> Result<Self, Refusal> {
        let side = |length: u32| c_int::try_from(length).map_err(|_| Refusal::Other(BAD_DIMENSION));
        let (width, height) = (side(width)?, side(height)?);
        let version = sys::WEBP_MUX_ABI_VERSION as c_int;
        // SAFETY: all fields are numbers, for which zeros are valid.
        let mut options: sys::WebPAnimEncoderOptions = unsafe { std::mem::zeroed() };
        // SAFETY: the options are a valid place to write to.
        if unsafe { sys::WebPAnimEncoderOptionsInitInternal(&raw mut options, version) } == 0 {
            return Err(Refusal::Other(INVALID_CONFIGURATION));
        }
        // The format counts up to 65535.
        options.anim_params.loop_count = plays.min(0xffff) as c_int;
        // SAFETY: the options were initialised by libwebp and are only read during the call.
        let encoder = unsafe { sys::WebPAnimEncoderNewInternal(width, height, &raw const options, version) };
        NonNull::new(encoder).map(Self).ok_or(Refusal::Memory)
    }

    /// Adds a frame, 8 bits and colour with or without alpha, that is shown from `start_ms` on: not before those added so far.
    pub(super) fn add(&mut self, image: &DynamicImage, start_ms: u32, settings: Settings) -> Result<(), Refusal> {
        let config = config(settings)?;
        let mut picture = Picture::import(image, true)?;
        let time = c_int::try_from(start_ms).map_err(|_| Refusal::Other(INVALID_CONFIGURATION))?;
        // SAFETY: the encoder is alive as long as `self`; picture and config were initialised by libwebp and live until the
        // call returns.
        let added = unsafe { sys::WebPAnimEncoderAdd(self.0.as_ptr(), &raw mut picture.0, time, &raw const config) };
        if added == 0 { Err(picture.refusal()) } else { Ok(()) }
    }

    /// The file, of at most `max_bytes`; the last frame is shown until `end_ms`.
    pub(super) fn finish(self, end_ms: u32, max_bytes: u64) -> Result<Vec<u8>, Refusal> {
        let end = c_int::try_from(end_ms).map_err(|_| Refusal::Other(INVALID_CONFIGURATION))?;
        let mut data = sys::WebPData::default();
        // SAFETY: the encoder is alive; without a picture the call ends the animation, and `data` is a valid place to write to.
        let made = unsafe {
            sys::WebPAnimEncoderAdd(self.0.as_ptr(), ptr::null_mut(), end, ptr::null()) != 0
                && sys::WebPAnimEncoderAssemble(self.0.as_ptr(), &raw mut data) != 0
        };
        let copied = if made && !data.bytes.is_null() {
            // SAFETY: libwebp has left `size` readable bytes there, which are its caller's until they are freed below.
            let bytes = unsafe { std::slice::from_raw_parts(data.bytes, data.size) };
            let mut out = Collected { bytes: Vec::new(), max_bytes, refused: None };
            out.push(bytes).map(|()| out.bytes)
        } else {
            Err(Refusal::Memory)
        };
        // SAFETY: the bytes are libwebp's or none.
        unsafe { sys::WebPDataClear(&mut data) };
        copied
    }
}

impl Drop for Animation {
    fn drop(&mut self) {
        // SAFETY: the encoder was made by libwebp and is not used again.
        unsafe { sys::WebPAnimEncoderDelete(self.0.as_ptr()) };
    }
}
