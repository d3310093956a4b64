//! A baseline file whose picture comes row by row.

use std::borrow::Cow;
use std::io::BufWriter;

use super::baseline::{Baseline, Picture};
use crate::domain::pipeline::Output;
use crate::domain::pipeline::output::Jpeg;
use crate::imaging::encode::capped::{Capped, write_error};
use crate::imaging::encode::holding::held_by;
use crate::imaging::encode::with_exif::WithExif;
use crate::imaging::encode::{BUFFER, Encoder, WriteSeek, profile_for};
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Frame, Properties};

/// A file whose frames are strips of the picture, of any number of rows.
pub(in crate::imaging::encode) struct ByRows<'a, W: WriteSeek> {
    output: &'a Output,
    settings: &'a Jpeg,
    /// Width and height of the picture.
    size: (u32, u32),
    properties: Properties,
    /// Taken by the file.
    out: Option<Capped<W>>,
    file: Option<Baseline<'static, WithExif<BufWriter<Capped<W>>>>>,
    /// Rows that wait until there are enough for a strip of the encoder's.
    rows: Vec<u8>,
}

impl<'a, W: WriteSeek> ByRows<'a, W> {
    /// A picture of that size; `settings` are those of `output`, which is neither progressive nor fitted into a number of bytes.
    pub(in crate::imaging::encode) fn new(
        output: &'a Output,
        settings: &'a Jpeg,
        size: (u32, u32),
        properties: Properties,
        out: Capped<W>,
    ) -> Self {
        Self { output, settings, size, properties, out: Some(out), file: None, rows: Vec::new() }
    }

    /// Begins the file, once it is known what its pixels are.
    fn begin(&mut self, has_color: bool, had_color: bool, icc_profile: Option<Vec<u8>>) -> Result<(), ImagingError> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let quality = u8::try_from(self.settings.quality.get()).expect("a quality is 1 to 100");
        let icc_profile = icc_profile.filter(|_| has_color == had_color).map(Cow::Owned);
        let picture = Picture { size: super::size(self.size)?, has_color, subsampling: self.settings.subsampling, quality, icc_profile };
        let out = WithExif::new(BufWriter::with_capacity(BUFFER, out), self.properties.exif.as_deref());
        self.file = Some(Baseline::new(picture, out));
        Ok(())
    }
}

impl<W: WriteSeek> Encoder for ByRows<'_, W> {
    fn frame(&mut self, strip: Frame) -> Result<(), ImagingError> {
        let had_color = strip.image.color().has_color();
        let strip = held_by(self.output, strip.image);
        if self.out.is_some() {
            let icc_profile = profile_for(&mut self.properties, &strip);
            self.begin(strip.color().has_color(), had_color, icc_profile)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        self.rows.extend_from_slice(strip.as_bytes());
        let ready = self.rows.len() - self.rows.len() % file.strip_bytes();
        self.rows[..ready].chunks(file.strip_bytes()).try_for_each(|strip| file.strip(strip)).map_err(write_error)?;
        self.rows.drain(..ready);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), ImagingError> {
        let Some(mut file) = self.file else { return Ok(()) };
        if !self.rows.is_empty() {
            file.strip(&self.rows).map_err(write_error)?;
        }
        file.finish().map_err(write_error)
    }
}
