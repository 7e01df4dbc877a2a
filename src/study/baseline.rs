//! What changed since an earlier study of the same rollout, beyond noise.
//!
//! The earlier study is known from its files alone. Where its runs are at hand and met the same requests, the two are
//! compared run by run, as in `compare`; else from what is known of each metric's mean. How the files are read is no
//! business of this module.

use super::compare::{Change, Difference, Enough, HEADLINES, change, difference_at, in_order, is_rounding, pair};
use super::intervals::Confidence;
use super::requests::requests_hash;
use super::result::{Estimate, MetricSummary, StudyResult};
use crate::ledger::{Metric, RunRecord};

/// Share of runs by which the two may differ in how many have a value at all.
const MOST_WITHOUT_VALUE: f64 = 0.05;

/// Where an earlier study comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Version of the program.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario.
    pub scenario_hash: String,
    /// Name of its requests; `None` where the program did not write one yet.
    pub requests_hash: Option<String>,
    /// Seed.
    pub seed: u64,
    /// Runs.
    pub runs: u64,
    /// Whether it was interrupted.
    pub partial: bool,
}

/// What is known of an earlier study.
#[derive(Clone, Debug)]
pub struct Past {
    /// Where it comes from.
    pub origin: Origin,
    /// A summary of each of [`crate::ledger::METRICS`], in their order; `None` of those that the program did not have yet.
    pub metrics: Vec<Option<MetricSummary>>,
    /// Its runs in order of their numbers, where they are at hand.
    pub records: Option<Vec<RunRecord>>,
}

/// How two studies are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Run by run, on the same requests.
    Paired,
    /// By their means: the earlier study's runs are not at hand.
    WithoutRuns,
    /// By their means: the two do not meet the same requests.
    OtherRequests,
}

/// A study against an earlier one.
#[derive(Clone, Debug)]
pub struct Against {
    /// The earlier one.
    pub past: Past,
    /// How the two are compared.
    pub pairing: Pairing,
    /// Every metric, the earlier study being A: [`HEADLINES`] first, the others as in a comparison.
    pub rows: Vec<Difference>,
}

impl Past {
    /// What the files of this study would tell.
    pub fn of(result: &StudyResult) -> Past {
        let origin = Origin {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: result.scenario.name.clone(),
            scenario_hash: result.scenario.hash.clone(),
            requests_hash: Some(requests_hash(&result.scenario)),
            seed: result.scenario.study.seed,
            runs: result.records.len() as u64,
            partial: result.partial,
        };
        Past {
            origin,
            metrics: result.metrics.iter().cloned().map(Some).collect(),
            records: Some(result.records.clone()),
        }
    }
}

impl Against {
    /// The row of a metric.
    pub fn row(&self, metric: Metric) -> Option<&Difference> {
        self.rows.iter().find(|row| row.metric == metric)
    }

    /// The headline metrics in their order.
    pub fn headlines(&self) -> &[Difference] {
        &self.rows[..HEADLINES.len().min(self.rows.len())]
    }

    /// The headline metrics that got worse, by at least one per cent of the larger mean.
    pub fn worse(&self) -> impl Iterator<Item = &Difference> {
        self.headlines().iter().filter(|row| row.change == Change::Worse && !row.is_slight())
    }
}

/// The confidence of each interval at which all headline metrics together are at 95 % (Bonferroni): of comparisons of
/// equals, at most one in twenty calls any of them better or worse.
pub fn joint_confidence() -> Confidence {
    Confidence::of_tail(Confidence::NINETY_FIVE.tail() / HEADLINES.len() as f64)
}

/// Compares a study with an earlier one.
pub fn against(past: Past, result: &StudyResult) -> Against {
    let confidence = joint_confidence();
    let same_requests = past.origin.requests_hash.as_deref() == Some(&requests_hash(&result.scenario));
    let pairs = past.records.as_deref().filter(|_| same_requests).map(|records| pair(records, &result.records));
    let (pairing, rows) = match &pairs {
        Some(pairs) if pairs.len() > 1 => {
            (Pairing::Paired, in_order(&|metric| difference_at(confidence, metric, pairs)))
        }
        _ => {
            let row = |metric: Metric| {
                let earlier = past.metrics.get(metric as usize).and_then(Option::as_ref);
                let shares = (past.origin.runs as f64, result.records.len() as f64);
                unpaired(confidence, earlier, result.metric(metric), shares)
            };
            let why = if same_requests { Pairing::WithoutRuns } else { Pairing::OtherRequests };
            (why, in_order(&row))
        }
    };
    drop(pairs);
    Against { past, pairing, rows }
}

