//! From planes of luma and chroma to pixels (ITU-T H.273, 8.3), row by row.

use crate::imaging::avif::aom::{Picture, Row};
use crate::imaging::avif::{Chroma, Cicp};

/// From samples to numbers: 0 to 1, of chroma -1/2 to 1/2.
#[derive(Clone, Copy)]
struct Range {
    zero: f32,
    scale: f32,
}

impl Range {
    fn new(depth: u32, full: bool, is_chroma: bool) -> Self {
        let step = (1_u32 << (depth - 8)) as f32;
        let zero = if is_chroma {
            128.0 * step
        } else if full {
            0.0
        } else {
            16.0 * step
        };
        let range = match (full, is_chroma) {
            (true, _) => 256.0 * step - 1.0,
            (false, false) => 219.0 * step,
            (false, true) => 224.0 * step,
        };
        Self { zero, scale: range.recip() }
    }

    fn read(self, row: Row<'_>, numbers: &mut [f32]) {
        match row {
            Row::Bytes(row) => row.iter().zip(numbers).for_each(|(sample, number)| *number = (f32::from(*sample) - self.zero) * self.scale),
            Row::Words(row) => row.iter().zip(numbers).for_each(|(sample, number)| {
                *number = (f32::from(u16::from_ne_bytes(*sample)) - self.zero) * self.scale;
            }),
        }
    }
}

/// How luma and chroma make colours.
#[derive(Clone, Copy)]
enum Matrix {
    /// They are green, blue and red.
    Identity,
    /// Chroma is green against magenta and orange against blue.
    YCgCo,
    /// By the parts that red and blue have of luma.
    Parts { red: f32, blue: f32 },
}

impl Matrix {
    fn new(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Identity),
            1 => Some(Self::Parts { red: 0.2126, blue: 0.0722 }),
            // What says nothing is taken for the matrix of BT.601, as other decoders do.
            2 | 5 | 6 => Some(Self::Parts { red: 0.299, blue: 0.114 }),
            8 => Some(Self::YCgCo),
            9 => Some(Self::Parts { red: 0.2627, blue: 0.0593 }),
            _ => None,
        }
    }

    fn rgb(self, [y, u, v]: [f32; 3]) -> [f32; 3] {
        match self {
            Self::Identity => [v, y, u],
            Self::YCgCo => [y - u + v, y + u, y - u - v],
            Self::Parts { red, blue } => {
                let (from_v, from_u) = (2.0 * (1.0 - red) * v, 2.0 * (1.0 - blue) * u);
                [y + from_v, y - (red * from_v + blue * from_u) / (1.0 - red - blue), y + from_u]
            }
        }
    }
}

/// The rows of a picture as pixels of red, green and blue, or of gray.
pub(super) struct Colors<'a> {
    picture: &'a Picture,
    matrix: Matrix,
    luma: Range,
    chroma: Range,
    /// Luma, Cb and Cr of a row.
    planes: [Vec<f32>; 3],
    /// A row of chroma, and the one beside it.
    narrow: [Vec<f32>; 2],
}

impl<'a> Colors<'a> {
    /// `None` for a matrix that is not known, or the identity with fewer samples of chroma.
    pub(super) fn new(picture: &'a Picture, cicp: Cicp) -> Option<Self> {
        let matrix = Matrix::new(cicp.matrix).filter(|matrix| !matches!(matrix, Matrix::Identity) || !picture.chroma().halves().0)?;
        let width = picture.size().0 as usize;
        let luma = Range::new(picture.depth(), cicp.full_range, false);
        let chroma = if matches!(matrix, Matrix::Identity) { luma } else { Range::new(picture.depth(), cicp.full_range, true) };
        let row = || vec![0.0; width];
        Some(Self { picture, matrix, luma, chroma, planes: [row(), row(), row()], narrow: [row(), row()] })
    }

    /// Reads a row; [`Colors::pixel`] is about that row then.
    pub(super) fn read(&mut self, y: usize) {
        self.luma.read(self.picture.row(0, y), &mut self.planes[0]);
        if self.picture.chroma() != Chroma::None {
            self.read_chroma(1, y);
            self.read_chroma(2, y);
        }
    }

    /// Samples of chroma are in the middle of the pixels that they stand for; between them it is interpolated.
    fn read_chroma(&mut self, plane: usize, y: usize) {
        let (half_width, half_height) = self.picture.chroma().halves();
        let [near, far] = &mut self.narrow;
        let out = &mut self.planes[plane];
        if !half_width {
            return self.chroma.read(self.picture.row(plane, y), out);
        }
        let (width, height) = (out.len().div_ceil(2), self.picture.size().1 as usize);
        if half_height {
            self.chroma.read(self.picture.row(plane, y / 2), near);
            self.chroma.read(self.picture.row(plane, neighbour(y, height.div_ceil(2))), far);
            near.iter_mut().zip(&*far).for_each(|(near, far)| *near = 0.75 * *near + 0.25 * far);
        } else {
            self.chroma.read(self.picture.row(plane, y), near);
        }
        out.iter_mut().enumerate().for_each(|(x, out)| *out = 0.75 * near[x / 2] + 0.25 * near[neighbour(x, width)]);
    }

    /// Red, green and blue of a pixel of the row.
    pub(super) fn pixel(&self, x: usize) -> [f32; 3] {
        self.matrix.rgb([self.planes[0][x], self.planes[1][x], self.planes[2][x]])
    }

    /// The luma of a pixel of the row.
    pub(super) fn luma(&self, x: usize) -> f32 {
        self.planes[0][x]
    }
}

/// The second nearest of `count` samples, each in the middle of two pixels.
fn neighbour(pixel: usize, count: usize) -> usize {
    if pixel.is_multiple_of(2) { (pixel / 2).saturating_sub(1) } else { (pixel / 2 + 1).min(count - 1) }
}
