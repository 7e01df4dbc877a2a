//! One sentence on why a study came out as it did, from its data.

use std::collections::BTreeMap;

use super::planning::{SHARE_TO_FINISH, planning};
use super::result::{StudyResult, Verdict};
use crate::digits::{counted, figure, percent, percent_as_given};
use crate::ledger::{Metric, RolloutOutcome, RunRecord};
use crate::scenario::{Action, ActionKind, OnSigterm};

/// A cause that touches fewer runs than this gives way to one that touches more.
const NOTABLE_SHARE: f64 = 0.05;

/// What can go wrong, gravest first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Deadlock,
    Stuck,
    Unfinished,
    Cut,
    RolledBack,
    Errors,
    Dip,
    Slow,
}

const CAUSES: [Cause; 8] = [
    Cause::Deadlock,
    Cause::Stuck,
    Cause::Unfinished,
    Cause::Cut,
    Cause::RolledBack,
    Cause::Errors,
    Cause::Dip,
    Cause::Slow,
];

/// The metrics of attempts that ended without an answer, other than by being cut.
const ERRORS: [(Metric, &str); 4] = [
    (Metric::RefusedAttempts, "refused"),
    (Metric::DroppedAttempts, "dropped"),
    (Metric::FailedAttempts, "failed"),
    (Metric::TimedOutAttempts, "given up by their client"),
];

impl Cause {
    fn touches(self, record: &RunRecord) -> bool {
        match self {
            Cause::Deadlock => record.outcome == RolloutOutcome::Deadlock,
            Cause::Stuck => record.outcome == RolloutOutcome::Stuck,
            Cause::Unfinished => record.outcome == RolloutOutcome::Unfinished,
            Cause::Cut => record.value(Metric::TruncatedAttempts) > 0.0,
            Cause::RolledBack => record.outcome == RolloutOutcome::RolledBack,
            Cause::Errors => ERRORS.iter().any(|(metric, _)| record.value(*metric) > 0.0),
            Cause::Dip => record.value(Metric::CapacityDip) > 0.0,
            Cause::Slow => record.value(Metric::SloViolation) > 0.0,
        }
    }

    /// Share of the runs that it touches.
    fn share(self, result: &StudyResult) -> f64 {
        let touched = result.records.iter().filter(|record| self.touches(record)).count();
        touched as f64 / result.records.len() as f64
    }

    fn sentence(self, result: &StudyResult, share: f64) -> String {
        let runs = percent(share);
        match self {
            Cause::Deadlock => format!(
                "Deadlock in {runs} of the runs: whoever holds the GPUs waits for whoever needs them{}.",
                reason_in_brackets(result, RolloutOutcome::Deadlock)
            ),
            Cause::Stuck => format!(
                "Stuck: in {runs} of the runs nothing will ever leave the state that the rollout is in{}.",
                reason_in_brackets(result, RolloutOutcome::Stuck)
            ),
            Cause::Unfinished => format!(
                "Unfinished: in {runs} of the runs the rollout was still under way at the end of the window{}.",
                reason_in_brackets(result, RolloutOutcome::Unfinished)
            ),
            Cause::Cut => cut(result),
            Cause::RolledBack => format!(
                "Rolled back: in {runs} of the runs the rollout was aborted and stable restored{}.",
                reason_in_brackets(result, RolloutOutcome::RolledBack)
            ),
            Cause::Errors => errors(result),
            Cause::Dip => format!(
                "Dip: capacity fell to {} of what is needed in the median run, with {} a run missing on average.",
                percent(result.metric(Metric::MinCapacityFraction).p50.value),
                mean_count(result, Metric::CapacityDip, "replica-second")
            ),
            Cause::Slow => format!(
                "Slow: capacity never fell below what is needed, yet {} s a run missed the objective on average.",
                mean(result, Metric::SloViolation)
            ),
        }
    }
}

/// One sentence on why the headline came out so: the gravest cause that touches at least one run in twenty; failing
/// that, the one that touches the most runs; failing any, that all is well, or which checks fail all the same. One more
/// before it where the fleet is too small for its traffic with or without a rollout, and after it where an estimator alone
/// decided analyses.
pub fn why(result: &StudyResult) -> String {
    if result.records.is_empty() {
        return "No run was finished.".to_owned();
    }
    match told(result) {
        Some((cause, share)) => {
            let sentence = cause.sentence(result, share);
            overloaded(result) + &sentence + &also_rolled_back(result, cause) + &estimated(result)
        }
        None => all_well(result) + &estimated(result),
    }
}

