//! Estimates against what is known exactly: exponential answers, constant stages.

use std::path::Path;

use super::cold_start::ColdStarts;
use super::length;
use super::load::Load;
use super::warnings;
use crate::ledger::Metric;
use crate::scenario::{Code, Scenario, parse};
use crate::simulation::Prepared;
use crate::units::Duration;

/// A scenario with constant steps of 10 ms, so that an answer takes 10 ms a token, and this besides.
fn scenario(more: &str) -> Scenario {
    changed(["", ""], more)
}

/// The same with other text in the place of some.
fn changed([from, to]: [&str; 2], more: &str) -> Scenario {
    let text = format!(
        "[traffic]\narrivals = {{ process = \"poisson\", rate = 2.0 }}\nprompt_tokens = 10\n\
         output_tokens = {{ distribution = \"exponential\", mean = 1000 }}\n\
         [engine]\nstep_time = {{ base = \"10ms\" }}\n{more}\n"
    );
    let text = if from.is_empty() { text } else { text.replace(from, to) };
    let metrics = ["rolled_back", "truncated_attempts"];
    parse(&text, "it.toml", Path::new("."), &[], &metrics).unwrap_or_else(|error| panic!("{error}"))
}

fn codes(more: &str) -> Vec<Code> {
    warnings(&scenario(more)).iter().map(|warning| warning.code).collect()
}

#[test]
fn exponential_answers_forget_how_long_they_have_run() {
    let load = Load::new(&scenario("")).expect("quick");
    assert!((load.tpot - 0.01).abs() < 1e-6 && (load.answers.mean / 1000.0 - 1.0).abs() < 0.01, "{}", load.tpot);
    // What is left of an exponential answer is exponential again, under way or not. 10 s are its mean.
    for seconds in [2.0, 10.0, 30.0, 60.0] {
        let (share, exact) = (load.share_in_flight_after(seconds), (-seconds / 10.0_f64).exp());
        assert!((share / exact - 1.0).abs() < 0.02, "{seconds} s: {share} against {exact}");
    }
    let until = load.seconds_until_in_flight(0.001);
    assert!((until / (10.0 * 1000.0_f64.ln()) - 1.0).abs() < 0.05, "{until}");
}

#[test]
fn a_drain_gets_quicker_as_its_batch_empties() {
    let steps = [
        "[engine]\nstep_time = { base = \"10ms\" }",
        "[engine]\nstep_time = { base = \"10ms\", per_sequence = \"1ms\" }",
    ];
    let busy = changed(steps, "[fleet]\nreplicas = 1");
    let load = Load::new(&busy).expect("quick");
    // Some twenty sequences of a millisecond each at first, one at the end: between the two extremes.
    let until = load.seconds_until_in_flight(0.001);
    assert!(load.tpot > 0.02, "{}", load.tpot);
    assert!(until < 0.8 * load.tpot * 6907.0 && until > 0.011 * 6907.0 * 0.95, "{until} at {}", load.tpot);
}

#[test]
fn cold_starts_of_constant_stages_are_their_sum() {
    let more = "[cold_start]\nprovision = \"10s\"\nimage_pull = \"20s\"\nengine_start = \"30s\"\nreadiness_period = \"10s\"\n\
                weight_load = { gigabytes = 30, gigabytes_per_second = 1.0, shared_gigabytes_per_second = 2.0 }";
    let scenario = scenario(more);
    let typical = |at_once| ColdStarts::new(&scenario, at_once, Duration::from_seconds(7)).typical();
    // 60 s of stages, 5 s until readiness is seen, 7 s until it counts; 30 GB at 1 GB/s, or at what four leave each other.
    assert_eq!((typical(1), typical(2), typical(4)), (102.0, 102.0, 132.0));
}

#[test]
fn a_rollout_takes_its_batches_pauses_and_analyses() {
    let start = "[cold_start]\nengine_start = \"100s\"\n[fleet]\nreplicas = 4\n[rollout]\nstart = \"1m\"\nstrategy = ";
    let length = |rollout: &str| length::typical(&scenario(&format!("{start}{rollout}")));
    assert_eq!(length("\"rolling\"\nrolling = { max_surge = 1, max_unavailable = 0 }"), Some(400.0));
    assert_eq!(length("\"rolling\"\nrolling = { max_surge = 2, max_unavailable = 2 }"), Some(100.0));
    assert_eq!(length("\"blue_green\"\nblue_green = { auto_promotion = \"30s\" }"), Some(130.0));
    let steps = "steps = [{ set_weight = 25 }, { pause = \"60s\" }, { analysis = [\"a\"] }, { set_weight = 50 }]";
    let analysis =
        "[analysis.a]\nmetric = \"ttft\"\nmax = \"1s\"\ncount = 3\ninterval = \"10s\"\ninitial_delay = \"5s\"";
    // Three times a start (25 %, 50 %, all), the pause, and 5 s with two intervals.
    assert_eq!(length(&format!("\"canary\"\n[rollout.canary]\n{steps}\n{analysis}")), Some(385.0));
    assert_eq!(length("\"none\""), None);
    assert_eq!(length("\"rolling\"\n[[action]]\nat = \"5m\"\ndo = \"pause\""), None);
}

