//! The laws that the program must obey, on the program itself, within bounds from its own standard errors.
//!
//! Seeds are fixed, so a test passes or fails for good; bounds are five standard errors, plus what a law itself leaves
//! open (a step of the engine, where time goes in steps).

mod support;

use std::sync::Arc;

use cutover::ledger::{Metric, RequestRow, RunLog};
use cutover::random::RunKey;
use cutover::serving::{Engine, EngineModel, NoticeKind, Request};
use cutover::simulation::Prepared;
use cutover::units::Time;
use cutover::workload::{Arrival, Workload};
use support::{mean_and_error, prepared, study, values};

/// A fleet whose step takes a constant time, with slots and cache for everybody.
const CONSTANT_STEPS: &str = r#"
[study]
runs = 400
seed = 7
warm_up = "3m"
duration = "10m"
timeline_bin = "10s"

[traffic]
arrivals = { process = "poisson", rate = 8.0 }
prompt_tokens = 1
output_tokens = { distribution = "lognormal", median = 300, p99 = 3000, max = 20000 }

[router]
policy = "random"

[fleet]
replicas = 4

[engine]
max_num_seqs = 1000000
max_num_batched_tokens = 10000000
kv_cache_tokens = 1000000000
step_time = { base = "10ms" }

[termination]
grace_period = "30s"
pre_stop = "0s"
endpoint_lag = "0s"

[rollout]
strategy = "none"
start = "4m"
"#;

/// Seconds of a step in [`CONSTANT_STEPS`].
const STEP: f64 = 0.01;

/// Mean of f(N) over the answers of [`CONSTANT_STEPS`].
fn expect_output(f: impl Fn(u32) -> f64) -> f64 {
    let scenario = support::scenario(CONSTANT_STEPS, &[]);
    let cutover::scenario::Traffic::Synthetic { output_tokens, .. } = scenario.traffic else { unreachable!() };
    output_tokens.expect_whole(20_000, f)
}

/// Law 3. With a constant step time and unlimited slots each replica is M/G/infinity: what is in flight is Poisson with
/// mean lambda E[S]. An arrival waits up to a step for the next boundary.
#[test]
fn with_constant_steps_and_free_slots_in_flight_is_poisson() {
    let sets = ["study.duration=\"1s\"", "study.timeline_bin=\"1s\"", "study.cool_down=\"0s\"", "study.runs=4000"];
    let prepared = prepared(CONSTANT_STEPS, &sets);
    let mut in_flight = Vec::new();
    for run in 0..4_000 {
        let (_, log) = prepared.log_run(run);
        let live = |row: &&cutover::ledger::RequestRow| {
            row.arrival < Time::ZERO && row.finish.is_none_or(|finish| finish >= Time::ZERO)
        };
        in_flight.push(log.requests.iter().filter(live).count() as f64);
    }
    let (mean, error) = mean_and_error(&in_flight);
    let mean_service = expect_output(f64::from) * STEP;
    let (low, high) = (8.0 * mean_service, 8.0 * (mean_service + STEP));
    assert!(mean > low - 5.0 * error && mean < high + 5.0 * error, "{mean} +- {error} against {low} to {high}");
    // Of a Poisson sample the variance over the mean is 1, with standard error sqrt(2 / n).
    let dispersion = error * error * 4_000.0 / mean;
    assert!((dispersion - 1.0).abs() < 5.0 * (2.0f64 / 4_000.0).sqrt(), "variance over mean is {dispersion}");
}

