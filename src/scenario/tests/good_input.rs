//! What a scenario becomes: the format's example key by key, the defaults, the forms that a value may take.

use super::*;
use crate::random::Family;
use crate::scenario::*;
use crate::units::{CountOrPercent, Duration, Time};

fn seconds(seconds: u64) -> Duration {
    Duration::from_seconds(seconds)
}

fn bits(value: f64) -> u64 {
    value.to_bits()
}

#[test]
fn the_example_has_its_study_traffic_and_fleet() {
    let scenario = read(EXAMPLE);
    assert_eq!(scenario.name, "Qwen 27 GB on 8 H100: rolling update with the default grace period");
    let study = &scenario.study;
    assert_eq!((study.runs, study.seed), (1000, 1));
    assert_eq!((study.warm_up, study.duration, study.cool_down), (seconds(600), seconds(5400), seconds(900)));
    assert_eq!(study.timeline_bin, seconds(10));
    let Traffic::Synthetic { arrivals: Arrivals::Poisson { rate }, prompt_tokens, output_tokens } = &scenario.traffic
    else {
        panic!("expected Poisson arrivals, found {:?}", scenario.traffic)
    };
    assert_eq!(bits(*rate), bits(6.0));
    assert_eq!((bits(prompt_tokens.max), bits(output_tokens.max)), (bits(32000.0), bits(8192.0)));
    // The P99 that was asked for is the P99 that comes out.
    assert!((prompt_tokens.survival(6000.0) - 0.01).abs() < 1e-9);
    assert!((output_tokens.survival(250.0) - 0.5).abs() < 1e-9);
    assert_eq!(scenario.clients.timeout, Some(seconds(600)));
    assert_eq!(scenario.clients.max_retries, 0);
    let backoff = &scenario.clients.backoff;
    assert_eq!((backoff.initial, backoff.max), (Duration(500_000_000), seconds(30)));
    assert_eq!((bits(backoff.factor), bits(backoff.jitter)), (bits(2.0), bits(0.5)));
    assert_eq!(scenario.router.policy, RouterPolicy::LeastRequests);
    assert_eq!(scenario.router.max_queue_per_replica, Some(1000));
    assert_eq!(scenario.router.max_gateway_wait, seconds(30));
    let fleet = &scenario.fleet;
    assert_eq!((fleet.replicas, fleet.gpus_per_replica, fleet.gpu_limit), (8, 1, Some(10)));
    assert_eq!((bits(fleet.needed_replicas), bits(fleet.gpu_hour_usd)), (bits(8.0), bits(3.0)));
}

#[test]
fn a_stockout_has_a_probability_and_a_delay_that_may_vary() {
    let of = |text: &str| read(&with(&format!("[fleet]\nstockout = {text}"))).fleet.stockout;
    let constant = of("{ probability = 0.1, delay = \"10m\" }").expect("it is written");
    assert_eq!((bits(constant.probability), constant.delay.as_constant()), (bits(0.1), Some(600.0)));
    let varies =
        of("{ probability = 1, delay = { distribution = \"exponential\", mean = \"5m\" } }").expect("it is written");
    assert!(matches!(varies.delay.family, Family::Exponential { mean } if bits(mean) == bits(300.0)));
    assert!(read(SMALLEST).fleet.stockout.is_none());
}

