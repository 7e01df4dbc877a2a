//! Statistics over runs: one metric's, and the whole study's. The intervals themselves are in `intervals`, the timeline
//! in `timeline`.

use super::checks::evaluate;
use super::explore::Explored;
use super::extent::{Extent, rare_upper_limit};
use super::intervals::{Confidence, Moments};
use super::result::{Estimate, Facts, MetricSummary, StudyResult};
use super::timeline::timeline;
use crate::ledger::{Kind, METRICS, Metric, Pooled, RolloutOutcome, RunRecord};
use crate::scenario::Scenario;

/// A count is rare while its total over runs is below this.
///
/// At a thousand events the Poisson distribution's skewness is 0.03 and its mean's interval covers what it should; below,
/// Garwood's interval has a width even where no event was seen.
const RARE_TOTAL: f64 = 1000.0;

/// Index of the `q`-quantile among `n` sorted values: rank ceil(q n).
///
/// The product is rounded down by a billionth first: 0.07 x 100 is 7.000000000000001 in binary.
pub fn quantile_index(q: f64, n: usize) -> usize {
    ((q * n as f64 - 1e-9).ceil().max(1.0) as usize).min(n) - 1
}

/// The `q`-quantile of sorted values with its distribution-free interval.
fn quantile_of_sorted(sorted: &[f64], q: f64, confidence: Confidence) -> Estimate {
    if sorted.is_empty() {
        return Estimate { value: f64::NAN, interval: None };
    }
    let ranks = confidence.quantile_ranks(q, sorted.len() as u64);
    let interval = ranks.map(|(low, high)| (sorted[low as usize - 1], sorted[high as usize - 1]));
    Estimate { value: sorted[quantile_index(q, sorted.len())], interval }
}

/// A share of runs with Wilson's interval; NaN of none.
pub(super) fn share_of(successes: u64, runs: u64, confidence: Confidence) -> Estimate {
    Estimate { value: successes as f64 / runs as f64, interval: confidence.wilson(successes, runs) }
}

/// The mean of a metric with the interval that its kind calls for.
///
/// Garwood's interval assumes that events come singly. Truncations come in clusters, a replica's at a time, so that a
/// rare count gets the hull of Garwood's interval and that of a skewed mean: the first has a width where few runs or none
/// had any, the second sees the clusters.
///
/// An interval of a mean knows no bounds: of few values it may reach below zero. It is cut to the values that the metric can
/// take. That keeps its coverage, because the true mean lies among them: what is cut off never held it.
///
/// A harm that few runs or none had gets the wider of that and what its rarity leaves open, where `extent` bounds it.
fn mean_estimate(
    extent: Option<Extent>,
    metric: Metric,
    values: &[f64],
    moments: Moments,
    confidence: Confidence,
) -> Estimate {
    let n = values.len() as u64;
    let (least, greatest) = metric.description().range.ends();
    let t = confidence.mean(moments, n).map(|(low, high)| (low.max(least), high.min(greatest)));
    let interval = match metric.description().kind {
        Kind::Real => match extent.and_then(|extent| extent.greatest(metric)) {
            Some(greatest) => {
                let rare = rare_upper_limit(values, greatest, confidence).unwrap_or(0.0);
                t.map(|(low, high)| (low, high.max(rare).min(greatest)))
            }
            None => t,
        },
        Kind::YesNo => confidence.wilson(values.iter().filter(|value| **value > 0.0).count() as u64, n),
        Kind::Count => {
            let total: f64 = values.iter().sum();
            match (t, confidence.garwood(total as u64, n)) {
                (Some(t), Some(exact)) if total < RARE_TOTAL => Some((t.0.min(exact.0), t.1.max(exact.1))),
                _ => t,
            }
        }
    };
    Estimate { value: moments.mean, interval }
}

/// One metric over all runs, from its values in the order of runs.
///
/// NaN is an empty value and not counted. `infinite` of the empty ones are plus infinity in truth (the duration of a
/// rollout that did not finish): they count in quantiles, in the extremes and as positive, and leave no mean.
pub fn summarize_metric(metric: Metric, values: &[f64], infinite: usize) -> MetricSummary {
    summarize_metric_in(None, Confidence::NINETY_FIVE, metric, values, infinite)
}

