//! What users were promised, and what of it a fleet breaks.
//!
//! Which fleet is asked, and what follows for a lever, is decided elsewhere.

use serde::{Deserialize, Serialize};

use super::paired::{mean_difference, more_unanswered};
use super::{Bound, Options};
use crate::ledger::Metric;
use crate::scenario::{Check, Scenario};
use crate::study::checks::evaluate;
use crate::study::result::{CheckResult, Estimate, StudyResult, Verdict};

/// The quantile of TTFT that the study looks at.
const QUANTILE: f64 = 0.99;

/// How many more of the requests than today, as a share, may be left without their whole answer: refused, dropped, cut, timed
/// out. The whole interval of the difference lies within. Not zero, because a busier replica answers more slowly, and whatever
/// cuts long answers cuts a few more of them: the more runs, the smaller a difference would be held against it.
pub const UNANSWERED: f64 = 0.001;

/// For how much more of the time than today, as a share, the objective may be missed: the mean lies within and, where a rise
/// is shown, so does the whole interval. Not zero for the reason that [`UNANSWERED`] is not: another engine or fleet loses a
/// bin here and wins one there. A hundredth, because an objective for 99 % of requests cares for no less. Where no rise is
/// shown the interval is let off: a bin is missed or it is not, so that in few runs one bin more makes a wide interval.
pub const MISSED: f64 = 0.01;

/// What users were promised: what a fleet must keep.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Promise {
    /// TTFT P99.
    pub ttft: Bound,
    /// For how many more seconds of a run than today the objective may be missed; `None` where there is no objective.
    pub missed_seconds: Option<f64>,
    /// The scenario's checks that hold today.
    pub checks: Vec<Check>,
    /// The greatest mean utilization, as a share; `None` where none was asked for.
    pub utilization: Option<f64>,
}

/// One part of the promise that a fleet breaks, with what was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Breach {
    /// Mean of TTFT P99, seconds, beyond [`Bound::Seconds`].
    Ttft(Estimate),
    /// Mean difference of TTFT P99 from today's, seconds, beyond [`Bound::Today`].
    TtftDifference(Estimate),
    /// Mean difference of the share of requests without their whole answer, beyond [`UNANSWERED`].
    Unanswered(Estimate),
    /// Mean difference of the seconds in which the objective is missed, beyond [`Promise::missed_seconds`].
    Missed(Estimate),
    /// A check that holds today.
    Check(CheckResult),
    /// Mean utilization, beyond [`Promise::utilization`].
    Utilization(Estimate),
}

impl Promise {
    /// The bound on TTFT P99 is the one given, else the scenario's objective for it if today's fleet keeps it, else today's.
    pub(super) fn of(base: &StudyResult, options: &Options) -> Promise {
        let scenario: &Scenario = &base.scenario;
        let objective = scenario.slo.as_ref().filter(|slo| slo.quantile == QUANTILE).map(|slo| slo.ttft.seconds());
        let is_kept = |bound: &f64| within(&base.metric(Metric::TtftP99).mean, *bound);
        let bound = options.ttft_p99.or(objective.filter(is_kept));
        let holding = scenario.promises().filter(|check| holds(&evaluate(check, &base.metrics)));
        Promise {
            ttft: bound.map_or(Bound::Today, Bound::Seconds),
            missed_seconds: scenario.slo.as_ref().map(|_| MISSED * scenario.study.duration.seconds()),
            checks: holding.cloned().collect(),
            utilization: options.max_utilization,
        }
    }

    /// What of it this fleet breaks.
    pub(super) fn breaches(&self, base: &StudyResult, result: &StudyResult) -> Vec<Breach> {
        let mut breaches = Vec::new();
        let mut hold = |is_kept: bool, breach: Breach| {
            if !is_kept {
                breaches.push(breach);
            }
        };
        let (today, records) = (&base.records, &result.records);
        match self.ttft {
            Bound::Seconds(bound) => {
                let ttft = result.metric(Metric::TtftP99).mean;
                hold(within(&ttft, bound), Breach::Ttft(ttft));
            }
            Bound::Today => {
                let more = mean_difference(today, records, |record| record.value(Metric::TtftP99));
                hold(more.value <= 0.0, Breach::TtftDifference(more));
            }
        }
        let unanswered = more_unanswered(today, records);
        hold(within(&unanswered, UNANSWERED), Breach::Unanswered(unanswered));
        if let Some(seconds) = self.missed_seconds {
            let missed = more_missed(base, result);
            let is_shown = missed.interval.is_some_and(|(low, _)| low > 0.0);
            hold(missed.value <= seconds && (!is_shown || within(&missed, seconds)), Breach::Missed(missed));
        }
        for check in &self.checks {
            let found = evaluate(check, &result.metrics);
            hold(holds(&found), Breach::Check(found));
        }
        if let Some(most) = self.utilization {
            let utilization = result.metric(Metric::Utilization).mean;
            hold(within(&utilization, most), Breach::Utilization(utilization));
        }
        breaches
    }
}

/// For how many more seconds of a run the objective is missed than today; NaN without an objective.
pub(super) fn more_missed(base: &StudyResult, result: &StudyResult) -> Estimate {
    mean_difference(&base.records, &result.records, |record| record.value(Metric::SloViolation))
}

/// Whether the whole interval, or the estimate where it has none, is at most this.
fn within(estimate: &Estimate, bound: f64) -> bool {
    estimate.interval.map_or(estimate.value, |(_, high)| high) <= bound
}

