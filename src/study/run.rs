//! The Monte Carlo loop: runs in parallel, each a pure function of its number, put together in order of their numbers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::intervals::Confidence;
use super::result::{Facts, MetricSummary, StudyResult};
use super::summary::{summarize_at, summarize_runs};
use crate::ledger::{Metric, Pooled, RunRecord};
use crate::scenario::Scenario;
use crate::simulation::Prepared;
use crate::workload::mean_rate;

/// A scenario under study: runs from 0 on that are done, to which more can be added.
#[derive(Clone, Debug)]
pub struct Growing {
    prepared: Prepared,
    records: Vec<RunRecord>,
    pooled: Pooled,
}

impl Growing {
    /// A study without any run yet.
    pub fn new(scenario: Scenario) -> Growing {
        let prepared = Prepared::new(scenario);
        let pooled = prepared.pooled();
        Growing { prepared, records: Vec::new(), pooled }
    }

    /// A study whose timeline is a single bin: for many variants at once, where only the metrics matter.
    pub fn without_timeline(mut scenario: Scenario) -> Growing {
        scenario.study.timeline_bin = scenario.study.duration;
        Growing::new(scenario)
    }

    /// A study that goes on after these runs, the first ones in order of their numbers. What is pooled of them is not known:
    /// only the metrics of such a study are whole.
    pub fn resumed(scenario: Scenario, records: Vec<RunRecord>) -> Growing {
        Growing { records, ..Growing::without_timeline(scenario) }
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.prepared.scenario
    }

    /// What all runs share.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The runs that are done, in order of their numbers, none left out.
    pub fn records(&self) -> &[RunRecord] {
        &self.records
    }

    /// How many runs are done.
    pub fn runs(&self) -> u64 {
        self.records.len() as u64
    }

    /// One metric over the runs that are done.
    pub fn metric(&self, metric: Metric) -> MetricSummary {
        summarize_runs(self.scenario(), metric, &self.records)
    }

    /// What follows from the scenario alone.
    pub fn facts(&self) -> Facts {
        facts(&self.prepared)
    }

    /// Everything over the runs that are done; `partial` where more were asked for.
    pub fn result(self, partial: bool) -> StudyResult {
        self.result_at(Confidence::NINETY_FIVE, partial)
    }

    /// As [`Growing::result`], with intervals of this confidence.
    pub fn result_at(self, confidence: Confidence, partial: bool) -> StudyResult {
        let facts = facts(&self.prepared);
        let scenario = Arc::unwrap_or_clone(self.prepared.scenario);
        summarize_at(confidence, scenario, facts, self.records, self.pooled, partial)
    }
}

/// Adds runs to studies until each has `to` of them, on `threads` threads (`None`: one for each core). All of them must
/// have equally many before; run i of each comes before run i + 1 of any, on one thread, so that an interruption leaves
/// the same runs of all.
///
/// `progress` is told how many runs of all are done in this call; `stop` ends it early. What results is the same for any
/// number of threads and any way of growing: runs are keyed by their number, records are kept in its order, and what is
/// pooled are counts, whose sums do not depend on the order.
pub fn grow(
    studies: &mut [&mut Growing],
    to: u64,
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
) {
    let from = studies.first().map_or(to, |study| study.runs());
    debug_assert!(studies.iter().all(|study| study.runs() == from));
    let left = to.saturating_sub(from);
    let threads = threads.unwrap_or_else(rayon::current_num_threads).clamp(1, left.clamp(1, 1 << 16) as usize);
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let collected: Vec<Mutex<(Vec<RunRecord>, Pooled)>> =
        studies.iter().map(|study| Mutex::new((Vec::new(), study.prepared.pooled()))).collect();
    let prepared: Vec<&Prepared> = studies.iter().map(|study| &study.prepared).collect();
    let work = || {
        let books = |study: &&Prepared| (study.ledger(), study.pooled(), Vec::new());
        let mut own: Vec<_> = prepared.iter().map(books).collect();
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= to {
                break;
            }
            for (study, (ledger, pooled, records)) in prepared.iter().zip(&mut own) {
                records.push(study.run(number, ledger, pooled));
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        }
        for (collected, (_, pooled, mut records)) in collected.iter().zip(own) {
            // A lock is only poisoned by a run that panicked, and then the scope below panics too.
            if let Ok(mut all) = collected.lock() {
                all.0.append(&mut records);
                all.1.merge(&pooled);
            }
        }
    };
    in_parallel(threads, &work);
    for (study, collected) in studies.iter_mut().zip(collected) {
        let (mut records, pooled) = collected.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        records.sort_by_key(|record| record.run);
        study.records.append(&mut records);
        study.pooled.merge(&pooled);
    }
}

