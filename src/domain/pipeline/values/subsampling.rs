//! How many samples of colour a JPEG has.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

/// How many samples of colour there are to those of lightness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subsampling {
    /// A half along each axis.
    Quarter,
    /// A half along the width.
    Half,
    /// As many.
    Full,
}

impl Subsampling {
    const ALL: [Self; 3] = [Self::Quarter, Self::Half, Self::Full];

    /// The usual name, J:a:b, as a number.
    fn number(self) -> u64 {
        match self {
            Self::Quarter => 420,
            Self::Half => 422,
            Self::Full => 444,
        }
    }
}

impl Argument for Subsampling {
    fn expected() -> String {
        "420, 422 or 444".to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let number = value.integer()?;
        Self::ALL.into_iter().find(|candidate| candidate.number() == number)
    }

    fn scalar(&self) -> Scalar {
        Scalar::Number(self.number() as i64 * 1000)
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::sample::select(&Self::ALL).boxed()
    }
}
