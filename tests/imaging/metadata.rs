//! What a file carries beside its pixels is counted before any decoder reads it, and does not come out again unless it is asked for.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::{png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ColorType, ImageDecoder, ImageEncoder};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::limits::{ImageLimits, Limit};
use safelight::imaging::{self, Assets, ImagingError};

use crate::common::{file, made, run, sample};
use crate::exif::{CAMERA, PLACE, exif};

/// As EXIF data or a colour profile they mean nothing.
const CARRIED: [u8; 5000] = [b' '; 5000];

/// What `limits` say to a file: the bytes that are too many, or nothing.
fn too_many(input: &[u8], max_metadata_bytes: u64) -> Option<u64> {
    let limits = ImageLimits { max_metadata_bytes, ..ImageLimits::default() };
    match imaging::run(input, &"png".parse().expect("an output"), &Assets::default(), &limits, &mut Cursor::new(Vec::new())) {
        Ok(_) => None,
        Err(ImagingError::Limit(exceeded)) => {
            assert_eq!((exceeded.limit, exceeded.max), (Limit::MaxMetadataBytes, max_metadata_bytes));
            assert_eq!(exceeded.limit.code(), ErrorCode::TooMuchMetadata);
            Some(exceeded.found)
        }
        Err(other) => panic!("{other}"),
    }
}

/// The file with bytes between those before and after a place.
pub(crate) fn with(file: &[u8], place: usize, inserted: &[u8]) -> Vec<u8> {
    [&file[..place], inserted, &file[place..]].concat()
}

fn write(encoder: impl ImageEncoder) {
    let picture = sample(30, 20, ColorType::Rgb8);
    encoder.write_image(picture.as_bytes(), 30, 20, picture.color().into()).expect("it encodes");
}

/// A file with metadata, and how much of it.
fn carrying(format: Format) -> (Vec<u8>, u64) {
    let plain = file(&sample(30, 20, ColorType::Rgb8), format);
    let mut out = Cursor::new(Vec::new());
    match format {
        Format::Png => {
            let mut encoder = PngEncoder::new(&mut out);
            encoder.set_exif_metadata(CARRIED.to_vec()).expect("PNG has a place for it");
            encoder.set_icc_profile(CARRIED.to_vec()).expect("PNG has a place for it");
            write(encoder);
            (out.into_inner(), 10_000)
        }
        Format::Webp => {
            let mut encoder = WebPEncoder::new_lossless(&mut out);
            encoder.set_exif_metadata(CARRIED.to_vec()).expect("WebP has a place for it");
            encoder.set_icc_profile(CARRIED.to_vec()).expect("WebP has a place for it");
            write(encoder);
            (out.into_inner(), 10_000)
        }
        Format::Tiff => {
            let mut encoder = TiffEncoder::new(&mut out);
            encoder.set_icc_profile(CARRIED.to_vec()).expect("TIFF has a place for it");
            write(encoder);
            (out.into_inner(), 5000)
        }
        Format::Jpeg => {
            let segment = [&[0xff, 0xe1], &5002_u16.to_be_bytes()[..], &CARRIED].concat();
            // The encoder of `image` begins with a segment of 14 bytes of its own.
            (with(&plain, 2, &[&segment[..], &segment].concat()), 10_014)
        }
        Format::Gif => {
            let blocks: Vec<u8> = CARRIED.chunks(255).flat_map(|block| [&[block.len() as u8], block].concat()).chain([0]).collect();
            (with(&plain, plain.len() - 1, &[&[0x21, 0xfe], &blocks[..]].concat()), blocks.len() as u64)
        }
        Format::Bmp | Format::Qoi | Format::Pnm | Format::Avif => (plain, 0),
    }
}

#[test]
fn metadata_beyond_its_limit_is_refused_in_every_format_that_has_any() {
    for format in made() {
        let (input, bytes) = carrying(format);
        assert_eq!(too_many(&input, bytes), None, "{format}");
        if bytes > 0 {
            assert_eq!(too_many(&input, bytes - 1), Some(bytes), "{format}");
        }
    }
}

/// The chunk has no checksum: whoever decodes the file, or unpacks the chunk to its end, comes to another verdict.
#[test]
fn a_bomb_in_a_text_or_a_profile_is_refused_before_a_decoder_sees_it() {
    let mut bomb = ZlibEncoder::new(Vec::new(), Compression::best());
    (0..64).for_each(|_| bomb.write_all(&[0; 1 << 20]).expect("memory takes it"));
    let mut bomb = bomb.finish().expect("memory takes it");
    bomb.truncate(bomb.len() - 4);
    assert!(bomb.len() < 100_000);
    let plain = file(&sample(30, 20, ColorType::Rgb8), Format::Png);
    for (name, head) in [(b"zTXt", &b"Comment\0\0"[..]), (b"iTXt", b"Comment\0\x01\0\0\0"), (b"iCCP", b"icc\0\0")] {
        let data = [head, &bomb].concat();
        let chunk = [&(data.len() as u32).to_be_bytes()[..], name, &data, b"none"].concat();
        // After the header, which is 8 bytes and a chunk of 25.
        let found = too_many(&with(&plain, 33, &chunk), 16 << 20).expect("too much");
        assert!((found - 1) >> 20 == 16, "{found}");
    }
}

const SECRET: &str = "Villa Nowhere 12";

