//! Two studies of the same runs, compared in pairs.
//!
//! Run i of either meets the same requests and the same cold starts, so that the difference within a run shows what the
//! scenarios' difference does; most of the luck cancels. Where the scenarios ask for different requests, the pairs are
//! only runs of the same number, and the comparison says so (`requests`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intervals::{Confidence, Moments};
use super::requests::unequal_requests;
use super::result::{Estimate, StudyResult};
use super::summary::is_unfinished;
use crate::ledger::{Better, METRICS, Metric, RunRecord};

/// The metrics that a comparison begins with.
pub const HEADLINES: [Metric; 10] = [
    Metric::RolloutCompleted,
    Metric::RolledBack,
    Metric::TruncatedAttempts,
    Metric::FailedRequests,
    Metric::RefusedRequests,
    Metric::DroppedRequests,
    Metric::TtftP99,
    Metric::CapacityDip,
    Metric::RolloutDuration,
    Metric::Cost,
];

/// With fewer nonzero differences than this, not all of them equal, nothing is shown: a two-sided sign test needs as many
/// that agree (six at 5 %), and an interval of a mean trusts a handful of rare events too much.
fn fewest_differences(confidence: Confidence) -> usize {
    (-confidence.tail().log2()).ceil() as usize
}

/// Differences below this share of the larger mean are the rounding of sums.
const ROUNDING: f64 = 1e-9;

/// So are differences below this in the unit of any metric: where the means themselves are nothing but rounding.
const NOTHING: f64 = 1e-12;

/// Share of runs in which at most one of the two only may have a value for a metric to be compared.
const MOST_UNPAIRED: f64 = 0.05;

/// A difference below this share of the larger mean is slight.
const SLIGHT: f64 = 0.01;

/// Where zero is not excluded, a difference of this share of the larger mean must be, or there were not enough runs to say
/// that there is hardly any.
const HARDLY_ANY: f64 = 0.1;

/// How B stands to A in one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The same value in every run but for rounding, or none in either.
    Identical,
    /// B is better.
    Better,
    /// B is worse.
    Worse,
    /// B is higher, which is neither good nor bad.
    Higher,
    /// B is lower, which is neither good nor bad.
    Lower,
    /// The interval of the mean difference encloses zero and nothing beyond a tenth of the larger mean.
    #[serde(rename = "no_difference")]
    NotShown,
    /// It encloses zero and more than that, or there is none: there may be a difference, but these runs cannot tell.
    NotEnoughRuns,
    /// In too many runs one of the two only has a value, or its rollout finished, so that a mean over those in which both
    /// have would mislead.
    NotComparable,
}

impl Change {
    /// The verdict in words; of no difference, beyond which size is [`Difference::beyond`].
    pub fn words(self) -> &'static str {
        match self {
            Change::Identical => "identical",
            Change::Better => "better",
            Change::Worse => "worse",
            Change::Higher => "higher",
            Change::Lower => "lower",
            Change::NotShown => "no difference",
            Change::NotEnoughRuns => "not enough runs",
            Change::NotComparable => "not comparable",
        }
    }
}

/// One metric in both studies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// Which.
    pub metric: Metric,
    /// Runs in which both have a value: what all that follows is taken over.
    pub runs: u64,
    /// Runs in which one of the two only has a value.
    pub unpaired: u64,
    /// Mean of A over those runs; where they are not comparable, over A's own runs with a value. NaN without any.
    pub mean_a: f64,
    /// Mean of B, likewise.
    pub mean_b: f64,
    /// Mean of B - A within a run, with the interval of a skewed mean over runs.
    pub difference: Estimate,
    /// Pearson's correlation between A and B over runs; NaN where either is constant.
    pub correlation: f64,
    /// How many times as many runs unpaired studies would need for the same interval: (var A + var B) / var(B - A). NaN
    /// where nothing varies, infinity where only the difference does not.
    pub runs_saved: f64,
    /// How B stands to A.
    pub change: Change,
}

impl Difference {
    /// The difference as a share of the larger of the two means; NaN where both are zero.
    pub fn relative(&self) -> f64 {
        self.difference.value / self.mean_a.abs().max(self.mean_b.abs())
    }

    /// Whether there is a difference beyond luck.
    pub fn is_found(&self) -> bool {
        matches!(self.change, Change::Better | Change::Worse | Change::Higher | Change::Lower | Change::NotComparable)
    }

