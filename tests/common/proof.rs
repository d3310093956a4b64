//! The two sizes of a proof: a tenth of it or more in every run of the tests, all of it in a campaign.
//!
//! `SAFELIGHT_CAMPAIGN` names the directory where a campaign collects one row per proof (`make campaign` sets it and puts the
//! rows into docs/reliability.md); without it every proof is small and only prints its row. `SAFELIGHT_SEED` repeats a run.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Names the directory of the rows, and makes every proof as large as it was meant.
const CAMPAIGN: &str = "SAFELIGHT_CAMPAIGN";

/// Repeats the random choices of an earlier run.
const SEED: &str = "SAFELIGHT_SEED";

/// How often, or how long: `small` in every run of the tests, `full` in a campaign.
pub(crate) fn size<T>(small: T, full: T) -> T {
    if rows().is_some() { full } else { small }
}

/// Where the random choices of a proof come from; printed, so that a failure can be repeated.
pub(crate) struct Dice {
    pub(crate) seed: u64,
    random: fastrand::Rng,
}

impl Dice {
    /// New dice, or those of `SAFELIGHT_SEED`.
    pub(crate) fn new(proof: &str) -> Self {
        let given = env::var(SEED).ok().map(|seed| seed.parse().expect("SAFELIGHT_SEED is a whole number"));
        let seed = given.unwrap_or_else(|| fastrand::u64(..1 << 48));
        println!("{proof}: SAFELIGHT_SEED={seed}");
        Self { seed, random: fastrand::Rng::with_seed(seed) }
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.random.usize(..end)
    }

    /// One of `choices`.
    pub(crate) fn choose<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// A time shorter than `end`.
    pub(crate) fn time(&mut self, end: Duration) -> Duration {
        end.mul_f64(self.random.f64())
    }
}

/// What a proof has shown: printed, and kept as a row of the campaign's table.
///
/// `place` orders the rows (the number of the promise), `proof` is its name, `size` how much was tried, `figures` what was
/// found, `command` the test that shows it again.
pub(crate) fn record(place: u32, proof: &str, size: &str, figures: &str, test: &str, dice: Option<&Dice>) {
    let seed = dice.map_or_else(|| "none".to_owned(), |dice| dice.seed.to_string());
    println!("{proof}: {size}: {figures}");
    if let Some(directory) = rows() {
        let name: String = proof.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
        let day = jiff::Timestamp::now().strftime("%F");
        let row = format!("| {place} | {proof} | {size} | {figures} | `{test}` | {seed} | {day} |\n");
        fs::create_dir_all(&directory).expect("a directory for the rows");
        fs::write(directory.join(format!("{place:02}_{name}.md")), row).expect("the row can be written");
    }
}

/// The median, the 99th percentile and the longest of some times, for a row.
pub(crate) fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let [median, p99, longest] = [50, 99, 100].map(|share| format!("{:.3} s", at(&times, share).as_secs_f64()));
    format!("median {median}, p99 {p99}, longest {longest}")
}

/// The time that `share` per cent of some times are no longer than; zero if there are none.
pub(crate) fn percentile(mut times: Vec<Duration>, share: usize) -> Duration {
    times.sort_unstable();
    at(&times, share)
}

fn at(sorted: &[Duration], share: usize) -> Duration {
    sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Says plainly whether a goal was missed, at the end of a row's figures.
pub(crate) fn against(goal: Duration, name: &str, found: Duration) -> String {
    if found <= goal { String::new() } else { format!("; **misses the goal: {name} within {} s**", goal.as_secs_f64()) }
}

fn rows() -> Option<PathBuf> {
    env::var_os(CAMPAIGN).filter(|directory| !directory.is_empty()).map(PathBuf::from)
}
