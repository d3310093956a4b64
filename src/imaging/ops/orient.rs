//! Rotations by quarter turns and mirrors: no pixel changes, all move. A half turn and the mirrors work in place.

use image::DynamicImage;
use image::metadata::Orientation;

use crate::domain::pipeline::{Direction, Rotation};

pub(super) fn rotate(image: &mut DynamicImage, rotation: Rotation) {
    image.apply_orientation(match rotation {
        Rotation::Right => Orientation::Rotate90,
        Rotation::Half => Orientation::Rotate180,
        Rotation::Left => Orientation::Rotate270,
    });
}

pub(super) fn flip(image: &mut DynamicImage, direction: Direction) {
    image.apply_orientation(match direction {
        Direction::Horizontal => Orientation::FlipHorizontal,
        Direction::Vertical => Orientation::FlipVertical,
    });
}