/// The run that shows best what [`why`] tells: the worst where it counts something, else the first that it touches.
/// `None` where nothing went wrong.
pub fn telling_run(result: &StudyResult) -> Option<u64> {
    let (cause, _) = told(result)?;
    let touched = result.records.iter().filter(|record| cause.touches(record));
    let worst = |metrics: &[Metric]| {
        let size = |record: &RunRecord| metrics.iter().map(|metric| record.value(*metric)).sum::<f64>();
        // Of equals the first: `max_by` keeps the last, so they are reversed.
        let all: Vec<&RunRecord> = touched.clone().collect();
        all.into_iter().rev().max_by(|a, b| size(a).total_cmp(&size(b))).map(|record| record.run)
    };
    match cause {
        Cause::Deadlock | Cause::Stuck | Cause::Unfinished | Cause::RolledBack => {
            touched.clone().next().map(|record| record.run)
        }
        Cause::Cut => worst(&[Metric::TruncatedAttempts]),
        Cause::Errors => worst(&ERRORS.map(|(metric, _)| metric)),
        Cause::Dip => worst(&[Metric::CapacityDip]),
        Cause::Slow => worst(&[Metric::SloViolation]),
    }
}

/// The cause that is told, and its share of runs.
fn told(result: &StudyResult) -> Option<(Cause, f64)> {
    let shares = CAUSES.map(|cause| (cause, cause.share(result)));
    let notable = shares.iter().find(|(_, share)| *share >= NOTABLE_SHARE);
    // Of equals the gravest: `max_by` keeps the last, so they are reversed.
    let rare = || shares.iter().rev().filter(|(_, share)| *share > 0.0).max_by(|a, b| a.1.total_cmp(&b.1));
    notable.or_else(rare).copied()
}

/// Rollbacks that a graver cause hides, where they are not rare.
fn also_rolled_back(result: &StudyResult, told: Cause) -> String {
    let share = Cause::RolledBack.share(result);
    if told == Cause::Cut && share >= NOTABLE_SHARE {
        format!(" {}", Cause::RolledBack.sentence(result, share))
    } else {
        String::new()
    }
}

/// Verdicts that the estimator alone brought about, in at least one run in twenty.
fn estimated(result: &StudyResult) -> String {
    let told = |metric: Metric, real: &str, exact: &str| {
        let runs = result.records.iter().filter(|record| record.value(metric) > 0.0).count();
        let share = runs as f64 / result.records.len() as f64;
        if share < NOTABLE_SHARE {
            return String::new();
        }
        format!(
            " In {} of the runs an analysis {real} by its estimator alone: with exact measurements it would have {exact}.",
            percent(share)
        )
    };
    told(Metric::EstimatorOnlyFailures, "failed", "passed") + &told(Metric::EstimatorOnlyPasses, "passed", "failed")
}

/// What comes before every mishap, and brings most of them about: more traffic than the whole fleet carries.
fn overloaded(result: &StudyResult) -> String {
    let load = result.offered_load();
    if load <= 1.0 {
        return String::new();
    }
    format!("Overloaded: rollout or not, the fleet is offered {} of what it can serve. ", percent(load))
}

/// What a reader must know where answers were cut: the survivors' latencies flatter.
pub fn survivorship_note(result: &StudyResult) -> Option<String> {
    (result.metric(Metric::TruncatedAttempts).mean.value > 0.0).then(|| {
        let answers = mean_count(result, Metric::TruncatedAttempts, "answer");
        match planning(result).cut_share {
            Some(share) if share > 0.0 => format!(
                "A short grace period deletes long answers and so improves E2E P99, which leaves out the {answers} cut a \
                 run."
            ),
            _ => format!("E2E leaves out the {answers} cut a run, the long ones more often."),
        }
    })
}

fn mean(result: &StudyResult, metric: Metric) -> String {
    figure(result.metric(metric).mean.value)
}

fn mean_count(result: &StudyResult, metric: Metric, noun: &str) -> String {
    counted(result.metric(metric).mean.value, noun)
}

