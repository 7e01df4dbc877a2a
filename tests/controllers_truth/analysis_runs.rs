//! Argo Rollouts' AnalysisRun: recorded runs.

use cutover::rollout::analysis::{AnalysisRun, Outcome, RunPhase};
use cutover::scenario::{Analysis, AnalysisBound, AnalysisMetric, NoData};
use cutover::units::{Duration, Time};
use serde_json::Value;

use crate::harness::*;
use crate::{Verdict, conclude, directory, text};

/// A template whose measurements succeed up to 0.5 and are inconclusive without data.
pub(crate) fn template(metric: &Value) -> Analysis {
    let interval = duration(&metric["interval"]);
    let number = |name: &str, default: u32| metric.get(name).map_or(default, count);
    Analysis {
        name: metric["name"].as_str().expect("a name").to_owned(),
        metric: AnalysisMetric::ErrorRate,
        quantile: 0.99,
        bound: AnalysisBound::Max(0.5),
        interval: interval.unwrap_or(Duration::ZERO),
        // Without an interval a metric is measured once.
        count: metric.get("count").map(count).or(interval.is_none().then_some(1)),
        failure_limit: number("failureLimit", 0),
        inconclusive_limit: number("inconclusiveLimit", 0),
        consecutive_error_limit: number("consecutiveErrorLimit", 4),
        initial_delay: duration(&metric["initialDelay"]).unwrap_or(Duration::ZERO),
        window: Duration::from_seconds(60),
        min_samples: 0,
        no_data: NoData::Inconclusive,
    }
}

/// What of a metric a scenario cannot name, or its script a timeline cannot play, if anything.
pub(crate) fn metric_not_covered(metric: &Value, script: &str) -> Option<String> {
    if script.contains('E') {
        return Some("a measurement that errs".to_owned());
    }
    metric_key_not_covered(metric)
}

fn metric_key_not_covered(metric: &Value) -> Option<String> {
    const KNOWN: &[&str] = &[
        "name",
        "outcomes",
        "provider",
        "interval",
        "count",
        "failureLimit",
        "inconclusiveLimit",
        "consecutiveErrorLimit",
        "initialDelay",
    ];
    let is_off = metric["failureLimit"].as_i64().is_some_and(|limit| limit < 0);
    unknown_key(metric, "", KNOWN, &[]).or_else(|| is_off.then(|| "failureLimit -1".to_owned()))
}

fn outcome(letter: u8) -> (Outcome, &'static str) {
    match letter {
        b'S' => (Outcome::Successful, "Successful"),
        b'F' => (Outcome::Failed, "Failed"),
        b'I' => (Outcome::Inconclusive, "Inconclusive"),
        b'E' => (Outcome::Error, "Error"),
        other => panic!("unknown outcome {other}"),
    }
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
            let (outcome, word) = outcome(script[taken[index].min(script.len() - 1)]);
            taken[index] += 1;
            measurements.push((seconds(now), templates[index].name.clone(), word.to_owned()));
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
    match metrics.iter().find_map(metric_key_not_covered) {
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
