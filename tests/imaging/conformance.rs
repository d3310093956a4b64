//! The suites of the formats, with the pixels that their authors expect.

use std::fs;
use std::path::Path;

use safelight::domain::error_code::ErrorCode;

use crate::common::{Samples, convert, corpus, pixels, run, run_to_pixels};

fn files(folder: &Path, extension: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the corpus has this folder");
    let paths =
        entries.map(|entry| entry.expect("readable").path()).filter(|path| path.extension().is_some_and(|found| found == extension));
    paths.map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), fs::read(path).expect("readable"))).collect()
}

#[test]
fn png_suite_comes_out_with_the_expected_pixels_swapped() {
    let Some(suite) = corpus().map(|corpus| corpus.join("conformance/pngsuite-lunapaint")) else { return };
    let mut compared = 0;
    for (name, bytes) in files(&suite.join("png"), "png") {
        if name.starts_with('x') {
            let error = run(&bytes, "png").expect_err("files of this letter are damaged");
            // Where the signature itself is damaged it is no PNG any more.
            let expected = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") { ErrorCode::CorruptImage } else { ErrorCode::UnsupportedFormat };
            assert_eq!(error.code(), expected, "{name}: {error}");
            continue;
        }
        let Ok(expected) = fs::read(suite.join(format!("json/{name}.json"))) else { continue };
        let expected: Vec<f64> = serde_json::from_slice(&expected).expect("numbers");
        let result = run_to_pixels(&bytes, "swap_channels");
        let deep = Samples::of(&result).largest > 255.0;
        let result = Samples::of(&convert(result, if deep { image::ColorType::Rgba16 } else { image::ColorType::Rgba8 }));
        for (index, (found, [r, g, b, a])) in result.pixels().zip(expected.as_chunks::<4>().0).enumerate() {
            assert_eq!(found, [*b, *g, *r, *a], "{name}: pixel {index}");
        }
        compared += 1;
    }
    assert!(compared > 100, "only {compared} files");
}

#[test]
fn webp_galleries_come_out_as_their_reference() {
    let Some(suite) = corpus().map(|corpus| corpus.join("conformance/image-webp/tests")) else { return };
    let mut compared = 0;
    for gallery in ["gallery1", "gallery2", "regression"] {
        for (name, bytes) in files(&suite.join("images").join(gallery), "webp") {
            let Ok(reference) = fs::read(suite.join(format!("reference/{gallery}/{name}.png"))) else { continue };
            let reference = pixels(&reference);
            let result = convert(run_to_pixels(&bytes, "png"), reference.color());
            Samples::of(&result).assert_same(&Samples::of(&reference), &format!("{gallery}/{name}"));
            compared += 1;
        }
    }
    assert!(compared > 5, "only {compared} files");
}
