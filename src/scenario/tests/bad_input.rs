//! What is said about a bad scenario: the key, the line, what was expected, the nearest name.

use super::*;

/// A text that is wrong at one key, and a part of what must be said about it.
fn check_each(cases: &[(&str, &str, &str)]) {
    for (more, key, expected) in cases {
        let problem = problem_with(&with(more));
        assert_eq!(problem.key, *key, "{more}");
        let said = format!("{}: {} {}", problem.message, problem.expected, problem.help.unwrap_or_default());
        assert!(said.contains(expected), "{more}\nsaid: {said}");
        assert!(problem.line > 0, "{more}");
    }
}

#[test]
fn unknown_keys_give_the_nearest_name_and_their_line() {
    let text = with("[rollout]\nstrategy = \"rolling\"\n[rollout.rolling]\nmax_unavailabel = 1");
    let problem = problem_with(&text);
    assert_eq!((problem.key.as_str(), problem.line, problem.column), ("rollout.rolling.max_unavailabel", 9, 1));
    assert_eq!(&text[problem.span], "max_unavailabel");
    check_each(&[
        ("[fleet]\nreplica = 8", "fleet.replica", "did you mean `replicas`?"),
        ("[fleet]\ngpus = 8", "fleet.gpus", "did you mean `gpus_per_replica`?"),
        ("[termination]\ngrace-period = \"5s\"", "termination.grace-period", "did you mean `grace_period`?"),
        ("[roleout]\nstrategy = \"none\"", "roleout", "did you mean `rollout`?"),
        ("[slo]\nzzzzzzzz = 1", "slo.zzzzzzzz", "known here: ttft, quantile, bin"),
        ("[engine]\nstep_time = { base = \"8ms\", per_token = \"1us\" }", "engine.step_time.per_token", "unknown key"),
        ("[clients]\nbackoff = { inital = \"1s\" }", "clients.backoff.inital", "did you mean `initial`?"),
    ]);
}

#[test]
fn a_key_of_another_table_is_told_where_it_belongs() {
    check_each(&[
        (
            "[rollout]\nstrategy = \"none\"\n[rollout.blue_green]\nmax_surge = 1",
            "rollout.blue_green.max_surge",
            "`max_surge` belongs to [rollout.rolling] and [rollout.canary]",
        ),
        ("[fleet]\nacceptance = 0.7", "fleet.acceptance", "`acceptance` belongs to [engine.speculative]"),
        ("[fleet]\nstatistic = \"p95\"", "fleet.statistic", "`statistic` belongs to [[check]]"),
        ("[fleet.slo]\nttft = \"2s\"", "fleet.slo", "`slo` belongs to the top of the file"),
        ("kv_cache_tokens = 9", "traffic.kv_cache_tokens", "`kv_cache_tokens` belongs to [engine]"),
        (
            "[analysis.quick]\nmetric = \"ttft\"\nmax = \"2s\"\ncount = 1\ngrace_period = \"1s\"",
            "analysis.quick.grace_period",
            "`grace_period` belongs to [termination]",
        ),
        // A slip of a key of the same table is likelier than another table.
        ("[termination]\npre_stopp = \"1s\"", "termination.pre_stopp", "did you mean `pre_stop`?"),
    ]);
}

#[test]
fn wrong_types_say_what_was_expected_and_found() {
    check_each(&[
        ("[fleet]\nreplicas = \"eight\"", "fleet.replicas", "a whole number from 1 to 10000, found \"eight\""),
        ("[fleet]\nreplicas = 8.5", "fleet.replicas", "found 8.5"),
        ("[fleet]\ngpu_hour_usd = \"3\"", "fleet.gpu_hour_usd", "expected a number"),
        ("[study]\nduration = 90", "study.duration", "a duration carries its unit"),
        ("[study]\nduration = 2024-01-01", "study.duration", "found the date 2024-01-01"),
        ("[engine]\nchunked_prefill = \"yes\"", "engine.chunked_prefill", "expected true or false"),
        ("[engine]\nstep_time = 8", "engine.step_time", "expected a table"),
        (
            "[rollout]\nstrategy = \"canary\"\n[rollout.canary]\nsteps = [{ analysis = [] }]",
            "rollout.canary.steps.0.analysis",
            "at least one analysis",
        ),
        ("[engine]\nspeculative = true", "engine.speculative", "{ tokens = 4, acceptance = 0.7 }"),
        (
            "[engine]\nchunked_prefill = false\nreserve_full_prompt = false",
            "engine.reserve_full_prompt",
            "a prompt is read whole",
        ),
        ("[[fleet]]\nreplicas = 8", "fleet", "expected a table, found a list"),
        ("[check]\nmetric = \"cost_usd\"", "check", "expected a list of tables"),
        ("[router]\npolicy = 3", "router.policy", "expected one of \"random\""),
        ("[analysis]\nttft = 3", "analysis.ttft", "expected a table"),
    ]);
}

