//! AnalysisRuns: when each metric is measured, and the verdict of all of them.
//!
//! Argo Rollouts' rules (`analysis/analysis.go`, `utils/analysis/helpers.go`). What one metric's measurements come to is in
//! `metric`; what a run's verdict does to the rollout is not decided here.

pub use crate::rollout::metric::{Counts, Judgement, Outcome, RunPhase, judge};
use crate::rollout::{Measured, Note};
use crate::scenario::Analysis;
use crate::units::{Duration, Time};

/// Wait before a measurement is taken again after an error, whatever the interval.
const ERROR_RETRY: Duration = Duration::from_seconds(10);

/// Number of an AnalysisRun, in order of creation over the whole simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub u32);

/// One metric of a run.
#[derive(Clone, Debug)]
struct Metric {
    template: usize,
    analysis: Analysis,
    phase: RunPhase,
    /// Why it did not pass.
    reason: String,
    counts: Counts,
    without_data: u32,
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
                reason: String::new(),
                counts: Counts::default(),
                without_data: 0,
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

    /// Judges the metrics, then the run. Once a metric has not passed, the others end as they are. A dry run's verdict
    /// neither ends nor fails the run, but the run waits for it.
    fn assess(&mut self) {
        if self.phase != RunPhase::Running || (!self.terminate && self.metrics.iter().any(|metric| metric.in_flight)) {
            return;
        }
        self.metrics.iter_mut().for_each(|metric| metric.assess(self.terminate));
        if self.metrics.iter().any(|metric| metric.verdict() > RunPhase::Successful) {
            self.metrics.iter_mut().for_each(|metric| metric.assess(true));
        }
        if self.metrics.iter().any(|metric| metric.phase == RunPhase::Running) {
            return;
        }
        self.phase = self.metrics.iter().map(Metric::verdict).max().unwrap_or(RunPhase::Successful);
        self.message = self.worst().map(Metric::tell).unwrap_or_default();
    }

    /// The metric that decided against the run.
    fn worst(&self) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.verdict() == self.phase && self.phase > RunPhase::Successful)
    }

    /// What to tell of the verdict: of dry runs that did not pass, and of each template that passed or of the one that
    /// decided against.
    pub fn notes(&self) -> Vec<Note> {
        let missed = |metric: &&Metric| metric.analysis.dry_run && metric.phase > RunPhase::Successful;
        let dry_run = |metric: &Metric| Note::AnalysisDryRun {
            template: metric.template,
            detail: format!("would be {}: {}", word(metric.phase), metric.reason),
        };
        let mut notes: Vec<Note> = self.metrics.iter().filter(missed).map(dry_run).collect();
        match self.worst() {
            Some(worst) => notes.push(worst.note()),
            None => notes.extend(self.metrics.iter().filter(|metric| !missed(metric)).map(Metric::note)),
        }
        notes
    }
}

impl Metric {
    /// How often it has waited for its next measurement: each time, and for an initial delay.
    fn waits(&self) -> u32 {
        self.counts.taken + u32::from(!self.analysis.initial_delay.is_zero())
    }

    fn record(&mut self, outcome: Outcome, now: Time) {
        self.in_flight = false;
        self.last = Some((now, outcome));
        self.counts.record(outcome);
    }

    /// Takes the phase that the measurements come to; a phase that is final stays.
    fn assess(&mut self, terminating: bool) {
        if self.phase == RunPhase::Running {
            (self.phase, self.reason) = self.counts.assess(&self.analysis, terminating);
        }
    }

    /// What its phase counts for in the run: a dry run's is a pass, once it is final.
    fn verdict(&self) -> RunPhase {
        if self.analysis.dry_run { self.phase.min(RunPhase::Successful) } else { self.phase }
    }

    fn note(&self) -> Note {
        let (template, detail) = (self.template, self.reason.clone());
        match self.phase {
            RunPhase::Inconclusive => Note::AnalysisInconclusive { template, detail },
            RunPhase::Failed | RunPhase::Error => Note::AnalysisFailed { template, detail },
            RunPhase::Running | RunPhase::Successful => {
                Note::AnalysisPassed { template, measurements: self.counts.counted, without_data: self.without_data }
            }
        }
    }

    fn tell(&self) -> String {
        format!("analysis {} {}: {}", self.analysis.name, word(self.phase), self.reason)
    }
}

/// A phase in a sentence.
fn word(phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Failed => "failed",
        RunPhase::Inconclusive => "inconclusive",
        RunPhase::Error => "erred",
        RunPhase::Running | RunPhase::Successful => "passed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice() -> Analysis {
        Analysis { name: "ttft".to_owned(), count: Some(2), ..Analysis::default() }
    }

    fn run(analyses: &[Analysis]) -> AnalysisRun {
        let every: Vec<usize> = (0..analyses.len()).collect();
        AnalysisRun::new(&every, analyses, Time::ZERO)
    }

    /// Measures all that is due until the run ends; `script` says how each template's measurements come out, the last
    /// one repeating.
    fn play(run: &mut AnalysisRun, script: &[&[Outcome]]) -> Time {
        let mut taken = vec![0; script.len()];
        loop {
            let now = run.next_due();
            for template in run.take_due(now) {
                let place = taken[template].min(script[template].len() - 1);
                taken[template] += 1;
                run.record(template, script[template][place], false, now);
            }
            if run.phase() != RunPhase::Running {
                return now;
            }
        }
    }

    #[test]
    fn a_passed_run_tells_how_many_measurements_had_no_data() {
        let mut run = run(&[twice()]);
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
        let mut run = run(&[twice()]);
        play(&mut run, &[&[Outcome::Failed]]);
        assert_eq!(run.phase(), RunPhase::Failed);
        assert_eq!(run.message(), "analysis ttft failed: failed (1) > failure_limit (0)");
    }

    #[test]
    fn a_dry_run_that_fails_is_told_and_fails_nobody() {
        let mut run = run(&[Analysis { dry_run: true, ..twice() }, twice()]);
        play(&mut run, &[&[Outcome::Failed], &[Outcome::Successful]]);
        assert_eq!(run.phase(), RunPhase::Successful);
        let detail = "would be failed: failed (1) > failure_limit (0)".to_owned();
        let passed = Note::AnalysisPassed { template: 1, measurements: 2, without_data: 0 };
        assert_eq!(run.notes(), [Note::AnalysisDryRun { template: 0, detail }, passed]);
    }

    #[test]
    fn successes_in_a_row_pass_before_all_measurements_are_taken() {
        use Outcome::{Failed, Successful};
        let template = Analysis { count: Some(9), failure_limit: None, consecutive_success_limit: 2, ..twice() };
        let mut run = run(&[template]);
        let ended = play(&mut run, &[&[Successful, Failed, Successful]]);
        assert_eq!((run.phase(), ended), (RunPhase::Successful, Time::ZERO + Duration::from_seconds(3 * 60)));
    }

    #[test]
    fn too_few_successes_in_a_row_fail_unless_failures_were_tolerated() {
        use Outcome::{Failed, Successful};
        for (failure_limit, expected) in [(None, RunPhase::Failed), (Some(1), RunPhase::Inconclusive)] {
            let template = Analysis { failure_limit, count: Some(3), consecutive_success_limit: 2, ..twice() };
            let mut run = run(&[template]);
            play(&mut run, &[&[Successful, Failed, Successful]]);
            assert_eq!(run.phase(), expected);
            let why = "consecutive_successes (1) < consecutive_success_limit (2) after all measurements";
            assert!(run.message().ends_with(why), "{}", run.message());
        }
    }
}
