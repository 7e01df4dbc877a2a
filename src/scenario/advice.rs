//! Things that are legal and unwise: what a person who knows the real controllers would point out.

use super::{
    CanarySettings, DeploymentSettings, Engine, Fleet, Replay, Scenario, Strategy, Stretch, Traffic, WeightLoad,
};
use crate::digits::counted;
use crate::profiles::{Kind, Profile};
use crate::units::{CountOrPercent, Duration};

/// Everything that is unwise about a checked scenario, in sentences.
pub(super) fn warnings(scenario: &Scenario) -> Vec<String> {
    let mut warnings = Vec::new();
    recording_ends(scenario, &mut warnings);
    prompts_beyond_the_budget(scenario, &mut warnings);
    profile(scenario, &mut warnings);
    match &scenario.rollout.strategy {
        Strategy::None => return warnings,
        Strategy::Recreate(settings) => {
            deadline(settings.min_ready, settings.progress_deadline, "recreate", &mut warnings)
        }
        Strategy::Rolling(settings) => rolling(settings, &scenario.fleet, &mut warnings),
        Strategy::BlueGreen(settings) => {
            deadline(settings.min_ready, settings.progress_deadline, "blue_green", &mut warnings);
            blue_green(&scenario.fleet, &mut warnings);
        }
        Strategy::Canary(settings) => canary(settings, &scenario.fleet, &mut warnings),
    }
    termination(scenario, &mut warnings);
    warnings
}

/// Whether a recording that is not repeated lasts as long as a run.
fn recording_ends(scenario: &Scenario, warnings: &mut Vec<String>) {
    let Traffic::Trace { trace, replay: replay @ Replay { wraps: false, .. }, .. } = &scenario.traffic else { return };
    let begins = match replay.stretch {
        Stretch::From(offset) => offset.seconds(),
        Stretch::FromAnyRow | Stretch::Blocks(_) => 0.0,
    };
    let study = &scenario.study;
    let needed = (study.warm_up + study.duration).seconds() * replay.speed;
    let left = trace.recorded() as f64 / 1e9 - begins;
    if left < needed {
        warnings.push(format!(
            "with trace_loop = false requests end after {} of a run, which lasts {} (warm-up and window)",
            Duration::from_seconds_f64((left / replay.speed).floor()),
            study.warm_up + study.duration,
        ));
    }
}

/// vLLM V0 refuses to start where a whole prompt might not fit a step.
fn prompts_beyond_the_budget(scenario: &Scenario, warnings: &mut Vec<String>) {
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
        warnings.push(format!(
            "without chunked prefill a prompt is read whole, and prompts have up to {longest} tokens: those longer than \
             engine.max_num_batched_tokens ({budget}) are read alone here; vLLM V0 would not start"
        ));
    }
}

