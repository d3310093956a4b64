//! Rows of a component stretched to the width of the picture.
//!
//! A component with half of the samples is interpolated with the weights 3/4 and 1/4 along each axis, rounded as the
//! Independent JPEG Group's library does ("fancy upsampling", the triangle filter), so that samples lie where encoders
//! take them: between the pixels. Any other ratio repeats samples.

use super::plane::Plane;

/// Buffers for one row.
pub(super) struct Row {
    /// The sums of two rows, weighted, with the first and the last repeated.
    sums: Vec<u16>,
    samples: Vec<u8>,
}

impl Row {
    /// For rows of `width` pixels.
    pub(super) fn new(width: usize) -> Self {
        // The last sample may stretch beyond the last pixel.
        Self { sums: vec![0; width + 2], samples: vec![0; width + 3] }
    }

    /// The samples of a row of the picture, at least as many as it has pixels.
    #[inline(always)]
    pub(super) fn of<'a>(&'a mut self, plane: &'a Plane, y: usize) -> &'a [u8] {
        match plane.stretch {
            (1, 1) => return plane.row(y),
            (1, 2) => {
                let (near, far, odd) = neighbours(plane, y);
                let rounding = 1 + u16::from(odd);
                for ((to, near), far) in self.samples.iter_mut().zip(near).zip(far) {
                    *to = ((3 * u16::from(*near) + u16::from(*far) + rounding) >> 2) as u8;
                }
            }
            (2, 1) => {
                let sums = &mut self.sums[..plane.width + 2];
                sums[1..].iter_mut().zip(plane.row(y)).for_each(|(sum, sample)| *sum = u16::from(*sample));
                widen::<2>(sums, &mut self.samples, (1, 2));
            }
            (2, 2) => {
                let sums = &mut self.sums[..plane.width + 2];
                let (near, far, _) = neighbours(plane, y);
                for ((sum, near), far) in sums[1..].iter_mut().zip(near).zip(far) {
                    *sum = 3 * u16::from(*near) + u16::from(*far);
                }
                widen::<4>(sums, &mut self.samples, (8, 7));
            }
            (across, down) => {
                for (to, sample) in self.samples.chunks_mut(across).zip(plane.row(y / down)) {
                    to.fill(*sample);
                }
            }
        }
        &self.samples
    }
}

/// The row of samples that a row of pixels lies in, the one that is next to it, and whether that is the one below.
#[inline(always)]
fn neighbours(plane: &Plane, y: usize) -> (&[u8], &[u8], bool) {
    let (near, odd) = (y / 2, y % 2 == 1);
    let far = if odd { near + 1 } else { near.saturating_sub(1) };
    (plane.row(near), plane.row(far), odd)
}

/// Two samples of each sum but the first and the last, which are set to their neighbours. Shifts by `SHIFT` bits.
#[inline(always)]
fn widen<const SHIFT: u32>(sums: &mut [u16], samples: &mut [u8], (left, right): (u16, u16)) {
    let last = sums.len() - 1;
    sums[0] = sums[1];
    sums[last] = sums[last - 1];
    let (before, sums, after) = (&sums[..last - 1], &sums[1..last], &sums[2..]);
    for (((to, before), sum), after) in samples.as_chunks_mut::<2>().0.iter_mut().zip(before).zip(sums).zip(after) {
        let (first, second) = ((3 * sum + before + left) >> SHIFT, (3 * sum + after + right) >> SHIFT);
        *to = (first | second << 8).to_le_bytes();
    }
}