/// Law 4. A rolling update of the whole fleet truncates Poisson(lambda E[(S - g')+]) responses, whatever the number of
/// replicas, with g' = max(grace, preStop + 2 s) - endpoint lag. While the endpoints lag, the router spreads its load over
/// the replicas that it has not yet lost as well as over those that took their place, so that what arrives in the lag at
/// a terminating replica is `replicas / (replicas + surge)` of what arrived before.
#[test]
fn a_rolling_update_truncates_as_many_as_the_truncation_law_says() {
    for (replicas, surge, grace, pre_stop, lag) in [(4, 1, 15, 5, 1), (10, 10, 8, 8, 4), (7, 2, 1, 5, 0)] {
        let sets = [
            "rollout.strategy=\"rolling\"".to_owned(),
            format!("rollout.rolling.max_surge={surge}"),
            "rollout.rolling.max_unavailable=0".to_owned(),
            format!("fleet.replicas={replicas}"),
            format!("termination.grace_period=\"{grace}s\""),
            format!("termination.pre_stop=\"{pre_stop}s\""),
            format!("termination.endpoint_lag=\"{lag}s\""),
            "cold_start.engine_start=\"7s\"".to_owned(),
        ];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let result = study(CONSTANT_STEPS, &sets);
        let cut = values(&result, Metric::TruncatedAttempts);
        let (mean, error) = mean_and_error(&cut);
        // The hook is cut where the grace period ends, and SIGTERM is left two seconds even so.
        let kill = f64::from(std::cmp::max(grace, std::cmp::min(pre_stop, grace) + 2));
        let beyond = |g: f64, wait: f64| 8.0 * expect_output(|n| (f64::from(n) * STEP + wait - g).max(0.0));
        let diluted = f64::from(replicas) / f64::from(replicas + surge);
        let law = |wait: f64| {
            let (before, with_lag) = (beyond(kill, wait), beyond(kill - f64::from(lag), wait));
            before + diluted * (with_lag - before)
        };
        let (low, high) = (law(0.0), law(STEP));
        assert!(
            mean > low - 5.0 * error && mean < high + 5.0 * error,
            "{replicas} replicas: {mean} +- {error} against {low} to {high}"
        );
        let dispersion = error * error * cut.len() as f64 / mean;
        let bound = 5.0 * (2.0 / cut.len() as f64 + 1.0 / (mean * cut.len() as f64)).sqrt();
        assert!((dispersion - 1.0).abs() < bound, "{replicas} replicas: variance over mean is {dispersion}");
    }
}

/// Erlang C: the mean wait in M/M/c.
fn erlang_c_wait(rate: f64, service: f64, servers: u32) -> f64 {
    let offered = rate * service;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..servers {
        term *= offered / f64::from(k);
        sum += term;
    }
    let last = term * offered / f64::from(servers) / (1.0 - offered / f64::from(servers));
    last / (sum + last) * service / (f64::from(servers) - offered)
}

/// One replica of eight slots, of which 6.4 are busy: M/M/8 with a mean service of a second.
const EIGHT_EXPONENTIAL_SLOTS: [&str; 7] = [
    "study.duration=\"60m\"",
    "study.warm_up=\"10m\"",
    "fleet.replicas=1",
    "engine.max_num_seqs=8",
    "engine.step_time.base=\"1ms\"",
    "traffic.arrivals.rate=6.4",
    "traffic.output_tokens={ distribution = \"exponential\", mean = 1000, max = 1000000 }",
];

/// Law 5, first half. With c slots, constant steps and exponential lengths a replica's wait follows Erlang C.
#[test]
fn with_c_slots_and_exponential_lengths_the_wait_follows_erlang_c() {
    let result = study(CONSTANT_STEPS, &[&EIGHT_EXPONENTIAL_SLOTS[..], &["study.runs=300"]].concat());
    let (mean, error) = mean_and_error(&values(&result, Metric::QueueTimeMean));
    // A ceiling adds half a token to the mean; a slot is taken from one boundary to another, which adds up to a step to
    // the service and to the wait.
    let (low, high) = (erlang_c_wait(6.4, 1.0005, 8), erlang_c_wait(6.4, 1.0015, 8) + 0.001);
    assert!(mean > low - 5.0 * error && mean < high + 5.0 * error, "{mean} +- {error} against {low} to {high}");
    assert!(error < 0.01 * mean * 5.0, "the test must be able to fail: {mean} +- {error}");
}

