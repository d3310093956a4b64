//! Quarter turns and mirrors: no pixel changes, all move. A half turn and the mirrors work in place. Other angles are in `rotate`.

use image::DynamicImage;
use image::metadata::Orientation;

use crate::domain::pipeline::{Direction, Rotation};

pub(super) fn turn(image: &mut DynamicImage, rotation: Rotation) {
    image.apply_orientation(match rotation {
        Rotation::None => Orientation::NoTransforms,
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
