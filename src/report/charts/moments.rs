//! The moments that charts over time mark: the start of the rollout, what operators and the world do, the verdict, the end.
//!
//! Those that differ from run to run stand at their median over the runs that have them, with its 95 % interval in words.

use super::labels::Callout;
use super::numbers;
use super::theme::{self, Color, Stroke};
use crate::ledger::{Metric, RolloutOutcome, RunRecord};
use crate::scenario::{ActionKind, Strategy};
use crate::study::{StudyResult, summarize_metric};

/// Actions that are named; the lines of the others are drawn all the same.
const NAMED_ACTIONS: usize = 4;

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When, minutes from time zero.
    pub minutes: f64,
    /// What happens; empty where it is only marked.
    pub name: String,
    /// The line that marks it.
    pub stroke: Stroke,
    /// The colour of its name.
    pub color: Color,
}

impl Moment {
    /// Its name above a panel at this place.
    pub fn callout(&self, target: (f64, f64)) -> Option<Callout> {
        (!self.name.is_empty()).then(|| Callout { content: self.name.clone(), target, color: self.color })
    }
}

/// The moments of a study, in no order.
pub fn of(result: &StudyResult) -> Vec<Moment> {
    let mut moments = actions(result);
    if !matches!(result.scenario.rollout.strategy, Strategy::None) {
        let minutes = start(result);
        let name = "rollout starts".to_owned();
        moments.push(Moment { minutes, name, stroke: theme::START_STROKE, color: theme::MUTED });
        moments.extend(abort(result));
        moments.extend(end(result).or_else(|| no_end(result)));
    }
    moments
}

fn start(result: &StudyResult) -> f64 {
    result.scenario.rollout.start.seconds() / 60.0
}

fn actions(result: &StudyResult) -> Vec<Moment> {
    let moment = |(at, action): (usize, &crate::scenario::Action)| {
        let name = if at < NAMED_ACTIONS { action_name(result, action.kind) } else { String::new() };
        let minutes = action.at.seconds() / 60.0;
        Moment { minutes, name, stroke: theme::ACTION_STROKE, color: theme::INK }
    };
    result.scenario.actions.iter().enumerate().map(moment).collect()
}

fn action_name(result: &StudyResult, kind: ActionKind) -> String {
    let words = match kind {
        ActionKind::SetReplicas(replicas) => return format!("{replicas} replicas asked for"),
        ActionKind::Ship(version) => {
            let name = result.scenario.versions.get(version).map_or("version", |version| version.name.as_str());
            return format!("{name} shipped");
        }
        ActionKind::Pause => "paused",
        ActionKind::Resume => "resumed",
        ActionKind::Abort => "abort asked for",
        ActionKind::Retry => "retried",
        ActionKind::Promote => "promoted",
        ActionKind::PromoteFull => "promoted in full",
        ActionKind::RollBack => "rolled back by hand",
        ActionKind::MakeUnready { replicas, .. } => return format!("{replicas} made unready"),
        ActionKind::MakeReady { replicas, .. } => return format!("{replicas} made ready"),
        ActionKind::KillReplicas { replicas, .. } => return format!("{replicas} killed"),
    };
    words.to_owned()
}

/// The abort of the runs that have one.
fn abort(result: &StudyResult) -> Option<Moment> {
    let firsts = result.records.iter().zip(&result.timeline.first_new_by_run);
    let seconds: Vec<f64> = firsts.filter_map(|(record, first)| aborted_at(result, record, *first)).collect();
    let after: Vec<f64> = seconds.iter().map(|at| at - result.scenario.rollout.start.seconds()).collect();
    let (minutes, name) = median(result, "aborted", &after)?;
    Some(Moment { minutes, name, stroke: theme::VERDICT_STROKE, color: theme::ALERT })
}

/// When a run was aborted, seconds: the bin in which the new version got its first request and how long detection took
/// from there. `None` without an abort.
fn aborted_at(result: &StudyResult, record: &RunRecord, first: Option<u32>) -> Option<f64> {
    let detected = Some(record.value(Metric::TimeToDetect)).filter(|seconds| seconds.is_finite())?;
    let timeline = &result.timeline;
    let first = Some(first? as usize).filter(|first| *first < timeline.times.len())?;
    Some((timeline.times[first] + timeline.end_of(first)) / 2.0 + detected)
}

/// The end of the rollouts that ended as most did.
fn end(result: &StudyResult) -> Option<Moment> {
    let finished = [
        (RolloutOutcome::Completed, "completed", theme::NEW),
        (RolloutOutcome::RolledBack, "restored", theme::STABLE_INK),
    ];
    let durations = |outcome: RolloutOutcome| -> Vec<f64> {
        let ended = result.records.iter().filter(|record| record.outcome == outcome);
        ended.map(|record| record.value(Metric::RolloutDuration)).filter(|seconds| seconds.is_finite()).collect()
    };
    let ends = finished.map(|(outcome, word, color)| (durations(outcome), word, color));
    let (durations, word, color) = ends.into_iter().max_by_key(|(durations, ..)| durations.len())?;
    let (minutes, name) = median(result, word, &durations)?;
    Some(Moment { minutes, name, stroke: theme::END_STROKE, color })
}