/// Erlang B: the share that is refused where nobody may wait.
#[test]
fn with_c_slots_and_no_queue_refusals_follow_erlang_b() {
    let sets = [
        "study.runs=200",
        "study.duration=\"30m\"",
        "fleet.replicas=1",
        "router.max_queue_per_replica=0",
        "engine.max_num_seqs=8",
        "engine.step_time.base=\"1ms\"",
        "traffic.arrivals.rate=6.0",
        "traffic.output_tokens={ distribution = \"exponential\", mean = 1000, max = 1000000 }",
    ];
    let result = study(CONSTANT_STEPS, &sets);
    let shares: Vec<f64> = (result.records.iter())
        .map(|record| record.value(Metric::RefusedRequests) / record.value(Metric::Requests))
        .collect();
    let (mean, error) = mean_and_error(&shares);
    let erlang_b = |offered: f64| (1..=8).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b));
    // A slot is taken from a boundary to a boundary: half a token by rounding up, up to a step by waiting. Whoever is
    // admitted at the next boundary holds a slot from his arrival on, and one that is free at a step's end is free then.
    let (low, high) = (erlang_b(6.0 * 0.9985), erlang_b(6.0 * 1.0025));
    assert!(mean > low - 5.0 * error && mean < high + 5.0 * error, "{mean} +- {error} against {low} to {high}");
}

/// Law 5, second half. With identical replicas the mean wait under least requests is no worse than under random routing.
#[test]
fn least_requests_waits_no_longer_than_random() {
    let sets = |policy: &'static str| ["study.runs=40", "engine.max_num_seqs=8", "traffic.arrivals.rate=6.8", policy];
    let random = study(CONSTANT_STEPS, &sets("router.policy=\"random\""));
    for policy in ["router.policy=\"least_requests\"", "router.policy=\"power_of_two\""] {
        let better = study(CONSTANT_STEPS, &sets(policy));
        let differences: Vec<f64> = values(&better, Metric::QueueTimeMean)
            .iter()
            .zip(values(&random, Metric::QueueTimeMean))
            .map(|(a, b)| a - b)
            .collect();
        let (mean, error) = mean_and_error(&differences);
        assert!(mean < -3.0 * error, "{policy}: {mean} +- {error}");
    }
}

/// Law 7. A fleet whose saturated rate is 2,000 tok/s a replica, offered 1,400 a replica, at $3 per GPU-hour without a
/// rollout: $0.595 per million output tokens.
#[test]
fn the_price_of_a_token_is_the_paper_formulas_without_a_rollout() {
    let sets = [
        "study.runs=60",
        "fleet.gpu_hour_usd=3.0",
        "engine.saturated_tokens_per_second=2000",
        "traffic.output_tokens=200",
        "traffic.arrivals.rate=28.0",
        "engine.step_time.base=\"8ms\"",
    ];
    let result = study(CONSTANT_STEPS, &sets);
    for metric in [Metric::UsdPerMillionOutput, Metric::Formula] {
        let (mean, error) = mean_and_error(&values(&result, metric));
        let law = 3.0 / (2_000.0 * 0.7 * 3_600.0) * 1e6;
        assert!((mean - law).abs() < 5.0 * error, "{metric:?}: {mean} +- {error} against {law}");
        assert!(error < 0.005 * law);
    }
}

/// A replica that never lacks work emits its saturated rate, whatever limits its batch and however it reads prompts.
#[test]
fn a_fleet_that_never_lacks_work_emits_the_saturated_rate() {
    let overloaded = [
        "study.runs=4",
        "study.warm_up=\"20m\"",
        "clients.timeout=\"5h\"",
        "router.max_queue_per_replica=1000000",
        "fleet.replicas=1",
        "traffic.arrivals.rate=40",
        "traffic.prompt_tokens={ distribution = \"lognormal\", median = 600, p99 = 4000, max = 8000 }",
        "traffic.output_tokens={ distribution = \"lognormal\", median = 150, p99 = 1200, max = 4000 }",
        "engine.max_num_seqs=64",
        "engine.max_num_batched_tokens=8192",
        "engine.step_time={ base = \"8ms\", per_sequence = \"50us\", per_kv_token = \"20ns\", per_prefill_token = \"60us\" }",
    ];
    let whole_prompts = "engine.chunked_prefill=false";
    let speculative = "engine.speculative={ tokens = 4, acceptance = 0.7 }";
    let cases: [&[&str]; 8] = [
        &[],
        &[speculative],
        &["engine.max_num_seqs=256"],
        &[whole_prompts],
        &[whole_prompts, speculative],
        &[whole_prompts, "engine.max_num_seqs=256"],
        &[whole_prompts, "engine.max_num_batched_tokens=1024"],
        &[whole_prompts, "engine.kv_cache_tokens=40000"],
    ];
    for case in cases {
        let result = study(CONSTANT_STEPS, &[&overloaded[..], case].concat());
        let (mean, error) = mean_and_error(&values(&result, Metric::Utilization));
        // The formula takes means for what varies from step to step: worth a hundredth.
        assert!((mean - 1.0).abs() < 0.01 + 5.0 * error, "{case:?}: {mean} +- {error}");
        assert!(error < 0.01, "the test must be able to fail: {error}");
    }
}

