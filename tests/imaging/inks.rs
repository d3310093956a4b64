//! JPEG files of four inks, against the formulas of their inks, and colours that are easily taken for inks.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::allocation::peak_of;
use crate::common::{run, run_to_pixels};

/// Sides of a patch of one colour, in pixels; large enough that its middle has nothing of its neighbours.
const PATCH: usize = 16;

/// Every combination of none, a part and all of cyan, magenta, yellow and black; 255 is all.
fn patches() -> Vec<[u8; 4]> {
    const LEVELS: [u8; 3] = [0, 100, 255];
    let level = |number: usize, place: u32| LEVELS[number / 3_usize.pow(place) % 3];
    (0..81).map(|number| [3, 2, 1, 0].map(|place| level(number, place))).collect()
}

/// One row of patches.
fn file(patches: &[[u8; 4]], color: ColorType, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    rows(patches, PATCH, color, change)
}

/// Patches of so many rows of pixels. The encoder inverts inks, as Adobe does.
fn rows(patches: &[[u8; 4]], height: usize, color: ColorType, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let row: Vec<u8> = patches.iter().flat_map(|patch| patch.repeat(PATCH)).collect();
    let width = (patches.len() * PATCH) as u16;
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 100);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    change(&mut encoder);
    encoder.encode(&row.repeat(height), width, height as u16, color).expect("it encodes");
    out
}

/// The middles of the patches of a file, as they come out.
fn found(bytes: &[u8]) -> Vec<[u8; 3]> {
    let pixels = run_to_pixels(bytes, "png").into_rgb8();
    let middles = (0..pixels.width() / PATCH as u32).map(|patch| patch * PATCH as u32 + PATCH as u32 / 2);
    middles.map(|x| pixels.get_pixel(x, PATCH as u32 / 2).0).collect()
}

fn assert_near(found: &[[u8; 3]], expected: &[[f64; 3]], patches: &[[u8; 4]], off: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for ((found, expected), patch) in found.iter().zip(expected).zip(patches) {
        let near = found.iter().zip(expected).all(|(found, expected)| (f64::from(*found) - expected).abs() <= off);
        assert!(near, "{what}: {patch:?} came out as {found:?}, not {expected:?}");
    }
}

/// A file of cyan, magenta, yellow and black without a profile.
pub(crate) fn of_inks() -> Vec<u8> {
    file(&patches(), ColorType::Cmyk, |_| {})
}

/// What inks are without a profile.
fn plain([c, m, y, k]: [u8; 4]) -> [f64; 3] {
    [c, m, y].map(|ink| (255.0 - f64::from(ink)) * (255.0 - f64::from(k)) / 255.0)
}

/// The same file without its Adobe segment: the meaning of its samples is not said any more.
fn unmarked(bytes: &[u8]) -> Vec<u8> {
    let at = bytes.windows(7).position(|window| window == b"\0\x0eAdobe").expect("the encoder marks its files") - 2;
    [&bytes[..at], &bytes[at + 16..]].concat()
}

#[test]
fn inks_without_a_profile_come_out_by_the_formula() {
    let patches = patches();
    let expected: Vec<_> = patches.iter().map(|patch| plain(*patch)).collect();
    let progressive = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_progressive(true);
    assert_near(&found(&file(&patches, ColorType::Cmyk, |_| {})), &expected, &patches, 2.0, "cmyk");
    assert_near(&found(&file(&patches, ColorType::Cmyk, progressive)), &expected, &patches, 2.0, "progressive cmyk");
    assert_near(&found(&file(&patches, ColorType::CmykAsYcck, |_| {})), &expected, &patches, 4.0, "ycck");
    let halved = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let apart: Vec<_> = patches.iter().flat_map(|patch| [*patch; 3]).collect();
    let expected: Vec<_> = apart.iter().map(|patch| plain(*patch)).collect();
    let subsampled = found(&file(&apart, ColorType::CmykAsYcck, halved));
    // What is between two others of its colour has nothing of a neighbour.
    let middle = |from: &[[u8; 3]]| from.iter().skip(1).step_by(3).copied().collect::<Vec<_>>();
    let of_middles: Vec<_> = expected.iter().skip(1).step_by(3).copied().collect();
    assert_near(&middle(&subsampled), &of_middles, &patches, 4.0, "subsampled ycck");
}

#[test]
fn colours_that_went_through_no_transform_are_no_inks() {
    let colours: Vec<[u8; 3]> = patches().iter().map(|[c, m, y, _]| [*c, *m, *y]).collect();
    let row: Vec<u8> = colours.iter().flat_map(|colour| colour.repeat(PATCH)).collect();
    for progressive in [false, true] {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 100);
        encoder.set_sampling_factor(SamplingFactor::F_1_1);
        encoder.set_progressive(progressive);
        // Samples of this kind are written as they are.
        encoder.encode(&row.repeat(PATCH), (colours.len() * PATCH) as u16, PATCH as u16, ColorType::Ycbcr).expect("it encodes");
        let untransformed = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0";
        let bytes = [&bytes[..2], untransformed, &bytes[2..]].concat();
        let expected: Vec<_> = colours.iter().map(|colour| colour.map(f64::from)).collect();
        assert_near(&found(&bytes), &expected, &patches(), 2.0, "untransformed");
    }
}

