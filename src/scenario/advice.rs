//! Things that are legal and unwise, as far as the text alone tells: what a person who knows the real controllers would
//! point out. What needs a model of the engine, or of how long things take, is said in `lints`.

use super::codes::Code;
use super::problems::Problem;
use super::{
    ActionKind, Analysis, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, DeploymentSettings, Engine,
    FlaggerSettings, Fleet, NoData, Scenario, Strategy, Stretch, Traffic, WeightLoad, analysis_advice,
};
use crate::digits::{counted, figure};
use crate::profiles::{Kind, Profile};
use crate::units::{CountOrPercent, Duration};

/// A block is at most this part of the recording, or all runs are much the same.
const BLOCKS_IN_RECORDING: f64 = 3.0;

/// Everything that is unwise about a checked scenario.
pub(super) fn warnings(scenario: &Scenario) -> Vec<Problem> {
    let mut warnings = Vec::new();
    if let Traffic::Trace { path, trace, .. } = &scenario.traffic
        && let Some(doubt) = trace.doubt()
    {
        let message = format!("{} may have been cut off", path.display());
        let warning = scenario.written.problem(Code::DOUBTFUL_TRACE, "traffic.trace", message, doubt);
        warnings.push(warning.help("fetch the file again, or end its last line"));
    }
    checks_of_a_rollout(scenario, &mut warnings);
    recording_ends(scenario, &mut warnings);
    prompts_beyond_the_budget(scenario, &mut warnings);
    profile(scenario, &mut warnings);
    match &scenario.rollout.strategy {
        Strategy::None => return warnings,
        Strategy::Recreate(settings) => {
            deadline(scenario, settings.min_ready, settings.progress_deadline, "recreate", &mut warnings)
        }
        Strategy::Rolling(settings) => rolling(settings, scenario, &mut warnings),
        Strategy::BlueGreen(settings) => blue_green(settings, scenario, &mut warnings),
        Strategy::Canary(settings) => canary(settings, scenario, &mut warnings),
        Strategy::Flagger(settings) => flagger(settings, scenario, &mut warnings),
    }
    if !is_deadlock_certain(scenario) {
        for warning in warnings.iter_mut().filter(|warning| warning.code == Code::DEADLOCK) {
            warning.expected = warning.expected.replace("the rollout deadlocks", "the rollout may deadlock");
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
fn recording_ends(scenario: &Scenario, warnings: &mut Vec<Problem>) {
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
                let message =
                    format!("traffic.trace_block is {block}, the recording lasts {}", whole_seconds(recorded));
                let label = "blocks overlap so much that runs are alike";
                let longest = whole_seconds(recorded / BLOCKS_IN_RECORDING);
                let warning = scenario.written.problem(Code::LONG_BLOCKS, "traffic.trace_block", message, label);
                warnings.push(warning.help(format!("blocks of at most {longest}, a third of the recording")));
            }
            return;
        }
    };
    if left >= needed {
        return;
    }
    let run = study.warm_up + study.duration;
    let (message, label) = match replay.wraps {
        false => (
            format!(
                "with trace_loop = false requests end after {} of a run, which lasts {run} (warm-up and window)",
                whole_seconds(left / replay.speed),
            ),
            "then nothing more is measured".to_owned(),
        ),
        true => (
            format!(
                "a run, which lasts {run} (warm-up and window), goes through {} times what is recorded",
                figure(needed / recorded)
            ),
            "it repeats itself, with a seam each time".to_owned(),
        ),
    };
    let warning = scenario.written.problem(Code::SHORT_RECORDING, "traffic.trace", message, label);
    warnings
        .push(warning.help("a shorter `study.duration`, or `traffic.trace_block`, which replays blocks drawn anew"));
}

