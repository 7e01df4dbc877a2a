//! Rollouts that a real controller would refuse, or that lack the GPUs which their strategy needs.

use crate::digits::{counted, figure};
use crate::scenario::{
    ActionKind, Analysis, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, Code, DeploymentSettings,
    FlaggerSettings, Fleet, NoData, Problem, Scenario, Strategy,
};
use crate::units::{CountOrPercent, Duration};

/// What is unwise about the strategy, in this fleet.
pub fn warnings(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    match &scenario.rollout.strategy {
        Strategy::None => {}
        Strategy::Recreate(settings) => {
            deadline(scenario, settings.min_ready, settings.progress_deadline, "recreate", warnings)
        }
        Strategy::Rolling(settings) => rolling(settings, scenario, warnings),
        Strategy::BlueGreen(settings) => blue_green(settings, scenario, warnings),
        Strategy::Canary(settings) => canary(settings, scenario, warnings),
        Strategy::Flagger(settings) => flagger(settings, scenario, warnings),
    }
    if !is_deadlock_certain(scenario) {
        for warning in warnings.iter_mut().filter(|warning| warning.code == Code::DEADLOCK) {
            warning.expected = warning.expected.replace("the rollout deadlocks", "the rollout may deadlock");
        }
    }
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
