//! The reference follows the real tree event by event, and says which event was not allowed, and which had to happen and did not.
//!
//! Some things take no time but a turn of the real tree, which the reference does not count: an order to start that is taken back in
//! the same instant, for example, may or may not be seen to begin. Where events allow more than one reading, the reference follows
//! all of them, until all but one have turned out wrong.
//!
//! It does not follow an order on its way through several supervisors. When one gives up in the very instant in which it became ready,
//! a neighbour may start more than one child before it is told to stop; the reference then complains without cause. That is one
//! schedule in 200,000, and none of the first 200,000.

use std::iter::successors;

use super::table::{Event, Id, Ms, Table};

/// See the module.
pub(crate) struct Reference {
    /// The readings of what has happened so far; never empty.
    readings: Vec<Table>,
    /// The first event, or missing event, that no reading allows.
    pub(crate) complaint: Option<String>,
}

impl Reference {
    pub(crate) fn new(mut table: Table) -> Self {
        table.start();
        Self { readings: vec![table], complaint: None }
    }

    pub(crate) fn hear(&mut self, id: Id, event: &Event, now: Ms) {
        self.advance(now);
        let later = |table: &Table| {
            let mut table = table.clone();
            table.catch_up().then_some(table)
        };
        let readings = self.readings.iter().flat_map(|table| successors(Some(table.clone()), later));
        let heard = readings.map(|mut table| table.hear(id, event).map(|()| table)).collect();
        self.keep(heard);
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, to: Ms) {
        let later = self.readings.iter().cloned().map(|mut table| table.advance(to).map(|()| table)).collect();
        self.keep(later);
    }

    fn keep(&mut self, readings: Vec<Result<Table, String>>) {
        let mut kept: Vec<Table> = Vec::new();
        let mut complaint = None;
        for reading in readings {
            match reading {
                Ok(table) if !kept.contains(&table) => kept.push(table),
                Ok(_) => {}
                Err(error) => complaint = Some(error),
            }
        }
        if kept.is_empty() {
            self.complaint = self.complaint.take().or(complaint);
        } else {
            self.readings = kept;
        }
    }

    /// The state of the tree. Readings that are left may differ in why a child failed, but when all is quiet no more in what runs.
    pub(crate) fn table(&self) -> &Table {
        &self.readings[0]
    }

    /// All that may have happened.
    pub(crate) fn readings(&self) -> &[Table] {
        &self.readings
    }
}
