//! Whole files, judged by a decoder that shares no code with the encoder, by hand, and by libjpeg-turbo.

use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use crate::domain::pipeline::Subsampling::{Full, Half, Quarter};

const GRAY: Subsampling = Full;

fn encode_with(picture: &Picture<'_>, pixels: &[u8], change: impl Fn(&mut Baseline<'_, &mut Vec<u8>>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut file = Baseline::new(picture.clone(), &mut out);
    change(&mut file);
    let strips = pixels.chunks(file.strip_bytes());
    strips.for_each(|strip| file.strip(strip).expect("a vector takes all"));
    file.finish().expect("a vector takes all");
    out
}

fn encode(picture: &Picture<'_>, pixels: &[u8]) -> Vec<u8> {
    encode_with(picture, pixels, |_| {})
}

fn picture(size: (u16, u16), has_color: bool, subsampling: Subsampling, quality: u8) -> Picture<'static> {
    Picture { size, has_color, subsampling, quality, icc_profile: None }
}

fn decoded(file: &[u8]) -> Vec<u8> {
    jpeg_decoder::Decoder::new(file).decode().expect("the other decoder reads it")
}

/// Soft colours that change along both axes.
fn soft((width, height): (u16, u16), channels: usize) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (f64::from(x), f64::from(y))));
    let wave = |at: f64| (128.0 + 100.0 * at.sin()) as u8;
    let pixel = |(x, y): (f64, f64)| [wave(x / 19.0 + y / 31.0), wave(y / 23.0), wave(x / 37.0 - y / 29.0)];
    places.flat_map(|place| pixel(place).into_iter().take(channels)).collect()
}

/// Nothing but the two extremes, in no order.
fn hard((width, height): (u16, u16), channels: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..usize::from(width) * usize::from(height) * channels).map(|_| 255 * random.u8(0..2)).collect()
}

/// The ratio of signal to noise, in decibels.
fn likeness(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares).log10()
}

const SIZES: [(u16, u16); 9] = [(1, 1), (2, 3), (7, 9), (8, 8), (16, 17), (33, 16), (100, 75), (1, 200), (301, 1)];

#[test]
fn the_bytes_of_a_block_are_those_that_one_writes_by_hand() {
    let file = encode(&picture((8, 8), false, GRAY, 50), &[255; 64]);
    let (header, scan) = file.split_at(file.len() - 4);
    // The mean is 127 * 8 / 16 = 63.5, of seven bits, 1000000. The only code of each table is 0. The rest of the last byte is ones.
    assert_eq!(scan, [0b0_1000000, 0b0_1111111, 0xff, 0xd9]);
    let table = |kind: u8, symbol: u8| [&[0xff, 0xc4, 0, 20, kind, 1], [0; 15].as_slice(), &[symbol]].concat();
    let expected_end = [
        b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00".to_vec(),
        table(0x00, 7),
        table(0x10, 0),
        b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00".to_vec(),
    ];
    assert!(header.ends_with(&expected_end.concat()), "{header:x?}");
    let expected_start = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xdb\x00\x43\x00\x10\x0b\x0c\x0e";
    assert!(header.starts_with(expected_start), "{header:x?}");
}

#[test]
fn flat_blocks_come_back_as_they_were() {
    // Steps across of one level each, two blocks wide, so that differences of means are of all sizes and signs.
    let levels = [0, 255, 3, 2, 200, 100, 101, 128, 127, 50];
    let size = (8 * levels.len() as u16, 16);
    let pixels: Vec<u8> = (0..16).flat_map(|_| levels.iter().flat_map(|level| [*level; 8])).collect();
    assert_eq!(decoded(&encode(&picture(size, false, GRAY, 100), &pixels)), pixels);
    let gray: Vec<u8> = pixels.iter().flat_map(|level| [*level; 3]).collect();
    for subsampling in [Full, Half, Quarter] {
        assert_eq!(decoded(&encode(&picture(size, true, subsampling, 100), &gray)), gray);
    }
}

#[test]
fn pictures_of_every_size_and_sampling_come_back_nearly_as_they_were() {
    for size in SIZES {
        for (has_color, subsampling) in [(false, GRAY), (true, Full), (true, Half), (true, Quarter)] {
            let pixels = soft(size, if has_color { 3 } else { 1 });
            let found = decoded(&encode(&picture(size, has_color, subsampling, 95), &pixels));
            let least = if has_color { 36.0 } else { 42.0 };
            assert!(likeness(&found, &pixels) > least, "{size:?} {subsampling:?}: {}", likeness(&found, &pixels));
        }
    }
}

