//! What of an image is kept where not all of it is.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};
use serde_json::value::RawValue;

use super::number::thousandths;
use super::{Gravity, Interest, Portion};
use crate::domain::pipeline::area::Area;
use crate::domain::pipeline::call::{Argument, Kind, Value};
use crate::domain::pipeline::print::Scalar;

/// What a part of an image that is kept is chosen by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// A place of the image.
    Gravity(Gravity),
    /// A point: parts of the width and of the height, from the left and from the top. It comes as near to the middle of what is
    /// kept as the borders of the image let it.
    Point(Portion, Portion),
    /// What is in the image.
    Interest(Interest),
}

impl Focus {
    /// The middle.
    pub const CENTER: Self = Self::Gravity(Gravity::Center);

    /// The part of that size of a whole of that size, both in pixels; the part is nowhere larger. Where the pixels decide it stands for
    /// one of its size: the middle.
    #[must_use]
    pub fn area(self, whole: (u32, u32), (width, height): (u32, u32)) -> Area {
        let room = (whole.0 - width, whole.1 - height);
        let (left, top) = match self {
            Self::Gravity(gravity) => gravity.place(room),
            Self::Interest(_) => Gravity::Center.place(room),
            Self::Point(x, y) => (around(x, whole.0, width).min(room.0), around(y, whole.1, height).min(room.1)),
        };
        Area { left, top, width, height }
    }

    /// What the pixels are looked at for, where they decide.
    #[must_use]
    pub fn interest(self) -> Option<Interest> {
        match self {
            Self::Interest(interest) => Some(interest),
            Self::Gravity(_) | Self::Point(..) => None,
        }
    }
}

/// Where a part begins that has a point of the whole in its middle, or 0 where that is before the whole.
fn around(point: Portion, whole: u32, part: u32) -> u32 {
    let middle = (i64::from(point.thousandths()) * i64::from(whole) * 2 + 1000) / 2000;
    u32::try_from(middle - i64::from(part / 2)).unwrap_or(0)
}

impl Argument for Focus {
    fn expected() -> String {
        format!("one of {}, or a point such as 0.3;0.7 (parts of the width and of the height; in JSON an array)", Self::words().join(", "))
    }

    fn words() -> Vec<&'static str> {
        Gravity::words().into_iter().chain(Interest::words()).collect()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        if let Some(gravity) = Gravity::read(value) {
            return Some(Self::Gravity(gravity));
        }
        if let Some(interest) = Interest::read(value) {
            return Some(Self::Interest(interest));
        }
        let numbers: Vec<i64> = match value.kind {
            Kind::Other(_) => {
                let items: Vec<&RawValue> = serde_json::from_str(&value.word.text).ok()?;
                items.into_iter().map(|item| thousandths(item.get())).collect::<Option<_>>()?
            }
            _ => value.text()?.split(';').map(thousandths).collect::<Option<_>>()?,
        };
        let portion = |number: i64| Portion::new(number.try_into().ok()?);
        match numbers[..] {
            [x, y] => Some(Self::Point(portion(x)?, portion(y)?)),
            _ => None,
        }
    }

    fn scalar(&self) -> Scalar {
        match self {
            Self::Gravity(gravity) => gravity.scalar(),
            Self::Interest(interest) => interest.scalar(),
            Self::Point(x, y) => Scalar::List(vec![x.thousandths().into(), y.thousandths().into()]),
        }
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        let point = (Portion::any(), Portion::any()).prop_map(|(x, y)| Self::Point(x, y));
        proptest::prop_oneof![Gravity::any().prop_map(Self::Gravity), Interest::any().prop_map(Self::Interest), point].boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_in_the_middle_unless_a_border_is_near() {
        let point = |x, y| Focus::Point(Portion::new(x).unwrap(), Portion::new(y).unwrap()).area((100, 60), (20, 30));
        assert_eq!(point(500, 500), Area { left: 40, top: 15, width: 20, height: 30 });
        assert_eq!(point(300, 400), Area { left: 20, top: 9, width: 20, height: 30 });
        assert_eq!(point(0, 1000), Area { left: 0, top: 30, width: 20, height: 30 });
        assert_eq!(point(1000, 0), Area { left: 80, top: 0, width: 20, height: 30 });
    }
}
