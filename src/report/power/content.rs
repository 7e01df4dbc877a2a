//! What is said of a canary's power, whatever it is written on.

use crate::digits::{NONE, percent_as_given};
use crate::report::content::{Block, Section};
use crate::report::format::{Quantity, counted, difference, estimate};
use crate::report::layout::glued;
use crate::study::Estimate;
use crate::study::power::{CanaryPower, Lever, Measure, Outcomes, Power, Reach, Regression, Size, runs_to_settle};

/// Share of a run's measurements without data, or of runs without a verdict, from which on it is worth a word.
const NOTABLE: f64 = 0.02;

/// Over what, and what counts as caught.
pub fn extent(power: &Power) -> String {
    let interrupted = if power.partial { "INTERRUPTED: " } else { "" };
    let study = &power.scenario.study;
    format!(
        "{interrupted}{} of each canary and version on the same requests, seed {}; caught: the rollout was aborted within \
         the window of {}; intervals are 95 %",
        counted(power.runs, "run"),
        study.seed,
        study.duration
    )
}

/// The size with the regression's name: `ttft +25 %`.
pub fn named(regression: &Regression, size: &Size) -> String {
    format!("{} {}", regression.kind.name(), size.label)
}

/// An effect: a latency's in percent, a rate's in points; with its sign.
pub fn effect(measure: &Measure, effect: &Estimate) -> String {
    if measure.is_rate() || effect.value.is_nan() {
        return difference(effect, Quantity::Share);
    }
    let percent = |value: f64| 100.0 * value;
    let interval = effect.interval.map(|(low, high)| (percent(low), percent(high)));
    let text = difference(&Estimate { value: percent(effect.value), interval }, Quantity::Plain);
    match text.split_once(" [") {
        Some((value, interval)) => format!("{value} % [{interval}"),
        None => format!("{text} %"),
    }
}

fn share(estimate: &Estimate) -> String {
    self::estimate(estimate, Quantity::Share)
}

/// The answer in sentences.
pub fn answer(power: &Power) -> Section {
    let regression = &power.regressions[power.goal.regression];
    let size = power.size_at_goal();
    let outcomes = &power.as_written().outcomes;
    let (with, without) = (&outcomes[size.version], &outcomes[0]);
    let measured = power
        .own_effect(regression, size)
        .map_or_else(String::new, |(measure, found)| format!(" ({}: {})", measure.name(), effect(measure, found)));
    let caught = format!(
        "{} of rollouts with {}{measured}; wanted: {}",
        glued(&share(&with.caught)),
        named(regression, size),
        percent_as_given(power.goal.power)
    );
    let alarms = format!(
        "{} of rollouts without a regression; allowed: {}",
        glued(&share(&without.caught)),
        percent_as_given(power.goal.false_alarm)
    );
    let mut blocks = vec![
        Block::Line("caught", caught),
        Block::Line("false alarms", alarms),
        Block::Line("verdict", verdict(power, with, without)),
    ];
    blocks.extend(others(power));
    blocks.extend(remarks(power, with, without));
    blocks.extend(power.left_out.iter().map(|why| Block::Line("left out", why.clone())));
    Section { title: "ANSWER", subtitle: power.as_written().name.clone(), blocks }
}

