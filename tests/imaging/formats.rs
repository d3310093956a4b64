//! What each format keeps, and what becomes of what it cannot hold.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use image::codecs::{gif, jpeg, png, tiff, webp};
use image::{ColorType, DynamicImage, ImageDecoder, ImageEncoder, RgbaImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::imaging::{self, Assets};

use crate::common::{COLOR_TYPES, Samples, convert, file, made, pixels, run, run_to_pixels, sample, try_file, written};

/// The pixel type in which a format holds another, where it is lossless.
fn held_as(format: Format, color: ColorType) -> ColorType {
    use ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgb32F, Rgba8, Rgba16, Rgba32F};
    let eight_bits = match color {
        L8 | L16 => L8,
        La8 | La16 => La8,
        Rgb8 | Rgb16 | Rgb32F => Rgb8,
        _ => Rgba8,
    };
    match (format, color) {
        (Format::Png, Rgb32F) => Rgb16,
        (Format::Png, Rgba32F) => Rgba16,
        (Format::Tiff, La8) => Rgba8,
        (Format::Tiff, La16) => Rgba16,
        (Format::Png | Format::Tiff, color) => color,
        (Format::Bmp, La8 | La16) => Rgba8,
        _ => eight_bits,
    }
}

/// Red and blue change places.
fn swapped(pixel: &[f64]) -> Vec<f64> {
    let mut pixel = pixel.to_vec();
    pixel.swap(0, 2);
    pixel
}

#[test]
fn lossless_formats_are_exact_for_every_pixel_type() {
    for color in COLOR_TYPES {
        let image = sample(37, 23, color);
        for input in Format::ALL.into_iter().filter(|format| !matches!(format, Format::Jpeg | Format::Gif)) {
            let Some(bytes) = try_file(&image, input) else { continue };
            let source = if input == Format::Pnm { image.clone() } else { pixels(&bytes) };
            for output in [Format::Png, Format::Webp, Format::Bmp, Format::Tiff, Format::Qoi] {
                let settings = if output == Format::Webp { ":lossless=true" } else { "" };
                let result = run_to_pixels(&bytes, &format!("swap_channels/{output}{settings}"));
                let held = Samples::of(&convert(source.clone(), held_as(output, source.color())));
                let expected = if source.color().has_color() { held.map(swapped) } else { held };
                // A decoder may hand gray out as colour.
                let result = if source.color().has_color() { result } else { convert(result, held_as(output, source.color())) };
                Samples::of(&result).assert_same(&expected, &format!("{color:?} {input} to {output}"));
            }
        }
    }
}

#[test]
fn the_output_keeps_the_format_of_the_input_unless_told_otherwise() {
    for input in made() {
        let bytes = file(&sample(20, 10, ColorType::Rgb8), input);
        // What is only read becomes PNG.
        let kept = if input == Format::Pnm { Format::Png } else { input };
        assert_eq!(run(&bytes, "invert").expect("it runs").1.format, kept);
        for output in written() {
            let (bytes, info) = run(&bytes, &output.to_string()).expect("it converts");
            assert_eq!((info.format, Format::sniff(&bytes)), (output, Some(output)));
        }
    }
}

#[test]
fn a_gif_with_swapped_channels_is_exact() {
    // All 256 places of the palette in use, one of them transparent.
    let image = RgbaImage::from_fn(32, 32, |x, y| match (x + 32 * y) % 256 {
        0 => image::Rgba([0, 0, 0, 0]),
        i => image::Rgba([i as u8, (i * 7 % 256) as u8, (255 - i) as u8, 255]),
    });
    let bytes = file(&image.clone().into(), Format::Gif);
    assert_eq!(pixels(&bytes).into_rgba8(), image, "the test's own file is exact");
    let result = run_to_pixels(&bytes, "swap_channels").into_rgba8();
    for (before, after) in image.pixels().zip(result.pixels()) {
        assert_eq!(after.0, [before[2], before[1], before[0], before[3]]);
    }
}

#[test]
fn the_first_frame_of_an_animation_becomes_a_still_image() {
    let mut bytes = Vec::new();
    let frames = [sample(8, 8, ColorType::L8), sample(8, 8, ColorType::Rgb8)].map(|image| image::Frame::new(image.into_rgba8()));
    let first = frames[0].buffer().clone();
    gif::GifEncoder::new(&mut bytes).encode_frames(frames).expect("it encodes");
    assert_eq!(run_to_pixels(&bytes, "tiff").into_rgba8(), first);
}

