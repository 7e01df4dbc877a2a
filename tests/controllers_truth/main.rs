//! Our rollout controllers against recorded timelines of the real ones: Kubernetes' Deployment, Argo Rollouts' canary,
//! blue-green and AnalysisRuns. What was recorded, and how, is told in `tests/data/rollout/README.md`.

mod prometheus;
mod promql;

use std::collections::BTreeMap;
use std::path::PathBuf;

use cutover::fleet::PodView;
use cutover::rollout::analysis::{AnalysisRun, Outcome, RunPhase};
use cutover::rollout::replica_set::victims;
use cutover::rollout::{
    Command, Controller, FleetView, Health, Measured, Note, PauseReason, ReplicaSetStatus, Routing, Version, Versions,
};
use cutover::scenario::{
    Analysis, AnalysisBound, AnalysisMetric, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep,
    DeploymentSettings, Estimator, NoData, Strategy,
};
use cutover::units::{CountOrPercent, Duration, Time, parse_duration, parse_percent};
use serde_json::Value;

/// Timelines that use what a scenario cannot name, and why.
const TIMELINES_NOT_COVERED: [(&str, &str); 1] = [("routed-dyn-n10-threshold80pct", "replicaProgressThreshold")];

/// AnalysisRuns that use what a scenario cannot name, and why.
const RUNS_NOT_COVERED: [(&str, &str); 8] = [
    ("csl3-forever-fl-1", "consecutiveSuccessLimit"),
    ("dryrun-fails-ignored", "dryRun"),
    ("dryrun-forever-blocks", "dryRun"),
    ("rand-20", "dryRun"),
    ("rand-47", "dryRun"),
    ("rand-52", "dryRun"),
    ("rand-55", "dryRun"),
    ("rand-58", "dryRun"),
];

/// Seconds from time zero as an instant.
fn at(seconds: i64) -> Time {
    Time(seconds * 1_000_000_000)
}

/// An instant as seconds from time zero.
fn seconds(time: Time) -> i64 {
    time.0 / 1_000_000_000
}

fn count(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a count")).expect("a small count")
}

fn count_or_percent(value: &Value, default: CountOrPercent) -> CountOrPercent {
    match value {
        Value::Null => default,
        Value::String(text) => parse_percent(text).expect("a percentage"),
        number => CountOrPercent::Count(count(number)),
    }
}

fn whole_seconds(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_seconds)
}

fn duration(value: &Value) -> Option<Duration> {
    value.as_str().map(|text| parse_duration(text).expect("a duration"))
}

/// `v1` is version 0.
fn version(template: &str) -> Version {
    template[1..].parse::<Version>().expect("a template v1, v2, ...") - 1
}