/// Whether what is wanted is reached; if not, what is missed, or what is undecided and about how many runs would tell.
fn verdict(power: &Power, with: &Outcomes, without: &Outcomes) -> String {
    let goal = &power.goal;
    let [caught, alarms] = [goal.judge_power(&with.caught), goal.judge_false_alarm(&without.caught)];
    let undecided = |which: &str, share: &Estimate, bound: f64| {
        let runs = match runs_to_settle(share.value, bound) {
            Some(runs) if runs > power.runs => format!("about {runs} runs would tell, if the share stays as it is"),
            _ => "it lies so near that no number of runs is sure to tell".to_owned(),
        };
        let bound = percent_as_given(bound);
        format!("undecided whether {which} versions are caught: the interval straddles {bound}; {runs}")
    };
    let of_caught = || undecided("enough bad", &with.caught, goal.power);
    let of_alarms = || undecided("few enough good", &without.caught, goal.false_alarm);
    match (caught, alarms) {
        (Reach::Reached, Reach::Reached) => "both are as wanted".to_owned(),
        (Reach::Missed, Reach::Missed) => {
            "not what is wanted: too few bad versions are caught, and too many good ones".to_owned()
        }
        (Reach::Missed, _) => "not what is wanted: too few bad versions are caught".to_owned(),
        (_, Reach::Missed) => "not what is wanted: too many good versions are caught".to_owned(),
        (Reach::Undecided, Reach::Reached) => of_caught(),
        (Reach::Reached, Reach::Undecided) => of_alarms(),
        (Reach::Undecided, Reach::Undecided) => format!("{}; and {}", of_caught(), of_alarms()),
    }
}

/// How many are caught with each of the other regressions, at its middle size.
fn others(power: &Power) -> Vec<Block> {
    let others = power.regressions.iter().enumerate().filter(|(at, _)| *at != power.goal.regression);
    let line = |(_, regression): (usize, &Regression)| {
        let size = &regression.sizes[regression.middle()?];
        let caught = &power.as_written().outcomes[size.version].caught;
        let named = named(regression, size);
        Some(Block::Line("also caught", format!("{} of rollouts with {named}", glued(&share(caught)))))
    };
    let mut blocks: Vec<Block> = others.filter_map(line).collect();
    if !blocks.is_empty() {
        let about = named(&power.regressions[power.goal.regression], power.size_at_goal());
        let text = format!("the verdict is about {about}; --at KIND=SIZE asks about another regression or size");
        blocks.push(Block::Line("about", text));
    }
    blocks
}

/// What makes the canary blind, and what its verdicts are about.
fn remarks(power: &Power, with: &Outcomes, without: &Outcomes) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (label, outcomes) in [("because", with), ("false because", without)] {
        if !outcomes.reason.is_empty() {
            blocks.push(Block::Line(label, outcomes.reason.clone()));
        }
    }
    if with.without_data.value > NOTABLE {
        let text = format!("{} of a run's measurements find too little data", glued(&share(&with.without_data)));
        blocks.push(Block::Line("blind", text));
    }
    let stuck = |outcomes: &Outcomes| outcomes.undecided.value > NOTABLE;
    if stuck(with) || stuck(without) {
        let text = format!(
            "{} of rollouts with the regression and {} without are neither aborted nor completed within the window of {}",
            glued(&share(&with.undecided)),
            glued(&share(&without.undecided)),
            power.scenario.study.duration
        );
        blocks.push(Block::Line("no verdict", text));
    }
    blocks
}

/// One regression: for each canary the outcomes over sizes, when it is caught and at which weight.
pub fn curve(power: &Power, regression: &Regression) -> Section {
    let subtitle = format!("{}: {} (`{}`)", regression.kind.name(), regression.kind.meaning(), regression.kind.key());
    let mut blocks = Vec::new();
    for canary in &power.canaries {
        let notes = if canary.notes.is_empty() { String::new() } else { format!("; {}", canary.notes.join("; ")) };
        blocks.push(Block::Line("canary", format!("{}{notes}", canary.name)));
        blocks.extend(why_alarmed(&canary.outcomes[0]));
        blocks.push(Block::Figures(outcome_rows(power, regression, canary)));
        blocks.push(Block::Figures(detection_rows(regression, canary)));
        if power.stages.len() > 1 {
            blocks.push(Block::Figures(stage_rows(power, regression, canary)));
        }
    }
    Section { title: "POWER", subtitle, blocks }
}

/// Why a canary gives up good versions, where it does so more than rarely.
fn why_alarmed(without: &Outcomes) -> Option<Block> {
    let is_frequent = without.caught.value > NOTABLE && !without.reason.is_empty();
    is_frequent.then(|| {
        let blind = if without.without_data.value > NOTABLE {
            format!("; {} of its measurements find too little data", glued(&share(&without.without_data)))
        } else {
            String::new()
        };
        Block::Line("false alarms", format!("most often: {}{blind}", without.reason))
    })
}

