//! What operations need that look at a pixel together with its neighbours: images of any pixel type as rows of samples, rows
//! as floats, the Gaussian, the median.
//!
//! Colours are multiplied by their alpha before they are mixed and divided afterwards, so that what cannot be seen has no
//! weight. Beyond an edge the image goes on as its last pixel is.

mod boxes;
mod direct;
mod gaussian;
mod grid;
mod median;
mod premultiplied;
mod wide;

pub(super) use gaussian::Gaussian;
pub(super) use grid::{EverySample, Grid, apply, each};
pub(super) use median::median;
pub(super) use premultiplied::{load, premultiplied, rounded, store, visible};
pub(super) use wide::{Loop, widest};