/// Law 8. With constant steps, free slots and instant cold starts a rollout to an identical version leaves every latency
/// as it was, up to one step.
#[test]
fn a_rollout_to_an_identical_version_changes_no_latency() {
    let calm = prepared(CONSTANT_STEPS, &[]);
    for strategy in ["rolling", "blue_green", "canary"] {
        let strategy_set = format!("rollout.strategy=\"{strategy}\"");
        let sets = [
            strategy_set.as_str(),
            "rollout.rolling.max_unavailable=0",
            "rollout.canary.steps=[{ set_weight = 20 }, { pause = \"1m\" }]",
            "termination.grace_period=\"10m\"",
            "termination.pre_stop=\"5s\"",
            "termination.endpoint_lag=\"1s\"",
        ];
        let shipped = prepared(CONSTANT_STEPS, &sets);
        for run in 0..5 {
            let ((_, before), (record, after)) = (calm.log_run(run), shipped.log_run(run));
            assert_eq!(record.value(Metric::RolloutCompleted), 1.0, "{strategy}");
            assert!(record.value(Metric::NewVersionRequests) > 100.0, "{strategy}");
            let end = Time::ZERO + shipped.scenario.study.duration;
            let measured = |row: &&cutover::ledger::RequestRow| row.arrival >= Time::ZERO && row.arrival < end;
            let pairs = before.requests.iter().filter(measured).zip(after.requests.iter().filter(measured));
            for (old, new) in pairs {
                assert_eq!((old.id, old.arrival, old.output_tokens), (new.id, new.arrival, new.output_tokens));
                let seconds = |row: &cutover::ledger::RequestRow| {
                    row.finish.map_or(f64::INFINITY, |finish| finish.since(row.arrival).seconds())
                };
                let difference = (seconds(old) - seconds(new)).abs();
                assert!(difference <= STEP + 1e-9, "{strategy}, request {}: {difference}", old.id);
            }
        }
    }
}

/// With c slots, constant steps and exponential lengths the wait is distributed as in M/M/c: P(W > t) = C exp(-(c mu -
/// lambda) t), with C the probability of a wait.
#[test]
fn with_c_slots_and_exponential_lengths_the_wait_is_distributed_as_in_m_m_c() {
    let prepared = prepared(CONSTANT_STEPS, &EIGHT_EXPONENTIAL_SLOTS);
    // The first wait may be no more than the rest of the step under way, which is no wait for a slot.
    let thresholds = [0.0015, 0.25, 0.5, 1.0, 2.0];
    let mut shares: [Vec<f64>; 5] = Default::default();
    for run in 0..150 {
        let (_, log) = prepared.log_run(run);
        let waits: Vec<f64> = measured(&log, &prepared).map(wait).collect();
        for (shares, threshold) in shares.iter_mut().zip(thresholds) {
            shares.push(waits.iter().filter(|wait| **wait > threshold).count() as f64 / waits.len() as f64);
        }
    }
    // A ceiling adds half a token to the mean, and a slot is taken from one boundary to another.
    let law = |service: f64, t: f64| {
        let wait = erlang_c_wait(6.4, service, 8);
        let drift = 8.0 / service - 6.4;
        wait * drift * (-drift * t).exp()
    };
    for (shares, threshold) in shares.iter().zip(thresholds) {
        let (mean, error) = mean_and_error(shares);
        let (low, high) = (law(1.0005, threshold), law(1.0015, (threshold - 0.0015).max(0.0)));
        assert!(
            mean > low - 5.0 * error && mean < high + 5.0 * error,
            "P(W > {threshold}): {mean} +- {error} against {low} to {high}"
        );
        assert!(error < 0.1 * mean + 0.002, "the test must be able to fail: {mean} +- {error}");
    }
}

