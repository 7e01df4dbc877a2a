//! What levers set, derived from scenarios in text and from those that ship.

use std::path::Path;

use super::*;
use crate::profiles::by_name;
use crate::scenario::{Scenario, WeightLoad, parse};

const TRAFFIC: &str = r#"
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = 250
"#;

const PROFILED: &str = r#"
[fleet]
replicas = 6
gpu_limit = 28
gpu_hour_usd = 3.5
surge_gpu_hour_usd = 7.0
[engine]
profile = "h200-llama-3.1-70b-tp4-vllm"
[cold_start]
image_pull = "60s"
[termination]
on_sigterm = "abort"
pre_stop = "4m"
[rollout]
strategy = "rolling"
"#;

fn load(text: &str, sets: &[String]) -> Result<Scenario, String> {
    let text = format!("{TRAFFIC}{text}");
    parse(&text, "levers.toml", Path::new(""), sets, &[]).map_err(|error| error.to_string())
}

fn scenario(text: &str) -> Scenario {
    load(text, &[]).expect("the sample is sound")
}

fn lever(name: &str, scenario: &Scenario, options: &Options) -> Lever {
    let levers = catalogue(scenario, options);
    levers.into_iter().find(|lever| lever.name == name).unwrap_or_else(|| panic!("no lever {name}"))
}

/// What a lever sets, or why it does not.
fn settings(name: &str, text: &str, options: &Options) -> Result<Vec<String>, String> {
    let scenario = scenario(text);
    lever(name, &scenario, options).settings(&scenario, options)
}

#[test]
fn every_lever_of_every_scenario_that_ships_is_a_scenario_or_says_why_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let options = Options { memory_bandwidth: Some(3350.0), weight_bits: Some(8), ..Options::default() };
    let metrics: Vec<&str> = crate::ledger::METRICS.iter().map(|metric| metric.name()).collect();
    let mut turned = 0;
    for entry in std::fs::read_dir(folder).expect("the folder ships").flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let load =
            |sets: &[String]| crate::scenario::load(&entry.path(), sets, &metrics).map_err(|error| error.to_string());
        let base = load(&[]).expect("it ships");
        for lever in catalogue(&base, &options) {
            let name = lever.name.clone();
            match lever.settings(&base, &options) {
                Ok(settings) => {
                    assert!(!settings.is_empty(), "{name}");
                    load(&settings).unwrap_or_else(|error| panic!("{}: {name}: {error}", entry.path().display()));
                    turned += 1;
                }
                Err(reason) => assert!(!reason.ends_with('.') && reason.len() > 10, "{name}: {reason}"),
            }
        }
    }
    assert!(turned > 100, "{turned}");
}

#[test]
fn another_profile_brings_its_gpus_price_weights_and_as_much_room() {
    let options = Options { gpu_prices: vec![("h100".to_owned(), 2.0)], ..Options::default() };
    let found = settings("h100-8-bit-on-2-gpus", PROFILED, &options).unwrap();
    let expected = [
        "engine.profile=\"h100-llama-3.1-70b-fp8-tp2-vllm\"",
        "fleet.gpus_per_replica=2",
        "fleet.gpu_hour_usd=2",
        "fleet.surge_gpu_hour_usd=4",
        "fleet.gpu_limit=14",
        "cold_start.weight_load.gigabytes=72.656371712",
    ];
    assert_eq!(found, expected);
    // Without a price of the user's own, the list's.
    let listed = settings("a100", PROFILED, &Options::default()).unwrap();
    assert!(listed.contains(&"fleet.gpu_hour_usd=1.29".to_owned()), "{listed:?}");
    let own = format!("{PROFILED}[engine.step_time]\nbase = \"9ms\"\n");
    assert!(
        settings("a100", &own, &Options::default()).unwrap_err().contains("engine.step_time is the scenario's own")
    );
}

#[test]
fn bits_are_derived_from_the_engine_that_they_are_turned_on_top_of() {
    let (base, options) = (scenario(PROFILED), Options::default());
    let loader = |sets: &[String]| load(PROFILED, sets);
    let gpu = Candidate::new(lever("h100", &base, &options), (&base, &[]), &options, &loader).unwrap();
    let four = lever("4-bit-weights", &base, &options);
    let both = Candidate::new(four, (&gpu.scenario, &gpu.settings), &options, &loader).unwrap();
    let profile = by_name("h100-llama-3.1-70b-tp4-vllm").unwrap();
    assert_eq!(both.scenario.engine.profile.unwrap().name, profile.name);
    // H100: (141.107 - 2.101) GB / (4 x 3350 GB/s) = 10.3736 ms read; in 4 bits (38.429 - 2.101) / 13400 = 2.7111 ms.
    let saved = profile.step_time.base - both.scenario.engine.step_time.base;
    assert!((saved / 1e6 - (10.373_6 - 2.711_1)).abs() < 1e-3, "{saved}");
    // 102.678 GB freed, at 327,680 bytes a token.
    let more = both.scenario.engine.kv_cache_tokens - profile.kv_cache_tokens;
    assert!((more as f64 - 102.678_6e9 / 327_680.0).abs() < 32.0, "{more}");
    let WeightLoad::Bandwidth { gigabytes, .. } = both.scenario.cold_start.weight_load else { panic!("a bandwidth") };
    assert!((gigabytes - 38.429).abs() < 1e-3);
}