fn lines(name: &str) -> Vec<Value> {
    read(name).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn read(name: &str) -> String {
    let path = directory().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Where the recordings are: ours, or others of the same layout.
fn directory() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/rollout");
    std::env::var_os("CUTOVER_TRUTH").map_or(own, PathBuf::from)
}

/// A pod of the fake fleet.
#[derive(Clone, Copy)]
struct Pod {
    version: Version,
    number: u32,
    created: Time,
    /// When it is ready; `None`: never.
    ready_at: Option<Time>,
    /// Whether an event made it unready.
    broken: bool,
}

impl Pod {
    fn is_ready(&self, now: Time) -> bool {
        !self.broken && self.ready_at.is_some_and(|ready| ready <= now)
    }

    fn is_available(&self, min_ready: Duration, now: Time) -> bool {
        self.is_ready(now) && self.ready_at.is_some_and(|ready| ready + min_ready <= now)
    }
}

/// Which pods a ReplicaSet of the recording deleted first.
#[derive(Clone, Copy, PartialEq)]
enum VictimRule {
    Kubernetes,
    UnreadyThenYoungest,
}

/// A fleet whose pods only start up: created at once, ready after their cold start, deleted at once.
struct Fleet {
    pods: Vec<Pod>,
    created: Vec<u32>,
    cold_starts: BTreeMap<Version, Vec<i64>>,
    min_ready: Duration,
    rule: VictimRule,
}

impl Fleet {
    fn new(config: &Value, rule: VictimRule) -> Fleet {
        let replicas = count(&config["replicas"]);
        let long_ago = at(-1_000_000);
        let pod = |number| Pod { version: 0, number, created: long_ago, ready_at: Some(long_ago), broken: false };
        let list = |values: &Value| -> Vec<i64> {
            values.as_array().expect("a list").iter().map(|value| value.as_i64().expect("seconds")).collect()
        };
        let cold_starts = config["coldStarts"].as_object().expect("cold starts");
        Fleet {
            pods: (0..replicas).map(pod).collect(),
            created: vec![0; 3],
            cold_starts: cold_starts.iter().map(|(template, values)| (version(template), list(values))).collect(),
            min_ready: whole_seconds(&config["minReadySeconds"]).unwrap_or(Duration::ZERO),
            rule,
        }
    }

    fn statuses(&self, now: Time) -> [ReplicaSetStatus; 3] {
        let mut statuses = [ReplicaSetStatus::default(); 3];
        for pod in &self.pods {
            let status = &mut statuses[pod.version];
            status.replicas += 1;
            status.ready += u32::from(pod.is_ready(now));
            status.available += u32::from(pod.is_available(self.min_ready, now));
        }
        statuses
    }

    /// What the ReplicaSet controller does about a new size. Returns how many pods it created and deleted.
    fn scale(&mut self, version: Version, to: u32, now: Time) -> (usize, usize) {
        let mut own: Vec<Pod> = self.pods.iter().copied().filter(|pod| pod.version == version).collect();
        let to = to as usize;
        for _ in own.len()..to {
            let number = self.created[version];
            let values = &self.cold_starts[&version];
            let cold_start = values[(number as usize).min(values.len() - 1)];
            let ready_at = (cold_start >= 0).then_some(now + Duration::from_seconds(cold_start.unsigned_abs()));
            self.created[version] += 1;
            self.pods.push(Pod { version, number: 1_000 + number, created: now, ready_at, broken: false });
        }
        let excess = own.len().saturating_sub(to);
        let doomed: Vec<u32> = match self.rule {
            VictimRule::Kubernetes => {
                let mut views: Vec<PodView> = own.iter().map(|pod| self.view(pod, now)).collect();
                victims(&mut views, excess, now)
            }
            VictimRule::UnreadyThenYoungest => {
                own.sort_by_key(|pod| (pod.is_ready(now), std::cmp::Reverse((pod.created, pod.number))));
                own.iter().take(excess).map(|pod| pod.number).collect()
            }
        };
        self.pods.retain(|pod| pod.version != version || !doomed.contains(&pod.number));
        (to.saturating_sub(own.len()), excess)
    }

    fn view(&self, pod: &Pod, now: Time) -> PodView {
        PodView {
            id: pod.number,
            scheduled: true,
            running: true,
            ready_since: pod.ready_at.filter(|_| pod.is_ready(now)),
            restarts: 0,
            created: pod.created,
            uid: u64::from(pod.number),
        }
    }

    /// Breaks or mends so many pods.
    fn set_broken(&mut self, version: Version, number: usize, broken: bool, now: Time) {
        let is_meant =
            |pod: &&mut Pod| pod.version == version && pod.broken != broken && (!broken || pod.is_ready(now));
        for pod in self.pods.iter_mut().filter(is_meant).take(number) {
            pod.broken = broken;
            if !broken {
                pod.ready_at = Some(now);
            }
        }
    }

    /// The next instant at which a pod becomes ready or available.
    fn next_change(&self, now: Time) -> Time {
        let times = self.pods.iter().filter_map(|pod| pod.ready_at).flat_map(|ready| [ready, ready + self.min_ready]);
        times.filter(|time| *time > now).min().unwrap_or(Time::NEVER)
    }
}

/// One run of a case: what the controller did, by the fake fleet's clock.
struct Replay<'a> {
    controller: Controller,
    fleet: Fleet,
    /// Scripted outcomes of the analyses, one letter per measurement.
    scripts: Vec<String>,
    taken: BTreeMap<(u32, usize), usize>,
    template: Version,
    operations: Vec<(i64, Version, u32, u32)>,
    pods: BTreeMap<(i64, &'static str, Version), usize>,
    first_deadline: Option<i64>,
    pauses: Vec<PauseReason>,
    case: &'a str,
}

impl Replay<'_> {
    /// Runs to the horizon. Calls `row` after the fixed point of every instant at which something could happen.
    fn run(&mut self, config: &Value, mut row: impl FnMut(&Replay<'_>, i64)) {
        let events = config["events"].as_array().expect("events");
        let horizon = at(config["horizon"].as_i64().expect("a horizon"));
        row(self, -1);
        let mut now = at(-1);
        loop {
            let next_event = events.iter().map(|event| at(event["t"].as_i64().expect("a time")));
            let next_event = next_event.filter(|time| *time > now).min().unwrap_or(Time::NEVER);
            let next = next_event.min(self.fleet.next_change(now)).min(self.controller.next_wake());
            if next > horizon {
                return;
            }
            assert!(next > now, "{}: woken in the past, at {next:?}", self.case);
            now = next;
            for event in events.iter().filter(|event| event["t"].as_i64() == Some(seconds(now))) {
                self.apply(event, now);
            }
            self.settle(now);
            row(self, seconds(now));
        }
    }

    fn apply(&mut self, event: &Value, now: Time) {
        let argument = &event["arg"];
        match event["op"].as_str().expect("an operation") {
            "set_template" => {
                self.template = version(argument.as_str().expect("a template"));
                self.controller.ship(self.template, now);
            }
            operation @ ("unready" | "ready") => {
                let template = version(argument.as_str().expect("a template"));
                let number = count(&event["n"]) as usize;
                self.fleet.set_broken(template, number, operation == "unready", now);
            }
            "set_replicas" => {
                let number = if argument.is_null() { &event["n"] } else { argument };
                let replicas = number.as_str().map_or_else(|| count(number), |text| text.parse().expect("a count"));
                self.controller.set_replicas(replicas);
            }
            "pause" => self.controller.set_paused(true),
            "resume" => self.controller.set_paused(false),
            "abort" => self.controller.abort(),
            "retry" => self.controller.retry(),
            "promote" => self.controller.promote(),
            "promote_full" => self.controller.promote_full(),
            other => panic!("{}: unknown operation {other}", self.case),
        }
    }

    /// Reconciles to the fixed point.
    fn settle(&mut self, now: Time) {
        for _ in 0..1_000 {
            let statuses = self.fleet.statuses(now);
            let mut commands = Vec::new();
            let again = self.controller.reconcile(&FleetView { sets: &statuses }, now, &mut commands);
            for command in commands {
                self.carry_out(command, now);
            }
            if !again {
                return;
            }
        }
        panic!("{}: no fixed point at {now:?}", self.case);
    }

    fn carry_out(&mut self, command: Command, now: Time) {
        match command {
            Command::Scale { version, from, to } => {
                self.operations.push((seconds(now), version, from, to));
                let (created, deleted) = self.fleet.scale(version, to, now);
                for (kind, number) in [("create_pod", created), ("delete_pod", deleted)] {
                    if number > 0 {
                        *self.pods.entry((seconds(now), kind, version)).or_default() += number;
                    }
                }
            }
            Command::Measure { run, template } => {
                let script = self.scripts[template].as_bytes();
                let taken = self.taken.entry((run.0, template)).or_default();
                let letter = script[(*taken).min(script.len() - 1)];
                *taken += 1;
                let measured = match letter {
                    b'S' => Measured::Value { value: 0.0, samples: 100, stable: None },
                    b'F' => Measured::Value { value: 1.0, samples: 100, stable: None },
                    _ => Measured::NoData { samples: 0 },
                };
                let mut notes = Vec::new();
                self.controller.measured(run, template, measured, now, &mut notes);
                assert!(notes.iter().all(|note| matches!(note, Command::Note(_))), "{}", self.case);
            }
            Command::Note(Note::DeadlineExceeded) => {
                self.first_deadline.get_or_insert(seconds(now));
            }
            Command::Note(Note::Paused(reason)) => self.pauses.push(reason),
            Command::Note(_) | Command::Route(_) => {}
        }
    }
}

/// Lists in which what repeats the row before is left out, and of one instant only the last row is kept.
fn distinct_rows(rows: Vec<(i64, String)>) -> Vec<(i64, String)> {
    let mut kept: Vec<(i64, String)> = Vec::new();
    for row in rows {
        kept.pop_if(|last| last.0 == row.0);
        if kept.last().is_none_or(|last| last.1 != row.1) {
            kept.push(row);
        }
    }
    kept
}

/// The first difference between what was recorded and what ours did, if there is one.
fn difference<T: PartialEq + std::fmt::Debug>(what: &str, recorded: &[T], ours: &[T]) -> Option<String> {
    let length = recorded.len().max(ours.len());
    let place = (0..length).find(|place| recorded.get(*place) != ours.get(*place))?;
    Some(format!("{what} {place}:\n  recorded {:?}\n  ours     {:?}", recorded.get(place), ours.get(place)))
}

fn recorded_scales(case: &Value, template: &str) -> Vec<(i64, Version, u32, u32)> {
    let operations = case["ops"].as_array().expect("operations").iter();
    let scales = operations.filter(|operation| {
        matches!(operation["kind"].as_str(), Some("scale" | "create_rs")) && operation["from"] != operation["to"]
    });
    let scale = |operation: &Value| {
        let template = version(operation[template].as_str().expect("a template"));
        (operation["t"].as_i64().expect("a time"), template, count(&operation["from"]), count(&operation["to"]))
    };
    scales.map(scale).collect()
}

fn recorded_pods(case: &Value) -> BTreeMap<(i64, &'static str, Version), usize> {
    let mut pods = BTreeMap::new();
    for operation in case["ops"].as_array().expect("operations") {
        for kind in ["create_pod", "delete_pod"] {
            if operation["kind"] == kind {
                let template = version(operation["template"].as_str().expect("a template"));
                *pods.entry((operation["t"].as_i64().expect("a time"), kind, template)).or_default() += 1;
            }
        }
    }
    pods
}

fn replay<'a>(controller: Controller, config: &'a Value, rule: VictimRule, scripts: Vec<String>) -> Replay<'a> {
    Replay {
        controller,
        fleet: Fleet::new(config, rule),
        scripts,
        taken: BTreeMap::new(),
        template: 0,
        operations: Vec::new(),
        pods: BTreeMap::new(),
        first_deadline: None,
        pauses: Vec::new(),
        case: config["id"].as_str().expect("a name"),
    }
}