#[test]
fn the_example_has_its_engine_and_a_replicas_life() {
    let scenario = read(EXAMPLE);
    let engine = &scenario.engine;
    assert_eq!((engine.max_num_seqs, engine.max_num_batched_tokens), (256, 8192));
    assert_eq!((engine.kv_cache_tokens, engine.block_size, engine.reserve_full_prompt), (400_000, 16, true));
    let step = &engine.step_time;
    assert_eq!((bits(step.base), bits(step.per_sequence)), (bits(8e6), bits(50e3)));
    assert_eq!((bits(step.per_kv_token), bits(step.per_prefill_token)), (bits(20.0), bits(60e3)));
    let cold = &scenario.cold_start;
    assert_eq!(cold.provision.seconds.as_constant(), Some(0.0));
    assert!((cold.image_pull.seconds.survival(240.0) - 0.01).abs() < 1e-9);
    assert_eq!(cold.readiness_period, seconds(10));
    let WeightLoad::Bandwidth { gigabytes, gigabytes_per_second, shared_gigabytes_per_second, skip_probability } =
        &cold.weight_load
    else {
        panic!("expected a bandwidth, found {:?}", cold.weight_load)
    };
    assert_eq!((bits(*gigabytes), gigabytes_per_second.as_constant()), (bits(27.0), Some(0.7)));
    assert_eq!((*shared_gigabytes_per_second, bits(*skip_probability)), (Some(4.0), bits(0.0)));
    let termination = &scenario.termination;
    assert_eq!((termination.grace_period, termination.pre_stop), (seconds(30), seconds(5)));
    assert_eq!((termination.endpoint_lag, termination.on_sigterm), (seconds(1), OnSigterm::Drain));
    let slo = scenario.slo.expect("the example has an SLO");
    assert_eq!((slo.ttft, bits(slo.quantile), slo.bin), (seconds(2), bits(0.99), seconds(60)));
}

#[test]
fn the_example_has_its_rollout_analyses_and_checks() {
    let scenario = read(EXAMPLE);
    assert_eq!(scenario.rollout.start, Time::ZERO + seconds(1200));
    let Strategy::Rolling(rolling) = &scenario.rollout.strategy else {
        panic!("expected a rolling update, found {:?}", scenario.rollout.strategy)
    };
    assert_eq!(rolling.max_surge, CountOrPercent::Percent(25));
    assert_eq!(rolling.max_unavailable, CountOrPercent::Percent(25));
    assert_eq!((rolling.min_ready, rolling.progress_deadline), (Duration::ZERO, seconds(600)));
    assert_eq!(scenario.versions[1].crash_mtbf, Duration::ZERO);
    assert_eq!(scenario.versions[1].start_failure_probability, Some(0.0));
    let names: Vec<&str> = scenario.analyses.iter().map(|analysis| analysis.name.as_str()).collect();
    assert_eq!(names, ["ttft", "errors"]);
    let ttft = &scenario.analyses[0];
    assert_eq!((ttft.metric, ttft.bound), (AnalysisMetric::Ttft, AnalysisBound::Max(2.0)));
    assert_eq!((ttft.interval, ttft.count, ttft.window), (seconds(60), Some(5), seconds(300)));
    assert_eq!((ttft.min_samples, ttft.no_data, ttft.initial_delay), (50, NoData::Success, seconds(60)));
    let errors = &scenario.analyses[1];
    assert_eq!((errors.bound, errors.window), (AnalysisBound::Max(0.01), seconds(60)));
    let check = &scenario.checks[0];
    assert_eq!((check.metric.as_str(), check.statistic), ("truncated_attempts", Statistic::P95));
    assert_eq!((check.min, check.max), (None, Some(0.0)));
    assert!(EXAMPLE.lines().nth(check.line - 1).is_some_and(|line| line.starts_with("[[check]]")));
    assert_eq!(scenario.warning_messages(), Vec::<String>::new());
}

