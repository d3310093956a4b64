//! The way of an image: probed, checked, decoded frame by frame, through the steps, encoded. What each part does is in its
//! own module.

use std::io::{Seek, Write};

use image::metadata::Orientation;
use serde::{Deserialize, Serialize};

use super::assets::{Assets, Pictures};
use super::decode;
use super::encode;
use super::error::ImagingError;
use super::frame::Shrunk;
use super::metadata::{self, check_metadata};
use super::probe::probe;
use super::profile::ToSrgb;
use super::program::Program;
use crate::domain::format::Format;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::{Frames, Pipeline, Profile, cost};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    /// The format of the result.
    pub format: Format,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What the result lacks that the pipeline did not say it should.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// Something that was left out of a result.
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

/// Decodes `input` (the bytes of a file), applies `pipeline` with the `assets` that it names, and writes the encoded result to `out`,
/// which must be empty.
///
/// Metadata and sizes are checked before anything is decoded: of the image, of each intermediate result, of the output.
///
/// # Errors
/// See [`ImagingError`]. What was written to `out` until then is no image.
pub fn run(
    input: &[u8],
    pipeline: &Pipeline,
    assets: &Assets<'_>,
    limits: &ImageLimits,
    out: &mut (impl Write + Seek),
) -> Result<OutputInfo, ImagingError> {
    check_metadata(input, limits)?;
    let info = probe(input)?;
    limits.check(&info, pipeline)?;
    let output = info.output(pipeline);
    let size = pipeline.steps().iter().fold(info.size(&pipeline.input()), |size, step| step.size_after(size));
    encode::check_size(&output, size)?;

    let pictures = Pictures::decode(pipeline, assets, limits)?;
    let scale = info.scale(pipeline);
    let frames = info.frames(pipeline)?;
    let (mut decoder, mut properties) = decode::open(input, info.format, cost::peak_bytes(&info, pipeline), scale, frames)?;
    let kept = properties.frames;
    let orientation = if pipeline.input().orient { properties.orientation } else { Orientation::NoTransforms };
    let converted = properties.icc_profile.take_if(|_| pipeline.input().profile == Profile::Srgb);
    let to_srgb = converted.as_deref().and_then(ToSrgb::new);
    if to_srgb.is_none() {
        properties.icc_profile = properties.icc_profile.or(converted);
    }
    properties.exif = metadata::kept(input, info.format, pipeline.input().metadata);
    let mut program = Program::new(pipeline.steps(), limits, to_srgb, pictures);
    let mut encoder = encode::start(&output, properties, out, limits.max_output_bytes);
    let mut size = None;
    while let Some(mut frame) = decoder.next_frame()? {
        frame.image.apply_orientation(orientation);
        frame.shrunk = Shrunk::new(info.size(&pipeline.input()), scale, orientation);
        program.apply(&mut frame)?;
        let framed = (frame.image.width(), frame.image.height());
        if *size.get_or_insert(framed) != framed {
            return Err(ImagingError::Operation("the steps give the frames of the animation different sizes".to_owned()));
        }
        encoder.frame(frame)?;
    }
    encoder.finish()?;
    let dropped = pipeline.input().frames == Frames::All && kept < info.frames;
    let warnings = if dropped { vec![Warning::FramesDropped { kept, of: info.frames }] } else { Vec::new() };
    let (width, height) = size.unwrap_or_default();
    Ok(OutputInfo { format: output.format(), width, height, warnings })
}
