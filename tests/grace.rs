//! Whether the expected numbers of cut answers are true: against what is really cut where that can be seen, and against a
//! closed form down to counts that nobody will ever see.
//!
//! Seeds are fixed, so a test passes or fails for good; bounds are standard errors from the runs' own spread.

mod support;

use std::sync::atomic::AtomicBool;

use cutover::ledger::Metric;
use cutover::study::grace::{
    Feedback, GraceAnswer, GraceStudy, Method, NoLaw, Probability, Question, Standing, Target,
};
use cutover::units::Duration;
use support::mean_and_error;

/// A fleet whose step takes a constant time, with slots and cache for everybody: the truncation law holds.
const CONSTANT_STEPS: &str = r#"
[study]
runs = 300
seed = 11
warm_up = "2m"
duration = "6m"
timeline_bin = "10s"

[traffic]
arrivals = { process = "poisson", rate = 8.0 }
prompt_tokens = 1
output_tokens = { distribution = "lognormal", median = 300, p99 = 1500, max = 1000000 }

[router]
policy = "random"

[fleet]
replicas = 4

[engine]
max_num_seqs = 1000000
max_num_batched_tokens = 10000000
kv_cache_tokens = 1000000000
step_time = { base = "10ms" }

[cold_start]
engine_start = "7s"

[termination]
grace_period = "15s"
pre_stop = "5s"
endpoint_lag = "0s"

[rollout]
strategy = "rolling"
start = "1m"

[rollout.rolling]
max_surge = 1
max_unavailable = 0
"#;

/// Seconds of a step in [`CONSTANT_STEPS`].
const STEP: f64 = 0.01;

/// A small fleet in which everything matters to everything: steps depend on the batch, few slots, little cache, clients
/// that give up.
const LOADED: &str = r#"
[study]
runs = 300
seed = 3
warm_up = "30s"
duration = "150s"
cool_down = "5m"
timeline_bin = "10s"

[traffic]
arrivals = { process = "poisson", rate = 3.0 }
prompt_tokens = { distribution = "lognormal", median = 100, p99 = 800, max = 2000 }
output_tokens = { distribution = "lognormal", median = 150, p99 = 1500, max = 1800 }

[router]
policy = "least_requests"

[fleet]
replicas = 3

[engine]
max_num_seqs = 64
max_num_batched_tokens = 512
kv_cache_tokens = 100000
step_time = { base = "8ms", per_sequence = "800us", per_kv_token = "300ns", per_prefill_token = "40us" }

[cold_start]
engine_start = "8s"

[termination]
grace_period = "6s"
pre_stop = "2s"
endpoint_lag = "1s"

[rollout]
strategy = "rolling"
start = "20s"

[rollout.rolling]
max_surge = 1
max_unavailable = 1
"#;

fn seconds(periods: &[f64]) -> Vec<Duration> {
    periods.iter().map(|seconds| Duration::from_seconds_f64(*seconds)).collect()
}

fn study(text: &str, sets: &[&str], periods: &[f64], target: Target, cost_runs: u64) -> GraceStudy {
    let question = Question { periods: Some(seconds(periods)), target, cost_runs };
    GraceStudy::new(support::scenario(text, sets), question)
}

fn answer(text: &str, sets: &[&str], periods: &[f64], cost_runs: u64) -> GraceAnswer {
    let study = study(text, sets, periods, Target::Probability(1e-3), cost_runs);
    study.run(None, &|_| {}, &AtomicBool::new(false)).expect("runs")
}

/// Mean of f(N) over the answers of [`CONSTANT_STEPS`].
fn expect_output(f: impl Fn(u32) -> f64) -> f64 {
    let scenario = support::scenario(CONSTANT_STEPS, &[]);
    let cutover::scenario::Traffic::Synthetic { output_tokens, .. } = scenario.traffic else { unreachable!() };
    // Beyond 60,000 tokens, which one answer in 10^14 exceeds, nothing counts.
    output_tokens.expect_whole(60_000, f)
}

