//! Random scenarios from a seed: whatever is combined, a run neither panics nor loses a request, a token or a dollar.
//!
//! Each run asserts its own conservation (requests, attempts by version, tokens) when it closes its books; here the rest
//! is added up. `CUTOVER_SWARM` sets the number of scenarios; a failure prints the scenario that repeats it.

mod support;

use cutover::ledger::{Metric, RolloutOutcome, RunRecord, WATERFALL};
use cutover::random::{Purpose, RunKey, Stream, unit_interval};
use rand::Rng;
use support::prepared;

/// Scenarios tried when nothing else is asked for.
const SCENARIOS: u64 = 300;

struct Dice(Stream);

impl Dice {
    fn uniform(&mut self) -> f64 {
        unit_interval(self.0.next_u64())
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + (self.uniform() * (high - low + 1) as f64) as u64
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.between(0, choices.len() as u64 - 1) as usize]
    }
}

/// Recorded or drawn requests.
fn random_traffic(dice: &mut Dice) -> String {
    let replay = "trace = \"scenarios/traces/conversation.csv.gz\"\ntrace_speed = 0.4\n";
    match dice.between(0, 9) {
        0 => return format!("{replay}trace_offset = \"{}s\"\ntrace_loop = true", dice.between(0, 3500)),
        1 => return format!("{replay}trace_block = \"{}s\"", dice.between(20, 600)),
        _ => {}
    }
    let arrivals = dice.pick(&[
        "{ process = \"poisson\", rate = 2.0 }",
        "{ process = \"gamma\", rate = 3.0, cv = 2.5 }",
        "{ process = \"diurnal\", mean = 2.0, peak_to_mean = 1.9, period = \"10m\", peak_at = \"2m\" }",
        "{ process = \"mmpp\", rates = [0.0, 6.0], dwell = [\"40s\", \"20s\"] }",
    ]);
    format!(
        r#"arrivals = {arrivals}
prompt_tokens = {{ distribution = "lognormal", median = 200, p99 = 1500, max = 3000 }}
output_tokens = {{ distribution = "lognormal", median = 120, p99 = 2000, max = 4000 }}"#
    )
}

/// An engine of either version's rules, with room for the longest request.
fn random_engine(dice: &mut Dice) -> String {
    let chunked = dice.chance(0.75);
    let reserve = if chunked { format!("reserve_full_prompt = {}", dice.chance(0.8)) } else { String::new() };
    let base = match dice.between(1, 30) {
        base if dice.chance(0.7) => format!("base = \"{base}ms\", per_sequence = \"100us\""),
        base => format!("base_table = [[1, \"{base}ms\"], [4, \"{base}.5ms\"], [16, \"40ms\"]]"),
    };
    let second_order = dice.pick(&[
        "",
        ", per_prefill_token_squared = \"10ns\"",
        ", per_prefill_token_squared = \"5ns\", per_prefill_token_context = \"10ns\"",
    ]);
    format!(
        r#"max_num_seqs = {slots}
max_num_batched_tokens = {budget}
chunked_prefill = {chunked}
kv_cache_tokens = {cache}
block_size = {block}
kv_watermark = {watermark}
{reserve}
{speculative}
overhead = "{overhead}us"
step_time = {{ {base}, per_kv_token = "40ns", per_prefill_token = "50us"{second_order} }}"#,
        slots = dice.between(1, 20),
        budget = dice.pick(&["16", "256", "2048"]),
        cache = dice.pick(&["15000", "18000", "100000"]),
        block = dice.pick(&["1", "16", "16", "128"]),
        watermark = dice.pick(&["0.0", "0.01", "0.3"]),
        speculative = dice.pick(&["", "", "speculative = { tokens = 3, acceptance = 0.7 }"]),
        overhead = dice.pick(&["0", "2000"]),
    )
}

