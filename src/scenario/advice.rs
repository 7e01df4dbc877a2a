//! Things that are legal and unwise: what a person who knows the real controllers would point out.

use super::{
    ActionKind, Analysis, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, DeploymentSettings, Engine,
    FlaggerSettings, Fleet, NoData, Scenario, Strategy, Stretch, Traffic, WeightLoad, analysis_advice,
};
use crate::digits::{counted, figure};
use crate::profiles::{Kind, Profile};
use crate::units::{CountOrPercent, Duration};

/// A block is at most this part of the recording, or all runs are much the same.
const BLOCKS_IN_RECORDING: f64 = 3.0;

/// Everything that is unwise about a checked scenario, in sentences.
pub(super) fn warnings(scenario: &Scenario) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Traffic::Trace { path, trace, .. } = &scenario.traffic
        && let Some(doubt) = trace.doubt()
    {
        warnings.push(format!("traffic.trace {}: {doubt}", path.display()));
    }
    recording_ends(scenario, &mut warnings);
    prompts_beyond_the_budget(scenario, &mut warnings);
    profile(scenario, &mut warnings);
    match &scenario.rollout.strategy {
        Strategy::None => return warnings,
        Strategy::Recreate(settings) => {
            deadline(settings.min_ready, settings.progress_deadline, "recreate", &mut warnings)
        }
        Strategy::Rolling(settings) => rolling(settings, &scenario.fleet, &mut warnings),
        Strategy::BlueGreen(settings) => blue_green(settings, &scenario.fleet, &mut warnings),
        Strategy::Canary(settings) => canary(settings, &scenario.fleet, &mut warnings),
        Strategy::Flagger(settings) => flagger(settings, scenario, &mut warnings),
    }
    if !is_deadlock_certain(scenario) {
        for warning in &mut warnings {
            *warning = warning.replace("the rollout deadlocks", "the rollout may deadlock");
        }
    }
    termination(scenario, &mut warnings);
    analysis_advice::warnings(scenario, &mut warnings);
    warnings
}

/// Whether too few GPUs hold the rollout up for certain: nobody changes the fleet meanwhile, and it needs all its pods.
fn is_deadlock_certain(scenario: &Scenario) -> bool {
    let needs_all = match &scenario.rollout.strategy {
        Strategy::Canary(settings) => settings.replica_progress_threshold.is_none(),
        _ => true,
    };
    let changes = |kind: ActionKind| !matches!(kind, ActionKind::MakeReady { .. } | ActionKind::Ship(_));
    needs_all && !scenario.actions.iter().any(|action| changes(action.kind))
}