#[test]
fn wrong_units_are_named() {
    check_each(&[
        ("[study]\nduration = \"90 parsecs\"", "study.duration", "unknown unit `parsecs`"),
        ("[study]\nduration = \"90\"", "study.duration", "the unit is missing"),
        ("[termination]\npre_stop = \"5 GB/s\"", "termination.pre_stop", "unknown unit"),
        (
            "[cold_start]\nweight_load = { gigabytes = 27, gigabytes_per_second = \"7 Gb/s\" }",
            "cold_start.weight_load.gigabytes_per_second",
            "\"1.5 GB/s\"",
        ),
        (
            "[rollout]\nstrategy=\"rolling\"\nrolling={ max_surge = \"25\" }",
            "rollout.rolling.max_surge",
            "write 25 or \"25%\"",
        ),
        ("[rollout]\nstrategy=\"rolling\"\nrolling={ max_surge = 1.5 }", "rollout.rolling.max_surge", "\"25%\""),
    ]);
}

#[test]
fn negative_and_absurd_numbers_are_refused() {
    check_each(&[
        ("[study]\nruns = -3", "study.runs", "found -3"),
        ("[study]\nruns = 0", "study.runs", "from 1 to 10000000"),
        ("[study]\nruns = 99999999999999999999999999999999999999999999", "study.runs", "from 1 to 10000000"),
        ("[study]\nduration = \"-5s\"", "study.duration", "cannot be negative"),
        ("[study]\nduration = \"0s\"", "study.duration", "above zero"),
        ("[study]\nduration = \"9999999h\"", "study.duration", "at most 100 years"),
        ("[study]\ntimeline_bin = \"1ms\"", "study.timeline_bin", "at most 20000 bins"),
        ("[fleet]\ngpu_hour_usd = -1", "fleet.gpu_hour_usd", "from 0 to 1e6"),
        ("[fleet]\ngpu_hour_usd = 1.1e6", "fleet.gpu_hour_usd", "from 0 to 1e6"),
        ("[fleet]\nsurge_gpu_hour_usd = 1.1e6", "fleet.surge_gpu_hour_usd", "from 0 to 1e6"),
        ("[fleet]\nneeded_replicas = 0.0009", "fleet.needed_replicas", "from 0.001 to 10000"),
        ("[fleet]\nreplicas = 100000", "fleet.replicas", "from 1 to 10000"),
        ("[fleet]\ngpus_per_replica = 0", "fleet.gpus_per_replica", "from 1 to 1024"),
        ("[fleet]\nstockout = 0.1", "fleet.stockout", "a table such as"),
        ("[fleet]\nstockout = { probability = 2, delay = \"1m\" }", "fleet.stockout.probability", "from 0 to 1"),
        ("[fleet]\nstockout = { probability = 0.1 }", "fleet.stockout.delay", "how long"),
        ("[new_version]\nerror_probability = 1.5", "new_version.error_probability", "from 0 to 1"),
        ("[new_version]\nstep_time_factor = 0", "new_version.step_time_factor", "from 0.001 to 1000"),
        ("[new_version]\nprefill_time_factor = 1001", "new_version.prefill_time_factor", "from 0.001 to 1000"),
        ("[new_version]\noutput_tokens_factor = 1e-4", "new_version.output_tokens_factor", "from 0.001 to 1000"),
        ("[slo]\nquantile = 1.0", "slo.quantile", "below 1"),
        ("[engine]\nstep_time = { base = \"0s\" }", "engine.step_time.base", "a step takes time"),
        ("[engine]\nstep_time = { base = \"2h\" }", "engine.step_time.base", "at most 1h"),
        ("[engine]\nblock_size = 0", "engine.block_size", "from 1"),
        ("[termination]\ngrace_period = \"-1s\"", "termination.grace_period", "cannot be negative"),
    ]);
}

