//! Many runs: parallel Monte Carlo, intervals, checks, comparisons, and what follows from them for planning.
//!
//! Nothing here knows how a run comes about, nor how a result is shown: no terminal, no file.

mod baseline;
mod certify;
mod checks;
mod compare;
mod explore;
mod exposure;
mod extent;
mod fits;
mod gate;
pub mod grace;
mod intervals;
pub mod levers;
mod looks;
mod measure;
pub mod plan;
mod planning;
pub mod power;
mod precision;
mod requests;
mod result;
mod run;
mod summary;
mod sweep;
mod timeline;
mod why;

#[cfg(test)]
mod samples;

pub use baseline::{Against, Origin, Pairing, Past, against, joint_confidence};
pub use certify::{uncertifiable, uncertifiable_at};
pub use checks::{Overall, evaluate, overall};
pub use compare::{Change, Comparison, Difference, HEADLINES, compare, paired_difference};
pub use explore::{Attempt, Choice, Decision, EXPLORED_QUANTILES, Explored, ExploredRun, ReplicaLife, explore};
pub use exposure::exposed_before_abort;
pub use extent::Extent;
pub use fits::metrics_fit;
pub use gate::{FailOn, Outcome, outcome_of, outcome_of_row, outcome_of_study};
pub use intervals::{
    Confidence, Moments, garwood, quantile_ranks, runs_for_quantile, student_t, student_t_quantile, wilson,
};
pub use looks::{confidence_over, looks};
pub use measure::Measure;
pub use planning::{Planning, SHARE_TO_FINISH, planning, time_to_finish};
pub use precision::{Ended, Precision, Sequence, Standing, Target, run_until_precise};
pub use requests::{read_keys, requests_hash, unequal_requests};
pub use result::*;
pub use run::{Growing, grow, run, run_together};
pub use summary::{summarize, summarize_metric, summarize_runs};
pub use sweep::{Best, Grid, PRICE, Point, Sweep, overrides, setting};
pub use why::{CommonReason, most_common_reason, survivorship_note, telling_run, why};
