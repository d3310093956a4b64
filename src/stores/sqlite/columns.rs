//! Columns of a row as checked values.
//!
//! A column is named, or given by its place. SQLite finds a name by comparing it with one after the other, which for a row as wide as that of
//! a task costs more than finding the row; so the names of [`task`] and [`attempt`] become places when the program is compiled.
//!
//! [`task`]: super::rows::task
//! [`attempt`]: super::rows::attempt

use std::fmt::Display;
use std::str::FromStr;

use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Row, RowIndex};
use serde::de::DeserializeOwned;

use crate::domain::timestamp::Timestamp;
use crate::stores::sqlite::fault::Fault;

/// The place of `name` in a list such as `id, seq, state`.
///
/// # Panics
/// If it is not there; in a `const` that is an error of the compiler.
pub(super) const fn place(list: &str, name: &str) -> usize {
    let (list, name) = (list.as_bytes(), name.as_bytes());
    let (mut place, mut start, mut at) = (0, 0, 0);
    while at <= list.len() {
        if at == list.len() || list[at] == b',' {
            if is_same(list, start, at, name) {
                return place;
            }
            place += 1;
            // Behind the comma and the space.
            start = at + 2;
        }
        at += 1;
    }
    panic!("no such column is selected")
}

const fn is_same(list: &[u8], start: usize, end: usize, name: &[u8]) -> bool {
    if start + name.len() != end {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if list[start + at] != name[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A column that holds a `T`.
pub(super) fn required<T: FromSql>(row: &Row<'_>, column: impl RowIndex) -> Result<T, Fault> {
    Ok(row.get(column)?)
}

/// A column that holds an unsigned number.
pub(super) fn uint(row: &Row<'_>, column: impl RowIndex) -> Result<u64, Fault> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| corrupt(row, column, "is negative"))
}

/// A column that holds the printed form of a domain type.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: impl RowIndex) -> Result<T, Fault> {
    let text = text(row, column)?;
    text.parse().map_err(|error| corrupt(row, column, format_args!("{text:?}: {error}")))
}

/// A column that may hold a moment of the wall clock.
pub(super) fn moment(row: &Row<'_>, column: impl RowIndex) -> Result<Option<Timestamp>, Fault> {
    if is_null(row, column)? { Ok(None) } else { uint(row, column).map(|ms| Some(Timestamp(ms))) }
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: impl RowIndex) -> Result<T, Fault> {
    let text = text(row, column)?;
    serde_json::from_str(text).map_err(|error| corrupt(row, column, format_args!("{text:?}: {error}")))
}

/// A column that may hold JSON.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: impl RowIndex) -> Result<Option<T>, Fault> {
    if is_null(row, column)? { Ok(None) } else { json(row, column).map(Some) }
}

/// Whether a column holds nothing.
pub(super) fn is_null(row: &Row<'_>, column: impl RowIndex) -> Result<bool, Fault> {
    Ok(matches!(row.get_ref(column)?, ValueRef::Null))
}

/// The text of a column, not copied.
pub(super) fn text<'row>(row: &'row Row<'_>, column: impl RowIndex) -> Result<&'row str, Fault> {
    let value = row.get_ref(column)?;
    value.as_str().map_err(|_| corrupt(row, column, format_args!("holds no text but {}", value.data_type())))
}

fn corrupt(row: &Row<'_>, column: impl RowIndex, what: impl Display) -> Fault {
    let name = column.idx(row.as_ref()).and_then(|place| row.as_ref().column_name(place));
    Fault::Corrupt(format!("{} {what}", name.unwrap_or("a column")))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_name_stands_for_its_place() {
        for (place_of_it, name) in ["id", "state_before", "state", "seq"].into_iter().enumerate() {
            assert_eq!(place("id, state_before, state, seq", name), place_of_it);
        }
    }

    #[test]
    #[should_panic(expected = "no such column")]
    fn a_name_that_is_not_there_has_none() {
        place("id, state_before", "state");
    }

    #[test]
    fn a_value_that_cannot_be_told_names_its_column() {
        let connection = Connection::open_in_memory().unwrap();
        let fault = |read: fn(&Row<'_>) -> Result<u64, Fault>| {
            connection
                .query_row("SELECT -1 AS length, 'x' AS size, 7 AS format, '{' AS probe", [], |row| Ok(read(row)))
                .unwrap()
                .unwrap_err()
        };
        for (fault, expected) in [
            (fault(|row| uint(row, 0)), "length is negative"),
            (fault(|row| uint(row, "length")), "length is negative"),
            (fault(|row| parsed(row, 1)), "size \"x\": invalid digit found in string"),
            (fault(|row| parsed(row, 2)), "format holds no text but Integer"),
            (fault(|row| json(row, 3)), "probe \"{\": "),
        ] {
            assert!(matches!(&fault, Fault::Corrupt(text) if text.starts_with(expected)), "{fault:?}, expected {expected}");
        }
    }
}