/// Panics with the cases that differ; prints how many agree.
fn conclude(what: &str, results: Vec<(String, Option<String>)>, not_covered: &[(&str, &str)], names: &[String]) {
    for (name, why) in not_covered {
        assert!(names.iter().any(|known| known == name), "{name} is not among the recorded {what}");
        println!("{what}: {name} is not covered: {why}");
    }
    let agreeing = results.iter().filter(|(_, difference)| difference.is_none()).count();
    println!("{what}: {agreeing} of {} agree", names.len());
    let differing: Vec<String> =
        results.into_iter().filter_map(|(name, difference)| Some(format!("{name}: {}", difference?))).collect();
    assert!(differing.is_empty(), "{} {what} differ\n{}", differing.len(), differing.join("\n"));
    assert_eq!(agreeing + not_covered.len(), names.len());
}

// ---------------------------------------------------------------------------------------------- Kubernetes

fn deployment(config: &Value) -> Strategy {
    let settings = DeploymentSettings {
        max_surge: count_or_percent(&config["maxSurge"], CountOrPercent::Percent(25)),
        max_unavailable: count_or_percent(&config["maxUnavailable"], CountOrPercent::Percent(25)),
        min_ready: whole_seconds(&config["minReadySeconds"]).unwrap_or(Duration::ZERO),
        progress_deadline: whole_seconds(&config["progressDeadlineSeconds"]).unwrap_or(Duration::FOREVER),
    };
    if config["strategy"] == "Recreate" { Strategy::Recreate(settings) } else { Strategy::Rolling(settings) }
}

