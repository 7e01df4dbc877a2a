//! The runs of a study that are worth looking at one by one, and what happened in them: the least, the median and the
//! greatest of each metric, their replicas' lives, the controller's decisions and the attempts that went worst.
//!
//! What is kept is plain data of bounded size, so that a report can hold it. How it is shown is the report's.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::compare::HEADLINES;
use super::result::StudyResult;
use super::summary::quantile_index;
use crate::ledger::{METRICS, Metric, Outcome, RequestRow, RunLog, RunRecord, state_after};
use crate::simulation::Prepared;
use crate::units::Time;

/// The quantiles over runs at which each metric's runs are looked at; 0 and 1 are the least and the greatest.
pub const EXPLORED_QUANTILES: [f64; 5] = [0.0, 0.05, 0.5, 0.95, 1.0];
/// Runs in detail: one in so many, because each is simulated once more.
const ONE_IN: u64 = 20;
/// Runs in detail, at least and at most, where there are as many.
const FEWEST_RUNS: u64 = 24;
/// See [`FEWEST_RUNS`].
const MOST_RUNS: u64 = 60;
/// Share of runs by which a run's rank may be off so that a run serves several metrics; the least and the greatest are
/// exact.
const NEAR: f64 = 0.01;
/// What the details of all runs together may take, bytes of JSON.
const MOST_BYTES: usize = 400_000;
/// Replicas of a run, of those that change after time zero first.
const MOST_REPLICAS: usize = 120;
/// Controller's decisions of a run.
const MOST_DECISIONS: usize = 80;
/// Attempts of a run that ended badly.
const MOST_BAD: usize = 60;
/// Completed attempts of a run that took longest.
const SLOWEST: usize = 30;

/// Runs in detail, and which of them is which quantile of which metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explored {
    /// For each metric that varies from run to run, in the order of the table of metrics, the runs at
    /// [`EXPLORED_QUANTILES`].
    pub choices: Vec<Choice>,
    /// The runs in detail, in order of their numbers.
    pub runs: Vec<ExploredRun>,
}

/// The runs at some quantiles of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The metric's name.
    pub metric: String,
    /// Numbers of the runs, one for each of [`EXPLORED_QUANTILES`]. One that has no details is in no other list.
    pub runs: [u64; 5],
}

/// What happened in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExploredRun {
    /// Its number.
    pub run: u64,
    /// Its replicas, in order of creation.
    pub replicas: Vec<ReplicaLife>,
    /// Replicas that there were, more than are listed where the fleet is large.
    pub replicas_in_all: u64,
    /// What the controller and the world did, in order.
    pub decisions: Vec<Decision>,
    /// Attempts that arrived in the measured window, by how they ended; those that occur.
    pub outcomes: Vec<(String, u64)>,
    /// Attempts that ended badly, spread over the window where there are too many, and the completed ones that took
    /// longest; in order of arrival.
    pub attempts: Vec<Attempt>,
}

/// One replica's states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicaLife {
    /// Its number in order of creation.
    pub id: u32,
    /// Its version's name.
    pub version: String,
    /// Since when, in seconds from time zero, it was in which state.
    pub states: Vec<(f64, String)>,
}

/// Something that was done to the fleet or decided about the rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When, seconds from time zero.
    pub time_s: f64,
    /// What, by its name in `events.csv`.
    pub event: String,
    /// More, as in `events.csv`.
    pub detail: String,
    /// Which rule decided so; empty where none did.
    pub why: String,
}

/// One attempt of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Number of the request.
    pub id: u64,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// When it arrived, seconds from time zero.
    pub arrival_s: f64,
    /// Prompt, tokens.
    pub prompt_tokens: u32,
    /// The answer that it would have, tokens.
    pub output_tokens: u32,
    /// Tokens that it emitted.
    pub tokens_out: u32,
    /// The name of the version that it reached; empty if none.
    pub version: String,
    /// The replica that it went to.
    pub replica: Option<u32>,
    /// From its arrival to its first token, seconds.
    pub ttft_s: Option<f64>,
    /// From its arrival to its end, seconds.
    pub took_s: Option<f64>,
    /// How it ended, in the word of `requests.csv`.
    pub outcome: String,
}

