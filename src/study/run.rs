//! The Monte Carlo loop: runs in parallel, each a pure function of its number, put together in order of their numbers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::result::{Facts, StudyResult};
use super::summarize;
use crate::ledger::RunRecord;
use crate::scenario::Scenario;
use crate::simulation::Prepared;
use crate::workload::mean_rate;

/// Runs a scenario `study.runs` times on `threads` threads (`None`: one for each core).
///
/// `progress` is told how many runs are done; `stop` ends the study early, with what was finished marked as partial.
/// The result is the same for any number of threads: runs are keyed by their number, records are kept in its order, and
/// what is pooled are counts, whose sums do not depend on the order.
pub fn run(
    scenario: Scenario,
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
) -> StudyResult {
    let [result] = run_together([scenario], threads, progress, stop);
    result
}

/// Runs several scenarios side by side, as [`run`] does one: run i of each before run i + 1 of any, on one thread. An
/// interruption so leaves the same runs of all of them.
///
/// All are run as often as the one with the fewest runs; `progress` is told how many runs of all are done.
pub fn run_together<const N: usize>(
    scenarios: [Scenario; N],
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
) -> [StudyResult; N] {
    let studies = scenarios.map(Prepared::new);
    let runs = studies.iter().map(|study| study.scenario.study.runs).min().unwrap_or(0);
    let threads = threads.unwrap_or_else(rayon::current_num_threads).clamp(1, runs.clamp(1, 1 << 16) as usize);
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let collected = studies.each_ref().map(|study| Mutex::new((Vec::<RunRecord>::new(), study.pooled())));
    let work = || {
        let mut own = studies.each_ref().map(|study| (study.ledger(), study.pooled(), Vec::new()));
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                break;
            }
            for (study, (ledger, pooled, records)) in studies.iter().zip(&mut own) {
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
    let mut collected = collected.into_iter();
    studies.map(|prepared| {
        let all = collected.next().map(|all| all.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let (records, pooled) = all.unwrap_or_default();
        let partial = (records.len() as u64) < prepared.scenario.study.runs;
        let facts = facts(&prepared);
        let scenario = std::sync::Arc::unwrap_or_clone(prepared.scenario);
        summarize(scenario, facts, records, pooled, partial)
    })
}

/// Does the same work on so many threads at once.
fn in_parallel(threads: usize, work: &(dyn Fn() + Sync)) {
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
        let together = run_together([one, other], Some(2), &|_| {}, &NEVER);
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
        let [a, b] = run_together([scenario(50), scenario(50)], Some(1), &progress, &stop);
        let numbers = |result: &StudyResult| result.records.iter().map(|record| record.run).collect::<Vec<u64>>();
        assert_eq!(numbers(&a), [0, 1, 2, 3]);
        assert_eq!(numbers(&a), numbers(&b));
        assert!(a.partial && b.partial);
    }
}