fn cut(result: &StudyResult) -> String {
    let termination = &result.scenario.termination;
    let planning = planning(result);
    let (Some(cut_share), Some(grace_s)) = (planning.cut_share.filter(|share| *share > 0.0), planning.grace_s) else {
        return format!(
            "Cut: {} a run on average, none by the end of a grace period; replicas crashed or were killed.",
            mean_count(result, Metric::TruncatedAttempts, "answer")
        );
    };
    let (grace, pre_stop) = (termination.grace_period, termination.pre_stop);
    let limit = match termination.on_sigterm {
        OnSigterm::Abort => {
            format!(
                "the server drops what it has at SIGTERM, {} s after the shutdown,",
                figure(planning.current_grace_s)
            )
        }
        OnSigterm::Drain if planning.current_grace_s > grace.seconds() => {
            let hook = if pre_stop < grace { "preStop" } else { "the grace period" };
            format!("SIGKILL comes {} s after the shutdown, {hook} and 2 s,", figure(planning.current_grace_s))
        }
        OnSigterm::Drain if pre_stop.is_zero() => format!("the grace period is {grace},"),
        OnSigterm::Drain => format!("the grace period is {grace}, preStop included,"),
    };
    let is_killed = |action: &Action| matches!(action.kind, ActionKind::KillReplicas { .. });
    let lost = if result.scenario.actions.iter().any(is_killed) {
        format!(
            " With the replicas that were killed, {} a run were cut.",
            mean_count(result, Metric::TruncatedAttempts, "answer")
        )
    } else {
        String::new()
    };
    format!(
        "Cut: {limit} and {} of the answers in flight at a shutdown needed longer ({} of them end within {} s).{lost}",
        percent(cut_share),
        percent_as_given(SHARE_TO_FINISH),
        // Rounded up: it is read as a grace period to set.
        figure(grace_s.ceil())
    )
}

fn errors(result: &StudyResult) -> String {
    let counted = ERRORS.iter().filter(|(metric, _)| result.metric(*metric).mean.value > 0.0);
    let parts: Vec<String> = counted.map(|(metric, word)| format!("{} {word}", mean(result, *metric))).collect();
    format!("Errors: attempts a run on average: {}.", parts.join(", "))
}

fn all_well(result: &StudyResult) -> String {
    let rollout = if result.records.iter().all(|record| record.outcome == RolloutOutcome::None) {
        "there was no rollout"
    } else {
        "every rollout completed"
    };
    let well = format!(
        "{rollout}, no answer was cut, no attempt was refused, dropped or failed, and capacity never fell below what \
         is needed."
    );
    let failed = result.checks.iter().filter(|check| check.verdict == Verdict::Failed);
    let failed: Vec<String> = failed.map(|check| format!("{} {}", check.metric, check.statistic.name())).collect();
    match failed.as_slice() {
        [] => format!("All well: {well}"),
        [one] => format!("Promise broken: {one} misses its bound, although {well}"),
        many => format!("Promises broken: {} miss their bounds, although {well}", many.join(", ")),
    }
}

/// The most common reason of runs with this outcome, in brackets; empty where none is given.
fn reason_in_brackets(result: &StudyResult, outcome: RolloutOutcome) -> String {
    let with_outcome = result.records.iter().filter(|record| record.outcome == outcome);
    most_common_reason(with_outcome).map_or_else(String::new, |reason| {
        let prefix = if reason.is_only_one { "" } else { "most often: " };
        format!(" ({prefix}{})", reason.text)
    })
}

/// Why most of some rollouts did not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommonReason<'a> {
    /// The reason: the whole where all runs that give this kind of reason agree, else the kind.
    pub text: &'a str,
    /// Runs that give it.
    pub runs: u64,
    /// Whether no run gives another kind of reason.
    pub is_only_one: bool,
}

