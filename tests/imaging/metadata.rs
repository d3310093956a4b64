//! What a file carries beside its pixels is counted before any decoder reads it.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::{png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ColorType, ImageEncoder};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::limits::{ImageLimits, Limit};
use safelight::imaging::{self, Assets, ImagingError};

use crate::common::{file, sample};

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
fn with(file: &[u8], place: usize, inserted: &[u8]) -> Vec<u8> {
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
        Format::Bmp | Format::Qoi => (plain, 0),
    }
}

#[test]
fn metadata_beyond_its_limit_is_refused_in_every_format_that_has_any() {
    for format in Format::ALL {
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
