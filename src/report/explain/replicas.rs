//! The lives of a run's replicas, read off its events: which state each was in at any time, and since when.

use std::collections::BTreeMap;

use crate::ledger::{RunLog, state_after};
use crate::units::Time;

/// One replica's changes in order: when, and the event's name.
#[derive(Clone, Debug)]
pub(super) struct Life<'a> {
    /// Its number.
    pub id: u32,
    /// Its version's name.
    pub version: &'a str,
    /// What happened to it.
    pub changes: Vec<(Time, &'static str)>,
}

impl Life<'_> {
    /// When this last happened to it.
    pub fn when(&self, event: &str) -> Option<Time> {
        self.changes.iter().rev().find(|(_, name)| *name == event).map(|(at, _)| *at)
    }

    /// The state that it is in at a time, after all that happens then, and since when; `None` before it is created.
    pub fn state_at(&self, at: Time) -> Option<(&'static str, Time)> {
        let (since, event) = *self.changes.iter().rev().find(|(time, _)| *time <= at)?;
        Some((state_after(event)?, since))
    }
}

/// Every replica's life, by number.
pub(super) fn lives(log: &RunLog) -> Vec<Life<'_>> {
    let mut lives: BTreeMap<u32, Life<'_>> = BTreeMap::new();
    for event in &log.events {
        // What becomes of its GPUs afterwards is not a part of its life.
        if let Some(id) = event.replica.filter(|_| state_after(event.event).is_some()) {
            let life = lives.entry(id).or_insert_with(|| Life { id, version: &event.version, changes: Vec::new() });
            life.changes.push((event.time, event.event));
        }
    }
    lives.into_values().collect()
}
