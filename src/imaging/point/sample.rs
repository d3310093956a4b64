//! The types of samples, and the image types that are made of them.

use image::{DynamicImage, ImageBuffer};

/// Which channels a pixel has: gray or red, green and blue; then perhaps alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imaging) struct Channels {
    pub(super) colour: bool,
    pub(super) alpha: bool,
}

impl Channels {
    pub(super) const GRAY: Self = Self { colour: false, alpha: false };

    /// How many there are.
    pub(super) fn count(self) -> usize {
        usize::from(self.alpha) + if self.colour { 3 } else { 1 }
    }
}

/// A sample of 8 or 16 bits or a float.
pub(in crate::imaging) trait Sample: Copy + Default {
    /// How many values it can have, if one can go through all of them.
    const VALUES: Option<usize>;
    /// Whether there are gray images of it.
    const GRAY: bool = true;

    /// As a float; 1 is the full range.
    fn unit(self) -> f32;

    /// The nearest to a float from 0 to 1.
    fn nearest(unit: f32) -> Self;

    /// Its place among all values.
    fn index(self) -> usize;

    /// An image of samples. There are `width * height * channels` of them.
    fn image(size: (u32, u32), channels: Channels, samples: Vec<Self>) -> DynamicImage;
}

macro_rules! integer {
    ($sample:ty: $gray:ident, $gray_alpha:ident, $rgb:ident, $rgba:ident) => {
        impl Sample for $sample {
            const VALUES: Option<usize> = Some(1 << <$sample>::BITS);

            #[inline(always)]
            fn unit(self) -> f32 {
                f32::from(self) * (1.0 / <$sample>::MAX as f32)
            }

            #[inline(always)]
            fn nearest(unit: f32) -> Self {
                (unit * <$sample>::MAX as f32 + 0.5) as Self
            }

            #[inline(always)]
            fn index(self) -> usize {
                self.into()
            }

            fn image((width, height): (u32, u32), channels: Channels, samples: Vec<Self>) -> DynamicImage {
                let image = match (channels.colour, channels.alpha) {
                    (false, false) => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$gray),
                    (false, true) => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$gray_alpha),
                    (true, false) => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$rgb),
                    (true, true) => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::$rgba),
                };
                image.expect("there are enough samples")
            }
        }
    };
}
integer!(u8: ImageLuma8, ImageLumaA8, ImageRgb8, ImageRgba8);
integer!(u16: ImageLuma16, ImageLumaA16, ImageRgb16, ImageRgba16);

impl Sample for f32 {
    const VALUES: Option<usize> = None;
    const GRAY: bool = false;

    #[inline(always)]
    fn unit(self) -> f32 {
        self
    }

    #[inline(always)]
    fn nearest(unit: f32) -> Self {
        unit
    }

    fn index(self) -> usize {
        0
    }

    fn image((width, height): (u32, u32), channels: Channels, samples: Vec<Self>) -> DynamicImage {
        let image = match channels.alpha {
            false => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb32F),
            true => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba32F),
        };
        image.expect("there are enough samples")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integer_comes_back_from_its_float() {
        assert!((0..=u8::MAX).all(|sample| u8::nearest(sample.unit()) == sample));
        assert!((0..=u16::MAX).all(|sample| u16::nearest(sample.unit()) == sample));
    }
}
