//! What every operation and every output declares about itself, once: its name, its parameters with their ranges and
//! defaults, its examples. Reading, printing, error messages and docs/operations.md all come from this declaration.

use super::call::Arguments;
use super::error::PipelineError;
use super::parameter::Parameter;
use super::print::Field;

/// What an operation looks at and changes; the planner reorders and fuses by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touches {
    /// Each pixel by itself, and the mean of pixels as it does each of them: it can trade places with whatever moves or averages
    /// pixels.
    LinearColours,
    /// Each pixel by itself, but not as the mean of others: where results are clamped or curved, what was averaged before comes out
    /// otherwise than what is averaged after.
    Colours,
    /// The places of pixels, never their colours: nothing is interpolated.
    Places,
    /// Both, or pixels together with their neighbours.
    Both,
}

/// An operation or an output as it is listed to people.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// The name in both forms.
    pub name: &'static str,
    /// What it does, in Markdown; the first sentence stands for the whole.
    pub text: &'static [&'static str],
    /// What it takes, in the order in which it is printed.
    pub parameters: &'static [Parameter],
    /// Compact forms that are worth showing; the first has a picture.
    pub examples: &'static [&'static str],
}

/// A type that is declared: one operation or one output.
pub(super) trait Declared: Sized {
    /// The declaration.
    const DECLARATION: Declaration;

    /// Reads the arguments that were bound to the declared parameters.
    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError>;

    /// The arguments to print, in the order of the parameters: all that have a value, defaults too.
    fn fields(&self) -> Vec<Field>;

    /// Any value of the type, for the properties.
    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Self>;
}

/// Declares an operation or an output whose arguments are independent of each other:
///
/// ```text
/// declare! {
///     /// What it does.
///     pub struct Brightness = "brightness", ["brightness:20"];
///     /// What the argument means.
///     amount: Percent, required, positional;
///     gravity as "g": Gravity, default = Gravity::Center;
///     seed: Whole<0, 100>, optional;
/// }
/// ```
///
/// An optional field has the type `Option`, all fields are public. A positional parameter may be given without its name in
/// the compact form; such parameters come first.
macro_rules! declare {
    (
        $(#[doc = $text:literal])+
        pub struct $type:ident = $name:literal, [$($example:literal),+];
        $($(#[doc = $about:literal])+ $field:ident $(as $short:literal)? : $of:ty, $need:ident $(= $default:expr)? $(, $positional:ident)?;)*
    ) => {
        $(#[doc = $text])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $type {
            $($(#[doc = $about])+ pub $field: declare!(@type $need $of),)*
        }

        impl $crate::domain::pipeline::operation::Declared for $type {
            const DECLARATION: $crate::domain::pipeline::operation::Declaration = $crate::domain::pipeline::operation::Declaration {
                name: $name,
                text: &[$($text),+],
                parameters: &[$(
                    $crate::domain::pipeline::parameter::Parameter::declared::<$of>(stringify!($field), &[$($about),+])
                        $(.short($short))?
                        .need(declare!(@need $need $of $(, $default)?))
                        $(.$positional())?
                ),*],
                examples: &[$($example),+],
            };

            #[allow(unused_variables, reason = "some take no argument")]
            fn read(
                arguments: &mut $crate::domain::pipeline::call::Arguments<'_>,
            ) -> Result<Self, $crate::domain::pipeline::error::PipelineError> {
                Ok(Self { $($field: declare!(@read arguments, stringify!($field), $need $of $(, $default)?),)* })
            }

            fn fields(&self) -> Vec<$crate::domain::pipeline::print::Field> {
                let printed: Vec<Option<$crate::domain::pipeline::print::Scalar>> = vec![$(declare!(@print $need, self.$field)),*];
                $crate::domain::pipeline::print::fields(Self::DECLARATION.parameters, printed)
            }

            #[cfg(test)]
            fn any() -> proptest::strategy::BoxedStrategy<Self> {
                use proptest::strategy::Strategy;
                (proptest::strategy::Just(()), $(declare!(@any $need $of)),*).prop_map(|((), $($field),*)| Self { $($field),* }).boxed()
            }
        }
    };

    (@type optional $of:ty) => { Option<$of> };
    (@type $need:ident $of:ty) => { $of };

    (@need required $of:ty) => { $crate::domain::pipeline::parameter::Need::Required };
    (@need optional $of:ty) => { $crate::domain::pipeline::parameter::Need::Optional };
    (@need default $of:ty, $default:expr) => {
        $crate::domain::pipeline::parameter::Need::Default(|| $crate::domain::pipeline::call::Argument::scalar(&{ let value: $of = $default; value }))
    };

    (@read $arguments:ident, $name:expr, required $of:ty) => { $arguments.required::<$of>($name)? };
    (@read $arguments:ident, $name:expr, optional $of:ty) => { $arguments.optional::<$of>($name)? };
    (@read $arguments:ident, $name:expr, default $of:ty, $default:expr) => {
        match $arguments.optional::<$of>($name)? {
            Some(read) => read,
            None => $default,
        }
    };

    (@print optional, $value:expr) => { $value.as_ref().map($crate::domain::pipeline::call::Argument::scalar) };
    (@print $need:ident, $value:expr) => { Some($crate::domain::pipeline::call::Argument::scalar(&$value)) };

    (@any optional $of:ty) => { proptest::option::of(<$of as $crate::domain::pipeline::call::Argument>::any()) };
    (@any $need:ident $of:ty) => { <$of as $crate::domain::pipeline::call::Argument>::any() };
}
pub(super) use declare;
