//! What every fleet is held against: today's, and the promise. From the runs of a fleet to a [`Point`], and from a lever's fleets
//! to its verdict.

use super::formula::predicted_change;
use super::paired::{FEWEST_PAIRS, Relative, more_unanswered, relative};
use super::{Bound, Fewest, LeverVerdict, Point};
use crate::ledger::{Metric, WATERFALL};
use crate::study::compare::{Change, Comparison, Difference, compare};
use crate::study::result::{Estimate, StudyResult};
use crate::study::unequal_requests;

/// The quantile of TTFT that the study looks at.
const QUANTILE: f64 = 0.99;

/// How many more of the requests than today, as a share, may be left without their whole answer: refused, dropped, cut, timed
/// out. The whole interval of the difference lies within. Not zero, because a busier replica answers more slowly, and whatever
/// cuts long answers cuts a few more of them: the more runs, the smaller a difference would be held against it.
pub const UNANSWERED: f64 = 0.001;

/// A change of the price by less than this is called slight.
const SLIGHT: f64 = 0.01;

/// What everything is held against.
pub(super) struct Judge {
    /// Today's scenario.
    pub base: StudyResult,
    /// The promise.
    pub bound: Bound,
}

impl Judge {
    /// The bound is the one given, else the scenario's objective for TTFT P99 if today's fleet keeps it, else today's TTFT P99.
    pub fn new(base: StudyResult, given: Option<f64>) -> Judge {
        let objective = base.scenario.slo.as_ref().filter(|slo| slo.quantile == QUANTILE).map(|slo| slo.ttft.seconds());
        let is_kept = |bound: &f64| within(&base.metric(Metric::TtftP99).mean, *bound);
        let bound = given.or(objective.filter(is_kept)).map_or(Bound::Today, Bound::Seconds);
        Judge { base, bound }
    }

    fn comparison(&self, result: &StudyResult) -> Option<Comparison> {
        compare(&self.base, result).ok()
    }

    /// Whether the promise is kept: see [`Bound`] and [`UNANSWERED`].
    pub fn keeps(&self, result: &StudyResult) -> bool {
        let in_time = match self.bound {
            Bound::Seconds(bound) => within(&result.metric(Metric::TtftP99).mean, bound),
            Bound::Today => self.comparison(result).is_some_and(|comparison| {
                row(&comparison, Metric::TtftP99).is_some_and(|ttft| ttft.difference.value <= 0.0)
            }),
        };
        in_time && within(&more_unanswered(&self.base.records, &result.records), UNANSWERED)
    }

    /// Everything about a fleet, by its runs.
    pub fn point(&self, settings: &[String], result: &StudyResult) -> Point {
        let comparison = self.comparison(result);
        let ttft = comparison.as_ref().and_then(|comparison| row(comparison, Metric::TtftP99));
        let fleet = &result.scenario.fleet;
        Point {
            settings: settings.to_vec(),
            replicas: fleet.replicas,
            gpus: fleet.replicas * fleet.gpus_per_replica,
            gpu_hour_usd: fleet.gpu_hour_usd,
            saturated_rate: result.facts.saturated_rate,
            runs: comparison.as_ref().map_or(0, |comparison| comparison.runs),
            price: result.metric(Metric::UsdPerMillionOutput).mean,
            change: price_change(&self.base, result),
            ttft: result.metric(Metric::TtftP99).mean,
            ttft_difference: ttft.map_or(Estimate { value: f64::NAN, interval: None }, |row| row.difference),
            ttft_change: ttft.map_or(Change::NotShown, |row| row.change),
            utilization: result.metric(Metric::Utilization).mean,
            keeps_bound: self.keeps(result),
            waterfall: WATERFALL.iter().map(|(part, _)| result.metric(*part).mean).collect(),
            unequal: unequal_requests(&self.base.scenario, &result.scenario),
        }
    }

    /// The relative change of the price by the formula.
    pub fn formula_change(&self, result: &StudyResult) -> f64 {
        let utilization = self.base.metric(Metric::Utilization).mean.value;
        let of = |result: &'_ StudyResult| (result.scenario.fleet.clone(), result.facts);
        let (today, turned) = (of(&self.base), of(result));
        predicted_change((&today.0, &today.1), (&turned.0, &turned.1), utilization)
    }
}

/// Whether the whole interval, or the estimate where it has none, is at most this.
fn within(estimate: &Estimate, bound: f64) -> bool {
    estimate.interval.map_or(estimate.value, |(_, high)| high) <= bound
}

fn row(comparison: &Comparison, metric: Metric) -> Option<&Difference> {
    comparison.rows.iter().find(|row| row.metric == metric)
}

/// The relative change of the price from A to B.
pub(super) fn price_change(a: &StudyResult, b: &StudyResult) -> Relative {
    relative(Metric::UsdPerMillionOutput, &a.records, &b.records)
}

/// What follows for the price.
pub(super) fn verdict(same: &Point, fewest: &Fewest) -> LeverVerdict {
    let worth = |change: &Relative| change.is_lower() && change.estimate.value <= -SLIGHT;
    let dearer = |change: &Relative| change.is_higher() && change.estimate.value >= SLIGHT;
    let at_once = same.keeps_bound && worth(&same.change);
    let gain = fewest.gain();
    let resized =
        gain.as_ref().is_some_and(worth) && fewest.point().is_some_and(|point| point.replicas != same.replicas);
    let against = gain.unwrap_or(same.change);
    let slight = against.is_lower() || same.keeps_bound && same.change.is_lower();
    match (at_once, resized) {
        (true, true) => LeverVerdict::PaysBoth,
        (true, false) => LeverVerdict::PaysAtOnce,
        (false, true) => LeverVerdict::PaysResized,
        _ if dearer(&against) && matches!(fewest, Fewest::NotSought) => LeverVerdict::Dearer,
        _ if !same.keeps_bound && fewest.point().is_none() => LeverVerdict::BreaksBound,
        _ if slight => LeverVerdict::Slight,
        _ if dearer(&against) => LeverVerdict::Dearer,
        _ if same.runs < FEWEST_PAIRS => LeverVerdict::TooFewRuns,
        _ => LeverVerdict::NoSaving,
    }
}
