//! AnalysisRuns: when each metric is measured, what its measurements count as, and the verdict.
//!
//! Argo Rollouts' rules (`analysis/analysis.go`, `utils/analysis/helpers.go`), without dry runs and limits of consecutive
//! successes, which a scenario cannot name. What a run's verdict does to the rollout is not decided here.

use crate::rollout::{Measured, Note};
use crate::scenario::{Analysis, AnalysisBound, NoData};
use crate::units::{Duration, Time};

/// Wait before a measurement is taken again after an error, whatever the interval.
const ERROR_RETRY: Duration = Duration::from_seconds(10);

/// Number of an AnalysisRun, in order of creation over the whole simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub u32);

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

/// A measurement under its template's bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What it counts as.
    pub outcome: Outcome,
    /// Whether it counts so for want of data.
    pub without_data: bool,
}

/// What a measurement counts as under its template's bound.
pub fn judge(analysis: &Analysis, measured: Measured) -> Judgement {
    let within = match (measured, analysis.bound) {
        (Measured::Value { value, .. }, AnalysisBound::Max(max)) => Some(value <= max),
        (Measured::Value { value, stable: Some(stable), .. }, AnalysisBound::MaxRatioToStable(ratio)) => {
            Some(value <= ratio * stable)
        }
        // Kayenta's judge: high if surely and by enough, and in the mean, too.
        (Measured::Shift { shift, lower, mean_ratio, .. }, AnalysisBound::MaxShift { tolerance, ratio }) => {
            Some(!(lower > tolerance * shift.abs() && mean_ratio >= ratio))
        }
        _ => None,
    };
    let outcome = match (within, analysis.no_data) {
        (Some(true), _) | (None, NoData::Success) => Outcome::Successful,
        (Some(false), _) => Outcome::Failed,
        (None, NoData::Error) => Outcome::Error,
        (None, NoData::Inconclusive) => Outcome::Inconclusive,
    };
    Judgement { outcome, without_data: within.is_none() }
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

/// One metric of a run.
#[derive(Clone, Debug)]
struct Metric {
    template: usize,
    analysis: Analysis,
    phase: RunPhase,
    /// Successes, failures and inconclusive measurements; errors are not counted.
    count: u32,
    failed: u32,
    inconclusive: u32,
    consecutive_errors: u32,
    without_data: u32,
    /// Measurements of every outcome.
    taken: u32,
    /// When it was measured last, and how that ended.
    last: Option<(Time, Outcome)>,
    /// A measurement was asked for and is not in yet.
    in_flight: bool,
}

/// An AnalysisRun: the metrics of one list of templates, judged together.
#[derive(Clone, Debug)]
pub struct AnalysisRun {
    started: Time,
    metrics: Vec<Metric>,
    terminate: bool,
    phase: RunPhase,
    message: String,
}

impl AnalysisRun {
    /// A run that starts now. `templates` are indices into `analyses`; those out of range are left out.
    pub fn new(templates: &[usize], analyses: &[Analysis], now: Time) -> AnalysisRun {
        let metric = |template: &usize| {
            analyses.get(*template).map(|analysis| Metric {
                template: *template,
                analysis: analysis.clone(),
                phase: RunPhase::Running,
                count: 0,
                failed: 0,
                inconclusive: 0,
                consecutive_errors: 0,
                without_data: 0,
                taken: 0,
                last: None,
                in_flight: false,
            })
        };
        let metrics = templates.iter().filter_map(metric).collect();
        AnalysisRun { started: now, metrics, terminate: false, phase: RunPhase::Running, message: String::new() }
    }

    /// The verdict so far.
    pub fn phase(&self) -> RunPhase {
        self.phase
    }

    /// Why it did not pass: the metric that decided it, and the limit that was exceeded.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// When the next measurement is due; never, when the run is over.
    pub fn next_due(&self) -> Time {
        self.metrics.iter().map(|metric| self.due(metric)).min().unwrap_or(Time::NEVER)
    }

    /// The same of metrics that are measured so many times: those without a count never pass.
    pub fn next_counted_due(&self) -> Time {
        let counted = self.metrics.iter().filter(|metric| metric.analysis.count.is_some());
        counted.map(|metric| self.due(metric)).min().unwrap_or(Time::NEVER)
    }

    /// The templates to be measured now. They count as asked for: each must be handed to [`AnalysisRun::record`]; more may be
    /// due at this instant afterwards. The real controller wakes a moment after each due time, so of two metrics that fall due
    /// together the one that has waited less often comes first, and may end the run.
    pub fn take_due(&mut self, now: Time) -> Vec<usize> {
        let is_due: Vec<bool> = self.metrics.iter().map(|metric| self.due(metric) <= now).collect();
        let due = || self.metrics.iter().zip(&is_due).filter(|(_, is_due)| **is_due);
        let fewest = due().map(|(metric, _)| metric.waits()).min();
        let mut templates = Vec::new();
        for (metric, is_due) in self.metrics.iter_mut().zip(&is_due) {
            if *is_due && Some(metric.waits()) == fewest {
                metric.in_flight = true;
                templates.push(metric.template);
            }
        }
        templates
    }

    fn due(&self, metric: &Metric) -> Time {
        if self.phase != RunPhase::Running || metric.phase != RunPhase::Running || metric.in_flight {
            return Time::NEVER;
        }
        match metric.last {
            None => self.started + metric.analysis.initial_delay,
            Some((finished, Outcome::Error)) => finished + ERROR_RETRY,
            Some((finished, _)) => finished + metric.analysis.interval,
        }
    }

    /// What a measurement counts as; `None` if this run has no such template.
    pub fn judge(&self, template: usize, measured: Measured) -> Option<Judgement> {
        let metric = self.metrics.iter().find(|metric| metric.template == template)?;
        Some(judge(&metric.analysis, measured))
    }

    /// Takes a measurement in. Ends the run, if that decides it and no other measurement of this instant is still out.
    pub fn record(&mut self, template: usize, outcome: Outcome, without_data: bool, now: Time) {
        let Some(metric) = self.metrics.iter_mut().find(|metric| metric.template == template && metric.in_flight)
        else {
            return;
        };
        metric.record(outcome, now);
        metric.without_data += u32::from(without_data && outcome != Outcome::Error);
        self.assess();
    }

    /// Takes in a measurement that was taken when another run of these templates asked for it, so that this one tells how it
    /// would have gone with these values.
    pub fn follow(&mut self, template: usize, measured: Measured, now: Time) {
        let Some(judgement) = self.judge(template, measured) else { return };
        if let Some(metric) = self.metrics.iter_mut().find(|metric| metric.template == template) {
            metric.in_flight = true;
        }
        self.record(template, judgement.outcome, judgement.without_data, now);
    }

    /// Ends the run early: what was measured so far decides; nothing measured, or nothing wrong, is a pass.
    pub fn terminate(&mut self) {
        self.terminate = true;
        self.assess();
    }

    /// Judges the metrics, then the run. Once a metric has not passed, the others end as they are.
    fn assess(&mut self) {
        if self.phase != RunPhase::Running || (!self.terminate && self.metrics.iter().any(|metric| metric.in_flight)) {
            return;
        }
        for metric in &mut self.metrics {
            metric.assess();
        }
        let terminating = self.terminate || self.metrics.iter().any(|metric| metric.phase > RunPhase::Successful);
        if terminating {
            for metric in self.metrics.iter_mut().filter(|metric| metric.phase == RunPhase::Running) {
                metric.phase = RunPhase::Successful;
            }
        }
        if self.metrics.iter().any(|metric| metric.phase == RunPhase::Running) {
            return;
        }
        self.phase = self.metrics.iter().map(|metric| metric.phase).max().unwrap_or(RunPhase::Successful);
        self.message = self.worst().map(|metric| metric.verdict()).unwrap_or_default();
    }

    /// The metric that decided against the run.
    fn worst(&self) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.phase == self.phase && metric.phase > RunPhase::Successful)
    }

    /// What to tell of the verdict: of each template that passed, or of the one that decided against.
    pub fn notes(&self) -> Vec<Note> {
        if self.phase == RunPhase::Successful {
            let passed = |metric: &Metric| Note::AnalysisPassed {
                template: metric.template,
                measurements: metric.count,
                without_data: metric.without_data,
            };
            return self.metrics.iter().map(passed).collect();
        }
        let note = |metric: &Metric| match metric.phase {
            RunPhase::Inconclusive => {
                Note::AnalysisInconclusive { template: metric.template, detail: metric.exceeded() }
            }
            _ => Note::AnalysisFailed { template: metric.template, detail: metric.exceeded() },
        };
        self.worst().map(note).into_iter().collect()
    }
}

