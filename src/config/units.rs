//! Durations (`30s`) and sizes (`64MiB`) as people write them. Reading and printing are exact inverses, which the
//! generated `config.toml` and the values kept by the settings need; the usual crates print rounded numbers.

use std::time::Duration;

/// A unit's spelling and how many of the smallest units it is.
type Unit = (&'static str, u64);

/// Milliseconds per unit. Spelled in lower case only: `m` and `M` must not be guessed at.
const TIME: [Unit; 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Bytes per unit: IEC for powers of two, SI for powers of ten.
const SIZE: [Unit; 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Reads a duration such as `500ms`, `30s`, `5m`, `2h`, `7d`; the unit is required.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (amount, unit) = split(text)?;
    let (_, millis) = TIME.iter().find(|(name, _)| *name == unit)?;
    amount.checked_mul(*millis).map(Duration::from_millis)
}

/// Reads a size such as `64MiB`, `100MB` or plain bytes; the case of the unit does not matter.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let (amount, unit) = split(text)?;
    let unit = if unit.is_empty() { "B" } else { unit };
    let (_, bytes) = SIZE.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    amount.checked_mul(*bytes)
}

/// The shortest exact spelling of a duration, to the millisecond.
pub(crate) fn print_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 { "0s".to_owned() } else { print(millis, &TIME) }
}

/// The shortest exact spelling of a size.
pub(crate) fn print_size(bytes: u64) -> String {
    print(bytes, &SIZE)
}

/// The amount and its unit; a fraction or a sign is neither.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

/// The amount in the unit that divides it and leaves the smallest number.
fn print(amount: u64, units: &[Unit]) -> String {
    let exact = units.iter().filter(|(_, size)| amount.is_multiple_of(*size));
    let (name, size) = exact.min_by_key(|(_, size)| amount / size).expect("the smallest unit divides everything");
    format!("{}{name}", amount / size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_with_their_unit_only() {
        for (text, millis) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2 h", 7_200_000), ("7d", 604_800_000), ("0s", 0)] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "30", "s", "-1s", "1.5s", "30S", "5min", "1m30s", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_in_powers_of_two_and_of_ten() {
        for (text, bytes) in [("0", 0), ("1024", 1024), ("64MiB", 64 << 20), ("64 mib", 64 << 20), ("100MB", 100_000_000), ("1kB", 1000)] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "1XB", "99999999TiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn the_shortest_exact_unit_is_printed() {
        assert_eq!(print_size(1536 << 20), "1536MiB");
        assert_eq!(print_size(100_000_000), "100MB");
        assert_eq!(print_size(1), "1B");
        assert_eq!(print_duration(Duration::from_secs(90)), "90s");
        assert_eq!(print_duration(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(amount: u64) {
            prop_assert_eq!(parse_size(&print_size(amount)), Some(amount));
            let duration = Duration::from_millis(amount);
            prop_assert_eq!(parse_duration(&print_duration(duration)), Some(duration));
        }
    }
}
