//! What every fleet is held against: today's, and the promise. From the runs of a fleet to a [`Point`], and from a lever's fleets
//! to its verdict.

use super::bounds::{Breach, Promise, more_missed};
use super::formula::predicted_change;
use super::paired::{FEWEST_PAIRS, Relative, mean_difference, more_unanswered, relative};
use super::{Fewest, LeverVerdict, Options, Point};
use crate::ledger::{Metric, WATERFALL};
use crate::study::compare::{Change, Comparison, Difference, compare};
use crate::study::result::{Estimate, StudyResult};
use crate::study::unequal_requests;

/// A change of the price by less than this is called slight.
const SLIGHT: f64 = 0.01;

/// What everything is held against.
pub(super) struct Judge {
    /// Today's scenario.
    pub base: StudyResult,
    /// The promise.
    pub promise: Promise,
}

impl Judge {
    /// Today's scenario, and what it promises.
    pub fn new(base: StudyResult, options: &Options) -> Judge {
        let promise = Promise::of(&base, options);
        Judge { base, promise }
    }

    /// What of the promise a fleet breaks.
    pub fn breaches(&self, result: &StudyResult) -> Vec<Breach> {
        self.promise.breaches(&self.base, result)
    }

    /// Everything about a fleet, by its runs.
    pub fn point(&self, settings: &[String], result: &StudyResult) -> Point {
        let comparison = compare(&self.base, result).ok();
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
            tpot: result.metric(Metric::TpotP99).mean,
            tpot_difference: mean_difference(&self.base.records, &result.records, |run| run.value(Metric::TpotP99)),
            utilization: result.metric(Metric::Utilization).mean,
            unanswered: more_unanswered(&self.base.records, &result.records),
            missed: more_missed(&self.base, result),
            breaches: self.breaches(result),
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
    let at_once = same.keeps_bound() && worth(&same.change);
    let gain = fewest.gain();
    let resized =
        gain.as_ref().is_some_and(worth) && fewest.point().is_some_and(|point| point.replicas != same.replicas);
    let against = gain.unwrap_or(same.change);
    let slight = against.is_lower() || same.keeps_bound() && same.change.is_lower();
    match (at_once, resized) {
        (true, true) => LeverVerdict::PaysBoth,
        (true, false) => LeverVerdict::PaysAtOnce,
        (false, true) => LeverVerdict::PaysResized,
        _ if dearer(&against) && matches!(fewest, Fewest::NotSought) => LeverVerdict::Dearer,
        _ if !same.keeps_bound() && fewest.point().is_none() => LeverVerdict::BreaksBound,
        _ if slight => LeverVerdict::Slight,
        _ if dearer(&against) => LeverVerdict::Dearer,
        _ if same.runs < FEWEST_PAIRS => LeverVerdict::TooFewRuns,
        _ => LeverVerdict::NoSaving,
    }
}
