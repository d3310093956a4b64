//! What a task tells of its original and of what its result lacks, also after a restart.

use image::codecs::{gif::GifEncoder, png::PngEncoder};
use image::{Frame, ImageEncoder, ImageFormat, Rgb, RgbImage};
use serde_json::json;

use crate::harness::Server;
use crate::images::{encode, rgba};

/// EXIF data with the name of a camera (at 38), a directory of a place (at 44) and a latitude in it (at 62).
const EXIF: &[u8] = b"MM\0*\0\0\0\x08\0\x02\
    \x01\x0f\0\x02\0\0\0\x06\0\0\0\x26\
    \x88\x25\0\x04\0\0\0\x01\0\0\0\x2c\
    \0\0\0\0Nocam\0\
    \0\x01\0\x02\0\x05\0\0\0\x01\0\0\0\x3e\0\0\0\0\
    \0\0\x12\x34\0\0\0\x01";

#[test]
fn a_task_tells_what_is_known_of_its_original() {
    let server = Server::new();
    let mut image = Vec::new();
    let mut encoder = PngEncoder::new(&mut image);
    encoder.set_exif_metadata(EXIF.to_vec()).expect("PNG has a place for it");
    let picture = RgbImage::from_pixel(60, 40, Rgb([192, 255, 238]));
    encoder.write_image(&picture, 60, 40, image::ExtendedColorType::Rgb8).expect("it encodes");
    let id = server.upload(&image, "resize:30x/jpeg");
    assert_eq!(server.wait(&id), "finished");
    let probe = server.task(&id)["probe"].clone();
    let blurhash = probe["blurhash"].as_str().expect("a text").to_owned();
    // Four waves across and three down; the mean colour is in the third to the sixth character.
    assert_eq!((blurhash.len(), &blurhash[..1], &blurhash[2..6]), (28, "L", MEAN), "{probe}");
    let expected = json!({
        "format": "png", "width": 60, "height": 40, "frames": 1, "duration_ms": 0, "color_space": "srgb", "bit_depth": 8, "alpha": false,
        "orientation": 1, "exif": { "make": "Nocam", "has_location": true }, "dominant_color": "#c0ffee", "blurhash": blurhash,
    });
    assert_eq!(probe, expected);
    let server = server.kill_and_restart();
    assert_eq!(server.task(&id)["probe"], expected, "it is kept");
    let failed = server.upload(&image[..image.len() / 2], "");
    assert!(server.wait(&failed).starts_with("failed"));
    assert!(server.task(&failed)["probe"].is_null());
}

/// 0xc0ffee to the base of 83.
const MEAN: &str = "MA2y";

#[test]
fn a_result_tells_what_it_lacks() {
    let server = Server::new();
    let mut animation = Vec::new();
    let frames = [rgba(20, 10), rgba(20, 10).rotate180()].map(|picture| Frame::new(picture.into_rgba8()));
    GifEncoder::new(&mut animation).encode_frames(frames).expect("an animation of two frames");
    let warnings = |pipeline: &str| {
        let id = server.upload(&animation, pipeline);
        assert_eq!(server.wait(&id), "finished");
        server.task(&id)["result"]["warnings"].clone()
    };
    assert_eq!(warnings("jpeg"), json!([{ "frames_dropped": { "kept": 1, "of": 2 } }]));
    assert_eq!(warnings("png"), json!([]));
    let plain = server.upload(&encode(&image::DynamicImage::new_rgb8(4, 3), ImageFormat::Png), "jpeg");
    assert_eq!(server.wait(&plain), "finished");
    assert_eq!(server.task(&plain)["result"]["warnings"], json!([]));
}