#[test]
fn nan_and_infinity_are_refused() {
    for number in ["nan", "inf", "-inf", "1e400"] {
        for (section, key) in [
            ("fleet", "gpu_hour_usd"),
            ("fleet", "needed_replicas"),
            ("engine", "kv_watermark"),
            ("engine", "saturated_tokens_per_second"),
            ("new_version", "output_tokens_factor"),
            ("cold_start", "failure_probability"),
            ("slo", "quantile"),
            ("study", "runs"),
        ] {
            let problem = problem_with(&with(&format!("[{section}]\n{key} = {number}")));
            assert_eq!(problem.key, format!("{section}.{key}"), "{number}");
        }
        let check = "[[check]]\nmetric = \"cost_usd\"\nstatistic = \"mean\"\nmax = ";
        assert_eq!(problem_with(&with(&format!("{check}{number}"))).key, "check.0.max");
        let problems = problems_with(SMALLEST, &[&format!("traffic.arrivals.rate={number}")]);
        assert_eq!(problems.problems[0].key, "traffic.arrivals.rate");
    }
}

#[test]
fn a_p99_below_the_median_is_refused() {
    let set = "traffic.output_tokens={ distribution = \"lognormal\", median = 800, p99 = 600 }";
    let problem = &problems_with(SMALLEST, &[set]).problems[0];
    assert_eq!(problem.key, "traffic.output_tokens.p99");
    assert_eq!(problem.expected, "expected a P99 of at least the median, found 600");
}

#[test]
fn wrong_distributions_are_refused() {
    for (value, key) in [
        ("{ median = 5 }", "distribution"),
        ("{ distribution = \"lognorml\", median = 5 }", "distribution"),
        ("{ distribution = \"lognormal\", median = 5 }", "p99"),
        ("{ distribution = \"lognormal\", median = 5, p99 = 6, sigma = 1 }", "sigma"),
        ("{ distribution = \"lognormal\", median = 0, sigma = 1 }", "median"),
        ("{ distribution = \"uniform\", low = 9, high = 5 }", "high"),
        ("{ distribution = \"exponential\" }", "mean"),
        ("{ distribution = \"exponential\", mean = -4 }", "mean"),
        ("{ distribution = \"exponential\", mean = 4, cv = 1 }", "cv"),
        ("{ distribution = \"gamma\", mean = 4, cv = -1 }", "cv"),
        ("{ distribution = \"gamma\", mean = 4, cv = 1e-9 }", "cv"),
        ("{ distribution = \"gamma\", mean = 4, cv = 0.009 }", "cv"),
        ("{ distribution = \"weibull\", scale = 4, shape = 0 }", "shape"),
        ("{ distribution = \"zipf\", exponent = 1.1 }", "max"),
        ("{ distribution = \"zipf\", exponent = -1, max = 10 }", "exponent"),
        ("{ distribution = \"zipf\", exponent = 1, max = 1e8 }", "max"),
        ("{ distribution = \"sequence\", values = [] }", "values"),
        ("{ distribution = \"sequence\", values = [1, \"never\"] }", "values.1"),
        ("{ distribution = \"constant\", value = 0 }", "value"),
        ("{ distribution = \"mixture\", parts = [] }", "parts"),
        (
            "{ distribution = \"mixture\", parts = [{ weight = 0, distribution = \"constant\", value = 1 }] }",
            "parts.0.weight",
        ),
        ("{ distribution = \"exponential\", mean = 4, max = 0 }", "max"),
        ("{ distribution = \"exponential\", mean = 4, max = 0.5 }", "max"),
        ("{ distribution = \"empirical\", file = \"no/such.csv\", column = \"x\" }", "file"),
    ] {
        let problems = problems_with(SMALLEST, &[&format!("traffic.output_tokens={value}")]);
        assert_eq!(problems.problems.len(), 1, "{value}\n{problems}");
        assert_eq!(problems.problems[0].key, format!("traffic.output_tokens.{key}"), "{value}");
    }
}

