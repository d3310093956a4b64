//! The verdicts of both decoders on damaged files: what the one takes for damaged, the other must not take for a picture; and
//! whether a file is damaged does not depend on the scale.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn zune(input: &[u8], pixels: &mut [u8]) -> ImageResult<()> {
    let color_type = Baseline::new(input).expect("it was one before").color_type();
    JpegDecoder { input, codec: Codec::Zune(None), scale: Scale::Full, dimensions: (0, 0), color_type }.read_zune(None, pixels)
}

#[test]
fn what_is_no_picture_for_the_other_decoder_is_none_at_any_scale() {
    let folder = std::env::var_os("SAFELIGHT_CORPUS");
    let folder = folder.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: no corpus (SAFELIGHT_CORPUS)");
        return;
    }
    let (mut both, mut neither, mut stricter) = (0, 0, 0);
    for path in files(&folder) {
        let input = fs::read(&path).expect("readable");
        let Some(baseline) = Baseline::new(&input) else { continue };
        let bytes = |scale: Scale| {
            let (width, height) = scale.shrink(baseline.dimensions());
            width as usize * height as usize * usize::from(baseline.color_type().bytes_per_pixel())
        };
        if bytes(Scale::Full) > 64 << 20 {
            continue;
        }
        let own = [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth].map(|scale| baseline.decode(scale, &mut vec![0; bytes(scale)]));
        let is_whole = own[0].is_ok();
        assert!(own.iter().all(|verdict| verdict.is_ok() == is_whole), "{}: {own:?}", path.display());
        match (is_whole, zune(&input, &mut vec![0; bytes(Scale::Full)])) {
            (true, Ok(())) => both += 1,
            (false, Err(_)) => neither += 1,
            (true, Err(error)) => panic!("{}: a picture of what is none: {error}", path.display()),
            (false, Ok(())) => {
                println!("stricter: {}: {own:?}", path.display());
                stricter += 1;
            }
        }
    }
    println!("{both} pictures, {neither} damaged, {stricter} only for the other decoder a picture");
    assert!(both + neither > 0, "the corpus has such files");
}
