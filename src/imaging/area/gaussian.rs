//! The Gaussian over an image, row by row: along each row first, then down the columns of the last rows. Beside the image only
//! so many rows are kept as the kernel is high.

use super::boxes::{self, ExtendedBox};
use super::direct::{self, Kernel};
use super::grid::Grid;
use super::premultiplied::{load, store};
use crate::imaging::point::{Channels, Sample};

/// Up to this standard deviation every weight is computed; above, boxes take the Gaussian's place.
const WIDEST_DIRECT: f64 = 4.0;

/// A Gaussian of a standard deviation in pixels.
#[derive(Clone, Copy, Debug)]
pub(in crate::imaging) struct Gaussian {
    pub(in crate::imaging) sigma: f64,
}

/// How it is computed.
enum Method {
    Direct(Kernel),
    Boxes(ExtendedBox),
}

/// Rows on their way down.
enum Down<'m> {
    Direct(direct::Down<'m>),
    Boxes(Box<boxes::Down>),
}

impl Gaussian {
    /// Blurs an image.
    pub(in crate::imaging) fn blur<T: Sample>(self, grid: Grid<'_, T>) {
        self.over(grid, |row, samples, channels| store(row, channels, samples));
    }

    /// Blurs an image, but leaves it to `finish` what becomes of each row: it gets the blurred one, as `premultiplied` has it, and
    /// the samples as they were, to be overwritten.
    pub(in crate::imaging) fn over<T: Sample>(self, grid: Grid<'_, T>, finish: impl Fn(&[f32], &mut [T], Channels)) {
        let Grid { height, channels, samples, .. } = grid;
        let count = channels.count();
        let length = samples.len() / height;
        let method = self.method::<T>();
        let reach = method.reach();
        let mut padded = vec![0.0; length + 2 * reach * count];
        let mut row = vec![0.0; length];
        let mut down = method.down(length);
        let mut finished = 0;
        for index in 0..height + 2 * reach {
            let y = index.saturating_sub(reach);
            if index == 0 || (index > reach && y < height) {
                load(&samples[y * length..][..length], channels, &mut padded[reach * count..][..length]);
                pad(&mut padded, reach, count);
                method.across(&mut padded, count, &mut row);
            }
            if let Some(blurred) = down.push(&row) {
                finish(blurred, &mut samples[finished * length..][..length], channels);
                finished += 1;
            }
        }
    }

    /// The kernel is cut off where what is left of it changes no sample by half a step.
    fn method<T: Sample>(self) -> Method {
        let reach = if T::VALUES == Some(256) { 3.0 } else { 4.5 };
        match self.sigma {
            ..=WIDEST_DIRECT => Method::Direct(Kernel::gaussian(self.sigma, reach)),
            sigma => Method::Boxes(ExtendedBox::gaussian(sigma)),
        }
    }
}

impl Method {
    fn reach(&self) -> usize {
        match self {
            Self::Direct(kernel) => kernel.reach(),
            Self::Boxes(of) => of.reach(),
        }
    }

    fn across(&self, padded: &mut [f32], count: usize, row: &mut [f32]) {
        match self {
            Self::Direct(kernel) => kernel.across(padded, count, row),
            Self::Boxes(of) => of.across(padded, count, row),
        }
    }

    fn down(&self, length: usize) -> Down<'_> {
        match self {
            Self::Direct(kernel) => Down::Direct(direct::Down::new(kernel, length)),
            Self::Boxes(of) => Down::Boxes(Box::new(boxes::Down::new(*of, length))),
        }
    }
}

impl Down<'_> {
    fn push(&mut self, row: &[f32]) -> Option<&[f32]> {
        match self {
            Self::Direct(down) => down.push(row),
            Self::Boxes(down) => down.push(row),
        }
    }
}

/// Repeats the first and the last pixel of what lies between the margins.
fn pad(padded: &mut [f32], margin: usize, count: usize) {
    let end = padded.len() - margin * count;
    for pixel in 0..margin {
        padded.copy_within(margin * count..(margin + 1) * count, pixel * count);
        padded.copy_within(end - count..end, end + pixel * count);
    }
}
