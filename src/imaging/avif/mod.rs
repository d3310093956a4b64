//! AVIF: what both directions share. The file (ISO base media file format) is read and written here, the AV1 streams in it are
//! coded by libraries: `rav1e` writes them, `aom` (the system's libaom) reads and writes them.

#[cfg(feature = "libaom")]
pub(super) mod aom;
#[cfg(any(feature = "avif", feature = "libaom"))]
pub(super) mod planes;
#[cfg(all(feature = "avif", not(feature = "libaom")))]
pub(super) mod rav1e;
#[cfg(feature = "libaom")]
pub(super) mod reader;
#[cfg(any(feature = "avif", feature = "libaom"))]
pub(super) mod writer;

/// What an alpha plane is called in a file.
const ALPHA: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";

/// How many samples of chroma there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chroma {
    /// None: the image is gray.
    None,
    /// One to four pixels.
    Quarter,
    /// One to two pixels, side by side.
    Half,
    /// One to each pixel.
    Full,
}

impl Chroma {
    /// Whether the width and the height of a chroma plane are half of the image's, rounded up.
    pub(super) fn halves(self) -> (bool, bool) {
        match self {
            Self::None | Self::Full => (false, false),
            Self::Half => (true, false),
            Self::Quarter => (true, true),
        }
    }
}

/// What samples mean, as numbers of ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cicp {
    pub(super) primaries: u16,
    pub(super) transfer: u16,
    pub(super) matrix: u16,
    /// Whether samples use all values that they can have.
    pub(super) full_range: bool,
}

impl Cicp {
    /// sRGB, with the matrix of JPEG (that of BT.601).
    pub(super) const SRGB: Self = Self { primaries: 1, transfer: 13, matrix: 6, full_range: true };
}