#[test]
fn inks_are_not_inverted_in_a_file_that_adobe_did_not_mark() {
    let patches = patches();
    let inverted: Vec<_> = patches.iter().map(|patch| patch.map(|ink| 255 - ink)).collect();
    let expected: Vec<_> = patches.iter().map(|patch| plain(*patch)).collect();
    assert_near(&found(&unmarked(&file(&inverted, ColorType::Cmyk, |_| {}))), &expected, &patches, 2.0, "unmarked");
}

/// Inks of a made-up press in CIELAB: black takes 90 of lightness, yellow moves along b, magenta along a, all a little.
fn lab([c, m, y, k]: [f64; 4]) -> [f64; 3] {
    let left = 1.0 - k;
    [10.0 + 90.0 * left * (1.0 - 0.3 * c - 0.2 * m - 0.1 * y), left * (20.0 * m - 15.0 * c), left * (25.0 * y - 15.0 * c)]
}

/// From CIELAB under D50 to sRGB: the formulas of CIE 15 and IEC 61966-2-1, with the primaries of sRGB adapted to D50.
fn lab_to_srgb([l, a, b]: [f64; 3]) -> [f64; 3] {
    let fy = (l + 16.0) / 116.0;
    let cube = |f: f64| if f > 6.0 / 29.0 { f.powi(3) } else { 3.0 * (6.0_f64 / 29.0).powi(2) * (f - 4.0 / 29.0) };
    let (x, y, z) = (0.9642 * cube(fy + a / 500.0), cube(fy), 0.8249 * cube(fy - b / 200.0));
    let rows =
        [[3.133_856_1, -1.616_866_7, -0.490_614_6], [-0.978_768_4, 1.916_141_5, 0.033_454], [0.071_945_3, -0.228_991_4, 1.405_242_7]];
    rows.map(|[of_x, of_y, of_z]| {
        let linear = (of_x * x + of_y * y + of_z * z).clamp(0.0, 1.0);
        255.0 * if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
    })
}

/// The profile of that press (ICC.1:2001-04, 6.5.8): one table of 8 bits with two points along each ink.
fn press() -> Vec<u8> {
    const TAG_AT: usize = 128 + 4 + 12;
    let mut table = [b"mft1\0\0\0\0".as_slice(), &[4, 3, 2, 0]].concat();
    let fixed = |value: f64| ((value * 65536.0) as i32).to_be_bytes();
    for value in [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0] {
        table.extend(fixed(value));
    }
    let identity: Vec<u8> = (0..=255).collect();
    table.extend(identity.repeat(4));
    for corner in 0..16_u32 {
        // The last ink varies fastest.
        let [l, a, b] = lab([3, 2, 1, 0].map(|bit| f64::from(corner >> bit & 1)));
        table.extend([l * 255.0 / 100.0, a + 128.0, b + 128.0].map(|value| value.round() as u8));
    }
    table.extend(identity.repeat(3));
    let mut profile = vec![0; 128];
    profile[..4].copy_from_slice(&((TAG_AT + table.len()) as u32).to_be_bytes());
    profile[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    profile[12..24].copy_from_slice(b"prtrCMYKLab ");
    profile[36..40].copy_from_slice(b"acsp");
    profile[68..80].copy_from_slice(&[fixed(0.9642), fixed(1.0), fixed(0.8249)].concat());
    profile.extend(1_u32.to_be_bytes());
    profile.extend(*b"A2B0");
    profile.extend([TAG_AT as u32, table.len() as u32].map(u32::to_be_bytes).concat());
    profile.extend(table);
    profile
}

#[test]
fn inks_with_a_profile_come_out_as_it_says() {
    // At the points of the table, where nothing is interpolated.
    let patches: Vec<[u8; 4]> = patches().into_iter().filter(|patch| !patch.contains(&100)).collect();
    let expected: Vec<_> = patches.iter().map(|patch| lab_to_srgb(lab(patch.map(|ink| f64::from(ink) / 255.0)))).collect();
    for color in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let bytes = file(&patches, color, |encoder| encoder.add_icc_profile(&press()).expect("it is small"));
        // A level of the table is two of the darkest colours'.
        assert_near(&found(&bytes), &expected, &patches, 5.0, &format!("{color:?}"));
        let (png, _) = run(&bytes, "input:profile=keep/png").expect("it runs");
        assert_eq!(crate::formats::profile_of(&png), None, "a profile of inks does not describe colours");
    }
}

#[test]
fn the_estimate_of_memory_holds_for_inks() {
    let patches = patches();
    let profile = press();
    for (what, bytes) in [
        ("plain", rows(&patches, 1000, ColorType::CmykAsYcck, |_| {})),
        ("with a profile", rows(&patches, 1000, ColorType::Cmyk, |encoder| encoder.add_icc_profile(&profile).expect("it is small"))),
        ("progressive", rows(&patches, 1000, ColorType::Cmyk, |encoder| encoder.set_progressive(true))),
    ] {
        let info = safelight::imaging::probe(&bytes).expect("the header is whole");
        let estimate = safelight::domain::pipeline::cost::peak_bytes(&info, &"crop:8x8/bmp".parse().expect("a pipeline"));
        let (_, used) = peak_of(|| run(&bytes, "crop:8x8/bmp").expect("it runs"));
        assert!(used <= estimate, "{what}: used {used}, estimated {estimate}");
    }
}