/// As [`summarize_metric`], of runs of this extent, with intervals of this confidence.
pub fn summarize_metric_in(
    extent: Option<Extent>,
    confidence: Confidence,
    metric: Metric,
    values: &[f64],
    infinite: usize,
) -> MetricSummary {
    let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let moments = Moments::of(&present);
    let (mean, standard_deviation) = if infinite > 0 {
        (Estimate { value: f64::NAN, interval: None }, f64::NAN)
    } else {
        (mean_estimate(extent, metric, &present, moments, confidence), moments.standard_deviation)
    };
    let runs = present.len() as u64;
    let mut sorted = present;
    sorted.extend(std::iter::repeat_n(f64::INFINITY, infinite));
    sorted.sort_unstable_by(f64::total_cmp);
    let positive = sorted.iter().filter(|value| **value > 0.0).count() as u64;
    MetricSummary {
        metric,
        confidence,
        runs,
        mean,
        standard_deviation,
        min: sorted.first().copied().unwrap_or(f64::NAN),
        max: sorted.last().copied().unwrap_or(f64::NAN),
        p50: quantile_of_sorted(&sorted, 0.5, confidence),
        p90: quantile_of_sorted(&sorted, 0.9, confidence),
        p95: quantile_of_sorted(&sorted, 0.95, confidence),
        p99: quantile_of_sorted(&sorted, 0.99, confidence),
        probability_positive: share_of(positive, sorted.len() as u64, confidence),
    }
}

/// Whether the rollout of this run would have needed longer than the window, perhaps for ever.
pub fn is_unfinished(record: &RunRecord) -> bool {
    matches!(record.outcome, RolloutOutcome::Deadlock | RolloutOutcome::Stuck | RolloutOutcome::Unfinished)
        && record.value(Metric::RolloutDuration).is_nan()
}

/// One metric over these runs of a scenario, in their order.
pub fn summarize_runs(scenario: &Scenario, metric: Metric, records: &[RunRecord]) -> MetricSummary {
    summarize_runs_at(Confidence::NINETY_FIVE, scenario, metric, records)
}

/// As [`summarize_runs`], with intervals of this confidence.
pub fn summarize_runs_at(
    confidence: Confidence,
    scenario: &Scenario,
    metric: Metric,
    records: &[RunRecord],
) -> MetricSummary {
    let values: Vec<f64> = records.iter().map(|record| record.value(metric)).collect();
    let is_duration = metric == Metric::RolloutDuration;
    let infinite = if is_duration { records.iter().filter(|record| is_unfinished(record)).count() } else { 0 };
    summarize_metric_in(Some(Extent::of(scenario)), confidence, metric, &values, infinite)
}

/// Share of runs by outcome, those that occur, in the order of [`RolloutOutcome::ALL`].
pub(super) fn outcomes(records: &[RunRecord], confidence: Confidence) -> Vec<(RolloutOutcome, Estimate)> {
    let runs = records.len() as u64;
    let count = |outcome| records.iter().filter(|record| record.outcome == outcome).count() as u64;
    let counted = RolloutOutcome::ALL.into_iter().map(|outcome| (outcome, count(outcome)));
    counted.filter(|(_, n)| *n > 0).map(|(outcome, n)| (outcome, share_of(n, runs, confidence))).collect()
}

/// Everything over runs: metrics, outcomes, timeline and checks.
///
/// The records may come in any order; they are put in that of their numbers first, so that every sum is folded in the
/// same order whichever thread or shard they came from.
pub fn summarize(
    scenario: Scenario,
    facts: Facts,
    records: Vec<RunRecord>,
    pooled: Pooled,
    partial: bool,
) -> StudyResult {
    summarize_at(Confidence::NINETY_FIVE, scenario, facts, records, pooled, partial)
}

