//! The decoder against another one, which shares no code with it, and against damage.

use proptest::prelude::*;

use super::*;
use synthetic::{Contrast, Picture, file};

mod synthetic;
mod turbo;

/// Every combination of factors that a component may have, the largest first, and a lone component.
fn samplings() -> Vec<Vec<(u8, u8)>> {
    let factors = || [1, 2, 4].into_iter().flat_map(|h| [1, 2, 4].map(move |v| (h, v)));
    let with_chroma = factors().filter(|(h, v)| h * v <= 8).map(|luma| vec![luma, (1, 1), (1, 1)]);
    let odd = [vec![(2, 2), (2, 1), (1, 2)], vec![(2, 1), (2, 1), (2, 1)], vec![(1, 1)], vec![(2, 2)]];
    with_chroma.chain(odd).collect()
}

fn size(input: &[u8], scale: Scale) -> ((u32, u32), usize) {
    let frame = Frame::read(input).expect("a header");
    (scale.shrink((frame.width.into(), frame.height.into())), frame.components.len())
}

fn decode(input: &[u8], scale: Scale) -> Result<Vec<u8>, Damaged> {
    let ((width, height), components) = size(input, scale);
    let mut pixels = vec![0; width as usize * height as usize * components];
    Baseline::new(input).expect("a header").decode(scale, &mut pixels)?;
    Ok(pixels)
}

/// By how much samples differ: at most, and on average.
fn difference(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    (differences.clone().max().unwrap_or(0), differences.map(f64::from).sum::<f64>() / a.len() as f64)
}

#[test]
fn every_sampling_size_and_restart_interval_decodes_as_elsewhere() {
    for (seed, sampling) in (1..).zip(samplings()) {
        for (width, height) in [(1, 1), (8, 8), (17, 31), (33, 16), (100, 75)] {
            for restart_interval in [0, 1, 5] {
                let picture = Picture { width, height, sampling: sampling.clone(), restart_interval, contrast: Contrast::Soft, seed };
                let input = file(&picture);
                let expected = jpeg_decoder::Decoder::new(&*input).decode().expect("the other decoder reads it");
                let (most, mean) = difference(&decode(&input, Scale::Full).expect("it is whole"), &expected);
                // A rounding of each component, multiplied by the factors of the colours.
                let allowed = if sampling.len() == 1 { 1 } else { 4 };
                assert!(most <= allowed && (mean < 0.3 || width == 1), "{picture:?}: {most} at most, {mean} on average");
            }
        }
    }
}

#[test]
fn a_gray_picture_is_shrunk_as_elsewhere() {
    for scale in [Scale::Half, Scale::Quarter, Scale::Eighth] {
        for (width, height) in [(17, 31), (100, 75)] {
            let input = file(&Picture { width, height, sampling: vec![(1, 1)], restart_interval: 3, contrast: Contrast::Soft, seed: 1 });
            let mut other = jpeg_decoder::Decoder::new(&*input);
            let ((width, height), _) = size(&input, scale);
            let scaled = other.scale(width as u16, height as u16).expect("the other decoder scales");
            assert_eq!((u32::from(scaled.0), u32::from(scaled.1)), (width, height));
            let (most, _) = difference(&decode(&input, scale).expect("it is whole"), &other.decode().expect("it is whole"));
            assert!(most <= 1, "{scale:?} {width}x{height}: {most}");
        }
    }
}

/// The mean of every `divisor` by `divisor` pixels.
fn boxes(pixels: &[u8], (width, height): (usize, usize), components: usize, divisor: usize) -> Vec<u8> {
    let mut means = Vec::new();
    for (y, x) in (0..height / divisor).flat_map(|y| (0..width / divisor).map(move |x| (y, x))) {
        for component in 0..components {
            let places = (0..divisor).flat_map(|dy| (0..divisor).map(move |dx| (y * divisor + dy, x * divisor + dx)));
            let sum: usize = places.map(|(y, x)| usize::from(pixels[(y * width + x) * components + component])).sum();
            means.push((sum / (divisor * divisor)) as u8);
        }
    }
    means
}

