//! The scan of a frame, decoded one row of MCUs (a strip) after the other.

use std::iter;

use super::Damaged;
use super::bits::{BitReader, Place};
use super::block::{self, Coding};
use super::frame::{Component, Frame};
use super::huffman::{SkipTable, Table};
use super::idct;
use super::intervals::Intervals;
use super::kernels::Kernels;
use super::plane::Plane;
use super::upsample::Row;
use crate::domain::pipeline::Scale;
use crate::imaging::decode::jpeg::segments;
use crate::imaging::jpeg::marker::RST0;
use crate::imaging::jpeg::zigzag::EXTENT;

/// A decoder in the midst of its work.
pub(in crate::imaging::decode::jpeg) struct Strips<'a> {
    frame: &'a Frame<'a>,
    channels: Vec<Channel<'a>>,
    kernels: Kernels,
    /// Of the result, in pixels.
    size: (usize, usize),
    /// MCUs of the scan, in a row and in a column.
    mcus: (usize, usize),
    /// Rows of pixels in a strip.
    rows: usize,
    /// How many strips are decoded.
    strips: usize,
    /// How many rows of pixels are done.
    done: usize,
    intervals: Intervals<'a>,
    /// How far the interval is read.
    place: Place,
    /// MCUs that the interval has still to give.
    left: usize,
    /// The marker behind the interval.
    marker: u8,
    /// The restart marker that is due.
    restart: u8,
}

/// What belongs to one component.
struct Channel<'a> {
    coding: Coding<'a>,
    plane: Plane,
    row: Row,
    prediction: i32,
}

impl<'a> Strips<'a> {
    pub(super) fn new(frame: &'a Frame<'a>, scale: Scale) -> Self {
        let sampling = frame.sampling();
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        let mcus = (width.div_ceil(8 * sampling.0), height.div_ceil(8 * sampling.1));
        let divisor = scale.divisor() as usize;
        let side = 8 / divisor;
        let size = (width.div_ceil(divisor), height.div_ceil(divisor));
        let channel = |component: &'a Component| {
            let plane = Plane::new(component, sampling, size, mcus.0, side);
            Some(Channel { coding: coding(frame, component, plane.side)?, plane, row: Row::new(size.0), prediction: 0 })
        };
        let channels = frame.components.iter().filter_map(channel).collect();
        Self {
            frame,
            channels,
            kernels: Kernels::detect(),
            size,
            mcus,
            rows: sampling.1 * side,
            strips: 0,
            done: 0,
            intervals: Intervals::new(frame.scan),
            place: Place::default(),
            left: 0,
            marker: RST0,
            restart: RST0,
        }
    }

    /// Decodes all of the picture.
    pub(super) fn decode(mut self, mut pixels: &mut [u8]) -> Result<(), Damaged> {
        assert_eq!(pixels.len(), self.size.1 * self.row_bytes(), "room for every sample");
        loop {
            match self.next(pixels)? {
                0 => return Ok(()),
                rows => pixels = &mut pixels[rows * self.row_bytes()..],
            }
        }
    }

    /// The bytes of a row of pixels.
    pub(in crate::imaging::decode::jpeg) fn row_bytes(&self) -> usize {
        self.size.0 * self.channels.len()
    }

    /// The most rows that [`Strips::next`] completes at once.
    pub(in crate::imaging::decode::jpeg) fn most_rows(&self) -> usize {
        self.size.1.min(self.rows + 1)
    }

    /// Decodes a strip and writes the rows of pixels that it completes to the beginning of `pixels`. Returns how many these are;
    /// none after the last.
    pub(in crate::imaging::decode::jpeg) fn next(&mut self, pixels: &mut [u8]) -> Result<usize, Damaged> {
        loop {
            if self.strips == self.mcus.1 {
                return Ok(0);
            }
            let mut column = 0;
            while column < self.mcus.0 {
                if self.left == 0 {
                    self.next_interval(self.strips * self.mcus.0 + column)?;
                }
                let stop = self.mcus.0.min(column + self.left);
                self.mcus((column, stop))?;
                self.left -= stop - column;
                column = stop;
            }
            self.strips += 1;
            if self.strips == self.mcus.1 && segments::end(self.intervals.end()).is_none() {
                return Err(Damaged("the file ends before the end-of-image marker"));
            }
            let rows = self.complete(pixels);
            if rows > 0 {
                return Ok(rows);
            }
        }
    }

    /// Begins the interval of the MCU with that number.
    fn next_interval(&mut self, mcu: usize) -> Result<(), Damaged> {
        if mcu > 0 {
            if self.marker != self.restart || BitReader::at(self.intervals.bytes(), self.place).left_bytes() {
                return Err(Damaged("a restart marker is not where it should be"));
            }
            // They are counted modulo eight.
            self.restart = RST0 + (self.restart - RST0 + 1) % 8;
        }
        let rest = self.mcus.0 * self.mcus.1 - mcu;
        self.left = match self.frame.tables.restart_interval {
            0 => rest,
            interval => rest.min(interval as usize),
        };
        self.marker = self.intervals.next()?;
        self.place = Place::default();
        self.channels.iter_mut().for_each(|channel| channel.prediction = 0);
        Ok(())
    }

    /// Decodes the MCUs of the strip from the column `start` to `end`.
    fn mcus(&mut self, (start, end): (usize, usize)) -> Result<(), Damaged> {
        let mut bits = BitReader::at(self.intervals.bytes(), self.place);
        for column in start..end {
            for channel in &mut self.channels {
                channel.mcu(&mut bits, column, self.kernels)?;
            }
        }
        if bits.overran() {
            return Err(Damaged("a scan ends before its last block"));
        }
        self.place = bits.place();
        Ok(())
    }

    /// Writes the rows of pixels that are complete since the strip is. The last of each strip waits for the next one, whose
    /// first row of chroma it may need. Returns how many these are.
    #[inline(always)]
    fn complete(&mut self, pixels: &mut [u8]) -> usize {
        let is_last = self.strips == self.mcus.1;
        let until = if is_last { self.size.1 } else { self.strips * self.rows - 1 };
        let bytes = self.row_bytes();
        for (y, line) in (self.done..until).zip(pixels.chunks_exact_mut(bytes)) {
            match &mut *self.channels {
                [gray] => line.copy_from_slice(&gray.samples(y)[..bytes]),
                [luma, blue, red] => (self.kernels.to_rgb)([luma.samples(y), blue.samples(y), red.samples(y)], line),
                _ => unreachable!("a frame has one component or three"),
            }
        }
        self.channels.iter_mut().for_each(|channel| channel.plane.advance());
        let rows = until - self.done;
        self.done = until;
        rows
    }
}