#[test]
fn thresholds_lie_where_they_are_said_to() {
    let grace = |seconds: u32| {
        let times = format!("[study]\nwarm_up = \"5m\"\n[termination]\ngrace_period = \"{seconds}s\"");
        codes(&format!("{times}\n[rollout]\nstrategy = \"rolling\""))
    };
    // One in a thousand of exponential answers of 10 s takes longer than 69 s.
    assert_eq!((grace(66), grace(72)), (vec![Code::SHORT_GRACE], vec![]));
    let warm_up = |seconds: u32| codes(&format!("[study]\nwarm_up = \"{seconds}s\""));
    assert_eq!((warm_up(50), warm_up(60)), (vec![Code::SHORT_WARM_UP], vec![]));
    // One in twenty takes longer than 30 s.
    let timeout = |seconds: u32| codes(&format!("[clients]\ntimeout = \"{seconds}s\""));
    assert_eq!((timeout(28), timeout(32)), (vec![Code::SHORT_TIMEOUT], vec![]));
}

#[test]
fn samples_are_rate_times_weight_times_window() {
    let canary = |samples: u32, more: &str| {
        codes(&format!(
            "[rollout]\nstrategy = \"canary\"\n[rollout.canary]\nsteps = [{{ set_weight = 10 }}, {{ analysis = [\"a\"] }}]\n\
             [analysis.a]\nmetric = \"ttft\"\nmax = \"1s\"\ncount = 1\nwindow = \"5m\"\nmin_samples = {samples}\n{more}\n\
             [termination]\ngrace_period = \"5m\""
        ))
    };
    // 2 requests/s, a tenth of them, 300 s.
    assert_eq!((canary(61, ""), canary(59, "")), (vec![Code::TOO_FEW_SAMPLES], vec![]));
    assert_eq!(canary(61, "no_data = \"error\""), [Code::TOO_FEW_SAMPLES]);
}

/// A step whose analysis cannot fail guards nothing, though a later step's could; beside the steps there is a later.
#[test]
fn an_analysis_is_held_against_the_least_of_its_steps_and_the_greatest_weight_beside_them() {
    let canary = |settings: &str| {
        let more = format!(
            "[rollout]\nstrategy = \"canary\"\n[rollout.canary]\n{settings}\n[termination]\ngrace_period = \"5m\"\n\
             [analysis.a]\nmetric = \"ttft\"\nmax = \"1s\"\ncount = 1\nwindow = \"5m\"\nmin_samples = 50"
        );
        warnings(&scenario(&more))
    };
    let steps = "{ set_weight = 5 }, { analysis = [\"a\"] }, { set_weight = 50 }";
    let found = canary(&format!("steps = [{steps}, {{ analysis = [\"a\"] }}]"));
    assert_eq!(found.len(), 1);
    assert!(found[0].message.starts_with("at a weight of 5 % a window of 5m holds about 30 requests"), "{found:?}");
    assert_eq!(found[0].beside.len(), 2, "{found:?}");
    let beside = "steps = [{ set_weight = 5 }, { pause = \"5m\" }, { set_weight = 50 }, { pause = \"5m\" }]";
    assert_eq!(canary(&format!("background_analysis = [\"a\"]\n{beside}")), []);
    let at_once = canary("steps = [{ analysis = [\"a\"] }, { set_weight = 50 }]");
    assert!(at_once[0].help.as_ref().is_some_and(|help| help.contains("`set_weight` before it")), "{at_once:?}");
}