    /// Whether there is one, too small to matter: pairing shows differences that nobody would mind.
    pub fn is_slight(&self) -> bool {
        self.is_found() && self.change != Change::NotComparable && self.relative().abs() < SLIGHT
    }

    /// What somebody who ships wants to read first: what got worse, then better, then what changed without being either,
    /// then what changed slightly, then what is open, at last what is the same.
    fn rank(&self) -> usize {
        match self.change {
            _ if self.is_slight() => 4,
            Change::Worse => 0,
            Change::Better => 1,
            Change::NotComparable => 2,
            Change::Higher | Change::Lower => 3,
            Change::NotEnoughRuns => 5,
            Change::NotShown => 6,
            Change::Identical => 7,
        }
    }

    /// The greatest difference, either way, that the interval leaves possible; `None` without one.
    pub fn beyond(&self) -> Option<f64> {
        self.difference.interval.map(|(low, high)| low.abs().max(high.abs()))
    }
}

/// Two studies compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// Name of the first scenario.
    pub a: String,
    /// Name of the second.
    pub b: String,
    /// Runs that both have.
    pub runs: u64,
    /// The keys that make the two meet different requests; empty where they meet the same.
    #[serde(deserialize_with = "crate::study::read_keys")]
    pub unequal: Vec<&'static str>,
    /// Every metric: [`HEADLINES`] first, then what got worse, what got better and so on, what is the same last; of each the
    /// greatest difference against the larger mean first.
    pub rows: Vec<Difference>,
}

impl Comparison {
    /// How many times as many runs unpaired studies would need for the same intervals: the median over the metrics that
    /// vary, and differ, from run to run. `None` without any.
    pub fn runs_saved(&self) -> Option<f64> {
        let mut saved: Vec<f64> =
            self.rows.iter().map(|row| row.runs_saved).filter(|saved| saved.is_finite() && *saved > 0.0).collect();
        saved.sort_unstable_by(f64::total_cmp);
        saved.get(saved.len() / 2).copied()
    }
}

/// Compares B with A, run by run. Runs are paired by their number; those that only one has, because the other was
/// interrupted, are left out.
///
/// # Errors
/// Why they cannot be paired: they have no run in common.
pub fn compare(a: &StudyResult, b: &StudyResult) -> Result<Comparison, String> {
    let pairs = pair(&a.records, &b.records);
    if pairs.is_empty() {
        return Err("a paired comparison needs runs of the same number; these have none in common".to_owned());
    }
    let rows = in_order(&|metric| difference(metric, &pairs));
    Ok(Comparison {
        a: a.scenario.name.clone(),
        b: b.scenario.name.clone(),
        runs: pairs.len() as u64,
        unequal: unequal_requests(&a.scenario, &b.scenario),
        rows,
    })
}

/// A row for every metric: the headlines in their order, then what somebody who ships wants to read first.
pub(super) fn in_order(row: &dyn Fn(Metric) -> Difference) -> Vec<Difference> {
    let others = METRICS.iter().copied().filter(|metric| !HEADLINES.contains(metric));
    let mut rows: Vec<Difference> = HEADLINES.into_iter().chain(others).map(row).collect();
    rows[HEADLINES.len()..].sort_by(|a, b| a.rank().cmp(&b.rank()).then(size(b).total_cmp(&size(a))));
    rows
}

/// How large a difference is against its metric, for sorting: an empty one is none.
fn size(row: &Difference) -> f64 {
    let relative = row.relative().abs();
    if relative.is_nan() { 0.0 } else { relative }
}

/// One metric of B against A, run by run; both lists are in order of the runs' numbers.
pub fn paired_difference(metric: Metric, a: &[RunRecord], b: &[RunRecord]) -> Difference {
    difference(metric, &pair(a, b))
}

/// The records of runs that both have, in order; both lists are in order of their numbers.
pub(super) fn pair<'r>(a: &'r [RunRecord], b: &'r [RunRecord]) -> Vec<(&'r RunRecord, &'r RunRecord)> {
    let partner = |record: &'r RunRecord| {
        let at = b.binary_search_by_key(&record.run, |other| other.run).ok()?;
        Some((record, &b[at]))
    };
    a.iter().filter_map(partner).collect()
}

