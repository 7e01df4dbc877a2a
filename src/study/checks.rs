//! The scenario's checks: an estimate with its interval against bounds, and what would settle those left open.
//!
//! Whether a bound could be certified at all, before anything is simulated, is decided in `certify`.

use schemars::JsonSchema;
use serde::Serialize;

use super::intervals::Confidence;
use super::result::{CheckResult, Estimate, MetricSummary, Verdict};
use crate::digits::figure;
use crate::ledger::{Better, Kind, Metric};
use crate::scenario::{Check, Severity, Statistic};

/// How a list of checks came out as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// Every check passed, or there is none.
    Passed,
    /// At least one failed, whatever the others did.
    Failed,
    /// None failed and at least one is inconclusive.
    Inconclusive,
}

/// How these checks came out as a whole; those that only warn have no say.
pub fn overall(checks: &[CheckResult]) -> Overall {
    let any = |verdict| checks.iter().any(|check| check.severity == Severity::Fail && check.verdict == verdict);
    if any(Verdict::Failed) {
        Overall::Failed
    } else if any(Verdict::Inconclusive) {
        Overall::Inconclusive
    } else {
        Overall::Passed
    }
}

/// Evaluates a check on the metrics over runs, which are in the order of [`crate::ledger::METRICS`].
///
/// Bounds are inclusive. It passes where the whole interval keeps them, fails where the whole interval lies beyond one
/// of them, and is inconclusive between. The least and the greatest value are compared themselves.
pub fn evaluate(check: &Check, metrics: &[MetricSummary]) -> CheckResult {
    let summary = Metric::by_name(&check.metric).and_then(|metric| metrics.get(metric as usize));
    let (estimate, verdict, explanation) = match summary {
        Some(summary) => {
            let (verdict, explanation) = match judge(check, summary) {
                (Verdict::Passed, _) if nothing_was_served(summary.metric, metrics) => {
                    let explanation = "no request arrived in any run, so that none could go wrong".to_owned();
                    (Verdict::Inconclusive, explanation)
                }
                judged => judged,
            };
            (summary.statistic(check.statistic), verdict, explanation)
        }
        None => {
            let explanation = format!("there is no metric `{}`", check.metric);
            (Estimate { value: f64::NAN, interval: None }, Verdict::Inconclusive, explanation)
        }
    };
    CheckResult {
        metric: check.metric.clone(),
        statistic: check.statistic,
        min: check.min,
        max: check.max,
        estimate,
        severity: check.severity,
        description: check.description.clone(),
        verdict,
        explanation,
    }
}

/// Whether this metric is small because no run had a single request.
fn nothing_was_served(metric: Metric, metrics: &[MetricSummary]) -> bool {
    let description = metric.description();
    let is_of_requests =
        matches!(description.unit, "requests" | "attempts" | "tokens") || metric == Metric::SloViolation;
    is_of_requests && description.better == Better::Lower && metrics[Metric::Requests as usize].max == 0.0
}

fn judge(check: &Check, summary: &MetricSummary) -> (Verdict, String) {
    let estimate = summary.statistic(check.statistic);
    if estimate.value.is_nan() {
        return judge_without_estimate(check, summary);
    }
    let interval = match check.statistic {
        Statistic::Min | Statistic::Max => Some((estimate.value, estimate.value)),
        _ => estimate.interval,
    };
    let Some((low, high)) = interval else {
        return (Verdict::Inconclusive, explain_missing_interval(check.statistic, summary.confidence));
    };
    let (min, max) = (check.min.unwrap_or(f64::NEG_INFINITY), check.max.unwrap_or(f64::INFINITY));
    if high < min || low > max {
        (Verdict::Failed, String::new())
    } else if min <= low && high <= max {
        (Verdict::Passed, String::new())
    } else {
        (Verdict::Inconclusive, explain_straddling(check, summary, estimate.value, (low, high)))
    }
}