/// Chooses runs of a study and simulates them once more, on `threads` threads (`None`: one for each core), to see what
/// happened in them. The same for any number of threads.
pub fn explore(result: &StudyResult, threads: Option<usize>) -> Explored {
    let most = (result.records.len() as u64 / ONE_IN).clamp(FEWEST_RUNS, MOST_RUNS) as usize;
    let (choices, chosen) = choose(&result.records, most);
    let prepared = Prepared::new(result.scenario.clone());
    let look = |run: &u64| look_at(&prepared, *run);
    let looked = || chosen.par_iter().map(look).collect::<Vec<ExploredRun>>();
    let threads = threads.unwrap_or_else(rayon::current_num_threads).clamp(1, chosen.len().max(1));
    let runs = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(looked),
        // The system gives no more threads: this one does all of it.
        Err(_) => chosen.iter().map(look).collect(),
    };
    Explored { choices, runs: that_fit(runs) }
}

/// The metrics whose runs are looked at, those that decide most first.
fn by_importance() -> impl Iterator<Item = Metric> {
    let others = METRICS.iter().copied().filter(|metric| !HEADLINES.contains(metric));
    HEADLINES.into_iter().chain(others)
}

/// The runs at each quantile of each metric that varies, and those of them, at most so many, that are to be looked at,
/// in the order of importance.
fn choose(records: &[RunRecord], most: usize) -> (Vec<Choice>, Vec<u64>) {
    let mut choices: BTreeMap<Metric, Choice> = BTreeMap::new();
    let mut chosen: Vec<u64> = Vec::new();
    for metric in by_importance() {
        let mut ranked: Vec<(f64, u64)> = (records.iter())
            .map(|record| (record.value(metric), record.run))
            .filter(|(value, _)| value.is_finite())
            .collect();
        ranked.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let varies = ranked.first().zip(ranked.last()).is_some_and(|(least, greatest)| least.0 < greatest.0);
        if varies {
            let runs = EXPLORED_QUANTILES.map(|quantile| {
                let run = run_at(&ranked, quantile, &chosen);
                if !chosen.contains(&run) && chosen.len() < most {
                    chosen.push(run);
                }
                run
            });
            choices.insert(metric, Choice { metric: metric.name().to_owned(), runs });
        }
    }
    (choices.into_values().collect(), chosen)
}

/// The run at a quantile of ranked runs: the nearest near it that is chosen already, else the first with its value.
fn run_at(ranked: &[(f64, u64)], quantile: f64, chosen: &[u64]) -> u64 {
    let index = quantile_index(quantile, ranked.len());
    let value = ranked[index].0;
    let inner = quantile > 0.0 && quantile < 1.0;
    let reach = if inner { (NEAR * ranked.len() as f64) as usize } else { 0 };
    let first = ranked.partition_point(|(other, _)| *other < value);
    let end = ranked.partition_point(|(other, _)| *other <= value);
    let near = first.min(index.saturating_sub(reach))..end.max((index + reach + 1).min(ranked.len()));
    let known = near.filter(|rank| chosen.contains(&ranked[*rank].1));
    let distance = |rank: &usize| if (first..end).contains(rank) { 0 } else { rank.abs_diff(index) };
    known.min_by_key(distance).map_or(ranked[first].1, |rank| ranked[rank].1)
}

/// The first runs whose details fit together, in order of their numbers.
fn that_fit(runs: Vec<ExploredRun>) -> Vec<ExploredRun> {
    let mut left = MOST_BYTES;
    let fits = |run: &ExploredRun| {
        let bytes = serde_json::to_string(run).map_or(usize::MAX, |text| text.len());
        left = left.saturating_sub(bytes);
        left > 0
    };
    let mut runs: Vec<ExploredRun> = runs.into_iter().take_while(fits).collect();
    runs.sort_unstable_by_key(|run| run.run);
    runs
}

