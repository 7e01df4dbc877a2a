//! Argo Rollouts' canary and blue-green: recorded rollouts.

use std::collections::BTreeMap;

use cutover::rollout::{Controller, Health, PauseReason, Routing, Version, Versions};
use cutover::scenario::{Analysis, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, Strategy};
use cutover::units::{CountOrPercent, Duration};
use serde_json::Value;

use crate::analysis_runs::{self, template};
use crate::harness::*;
use crate::{Verdict, cases, conclude};

/// What a `setCanaryScale` asks for: of several keys, the first of these counts.
pub(crate) fn canary_scale(scale: &Value) -> CanaryScale {
    if scale["matchTrafficWeight"] == true {
        CanaryScale::MatchTrafficWeight
    } else if let Some(replicas) = scale.get("replicas") {
        CanaryScale::Replicas(count(replicas))
    } else if let Some(weight) = scale.get("weight") {
        CanaryScale::Weight(count(weight))
    } else {
        CanaryScale::MatchTrafficWeight
    }
}

fn canary_step(step: &Value, analyses: &Analyses) -> CanaryStep {
    if let Some(weight) = step.get("setWeight") {
        CanaryStep::SetWeight(count(weight))
    } else if let Some(pause) = step.get("pause") {
        CanaryStep::Pause(duration(&pause["duration"]))
    } else if let Some(scale) = step.get("setCanaryScale") {
        CanaryStep::SetCanaryScale(canary_scale(scale))
    } else {
        CanaryStep::Analysis(analyses.of("Step", &step["analysis"]))
    }
}

/// Pods, or per cent if the type is exactly that. A negative number of either means what none means.
pub(crate) fn threshold(threshold: &Value) -> Option<CountOrPercent> {
    let value = u32::try_from(threshold["value"].as_i64()?).ok()?;
    Some(if threshold["type"] == "Percent" { CountOrPercent::Percent(value) } else { CountOrPercent::Count(value) })
}

fn strategy(config: &Value, analyses: &Analyses) -> Strategy {
    let min_ready = whole_seconds(&config["minReadySeconds"]).unwrap_or(Duration::ZERO);
    let progress_deadline = whole_seconds(&config["progressDeadlineSeconds"]).unwrap_or(Duration::from_seconds(600));
    let progress_deadline_abort = config["progressDeadlineAbort"].as_bool().unwrap_or(false);
    let small = |value: &Value| (!value.is_null()).then(|| count(value));
    let rollback_window = small(&config["rollbackWindow"]["revisions"]).unwrap_or(0);
    if let Some(canary) = config["strategy"].get("canary") {
        let steps = canary["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        return Strategy::Canary(CanarySettings {
            traffic_routing: canary.get("trafficRouting").is_some(),
            max_surge: count_or_percent(&canary["maxSurge"], CountOrPercent::Percent(25)),
            max_unavailable: count_or_percent(&canary["maxUnavailable"], CountOrPercent::Percent(25)),
            dynamic_stable_scale: canary["dynamicStableScale"].as_bool().unwrap_or(false),
            scale_down_delay: whole_seconds(&canary["scaleDownDelaySeconds"]),
            abort_scale_down_delay: whole_seconds(&canary["abortScaleDownDelaySeconds"]),
            min_pods_per_replica_set: small(&canary["minPodsPerReplicaSet"]),
            replica_progress_threshold: threshold(&canary["replicaProgressThreshold"]),
            scale_down_delay_revision_limit: small(&canary["scaleDownDelayRevisionLimit"]),
            rollback_window,
            background_analysis: analyses.of("Background", &canary["analysis"]),
            background_starting_step: canary["analysis"]["startingStep"].as_u64().unwrap_or(0) as u32,
            steps: steps.iter().map(|step| canary_step(step, analyses)).collect(),
            min_ready,
            progress_deadline,
            progress_deadline_abort,
        });
    }
    let blue_green = &config["strategy"]["blueGreen"];
    Strategy::BlueGreen(BlueGreenSettings {
        preview_replica_count: blue_green.get("previewReplicaCount").map(count),
        auto_promotion_enabled: blue_green["autoPromotionEnabled"].as_bool().unwrap_or(true),
        auto_promotion: whole_seconds(&blue_green["autoPromotionSeconds"]).unwrap_or(Duration::ZERO),
        scale_down_delay: whole_seconds(&blue_green["scaleDownDelaySeconds"]),
        abort_scale_down_delay: whole_seconds(&blue_green["abortScaleDownDelaySeconds"]),
        scale_down_delay_revision_limit: small(&blue_green["scaleDownDelayRevisionLimit"]),
        rollback_window,
        pre_promotion_analysis: analyses.of("PrePromotion", &blue_green["prePromotionAnalysis"]),
        post_promotion_analysis: analyses.of("PostPromotion", &blue_green["postPromotionAnalysis"]),
        min_ready,
        progress_deadline,
        progress_deadline_abort,
    })
}

