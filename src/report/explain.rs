//! One run as text that people read: its events in order of time.

use serde::Serialize;

use super::format::{clock, counted};
use super::json::{SCHEMA_VERSION, pretty};
use super::layout::columns;
use crate::ledger::RunLog;

/// The event log of a run, a line per event: time from time zero, event, replica, version, detail.
pub fn text(scenario_name: &str, run: u64, log: &RunLog) -> String {
    let mut rows = vec![["time", "event", "replica", "version", "detail"].map(str::to_owned).to_vec()];
    rows.extend(log.events.iter().map(|event| {
        vec![
            clock(event.time.0),
            event.event.to_owned(),
            event.replica.map_or_else(String::new, |replica| replica.to_string()),
            event.version.to_owned(),
            event.detail.clone(),
        ]
    }));
    let mut lines = vec![format!("{scenario_name}: run {run}"), String::new()];
    lines.extend(columns(&rows, &[0, 2]));
    lines.push(String::new());
    lines.push(ending(log));
    lines.join("\n") + "\n"
}

#[derive(Serialize)]
struct EventJson<'a> {
    time_s: f64,
    event: &'a str,
    replica: Option<u32>,
    version: &'a str,
    detail: &'a str,
}

#[derive(Serialize)]
struct RunJson<'a> {
    schema_version: u32,
    scenario: &'a str,
    run: u64,
    events: Vec<EventJson<'a>>,
}

/// The event log of a run as JSON.
pub fn json(scenario_name: &str, run: u64, log: &RunLog) -> String {
    let events = log.events.iter().map(|row| EventJson {
        time_s: row.time.seconds(),
        event: row.event,
        replica: row.replica,
        version: row.version,
        detail: &row.detail,
    });
    pretty(&RunJson { schema_version: SCHEMA_VERSION, scenario: scenario_name, run, events: events.collect() })
}

/// How the run's attempts ended, most frequent outcome first.
fn ending(log: &RunLog) -> String {
    let mut outcomes: Vec<(&str, u64)> = Vec::new();
    for request in &log.requests {
        match outcomes.iter_mut().find(|(name, _)| *name == request.outcome) {
            Some((_, count)) => *count += 1,
            None => outcomes.push((request.outcome, 1)),
        }
    }
    outcomes.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let parts: Vec<String> =
        outcomes.iter().map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    let attempts = counted(log.requests.len() as u64, "attempt");
    if parts.is_empty() {
        format!("{attempts}, warm-up and cool-down included")
    } else {
        format!("{attempts}, warm-up and cool-down included: {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::EventRow;
    use crate::units::Time;

    #[test]
    fn events_are_aligned_in_columns() {
        let event = |time, event, replica, version, detail: &str| EventRow {
            time: Time(time),
            event,
            replica,
            version,
            detail: detail.to_owned(),
            why: String::new(),
        };
        let log = RunLog {
            events: vec![
                event(1_200_000_000_000, "rollout_started", None, "new", ""),
                event(1_200_000_000_000, "scaled", None, "new", "new=2"),
                event(1_395_250_000_000, "ready", Some(8), "new", ""),
            ],
            requests: Vec::new(),
        };
        insta::assert_snapshot!(text("A fleet", 3, &log));
    }
}
