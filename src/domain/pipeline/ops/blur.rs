//! Operations that are made of a Gaussian.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Decimal, Factor};

/// The standard deviation of a Gaussian, in pixels.
pub type Sigma = Decimal<100, 250_000>;

/// The rows that are kept to blur down the columns, each a float for every channel: those of the widest kernel, of which nine
/// standard deviations have a weight.
fn kept_rows(sigma: Sigma, bytes_per_pixel: u64) -> u64 {
    let rows = (9.0 * sigma.get()).ceil() as u64 + 20;
    rows * 4 * bytes_per_pixel.min(4)
}

declare! {
    /// Blurs by a Gaussian. Above a `sigma` of 4 three means over boxes with the same variance take its place, which differ from it by less than
    /// a hundredth of the range along a straight edge, and by less than a twenty-fifth anywhere. What is transparent does not bleed; beyond
    /// the edges the image goes on as its last pixels are.
    pub struct Blur = "blur", ["blur:3", "blur:0.8"];
    /// The standard deviation in pixels.
    sigma: Sigma, required, positional;
}

impl Operation for Blur {
    const TOUCHES: Touches = Touches::Both;

    fn scratch_of_column(&self, bytes_per_pixel: u64) -> u64 {
        kept_rows(self.sigma, bytes_per_pixel)
    }
}

declare! {
    /// Sharpens by an unsharp mask: adds to every colour channel its difference from the blurred image. Alpha stays.
    pub struct Sharpen = "sharpen", ["sharpen", "sharpen:2,amount=0.5,threshold=2"];
    /// The standard deviation of the blur, in pixels.
    sigma: Sigma, default = Decimal::literal::<1_000>(), positional;
    /// The factor of the difference.
    amount: Factor, default = Decimal::literal::<1_000>();
    /// Differences below so many percent of the range are left as they are.
    threshold: Decimal<0, 100_000>, default = Decimal::literal::<0>();
}

impl Operation for Sharpen {
    const TOUCHES: Touches = Touches::Both;

    fn scratch_of_column(&self, bytes_per_pixel: u64) -> u64 {
        kept_rows(self.sigma, bytes_per_pixel)
    }
}