/// Whether a check holds. Of one that these runs leave open, the estimate decides: the interval of a quantile needs many runs,
/// and a promise that few runs cannot certify is still one.
fn holds(found: &CheckResult) -> bool {
    let (min, max) = (found.min.unwrap_or(f64::NEG_INFINITY), found.max.unwrap_or(f64::INFINITY));
    match found.verdict {
        Verdict::Passed => true,
        Verdict::Failed => false,
        Verdict::Inconclusive => min <= found.estimate.value && found.estimate.value <= max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RunRecord;
    use crate::scenario::Statistic;
    use crate::study::samples::{check, facts, record, scenario};
    use crate::study::summary::summarize;

    /// Twenty runs of these values, with two checks, of which the second does not hold while P99 is a second.
    fn fleet(values: &[(Metric, f64)]) -> StudyResult {
        let mut scenario = scenario(20);
        scenario.slo = Some(crate::scenario::Slo {
            ttft: crate::units::Duration::from_seconds(2),
            quantile: 0.99,
            bin: crate::units::Duration::from_seconds(60),
        });
        let at_most = |metric, statistic, max| check(metric, statistic, None, Some(max));
        scenario.checks = vec![
            at_most(Metric::TruncatedAttempts, Statistic::P95, 2.0),
            at_most(Metric::TtftP99, Statistic::Mean, 0.5),
        ];
        let usual = [(Metric::Requests, 1000.0), (Metric::CompletedRequests, 1000.0), (Metric::TtftP99, 1.0)];
        let values: Vec<(Metric, f64)> = usual.iter().chain(values).copied().collect();
        let records: Vec<RunRecord> = (0..20).map(|run| record(run, &values)).collect();
        summarize(scenario, facts(), records, crate::ledger::Pooled::new(1), false)
    }

    /// What of the promise of a fleet without harm one with these values breaks.
    fn broken(values: &[(Metric, f64)], options: &Options) -> Vec<Breach> {
        let base = fleet(&[]);
        Promise::of(&base, options).breaches(&base, &fleet(values))
    }

    #[test]
    fn each_part_of_the_promise_breaks_by_itself() {
        let usual = Options::default();
        assert!(broken(&[], &usual).is_empty());
        let long = broken(&[(Metric::TtftP99, 2.1)], &usual);
        assert!(matches!(long.as_slice(), [Breach::Ttft(ttft)] if ttft.value == 2.1), "{long:?}");
        let lost = broken(&[(Metric::CompletedRequests, 998.0)], &usual);
        assert!(matches!(lost.as_slice(), [Breach::Unanswered(more)] if (more.value - 0.002).abs() < 1e-12));
        // Ten seconds are measured: a hundredth of them is 0.1 s.
        assert!(broken(&[(Metric::SloViolation, 0.09)], &usual).is_empty());
        let missed = broken(&[(Metric::SloViolation, 0.11)], &usual);
        assert!(matches!(missed.as_slice(), [Breach::Missed(more)] if more.value == 0.11), "{missed:?}");
        let busy = Options { max_utilization: Some(0.8), ..Options::default() };
        assert!(broken(&[(Metric::Utilization, 0.79)], &busy).is_empty());
        let full = broken(&[(Metric::Utilization, 0.81)], &busy);
        assert!(matches!(full.as_slice(), [Breach::Utilization(_)]), "{full:?}");
    }

    /// A bin of ten minutes lost in one run of ten is no rise that is shown; five of ten are, and might be beyond the bound.
    #[test]
    fn a_rise_that_is_not_shown_is_let_off_within_the_mean() {
        let missed = |lost: u64, seconds: f64| {
            let of = |run: u64| if run < lost { seconds } else { 0.0 };
            let of_each = |value: &dyn Fn(u64) -> f64| {
                let records: Vec<RunRecord> = (0..10)
                    .map(|run| {
                        let usual = [(Metric::Requests, 9.0), (Metric::CompletedRequests, 9.0)];
                        record(run, &[usual.as_slice(), &[(Metric::SloViolation, value(run))]].concat())
                    })
                    .collect();
                summarize(fleet(&[]).scenario, facts(), records, crate::ledger::Pooled::new(1), false)
            };
            let base = of_each(&|_| 0.0);
            Promise::of(&base, &Options::default()).breaches(&base, &of_each(&of))
        };
        // The bound is 0.1 s.
        assert!(missed(1, 0.6).is_empty(), "{:?}", missed(1, 0.6));
        assert_eq!(missed(1, 1.1).len(), 1, "a mean of 0.11 s is beyond it");
        assert_eq!(missed(5, 0.16).len(), 1, "a mean of 0.08 s, and 0.14 s are not excluded");
        assert!(missed(10, 0.09).is_empty(), "shown to be within");
    }

    #[test]
    fn a_check_that_holds_today_binds_by_its_estimate_where_the_runs_are_few() {
        let base = fleet(&[]);
        let promise = Promise::of(&base, &Options::default());
        // The mean of TTFT P99 is above its check's bound today, so that it promises nothing.
        assert_eq!(promise.checks.len(), 1);
        // P95 of twenty runs has no interval.
        assert_eq!(evaluate(&promise.checks[0], &base.metrics).verdict, Verdict::Inconclusive);
        assert!(broken(&[(Metric::TruncatedAttempts, 2.0)], &Options::default()).is_empty());
        let cut = broken(&[(Metric::TruncatedAttempts, 3.0)], &Options::default());
        let [Breach::Check(found)] = cut.as_slice() else { panic!("{cut:?}") };
        assert_eq!((found.metric.as_str(), found.estimate.value), ("truncated_attempts", 3.0));
    }
}
