//! Angles, and those of them that move pixels without mixing them.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use super::number::thousandths;
use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

/// All the way around, in thousandths of a degree.
const TURN: i64 = 360_000;

/// A clockwise angle: 0 to 359.999 degrees. A negative one is read as what is left of a whole turn, so that two spellings of one angle
/// are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Angle(u32);

impl Angle {
    /// In degrees.
    #[must_use]
    pub fn degrees(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// `None` for an angle between quarter turns.
    #[must_use]
    pub fn quarter_turns(self) -> Option<Rotation> {
        match self.0 {
            0 => Some(Rotation::None),
            90_000 => Some(Rotation::Right),
            180_000 => Some(Rotation::Half),
            270_000 => Some(Rotation::Left),
            _ => None,
        }
    }
}

impl From<Rotation> for Angle {
    fn from(rotation: Rotation) -> Self {
        Self(match rotation {
            Rotation::None => 0,
            Rotation::Right => 90_000,
            Rotation::Half => 180_000,
            Rotation::Left => 270_000,
        })
    }
}

impl Argument for Angle {
    fn expected() -> String {
        "a number of degrees, -360 to 360, with at most 3 decimals".to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let asked = thousandths(value.number()?).filter(|asked| (-TURN..=TURN).contains(asked))?;
        u32::try_from(asked.rem_euclid(TURN)).ok().map(Self)
    }

    fn scalar(&self) -> Scalar {
        Scalar::Number(self.0.into())
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::prop_oneof![0..360_000_u32, proptest::sample::select(vec![0, 90_000, 180_000, 270_000])].prop_map(Self).boxed()
    }
}

/// A clockwise rotation by quarter turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// No turn at all.
    None,
    /// A quarter turn clockwise.
    Right,
    /// A half turn.
    Half,
    /// A quarter turn counter-clockwise.
    Left,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_angle_is_equal_however_it_is_written() {
        let angle = |text| Angle::read(&Value::bare(text));
        assert_eq!(angle("-90"), angle("270"));
        assert_eq!(angle("360"), angle("0"));
        assert_eq!(angle("-360"), angle("-0"));
        assert_eq!(angle("-12.5").map(Angle::degrees), Some(347.5));
        for none in ["360.001", "-361", "1.2345", "1e2", "right"] {
            assert_eq!(angle(none), None, "{none}");
        }
    }

    #[test]
    fn quarter_turns_are_found_and_nothing_else() {
        for rotation in [Rotation::None, Rotation::Right, Rotation::Half, Rotation::Left] {
            assert_eq!(Angle::from(rotation).quarter_turns(), Some(rotation));
        }
        assert_eq!(Angle(90_001).quarter_turns(), None);
    }
}