#[test]
fn wrong_arrivals_are_refused() {
    for (value, key) in [
        ("{ rate = 5 }", "process"),
        ("{ process = \"poison\", rate = 5 }", "process"),
        ("{ process = \"poisson\" }", "rate"),
        ("{ process = \"poisson\", rate = 0 }", "rate"),
        ("{ process = \"poisson\", rate = 1e-7 }", "rate"),
        ("{ process = \"gamma\", rate = 5, cv = 0 }", "cv"),
        ("{ process = \"diurnal\", mean = 5, peak_to_mean = 2.5, period = \"24h\", peak_at = \"1h\" }", "peak_to_mean"),
        ("{ process = \"diurnal\", mean = 5, peak_to_mean = 2, period = \"0s\", peak_at = \"1h\" }", "period"),
        ("{ process = \"mmpp\", rates = [0, 0], dwell = [\"1s\", \"1s\"] }", "rates"),
        ("{ process = \"mmpp\", rates = [], dwell = [] }", "rates"),
        ("{ process = \"mmpp\", rates = [1, 2], dwell = [\"1s\"] }", "dwell"),
        ("{ process = \"mmpp\", rates = [1, 2], dwell = [\"1s\", \"0s\"] }", "dwell.1"),
        ("{ process = \"mmpp\", rates = [1, 2], dwell = [\"1s\", \"99ms\"] }", "dwell.1"),
        ("{ process = \"mmpp\", rates = [1, 2], dwell = [\"1s\", \"8761h\"] }", "dwell.1"),
        ("{ process = \"mmpp\", rates = [0, 1e-7], dwell = [\"1s\", \"1s\"] }", "rates.1"),
        ("{ process = \"mmpp\", rates = [1, -2], dwell = [\"1s\", \"1s\"] }", "rates.1"),
    ] {
        let problems = problems_with(SMALLEST, &[&format!("traffic.arrivals={value}")]);
        assert_eq!(problems.problems.len(), 1, "{value}\n{problems}");
        assert_eq!(problems.problems[0].key, format!("traffic.arrivals.{key}"), "{value}");
    }
}

#[test]
fn literal_zero_surge_and_zero_unavailable_are_refused() {
    for strategy in ["rolling", "canary"] {
        let table = format!("[rollout.{strategy}]\nmax_surge = 0\nmax_unavailable = 0");
        let problem = problem_with(&with(&format!("[rollout]\nstrategy = \"rolling\"\n{table}")));
        assert_eq!(problem.key, format!("rollout.{strategy}.max_unavailable"));
        assert_eq!(problem.line, 10);
    }
}

#[test]
fn a_rollout_that_starts_after_the_end_is_refused() {
    check_each(&[
        (
            "[rollout]\nstrategy = \"rolling\"\nstart = \"90m\"",
            "rollout.start",
            "before `study.duration`, which is 1h30m",
        ),
        // The default start is not in so short a study.
        (
            "[rollout]\nstrategy = \"rolling\"\n[study]\nduration = \"10m\"",
            "study.duration",
            "the default `rollout.start`, which is 20m, found 10m",
        ),
    ]);
    read(&with("[rollout]\nstrategy = \"none\"\n[study]\nduration = \"10m\""));
}

#[test]
fn a_request_that_cannot_fit_the_kv_cache_is_refused() {
    let cases = [
        // 1600 tokens are 100 blocks of 16; the last token of an answer takes no cache.
        ("1000", "601", "1600", true),
        ("1000", "602", "1600", false),
        // 1615 tokens are 100 whole blocks.
        ("1000", "602", "1615", false),
        ("1600", "{ distribution = \"exponential\", mean = 100 }", "1600", true),
        ("1601", "{ distribution = \"exponential\", mean = 100 }", "1600", false),
        ("{ distribution = \"exponential\", mean = 10 }", "5", "1600", false),
        ("{ distribution = \"exponential\", mean = 10, max = 1000 }", "5", "1600", true),
    ];
    for (prompt, output, cache, fits) in cases {
        let sets = [
            format!("traffic.prompt_tokens={prompt}"),
            format!("traffic.output_tokens={output}"),
            format!("engine.kv_cache_tokens={cache}"),
        ];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        match read_with(SMALLEST, &sets) {
            Ok(_) => assert!(fits, "{sets:?} should not fit"),
            Err(error) => {
                assert!(!fits, "{sets:?} should fit: {error}");
                let problems = problems_with(SMALLEST, &sets);
                assert_eq!(problems.problems[0].message, "a request may not fit the KV cache");
                assert!(problems.problems[0].expected.contains("1600 tokens"), "{problems}");
            }
        }
    }
}