/// As [`summarize`], with intervals of this confidence.
pub fn summarize_at(
    confidence: Confidence,
    scenario: Scenario,
    facts: Facts,
    mut records: Vec<RunRecord>,
    pooled: Pooled,
    partial: bool,
) -> StudyResult {
    records.sort_by_key(|record| record.run);
    let metrics: Vec<MetricSummary> =
        METRICS.iter().map(|metric| summarize_runs_at(confidence, &scenario, *metric, &records)).collect();
    let checks = scenario.checks.iter().map(|check| evaluate(check, &metrics)).collect();
    let timeline = timeline(&scenario.study, &records, &pooled);
    // Tens of megabytes in a large study, of which the timeline over runs has what reports show.
    records.iter_mut().for_each(|record| record.timeline = Vec::new());
    StudyResult {
        outcomes: outcomes(&records, confidence),
        timeline,
        scenario,
        facts,
        records,
        partial,
        precision: None,
        explored: Explored::default(),
        metrics,
        pooled,
        checks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Check, Statistic};
    use crate::study::intervals::{garwood, student_t, wilson};
    use crate::study::result::Verdict;
    use crate::study::samples::{facts, record, scenario, study};

    #[test]
    fn equal_values_have_exactly_their_mean_and_no_deviation() {
        let constant = Moments { mean: 0.1, standard_deviation: 0.0, skewness: 0.0 };
        assert_eq!(Moments::of(&[0.1; 1_000]), constant);
        let Moments { mean, standard_deviation: deviation, .. } =
            Moments::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(mean, 5.0);
        assert!((deviation - (32.0f64 / 7.0).sqrt()).abs() < 1e-15);
        assert!(Moments::of(&[]).mean.is_nan());
    }

    #[test]
    fn the_quantile_is_the_value_of_rank_ceil_q_n() {
        for (q, n, rank) in [(0.5, 1, 1), (0.5, 10, 5), (0.5, 11, 6), (0.07, 100, 7), (0.95, 20, 19), (0.99, 101, 100)]
        {
            assert_eq!(quantile_index(q, n) + 1, rank, "{q} of {n}");
        }
        for n in 1..=2_000usize {
            for percent in [5usize, 50, 90, 95, 99] {
                let rank = (percent * n).div_ceil(100);
                assert_eq!(quantile_index(percent as f64 / 100.0, n) + 1, rank, "{percent} % of {n}");
            }
        }
    }

    #[test]
    fn empty_values_are_not_counted() {
        let summary = summarize_metric(Metric::TtftP99, &[3.0, f64::NAN, 1.0, f64::NAN, 2.0], 0);
        assert_eq!((summary.runs, summary.mean.value, summary.min, summary.max), (3, 2.0, 1.0, 3.0));
        assert_eq!((summary.p50.value, summary.standard_deviation), (2.0, 1.0));
        assert_eq!(summary.probability_positive.value, 1.0);
        let empty = summarize_metric(Metric::TtftP99, &[f64::NAN], 0);
        assert!(empty.mean.value.is_nan() && empty.p99.value.is_nan() && empty.min.is_nan());
        assert!(empty.probability_positive.value.is_nan());
        assert_eq!((empty.runs, empty.mean.interval, empty.p50.interval), (0, None, None));
    }

    #[test]
    fn unfinished_rollouts_are_infinite_in_quantiles_and_leave_no_mean() {
        let mut values: Vec<f64> = (1..=90).map(f64::from).collect();
        values.resize(100, f64::NAN);
        let summary = summarize_metric(Metric::RolloutDuration, &values, 10);
        assert!(summary.mean.value.is_nan() && summary.standard_deviation.is_nan());
        assert_eq!(summary.mean.interval, None);
        assert_eq!((summary.runs, summary.min, summary.max), (90, 1.0, f64::INFINITY));
        assert_eq!(summary.p50, Estimate { value: 50.0, interval: Some((40.0, 61.0)) });
        assert_eq!(summary.p90, Estimate { value: 90.0, interval: Some((84.0, f64::INFINITY)) });
        assert_eq!(summary.p95.value, f64::INFINITY);
        assert_eq!(summary.probability_positive.value, 1.0);
    }

    #[test]
    fn the_mean_of_each_kind_has_its_own_interval() {
        let zeros = [0.0; 200];
        assert_eq!(summarize_metric(Metric::CapacityDip, &zeros, 0).mean.interval, Some((0.0, 0.0)));
        assert_eq!(summarize_metric(Metric::TruncatedAttempts, &zeros, 0).mean.interval, garwood(0, 200));
        assert_eq!(summarize_metric(Metric::RolledBack, &zeros, 0).mean.interval, wilson(0, 200));
        let share: Vec<f64> = (0..200).map(|run| f64::from(u8::from(run < 30))).collect();
        let summary = summarize_metric(Metric::RolloutCompleted, &share, 0);
        assert_eq!(summary.mean, share_of(30, 200, Confidence::NINETY_FIVE));
        assert_eq!(summary.probability_positive, summary.mean);
    }

    #[test]
    fn intervals_stay_within_the_values_that_a_metric_can_take() {
        // Two values far apart: Student's t reaches far below zero.
        let values = [1.0, 9.0];
        let t = student_t(5.0, 32f64.sqrt(), 2).unwrap();
        assert!(t.0 < 0.0);
        for (metric, expected) in [
            (Metric::TtftP99, (0.0, t.1)),
            (Metric::Cost, (0.0, t.1)),
            (Metric::MinReadyFraction, (0.0, t.1)),
            (Metric::RolloutCost, t),
            (Metric::GpuHoursIdle, t),
            (Metric::WaterfallDrain, t),
        ] {
            assert_eq!(summarize_metric(metric, &values, 0).mean.interval, Some(expected), "{metric:?}");
        }
        for metric in METRICS {
            let interval = summarize_metric(*metric, &[0.0, 1.0, 0.0], 0).mean.interval.unwrap();
            let (least, greatest) = metric.description().range.ends();
            assert!(least <= interval.0 && interval.1 <= greatest, "{metric:?}: {interval:?}");
        }
    }

    #[test]
    fn rare_counts_in_clusters_get_the_wider_interval() {
        // A hundred events in one run of fifty: the interval of a skewed mean sees one cluster, Garwood's a hundred events.
        let mut clustered = [0.0; 50];
        clustered[7] = 100.0;
        let summary = summarize_metric(Metric::TruncatedAttempts, &clustered, 0);
        let (low, high) = summary.mean.interval.unwrap();
        assert_eq!(low, 0.0);
        let t = student_t(summary.mean.value, summary.standard_deviation, 50).unwrap();
        assert!(high > garwood(100, 50).unwrap().1 && high > t.1, "{high}, Student's {t:?}");
        // The same in every run: Garwood's.
        assert_eq!(summarize_metric(Metric::TruncatedAttempts, &[2.0; 50], 0).mean.interval, garwood(100, 50));
    }

    #[test]
    fn frequent_counts_get_students_interval() {
        let values: Vec<f64> = (0..50).map(|run| 100.0 + f64::from(run % 5)).collect();
        let summary = summarize_metric(Metric::Requests, &values, 0);
        assert_eq!(summary.mean.interval, student_t(102.0, summary.standard_deviation, 50));
    }

    #[test]
    fn the_order_in_which_records_come_does_not_matter() {
        let values = |run: u64| [(Metric::TtftP99, 1.0 / (run + 1) as f64), (Metric::Cost, (run as f64).sqrt())];
        let records: Vec<RunRecord> = (0..97).map(|run| record(run, &values(run))).collect();
        let forward = study(records.clone());
        let backward = study(records.into_iter().rev().collect());
        assert_eq!(format!("{forward:?}"), format!("{backward:?}"));
    }

    #[test]
    fn outcomes_that_occur_have_shares_and_unfinished_ones_are_infinite() {
        let mut records: Vec<RunRecord> = (0..10).map(|run| record(run, &[(Metric::RolloutDuration, 60.0)])).collect();
        for (run, outcome) in [(2, RolloutOutcome::Stuck), (5, RolloutOutcome::Unfinished), (6, RolloutOutcome::None)] {
            records[run].outcome = outcome;
            records[run].values[Metric::RolloutDuration as usize] = f64::NAN;
        }
        let result = study(records);
        assert_eq!(
            result.outcomes,
            [
                (RolloutOutcome::None, share_of(1, 10, Confidence::NINETY_FIVE)),
                (RolloutOutcome::Completed, share_of(7, 10, Confidence::NINETY_FIVE)),
                (RolloutOutcome::Stuck, share_of(1, 10, Confidence::NINETY_FIVE)),
                (RolloutOutcome::Unfinished, share_of(1, 10, Confidence::NINETY_FIVE)),
            ]
        );
        let duration = result.metric(Metric::RolloutDuration);
        assert_eq!((duration.runs, duration.p50.value, duration.max), (7, 60.0, f64::INFINITY));
    }

    #[test]
    fn every_metric_stands_in_its_place_and_every_check_is_evaluated_in_order() {
        let mut scenario = scenario(10);
        let check = |metric: Metric, max| Check {
            metric: metric.name().to_owned(),
            statistic: Statistic::Mean,
            min: None,
            max: Some(max),
            severity: Default::default(),
            description: None,
            line: 1,
        };
        scenario.checks = vec![check(Metric::Cost, 1.0), check(Metric::WaterfallDrain, 1.0)];
        let records = (0..10).map(|run| record(run, &[(Metric::Cost, 5.0)])).collect();
        let result = summarize(scenario, facts(), records, Pooled::new(1), true);
        assert!(result.partial);
        for metric in METRICS {
            assert_eq!(result.metric(*metric).metric, *metric);
        }
        assert_eq!(result.metric(Metric::Cost).mean.value, 5.0);
        let verdicts: Vec<Verdict> = result.checks.iter().map(|check| check.verdict).collect();
        assert_eq!(verdicts, [Verdict::Failed, Verdict::Passed]);
    }

    #[test]
    fn a_study_without_a_finished_run_is_empty_and_does_not_fail() {
        let result = study(vec![]);
        assert!(result.outcomes.is_empty());
        assert!(result.metrics.iter().all(|summary| summary.runs == 0 && summary.mean.value.is_nan()));
    }
}