#[test]
fn transparency_is_laid_over_white_where_there_is_no_alpha() {
    let image = RgbaImage::from_fn(16, 16, |x, _| image::Rgba(if x < 8 { [200, 0, 0, 0] } else { [0, 0, 200, 128] }));
    let result = run_to_pixels(&file(&image.into(), Format::Png), "jpeg:q=100").into_rgb8();
    let near = |pixel: &image::Rgb<u8>, expected: [u8; 3]| pixel.0.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 3);
    assert!(near(result.get_pixel(2, 8), [255, 255, 255]), "{:?}", result.get_pixel(2, 8));
    assert!(near(result.get_pixel(13, 8), [127, 127, 227]), "{:?}", result.get_pixel(13, 8));

    let gray = image::GrayAlphaImage::from_fn(16, 16, |_, _| image::LumaA([0, 64]));
    let result = run_to_pixels(&file(&gray.into(), Format::Png), "jpeg:q=100");
    assert_eq!(result.color(), ColorType::L8);
    assert!(result.into_luma8().pixels().all(|pixel| pixel[0].abs_diff(191) <= 2));
}

#[test]
fn a_gif_is_transparent_below_half_alpha_and_opaque_above() {
    let image = RgbaImage::from_fn(4, 1, |x, _| image::Rgba([10, 20, 30, [0, 127, 128, 255][x as usize]]));
    let result = run_to_pixels(&file(&image.into(), Format::Png), "gif").into_rgba8();
    let alpha: Vec<u8> = result.pixels().map(|pixel| pixel[3]).collect();
    assert_eq!(alpha, [0, 0, 255, 255]);
    assert_eq!(result.get_pixel(3, 0).0, [10, 20, 30, 255]);
}

#[test]
fn a_better_quality_is_a_larger_file_and_85_is_the_default() {
    let input = file(&sample(200, 100, ColorType::Rgb8), Format::Png);
    let bytes = |pipeline: &str| run(&input, pipeline).expect("it encodes").0;
    assert!(bytes("jpeg:q=20").len() < bytes("jpeg:q=60").len());
    assert!(bytes("jpeg:q=60").len() < bytes("jpeg:q=95").len());
    assert_eq!(bytes("jpeg"), bytes("jpeg:q=85"));
}

#[test]
fn a_png_that_takes_longer_is_smaller_and_as_exact() {
    let image = sample(300, 200, ColorType::Rgba8).blur(1.0);
    let input = file(&image, Format::Png);
    let lengths = ["fast", "balanced", "best"].map(|compression| {
        let (file, _) = run(&input, &format!("png:compression={compression}")).expect("it encodes");
        assert_eq!(pixels(&file), image);
        file.len()
    });
    assert!(lengths[0] > lengths[1] && lengths[1] > lengths[2], "{lengths:?}");
    assert_eq!(run(&input, "png").expect("it encodes").0.len(), lengths[0]);
}

#[test]
fn no_encoder_writes_byte_by_byte() {
    /// Counts what would be system calls.
    #[derive(Default)]
    struct Calls(Cursor<Vec<u8>>, usize);
    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Seek for Calls {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.1 += 1;
            self.0.seek(to)
        }
    }
    let input = file(&sample(400, 300, ColorType::Rgb8), Format::Png);
    for output in written() {
        let mut calls = Calls::default();
        let pipeline = output.to_string().parse().expect("the pipeline is one");
        imaging::run(&input, &pipeline, &Assets::default(), &ImageLimits::default(), &mut calls).expect("it encodes");
        assert!(calls.1 < 64, "{output}: {} calls for {} bytes", calls.1, calls.0.into_inner().len());
    }
}

/// A colour profile that is one by its header only.
fn profile(space: &[u8; 4]) -> Vec<u8> {
    let mut profile: Vec<u8> = (0..600_u32).map(|i| (i * 31 % 251) as u8).collect();
    profile[16..20].copy_from_slice(space);
    profile
}

pub(crate) fn with_profile(image: &DynamicImage, format: Format, profile: Vec<u8>) -> Vec<u8> {
    fn encode(mut encoder: impl ImageEncoder, image: &DynamicImage, profile: Vec<u8>) {
        encoder.set_icc_profile(profile).expect("the format has a place for it");
        encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).expect("it encodes");
    }
    let mut out = Cursor::new(Vec::new());
    match format {
        Format::Png => encode(png::PngEncoder::new(&mut out), image, profile),
        Format::Jpeg => encode(jpeg::JpegEncoder::new(&mut out), image, profile),
        Format::Webp => encode(webp::WebPEncoder::new_lossless(&mut out), image, profile),
        Format::Tiff => encode(tiff::TiffEncoder::new(&mut out), image, profile),
        Format::Gif | Format::Bmp | Format::Qoi | Format::Pnm | Format::Avif => unreachable!("no profiles here"),
    }
    out.into_inner()
}

pub(crate) fn profile_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let reader = image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().expect("in memory");
    reader.into_decoder().expect("it decodes").icc_profile().expect("it is readable")
}

