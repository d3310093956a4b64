//! Operations that move whole channels.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::ChannelOrder;

declare! {
    /// Reorders the colour channels. Alpha stays, and a gray image is left as it is.
    pub struct SwapChannels = "swap_channels", ["swap_channels", "swap_channels:gbr"];
    /// Where the red, the green and the blue of the result come from.
    order: ChannelOrder, default = ChannelOrder::BGR, positional;
}

impl Operation for SwapChannels {
    const TOUCHES: Touches = Touches::LinearColours;
}
