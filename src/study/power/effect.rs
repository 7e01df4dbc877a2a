//! How much worse a version truly is: new against stable, each with half of the traffic on half of the fleet, by the exact
//! values of every attempt. What is set (a factor of a step's time) is not what users see (a P99), and this says both.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::estimators::metric_name;
use crate::ledger::{RequestRow, RunLog};
use crate::scenario::{Analysis, AnalysisMetric, Scenario};
use crate::simulation::Prepared;
use crate::study::result::Estimate;
use crate::units::Time;

/// Most runs from which an effect is measured.
pub const EFFECT_RUNS: u64 = 50;
/// The split of the traffic without any analysis, as settings. No GPU is lacking, and nobody interferes.
pub(super) const SPLIT: [&str; 4] = [
    "rollout={ strategy = \"canary\", start = \"0s\", canary = { dynamic_stable_scale = true, \
     steps = [{ set_weight = 50 }, { pause = \"until_promoted\" }] } }",
    "analysis={}",
    "action=[]",
    "fleet.gpu_limit=1000000000",
];

/// What is compared between the versions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Of what.
    pub metric: AnalysisMetric,
    /// Which quantile of a latency; of no meaning for a rate.
    pub quantile: f64,
}

impl Measure {
    /// What an analysis measures.
    pub(super) fn of(analysis: &Analysis) -> Measure {
        Measure { metric: analysis.metric, quantile: if is_rate(analysis.metric) { 0.0 } else { analysis.quantile } }
    }

    /// Whether it is a share, whose effect is a difference; that of a latency is a ratio less 1.
    pub fn is_rate(&self) -> bool {
        is_rate(self.metric)
    }

    /// For people: `P99 ttft`, `error_rate`.
    pub fn name(&self) -> String {
        let metric = metric_name(self.metric);
        if self.is_rate() {
            metric.to_owned()
        } else {
            format!("P{} {metric}", crate::digits::figure(100.0 * self.quantile))
        }
    }

    /// Its value over these attempts; NaN without any.
    fn value(&self, attempts: &[&RequestRow]) -> f64 {
        let mut values: Vec<f64> = attempts.iter().filter_map(|attempt| self.of_attempt(attempt)).collect();
        let n = values.len();
        if n == 0 {
            return f64::NAN;
        }
        if self.is_rate() {
            return values.iter().sum::<f64>() / n as f64;
        }
        let rank = ((self.quantile * n as f64).ceil() as usize).clamp(1, n);
        *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
    }

    /// What an analysis would be told of one attempt; nothing, if it does not get as far.
    fn of_attempt(&self, attempt: &RequestRow) -> Option<f64> {
        let since_arrival = |time: Option<Time>| time.map(|time| time.since(attempt.arrival).seconds());
        let completed = attempt.outcome == "completed";
        match self.metric {
            AnalysisMetric::Ttft => since_arrival(attempt.first_token),
            AnalysisMetric::QueueTime => since_arrival(attempt.scheduled),
            AnalysisMetric::EndToEnd => since_arrival(attempt.finish).filter(|_| completed),
            AnalysisMetric::Tpot => {
                let gaps = attempt.tokens_out.saturating_sub(1);
                let (first, finish) = attempt.first_token.zip(attempt.finish).filter(|_| completed && gaps > 0)?;
                Some(finish.since(first).seconds() / f64::from(gaps))
            }
            AnalysisMetric::ErrorRate => {
                Some(f64::from(u8::from(matches!(attempt.outcome, "failed" | "refused" | "dropped"))))
            }
            AnalysisMetric::TruncationRate => Some(f64::from(u8::from(attempt.outcome == "truncated"))),
        }
    }

    /// New against stable in one run: the ratio less 1 of a latency, the difference of a rate; NaN without either.
    fn effect(&self, [stable, new]: &[Vec<&RequestRow>; 2]) -> f64 {
        let (stable, new) = (self.value(stable), self.value(new));
        if self.is_rate() {
            new - stable
        } else if stable > 0.0 {
            new / stable - 1.0
        } else {
            f64::NAN
        }
    }
}

fn is_rate(metric: AnalysisMetric) -> bool {
    matches!(metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate)
}

/// For each of these split scenarios, for each measure: new against stable, mean over so many runs with the
/// interval of a mean. Run i of one meets the requests of run i of any. Where it was stopped, of the runs that all have; empty without any.
pub(super) fn measure(
    splits: &[Scenario],
    measures: &[Measure],
    runs: u64,
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
) -> Vec<Vec<Estimate>> {
    let prepared: Vec<Prepared> = splits.iter().cloned().map(Prepared::new).collect();
    let jobs: Vec<(usize, u64)> =
        (0..runs).flat_map(|run| (0..prepared.len()).map(move |split| (split, run))).collect();
    let done = AtomicU64::new(0);
    let one = |(split, run): &(usize, u64)| {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let (_, log) = prepared[*split].log_run(*run);
        let end = Time::ZERO + prepared[*split].scenario.study.duration;
        let sides = sides(&log, end);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        Some(measures.iter().map(|measure| measure.effect(&sides)).collect())
    };
    let work = || jobs.par_iter().map(one).collect::<Vec<Option<Vec<f64>>>>();
    let effects: Vec<Option<Vec<f64>>> = match rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()
    {
        Ok(pool) => pool.install(work),
        // The system gives no more threads: this one does all of it.
        Err(_) => jobs.iter().map(one).collect(),
    };
    // After an interruption, the runs that every version has.
    let whole = |run: &[Option<Vec<f64>>]| run.iter().cloned().collect::<Option<Vec<Vec<f64>>>>();
    let done: Vec<Vec<Vec<f64>>> = effects.chunks(prepared.len().max(1)).filter_map(whole).collect();
    if done.is_empty() {
        return Vec::new();
    }
    let of = |split: usize| (0..measures.len()).map(|measure| mean(&done, split, measure)).collect();
    (0..prepared.len()).map(of).collect()
}

/// The mean of one measure of one version over runs.
fn mean(runs: &[Vec<Vec<f64>>], split: usize, measure: usize) -> Estimate {
    let values: Vec<f64> = runs.iter().map(|run| run[split][measure]).filter(|effect| !effect.is_nan()).collect();
    Estimate::of_mean(&values)
}

/// The attempts at stable and at the new version in the second half of the time from the split to the window's end: by
/// then the replicas that have just started are as full as the others.
fn sides(log: &RunLog, end: Time) -> [Vec<&RequestRow>; 2] {
    let Some(split) = log.requests.iter().find(|row| row.version == "new").map(|row| row.arrival) else {
        return [Vec::new(), Vec::new()];
    };
    let from = Time(split.0.midpoint(end.0));
    let within = || log.requests.iter().filter(move |row| row.arrival >= from && row.arrival < end);
    ["stable", "new"].map(|version| within().filter(|row| row.version == version).collect())
}
