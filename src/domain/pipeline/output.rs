//! The output of a pipeline: the format of the result and its encoder's settings. Every setting has a default, so that a
//! format alone is an output.

use super::auto::OutputChoice;
use super::call::{Arguments, Call, Word, did_you_mean};
use super::error::PipelineError;
use super::operation::{Declaration, Declared, declare};
use super::print::Field;
use super::values::{Colors, Compression, Effort, FileSize, Portion, Quality, Subsampling, Whole};
use crate::domain::format::Format;

declare! {
    /// PNG, lossless unless `colors` leaves some out.
    pub struct Png = "png", ["png", "png:compression=best", "png:colors=64,dither=0.5"];
    /// Time against size.
    compression: Compression, default = Compression::Fast;
    /// The most colours, each with its alpha of 8 bits, that are kept in a palette: exact for an image that has no more. For still images.
    colors: Colors, optional;
    /// Where colours are left out: how much of the difference is spread over the pixels around.
    dither: Portion, default = Portion::literal::<1_000>();
}

declare! {
    /// JPEG.
    pub struct Jpeg = "jpeg", ["jpeg:q=85", "jpeg:progressive=true,subsampling=444", "jpeg:max_bytes=100000"];
    /// Size against likeness. 85 is good enough to send an image through twice.
    quality as "q": Quality, default = Quality::literal::<85>();
    /// Whether it can be shown before it is there as a whole, coarse at first.
    progressive: bool, default = false;
    /// How many samples of colour there are: 420 one to four pixels, 422 one to two, 444 one to each.
    subsampling: Subsampling, default = Subsampling::Quarter;
    /// The most bytes of the result: the quality goes down until it fits.
    max_bytes: FileSize, optional;
}

declare! {
    /// WebP, lossy or lossless.
    pub struct Webp = "webp", ["webp:q=80", "webp:lossless=true"];
    /// Size against likeness, where it is lossy.
    quality as "q": Quality, default = Quality::literal::<80>();
    /// Whether every pixel stays as it is.
    lossless: bool, default = false;
    /// Time against size: 0 is fastest, 6 smallest.
    effort: Effort, default = Effort::literal::<4>();
    /// The most bytes of the result: the quality goes down until it fits.
    max_bytes: FileSize, optional;
}

declare! {
    /// GIF: at most 256 colours, lossless for an image that has no more.
    pub struct Gif = "gif", ["gif"];
}

declare! {
    /// BMP, lossless.
    pub struct Bmp = "bmp", ["bmp"];
}

declare! {
    /// TIFF, lossless.
    pub struct Tiff = "tiff", ["tiff"];
}

declare! {
    /// QOI, lossless.
    pub struct Qoi = "qoi", ["qoi"];
}

declare! {
    /// AVIF of 8 bits, lossy. Only in a build with the feature `avif` or `libaom`.
    pub struct Avif = "avif", ["avif:q=50", "avif:q=60,effort=6,subsampling=444"];
    /// Size against likeness.
    quality as "q": Quality, default = Quality::literal::<50>();
    /// Time against size: 0 is fastest, 9 smallest.
    effort: Whole<0, 9>, default = Whole::literal::<3>();
    /// How many samples of colour there are: 420 one to four pixels, 422 one to two, 444 one to each.
    subsampling: Subsampling, default = Subsampling::Quarter;
    /// The most bytes of the result: the quality goes down until it fits.
    max_bytes: FileSize, optional;
}

/// A side of a result is longer than its format can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{format} holds at most {max} pixels a side, the result would have {width}x{height}")]
pub struct SideTooLong {
    /// The format.
    pub format: Format,
    /// The longest side that it has, in pixels.
    pub max: u32,
    /// The width that was asked for.
    pub width: u32,
    /// The height that was asked for.
    pub height: u32,
}