impl Metric {
    /// How often it has waited for its next measurement: each time, and for an initial delay.
    fn waits(&self) -> u32 {
        self.taken + u32::from(!self.analysis.initial_delay.is_zero())
    }

    fn record(&mut self, outcome: Outcome, now: Time) {
        self.in_flight = false;
        self.taken += 1;
        self.last = Some((now, outcome));
        if outcome == Outcome::Error {
            self.consecutive_errors += 1;
            return;
        }
        self.consecutive_errors = 0;
        self.count += 1;
        self.failed += u32::from(outcome == Outcome::Failed);
        self.inconclusive += u32::from(outcome == Outcome::Inconclusive);
    }

    /// The phase that the measurements come to; of several limits exceeded, the last one named decides.
    fn assess(&mut self) {
        if self.phase != RunPhase::Running || self.last.is_none() {
            return;
        }
        let analysis = &self.analysis;
        self.phase = if self.consecutive_errors > analysis.consecutive_error_limit {
            RunPhase::Error
        } else if self.inconclusive > analysis.inconclusive_limit {
            RunPhase::Inconclusive
        } else if self.failed > analysis.failure_limit {
            RunPhase::Failed
        } else if analysis.count.is_some_and(|count| self.count >= count) {
            RunPhase::Successful
        } else {
            RunPhase::Running
        };
    }