#[test]
fn wrong_canary_steps_are_refused() {
    let analysis = "[analysis.ttft]\nmetric = \"ttft\"\nmax = \"2s\"\n";
    for (step, key, expected) in [
        ("{ set_weight = 101 }", ".set_weight", "from 0 to 100"),
        ("{ set_weight = 5, pause = \"5m\" }", "", "expected only one of"),
        ("{}", "", "found an empty table"),
        ("{ pause = \"for ever\" }", ".pause", "expected a duration"),
        ("{ pause = 5 }", ".pause", "until_promoted"),
        ("{ set_canary_scale = { replicas = 1, weight = 5 } }", ".set_canary_scale", "expected one of"),
        ("{ set_canary_scale = { match_traffic_weight = false } }", ".set_canary_scale.match_traffic_weight", "true"),
        ("{ analysis = [\"tftt\"] }", ".analysis.0", "found \"tftt\""),
        ("{ analysis = [\"ttft\"] }", ".analysis.0", "expected `count` in [analysis.ttft]"),
        ("{ set_wieght = 5 }", ".set_wieght", "not a key"),
    ] {
        let rollout =
            format!("[rollout]\nstrategy = \"canary\"\n[rollout.canary]\nsteps = [{{ set_weight = 1 }}, {step}]");
        let problem = problem_with(&with(&format!("{analysis}{rollout}")));
        assert_eq!(problem.key, format!("rollout.canary.steps.1{key}"), "{step}");
        assert!(problem.expected.contains(expected), "{step}: {}", problem.expected);
    }
}

#[test]
fn keys_that_need_a_traffic_router_are_refused_without_one() {
    for key in [
        "dynamic_stable_scale = true",
        "scale_down_delay = \"30s\"",
        "min_pods_per_replica_set = 2",
        "steps = [{ set_canary_scale = { replicas = 1 } }]",
    ] {
        let text = with(&format!("[rollout]\nstrategy = \"canary\"\n[rollout.canary]\ntraffic_routing = false\n{key}"));
        assert!(problem_with(&text).message.contains("needs a traffic router"), "{key}");
    }
}

#[test]
fn what_argo_rollouts_refuses_of_a_strategy_is_refused() {
    for (strategy, text, key, expected) in [
        ("canary", "dynamic_stable_scale = true\nscale_down_delay = \"1m\"", "dynamic_stable_scale", "only one of"),
        ("canary", "replica_progress_threshold = \"101%\"", "replica_progress_threshold", "up to \"100%\""),
        ("canary", "rollback_window = -1", "rollback_window", "from 0"),
        ("blue_green", "scale_down_delay_revision_limit = 11", "scale_down_delay_revision_limit", "from 0 to 10"),
    ] {
        let text = format!("[rollout]\nstrategy = \"{strategy}\"\n[rollout.{strategy}]\n{text}");
        let problem = problem_with(&with(&text));
        assert_eq!(problem.key, format!("rollout.{strategy}.{key}"), "{text}");
        assert!(problem.expected.contains(expected), "{text}: {}", problem.expected);
    }
}

