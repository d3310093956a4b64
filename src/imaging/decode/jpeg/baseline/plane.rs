//! The samples of one component: a row of MCUs at a time, and the row of samples above it.

use super::frame::Component;

/// A strip of a component.
pub(super) struct Plane {
    /// Row by row; the first is the last of the strip above.
    samples: Vec<u8>,
    stride: usize,
    /// Rows of a strip.
    rows: usize,
    /// The number of the strip's first row.
    first: usize,
    /// Rows and columns that belong to the picture; what blocks have beyond them is padding.
    pub(super) width: usize,
    height: usize,
    /// Samples of a block along one axis: 8, 4, 2 or 1.
    pub(super) side: usize,
    /// Blocks of the component in one MCU, along each axis.
    pub(super) blocks: (usize, usize),
    /// Pixels for one sample along each axis: 1, 2 or 4.
    pub(super) stretch: (usize, usize),
}

impl Plane {
    /// The strips of a component of a picture of `size` pixels, as it comes out, whose luma blocks are decoded to `side`
    /// samples. A component that has half or a quarter of the samples along both axes is decoded to larger blocks as far as
    /// that goes, so that it loses nothing.
    pub(super) fn new(component: &Component, sampling: (usize, usize), size: (usize, usize), mcus: usize, side: usize) -> Self {
        let (mut across, mut down) = (sampling.0 / component.horizontal, sampling.1 / component.vertical);
        let mut own = side;
        while own < 8 && across > 1 && down > 1 {
            (own, across, down) = (2 * own, across / 2, down / 2);
        }
        let stride = mcus * component.horizontal * own;
        let rows = component.vertical * own;
        Self {
            samples: vec![0; stride * (rows + 1)],
            stride,
            rows,
            first: 0,
            width: size.0.div_ceil(across),
            height: size.1.div_ceil(down),
            side: own,
            blocks: (component.horizontal, component.vertical),
            stretch: (across, down),
        }
    }

    /// Writes a block of the strip: the one in this column and row of blocks.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, (column, row): (usize, usize), block: &[[u8; N]; N]) {
        let start = (1 + row * N) * self.stride + column * N;
        for (line, samples) in self.samples[start..].chunks_mut(self.stride).zip(block) {
            line[..N].copy_from_slice(samples);
        }
    }

    /// A row of the picture, or the nearest one that there is: of the strip, or the one above it.
    #[inline(always)]
    pub(super) fn row(&self, number: usize) -> &[u8] {
        let start = (number.min(self.height - 1) + 1 - self.first) * self.stride;
        &self.samples[start..start + self.width]
    }

    /// Makes room for the next strip.
    pub(super) fn advance(&mut self) {
        self.samples.copy_within(self.rows * self.stride.., 0);
        self.first += self.rows;
    }
}
