//! How much a run can hold: what bounds those metrics that add up over its window, and so the mean of a harm that no run,
//! or hardly one, has shown.

use serde::{Deserialize, Serialize};

use super::intervals::Confidence;
use crate::ledger::Metric;
use crate::scenario::Scenario;

/// A harm that fewer runs than these have shown is reckoned with as if more could.
const FEW: u64 = 6;

/// The length of a scenario's window and the capacity that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extent {
    window_s: f64,
    needed_replicas: f64,
}

impl Extent {
    /// That of a scenario's runs.
    pub fn of(scenario: &Scenario) -> Extent {
        Extent { window_s: scenario.study.duration.seconds(), needed_replicas: scenario.fleet.needed_replicas }
    }

    /// The greatest value that a run could have of a harm that adds up over the window; `None` of other metrics.
    pub fn greatest(self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::SloViolation
            | Metric::SecondsBelowCapacity
            | Metric::SecondsOverloaded
            | Metric::AbortOverloaded => Some(self.window_s),
            Metric::CapacityDip | Metric::AbortDip => Some(self.window_s * self.needed_replicas),
            _ => None,
        }
    }
}

/// How large the mean may be of a nonnegative value that few runs had: Wilson's upper limit of the share of runs that have
/// it, times the greatest value seen, or, where none was seen, the greatest that a run could have. `None` where enough
/// runs had it for the interval of a mean to know.
///
/// Without it a harm of one run in eighty would have an interval of no width in more than half of the studies of forty
/// runs. Where nothing was seen, only the window bounds how bad it is when it comes, so that the limit is high.
pub fn rare_upper_limit(values: &[f64], greatest: f64, confidence: Confidence) -> Option<f64> {
    let positive = values.iter().filter(|value| **value > 0.0).count() as u64;
    let (_, share) = confidence.wilson(positive, values.len() as u64).filter(|_| positive < FEW)?;
    let seen = values.iter().copied().fold(0.0, f64::max);
    Some(share * if positive == 0 { greatest } else { seen })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, RunKey, exponential, unit_interval};
    use crate::study::samples::scenario;
    use crate::study::summary::summarize_metric_in;
    use rand::Rng;

    #[test]
    fn what_was_never_seen_is_bounded_by_the_window_alone() {
        let extent = Extent::of(&scenario(1));
        assert_eq!(extent.greatest(Metric::SloViolation), Some(10.0));
        assert_eq!(extent.greatest(Metric::CapacityDip), Some(80.0));
        assert_eq!(extent.greatest(Metric::Cost), None);
        let limit = |values: &[f64]| rare_upper_limit(values, 80.0, Confidence::NINETY_FIVE);
        let (_, share) = Confidence::NINETY_FIVE.wilson(0, 100).unwrap();
        assert_eq!(limit(&[0.0; 100]), Some(80.0 * share));
        let mut one = [0.0; 100];
        one[3] = 5.0;
        let (_, share) = Confidence::NINETY_FIVE.wilson(1, 100).unwrap();
        assert_eq!(limit(&one), Some(5.0 * share));
        assert_eq!(limit(&[5.0; 100]), None);
    }

    /// A harm of some 2 s in one run of eighty: in 2,000 studies of 40 runs the interval of its mean must cover in 95 % of
    /// studies, within three binomial standard errors (1.5 points) and what few events leave.
    #[test]
    fn the_mean_of_a_harm_that_most_studies_never_see_is_covered() {
        const STUDIES: u64 = 2_000;
        let extent = Extent::of(&scenario(1));
        let covered = |study: &u64| {
            let mut stream = RunKey::new(31, *study).stream(Purpose::Arrivals);
            let mut draw = || {
                let happens = unit_interval(stream.next_u64()) < 1.0 / 80.0;
                if happens { (1.0 + exponential(&mut stream)).min(10.0) } else { 0.0 }
            };
            let values: Vec<f64> = (0..40).map(|_| draw()).collect();
            let mean =
                summarize_metric_in(Some(extent), Confidence::NINETY_FIVE, Metric::SloViolation, &values, 0).mean;
            // E min(1 + X, 10) of an exponential X is 2 - exp(-9).
            let truth = (2.0 - (-9f64).exp()) / 80.0;
            mean.interval.is_some_and(|(low, high)| low <= truth && truth <= high)
        };
        let share = (0..STUDIES).filter(covered).count() as f64 / STUDIES as f64;
        assert!(share >= 0.95 - 0.015, "{share}");
    }
}
