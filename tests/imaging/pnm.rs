//! The formats of Netpbm, by files made by hand whose pixels a formula gives.

use image::{ColorType, DynamicImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::imaging;

use crate::allocation::peak_of;
use crate::common::{run, run_to_pixels};

/// A file of an image, where the format holds the pixel type.
pub(crate) fn of(image: &DynamicImage) -> Option<Vec<u8>> {
    let color = image.color();
    let channels = u16::from(color.channel_count());
    let (max, samples) = match color.bits_per_pixel() / channels {
        8 => (255, image.as_bytes().to_vec()),
        16 => (65_535, image.as_bytes().as_chunks().0.iter().flat_map(|sample| u16::from_ne_bytes(*sample).to_be_bytes()).collect()),
        _ => return None,
    };
    let header = format!("P7\nWIDTH {}\nHEIGHT {}\nDEPTH {channels}\nMAXVAL {max}\nENDHDR\n", image.width(), image.height());
    Some([header.into_bytes(), samples].concat())
}

const SIZE: (usize, usize) = (19, 7);

/// A sample between 0 and `max`, different from its neighbours.
fn sample(index: usize, max: u32) -> u32 {
    (index as u32 * 7_919 + 13) % (max + 1)
}

/// Every sample of an image with `channels` to a pixel.
fn samples(channels: usize, max: u32) -> Vec<u32> {
    (0..SIZE.0 * SIZE.1 * channels).map(|index| sample(index, max)).collect()
}

fn header(magic: &str, max: u32) -> Vec<u8> {
    format!("{magic}\n# made by hand\n{} {}\n{max}\n", SIZE.0, SIZE.1).into_bytes()
}

fn pam(channels: usize, max: u32, tuple: &str) -> Vec<u8> {
    let (width, height) = SIZE;
    format!("P7\n#by hand\nWIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {max}\n{tuple}ENDHDR\n").into_bytes()
}

fn raw(header: Vec<u8>, samples: &[u32], max: u32) -> Vec<u8> {
    let bytes = |sample: &u32| if max > 255 { (*sample as u16).to_be_bytes().to_vec() } else { vec![*sample as u8] };
    [header, samples.iter().flat_map(bytes).collect()].concat()
}

fn plain(header: Vec<u8>, samples: &[u32]) -> Vec<u8> {
    let text: String = samples.iter().map(|sample| format!("{sample}\n")).collect();
    [header, text.into_bytes()].concat()
}

/// The file comes out as PNG with these samples, stretched to all that 8 or 16 bits hold.
fn assert_samples(what: &str, file: &[u8], color: ColorType, samples: &[u32], max: u32) {
    let image = run_to_pixels(file, "png");
    assert_eq!((image.color(), image.width(), image.height()), (color, SIZE.0 as u32, SIZE.1 as u32), "{what}");
    let stretched = |full: f64| samples.iter().map(move |sample| (f64::from(*sample) * full / f64::from(max)).round());
    if max > 255 {
        let expected: Vec<u8> = stretched(65_535.0).flat_map(|sample| (sample as u16).to_ne_bytes()).collect();
        assert!(image.as_bytes() == expected, "{what}");
    } else {
        let expected: Vec<u8> = stretched(255.0).map(|sample| sample as u8).collect();
        assert_eq!(image.as_bytes(), expected, "{what}");
    }
}

#[test]
fn gray_and_pixel_maps_are_exact_with_any_largest_value() {
    for max in [1, 2, 15, 100, 254, 255, 256, 1_023, 4_095, 40_000, 65_535] {
        let deep = max > 255;
        for (plainly, rawly, channels, color) in [
            ("P2", "P5", 1, if deep { ColorType::L16 } else { ColorType::L8 }),
            ("P3", "P6", 3, if deep { ColorType::Rgb16 } else { ColorType::Rgb8 }),
        ] {
            let samples = samples(channels, max);
            assert_samples(&format!("{rawly} {max}"), &raw(header(rawly, max), &samples, max), color, &samples, max);
            assert_samples(&format!("{plainly} {max}"), &plain(header(plainly, max), &samples), color, &samples, max);
        }
    }
}

#[test]
fn arbitrary_maps_are_exact_with_and_without_a_tuple_type() {
    use ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
    for (channels, tuple, shallow, deep) in
        [(1, "GRAYSCALE", L8, L16), (2, "GRAYSCALE_ALPHA", La8, La16), (3, "RGB", Rgb8, Rgb16), (4, "RGB_ALPHA", Rgba8, Rgba16)]
    {
        for max in [1, 200, 255, 999, 65_535] {
            let samples = samples(channels, max);
            for line in [String::new(), format!("TUPLTYPE {tuple}\n")] {
                let file = raw(pam(channels, max, &line), &samples, max);
                assert_samples(&format!("{line:?} {max}"), &file, if max > 255 { deep } else { shallow }, &samples, max);
            }
        }
    }
    for (channels, tuple, color) in [(1, "BLACKANDWHITE", L8), (2, "BLACKANDWHITE_ALPHA", La8)] {
        let samples = samples(channels, 1);
        assert_samples(tuple, &raw(pam(channels, 1, &format!("TUPLTYPE {tuple}\n")), &samples, 1), color, &samples, 1);
    }
    let error = run(&raw(pam(3, 255, "TUPLTYPE LAB\n"), &samples(3, 255), 255), "png").expect_err("no such colours");
    assert_eq!(error.code(), ErrorCode::UnsupportedFormat, "{error}");
}

#[test]
fn in_a_bit_map_one_is_black() {
    let samples = samples(1, 1);
    let header = |magic: &str| format!("{magic} {} {}\n", SIZE.0, SIZE.1).into_bytes();
    let ink = |sample: &u32| (1 - *sample) as u8;
    let rows = samples.chunks(SIZE.0).flat_map(|row| row.chunks(8));
    let bits = rows.map(|eight| eight.iter().enumerate().fold(0, |byte, (place, sample)| byte | ink(sample) << (7 - place)));
    assert_samples("P4", &[header("P4"), bits.collect()].concat(), ColorType::L8, &samples, 1);
    // With and without white space between them.
    for between in ["", " ", "\n# a comment 1\r\n"] {
        let text: String = samples.iter().map(|sample| format!("{}{between}", ink(sample))).collect();
        assert_samples("P1", &[header("P1"), text.into_bytes()].concat(), ColorType::L8, &samples, 1);
    }
}

#[test]
fn a_header_may_have_comments_and_any_white_space() {
    for header in ["P5#c\n#\n2\t#two\r3 \x0b\x0c255\n", "P5 2\n3\n00255 ", "P5\r2\r3\r255\r"] {
        let image = run_to_pixels(&[header.as_bytes(), b"# \n\t09"].concat(), "png");
        assert_eq!((image.width(), image.height(), image.as_bytes()), (2, 3, &b"# \n\t09"[..]), "{header:?}");
    }
}

#[test]
fn what_contradicts_its_header_is_corrupt() {
    let pam = |lines: &str| format!("P7\n{lines}\nENDHDR\n\0\0\0\0\0\0\0\0").into_bytes();
    let files = [
        b"P5 2 2 0 \0\0\0\0".to_vec(),
        b"P5 2 2 65536 \0\0\0\0\0\0\0\0".to_vec(),
        b"P5 2 2 100 \0\x65\0\0".to_vec(),
        b"P5 2 2 300 \0\0\xff\xff\0\0\0\0".to_vec(),
        b"P5 0 2 255 \0\0\0\0".to_vec(),
        b"P5 -2 2 255 \0\0\0\0".to_vec(),
        b"P5 99999999999 1 255 \0\0\0\0".to_vec(),
        b"P5 2 2 255".to_vec(),
        b"P2 2 2 9 1 2 3 10".to_vec(),
        b"P2 2 2 9 1 2 3 x".to_vec(),
        b"P2 2 2 255 1 2 3 256".to_vec(),
        b"P2 2 2 999 1 2 3 70000".to_vec(),
        b"P2 2 2 9 1 2 3       ".to_vec(),
        b"P1 2 2 1 0 2 1".to_vec(),
        pam("WIDTH 2\nHEIGHT 2\nDEPTH 1"),
        pam("WIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nWIDTH 2"),
        pam("WIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nCOLOURS 2"),
        pam("WIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL x"),
        b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\n\0\0\0\0".to_vec(),
    ];
    for file in files {
        let text = String::from_utf8_lossy(&file).into_owned();
        let error = run(&file, "png").expect_err(&text);
        assert_eq!(error.code(), ErrorCode::CorruptImage, "{text:?}: {error}");
    }
}

#[test]
fn a_file_that_lacks_a_byte_is_corrupt() {
    for (magic, channels) in [("P5", 1), ("P6", 3)] {
        for max in [255, 65_535] {
            let whole = raw(header(magic, max), &samples(channels, max), max);
            run(&whole, "png").expect("the file is whole");
            for length in 0..whole.len() {
                let error = run(&whole[..length], "png").expect_err("the file is cut off");
                let expected = if length < 3 { ErrorCode::UnsupportedFormat } else { ErrorCode::CorruptImage };
                assert_eq!(error.code(), expected, "{magic} {max} {length}: {error}");
            }
        }
    }
}

#[test]
fn a_header_that_promises_more_than_the_file_has_allocates_nothing() {
    let end = [7; 1000];
    for header in
        ["P1 60000 60000\n", "P2 60000 60000 9\n", "P4 60000 60000\n", "P6 60000 60000 65535\n", "P5 4294967295 4294967295 65535\n"]
    {
        let file = [header.as_bytes(), &end].concat();
        let (probed, used) = peak_of(|| imaging::probe(&file));
        assert_eq!(probed.expect_err("it is too short").code(), ErrorCode::CorruptImage, "{header}");
        assert!(used < 10_000, "{header}: {used}");
    }
    let endless = [b"P7\n#".as_slice(), &vec![b'x'; 1 << 20]].concat();
    let (probed, used) = peak_of(|| imaging::probe(&endless));
    assert!(probed.is_err() && used < 10_000, "{used}");
}

#[test]
fn the_header_tells_the_size_and_the_first_image_is_taken() {
    let one = raw(header("P6", 255), &samples(3, 255), 255);
    let info = imaging::probe(&one).expect("the header is whole");
    assert_eq!((info.format, info.width, info.height, info.bytes_per_pixel), (Format::Pnm, 19, 7, 3));
    let several = [&one[..], b"P5 1 1 255 x"].concat();
    assert_eq!(run(&several, "png").ok(), run(&one, "png").ok());
}
