//! The pixels of every operation and format, judged by other means than the code under test.

mod allocation;
mod animation;
mod colour;
mod common;
mod conformance;
mod crop;
mod damaged;
mod extend;
mod formats;
mod jpeg;
mod memory;
mod operations;
mod orientation;
mod photographs;
mod profile;
mod reference;
mod resize;
mod shrinking;
mod tone;
mod trim;
mod webp;