macro_rules! outputs {
    ($($format:ident),+) => {
        /// The format of the result with the settings of its encoder.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Output {
            $(#[doc = concat!("See [`struct@", stringify!($format), "`].")] $format($format),)+
        }

        impl Output {
            /// The declarations of all outputs.
            pub fn declarations() -> impl Iterator<Item = &'static Declaration> {
                [$(&$format::DECLARATION),+].into_iter()
            }

            /// The format of the result.
            #[must_use]
            pub fn format(&self) -> Format {
                match self { $(Self::$format(_) => Format::$format,)+ }
            }

            /// The arguments to print: all of them, defaults too.
            pub(super) fn fields(&self) -> Vec<Field> {
                match self { $(Self::$format(output) => output.fields(),)+ }
            }

            /// `None` where the call names no output.
            fn read_named(call: Call<'_>) -> Option<Result<Self, PipelineError>> {
                $(if is_named($format::DECLARATION.name, &call.name.text) {
                    return Some(read(call).map(Self::$format));
                })+
                None
            }

            /// Any output with any arguments.
            #[cfg(test)]
            pub(super) fn any() -> impl proptest::strategy::Strategy<Value = Self> {
                use proptest::strategy::Strategy;
                let all = [$(($format::DECLARATION.name, $format::any().prop_map(Self::$format).boxed())),+];
                proptest::strategy::Union::new(all.into_iter().filter(|(name, _)| Self::is_built(name)).map(|(_, any)| any))
            }
        }
    };
}

outputs!(Png, Jpeg, Webp, Gif, Bmp, Tiff, Qoi, Avif);

impl Output {
    /// The output where a pipeline has none, with the defaults of its encoder: in the format of the original, or as PNG, which holds
    /// every pixel of it, where that format is only read.
    #[must_use]
    pub fn of_original(format: Format) -> Self {
        match format {
            Format::Png | Format::Pnm => Self::Png(bare()),
            Format::Jpeg => Self::Jpeg(bare()),
            Format::Webp => Self::Webp(bare()),
            Format::Gif => Self::Gif(bare()),
            Format::Bmp => Self::Bmp(bare()),
            Format::Tiff => Self::Tiff(bare()),
            Format::Qoi => Self::Qoi(bare()),
            Format::Avif => Self::Avif(bare()),
        }
    }

    /// Whether this build can write the output of that name, if it is one.
    #[must_use]
    pub fn is_built(name: &str) -> bool {
        name != Avif::DECLARATION.name || cfg!(any(feature = "avif", feature = "libaom"))
    }

    /// Whether the format can express a size in pixels.
    ///
    /// # Errors
    /// When a side is longer than the format can say.
    pub fn check_size(&self, (width, height): (u32, u32)) -> Result<(), SideTooLong> {
        let max = match self {
            // libwebp reads no more, although the bit stream could say 16384.
            Self::Webp(_) => 16_383,
            Self::Jpeg(_) | Self::Gif(_) | Self::Avif(_) => 65_535,
            Self::Png(_) | Self::Bmp(_) | Self::Tiff(_) | Self::Qoi(_) => i32::MAX.unsigned_abs(),
        };
        if width.max(height) <= max { Ok(()) } else { Err(SideTooLong { format: self.format(), max, width, height }) }
    }

    /// Whether `name` names an output (`jpg` is understood too).
    pub(super) fn is_named(name: &str) -> bool {
        Self::declarations().any(|declaration| is_named(declaration.name, name))
    }

    pub(super) fn read(call: Call<'_>) -> Result<Self, PipelineError> {
        let Word { text: name, at } = call.name.clone();
        if !Self::is_built(&name) {
            return Err(PipelineError::new(at, NO_AVIF));
        }
        Self::read_named(call).unwrap_or_else(|| {
            let names: Vec<_> = OutputChoice::names().collect();
            let hint = did_you_mean(&name, names.iter().copied());
            let names = names.join(", ");
            let message = if name.parse::<Format>().is_ok() {
                format!("{name} is read, but not written: expected one of {names}")
            } else {
                format!("unknown format {name:?}: expected one of {names}{hint}")
            };
            Err(PipelineError::new(at, message))
        })
    }
}

/// What a build says that cannot write it.
const NO_AVIF: &str =
    "this build cannot write avif: build Safelight with the feature `libaom` (fast, needs libaom-dev) or `avif` (Rust alone)";

fn is_named(output: &str, name: &str) -> bool {
    output == name || (output == Jpeg::DECLARATION.name && name == "jpg")
}

fn read<T: Declared>(call: Call<'_>) -> Result<T, PipelineError> {
    T::read(&mut Arguments::bind(call, T::DECLARATION.parameters)?)
}

fn bare<T: Declared>() -> T {
    read(Call::bare(T::DECLARATION.name)).expect("no setting of an output is required: a test reads each bare")
}
