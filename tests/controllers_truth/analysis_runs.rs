//! Argo Rollouts' AnalysisRun: recorded runs.

use cutover::rollout::Measured;
use cutover::rollout::analysis::{AnalysisRun, RunPhase};
use cutover::scenario::{Analysis, AnalysisBound, NoData};
use cutover::units::{Duration, Time};
use serde_json::Value;

use crate::harness::*;
use crate::{Verdict, conclude, directory, text};

/// What a measurement must give to count as a letter of a script, under [`template`].
pub(crate) fn measured(letter: u8) -> Measured {
    let value = |value| Measured::Value { value, samples: 100, stable: None };
    match letter {
        b'S' => value(0.0),
        b'I' => value(0.75),
        b'F' => value(2.0),
        b'E' => Measured::NoData { samples: 0 },
        other => panic!("unknown outcome {other}"),
    }
}

/// A template whose measurements succeed up to 0.5, fail above 1 and err without data.
pub(crate) fn template(metric: &Value) -> Analysis {
    let interval = duration(&metric["interval"]);
    let number = |name: &str, default: u32| metric.get(name).map_or(default, count);
    let is_off = metric["failureLimit"].as_i64().is_some_and(|limit| limit < 0);
    Analysis {
        name: metric["name"].as_str().expect("a name").to_owned(),
        bound: AnalysisBound::Max(0.5),
        fail_above: Some(1.0),
        interval: interval.unwrap_or(Duration::ZERO),
        // Without an interval a metric is measured once.
        count: metric.get("count").map(count).or(interval.is_none().then_some(1)),
        failure_limit: if is_off { None } else { Some(number("failureLimit", 0)) },
        inconclusive_limit: number("inconclusiveLimit", 0),
        consecutive_error_limit: number("consecutiveErrorLimit", 4),
        consecutive_success_limit: number("consecutiveSuccessLimit", 0),
        dry_run: metric["dryRun"].as_bool().unwrap_or(false),
        initial_delay: duration(&metric["initialDelay"]).unwrap_or(Duration::ZERO),
        no_data: NoData::Error,
        ..Analysis::default()
    }
}

/// Keys of a configuration that a scenario can name, or that only describe the recording.
const KNOWN: &[&str] = &[
    "name",
    "outcomes",
    "provider",
    "interval",
    "count",
    "failureLimit",
    "inconclusiveLimit",
    "consecutiveErrorLimit",
    "consecutiveSuccessLimit",
    "dryRun",
    "initialDelay",
];

/// What of a metric a scenario cannot name, if anything.
pub(crate) fn not_covered(metric: &Value) -> Option<String> {
    unknown_key(metric, "", KNOWN, &[])
}

/// Measurements as (time, metric, phase), sorted, then the final phase and when it was reached.
type RunRecord = (Vec<(i64, String, String)>, String, Option<i64>);

fn recorded_run(run: &Value) -> RunRecord {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let measurement = |row: &Value| (row["t"].as_i64().expect("a time"), text(&row["metric"]), text(&row["phase"]));
    // A run that was terminated before its first measurement has none.
    let rows = run["measurements"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut measurements: Vec<_> = rows.iter().map(measurement).collect();
    measurements.sort();
    (measurements, text(&run["final_phase"]), run["completed_at"].as_i64())
}

fn our_run(config: &Value) -> RunRecord {
    let metrics = config["metrics"].as_array().expect("metrics");
    let templates: Vec<Analysis> = metrics.iter().map(template).collect();
    let every: Vec<usize> = (0..templates.len()).collect();
    let mut run = AnalysisRun::new(&every, &templates, Time::ZERO);
    let mut taken = vec![0; templates.len()];
    let mut measurements = Vec::new();
    let mut completed = None;
    let terminate = config["terminateAt"].as_i64().map_or(Time::NEVER, at);
    let horizon = at(config["horizon"].as_i64().expect("a horizon"));
    while run.phase() == RunPhase::Running {
        let now = run.next_due().min(terminate);
        if now >= horizon {
            break;
        }
        if now == terminate {
            run.terminate();
        }
        for index in run.take_due(now) {
            let script = metrics[index]["outcomes"].as_str().expect("a script").as_bytes();
            let letter = script[taken[index].min(script.len() - 1)];
            let outcome = run.judge(index, measured(letter)).expect("a template of this run").outcome;
            taken[index] += 1;
            measurements.push((seconds(now), templates[index].name.clone(), format!("{outcome:?}")));
            run.record(index, outcome, false, now);
        }
        if run.phase() != RunPhase::Running {
            completed = Some(seconds(now));
        }
    }
    measurements.sort();
    (measurements, format!("{:?}", run.phase()), completed)
}

fn compare(run: &Value) -> Verdict {
    let metrics = run["config"]["metrics"].as_array().expect("metrics");
    match metrics.iter().find_map(not_covered) {
        Some(reason) => Verdict::NotCovered(reason),
        None => difference("run", &[recorded_run(run)], &[our_run(&run["config"])]).into(),
    }
}

#[test]
fn argo_analysis_runs_are_those_of_the_real_controller() {
    let Some(text) = text(directory(), "argo_analysis_runs.json", "argo analysis runs") else { return };
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let runs = file["runs"].as_array().expect("runs");
    let verdicts: Vec<_> = runs.iter().map(|run| (name_of(run), compare(run))).collect();
    conclude("argo analysis runs", &verdicts);
}
