//! One metric of an AnalysisRun: what a measurement counts as under its template's bounds, and what all of them come to
//! (`analysis/analysis.go` of Argo Rollouts: `assessMetricStatus`, `assessMetricFailureInconclusiveOrError`).

use crate::rollout::Measured;
use crate::scenario::{Analysis, AnalysisBound, NoData};

/// What one measurement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Within the bound.
    Successful,
    /// Beyond it.
    Failed,
    /// Neither.
    Inconclusive,
    /// It could not be taken: taken again after 10 s, and not counted.
    Error,
}

impl Outcome {
    /// The word of the event log.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Successful => "successful",
            Outcome::Failed => "failed",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Error => "error",
        }
    }
}

/// A measurement under its template's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What it counts as.
    pub outcome: Outcome,
    /// Whether it counts so for want of data.
    pub without_data: bool,
}

/// The phase of a metric or of a whole run, the better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunPhase {
    /// Under way.
    Running,
    /// Passed.
    Successful,
    /// Ended without a verdict.
    Inconclusive,
    /// Ended by too many errors.
    Error,
    /// Did not pass.
    Failed,
}

/// What a measurement counts as. Beyond `fail_above` it has failed, whatever else holds; within the bound it has
/// succeeded; between the two, where there are two, it is inconclusive.
pub fn judge(analysis: &Analysis, measured: Measured) -> Judgement {
    if let (Measured::Shift { shift, lower, mean_ratio, .. }, AnalysisBound::MaxShift { tolerance, ratio }) =
        (measured, analysis.bound)
    {
        // Kayenta's judge: high if surely and by enough, and in the mean, too.
        let is_high = lower > tolerance * shift.abs() && mean_ratio >= ratio;
        let outcome = if is_high { Outcome::Failed } else { Outcome::Successful };
        return Judgement { outcome, without_data: false };
    }
    let bounds = match (measured, analysis.bound) {
        (Measured::Value { value, .. }, AnalysisBound::Max(max)) => Some((value, max, 1.0)),
        (Measured::Value { value, stable: Some(stable), .. }, AnalysisBound::MaxRatioToStable(ratio)) => {
            Some((value, ratio, stable))
        }
        _ => None,
    };
    let outcome = match (bounds, analysis.fail_above, analysis.no_data) {
        (Some((value, _, unit)), Some(fail_above), _) if value > fail_above * unit => Outcome::Failed,
        (Some((value, max, unit)), _, _) if value <= max * unit => Outcome::Successful,
        (Some(_), None, _) => Outcome::Failed,
        (Some(_), Some(_), _) | (None, _, NoData::Inconclusive) => Outcome::Inconclusive,
        (None, _, NoData::Success) => Outcome::Successful,
        (None, _, NoData::Error) => Outcome::Error,
    };
    Judgement { outcome, without_data: bounds.is_none() }
}

/// How a metric's measurements came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Measurements of every outcome.
    pub taken: u32,
    /// Successes, failures and inconclusive ones; errors do not count.
    pub counted: u32,
    /// Failures.
    pub failed: u32,
    /// Inconclusive ones.
    pub inconclusive: u32,
    /// Errors since the last measurement that was none.
    pub consecutive_errors: u32,
    /// Successes since the last measurement that was none; errors do not interrupt them.
    pub consecutive_successes: u32,
}

impl Counts {
    /// Takes one more measurement in.
    pub fn record(&mut self, outcome: Outcome) {
        self.taken += 1;
        if outcome == Outcome::Error {
            self.consecutive_errors += 1;
            return;
        }
        self.counted += 1;
        self.consecutive_errors = 0;
        self.failed += u32::from(outcome == Outcome::Failed);
        self.inconclusive += u32::from(outcome == Outcome::Inconclusive);
        self.consecutive_successes = if outcome == Outcome::Successful { self.consecutive_successes + 1 } else { 0 };
    }

    /// The limit that was exceeded, and what the metric is therefore; of several the last one named decides.
    pub fn exceeded(&self, analysis: &Analysis) -> Option<(RunPhase, String)> {
        let Counts { failed, inconclusive, consecutive_errors, .. } = *self;
        let (errors_limit, inconclusive_limit) = (analysis.consecutive_error_limit, analysis.inconclusive_limit);
        if consecutive_errors > errors_limit {
            let why = format!("consecutive_errors ({consecutive_errors}) > consecutive_error_limit ({errors_limit})");
            return Some((RunPhase::Error, why));
        }
        if inconclusive > inconclusive_limit {
            let why = format!("inconclusive ({inconclusive}) > inconclusive_limit ({inconclusive_limit})");
            return Some((RunPhase::Inconclusive, why));
        }
        let limit = analysis.failure_limit.filter(|limit| failed > *limit)?;
        Some((RunPhase::Failed, format!("failed ({failed}) > failure_limit ({limit})")))
    }