#[test]
fn the_examples_canary_resolves_its_analyses_and_tells_unset_from_zero() {
    let scenario = read_with(EXAMPLE, &["rollout.strategy=canary", "fleet.gpu_limit=16"]).expect("a good canary");
    let Strategy::Canary(canary) = &scenario.rollout.strategy else {
        panic!("expected a canary, found {:?}", scenario.rollout.strategy)
    };
    let pause = CanaryStep::Pause(Some(seconds(300)));
    let expected = [
        CanaryStep::SetWeight(1),
        pause.clone(),
        CanaryStep::SetWeight(5),
        pause,
        CanaryStep::SetWeight(25),
        CanaryStep::Analysis(vec![0, 1]),
        CanaryStep::SetWeight(100),
    ];
    assert_eq!(canary.steps, expected);
    assert_eq!(canary.background_analysis, [1]);
    assert_eq!((canary.scale_down_delay, canary.abort_scale_down_delay), (None, Some(seconds(30))));
    assert_eq!(canary.max_unavailable, CountOrPercent::Count(0));
    let zero = ["rollout.strategy=canary", "rollout.canary.scale_down_delay=0s", "fleet.gpu_limit=16"];
    let Strategy::Canary(canary) = read_with(EXAMPLE, &zero).expect("a good canary").rollout.strategy else {
        panic!("expected a canary")
    };
    assert_eq!(canary.scale_down_delay, Some(Duration::ZERO));
}

#[test]
fn a_canary_under_flagger_takes_its_keys_and_documented_defaults() {
    let analyses =
        "[analysis.errors]\nmetric = \"error_rate\"\nmax = 0.01\n[analysis.ttft]\nmetric = \"ttft\"\nmax = \"2s\"";
    let canary = |keys: &str| {
        let table = "[rollout]\nstrategy = \"canary\"\n[rollout.canary]\ncontroller = \"flagger\"";
        let Strategy::Flagger(settings) = read(&with(&format!("{analyses}\n{table}\n{keys}"))).rollout.strategy else {
            panic!("expected Flagger")
        };
        settings
    };
    let defaults = canary("step_weight = 7");
    assert_eq!(defaults.weights, FlaggerWeights::Step { step: 7, max: 100 });
    assert_eq!((defaults.interval, defaults.threshold, defaults.step_weight_promotion), (seconds(60), 1, 0));
    assert_eq!((defaults.canary_ready_threshold, defaults.primary_ready_threshold), (100, 100));
    assert_eq!((defaults.analysis, defaults.deployment.progress_deadline), (Vec::new(), seconds(600)));
    assert_eq!(defaults.deployment.max_surge, CountOrPercent::Percent(25));
    let all = canary(
        "interval = \"30s\"\nthreshold = 5\nstep_weights = [1, 10, 50]\nstep_weight_promotion = 20\n\
         analysis = [\"ttft\", \"errors\"]\ncanary_ready_threshold = 80\nprimary_ready_threshold = 90\n\
         progress_deadline = \"20m\"\nmax_surge = 2\nmax_unavailable = 0\nmin_ready = \"5s\"",
    );
    assert_eq!(all.weights, FlaggerWeights::List(vec![1, 10, 50]));
    assert_eq!((all.interval, all.threshold, all.step_weight_promotion), (seconds(30), 5, 20));
    assert_eq!((all.analysis, all.canary_ready_threshold, all.primary_ready_threshold), (vec![1, 0], 80, 90));
    let deployment = all.deployment;
    assert_eq!(
        (deployment.max_surge, deployment.max_unavailable),
        (CountOrPercent::Count(2), CountOrPercent::Count(0))
    );
    assert_eq!((deployment.min_ready, deployment.progress_deadline), (seconds(5), seconds(1200)));
}

#[test]
fn a_strategy_that_sets_nothing_has_the_real_controllers_defaults() {
    let strategy =
        |name: &str| format!("{:?}", read(&with(&format!("[rollout]\nstrategy = \"{name}\""))).rollout.strategy);
    let rolling = DeploymentSettings::default();
    assert_eq!(strategy("rolling"), format!("{:?}", Strategy::Rolling(rolling.clone())));
    assert_eq!(strategy("recreate"), format!("{:?}", Strategy::Recreate(rolling)));
    assert_eq!(strategy("blue_green"), format!("{:?}", Strategy::BlueGreen(BlueGreenSettings::default())));
    assert_eq!(strategy("canary"), format!("{:?}", Strategy::Canary(CanarySettings::default())));
    let analysis = &read(&with("[analysis.it]\nmetric = \"error_rate\"\nmax = 0")).analyses[0];
    let expected = Analysis { name: "it".to_owned(), ..Analysis::default() };
    assert_eq!(format!("{analysis:?}"), format!("{expected:?}"));
}

