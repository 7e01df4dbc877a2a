//! Nothing is allocated in steady state: memory is taken while a run warms up and when something rare happens, not for a
//! request, let alone for a token.

mod support;

use std::sync::Arc;

use allocation_counter::measure;
use cutover::ledger::Metric;
use cutover::random::RunKey;
use cutover::serving::{Engine, EngineModel, Request};
use cutover::simulation::Prepared;
use cutover::units::Time;
use cutover::workload::Workload;
use support::prepared;

const SHIPPED: &str = include_str!("../scenarios/rolling-default-grace.toml");

/// Sends so many requests more to an engine.
fn serve(engine: &mut Engine, workload: &mut Workload<'_>, requests: std::ops::Range<u32>, share: i64) {
    let mut notices = Vec::with_capacity(1000);
    for id in requests {
        let arrival = workload.next_arrival();
        let now = Time(arrival.time.0 * share);
        engine.run_before(now, &mut notices);
        notices.clear();
        let (prompt_tokens, output_tokens) = (arrival.prompt_tokens, arrival.output_tokens);
        engine.submit(now, Request { id, prompt_tokens, output_tokens, luck: u64::from(id) }, &mut notices);
    }
}

#[test]
fn an_engine_that_has_warmed_up_allocates_nothing() {
    for sets in [&[][..], &["engine.chunked_prefill=false"], &["engine.speculative={ tokens = 4, acceptance = 0.7 }"]] {
        let scenario = support::scenario(SHIPPED, sets);
        let mut engine = Engine::new(Arc::new(EngineModel::new(&scenario.engine, 1.0)));
        let mut workload = Workload::new(&scenario, RunKey::new(1, 0), Time::ZERO);
        let share = i64::from(scenario.fleet.replicas);
        serve(&mut engine, &mut workload, 0..100_000, share);
        let counted = measure(|| serve(&mut engine, &mut workload, 100_000..200_000, share));
        // The notices of the measured stretch; and a queue may yet become longer than it ever was.
        assert!(counted.count_total <= 3, "{sets:?}: {} allocations", counted.count_total);
    }
}

/// Requests of a run, and allocations while it goes on.
fn allocations(prepared: &Prepared) -> (f64, u64) {
    let (mut ledger, mut pooled) = (prepared.ledger(), prepared.pooled());
    // The books are used again and again: the first run makes room in them.
    prepared.run(0, &mut ledger, &mut pooled);
    let mut requests = 0.0;
    let counted = measure(|| requests = prepared.run(0, &mut ledger, &mut pooled).value(Metric::Requests));
    (requests, counted.count_total)
}

#[test]
fn twice_the_requests_take_hardly_more_allocations() {
    for replicas in [&[][..], &["fleet.replicas=64", "fleet.gpu_limit=80", "traffic.arrivals.rate=144"]] {
        let run = |duration: &str| {
            let duration = format!("study.duration=\"{duration}\"");
            allocations(&prepared(SHIPPED, &[replicas, &[duration.as_str()]].concat()))
        };
        let ((few, at_first), (many, in_all)) = (run("40m"), run("80m"));
        let per_request = (in_all as f64 - at_first as f64) / (many - few);
        assert!(many > 1.9 * few && per_request < 0.001, "{per_request} allocations for each of {} more", many - few);
    }
}