/// A statistic without a value: the mean over rollouts of which one did not finish, or of runs that are all empty.
fn judge_without_estimate(check: &Check, summary: &MetricSummary) -> (Verdict, String) {
    if summary.max != f64::INFINITY {
        return (Verdict::Inconclusive, format!("no run has a value of {}", check.metric));
    }
    // However long the others take, a mean with an infinite term exceeds every bound; more runs do not change that.
    let verdict = if check.max.is_some() { Verdict::Failed } else { Verdict::Inconclusive };
    (verdict, "a rollout did not finish, so that there is no mean; a quantile over runs has a value".to_owned())
}

fn explain_missing_interval(statistic: Statistic, confidence: Confidence) -> String {
    let (what, runs) = match statistic.quantile() {
        Some(q) => (format!("the {} % quantile", figure(100.0 * q)), confidence.runs_for_quantile(q)),
        None => ("the mean".to_owned(), 2),
    };
    format!("a 95 % interval of {what} needs at least {runs} runs with a value: --runs {runs}")
}

fn explain_straddling(check: &Check, summary: &MetricSummary, value: f64, (low, high): (f64, f64)) -> String {
    let settle = [check.min, check.max].into_iter().flatten().filter(|bound| (low..=high).contains(bound));
    let needed: Vec<Option<f64>> =
        settle.map(|bound| runs_to_settle(check, summary, value, (low, high), bound)).collect();
    let interval =
        format!("the 95 % interval, {} to {}, does not lie on one side of the bound", figure(low), figure(high));
    match needed.iter().copied().collect::<Option<Vec<f64>>>() {
        Some(runs) if !runs.is_empty() => {
            let runs = runs.into_iter().fold(0.0, f64::max);
            format!("{interval}; if the estimate stays at {}, about {runs} runs settle it", figure(value))
        }
        _ => format!("{interval}; the estimate, {}, does not tell how many runs settle it", figure(value)),
    }
}

