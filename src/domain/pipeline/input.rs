//! The input of a pipeline: what of the file is taken, and how, before the first step.

use super::operation::{Declaration, Declared, declare};
use super::values::{Frames, Metadata, Profile};

declare! {
    /// What is taken of the file. It comes first, and may be left out.
    pub struct Input = "input", ["input:orient=false", "input:profile=keep", "input:frames=first", "input:metadata=copyright"];
    /// Whether the image is turned upright as the file asks for (EXIF).
    orient: bool, default = true;
    /// What happens to the colours of a file with a colour profile.
    profile: Profile, default = Profile::Srgb;
    /// Which frames of an animation are taken.
    frames: Frames, default = Frames::All;
    /// What is kept of what the file says beside its pixels, where the output can hold it: the names of who made the image and who holds
    /// the rights, or nothing.
    metadata: Metadata, default = Metadata::Strip;
}

impl Input {
    /// The name that the compact form and the JSON form have for it.
    pub const NAME: &'static str = Self::DECLARATION.name;

    /// What it declares about itself.
    #[must_use]
    pub fn declaration() -> &'static Declaration {
        &Self::DECLARATION
    }
}

impl Default for Input {
    fn default() -> Self {
        Self { orient: true, profile: Profile::Srgb, frames: Frames::All, metadata: Metadata::Strip }
    }
}