/// A row in the words of the recording: sizes and counts of the new and of all old ReplicaSets, and the condition.
fn recorded_kubernetes_row(row: &Value) -> (i64, String) {
    let condition = match row["progressing_reason"].as_str() {
        Some("NewReplicaSetAvailable") => "Healthy",
        Some("ProgressDeadlineExceeded") => "Degraded",
        Some("DeploymentPaused") => "Paused",
        Some(reason) if !reason.is_empty() => "Progressing",
        _ => "",
    };
    let counts = ["spec", "total", "ready", "available"];
    let side = |side: &str| counts.map(|name| row[format!("{side}_{name}")].to_string()).join("/");
    (row["t"].as_i64().expect("a time"), format!("new {} old {} {condition}", side("new"), side("old")))
}

fn our_kubernetes_row(replay: &Replay<'_>, t: i64, has_condition: bool) -> (i64, String) {
    let statuses = replay.fleet.statuses(at(t));
    let side = |versions: Vec<Version>| {
        let sum = |count: &dyn Fn(Version) -> u32| versions.iter().map(|version| count(*version)).sum::<u32>();
        format!(
            "{}/{}/{}/{}",
            sum(&|version| replay.controller.spec(version)),
            sum(&|version| statuses[version].replicas),
            sum(&|version| statuses[version].ready),
            sum(&|version| statuses[version].available)
        )
    };
    let old = (0..3).filter(|version| *version != replay.template).collect();
    let condition = if has_condition { format!("{:?}", replay.controller.health()) } else { String::new() };
    (t, format!("new {} old {} {condition}", side(vec![replay.template]), side(old)))
}

