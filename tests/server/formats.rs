//! Every format through HTTP: what comes back has red and blue swapped, to the pixel where the format is lossless.

use std::path::PathBuf;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba};

use crate::harness::Server;
use crate::images::{self, decode, encode};

/// A directory of photographs, or nothing and a line that says so.
fn photographs() -> Option<PathBuf> {
    let path = std::env::var_os("SAFELIGHT_PHOTOS").map_or_else(|| PathBuf::from("../shared/photos"), PathBuf::from);
    let found = path.is_dir();
    if !found {
        println!("skipped: no photographs");
    }
    found.then_some(path)
}

/// The pixels by a decoder that shares no code with the server's.
fn judge(jpeg: &[u8]) -> RgbImage {
    let mut decoder = jpeg_decoder::Decoder::new(jpeg);
    let pixels = decoder.decode().expect("the other decoder reads it");
    let info = decoder.info().expect("it was decoded");
    RgbImage::from_raw(info.width.into(), info.height.into(), pixels).expect("three bytes to a pixel")
}

/// Peak signal-to-noise ratio in decibels over all samples.
fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let squares: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares as f64).log10()
}

/// The same picture in the same pixel type, with red and blue in each other's place; gray stays as it is.
fn swapped(picture: &DynamicImage) -> DynamicImage {
    let mut picture = picture.clone();
    match &mut picture {
        DynamicImage::ImageRgb8(pixels) => pixels.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2)),
        DynamicImage::ImageRgba8(pixels) => pixels.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2)),
        DynamicImage::ImageRgba16(pixels) => pixels.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2)),
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageLuma16(_) => {}
        other => panic!("no test makes {:?}", other.color()),
    }
    picture
}

/// Processes `file` with the default pipeline: the format stays, and the pixels are exactly those of `picture`, swapped.
fn assert_exact(server: &Server, name: &str, format: ImageFormat, file: &[u8], picture: &DynamicImage) {
    // WebP is lossy unless asked otherwise.
    let pipeline = if format == ImageFormat::WebP { "swap_channels/webp:lossless=true" } else { "" };
    let answer = server.process(file, pipeline);
    // The name that the specification of QOI recommends, where the crate has an older one.
    let media_type = if format == ImageFormat::Qoi { "image/qoi" } else { format.to_mime_type() };
    assert_eq!(answer.header("content-type"), media_type, "{name}");
    assert_eq!(image::guess_format(&answer.body).ok(), Some(format), "{name}");
    // Compared in the type of the original, which is no conversion where the format kept it.
    let result = decode(&answer.body);
    assert_eq!(result.color(), decode(file).color(), "{name}: the pixel type");
    let (result, expected) = (result.to_rgba16(), swapped(picture).to_rgba16());
    assert!(result == expected, "{name}: the pixels differ");
}

#[test]
fn a_photograph_of_12_megapixels_keeps_its_quality() {
    let Some(photographs) = photographs() else { return };
    let server = Server::new();
    for name in ["p12_seeding.jpg", "p12_sunset_prog.jpg"] {
        let file = std::fs::read(photographs.join(name)).expect("a photograph");
        let answer = server.process(&file, "");
        assert_eq!(answer.header("content-type"), "image/jpeg");
        let mut expected = judge(&file);
        assert!(expected.len() > 3 * 11_900_000, "{name} has 12 megapixels");
        expected.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2));
        let ratio = psnr(&judge(&answer.body), &expected);
        println!("{name}: {ratio:.2} dB");
        assert!(ratio > 38.0, "{name}: {ratio:.2} dB");
    }
}

#[test]
fn lossless_formats_are_exact_in_every_pixel_type() {
    let server = Server::new();
    let gray: DynamicImage = GrayImage::from_fn(50, 40, |x, y| Luma([(x * 5 + y) as u8])).into();
    let gray16 = DynamicImage::ImageLuma16(ImageBuffer::from_fn(50, 40, |x, y| Luma([(x * 1300 + y * 7) as u16])));
    let (rgb, rgba, rgba16) = (images::rgb(61, 43), images::rgba(61, 43), images::rgba16(61, 43));
    for (format, picture) in [
        (ImageFormat::Png, &rgb),
        (ImageFormat::Png, &rgba),
        (ImageFormat::Png, &rgba16),
        (ImageFormat::Png, &gray),
        (ImageFormat::Png, &gray16),
        (ImageFormat::WebP, &rgb),
        (ImageFormat::WebP, &rgba),
        (ImageFormat::Bmp, &rgb),
        (ImageFormat::Tiff, &rgb),
        (ImageFormat::Tiff, &rgba16),
        (ImageFormat::Qoi, &rgb),
        (ImageFormat::Qoi, &rgba),
    ] {
        let name = format!("{format:?} {:?}", picture.color());
        assert_exact(&server, &name, format, &encode(picture, format), picture);
    }
}

