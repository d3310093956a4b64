//! The sizes at which a picture can be decoded without decoding all of it, and which of them a pipeline leaves room for.
//!
//! A decoder that works in blocks of 8x8 samples can make 4x4, 2x2 or one sample of each, for a fraction of the work. The
//! result of a pipeline has the same size then, and differs from that of a full decode by less than one can see.

use super::operation::Touches;
use super::ops::ResizePlan;
use super::{Pipeline, ResizeQuality, Step};

/// A size to decode at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As the picture is.
    Full,
    /// A half along each axis.
    Half,
    /// A quarter along each axis.
    Quarter,
    /// An eighth along each axis.
    Eighth,
}

impl Scale {
    /// How many pixels of the original one pixel stands for, along one axis: 1, 2, 4 or 8.
    #[must_use]
    pub fn divisor(self) -> u32 {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// The width and height in pixels of a picture of that width and height; the last pixel of a row or column may stand for
    /// less of the original than the others do.
    #[must_use]
    pub fn shrink(self, (width, height): (u32, u32)) -> (u32, u32) {
        (width.div_ceil(self.divisor()), height.div_ceil(self.divisor()))
    }

    /// The smallest scale that a pipeline leaves room for, on a picture of that width and height in pixels, upright. Only
    /// a resize makes room, and only if nothing comes before it but crops and steps that do not care whether they see pixels or their
    /// means.
    #[must_use]
    pub fn for_pipeline(pipeline: &Pipeline, size: (u32, u32)) -> Self {
        let mut size = size;
        for step in pipeline.steps() {
            match step {
                step if step.touches() == Touches::LinearColours => {}
                // What a crop leaves is cut out when it is resized.
                Step::Crop(crop) => match crop.area(size) {
                    Ok(area) => size = area.size(),
                    Err(_) => return Self::Full,
                },
                Step::Resize(resize) => return Self::for_resize(&resize.plan(size), resize.quality),
                _ => return Self::Full,
            }
        }
        Self::Full
    }

    /// The smallest scale that leaves a resize as many pixels along each axis as its result has, times the margin of the quality.
    fn for_resize(plan: &ResizePlan, quality: ResizeQuality) -> Self {
        let (width, height) = plan.crop.size();
        let leaves_enough = |scale: &Self| {
            let Some(quarters) = scale.margin(quality) else { return false };
            let enough = |from: u32, to: u32| 4 * u64::from(from) >= u64::from(quarters) * u64::from(scale.divisor()) * u64::from(to);
            enough(width, plan.width) && enough(height, plan.height)
        };
        [Self::Eighth, Self::Quarter, Self::Half].into_iter().find(leaves_enough).unwrap_or(Self::Full)
    }

    /// How many times the pixels of its result a resize of that quality wants left along each axis, in quarters; `None` if it takes the
    /// picture as it is.
    ///
    /// Without a margin the filter of the resize does not get to shape the frequencies that the result can hold, and one sees what
    /// the transform of the blocks cut off. The smaller the scale the worse its transform separates them (at an eighth it takes means),
    /// and the more margin makes up for that: `bench/scales.py` compares what comes out with what comes of all pixels.
    fn margin(self, quality: ResizeQuality) -> Option<u32> {
        match (quality, self) {
            (ResizeQuality::Best, _) => None,
            (ResizeQuality::Fast, _) | (_, Self::Full) => Some(4),
            (ResizeQuality::Default, Self::Half) => Some(5),
            (ResizeQuality::Default, Self::Quarter) => Some(6),
            (ResizeQuality::Default, Self::Eighth) => Some(8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pipeline::Area;

    fn for_resize(crop: (u32, u32), (width, height): (u32, u32), quality: ResizeQuality) -> Scale {
        Scale::for_resize(
            &ResizePlan { crop: Area { left: 5, top: 7, width: crop.0, height: crop.1 }, width, height, canvas: None },
            quality,
        )
    }

    #[test]
    fn the_fast_quality_needs_no_margin_and_the_best_every_pixel() {
        assert_eq!(for_resize((1600, 800), (200, 100), ResizeQuality::Fast), Scale::Eighth);
        assert_eq!(for_resize((1600, 800), (200, 101), ResizeQuality::Fast), Scale::Quarter);
        assert_eq!(for_resize((1600, 800), (1, 1), ResizeQuality::Best), Scale::Full);
    }

    #[test]
    fn the_smaller_the_scale_the_more_a_resize_is_left() {
        let scale = |crop, result| for_resize(crop, result, ResizeQuality::Default);
        // Twice the pixels of the result at an eighth, half as many again at a quarter, a quarter more at a half.
        assert_eq!(scale((1600, 1600), (100, 100)), Scale::Eighth);
        assert_eq!(scale((1600, 1600), (100, 101)), Scale::Quarter);
        assert_eq!(scale((1599, 1600), (100, 100)), Scale::Quarter);
        assert_eq!(scale((600, 600), (100, 100)), Scale::Quarter);
        assert_eq!(scale((599, 600), (100, 100)), Scale::Half);
        assert_eq!(scale((250, 250), (100, 100)), Scale::Half);
        assert_eq!(scale((249, 250), (100, 100)), Scale::Full);
        assert_eq!(scale((u32::MAX, u32::MAX), (u32::MAX, u32::MAX)), Scale::Full);
    }

    #[test]
    fn only_crops_and_steps_on_single_pixels_may_come_before_the_resize() {
        let scale = |pipeline: &str| Scale::for_pipeline(&pipeline.parse().unwrap(), (1600, 800));
        for pipeline in ["resize:100x", "resize:100x/rotate:90", "invert/grayscale/swap_channels/resize:100x50/png"] {
            assert_eq!(scale(pipeline), Scale::Eighth, "{pipeline}");
        }
        for pipeline in
            ["png", "invert", "flip:horizontal/resize:100x", "rotate:90/resize:50x", "rotate:1/resize:50x", "resize:1000x/resize:100x"]
        {
            assert_eq!(scale(pipeline), Scale::Full, "{pipeline}");
        }
        assert_eq!(scale("resize:200x,quality=fast"), Scale::Eighth);
        assert_eq!(scale("resize:200x"), Scale::Quarter);
        assert_eq!(scale("resize:1x,quality=best"), Scale::Full);
        assert_eq!(scale("resize:12.5%,quality=fast"), Scale::Eighth);
        // The canvas does not count.
        assert_eq!(scale("resize:100x1000,fit=contain"), Scale::Eighth);
        assert_eq!(scale("resize:50x,dpr=2"), Scale::Eighth);
        assert_eq!(scale("resize:50x,dpr=2.1"), Scale::Quarter);
        // What is cut off does not count.
        assert_eq!(scale("crop:800x800/invert/resize:100x"), Scale::Quarter);
        assert_eq!(scale("crop:800x800"), Scale::Full);
        assert_eq!(scale("crop:800x,x=1600/resize:1x"), Scale::Full);
        assert_eq!(scale("resize:100x100,fit=cover"), Scale::Quarter);
    }

    #[test]
    fn what_does_not_fill_a_pixel_still_gets_one() {
        assert_eq!(Scale::Eighth.shrink((17, 16)), (3, 2));
        assert_eq!(Scale::Full.shrink((17, 16)), (17, 16));
    }
}
