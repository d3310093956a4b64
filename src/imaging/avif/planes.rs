//! Pixels of 8 bits as planes of luma and chroma (ITU-T T.871, the matrix of BT.601 in full range).

use image::DynamicImage;

use super::Chroma;

/// Samples of 8 bits, row by row.
pub(in crate::imaging) struct Plane {
    pub(in crate::imaging) width: usize,
    pub(in crate::imaging) height: usize,
    pub(in crate::imaging) samples: Vec<u8>,
}

/// An image, or its alpha.
pub(in crate::imaging) struct Planes {
    pub(in crate::imaging) chroma: Chroma,
    /// Luma, and Cb and Cr unless there is no chroma.
    pub(in crate::imaging) planes: Vec<Plane>,
}

impl Planes {
    /// The colours of an image of 8 bits; gray has no chroma.
    pub(in crate::imaging) fn of_colors(image: &DynamicImage, chroma: Chroma) -> Self {
        match image {
            DynamicImage::ImageLuma8(gray) => Self::single(image, gray.to_vec()),
            DynamicImage::ImageLumaA8(gray) => Self::single(image, gray.as_chunks::<2>().0.iter().map(|[luma, _]| *luma).collect()),
            DynamicImage::ImageRgba8(pixels) => Self::of_pixels(image, pixels.as_chunks::<4>().0, chroma),
            DynamicImage::ImageRgb8(pixels) => Self::of_pixels(image, pixels.as_chunks::<3>().0, chroma),
            other => Self::of_pixels(image, other.to_rgb8().as_chunks::<3>().0, chroma),
        }
    }

    /// The alpha of an image of 8 bits; `None` where all of it is opaque.
    pub(in crate::imaging) fn of_alpha(image: &DynamicImage) -> Option<Self> {
        let alpha: Vec<u8> = match image {
            DynamicImage::ImageLumaA8(pixels) => pixels.as_chunks::<2>().0.iter().map(|pixel| pixel[1]).collect(),
            DynamicImage::ImageRgba8(pixels) => pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[3]).collect(),
            _ => return None,
        };
        alpha.iter().any(|alpha| *alpha < 255).then(|| Self::single(image, alpha))
    }

    fn single(image: &DynamicImage, samples: Vec<u8>) -> Self {
        let plane = Plane { width: image.width() as usize, height: image.height() as usize, samples };
        Self { chroma: Chroma::None, planes: vec![plane] }
    }

    fn of_pixels<const N: usize>(image: &DynamicImage, pixels: &[[u8; N]], chroma: Chroma) -> Self {
        let mut planes = Self::single(image, pixels.iter().map(|pixel| luma(pixel[0], pixel[1], pixel[2])).collect());
        let (width, height) = (planes.planes[0].width, planes.planes[0].height);
        let (half_width, half_height) = chroma.halves();
        let (across, down) = (1 + usize::from(half_width), 1 + usize::from(half_height));
        let size = (width.div_ceil(across), height.div_ceil(down));
        let plane = || Plane { width: size.0, height: size.1, samples: Vec::with_capacity(size.0 * size.1) };
        let (mut blue, mut red) = (plane(), plane());
        for rows in pixels.chunks(width * down) {
            // Beyond an edge the image goes on as its last pixels are.
            let (upper, lower) = (&rows[..width], &rows[rows.len() - width..]);
            for x in (0..width).step_by(across) {
                let next = (x + across - 1).min(width - 1);
                let four = [&upper[x], &upper[next], &lower[x], &lower[next]];
                let sum = |channel: usize| four.iter().map(|pixel| i32::from(pixel[channel])).sum();
                let (cb, cr) = chroma_of_four(sum(0), sum(1), sum(2));
                blue.samples.push(cb);
                red.samples.push(cr);
            }
        }
        planes.planes.extend([blue, red]);
        planes.chroma = chroma;
        planes
    }
}

/// Rounded to the nearest, in steps of 1/65536: the weights add up to 1.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + (1 << 15)) >> 16) as u8
}

/// Of sums over four pixels, in steps of 1/65536 of the mean.
fn chroma_of_four(r: i32, g: i32, b: i32) -> (u8, u8) {
    const HALF: i32 = (128 << 18) + (1 << 17);
    let sample = |sum: i32| ((sum + HALF) >> 18).clamp(0, 255) as u8;
    (sample(-11_059 * r - 21_709 * g + 32_768 * b), sample(32_768 * r - 27_439 * g - 5_329 * b))
}