/// What operators and the world do, as far as the strategy can be asked for it.
fn random_actions(dice: &mut Dice, strategy: &str) -> String {
    let mut choices = vec![
        "set_replicas\"\nreplicas = 4",
        "set_replicas\"\nreplicas = 1",
        "make_unready\"\nreplicas = 2",
        "make_ready\"\nreplicas = 2",
        "kill_replicas\"\nreplicas = 2",
        "kill_replicas\"\nversion = \"new\"",
    ];
    if strategy != "none" {
        choices.extend(["pause\"", "resume\"", "roll_back\"", "ship\"\nversion = \"new\""]);
    }
    if strategy == "canary" || strategy == "blue_green" {
        choices.extend(["abort\"", "retry\"", "promote\"", "promote_full\""]);
    }
    let mut actions = String::new();
    if strategy != "none" && dice.chance(0.2) {
        let at = dice.between(0, 99);
        let version = "{ name = \"v3\", output_tokens_factor = 0.5, error_probability = 0.1 }";
        actions.push_str(&format!("[[action]]\nat = \"{at}s\"\ndo = \"ship\"\nversion = {version}\n"));
    }
    for _ in 0..if dice.chance(0.5) { dice.between(1, 4) } else { 0 } {
        actions.push_str(&format!("[[action]]\nat = \"{}s\"\ndo = \"{}\n", dice.between(0, 99), dice.pick(&choices)));
    }
    actions
}

/// A random scenario: small, quick, and odd.
fn random_scenario(seed: u64) -> String {
    let mut dice = Dice(RunKey::new(seed, 0).stream(Purpose::Arrivals));
    // Beyond 32 replicas the fleet keeps an index of its engines.
    let replicas = if dice.chance(0.05) { dice.between(33, 40) } else { dice.between(1, 6) };
    let spare = dice.between(0, replicas + 2);
    let strategy = dice.pick(&["none", "recreate", "rolling", "blue_green", "canary", "rolling", "canary"]);
    let routed = dice.chance(0.6);
    let surge = dice.pick(&["0", "1", "\"25%\"", "\"100%\"", "3"]);
    let unavailable = if surge == "0" { "1" } else { dice.pick(&["0", "1", "\"25%\"", "\"50%\""]) };
    let steps = if routed {
        "[{ set_weight = 5 }, { pause = \"20s\" }, { set_canary_scale = { replicas = 1 } }, { set_weight = 50 }, { analysis = [\"ttft\", \"errors\"] }, { set_canary_scale = { match_traffic_weight = true } }]"
    } else {
        "[{ set_weight = 20 }, { pause = \"30s\" }, { set_weight = 60 }, { analysis = [\"errors\"] }]"
    };
    let cold = dice.pick(&["0s", "5s", "40s"]);
    let (traffic, engine) = (random_traffic(&mut dice), random_engine(&mut dice));
    let actions = random_actions(&mut dice, strategy);
    format!(
        r#"
[study]
runs = 2
seed = {seed}
warm_up = "{warm_up}s"
duration = "{duration}s"
cool_down = "{cool_down}s"
timeline_bin = "7s"
[traffic]
{traffic}
[clients]
timeout = "{timeout}s"
max_retries = {retries}
backoff = {{ initial = "1s", factor = 2.0, max = "10s", jitter = 0.5 }}
[router]
policy = "{policy}"
max_queue_per_replica = {queue}
max_gateway_wait = "{gateway}s"
[fleet]
replicas = {replicas}
gpus_per_replica = 2
{quota}
stockout = {{ probability = {loss}, delay = "{absence}s" }}
surge_gpu_hour_usd = 7.5
needed_replicas = {needed}
[engine]
{engine}
[cold_start]
provision = "{cold}"
image_pull = {{ distribution = "exponential", mean = "10s", skip_probability = 0.5 }}
weight_load = {{ gigabytes = 10, gigabytes_per_second = 1.0, shared_gigabytes_per_second = 1.5 }}
engine_start = {{ distribution = "uniform", low = "1s", high = "20s" }}
failure_probability = {start_failure}
readiness_period = "{probe}s"
[termination]
grace_period = "{grace}s"
pre_stop = "{pre_stop}s"
endpoint_lag = "{lag}s"
on_sigterm = "{on_sigterm}"
[slo]
ttft = "1s"
quantile = 0.9
bin = "11s"
[new_version]
step_time_factor = {factor}
error_probability = {errors}
output_tokens_factor = {longer}
crash_mtbf = "{mtbf}s"
[rollout]
strategy = "{strategy}"
start = "{start}s"
[rollout.rolling]
max_surge = {surge}
max_unavailable = {unavailable}
min_ready = "{min_ready}s"
pod_replacement_policy = "{replacement}"
[rollout.recreate]
pod_replacement_policy = "{replacement}"
[rollout.blue_green]
auto_promotion = "10s"
scale_down_delay_revision_limit = {kept}
post_promotion_analysis = ["errors"]
[rollout.canary]
traffic_routing = {routed}
dynamic_stable_scale = {dynamic}
replica_progress_threshold = {threshold}
scale_down_delay_revision_limit = {kept}
rollback_window = {kept}
background_analysis = ["errors"]
steps = {steps}
[analysis.ttft]
metric = "ttft"
{ttft_estimator}
interval = "10s"
count = 2
dry_run = {dry_run}
no_data = "{no_data}"
[analysis.errors]
metric = "error_rate"
{error_estimator}
interval = "10s"
count = 3
consecutive_success_limit = {successes}
window = "30s"
{actions}"#,
        warm_up = dice.between(0, 60),
        duration = dice.between(100, 600),
        cool_down = dice.between(0, 200),
        timeout = dice.between(5, 120),
        retries = dice.between(0, 3),
        policy = dice.pick(&["random", "round_robin", "least_requests", "power_of_two"]),
        queue = dice.between(0, 20),
        gateway = dice.between(0, 30),
        needed = dice.between(1, replicas),
        start_failure = dice.pick(&["0.0", "0.0", "0.3", "1.0"]),
        probe = dice.pick(&["0", "7"]),
        grace = dice.between(0, 60),
        pre_stop = dice.between(0, 10),
        lag = dice.between(0, 12),
        on_sigterm = dice.pick(&["drain", "abort"]),
        factor = dice.pick(&["1.0", "0.7", "2.5"]),
        errors = dice.pick(&["0.0", "0.1", "1.0"]),
        longer = dice.pick(&["1.0", "0.5", "3.0"]),
        mtbf = dice.pick(&["0", "0", "60"]),
        start = dice.between(0, 90),
        min_ready = dice.pick(&["0", "15"]),
        dynamic = routed && dice.chance(0.5),
        replacement = dice.pick(&["termination_started", "termination_complete"]),
        threshold = dice.pick(&["\"100%\"", "\"60%\"", "1"]),
        kept = dice.between(0, 2),
        dry_run = dice.chance(0.3),
        successes = dice.between(0, 3),
        no_data = dice.pick(&["success", "error", "inconclusive"]),
        quota = if dice.chance(0.9) { format!("gpu_limit = {}", 2 * (replicas + spare)) } else { String::new() },
        loss = dice.pick(&["0", "0", "0.3", "1"]),
        absence = dice.pick(&["0", "30", "1000"]),
        ttft_estimator = dice.pick(&[
            "max = \"3s\"\nfail_above = \"4s\"",
            "max_ratio_to_stable = 1.5",
            "max = \"3s\"\nestimator = \"prometheus\"\nscrape_interval = \"3s\"",
            "estimator = \"mann_whitney\"\nstep = \"2s\"",
        ]),
        error_estimator = dice.pick(&[
            "max = 0.2",
            "max = 0.2\nestimator = \"prometheus\"\nscrape_interval = \"3s\"",
            "max_ratio_to_stable = 2.0\nestimator = \"prometheus\"\nscrape_interval = \"3s\"",
            "estimator = \"mann_whitney\"\nstep = \"5s\"",
        ]),
    )
}

