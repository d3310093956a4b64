//! The child process against its parent: an honest child that is reused, a hostile one that must harm nothing, and the lives
//! and deaths of both. The binary executes itself as the child (`__child NAME`) and as a parent to be killed (`__parent`).
//!
//! The tests run one after the other, because they count the descriptors and the children of this process.
#![allow(clippy::unwrap_used)] // Without `#[test]` the lint does not see that these are tests.

/// The list of a module's tests, under the names that `cargo test` would give them. A test that is not listed is dead code.
macro_rules! trials {
    ($($(#[$attribute:meta])* $test:ident,)+) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$($(#[$attribute])* crate::trial(concat!(module_path!(), "::", stringify!($test)), $test),)+]
        }
    };
}

mod corpus;
mod fake;
mod honest;
mod hostile;
mod lifetime;
mod raw;
mod real;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match (words.next().as_deref(), words.next()) {
        (Some("__child"), Some(name)) if name == fake::NAME => fake::main(),
        (Some("__child"), Some(name)) if name == real::NAME => safelight::sandbox::child_main(),
        (Some("__child"), Some(name)) => raw::main(&name),
        (Some("__parent"), _) => lifetime::parent_main(),
        _ => run(Arguments::from_args()),
    }
}

fn run(mut arguments: Arguments) -> ExitCode {
    arguments.test_threads = Some(1);
    support::log::capture();
    let trials =
        [corpus::trials, honest::trials, hostile::trials, lifetime::trials, real::trials].iter().flat_map(|trials| trials()).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(path: &str, test: fn()) -> Trial {
    let name = path.split_once("::").map_or(path, |(_crate, name)| name);
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