/// One metric of two independent studies of so many runs, from its summaries.
fn unpaired(
    confidence: Confidence,
    a: Option<&MetricSummary>,
    b: &MetricSummary,
    (runs_a, runs_b): (f64, f64),
) -> Difference {
    let nothing = Estimate { value: f64::NAN, interval: None };
    let mean_a = a.map_or(f64::NAN, |a| a.mean.value);
    let difference = a.map_or(nothing, |a| difference_of_means(confidence, a, b));
    let has_value = |a: &MetricSummary| (a.runs as f64 / runs_a - b.runs as f64 / runs_b).abs() <= MOST_WITHOUT_VALUE;
    let change = match a {
        Some(a) if has_value(a) => change_between(a, b, &difference),
        _ => Change::NotComparable,
    };
    Difference {
        metric: b.metric,
        runs: b.runs,
        unpaired: 0,
        mean_a,
        mean_b: b.mean.value,
        difference,
        correlation: f64::NAN,
        runs_saved: f64::NAN,
        change,
    }
}

/// The verdict on two summaries of a metric.
fn change_between(a: &MetricSummary, b: &MetricSummary, difference: &Estimate) -> Change {
    if a.max.is_nan() && b.max.is_nan() {
        return Change::Identical;
    }
    if difference.value.is_nan() {
        return Change::NotComparable;
    }
    let magnitude = a.mean.value.abs().max(b.mean.value.abs());
    let is_constant = |summary: &MetricSummary| summary.min == summary.max;
    if is_constant(a) && is_constant(b) && is_rounding(b.min - a.min, magnitude) {
        return Change::Identical;
    }
    change(b.metric.description().better, difference.interval, magnitude, Enough { to_deny: true, to_show: true })
}

/// The difference B - A of two means of independent studies, with an interval made of the means' own: the recovery of
/// variance estimates (Zou and Donner 2008, Construction of confidence limits about effect measures, Statistics in
/// Medicine 27; of two shares it is Newcombe's hybrid score interval, 1998).
///
/// For normal values it is close to Welch's interval. Where Welch's has no width because no run had an event, it has that
/// of the means' intervals, and it is as skewed as they are.
fn difference_of_means(confidence: Confidence, a: &MetricSummary, b: &MetricSummary) -> Estimate {
    let value = b.mean.value - a.mean.value;
    let interval = reaches(confidence, a)
        .zip(reaches(confidence, b))
        .map(|((a_down, a_up), (b_down, b_up))| (value - b_down.hypot(a_up), value + b_up.hypot(a_down)));
    Estimate { value, interval }
}

