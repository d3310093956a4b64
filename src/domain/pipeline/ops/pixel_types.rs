//! What an operation that changes the pixel type makes of the bytes of a pixel. From the bytes alone one cannot always tell the
//! type (four are colour with alpha of 8 bits or gray with alpha of 16), so each bound is for the worst of them.

use crate::domain::pipeline::values::Color;

/// Gray becomes colour.
pub(super) fn with_colour(bytes_per_pixel: u64) -> u64 {
    match bytes_per_pixel {
        1 => 3,
        2 => 6,
        4 => 8,
        bytes => bytes,
    }
}

/// Alpha is added where there is none.
pub(super) fn with_alpha(bytes_per_pixel: u64) -> u64 {
    match bytes_per_pixel {
        1 => 2,
        2 | 3 => 4,
        6 => 8,
        12 => 16,
        bytes => bytes,
    }
}

/// Pixels of a colour are added.
pub(super) fn with_background(Color([r, g, b, a]): Color, bytes_per_pixel: u64) -> u64 {
    let bytes = if r != g || g != b { with_colour(bytes_per_pixel) } else { bytes_per_pixel };
    if a == 255 { bytes } else { with_alpha(bytes) }
}