#[test]
fn a_png_with_a_palette_is_exact() {
    let palette: Vec<[u8; 3]> = (0..=255_u8).map(|index| [index, index.wrapping_mul(7), 255 - index / 2]).collect();
    let index = |x: u32, y: u32| (x * 9 + y * 31) as u8;
    let picture = RgbImage::from_fn(33, 21, |x, y| Rgb(palette[usize::from(index(x, y))]));
    let file = palette_png(33, 21, &palette, index);
    assert_eq!(decode(&file).into_rgb8(), picture, "the test's own file is sound");
    assert_exact(&Server::new(), "palette", ImageFormat::Png, &file, &picture.into());
}

#[test]
fn a_gif_is_exact() {
    let frame = |shift: u32| {
        ImageBuffer::from_fn(32, 24, |x, y| {
            let index = (x + 32 * y + shift) % 200;
            Rgba([index as u8, (index * 7 % 256) as u8, 255 - index as u8, 255])
        })
    };
    let mut file = Vec::new();
    let frames = [Frame::new(frame(0)), Frame::new(frame(50))];
    GifEncoder::new(&mut file).encode_frames(frames).expect("an animation of two frames");
    // The decoder that judges takes the first frame.
    assert_exact(&Server::new(), "gif", ImageFormat::Gif, &file, &frame(0).into());
}

#[test]
fn the_output_of_the_pipeline_decides_the_format() {
    let server = Server::new();
    let picture = images::rgb(64, 48);
    let png = encode(&picture, ImageFormat::Png);
    let converted = server.process(&encode(&picture, ImageFormat::Bmp), "swap_channels/png");
    assert_eq!(converted.header("content-type"), "image/png");
    assert_eq!(decode(&converted.body), swapped(&picture));
    let [coarse, fine] = ["swap_channels/jpeg:q=50", "swap_channels/jpeg:q=95"].map(|pipeline| server.process(&png, pipeline));
    assert_eq!((coarse.header("content-type"), fine.header("content-type")), ("image/jpeg", "image/jpeg"));
    assert!(coarse.body.len() < fine.body.len(), "{} and {} bytes", coarse.body.len(), fine.body.len());
}

#[test]
fn a_format_that_is_only_read_comes_back_as_png() {
    let picture = images::rgb(64, 48);
    let file = [b"P6 64 48 255\n", picture.as_bytes()].concat();
    let answer = Server::new().process(&file, "swap_channels");
    assert_eq!(answer.header("content-type"), "image/png");
    assert_eq!(decode(&answer.body), swapped(&picture));
}

#[test]
fn both_forms_of_a_pipeline_mean_the_same() {
    let server = Server::new();
    let png = encode(&images::rgb(64, 48), ImageFormat::Png);
    let json = r#"{"steps":[{"op":"swap_channels","order":"bgr"},{"op":"resize","width":20,"height":10,"fit":"cover"}],"output":{"format":"png"}}"#;
    let by_json = server.process(&png, &percent_encoded(json));
    let by_text = server.process(&png, "swap_channels:bgr/resize:20x10,fit=cover/png");
    assert!(by_json.body == by_text.body, "the same bytes");
    assert_eq!((decode(&by_json.body).width(), decode(&by_json.body).height()), (20, 10));
}

