//! Which pictures go through a tree of steps row by row, so that their pixels are never in memory as a whole.
//!
//! That takes a decoder that gives rows from the top (one that scales does), rows that lie as they are shown, and steps which do not look
//! beyond a few of them. The memory (`cost`) and the pixels (`imaging`) both follow it.

use super::cost::ImageInfo;
use super::operation::Touches;
use super::ops::ResizePlan;
use super::output::Jpeg;
use super::{Output, Pipeline, Step, Tree};

/// How a picture goes through a tree, if it does so by rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByRows {
    /// The resize that all pipelines begin with makes this of it while it is decoded. Steps before it that do not care whether they see
    /// pixels or their means come after it.
    Shrunk(ResizePlan),
    /// Through every step, all of which work on single pixels, into the file of the only result.
    Through,
}

impl Tree<'_> {
    /// How the picture goes through this tree of `pipelines`; `None` if its pixels are needed as a whole.
    #[must_use]
    pub fn by_rows(&self, info: &ImageInfo, pipelines: &[&Pipeline]) -> Option<ByRows> {
        if !info.scales || info.turned && self.input.orient {
            return None;
        }
        if self.goes_through(info, pipelines) { Some(ByRows::Through) } else { self.shrinks_to(info).map(ByRows::Shrunk) }
    }

    /// Whether nothing is done but to single pixels, for a file that takes them from its top.
    fn goes_through(&self, info: &ImageInfo, pipelines: &[&Pipeline]) -> bool {
        let single_pixels = |step: &&Step| matches!(step.touches(), Touches::LinearColours | Touches::Colours);
        let taken = |output: Output| matches!(output, Output::Jpeg(Jpeg { progressive: false, max_bytes: None, .. }));
        let lies = !(info.flipped && self.input.orient);
        match (&*self.root.ends, &*self.root.branches) {
            ([end], []) => lies && self.root.steps.iter().all(single_pixels) && taken(info.output(pipelines[*end])),
            _ => false,
        }
    }

    /// What the first step that moves pixels makes of the picture, if that is a resize which looks at no pixels before it cuts.
    fn shrinks_to(&self, info: &ImageInfo) -> Option<ResizePlan> {
        let mut steps = self.root.steps.iter().skip_while(|step| step.touches() == Touches::LinearColours);
        let Some(Step::Resize(resize)) = steps.next() else { return None };
        let plan = resize.plan(info.size(&self.input));
        let has_less = u64::from(plan.height) * u64::from(self.scale.divisor()) < u64::from(plan.crop.height);
        (has_less && resize.interest().is_none()).then_some(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::format::Format;

    const JPEG: ImageInfo = ImageInfo::assumed(Format::Jpeg, (1600, 1200));

    fn by_rows(info: &ImageInfo, texts: &[&str]) -> Option<ByRows> {
        let pipelines: Vec<Pipeline> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let pipelines: Vec<&Pipeline> = pipelines.iter().collect();
        let trees = Tree::grow(info, &pipelines).unwrap();
        trees[0].by_rows(info, &pipelines)
    }

    fn shrunk(info: &ImageInfo, texts: &[&str]) -> Option<(u32, u32)> {
        match by_rows(info, texts) {
            Some(ByRows::Shrunk(plan)) => Some((plan.width, plan.height)),
            _ => None,
        }
    }

    #[test]
    fn a_picture_is_shrunk_while_it_is_decoded_where_all_begin_with_that() {
        assert_eq!(shrunk(&JPEG, &["resize:700x"]), Some((700, 525)));
        assert_eq!(shrunk(&JPEG, &["invert/resize:400x/blur:2"]), Some((400, 300)));
        assert_eq!(shrunk(&JPEG, &["resize:700x700,fit=cover"]), Some((700, 700)));
        assert_eq!(shrunk(&JPEG, &["resize:700x/png", "resize:700x/invert/jpeg"]), Some((700, 525)));
        // They part before it; what comes before it looks at single pixels, or cuts; there is nothing to shrink.
        assert_eq!(shrunk(&JPEG, &["resize:700x", "resize:300x"]), None);
        for text in [
            "gamma:2/resize:700x",
            "resize:100x100,fit=cover,gravity=attention",
            "crop:500x500/resize:100x",
            "resize:1600x1200",
            "resize:3000x,enlarge=true",
        ] {
            assert_eq!(by_rows(&JPEG, &[text]), None, "{text}");
        }
        // At half the size it has the height already.
        assert_eq!(shrunk(&JPEG, &["resize:700x600,fit=fill,quality=fast"]), None);
        // It must be turned first, or does not come from its top.
        assert_eq!(shrunk(&ImageInfo { turned: true, ..JPEG }, &["resize:700x"]), None);
        assert_eq!(shrunk(&ImageInfo { turned: true, ..JPEG }, &["input:orient=false/resize:700x"]), Some((700, 933)));
        assert_eq!(shrunk(&ImageInfo { flipped: true, ..JPEG }, &["resize:700x"]), Some((700, 525)));
        assert_eq!(shrunk(&ImageInfo { scales: false, ..JPEG }, &["resize:700x"]), None);
    }

    #[test]
    fn a_picture_goes_through_where_only_single_pixels_are_looked_at() {
        let through = |info: &ImageInfo, texts: &[&str]| by_rows(info, texts) == Some(ByRows::Through);
        for text in ["invert", "jpeg:q=50", "gamma:2/opacity:0.5/swap_channels/jpeg"] {
            assert!(through(&JPEG, &[text]), "{text}");
        }
        for text in
            ["png", "invert/png", "jpeg:progressive=true", "jpeg:max_bytes=10000", "blur:1", "normalize", "flip:vertical", "crop:10x10"]
        {
            assert!(!through(&JPEG, &[text]), "{text}");
        }
        assert!(!through(&JPEG, &["invert", "jpeg:q=50"]));
        assert!(!through(&ImageInfo { flipped: true, ..JPEG }, &["invert"]));
        assert!(through(&ImageInfo { flipped: true, ..JPEG }, &["input:orient=false/invert"]));
        assert!(!through(&ImageInfo { scales: false, ..JPEG }, &["invert"]));
    }
}
