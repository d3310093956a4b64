//! Operations on each pixel's lightness and colour alone.

use image::DynamicImage;

/// Turns every colour channel around; alpha stays.
pub(super) fn invert(image: &mut DynamicImage) {
    image.invert();
}

/// Keeps the luma; alpha and bit depth stay.
pub(super) fn grayscale(image: &mut DynamicImage) {
    *image = image.grayscale();
}
