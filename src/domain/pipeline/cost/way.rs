//! The way of an image through a tree of steps, and the most memory that it takes on it.

use super::encoder::{animation_bytes, encoder_bytes, passing_bytes};
use super::{Held, ImageInfo, pixels, step_bytes};
use crate::domain::pipeline::ops::ResizePlan;
use crate::domain::pipeline::{ByRows, Frames, Node, Pipeline, Scale, Tree};

/// How many rows as wide as the picture are kept while it is shrunk on its way: those that the filter looks at for a band of
/// the result with what has come since, and the columns of the result.
fn shrinking_rows(plan: &ResizePlan, scale: Scale) -> u64 {
    let per_row = u64::from(plan.crop.height).div_ceil(u64::from(plan.height) * u64::from(scale.divisor()));
    (u64::from(ResizePlan::BAND) + 8).saturating_mul(per_row).saturating_add(64).saturating_add(plan.height.into())
}

/// How many rows are in memory of a picture that goes through its steps by rows: a strip of at most 17 in every form that it takes on the
/// way, and those that wait until the encoder has a strip of its own.
const PASSING_ROWS: u64 = 96;

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
        let held = Held::decoded(self.info, &tree.input, tree.scale);
        match tree.by_rows(self.info, self.pipelines) {
            Some(ByRows::Shrunk(plan)) => return self.shrunk(tree, &plan, held),
            Some(ByRows::Through) => return self.passing(tree, held),
            None => {}
        }
        let decoded = held.bytes();
        let upright = if self.info.turned { decoded.saturating_mul(2) } else { decoded };
        decoded.saturating_add(self.info.decoder_bytes).max(upright).max(self.after(&tree.root, held))
    }

    /// What it takes to shrink a picture on its way, and from then on.
    fn shrunk(&self, tree: &Tree<'_>, plan: &ResizePlan, held: Held) -> u64 {
        let rows = shrinking_rows(plan, tree.scale).saturating_mul(held.pixels.0.into()).saturating_mul(held.bytes_per_pixel);
        let held = Held { pixels: (plan.width, plan.height), ..held };
        rows.saturating_add(held.bytes()).saturating_add(self.info.decoder_bytes).max(self.after(&tree.root, held))
    }

    /// What it takes to pass a picture by rows from its file to the next.
    fn passing(&self, tree: &Tree<'_>, held: Held) -> u64 {
        let after = tree.root.steps.iter().fold(held, |held, step| held.after(step));
        let rows = PASSING_ROWS.saturating_mul(held.size.0.into()).saturating_mul(after.bytes_per_pixel);
        let encoders = tree.root.ends.iter().map(|index| passing_bytes(&self.info.output(self.pipelines[*index]), held.size));
        rows.saturating_add(self.info.decoder_bytes).saturating_add(encoders.sum())
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
