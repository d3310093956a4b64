//! Scopes: what a key is good for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that a key can be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Hand in images, and cancel, retry and delete what is one's own.
    Submit,
    /// Ask about what is one's own, and download it.
    Read,
    /// Everything: others' tasks, settings, assets and keys, too.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Submit, Self::Read, Self::Admin];

    /// The scope's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scopes of one key: at least one.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<&'static str>", try_from = "Vec<String>")]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self(0b111);

    /// Whether something that needs `scope` may be done; `admin` includes the others.
    #[must_use]
    pub fn include(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// The scopes that were given, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & scope.bit() != 0)
    }
}

/// The text was not a list of scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScopes {
    /// There is no scope of that name.
    #[error("{0:?} is not a scope: expected submit, read or admin")]
    Unknown(String),
    /// A key without a scope would be good for nothing.
    #[error("a key needs at least one scope: submit, read or admin")]
    None,
}

/// The scopes of these names.
fn named<'t>(names: impl Iterator<Item = &'t str>) -> Result<Scopes, InvalidScopes> {
    let scope = |name: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == name).ok_or_else(|| InvalidScopes::Unknown(name.into()));
    let bits = names.map(scope).try_fold(0, |bits, scope| scope.map(|scope| bits | scope.bit()))?;
    if bits == 0 { Err(InvalidScopes::None) } else { Ok(Scopes(bits)) }
}

impl FromStr for Scopes {
    type Err = InvalidScopes;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        named(text.split(',').map(str::trim))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Scope::as_str).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

impl From<Scopes> for Vec<&'static str> {
    fn from(scopes: Scopes) -> Self {
        scopes.iter().map(Scope::as_str).collect()
    }
}

impl TryFrom<Vec<String>> for Scopes {
    type Error = InvalidScopes;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        named(names.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_what_they_print() {
        for text in ["submit", "read", "admin", "submit,read", "submit,read,admin"] {
            assert_eq!(text.parse::<Scopes>().map(|scopes| scopes.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("read, submit,read".parse::<Scopes>().map(|scopes| scopes.to_string()).as_deref(), Ok("submit,read"));
        assert_eq!("write".parse::<Scopes>(), Err(InvalidScopes::Unknown("write".into())));
        assert_eq!(Scopes::try_from(Vec::new()), Err(InvalidScopes::None));
    }

    #[test]
    fn only_an_admin_may_do_what_was_not_named() {
        let may = |text: &str| Scope::ALL.map(|scope| text.parse::<Scopes>().expect("scopes").include(scope));
        assert_eq!(may("submit"), [true, false, false]);
        assert_eq!(may("submit,read"), [true, true, false]);
        assert_eq!(may("admin"), [true, true, true]);
    }
}
