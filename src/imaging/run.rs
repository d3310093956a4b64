//! The way of an image: probed, checked, decoded frame by frame, through the steps, encoded. What each part does is in its
//! own module.

use std::io::{Seek, Write};

use image::DynamicImage;
use image::metadata::Orientation;
use serde::{Deserialize, Serialize};

use super::assets::{Assets, Pictures};
use super::decode::jpeg::Rows;
use super::decode::{self, Decoder};
use super::encode;
use super::error::ImagingError;
use super::frame::{Delay, Frame, Properties, Shrunk};
use super::glance::Look;
use super::gradual::{Gradual, Shrinking};
use super::metadata::{self, check_metadata};
use super::probe::probe;
use super::profile::ToSrgb;
use super::program::{Delivery, Program};
use super::results::{About, Results};
use crate::domain::format::Format;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::cost::{self, ImageInfo};
use crate::domain::pipeline::ops::ResizePlan;
use crate::domain::pipeline::{ByRows, Frames, Output, Pipeline, Profile, Scale, Tree};
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
/// differ from that of its pipeline alone by what [`crate::domain::pipeline::Scale`] makes of it. One that is shrunk on its way by rows
/// ([`crate::domain::pipeline::ByRows`]) may differ by one level of a sample.
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

impl<'j> Job<'j> {
    /// Decodes the image once, for all pipelines of a tree.
    fn make<'r, W: Write + Seek + 'r>(&self, tree: &Tree<'j>, results: &mut Results<'r, W>) -> Result<(), ImagingError> {
        let Self { input, info, pipelines, memory, .. } = *self;
        let (decoder, properties) = decode::open(input, info.format, memory, tree.scale, tree.input.frames)?;
        let mut pass = Pass::new(self, tree, properties, results);
        match tree.by_rows(info, pipelines) {
            None => pass.frames(decoder)?,
            Some(ByRows::Shrunk(plan)) => pass.shrunk(&decode::open_rows(input, tree.scale)?, &plan)?,
            Some(ByRows::Through) => pass.through(&decode::open_rows(input, tree.scale)?)?,
        }
        tree.root.members().into_iter().for_each(|index| pass.finish(index));
        Ok(())
    }

    fn warnings(&self, index: usize, properties: &Properties) -> Vec<Warning> {
        let dropped = self.pipelines[index].input().frames == Frames::All && properties.frames < self.info.frames;
        if dropped { vec![Warning::FramesDropped { kept: properties.frames, of: self.info.frames }] } else { Vec::new() }
    }
}

/// From one decode to the results of a tree.
struct Pass<'p, 'j, 'r, W> {
    job: &'p Job<'j>,
    /// Width and height of the picture, as the pipelines take it.
    size: (u32, u32),
    scale: Scale,
    orientation: Orientation,
    properties: Properties,
    look: Look,
    program: Program<'j>,
    results: &'p mut Results<'r, W>,
}

impl<'p, 'j, 'r, W: Write + Seek + 'r> Pass<'p, 'j, 'r, W> {
    fn new(job: &'p Job<'j>, tree: &Tree<'j>, mut properties: Properties, results: &'p mut Results<'r, W>) -> Self {
        let orientation = if tree.input.orient { properties.orientation } else { Orientation::NoTransforms };
        let of_file = properties.icc_profile.as_deref().and_then(ToSrgb::new);
        let look = Look::new(of_file.clone());
        let to_srgb = of_file.filter(|_| tree.input.profile == Profile::Srgb);
        if to_srgb.is_some() {
            properties.icc_profile = None;
        }
        properties.exif = metadata::kept(job.input, job.info.format, tree.input.metadata);
        let program = Program::new(&tree.root, job.limits, to_srgb, job.pictures);
        Self { job, size: job.info.size(&tree.input), scale: tree.scale, orientation, properties, look, program, results }
    }

    /// Every frame as a whole.
    fn frames(&mut self, mut decoder: Box<dyn Decoder + '_>) -> Result<(), ImagingError> {
        while let Some(mut frame) = decoder.next_frame()? {
            frame.image.apply_orientation(self.orientation);
            frame.shrunk = Shrunk::new(self.size, self.scale, self.orientation);
            self.look.at(&frame.image);
            self.take(frame);
        }
        Ok(())
    }

    /// What is left of the picture after the resize that it begins with.
    fn shrunk(&mut self, rows: &Rows<'_>, plan: &ResizePlan) -> Result<(), ImagingError> {
        let shrinking = Shrinking::new(plan, self.size, self.scale, self.orientation);
        let mut gradual = Gradual::new(shrinking, rows.has_color(), rows.most());
        self.each(rows, |_, strip| gradual.push(strip.as_bytes()))?;
        let mut image = gradual.finish()?;
        image.apply_orientation(self.orientation);
        self.take(Frame { image, shrunk: Some(Shrunk::resized(self.size)), delay: Delay::NONE });
        Ok(())
    }

    fn take(&mut self, frame: Frame) {
        let Self { job, properties, look, results, .. } = self;
        self.program.apply(frame, &mut |delivery| match delivery {
            Delivery::Made(index, frame) => {
                results.take(index, frame, properties, &About { warnings: job.warnings(index, properties), glance: look.seen() });
            }
            Delivery::Failed(indices, error) => results.fail(&indices, error),
        });
    }

    /// Strip by strip, from the file to the next.
    fn through(&mut self, rows: &Rows<'_>) -> Result<(), ImagingError> {
        self.each(rows, |pass, strip| {
            let Self { size, properties, results, .. } = pass;
            pass.program.apply(Frame { image: strip, shrunk: None, delay: Delay::NONE }, &mut |delivery| match delivery {
                Delivery::Made(index, strip) => results.take_strip(index, strip, *size, properties),
                Delivery::Failed(indices, error) => results.fail(&indices, error),
            });
            Ok(())
        })
    }

    /// Every strip of a picture, after a look at it.
    fn each(
        &mut self,
        rows: &Rows<'_>,
        mut take: impl FnMut(&mut Self, DynamicImage) -> Result<(), ImagingError>,
    ) -> Result<(), ImagingError> {
        let mut first = 0;
        rows.each(|strip| {
            self.look.at_strip(&strip, first, self.scale.shrink(self.size), self.orientation);
            first += strip.height();
            take(self, strip)
        })
    }

    /// Completes a result that is not complete yet.
    fn finish(&mut self, index: usize) {
        self.results.finish(index, &About { warnings: self.job.warnings(index, &self.properties), glance: self.look.seen() });
    }
}