/// One metric in pairs of runs (A, B).
pub(super) fn difference(metric: Metric, pairs: &[(&RunRecord, &RunRecord)]) -> Difference {
    difference_at(Confidence::NINETY_FIVE, metric, pairs)
}

/// One metric in pairs of runs (A, B), with an interval of this confidence.
pub(super) fn difference_at(confidence: Confidence, metric: Metric, pairs: &[(&RunRecord, &RunRecord)]) -> Difference {
    let all = pairs.iter().map(|(a, b)| (a.value(metric), b.value(metric)));
    let both: Vec<(f64, f64)> = all.clone().filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
    let unpaired = all.filter(|(a, b)| a.is_nan() != b.is_nan()).count() as u64;
    let (values_a, values_b): (Vec<f64>, Vec<f64>) = both.iter().copied().unzip();
    let differences: Vec<f64> = both.iter().map(|(a, b)| b - a).collect();
    let Moments { mean: mean_a, standard_deviation: deviation_a, .. } = Moments::of(&values_a);
    let Moments { mean: mean_b, standard_deviation: deviation_b, .. } = Moments::of(&values_b);
    let moments = Moments::of(&differences);
    let Moments { mean, standard_deviation: deviation, .. } = moments;
    let covariance = both.iter().map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / (both.len() as f64 - 1.0);
    let interval = confidence.mean(moments, both.len() as u64);
    let one_unfinished = |(a, b): &(&RunRecord, &RunRecord)| is_unfinished(a) != is_unfinished(b);
    // A mean over the runs that have a value in both would be one over runs that were picked.
    let is_picked = unpaired as f64 > MOST_UNPAIRED * pairs.len() as f64;
    let change = if is_picked || metric == Metric::RolloutDuration && pairs.iter().any(one_unfinished) {
        Change::NotComparable
    } else {
        let magnitude = mean_a.abs().max(mean_b.abs());
        let small = |value: f64| is_rounding(value, magnitude);
        let nonzero = differences.iter().filter(|difference| **difference != 0.0).count();
        let is_nothing = nonzero == 0 || small(mean) && interval.is_none_or(|(low, high)| small(low) && small(high));
        if unpaired == 0 && is_nothing {
            Change::Identical
        } else {
            let fewest = fewest_differences(confidence);
            let enough = Enough { to_deny: differences.len() >= fewest, to_show: nonzero >= fewest };
            change(metric.description().better, interval, magnitude, enough)
        }
    };
    let (own_a, own_b) = match change {
        Change::NotComparable => {
            (own_mean(metric, pairs.iter().map(|(a, _)| *a)), own_mean(metric, pairs.iter().map(|(_, b)| *b)))
        }
        _ => (mean_a, mean_b),
    };
    Difference {
        metric,
        runs: both.len() as u64,
        unpaired,
        mean_a: own_a,
        mean_b: own_b,
        difference: Estimate { value: mean, interval },
        // Rounding could carry it beyond 1.
        correlation: (covariance / (deviation_a * deviation_b)).clamp(-1.0, 1.0),
        runs_saved: (deviation_a.powi(2) + deviation_b.powi(2)) / deviation.powi(2),
        change,
    }
}

/// The mean over the runs of one study that have a value; infinite where a rollout did not finish. NaN without any.
fn own_mean<'r>(metric: Metric, records: impl Iterator<Item = &'r RunRecord> + Clone) -> f64 {
    if metric == Metric::RolloutDuration && records.clone().any(is_unfinished) {
        return f64::INFINITY;
    }
    let values: Vec<f64> = records.map(|record| record.value(metric)).filter(|value| !value.is_nan()).collect();
    Moments::of(&values).mean
}

/// Whether a difference of means of this magnitude is nothing but the rounding of sums.
pub(super) fn is_rounding(difference: f64, magnitude: f64) -> bool {
    difference.abs() <= (magnitude * ROUNDING).max(NOTHING)
}

/// What there are enough runs for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enough {
    /// To say that there is hardly a difference.
    pub to_deny: bool,
    /// To say that there is one, although it is not the same in every run.
    pub to_show: bool,
}

