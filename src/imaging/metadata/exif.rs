//! EXIF data: what is read of it, and the little that is ever written. Own code rather than a crate: it reads a dozen tags of a
//! structure that `tiff` walks anyway, and writes two.

use serde_json::Number;

use super::tiff::{self, Directory, Entry};
use crate::domain::probe::{Details, ExifTags};

/// The photographer (TIFF 6.0, section 8).
const ARTIST: u16 = 315;
/// Who holds the rights; also two texts with a zero between them, of the photograph and of its edition (EXIF 3.0, 4.6.4).
const COPYRIGHT: u16 = 33_432;

/// Longer texts are none that a person wrote; both fit into the one segment that EXIF data has in a JPEG file.
const MAX_TEXT: usize = 16 << 10;

/// EXIF data that says nothing but who made the image and who holds the rights, as `exif` does; `None` where it does not.
pub(super) fn rights_only(exif: &[u8]) -> Option<Vec<u8>> {
    let first = Directory::first(exif)?;
    let text = |tag| first.find(tag)?.text().filter(|text| text.len() <= MAX_TEXT).map(|text| (tag, text));
    let texts: Vec<(u16, &[u8])> = [ARTIST, COPYRIGHT].into_iter().filter_map(text).collect();
    (!texts.is_empty()).then(|| written(&texts))
}

/// Chosen tags for people; `None` where there are none of them.
pub(super) fn tags(exif: &[u8]) -> Option<ExifTags> {
    let first = Directory::first(exif)?;
    let below = first.below(tiff::EXIF);
    let find = |tag| below.and_then(|below| below.find(tag));
    let text = |entry: Option<Entry<'_>>| entry.and_then(Entry::text).and_then(words);
    let place = first.below(tiff::GPS);
    let tags = ExifTags {
        make: text(first.find(271)),
        model: text(first.find(272)),
        artist: text(first.find(ARTIST)),
        copyright: text(first.find(COPYRIGHT)),
        lens: text(find(42_036)),
        taken_at: find(36_867).and_then(Entry::text).and_then(moment),
        exposure_time: find(33_434).and_then(Entry::fraction).and_then(seconds),
        f_number: find(33_437).and_then(Entry::fraction).and_then(number),
        iso: find(34_855).and_then(Entry::number),
        focal_length: find(37_386).and_then(Entry::fraction).and_then(number),
        // Cameras that know no place still write the version of the directory; a latitude is in tag 2.
        has_location: place.is_some_and(|place| place.find(2).is_some()),
    };
    (tags != ExifTags::default()).then_some(tags)
}

/// A text as it is shown: without white space around it and without control characters, and not longer than [`Details::MAX_TEXT`].
fn words(text: &[u8]) -> Option<String> {
    let text: String = String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text: String = text.trim().chars().take(Details::MAX_TEXT).collect();
    (!text.is_empty()).then_some(text)
}

/// `2024:05:31 17:04:59` as it is written elsewhere.
fn moment(text: &[u8]) -> Option<String> {
    let pattern = b"0000:00:00 00:00:00";
    let fits = |(found, expected): (&u8, &u8)| if *expected == b'0' { found.is_ascii_digit() } else { found == expected };
    let known = text.len() == pattern.len() && text.iter().zip(pattern).all(fits) && !text.starts_with(b"0000");
    let text = std::str::from_utf8(text).ok().filter(|_| known)?;
    Some(format!("{}T{}", text[..10].replace(':', "-"), &text[11..]))
}

/// A time as people read it: `1/250`, `0.8`, `30`.
fn seconds((numerator, denominator): (u32, u32)) -> Option<String> {
    if numerator == 0 || denominator == 0 {
        return None;
    }
    let time = f64::from(numerator) / f64::from(denominator);
    if time >= 0.3 {
        number((numerator, denominator)).map(|number| number.to_string())
    } else {
        Some(format!("1/{}", (1.0 / time).round()))
    }
}

/// A fraction with two decimals.
fn number((numerator, denominator): (u32, u32)) -> Option<Number> {
    let rounded = (f64::from(numerator) / f64::from(denominator) * 100.0).round() / 100.0;
    if numerator == 0 || denominator == 0 {
        return None;
    }
    if rounded.fract() == 0.0 { Some(Number::from(rounded as u64)) } else { Number::from_f64(rounded) }
}