impl Channel<'_> {
    #[inline(always)]
    fn samples(&mut self, y: usize) -> &[u8] {
        self.row.of(&self.plane, y)
    }

    /// Decodes the blocks of one MCU.
    #[inline(always)]
    fn mcu(&mut self, bits: &mut BitReader<'_>, mcu: usize, kernels: Kernels) -> Result<(), Damaged> {
        let (across, down) = self.plane.blocks;
        for place in (0..down).flat_map(|row| iter::repeat_n(row, across).enumerate()) {
            let place = (mcu * across + place.0, place.1);
            // The places of the last coefficients that the transforms look at.
            match self.plane.side {
                8 => self.block::<64, 8>(bits, place, kernels.eight)?,
                4 => self.block::<25, 4>(bits, place, kernels.four)?,
                2 => self.block::<5, 2>(bits, place, idct::two)?,
                _ => self.block::<1, 1>(bits, place, |coefficients, _| [[idct::one(coefficients)]])?,
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn block<const KEPT: usize, const N: usize>(
        &mut self,
        bits: &mut BitReader<'_>,
        place: (usize, usize),
        transform: impl Fn(&block::Coefficients, (u8, u8)) -> [[u8; N]; N],
    ) -> Result<(), Damaged> {
        let mut coefficients = [0; 64];
        let kept = block::read::<KEPT>(&self.coding, bits, &mut self.prediction, &mut coefficients)?;
        self.plane.put(place, &transform(&coefficients, EXTENT[kept - 1]));
        Ok(())
    }
}

/// The tables of a component; `None` when one is missing, which a frame rules out.
fn coding<'a>(frame: &'a Frame<'a>, component: &Component, side: usize) -> Option<Coding<'a>> {
    let tables = &frame.tables;
    let table = |tables: &'a [Option<Box<Table>>; 4], index: usize| tables.get(index)?.as_deref();
    let ac = table(&tables.ac, component.ac)?;
    let skip = if side == 8 { SkipTable::none() } else { SkipTable::new(ac) };
    Some(Coding { dc: table(&tables.dc, component.dc)?, ac, skip, steps: tables.steps.get(component.steps)?.as_ref()? })
}