#[test]
fn without_a_profile_what_is_missing_is_named_and_the_rest_of_the_step_is_kept() {
    let loads = "[cold_start]\nweight_load = { gigabytes = 16, gigabytes_per_second = 1 }\n";
    let refused = |text: &str, options: &Options| settings("4-bit-weights", text, options).unwrap_err();
    assert!(refused("", &Options::default()).contains("--weights-gb"));
    assert!(refused(loads, &Options::default()).contains("--memory-bandwidth"));
    let options = Options { memory_bandwidth: Some(4000.0), ..Options::default() };
    // 16 GB over 4,000 GB/s are 4 ms of the format's default 8 ms; a quarter of them is left.
    let found = settings("4-bit-weights", loads, &options).unwrap();
    let quantised = load(loads, &found).unwrap().engine;
    let default = crate::scenario::Engine::default();
    assert_eq!(quantised.step_time, crate::scenario::StepTime { base: 5e6, ..default.step_time.clone() });
    assert_eq!(quantised.kv_cache_tokens, default.kv_cache_tokens);
    let options = Options { kv_bytes_per_token: Some(120_000.0), ..options };
    let found = settings("4-bit-weights", loads, &options).unwrap();
    // 12 GB freed hold 100,000 tokens.
    assert_eq!(load(loads, &found).unwrap().engine.kv_cache_tokens, 500_000);
}

#[test]
fn speculation_pays_for_drafting_and_for_every_token_that_it_verifies() {
    let step = "[engine]\nstep_time = { base = \"10ms\", per_sequence = \"50us\", per_kv_token = \"20ns\" }\n";
    let found = load(step, &settings("speculation", step, &Options::default()).unwrap()).unwrap().engine;
    let times = &found.step_time;
    // Four drafts at 4 % of the base each; five tokens of a sequence verified; its context read once.
    assert_eq!((times.base, times.per_sequence, times.per_kv_token), (11.6e6, 250e3, 20.0));
    assert_eq!(found.speculative.unwrap().tokens, 4);
    let table = "[engine]\nstep_time = { base_table = [[1, \"10ms\"], [64, \"13ms\"]] }\n";
    let found = load(table, &settings("speculation", table, &Options::default()).unwrap()).unwrap().engine;
    assert_eq!(found.step_time.base_table, [(1, 11.6e6), (64, 26.6e6)]);
    let already = "[engine]\nspeculative = { tokens = 2, acceptance = 0.5 }\n";
    assert!(settings("speculation", already, &Options::default()).unwrap_err().contains("already"));
}

#[test]
fn levers_that_make_no_sense_are_told_why() {
    let refused = |name: &str, text: &str| settings(name, text, &Options::default()).unwrap_err();
    assert!(refused("longer-grace", "").contains("neither a rollout nor an [[action]]"));
    assert!(refused("fast-cold-start", "").contains("neither a rollout nor an [[action]]"));
    assert!(refused("least-requests", "").contains("already"));
    assert!(refused("one-fewer", "[fleet]\nreplicas = 1\n").contains("one replica"));
    assert!(refused("quarter-fewer", "[fleet]\nreplicas = 7\n").contains("not more than one"));
    assert!(refused("another-gpu", "").contains("engine.profile"));
    let sized = "[[action]]\nat = \"1m\"\ndo = \"set_replicas\"\nreplicas = 9\n";
    assert!(refused("one-fewer", sized).contains("sets the number of replicas"));
}

/// A server that drops what it has needs more than a longer grace period, and a hook that waited for it is not needed then.
#[test]
fn a_longer_grace_lets_the_server_drain() {
    let found = settings("longer-grace", PROFILED, &Options::default()).unwrap();
    let expected =
        ["termination.grace_period=\"10m\"", "termination.on_sigterm=\"drain\"", "termination.pre_stop=\"5s\""];
    assert_eq!(found, expected);
}

#[test]
fn a_written_saturated_rate_follows_the_engine() {
    let text = "[engine]\nsaturated_tokens_per_second = 1000\nmax_num_seqs = 16\nstep_time = { base = \"10ms\" }\n";
    let (base, options) = (scenario(text), Options::default());
    let half = Lever {
        name: "half".to_owned(),
        sentence: String::new(),
        turn: Turn::Own(vec!["engine.step_time.base=5ms".to_owned()]),
    };
    let candidate = Candidate::new(half, (&base, &[]), &options, &|sets: &[String]| load(text, sets)).unwrap();
    let rate = candidate.scenario.engine.saturated_tokens_per_second.unwrap();
    assert!((rate - 2_000.0).abs() < 1e-6, "{rate}");
}