/// Law 4: a rolling update truncates Poisson(lambda E[(S - g)+]) responses. An arrival waits up to a step for the next
/// boundary, hence two bounds. Down to a count of 10^-6, where no simulation will ever see one.
#[test]
fn expected_numbers_and_probabilities_are_those_of_the_truncation_law() {
    let periods = [15.0, 30.0, 60.0, 90.0, 120.0, 150.0];
    let answer = answer(CONSTANT_STEPS, &["study.runs=1500"], &periods, 0);
    assert_eq!((answer.method, answer.probability), (Method::Conditional, Probability::Exact));
    assert!(answer.feedback.is_empty());
    for (period, g) in answer.periods.iter().zip(periods) {
        let law = |wait: f64| 8.0 * expect_output(|n| (f64::from(n) * STEP + wait - g).max(0.0));
        let (low, high) = (law(0.0), law(STEP));
        let (mean, error) = mean_and_error(&period.expected_by_run);
        assert_eq!(mean, period.truncated.value);
        assert!(
            mean > low - 4.0 * error && mean < high + 4.0 * error,
            "{g} s: {mean:e} +- {error:e} against {low:e} to {high:e}"
        );
        assert!(error < 0.2 * low, "{g} s: the test must be able to fail: {mean:e} +- {error:e}");
        let (ends_low, ends_high) = period.truncated.interval.expect("an interval");
        assert!(ends_low < high && low < ends_high, "{g} s: {:?}", period.truncated);
        // Of a Poisson number with that mean.
        let any = |law: f64| -(-law).exp_m1();
        let probability = period.probability.value;
        assert!(
            probability > any(low) - 4.0 * error && probability < any(high) + 4.0 * error,
            "{g} s: {probability:e} against {:e} to {:e}",
            any(low),
            any(high)
        );
    }
    // Counting sees some of it at today's period: how often a run cuts any is on average what was expected.
    let today = &answer.periods[0];
    let cut = &today.counted.as_ref().expect("today is simulated").by_run;
    let (share, error) = mean_and_error(&cut.iter().map(|cut| f64::from(u8::from(*cut > 0.0))).collect::<Vec<f64>>());
    assert!((share - today.probability.value).abs() < 4.0 * error, "{share} +- {error}, {:?}", today.probability);
    let last = answer.periods.last().expect("periods");
    assert!(last.truncated.value < 2e-6 && last.truncated.value > 2e-7, "{:?}", last.truncated);
}

/// The difference between what is expected and what is really cut, run by run, is zero on average: within four standard
/// errors. In some scenarios the one period is simulated by itself, in others it shares a simulation with a longer one.
#[test]
fn the_expected_number_is_what_is_really_cut_on_average() {
    let lognormal = "traffic.output_tokens={ distribution = \"lognormal\", median = 150, p99 = 1500, max = 1800 }";
    let scenarios: [&[&str]; 14] = [
        &[lognormal],
        &["router.policy=\"random\"", "traffic.arrivals={ process = \"gamma\", rate = 3.0, cv = 3.0 }"],
        // Slots: most of what is in flight at SIGTERM waits.
        &["engine.max_num_seqs=6", "termination.grace_period=\"12s\""],
        // Cache: sequences are preempted and read again.
        &["engine.kv_cache_tokens=4096", "traffic.arrivals.rate=4.0", "traffic.prompt_tokens.max=1500"],
        &["engine.chunked_prefill=false", "engine.max_num_seqs=20"],
        // Clients that give up before SIGKILL and after.
        &["clients.timeout=\"9s\"", "engine.max_num_seqs=8"],
        &["clients.max_retries=2", "clients.backoff.initial=\"1s\"", "traffic.arrivals.rate=2.0"],
        &["fleet.gpu_limit=4"],
        // Longer answers, cut at `max`, and shorter ones: the new version is rolled back, so that it is shut down too.
        &["new_version.output_tokens_factor=1.7", "action=[{ at = \"45s\", do = \"roll_back\" }]"],
        &["new_version.output_tokens_factor=0.6", "action=[{ at = \"45s\", do = \"roll_back\" }]"],
        // Crashes cut some of what SIGKILL would have.
        &["new_version.crash_mtbf=\"40s\"", "action=[{ at = \"45s\", do = \"roll_back\" }]"],
        // The hook outlasts the grace period; the endpoints lag behind SIGTERM.
        &["termination.pre_stop=\"20s\"", "termination.endpoint_lag=\"8s\""],
        &["rollout.strategy=\"recreate\""],
        &["traffic.output_tokens={ distribution = \"zipf\", exponent = 0.9, max = 1500 }"],
    ];
    for sets in scenarios {
        let answer = answer(LOADED, sets, &[], 0);
        let period = &answer.periods[answer.today];
        let counted = period.counted.as_ref().expect("today is simulated");
        let differences: Vec<f64> =
            period.expected_by_run.iter().zip(&counted.by_run).map(|(expected, cut)| expected - cut).collect();
        let (mean, error) = mean_and_error(&differences);
        let cut = counted.truncated.value;
        assert_eq!(answer.method, Method::Conditional);
        assert!(mean.abs() <= 4.0 * error, "{sets:?}: off by {mean} +- {error} of {cut}");
        assert!(error < 0.12 * cut, "{sets:?}: the test must be able to fail: {error} of {cut}");
        let ratio = counted.variance_ratio.expect("both vary");
        assert!(ratio.interval.is_some_and(|(low, _)| low > 1.0), "{sets:?}: {ratio:?}");
    }
}