fn compare_kubernetes(case: &Value) -> Option<String> {
    let config = &case["config"];
    let has_condition = !config["progressDeadlineSeconds"].is_null();
    let controller = Controller::new(&deployment(config), &[], count(&config["replicas"]));
    let mut replay = replay(controller, config, VictimRule::Kubernetes, Vec::new());
    let mut rows = Vec::new();
    replay.run(config, |replay, t| rows.push(our_kubernetes_row(replay, t, has_condition)));
    let recorded = case["timeline"].as_array().expect("rows").iter().map(recorded_kubernetes_row).collect();
    let finished = replay.controller.finished_at().map(seconds);
    difference("row", &distinct_rows(recorded), &distinct_rows(rows))
        .or_else(|| difference("scale", &recorded_scales(case, "template"), &replay.operations))
        .or_else(|| difference("pods", &[recorded_pods(case)], &[replay.pods]))
        .or_else(|| difference("completion", &[case["complete_at"].as_i64()], &[finished]))
        .or_else(|| difference("deadline", &[case["progress_deadline_exceeded_at"].as_i64()], &[replay.first_deadline]))
}

#[test]
fn kubernetes_timelines_are_those_of_the_real_controllers() {
    let cases = lines("kubernetes_timelines.jsonl");
    assert_eq!(cases.len(), 76);
    let name = |case: &Value| case["config"]["id"].as_str().expect("a name").to_owned();
    let names: Vec<String> = cases.iter().map(name).collect();
    let results = cases.iter().map(|case| (name(case), compare_kubernetes(case))).collect();
    conclude("kubernetes timelines", results, &[], &names);
}

// ---------------------------------------------------------------------------------------------- Argo Rollouts

fn canary_step(step: &Value) -> CanaryStep {
    if let Some(weight) = step.get("setWeight") {
        CanaryStep::SetWeight(count(weight))
    } else if let Some(pause) = step.get("pause") {
        CanaryStep::Pause(duration(&pause["duration"]))
    } else if let Some(scale) = step.get("setCanaryScale") {
        CanaryStep::SetCanaryScale(if let Some(replicas) = scale.get("replicas") {
            CanaryScale::Replicas(count(replicas))
        } else if let Some(weight) = scale.get("weight") {
            CanaryScale::Weight(count(weight))
        } else {
            CanaryScale::MatchTrafficWeight
        })
    } else {
        CanaryStep::Analysis(vec![0])
    }
}