/// Pollaczek and Khinchine: with one slot and constant steps a replica is M/G/1, and E[W] = lambda E[S^2] / (2 (1 - rho)).
/// M/D/1 is the case of equal answers.
#[test]
fn with_one_slot_the_mean_wait_is_that_of_m_g_1() {
    for (output_tokens, square) in [
        ("800", 800.0_f64.powi(2)),
        (
            "{ distribution = \"uniform\", low = 0, high = 1600 }",
            (1..=1600).map(|n| f64::from(n * n)).sum::<f64>() / 1600.0,
        ),
    ] {
        let output_tokens = format!("traffic.output_tokens={output_tokens}");
        let sets = [
            "study.runs=150",
            "study.duration=\"120m\"",
            "study.warm_up=\"20m\"",
            "fleet.replicas=1",
            "engine.max_num_seqs=1",
            "engine.step_time.base=\"1ms\"",
            "traffic.arrivals.rate=0.9",
            output_tokens.as_str(),
        ];
        let result = study(CONSTANT_STEPS, &sets);
        let (mean, error) = mean_and_error(&values(&result, Metric::QueueTimeMean));
        let mean_service = if square > 700_000.0 { 0.8005 } else { 0.8 };
        // The server is busy from one boundary to another: nobody waits for a step at an idle one.
        let law = |service: f64| 0.9 * square * 1e-6 / (2.0 * (1.0 - 0.9 * service));
        let (low, high) = (law(mean_service), law(mean_service + 0.001) + 0.001);
        assert!(mean > low - 5.0 * error && mean < high + 5.0 * error, "{mean} +- {error} against {low} to {high}");
        assert!(error < 0.02 * mean, "the test must be able to fail: {mean} +- {error}");
    }
}

/// Processor sharing: without a batch limit and with a step time proportional to the batch, the mean time that an answer
/// takes is E[S] / (1 - rho), whatever the distribution of lengths (insensitivity).
#[test]
fn under_processor_sharing_the_mean_response_depends_on_the_mean_length_alone() {
    let lengths = [
        "500",
        "{ distribution = \"uniform\", low = 0, high = 999 }",
        "{ distribution = \"exponential\", mean = 499.5, max = 1000000 }",
        "{ distribution = \"mixture\", parts = [{ weight = 9, distribution = \"constant\", value = 100 }, \
         { weight = 1, distribution = \"constant\", value = 4100 }] }",
    ];
    for output_tokens in lengths {
        let output_tokens = format!("traffic.output_tokens={output_tokens}");
        let sets = [
            "study.runs=120",
            "study.duration=\"120m\"",
            "study.warm_up=\"20m\"",
            "fleet.replicas=1",
            // The step that reads a prompt of one token emits one too, and costs as much.
            "engine.step_time={ base = \"1ns\", per_sequence = \"1ms\", per_prefill_token = \"1ms\" }",
            "traffic.arrivals.rate=1.2",
            output_tokens.as_str(),
        ];
        let result = study(CONSTANT_STEPS, &sets);
        let (mean, error) = mean_and_error(&values(&result, Metric::E2eMean));
        let law = 0.5 / (1.0 - 0.6);
        // Who comes waits for the end of the step under way, and its share is that of whole steps: up to two mean steps.
        let step = 0.001 * (1.0 + 0.6 / (1.0 - 0.6));
        assert!(
            mean > law - 5.0 * error && mean < law + 2.0 * step + 5.0 * error,
            "{output_tokens}: {mean} +- {error} against {law}"
        );
        assert!(error < 0.02 * law, "the test must be able to fail: {mean} +- {error}");
    }
}

/// The rows of a log whose requests first arrived in the window.
fn measured<'l>(log: &'l RunLog, prepared: &Prepared) -> impl Iterator<Item = &'l RequestRow> {
    let end = Time::ZERO + prepared.scenario.study.duration;
    log.requests.iter().filter(move |row| row.arrival >= Time::ZERO && row.arrival < end)
}

/// Seconds from arrival until the prompt began to be read.
fn wait(row: &RequestRow) -> f64 {
    row.scheduled.map_or(f64::INFINITY, |scheduled| scheduled.since(row.arrival).seconds())
}

