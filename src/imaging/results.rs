//! The results of one image, each on its way to its place: an encoder from the first frame to the last, and what is told of it.

use std::io::{Seek, Write};

use super::encode::{self, Encoder};
use super::error::ImagingError;
use super::frame::{Frame, Properties};
use super::run::OutputInfo;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::Output;
use crate::domain::probe::{Glance, Warning};

/// Where the results of all pipelines go.
pub(super) struct Results<'r, W> {
    results: Vec<Making<'r, W>>,
    max_bytes: u64,
    made: &'r mut dyn FnMut(usize, Result<OutputInfo, ImagingError>),
}

/// What is told of a result beside its format and size.
#[derive(Clone)]
pub(super) struct About {
    pub(super) warnings: Vec<Warning>,
    pub(super) glance: Option<Glance>,
}

/// One result.
struct Making<'r, W> {
    output: &'r Output,
    /// Taken by the encoder.
    out: Option<W>,
    encoder: Option<Box<dyn Encoder + 'r>>,
    /// The width and height of its first frame.
    size: Option<(u32, u32)>,
    told: bool,
}

impl<'r, W: Write + Seek + 'r> Results<'r, W> {
    /// The places of `outputs`, in their order; `made` is told of each what became of it.
    pub(super) fn new(
        outputs: &'r [Output],
        outs: Vec<W>,
        limits: &ImageLimits,
        made: &'r mut dyn FnMut(usize, Result<OutputInfo, ImagingError>),
    ) -> Self {
        let making = |(output, out): (&'r Output, W)| Making { output, out: Some(out), encoder: None, size: None, told: false };
        Self { results: outputs.iter().zip(outs).map(making).collect(), max_bytes: limits.max_output_bytes, made }
    }

    /// Adds a frame to a result. A result of one frame is complete with it, so that it is there before the next is begun.
    pub(super) fn take(&mut self, index: usize, frame: Frame, properties: &Properties, about: &About) {
        let max_bytes = self.max_bytes;
        let making = &mut self.results[index];
        if making.told {
            return;
        }
        match making.add(frame, properties, max_bytes) {
            Ok(()) if properties.frames == 1 => self.finish(index, about),
            Ok(()) => {}
            Err(error) => self.fail(&[index], error),
        }
    }

    /// Adds a strip to a result that is made of a picture of that size by rows.
    pub(super) fn take_strip(&mut self, index: usize, strip: Frame, size: (u32, u32), properties: &Properties) {
        let max_bytes = self.max_bytes;
        let making = &mut self.results[index];
        if !making.told
            && let Err(error) = making.add_strip(strip, size, properties, max_bytes)
        {
            self.fail(&[index], error);
        }
    }

    /// Gives results up, and tells of the first of them why.
    pub(super) fn fail(&mut self, indices: &[usize], error: ImagingError) {
        let Some(first) = indices.iter().copied().find(|index| !self.results[*index].told) else { return };
        for index in indices {
            self.results[*index].told = true;
            self.results[*index].encoder = None;
        }
        (self.made)(first, Err(error));
    }

    /// Completes a result after its last frame, and tells of it, unless that was done already.
    pub(super) fn finish(&mut self, index: usize, about: &About) {
        let making = &mut self.results[index];
        if std::mem::replace(&mut making.told, true) {
            return;
        }
        let (format, (width, height)) = (making.output.format(), making.size.unwrap_or_default());
        let About { warnings, glance } = about.clone();
        let info = OutputInfo { format, width, height, warnings, glance };
        let finished = match making.encoder.take() {
            Some(encoder) => encoder.finish().map(|()| info),
            None => Err(ImagingError::Corrupt("the image has no frames".to_owned())),
        };
        (self.made)(index, finished);
    }
}

impl<'r, W: Write + Seek + 'r> Making<'r, W> {
    fn add(&mut self, frame: Frame, properties: &Properties, max_bytes: u64) -> Result<(), ImagingError> {
        let framed = (frame.image.width(), frame.image.height());
        if *self.size.get_or_insert(framed) != framed {
            return Err(ImagingError::Operation("the steps give the frames of the animation different sizes".to_owned()));
        }
        if let Some(out) = self.out.take() {
            self.encoder = Some(encode::start(self.output, properties.clone(), out, max_bytes));
        }
        self.encoder.as_mut().map_or(Ok(()), |encoder| encoder.frame(frame))
    }

    fn add_strip(&mut self, strip: Frame, size: (u32, u32), properties: &Properties, max_bytes: u64) -> Result<(), ImagingError> {
        if let Some(out) = self.out.take() {
            self.size = Some(size);
            self.encoder = Some(encode::start_rows(self.output, size, properties.clone(), out, max_bytes));
        }
        self.encoder.as_mut().map_or(Ok(()), |encoder| encoder.frame(strip))
    }
}
