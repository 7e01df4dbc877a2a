//! `plan.png`: what each candidate has of the objective against the answers that it cuts and the time that it takes (what it
//! costs, where one of these is the objective), with the frontier of those that no other beats in both, the best, the runner-up and the scenario as written.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Point, Text, text_width};
use super::labels::{self, Callout};
use super::numbers;
use super::theme::{self, Color, Stroke};
use crate::digits::counted;
use crate::ledger::Metric;
use crate::report::plan::{Planned, label};
use crate::scenario::Check;
use crate::study::plan::{Ranked, Standing, violation};
use crate::study::{CheckResult, Estimate};

/// A candidate's interval.
const INTERVAL_STROKE: Stroke = Stroke::solid(theme::STABLE, 0.8);
/// A spread beyond which risks are told by factors.
const WIDE: f64 = 50.0;
/// Radius of a candidate's disc, points.
const RADIUS: f64 = 3.6;
/// Radius of a disc that is named.
const NAMED_RADIUS: f64 = 4.4;

/// What an axis shows of every candidate: the mean over runs of a metric, in a unit that reads well.
#[derive(Clone, Copy, Debug)]
struct Figure {
    metric: Metric,
    factor: f64,
}

impl Figure {
    fn new(metric: Metric) -> Figure {
        Figure { metric, factor: if metric == Metric::RolloutDuration { 1.0 / 60.0 } else { 1.0 } }
    }

    fn of(self, candidate: &Ranked) -> Estimate {
        scaled(&candidate.metric(self.metric).mean, self.factor)
    }

    /// What stands beside an upright axis.
    fn short_title(self) -> &'static str {
        match self.metric {
            Metric::TruncatedAttempts => "answers cut, a run",
            Metric::RolloutDuration => "duration, min",
            Metric::RolloutCost => "cost, USD",
            Metric::Cost => "bill, USD",
            other => other.name(),
        }
    }

    /// What stands below a level one.
    fn title(self) -> String {
        let name = self.metric.name();
        let what = match self.metric {
            Metric::RolloutCost => "what the rollout costs beyond the steady fleet, USD",
            Metric::Cost => "the bill for the window, USD",
            Metric::RolloutDuration => "how long the rollout takes, min",
            Metric::TruncatedAttempts => "answers cut, a run",
            _ if self.metric.description().unit.is_empty() => return format!("{name} (mean over runs)"),
            _ => return format!("{name}, {} (mean over runs)", self.metric.description().unit),
        };
        format!("{what} ({name}, mean over runs)")
    }
}

/// The objective, then what the upper and the lower panel hold against it.
fn figures(planned: &Planned<'_>) -> [Figure; 3] {
    let (objective, money) = (planned.outcome.rules.objective, planned.money());
    let unless_minimised = |metric: Metric| if metric == objective { money } else { metric };
    [objective, unless_minimised(Metric::TruncatedAttempts), unless_minimised(Metric::RolloutDuration)].map(Figure::new)
}

/// What the chart answers.
fn question(objective: Metric) -> String {
    match objective {
        Metric::RolloutCost | Metric::Cost => "Which rollout is cheapest, and at what risk and delay?".to_owned(),
        Metric::RolloutDuration => "Which rollout is fastest, and at what risk and cost?".to_owned(),
        Metric::PeakGpus => "Which rollout takes the fewest GPUs, and at what risk and delay?".to_owned(),
        Metric::TruncatedAttempts => "Which rollout cuts the fewest answers, and at what cost and delay?".to_owned(),
        other => format!("Which rollout has the least {}, and at what risk and delay?", other.name()),
    }
}

