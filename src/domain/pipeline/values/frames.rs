//! Which frames of a file.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

/// Which frames of an animation are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Frames {
    /// All, where the output can be animated; else the first.
    All,
    /// The one with this number, counted from 0.
    One(u16),
}

impl Argument for Frames {
    fn expected() -> String {
        format!("all, first, or the number of a frame, 0 to {}", u16::MAX)
    }

    fn words() -> Vec<&'static str> {
        vec!["all", "first"]
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        match value.text() {
            Some("all") => Some(Self::All),
            Some("first") => Some(Self::One(0)),
            _ => value.integer()?.try_into().ok().map(Self::One),
        }
    }

    fn scalar(&self) -> Scalar {
        match self {
            Self::All => Scalar::Word("all".to_owned()),
            Self::One(0) => Scalar::Word("first".to_owned()),
            Self::One(number) => Scalar::Number(i64::from(*number) * 1000),
        }
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::option::of(proptest::num::u16::ANY).prop_map(|number| number.map_or(Self::All, Self::One)).boxed()
    }
}
