//! The decoder against libjpeg-turbo, where its program `djpeg` is installed.
//!
//! At full size every sample is the same, whatever the sampling. So it is at an eighth for gray and for colours that are not
//! subsampled; else libjpeg-turbo repeats samples there that this decoder interpolates. At a half and a quarter this decoder
//! keeps the lowest frequencies of a block, where libjpeg-turbo takes the means of the pixels of all of them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use super::synthetic::{Contrast, Picture, file};
use super::{decode, samplings};
use crate::domain::pipeline::Scale;

/// The samples of a file at a scale; `None` without `djpeg`.
fn djpeg(input: &[u8], scale: Scale) -> Option<Vec<u8>> {
    let scale = format!("1/{}", scale.divisor());
    let mut command = Command::new("djpeg");
    command.args(["-dct", "int", "-pnm", "-scale", &scale]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: no djpeg");
        return None;
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    let output = thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).expect("it reads all"));
        child.wait_with_output().expect("it ends")
    });
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    // Three lines: the kind, width and height, the largest sample.
    let header = output.stdout.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).expect("three lines").0;
    Some(output.stdout[header + 1..].to_vec())
}

fn assert_same(sampling: &[(u8, u8)], scale: Scale, seed: u64) {
    for contrast in [Contrast::Soft, Contrast::Hard] {
        for (width, height) in [(1, 1), (8, 8), (17, 31), (33, 16), (100, 75)] {
            let picture = Picture { width, height, sampling: sampling.to_vec(), restart_interval: 5, contrast, seed };
            let input = file(&picture);
            let Some(expected) = djpeg(&input, scale) else { return };
            assert!(decode(&input, scale).expect("it is whole") == expected, "{picture:?} {scale:?}");
        }
    }
}

#[test]
fn every_sampling_is_the_same_at_full_size() {
    for (seed, sampling) in (1..).zip(samplings()) {
        assert_same(&sampling, Scale::Full, seed);
    }
}

#[test]
fn what_is_not_subsampled_is_the_same_at_an_eighth() {
    for sampling in [vec![(1, 1)], vec![(2, 2)], vec![(1, 1); 3], vec![(2, 1); 3]] {
        assert_same(&sampling, Scale::Eighth, 7);
    }
}

/// The photographs that this decoder reads; none without them.
fn photographs() -> Vec<(String, Vec<u8>)> {
    let folder = std::env::var_os("SAFELIGHT_PHOTOS");
    let folder = folder.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/photos"), PathBuf::from);
    let Ok(entries) = folder.read_dir() else {
        println!("skipped: no corpus (SAFELIGHT_PHOTOS)");
        return Vec::new();
    };
    let read = |path: PathBuf| Some((path.display().to_string(), std::fs::read(path).ok()?));
    let files = entries.filter_map(|entry| read(entry.ok()?.path()));
    files.filter(|(_, input)| super::Baseline::new(input).is_some()).collect()
}

#[test]
fn photographs_are_the_same_at_full_size_and_near_at_every_other() {
    for (name, input) in photographs() {
        for (scale, least) in [(Scale::Full, f64::INFINITY), (Scale::Half, 35.0), (Scale::Quarter, 35.0), (Scale::Eighth, 45.0)] {
            let Some(expected) = djpeg(&input, scale) else { return };
            let found = decode(&input, scale).expect("it is whole");
            let squares: u64 = found.iter().zip(&expected).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
            let ratio = 10.0 * (255.0 * 255.0 * found.len() as f64 / squares as f64).log10();
            println!("{name} {scale:?}: {ratio:.1} dB");
            assert!(found.len() == expected.len() && ratio >= least, "{name} {scale:?}: {ratio:.1} dB");
        }
    }
}