fn strategy(config: &Value) -> Strategy {
    let min_ready = whole_seconds(&config["minReadySeconds"]).unwrap_or(Duration::ZERO);
    let progress_deadline = whole_seconds(&config["progressDeadlineSeconds"]).unwrap_or(Duration::from_seconds(600));
    let progress_deadline_abort = config["progressDeadlineAbort"].as_bool().unwrap_or(false);
    let analysis = |value: &Value| if value.is_null() { Vec::new() } else { vec![0] };
    if let Some(canary) = config["strategy"].get("canary") {
        let steps = canary["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        return Strategy::Canary(CanarySettings {
            traffic_routing: canary.get("trafficRouting").is_some(),
            max_surge: count_or_percent(&canary["maxSurge"], CountOrPercent::Percent(25)),
            max_unavailable: count_or_percent(&canary["maxUnavailable"], CountOrPercent::Percent(25)),
            dynamic_stable_scale: canary["dynamicStableScale"].as_bool().unwrap_or(false),
            scale_down_delay: whole_seconds(&canary["scaleDownDelaySeconds"]),
            abort_scale_down_delay: whole_seconds(&canary["abortScaleDownDelaySeconds"]),
            min_pods_per_replica_set: None,
            background_analysis: analysis(&canary["analysis"]),
            background_starting_step: canary["analysis"]["startingStep"].as_u64().unwrap_or(0) as u32,
            steps: steps.iter().map(canary_step).collect(),
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
        pre_promotion_analysis: analysis(&blue_green["prePromotionAnalysis"]),
        post_promotion_analysis: analysis(&blue_green["postPromotionAnalysis"]),
        min_ready,
        progress_deadline,
        progress_deadline_abort,
    })
}

/// A template whose measurements succeed up to 0.5 and are inconclusive without data.
fn template(metric: &Value) -> Analysis {
    let interval = duration(&metric["interval"]);
    let number = |name: &str, default: u32| metric.get(name).map_or(default, count);
    Analysis {
        name: metric["name"].as_str().expect("a name").to_owned(),
        metric: AnalysisMetric::ErrorRate,
        quantile: 0.99,
        bound: AnalysisBound::Max(0.5),
        interval: interval.unwrap_or(Duration::ZERO),
        // Without an interval a metric is measured once.
        count: metric.get("count").map(count).or(interval.is_none().then_some(1)),
        failure_limit: number("failureLimit", 0),
        inconclusive_limit: number("inconclusiveLimit", 0),
        consecutive_error_limit: number("consecutiveErrorLimit", 4),
        initial_delay: duration(&metric["initialDelay"]).unwrap_or(Duration::ZERO),
        window: Duration::from_seconds(60),
        min_samples: 0,
        no_data: NoData::Inconclusive,
        estimator: Estimator::Exact,
    }
}

/// The analysis of a timeline, of which there is at most one, with its script.
fn analyses(config: &Value) -> (Vec<Analysis>, Vec<String>) {
    let Some(analysis) = config["analysis"].as_object().and_then(|kinds| kinds.values().next()) else {
        return (Vec::new(), Vec::new());
    };
    let metrics = analysis["metrics"].as_array().expect("metrics");
    let script = |metric: &Value| {
        analysis["outcomes"][metric["name"].as_str().expect("a name")].as_str().expect("a script").to_owned()
    };
    (metrics.iter().map(template).collect(), metrics.iter().map(script).collect())
}

fn recorded_argo_row(row: &Value) -> (i64, String) {
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

fn our_argo_row(replay: &Replay<'_>, t: i64) -> (i64, String) {
    let (statuses, controller) = (replay.fleet.statuses(at(t)), &replay.controller);
    let shipped = replay.template.max(if controller.started_at().is_some() { 1 } else { 0 });
    let set = |version: Version| {
        let status = statuses[version];
        format!("v{}:{}/{}/{}", version + 1, controller.spec(version), status.ready, status.available)
    };
    let mut words: Vec<String> = (0..=shipped).map(set).collect();
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
            let name = |versions: Versions| versions.only().map_or(0, |version| version + 1);
            words.push(format!("{canary_percent}% of v{} to v{}", name(stable), name(canary)));
        }
    }
    (t, words.join(" "))
}

fn compare_argo(case: &Value) -> Option<String> {
    let config = &case["config"];
    let (analyses, scripts) = analyses(config);
    let controller = Controller::new(&strategy(config), &analyses, count(&config["replicas"]));
    let mut replay = replay(controller, config, VictimRule::UnreadyThenYoungest, scripts);
    let mut rows = Vec::new();
    replay.run(config, |replay, t| rows.push(our_argo_row(replay, t)));
    let recorded = case["timeline"].as_array().expect("rows").iter().map(recorded_argo_row).collect();
    difference("row", &distinct_rows(recorded), &distinct_rows(rows))
        .or_else(|| difference("scale", &recorded_scales(case, "what"), &replay.operations))
}