/// A table over the sizes of a regression.
fn rows(
    regression: &Regression,
    canary: &CanaryPower,
    header: Vec<String>,
    row: &dyn Fn(&Size, &Outcomes) -> Vec<String>,
) -> Vec<Vec<String>> {
    let of_size = |size: &Size| {
        let mut cells = vec![size.label.clone()];
        cells.extend(row(size, &canary.outcomes[size.version]));
        cells
    };
    std::iter::once(header).chain(regression.sizes.iter().map(of_size)).collect()
}

fn outcome_rows(power: &Power, regression: &Regression, canary: &CanaryPower) -> Vec<Vec<String>> {
    // What the regression is not about is in the JSON and the CSV.
    let own = regression.measure.map(|measure| &power.measures[measure]);
    let mut header = vec![regression.kind.name()];
    header.extend(own.map(|measure| format!("new {} beside stable", measure.name())));
    header.extend(["caught", "completed"].map(str::to_owned));
    rows(regression, canary, header, &|size, outcomes| {
        let mut cells: Vec<String> = Vec::new();
        if own.is_some() {
            let found = power.own_effect(regression, size);
            cells.push(found.map_or_else(|| NONE.to_owned(), |(measure, found)| effect(measure, found)));
        }
        cells.extend([share(&outcomes.caught), share(&outcomes.promoted)]);
        cells
    })
}

fn detection_rows(regression: &Regression, canary: &CanaryPower) -> Vec<Vec<String>> {
    let header = ["", "caught after, median", "P95", "exposed requests, median", "P95"].map(str::to_owned).to_vec();
    rows(regression, canary, header, &|_, outcomes| {
        vec![
            estimate(&outcomes.detected_p50, Quantity::Seconds),
            estimate(&outcomes.detected_p95, Quantity::Seconds),
            estimate(&outcomes.exposed_p50, Quantity::Plain),
            estimate(&outcomes.exposed_p95, Quantity::Plain),
        ]
    })
}

fn stage_rows(power: &Power, regression: &Regression, canary: &CanaryPower) -> Vec<Vec<String>> {
    let mut header = vec![String::new()];
    header.extend(power.stages.iter().map(|stage| format!("caught by {}", stage.name)));
    rows(regression, canary, header, &|_, outcomes| outcomes.caught_by.iter().map(share).collect())
}

/// What one change each would do; `None` where none was tried.
pub fn levers(power: &Power) -> Option<Section> {
    if power.levers.is_empty() {
        return None;
    }
    let size = power.size_at_goal();
    let regression = &power.regressions[power.goal.regression];
    let mut rows =
        vec![["change", &format!("caught at {}", size.label), "without", "both"].map(str::to_owned).to_vec()];
    for lever in &power.levers {
        let Lever { what, from, to, .. } = &lever.lever;
        // The section's name says nothing that the key does not.
        let what = what.strip_prefix("analysis.").unwrap_or(what);
        let change = if from.is_empty() { what.to_owned() } else { format!("{what}: {from} -> {to}") };
        let unfinished = if lever.undecided.value > NOTABLE { " !" } else { "" };
        rows.push(vec![
            change,
            share(&lever.power),
            share(&lever.false_alarm),
            format!("{}{unfinished}", lever.verdict.name()),
        ]);
    }
    let subtitle = format!(
        "one change at a time, to catch {} in {} of rollouts and a good version in no more than {}",
        named(regression, size),
        glued(&percent_as_given(power.goal.power)),
        glued(&percent_as_given(power.goal.false_alarm))
    );
    let mut blocks = vec![Block::Table(rows)];
    if power.levers.iter().any(|lever| lever.undecided.value > NOTABLE) {
        let text = "some rollouts of a good version are neither aborted nor completed within the window: with a longer \
                    `study.duration` more of them might be aborted";
        blocks.push(Block::Line("!", text.to_owned()));
    }
    Some(Section { title: "CHANGES", subtitle, blocks })
}
