//! What is uploaded: given files, the photographs of `SAFELIGHT_PHOTOS`, or pictures made here.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use image::{ImageFormat, Rgb, RgbImage};

use crate::Outcome;

/// The size of a picture that is made here: 12 megapixels.
const SIZE: (u32, u32) = (4000, 3000);

/// The files, each whole in memory. Without `files` it is every 12 MP JPEG photograph that `SAFELIGHT_PHOTOS` has; without
/// that, one picture of the same size.
pub(crate) fn load(files: &[PathBuf]) -> Outcome<Vec<Vec<u8>>> {
    let found = if files.is_empty() { photographs()? } else { files.to_vec() };
    if found.is_empty() {
        println!("no photographs (SAFELIGHT_PHOTOS): a picture of {} x {} pixels is made instead", SIZE.0, SIZE.1);
        return Ok(vec![picture(SIZE)?]);
    }
    let read = |file: &PathBuf| fs::read(file).map_err(|error| format!("{}: {error}", file.display()).into());
    found.iter().map(read).collect()
}

fn photographs() -> Outcome<Vec<PathBuf>> {
    let Some(directory) = std::env::var_os("SAFELIGHT_PHOTOS") else { return Ok(Vec::new()) };
    let entries = fs::read_dir(&directory)?.collect::<Result<Vec<_>, _>>()?;
    let mut photographs: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    let named = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("p12_"));
    photographs.retain(|path| named(path) && path.extension().is_some_and(|extension| extension == "jpg"));
    photographs.sort();
    Ok(photographs)
}

/// Gradients with noise: about as many bytes as a photograph of this size.
pub(crate) fn picture(size: (u32, u32)) -> Outcome<Vec<u8>> {
    let mut noise = fastrand::Rng::with_seed(12);
    let picture = RgbImage::from_fn(size.0, size.1, |x, y| Rgb([x >> 4, y >> 4, (x + y) >> 5].map(|level| level as u8 ^ noise.u8(..8))));
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Jpeg)?;
    Ok(file.into_inner())
}

/// A small upload that no decoder has to see: the first bytes of a JPEG file, then noise.
pub(crate) fn small(length: usize) -> Vec<u8> {
    let mut noise = fastrand::Rng::with_seed(100);
    let head = [0xff, 0xd8, 0xff, 0xe0];
    head.into_iter().chain(std::iter::repeat_with(|| noise.u8(..))).take(length).collect()
}

/// A picture of 200 by 150, which takes a worker next to no time.
pub(crate) fn thumbnail() -> Outcome<Vec<u8>> {
    let picture = RgbImage::from_fn(200, 150, |x, y| Rgb([x as u8, y as u8, 128]));
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}