/// The analyses of a timeline: their templates, the script of each, and which of them each kind of analysis has.
struct Analyses {
    templates: Vec<Analysis>,
    scripts: Vec<String>,
    kinds: BTreeMap<String, Vec<usize>>,
}

impl Analyses {
    fn read(config: &Value) -> Analyses {
        let mut analyses = Analyses { templates: Vec::new(), scripts: Vec::new(), kinds: BTreeMap::new() };
        for (kind, analysis) in config["analysis"].as_object().into_iter().flatten() {
            for metric in analysis["metrics"].as_array().expect("metrics") {
                let script = analysis["outcomes"][metric["name"].as_str().expect("a name")].as_str();
                analyses.kinds.entry(kind.clone()).or_default().push(analyses.templates.len());
                analyses.templates.push(template(metric));
                analyses.scripts.push(script.expect("a script").to_owned());
            }
        }
        analyses
    }

    /// Those of a kind, if the strategy refers to it there.
    fn of(&self, kind: &str, reference: &Value) -> Vec<usize> {
        if reference.is_null() { Vec::new() } else { self.kinds.get(kind).cloned().unwrap_or_default() }
    }
}

fn recorded_row(row: &Value) -> (i64, String) {
    let sets = row["rs"].as_array().expect("ReplicaSets").iter();
    let set = |set: &Value| {
        let template = set["template"].as_str().expect("a template");
        format!("{template}:{}/{}/{}", set["spec"], set["ready"], set["available"])
    };
    let mut words: Vec<String> = sets.map(set).collect();
    words.push(format!("pods {}", row["total_pods"]));
    words.push(row["phase"].as_str().expect("a phase").to_owned());
    if let Some(pause) = row["pause"].as_str() {
        words.push(pause.to_owned());
    }
    if let Some(step) = row.get("currentStepIndex") {
        words.push(format!("step {step}"));
    }
    if let Some(weight) = row.get("canary_weight") {
        let (stable, canary) = (row["stable_service"].as_str(), row["canary_service"].as_str());
        words.push(format!("{weight}% of {} to {}", stable.expect("a Service"), canary.expect("a Service")));
    }
    if let Some(active) = row["active"].as_str() {
        words.push(format!("active {active}"));
    }
    (row["t"].as_i64().expect("a time"), words.join(" "))
}

fn our_row(replay: &Replay<'_>, t: i64) -> (i64, String) {
    let (statuses, controller) = (replay.fleet.statuses(at(t)), &replay.controller);
    let set = |version: Version| {
        let status = statuses[version];
        format!("v{}:{}/{}/{}", version + 1, controller.spec(version), status.ready, status.available)
    };
    let mut words: Vec<String> = (0..=replay.newest).map(set).collect();
    words.push(format!("pods {}", replay.fleet.pods.len()));
    words.push(format!("{:?}", controller.health()));
    if controller.health() == Health::Paused {
        words.push(match replay.pauses.last() {
            Some(PauseReason::CanaryPauseStep) => "CanaryPauseStep".to_owned(),
            Some(PauseReason::BlueGreenPause) => "BlueGreenPause".to_owned(),
            Some(PauseReason::InconclusiveAnalysis) => "InconclusiveAnalysisRun".to_owned(),
            other => format!("{other:?}"),
        });
    }
    words.extend(controller.step().map(|step| format!("step {step}")));
    match controller.routing() {
        Routing::All => {}
        Routing::Only(active) => words.push(format!("active v{}", active + 1)),
        Routing::Split { stable, canary, canary_percent } => {
            words.push(format!("{canary_percent}% of v{} to v{}", number(stable), number(canary)));
        }
    }
    (t, words.join(" "))
}

