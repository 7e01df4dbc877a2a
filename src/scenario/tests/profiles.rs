//! Hardware profiles in a scenario: what they give, what wins over them, and what is said about a wrong one.

use super::*;
use crate::profiles::{WEIGHT_LOAD_BANDWIDTH, by_name};
use crate::scenario::{Engine, WeightLoad};

const NAME: &str = "h100-llama-3.1-70b-tp4-vllm";

/// The smallest scenario with this profile, and more under `[engine]` and after it.
fn profiled(more: &str) -> String {
    with(&format!("[engine]\nprofile = \"{NAME}\"\n{more}"))
}

fn bits(value: f64) -> u64 {
    value.to_bits()
}

/// What an engine is, but for who gave it.
fn settings(engine: &Engine) -> String {
    format!("{:?}", Engine { profile: None, ..engine.clone() })
}

#[test]
fn a_profile_alone_gives_steps_cache_and_overhead() {
    let engine = read(&profiled("")).engine;
    let profile = by_name(NAME).expect("it ships");
    assert_eq!(engine.profile.map(|it| it.name.as_str()), Some(NAME));
    assert_eq!((engine.kv_cache_tokens, engine.block_size), (profile.kv_cache_tokens, profile.block_size));
    assert_eq!((bits(engine.overhead), bits(engine.step_time.base)), (bits(2e6), bits(15.1774e6)));
    assert_eq!(bits(engine.step_time.per_prefill_token_context), bits(profile.step_time.per_prefill_token_context));
    let default = Engine::default();
    assert_eq!(engine.max_num_seqs, default.max_num_seqs, "what a profile says nothing of is the format's default");
}

#[test]
fn written_keys_win_over_the_profiles() {
    let engine =
        read(&profiled("kv_cache_tokens = 200000\nblock_size = 32\noverhead = \"0ms\"\nmax_num_seqs = 64")).engine;
    assert_eq!((engine.kv_cache_tokens, engine.block_size, engine.max_num_seqs), (200_000, 32, 64));
    assert_eq!((bits(engine.overhead), bits(engine.step_time.base)), (bits(0.0), bits(15.1774e6)));
}

#[test]
fn a_written_step_time_wins_key_by_key() {
    let of = |more: &str| read(&profiled(more)).engine.step_time;
    let profile = by_name(NAME).expect("it ships").step_time;
    let step = of("step_time = { base = \"9ms\" }");
    assert_eq!((bits(step.base), bits(step.per_sequence)), (bits(9e6), bits(profile.per_sequence)));
    assert_eq!(bits(step.per_prefill_token_squared), bits(profile.per_prefill_token_squared));
    let step = of("step_time = { per_kv_token = \"1ns\" }");
    assert_eq!((bits(step.base), bits(step.per_kv_token)), (bits(profile.base), bits(1.0)));
    let step = of("step_time = { base_table = [[1, \"8ms\"], [64, \"11ms\"]] }");
    assert_eq!((step.base_table.len(), bits(step.base), bits(step.per_sequence)), (2, bits(0.0), bits(0.0)));
    assert_eq!(bits(step.per_kv_token), bits(profile.per_kv_token));
}

#[test]
fn gpus_and_weights_follow_from_the_profile_unless_written() {
    let scenario = read(&profiled(""));
    assert_eq!(scenario.fleet.gpus_per_replica, 4);
    let WeightLoad::Bandwidth { gigabytes, gigabytes_per_second, shared_gigabytes_per_second, .. } =
        scenario.cold_start.weight_load
    else {
        panic!("expected a bandwidth")
    };
    assert_eq!((bits(gigabytes), shared_gigabytes_per_second), (bits(141.107412992), None));
    assert_eq!(gigabytes_per_second.as_constant(), Some(WEIGHT_LOAD_BANDWIDTH));
    let written = read(&profiled("[fleet]\ngpus_per_replica = 8\n[cold_start]\nweight_load = \"90s\""));
    assert_eq!(written.fleet.gpus_per_replica, 8);
    let WeightLoad::Stage(stage) = written.cold_start.weight_load else { panic!("expected a stage") };
    assert_eq!(stage.seconds.as_constant(), Some(90.0));
}

#[test]
fn a_written_weight_load_may_leave_out_what_the_profile_knows() {
    let load = |text: &str| match read(&profiled(&format!("[cold_start]\nweight_load = {text}"))).cold_start.weight_load
    {
        WeightLoad::Bandwidth { gigabytes, gigabytes_per_second, shared_gigabytes_per_second, .. } => {
            (gigabytes, gigabytes_per_second.as_constant(), shared_gigabytes_per_second)
        }
        WeightLoad::Stage(_) => panic!("{text} is no stage"),
    };
    assert_eq!(load("{ gigabytes_per_second = 5.5 }"), (141.107412992, Some(5.5), None));
    assert_eq!(load("{ shared_gigabytes_per_second = 4 }"), (141.107412992, Some(WEIGHT_LOAD_BANDWIDTH), Some(4.0)));
    assert_eq!(load("{ gigabytes = 70, gigabytes_per_second = 1 }"), (70.0, Some(1.0), None));
}

#[test]
fn without_a_profile_everything_is_as_it_was() {
    let scenario = read(&with("[cold_start]\nengine_start = \"20s\""));
    assert_eq!((settings(&scenario.engine), scenario.engine.profile.is_none()), (settings(&Engine::default()), true));
    assert_eq!(scenario.fleet.gpus_per_replica, 1);
    assert!(matches!(scenario.cold_start.weight_load, WeightLoad::Stage(_)));
    let problem = problem_with(&with("[cold_start]\nweight_load = { gigabytes_per_second = 1 }"));
    assert_eq!(problem.message, "missing key `cold_start.weight_load.gigabytes`");
}

