//! Operations that move whole channels.

use image::DynamicImage;

use crate::domain::pipeline::ChannelOrder;

/// Reorders red, green and blue in place. Alpha stays; a gray image, whose channels are all the same, is left as it is.
pub(in crate::imaging) fn swap(image: &mut DynamicImage, order: ChannelOrder) {
    match image {
        DynamicImage::ImageRgb8(pixels) => permute::<_, 3>(pixels, order),
        DynamicImage::ImageRgba8(pixels) => permute::<_, 4>(pixels, order),
        DynamicImage::ImageRgb16(pixels) => permute::<_, 3>(pixels, order),
        DynamicImage::ImageRgba16(pixels) => permute::<_, 4>(pixels, order),
        DynamicImage::ImageRgb32F(pixels) => permute::<_, 3>(pixels, order),
        DynamicImage::ImageRgba32F(pixels) => permute::<_, 4>(pixels, order),
        _ => {}
    }
}

/// `N` samples to a pixel. One loop is compiled for each order, so that it can be turned into vector instructions.
fn permute<T: Copy, const N: usize>(samples: &mut [T], order: ChannelOrder) {
    match order.sources() {
        [0, 1, 2] => {}
        [0, 2, 1] => each::<T, N>(samples, |[r, g, b]| [r, b, g]),
        [1, 0, 2] => each::<T, N>(samples, |[r, g, b]| [g, r, b]),
        [1, 2, 0] => each::<T, N>(samples, |[r, g, b]| [g, b, r]),
        [2, 0, 1] => each::<T, N>(samples, |[r, g, b]| [b, r, g]),
        _ => each::<T, N>(samples, |[r, g, b]| [b, g, r]),
    }
}

#[inline(always)]
fn each<T: Copy, const N: usize>(samples: &mut [T], reorder: impl Fn([T; 3]) -> [T; 3]) {
    for pixel in samples.as_chunks_mut::<N>().0 {
        [pixel[0], pixel[1], pixel[2]] = reorder([pixel[0], pixel[1], pixel[2]]);
    }
}
