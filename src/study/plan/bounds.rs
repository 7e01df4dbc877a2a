//! Whether a candidate keeps the bounds of a check, with confidence, from its values over runs.

use super::limits::{knows_its_skewness, statistic_limits};
use crate::ledger::{Better, Kind, Metric, RunRecord};
use crate::scenario::{Check, Statistic};
use crate::study::extent::{Extent, rare_upper_limit};
use crate::study::intervals::Confidence;
use crate::study::summary::is_unfinished;

/// A metric in a run; infinity for the duration of a rollout that did not finish.
pub fn value_in(record: &RunRecord, metric: Metric) -> f64 {
    let is_infinite = metric == Metric::RolloutDuration && is_unfinished(record);
    if is_infinite { f64::INFINITY } else { record.value(metric) }
}

/// Whether a value keeps the bounds of a check.
pub fn holds(check: &Check, value: f64) -> bool {
    check.min.is_none_or(|min| value >= min) && check.max.is_none_or(|max| value <= max)
}

/// Whether a statistic that is compared itself can still come back within its bounds: a maximum can only grow.
fn can_recover(check: &Check, value: f64) -> bool {
    match check.statistic {
        Statistic::Max => check.max.is_none_or(|max| value <= max),
        Statistic::Min => check.min.is_none_or(|min| value >= min),
        _ => false,
    }
}

/// Whether all values are the same.
fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

/// Whether a check fails at this level.
pub fn breaks(check: &Check, values: &[f64], level: f64) -> bool {
    let Some(metric) = Metric::by_name(&check.metric) else { return false };
    let limits = statistic_limits(check.statistic, metric, values, level);
    let is_beyond =
        check.max.is_some_and(|max| *limits.start() > max) || check.min.is_some_and(|min| *limits.end() < min);
    is_beyond && !can_recover(check, *limits.start())
}

/// Whether a check holds at this level; what is small because nothing was served is not shown to hold, nor is the mean of
/// a harm that few runs or none had, unless it would hold even if it were as bad as the window is long.
pub fn meets(check: &Check, values: &[f64], served: bool, level: f64, extent: Extent) -> bool {
    let Some(metric) = Metric::by_name(&check.metric) else { return false };
    let is_served = served || metric.description().better != Better::Lower;
    let limits = statistic_limits(check.statistic, metric, values, level);
    let rare = extent
        .greatest(metric)
        .filter(|_| check.statistic == Statistic::Mean)
        .and_then(|greatest| rare_upper_limit(values, greatest, Confidence::of_tail(level)))
        .unwrap_or(f64::NEG_INFINITY);
    let (low, high) = (*limits.start(), limits.end().max(rare));
    let is_mean = check.statistic == Statistic::Mean && metric.description().kind == Kind::Real;
    let is_known = !is_mean || is_constant(values) || knows_its_skewness(values, level);
    is_known && is_served && !values.is_empty() && holds(check, low) && holds(check, high)
}

/// The fewest runs after which a check could be said to hold at this level if every run spoke for it; `None` where two
/// runs might do.
///
/// Of a quantile, all values on one side of it err with q^n; of a share, no event with (1 - bound)^n; of the mean of a
/// count, none with exp(-n bound), and has half the level.
pub fn fewest_runs(check: &Check, level: f64) -> Option<u64> {
    let kind = Metric::by_name(&check.metric)?.description().kind;
    // The logarithm of what one run more divides the error by.
    let share = |bound: Option<f64>, rest: fn(f64) -> f64| bound.map(|bound| -rest(bound).ln());
    let rates = match (check.statistic.quantile(), check.statistic, kind) {
        (Some(q), ..) => [check.max.map(|_| -q.ln()), check.min.map(|_| -(1.0 - q).ln())],
        (_, Statistic::ProbabilityPositive, _) | (_, Statistic::Mean, Kind::YesNo) => {
            [share(check.max, |max| 1.0 - max), share(check.min, |min| min)]
        }
        (_, Statistic::Mean, Kind::Count) => [check.max, None],
        _ => [None, None],
    };
    let is_count = check.statistic == Statistic::Mean && kind == Kind::Count;
    let level = if is_count { level / 2.0 } else { level };
    let runs = |rate: f64| (-level.ln() / rate).ceil();
    let most = rates.into_iter().flatten().map(runs).fold(0.0, f64::max);
    (most > 2.0).then_some(most as u64)
}