/// A directory of texts; their tags must rise.
fn written(texts: &[(u16, &[u8])]) -> Vec<u8> {
    const FIRST: usize = 8;
    let mut out = b"MM\0*\0\0\0\x08".to_vec();
    out.extend((texts.len() as u16).to_be_bytes());
    let mut values = Vec::new();
    let values_at = FIRST + 2 + 12 * texts.len() + 4;
    for (tag, text) in texts {
        let value = [text, &b"\0"[..]].concat();
        out.extend(tag.to_be_bytes());
        out.extend(2_u16.to_be_bytes());
        out.extend((value.len() as u32).to_be_bytes());
        if value.len() <= 4 {
            let mut inline = value;
            inline.resize(4, 0);
            out.extend(inline);
        } else {
            out.extend(((values_at + values.len()) as u32).to_be_bytes());
            values.extend(value);
            // Values begin at even places.
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    // No directory follows.
    out.extend([0; 4]);
    out.extend(values);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_texts_are_carried_over() {
        let expected = b"MM\0*\0\0\0\x08\0\x02\
            \x01\x3b\0\x02\0\0\0\x04Ann\0\
            \x82\x98\0\x02\0\0\0\x0a\0\0\0\x26\
            \0\0\0\0(c) Ann A\0";
        let written = written(&[(ARTIST, b"Ann"), (COPYRIGHT, b"(c) Ann A")]);
        assert_eq!(written, expected);
        assert_eq!(rights_only(expected).as_deref(), Some(&expected[..]));
        // A camera's name comes first, and an orientation stands between the two.
        let full = b"II*\0\x08\0\0\0\x04\0\
            \x0f\x01\x02\0\x06\0\0\0\x3e\0\0\0\
            \x12\x01\x03\0\x01\0\0\0\x06\0\0\0\
            \x3b\x01\x02\0\x04\0\0\0Ann\0\
            \x98\x82\x02\0\x0a\0\0\0\x44\0\0\0\
            \0\0\0\0Canon\0(c) Ann A\0";
        assert_eq!(rights_only(full).as_deref(), Some(&expected[..]));
    }

    #[test]
    fn texts_that_are_not_there_or_no_texts_are_left_out() {
        let entry = |tag: u16, kind: u16, count: u32| {
            [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &26_u32.to_be_bytes()].concat()
        };
        let file = |entry: &[u8], values: usize| [&b"MM\0*\0\0\0\x08\0\x01"[..], entry, &[0; 4], &vec![b'x'; values]].concat();
        assert!(rights_only(&file(&entry(COPYRIGHT, 2, 16 << 10), 16 << 10)).is_some());
        assert_eq!(rights_only(&file(&entry(COPYRIGHT, 2, (16 << 10) + 1), 17 << 10)), None, "too long");
        assert_eq!(rights_only(&file(&entry(COPYRIGHT, 2, 6), 5)), None, "cut off");
        assert_eq!(rights_only(&file(&entry(COPYRIGHT, 7, 6), 6)), None, "no text");
        assert_eq!(rights_only(&file(&entry(271, 2, 6), 6)), None, "another tag");
        assert_eq!(rights_only(b"garbage"), None);
    }

    #[test]
    fn moments_and_fractions_are_shown_as_people_write_them() {
        assert_eq!(moment(b"2024:05:31 17:04:59").as_deref(), Some("2024-05-31T17:04:59"));
        for text in [&b"    :  :     :  :  "[..], b"0000:00:00 00:00:00", b"2024:05:31 17:04", b"2024-05-31 17:04:59", b""] {
            assert_eq!(moment(text), None, "{text:?}");
        }
        let times = [((1, 250), "1/250"), ((10, 2500), "1/250"), ((4, 10), "0.4"), ((8, 10), "0.8"), ((30, 1), "30"), ((5, 2), "2.5")];
        times.into_iter().for_each(|(fraction, text)| assert_eq!(seconds(fraction).as_deref(), Some(text)));
        assert_eq!((seconds((0, 1)), seconds((1, 0)), number((1, 0)), number((0, 0))), (None, None, None, None));
        assert_eq!(number((28, 10)).map(|number| number.to_string()).as_deref(), Some("2.8"));
        assert_eq!(number((u32::MAX, 1)), Some(Number::from(u32::MAX)));
    }

    #[test]
    fn texts_are_trimmed_and_hold_no_control_characters() {
        assert_eq!(words(b"  NIKON\x1b[2J CORP\n ").as_deref(), Some("NIKON [2J CORP"));
        assert_eq!(words(b" \0 "), None);
        assert_eq!(words(&[b'x'; 1000]).map(|text| text.len()), Some(Details::MAX_TEXT));
        assert_eq!(words(b"M\xfcller").as_deref(), Some("M\u{fffd}ller"));
    }
}
