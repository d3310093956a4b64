//! Rows as floats from 0 (none) to 1 (the full range), colours multiplied by their alpha.

use crate::imaging::point::{Channels, Sample};

/// Takes a row in. What is out of range becomes its nearest end, and what is no number 0.
pub(in crate::imaging) fn load<T: Sample>(samples: &[T], channels: Channels, row: &mut [f32]) {
    match (channels.colour, channels.alpha) {
        (_, false) => plain(samples, row),
        (false, true) => multiply::<T, 2>(samples, row),
        (true, true) => multiply::<T, 4>(samples, row),
    }
}

/// Puts a row out.
pub(in crate::imaging) fn store<T: Sample>(row: &[f32], channels: Channels, samples: &mut [T]) {
    match (channels.colour, channels.alpha) {
        (_, false) => samples.iter_mut().zip(row).for_each(|(sample, value)| *sample = rounded(*value)),
        (false, true) => divide::<T, 2>(row, samples),
        (true, true) => divide::<T, 4>(row, samples),
    }
}

/// Red, green, blue and alpha of a pixel of any channels.
pub(in crate::imaging) fn premultiplied<T: Sample>(pixel: &[T]) -> [f32; 4] {
    let [r, g, b, a] = match *pixel {
        [gray] => [unit(gray), unit(gray), unit(gray), 1.0],
        [gray, alpha] => [unit(gray), unit(gray), unit(gray), unit(alpha)],
        [r, g, b] => [unit(r), unit(g), unit(b), 1.0],
        [r, g, b, a] => [unit(r), unit(g), unit(b), unit(a)],
        _ => [0.0; 4],
    };
    [r * a, g * a, b * a, a]
}

/// The nearest sample.
#[inline(always)]
pub(in crate::imaging) fn rounded<T: Sample>(value: f32) -> T {
    T::nearest(value.clamp(0.0, 1.0))
}

/// What a colour multiplied by this alpha is to be multiplied with to be a colour again: nothing, where it cannot be seen.
#[inline(always)]
pub(in crate::imaging) fn visible<T: Sample>(alpha: f32) -> f32 {
    let least = T::VALUES.map_or(1e-6, |values| 0.5 / (values - 1) as f32);
    if alpha < least { 0.0 } else { 1.0 / alpha }
}

#[inline(always)]
#[allow(clippy::manual_clamp, reason = "clamp would leave what is no number")]
fn unit<T: Sample>(sample: T) -> f32 {
    sample.unit().max(0.0).min(1.0)
}

fn plain<T: Sample>(samples: &[T], row: &mut [f32]) {
    for (value, sample) in row.iter_mut().zip(samples) {
        *value = unit(*sample);
    }
}

fn multiply<T: Sample, const N: usize>(samples: &[T], row: &mut [f32]) {
    for (values, pixel) in row.as_chunks_mut::<N>().0.iter_mut().zip(samples.as_chunks::<N>().0) {
        let alpha = unit(pixel[N - 1]);
        *values = pixel.map(|sample| unit(sample) * alpha);
        values[N - 1] = alpha;
    }
}

fn divide<T: Sample, const N: usize>(row: &[f32], samples: &mut [T]) {
    for (values, pixel) in row.as_chunks::<N>().0.iter().zip(samples.as_chunks_mut::<N>().0) {
        let alpha = values[N - 1];
        let factor = visible::<T>(alpha);
        *pixel = values.map(|value| rounded(value * factor));
        pixel[N - 1] = rounded(alpha);
    }
}