#[test]
fn a_deployment_may_wait_for_terminating_replicas() {
    let policy = |text: &str| match read(&with(text)).rollout.strategy {
        Strategy::Rolling(settings) | Strategy::Recreate(settings) => settings.pod_replacement_policy,
        other => panic!("expected a Deployment, found {other:?}"),
    };
    assert_eq!(policy("[rollout]\nstrategy = \"rolling\""), None);
    for strategy in ["rolling", "recreate"] {
        for (word, expected) in [
            ("termination_started", PodReplacementPolicy::TerminationStarted),
            ("termination_complete", PodReplacementPolicy::TerminationComplete),
        ] {
            let table = format!("[rollout.{strategy}]\npod_replacement_policy = \"{word}\"");
            assert_eq!(policy(&format!("[rollout]\nstrategy = \"{strategy}\"\n{table}")), Some(expected));
        }
    }
}

#[test]
fn a_canary_may_go_on_before_all_is_available_and_back_without_steps() {
    let text = "[rollout]\nstrategy = \"canary\"\n[rollout.canary]\nreplica_progress_threshold = \"80%\"\n\
                rollback_window = 3\nscale_down_delay_revision_limit = 1";
    let Strategy::Canary(canary) = read(&with(text)).rollout.strategy else { panic!("expected a canary") };
    assert_eq!(canary.replica_progress_threshold, Some(CountOrPercent::Percent(80)));
    assert_eq!((canary.rollback_window, canary.scale_down_delay_revision_limit), (3, Some(1)));
    let text = "[rollout]\nstrategy = \"blue_green\"\n[rollout.blue_green]\nrollback_window = 2";
    let Strategy::BlueGreen(blue_green) = read(&with(text)).rollout.strategy else { panic!("expected blue-green") };
    assert_eq!((blue_green.rollback_window, blue_green.scale_down_delay_revision_limit), (2, None));
}

#[test]
fn an_analysis_may_have_two_bounds_no_limit_of_failures_and_only_look_on() {
    let text = "[analysis.it]\nmetric = \"ttft\"\nmax = \"2s\"\nfail_above = \"3s\"\nfailure_limit = -1\n\
                consecutive_success_limit = 3\ndry_run = true";
    let it = &read(&with(text)).analyses[0];
    assert_eq!((it.bound, it.fail_above), (AnalysisBound::Max(2.0), Some(3.0)));
    assert_eq!((it.failure_limit, it.consecutive_success_limit, it.dry_run), (None, 3, true));
    let ratio = "[analysis.it]\nmetric = \"ttft\"\nmax_ratio_to_stable = 1.2\nfail_above_ratio_to_stable = 1.5";
    let it = &read(&with(ratio)).analyses[0];
    assert_eq!((it.bound, it.fail_above), (AnalysisBound::MaxRatioToStable(1.2), Some(1.5)));
    assert_eq!((it.failure_limit, it.consecutive_success_limit, it.dry_run), (Some(0), 0, false));
    // Successes in a row end an analysis that a step waits for, though it has no count.
    let step = "[rollout]\nstrategy = \"canary\"\n[rollout.canary]\nsteps = [{ analysis = [\"it\"] }]";
    read(&with(&format!("{text}\n{step}")));
}

