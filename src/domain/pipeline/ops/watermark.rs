//! Images over images.

use super::pixel_types::with_colour;
use crate::domain::asset::AssetRef;
use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Gravity, Length, Percent, Portion, Whole};

/// How far something is moved, in pixels.
type Offset = Whole<-65_535, 65_535>;

declare! {
    /// Lays a stored image over the image: a watermark or a logo. It is an asset, stored once by `PUT /v1/assets/{name}`, and is laid
    /// upright and in sRGB; of an animation it is the first frame. What is outside of the image is cut off. A watermark with colours turns a
    /// gray image into one of colours.
    pub struct Watermark = "watermark", [
        "watermark:logo,scale=30%,opacity=0.8", "watermark:logo,g=north,margin=0", "watermark:logo,scale=20%,opacity=0.3,tile=true,spacing=10%"
    ];
    /// The asset. A task keeps the version that the name stood for when it was accepted.
    asset: AssetRef, required, positional;
    /// How large it becomes: it is fitted into so much of the image's width and height. Without it, it has its own size.
    scale: Percent<1, 100_000>, optional;
    /// How much of it is seen: 0 nothing, 1 all that its own alpha lets through.
    opacity: Portion, default = Portion::literal::<1_000>();
    /// Where in the image it is.
    gravity as "g": Gravity, default = Gravity::Southeast;
    /// How far it is from the edges, in pixels or in percent of the image's shorter side.
    margin: Length<0>, default = Length::Pixels(Whole::literal::<16>());
    /// How many pixels it is moved to the right of that.
    x: Offset, default = Offset::literal::<0>();
    /// How many pixels it is moved below that.
    y: Offset, default = Offset::literal::<0>();
    /// Whether it is repeated all over the image.
    tile: bool, default = false;
    /// How far it is from the next one where it is repeated, in pixels or in percent of the image's shorter side.
    spacing: Length<0>, default = Length::Pixels(Whole::literal::<16>());
}

impl Watermark {
    /// The size of a watermark of that size over an image of that size, both in pixels; at least 1.
    #[must_use]
    pub fn size(&self, (width, height): (u32, u32), image: (u32, u32)) -> (u32, u32) {
        let Some(scale) = self.scale else { return (width, height) };
        let (across, down) = (u64::from(scale.of(image.0).max(1)), u64::from(scale.of(image.1).max(1)));
        let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
        // Rounded to the nearest; no side is longer than that of the box, so both fit.
        let scaled = |side: u64, to: u64, from: u64| u32::try_from((2 * side * to + from) / (2 * from)).unwrap_or(u32::MAX).max(1);
        if across * h <= down * w { (scaled(w, across, w), scaled(h, across, w)) } else { (scaled(w, down, h), scaled(h, down, h)) }
    }
}

impl Operation for Watermark {
    const TOUCHES: Touches = Touches::Both;

    /// The image with colours, and the watermark scaled along one axis and along both, each pixel up to four floats. Its decoded pixels are
    /// counted with the asset.
    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        let scaled = self.scale.map_or(0, |scale| {
            let (part, of) = scale.fraction();
            let side = u128::from(part) * u128::from(part) * u128::from(pixels) / (u128::from(of) * u128::from(of));
            u64::try_from(side).unwrap_or(u64::MAX).saturating_mul(2 * 16)
        });
        scaled.saturating_add(pixels.saturating_mul(with_colour(bytes_per_pixel)))
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        with_colour(bytes_per_pixel)
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::pipeline::{Pipeline, Step};

    fn size(text: &str, watermark: (u32, u32), image: (u32, u32)) -> (u32, u32) {
        let pipeline: Pipeline = text.parse().unwrap();
        let [Step::Watermark(step)] = pipeline.steps() else { panic!("{text}") };
        step.size(watermark, image)
    }

    #[test]
    fn a_scale_is_a_part_of_the_image_that_the_watermark_fits_into() {
        assert_eq!(size("watermark:a", (30, 20), (10, 10)), (30, 20));
        assert_eq!(size("watermark:a,scale=50%", (30, 20), (300, 1000)), (150, 100));
        assert_eq!(size("watermark:a,scale=50%", (30, 20), (3000, 100)), (75, 50));
        assert_eq!(size("watermark:a,scale=100%", (1, 4000), (40, 40)), (1, 40));
        assert_eq!(size("watermark:a,scale=0.001%", (30, 20), (300, 300)), (1, 1));
    }
}