/// Whether a recording lasts as long as a run, and whether runs can differ.
fn recording_ends(scenario: &Scenario, warnings: &mut Vec<String>) {
    let Traffic::Trace { trace, replay, .. } = &scenario.traffic else { return };
    let recorded = trace.recorded() as f64 / 1e9;
    let study = &scenario.study;
    let needed = (study.warm_up + study.duration).seconds() * replay.speed;
    let whole_seconds = |seconds: f64| Duration::from_seconds_f64(seconds.floor());
    let left = match replay.stretch {
        Stretch::From(offset) => recorded - offset.seconds(),
        Stretch::FromAnyRow => recorded,
        Stretch::Blocks(block) => {
            if block.seconds() * BLOCKS_IN_RECORDING > recorded {
                warnings.push(format!(
                    "traffic.trace_block is {block}, the recording lasts {}: blocks overlap so much that runs are alike",
                    whole_seconds(recorded)
                ));
            }
            return;
        }
    };
    if left >= needed {
        return;
    }
    let run = study.warm_up + study.duration;
    warnings.push(match replay.wraps {
        false => format!(
            "with trace_loop = false requests end after {} of a run, which lasts {run} (warm-up and window)",
            whole_seconds(left / replay.speed),
        ),
        true => format!(
            "a run, which lasts {run} (warm-up and window), goes through {} times what is recorded: it repeats itself, \
             with a seam each time, and so do the accidents of the recording",
            figure(needed / recorded)
        ),
    });
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
        warnings.push(format!(
            "engine.profile {} is an estimate, not a measurement; as its source notes it: {}",
            profile.name, profile.provenance
        ));
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

fn blue_green(settings: &BlueGreenSettings, fleet: &Fleet, warnings: &mut Vec<String>) {
    deadline(settings.min_ready, settings.progress_deadline, "blue_green", warnings);
    let preview = settings.preview_replica_count.unwrap_or(0);
    let (needed, sets) = beside_stable(preview, fleet);
    if let Some(limit) = fleet.gpu_limit.filter(|limit| u64::from(*limit) < needed) {
        warnings.push(format!(
            "blue-green needs {sets}, {needed} GPUs; fleet.gpu_limit is {limit}: the rollout deadlocks with fewer than \
             {needed}"
        ));
    }
}

/// The GPUs of a whole stable fleet beside a new one that is as large or, at some step, has `most` replicas; and in words.
fn beside_stable(most: u32, fleet: &Fleet) -> (u64, String) {
    let gpus = (u64::from(fleet.replicas) + u64::from(most.max(fleet.replicas))) * u64::from(fleet.gpus_per_replica);
    match most > fleet.replicas {
        true => (gpus, format!("a whole fleet beside {}", counted(f64::from(most), "new replica"))),
        false => (gpus, "two whole fleets".to_owned()),
    }
}

fn canary(settings: &CanarySettings, fleet: &Fleet, warnings: &mut Vec<String>) {
    deadline(settings.min_ready, settings.progress_deadline, "canary", warnings);
    if !settings.traffic_routing {
        let (surge, unavailable) = resolve(settings.max_surge, settings.max_unavailable, "canary", fleet, warnings);
        return surge_fits(surge, unavailable, fleet, warnings);
    }
    let scales = settings.steps.iter().filter_map(|step| match step {
        CanaryStep::SetCanaryScale(CanaryScale::Replicas(replicas)) => Some(*replicas),
        _ => None,
    });
    let (needed, sets) = beside_stable(scales.max().unwrap_or(0), fleet);
    if let Some(limit) = fleet.gpu_limit.filter(|limit| u64::from(*limit) < needed) {
        let end = match settings.dynamic_stable_scale {
            true => "while stable shrinks, canary replicas may wait for GPUs",
            false => "stable keeps its size until the end, so the rollout deadlocks before full weight with fewer",
        };
        warnings.push(format!(
            "a traffic-routed canary comes to {sets}, {needed} GPUs, and ignores max_surge; fleet.gpu_limit is {limit}: \
             {end}"
        ));
    }
}

/// A second fleet beside the primary, and the primary's surge on top.
fn flagger(settings: &FlaggerSettings, scenario: &Scenario, warnings: &mut Vec<String>) {
    let (deployment, fleet) = (&settings.deployment, &scenario.fleet);
    deadline(deployment.min_ready, deployment.progress_deadline, "canary", warnings);
    let (surge, unavailable) = resolve(deployment.max_surge, deployment.max_unavailable, "canary", fleet, warnings);
    let gpus = u64::from(fleet.gpus_per_replica);
    let both = 2 * u64::from(fleet.replicas) * gpus;
    let needed = both + u64::from(surge) * gpus;
    if let Some(limit) = fleet.gpu_limit.map(u64::from).filter(|limit| *limit < needed) {
        let end = if limit < both {
            "the canary never is whole, and waits or is rolled back"
        } else if limit - both >= gpus || unavailable > 0 {
            "some surge replicas of the promotion wait for GPUs"
        } else {
            "no surge replica of the promotion ever gets its GPUs: the promotion fails, with all requests on the canary"
        };
        warnings.push(format!(
            "Flagger keeps a whole canary beside the primary while that is updated, {needed} GPUs with its surge; \
             fleet.gpu_limit is {limit}: {end}"
        ));
    }
    unread_by_flagger(settings, scenario, warnings);
}

/// Keys that only AnalysisRuns read.
fn unread_by_flagger(settings: &FlaggerSettings, scenario: &Scenario, warnings: &mut Vec<String>) {
    let unread = |analysis: &&Analysis| {
        analysis.count.is_some()
            || analysis.failure_limit != Some(0)
            || analysis.consecutive_success_limit > 0
            || analysis.dry_run
            || !analysis.initial_delay.is_zero()
            || analysis.no_data != NoData::Success
    };
    for analysis in settings.analysis.iter().filter_map(|index| scenario.analyses.get(*index)).filter(unread) {
        warnings.push(format!(
            "analysis.{}: Flagger measures it once a tick, and no data is a failed check; it does not read count, \
             failure_limit, consecutive_success_limit, dry_run, initial_delay and no_data",
            analysis.name
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
        "some surge replicas wait for GPUs".to_owned()
    } else if unavailable == 0 {
        format!(
            "no surge replica ever gets its GPUs and none may be removed first: the rollout deadlocks with fewer than {} \
             GPUs, unless max_unavailable is at least 1",
            steady + gpus
        )
    } else {
        "no surge replica gets GPUs before an old one has left".to_owned()
    };
    warnings.push(format!(
        "a surge of {} needs {needed} GPUs; fleet.gpu_limit is {limit}: {consequence}",
        counted(f64::from(surge), "replica")
    ));
}
