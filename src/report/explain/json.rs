//! One run for scripts: how it ended, every metric, every event.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::{Explained, attempts};
use crate::ledger::{EventRow, METRICS, RolloutOutcome};
use crate::report::json::{Document, EveryMetric, Kind, Named, Number, Ordered, Provenance, document};

/// Something that happened.
#[derive(Serialize, JsonSchema)]
struct EventJson<'a> {
    /// When, from time zero; the warm-up is negative.
    time_s: f64,
    /// What: a state of a replica, a command or a verdict of the controller.
    event: &'a str,
    /// The replica; null where it is about none.
    replica: Option<u32>,
    /// The version; empty where it is about none.
    version: &'a str,
    /// What is to be said of it, as `KEY=VALUE` separated by spaces; empty where there is nothing.
    detail: &'a str,
    /// Why a controller did it; only there where one did.
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'a str,
}

impl<'a> From<&'a EventRow> for EventJson<'a> {
    fn from(row: &'a EventRow) -> EventJson<'a> {
        EventJson {
            time_s: row.time.seconds(),
            event: row.event,
            replica: row.replica,
            version: &row.version,
            detail: &row.detail,
            why: &row.why,
        }
    }
}

/// What `cutover explain` tells of one run.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct RunJson<'a> {
    /// Number of the run, from 0.
    run: u64,
    /// How the rollout ended.
    #[schemars(schema_with = "outcome")]
    outcome: &'static str,
    /// Why it did not complete; empty where there is nothing to say.
    reason: &'a str,
    /// Attempts by how they ended, most frequent first; warm-up and cool-down included.
    attempts: Ordered<u64>,
    /// Every metric of the run.
    metrics: Named<EveryMetric, Number>,
    /// All that happened, in order.
    events: Vec<EventJson<'a>>,
}

impl Document for RunJson<'_> {
    const KIND: Kind = Kind::Explain;
    type Provenance = Provenance;
}

fn outcome(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": RolloutOutcome::ALL.map(RolloutOutcome::name) })
}

/// The run as JSON.
pub fn json(explained: &Explained<'_>) -> String {
    let Explained { scenario, record, log, .. } = explained;
    let body = RunJson {
        run: record.run,
        outcome: record.outcome.name(),
        reason: &record.reason,
        attempts: Ordered(attempts(log).into_iter().map(|(outcome, count)| (outcome.to_owned(), count)).collect()),
        metrics: METRICS.iter().map(|metric| (metric.name(), Number(record.value(*metric)))).collect(),
        events: log.events.iter().map(EventJson::from).collect(),
    };
    document(Provenance::of_one_run(scenario), body)
}
