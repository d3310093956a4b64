//! AVIF. What is read was written by another program: the files in `avif/` are by avifenc 0.11 of libavif, with libaom and rav1e, from the
//! pixels of [`pixel`] (of `grid` from others). What is written is judged by avifdec with dav1d, where that is installed.

use safelight::domain::format::Format;

/// An original of the format, of which nothing but the first bytes is needed.
const ANY: &[u8] = include_bytes!("avif/quarter.avif");

#[test]
fn an_original_is_known_by_its_first_bytes() {
    for name in [ANY, include_bytes!("avif/sequence.avif"), include_bytes!("avif/gray.avif")] {
        assert_eq!(Format::sniff(&name[..Format::SNIFF_LEN]), Some(Format::Avif));
    }
}

#[cfg(not(feature = "libaom"))]
#[test]
fn a_build_without_libaom_says_how_to_read_it() {
    let error = safelight::imaging::probe(ANY).expect_err("it is not read");
    assert_eq!(error.code(), safelight::domain::error_code::ErrorCode::UnsupportedFormat);
    assert!(error.to_string().contains("build Safelight with the feature `libaom`"), "{error}");
}

#[cfg(not(any(feature = "avif", feature = "libaom")))]
#[test]
fn a_build_without_an_encoder_says_how_to_write_it() {
    let error = "resize:10x/avif:q=50".parse::<safelight::domain::pipeline::Pipeline>().expect_err("it is not written");
    assert!(error.message().contains("build Safelight with the feature `libaom`"), "{}", error.message());
    assert_eq!(error.position(), 11);
}

#[cfg(any(feature = "avif", feature = "libaom"))]
mod written {
    use std::process::Command;

    use image::{ColorType, DynamicImage, GenericImageView};
    use safelight::domain::error_code::ErrorCode;

    use super::*;
    use crate::common::{convert, file, psnr, run, sample};
    use crate::formats::with_profile;

    /// The pixels by a program that shares no code with the encoder; `None` where it is not installed.
    fn judged(avif: &[u8]) -> Option<DynamicImage> {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("x.avif"), directory.path().join("x.png"));
        std::fs::write(&from, avif).expect("it can be written");
        match Command::new("avifdec").args(["--jobs", "1", "--ignore-icc"]).args([&from, &to]).output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(image::open(&to).expect("a PNG"))
            }
            Err(_) => {
                println!("skipped: no avifdec (Debian: libavif-bin)");
                None
            }
        }
    }

    fn avif(image: &DynamicImage, output: &str) -> Vec<u8> {
        run(&file(image, Format::Png), output).unwrap_or_else(|error| panic!("{output}: {error}")).0
    }

    #[test]
    fn colours_gray_and_alpha_are_near_at_every_subsampling_and_size() {
        for (width, height) in [(1, 1), (2, 1), (1, 3), (64, 48), (131, 77)] {
            for color in [ColorType::L8, ColorType::La8, ColorType::Rgb8, ColorType::Rgba8, ColorType::Rgb16] {
                let image = sample(width, height, color).blur(1.5);
                for subsampling in ["420", "422", "444"] {
                    let file = avif(&image, &format!("avif:q=95,effort=0,subsampling={subsampling}"));
                    assert_eq!(Format::sniff(&file), Some(Format::Avif));
                    let Some(result) = judged(&file) else { return };
                    assert_eq!(result.dimensions(), (width, height));
                    let transparent = image.to_rgba8().pixels().any(|pixel| pixel[3] < 255);
                    assert_eq!(result.color().has_alpha(), transparent, "{color:?}");
                    let both = [result, image.clone()].map(|image| convert(image, ColorType::Rgba8));
                    let likeness = psnr(both[0].as_bytes(), both[1].as_bytes());
                    let least = if width < 8 { 28.0 } else { 36.0 };
                    assert!(likeness > least, "{width}x{height} {color:?} {subsampling}: {likeness:.1} dB");
                }
            }
        }
    }

    #[test]
    fn an_alpha_that_is_opaque_is_left_out() {
        let opaque = sample(40, 30, ColorType::Rgb8);
        assert_eq!(avif(&opaque, "avif"), avif(&convert(opaque.clone(), ColorType::Rgba8), "avif"));
    }

    #[test]
    fn a_better_quality_and_less_effort_are_a_larger_file_and_max_bytes_holds() {
        let image = sample(300, 200, ColorType::Rgb8);
        let length = |output: &str| avif(&image, output).len();
        assert!(length("avif:q=30,effort=0") < length("avif:q=60,effort=0"));
        assert!(length("avif:q=60,effort=0") < length("avif:q=90,effort=0"));
        assert_eq!(avif(&image, "avif"), avif(&image, "avif:q=50,effort=3,subsampling=420"), "the defaults");
        let most = length("avif:q=60,effort=0") + 10;
        let fitted = length(&format!("avif:q=95,effort=0,max_bytes={most}"));
        assert!(fitted <= most && fitted >= length("avif:q=58,effort=0"), "{fitted} of {most}");
        let error = run(&file(&image, Format::Png), "avif:effort=0,max_bytes=50").expect_err("it never fits");
        assert_eq!(error.code(), ErrorCode::OperationFailed);
    }

    #[test]
    fn the_file_says_what_its_samples_mean_and_keeps_a_profile() {
        fn has(file: &[u8], bytes: &[u8]) -> bool {
            file.windows(bytes.len()).any(|window| window == bytes)
        }
        let image = sample(40, 30, ColorType::Rgb8);
        // BT.709 primaries, the transfer function of sRGB, the matrix of BT.601, full range.
        let space = b"colrnclx\0\x01\0\x0d\0\x06\x80";
        assert!(has(&avif(&image, "avif"), space));
        let mut profile: Vec<u8> = (0..600_u32).map(|i| (i * 31 % 251) as u8).collect();
        profile[16..20].copy_from_slice(b"RGB ");
        let (kept, _) = run(&with_profile(&image, Format::Png, profile.clone()), "avif").expect("it encodes");
        assert!(has(&kept, space) && has(&kept, &[b"colrprof", &profile[..]].concat()));
        let Some(result) = judged(&kept) else { return };
        assert_eq!(result.dimensions(), (40, 30));
    }
}

