//! Image formats: their names, media types and magic bytes. Decoding and encoding live in `imaging`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An image format that can be read; what can be written is a `pipeline::Output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// WebP, lossy or lossless.
    Webp,
    /// Graphics Interchange Format.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// Tagged Image File Format.
    Tiff,
    /// Quite OK Image Format.
    Qoi,
    /// The formats of Netpbm: bit, gray, pixel and arbitrary maps (PBM, PGM, PPM, PAM).
    Pnm,
    /// AV1 Image File Format; read and written only by a build that has it.
    Avif,
}

impl Format {
    /// Every format, in the order in which they are listed to people.
    pub const ALL: [Self; 9] = [Self::Png, Self::Jpeg, Self::Webp, Self::Gif, Self::Bmp, Self::Tiff, Self::Qoi, Self::Pnm, Self::Avif];

    /// How many first bytes [`Format::sniff`] needs to be certain.
    pub const SNIFF_LEN: usize = 32;

    /// The format's name in pipelines and replies, lower-case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Qoi => "qoi",
            Self::Pnm => "pnm",
            Self::Avif => "avif",
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            // Not registered; what its own specification recommends.
            Self::Qoi => "image/qoi",
            Self::Pnm => "image/x-portable-anymap",
            Self::Avif => "image/avif",
        }
    }

    /// Whether a file of the format can be an animation.
    #[must_use]
    pub fn is_animated(self) -> bool {
        matches!(self, Self::Gif | Self::Webp | Self::Png)
    }

    /// The format that the first bytes of a file belong to; names and media types of uploads are never believed.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'B', b'M', ..] => Some(Self::Bmp),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [b'q', b'o', b'i', b'f', ..] => Some(Self::Qoi),
            [b'P', b'1'..=b'6', b' ' | b'\t'..=b'\r' | b'#', ..] | [b'P', b'7', b'\n', ..] => Some(Self::Pnm),
            [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] if has_avif(brands) => Some(Self::Avif),
            _ => None,
        }
    }
}

/// Whether one of the brands of an ISO base media file is AVIF's: the major one, or after its version one that the file is compatible with.
fn has_avif(brands: &[u8]) -> bool {
    brands.as_chunks::<4>().0.iter().any(|brand| matches!(brand, b"avif" | b"avis"))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text was not the name of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an image format: expected one of png, jpeg, webp, gif, bmp, tiff, qoi, pnm, avif")]
pub struct InvalidFormat;

impl FromStr for Format {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "jpg" => Ok(Self::Jpeg),
            _ => Self::ALL.into_iter().find(|format| format.name() == text).ok_or(InvalidFormat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_reads_what_it_prints() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("jpg".parse(), Ok(Format::Jpeg));
        assert_eq!("svg".parse::<Format>(), Err(InvalidFormat));
    }

    #[test]
    fn text_and_short_heads_are_no_image() {
        for head in [&b""[..], b"hello world!", b"\x89PN", b"RIFF1234WAVE", b"II*", b"P3", b"P8\n", b"P7 332\n", b"PNG image"] {
            assert_eq!(Format::sniff(head), None, "{head:?}");
        }
        assert_eq!(Format::sniff(b"RIFF\0\0\0\0WEBP"), Some(Format::Webp));
        assert_eq!(Format::sniff(b"\0\0\0\x1cftypavif"), Some(Format::Avif));
        assert_eq!(Format::sniff(b"\0\0\0\x1cftypmif1\0\0\0\0miafavif"), Some(Format::Avif));
        assert_eq!(Format::sniff(b"\0\0\0\x1cftypheic\0\0\0\0mif1miafMiHB"), None);
    }
}
