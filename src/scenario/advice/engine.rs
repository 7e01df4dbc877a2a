//! Engines: prompts that do not fit a step, and profiles that are estimates or used for what they were not measured on.

use crate::digits::counted;
use crate::profiles::{Kind, Profile};
use crate::scenario::{Code, Engine, Problem, Scenario, Traffic, WeightLoad};

/// vLLM V0 refuses to start where a whole prompt might not fit a step.
pub fn prompts_beyond_the_budget(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    let (engine, budget) = (&scenario.engine, scenario.engine.max_num_batched_tokens);
    if engine.chunked_prefill {
        return;
    }
    let longest = match &scenario.traffic {
        Traffic::Synthetic { prompt_tokens, .. } => prompt_tokens.greatest().ceil(),
        Traffic::Trace { trace, .. } => {
            let mut longest = 0;
            trace.for_each(|request| longest = longest.max(request.prompt_tokens));
            f64::from(longest)
        }
    };
    if longest > f64::from(budget) {
        let message =
            format!("without chunked prefill a prompt is read whole, and prompts have up to {longest} tokens");
        let label = format!(
            "those longer than engine.max_num_batched_tokens ({budget}) are read alone; vLLM V0 would not start"
        );
        let key = "engine.max_num_batched_tokens";
        let warning = scenario.written.problem(Code::PROMPT_BEYOND_BUDGET, key, message, label);
        warnings.push(warning.help(format!("{key} = {longest}, or a smaller `max` of the prompts")));
    }
}

/// Whether the profile is an estimate, or used for another number of GPUs.
pub fn profile(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const KEY: &str = "engine.profile";
    let Some(profile) = scenario.engine.profile else { return };
    if profile.kind == Kind::Scaled {
        let message = format!("engine.profile {} is an estimate, not a measurement", profile.name);
        let label = format!("as its source notes it: {}", profile.provenance);
        warnings.push(scenario.written.problem(Code::ESTIMATED_PROFILE, KEY, message, label));
    }
    let (gpus, written) = (scenario.fleet.gpus_per_replica, &scenario.written);
    let masked = masked(scenario, profile);
    if !masked.is_empty() {
        let message = format!("what the scenario writes wins over engine.profile {}", profile.name);
        let label = format!("without {} its own would hold", masked.join(", "));
        let mut warning = written.problem(Code::MASKED_PROFILE, KEY, message, label);
        masked.iter().for_each(|key| written.beside(&mut warning, key, "written here"));
        warnings.push(warning);
    } else if gpus != profile.gpus {
        let message =
            format!("fleet.gpus_per_replica is {gpus}, and engine.profile {} is for another number", profile.name);
        let label = format!("its step times are those of {}", counted(f64::from(profile.gpus), "GPU"));
        let warning = written.problem(Code::OTHER_GPUS, "fleet.gpus_per_replica", message, label);
        warnings.push(warning.help(format!("leave it out for the profile's own, {}", profile.gpus)));
    }
    if scenario.engine.speculative.is_some() && scenario.engine.overhead == profile.overhead {
        let message = format!("engine.profile {} was measured without engine.speculative", profile.name);
        let label = "each accepted token comes free";
        let warning = written.problem(Code::FREE_DRAFTS, "engine.speculative", message, label);
        warnings.push(warning.help("add the time that drafting and verifying take to engine.overhead"));
    }
}

/// Keys that leave nothing or another model of the profile, if it is used for other step times or weights than its own.
fn masked(scenario: &Scenario, profile: &'static Profile) -> Vec<&'static str> {
    let (engine, of_profile) = (&scenario.engine, Engine::of_profile(profile));
    let other_weights = matches!(&scenario.cold_start.weight_load, WeightLoad::Bandwidth { gigabytes, .. }
        if *gigabytes != profile.model.gigabytes());
    let differing = [
        ("engine.step_time", engine.step_time != of_profile.step_time),
        ("cold_start.weight_load.gigabytes", other_weights),
        ("engine.kv_cache_tokens", engine.kv_cache_tokens != of_profile.kv_cache_tokens),
        ("engine.block_size", engine.block_size != of_profile.block_size),
        ("fleet.gpus_per_replica", scenario.fleet.gpus_per_replica != profile.gpus),
    ];
    if !differing[..2].iter().any(|(_, differs)| *differs) {
        return Vec::new();
    }
    differing.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