#[test]
fn every_quality_is_better_or_smaller_than_the_next() {
    let size = (160, 120);
    let pixels = soft(size, 3);
    let mut before = (0, 0.0);
    for quality in 1..=100 {
        let file = encode(&picture(size, true, Full, quality), &pixels);
        let like = likeness(&decoded(&file), &pixels);
        let lowest = 16.0 + 0.25 * f64::from(quality);
        assert!(like > lowest && like > before.1 - 1.0 && file.len() + 60 > before.0, "{quality}: {like}, {} bytes", file.len());
        before = (file.len(), like);
    }
    assert!(before.1 > 48.0, "{}", before.1);
}

#[test]
fn extremes_come_back_at_the_best_quality() {
    for size in [(1, 1), (64, 48), (50, 51)] {
        for (has_color, least) in [(false, 50.0), (true, 40.0)] {
            let pixels = hard(size, if has_color { 3 } else { 1 });
            let found = decoded(&encode(&picture(size, has_color, Full, 100), &pixels));
            assert!(likeness(&found, &pixels) > least, "{size:?} {has_color}: {}", likeness(&found, &pixels));
            decoded(&encode(&picture(size, has_color, Full, 1), &pixels));
        }
    }
    let widest = (65_535, 1);
    let pixels = soft(widest, 3);
    assert!(likeness(&decoded(&encode(&picture(widest, true, Quarter, 95), &pixels)), &pixels) > 36.0);
}

#[test]
fn every_form_of_the_loops_makes_the_same_file() {
    for size in SIZES {
        for (has_color, subsampling) in [(false, GRAY), (true, Full), (true, Half), (true, Quarter)] {
            for (quality, pixels) in [(85, soft(size, if has_color { 3 } else { 1 })), (100, hard(size, if has_color { 3 } else { 1 }))] {
                let picture = picture(size, has_color, subsampling, quality);
                let portable = encode_with(&picture, &pixels, |file| file.kernels = Kernels::PORTABLE);
                assert!(encode(&picture, &pixels) == portable, "{size:?} {subsampling:?} {quality}");
            }
        }
    }
}

#[test]
fn codes_that_were_made_before_the_end_hold_for_the_rest() {
    // The first rows say nothing of the others, which take several chunks.
    let size = (400, 400);
    let mut pixels = soft(size, 3);
    let flat = pixels.len() / 2;
    pixels[..flat].fill(90);
    pixels[flat..].copy_from_slice(&hard(size, 3)[flat..]);
    for quality in [20, 100] {
        let picture = picture(size, true, Full, quality);
        let whole = encode(&picture, &pixels);
        let early = encode_with(&picture, &pixels, |file| file.scan.most = 1);
        assert!(early.len() > whole.len() && early.len() < whole.len() * 5 / 4, "{} and {} bytes", early.len(), whole.len());
        assert!(decoded(&early) == decoded(&whole), "{quality}");
    }
}

#[test]
fn a_profile_is_written_in_parts() {
    for length in [1, 65_519, 65_520, 200_000] {
        let profile: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        let picture = Picture { icc_profile: Some((&*profile).into()), ..picture((8, 8), true, Quarter, 85) };
        let file = encode(&picture, &[9; 192]);
        let mut decoder = jpeg_decoder::Decoder::new(&*file);
        decoder.decode().expect("it decodes");
        assert_eq!(decoder.icc_profile().as_deref(), Some(profile.as_slice()), "{length}");
    }
}

/// The file that libjpeg-turbo's program makes of the same pixels, with Huffman tables made for it; `None` without it.
fn cjpeg(picture: &Picture<'_>, pixels: &[u8]) -> Option<Vec<u8>> {
    let kind = if picture.has_color { "P6" } else { "P5" };
    let mut command = Command::new("cjpeg");
    command.args(["-quality", &picture.quality.to_string(), "-baseline", "-dct", "int", "-optimize", "-sample", "1x1"]);
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        println!("skipped: no cjpeg");
        return None;
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    let header = format!("{kind} {} {} 255\n", picture.size.0, picture.size.1);
    let input = [header.as_bytes(), pixels].concat();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it does not panic").expect("it reads all");
    assert!(output.status.success());
    Some(output.stdout)
}

#[test]
fn what_is_not_subsampled_is_the_same_as_by_libjpeg_turbo_and_no_longer() {
    for size in SIZES {
        for has_color in [false, true] {
            for quality in [1, 20, 50, 85, 100] {
                for pixels in [soft(size, if has_color { 3 } else { 1 }), hard(size, if has_color { 3 } else { 1 })] {
                    let picture = picture(size, has_color, Full, quality);
                    let Some(expected) = cjpeg(&picture, &pixels) else { return };
                    let found = encode(&picture, &pixels);
                    assert!(decoded(&found) == decoded(&expected), "{size:?} {has_color} {quality}");
                    // Other bits may need other stuffing.
                    assert!(
                        found.len() <= expected.len() + 4 + expected.len() / 200,
                        "{size:?} {has_color} {quality}: {} > {}",
                        found.len(),
                        expected.len()
                    );
                }
            }
        }
    }
}