/// What one simulation tells of all periods is what a simulation of each tells, but for the rounding of sums, where nothing
/// feeds back. A limit on GPUs that is never reached makes the program simulate each anew.
#[test]
fn one_simulation_tells_of_all_periods_what_one_of_each_does() {
    let strategies: [&[&str]; 3] = [
        &[],
        &["rollout.strategy=\"blue_green\"", "rollout.blue_green.scale_down_delay=\"5s\""],
        &[
            "rollout.strategy=\"canary\"",
            "rollout.canary={ traffic_routing = false, steps = [{ set_weight = 40 }, { pause = \"15s\" }] }",
        ],
    ];
    for sets in strategies {
        let sets = [sets, &["study.runs=12"]].concat();
        let shared = answer(LOADED, &sets, &[1.0, 4.0, 8.0, 30.0], 0);
        let anew = answer(LOADED, &[&sets[..], &["fleet.gpu_limit=1000"]].concat(), &[1.0, 4.0, 8.0, 30.0], 0);
        assert_eq!((shared.feedback.len(), anew.feedback.clone()), (0, vec![Feedback::Gpus]));
        assert!(shared.periods[1].truncated.value > 0.0);
        for (shared, anew) in shared.periods.iter().zip(&anew.periods) {
            for (shared, anew) in shared.expected_by_run.iter().zip(&anew.expected_by_run) {
                // Requests are added up in another order.
                assert!((shared - anew).abs() <= 1e-12 * shared, "{sets:?}: {shared}, not {anew}");
            }
            assert_eq!(shared.dropped, anew.dropped);
        }
    }
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let study = study(LOADED, &["study.runs=9"], &[3.0, 20.0], Target::Count(0.5), 4);
    assert_eq!(study.simulations(), 9 + 4 + 4);
    let answers = [1, 2, 5]
        .map(|threads| format!("{:?}", study.run(Some(threads), &|_| {}, &AtomicBool::new(false)).expect("runs")));
    assert!(answers[0] == answers[1] && answers[1] == answers[2]);
}

/// A server that aborts cuts at SIGTERM: beyond the hook no grace period makes a difference.
#[test]
fn where_the_server_aborts_the_grace_period_beyond_the_hook_changes_nothing() {
    let sets = ["termination.on_sigterm=\"abort\"", "study.runs=60"];
    let answer = answer(LOADED, &sets, &[1.0, 6.0, 60.0, 600.0], 0);
    assert_eq!((answer.method, answer.probability), (Method::CountedAtAbort, Probability::Counted));
    let cut: Vec<f64> = answer.periods.iter().map(|period| period.truncated.value).collect();
    assert!(cut[1] > 1.0 && cut[1] == cut[2] && cut[2] == cut[3], "{cut:?}");
    assert!(cut[0] != cut[1], "a shorter period cuts the hook: {cut:?}");
    assert!(answer.smallest.is_none());
}

/// Where answers have no law to condition on, what is cut is counted: the metric's own figure, at each period.
#[test]
fn without_a_law_cut_answers_are_counted_at_each_period() {
    let speculative = "engine.speculative={ tokens = 3, acceptance = 0.6 }";
    let answer = answer(LOADED, &[speculative, "study.runs=40"], &[4.0, 8.0], 0);
    assert_eq!(answer.method, Method::CountedWithoutLaw(NoLaw::Speculation));
    for period in &answer.periods {
        let grace = format!("termination.grace_period=\"{}\"", period.grace);
        let result = support::study(LOADED, &[speculative, "study.runs=40", grace.as_str()]);
        assert_eq!(result.metric(Metric::TruncatedAttempts).mean.value, period.truncated.value);
    }
}

/// Constant answers of 10 s are all cut at periods below and none above: the smallest that meets the target is the first
/// above. Nothing was cut in 400 runs, which shows at most -ln(5 %) / 400 = 0.0075 a run; and 0 where even a drain slower by
/// a quarter would have ended: answers end at most 5 s after SIGTERM, and SIGKILL comes 6 s after it at 11 s, 10 s at 15 s.
#[test]
fn the_smallest_period_is_the_one_that_constant_answers_need() {
    let sets = ["traffic.output_tokens=1000", "study.runs=400"];
    let question = |target| study(CONSTANT_STEPS, &sets, &[6.0, 9.0, 11.0, 20.0], target, 0);
    let answer = |target| question(target).run(None, &|_| {}, &AtomicBool::new(false)).expect("runs");
    let standings =
        |answer: &GraceAnswer| answer.periods.iter().map(|period| period.standing).collect::<Vec<Standing>>();
    use Standing::{Exceeds, Meets, TooFewRuns};
    let found = answer(Target::Count(0.0076));
    assert_eq!((standings(&found), found.smallest), (vec![Exceeds, Exceeds, Meets, Meets, Meets], Some(2)));
    let stricter = answer(Target::Count(0.0074));
    assert_eq!((standings(&stricter), stricter.smallest), (vec![Exceeds, Exceeds, TooFewRuns, Meets, Meets], Some(3)));
}

/// A longer grace period holds GPUs for longer: the bill grows with it, run by run, until the longest answers end.
#[test]
fn a_longer_period_costs_what_its_drains_hold() {
    let answer = answer(LOADED, &["study.runs=30"], &[3.0, 15.0, 30.0], 30);
    let bills: Vec<f64> =
        answer.periods.iter().filter_map(|period| Some(period.cost.as_ref()?.bill.difference.value)).collect();
    assert!(bills.len() == 3 && bills[0] < 0.0 && bills[1] > 0.0 && bills[2] > bills[1], "{bills:?}");
    // Terminating pods are none of a Deployment's business: its rollout takes as long as before.
    let durations = answer.periods.iter().filter_map(|period| period.cost.as_ref());
    assert!(durations.into_iter().all(|cost| cost.duration.difference.value == 0.0));
}