/// What must hold in any run of any scenario.
fn assert_sane(record: &RunRecord, replicas_gpu_hours: f64) {
    let value = |metric| record.value(metric);
    let uses = [Metric::GpuHoursServing, Metric::GpuHoursIdle, Metric::GpuHoursCold, Metric::GpuHoursDraining];
    let hours: f64 = uses.iter().map(|metric| value(*metric)).sum();
    assert!((hours - value(Metric::GpuHours)).abs() < 1e-9 * (1.0 + hours.abs()), "GPU-hours by use do not add up");
    let steady = value(Metric::GpuHours) - value(Metric::GpuHoursSurge);
    assert!(steady <= replicas_gpu_hours + 1e-9, "more steady GPU-hours than the steady fleet has");
    let price = value(Metric::UsdPerMillionOutput);
    if price.is_finite() {
        let sum: f64 = WATERFALL.iter().map(|(metric, _)| value(*metric)).sum();
        assert!((sum - price).abs() < 1e-9 * price.abs().max(1.0), "the waterfall sums to {sum}, not {price}");
    }
    let attempts: f64 = [
        Metric::CompletedAttempts,
        Metric::TruncatedAttempts,
        Metric::RefusedAttempts,
        Metric::DroppedAttempts,
        Metric::TimedOutAttempts,
        Metric::FailedAttempts,
    ]
    .iter()
    .map(|metric| value(*metric))
    .sum();
    // Every retry is one attempt more than there are requests; those that had not ended are in neither.
    let begun = value(Metric::Requests) + value(Metric::Retries);
    assert!(attempts <= begun && attempts + value(Metric::InFlightRequests) >= begun, "attempts do not add up");
    assert_eq!(
        value(Metric::RolloutDuration).is_nan(),
        value(Metric::RolloutCompleted) + value(Metric::RolledBack) == 0.0
    );
    assert!((0.0..=1e9).contains(&value(Metric::MinCapacityFraction)));
    assert!(value(Metric::ExposedRequests) <= value(Metric::NewVersionRequests));
    let is_aborted = !value(Metric::TimeToDetect).is_nan();
    assert!(is_aborted || record.outcome != RolloutOutcome::RolledBack, "rolled back without an abort");
    let parts = [
        (Metric::AbortDip, Metric::CapacityDip),
        (Metric::AbortOverloaded, Metric::SecondsOverloaded),
        (Metric::TimeToDetect, Metric::TimeToSafety),
    ];
    for (part, whole) in parts {
        assert_eq!(value(part).is_nan(), !is_aborted);
        assert!(value(whole).is_nan() || !is_aborted || value(part) <= value(whole) + 1e-6, "{part:?} > {whole:?}");
    }
    let by_estimator = value(Metric::EstimatorOnlyFailures) + value(Metric::EstimatorOnlyPasses);
    assert!(by_estimator <= value(Metric::MisjudgedMeasurements), "verdicts differ where no measurement does");
}