#[test]
fn wrong_analyses_are_refused() {
    for (text, key, expected) in [
        ("max = \"2s\"", "metric", "what is measured"),
        ("metric = \"tfft\"\nmax = \"2s\"", "metric", "\"ttft\""),
        ("metric = \"ttft\"", "max", "max_ratio_to_stable"),
        ("metric = \"ttft\"\nmax = \"2s\"\nmax_ratio_to_stable = 1.2", "max_ratio_to_stable", "only one of"),
        ("metric = \"ttft\"\nmax = 2", "max", "a duration"),
        ("metric = \"error_rate\"\nmax = \"2s\"", "max", "from 0 to 1"),
        ("metric = \"error_rate\"\nmax = 0.1\nquantile = 0.9", "quantile", "a rate has no quantile"),
        ("metric = \"ttft\"\nmax = \"2s\"\ninterval = \"0s\"", "interval", "at least 100ms"),
        ("metric = \"ttft\"\nmax = \"2s\"\nno_data = \"sucess\"", "no_data", "\"success\""),
        ("metric = \"ttft\"\nmax = \"2s\"\nestimator = \"promethius\"", "estimator", "\"prometheus\""),
        ("metric = \"ttft\"\nmax = \"2s\"\nscrape_interval = \"15s\"", "scrape_interval", "estimator = \"prometheus\""),
        ("metric = \"ttft\"\nmax = \"2s\"\nfail_above = \"1s\"", "fail_above", "at least the bound"),
        (
            "metric = \"ttft\"\nmax = \"2s\"\nfail_above_ratio_to_stable = 2",
            "fail_above_ratio_to_stable",
            "both bounds",
        ),
        ("metric = \"ttft\"\nmax_ratio_to_stable = 1.2\nfail_above = \"2s\"", "fail_above", "both bounds"),
        ("metric = \"ttft\"\nmax = \"2s\"\nfailure_limit = -2", "failure_limit", "-1 for no limit"),
        ("metric = \"ttft\"\nmax = \"2s\"\nfailure_limit = -1", "failure_limit", "`consecutive_success_limit` above"),
        ("metric = \"ttft\"\nmax = \"2s\"\ncount = 1\nfailure_limit = 2", "count", "at least"),
        (
            "metric = \"ttft\"\nmax = \"2s\"\ncount = 3\nfailure_limit = 1\nconsecutive_success_limit = 3",
            "count",
            "`failure_limit` + `consecutive_success_limit` = 4, found 3",
        ),
        ("metric = \"ttft\"\nmax = \"2s\"\ncount = 1\ninconclusive_limit = 2", "inconclusive_limit", "at most `count`"),
    ] {
        let problem = problem_with(&with(&format!("[analysis.it]\n{text}")));
        assert_eq!(problem.key, format!("analysis.it.{key}"), "{text}");
        assert!(problem.expected.contains(expected), "{text}: {}", problem.expected);
    }
}

#[test]
fn what_a_comparison_with_stable_contradicts_is_refused() {
    for (text, key, expected) in [
        ("estimator = \"mann_whitney\"\nwindow = \"1h\"\nmax = \"2s\"", "max", "it compares with stable"),
        ("estimator = \"mann_whitney\"", "window", "expected 2 to 1000 points in a window of 1m, found 1"),
        ("estimator = \"mann_whitney\"\nwindow = \"10m\"\nmin_samples = 11", "window", "expected 11 to 1000 points"),
        ("estimator = \"mann_whitney\"\nstep = \"10ms\"", "window", "found 6000"),
        ("estimator = \"mann_whitney\"\nwindow = \"1h\"\nconfidence = 98", "confidence", "below 1"),
        ("estimator = \"mann_whitney\"\nwindow = \"1h\"\ntolerance = -0.1", "tolerance", "from 0 to 1"),
        ("max = \"2s\"\ntolerance = 0.1", "tolerance", "estimator = \"mann_whitney\""),
        ("max = \"2s\"\nestimator = \"prometheus\"\nstep = \"5s\"", "step", "estimator = \"mann_whitney\""),
    ] {
        let problem = problem_with(&with(&format!("[analysis.it]\nmetric = \"ttft\"\n{text}")));
        assert_eq!(problem.key, format!("analysis.it.{key}"), "{text}");
        assert!(problem.expected.contains(expected), "{text}: {}", problem.expected);
    }
}

#[test]
fn what_prometheus_could_not_answer_is_refused() {
    for (text, key, expected) in [
        ("metric = \"truncation_rate\"\nmax = 0.1", "estimator", "vLLM has no metric"),
        ("metric = \"ttft\"\nmax = \"2s\"\nwindow = \"29s\"", "window", "at least two scrapes of 15s"),
        ("metric = \"ttft\"\nmax = \"2s\"\nscrape_interval = \"31s\"", "window", "two scrapes of 31s"),
        ("metric = \"ttft\"\nmax = \"2s\"\nscrape_interval = \"0s\"", "scrape_interval", "at least 100ms"),
    ] {
        let problem = problem_with(&with(&format!("[analysis.it]\nestimator = \"prometheus\"\n{text}")));
        assert_eq!(problem.key, format!("analysis.it.{key}"), "{text}");
        assert!(problem.expected.contains(expected), "{text}: {}", problem.expected);
    }
    let table = "metric = \"ttft\"\nmax = \"2s\"\nestimator = \"prometheus\"";
    let two = format!("[analysis.a]\n{table}\n[analysis.b]\n{table}\nscrape_interval = \"30s\"");
    let problem = problem_with(&with(&two));
    assert_eq!(problem.key, "analysis.b.scrape_interval");
    assert!(problem.expected.contains("expected 15s as in [analysis.a]"), "{}", problem.expected);
}

