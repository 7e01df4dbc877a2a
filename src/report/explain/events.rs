//! Every event of a run in order of time, as text and as JSON.

use serde::Serialize;

use crate::ledger::RunLog;
use crate::report::format::clock;
use crate::report::json::{SCHEMA_VERSION, pretty};
use crate::report::layout::hanging;

/// The event log of a run, a line per event: time from time zero, event, replica, version, detail.
pub(super) fn lines(log: &RunLog, width: usize) -> Vec<String> {
    let mut rows = vec![["time", "event", "replica", "version", "detail"].map(str::to_owned).to_vec()];
    rows.extend(log.events.iter().map(|event| {
        vec![
            clock(event.time.0),
            event.event.to_owned(),
            event.replica.map_or_else(String::new, |replica| replica.to_string()),
            event.version.clone(),
            event.detail.clone(),
        ]
    }));
    hanging(&rows, &[0, 2], width)
}

#[derive(Serialize)]
struct EventJson<'a> {
    time_s: f64,
    event: &'a str,
    replica: Option<u32>,
    version: &'a str,
    detail: &'a str,
    /// Why a controller did it, where one did; else left out.
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'a str,
}

#[derive(Serialize)]
struct RunJson<'a> {
    schema_version: u32,
    scenario: &'a str,
    run: u64,
    events: Vec<EventJson<'a>>,
}

/// The event log of a run as JSON.
pub(super) fn json(scenario_name: &str, run: u64, log: &RunLog) -> String {
    let events = log.events.iter().map(|row| EventJson {
        time_s: row.time.seconds(),
        event: row.event,
        replica: row.replica,
        version: &row.version,
        detail: &row.detail,
        why: &row.why,
    });
    pretty(&RunJson { schema_version: SCHEMA_VERSION, scenario: scenario_name, run, events: events.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::EventRow;
    use crate::units::Time;

    #[test]
    fn events_are_aligned_in_columns() {
        let event = |time, event, replica, version: &str, detail: &str| EventRow {
            time: Time(time),
            event,
            replica,
            version: version.to_owned(),
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
        insta::assert_snapshot!(lines(&log, 100).join("\n"));
    }
}