    /// The phase that these come to, and why, if it is not a pass. A run that is being ended (`terminating`) lets a metric
    /// pass that nothing is wrong with so far.
    pub fn assess(&self, analysis: &Analysis, terminating: bool) -> (RunPhase, String) {
        let undecided = if terminating { RunPhase::Successful } else { RunPhase::Running };
        if self.taken == 0 {
            return (undecided, String::new());
        }
        if let Some(exceeded) = self.exceeded(analysis) {
            return exceeded;
        }
        let wanted = analysis.consecutive_success_limit;
        let wants_successes = wanted > 0;
        if wants_successes && self.consecutive_successes >= wanted {
            return (RunPhase::Successful, String::new());
        }
        if analysis.count.is_none_or(|count| self.counted < count) {
            return (undecided, String::new());
        }
        if !wants_successes {
            return (RunPhase::Successful, String::new());
        }
        // All measurements are taken, and too few successes came in a row. If failures are limited, and so were tolerated,
        // nobody knows; if they are not, this was the only way to pass.
        let phase = if analysis.failure_limit.is_some() { RunPhase::Inconclusive } else { RunPhase::Failed };
        let last = self.consecutive_successes;
        (phase, format!("consecutive_successes ({last}) < consecutive_success_limit ({wanted}) after all measurements"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: f64, stable: Option<f64>) -> Measured {
        Measured::Value { value, samples: 9, stable }
    }

    fn outcome(analysis: &Analysis, measured: Measured) -> Outcome {
        judge(analysis, measured).outcome
    }

    #[test]
    fn a_measurement_succeeds_up_to_its_bound_inclusive() {
        let analysis = Analysis { bound: AnalysisBound::Max(2.0), ..Analysis::default() };
        assert_eq!(outcome(&analysis, value(2.0, None)), Outcome::Successful);
        assert_eq!(outcome(&analysis, value(2.1, None)), Outcome::Failed);
        assert_eq!(outcome(&analysis, value(f64::NAN, None)), Outcome::Failed);
    }

    #[test]
    fn between_two_bounds_nobody_knows_and_beyond_the_second_it_fails() {
        let analysis = Analysis { bound: AnalysisBound::Max(2.0), fail_above: Some(3.0), ..Analysis::default() };
        for (measured, expected) in [
            (2.0, Outcome::Successful),
            (2.1, Outcome::Inconclusive),
            (3.0, Outcome::Inconclusive),
            (3.1, Outcome::Failed),
            (f64::NAN, Outcome::Inconclusive),
        ] {
            assert_eq!(outcome(&analysis, value(measured, None)), expected, "{measured}");
        }
        let ratio = Analysis { bound: AnalysisBound::MaxRatioToStable(1.2), fail_above: Some(1.5), ..analysis };
        assert_eq!(outcome(&ratio, value(2.8, Some(2.0))), Outcome::Inconclusive);
        assert_eq!(outcome(&ratio, value(3.1, Some(2.0))), Outcome::Failed);
    }

    #[test]
    fn failure_wins_where_both_conditions_hold() {
        let analysis = Analysis { bound: AnalysisBound::Max(2.0), fail_above: Some(1.0), ..Analysis::default() };
        assert_eq!(outcome(&analysis, value(1.5, None)), Outcome::Failed);
    }

    #[test]
    fn a_shift_fails_if_it_is_sure_and_the_means_agree() {
        let bound = AnalysisBound::MaxShift { tolerance: 0.25, ratio: 1.1 };
        let analysis = Analysis { bound, no_data: NoData::Error, ..Analysis::default() };
        let of = |shift, lower, mean_ratio| outcome(&analysis, Measured::Shift { shift, lower, mean_ratio, points: 9 });
        assert_eq!(of(4.0, 1.1, 1.1), Outcome::Failed);
        assert_eq!(of(4.0, 1.0, 1.1), Outcome::Successful, "the interval reaches down to a quarter");
        assert_eq!(of(4.0, 1.1, 1.09), Outcome::Successful, "the means are too close");
        assert_eq!(of(-4.0, -5.0, 0.5), Outcome::Successful);
        assert!(judge(&analysis, value(1.0, None)).without_data);
    }

    #[test]
    fn a_ratio_without_a_stable_value_has_no_data() {
        for (no_data, expected) in [
            (NoData::Success, Outcome::Successful),
            (NoData::Error, Outcome::Error),
            (NoData::Inconclusive, Outcome::Inconclusive),
        ] {
            let bound = AnalysisBound::MaxRatioToStable(1.5);
            let analysis = Analysis { bound, no_data, ..Analysis::default() };
            let judged = |measured| {
                let judgement = judge(&analysis, measured);
                (judgement.outcome, judgement.without_data)
            };
            assert_eq!(judged(value(3.0, Some(2.0))), (Outcome::Successful, false));
            assert_eq!(judged(value(3.1, Some(2.0))), (Outcome::Failed, false));
            assert_eq!(judged(value(1.0, None)), (expected, true));
            assert_eq!(judged(Measured::NoData { samples: 0 }), (expected, true));
        }
    }

    #[test]
    fn errors_neither_count_nor_interrupt_successes_and_anything_else_interrupts_errors() {
        let mut counts = Counts::default();
        for outcome in [Outcome::Successful, Outcome::Error, Outcome::Successful] {
            counts.record(outcome);
        }
        assert_eq!((counts.taken, counts.counted, counts.consecutive_successes), (3, 2, 2));
        assert_eq!(counts.consecutive_errors, 0);
        counts.record(Outcome::Inconclusive);
        assert_eq!(counts.consecutive_successes, 0);
    }
}