fn look_at(prepared: &Prepared, run: u64) -> ExploredRun {
    let (_, log) = prepared.log_run(run);
    let end = Time(prepared.scenario.study.duration.0 as i64);
    let measured: Vec<&RequestRow> =
        log.requests.iter().filter(|row| row.arrival >= Time::ZERO && row.arrival < end).collect();
    let (replicas, replicas_in_all) = lives(&log);
    ExploredRun {
        run,
        replicas,
        replicas_in_all,
        decisions: decisions(&log),
        outcomes: outcomes(&measured),
        attempts: worst(&measured),
    }
}

/// Seconds from time zero, to the millisecond: finer than any chart shows.
fn seconds(time: Time) -> f64 {
    (time.seconds() * 1e3).round() / 1e3
}

/// The replicas' states, and how many replicas there were.
fn lives(log: &RunLog) -> (Vec<ReplicaLife>, u64) {
    let mut lives: BTreeMap<u32, ReplicaLife> = BTreeMap::new();
    for event in &log.events {
        let (Some(id), Some(state)) = (event.replica, state_after(event.event)) else { continue };
        let life =
            lives.entry(id).or_insert_with(|| ReplicaLife { id, version: event.version.clone(), states: Vec::new() });
        if life.states.last().is_none_or(|(_, last)| last != state) {
            life.states.push((seconds(event.time), state.to_owned()));
        }
    }
    let in_all = lives.len() as u64;
    let changes = |life: &ReplicaLife| life.states.iter().any(|(since, _)| *since >= 0.0);
    let (changing, still): (Vec<ReplicaLife>, Vec<ReplicaLife>) = lives.into_values().partition(changes);
    let mut kept: Vec<ReplicaLife> = changing.into_iter().chain(still).take(MOST_REPLICAS).collect();
    kept.sort_unstable_by_key(|life| life.id);
    (kept, in_all)
}

/// What concerns no single replica. Measurements are left out before anything else where there are too many.
fn decisions(log: &RunLog) -> Vec<Decision> {
    let about_all = || log.events.iter().filter(|event| event.replica.is_none());
    let without_measurements = about_all().count() > MOST_DECISIONS;
    (about_all().filter(|event| !(without_measurements && event.event == "measurement")))
        .take(MOST_DECISIONS)
        .map(|event| Decision {
            time_s: seconds(event.time),
            event: event.event.to_owned(),
            detail: event.detail.clone(),
            why: event.why.clone(),
        })
        .collect()
}

