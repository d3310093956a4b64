//! Matrices of colours.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};
use serde_json::value::RawValue;

use super::number::thousandths;
use crate::domain::pipeline::call::{Argument, Kind, Value};
use crate::domain::pipeline::print::Scalar;

/// A linear map of colours, in thousandths: a row each for red, green and blue of the result, with the parts of red, green,
/// blue and of the full range that it is the sum of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColorMatrix([i32; 12]);

impl ColorMatrix {
    const LARGEST: i32 = 10_000;

    /// The rows: the factors of red, green and blue, and what is added, 1 being the full range.
    #[must_use]
    pub fn rows(self) -> [[f32; 4]; 3] {
        let row = |row: usize| std::array::from_fn(|column| self.0[row * 4 + column] as f32 / 1000.0);
        [row(0), row(1), row(2)]
    }

    /// Nine numbers, or twelve of which every fourth is added.
    fn new(numbers: &[i64]) -> Option<Self> {
        let within = |number: i64| i32::try_from(number).ok().filter(|number| number.abs() <= Self::LARGEST);
        let numbers: Vec<i32> = numbers.iter().map(|number| within(*number)).collect::<Option<_>>()?;
        match numbers[..] {
            [a, b, c, d, e, f, g, h, i] => Some(Self([a, b, c, 0, d, e, f, 0, g, h, i, 0])),
            _ => numbers.try_into().ok().map(Self),
        }
    }
}

impl Argument for ColorMatrix {
    fn expected() -> String {
        "9 numbers (three rows of factors for red, green and blue) or 12 (each row with a number that is added), -10 to 10, separated by ';' \
         or as a JSON array"
            .to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let numbers: Option<Vec<i64>> = match value.kind {
            Kind::Other(_) => {
                let items: Vec<&RawValue> = serde_json::from_str(&value.word.text).ok()?;
                items.into_iter().map(|item| thousandths(item.get())).collect()
            }
            _ => value.text()?.split(';').map(thousandths).collect(),
        };
        Self::new(&numbers?)
    }

    /// Nine numbers where nothing is added, else twelve.
    fn scalar(&self) -> Scalar {
        let rows = self.0.as_chunks::<4>().0;
        let columns = if rows.iter().all(|row| row[3] == 0) { 3 } else { 4 };
        Scalar::List(rows.iter().flat_map(|row| &row[..columns]).map(|number| i64::from(*number)).collect())
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        let factors = proptest::array::uniform12(-Self::LARGEST..=Self::LARGEST);
        (factors, proptest::bool::ANY)
            .prop_map(|(mut numbers, added)| {
                if !added {
                    numbers.iter_mut().skip(3).step_by(4).for_each(|added| *added = 0);
                }
                Self(numbers)
            })
            .boxed()
    }
}