/// About how many runs it takes until the interval clears a bound that it straddles, if the estimate stays; `None`
/// where it is on the bound, or an end is infinite.
///
/// The distance from the estimate to the interval's end shrinks with the square root of the number of runs; where no
/// run, or every one, had an event, it shrinks with the number itself. Of a share that is then z^2 / (n + z^2), whose
/// odds, z^2 / n, shrink exactly so.
fn runs_to_settle(check: &Check, summary: &MetricSummary, value: f64, ends: (f64, f64), bound: f64) -> Option<f64> {
    let distance = (bound - value).abs();
    let reach = if bound >= value { ends.1 - value } else { value - ends.0 };
    let kind = summary.metric.description().kind;
    let is_share = check.statistic == Statistic::ProbabilityPositive || kind == Kind::YesNo;
    let is_mean = check.statistic.quantile().is_none();
    let linear = is_mean && ((value == 0.0 && (is_share || kind == Kind::Count)) || (value == 1.0 && is_share));
    let ratio = if linear && is_share {
        let odds = |share: f64| share / (1.0 - share);
        odds(reach) / odds(distance)
    } else {
        reach / distance
    };
    if !ratio.is_finite() || summary.runs == 0 {
        return None;
    }
    let runs = summary.runs as f64 * if linear { ratio } else { ratio * ratio };
    // Two digits say how rough it is.
    let unit = 10f64.powf((runs.log10().floor() - 1.0).max(0.0));
    Some((runs / unit).ceil() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::METRICS;
    use crate::study::samples::check;
    use crate::study::summary::summarize_metric;

    /// Evaluates on one metric's values; the others are empty.
    fn verdict_of(check: &Check, values: &[f64], infinite: usize) -> CheckResult {
        let summarize = |metric: &Metric| {
            if metric.name() == check.metric {
                summarize_metric(*metric, values, infinite)
            } else {
                summarize_metric(*metric, &[], 0)
            }
        };
        let metrics: Vec<MetricSummary> = METRICS.iter().map(summarize).collect();
        evaluate(check, &metrics)
    }

    /// Mean 50.5, t interval 44.7 to 56.3.
    fn one_to_hundred() -> Vec<f64> {
        (1..=100).map(f64::from).collect()
    }

    #[test]
    fn a_mean_passes_fails_or_is_open_as_its_interval_lies() {
        for (min, max, expected) in [
            (None, Some(60.0), Verdict::Passed),
            (Some(40.0), None, Verdict::Passed),
            (Some(40.0), Some(60.0), Verdict::Passed),
            (None, Some(40.0), Verdict::Failed),
            (Some(60.0), None, Verdict::Failed),
            (Some(60.0), Some(70.0), Verdict::Failed),
            (None, Some(52.0), Verdict::Inconclusive),
            (None, Some(48.0), Verdict::Inconclusive),
            (Some(50.0), None, Verdict::Inconclusive),
            (Some(40.0), Some(52.0), Verdict::Inconclusive),
        ] {
            let result = verdict_of(&check(Metric::TtftP99, Statistic::Mean, min, max), &one_to_hundred(), 0);
            assert_eq!(result.verdict, expected, "{min:?} {max:?}");
            assert_eq!(result.explanation.is_empty(), expected != Verdict::Inconclusive);
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        let constant = [7.0; 20];
        for statistic in [Statistic::Mean, Statistic::Min, Statistic::Max, Statistic::P50] {
            let equal = check(Metric::CapacityDip, statistic, Some(7.0), Some(7.0));
            assert_eq!(verdict_of(&equal, &constant, 0).verdict, Verdict::Passed, "{statistic:?}");
            let above = check(Metric::CapacityDip, statistic, Some(7.0 + 1e-9), None);
            assert_eq!(verdict_of(&above, &constant, 0).verdict, Verdict::Failed, "{statistic:?}");
        }
    }

    #[test]
    fn least_and_greatest_are_compared_themselves() {
        let values = one_to_hundred();
        let greatest = |max| verdict_of(&check(Metric::TtftP99, Statistic::Max, None, Some(max)), &values, 0).verdict;
        assert_eq!((greatest(100.0), greatest(99.9)), (Verdict::Passed, Verdict::Failed));
        let least = |min| verdict_of(&check(Metric::TtftP99, Statistic::Min, Some(min), None), &values, 0).verdict;
        assert_eq!((least(1.0), least(1.1)), (Verdict::Passed, Verdict::Failed));
        let one_run = verdict_of(&check(Metric::TtftP99, Statistic::Max, None, Some(9.0)), &[9.0], 0);
        assert_eq!(one_run.verdict, Verdict::Passed);
    }

    #[test]
    fn a_quantile_without_enough_runs_is_open_and_says_how_many_it_needs() {
        let p99 = check(Metric::TtftP99, Statistic::P99, None, Some(1_000.0));
        let result = verdict_of(&p99, &one_to_hundred(), 0);
        assert_eq!(result.verdict, Verdict::Inconclusive);
        assert_eq!(result.estimate, Estimate { value: 99.0, interval: None });
        assert_eq!(
            result.explanation,
            "a 95 % interval of the 99 % quantile needs at least 368 runs with a value: --runs 368"
        );
        let mean = verdict_of(&check(Metric::TtftP99, Statistic::Mean, None, Some(2.0)), &[1.0], 0);
        assert_eq!(mean.explanation, "a 95 % interval of the mean needs at least 2 runs with a value: --runs 2");
    }

    #[test]
    fn an_unfinished_rollout_fails_upper_bounds_on_what_it_makes_infinite() {
        let values: Vec<f64> = one_to_hundred().into_iter().map(|v| if v > 50.0 { f64::NAN } else { v }).collect();
        for statistic in [Statistic::Mean, Statistic::P95, Statistic::P90, Statistic::Max] {
            let result = verdict_of(&check(Metric::RolloutDuration, statistic, None, Some(1e9)), &values, 50);
            assert_eq!(result.verdict, Verdict::Failed, "{statistic:?}");
        }
        // Ranks 40 and 61 of 100 enclose the median: 40 to infinity.
        let median = verdict_of(&check(Metric::RolloutDuration, Statistic::P50, None, Some(1e9)), &values, 50);
        assert_eq!(median.estimate.interval, Some((40.0, f64::INFINITY)));
        assert_eq!(median.verdict, Verdict::Inconclusive);
        let least = verdict_of(&check(Metric::RolloutDuration, Statistic::Mean, Some(1.0), None), &values, 50);
        assert_eq!(least.verdict, Verdict::Inconclusive);
    }

    #[test]
    fn nothing_that_could_go_wrong_is_no_promise_kept() {
        let verdict = |metric: Metric, requests: f64| {
            let summarize = |metric: &Metric| {
                let value = if *metric == Metric::Requests { requests } else { 0.0 };
                summarize_metric(*metric, &[value; 40], 0)
            };
            let metrics: Vec<MetricSummary> = METRICS.iter().map(summarize).collect();
            evaluate(&check(metric, Statistic::P90, None, Some(0.0)), &metrics).verdict
        };
        assert_eq!(verdict(Metric::TruncatedAttempts, 5.0), Verdict::Passed);
        assert_eq!(verdict(Metric::TruncatedAttempts, 0.0), Verdict::Inconclusive);
        assert_eq!(verdict(Metric::SloViolation, 0.0), Verdict::Inconclusive);
        assert_eq!(verdict(Metric::CapacityDip, 0.0), Verdict::Passed);
    }

    #[test]
    fn a_metric_that_is_empty_in_every_run_is_open() {
        let result = verdict_of(&check(Metric::SloViolation, Statistic::Mean, None, Some(0.0)), &[f64::NAN; 9], 0);
        assert_eq!(result.verdict, Verdict::Inconclusive);
        assert_eq!(result.explanation, "no run has a value of slo_violation_seconds");
    }

    /// The number of runs that an explanation names does settle the check when the estimate stays.
    #[test]
    fn the_runs_that_an_explanation_names_settle_the_check() {
        let cases = [
            (check(Metric::RolledBack, Statistic::Mean, None, Some(0.12)), 10, Verdict::Passed),
            (check(Metric::RolledBack, Statistic::Mean, None, Some(0.08)), 10, Verdict::Failed),
            (check(Metric::TruncatedAttempts, Statistic::Mean, None, Some(0.001)), usize::MAX, Verdict::Passed),
            (check(Metric::TtftP99, Statistic::Mean, Some(0.09), None), 10, Verdict::Passed),
        ];
        for (check, every, expected) in cases {
            // One in each `every`-th run, the first excepted.
            let values =
                |runs: usize| -> Vec<f64> { (1..=runs).map(|i| f64::from(u8::from(i % every == 0))).collect() };
            let result = verdict_of(&check, &values(100), 0);
            assert_eq!(result.verdict, Verdict::Inconclusive, "{check:?}");
            let words: Vec<&str> = result.explanation.split(' ').collect();
            let at = words.iter().position(|word| *word == "about").expect("a number of runs");
            let runs: usize = words[at + 1].parse().expect("a whole number");
            // The projection is rough (Wilson's interval is skewed): half as many again do in every case.
            assert_eq!(verdict_of(&check, &values(runs * 3 / 2), 0).verdict, expected, "{}", result.explanation);
            assert_eq!(verdict_of(&check, &values(runs / 2), 0).verdict, Verdict::Inconclusive, "{check:?}");
        }
    }

    #[test]
    fn failed_beats_inconclusive_beats_passed() {
        let result = |max| verdict_of(&check(Metric::TtftP99, Statistic::Mean, None, Some(max)), &one_to_hundred(), 0);
        let (passed, failed, open) = (result(60.0), result(40.0), result(52.0));
        assert_eq!(overall(&[]), Overall::Passed);
        assert_eq!(overall(std::slice::from_ref(&passed)), Overall::Passed);
        assert_eq!(overall(&[passed.clone(), open.clone()]), Overall::Inconclusive);
        assert_eq!(overall(&[open, failed, passed]), Overall::Failed);
    }

    #[test]
    fn an_unknown_metric_is_open_and_named() {
        let unknown = Check { metric: "ttft".to_owned(), ..check(Metric::TtftP99, Statistic::Mean, None, Some(1.0)) };
        let result = evaluate(&unknown, &[]);
        assert_eq!((result.verdict, result.explanation.as_str()), (Verdict::Inconclusive, "there is no metric `ttft`"));
    }
}
