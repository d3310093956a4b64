//! What is known of an original: what its header says, what a glance at its pixels shows, and what of it a result lacks. It says where a photograph was taken
//! to nobody: of a place only that there is one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use crate::domain::format::Format;
use crate::domain::pipeline::cost::ImageInfo;

/// What is known of an original.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageProbe {
    /// The format by its first bytes.
    #[schema(value_type = String)]
    pub format: Format,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// How many frames there are, at least 1.
    pub frames: u32,
    /// How long all frames are shown, in milliseconds; 0 where there is one.
    pub duration_ms: u64,
    /// What else the header says.
    #[serde(flatten)]
    pub details: Details,
    /// What was seen of the pixels.
    #[serde(flatten)]
    pub glance: Option<Glance>,
}

impl ImageProbe {
    /// Puts together what a header says.
    #[must_use]
    pub fn new(info: &ImageInfo, details: Details) -> Self {
        let ImageInfo { format, width, height, frames, duration_ms, .. } = *info;
        let duration_ms = if frames > 1 { duration_ms } else { 0 };
        Self { format, width, height, frames, duration_ms, details, glance: None }
    }
}

/// What a header says for people, beside what processing needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Details {
    /// What the samples are.
    pub color_space: ColorSpace,
    /// The name that the colour profile gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Bits of a sample in the file: 1 to 32.
    pub bit_depth: u8,
    /// Whether pixels can be transparent.
    pub alpha: bool,
    /// How the file asks to be turned, 1 (as it is) to 8 (EXIF 3.0, tag 274); it is done unless the pipeline says otherwise.
    pub orientation: u8,
    /// Chosen tags of the EXIF data, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exif: Option<ExifTags>,
}

impl Details {
    /// The most characters of a text.
    pub const MAX_TEXT: usize = 200;

    /// Every text in it.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let exif = self.exif.iter_mut().flat_map(|exif| {
            let ExifTags { make, model, lens, artist, copyright, taken_at, exposure_time, .. } = exif;
            [make, model, lens, artist, copyright, taken_at, exposure_time].into_iter().flatten()
        });
        self.profile.iter_mut().chain(exif)
    }
}

/// What the samples of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColorSpace {
    /// Shades of gray.
    Gray,
    /// Red, green and blue in sRGB: the file says so, or nothing else.
    Srgb,
    /// Red, green and blue that a colour profile describes.
    Rgb,
    /// Cyan, magenta, yellow and black.
    Cmyk,
}

/// Chosen tags of EXIF data, each where the file has it. Numbers of cameras and lenses and names of owners are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExifTags {
    /// Who made the camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// The camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The lens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// When the photograph was taken, on the camera's clock: `2024-05-31T17:04:59`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// In seconds, as a fraction: `1/250`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure_time: Option<String>,
    /// The focal length divided by the aperture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub f_number: Option<Number>,
    /// The sensitivity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iso: Option<u32>,
    /// In millimetres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub focal_length: Option<Number>,
    /// Who made the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    /// Who holds the rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copyright: Option<String>,
    /// Whether the file names the place where it was taken; which, is not told.
    #[serde(default)]
    pub has_location: bool,
}

/// What a glance at the pixels shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Glance {
    /// The mean of the colours that are most frequent.
    #[schema(value_type = String)]
    pub dominant_color: HexColor,
    /// A picture of it in a few characters.
    #[schema(value_type = String)]
    pub blurhash: BlurHash,
}

/// Something that a result lacks and that its pipeline did not say it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// The output cannot be animated.
    FramesDropped {
        /// How many frames the result has.
        kept: u32,
        /// How many there were.
        of: u32,
    },
}

/// A colour of sRGB, written as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HexColor(pub [u8; 3]);

impl fmt::Display for HexColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([r, g, b]) = self;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// The text is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct NotOne(&'static str);

impl FromStr for HexColor {
    type Err = NotOne;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(NotOne("a colour such as #c0ffee"))?;
        let [_, r, g, b] = number.to_be_bytes();
        Ok(Self([r, g, b]))
    }
}

impl From<HexColor> for String {
    fn from(color: HexColor) -> Self {
        color.to_string()
    }
}

impl TryFrom<String> for HexColor {
    type Error = NotOne;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A BlurHash: 6 to 166 characters of its alphabet (<https://github.com/woltapp/blurhash>, Algorithm.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BlurHash(String);

impl BlurHash {
    /// The digits of its numbers, by value.
    pub const ALPHABET: &'static [u8; 83] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BlurHash {
    type Error = NotOne;

    /// Its length must be that of so many components as its first digit says.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let value = |digit: &u8| Self::ALPHABET.iter().position(|other| other == digit);
        let components = text.as_bytes().first().and_then(value).map(|size| (size % 9 + 1) * (size / 9 + 1));
        let fits = components.is_some_and(|components| text.len() == 4 + 2 * components);
        if fits && text.bytes().all(|digit| Self::ALPHABET.contains(&digit)) { Ok(Self(text)) } else { Err(NotOne("a BlurHash")) }
    }
}

impl From<BlurHash> for String {
    fn from(hash: BlurHash) -> Self {
        hash.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_hashes_are_checked_when_they_are_read() {
        assert_eq!("#c0ffee".parse(), Ok(HexColor([0xc0, 0xff, 0xee])));
        assert_eq!(HexColor([1, 2, 254]).to_string(), "#0102fe");
        for text in ["c0ffee", "#c0ffe", "#c0ffeg", "#+0ffee", ""] {
            assert!(text.parse::<HexColor>().is_err(), "{text}");
        }
        let hash = "LEHV6nWB2yk8pyo0adR*.7kCMdnj";
        assert_eq!(BlurHash::try_from(hash.to_owned()).map(String::from), Ok(hash.to_owned()));
        for text in ["", "L", "LEHV6nWB2yk8pyo0adR*.7kCMdn", "KEHV6nWB2yk8pyo0adR*.7kCMdnj", "LEHV6nWB2yk8pyo0adR*.7kCMd\"j"] {
            assert!(BlurHash::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn it_reads_what_it_prints_and_says_nothing_that_is_not_there() {
        let details = Details { color_space: ColorSpace::Srgb, profile: None, bit_depth: 8, alpha: false, orientation: 1, exif: None };
        let probe = ImageProbe { format: Format::Png, width: 2, height: 3, frames: 1, duration_ms: 0, details, glance: None };
        let text = r#"{"format":"png","width":2,"height":3,"frames":1,"duration_ms":0,"color_space":"srgb","bit_depth":8,"alpha":false,"orientation":1}"#;
        assert_eq!(serde_json::to_string(&probe).unwrap(), text);
        assert_eq!(serde_json::from_str::<ImageProbe>(text).unwrap(), probe);
        let glance = Glance { dominant_color: HexColor([1, 2, 3]), blurhash: BlurHash("00OZZy".to_owned()) };
        let probe = ImageProbe { glance: Some(glance), ..probe };
        assert_eq!(serde_json::from_str::<ImageProbe>(&serde_json::to_string(&probe).unwrap()).unwrap(), probe);
    }
}