#[test]
fn what_is_left_out_takes_the_documented_default() {
    let scenario = read(SMALLEST);
    assert_eq!(scenario.name, "scenario");
    assert_eq!((scenario.study.runs, scenario.study.cool_down), (1000, seconds(900)));
    assert_eq!((scenario.clients.timeout, scenario.clients.max_retries), (None, 0));
    assert_eq!((scenario.router.max_queue_per_replica, scenario.router.max_gateway_wait), (None, seconds(30)));
    assert_eq!((scenario.fleet.replicas, scenario.fleet.gpu_limit), (8, None));
    assert_eq!(bits(scenario.engine.step_time.base), bits(8e6));
    assert_eq!(bits(scenario.engine.step_time.per_prefill_token), bits(60e3));
    assert_eq!(scenario.cold_start.engine_start.seconds.as_constant(), Some(0.0));
    assert!(
        matches!(&scenario.cold_start.weight_load, WeightLoad::Stage(stage) if stage.seconds.as_constant() == Some(0.0))
    );
    assert_eq!(scenario.cold_start.readiness_period, Duration::ZERO);
    let termination = &scenario.termination;
    assert_eq!((termination.grace_period, termination.pre_stop), (seconds(30), Duration::ZERO));
    assert!(scenario.slo.is_none());
    assert!(matches!(scenario.rollout.strategy, Strategy::None));
    assert_eq!(scenario.versions[1].start_failure_probability, None);
    assert_eq!(scenario.analyses.len() + scenario.checks.len(), 0);
}

#[test]
fn surge_price_and_needed_replicas_follow_what_they_default_to() {
    let fleet = read(&with("[fleet]\nreplicas = 12\ngpu_hour_usd = 2.5")).fleet;
    assert_eq!((bits(fleet.needed_replicas), bits(fleet.surge_gpu_hour_usd)), (bits(12.0), bits(2.5)));
}

#[test]
fn a_rolling_update_needs_only_its_name() {
    let rollout = read(&with("[rollout]\nstrategy = \"rolling\"")).rollout;
    assert_eq!(rollout.start, Time::ZERO + seconds(1200));
    let Strategy::Rolling(rolling) = rollout.strategy else { panic!("expected a rolling update") };
    assert_eq!((rolling.max_surge.round_up(8), rolling.max_unavailable.round_down(8)), (2, 2));
}

#[test]
fn a_given_step_time_leaves_out_coefficients_as_zero_and_keeps_fractions_of_a_nanosecond() {
    let step = read(&with("[engine]\nstep_time = { base = \"20ms\", per_kv_token = \"0.25ns\" }")).engine.step_time;
    assert_eq!((bits(step.base), bits(step.per_kv_token)), (bits(2e7), bits(0.25)));
    assert_eq!((bits(step.per_sequence), bits(step.per_prefill_token)), (bits(0.0), bits(0.0)));
}

#[test]
fn an_engine_may_read_prompts_whole_speculate_and_take_its_time() {
    let engine = read(&with(
        "[engine]\nchunked_prefill = false\noverhead = \"2ms\"\nspeculative = { tokens = 4, acceptance = 0.7 }",
    ))
    .engine;
    assert_eq!((engine.chunked_prefill, bits(engine.overhead)), (false, bits(2e6)));
    assert_eq!(engine.speculative, Some(Speculative { tokens: 4, acceptance: 0.7 }));
    // vLLM V0 leaves a hundredth of its blocks free, unless something else is written.
    assert_eq!(bits(engine.kv_watermark), bits(0.01));
    let written = read(&with("[engine]\nchunked_prefill = false\nkv_watermark = 0.0")).engine;
    assert_eq!(bits(written.kv_watermark), bits(0.0));
    assert_eq!(bits(read(SMALLEST).engine.kv_watermark), bits(0.0));
    let short = read_with(SMALLEST, &["engine.chunked_prefill=false", "engine.max_num_batched_tokens=500"]);
    let warnings = short.expect("legal").warning_messages();
    assert!(
        warnings[0].contains("those longer than engine.max_num_batched_tokens (500) are read alone"),
        "{warnings:?}"
    );
}