/// Whether the profile is an estimate, or used for another number of GPUs.
fn profile(scenario: &Scenario, warnings: &mut Vec<String>) {
    let Some(profile) = scenario.engine.profile else { return };
    if profile.kind == Kind::Scaled {
        warnings
            .push(format!("engine.profile {} is an estimate, not a measurement: {}", profile.name, profile.provenance));
    }
    let gpus = scenario.fleet.gpus_per_replica;
    let masked = masked(scenario, profile);
    if !masked.is_empty() {
        warnings.push(format!(
            "what the scenario writes wins over engine.profile {}: without {} its own would hold",
            profile.name,
            masked.join(", ")
        ));
    } else if gpus != profile.gpus {
        warnings.push(format!(
            "fleet.gpus_per_replica is {gpus}; the step times of engine.profile {} are those of {}",
            profile.name,
            counted(f64::from(profile.gpus), "GPU")
        ));
    }
    if scenario.engine.speculative.is_some() && scenario.engine.overhead == profile.overhead {
        warnings.push(format!(
            "engine.profile {} was measured without engine.speculative: add the time that drafting and verifying take to \
             engine.overhead, or each accepted token comes free",
            profile.name
        ));
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

fn termination(scenario: &Scenario, warnings: &mut Vec<String>) {
    let termination = &scenario.termination;
    if termination.grace_period <= termination.pre_stop {
        warnings.push(format!(
            "termination.grace_period ({}) is no longer than pre_stop ({}): the hook is cut, and only 2 s remain for answers",
            termination.grace_period, termination.pre_stop
        ));
    }
    if termination.endpoint_lag > termination.pre_stop {
        warnings.push(format!(
            "termination.endpoint_lag ({}) exceeds pre_stop ({}): requests routed after SIGTERM and before the lag is \
             over are refused",
            termination.endpoint_lag, termination.pre_stop
        ));
    }
}

/// Kubernetes and Argo Rollouts both refuse such a deadline.
fn deadline(min_ready: Duration, progress_deadline: Duration, strategy: &str, warnings: &mut Vec<String>) {
    if progress_deadline <= min_ready {
        warnings.push(format!(
            "rollout.{strategy}.progress_deadline ({progress_deadline}) is no longer than min_ready ({min_ready}): the \
             real controller refuses such a manifest"
        ));
    }
}

/// Replicas beyond and below the desired ones, as the controllers resolve them; 0/0 becomes 1 unavailable.
fn resolve(
    surge: CountOrPercent,
    unavailable: CountOrPercent,
    key: &str,
    fleet: &Fleet,
    warnings: &mut Vec<String>,
) -> (u32, u32) {
    let desired = fleet.replicas;
    match (surge.round_up(desired), unavailable.round_down(desired)) {
        (0, 0) => {
            warnings.push(format!(
                "rollout.{key}: max_surge {surge} and max_unavailable {unavailable} of {desired} replicas are both zero \
                 after rounding; the controller takes max_unavailable as 1"
            ));
            (0, 1)
        }
        resolved => resolved,
    }
}

fn rolling(settings: &DeploymentSettings, fleet: &Fleet, warnings: &mut Vec<String>) {
    deadline(settings.min_ready, settings.progress_deadline, "rolling", warnings);
    let (surge, unavailable) = resolve(settings.max_surge, settings.max_unavailable, "rolling", fleet, warnings);
    surge_fits(surge, unavailable, fleet, warnings);
}

fn blue_green(fleet: &Fleet, warnings: &mut Vec<String>) {
    let needed = 2 * u64::from(fleet.replicas) * u64::from(fleet.gpus_per_replica);
    if let Some(limit) = fleet.gpu_limit.filter(|limit| u64::from(*limit) < needed) {
        warnings.push(format!(
            "blue-green needs two whole fleets, {needed} GPUs; fleet.gpu_limit is {limit}: the rollout deadlocks"
        ));
    }
}

fn canary(settings: &CanarySettings, fleet: &Fleet, warnings: &mut Vec<String>) {
    deadline(settings.min_ready, settings.progress_deadline, "canary", warnings);
    if !settings.traffic_routing {
        let (surge, unavailable) = resolve(settings.max_surge, settings.max_unavailable, "canary", fleet, warnings);
        return surge_fits(surge, unavailable, fleet, warnings);
    }
    let needed = 2 * u64::from(fleet.replicas) * u64::from(fleet.gpus_per_replica);
    if let Some(limit) = fleet.gpu_limit.filter(|limit| u64::from(*limit) < needed) {
        let end = match settings.dynamic_stable_scale {
            true => "while stable shrinks, canary replicas may wait for GPUs",
            false => "stable keeps its size until the end, so the rollout deadlocks before full weight",
        };
        warnings.push(format!(
            "a traffic-routed canary ends with two whole fleets, {needed} GPUs, and ignores max_surge; fleet.gpu_limit \
             is {limit}: {end}"
        ));
    }
}

/// Whether the quota has room for the surge.
fn surge_fits(surge: u32, unavailable: u32, fleet: &Fleet, warnings: &mut Vec<String>) {
    let gpus = u64::from(fleet.gpus_per_replica);
    let steady = u64::from(fleet.replicas) * gpus;
    let needed = steady + u64::from(surge) * gpus;
    let Some(limit) = fleet.gpu_limit.map(u64::from).filter(|limit| *limit < needed) else { return };
    let consequence = if limit - steady >= gpus || surge == 0 {
        "some surge replicas wait for GPUs"
    } else if unavailable == 0 {
        "no surge replica ever gets its GPUs and none may be removed first: the rollout deadlocks"
    } else {
        "no surge replica gets GPUs before an old one has left"
    };
    warnings
        .push(format!("a surge of {surge} replicas needs {needed} GPUs; fleet.gpu_limit is {limit}: {consequence}"));
}