#[test]
fn no_random_scenario_loses_a_request_a_token_or_a_dollar() {
    let scenarios = std::env::var("CUTOVER_SWARM").ok().and_then(|n| n.parse().ok()).unwrap_or(SCENARIOS);
    let mut outcomes = std::collections::BTreeMap::<RolloutOutcome, u64>::new();
    for seed in 0..scenarios {
        let text = random_scenario(seed);
        let attempt = std::panic::catch_unwind(|| {
            let prepared = prepared(&text, &[]);
            let study = &prepared.scenario.study;
            let steady = f64::from(prepared.scenario.fleet.replicas * 2) * study.duration.seconds() / 3600.0;
            let (mut ledger, mut pooled) = (prepared.ledger(), prepared.pooled());
            (0..2)
                .map(|run| {
                    let record = prepared.run(run, &mut ledger, &mut pooled);
                    assert_sane(&record, steady);
                    record.outcome
                })
                .collect::<Vec<_>>()
        });
        match attempt {
            Ok(seen) => seen.into_iter().for_each(|outcome| *outcomes.entry(outcome).or_default() += 1),
            Err(panic) => {
                eprintln!("scenario of seed {seed}:\n{text}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    // The swarm is worth something only if it goes everywhere.
    assert_eq!(outcomes.len(), RolloutOutcome::ALL.len(), "{outcomes:?}");
}

/// Whatever is combined, what is unwise about it is found without a panic, and can be shown.
#[test]
fn what_is_unwise_about_a_random_scenario_is_found_and_shown() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..SCENARIOS {
        let scenario = support::scenario(&random_scenario(seed), &[]);
        let warnings = [scenario.warnings.clone(), cutover::lints::warnings(&scenario)].concat();
        seen.extend(warnings.iter().map(|warning| warning.code));
        let count = warnings.len();
        let shown = scenario.written.problems(warnings).render(false);
        assert_eq!(shown.matches("warning[W").count(), count, "seed {seed}: {shown}");
    }
    assert!(seen.len() >= 12, "the swarm goes everywhere: {seen:?}");
}

/// A run is a function of scenario, seed and number: books that were used before make no difference.
#[test]
fn a_run_does_not_depend_on_the_runs_before_it() {
    for seed in 0..20 {
        let prepared = prepared(&random_scenario(seed), &[]);
        let (mut ledger, mut pooled) = (prepared.ledger(), prepared.pooled());
        let _ = prepared.run(0, &mut ledger, &mut pooled);
        let used = prepared.run(1, &mut ledger, &mut pooled);
        let fresh = prepared.run(1, &mut prepared.ledger(), &mut prepared.pooled());
        // Compared as text: an empty value is NaN, which equals nothing.
        assert_eq!(format!("{used:?}"), format!("{fresh:?}"), "seed {seed}");
        let (logged, _) = prepared.log_run(1);
        assert_eq!(format!("{logged:?}"), format!("{fresh:?}"), "seed {seed}: keeping a log changes the run");
    }
}
