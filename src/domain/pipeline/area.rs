//! Parts of an image.

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Columns before it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Its width in pixels, at least 1.
    pub width: u32,
    /// Its height in pixels, at least 1.
    pub height: u32,
}

impl Area {
    /// All of an image of that size.
    #[must_use]
    pub fn whole((width, height): (u32, u32)) -> Self {
        Self { left: 0, top: 0, width, height }
    }

    /// Width and height.
    #[must_use]
    pub fn size(self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// What this area of the part `outer` is in the whole.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self { left: outer.left + self.left, top: outer.top + self.top, ..self }
    }
}
