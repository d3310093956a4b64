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
use super::glance::Look;
use super::gradual::Shrinking;
use super::metadata::{self, check_metadata};
use super::probe::probe;
use super::profile::ToSrgb;
use super::program::{Delivery, Program};
use super::results::{About, Results};
use crate::domain::format::Format;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::cost::{self, ImageInfo};
use crate::domain::pipeline::{Frames, Output, Pipeline, Profile, Tree};
use crate::domain::probe::{Glance, Warning};

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
    /// What a glance at the first frame that was decoded showed; nothing where its colours cannot be converted to sRGB.
    #[serde(default)]
    pub glance: Option<Glance>,
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
    let mut made = None;
    run_all(input, &[pipeline], assets, limits, vec![out], &mut |_, result| made = Some(result))?;
    made.expect("each result is told of, and this one shares no step with others")
}

/// Makes several results of one image, which is decoded once for all that take it in the same way, and what the pipelines begin with is
/// done once, too. Each result goes to its place in `outs` and is complete, and flushed, when `made` is told its index. A result that
/// cannot be made does not keep others from it; of those that fail at a step that they share, one is told.
///
/// A picture that is decoded for several pipelines is decoded at the smallest scale that leaves enough for all of them, so a result may
/// differ from that of its pipeline alone by what [`crate::domain::pipeline::Scale`] makes of it.
///
/// # Errors
/// When no result is made, or none of those that were not told yet. What was written for these is no image.
///
/// # Panics
/// If there are not as many places as pipelines.
pub fn run_all<W: Write + Seek>(
    input: &[u8],
    pipelines: &[&Pipeline],
    assets: &Assets<'_>,
    limits: &ImageLimits,
    outs: Vec<W>,
    made: &mut dyn FnMut(usize, Result<OutputInfo, ImagingError>),
) -> Result<(), ImagingError> {
    assert_eq!(pipelines.len(), outs.len(), "each result has its place");
    check_metadata(input, limits)?;
    let info = probe(input)?;
    pipelines.iter().try_for_each(|pipeline| check(&info, pipeline, limits))?;
    let outputs: Vec<Output> = pipelines.iter().map(|pipeline| info.output(pipeline)).collect();
    let pictures = Pictures::decode(pipelines, assets, limits)?;
    let mut results = Results::new(&outputs, outs, limits, made);
    let job = Job { input, info: &info, pipelines, limits, pictures: &pictures, memory: cost::peak_bytes_of_all(&info, pipelines) };
    Tree::grow(&info, pipelines)?.iter().try_for_each(|tree| job.make(tree, &mut results))
}

/// Everything that can be refused before a pixel is decoded.
fn check(info: &ImageInfo, pipeline: &Pipeline, limits: &ImageLimits) -> Result<(), ImagingError> {
    limits.check(info, pipeline)?;
    let size = pipeline.steps().iter().fold(info.size(&pipeline.input()), |size, step| step.size_after(size));
    encode::check_size(&info.output(pipeline), size)
}

/// An image that was found to be within the limits, and what is to be made of it.
struct Job<'j> {
    input: &'j [u8],
    info: &'j ImageInfo,
    pipelines: &'j [&'j Pipeline],
    limits: &'j ImageLimits,
    pictures: &'j Pictures,
    /// What decoding may take, in bytes.
    memory: u64,
}

impl Job<'_> {
    /// Decodes the image once, for all pipelines of a tree.
    fn make<'r, W: Write + Seek + 'r>(&self, tree: &Tree<'_>, results: &mut Results<'r, W>) -> Result<(), ImagingError> {
        let Self { input, info, pipelines, limits, pictures, memory } = *self;
        let (mut decoder, mut properties) = decode::open(input, info.format, memory, tree.scale, tree.input.frames)?;
        let orientation = if tree.input.orient { properties.orientation } else { Orientation::NoTransforms };
        let of_file = properties.icc_profile.as_deref().and_then(ToSrgb::new);
        let mut look = Look::new(of_file.clone());
        let to_srgb = of_file.filter(|_| tree.input.profile == Profile::Srgb);
        if to_srgb.is_some() {
            properties.icc_profile = None;
        }
        properties.exif = metadata::kept(input, info.format, tree.input.metadata);
        let size = info.size(&tree.input);
        if let Some(plan) = tree.shrinks_to(info) {
            decoder = decode::open_shrinking(input, tree.scale, Shrinking::new(&plan, size, tree.scale, orientation), size)?;
        }
        let mut program = Program::new(&tree.root, limits, to_srgb, pictures);
        let dropped = |index: usize| pipelines[index].input().frames == Frames::All && properties.frames < info.frames;
        let warnings =
            |index| if dropped(index) { vec![Warning::FramesDropped { kept: properties.frames, of: info.frames }] } else { Vec::new() };
        while let Some(mut frame) = decoder.next_frame()? {
            frame.image.apply_orientation(orientation);
            look.at(&frame.image);
            frame.shrunk = frame.shrunk.or_else(|| Shrunk::new(size, tree.scale, orientation));
            program.apply(frame, &mut |delivery| match delivery {
                Delivery::Made(index, frame) => {
                    results.take(index, frame, &properties, &About { warnings: warnings(index), glance: look.seen() });
                }
                Delivery::Failed(indices, error) => results.fail(&indices, error),
            });
        }
        drop(decoder);
        tree.root.members().into_iter().for_each(|index| results.finish(index, &About { warnings: warnings(index), glance: look.seen() }));
        Ok(())
    }
}
