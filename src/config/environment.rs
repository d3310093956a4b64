//! The environment as a source: `SAFELIGHT__SECTION__KEY`, everything in capitals.

use std::ffi::{OsStr, OsString};

use crate::config::fault::Place;
use crate::config::loading::Loading;
use crate::config::raw::Raw;

/// What the names of all our variables begin with.
pub(crate) const PREFIX: &str = "SAFELIGHT__";

/// The variable that sets a key.
#[must_use]
pub fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.to_uppercase().replacen('.', "__", 1))
}

/// Takes every variable that begins with [`PREFIX`]; the others are not ours.
pub(crate) fn collect(variables: &[(OsString, OsString)], loading: &mut Loading) {
    for (name, value) in variables {
        if let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) {
            take(name, value, loading);
        }
    }
}

fn take(name: &str, value: &OsStr, loading: &mut Loading) {
    let place = Place::Environment(name.to_owned());
    let path = name[PREFIX.len()..].to_lowercase().replacen("__", ".", 1);
    if variable(&path) != name {
        return loading.fault(place, format!("the names of variables are in capitals; did you mean {}?", variable(&path)));
    }
    match value.to_str() {
        Some(value) => loading.put(&path, &Raw::Untyped(value.to_owned()), place),
        None => loading.fault(place, "the value is not UTF-8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, value: &str) -> Vec<String> {
        let mut loading = Loading::default();
        collect(&[(name.into(), value.into())], &mut loading);
        loading.finish().map_or_else(|faults| faults.faults().iter().map(ToString::to_string).collect(), |_| Vec::new())
    }

    #[test]
    fn other_programs_variables_are_left_alone() {
        for name in ["PATH", "SAFELIGHT_CORPUS", "safelight__workers__count"] {
            assert!(faults(name, "nonsense").is_empty(), "{name}");
        }
    }

    #[test]
    fn a_fault_names_the_variable() {
        let expected = "SAFELIGHT__WORKERS__NICE: workers.nice: expected a whole number from 0 to 19, found \"20\"";
        assert_eq!(faults("SAFELIGHT__WORKERS__NICE", "20"), [expected]);
    }
}