/// How far the interval of a mean reaches down and up at this confidence.
///
/// A summary has its interval at 95 %, or wider where the study looked more than once. Its reaches grow as Student's
/// quantile does, and not beyond the values that the metric can take.
fn reaches(confidence: Confidence, summary: &MetricSummary) -> Option<(f64, f64)> {
    let (low, high) = summary.mean.interval?;
    let freedom = summary.runs.saturating_sub(1) as f64;
    if freedom < 1.0 {
        return None;
    }
    let scale = confidence.student_t_quantile(freedom) / Confidence::NINETY_FIVE.student_t_quantile(freedom);
    let (least, greatest) = summary.metric.description().range.ends();
    let mean = summary.mean.value;
    Some((((mean - low) * scale).min(mean - least), ((high - mean) * scale).min(greatest - mean)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::METRICS;
    use crate::random::{Purpose, RunKey, Stream, exponential, unit_interval};
    use crate::scenario::Scenario;
    use crate::study::samples::{record, scenario, study};
    use rand::Rng;
    use rand_distr::{Distribution, Poisson, StandardNormal};

    /// Runs of a study.
    const RUNS: u64 = 40;

    /// A study whose headline metrics are drawn: of the kinds of numbers that they are, independent of each other.
    fn drawn(seed: u64, runs: u64, worse: f64) -> StudyResult {
        let run = |number: u64| {
            let mut stream = RunKey::new(seed, number).stream(Purpose::Arrivals);
            let count = |stream: &mut Stream, mean: f64| Poisson::new(mean).expect("a mean").sample(stream);
            let below = |stream: &mut Stream, share: f64| f64::from(u8::from(unit_interval(stream.next_u64()) < share));
            let normal = |stream: &mut Stream| -> f64 { StandardNormal.sample(stream) };
            let values = [
                (Metric::RolloutCompleted, below(&mut stream, 0.95)),
                (Metric::RolledBack, below(&mut stream, 0.05)),
                (Metric::TruncatedAttempts, count(&mut stream, 1.6) * worse),
                (Metric::FailedRequests, count(&mut stream, 0.02)),
                (Metric::RefusedRequests, 30.0 * below(&mut stream, 0.3)),
                (Metric::DroppedRequests, count(&mut stream, 300.0)),
                (Metric::TtftP99, worse * (0.4 * normal(&mut stream)).exp()),
                (Metric::CapacityDip, exponential(&mut stream) * below(&mut stream, 0.7)),
                (Metric::RolloutDuration, 600.0 + 40.0 * normal(&mut stream)),
                (Metric::Cost, 17.0 + 0.2 * normal(&mut stream)),
            ];
            record(number, &values)
        };
        let mut result = study((0..runs).map(run).collect());
        result.scenario.study.seed = seed;
        result
    }

    fn without_runs(result: &StudyResult) -> Past {
        Past { records: None, ..Past::of(result) }
    }

    fn is_alarm(row: &&Difference) -> bool {
        matches!(row.change, Change::Better | Change::Worse | Change::Higher | Change::Lower)
    }

    #[test]
    fn the_same_study_is_identical_paired_and_not() {
        let result = drawn(1, RUNS, 1.0);
        let paired = against(Past::of(&result), &result);
        assert_eq!(paired.pairing, Pairing::Paired);
        assert!(paired.rows.iter().all(|row| row.change == Change::Identical));
        let unpaired = against(without_runs(&result), &result);
        assert_eq!(unpaired.pairing, Pairing::WithoutRuns);
        assert_eq!(unpaired.headlines().iter().find(is_alarm).map(|row| row.metric), None);
        assert_eq!(unpaired.worse().count(), 0);
    }

    #[test]
    fn other_requests_are_not_paired() {
        let (a, b) = (drawn(1, RUNS, 1.0), drawn(2, RUNS, 1.0));
        assert_eq!(against(Past::of(&a), &b).pairing, Pairing::OtherRequests);
        let mut earlier = Past::of(&a);
        earlier.origin.requests_hash = None;
        assert_eq!(against(earlier, &a).pairing, Pairing::OtherRequests);
        let longer =
            Scenario { study: crate::scenario::Study { runs: 400, ..a.scenario.study.clone() }, ..scenario(1) };
        assert_eq!(requests_hash(&longer), requests_hash(&a.scenario), "more runs begin with the same ones");
    }

    /// Comparisons of equals: how many call any headline metric, or this one, changed.
    fn alarms(pairs: u64, runs: (u64, u64)) -> (u64, Vec<u64>) {
        let (mut any, mut each) = (0, vec![0; HEADLINES.len()]);
        for pair in 0..pairs {
            let (a, b) = (drawn(1_000 + 2 * pair, runs.0, 1.0), drawn(1_001 + 2 * pair, runs.1, 1.0));
            let found = against(Past::of(&a), &b);
            let changed: Vec<bool> = found.headlines().iter().map(|row| is_alarm(&row)).collect();
            any += u64::from(changed.contains(&true));
            each.iter_mut().zip(changed).for_each(|(count, changed)| *count += u64::from(changed));
        }
        (any, each)
    }

    #[test]
    fn at_most_one_comparison_of_equals_in_twenty_calls_anything_changed() {
        const PAIRS: u64 = 400;
        let error = |share: f64| 3.0 * (share * (1.0 - share) / PAIRS as f64).sqrt();
        for runs in [(RUNS, RUNS), (RUNS, 5 * RUNS)] {
            let (any, each) = alarms(PAIRS, runs);
            let share = any as f64 / PAIRS as f64;
            assert!(share <= 0.05 + error(0.05), "{runs:?}: {share}, of each {each:?}");
        }
    }

    #[test]
    fn what_got_twice_as_bad_is_called_worse_and_nothing_else_is() {
        let (a, b) = (drawn(1, RUNS, 1.0), drawn(2, RUNS, 2.0));
        let worse: Vec<Metric> = against(without_runs(&a), &b).worse().map(|row| row.metric).collect();
        assert_eq!(worse, [Metric::TruncatedAttempts, Metric::TtftP99]);
        assert_eq!(against(without_runs(&b), &a).worse().count(), 0);
    }

    #[test]
    fn zero_events_are_not_known_to_be_none() {
        let with = |share: f64, seed: u64| {
            let run = |number: u64| {
                let mut stream = RunKey::new(seed, number).stream(Purpose::Arrivals);
                record(
                    number,
                    &[(Metric::RefusedRequests, f64::from(u8::from(unit_interval(stream.next_u64()) < share)))],
                )
            };
            study((0..RUNS).map(run).collect())
        };
        let change = |a: &StudyResult, b: &StudyResult| {
            against(without_runs(a), b).row(Metric::RefusedRequests).map(|row| row.change)
        };
        let none = with(0.0, 1);
        assert_eq!(change(&none, &with(0.1, 3)), Some(Change::NotEnoughRuns));
        assert_eq!(change(&none, &with(0.9, 2)), Some(Change::Worse));
        assert_eq!(change(&with(0.9, 2), &none), Some(Change::Better));
    }

    #[test]
    fn a_rollout_that_no_longer_finishes_is_not_comparable_in_its_duration() {
        let a = drawn(1, RUNS, 1.0);
        let mut records = a.records.clone();
        records[3].values[Metric::RolloutDuration as usize] = f64::NAN;
        records[3].outcome = crate::ledger::RolloutOutcome::Stuck;
        let b = study(records);
        for past in [Past::of(&a), without_runs(&a)] {
            let found = against(past, &b);
            assert_eq!(found.row(Metric::RolloutDuration).map(|row| row.change), Some(Change::NotComparable));
        }
    }

    #[test]
    fn metrics_that_the_earlier_program_did_not_have_are_not_comparable() {
        let result = drawn(1, RUNS, 1.0);
        let mut past = without_runs(&result);
        past.metrics[Metric::Cost as usize] = None;
        assert_eq!(against(past, &result).row(Metric::Cost).map(|row| row.change), Some(Change::NotComparable));
        assert_eq!(METRICS.len(), result.metrics.len());
    }
}
