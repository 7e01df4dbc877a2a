//! One run as a person would want to read it: what the controller decided and why, the fleet at chosen times, what the
//! analyses measured, and how each replica went down.
//!
//! All of it is read off the run's log; nothing is simulated here.

mod decisions;
mod events;
mod json;
mod measurements;
mod replicas;
mod terminations;
mod tree;

pub(super) use json::{RunJson, json};

use crate::ledger::{Metric, RolloutOutcome, RunLog, RunRecord};
use crate::report::format::{Quantity, counted, value};
use crate::report::layout::{Style, Tone, wrap};
use crate::report::terminal::begin;
use crate::scenario::Scenario;
use crate::units::Time;

/// A run to be explained.
#[derive(Clone, Copy, Debug)]
pub struct Explained<'a> {
    /// What was simulated.
    pub scenario: &'a Scenario,
    /// What came of it.
    pub record: &'a RunRecord,
    /// All that happened.
    pub log: &'a RunLog,
    /// When the fleet is to be shown; empty: at the turns of the rollout.
    pub moments: &'a [Time],
    /// Whether to list every event too.
    pub every_event: bool,
}

/// The run for a terminal.
pub(super) fn text(explained: &Explained<'_>, style: Style) -> String {
    let mut lines = head(explained, style);
    let mut section = |heading: &str, body: Vec<String>| {
        if !body.is_empty() {
            lines.push(String::new());
            lines.push(style.paint(Tone::Heading, heading));
            lines.extend(body);
        }
    };
    section("DECISIONS", decisions::lines(explained, style.width));
    section("FLEET", tree::lines(explained));
    section("MEASUREMENTS", measurements::lines(explained, style.width));
    section("TERMINATIONS", terminations::table(explained, style.width));
    section("LOST", terminations::lost(explained, style.width));
    if explained.every_event {
        section("EVENTS", events::lines(explained.log, style.width));
    }
    lines.push(String::new());
    lines.extend(wrap("", &ending(explained.log), style.width));
    lines.join("\n") + "\n"
}

fn head(explained: &Explained<'_>, style: Style) -> Vec<String> {
    let (scenario, record) = (explained.scenario, explained.record);
    let run = format!("run {} of seed {}", record.run, scenario.study.seed);
    let duration = record.value(Metric::RolloutDuration);
    let tone = match record.outcome {
        RolloutOutcome::None => return begin(&scenario.read_by, &scenario.name, &run, style),
        RolloutOutcome::Completed => Tone::Good,
        _ => Tone::Bad,
    };
    let mut outcome = record.outcome.name().replace('_', " ");
    if duration.is_finite() {
        outcome.push_str(&format!(" after {}", value(duration, Quantity::Seconds)));
    }
    let mut lines = begin(&scenario.read_by, &scenario.name, &format!("{run}: {outcome}"), style);
    if let Some(line) = lines.last_mut() {
        *line = line.replace(&outcome, &style.paint(tone, &outcome));
    }
    if !record.reason.is_empty() {
        lines.extend(wrap("", &format!("because: {}", record.reason), style.width));
    }
    lines
}

/// The run's attempts by how they ended, most frequent first.
fn attempts(log: &RunLog) -> Vec<(&str, u64)> {
    let mut outcomes: Vec<(&str, u64)> = Vec::new();
    for request in &log.requests {
        match outcomes.iter_mut().find(|(name, _)| *name == request.outcome) {
            Some((_, count)) => *count += 1,
            None => outcomes.push((request.outcome, 1)),
        }
    }
    outcomes.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    outcomes
}

/// How the run's attempts ended, in words.
fn ending(log: &RunLog) -> String {
    let parts: Vec<String> =
        attempts(log).iter().map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    let attempts = counted(log.requests.len() as u64, "attempt");
    if parts.is_empty() {
        format!("{attempts}, warm-up and cool-down included")
    } else {
        format!("{attempts}, warm-up and cool-down included: {}", parts.join(", "))
    }
}

/// The value of `key=` in an event's detail, up to the next space; a reason goes on to the end.
fn word<'d>(detail: &'d str, key: &str) -> Option<&'d str> {
    let start = detail.split_once(&format!("{key}=")).filter(|(before, _)| before.is_empty() || before.ends_with(' '));
    let rest = start?.1;
    Some(if key == "reason" { rest } else { rest.split(' ').next().unwrap_or(rest) })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Two replicas with long answers and a grace period that cuts them; the second update is rolled back.
    const CUT: &str = r#"
name = "Two replicas"
[study]
warm_up = "2m"
duration = "20m"
cool_down = "1m"
[traffic]
arrivals = { process = "poisson", rate = 0.2 }
prompt_tokens = 10
output_tokens = { distribution = "sequence", values = [100, 400, 1200] }
[fleet]
replicas = 2
[engine]
step_time = { base = "50ms" }
[cold_start]
image_pull = "30s"
engine_start = "1m"
[termination]
grace_period = "20s"
pre_stop = "5s"
endpoint_lag = "1s"
[rollout]
strategy = "rolling"
start = "2m"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
[[action]]
at = "7m"
do = "roll_back"
"#;

    /// The text of one run.
    pub(in crate::report) fn explained(style: Style, every_event: bool) -> String {
        let scenario = crate::scenario::parse(CUT, "cut.toml", std::path::Path::new("."), &[], &[]);
        let prepared = crate::simulation::Prepared::new(scenario.expect("a scenario"));
        let (record, log) = prepared.log_run(0);
        let moments = [Time(4 * 60_000_000_000)];
        text(
            &Explained { scenario: &prepared.scenario, record: &record, log: &log, moments: &moments, every_event },
            style,
        )
    }

    #[test]
    fn a_run_is_told_from_its_decisions_to_what_it_lost() {
        insta::assert_snapshot!(explained(Style { color: false, width: 100 }, false));
    }

    #[test]
    fn words_of_a_detail_are_found_by_their_whole_key() {
        let detail = "analysis=ttft value=1.8s samples=84 reason=failed (3) > failure_limit (2)";
        assert_eq!(word(detail, "samples"), Some("84"));
        assert_eq!(word(detail, "ples"), None);
        assert_eq!(word(detail, "reason"), Some("failed (3) > failure_limit (2)"));
        assert_eq!(word("new=3", "new"), Some("3"));
    }
}
