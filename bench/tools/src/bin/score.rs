//! SSIMULACRA2 of results: each against the full decode of its original, brought to the result's size by one Lanczos pass
//! over all pixels, in gamma light. A line of JSON per result on standard input, a line with the score on standard output.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

use bench_tools::{Outcome, Output};
use fast_image_resize::{ResizeAlg, ResizeOptions, Resizer};
use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, ColorType, DynamicImage, ImageReader, Rgb32FImage, RgbImage};
use serde::Deserialize;
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

#[derive(Deserialize)]
struct Question {
    original: String,
    result: String,
    output: Output,
}

fn main() -> Outcome<()> {
    for line in io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        match score(&question) {
            Ok(score) => println!("{}", serde_json::json!({ "score": score })),
            Err(error) => println!("{}", serde_json::json!({ "error": error.to_string() })),
        }
    }
    Ok(())
}

fn score(question: &Question) -> Outcome<f64> {
    if question.output.animated {
        return score_animation(question);
    }
    let mut original = open(&question.original)?;
    if question.output.swap {
        original.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2));
    }
    let result = open(&question.result)?;
    let references = references(original, &question.output, result.dimensions())?;
    let scores = references.into_iter().map(|reference| compare(reference, &result)).collect::<Outcome<Vec<_>>>()?;
    Ok(scores.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// The mean over every tenth frame; a result with another number of frames has none.
fn score_animation(question: &Question) -> Outcome<f64> {
    let original = GifDecoder::new(BufReader::new(File::open(&question.original)?))?.into_frames().collect_frames()?;
    let result = WebPDecoder::new(BufReader::new(File::open(&question.result)?))?.into_frames().collect_frames()?;
    if original.len() != result.len() {
        return Err(format!("{} frames instead of {}", result.len(), original.len()).into());
    }
    let flat = |frame: &image::Frame| DynamicImage::ImageRgba8(frame.buffer().clone()).into_rgb8();
    let pairs = original.iter().zip(&result).step_by(10);
    let scores = pairs.map(|(original, result)| compare(DynamicImage::ImageRgb8(flat(original)).into_rgb32f(), &flat(result)));
    let scores = scores.collect::<Outcome<Vec<_>>>()?;
    Ok(scores.iter().sum::<f64>() / scores.len() as f64)
}

fn open(path: &str) -> Outcome<RgbImage> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.no_limits();
    Ok(reader.decode()?.into_rgb8())
}

/// What a perfect resize would give. Of a cover, the whole image brought to the box's shorter fit and its middle cut out; or the
/// middle of the original, brought to the box. Where the middle lies between two pixels, both cuts are right. Contenders follow one
/// rule or the other, and no part of a pixel more or less is better, so the best score counts.
fn references(original: RgbImage, output: &Output, (width, height): (u32, u32)) -> Outcome<Vec<Rgb32FImage>> {
    let size = original.dimensions();
    let original = DynamicImage::ImageRgb8(original).into_rgb32f();
    if !output.cover {
        return Ok(vec![lanczos(&original, (0.0, 0.0, size.0.into(), size.1.into()), (width, height))?]);
    }
    let (across, down) = (f64::from(size.0), f64::from(size.1));
    let scale = (f64::from(width) / across).max(f64::from(height) / down);
    let scaled = |side: f64, least: u32| ((side * scale).round() as u32).max(least);
    let whole = lanczos(&original, (0.0, 0.0, across, down), (scaled(across, width), scaled(down, height)))?;
    let (beside, above) = (whole.width() - width, whole.height() - height);
    let cut = |x: u32, y: u32| image::imageops::crop_imm(&whole, x, y, width, height).to_image();
    let (taken, tall) = (f64::from(width) / scale, f64::from(height) / scale);
    let middle = lanczos(&original, ((across - taken) / 2.0, (down - tall) / 2.0, taken, tall), (width, height))?;
    Ok(vec![cut(beside / 2, above / 2), cut(beside.div_ceil(2), above.div_ceil(2)), middle])
}

/// In floating point, so that no contender that rounds as this program does has an advantage.
fn lanczos(original: &Rgb32FImage, area: (f64, f64, f64, f64), size: (u32, u32)) -> Outcome<Rgb32FImage> {
    let (left, top, width, height) = area;
    if original.dimensions() == size && (width, height) == (size.0.into(), size.1.into()) {
        return Ok(original.clone());
    }
    let mut resized = DynamicImage::new(size.0, size.1, ColorType::Rgb32F);
    let lanczos = ResizeAlg::Convolution(fast_image_resize::FilterType::Lanczos3);
    let options = ResizeOptions::new().resize_alg(lanczos).crop(left, top, width, height);
    Resizer::new().resize(&DynamicImage::ImageRgb32F(original.clone()), &mut resized, &options)?;
    Ok(resized.into_rgb32f())
}

fn compare(reference: Rgb32FImage, result: &RgbImage) -> Outcome<f64> {
    let clamped = reference.pixels().map(|pixel| pixel.0.map(|level| level.clamp(0.0, 1.0))).collect();
    let levels = result.pixels().map(|pixel| pixel.0.map(|level| f32::from(level) / 255.0)).collect();
    Ok(compute_frame_ssimulacra2(planes(clamped, reference.dimensions())?, planes(levels, result.dimensions())?)?)
}

fn planes(pixels: Vec<[f32; 3]>, (width, height): (u32, u32)) -> Outcome<Rgb> {
    let rgb = Rgb::new(pixels, width as usize, height as usize, TransferCharacteristic::SRGB, ColorPrimaries::BT709);
    rgb.map_err(|error| format!("{error:?}").into())
}