/// Keys of a configuration that a scenario can name, or that only describe the recording.
const KNOWN: &[&str] = &[
    "id",
    "replicas",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "progressDeadlineAbort",
    "rollbackWindow.revisions",
    "coldStarts.*",
    "events.t",
    "events.op",
    "events.arg",
    "events.n",
    "horizon",
    "strategy.blueGreen.activeService",
    "strategy.blueGreen.previewService",
    "strategy.blueGreen.previewReplicaCount",
    "strategy.blueGreen.autoPromotionEnabled",
    "strategy.blueGreen.autoPromotionSeconds",
    "strategy.blueGreen.scaleDownDelaySeconds",
    "strategy.blueGreen.abortScaleDownDelaySeconds",
    "strategy.blueGreen.scaleDownDelayRevisionLimit",
    "strategy.blueGreen.prePromotionAnalysis.templates.templateName",
    "strategy.blueGreen.postPromotionAnalysis.templates.templateName",
    "strategy.canary.canaryService",
    "strategy.canary.stableService",
    "strategy.canary.trafficRouting",
    "strategy.canary.maxSurge",
    "strategy.canary.maxUnavailable",
    "strategy.canary.dynamicStableScale",
    "strategy.canary.scaleDownDelaySeconds",
    "strategy.canary.abortScaleDownDelaySeconds",
    "strategy.canary.minPodsPerReplicaSet",
    "strategy.canary.replicaProgressThreshold.type",
    "strategy.canary.replicaProgressThreshold.value",
    "strategy.canary.scaleDownDelayRevisionLimit",
    "strategy.canary.analysis.startingStep",
    "strategy.canary.analysis.templates.templateName",
    "strategy.canary.steps.setWeight",
    "strategy.canary.steps.pause.duration",
    "strategy.canary.steps.setCanaryScale.replicas",
    "strategy.canary.steps.setCanaryScale.weight",
    "strategy.canary.steps.setCanaryScale.matchTrafficWeight",
    "strategy.canary.steps.analysis.templates.templateName",
];

/// What of a case a scenario cannot name, if anything.
fn not_covered(config: &Value) -> Option<String> {
    let analyses = config["analysis"].as_object().into_iter().flatten().map(|(_, analysis)| analysis);
    let mut metrics = analyses.filter_map(|analysis| analysis["metrics"].as_array()).flatten();
    unknown_key(config, "", KNOWN, &["analysis"])
        .or_else(|| unknown_operation(config))
        .or_else(|| metrics.find_map(analysis_runs::not_covered))
}

fn compare(case: &Value) -> Verdict {
    let config = &case["config"];
    if let Some(reason) = not_covered(config) {
        return Verdict::NotCovered(reason);
    }
    let analyses = Analyses::read(config);
    let strategy = strategy(config, &analyses);
    let controller = Controller::new(&strategy, &analyses.templates, count(&config["replicas"]));
    let mut replay = replay(controller, config, VictimRule::UnreadyThenYoungest, analyses.scripts);
    let mut rows = Vec::new();
    replay.run(config, |replay, t| rows.push(our_row(replay, t)));
    let recorded = case["timeline"].as_array().expect("rows").iter().map(recorded_row).collect();
    difference("row", &distinct_rows(recorded), &distinct_rows(rows))
        .or_else(|| difference("scale", &recorded_scales(case, "what"), &replay.operations))
        .into()
}

#[test]
fn argo_timelines_are_those_of_the_real_controller() {
    let cases = cases("argo_timelines.jsonl", "argo timelines");
    let verdicts: Vec<_> = cases.iter().map(|case| (name_of(case), compare(case))).collect();
    conclude("argo timelines", &verdicts);
}

/// The number of a side's one template, from 1.
fn number(side: Versions) -> usize {
    side.only().expect("Argo Rollouts has one version a side") + 1
}