/// Little's law in every run, L = lambda W, to the nanosecond: the number of requests that an engine says it has, added up
/// over time until it runs empty, is the sum of the times that its notices say each of them stayed.
#[test]
fn littles_law_holds_in_every_run() {
    let fleets: [&[&str]; 5] = [
        &[],
        &["engine.max_num_seqs=4"],
        &[
            "engine.kv_cache_tokens=4096",
            "traffic.prompt_tokens={ distribution = \"uniform\", low = 1, high = 900 }",
            "traffic.output_tokens.max=1000",
        ],
        &["engine.step_time={ base = \"4ms\", per_sequence = \"300us\", per_prefill_token = \"1ms\" }"],
        &["engine.chunked_prefill=false", "engine.speculative={ tokens = 3, acceptance = 0.6 }"],
    ];
    for sets in fleets {
        let scenario = support::scenario(CONSTANT_STEPS, sets);
        for run in 0..5 {
            let mut engine = Engine::new(Arc::new(EngineModel::new(&scenario.engine, 1.0)));
            let mut workload = Workload::new(&scenario, RunKey::new(1, run), Time::ZERO);
            let (mut notices, mut at, mut area, mut stays) = (Vec::new(), Time::ZERO, 0, 0);
            let mut arrived = Vec::new();
            for id in 0..=3_000 {
                // After the last arrival, until nothing is left.
                let next = if id < 3_000 { workload.next_arrival() } else { LAST };
                while engine.quiet_until() < next.time {
                    area += i128::from(engine.quiet_until().since(at).0) * engine.in_system() as i128;
                    at = engine.quiet_until();
                    engine.run_through(at, &mut notices);
                }
                if !next.time.is_never() {
                    area += i128::from(next.time.since(at).0) * engine.in_system() as i128;
                    at = next.time;
                    arrived.push(at);
                    let (prompt_tokens, output_tokens) = (next.prompt_tokens, next.output_tokens);
                    engine.submit(at, Request { id, prompt_tokens, output_tokens, luck: u64::from(id) }, &mut notices);
                }
                for notice in notices.drain(..).filter(|notice| notice.kind == NoticeKind::Finished) {
                    stays += i128::from(notice.time.since(arrived[notice.id as usize]).0);
                }
            }
            assert!(engine.is_empty() && area > 0);
            assert_eq!(area, stays, "{sets:?}, run {run}");
        }
    }
}

/// No arrival: a place for the time of one that never comes.
const LAST: Arrival = Arrival { time: Time::NEVER, prompt_tokens: 1, output_tokens: 1 };

/// The latencies that the books report are those of the requests in the log, one by one.
#[test]
fn reported_means_are_those_of_the_logged_requests() {
    for sets in [&[][..], &["rollout.strategy=\"rolling\"", "engine.chunked_prefill=false", "engine.max_num_seqs=4"]] {
        let prepared = prepared(CONSTANT_STEPS, sets);
        for run in 0..5 {
            let (record, log) = prepared.log_run(run);
            let mean = |of: &dyn Fn(&RequestRow) -> Option<Time>| {
                let seconds = measured(&log, &prepared).filter_map(|row| Some(of(row)?.since(row.arrival).seconds()));
                mean_and_error(&seconds.collect::<Vec<f64>>()).0
            };
            let completed = |row: &RequestRow| row.finish.filter(|_| row.outcome == "completed");
            for (metric, law) in [
                (Metric::E2eMean, mean(&completed)),
                (Metric::TtftMean, mean(&|row| row.first_token)),
                (Metric::QueueTimeMean, mean(&|row| row.scheduled)),
            ] {
                let reported = record.value(metric);
                assert!((reported - law).abs() < 1e-9 * law.abs() + 1e-12, "{sets:?}, {metric:?}: {reported}, {law}");
            }
        }
    }
}

/// What is offered is emitted: over a long window, tokens out are the arrival rate times the mean answer.
#[test]
fn offered_and_emitted_tokens_agree_within_the_edges_of_the_window() {
    let result = study(CONSTANT_STEPS, &["study.runs=20", "study.duration=\"2h\""]);
    let (mean, error) = mean_and_error(&values(&result, Metric::TokensOut));
    let law = 8.0 * 7_200.0 * expect_output(f64::from);
    assert!((mean - law).abs() < 5.0 * error, "{mean} +- {error} against {law}");
}