#[cfg(feature = "libaom")]
mod read {
    use image::{ColorType, DynamicImage, Rgb, Rgba};
    use safelight::domain::error_code::ErrorCode;
    use safelight::imaging;

    use super::*;
    use crate::common::{file, run, run_to_pixels, sample};

    /// What avifenc was given, of 48x32 pixels.
    fn pixel(x: u32, y: u32) -> [u8; 4] {
        let alpha = match x {
            0..16 => 255,
            16..32 => 128 + y * 3,
            _ => y,
        };
        [x * 5, y * 7, 255 - x * 2 - y, alpha].map(|sample| sample as u8)
    }

    fn colours() -> DynamicImage {
        image::RgbImage::from_fn(48, 32, |x, y| pixel(x, y).split_last().map(|(_, rgb)| Rgb([rgb[0], rgb[1], rgb[2]])).expect("four"))
            .into()
    }

    /// No sample is further off than `tolerance`, of 255.
    #[track_caller]
    fn assert_near(name: &str, result: &DynamicImage, expected: &DynamicImage, tolerance: u16) {
        assert_eq!(result.color(), expected.color(), "{name}");
        assert_eq!((result.width(), result.height()), (expected.width(), expected.height()), "{name}");
        let samples = |image: &DynamicImage| image.to_rgba16().into_raw();
        let worst = samples(result).iter().zip(samples(expected)).map(|(a, b)| a.abs_diff(b)).max().unwrap_or_default();
        assert!(worst <= tolerance * 257, "{name}: off by {:.1}", f64::from(worst) / 257.0);
    }

    fn avif(name: &str) -> Vec<u8> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/imaging/avif/{name}.avif"));
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[test]
    fn a_lossless_file_is_exact() {
        assert_near("lossless", &run_to_pixels(&avif("lossless"), "png"), &colours(), 0);
    }

    #[test]
    fn every_range_subsampling_depth_and_matrix_comes_out_right() {
        for (name, tolerance) in [("limited", 4), ("quarter", 9), ("half", 9)] {
            assert_near(name, &run_to_pixels(&avif(name), "png"), &colours(), tolerance);
        }
        for name in ["ten_bits", "twelve_bits"] {
            let result = run_to_pixels(&avif(name), "input:profile=keep/png");
            assert_near(name, &result, &colours().into_rgb16().into(), 3);
        }
        let gray = image::GrayImage::from_fn(48, 32, |x, y| image::Luma([pixel(x, y)[1]]));
        assert_near("gray", &run_to_pixels(&avif("gray"), "png"), &gray.into(), 3);
        // Written with an alpha that is opaque all over.
        let first = run_to_pixels(&avif("sequence"), "png");
        assert_near("sequence", &first, &colours().into_rgba8().into(), 24);
    }

