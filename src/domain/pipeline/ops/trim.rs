//! What counts as a border that is cut off.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Color, Decimal};

declare! {
    /// Cuts off borders of one colour: rows and columns at the edges that have no other pixels. An image of nothing else stays as it is.
    /// Of an animation the first frame decides for all.
    pub struct Trim = "trim", ["trim", "trim:10", "trim:color=white"];
    /// How far a pixel may be from the colour, in percent of the full range of each channel. What is transparent has no colour.
    threshold: Decimal<0, 100_000>, default = Decimal::literal::<4_000>(), positional;
    /// The colour; without it that of the top left corner.
    color: Color, optional;
}

impl Operation for Trim {
    /// It looks at colours, and what it leaves depends on them.
    const TOUCHES: Touches = Touches::Both;
}
