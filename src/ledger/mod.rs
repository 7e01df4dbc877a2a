//! What one run measures: counters, histograms, timelines, money.
//!
//! Nothing here knows how events come about, nor about statistics over runs.

mod exposure;
mod facts;
mod grid;
mod histogram;
mod latency;
mod log;
mod metrics;
mod money;
mod record;
mod run;
mod timeline;

pub use facts::{EndedAttempt, Estimates, FleetLevels, Outcome, RequestTimes, RolloutResult, TokenSnapshot};
pub use histogram::Histogram;
pub use log::{EventRow, RequestRow, RunLog, state_after};
pub use metrics::{Better, Description, Kind, METRICS, Metric, OUTCOME_COLUMN, RolloutOutcome};
pub use money::WATERFALL;
pub use record::{Pooled, REPLICA_SERIES, RunRecord, SERIES, Series};
pub use run::RunLedger;