/// The sheet; `None` without a candidate that has a value of the objective.
pub fn sheet(planned: &Planned<'_>) -> Option<Sheet> {
    let candidates = &planned.outcome.candidates;
    let [x, risk, delay] = figures(planned);
    let along = axis_over(candidates.iter().map(|candidate| x.of(candidate)))?;
    let mut canvas = Canvas::new();
    let provenance = format!(
        "{}, up to {}, seed {}",
        counted(candidates.len() as f64, "candidate"),
        counted(planned.most_runs() as f64, "run"),
        planned.scenario.study.seed
    );
    let top = labels::heading_of(&mut canvas, &question(x.metric), planned.scenario.name.trim(), &provenance);
    let legend = "filled: keeps every check by its estimates \u{b7} hollow: does not \u{b7} bars: 95 % intervals \u{b7} \
                  dashed: the frontier, below and left of which nobody keeps them all";
    canvas.text(Text::new(legend, (theme::PANEL_LEFT, top + 6.0), Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
    let right = theme::WIDTH - 2.0 * theme::MARGIN;
    let upright = |figure: Figure| match figure.metric {
        Metric::TruncatedAttempts => risk_axis(planned),
        _ => axis_over(candidates.iter().map(|candidate| figure.of(candidate))).unwrap_or(Axis::linear(0.0, 1.0)),
    };
    let (left, top) = (theme::PANEL_LEFT, top + 50.0);
    let upper = Panel { left, top, right, bottom: 280.0, x: along, y: upright(risk) };
    draw(&mut canvas, planned, &upper, x, risk);
    upper.lower_axis(&mut canvas, &along.ticks(10), None);
    let lower = Panel { top: 334.0, bottom: 462.0, y: upright(delay), ..upper };
    draw(&mut canvas, planned, &lower, x, delay);
    lower.lower_axis(&mut canvas, &along.ticks(10), Some(&x.title()));
    let has_no_duration = |candidate: &&Ranked| candidate.metric(Metric::RolloutDuration).mean.value.is_nan();
    let absent = candidates.iter().filter(has_no_duration).count();
    if absent > 0 {
        let text = format!("{} without a duration: some rollout did not finish", counted(absent as f64, "candidate"));
        canvas.text(Text::new(text, (right, 490.0), Anchor::End, theme::MUTED).size(theme::SMALL_SIZE));
    }
    Some(Sheet { file_name: "plan.png".to_owned(), canvas, alt_text: alt_text(planned) })
}

fn alt_text(planned: &Planned<'_>) -> String {
    let [x, risk, delay] = figures(planned).map(|figure| figure.metric);
    let told = |candidate: &Ranked, metric: Metric| {
        format!("{} {}", metric.name(), numbers::estimate(&candidate.metric(metric).mean))
    };
    let chosen = match planned.outcome.best {
        Some(best) => {
            let best = &planned.outcome.candidates[best];
            format!("the best is {}, with {} and {}", label(planned, best), told(best, x), told(best, risk))
        }
        None => "none is the best".to_owned(),
    };
    format!(
        "Of {}, placed by {} against {} and {} in means over runs, {chosen}.",
        counted(planned.outcome.candidates.len() as f64, "candidate"),
        x.name(),
        risk.name(),
        delay.name(),
    )
}

fn scaled(estimate: &Estimate, factor: f64) -> Estimate {
    Estimate {
        value: estimate.value * factor,
        interval: estimate.interval.map(|(low, high)| (low * factor, high * factor)),
    }
}

/// A linear axis over estimates and their intervals with a little room; `None` where there are none.
fn axis_over(estimates: impl Iterator<Item = Estimate>) -> Option<Axis> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for estimate in estimates.filter(|estimate| estimate.value.is_finite()) {
        let (from, to) = estimate.interval.unwrap_or((estimate.value, estimate.value));
        (low, high) = (low.min(from), high.max(to));
    }
    let room = ((high - low) * 0.06).max(high.abs() * 0.01);
    // From zero unless that would leave a third of the axis empty.
    let low = if low >= 0.0 && low - room < 0.34 * high { 0.0 } else { low - room };
    low.is_finite().then(|| Axis::linear(low, high + room))
}

/// Cut answers: by differences, or by factors where they spread widely; zero is then at the lower end.
fn risk_axis(planned: &Planned<'_>) -> Axis {
    let estimates = planned.outcome.candidates.iter().map(|candidate| candidate.metric(Metric::TruncatedAttempts).mean);
    let (mut least, mut greatest, mut highest) = (f64::INFINITY, 0.0_f64, 0.0_f64);
    for estimate in estimates.filter(|estimate| estimate.value.is_finite()) {
        if estimate.value > 0.0 {
            least = least.min(estimate.value);
        }
        greatest = greatest.max(estimate.value);
        highest = highest.max(estimate.interval.map_or(estimate.value, |(_, high)| high));
    }
    match least.is_finite() && greatest / least > WIDE {
        true => Axis::logarithmic(least / 4.0, highest * 1.2),
        false => Axis::linear(0.0, if highest > 0.0 { highest * 1.08 } else { 1.0 }),
    }
}

/// Draws one panel: grid, frontier, intervals, discs, names above it.
fn draw(canvas: &mut Canvas, planned: &Planned<'_>, panel: &Panel, x: Figure, y: Figure) {
    let with_settings = panel.top < theme::HEIGHT / 3.0 && named_width(planned) < panel.right - panel.left;
    let ticks = panel.y.ticks(5);
    panel.grid(canvas, &ticks);
    let title = format!("{}{}", y.short_title(), if panel.y.logarithmic { " (log)" } else { "" });
    panel.left_axis(canvas, &ticks, &title);
    let candidates = &planned.outcome.candidates;
    let reaches_zero = |candidate: &Ranked| y.of(candidate).interval.is_some_and(|(low, _)| low <= 0.0);
    if panel.y.logarithmic && candidates.iter().any(reaches_zero) {
        let at = (panel.left - 7.0, panel.bottom);
        canvas.text(Text::new("0", at, Anchor::End, theme::MUTED).size(theme::TICK_SIZE));
    }
    let shown = |candidate: &Ranked| {
        let (x, y) = (x.of(candidate), y.of(candidate));
        (x.value.is_finite() && y.value.is_finite()).then_some((x, y))
    };
    frontier(
        canvas,
        panel,
        candidates.iter().filter(|candidate| !fails(planned, candidate)).filter_map(shown).collect(),
    );
    for (x, y) in candidates.iter().filter_map(shown) {
        bars(canvas, panel, &x, &y, |canvas, one, other| canvas.line(vec![one, other], INTERVAL_STROKE));
    }
    for candidate in candidates {
        if let Some((x, y)) = shown(candidate) {
            disc(canvas, panel.at(x.value, y.value), RADIUS, theme::STABLE_INK, fails(planned, candidate));
        }
    }
    let mut callouts = Vec::new();
    // The best is drawn last and smallest, so that one in the same place is still seen.
    for (i, (name, index, color)) in named(planned).into_iter().enumerate().rev() {
        let candidate = &candidates[index];
        let Some((x, y)) = shown(candidate) else { continue };
        bars(canvas, panel, &x, &y, |canvas, one, other| canvas.whisker(one, other));
        let (target, radius) = (panel.at(x.value, y.value), NAMED_RADIUS + 1.8 * i as f64);
        disc(canvas, target, radius, color, fails(planned, candidate));
        let content = if with_settings { format!("{name}: {}", label(planned, candidate)) } else { name };
        callouts.push(Callout { content, target: (target.0, target.1 - radius), color });
    }
    labels::in_a_row(canvas, panel.top - 22.0, callouts);
}

/// Whether a candidate fails a check, with the race's confidence or by its estimate.
fn fails(planned: &Planned<'_>, candidate: &Ranked) -> bool {
    let checks = planned.outcome.rules.checks.iter().zip(&candidate.checks);
    let fails = |(check, found): (&Check, &CheckResult)| violation(check, found.estimate.value) > 0.0;
    matches!(candidate.standing, Standing::Breaks(_)) || checks.into_iter().any(fails)
}

/// The candidates that are named, with their colours; one that is several things has several names.
fn named(planned: &Planned<'_>) -> Vec<(String, usize, Color)> {
    let outcome = planned.outcome;
    let mut named: Vec<(String, usize, Color)> = Vec::new();
    for (name, index, color) in [
        ("best", outcome.best, theme::NEW),
        ("runner-up", outcome.runner_up, theme::COSTLY_INK),
        ("nearest", outcome.diagnosis.as_ref().and_then(|diagnosis| diagnosis.nearest), theme::NEW),
        ("as written", planned.as_written, theme::INK),
    ] {
        let Some(index) = index else { continue };
        match named.iter_mut().find(|(_, earlier, _)| *earlier == index) {
            Some((words, ..)) => words.push_str(&format!(", {name}")),
            None => named.push((name.to_owned(), index, color)),
        }
    }
    named
}

/// Width of the names with their settings side by side, points.
fn named_width(planned: &Planned<'_>) -> f64 {
    let text = |(name, index, _): &(String, usize, Color)| {
        format!("{name}: {}    ", label(planned, &planned.outcome.candidates[*index]))
    };
    named(planned).iter().map(|named| text_width(&text(named), theme::LABEL_SIZE, false)).sum()
}

/// The interval of each figure as a cross, on the panel.
fn bars(
    canvas: &mut Canvas,
    panel: &Panel,
    x: &Estimate,
    y: &Estimate,
    mut draw: impl FnMut(&mut Canvas, Point, Point),
) {
    if let Some((low, high)) = x.interval {
        draw(canvas, panel.at(low, y.value), panel.at(high, y.value));
    }
    if let Some((low, high)) = y.interval {
        draw(canvas, panel.at(x.value, low), panel.at(x.value, high));
    }
}

/// A disc, or a ring.
fn disc(canvas: &mut Canvas, at: Point, radius: f64, color: Color, hollow: bool) {
    canvas.disc(at, radius + 0.9, theme::PAPER);
    canvas.disc(at, radius, color);
    if hollow {
        canvas.disc(at, radius - 1.5, theme::PAPER);
    }
}

/// The stairs below which nobody is.
fn frontier(canvas: &mut Canvas, panel: &Panel, mut points: Vec<(Estimate, Estimate)>) {
    points.sort_by(|a, b| a.0.value.total_cmp(&b.0.value).then(a.1.value.total_cmp(&b.1.value)));
    let Some((first, first_y)) = points.first() else { return };
    let mut least = first_y.value;
    let mut line = vec![(panel.across(first.value), panel.top), panel.at(first.value, least)];
    for (x, y) in &points {
        if y.value < least {
            line.push(panel.at(x.value, least));
            least = y.value;
            line.push(panel.at(x.value, least));
        }
    }
    line.push((panel.right, panel.up(least)));
    canvas.line(line, theme::SECOND_STROKE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::example::{axes, outcome, planned, scenario};
    use crate::study::plan::Ending;

    #[test]
    fn the_frontier_leaves_out_who_fails_a_check() {
        let (scenario, axes, outcome) = (scenario(), axes(), outcome(Ending::Decided));
        let planned = planned(&scenario, &axes, &outcome);
        let names: Vec<String> = named(&planned).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["best", "runner-up", "as written"]);
        let fails: Vec<bool> = outcome.candidates.iter().map(|candidate| super::fails(&planned, candidate)).collect();
        assert_eq!(fails, [true, false, false, false, false, false]);
        let sheet = sheet(&planned).expect("there are candidates");
        assert!(
            sheet.alt_text.contains("the best is rolling, max_surge 25%, grace_period 5m, with"),
            "{}",
            sheet.alt_text
        );
    }

    #[test]
    fn the_level_axis_is_the_objectives() {
        let (scenario, axes, mut outcome) = (scenario(), axes(), outcome(Ending::Decided));
        for (objective, expected) in [
            (Metric::RolloutCost, "rollout_cost_usd against truncated_attempts and rollout_duration_s"),
            (Metric::RolloutDuration, "rollout_duration_s against truncated_attempts and cost_usd"),
            (Metric::PeakGpus, "peak_gpus against truncated_attempts and rollout_duration_s"),
            (Metric::TruncatedAttempts, "truncated_attempts against cost_usd and rollout_duration_s"),
        ] {
            outcome.rules.objective = objective;
            let planned = Planned { as_written: None, ..planned(&scenario, &axes, &outcome) };
            let told = super::sheet(&planned).expect("there are candidates").alt_text;
            assert!(told.contains(expected), "{told}");
        }
    }
}