/// The end of the window, where no rollout ended within it: a chart without an end would leave open why.
fn no_end(result: &StudyResult) -> Option<Moment> {
    let are =
        |outcomes: &[RolloutOutcome]| result.records.iter().filter(|record| outcomes.contains(&record.outcome)).count();
    let (stuck, open) = (are(&[RolloutOutcome::Stuck, RolloutOutcome::Deadlock]), are(&[RolloutOutcome::Unfinished]));
    let all = result.records.len();
    let name = match (stuck, open) {
        _ if all == 0 || stuck + open < all => return None,
        (1, 0) => "stuck".to_owned(),
        (0, 1) => "not over in the window".to_owned(),
        (_, 0) => format!("stuck in all {} runs", count(all)),
        (0, _) => format!("not over in the window of all {} runs", count(all)),
        _ => format!("stuck in {} of {} runs, not over in the others", count(stuck), count(all)),
    };
    let minutes = result.scenario.study.duration.seconds() / 60.0;
    Some(Moment { minutes, name, stroke: theme::VERDICT_STROKE, color: theme::ALERT })
}

fn count(runs: usize) -> String {
    numbers::fixed(runs as f64, 0)
}

/// When, in minutes from time zero, and in words, what happened after so many seconds of the rollout in some runs.
fn median(result: &StudyResult, word: &str, after_s: &[f64]) -> Option<(f64, String)> {
    let median = summarize_metric(Metric::RolloutDuration, after_s, 0).p50;
    let value = Some(median.value / 60.0).filter(|minutes| minutes.is_finite())?;
    let interval = median.interval.map(|(low, high)| (low / 60.0, high / 60.0));
    let decimals = numbers::decimals(value);
    let told = format!("{} min {}", numbers::fixed(value, decimals), numbers::interval(interval, decimals));
    let (some, all) = (after_s.len(), result.records.len());
    // Short: names of bands stand in the same row. The page on charts says that these are medians.
    let name = match (some == all, all) {
        (true, 1) => format!("{word} after {}", told.trim_end_matches(" (no interval)")),
        (true, _) => format!("{word} after {told}"),
        (false, _) => format!("{word} in {} of {} after {told}", count(some), count(all)),
    };
    Some((start(result) + value, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::samples::{Shape, study};

    fn names(result: &StudyResult) -> Vec<String> {
        of(result).into_iter().map(|moment| moment.name).collect()
    }

    #[test]
    fn a_rollout_has_a_start_and_the_median_of_its_ends() {
        let result = study(Shape::Rolling, 40);
        let moments = of(&result);
        assert_eq!(moments.len(), 2);
        assert_eq!((moments[0].minutes, moments[0].name.as_str()), (20.0, "rollout starts"));
        // The sample's rollouts take 1,000 s, give or take a minute.
        assert!((36.0..37.5).contains(&moments[1].minutes), "{:?}", moments[1]);
        assert!(
            moments[1].name.starts_with("completed after 16.") && moments[1].name.ends_with(']'),
            "{:?}",
            moments[1]
        );
        assert_eq!(names(&study(Shape::Quiet, 3)), Vec::<String>::new());
    }

    #[test]
    fn where_no_rollout_ends_the_end_of_the_window_says_why() {
        let mut result = study(Shape::Stuck, 3);
        assert_eq!(names(&result), ["rollout starts", "stuck in all 3 runs"]);
        assert_eq!(of(&result)[1].minutes, 90.0);
        result.records[0].outcome = RolloutOutcome::Unfinished;
        assert_eq!(names(&result)[1], "stuck in 2 of 3 runs, not over in the others");
        result.records.truncate(1);
        assert_eq!(names(&result)[1], "not over in the window");
    }

    #[test]
    fn an_abort_stands_where_detection_ended_and_says_in_how_many_runs() {
        let mut result = study(Shape::RolledBack, 10);
        // The first request of the new version comes in the bin from 1,500 s to 1,510 s.
        result.timeline.first_new_by_run = vec![Some(150); 10];
        for record in &mut result.records {
            let detected = if record.run < 4 { 295.0 } else { f64::NAN };
            record.values[Metric::TimeToDetect as usize] = detected;
        }
        let abort = abort(&result).expect("an abort");
        assert_eq!(abort.minutes, 30.0);
        assert!(abort.name.starts_with("aborted in 4 of 10 after 10.0 min"), "{}", abort.name);
    }
}
