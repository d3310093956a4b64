//! The way of an image through a tree of steps, and the most memory that it takes on it.

use super::encoder::{animation_bytes, encoder_bytes};
use super::{Held, ImageInfo, pixels, step_bytes};
use crate::domain::pipeline::ops::ResizePlan;
use crate::domain::pipeline::{Frames, Node, Pipeline, Scale, Tree};

/// How many rows as wide as the picture are kept while it is shrunk on its way: those that the filter looks at for a band of
/// the result with what has come since, and the columns of the result.
fn shrinking_rows(plan: &ResizePlan, scale: Scale) -> u64 {
    let per_row = u64::from(plan.crop.height).div_ceil(u64::from(plan.height) * u64::from(scale.divisor()));
    (u64::from(ResizePlan::BAND) + 8).saturating_mul(per_row).saturating_add(64).saturating_add(plan.height.into())
}

/// The way of an image through a tree.
pub(super) struct Way<'a> {
    info: &'a ImageInfo,
    pipelines: &'a [&'a Pipeline],
    animated: bool,
}

impl<'a> Way<'a> {
    pub(super) fn new(info: &'a ImageInfo, pipelines: &'a [&'a Pipeline], tree: &Tree<'_>) -> Self {
        Self { info, pipelines, animated: tree.input.frames == Frames::All }
    }

    /// The most bytes that are needed at once.
    pub(super) fn through(&self, tree: &Tree<'_>) -> u64 {
        let mut held = Held::decoded(self.info, &tree.input, tree.scale);
        if let Some(plan) = tree.shrinks_to(self.info) {
            let rows = shrinking_rows(&plan, tree.scale).saturating_mul(held.pixels.0.into()).saturating_mul(held.bytes_per_pixel);
            held.pixels = (plan.width, plan.height);
            return rows.saturating_add(held.bytes()).saturating_add(self.info.decoder_bytes).max(self.after(&tree.root, held));
        }
        let decoded = held.bytes();
        let upright = if self.info.turned { decoded.saturating_mul(2) } else { decoded };
        decoded.saturating_add(self.info.decoder_bytes).max(upright).max(self.after(&tree.root, held))
    }

    /// What it takes from an image before the steps of a node on.
    fn after(&self, node: &Node<'_>, mut held: Held) -> u64 {
        let mut peak = 0_u64;
        for step in &node.steps {
            let after = held.after(step);
            peak = peak.max(step_bytes(step, held.pixels, after.pixels, held.bytes_per_pixel));
            held = after;
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
        let encoding = encoder_bytes(&output, held.size, held.bytes_per_pixel);
        if self.animated { encoding.saturating_add(animation_bytes(&output, pixels(held.size), self.info.frames)) } else { encoding }
    }
}
