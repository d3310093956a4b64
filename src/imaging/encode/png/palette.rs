//! Images of few colours: each pixel is the place of its colour in a palette. The colours are chosen by the crate `quantizr`, after
//! the way of libimagequant, where an image has more than there may be.

use image::RgbaImage;
use quantizr::{Histogram, Image, Options, QuantizeResult};

/// From how many pixels colours are chosen, or a few more: rows are left out of a larger image. A histogram takes up to 80 bytes for each.
const CHOSEN_FROM: usize = 1 << 20;

/// An image by the places of its colours.
pub(super) struct Indexed {
    /// Red, green, blue and alpha; those that are not opaque come first.
    pub(super) palette: Vec<[u8; 4]>,
    /// One for each pixel.
    pub(super) indices: Vec<u8>,
}

impl Indexed {
    /// With at most `most` colours, 2 to 256. Exact if the image has no more; else errors are spread over the neighbours of a pixel as
    /// `dither` says, 0 not at all to 1.
    pub(super) fn new(image: &RgbaImage, most: usize, dither: f32) -> Self {
        let mut indexed = exact(image, most).unwrap_or_else(|| quantised(image, most, dither));
        indexed.sort();
        indexed
    }

    /// Brings the opaque colours to the end.
    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.palette.len()).collect();
        order.sort_by_key(|place| self.palette[*place][3] == 255);
        let mut places = [0; 256];
        order.iter().zip(0..=u8::MAX).for_each(|(old, new)| places[*old] = new);
        self.palette = order.iter().map(|old| self.palette[*old]).collect();
        self.indices.iter_mut().for_each(|index| *index = places[usize::from(*index)]);
    }
}

/// A table of colours by a hash of them: the place in the palette and one more, or 0. It is never more than a quarter full.
struct Places {
    palette: Vec<[u8; 4]>,
    table: [u16; Self::SIZE],
}

impl Places {
    const BITS: u32 = 10;
    const SIZE: usize = 1 << Self::BITS;

    /// The place of a colour, which may be a new one; `None` where there is no room for it.
    fn find(&mut self, colour: [u8; 4], most: usize) -> Option<u8> {
        // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
        let hash = u32::from_le_bytes(colour).wrapping_mul(0x9e37_79b1) >> (32 - Self::BITS);
        let mut slot = hash as usize;
        loop {
            match usize::from(self.table[slot]) {
                0 if self.palette.len() == most => return None,
                0 => {
                    self.palette.push(colour);
                    self.table[slot] = self.palette.len() as u16;
                    return Some((self.palette.len() - 1) as u8);
                }
                place if self.palette[place - 1] == colour => return Some((place - 1) as u8),
                _ => slot = (slot + 1) % Self::SIZE,
            }
        }
    }
}

/// `None` if the image has more than `most` colours.
fn exact(image: &RgbaImage, most: usize) -> Option<Indexed> {
    let mut places = Places { palette: Vec::with_capacity(most), table: [0; Places::SIZE] };
    let mut indices = Vec::with_capacity(image.len() / 4);
    let mut last = None;
    for colour in image.as_chunks::<4>().0 {
        let index = match last {
            Some((same, index)) if same == *colour => index,
            _ => places.find(*colour, most)?,
        };
        last = Some((*colour, index));
        indices.push(index);
    }
    Some(Indexed { palette: places.palette, indices })
}

fn quantised(image: &RgbaImage, most: usize, dither: f32) -> Indexed {
    const WHOLE: &str = "the slice has all pixels";
    let (width, height) = (image.width() as usize, image.height() as usize);
    let step = (width * height).div_ceil(CHOSEN_FROM);
    let mut histogram = Histogram::new();
    for row in image.chunks_exact(width * 4).step_by(step) {
        histogram.add_image(&Image::new(row, width, 1).expect(WHOLE));
    }
    let mut options = Options::default();
    options.set_max_colors(most as i32).expect("2 to 256 colours are asked for");
    let mut chosen = QuantizeResult::quantize_histogram(&histogram, &options);
    chosen.set_dithering_level(dither).expect("a portion is 0 to 1");
    let mut indices = vec![0; width * height];
    chosen.remap_image(&Image::new(image, width, height).expect(WHOLE), &mut indices).expect("there is an index for each pixel");
    let palette = chosen.get_palette();
    let colours = palette.entries[..palette.count as usize].iter();
    Indexed { palette: colours.map(|colour| [colour.r, colour.g, colour.b, colour.a]).collect(), indices }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgba;

    fn pixels(indexed: &Indexed) -> Vec<u8> {
        indexed.indices.iter().flat_map(|index| indexed.palette[usize::from(*index)]).collect()
    }

    #[test]
    fn colours_that_share_a_place_of_the_table_are_told_apart_to_the_last() {
        // Steps by which the hash hardly changes, and one colour more than there is room for.
        let image = RgbaImage::from_fn(257, 3, |x, _| Rgba(((x.min(255)).wrapping_mul(0x9e37_79b1_u32.wrapping_neg())).to_le_bytes()));
        let indexed = exact(&image, 256).unwrap();
        assert_eq!(indexed.palette.len(), 256);
        assert!(pixels(&indexed) == *image.as_raw());
        assert!(exact(&image, 255).is_none());
    }

    #[test]
    fn what_is_not_opaque_comes_first() {
        let image = RgbaImage::from_fn(9, 9, |x, y| Rgba([x as u8, y as u8, 0, if (x + y) % 3 == 0 { 255 } else { x as u8 }]));
        let indexed = Indexed::new(&image, 256, 1.0);
        assert!(pixels(&indexed) == *image.as_raw());
        assert!(indexed.palette.is_sorted_by_key(|colour| colour[3] == 255));
    }

    #[test]
    fn rows_that_are_left_out_of_the_choice_are_drawn_all_the_same() {
        let image = RgbaImage::from_fn(2048, 1025, |x, y| Rgba([x as u8, y as u8, (x / 8) as u8, 255]));
        let indexed = Indexed::new(&image, 256, 0.0);
        let worst = pixels(&indexed).iter().zip(image.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst < Some(80), "{worst:?}");
    }
}