/// Answers of 10 s, one at a time in each of eight replicas: more than 0.8 requests/s are too many.
#[test]
fn traffic_that_comes_and_goes_is_taken_as_it_is_in_the_run() {
    let found = |arrivals: &str, more: &str| {
        let poisson = "{ process = \"poisson\", rate = 2.0 }";
        let grace = "[termination]\ngrace_period = \"5m\"";
        let more = format!("max_num_seqs = 1\n[study]\nduration = \"1h\"\n[fleet]\nreplicas = 8\n{grace}\n{more}");
        warnings(&changed([poisson, arrivals], &more))
    };
    let day = |mean: f64, peak_at: &str| {
        format!(
            "{{ process = \"diurnal\", mean = {mean}, peak_to_mean = 1.9, period = \"24h\", peak_at = \"{peak_at}\" }}"
        )
    };
    let said = |arrivals: &str| found(arrivals, "").iter().map(|it| it.message.clone()).collect::<Vec<String>>();
    // The peak is not in the hour that is measured, or is; then the hour as a whole, or only its greatest moment, is beyond.
    assert_eq!(said(&day(0.5, "12h")), Vec::<String>::new());
    assert!(said(&day(0.5, "30m"))[0].contains("asks on average for"), "{:?}", said(&day(0.5, "30m")));
    let swing = "{ process = \"diurnal\", mean = 0.5, peak_to_mean = 1.9, period = \"1h\", peak_at = \"30m\" }";
    assert!(said(swing)[0].contains("asks at its peak for"), "{:?}", said(swing));
    assert_eq!(said("{ process = \"poisson\", rate = 0.75 }"), Vec::<String>::new());
    assert!(said("{ process = \"poisson\", rate = 0.85 }")[0].contains("asks on average for"));
    // Two of eight are missing at noon, or in the middle of the night.
    let rollout =
        "[rollout]\nstrategy = \"rolling\"\nstart = \"10m\"\nrolling = { max_surge = 0, max_unavailable = 2 }";
    let thin = |peak_at: &str| found(&day(0.39, peak_at), rollout).iter().any(|it| it.code == Code::THIN_ROLLOUT);
    assert_eq!((thin("10m"), thin("12h")), (true, false));
}

/// Constant steps of 10 ms a token whatever the batch, one sequence at a time: 100 tokens/s a replica.
#[test]
fn a_new_version_that_cannot_carry_the_traffic_is_told_by_how_much() {
    let found = |factors: &str, rollout: &str| {
        let poisson = ["rate = 2.0", "rate = 0.5"];
        let grace = "[termination]\ngrace_period = \"5m\"";
        let fleet = "max_num_seqs = 1\n[fleet]\nreplicas = 8";
        let all = warnings(&changed(poisson, &format!("{fleet}\n{grace}\n{rollout}\n[new_version]\n{factors}")));
        let of_it = all.into_iter().filter(|it| it.code == Code::SLOWER_VERSION);
        of_it.map(|it| (it.message, it.key)).collect::<Vec<_>>()
    };
    let rolling = "[rollout]\nstrategy = \"rolling\"";
    // Five replicas of eight are busy: up to 1.6 times slower fits.
    assert_eq!(found("step_time_factor = 1.55", rolling), []);
    let slower = found("step_time_factor = 2.0", rolling);
    assert!(slower[0].0.contains("for 1.25 times what 8 replicas of it can carry"), "{slower:?}");
    let longer = found("output_tokens_factor = 1.7", rolling);
    assert_eq!(longer[0].1, "new_version.output_tokens_factor");
    assert_eq!(found("step_time_factor = 2.0", "[rollout]\nstrategy = \"none\""), []);
}

#[test]
fn what_would_take_long_to_find_out_is_left_out() {
    let long = "[engine]\nkv_cache_tokens = 1000000000\nstep_time = { base = \"1ms\" }\n[traffic]\narrivals = { process = \"poisson\", rate = 1.0 }\n\
                prompt_tokens = { distribution = \"zipf\", exponent = 1.1, max = 10000000 }\noutput_tokens = 900000000";
    let scenario = parse(long, "it.toml", Path::new("."), &[], &[]).unwrap_or_else(|error| panic!("{error}"));
    assert!(Load::new(&scenario).is_none() && warnings(&scenario).is_empty());
}

/// The estimate of a rollout's length against simulated ones: right to within a third, which is what a warning needs.
#[test]
fn estimated_rollouts_are_about_as_long_as_simulated_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for name in ["rolling-default-grace", "rolling-drained", "recreate", "blue-green", "canary-good", "canary-flagger"]
    {
        let path = folder.join(format!("{name}.toml"));
        let metrics: Vec<&str> = crate::ledger::METRICS.iter().map(|metric| metric.name()).collect();
        // Few requests: a cold start does not depend on them.
        let sets = ["traffic.arrivals.rate=1".to_owned(), "study.warm_up=1m".to_owned()];
        let scenario = crate::scenario::load(&path, &sets, &metrics).unwrap_or_else(|error| panic!("{error}"));
        let estimate = length::typical(&scenario).expect("there is a rollout");
        let prepared = Prepared::new(scenario);
        let (mut ledger, mut pooled) = (prepared.ledger(), prepared.pooled());
        let runs: Vec<f64> =
            (0..8).map(|run| prepared.run(run, &mut ledger, &mut pooled).value(Metric::RolloutDuration)).collect();
        let completed: Vec<f64> = runs.into_iter().filter(|seconds| seconds.is_finite()).collect();
        let mean = completed.iter().sum::<f64>() / completed.len() as f64;
        eprintln!("{name}: {estimate:.0} against {mean:.0}");
        assert!((0.67..=1.5).contains(&(estimate / mean)), "{name}: {estimate} s against {mean} s");
    }
}
