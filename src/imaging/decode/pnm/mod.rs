//! PBM, PGM, PPM and PAM (the manual pages of Netpbm), plain and raw, of up to 16 bits.
//!
//! The decoder of `image` is not strict enough: it takes samples beyond the largest that the header allows, reads a PAM of 16 bits
//! that names no tuple type as one of 8, and allocates what a header asks for before it looks whether the file has as much. Of several
//! images in a file the first is taken.

mod header;

use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult};

use header::{Header, Raster, Words};

/// A decoder over a whole file.
pub(super) struct PnmDecoder<'a> {
    header: Header,
    raster: &'a [u8],
}

impl<'a> PnmDecoder<'a> {
    /// Reads the header, and refuses a file that is too short for what it says.
    pub(super) fn new(input: &'a [u8]) -> ImageResult<Self> {
        let (header, raster) = Header::read(input)?;
        if (raster.len() as u64) < header.least_raster() {
            return Err(corrupt("the file is shorter than its header says"));
        }
        Ok(Self { header, raster })
    }

    /// Samples as they are stored, each two bytes in the machine's order where the largest has more than 8 bits.
    fn read_samples(&self, samples: &mut [u8]) -> ImageResult<()> {
        match self.header.raster {
            Raster::Bits => self.read_bits(samples),
            Raster::PlainBits => self.read_plain_bits(samples),
            Raster::Plain => self.read_plain(samples),
            Raster::Raw if self.header.is_deep() => {
                let big_endian = self.raster.as_chunks::<2>().0;
                let (samples, _) = samples.as_chunks_mut::<2>();
                samples.iter_mut().zip(big_endian).for_each(|(sample, bytes)| *sample = u16::from_be_bytes(*bytes).to_ne_bytes());
                Ok(())
            }
            Raster::Raw => {
                samples.copy_from_slice(&self.raster[..samples.len()]);
                Ok(())
            }
        }
    }

    /// Eight pixels to a byte, each row in bytes of its own; 1 is black.
    fn read_bits(&self, samples: &mut [u8]) -> ImageResult<()> {
        let width = self.header.width as usize;
        for (row, bits) in samples.chunks_exact_mut(width).zip(self.raster.chunks_exact(width.div_ceil(8))) {
            for (eight, byte) in row.chunks_mut(8).zip(bits) {
                eight.iter_mut().zip((0..8).rev()).for_each(|(sample, bit)| *sample = 1 - (byte >> bit & 1));
            }
        }
        Ok(())
    }

    fn read_plain_bits(&self, samples: &mut [u8]) -> ImageResult<()> {
        let mut words = Words(self.raster);
        for sample in samples {
            *sample = match words.byte()? {
                b'0' => 1,
                b'1' => 0,
                _ => return Err(corrupt("a bit is neither 0 nor 1")),
            };
        }
        Ok(())
    }

    fn read_plain(&self, samples: &mut [u8]) -> ImageResult<()> {
        let mut words = Words(self.raster);
        let mut next = || u16::try_from(words.number()?).map_err(|_| corrupt(TOO_LARGE));
        if self.header.is_deep() {
            samples.as_chunks_mut::<2>().0.iter_mut().try_for_each(|sample| next().map(|value| *sample = value.to_ne_bytes()))
        } else {
            samples.iter_mut().try_for_each(|sample| {
                *sample = u8::try_from(next()?).map_err(|_| corrupt(TOO_LARGE))?;
                Ok(())
            })
        }
    }

    /// From 0 to the largest value of the file to all that the pixel type has.
    fn stretch(&self, samples: &mut [u8]) -> ImageResult<()> {
        let max = self.header.max;
        if self.header.is_deep() {
            let (samples, _) = samples.as_chunks_mut::<2>();
            samples.iter_mut().try_for_each(|sample| {
                let stretched = stretched(u16::from_ne_bytes(*sample), max, u16::MAX).ok_or_else(|| corrupt(TOO_LARGE))?;
                *sample = stretched.to_ne_bytes();
                Ok(())
            })
        } else {
            let table: Vec<_> = (0..=max).filter_map(|value| stretched(value, max, u8::MAX.into())).map(|value| value as u8).collect();
            samples.iter_mut().try_for_each(|sample| {
                *sample = *table.get(usize::from(*sample)).ok_or_else(|| corrupt(TOO_LARGE))?;
                Ok(())
            })
        }
    }
}

/// Rounded to the nearest; `None` beyond `max`.
fn stretched(value: u16, max: u16, full: u16) -> Option<u16> {
    let stretched = (u32::from(value) * u32::from(full) + u32::from(max) / 2) / u32::from(max);
    (value <= max).then_some(stretched as u16)
}

impl ImageDecoder for PnmDecoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        (self.header.width, self.header.height)
    }

    fn color_type(&self) -> ColorType {
        self.header.color_type()
    }

    fn read_image(self, samples: &mut [u8]) -> ImageResult<()> {
        self.read_samples(samples)?;
        match self.header.max {
            255 | 65_535 => Ok(()),
            _ => self.stretch(samples),
        }
    }

    fn read_image_boxed(self: Box<Self>, samples: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(samples)
    }
}

const TOO_LARGE: &str = "a sample is larger than the header allows";

fn corrupt(what: &'static str) -> ImageError {
    ImageError::Decoding(DecodingError::new(ImageFormat::Pnm.into(), what))
}

fn unsupported(what: String) -> ImageError {
    let format = ImageFormatHint::Exact(ImageFormat::Pnm);
    ImageError::Unsupported(UnsupportedError::from_format_and_kind(format, UnsupportedErrorKind::GenericFeature(what)))
}
