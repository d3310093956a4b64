//! The program `safelight`: everything it does begins in [`safelight::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    // Arms the failpoints named in the environment for as long as the process lives.
    #[cfg(feature = "faults")]
    let _scenario = fail::FailScenario::setup();
    safelight::cli::run()
}
