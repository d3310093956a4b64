//! The output `auto`: a format that is chosen when the image is known, by what the image is and what may be chosen.

use super::call::Call;
use super::error::PipelineError;
use super::operation::{Declaration, Declared, declare};
use super::print::Field;
use super::values::{Accepted, FileSize, Quality};
use super::{Arguments, Output};
use crate::domain::format::Format;

declare! {
    /// The format that suits the image: AVIF where it is accepted, built in, and there is one frame; else WebP where it is accepted; else GIF
    /// for an animation, PNG for an image that may have alpha after the last step, JPEG for any other.
    pub struct Auto = "auto", ["auto", "auto:q=75", "auto:accept=webp"];
    /// Size against likeness, where the format is lossy; what is usual there, if it is not given.
    quality as "q": Quality, optional;
    /// The most bytes of the result, where the format has a quality that can go down.
    max_bytes: FileSize, optional;
    /// Which formats may be chosen beside JPEG, PNG and GIF; those that the `Accept` header of the upload names, if it is not given.
    accept: Accepted, optional;
}

impl Auto {
    /// The output for an image: whether the result is animated, and whether its pixels may be transparent.
    #[must_use]
    pub fn choose(&self, animated: bool, alpha: bool) -> Output {
        let accepted = self.accept.unwrap_or(Accepted::None);
        let format = match (animated, alpha) {
            (false, _) if accepted.has_avif() && Output::is_built(Format::Avif.name()) => Format::Avif,
            _ if accepted.has_webp() => Format::Webp,
            (true, _) => Format::Gif,
            (false, true) => Format::Png,
            (false, false) => Format::Jpeg,
        };
        let mut output = Output::of_original(format);
        match &mut output {
            Output::Webp(webp) => {
                webp.quality = self.quality.unwrap_or(webp.quality);
                webp.max_bytes = self.max_bytes;
            }
            Output::Avif(avif) => {
                avif.quality = self.quality.unwrap_or(avif.quality);
                avif.max_bytes = self.max_bytes;
            }
            Output::Jpeg(jpeg) => {
                jpeg.quality = self.quality.unwrap_or(jpeg.quality);
                jpeg.max_bytes = self.max_bytes;
            }
            _ => {}
        }
        output
    }
}

/// The output of a pipeline: one that it names, or one that is chosen when the image is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OutputChoice {
    /// This one.
    Named(Output),
    /// That which suits.
    Auto(Auto),
}

impl OutputChoice {
    /// The declarations of all outputs.
    pub fn declarations() -> impl Iterator<Item = &'static Declaration> {
        Output::declarations().chain([&Auto::DECLARATION])
    }

    /// Whether `name` names an output (`jpg` is understood too).
    pub(super) fn is_named(name: &str) -> bool {
        name == Auto::DECLARATION.name || Output::is_named(name)
    }

    /// The names of all outputs.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::declarations().map(|declaration| declaration.name)
    }

    pub(super) fn read(call: Call<'_>) -> Result<Self, PipelineError> {
        if call.name.text == Auto::DECLARATION.name {
            return Auto::read(&mut Arguments::bind(call, Auto::DECLARATION.parameters)?).map(Self::Auto);
        }
        Output::read(call).map(Self::Named)
    }

    /// Its name in both forms.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Named(output) => output.format().name(),
            Self::Auto(_) => Auto::DECLARATION.name,
        }
    }

    /// The arguments to print: all of them, defaults too.
    pub(super) fn fields(&self) -> Vec<Field> {
        match self {
            Self::Named(output) => output.fields(),
            Self::Auto(auto) => auto.fields(),
        }
    }

    /// Any output with any arguments.
    #[cfg(test)]
    pub(super) fn any() -> impl proptest::strategy::Strategy<Value = Self> {
        use proptest::strategy::Strategy;
        proptest::prop_oneof![Output::any().prop_map(Self::Named), Auto::any().prop_map(Self::Auto)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pipeline::Pipeline;

    #[test]
    fn the_choice_follows_the_image_and_what_is_accepted() {
        let auto = |accept| Auto { quality: None, max_bytes: None, accept };
        for (accept, animated, alpha, expected) in [
            (None, false, false, Format::Jpeg),
            (None, false, true, Format::Png),
            (None, true, true, Format::Gif),
            (Some(Accepted::None), false, false, Format::Jpeg),
            (Some(Accepted::Webp), false, false, Format::Webp),
            (Some(Accepted::Webp), true, true, Format::Webp),
            (Some(Accepted::Avif), true, true, Format::Gif),
            (Some(Accepted::AvifAndWebp), true, true, Format::Webp),
            (Some(Accepted::AvifAndWebp), false, true, if Output::is_built("avif") { Format::Avif } else { Format::Webp }),
        ] {
            assert_eq!(auto(accept).choose(animated, alpha), Output::of_original(expected), "{accept:?} {animated} {alpha}");
        }
        let small = Auto { quality: Some(Quality::literal::<30>()), ..auto(None) };
        assert_eq!(OutputChoice::Named(small.choose(false, false)), *"jpeg:q=30".parse::<Pipeline>().unwrap().output().unwrap());
    }

    #[test]
    fn what_a_pipeline_names_is_not_overruled_by_the_client() {
        let accepting = |text: &str| text.parse::<Pipeline>().unwrap().accepting(Accepted::Webp).to_string();
        assert_eq!(accepting("auto"), "auto:accept=webp");
        assert_eq!(accepting("auto:accept=none"), "auto:accept=none");
        assert_eq!(accepting("png"), "png".parse::<Pipeline>().unwrap().to_string());
    }
}