#[test]
fn wrong_engines_are_refused() {
    check_each(&[
        ("[engine]\nchunked_prefill = \"no\"", "engine.chunked_prefill", "expected true or false"),
        ("[engine]\noverhead = 2", "engine.overhead", "expected a duration"),
        ("[engine]\noverhead = \"2h\"", "engine.overhead", "at most 1h"),
        ("[engine]\nspeculative = 4", "engine.speculative", "expected a table"),
        ("[engine]\nspeculative = { tokens = 4 }", "engine.speculative.acceptance", "from 0 to 1"),
        ("[engine]\nspeculative = { tokens = 0, acceptance = 1 }", "engine.speculative.tokens", "from 1 to 32"),
        ("[engine]\nspeculative = { tokens = 1, acceptance = 1.1 }", "engine.speculative.acceptance", "from 0 to 1"),
        ("[engine]\nspeculative = { token = 1, tokens = 1, acceptance = 1 }", "engine.speculative.token", "tokens"),
    ]);
}

#[test]
fn contradictions_between_keys_are_refused() {
    check_each(&[
        ("[fleet]\nreplicas = 4\ngpus_per_replica = 2\ngpu_limit = 7", "fleet.gpu_limit", "8 GPUs, found 7"),
        ("[engine]\nkv_cache_tokens = 900\nblock_size = 1000", "engine.kv_cache_tokens", "one block of 1000"),
        ("[rollout]\nstart = \"1m\"", "rollout.strategy", "missing key"),
        ("[rollout]\nstrategy = \"rollin\"", "rollout.strategy", "did you mean `rolling`?"),
        (
            "[rollout]\nstrategy = \"none\"\n[rollout.rolling]\npod_replacement_policy = \"TerminationComplete\"",
            "rollout.rolling.pod_replacement_policy",
            "\"termination_complete\"",
        ),
    ]);
}

#[test]
fn keys_of_the_other_canary_and_weights_that_contradict_each_other_are_refused() {
    let canary = |keys: &str| format!("[rollout]\nstrategy = \"canary\"\n[rollout.canary]\n{keys}");
    let flagger = |keys: &str| canary(&format!("controller = \"flagger\"\n{keys}"));
    let stepping = |keys: &str| flagger(&format!("step_weight = 5\n{keys}"));
    for (text, key, expected) in [
        (stepping("steps = [{ set_weight = 5 }]"), "steps", "is a key of Argo Rollouts' canary"),
        (stepping("dynamic_stable_scale = false"), "dynamic_stable_scale", "which does not have it"),
        (canary("threshold = 5"), "threshold", "is a key of Flagger's canary"),
        (canary("controller = \"argo\"\nstep_weight = 5"), "step_weight", "beside `controller = \"flagger\"` only"),
        (canary("controller = \"fluxcd\""), "controller", "expected one of \"argo\", \"flagger\""),
        (flagger("threshold = 5"), "step_weight", "Flagger never moves a request"),
        (stepping("step_weights = [1, 5]"), "step_weights", "only one of"),
        (flagger("step_weights = [1, 5]\nmax_weight = 5"), "max_weight", "the last of them is the highest"),
        (flagger("step_weights = [5, 5]"), "step_weights", "ascending percentages"),
        (flagger("step_weights = []"), "step_weights", "ascending percentages"),
        (flagger("step_weights = [5, 101]"), "step_weights.1", "a whole number from 1 to 100"),
        (stepping("max_weight = 0"), "max_weight", "a whole number from 1 to 100"),
        (stepping("interval = \"9s\""), "interval", "a duration from 10s"),
        (stepping("threshold = 0"), "threshold", "a whole number from 1"),
        (stepping("analysis = [\"ttft\"]"), "analysis.0", "no table [analysis.ttft]"),
        (stepping("step = 5"), "step", "did you mean `step_weight`?"),
    ] {
        check_each(&[(&text, &format!("rollout.canary.{key}"), expected)]);
    }
}

