//! Every event of a run in order of time, as text.

use crate::ledger::RunLog;
use crate::report::format::clock;
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
