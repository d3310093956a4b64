//! The output of a pipeline: the format of the result and its encoder's settings.

use super::call::{Arguments, Call, Parameter, did_you_mean};
use super::error::PipelineError;
use super::print::Field;
use super::values::Quality;
use crate::domain::format::Format;

/// The format of the result with the settings that its encoder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// PNG, lossless.
    Png,
    /// Baseline JPEG.
    Jpeg {
        /// Quality against size.
        quality: Quality,
    },
    /// WebP, lossless.
    Webp,
    /// GIF, at most 256 colours: lossless for an image that has no more.
    Gif,
    /// BMP, lossless.
    Bmp,
    /// TIFF, lossless.
    Tiff,
}

impl Output {
    /// The output of a format with the defaults of its encoder.
    #[must_use]
    pub fn new(format: Format) -> Self {
        match format {
            Format::Png => Self::Png,
            Format::Jpeg => Self::Jpeg { quality: Quality::default() },
            Format::Webp => Self::Webp,
            Format::Gif => Self::Gif,
            Format::Bmp => Self::Bmp,
            Format::Tiff => Self::Tiff,
        }
    }

    /// The format of the result.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Png => Format::Png,
            Self::Jpeg { .. } => Format::Jpeg,
            Self::Webp => Format::Webp,
            Self::Gif => Format::Gif,
            Self::Bmp => Format::Bmp,
            Self::Tiff => Format::Tiff,
        }
    }

    /// The arguments to print: all of them, defaults too.
    pub(super) fn fields(&self) -> Vec<Field> {
        match self {
            Self::Jpeg { quality } => vec![Field::named("quality", u64::from(quality.get())).short("q")],
            Self::Png | Self::Webp | Self::Gif | Self::Bmp | Self::Tiff => Vec::new(),
        }
    }

    /// Whether `name` names an output (`jpg` is understood too).
    pub(super) fn is_named(name: &str) -> bool {
        name.parse::<Format>().is_ok()
    }

    /// The names of all outputs.
    pub(super) fn names() -> [&'static str; Format::ALL.len()] {
        Format::ALL.map(Format::name)
    }

    pub(super) fn read(call: Call<'_>) -> Result<Self, PipelineError> {
        let Ok(format) = call.name.text.parse() else {
            let hint = did_you_mean(&call.name.text, Self::names());
            let message = format!("unknown format {:?}: expected one of {}{hint}", call.name.text, Self::names().join(", "));
            return Err(PipelineError::new(call.name.at, message));
        };
        match format {
            Format::Jpeg => {
                const PARAMETERS: &[Parameter] = &[Parameter::named("quality").short("q")];
                let mut arguments = Arguments::bind(call, PARAMETERS)?;
                Ok(Self::Jpeg { quality: arguments.optional("quality")?.unwrap_or_default() })
            }
            Format::Png | Format::Webp | Format::Gif | Format::Bmp | Format::Tiff => Arguments::bind(call, &[]).map(|_| Self::new(format)),
        }
    }
}