/// vLLM V0 refuses to start where a whole prompt might not fit a step.
fn prompts_beyond_the_budget(scenario: &Scenario, warnings: &mut Vec<Problem>) {
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
fn profile(scenario: &Scenario, warnings: &mut Vec<Problem>) {
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

fn termination(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const GRACE: &str = "termination.grace_period";
    const PRE_STOP: &str = "termination.pre_stop";
    let (termination, written) = (&scenario.termination, &scenario.written);
    let (grace, pre_stop, lag) = (termination.grace_period, termination.pre_stop, termination.endpoint_lag);
    if grace <= pre_stop {
        let message = format!("{GRACE} ({grace}) is no longer than pre_stop ({pre_stop})");
        let label = "the hook is cut, and only 2 s remain for answers";
        let mut warning = written.problem(Code::GRACE_WITHIN_PRE_STOP, GRACE, message, label);
        written.beside(&mut warning, PRE_STOP, "runs inside the grace period");
        warnings.push(warning.help("the grace period must hold the hook and what the answers need after it"));
    }
    if lag > pre_stop {
        let key = "termination.endpoint_lag";
        let message = format!("{key} ({lag}) exceeds pre_stop ({pre_stop})");
        let label = "requests routed after SIGTERM and before the lag is over are refused";
        let mut warning = written.problem(Code::LAG_BEYOND_PRE_STOP, key, message, label);
        written.beside(&mut warning, PRE_STOP, "SIGTERM comes when this is over");
        warnings.push(warning.help(format!("pre_stop = \"{lag}\" or more: a hook that sleeps through the lag")));
    }
}

/// Checks of what only a rollout does, where there is none.
fn checks_of_a_rollout(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const OF_A_ROLLOUT: [&str; 4] = ["rolled_back", "rollout_completed", "rollout_duration_s", "new_version_requests"];
    if !matches!(scenario.rollout.strategy, Strategy::None) {
        return;
    }
    for (index, check) in scenario.checks.iter().enumerate() {
        if OF_A_ROLLOUT.contains(&check.metric.as_str()) {
            let message = format!("a check of {}, and rollout.strategy is \"none\"", check.metric);
            let label = "without a rollout it says nothing";
            let key = format!("check.{index}.metric");
            warnings.push(scenario.written.problem(Code::CHECK_WITHOUT_ROLLOUT, &key, message, label));
        }
    }
}

/// Kubernetes and Argo Rollouts both refuse such a deadline.
fn deadline(
    scenario: &Scenario,
    min_ready: Duration,
    progress_deadline: Duration,
    strategy: &str,
    warnings: &mut Vec<Problem>,
) {
    if progress_deadline <= min_ready {
        let key = format!("rollout.{strategy}.progress_deadline");
        let message = format!("{key} ({progress_deadline}) is no longer than min_ready ({min_ready})");
        let label = "the real controller refuses such a manifest";
        let mut warning = scenario.written.problem(Code::DEADLINE_WITHIN_MIN_READY, &key, message, label);
        scenario.written.beside(
            &mut warning,
            &format!("rollout.{strategy}.min_ready"),
            "no replica counts before this",
        );
        warnings.push(warning);
    }
}

/// Replicas beyond and below the desired ones, as the controllers resolve them; 0/0 becomes 1 unavailable.
fn resolve(
    surge: CountOrPercent,
    unavailable: CountOrPercent,
    strategy: &str,
    scenario: &Scenario,
    warnings: &mut Vec<Problem>,
) -> (u32, u32) {
    let desired = scenario.fleet.replicas;
    match (surge.round_up(desired), unavailable.round_down(desired)) {
        (0, 0) => {
            let key = format!("rollout.{strategy}.max_unavailable");
            let message = format!(
                "rollout.{strategy}: max_surge {surge} and max_unavailable {unavailable} of {desired} replicas are both zero \
                 after rounding"
            );
            let label = "the controller takes max_unavailable as 1";
            let mut warning = scenario.written.problem(Code::ROUNDS_TO_ZERO, &key, message, label);
            scenario.written.beside(&mut warning, &format!("rollout.{strategy}.max_surge"), "no surge");
            warnings.push(warning.help("max_surge = 1, if no replica may be missing"));
            (0, 1)
        }
        resolved => resolved,
    }
}

fn rolling(settings: &DeploymentSettings, scenario: &Scenario, warnings: &mut Vec<Problem>) {
    deadline(scenario, settings.min_ready, settings.progress_deadline, "rolling", warnings);
    let (surge, unavailable) = resolve(settings.max_surge, settings.max_unavailable, "rolling", scenario, warnings);
    surge_fits(surge, unavailable, "rolling", scenario, warnings);
}

/// That GPUs are short, where the limit is written.
fn short_of_gpus(scenario: &Scenario, code: Code, message: String, label: String, other: &str, says: &str) -> Problem {
    let mut warning = scenario.written.problem(code, "fleet.gpu_limit", message, label);
    scenario.written.beside(&mut warning, other, says);
    warning
}

fn blue_green(settings: &BlueGreenSettings, scenario: &Scenario, warnings: &mut Vec<Problem>) {
    deadline(scenario, settings.min_ready, settings.progress_deadline, "blue_green", warnings);
    let preview = settings.preview_replica_count.unwrap_or(0);
    let (needed, sets) = beside_stable(preview, &scenario.fleet);
    if let Some(limit) = scenario.fleet.gpu_limit.filter(|limit| u64::from(*limit) < needed) {
        let message = format!("blue-green needs {sets}, {needed} GPUs; fleet.gpu_limit is {limit}");
        let label = format!("the rollout deadlocks with fewer than {needed} GPUs");
        let warning = short_of_gpus(scenario, Code::DEADLOCK, message, label, "rollout.strategy", "two fleets at once");
        warnings.push(warning.help(format!("gpu_limit = {needed}, or another strategy")));
    }
    if !settings.auto_promotion_enabled && !settings.auto_promotion.is_zero() {
        const KEY: &str = "rollout.blue_green.auto_promotion";
        let message = format!("{KEY} is {}, and auto_promotion_enabled is false", settings.auto_promotion);
        let label = "it is promoted by itself all the same, after this time";
        let written = &scenario.written;
        let mut warning = written.problem(Code::UNUSED_AUTO_PROMOTION, KEY, message, label);
        written.beside(&mut warning, "rollout.blue_green.auto_promotion_enabled", "does not prevent it");
        warnings.push(warning.help("leave out one of the two"));
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

fn canary(settings: &CanarySettings, scenario: &Scenario, warnings: &mut Vec<Problem>) {
    let fleet = &scenario.fleet;
    deadline(scenario, settings.min_ready, settings.progress_deadline, "canary", warnings);
    if !settings.traffic_routing {
        less_than_a_replica(settings, scenario, warnings);
        let (surge, unavailable) = resolve(settings.max_surge, settings.max_unavailable, "canary", scenario, warnings);
        return surge_fits(surge, unavailable, "canary", scenario, warnings);
    }
    let scales = settings.steps.iter().filter_map(|step| match step {
        CanaryStep::SetCanaryScale(CanaryScale::Replicas(replicas)) => Some(*replicas),
        _ => None,
    });
    let (needed, sets) = beside_stable(scales.max().unwrap_or(0), fleet);
    if let Some(limit) = fleet.gpu_limit.filter(|limit| u64::from(*limit) < needed) {
        let (code, end) = match settings.dynamic_stable_scale {
            true => (Code::WAITS_FOR_GPUS, "while stable shrinks, canary replicas may wait for GPUs"),
            false => (
                Code::DEADLOCK,
                "stable keeps its size until the end, so the rollout deadlocks before full weight with fewer",
            ),
        };
        let message = format!(
            "a traffic-routed canary comes to {sets}, {needed} GPUs, and ignores max_surge; fleet.gpu_limit is {limit}"
        );
        let key = "rollout.canary.dynamic_stable_scale";
        let warning = short_of_gpus(scenario, code, message, end.to_owned(), key, "stable makes room as it goes");
        warnings.push(match settings.dynamic_stable_scale {
            true => warning,
            false => warning.help(format!("gpu_limit = {needed}, or `dynamic_stable_scale = true`")),
        });
    }
}

/// Without a router a canary has whole pods' shares of the traffic.
fn less_than_a_replica(settings: &CanarySettings, scenario: &Scenario, warnings: &mut Vec<Problem>) {
    let desired = f64::from(scenario.fleet.replicas);
    for (index, step) in settings.steps.iter().enumerate() {
        let CanaryStep::SetWeight(weight @ 1..) = step else { continue };
        let replicas = desired * f64::from(*weight) / 100.0;
        if replicas < 1.0 {
            let key = format!("rollout.canary.steps.{index}.set_weight");
            let message = format!("{weight} % of {desired} replicas is {} of a replica", figure(replicas));
            let label = "without a traffic router, one whole replica gets its share of the requests";
            let warning = scenario.written.problem(Code::LESS_THAN_A_REPLICA, &key, message, label);
            let least = (100.0 / desired).ceil();
            warnings.push(warning.help(format!("set_weight = {least} or more, or `traffic_routing = true`")));
        }
    }
}

/// A second fleet beside the primary, and the primary's surge on top.
fn flagger(settings: &FlaggerSettings, scenario: &Scenario, warnings: &mut Vec<Problem>) {
    let (deployment, fleet) = (&settings.deployment, &scenario.fleet);
    deadline(scenario, deployment.min_ready, deployment.progress_deadline, "canary", warnings);
    let (surge, unavailable) = resolve(deployment.max_surge, deployment.max_unavailable, "canary", scenario, warnings);
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
        let message = format!(
            "Flagger keeps a whole canary beside the primary while that is updated, {needed} GPUs with its surge; \
             fleet.gpu_limit is {limit}"
        );
        let (code, other) = (Code::WAITS_FOR_GPUS, "rollout.canary.controller");
        let warning = short_of_gpus(scenario, code, message, end.to_owned(), other, "two fleets at once");
        warnings.push(warning.help(format!("gpu_limit = {needed}")));
    }
    unread_by_flagger(settings, scenario, warnings);
}

/// Keys that only AnalysisRuns read.
fn unread_by_flagger(settings: &FlaggerSettings, scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const KEYS: [&str; 6] =
        ["count", "failure_limit", "consecutive_success_limit", "dry_run", "initial_delay", "no_data"];
    let unread = |analysis: &&Analysis| {
        analysis.count.is_some()
            || analysis.failure_limit != Some(0)
            || analysis.consecutive_success_limit > 0
            || analysis.dry_run
            || !analysis.initial_delay.is_zero()
            || analysis.no_data != NoData::Success
    };
    for analysis in settings.analysis.iter().filter_map(|index| scenario.analyses.get(*index)).filter(unread) {
        let message =
            format!("analysis.{}: Flagger measures it once a tick, and no data is a failed check", analysis.name);
        let label =
            "it does not read count, failure_limit, consecutive_success_limit, dry_run, initial_delay and no_data";
        let written = |key: &&str| scenario.written.has(&format!("analysis.{}.{key}", analysis.name));
        let key = KEYS.iter().find(|key| written(key)).map_or(String::new(), |key| format!(".{key}"));
        let key = format!("analysis.{}{key}", analysis.name);
        let warning = scenario.written.problem(Code::UNREAD_BY_FLAGGER, &key, message, label);
        warnings.push(warning.help("`rollout.canary.threshold` is Flagger's limit of failed checks"));
    }
}

/// Whether the quota has room for the surge.
fn surge_fits(surge: u32, unavailable: u32, strategy: &str, scenario: &Scenario, warnings: &mut Vec<Problem>) {
    let fleet = &scenario.fleet;
    let gpus = u64::from(fleet.gpus_per_replica);
    let steady = u64::from(fleet.replicas) * gpus;
    let needed = steady + u64::from(surge) * gpus;
    let Some(limit) = fleet.gpu_limit.map(u64::from).filter(|limit| *limit < needed) else { return };
    let (code, consequence, help) = if limit - steady >= gpus || surge == 0 {
        (Code::WAITS_FOR_GPUS, "some surge replicas wait for GPUs".to_owned(), format!("gpu_limit = {needed}"))
    } else if unavailable == 0 {
        (
            Code::DEADLOCK,
            format!(
                "no surge replica ever gets its GPUs and none may be removed first: the rollout deadlocks with fewer than \
                 {} GPUs",
                steady + gpus
            ),
            format!("max_unavailable = 1, or gpu_limit = {}", steady + gpus),
        )
    } else {
        (
            Code::WAITS_FOR_GPUS,
            "no surge replica gets GPUs before an old one has left".to_owned(),
            format!("gpu_limit = {needed}, or max_surge = 0, which says what happens"),
        )
    };
    let message =
        format!("a surge of {} needs {needed} GPUs; fleet.gpu_limit is {limit}", counted(f64::from(surge), "replica"));
    let key = format!("rollout.{strategy}.max_surge");
    let says = counted(f64::from(surge), "replica");
    warnings.push(short_of_gpus(scenario, code, message, consequence, &key, &says).help(help));
}
