//! The header of a file of Netpbm, and the words that it and plain rasters are made of.

use image::{ColorType, ImageResult};

use super::{corrupt, unsupported};

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raster {
    /// Eight to a byte.
    Bits,
    /// One or two bytes each, the higher first.
    Raw,
    /// Digits 0 and 1.
    PlainBits,
    /// Decimal numbers.
    Plain,
}

/// What stands before the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// In pixels.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
    /// Samples to a pixel: gray, gray with alpha, colours, colours with alpha.
    channels: u8,
    /// The value that stands for all of a sample; 1 or more.
    pub(super) max: u16,
    pub(super) raster: Raster,
}

impl Header {
    /// Reads the header; returns what follows it, too.
    pub(super) fn read(input: &[u8]) -> ImageResult<(Self, &[u8])> {
        let mut words = Words(input.get(2..).unwrap_or_default());
        let (raster, channels, has_max) = match input.get(1) {
            Some(b'1') => (Raster::PlainBits, 1, false),
            Some(b'2') => (Raster::Plain, 1, true),
            Some(b'3') => (Raster::Plain, 3, true),
            Some(b'4') => (Raster::Bits, 1, false),
            Some(b'5') => (Raster::Raw, 1, true),
            Some(b'6') => (Raster::Raw, 3, true),
            _ => return Self::read_arbitrary(words),
        };
        let (width, height) = (words.number()?, words.number()?);
        let max = if has_max { largest(words.number()?)? } else { 1 };
        Ok((Self { width, height, channels, max, raster }, words.after_separator()?))
    }

    /// A PAM: lines of a name and a value, in any order.
    fn read_arbitrary(mut words: Words<'_>) -> ImageResult<(Self, &[u8])> {
        let [mut width, mut height, mut depth, mut max] = [None; 4];
        let mut tuple = &b""[..];
        loop {
            let value = match words.word()? {
                b"ENDHDR" => break,
                b"TUPLTYPE" => {
                    tuple = words.rest_of_line();
                    continue;
                }
                b"WIDTH" => &mut width,
                b"HEIGHT" => &mut height,
                b"DEPTH" => &mut depth,
                b"MAXVAL" => &mut max,
                _ => return Err(corrupt("the header has a line of a name that is not known")),
            };
            if value.replace(words.number()?).is_some() {
                return Err(corrupt("the header says something twice"));
            }
        }
        let (Some(width), Some(height), Some(depth), Some(max)) = (width, height, depth, max) else {
            return Err(corrupt("the header lacks the width, the height, the depth or the largest value"));
        };
        let channels = match (tuple, depth) {
            (b"" | b"BLACKANDWHITE" | b"GRAYSCALE", 1) => 1,
            (b"" | b"BLACKANDWHITE_ALPHA" | b"GRAYSCALE_ALPHA", 2) => 2,
            (b"" | b"RGB", 3) => 3,
            (b"" | b"RGB_ALPHA", 4) => 4,
            _ => return Err(unsupported(format!("tuples of {depth} samples that are neither gray nor colours"))),
        };
        Ok((Self { width, height, channels, max: largest(max)?, raster: Raster::Raw }, words.after_separator()?))
    }

    /// Whether samples have more than 8 bits.
    pub(super) fn is_deep(&self) -> bool {
        self.max > 255
    }

    /// The pixel type that holds the samples.
    pub(super) fn color_type(&self) -> ColorType {
        match (self.channels, self.is_deep()) {
            (1, false) => ColorType::L8,
            (1, true) => ColorType::L16,
            (2, false) => ColorType::La8,
            (2, true) => ColorType::La16,
            (3, false) => ColorType::Rgb8,
            (3, true) => ColorType::Rgb16,
            (_, false) => ColorType::Rgba8,
            (_, true) => ColorType::Rgba16,
        }
    }

    /// How many bytes the samples take at least. Saturates.
    pub(super) fn least_raster(&self) -> u64 {
        let samples = (u64::from(self.width) * u64::from(self.height)).saturating_mul(self.channels.into());
        match self.raster {
            Raster::Bits => u64::from(self.width.div_ceil(8)) * u64::from(self.height),
            Raster::PlainBits => samples,
            Raster::Raw => samples.saturating_mul(if self.is_deep() { 2 } else { 1 }),
            // A digit and what parts it from the next.
            Raster::Plain => samples.saturating_mul(2).saturating_sub(1),
        }
    }
}

fn largest(max: u32) -> ImageResult<u16> {
    u16::try_from(max).ok().filter(|max| *max > 0).ok_or_else(|| corrupt("the largest value is not 1 to 65535"))
}

/// Words between white space and comments.
pub(super) struct Words<'a>(pub(super) &'a [u8]);

impl<'a> Words<'a> {
    /// Takes what belongs to no word.
    fn skip(&mut self) {
        loop {
            self.0 = self.0.trim_ascii_start();
            match self.0 {
                // Beside ASCII's white space, as `isspace` of C.
                [0x0b, rest @ ..] => self.0 = rest,
                [b'#', rest @ ..] => {
                    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                    self.0 = &rest[end..];
                }
                _ => return,
            }
        }
    }

    /// The next byte of a word.
    pub(super) fn byte(&mut self) -> ImageResult<u8> {
        self.skip();
        let (byte, rest) = self.0.split_first().ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn word(&mut self) -> ImageResult<&'a [u8]> {
        self.skip();
        let end = self.0.iter().position(|byte| is_space(*byte)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        if word.is_empty() { Err(cut_off()) } else { Ok(word) }
    }

    /// The next word, digits only.
    pub(super) fn number(&mut self) -> ImageResult<u32> {
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
        let number = self.word()?.iter().try_fold(0_u32, |number, byte| number.checked_mul(10)?.checked_add(digit(byte)?));
        number.ok_or_else(|| corrupt("where a number should be is none, or one that is too large"))
    }

    fn rest_of_line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest;
        line.trim_ascii()
    }

    /// What comes after the one character that ends a header.
    fn after_separator(self) -> ImageResult<&'a [u8]> {
        match self.0 {
            [separator, rest @ ..] if is_space(*separator) => Ok(rest),
            _ => Err(cut_off()),
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn cut_off() -> image::ImageError {
    corrupt("the file ends too early")
}