#[test]
fn argo_timelines_are_those_of_the_real_controller() {
    let cases = lines("argo_timelines.jsonl");
    assert_eq!(cases.len(), 63);
    let name = |case: &Value| case["config"]["id"].as_str().expect("a name").to_owned();
    let names: Vec<String> = cases.iter().map(name).collect();
    let is_covered = |case: &&Value| TIMELINES_NOT_COVERED.iter().all(|(id, _)| *id != name(case));
    let results = cases.iter().filter(is_covered).map(|case| (name(case), compare_argo(case))).collect();
    conclude("argo timelines", results, &TIMELINES_NOT_COVERED, &names);
}

// ---------------------------------------------------------------------------------------------- AnalysisRuns

fn outcome(letter: u8) -> (Outcome, &'static str) {
    match letter {
        b'S' => (Outcome::Successful, "Successful"),
        b'F' => (Outcome::Failed, "Failed"),
        b'I' => (Outcome::Inconclusive, "Inconclusive"),
        b'E' => (Outcome::Error, "Error"),
        other => panic!("unknown outcome {other}"),
    }
}

/// Measurements as (time, metric, phase), sorted, then the final phase and when it was reached.
type RunRecord = (Vec<(i64, String, String)>, String, Option<i64>);

fn recorded_run(run: &Value) -> RunRecord {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let measurement = |row: &Value| (row["t"].as_i64().expect("a time"), text(&row["metric"]), text(&row["phase"]));
    // A run that was terminated before its first measurement has none.
    let rows = run["measurements"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut measurements: Vec<_> = rows.iter().map(measurement).collect();
    measurements.sort();
    (measurements, text(&run["final_phase"]), run["completed_at"].as_i64())
}

fn our_run(config: &Value) -> RunRecord {
    let metrics = config["metrics"].as_array().expect("metrics");
    let templates: Vec<Analysis> = metrics.iter().map(template).collect();
    let every: Vec<usize> = (0..templates.len()).collect();
    let mut run = AnalysisRun::new(&every, &templates, Time::ZERO);
    let mut taken = vec![0; templates.len()];
    let mut measurements = Vec::new();
    let mut completed = None;
    let terminate = config["terminateAt"].as_i64().map_or(Time::NEVER, at);
    let horizon = at(config["horizon"].as_i64().expect("a horizon"));
    while run.phase() == RunPhase::Running {
        let now = run.next_due().min(terminate);
        if now >= horizon {
            break;
        }
        if now == terminate {
            run.terminate();
        }
        for index in run.take_due(now) {
            let script = metrics[index]["outcomes"].as_str().expect("a script").as_bytes();
            let (outcome, word) = outcome(script[taken[index].min(script.len() - 1)]);
            taken[index] += 1;
            measurements.push((seconds(now), templates[index].name.clone(), word.to_owned()));
            run.record(index, outcome, false, now);
        }
        if run.phase() != RunPhase::Running {
            completed = Some(seconds(now));
        }
    }
    measurements.sort();
    (measurements, format!("{:?}", run.phase()), completed)
}

#[test]
fn argo_analysis_runs_are_those_of_the_real_controller() {
    let file: Value = serde_json::from_str(&read("argo_analysis_runs.json")).expect("JSON");
    let runs = file["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 60);
    let name = |run: &Value| run["config"]["id"].as_str().expect("a name").to_owned();
    let names: Vec<String> = runs.iter().map(name).collect();
    let compare = |run: &Value| difference("run", &[recorded_run(run)], &[our_run(&run["config"])]);
    let is_covered = |run: &&Value| RUNS_NOT_COVERED.iter().all(|(id, _)| *id != name(run));
    let results = runs.iter().filter(is_covered).map(|run| (name(run), compare(run))).collect();
    conclude("argo analysis runs", results, &RUNS_NOT_COVERED, &names);
}
