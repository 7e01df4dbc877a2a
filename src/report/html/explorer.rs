//! What the run explorer shows: every run's metrics, and what happened in some runs, in arrays short enough for a page.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::value::RawValue;

use super::figures::json;
use super::numbers::Short;
use crate::ledger::{Better, Metric, RunRecord};
use crate::report::format::{Quantity, counted};
use crate::study::{Attempt, Choice, Explored, ExploredRun, HEADLINES, ReplicaLife, StudyResult};

/// Values of metrics that the page holds at most: those of a thousand runs.
const MOST_VALUES: usize = 80_000;

/// What the script calls the states of a replica, so that a state is a digit.
const STATES: [&str; 11] = [
    "pending",
    "provisioning",
    "pulling",
    "loading",
    "starting",
    "ready",
    "available",
    "unready",
    "terminating",
    "failed",
    "gone",
];

#[derive(Serialize)]
struct MetricData {
    name: &'static str,
    meaning: &'static str,
    unit: &'static str,
    /// How it is written: `seconds`, `usd`, `share` or `plain`.
    quantity: &'static str,
    /// Which way is better: 1 up, -1 down, 0 neither.
    better: i8,
    headline: bool,
    /// Runs at the explored quantiles.
    choice: [u64; 5],
    /// The value in each of the page's runs.
    values: Vec<Short>,
}

/// A replica's number and version, then since when it was in which of [`STATES`].
type LifeRow<'a> = (u32, &'a str, Vec<(Short, usize)>);

/// Request, attempt, arrival, prompt, answer, emitted, version, replica, TTFT, time taken, outcome.
type AttemptRow<'a> = (u64, u32, Short, u32, u32, u32, &'a str, Option<u32>, Option<Short>, Option<Short>, &'a str);

/// A run in detail, everything by position.
#[derive(Serialize)]
struct Detail<'a> {
    run: u64,
    replicas: Vec<LifeRow<'a>>,
    replicas_in_all: u64,
    /// Time, event, detail, why.
    decisions: Vec<(Short, &'a str, &'a str, &'a str)>,
    outcomes: &'a [(String, u64)],
    attempts: Vec<AttemptRow<'a>>,
}

#[derive(Serialize)]
struct Data<'a> {
    runs: Vec<u64>,
    runs_in_all: usize,
    outcomes: Vec<&'static str>,
    reasons: Vec<&'a str>,
    metrics: Vec<MetricData>,
    states: [&'static str; 11],
    details: Vec<Detail<'a>>,
    window_minutes: Short,
    rollout_start: Option<Short>,
    /// What shows any run in full, `N` in the place of its number.
    command: String,
}

/// The explorer's data; `None` where there is nothing to choose: of fewer than two runs, or where all are alike.
pub fn data(result: &StudyResult, explored: &Explored) -> Option<Box<RawValue>> {
    if explored.choices.is_empty() || result.records.len() < 2 {
        return None;
    }
    let records = records(result, explored);
    let metric = |choice: &Choice| {
        let metric = Metric::by_name(&choice.metric)?;
        Some(metric_data(metric, choice.runs, &records))
    };
    let scenario = &result.scenario;
    let rolls_out = !matches!(scenario.rollout.strategy, crate::scenario::Strategy::None);
    Some(json(&Data {
        runs: records.iter().map(|record| record.run).collect(),
        runs_in_all: result.records.len(),
        outcomes: records.iter().map(|record| record.outcome.name()).collect(),
        reasons: records.iter().map(|record| record.reason.as_str()).collect(),
        metrics: explored.choices.iter().filter_map(metric).collect(),
        states: STATES,
        details: explored.runs.iter().map(detail).collect(),
        window_minutes: Short(scenario.study.duration.seconds() / 60.0),
        rollout_start: rolls_out.then(|| Short(scenario.rollout.start.seconds() / 60.0)),
        command: command(result),
    }))
}

/// How much of the study the explorer holds, in a sentence.
pub fn extent(result: &StudyResult, explored: &Explored) -> String {
    let (held, all) = (records(result, explored).len() as u64, result.records.len() as u64);
    let runs = if held == all {
        format!("Metrics of all {}", counted(all, "run"))
    } else {
        format!("Metrics of {held} of {} (all are in runs.csv)", counted(all, "run"))
    };
    format!("{runs}; replicas and requests of {} of them.", explored.runs.len())
}

/// The runs whose metrics are on the page: all, or those in detail and as many of the first as there is room for.
fn records<'a>(result: &'a StudyResult, explored: &Explored) -> Vec<&'a RunRecord> {
    let room = MOST_VALUES / explored.choices.len().max(1);
    if result.records.len() <= room {
        return result.records.iter().collect();
    }
    let chosen = explored.choices.iter().flat_map(|choice| choice.runs);
    let needed: BTreeSet<u64> = chosen.chain(explored.runs.iter().map(|run| run.run)).collect();
    let mut others = room.saturating_sub(needed.len());
    let is_held = |record: &&RunRecord| {
        if needed.contains(&record.run) {
            return true;
        }
        let held = others > 0;
        others = others.saturating_sub(1);
        held
    };
    result.records.iter().filter(is_held).collect()
}

fn metric_data(metric: Metric, choice: [u64; 5], records: &[&RunRecord]) -> MetricData {
    let description = metric.description();
    MetricData {
        name: description.name,
        meaning: description.meaning,
        unit: description.unit,
        quantity: match Quantity::of(metric) {
            Quantity::Seconds => "seconds",
            Quantity::Usd => "usd",
            Quantity::Share => "share",
            Quantity::Plain => "plain",
        },
        better: match description.better {
            Better::Higher => 1,
            Better::Lower => -1,
            Better::Neither => 0,
        },
        headline: HEADLINES.contains(&metric),
        choice,
        values: records.iter().map(|record| Short(record.value(metric))).collect(),
    }
}

fn detail(run: &ExploredRun) -> Detail<'_> {
    let state = |(since, state): &(f64, String)| {
        let index = STATES.iter().position(|known| known == state);
        Some((Short((since * 10.0).round() / 10.0), index?))
    };
    let life = |life: &'_ ReplicaLife| life.states.iter().filter_map(state).collect();
    Detail {
        run: run.run,
        replicas: run.replicas.iter().map(|one| (one.id, one.version.as_str(), life(one))).collect(),
        replicas_in_all: run.replicas_in_all,
        decisions: (run.decisions.iter())
            .map(|one| (Short(one.time_s), one.event.as_str(), one.detail.as_str(), one.why.as_str()))
            .collect(),
        outcomes: &run.outcomes,
        attempts: run.attempts.iter().map(attempt).collect(),
    }
}

fn attempt(one: &Attempt) -> AttemptRow<'_> {
    (
        one.id,
        one.attempt,
        Short(one.arrival_s),
        one.prompt_tokens,
        one.output_tokens,
        one.tokens_out,
        &one.version,
        one.replica,
        one.ttft_s.map(Short),
        one.took_s.map(Short),
        &one.outcome,
    )
}

/// The command that shows a run in full, with the settings of this study.
fn command(result: &StudyResult) -> String {
    let quoted = |set: &String| format!(" --set '{}'", set.replace('\'', "'\\''"));
    let settings: String = result.scenario.settings.iter().map(quoted).collect();
    format!("cutover explain SCENARIO.toml{settings} --run N")
}
