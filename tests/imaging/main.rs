//! The pixels of every operation and format, judged by other means than the code under test.

mod allocation;
mod animation;
mod blur;
mod colour;
mod common;
mod conformance;
mod crop;
mod damaged;
mod extend;
mod formats;
mod jpeg;
mod median;
mod memory;
mod operations;
mod orientation;
mod photographs;
mod pixelate;
mod profile;
mod reference;
mod resize;
mod round;
mod shrinking;
mod text;
mod tone;
mod trim;
mod webp;