/// Runs a scenario `study.runs` times on `threads` threads (`None`: one for each core).
///
/// `progress` is told how many runs are done; `stop` ends the study early, with what was finished marked as partial.
pub fn run(
    scenario: Scenario,
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
) -> StudyResult {
    let runs = scenario.study.runs;
    let mut study = Growing::new(scenario);
    grow(&mut [&mut study], runs, threads, progress, stop);
    let partial = study.runs() < runs;
    study.result(partial)
}

/// Runs several scenarios side by side, as [`run`] does one, each as often as the one with the fewest runs.
///
/// `progress` is told how many runs of all are done.
pub fn run_together(
    scenarios: Vec<Scenario>,
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
) -> Vec<StudyResult> {
    let runs = scenarios.iter().map(|scenario| scenario.study.runs).min().unwrap_or(0);
    let mut studies: Vec<Growing> = scenarios.into_iter().map(Growing::new).collect();
    grow(&mut studies.iter_mut().collect::<Vec<_>>(), runs, threads, progress, stop);
    let result = |study: Growing| {
        let partial = study.runs() < study.scenario().study.runs;
        study.result(partial)
    };
    studies.into_iter().map(result).collect()
}

/// Does the same work on so many threads at once.
pub(super) fn in_parallel(threads: usize, work: &(dyn Fn() + Sync)) {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => {
            pool.broadcast(|_| work());
        }
        // The system gives no more threads: this one does all of it.
        Err(_) => work(),
    }
}

/// What follows from the scenario alone.
fn facts(prepared: &Prepared) -> Facts {
    Facts {
        saturated_rate: prepared.saturation.rate,
        saturated_batch: prepared.saturation.batch,
        mean_prompt_tokens: prepared.moments.mean_prompt,
        mean_output_tokens: prepared.moments.mean_output,
        mean_rate: mean_rate(&prepared.scenario.traffic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::scenario;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_scenario_gives_the_same_result_beside_another_as_alone() {
        let (one, mut other) = (scenario(4), scenario(4));
        other.fleet.replicas = 5;
        let alone = [one.clone(), other.clone()].map(|scenario| run(scenario, Some(1), &|_| {}, &NEVER));
        let together = run_together(vec![one, other], Some(2), &|_| {}, &NEVER);
        for (alone, together) in alone.iter().zip(&together) {
            assert_eq!(format!("{alone:?}"), format!("{together:?}"));
        }
    }

    #[test]
    fn an_interruption_leaves_the_same_runs_of_both() {
        let stop = AtomicBool::new(false);
        // The first run of the fourth pair asks to stop: its partner is still run.
        let progress = |done: u64| {
            if done == 7 {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let both = run_together(vec![scenario(50), scenario(50)], Some(1), &progress, &stop);
        let [a, b] = both.as_slice() else { panic!("two were asked for") };
        let numbers = |result: &StudyResult| result.records.iter().map(|record| record.run).collect::<Vec<u64>>();
        assert_eq!(numbers(a), [0, 1, 2, 3]);
        assert_eq!(numbers(a), numbers(b));
        assert!(a.partial && b.partial);
    }

    #[test]
    fn a_study_that_grew_in_pieces_is_the_same_as_one_made_at_once() {
        let whole = run(scenario(12), Some(1), &|_| {}, &NEVER);
        let mut study = Growing::new(scenario(12));
        for to in [1, 2, 7, 7, 12] {
            grow(&mut [&mut study], to, Some(3), &|_| {}, &NEVER);
            assert_eq!(study.runs(), to);
        }
        assert_eq!(format!("{:?}", study.result(false)), format!("{whole:?}"));
    }
}