/// The verdict on a difference with this interval, of means of this magnitude.
pub(super) fn change(better: Better, interval: Option<(f64, f64)>, magnitude: f64, enough: Enough) -> Change {
    let Some((low, high)) = interval else { return Change::NotEnoughRuns };
    let is_narrow = low.abs().max(high.abs()) <= HARDLY_ANY * magnitude;
    let not_shown = if is_narrow && enough.to_deny { Change::NotShown } else { Change::NotEnoughRuns };
    if low <= 0.0 && high >= 0.0 || (!enough.to_show && low < high) {
        return not_shown;
    }
    match (better, low > 0.0) {
        (Better::Neither, true) => Change::Higher,
        (Better::Neither, false) => Change::Lower,
        (Better::Higher, true) | (Better::Lower, false) => Change::Better,
        (Better::Higher, false) | (Better::Lower, true) => Change::Worse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RolloutOutcome;
    use crate::random::{Purpose, RunKey, exponential};
    use crate::study::samples::{record, study};

    fn row(comparison: &Comparison, metric: Metric) -> &Difference {
        comparison.rows.iter().find(|row| row.metric == metric).expect("every metric has a row")
    }

    /// Common luck of a run and the luck of its two sides.
    fn luck(run: u64) -> (f64, f64, f64) {
        let mut stream = RunKey::new(5, run).stream(Purpose::Arrivals);
        (exponential(&mut stream), exponential(&mut stream), exponential(&mut stream))
    }

    #[test]
    fn a_study_is_identical_to_itself() {
        let result = study((0..50).map(|run| record(run, &[(Metric::TtftP99, luck(run).0)])).collect());
        let comparison = compare(&result, &result).unwrap();
        assert_eq!(comparison.runs, 50);
        assert!(comparison.rows.iter().all(|row| row.change == Change::Identical));
        let ttft = row(&comparison, Metric::TtftP99);
        assert_eq!(ttft.difference, Estimate { value: 0.0, interval: Some((0.0, 0.0)) });
        assert!((ttft.correlation - 1.0).abs() < 1e-12);
        assert_eq!(ttft.runs_saved, f64::INFINITY);
        assert!(row(&comparison, Metric::Cost).correlation.is_nan());
    }

    #[test]
    fn every_metric_has_one_row_and_headlines_come_first() {
        let result = study(vec![record(0, &[]), record(1, &[])]);
        let metrics: Vec<Metric> = compare(&result, &result).unwrap().rows.iter().map(|row| row.metric).collect();
        assert_eq!(metrics[..HEADLINES.len()], HEADLINES);
        let mut sorted = metrics;
        sorted.sort();
        assert_eq!(sorted, METRICS);
    }

    /// A difference of a tenth of the common luck's deviation shows in 200 pairs; exchanging the two turns it round.
    #[test]
    fn pairing_shows_a_difference_that_is_small_against_the_common_luck() {
        let runs = 200;
        let side = |shift: f64, second: bool| {
            let value = |run| {
                let (common, a, b) = luck(run);
                10.0 * common + shift + 0.1 * if second { b } else { a }
            };
            study(
                (0..runs)
                    .map(|run| record(run, &[(Metric::TtftP99, value(run)), (Metric::TokensOut, value(run))]))
                    .collect(),
            )
        };
        let (a, b) = (side(0.0, false), side(1.0, true));
        let comparison = compare(&a, &b).unwrap();
        let ttft = row(&comparison, Metric::TtftP99);
        assert_eq!(ttft.change, Change::Worse);
        assert_eq!(row(&comparison, Metric::TokensOut).change, Change::Higher);
        let (low, high) = ttft.difference.interval.unwrap();
        assert!(low < 1.0 && 1.0 < high, "{low} to {high}");
        assert!(ttft.correlation > 0.999);
        // Variances 100 + 0.01 twice over 0.02: ten thousand, within the sampling error of variances.
        assert!((5_000.0..20_000.0).contains(&ttft.runs_saved), "{}", ttft.runs_saved);
        let turned = compare(&b, &a).unwrap();
        let turned_ttft = row(&turned, Metric::TtftP99);
        assert_eq!(turned_ttft.change, Change::Better);
        assert!((turned_ttft.difference.value + ttft.difference.value).abs() < 1e-12);
        assert_eq!(row(&turned, Metric::TokensOut).change, Change::Lower);
    }

    #[test]
    fn a_few_rare_events_show_nothing_and_many_do() {
        let clean = study((0..100).map(|run| record(run, &[])).collect());
        for (events, expected) in [(1, Change::NotEnoughRuns), (5, Change::NotEnoughRuns), (6, Change::Worse)] {
            let truncated = |run| if run < events { 1.0 } else { 0.0 };
            let records = (0..100).map(|run| record(run, &[(Metric::TruncatedAttempts, truncated(run))])).collect();
            let comparison = compare(&clean, &study(records)).unwrap();
            assert_eq!(row(&comparison, Metric::TruncatedAttempts).change, expected, "{events} events");
        }
    }

    #[test]
    fn too_few_runs_are_called_so_and_rounding_is_no_difference() {
        let side = |runs: u64, value: &dyn Fn(u64) -> f64| {
            study((0..runs).map(|run| record(run, &[(Metric::TtftP99, value(run))])).collect())
        };
        let change = |a: &StudyResult, b: &StudyResult| row(&compare(a, b).unwrap(), Metric::TtftP99).change;
        let noisy = |run| 1.0 + luck(run).0;
        let other = |run| 1.0 + luck(run).1;
        for (runs, expected) in [
            (1, Change::NotEnoughRuns),
            (2, Change::NotEnoughRuns),
            (5, Change::NotEnoughRuns),
            (40, Change::NotEnoughRuns),
        ] {
            assert_eq!(change(&side(runs, &noisy), &side(runs, &other)), expected, "{runs} runs");
        }
        // Means of 2 and a difference of no more than two standard errors: 0.28 in 100 runs, 0.03 in 10,000.
        assert_eq!(change(&side(10_000, &noisy), &side(10_000, &other)), Change::NotShown);
        // A constant difference shows in two runs.
        assert_eq!(change(&side(2, &|_| 1.0), &side(2, &|_| 2.0)), Change::Worse);
        for runs in [1, 3, 40] {
            assert_eq!(change(&side(runs, &noisy), &side(runs, &|run| noisy(run) * (1.0 + 1e-13))), Change::Identical);
        }
        assert_eq!(change(&side(40, &|_| 0.0), &side(40, &|run| 1e-15 * luck(run).0)), Change::Identical);
        assert_eq!(change(&side(40, &noisy), &side(40, &|run| noisy(run) * (1.0 + 1e-6))), Change::Worse);
    }

    #[test]
    fn runs_that_one_side_lacks_are_left_out() {
        let a = study((0..30).map(|run| record(run, &[(Metric::E2eP99, run as f64)])).collect());
        let b = |lacking: u64| {
            let shifted = |run: u64| if run < lacking { f64::NAN } else { run as f64 - 1.0 };
            study((2..32).map(|run| record(run, &[(Metric::E2eP99, shifted(run))])).collect())
        };
        let comparison = compare(&a, &b(3)).unwrap();
        assert_eq!(comparison.runs, 28);
        let e2e = row(&comparison, Metric::E2eP99);
        assert_eq!((e2e.runs, e2e.unpaired), (27, 1));
        assert_eq!(e2e.difference, Estimate { value: -1.0, interval: Some((-1.0, -1.0)) });
        assert_eq!(e2e.change, Change::Better);
        // Two of 28 are a selection.
        assert_eq!(row(&compare(&a, &b(4)).unwrap(), Metric::E2eP99).change, Change::NotComparable);
    }

    #[test]
    fn durations_of_rollouts_that_only_one_side_finished_are_not_compared() {
        let finished = |run| record(run, &[(Metric::RolloutDuration, 600.0)]);
        let a = study((0..10).map(finished).collect());
        let mut records: Vec<RunRecord> = (0..10).map(|run| record(run, &[(Metric::RolloutDuration, 500.0)])).collect();
        records[4].values[Metric::RolloutDuration as usize] = f64::NAN;
        records[4].outcome = RolloutOutcome::Stuck;
        let comparison = compare(&a, &study(records)).unwrap();
        let duration = row(&comparison, Metric::RolloutDuration);
        assert_eq!((duration.change, duration.unpaired), (Change::NotComparable, 1));
    }

    #[test]
    fn studies_without_a_common_run_are_refused() {
        let a = study(vec![record(0, &[]), record(1, &[])]);
        let other_runs = study(vec![record(2, &[])]);
        assert!(compare(&a, &other_runs).unwrap_err().contains("in common"));
    }
}
