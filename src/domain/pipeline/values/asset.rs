//! Assets as arguments.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::asset::AssetRef;
use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

impl Argument for AssetRef {
    fn expected() -> String {
        "the name of an asset such as logo (a lower-case letter, then up to 63 of a-z, 0-9, _ and -), or one version of it: logo@ and its id".to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        value.text()?.parse().ok()
    }

    fn scalar(&self) -> Scalar {
        Scalar::Word(self.to_string())
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        let name = proptest::string::string_regex("[a-z][a-z0-9_-]{0,9}").expect("a regular expression");
        let version = proptest::option::of(proptest::num::u128::ANY.prop_map(|bits| uuid::Uuid::from_u128(bits).into()));
        (name, version).prop_map(|(name, version)| Self { name: name.parse().expect("a name"), version }).boxed()
    }
}
