//! One pass over an image: by a table where only curves are to be applied, block by block otherwise. In place, unless the pixels
//! get other channels.

use image::DynamicImage;

use super::Stage;
use super::block::{Block, LENGTH};
use super::sample::{Channels, Sample};

/// The image after all stages.
pub(super) fn run(stages: &[Stage], image: DynamicImage) -> DynamicImage {
    let size = (image.width(), image.height());
    let channels = Channels { colour: image.color().has_color(), alpha: image.color().has_alpha() };
    match image {
        DynamicImage::ImageLuma8(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageLumaA8(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageRgb8(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageRgba8(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageLuma16(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageLumaA16(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageRgb16(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageRgba16(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageRgb32F(pixels) => through(stages, size, channels, pixels.into_raw()),
        DynamicImage::ImageRgba32F(pixels) => through(stages, size, channels, pixels.into_raw()),
        other => other,
    }
}

fn through<T: Sample>(stages: &[Stage], size: (u32, u32), channels: Channels, mut samples: Vec<T>) -> DynamicImage {
    if let Some(table) = table::<T>(stages, samples.len()) {
        look_up(&table, channels, &mut samples);
        return T::image(size, channels, samples);
    }
    let mut after = stages.iter().fold(channels, |channels, stage| stage.channels_after(channels));
    after.colour |= !T::GRAY;
    if after == channels {
        in_place(stages, channels, &mut samples);
        return T::image(size, channels, samples);
    }
    let mut results = vec![T::default(); samples.len() / channels.count() * after.count()];
    let mut block = Block::new();
    for (from, to) in samples.chunks(LENGTH * channels.count()).zip(results.chunks_mut(LENGTH * after.count())) {
        block.load(from, channels);
        stages.iter().for_each(|stage| block.apply(stage));
        block.store(to, after);
    }
    T::image(size, after, results)
}

fn in_place<T: Sample>(stages: &[Stage], channels: Channels, samples: &mut [T]) {
    let mut block = Block::new();
    for samples in samples.chunks_mut(LENGTH * channels.count()) {
        block.load(samples, channels);
        stages.iter().for_each(|stage| block.apply(stage));
        block.store(samples, channels);
    }
}

/// What the stages make of every value, if they are the same function for each colour channel, and if there are more than that
/// many samples to look up.
fn table<T: Sample>(stages: &[Stage], samples: usize) -> Option<Vec<T>> {
    let values = T::VALUES.filter(|values| *values <= samples)?;
    if !stages.iter().all(|stage| matches!(stage, Stage::Invert | Stage::Curve(_))) {
        return None;
    }
    let mut table: Vec<T> = (0..values).map(|value| T::nearest(value as f32 / (values - 1) as f32)).collect();
    in_place(stages, Channels::GRAY, &mut table);
    Some(table)
}

fn look_up<T: Sample>(table: &[T], channels: Channels, samples: &mut [T]) {
    let every = |samples: &mut [T]| samples.iter_mut().for_each(|sample| *sample = table[sample.index()]);
    match channels {
        Channels { alpha: false, .. } => every(samples),
        Channels { colour: false, .. } => samples.as_chunks_mut::<2>().0.iter_mut().for_each(|[gray, _]| *gray = table[gray.index()]),
        Channels { colour: true, .. } => samples.as_chunks_mut::<4>().0.iter_mut().for_each(|[colours @ .., _]| every(colours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::point::Curve;

    #[test]
    fn a_table_gives_what_the_blocks_give_and_leaves_alpha() {
        let stages = [Stage::Curve(Curve::Power(0.45)), Stage::Invert, Stage::Curve(Curve::Linear { factor: 1.3, sum: -0.1 })];
        for channels in [(false, false), (false, true), (true, false), (true, true)].map(|(colour, alpha)| Channels { colour, alpha }) {
            let samples: Vec<u16> = (0..u16::MAX).step_by(channels.count()).flat_map(|value| vec![value; channels.count()]).collect();
            let (mut looked_up, mut computed) = (samples.clone(), samples);
            let table = table::<u16>(&stages, 1 << 16).unwrap();
            look_up(&table, channels, &mut looked_up);
            in_place(&stages, channels, &mut computed);
            assert!(looked_up == computed, "{channels:?}");
        }
        assert_eq!(table::<u16>(&stages, 65_535), None);
    }
}
