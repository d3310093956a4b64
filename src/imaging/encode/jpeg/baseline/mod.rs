//! Baseline JPEG (ITU-T T.81: sequential, Huffman codes, 8 bits, one scan; gray or YCbCr), encoded strip by strip, with Huffman tables
//! made for the picture.
//!
//! The way of the data: rows of pixels become the `planes` of a strip, luma and chroma (`color`), their blocks quantised coefficients
//! (`dct`, `quantisation`), those `tokens`: the symbols that will be coded, counted as they come. When the last has come, or so many that
//! they have told enough, `codes` are made of the counts, the `header` is written, and the tokens become bits (`scan`). So the tables
//! take no second pass over the pixels, and only a strip and the tokens are in memory.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod bits;
mod codes;
mod color;
mod dct;
mod header;
mod kernels;
mod planes;
mod quantisation;
mod scan;
#[cfg(test)]
mod tests;
mod tokens;

use std::borrow::Cow;
use std::io::{self, Write};

use crate::domain::pipeline::Subsampling;
use dct::Block;
use kernels::Kernels;
use planes::Plane;
use quantisation::Steps;
use scan::Scan;

/// What is to be encoded, but for its pixels.
#[derive(Clone)]
pub(super) struct Picture<'a> {
    /// Width and height in pixels, at least 1.
    pub(super) size: (u16, u16),
    /// Whether a pixel has three samples, red, green and blue, or one.
    pub(super) has_color: bool,
    pub(super) subsampling: Subsampling,
    /// 1 to 100, with the tables and the scale that the Independent JPEG Group's library has given the number its meaning by.
    pub(super) quality: u8,
    pub(super) icc_profile: Option<Cow<'a, [u8]>>,
}

impl Picture<'_> {
    /// Blocks of luma in one MCU, along each axis.
    fn sampling(&self) -> (usize, usize) {
        match self.subsampling {
            _ if !self.has_color => (1, 1),
            Subsampling::Quarter => (2, 2),
            Subsampling::Half => (2, 1),
            Subsampling::Full => (1, 1),
        }
    }
}

/// A file in the making.
pub(super) struct Baseline<'a, W> {
    kernels: Kernels,
    sampling: (usize, usize),
    /// MCUs in a row.
    mcus: usize,
    /// Bytes of a row of pixels.
    row: usize,
    /// Luma, and the two of chroma if there are any.
    channels: Vec<Channel>,
    scan: Scan<'a, W>,
}

/// What belongs to one component.
struct Channel {
    plane: Plane,
    steps: Steps,
    /// Blocks in one MCU, along each axis.
    blocks: (usize, usize),
    /// Which pair of Huffman tables it is coded with.
    tables: usize,
    /// The DC coefficient of the block before.
    prediction: i32,
}

impl<'a, W: Write> Baseline<'a, W> {
    /// Begins a file; nothing is written before enough is known.
    pub(super) fn new(picture: Picture<'a>, out: W) -> Self {
        let sampling = picture.sampling();
        let mcus = usize::from(picture.size.0).div_ceil(8 * sampling.0);
        let tables = quantisation::tables(picture.quality);
        let channel = |(across, down), tables_of: usize| Channel {
            plane: Plane::new(8 * across * mcus, 8 * down),
            steps: Steps::new(&tables[tables_of]),
            blocks: (across, down),
            tables: tables_of,
            prediction: 0,
        };
        let mut channels = vec![channel(sampling, 0)];
        if picture.has_color {
            channels.extend([channel((1, 1), 1), channel((1, 1), 1)]);
        }
        let order = channels.iter().flat_map(|channel| vec![channel.tables; channel.blocks.0 * channel.blocks.1]).collect();
        let row = usize::from(picture.size.0) * if picture.has_color { 3 } else { 1 };
        let frame = header::Frame { size: picture.size, sampling, has_color: picture.has_color, tables, icc_profile: picture.icc_profile };
        Self { kernels: Kernels::detect(), sampling, mcus, row, channels, scan: Scan::new(frame, order, out) }
    }

    /// The bytes of a strip of pixels, but for the last, which may have fewer rows.
    pub(super) fn strip_bytes(&self) -> usize {
        self.row * 8 * self.sampling.1
    }

    /// Takes the next strip, row by row. Only the last may be shorter than [`Baseline::strip_bytes`].
    ///
    /// # Errors
    /// Those of the writer.
    ///
    /// # Panics
    /// When there is no whole row, or when there are more than those of a strip.
    pub(super) fn strip(&mut self, pixels: &[u8]) -> io::Result<()> {
        assert!(pixels.len() >= self.row && pixels.len() <= self.strip_bytes(), "a strip of pixels");
        let planes = self.channels.iter_mut().map(|channel| &mut channel.plane);
        planes::fill(self.kernels, self.sampling, pixels.chunks_exact(self.row), planes);
        for mcu in 0..self.mcus {
            self.scan.make_room()?;
            for channel in &mut self.channels {
                channel.mcu(mcu, self.kernels, &mut self.scan);
            }
        }
        Ok(())
    }

    /// Ends the file, after its last strip, and flushes it.
    ///
    /// # Errors
    /// Those of the writer.
    pub(super) fn finish(self) -> io::Result<()> {
        self.scan.finish()
    }
}

impl Channel {
    /// The blocks of one MCU.
    #[inline(always)]
    fn mcu<W>(&mut self, mcu: usize, kernels: Kernels, scan: &mut Scan<'_, W>) {
        let (across, down) = self.blocks;
        for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column))) {
            let block: Block = (kernels.transform)(self.plane.block(mcu * across + column, row), self.plane.stride, &self.steps);
            let mean = i32::from(block.values[0]);
            scan.tokens.block(self.tables, mean - self.prediction, &block);
            self.prediction = mean;
        }
    }
}