#[test]
fn a_colour_profile_is_carried_over_while_it_describes_the_pixels() {
    // Large enough that `image`, which judges here, reads the profile of a TIFF.
    let image = sample(200, 150, ColorType::Rgb8);
    let formats = [Format::Png, Format::Jpeg, Format::Webp, Format::Tiff];
    for input in formats {
        let bytes = with_profile(&image, input, profile(b"RGB "));
        assert_eq!(profile_of(&bytes), Some(profile(b"RGB ")), "{input}: the test's own file");
        for output in formats {
            let kept = profile_of(&run(&bytes, &format!("swap_channels/{output}")).expect("it runs").0);
            assert_eq!(kept, Some(profile(b"RGB ")), "{input} to {output}");
            let gray = profile_of(&run(&bytes, &format!("grayscale/{output}")).expect("it runs").0);
            assert_eq!(gray, None, "{input} to {output}: no colour is left for it to describe");
        }
        run(&bytes, "bmp").expect("a profile without a place to go is left out");
        run(&bytes, "gif").expect("a profile without a place to go is left out");
        let print = with_profile(&image, input, profile(b"CMYK"));
        assert_eq!(profile_of(&run(&print, "png").expect("it runs").0), None, "{input}: the pixels are not CMYK");
    }
    let small = with_profile(&sample(4, 3, ColorType::Rgb8), Format::Tiff, profile(b"RGB "));
    assert_eq!(profile_of(&run(&small, "png").expect("it runs").0), Some(profile(b"RGB ")));
    let gray = with_profile(&sample(40, 30, ColorType::L8), Format::Png, profile(b"GRAY"));
    assert_eq!(profile_of(&run(&gray, "invert").expect("it runs").0), Some(profile(b"GRAY")));
}

#[test]
fn a_profile_that_unpacks_to_a_giant_is_left_out() {
    let mut giant = vec![0; 64 << 20];
    giant[16..20].copy_from_slice(b"RGB ");
    let bytes = with_profile(&sample(4, 4, ColorType::Rgb8), Format::Png, giant);
    assert!(bytes.len() < 1 << 20, "it packs well: {}", bytes.len());
    assert_eq!(run(&bytes, "invert").expect_err("too much").code(), ErrorCode::TooMuchMetadata);
    let info = imaging::probe(&bytes).expect("the header is whole");
    assert!(info.decoder_bytes < 16 << 20, "{}", info.decoder_bytes);
    let mut out = Cursor::new(Vec::new());
    let limits = ImageLimits { max_metadata_bytes: 64 << 20, ..ImageLimits::default() };
    imaging::run(&bytes, &"invert".parse().expect("a pipeline"), &Assets::default(), &limits, &mut out).expect("it runs");
    assert_eq!(profile_of(&out.into_inner()), None);
}

#[test]
fn the_output_that_suits_follows_the_image_and_its_steps() {
    let still = |color: ColorType| file(&sample(40, 30, color), Format::Png);
    let mut animation = Vec::new();
    let mut encoder = gif::GifEncoder::new(&mut animation);
    for frame in [sample(40, 30, ColorType::Rgba8), sample(40, 30, ColorType::Rgba8).fliph()] {
        encoder.encode_frame(image::Frame::new(frame.into_rgba8())).expect("it encodes");
    }
    drop(encoder);
    for (input, pipeline, format, frames) in [
        (still(ColorType::Rgb16), "auto", Format::Jpeg, 1),
        (still(ColorType::La8), "auto", Format::Png, 1),
        (still(ColorType::L8), "circle/auto", Format::Png, 1),
        (still(ColorType::Rgb8), "extend:by=2,bg=ff000080/auto", Format::Png, 1),
        (still(ColorType::Rgba8), "circle/flatten/auto", Format::Jpeg, 1),
        (still(ColorType::Rgba8), "auto:accept=webp", Format::Webp, 1),
        (animation.clone(), "auto", Format::Gif, 2),
        (animation.clone(), "auto:accept=webp", Format::Webp, 2),
        (animation, "input:frames=first/flatten/auto", Format::Jpeg, 1),
    ] {
        let (result, info) = run(&input, pipeline).expect("it runs");
        assert_eq!((info.format, Format::sniff(&result)), (format, Some(format)), "{pipeline}");
        assert_eq!(imaging::probe(&result).expect("a header").frames, frames, "{pipeline}");
    }
    let size = |pipeline: &str| run(&still(ColorType::Rgb8), pipeline).expect("it runs").0.len();
    let most = size("auto:q=95") - 100;
    assert!(size("auto:q=10") < most && size(&format!("auto:q=95,max_bytes={most}")) <= most);
}