    #[test]
    fn alpha_is_exact_and_colours_are_divided_by_it_where_they_were_multiplied() {
        for name in ["alpha", "premultiplied"] {
            let result = run_to_pixels(&avif(name), "png").into_rgba8();
            for (x, y, found) in result.enumerate_pixels() {
                let Rgba([r, g, b, alpha]) = *found;
                let expected = pixel(x, y);
                assert_eq!(alpha, expected[3], "{name} {x},{y}");
                // What is hardly there has few levels when multiplied.
                let tolerance = if name == "alpha" { 5 } else { 5 * 255 / u16::from(alpha.max(1)) };
                let worst = [r, g, b].iter().zip(expected).map(|(a, b)| u16::from(a.abs_diff(b))).max();
                assert!(alpha < 16 || worst <= Some(tolerance), "{name} {x},{y}: {found:?}, expected {expected:?}");
            }
        }
    }

    #[test]
    fn turns_and_mirrors_are_applied_and_can_be_left_alone() {
        for turns in 0..4 {
            for mirror in [None, Some(0), Some(1)] {
                if (turns, mirror) == (0, None) {
                    continue;
                }
                let name = format!("turned_{turns}{}", mirror.map(|mirror: u8| mirror.to_string()).unwrap_or_default());
                // Against the clock, then 0: top and bottom change places, 1: left and right.
                let turned = (0..turns).fold(colours(), |image, _| image.rotate270());
                let expected = match mirror {
                    None => turned,
                    Some(0) => turned.flipv(),
                    Some(_) => turned.fliph(),
                };
                assert_near(&name, &run_to_pixels(&avif(&name), "png"), &expected, 8);
                assert_near(&name, &run_to_pixels(&avif(&name), "input:orient=false/png"), &colours(), 8);
            }
        }
    }

    #[test]
    fn colours_of_display_p3_are_converted() {
        let original = run_to_pixels(&avif("display_p3"), "input:profile=keep/png");
        assert_near("kept", &original, &colours(), 4);
        let linear = |sample: u8| {
            let sample = f64::from(sample) / 255.0;
            if sample <= 0.04045 { sample / 12.92 } else { ((sample + 0.055) / 1.055).powf(2.4) }
        };
        let encoded = |light: f64| {
            let light = light.clamp(0.0, 1.0);
            let sample = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
            (sample * 255.0).round() as u8
        };
        // From the primaries of Display P3 to those of sRGB, both with the white of D65.
        let expected = image::RgbImage::from_fn(48, 32, |x, y| {
            let [r, g, b, _] = pixel(x, y).map(linear);
            Rgb([1.224_940 * r - 0.224_940 * g, -0.042_057 * r + 1.042_057 * g, -0.019_638 * r - 0.078_636 * g + 1.098_274 * b]
                .map(encoded))
        });
        let result = run_to_pixels(&avif("display_p3"), "png");
        let mean: f64 = result.as_bytes().iter().zip(expected.as_raw()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / 4608.0;
        assert!(mean < 3.0, "{mean}");
    }

    #[test]
    fn what_is_not_read_says_so_and_what_is_cut_off_is_corrupt() {
        let error = run(&avif("grid"), "png").expect_err("tiles");
        assert_eq!(error.code(), ErrorCode::UnsupportedFormat, "{error}");
        for name in ["quarter", "alpha", "lossless", "ten_bits", "gray"] {
            let whole = avif(name);
            for length in 12..whole.len() {
                let error = run(&whole[..length], "png").expect_err("it is cut off");
                let expected = [ErrorCode::CorruptImage, ErrorCode::UnsupportedFormat];
                assert!(expected.contains(&error.code()), "{name} {length}: {error}");
            }
        }
    }

    #[test]
    fn a_size_that_the_stream_does_not_have_is_refused_before_decoding() {
        let mut bytes = avif("lossless");
        let at = bytes.windows(4).position(|kind| kind == b"ispe").expect("the size is there") + 8;
        bytes[at..at + 8].copy_from_slice(&[0, 0, 0x7f, 0xff, 0, 0, 0x7f, 0xff]);
        let error = imaging::probe(&bytes).expect_err("the stream is smaller");
        assert_eq!(error.code(), ErrorCode::CorruptImage, "{error}");
    }

    #[test]
    fn the_header_tells_what_the_pixels_will_be() {
        let info = imaging::probe(&avif("turned_1")).expect("the header is whole");
        assert_eq!((info.format, info.width, info.height, info.bytes_per_pixel, info.turned), (Format::Avif, 32, 48, 3, true));
        let info = imaging::probe(&avif("ten_bits")).expect("the header is whole");
        assert_eq!((info.width, info.height, info.bytes_per_pixel), (48, 32, 6));
        let (back, _) = run(&file(&sample(20, 10, ColorType::Rgb8), Format::Png), "avif").expect("it encodes");
        assert_eq!(run(&back, "invert").expect("it is read again").1.format, Format::Avif);
    }
}