    /// The limit that was exceeded.
    fn exceeded(&self) -> String {
        let analysis = &self.analysis;
        match self.phase {
            RunPhase::Failed => format!("failed ({}) > failure_limit ({})", self.failed, analysis.failure_limit),
            RunPhase::Inconclusive => {
                format!("inconclusive ({}) > inconclusive_limit ({})", self.inconclusive, analysis.inconclusive_limit)
            }
            RunPhase::Error => format!(
                "consecutive_errors ({}) > consecutive_error_limit ({})",
                self.consecutive_errors, analysis.consecutive_error_limit
            ),
            RunPhase::Running | RunPhase::Successful => String::new(),
        }
    }

    fn verdict(&self) -> String {
        let word = match self.phase {
            RunPhase::Failed => "failed",
            RunPhase::Inconclusive => "inconclusive",
            RunPhase::Error => "erred",
            RunPhase::Running | RunPhase::Successful => "passed",
        };
        format!("analysis {} {word}: {}", self.analysis.name, self.exceeded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{AnalysisMetric, Estimator};

    fn analysis(bound: AnalysisBound, no_data: NoData) -> Analysis {
        Analysis {
            name: "ttft".to_owned(),
            metric: AnalysisMetric::Ttft,
            quantile: 0.99,
            bound,
            interval: Duration::from_seconds(60),
            count: Some(2),
            failure_limit: 0,
            inconclusive_limit: 0,
            consecutive_error_limit: 0,
            initial_delay: Duration::ZERO,
            window: Duration::from_seconds(60),
            min_samples: 1,
            no_data,
            estimator: Estimator::Exact,
        }
    }

    fn value(value: f64, stable: Option<f64>) -> Measured {
        Measured::Value { value, samples: 9, stable }
    }

    #[test]
    fn a_measurement_succeeds_up_to_its_bound_inclusive() {
        let run = AnalysisRun::new(&[0], &[analysis(AnalysisBound::Max(2.0), NoData::Error)], Time::ZERO);
        let outcome = |measured| run.judge(0, measured).map(|judgement| judgement.outcome);
        assert_eq!(outcome(value(2.0, None)), Some(Outcome::Successful));
        assert_eq!(outcome(value(2.1, None)), Some(Outcome::Failed));
        assert_eq!(outcome(value(f64::NAN, None)), Some(Outcome::Failed));
        assert_eq!(run.judge(1, value(1.0, None)), None);
    }

    #[test]
    fn a_ratio_without_a_stable_value_has_no_data() {
        for (no_data, expected) in [
            (NoData::Success, Outcome::Successful),
            (NoData::Error, Outcome::Error),
            (NoData::Inconclusive, Outcome::Inconclusive),
        ] {
            let template = analysis(AnalysisBound::MaxRatioToStable(1.5), no_data);
            let run = AnalysisRun::new(&[0], &[template], Time::ZERO);
            let judgement = |measured| run.judge(0, measured).map(|judged| (judged.outcome, judged.without_data));
            assert_eq!(judgement(value(3.0, Some(2.0))), Some((Outcome::Successful, false)));
            assert_eq!(judgement(value(3.1, Some(2.0))), Some((Outcome::Failed, false)));
            assert_eq!(judgement(value(1.0, None)), Some((expected, true)));
            assert_eq!(judgement(Measured::NoData { samples: 0 }), Some((expected, true)));
        }
    }

    #[test]
    fn a_shift_fails_if_it_is_sure_and_the_means_agree() {
        let bound = AnalysisBound::MaxShift { tolerance: 0.25, ratio: 1.1 };
        let run = AnalysisRun::new(&[0], &[analysis(bound, NoData::Error)], Time::ZERO);
        let outcome = |shift, lower, mean_ratio| {
            run.judge(0, Measured::Shift { shift, lower, mean_ratio, points: 9 }).map(|judgement| judgement.outcome)
        };
        assert_eq!(outcome(4.0, 1.1, 1.1), Some(Outcome::Failed));
        assert_eq!(outcome(4.0, 1.0, 1.1), Some(Outcome::Successful), "the interval reaches down to a quarter");
        assert_eq!(outcome(4.0, 1.1, 1.09), Some(Outcome::Successful), "the means are too close");
        assert_eq!(outcome(-4.0, -5.0, 0.5), Some(Outcome::Successful));
        assert_eq!(run.judge(0, value(1.0, None)).map(|judged| judged.without_data), Some(true));
    }

    #[test]
    fn a_passed_run_tells_how_many_measurements_had_no_data() {
        let template = analysis(AnalysisBound::Max(2.0), NoData::Success);
        let mut run = AnalysisRun::new(&[0], &[template], Time::ZERO);
        for without_data in [true, false] {
            let now = run.next_due();
            assert_eq!(run.take_due(now), [0]);
            assert_eq!(run.take_due(now), [0; 0], "a measurement is asked for once");
            run.record(0, Outcome::Successful, without_data, now);
        }
        assert_eq!(run.notes(), [Note::AnalysisPassed { template: 0, measurements: 2, without_data: 1 }]);
        assert!(run.next_due().is_never());
    }

    #[test]
    fn a_failed_run_names_the_limit_that_was_exceeded() {
        let template = analysis(AnalysisBound::Max(2.0), NoData::Success);
        let mut run = AnalysisRun::new(&[0], &[template], Time::ZERO);
        run.take_due(Time::ZERO);
        run.record(0, Outcome::Failed, false, Time::ZERO);
        assert_eq!(run.phase(), RunPhase::Failed);
        assert_eq!(run.message(), "analysis ttft failed: failed (1) > failure_limit (0)");
    }
}
