//! How long a pipeline takes on one image, estimated before a pixel is decoded: a time per pixel for each stage, times the pixels that go
//! through it.
//!
//! The times are those of one core of a machine that was busy with other work, for pixels of 8 bits and the contents of photographs; those of
//! JPEG at a scale, of AVIF and of reading PNM are estimates. `cargo bench --bench costs` measures them anew and prints them beside what is
//! written here. They know nothing of caches, nor of how well an image compresses: a factor of two is to be expected.

use super::ImageInfo;
use crate::domain::format::Format;
use crate::domain::pipeline::output::{Jpeg, Png, Webp};
use crate::domain::pipeline::{Compression, Output, Scale, Step};

/// Nanoseconds to decode a frame.
pub(in crate::domain::pipeline) fn decoding(info: &ImageInfo, scale: Scale) -> f64 {
    let each = match (info.format, scale) {
        // The codes are read at every scale; the rest goes by the pixels that are made.
        (Format::Jpeg, Scale::Full) => 3.5,
        (Format::Jpeg, Scale::Half) => 2.5,
        (Format::Jpeg, Scale::Quarter) => 2.0,
        (Format::Jpeg, Scale::Eighth) => 1.8,
        (Format::Png, _) => 7.0,
        (Format::Webp, _) => 27.0,
        (Format::Gif, _) => 8.0,
        (Format::Bmp | Format::Tiff | Format::Pnm, _) => 2.0,
        (Format::Avif, _) => 40.0,
        (Format::Qoi, _) => 5.0,
    };
    each * pixels((info.width, info.height))
}

/// Nanoseconds to do so many point operations in one pass.
pub(in crate::domain::pipeline) fn pass(operations: usize, size: (u32, u32)) -> f64 {
    4.0 * operations as f64 * pixels(size)
}

/// Nanoseconds to look at an image before a point operation joins the others.
pub(in crate::domain::pipeline) fn joining(step: &Step, size: (u32, u32)) -> f64 {
    if matches!(step, Step::Normalize(_)) { 4.0 * pixels(size) } else { 0.0 }
}

/// Nanoseconds of a step that is done by itself, from pixels of one size to those of another.
pub(in crate::domain::pipeline) fn step(step: &Step, before: (u32, u32), after: (u32, u32)) -> f64 {
    /// To find out what is in an image, which is looked at in 256x256 places.
    const LOOK: f64 = 1e6;
    let (from, to) = (pixels(before), pixels(after));
    match step {
        Step::Crop(crop) => 0.4 * to + crop.interest().map_or(0.0, |_| LOOK),
        Step::Resize(resize) => from + 4.0 * to + resize.interest().map_or(0.0, |_| LOOK),
        Step::Rotate(rotate) => (if rotate.is_exact() { 3.0 } else { 15.0 }) * to,
        Step::Flip(_) | Step::Extend(_) => to,
        Step::Trim(_) => from,
        Step::Blur(blur) => gaussian(blur.sigma.get().into()) * from,
        Step::Sharpen(sharpen) => (1.0 + gaussian(sharpen.sigma.get().into())) * from,
        Step::Pixelate(_) => 2.0 * from,
        Step::Median(median) => (if median.radius.get() == 1 { 1.5 } else { 100.0 }) * from,
        Step::Round(_) | Step::Circle(_) => 5.0 * from,
        Step::Caption(_) => LOOK + from,
        Step::Watermark(_) => LOOK + 10.0 * from,
        // Point operations are done in passes, and faults have no end.
        _ => 0.0,
    }
}

/// Nanoseconds for each pixel: up to a `sigma` of 4 by every weight, above by boxes of which the time does not depend.
fn gaussian(sigma: f64) -> f64 {
    if sigma <= 4.0 { 5.0 + 1.5 * sigma } else { 11.0 }
}

/// Nanoseconds to encode a frame.
pub(in crate::domain::pipeline) fn encoding(output: &Output, size: (u32, u32)) -> f64 {
    /// The quality is looked for by encoding the image so often.
    const TRIES: f64 = 6.0;
    let each = match output {
        Output::Png(Png { compression: Compression::Fast, .. }) => 6.0,
        Output::Png(Png { compression: Compression::Balanced, .. }) => 220.0,
        Output::Png(Png { compression: Compression::Best, .. }) => 375.0,
        Output::Jpeg(Jpeg { progressive, max_bytes, .. }) => (if *progressive { 15.0 } else { 9.0 }) * max_bytes.map_or(1.0, |_| TRIES),
        Output::Webp(webp) => lossy_or_lossless(webp) * webp.max_bytes.map_or(1.0, |_| TRIES),
        Output::Gif(_) => 760.0,
        Output::Bmp(_) => 6.0,
        Output::Tiff(_) => 1.0,
        Output::Qoi(_) => 6.0,
        // That of the feature `avif`, which the benchmark then measures, too; `libaom` takes about a quarter.
        Output::Avif(avif) => 700.0 * f64::from(1 + avif.effort.get()) * avif.max_bytes.map_or(1.0, |_| TRIES),
    };
    each * pixels(size)
}

fn lossy_or_lossless(webp: &Webp) -> f64 {
    let effort = f64::from(webp.effort.get());
    if webp.lossless { 360.0 + 60.0 * effort } else { 24.0 + 2.5 * effort + 6.0 * effort * effort }
}

fn pixels((width, height): (u32, u32)) -> f64 {
    f64::from(width) * f64::from(height)
}