#[test]
fn an_unknown_profile_is_refused_with_the_nearest_names_and_nothing_else_is_said() {
    let text = with(
        "[engine]\nprofile = \"h100-llama-3-8b\"\nstep_time = { per_sequence = \"1us\" }\n\
         [cold_start]\nweight_load = { gigabytes_per_second = 1 }",
    );
    insta::assert_snapshot!(problems_with(&text, &[]).to_string(), @r#"
    error[E0403]: wrong value for `engine.profile`
     --> scenario.toml:7:11
      |
    7 | profile = "h100-llama-3-8b"
      |           ^^^^^^^^^^^^^^^^^ expected the name of a hardware profile, found "h100-llama-3-8b"
      |
      = help: did you mean `h100-llama-3.1-8b-vllm`, `h100-llama-3.1-8b-sglang` or `h100-llama-3.1-8b-trtllm`? `cutover profiles` lists all

    1 problem; nothing was simulated
    for more about this: cutover explain E0403
    "#);
    let ambiguous = problem_with(&with("[engine]\nprofile = \"h100-llama-3.1-8b\""));
    assert!(ambiguous.help.is_some_and(|help| help.contains("`h100-llama-3.1-8b-vllm`; write one of them")));
    for wrong in ["7", "\"\"", "[]", "{}"] {
        let problem = problem_with(&with(&format!("[engine]\nprofile = {wrong}")));
        assert!(problem.expected.contains("the name of a hardware profile"), "{wrong}: {}", problem.expected);
    }
}

#[test]
fn a_name_cut_short_is_the_same_engine_and_another_profile_another_hash() {
    let of = |name: &str| read(&with(&format!("[engine]\nprofile = \"{name}\"")));
    assert_eq!(settings(&of("b200-qwen3-32b").engine), settings(&of("b200-qwen3-32b-vllm").engine));
    assert_ne!(of("b200-qwen3-32b-vllm").hash, of("b200-llama-3.1-8b-vllm").hash);
    assert_eq!(of("b200-qwen3-32b-vllm").hash, of("b200-qwen3-32b-vllm").hash);
}

#[test]
fn estimates_and_another_number_of_gpus_are_pointed_out() {
    let warnings = |text: &str| read(&with(text)).warning_messages();
    let scaled = warnings("[engine]\nprofile = \"h100-codellama-34b-tp2-vidur\"");
    assert!(
        matches!(&scaled[..], [only] if only.contains("is an estimate, not a measurement: as its source notes it: a100 REAL")),
        "{scaled:?}"
    );
    let gpus = warnings("[engine]\nprofile = \"b200-qwen3-32b-vllm\"\n[fleet]\ngpus_per_replica = 2");
    assert!(matches!(&gpus[..], [only] if only.ends_with("are those of 1 GPU")), "{gpus:?}");
    assert_eq!(warnings(&format!("[engine]\nprofile = \"{NAME}\"")), Vec::<String>::new());
}

#[test]
fn what_masks_a_profile_is_pointed_out() {
    let warnings = |text: &str| read(&with(text)).warning_messages();
    let masked = warnings(
        "[engine]\nprofile = \"b200-qwen3-32b-vllm\"\nstep_time = { base = \"8ms\" }\nkv_cache_tokens = 900000\n\
         [fleet]\ngpus_per_replica = 2",
    );
    let expected = "what the scenario writes wins over engine.profile b200-qwen3-32b-vllm: without engine.step_time, \
                    engine.kv_cache_tokens, fleet.gpus_per_replica its own would hold";
    assert_eq!(masked, [expected]);
    let weights = warnings(&format!(
        "[engine]\nprofile = \"{NAME}\"\n[cold_start]\nweight_load = {{ gigabytes = 1, gigabytes_per_second = 1 }}"
    ));
    assert!(matches!(&weights[..], [only] if only.contains("without cold_start.weight_load.gigabytes")), "{weights:?}");
    let measured_capacity = format!("[engine]\nprofile = \"{NAME}\"\nkv_cache_tokens = 300000");
    assert_eq!(warnings(&measured_capacity), Vec::<String>::new());
}

#[test]
fn a_profile_knows_no_drafts() {
    let warnings = |text: &str| read(&with(text)).warning_messages();
    let drafts = format!("[engine]\nprofile = \"{NAME}\"\nspeculative = {{ tokens = 4, acceptance = 0.7 }}");
    let warned = warnings(&drafts);
    assert!(matches!(&warned[..], [only] if only.contains("each accepted token comes free")), "{warned:?}");
    assert_eq!(warnings(&format!("{drafts}\noverhead = \"5ms\"")), Vec::<String>::new());
}

#[test]
fn a_table_for_the_weights_need_say_neither_their_size_nor_the_bandwidth() {
    let load = |text: &str| read(&with(text)).cold_start.weight_load;
    let profiled = format!("[engine]\nprofile = \"{NAME}\"\n[cold_start]\n");
    let WeightLoad::Bandwidth { gigabytes, skip_probability, .. } =
        load(&format!("{profiled}weight_load = {{ skip_probability = 0.5 }}"))
    else {
        panic!("expected a bandwidth")
    };
    assert_eq!((bits(gigabytes), skip_probability), (bits(by_name(NAME).expect("it ships").model.gigabytes()), 0.5));
    let seconds = load(&format!("{profiled}weight_load = {{ distribution = \"exponential\", mean = \"30s\" }}"));
    assert!(matches!(seconds, WeightLoad::Stage(_)), "{seconds:?}");
}
