//! The pipeline: what is to be done to an image, as one model with two spellings.
//!
//! * compact: `swap_channels:bgr/resize:400x300,fit=cover/jpeg:q=85` (grammar: `compact`),
//! * JSON: `{"steps":[{"op":"resize","width":400,"height":300,"fit":"cover"}],"output":{"format":"jpeg","quality":85}}`.
//!
//! Both are read into calls (`call`), and the calls into operations by their declarations (`operation`, `ops`, `step`), so a
//! name, a default or a check exists once. What the operations do to pixels is the business of `imaging`; what they cost in memory is in [`cost`].

mod area;
mod assets;
mod auto;
mod by_rows;
mod call;
mod compact;
pub mod cost;
mod error;
mod escape;
mod explain;
mod input;
mod json;
mod operation;
pub mod ops;
pub mod output;
mod parameter;
mod plan;
mod preset;
mod print;
mod scale;
mod schedule;
mod step;
#[cfg(test)]
mod tests;
mod tree;
mod values;
mod variant_name;
mod variants;

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};

pub use area::Area;
pub use auto::{Auto, OutputChoice};
pub use by_rows::ByRows;
use call::{Arguments, Call};
pub use error::PipelineError;
pub use explain::{Explanation, Fault, Occasion};
pub use input::Input;
use operation::Declared;
pub use operation::{Declaration, Touches};
pub use output::Output;
pub use parameter::Parameter;
pub use plan::Plan;
pub use preset::{InvalidPresetName, PresetName, Presets};
pub use scale::Scale;
pub use schedule::{Action, Schedule};
pub use step::Step;
pub use tree::{Node, Tree};
pub use values::{
    Accepted, Angle, ChannelOrder, Color, ColorMatrix, Colors, Compression, Decimal, Direction, Effort, Factor, FileSize, Fit, Focus,
    Frames, Gravity, Interest, Length, Metadata, OpaqueColor, Percent, Portion, Profile, Quality, Ratio, ResizeQuality, Rotation, Scaling,
    Side, Size, Subsampling, Text, Whole,
};
pub use variant_name::{InvalidVariantName, VariantName};
pub use variants::Variants;

/// What is taken of the file, operations in their order, then the output. Always valid: at least one step or an output, and at most
/// [`Pipeline::MAX_STEPS`] steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pipeline {
    input: Option<Input>,
    steps: Vec<Step>,
    output: Option<OutputChoice>,
}

impl Pipeline {
    /// How many steps a pipeline may have.
    pub const MAX_STEPS: usize = 64;

    /// How many bytes the text of a pipeline may have.
    pub const MAX_TEXT: usize = 16 * 1024;

    /// How many of these are left for an input when steps and output are printed.
    const ROOM_FOR_INPUT: usize = 128;

    /// How many bytes the formats that a client takes may need in the text of a pipeline.
    const ROOM_FOR_ACCEPTED: usize = 64;

    /// A pipeline of `steps`, then `output`; `None` keeps the format of the original, with the defaults of its encoder.
    ///
    /// # Errors
    /// When there is neither a step nor an output, or more than [`Pipeline::MAX_STEPS`] steps or [`Pipeline::MAX_ASSETS`] assets, or when one of its forms has no room in
    /// [`Pipeline::MAX_TEXT`], so that it could not be read again: both are printed with defaults, and the compact one with escapes. The
    /// position is then 0.
    pub fn new(steps: Vec<Step>, output: Option<OutputChoice>) -> Result<Self, PipelineError> {
        if steps.is_empty() && output.is_none() {
            return Err(PipelineError::new(0..0, "a pipeline needs a step or an output"));
        }
        if steps.len() > Self::MAX_STEPS {
            return Err(PipelineError::too_many_steps(0..0, steps.len()));
        }
        let pipeline = Self { input: None, steps, output };
        let json = serde_json::to_string(&pipeline).map_or(usize::MAX, |json| json.len());
        if pipeline.assets().len() > Self::MAX_ASSETS {
            return Err(PipelineError::new(0..0, format!("a pipeline names at most {} assets", Self::MAX_ASSETS)));
        }
        let length = json.max(pipeline.to_string().len()) + pipeline.room_for_versions() + pipeline.room_for_accepted();
        if length > Self::MAX_TEXT - Self::ROOM_FOR_INPUT {
            return Err(PipelineError::new(
                0..0,
                format!("a pipeline has at most {} bytes with its defaults, in either form", Self::MAX_TEXT),
            ));
        }
        Ok(pipeline)
    }

    /// The same pipeline with another way to take the file.
    #[must_use]
    pub fn with_input(self, input: Option<Input>) -> Self {
        Self { input, ..self }
    }

    /// Reads either form: JSON where the first character that is not white space is `{`, else compact.
    ///
    /// # Errors
    /// When the text is not a pipeline; the error points at the place.
    pub fn parse(text: &str) -> Result<Self, PipelineError> {
        Self::parse_with(text, &Presets::default())
    }