#[test]
fn the_format_that_is_not_supported_yet_is_told_from_unknown_keys() {
    for text in [
        "[router]\npolicy = \"session_affinity\"",
        "[rollout]\nstrategy = \"none\"\n[rollout.canary]\ncontroller = \"flagger\"\nstep_weight = 5\niterations = 3",
    ] {
        let problem = problem_with(&with(text));
        assert!(problem.message.ends_with("is not supported yet"), "{text}: {}", problem.message);
    }
}

#[test]
fn an_empty_file_is_not_a_scenario() {
    for text in ["", " \n\n", "\u{feff}"] {
        let problem = problem_with(text);
        assert_eq!(problem.message, "this is not a scenario");
        assert!(problem.expected.contains("found an empty file"));
    }
}

#[test]
fn a_scenario_without_traffic_says_what_is_missing() {
    assert_eq!(problem_with("# nothing here").message, "missing key `traffic`");
    let keys: Vec<String> = problems_with("[traffic]", &[]).problems.into_iter().map(|it| it.key).collect();
    assert_eq!(keys, ["traffic.arrivals", "traffic.prompt_tokens", "traffic.output_tokens"]);
}

#[test]
fn text_that_is_no_toml_gives_every_line_that_is_wrong() {
    let problems = problems_with("[study\nruns = = 3\nseed = 1\n", &[]);
    assert!(problems.problems.iter().all(|problem| problem.message == "this is not TOML"));
    assert!(problems.problems.iter().any(|problem| problem.line == 1), "{problems}");
    assert!(problems.problems.iter().any(|problem| problem.line == 2), "{problems}");
}

#[test]
fn one_bracket_that_is_not_closed_is_one_problem_on_its_line() {
    let text = "[study]\nruns = 3\n[traffic]\noutput_tokens = { distribution = \"lognormal\", median = 2, p99 = 9\n\
                [clients]\ntimeout = \"1m\"\n[fleet]\nreplicas = 3\ngpu_hour_usd = 2\n";
    for (wrong, column) in [(text.to_owned(), 1), (text.replace("output_tokens = {", "  output_tokens = [{"), 3)] {
        let problems = problems_with(&wrong, &[]);
        let found: Vec<_> = problems.problems.iter().map(|it| (it.line, it.column, it.expected.as_str())).collect();
        assert_eq!(found, [(4, column, "a bracket, a brace or a quote that opens here is not closed")], "{problems}");
    }
    // What is wrong elsewhere is told beside it.
    let problems = problems_with(&text.replace("replicas", "replicaz"), &[]);
    assert_eq!(problems.problems.iter().map(|it| it.line).collect::<Vec<_>>(), [4, 8], "{problems}");
}

#[test]
fn a_result_in_the_place_of_a_scenario_is_said_to_be_one() {
    let problem = problem_with("{\n  \"schema_version\": 1\n}\n");
    assert!(problem.expected.contains("this is JSON"), "{problem:?}");
}

#[test]
fn a_key_that_is_given_twice_is_refused() {
    assert_eq!(problem_with(&with("[study]\nruns = 3\nruns = 4")).line, 8);
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_file() {
    let text = with("[study]\nrun = 3\nseed = -1\n[fleet]\nreplicas = \"8\"\ngpu_hour_usd = nan");
    let text = text.replace("mean = 250", "mean = 0").replace("prompt_tokens = 800", "prompt_tokens = 1e6");
    let lines: Vec<usize> = problems_with(&text, &[]).problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [4, 5, 7, 8, 10, 11]);
}

#[test]
fn problems_are_rendered_with_file_line_caret_and_help() {
    let text = with("[rollout]\nstrategy = \"rolling\"\n[rollout.rolling]\nmax_unavailabel = 1\nmax_surge = \"25\"");
    insta::assert_snapshot!(problems_with(&text, &[]).to_string(), @r#"
    error[E0003]: unknown key `max_unavailabel` in `rollout.rolling`
     --> scenario.toml:9:1
      |
    9 | max_unavailabel = 1
      | ^^^^^^^^^^^^^^^ not a key of `rollout.rolling`
      |
      = help: did you mean `max_unavailable`?

    error[E0007]: wrong value for `rollout.rolling.max_surge`
      --> scenario.toml:10:13
       |
    10 | max_surge = "25"
       |             ^^^^ expected a whole number of replicas from 0 to 10000, or a percentage such as "25%", found "25"
       |
       = help: write 25 or "25%"

    2 problems; nothing was simulated
    for more about any of E0003, E0007: cutover explain CODE
    "#);
}