fn outcomes(measured: &[&RequestRow]) -> Vec<(String, u64)> {
    let names = Outcome::ALL.iter().map(|outcome| outcome.name()).chain(["in_flight"]);
    names
        .map(|name| (name.to_owned(), measured.iter().filter(|row| row.outcome == name).count() as u64))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The attempts that ended badly and the completed ones that took longest, in order of arrival.
fn worst(measured: &[&RequestRow]) -> Vec<Attempt> {
    let (mut completed, bad): (Vec<&RequestRow>, Vec<&RequestRow>) =
        measured.iter().partition(|row| row.outcome == Outcome::Completed.name());
    let took = |row: &RequestRow| row.finish.map_or(0, |finish| finish.since(row.arrival).0);
    completed.sort_by_key(|row| (std::cmp::Reverse(took(row)), row.id));
    let shown = bad.len().min(MOST_BAD);
    let spread: BTreeSet<usize> = (0..shown).map(|i| i * bad.len() / shown).collect();
    let mut kept: Vec<&RequestRow> = spread.into_iter().map(|i| bad[i]).collect();
    kept.extend(completed.into_iter().take(SLOWEST));
    kept.sort_unstable_by_key(|row| (row.arrival, row.id, row.attempt));
    kept.into_iter().map(attempt).collect()
}

fn attempt(row: &RequestRow) -> Attempt {
    let after = |time: Option<Time>| time.map(|time| seconds(Time(time.since(row.arrival).0 as i64)));
    Attempt {
        id: row.id,
        attempt: row.attempt,
        arrival_s: seconds(row.arrival),
        prompt_tokens: row.prompt_tokens,
        output_tokens: row.output_tokens,
        tokens_out: row.tokens_out,
        version: row.version.clone(),
        replica: row.replica,
        ttft_s: after(row.first_token),
        took_s: after(row.finish),
        outcome: row.outcome.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::{record, scenario};
    use std::sync::atomic::AtomicBool;

    fn choice(choices: &[Choice], metric: Metric) -> [u64; 5] {
        choices.iter().find(|choice| choice.metric == metric.name()).expect("a metric that varies").runs
    }

    #[test]
    fn the_runs_of_a_metric_are_those_of_its_quantiles() {
        let records: Vec<RunRecord> =
            (0..200).map(|run| record(run, &[(Metric::Cost, (run * 7 % 200) as f64)])).collect();
        let (choices, chosen) = choose(&records, 60);
        let values = choice(&choices, Metric::Cost).map(|run| run * 7 % 200);
        assert_eq!(values, [0, 9, 99, 189, 199]);
        assert_eq!((choices.len(), chosen.len()), (1, 5));
    }

    #[test]
    fn a_run_that_is_looked_at_already_serves_other_metrics() {
        // The second metric is the first one shifted by a rank: inner quantiles are near enough, the ends are exact.
        let shifted = |run: u64| ((run + 1) % 200) as f64;
        let both = |run| record(run, &[(Metric::TruncatedAttempts, run as f64), (Metric::Cost, shifted(run))]);
        let (choices, chosen) = choose(&(0..200).map(both).collect::<Vec<_>>(), 60);
        assert_eq!(choice(&choices, Metric::TruncatedAttempts), [0, 9, 99, 189, 199]);
        assert_eq!(choice(&choices, Metric::Cost), [199, 9, 99, 189, 198]);
        assert_eq!(chosen, [0, 9, 99, 189, 199, 198]);
    }

    #[test]
    fn ties_are_resolved_to_the_first_run_and_empty_values_are_left_out() {
        let truncated = |run: u64| if run == 3 { f64::NAN } else { f64::from(u8::from(run >= 90)) };
        let records: Vec<RunRecord> =
            (0..100).map(|run| record(run, &[(Metric::TruncatedAttempts, truncated(run))])).collect();
        let (choices, chosen) = choose(&records, 60);
        assert_eq!(choice(&choices, Metric::TruncatedAttempts), [0, 0, 0, 90, 90]);
        assert_eq!(chosen, [0, 90]);
    }

    #[test]
    fn what_is_looked_at_is_the_run_itself_for_any_number_of_threads() {
        let result = crate::study::run(scenario(30), Some(2), &|_| {}, &AtomicBool::new(false));
        let explored = explore(&result, Some(1));
        assert_eq!(explored, explore(&result, Some(3)));
        assert!(!explored.runs.is_empty());
        for run in &explored.runs {
            let record = &result.records[run.run as usize];
            let of = |outcome: &str| run.outcomes.iter().find(|(name, _)| name == outcome).map_or(0, |(_, n)| *n);
            assert_eq!(of("completed") as f64, record.value(Metric::CompletedAttempts));
            assert_eq!(of("truncated") as f64, record.value(Metric::TruncatedAttempts));
            assert!(run.attempts.len() <= MOST_BAD + SLOWEST);
            assert!(run.replicas.iter().all(|life| !life.states.is_empty()));
        }
        let text = serde_json::to_string(&explored).expect("plain data");
        let read: Explored = serde_json::from_str(&text).expect("what was written");
        assert_eq!(read, explored);
    }

    #[test]
    fn details_of_many_large_runs_are_cut_to_what_fits() {
        let decision =
            Decision { time_s: 1.0, event: "scaled".to_owned(), detail: "x".repeat(90_000), why: String::new() };
        let run = |run| ExploredRun {
            run,
            replicas: vec![],
            replicas_in_all: 0,
            decisions: vec![decision.clone()],
            outcomes: vec![],
            attempts: vec![],
        };
        let kept: Vec<u64> = that_fit([9, 4, 7, 1, 2, 3].map(run).to_vec()).iter().map(|run| run.run).collect();
        assert_eq!(kept, [1, 4, 7, 9]);
    }
}
