//! The way of an image through a tree of steps, and the most memory that it takes on it.

use super::encoder::{animation_bytes, encoder_bytes};
use super::{ImageInfo, pixels, step_bytes};
use crate::domain::pipeline::{Frames, Node, Pipeline, Step, Tree};

/// The way of an image through a tree.
pub(super) struct Way<'a> {
    info: &'a ImageInfo,
    pipelines: &'a [&'a Pipeline],
    animated: bool,
}

/// An image on its way.
#[derive(Clone, Copy)]
struct Held {
    /// The width and height that it has for the pipeline.
    size: (u32, u32),
    /// Those of its pixels, until a resize brings them to its size.
    pixels: (u32, u32),
    bytes_per_pixel: u64,
}

impl Held {
    fn bytes(self) -> u64 {
        pixels(self.pixels).saturating_mul(self.bytes_per_pixel)
    }
}

impl<'a> Way<'a> {
    pub(super) fn new(info: &'a ImageInfo, pipelines: &'a [&'a Pipeline], tree: &Tree<'_>) -> Self {
        Self { info, pipelines, animated: tree.input.frames == Frames::All }
    }

    /// The most bytes that are needed at once.
    pub(super) fn through(&self, tree: &Tree<'_>) -> u64 {
        let size = self.info.size(&tree.input);
        let held = Held { size, pixels: tree.scale.shrink(size), bytes_per_pixel: self.info.bytes_per_pixel.into() };
        let decoded = held.bytes();
        let upright = if self.info.turned { decoded.saturating_mul(2) } else { decoded };
        decoded.saturating_add(self.info.decoder_bytes).max(upright).max(self.after(&tree.root, held))
    }

    /// What it takes from an image before the steps of a node on.
    fn after(&self, node: &Node<'_>, mut held: Held) -> u64 {
        let mut peak = 0_u64;
        for step in &node.steps {
            let after = step.size_after(held.size);
            // A crop of what was decoded at a scale is left to the resize that comes after it.
            let waits = held.pixels != held.size && matches!(step, Step::Crop(_));
            let result = if after == held.size || waits { held.pixels } else { after };
            peak = peak.max(step_bytes(step, held.pixels, result, held.bytes_per_pixel));
            held = Held { size: after, pixels: result, bytes_per_pixel: step.bytes_per_pixel_after(held.bytes_per_pixel) };
        }
        let ends = node.ends.iter().map(|index| self.encoding(*index, held));
        let children = ends.chain(node.branches.iter().map(|branch| self.after(branch, held)));
        let children = if self.animated {
            // The encoders of all results wait for the next frame at once.
            children.fold(0, u64::saturating_add)
        } else {
            children.max().unwrap_or(0)
        };
        // All but the last begin with a copy.
        let kept = if node.children() > 1 { held.bytes() } else { 0 };
        peak.max(children.saturating_add(kept))
    }

    fn encoding(&self, index: usize, held: Held) -> u64 {
        let output = self.info.output(self.pipelines[index]);
        let encoding = encoder_bytes(&output, pixels(held.size), held.bytes_per_pixel);
        if self.animated { encoding.saturating_add(animation_bytes(&output, pixels(held.size), self.info.frames)) } else { encoding }
    }
}
