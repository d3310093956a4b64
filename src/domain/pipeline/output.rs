//! The output of a pipeline: the format of the result and its encoder's settings. Every setting has a default, so that a
//! format alone is an output.

use super::auto::OutputChoice;
use super::call::{Arguments, Call, did_you_mean};
use super::error::PipelineError;
use super::operation::{Declaration, Declared, declare};
use super::print::Field;
use super::values::{Compression, Effort, FileSize, Quality, Subsampling};
use crate::domain::format::Format;

declare! {
    /// PNG, lossless.
    pub struct Png = "png", ["png", "png:compression=best"];
    /// Time against size.
    compression: Compression, default = Compression::Fast;
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

            fn read_as(format: Format, call: Call<'_>) -> Result<Self, PipelineError> {
                match format {
                    $(Format::$format => {
                        let mut arguments = Arguments::bind(call, $format::DECLARATION.parameters)?;
                        Declared::read(&mut arguments).map(Self::$format)
                    })+
                }
            }

            /// Any output with any arguments.
            #[cfg(test)]
            pub(super) fn any() -> impl proptest::strategy::Strategy<Value = Self> {
                use proptest::strategy::Strategy;
                proptest::strategy::Union::new([$($format::any().prop_map(Self::$format).boxed()),+])
            }
        }
    };
}

outputs!(Png, Jpeg, Webp, Gif, Bmp, Tiff, Qoi);

impl Output {
    /// The output of a format with the defaults of its encoder.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self::read_as(format, Call::bare(format.name())).expect("no setting of an output is required: a test reads each bare")
    }

    /// Whether `name` names an output (`jpg` is understood too).
    pub(super) fn is_named(name: &str) -> bool {
        name.parse::<Format>().is_ok()
    }

    pub(super) fn read(call: Call<'_>) -> Result<Self, PipelineError> {
        let Ok(format) = call.name.text.parse() else {
            let names: Vec<_> = OutputChoice::names().collect();
            let hint = did_you_mean(&call.name.text, names.iter().copied());
            let message = format!("unknown format {:?}: expected one of {}{hint}", call.name.text, names.join(", "));
            return Err(PipelineError::new(call.name.at, message));
        };
        Self::read_as(format, call)
    }
}
