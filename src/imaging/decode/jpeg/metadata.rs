//! What a JPEG file says about its pixels beside them: EXIF and a colour profile, from the segments before the first scan.

use super::segments::Segments;
use crate::imaging::jpeg::marker;
use crate::imaging::metadata::Piece;

/// What begins each part of a colour profile; its number and how many there are follow, one byte each (ICC.1, B.4).
const ICC: &[u8] = b"ICC_PROFILE\0";

/// The payloads of the segments of a kind before the first scan.
fn payloads(input: &[u8], kind: u8) -> impl Iterator<Item = &[u8]> {
    let header = Segments::new(input).take_while(|segment| segment.marker != marker::SOS);
    header.filter(move |segment| segment.marker == kind).map(|segment| segment.payload)
}

/// Every segment that is for applications or people, before the first scan.
pub(in crate::imaging) fn metadata(input: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let header = Segments::new(input).take_while(|segment| segment.marker != marker::SOS);
    let others = header.filter(|segment| matches!(segment.marker, marker::APP0..=marker::APP15 | marker::COM));
    others.map(|segment| match (segment.marker, segment.payload.strip_prefix(b"Exif\0\0")) {
        (marker::APP1, Some(exif)) => Piece::Exif(exif),
        _ => Piece::Other(segment.payload),
    })
}

/// The TIFF structure of EXIF data.
pub(super) fn exif(input: &[u8]) -> Option<&[u8]> {
    payloads(input, marker::APP1).find_map(|payload| payload.strip_prefix(b"Exif\0\0"))
}

/// Whether the file has the segment by which programs of Adobe say how its samples are to be understood (T.872, 6.5.3).
pub(super) fn is_marked_by_adobe(input: &[u8]) -> bool {
    payloads(input, marker::APP14).any(|payload| payload.starts_with(b"Adobe"))
}

/// The colour profile, put together; `None` unless each of its parts is there once.
pub(in crate::imaging) fn icc_profile(input: &[u8]) -> Option<Vec<u8>> {
    let parts = payloads(input, marker::APP2).filter_map(|payload| payload.strip_prefix(ICC)?.split_first_chunk::<2>());
    let mut parts: Vec<_> = parts.collect();
    parts.sort_by_key(|([number, _], _)| *number);
    let count = parts.len();
    let complete = (1..).zip(&parts).all(|(expected, ([number, of], _))| (usize::from(*number), usize::from(*of)) == (expected, count));
    (complete && count > 0).then(|| parts.into_iter().flat_map(|(_, bytes)| bytes).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let segment = |(marker, payload): &(u8, &[u8])| [&[0xff, *marker, 0, payload.len() as u8 + 2], *payload].concat();
        let segments: Vec<u8> = segments.iter().flat_map(segment).collect();
        [b"\xff\xd8", segments.as_slice(), b"\xff\xda\0\x02scan\xff\xd9"].concat()
    }

    #[test]
    fn a_profile_is_put_together_in_the_order_of_its_numbers_and_only_whole() {
        let (first, second) = ((0xe2, b"ICC_PROFILE\0\x01\x02one".as_slice()), (0xe2, b"ICC_PROFILE\0\x02\x02two".as_slice()));
        for order in [[first, second], [second, first]] {
            assert_eq!(icc_profile(&file(&order)).as_deref(), Some(b"onetwo".as_slice()));
        }
        for order in [&[first][..], &[second], &[first, first], &[first, second, second], &[]] {
            assert_eq!(icc_profile(&file(order)), None);
        }
    }

    #[test]
    fn exif_is_found_among_other_segments_of_its_kind() {
        let others = (0xe1, b"http://ns.adobe.com/xap/1.0/\0".as_slice());
        assert_eq!(exif(&file(&[others, (0xe1, b"Exif\0\0II*\0")])), Some(b"II*\0".as_slice()));
        assert_eq!(exif(&file(&[others])), None);
        let (tables, comment) = ((0xdb, b"tables".as_slice()), (0xfe, b"comment".as_slice()));
        let pieces = [Piece::Other(others.1), Piece::Exif(b"II*\0"), Piece::Other(b"comment")];
        assert_eq!(metadata(&file(&[others, tables, (0xe1, b"Exif\0\0II*\0"), comment])).collect::<Vec<_>>(), pieces);
    }
}
