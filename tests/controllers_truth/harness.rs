//! A fake fleet under one of our controllers, replaying a recorded case: pods are created at once, ready after their cold
//! start, deleted at once.

use std::collections::BTreeMap;

use cutover::fleet::PodView;
use cutover::rollout::replica_set::victims;
use cutover::rollout::{Command, Controller, FleetView, Note, PauseReason, ReplicaSetStatus, Version};
use cutover::units::{CountOrPercent, Duration, Time, parse_duration, parse_percent};
use serde_json::Value;

use crate::analysis_runs::measured;

/// Seconds from time zero as an instant.
pub(crate) fn at(seconds: i64) -> Time {
    Time(seconds * 1_000_000_000)
}

/// An instant as seconds from time zero.
pub(crate) fn seconds(time: Time) -> i64 {
    time.0 / 1_000_000_000
}

pub(crate) fn count(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a count")).expect("a small count")
}

pub(crate) fn count_or_percent(value: &Value, default: CountOrPercent) -> CountOrPercent {
    match value {
        Value::Null => default,
        Value::String(text) => parse_percent(text).expect("a percentage"),
        number => CountOrPercent::Count(count(number)),
    }
}

pub(crate) fn whole_seconds(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_seconds)
}

pub(crate) fn duration(value: &Value) -> Option<Duration> {
    value.as_str().map(|text| parse_duration(text).expect("a duration"))
}

/// `v1` is version 0.
pub(crate) fn version(template: &str) -> Version {
    template[1..].parse::<Version>().expect("a template v1, v2, ...") - 1
}

/// The name of a case.
pub(crate) fn name_of(case: &Value) -> String {
    case["config"]["id"].as_str().expect("a name").to_owned()
}

/// The first key of a configuration that is not known, told as a dotted path. Lists count as what is in them; `*` is any
/// name; what is `skipped` is looked at elsewhere.
pub(crate) fn unknown_key(value: &Value, path: &str, known: &[&str], skipped: &[&str]) -> Option<String> {
    match value {
        Value::Array(values) => values.iter().find_map(|value| unknown_key(value, path, known, skipped)),
        Value::Object(entries) => entries.iter().find_map(|(key, value)| {
            let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            let below = |path: &str| {
                known
                    .iter()
                    .chain(skipped)
                    .any(|known| known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
            };
            match [inner(key), inner("*")].into_iter().find(|path| below(path)) {
                Some(path) if skipped.contains(&path.as_str()) => None,
                Some(path) => unknown_key(value, &path, known, skipped),
                None => Some(inner(key)),
            }
        }),
        _ => None,
    }
}

/// What is done to a fleet or a rollout in a recording.
const OPERATIONS: [&str; 10] = [
    "set_template",
    "unready",
    "ready",
    "set_replicas",
    "pause",
    "resume",
    "abort",
    "retry",
    "promote",
    "promote_full",
];

/// The first operation that is none of those.
pub(crate) fn unknown_operation(config: &Value) -> Option<String> {
    let operations = config["events"].as_array()?.iter().filter_map(|event| event["op"].as_str());
    operations.into_iter().find(|name| !OPERATIONS.contains(name)).map(|name| format!("operation {name}"))
}

/// How many templates a case has.
fn templates(config: &Value) -> usize {
    let shipped = config["events"].as_array().into_iter().flatten().filter_map(|event| event["arg"].as_str());
    let started = config["coldStarts"].as_object().into_iter().flatten().map(|(template, _)| template.as_str());
    let numbers = shipped.chain(started).filter(|name| name.starts_with('v'));
    numbers.map(|name| version(name) + 1).max().unwrap_or(1)
}

/// A pod of the fake fleet.
#[derive(Clone, Copy)]
pub(crate) struct Pod {
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
pub(crate) enum VictimRule {
    Kubernetes,
    UnreadyThenYoungest,
}

/// A fleet whose pods only start up: created at once, ready after their cold start, deleted at once.
pub(crate) struct Fleet {
    pub(crate) pods: Vec<Pod>,
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
            created: vec![0; templates(config)],
            cold_starts: cold_starts.iter().map(|(template, values)| (version(template), list(values))).collect(),
            min_ready: whole_seconds(&config["minReadySeconds"]).unwrap_or(Duration::ZERO),
            rule,
        }
    }

    /// The status of every version's ReplicaSet.
    pub(crate) fn statuses(&self, now: Time) -> Vec<ReplicaSetStatus> {
        let mut statuses = vec![ReplicaSetStatus::default(); self.created.len()];
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
            let values = self.cold_starts.get(&version).map(Vec::as_slice).unwrap_or_default();
            let cold_start = values.get(number as usize).or(values.last()).copied().unwrap_or(0);
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
pub(crate) struct Replay<'a> {
    pub(crate) controller: Controller,
    pub(crate) fleet: Fleet,
    /// Scripted outcomes of the analyses, one letter per measurement.
    scripts: Vec<String>,
    taken: BTreeMap<(u32, usize), usize>,
    pub(crate) template: Version,
    /// The highest version that was ever shipped.
    pub(crate) newest: Version,
    pub(crate) operations: Vec<(i64, Version, u32, u32)>,
    pub(crate) pods: BTreeMap<(i64, &'static str, Version), usize>,
    pub(crate) first_deadline: Option<i64>,
    pub(crate) pauses: Vec<PauseReason>,
    case: &'a str,
}

impl Replay<'_> {
    /// Runs to the horizon. Calls `row` after the fixed point of every instant at which something could happen.
    pub(crate) fn run(&mut self, config: &Value, mut row: impl FnMut(&Replay<'_>, i64)) {
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
                self.newest = self.newest.max(self.template);
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
            Command::Scale { version, from, to, .. } => {
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
                let mut notes = Vec::new();
                self.controller.measured(run, template, measured(letter), now, &mut notes);
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
pub(crate) fn distinct_rows(rows: Vec<(i64, String)>) -> Vec<(i64, String)> {
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
pub(crate) fn difference<T: PartialEq + std::fmt::Debug>(what: &str, recorded: &[T], ours: &[T]) -> Option<String> {
    let length = recorded.len().max(ours.len());
    let place = (0..length).find(|place| recorded.get(*place) != ours.get(*place))?;
    Some(format!("{what} {place}:\n  recorded {:?}\n  ours     {:?}", recorded.get(place), ours.get(place)))
}

pub(crate) fn recorded_scales(case: &Value, template: &str) -> Vec<(i64, Version, u32, u32)> {
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

pub(crate) fn recorded_pods(case: &Value) -> BTreeMap<(i64, &'static str, Version), usize> {
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

pub(crate) fn replay<'a>(
    controller: Controller,
    config: &'a Value,
    rule: VictimRule,
    scripts: Vec<String>,
) -> Replay<'a> {
    Replay {
        controller,
        fleet: Fleet::new(config, rule),
        scripts,
        taken: BTreeMap::new(),
        template: 0,
        newest: 0,
        operations: Vec::new(),
        pods: BTreeMap::new(),
        first_deadline: None,
        pauses: Vec::new(),
        case: config["id"].as_str().expect("a name"),
    }
}