#[test]
fn every_sampling_is_shrunk_to_about_the_means_of_its_pixels() {
    for (seed, sampling) in (1..).zip(samplings()) {
        let input =
            file(&Picture { width: 128, height: 96, sampling: sampling.clone(), restart_interval: 0, contrast: Contrast::Soft, seed });
        let full = decode(&input, Scale::Full).expect("it is whole");
        for scale in [Scale::Half, Scale::Quarter, Scale::Eighth] {
            let means = boxes(&full, (128, 96), size(&input, scale).1, scale.divisor() as usize);
            let (_, mean) = difference(&decode(&input, scale).expect("it is whole"), &means);
            // Colours that are out of range are cut off before the means are taken in one case, after it in the other.
            assert!(mean < 10.0, "{sampling:?} {scale:?}: {mean}");
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_at_every_scale() {
    for restart_interval in [0, 2] {
        let sampling = vec![(2, 2), (1, 1), (1, 1)];
        let whole = file(&Picture { width: 50, height: 40, sampling, restart_interval, contrast: Contrast::Soft, seed: 9 });
        for len in 0..whole.len() {
            let Some(baseline) = Baseline::new(&whole[..len]) else { continue };
            for scale in [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth] {
                let (width, height) = scale.shrink((50, 40));
                let mut pixels = vec![0; (width * height * 3) as usize];
                assert!(baseline.decode(scale, &mut pixels).is_err(), "{len} of {} bytes at {scale:?}", whole.len());
            }
        }
    }
}

#[test]
fn a_scan_that_lost_its_end_but_kept_its_marker_is_an_error() {
    for restart_interval in [0, 3] {
        let whole =
            file(&Picture { width: 50, height: 40, sampling: vec![(1, 1); 3], restart_interval, contrast: Contrast::Soft, seed: 5 });
        let scan = whole.windows(2).position(|bytes| bytes == [0xff, 0xda]).expect("it has a scan") + 14;
        for len in scan..whole.len() - 4 {
            for scale in [Scale::Full, Scale::Eighth] {
                let cut = [&whole[..len], &[0xff, 0xd9]].concat();
                assert!(decode(&cut, scale).is_err(), "restarts {restart_interval}: {len} bytes of {} at {scale:?}", whole.len());
            }
        }
    }
}

#[test]
fn a_scan_that_lost_an_interval_is_an_error() {
    let whole = file(&Picture { width: 80, height: 40, sampling: vec![(1, 1); 3], restart_interval: 5, contrast: Contrast::Soft, seed: 5 });
    let restarts = |number: u8| whole.windows(2).position(|bytes| bytes == [0xff, 0xd0 + number]).expect("it has as many");
    let without = [&whole[..restarts(2)], &whole[restarts(3)..]].concat();
    assert_eq!(decode(&without, Scale::Eighth), Err(Damaged("a restart marker is not where it should be")));
}

#[test]
fn a_file_that_ends_behind_its_scan_is_an_error() {
    let whole = file(&Picture { width: 50, height: 40, sampling: vec![(1, 1); 3], restart_interval: 0, contrast: Contrast::Soft, seed: 5 });
    let without_end = &whole[..whole.len() - 2];
    let comment = b"\xff\xfe\x00\x04hi";
    decode(&[without_end, comment, b"\xff\xd9"].concat(), Scale::Full).expect("a comment may come between");
    for len in 2..=comment.len() {
        assert!(decode(&[without_end, &comment[..len]].concat(), Scale::Full).is_err(), "{len}");
    }
}

#[test]
fn bytes_that_belong_to_no_block_before_a_restart_are_an_error() {
    let whole = file(&Picture { width: 80, height: 40, sampling: vec![(1, 1); 3], restart_interval: 5, contrast: Contrast::Soft, seed: 5 });
    let restart = whole.windows(2).position(|bytes| bytes == [0xff, 0xd0]).expect("it has one");
    let more = [&whole[..restart], &[0], &whole[restart..]].concat();
    assert_eq!(decode(&more, Scale::Eighth), Err(Damaged("a restart marker is not where it should be")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_is_an_error_or_a_picture_at_every_scale_alike(
        seed: u64, restart_interval in 0..4u16, shape in 0..13usize,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let sampling = samplings()[shape % samplings().len()].clone();
        let mut input = file(&Picture { width: 40, height: 50, sampling, restart_interval, contrast: Contrast::Soft, seed });
        damage.iter().for_each(|(place, byte)| *place.get_mut(&mut input) = *byte);
        // A size that was damaged may ask for more pixels than a test should hold.
        if Frame::read(&input).is_some_and(|frame| usize::from(frame.width) * usize::from(frame.height) < 1 << 22) {
            let verdicts = [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth].map(|scale| decode(&input, scale).err());
            prop_assert!(verdicts.iter().all(|verdict| verdict.is_some() == verdicts[0].is_some()), "{:?}", verdicts);
        }
    }
}
