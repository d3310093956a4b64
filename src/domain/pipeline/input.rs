//! The input of a pipeline: what of the file is taken, and how, before the first step.

use super::operation::declare;

declare! {
    /// What is taken of the file. It comes first, and may be left out.
    pub struct Input = "input", ["input:orient=false"];
    /// Whether the image is turned upright as the file asks for (EXIF).
    orient: bool, default = true;
}

impl Default for Input {
    fn default() -> Self {
        Self { orient: true }
    }
}