#[test]
fn the_base_of_a_step_may_be_a_table() {
    let text = with("[engine]\nstep_time = { base_table = [[1, \"8ms\"], [64, \"11ms\"]] }");
    assert_eq!(read(&text).engine.step_time.base_table, [(1, 8e6), (64, 11e6)]);
}

#[test]
fn every_family_of_distributions_can_be_named() {
    let cases = [
        ("constant", "value = 3"),
        ("uniform", "low = 0, high = 10"),
        ("exponential", "mean = 5"),
        ("lognormal", "median = 5, sigma = 1.5"),
        ("gamma", "mean = 5, cv = 2"),
        ("weibull", "scale = 5, shape = 0.7"),
        ("pareto", "minimum = 5, alpha = 1.5"),
        ("zipf", "exponent = 1.1"),
        ("sequence", "values = [1, 2, 3]"),
        (
            "mixture",
            "parts = [{ weight = 3, distribution = \"constant\", value = 1 }, \
                     { weight = 1, distribution = \"exponential\", mean = 9 }]",
        ),
    ];
    for (name, parameters) in cases {
        let text = format!("traffic.prompt_tokens={{ distribution = \"{name}\", {parameters}, max = 100 }}");
        let scenario = read_with(SMALLEST, &[&text]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let Traffic::Synthetic { prompt_tokens, .. } = scenario.traffic else { panic!("expected drawn requests") };
        assert!(prompt_tokens.greatest() <= 100.0, "{name} exceeds its max");
    }
}

#[test]
fn a_p99_that_equals_the_median_leaves_no_spread() {
    let text = "traffic.prompt_tokens={ distribution = \"lognormal\", median = 7, p99 = 7, max = 9 }";
    let Traffic::Synthetic { prompt_tokens, .. } = read_with(SMALLEST, &[text]).expect("legal").traffic else {
        panic!("expected drawn requests")
    };
    assert!(matches!(prompt_tokens.family, Family::Lognormal { sigma: 0.0, .. }));
}

#[test]
fn the_weights_of_a_mixture_are_normalised() {
    let parts = "[{ weight = 3, distribution = \"constant\", value = 1 }, { weight = 1, distribution = \"constant\", value = 2 }]";
    let set = format!("traffic.prompt_tokens={{ distribution = \"mixture\", parts = {parts} }}");
    let Traffic::Synthetic { prompt_tokens, .. } = read_with(SMALLEST, &[&set]).expect("legal").traffic else {
        panic!("expected drawn requests")
    };
    assert_eq!(bits(prompt_tokens.survival(1.0)), bits(0.25));
}

#[test]
fn a_stage_may_be_skipped_and_may_never_end() {
    let cold = read(&with(
        "[cold_start]\nimage_pull = { distribution = \"constant\", value = \"60s\", skip_probability = 0.9 }\n\
         engine_start = { distribution = \"sequence\", values = [\"75s\", \"never\", \"80s\"] }\n\
         weight_load = { distribution = \"uniform\", low = \"10s\", high = \"20s\" }",
    ))
    .cold_start;
    assert_eq!(bits(cold.image_pull.skip_probability), bits(0.9));
    let Family::Sequence(values) = &cold.engine_start.seconds.family else { panic!("expected a sequence") };
    assert_eq!(values, &[75.0, f64::INFINITY, 80.0]);
    assert!(matches!(&cold.weight_load, WeightLoad::Stage(stage) if bits(stage.seconds.greatest()) == bits(20.0)));
}

#[test]
fn no_gigabytes_are_no_stage_and_bandwidths_may_carry_units() {
    let load = |text: &str| read(&with(&format!("[cold_start]\nweight_load = {text}"))).cold_start.weight_load;
    let none = load("{ gigabytes = 0, gigabytes_per_second = 1.0 }");
    assert!(matches!(none, WeightLoad::Stage(stage) if stage.seconds.as_constant() == Some(0.0)));
    let WeightLoad::Bandwidth { gigabytes_per_second, .. } =
        load("{ gigabytes = 27, gigabytes_per_second = \"700 MB/s\" }")
    else {
        panic!("expected a bandwidth")
    };
    assert_eq!(gigabytes_per_second.as_constant(), Some(0.7));
}

#[test]
fn every_arrival_process_can_be_named() {
    let arrivals = |text: &str| {
        let set = format!("traffic.arrivals={text}");
        match read_with(SMALLEST, &[&set]).unwrap_or_else(|error| panic!("{error}")).traffic {
            Traffic::Synthetic { arrivals, .. } => arrivals,
            Traffic::Trace { .. } => panic!("expected drawn requests"),
        }
    };
    assert!(matches!(arrivals("{ process = \"gamma\", rate = 2, cv = 3.5 }"), Arrivals::Gamma { .. }));
    let diurnal = "{ process = \"diurnal\", mean = 2, peak_to_mean = 1.8, period = \"24h\", peak_at = \"0s\" }";
    assert!(matches!(arrivals(diurnal), Arrivals::Diurnal { .. }));
    let Arrivals::Mmpp { rates, dwell } =
        arrivals("{ process = \"mmpp\", rates = [0, 20.5], dwell = [\"5m\", \"30s\"] }")
    else {
        panic!("expected a modulated process")
    };
    assert_eq!((rates, dwell), (vec![0.0, 20.5], vec![seconds(300), seconds(30)]));
}

#[test]
fn the_hash_ignores_formatting_and_order_and_sees_every_value() {
    let hash = read(SMALLEST).hash;
    assert_eq!(hash.len(), 64);
    let reordered = r#"
        # The same scenario in other words.
        traffic.output_tokens = { mean = 250, distribution = 'exponential' }
        traffic.prompt_tokens = 800
        [traffic.arrivals]
        rate = 6.0
        process = "poisson""#;
    assert_eq!(read(reordered).hash, hash);
    for set in ["traffic.arrivals.rate=6.5", "name=other", "study.runs=7", "study.seed=2"] {
        assert_ne!(read_with(SMALLEST, &[set]).expect("legal").hash, hash, "{set} does not change the hash");
    }
    assert_eq!(read_with(SMALLEST, &["traffic.prompt_tokens=800"]).expect("legal").hash, hash);
}

#[test]
fn estimators_take_their_own_defaults() {
    let estimator = |more: &str| {
        let text = format!("[analysis.it]\nmetric = \"ttft\"\nwindow = \"10m\"\n{more}");
        let analysis = read(&with(&text)).analyses.remove(0);
        (analysis.estimator, analysis.bound)
    };
    let max = AnalysisBound::Max(2.0);
    assert_eq!(estimator("max = \"2s\""), (Estimator::Exact, max));
    let scrape_interval = seconds(15);
    assert_eq!(estimator("max = \"2s\"\nestimator = \"prometheus\""), (Estimator::Prometheus { scrape_interval }, max));
    assert_eq!(
        estimator("estimator = \"mann_whitney\""),
        (
            Estimator::MannWhitney { confidence: 0.98, step: seconds(60) },
            AnalysisBound::MaxShift { tolerance: 0.25, ratio: 1.0 }
        )
    );
    let (_, bound) = estimator("estimator = \"mann_whitney\"\ntolerance = 0.5\nmax_ratio_to_stable = 1.2");
    assert_eq!(bound, AnalysisBound::MaxShift { tolerance: 0.5, ratio: 1.2 });
}

#[test]
fn unwise_settings_are_pointed_out() {
    let base = "[rollout]\nstrategy = \"rolling\"\n[fleet]\nreplicas = 3\ngpu_limit = 3\n";
    let cases = [
        ("[rollout.rolling]\nmax_surge = \"0%\"\nmax_unavailable = \"10%\"", "both zero after rounding"),
        ("[rollout.rolling]\nmax_surge = \"0%\"\nmax_unavailable = \"0%\"", "both zero after rounding"),
        ("[rollout.rolling]\nmax_surge = 1\nmax_unavailable = 0", "the rollout deadlocks"),
        ("[rollout.rolling]\nmin_ready = \"10m\"", "refuses such a manifest"),
        ("[termination]\ngrace_period = \"5s\"\npre_stop = \"5s\"", "the hook is cut"),
        ("[termination]\nendpoint_lag = \"2s\"", "are refused"),
        (
            "[analysis.it]\nmetric = \"error_rate\"\nmax = 0.1\nestimator = \"prometheus\"\nno_data = \"error\"",
            "without a single 5xx",
        ),
    ];
    for (text, expected) in cases {
        let warnings = read(&with(&format!("{base}{text}"))).warning_messages();
        assert!(warnings.iter().any(|warning| warning.contains(expected)), "{text}: {warnings:?}");
    }
    let roomy = read(&with("[rollout]\nstrategy = \"rolling\"\n[fleet]\nreplicas = 3\ngpu_limit = 4"));
    assert_eq!(roomy.warning_messages(), Vec::<String>::new());
}

#[test]
fn analyses_that_see_nothing_are_pointed_out() {
    let analysis = "[analysis.it]\nmetric = \"error_rate\"\nmax = 0.1\ncount = 1";
    let warnings =
        |rollout: &str| read(&with(&format!("[rollout]\nstrategy = {rollout}\n{analysis}"))).warning_messages();
    let unread = warnings("\"canary\"");
    assert!(matches!(&unread[..], [only] if only.contains("analysis.it: the rollout does not name it")), "{unread:?}");
    let blind = warnings("\"blue_green\"\n[rollout.blue_green]\npre_promotion_analysis = [\"it\"]");
    assert!(matches!(&blind[..], [only] if only.contains("it has no data: it counts as success")), "{blind:?}");
    assert_eq!(warnings("\"blue_green\"\n[rollout.blue_green]\npost_promotion_analysis = [\"it\"]"), [""; 0]);
    assert_eq!(warnings("\"rolling\""), [""; 0]);
}

#[test]
fn what_flagger_would_not_do_is_pointed_out() {
    let table = "[rollout]\nstrategy = \"canary\"\n[rollout.canary]\ncontroller = \"flagger\"\nstep_weight = 5\n";
    let surge = "analysis = [\"it\"]\nmax_surge = 1\nmax_unavailable = 0";
    let warnings = |limit: u32, canary: &str, analysis: &str| {
        let fleet = format!("[fleet]\nreplicas = 3\ngpu_limit = {limit}");
        let analysis = format!("[analysis.it]\nmetric = \"ttft\"\nmax = \"2s\"\n{analysis}");
        read(&with(&format!("{table}{canary}\n{fleet}\n{analysis}"))).warning_messages()
    };
    for (limit, canary, analysis, expected) in [
        (5, surge, "", "the canary never is whole"),
        (6, surge, "", "the promotion fails, with all requests on the canary"),
        (6, "analysis = [\"it\"]\nmax_surge = 1\nmax_unavailable = 1", "", "some surge replicas of the promotion wait"),
        (7, "analysis = [\"it\"]\nmax_surge = \"0%\"\nmax_unavailable = \"0%\"", "", "both zero after rounding"),
        (7, "analysis = [\"it\"]\nmax_surge = 1\nmin_ready = \"10m\"", "", "refuses such a manifest"),
        (7, surge, "count = 5", "it does not read count"),
        (7, surge, "no_data = \"error\"", "no data is a failed check"),
    ] {
        let said = warnings(limit, canary, analysis);
        assert!(said.len() == 1 && said[0].contains(expected), "{expected}: {said:?}");
    }
    assert_eq!(warnings(7, surge, "min_samples = 20"), Vec::<String>::new());
}
