//! Image formats: their names, media types and magic bytes. Decoding and encoding live in `imaging`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An image format that can be read and written.
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
}

impl Format {
    /// Every format, in the order in which they are listed to people.
    pub const ALL: [Self; 7] = [Self::Png, Self::Jpeg, Self::Webp, Self::Gif, Self::Bmp, Self::Tiff, Self::Qoi];

    /// How many first bytes [`Format::sniff`] needs to be certain.
    pub const SNIFF_LEN: usize = 12;

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
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text was not the name of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an image format: expected one of png, jpeg, webp, gif, bmp, tiff, qoi")]
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
        for head in [&b""[..], b"hello world!", b"\x89PN", b"RIFF1234WAVE", b"II*"] {
            assert_eq!(Format::sniff(head), None, "{head:?}");
        }
        assert_eq!(Format::sniff(b"RIFF\0\0\0\0WEBP"), Some(Format::Webp));
    }
}
