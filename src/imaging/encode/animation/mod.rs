//! Animations, written frame by frame. Each frame is written whole, so that none depends on another.

mod gif;
mod png;

pub(super) use gif::Gif;
pub(super) use png::Apng;
