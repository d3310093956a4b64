//! AVIF by libaom: gray or colours, with or without alpha, of 8 to 12 bits. What a file says about its image is read by
//! `avif::reader`, which refuses it where the stream has another size; of a sequence the still image is taken.

mod colors;

use image::error::{DecodingError, ImageFormatHint, LimitError, LimitErrorKind, UnsupportedError, UnsupportedErrorKind};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult};
use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

use crate::imaging::avif::aom::{Picture, Refusal};
use crate::imaging::avif::reader::{self, Coded, Fault, File};
use crate::imaging::avif::{Chroma, Cicp};
use colors::Colors;

/// A decoder over a whole file.
pub(super) struct AvifDecoder<'a> {
    file: File<'a>,
}

impl<'a> AvifDecoder<'a> {
    /// Reads the boxes.
    pub(super) fn new(input: &'a [u8]) -> ImageResult<Self> {
        reader::read(input).map(|file| Self { file }).map_err(|fault| match fault {
            Fault::Corrupt(what) => corrupt(what),
            Fault::Unsupported(what) => unsupported(what),
        })
    }

    fn is_deep(&self) -> bool {
        self.file.color.depth > 8
    }
}

impl ImageDecoder for AvifDecoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.file.size
    }

    fn color_type(&self) -> ColorType {
        match (self.file.color.is_gray, self.file.alpha.is_some(), self.is_deep()) {
            (true, false, false) => ColorType::L8,
            (true, true, false) => ColorType::La8,
            (false, false, false) => ColorType::Rgb8,
            (false, true, false) => ColorType::Rgba8,
            (true, false, true) => ColorType::L16,
            (true, true, true) => ColorType::La16,
            (false, false, true) => ColorType::Rgb16,
            (false, true, true) => ColorType::Rgba16,
        }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        let described = || self.file.cicp.filter(|_| !self.file.color.is_gray).and_then(profile_of);
        Ok(self.file.icc_profile.map(<[u8]>::to_vec).or_else(described))
    }

    /// That of the file; an orientation of EXIF means nothing in this format.
    fn orientation(&mut self) -> ImageResult<Orientation> {
        Ok(self.file.orientation)
    }

    fn read_image(self, samples: &mut [u8]) -> ImageResult<()> {
        let color = picture(&self.file.color, self.file.size)?;
        let alpha = self.file.alpha.as_ref().map(|alpha| picture(alpha, self.file.size)).transpose()?;
        let cicp = self.file.cicp.unwrap_or_else(|| color.cicp());
        let unknown = || unsupported("colours by a matrix that is not known");
        let mut colors = Colors::new(&color, cicp).ok_or_else(unknown)?;
        let mut alpha =
            alpha.as_ref().map(|alpha| Colors::new(alpha, Cicp { matrix: 2, ..alpha.cicp() }).ok_or_else(unknown)).transpose()?;
        let is_deep = self.is_deep();
        let row_bytes = samples.len() / self.file.size.1 as usize;
        for (y, row) in samples.chunks_exact_mut(row_bytes).enumerate() {
            colors.read(y);
            if let Some(alpha) = &mut alpha {
                alpha.read(y);
            }
            let pixel_bytes = row_bytes / self.file.size.0 as usize;
            for (x, pixel) in row.chunks_exact_mut(pixel_bytes).enumerate() {
                let alpha = alpha.as_ref().map(|alpha| alpha.luma(x));
                let divisor = alpha.filter(|alpha| self.file.premultiplied && *alpha > 0.0).unwrap_or(1.0);
                let colors = if self.file.color.is_gray { [colors.luma(x); 3] } else { colors.pixel(x) };
                let count = if self.file.color.is_gray { 1 } else { 3 };
                let numbers = colors[..count].iter().map(|color| color / divisor).chain(alpha);
                write(numbers, is_deep, pixel);
            }
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, samples: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(samples)
    }
}

/// Numbers of 0 to 1 as samples of 8 or 16 bits.
fn write(numbers: impl Iterator<Item = f32>, is_deep: bool, pixel: &mut [u8]) {
    if is_deep {
        let samples = pixel.as_chunks_mut::<2>().0;
        numbers.zip(samples).for_each(|(number, sample)| *sample = ((number * 65_535.0).round() as u16).to_ne_bytes());
    } else {
        numbers.zip(pixel).for_each(|(number, sample)| *sample = (number * 255.0).round() as u8);
    }
}

fn picture(coded: &Coded<'_>, size: (u32, u32)) -> ImageResult<Picture> {
    let picture = Picture::decode(&coded.stream).map_err(|refusal| match refusal {
        Refusal::Memory => ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)),
        Refusal::Unsupported => unsupported("an AV1 stream of a kind that libaom does not know"),
        Refusal::Other(_) => corrupt("the AV1 stream is damaged"),
    })?;
    let kept = (picture.size(), picture.depth(), picture.chroma() == Chroma::None) == (size, coded.depth, coded.is_gray);
    if kept { Ok(picture) } else { Err(corrupt("the AV1 stream is of another kind than the file says")) }
}

/// The colour profile of what the file says by numbers; `None` for sRGB, and for what takes its transfer function to be sRGB's.
fn profile_of(cicp: Cicp) -> Option<Vec<u8>> {
    const SAME: [u16; 5] = [1, 2, 6, 13, 14];
    let number = |number: u16| u8::try_from(number).ok();
    if matches!(cicp.primaries, 1 | 2) && SAME.contains(&cicp.transfer) {
        return None;
    }
    let transfer = if SAME.contains(&cicp.transfer) { 13 } else { cicp.transfer };
    let profile = CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(number(cicp.primaries)?).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(number(transfer)?).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    ColorProfile::new_from_cicp(profile).encode().ok()
}

/// What libaom takes for a stream of 8 bits, twice as much for a deeper one. Measured is the memory of a process that decodes photographs.
const BYTES_PER_PIXEL: u64 = 32;
const FIXED: u64 = 8 << 20;

/// An upper bound of what decoding allocates beside the pixels.
pub(super) fn working_bytes(input: &[u8]) -> u64 {
    let Ok(file) = reader::read(input) else { return 0 };
    let pixels = u64::from(file.size.0) * u64::from(file.size.1);
    let of = |coded: &Coded<'_>| pixels.saturating_mul(BYTES_PER_PIXEL * if coded.depth > 8 { 2 } else { 1 }).saturating_add(FIXED);
    of(&file.color).saturating_add(file.alpha.as_ref().map_or(0, of))
}

fn corrupt(what: &'static str) -> ImageError {
    ImageError::Decoding(DecodingError::new(ImageFormat::Avif.into(), what))
}

fn unsupported(what: &'static str) -> ImageError {
    let format = ImageFormatHint::Exact(ImageFormat::Avif);
    ImageError::Unsupported(UnsupportedError::from_format_and_kind(format, UnsupportedErrorKind::GenericFeature(what.to_owned())))
}