#[test]
fn each_operation_does_what_it_says() {
    let server = Server::new();
    let picture = images::rgb(64, 48);
    let png = encode(&picture, ImageFormat::Png);
    let mut inverted = picture.clone();
    inverted.invert();
    for (pipeline, expected) in [("invert", inverted), ("rotate:90", picture.rotate90()), ("flip:horizontal", picture.fliph())] {
        assert!(decode(&server.process(&png, pipeline).body) == expected, "{pipeline}");
    }
    for (pipeline, size) in [("resize:32x32", (32, 24)), ("resize:400x300", (64, 48))] {
        let result = decode(&server.process(&png, pipeline).body);
        assert_eq!((result.width(), result.height()), size, "{pipeline}");
    }
    let gray = decode(&server.process(&png, "grayscale").body).into_rgb8();
    assert!(gray.pixels().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
}

#[test]
fn neither_name_nor_media_type_of_an_upload_is_believed() {
    let server = Server::new();
    let picture = images::rgb(30, 20);
    let png = encode(&picture, ImageFormat::Png);
    let form = [
        &b"--b\r\ncontent-disposition: form-data; name=\"comment\"\r\n\r\na photograph\r\n--b\r\n\
           content-disposition: form-data; name=\"upload\"; filename=\"photo.jpg\"\r\ncontent-type: text/plain\r\n\r\n"[..],
        &png[..],
        b"\r\n--b--\r\n",
    ]
    .concat();
    for (content_type, body) in [("multipart/form-data; boundary=b", &form), ("image/jpeg", &png), ("application/json", &png)] {
        let answer = server.post("/newImage", content_type, body);
        assert_eq!(answer.status, 202, "{content_type}: {}", answer.text());
        assert_eq!(server.wait(&answer.text()), "finished");
        let result = server.image(&answer.text());
        assert_eq!(result.header("content-type"), "image/png", "{content_type}");
        assert_eq!(decode(&result.body), swapped(&picture), "{content_type}");
    }
}

/// Everything but letters and digits as `%XX` (RFC 3986, 2.1).
fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encoded).collect()
}

/// A PNG of colour type 3, written by hand since no encoder at hand makes one: `index` gives the place in the palette.
fn palette_png(width: u32, height: u32, palette: &[[u8; 3]], index: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 3, 0, 0, 0]].concat();
    // Every row begins with its filter: none.
    let rows: Vec<u8> =
        (0..height).flat_map(|y| std::iter::once(0).chain((0..width).map(move |x| (x, y)).map(|(x, y)| index(x, y)))).collect();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", header), (b"PLTE", palette.concat()), (b"IDAT", zlib_stored(&rows)), (b"IEND", Vec::new())] {
        let named = [&name[..], &data].concat();
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(&named);
        file.extend(crc32(&named).to_be_bytes());
    }
    file
}

/// One stored block in a zlib stream (RFC 1950, RFC 1951 3.2.4).
fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("fits one block");
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| ((a + u32::from(*byte)) % 65521, (b + a + u32::from(*byte)) % 65521));
    [&[0x78, 0x01, 0x01][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data, &(high << 16 | low).to_be_bytes()].concat()
}

/// ISO 3309, as PNG uses it.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn a_format_is_chosen_by_the_image_and_by_what_the_client_accepted_when_it_uploaded() {
    let server = Server::new();
    let (opaque, transparent) = (encode(&images::rgb(40, 30), ImageFormat::Png), encode(&images::rgba(40, 30), ImageFormat::Png));
    for (accept, image, pipeline, format, stored) in [
        ("text/plain, image/webp", &opaque, "auto", "webp", "webp"),
        ("text/plain", &opaque, "auto", "jpeg", "none"),
        ("*/*", &transparent, "auto:q=50", "png", "none"),
        ("text/plain, image/webp", &transparent, "auto:accept=none", "png", "none"),
        ("text/plain", &transparent, "invert/flatten/auto", "jpeg", "none"),
    ] {
        let id = server.upload_accepting(accept, image, pipeline);
        assert_eq!(server.wait(&id), "finished");
        // Whoever downloads it, and whatever they accept.
        let result = server.image(&id);
        assert_eq!(result.header("content-type"), format!("image/{format}"), "{accept} {pipeline}");
        assert_eq!(image::guess_format(&result.body).expect("an image").to_mime_type(), format!("image/{format}"));
        let output = server.task(&id)["pipeline"]["output"].clone();
        assert_eq!((output["format"].as_str(), output["accept"].as_str()), (Some("auto"), Some(stored)), "{output}");
    }
}