    /// Like [`Pipeline::parse`]; a text that is just the name of one of `presets` is that preset.
    ///
    /// # Errors
    /// When the text is neither a preset's name nor a pipeline; the error points at the place.
    pub fn parse_with(text: &str, presets: &Presets) -> Result<Self, PipelineError> {
        Self::parse_all(text, presets).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Like [`Pipeline::parse_with`], but reads on where a step is at fault.
    ///
    /// # Errors
    /// All faults, at least one: that of the form of the text, or else one of each step, of the input and of the output.
    pub fn parse_all(text: &str, presets: &Presets) -> Result<Self, Vec<PipelineError>> {
        if text.len() > Self::MAX_TEXT {
            let at = error::floor_char_boundary(text, Self::MAX_TEXT);
            return Err(vec![PipelineError::new(at..text.len(), format!("the text of a pipeline has at most {} bytes", Self::MAX_TEXT))]);
        }
        let trimmed = text.trim_ascii();
        if let Some(preset) = presets.get(trimmed) {
            return Ok(preset.clone());
        }
        if trimmed.starts_with('{') {
            return Self::from_calls(json::calls(text).map_err(|error| vec![error])?, presets);
        }
        let base = text.len() - text.trim_ascii_start().len();
        let mut steps = compact::calls(trimmed, base).map_err(|error| vec![error])?;
        let output = steps.pop_if(|call| OutputChoice::is_named(&call.name.text));
        let input = steps.first().is_some_and(|call| call.name.text == Input::NAME).then(|| steps.remove(0));
        Self::from_calls(Calls { input, steps, output }, presets)
    }

    fn from_calls(Calls { input, mut steps, output }: Calls<'_>, presets: &Presets) -> Result<Self, Vec<PipelineError>> {
        let mut faults = Vec::new();
        let input = input.map(|call| Input::read(&mut Arguments::bind(call, Input::DECLARATION.parameters)?));
        let input = input.and_then(|read| read.map_err(|fault| faults.push(fault)).ok());
        if let Some(excess) = steps.get(Self::MAX_STEPS) {
            faults.push(PipelineError::too_many_steps(excess.name.at.clone(), steps.len()));
            steps.truncate(Self::MAX_STEPS);
        }
        let steps = steps.into_iter().map(|call| Self::step(call, presets));
        let steps = steps.filter_map(|read| read.map_err(|fault| faults.push(fault)).ok()).collect();
        let output = output.map(OutputChoice::read).and_then(|read| read.map_err(|fault| faults.push(fault)).ok());
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self::new(steps, output).map_err(|fault| vec![fault])?.with_input(input))
    }

    fn step(call: Call<'_>, presets: &Presets) -> Result<Step, PipelineError> {
        let name = &*call.name.text;
        if OutputChoice::is_named(name) {
            return Err(PipelineError::new(call.name.at, format!("{name} is an output: it comes once, after the last step")));
        }
        if name == Input::NAME {
            return Err(PipelineError::new(call.name.at, "input comes once, before the first step"));
        }
        if presets.get(name).is_some() {
            return Err(PipelineError::new(call.name.at, format!("{name} is a preset: it stands alone, without other steps or arguments")));
        }
        let others: Vec<&str> =
            presets.iter().map(|(name, _)| name.as_str()).chain(OutputChoice::names().map(|name| -> &str { name })).collect();
        Step::read(call, &others)
    }

    /// The same pipeline for a client that takes these formats: an output that is still to be chosen is chosen among them, unless the
    /// pipeline names others.
    #[must_use]
    pub fn accepting(mut self, accepted: Accepted) -> Self {
        if let Some(OutputChoice::Auto(auto)) = &mut self.output {
            auto.accept.get_or_insert(accepted);
        }
        self
    }

    /// How many bytes longer its text may be, in either form, once it is known what the client takes.
    fn room_for_accepted(&self) -> usize {
        let is_open = matches!(&self.output, Some(OutputChoice::Auto(auto)) if auto.accept.is_none());
        if is_open { Self::ROOM_FOR_ACCEPTED } else { 0 }
    }

    /// What is taken of the file.
    #[must_use]
    pub fn input(&self) -> Input {
        self.input.clone().unwrap_or_default()
    }

    /// The operations in the order in which they are applied.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The output that was asked for.
    #[must_use]
    pub fn output(&self) -> Option<&OutputChoice> {
        self.output.as_ref()
    }
}

/// The calls of a text, each in its place.
struct Calls<'a> {
    input: Option<Call<'a>>,
    steps: Vec<Call<'a>>,
    output: Option<Call<'a>>,
}

impl FromStr for Pipeline {
    type Err = PipelineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// From an object (the JSON form) or a text (either form). For documents of which a pipeline is a part: a fault's position
/// counts in the object as it would be printed without white space, and of a repeated field the last one holds. The text of
/// a user is for [`Pipeline::parse`], which points into it and refuses repetitions.
impl<'de> Deserialize<'de> for Pipeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            document => document.to_string(),
        };
        Self::parse(&text).map_err(D::Error::custom)
    }
}
