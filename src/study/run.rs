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
    let prepared = Prepared::new(scenario);
    let runs = prepared.scenario.study.runs;
    let threads = threads.unwrap_or_else(rayon::current_num_threads).clamp(1, runs.min(1 << 16) as usize);
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let collected = Mutex::new((Vec::<RunRecord>::new(), prepared.pooled()));
    let work = || {
        let (mut ledger, mut pooled, mut records) = (prepared.ledger(), prepared.pooled(), Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                break;
            }
            records.push(prepared.run(number, &mut ledger, &mut pooled));
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
        // A lock is only poisoned by a run that panicked, and then the scope below panics too.
        if let Ok(mut all) = collected.lock() {
            all.0.append(&mut records);
            all.1.merge(&pooled);
        }
    };
    in_parallel(threads, &work);
    let (mut records, pooled) = collected.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    records.sort_by_key(|record| record.run);
    let partial = (records.len() as u64) < runs;
    let facts = facts(&prepared);
    let scenario = std::sync::Arc::unwrap_or_clone(prepared.scenario);
    summarize(scenario, facts, records, pooled, partial)
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