/// The most common reason that these runs give; `None` where none gives one.
///
/// What stands before a colon is the kind of reason; what follows may be a measured value, different in each run.
pub fn most_common_reason<'a>(records: impl Iterator<Item = &'a RunRecord>) -> Option<CommonReason<'a>> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for reason in records.map(|record| record.reason.as_str()).filter(|reason| !reason.is_empty()) {
        let kind = reason.split_once(':').map_or(reason, |(kind, _)| kind);
        kinds.entry(kind).or_default().push(reason);
    }
    // Of equals the first in the alphabet: `max_by_key` keeps the last, so they are reversed.
    let (kind, reasons) = kinds.iter().rev().max_by_key(|(_, reasons)| reasons.len())?;
    let text = if reasons.iter().all(|reason| *reason == reasons[0]) { reasons[0] } else { kind };
    Some(CommonReason { text, runs: reasons.len() as u64, is_only_one: kinds.len() == 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Severity, Statistic};
    use crate::study::result::{CheckResult, Estimate};
    use crate::study::samples::{record, study};
    use crate::units::Duration;

    /// Ten runs with these values in each.
    fn ten(values: &[(Metric, f64)]) -> StudyResult {
        study((0..10).map(|run| record(run, values)).collect())
    }

    #[test]
    fn cut_answers_are_explained_by_the_grace_period() {
        let mut result = ten(&[(Metric::TruncatedAttempts, 12.0), (Metric::CapacityDip, 5.0)]);
        for seconds in 0..200 {
            result.pooled.needed_grace.record(Duration::from_seconds_f64(f64::from(seconds) + 0.5));
        }
        assert_eq!(
            why(&result),
            "Cut: the grace period is 30s, preStop included, and 85 % of the answers in flight at a shutdown \
             needed longer (99.9 % of them end within 200 s)."
        );
        result.scenario.termination.pre_stop = Duration::from_seconds(29);
        assert!(why(&result).starts_with("Cut: SIGKILL comes 31 s after the shutdown, preStop and 2 s, and 84.5 %"));
        result.scenario.termination.pre_stop = Duration::from_seconds(5);
        result.scenario.termination.on_sigterm = OnSigterm::Abort;
        assert_eq!(
            why(&result),
            "Cut: the server drops what it has at SIGTERM, 5 s after the shutdown, and 97.5 % of the answers in flight \
             at a shutdown needed longer (99.9 % of them end within 200 s)."
        );
    }

    #[test]
    fn answers_that_no_grace_period_cut_are_not_blamed_on_it() {
        let mut result = ten(&[(Metric::TruncatedAttempts, 3.0)]);
        result.pooled.needed_grace.record(Duration::from_seconds(4));
        assert!(why(&result).starts_with("Cut: 3 answers a run on average, none by the end of a grace period"));
    }

    #[test]
    fn unfinished_rollouts_come_before_cut_answers_where_they_are_not_rare() {
        let mut records: Vec<RunRecord> = (0..100)
            .map(|run| record(run, &[(Metric::TruncatedAttempts, 1.0), (Metric::RolloutDuration, 9.0)]))
            .collect();
        records[0].outcome = RolloutOutcome::Stuck;
        assert!(why(&study(records.clone())).starts_with("Cut"));
        for (run, record) in records.iter_mut().enumerate().take(40) {
            record.outcome = RolloutOutcome::Stuck;
            record.reason = if run < 15 { "quota".to_owned() } else { format!("no GPU: {run} pending") };
        }
        assert_eq!(
            why(&study(records)),
            "Stuck: in 40 % of the runs nothing will ever leave the state that the rollout is in (most often: no GPU)."
        );
    }

    #[test]
    fn a_deadlock_is_told_before_anything_else() {
        let mut records: Vec<RunRecord> = (0..10).map(|run| record(run, &[])).collect();
        for (run, record) in records.iter_mut().enumerate() {
            record.outcome = if run < 2 { RolloutOutcome::Deadlock } else { RolloutOutcome::Stuck };
        }
        records[0].reason = "1 replica waits".to_owned();
        assert_eq!(
            why(&study(records)),
            "Deadlock in 20 % of the runs: whoever holds the GPUs waits for whoever needs them (1 replica waits)."
        );
    }

    #[test]
    fn a_rollback_gives_its_whole_reason_where_all_runs_agree() {
        let mut records: Vec<RunRecord> = (0..10).map(|run| record(run, &[(Metric::CapacityDip, 1.0)])).collect();
        for record in &mut records {
            record.outcome = RolloutOutcome::RolledBack;
            record.reason = "analysis errors failed: 0.5 > 0.01".to_owned();
        }
        assert_eq!(
            why(&study(records)),
            "Rolled back: in 100 % of the runs the rollout was aborted and stable restored (analysis errors failed: \
             0.5 > 0.01)."
        );
    }

    #[test]
    fn reasons_that_differ_only_in_a_measured_value_are_counted_as_one() {
        let mut records: Vec<RunRecord> = (0..10).map(|run| record(run, &[])).collect();
        for (run, record) in records.iter_mut().enumerate().skip(1) {
            record.reason = if run == 9 { "quota".to_owned() } else { format!("no GPU: {run} pending") };
        }
        let reason = most_common_reason(records.iter());
        assert_eq!(reason, Some(CommonReason { text: "no GPU", runs: 8, is_only_one: false }));
        assert_eq!(most_common_reason(records[..1].iter()), None);
    }

    #[test]
    fn errors_dips_and_missed_objectives_follow_in_this_order() {
        let all = [
            (Metric::FailedAttempts, 2.0),
            (Metric::CapacityDip, 640.0),
            (Metric::MinCapacityFraction, 0.75),
            (Metric::SloViolation, 120.0),
        ];
        assert_eq!(why(&ten(&all)), "Errors: attempts a run on average: 2 failed.");
        assert_eq!(
            why(&ten(&all[1..])),
            "Dip: capacity fell to 75 % of what is needed in the median run, with 640 replica-seconds a run missing on \
             average."
        );
        assert!(why(&ten(&all[3..])).starts_with("Slow: capacity never fell below what is needed, yet 120 s"));
    }

    #[test]
    fn a_fleet_that_is_too_small_anyway_is_said_to_be() {
        let mut result = ten(&[(Metric::CapacityDip, 1.0)]);
        assert!(!why(&result).contains("too small"));
        result.facts.mean_rate *= 1.25 / result.offered_load();
        let said = why(&result);
        let first = "Overloaded: rollout or not, the fleet is offered 125 % of what it can serve. Dip: ";
        assert!(said.starts_with(first), "{said}");
    }

    #[test]
    fn verdicts_of_the_estimator_alone_are_told_where_they_are_not_rare() {
        let mut records: Vec<RunRecord> = (0..100).map(|run| record(run, &[])).collect();
        for record in records.iter_mut().take(4) {
            record.values[Metric::EstimatorOnlyFailures as usize] = 1.0;
            record.values[Metric::EstimatorOnlyPasses as usize] = 1.0;
        }
        assert!(!why(&study(records.clone())).contains("estimator"));
        records[4].values[Metric::EstimatorOnlyFailures as usize] = 2.0;
        assert!(why(&study(records)).ends_with(
            " In 5 % of the runs an analysis failed by its estimator alone: with exact measurements it would have passed."
        ));
    }

    #[test]
    fn a_rare_cause_is_told_where_there_is_no_other() {
        let mut records: Vec<RunRecord> = (0..100).map(|run| record(run, &[])).collect();
        records[7].values[Metric::CapacityDip as usize] = 50.0;
        assert!(why(&study(records)).starts_with("Dip"));
    }

    #[test]
    fn all_is_well_only_where_nothing_went_wrong() {
        let mut result = ten(&[]);
        assert!(why(&result).starts_with("All well: every rollout completed"));
        for record in &mut result.records {
            record.outcome = RolloutOutcome::None;
        }
        assert!(why(&result).starts_with("All well: there was no rollout"));
        result.records.clear();
        assert_eq!(why(&result), "No run was finished.");
    }

    #[test]
    fn a_check_that_fails_without_a_mishap_is_named() {
        let failed = |metric: Metric| CheckResult {
            metric: metric.name().to_owned(),
            statistic: Statistic::Mean,
            min: None,
            max: Some(12.0),
            estimate: Estimate { value: 13.0, interval: None },
            severity: Severity::Fail,
            description: None,
            verdict: Verdict::Failed,
            explanation: String::new(),
        };
        let mut result = ten(&[]);
        result.checks = vec![failed(Metric::Cost)];
        assert!(why(&result).starts_with("Promise broken: cost_usd mean misses its bound, although every rollout"));
        result.checks.push(failed(Metric::PeakGpus));
        assert!(why(&result).starts_with("Promises broken: cost_usd mean, peak_gpus mean miss their bounds, although"));
    }

    #[test]
    fn survivorship_is_noted_where_answers_were_cut() {
        assert_eq!(survivorship_note(&ten(&[])), None);
        // Nothing outlived its grace period: they were cut by something else.
        let note = survivorship_note(&ten(&[(Metric::TruncatedAttempts, 3.5)])).unwrap();
        assert!(note.starts_with("E2E leaves out the 3.5 answers cut a run"), "{note}");
        let mut result = ten(&[(Metric::TruncatedAttempts, 1.0)]);
        result.pooled.needed_grace.record(Duration::from_seconds(4_000));
        let note = survivorship_note(&result).unwrap();
        assert!(note.starts_with("A short grace period") && note.ends_with("the 1 answer cut a run."), "{note}");
    }
}