/// What must not come out of a file by any way: the place, as numbers and as words, and the camera.
fn tells_on_anybody(file: &[u8]) -> bool {
    let numbers = PLACE.iter().flat_map(|number| [number.to_be_bytes(), number.to_le_bytes()]);
    let words = [CAMERA, SECRET, "SERIAL", "GPS", "xmpmeta"].map(|word| word.as_bytes().to_vec());
    let secrets = numbers.map(|number| number.to_vec()).chain(words);
    secrets.into_iter().any(|secret| file.windows(secret.len()).any(|window| window == secret))
}

/// Files of every format that holds EXIF data, with a place in each part that may name one.
fn files_that_tell() -> Vec<(&'static str, Vec<u8>)> {
    let xmp = format!("<x:xmpmeta><exif:GPSLatitude>{SECRET}</exif:GPSLatitude></x:xmpmeta>");
    let segment = |marker: u8, data: &[u8]| [&[0xff, marker], &(data.len() as u16 + 2).to_be_bytes()[..], data].concat();
    let segments = [
        segment(0xe1, &[b"Exif\0\0", &exif(true)[..]].concat()),
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat()),
        segment(0xed, &[b"Photoshop 3.0\0", SECRET.as_bytes()].concat()),
        segment(0xfe, SECRET.as_bytes()),
    ];
    let jpeg = with(&file(&sample(30, 20, ColorType::Rgb8), Format::Jpeg), 2, &segments.concat());

    let mut png = Vec::new();
    let mut info = png::Info::with_size(1, 1);
    (info.color_type, info.bit_depth, info.exif_metadata) = (png::ColorType::Rgb, png::BitDepth::Eight, Some(exif(false).into()));
    let mut encoder = png::Encoder::with_info(&mut png, info).expect("a header");
    encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), xmp.clone()).expect("a keyword");
    encoder.add_text_chunk("Comment".to_owned(), SECRET.to_owned()).expect("a keyword");
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&[1, 2, 3])).expect("it encodes");

    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif(true)).expect("WebP has a place for it");
    write(encoder);
    append(&mut webp, b"XMP ", xmp.as_bytes());

    vec![("jpeg", jpeg), ("png", png), ("webp", webp), ("tiff", exif(true)), ("another tiff", exif(false))]
}

/// A chunk more at the end of a WebP file.
fn append(webp: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    webp.extend([name, &(data.len() as u32).to_le_bytes()[..], data, &b"\0"[..data.len() % 2]].concat());
    let length = (webp.len() - 8) as u32;
    webp[4..8].copy_from_slice(&length.to_le_bytes());
}

fn exif_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let reader = image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().expect("in memory");
    reader.into_decoder().expect("it decodes").exif_metadata().expect("it is readable")
}

/// Every output that has a place for EXIF data, and all that have none.
const OUTPUTS: [&str; 9] =
    ["jpeg", "jpeg:progressive=true", "jpeg:max_bytes=5000", "png", "webp", "webp:lossless=true", "tiff", "gif", "bmp"];

#[test]
fn nothing_of_the_metadata_comes_out_unless_it_is_asked_for() {
    for (name, input) in files_that_tell() {
        assert!(tells_on_anybody(&input), "{name}: the test's own file");
        for output in OUTPUTS {
            let result = run(&input, output).expect("it runs").0;
            assert!(!tells_on_anybody(&result), "{name} to {output}");
            assert!(!result.windows(9).any(|window| window == b"Ann Other"), "{name} to {output}");
            assert_eq!(exif_of(&result), None, "{name} to {output}");
        }
    }
}

#[test]
fn who_holds_the_rights_is_kept_on_request_and_nothing_beside_it() {
    // Two texts, the first with its zero at an even place, the second behind it.
    let rights = b"MM\0*\0\0\0\x08\0\x02\x01\x3b\0\x02\0\0\0\x0a\0\0\0\x26\x82\x98\0\x02\0\0\0\x28\0\0\0\x30\0\0\0\0\
        Ann Other\0(c) 2024 Ann Other, all rights reserved\0";
    for (name, input) in files_that_tell() {
        for output in OUTPUTS {
            let result = run(&input, &format!("input:metadata=copyright/{output}")).expect("it runs").0;
            assert!(!tells_on_anybody(&result), "{name} to {output}");
            let expected = (!matches!(output, "tiff" | "gif" | "bmp")).then_some(&rights[..]);
            assert_eq!(exif_of(&result).as_deref(), expected, "{name} to {output}");
            assert!(!output.contains("max_bytes") || result.len() <= 5000, "{name} to {output}: {} bytes", result.len());
        }
    }
}

#[test]
fn animations_keep_the_rights_too() {
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    // Frames that are alike would become one.
    let picture = sample(30, 20, ColorType::Rgba8);
    for frame in [picture.fliph(), picture] {
        encoder.encode_frame(image::Frame::new(frame.into_rgba8())).expect("it encodes");
    }
    drop(encoder);
    let mut animation = run(&gif, "webp:lossless=true").expect("it runs").0;
    append(&mut animation, b"EXIF", &exif(false));
    for output in ["webp", "png"] {
        let result = run(&animation, &format!("input:metadata=copyright/{output}")).expect("it runs").0;
        assert_eq!(imaging::probe(&result).expect("a header").frames, 2, "{output}");
        assert!(exif_of(&result).is_some_and(|exif| exif.ends_with(b"reserved\0")), "{output}");
        assert!(!tells_on_anybody(&result), "{output}");
    }
}
