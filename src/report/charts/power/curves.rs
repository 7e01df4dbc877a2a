//! `power.png` and its like: the probability that the canary catches a version over how bad it is, one line for each
//! estimator, with what is wanted and what is allowed.

use super::{Sheet, aside, heading, mark, panel, size_axis};
use crate::digits::percent_as_given;
use crate::report::charts::axes::{Axis, Panel};
use crate::report::charts::canvas::{Anchor, Canvas, Text};
use crate::report::charts::labels::{self, EndLabel};
use crate::report::charts::numbers;
use crate::report::charts::theme::{self, Stroke};
use crate::report::power::named;
use crate::study::power::{CanaryPower, Power, Regression};

/// The strokes of the canaries, the one as written first.
const STROKES: [Stroke; 4] = [
    Stroke::solid(theme::NEW, 1.9),
    Stroke::dashed(theme::INK, 1.5),
    Stroke::dotted(theme::COSTLY_INK, 1.9),
    Stroke::solid(theme::STABLE, 1.6),
];

/// The sheet of the regression of this index.
pub(super) fn sheet(power: &Power, index: usize, file_name: String) -> Sheet {
    let regression = &power.regressions[index];
    let mut canvas = Canvas::new();
    let question = "Will the canary catch a worse version, and spare a good one?";
    let top = heading(&mut canvas, question, power) + 34.0;
    let panel = panel(top, regression.sizes.len(), Axis::linear(0.0, 100.0));
    let ticks = panel.y.ticks(5);
    panel.grid(&mut canvas, &ticks);
    mark_places(&mut canvas, &panel, power, index);
    let shift = aside(0, power.canaries.len());
    let band = band(&panel, regression, power.as_written());
    canvas.area(band.into_iter().map(|(x, y)| (x + shift, y)).collect(), theme::NEW_TINT);
    mark_goals(&mut canvas, &panel, power, index);
    for (line, canary) in power.canaries.iter().enumerate() {
        draw(&mut canvas, &panel, regression, canary, (line, power.canaries.len()));
    }
    panel.left_axis(&mut canvas, &ticks, "rollouts that are aborted, %");
    size_axis(&mut canvas, &panel, power, regression);
    labels::at_line_ends_with_samples(&mut canvas, &panel, end_labels(&panel, power, regression));
    Sheet { file_name, canvas, alt_text: alt_text(power, regression) }
}

/// Where the line of a canary passes each size, percent.
fn values(regression: &Regression, canary: &CanaryPower) -> Vec<f64> {
    regression.sizes.iter().map(|size| 100.0 * canary.outcomes[size.version].caught.value).collect()
}

/// The intervals of a canary as an area.
fn band(panel: &Panel, regression: &Regression, canary: &CanaryPower) -> Vec<(f64, f64)> {
    let interval = |size: usize| canary.outcomes[regression.sizes[size].version].caught.interval;
    let ends: Option<Vec<(f64, f64)>> = (0..regression.sizes.len()).map(interval).collect();
    let Some(ends) = ends else { return Vec::new() };
    let upper = ends.iter().enumerate().map(|(x, (_, high))| panel.at(x as f64, 100.0 * high));
    let lower = ends.iter().enumerate().rev().map(|(x, (low, _))| panel.at(x as f64, 100.0 * low));
    upper.chain(lower).collect()
}

fn draw(
    canvas: &mut Canvas,
    panel: &Panel,
    regression: &Regression,
    canary: &CanaryPower,
    (line, lines): (usize, usize),
) {
    let stroke = STROKES[line % STROKES.len()];
    let aside = aside(line, lines);
    let at = |(x, y): (usize, &f64)| {
        let (x, y) = panel.at(x as f64, *y);
        (x + aside, y)
    };
    canvas.line(values(regression, canary).iter().enumerate().map(at).collect(), stroke);
    for (x, size) in regression.sizes.iter().enumerate() {
        let mut caught = canary.outcomes[size.version].caught;
        caught.value *= 100.0;
        caught.interval = caught.interval.map(|(low, high)| (100.0 * low, 100.0 * high));
        mark(canvas, panel, x as f64, &caught, stroke.color, aside);
    }
}

/// Upright lines at the version that is as stable and at the size of interest.
fn mark_places(canvas: &mut Canvas, panel: &Panel, power: &Power, index: usize) {
    let regression = &power.regressions[index];
    let mut callouts = Vec::new();
    for (x, size) in regression.sizes.iter().enumerate() {
        let is_of_interest = index == power.goal.regression && x == power.goal.size;
        let content = match (size.version, is_of_interest) {
            (0, _) => "as stable: false alarms",
            (_, true) => "size of interest",
            _ => continue,
        };
        let (x, _) = panel.at(x as f64, 0.0);
        canvas.line(vec![(x, panel.top - 6.0), (x, panel.bottom)], theme::START_STROKE);
        callouts.push(labels::Callout {
            content: content.to_owned(),
            target: (x, panel.top - 6.0),
            color: theme::MUTED,
        });
    }
    labels::in_a_row(canvas, panel.top - 18.0, callouts);
}

/// Level lines at what is wanted and what is allowed, named where curves are far: at the left and at the right.
fn mark_goals(canvas: &mut Canvas, panel: &Panel, power: &Power, index: usize) {
    let goal = &power.goal;
    let wanted = if index == goal.regression { format!(" at {}", power.size_at_goal().label) } else { String::new() };
    let last = power.regressions[index].sizes.len().saturating_sub(1) as f64;
    let texts = [
        (format!("wanted{wanted}: {}", percent_as_given(goal.power)), goal.power, 0.0, Anchor::Start),
        (format!("false alarms allowed: {}", percent_as_given(goal.false_alarm)), goal.false_alarm, last, Anchor::End),
    ];
    for (content, share, x, anchor) in texts {
        let level = panel.up(100.0 * share);
        panel.level(canvas, 100.0 * share, theme::BOUND_STROKE);
        let y = if level - 14.0 < panel.top { level + 9.0 } else { level - 8.0 };
        let x = panel.across(x) + if anchor == Anchor::Start { 12.0 } else { -12.0 };
        let text = Text::new(content, (x, y), anchor, theme::ALERT).size(theme::SMALL_SIZE);
        let (left, right) = if anchor == Anchor::Start { (x, x + text.width()) } else { (x - text.width(), x) };
        canvas.rectangle((left - 2.0, y - 6.0), (right + 2.0, y + 6.0), theme::PAPER);
        canvas.text(text);
    }
}

fn end_labels(panel: &Panel, power: &Power, regression: &Regression) -> Vec<(EndLabel, Stroke)> {
    let label = |(line, canary): (usize, &CanaryPower)| {
        let last = values(regression, canary).last().copied().unwrap_or(0.0);
        let stroke = STROKES[line % STROKES.len()];
        let color = if stroke.color == theme::STABLE { theme::STABLE_INK } else { stroke.color };
        let mut lines: Vec<String> = match canary.name.split_once(" (") {
            Some((name, rest)) => vec![name.to_owned(), format!("({rest}")],
            None => vec![canary.name.clone()],
        };
        lines.push(if line == 0 { "band: 95 %".to_owned() } else { "brackets: 95 %".to_owned() });
        (EndLabel { lines, y: panel.up(last), color }, stroke)
    };
    power.canaries.iter().enumerate().map(label).collect()
}

fn alt_text(power: &Power, regression: &Regression) -> String {
    let of = |(line, canary): (usize, &CanaryPower)| {
        let points: Vec<String> = (regression.sizes.iter().zip(values(regression, canary)))
            .map(|(size, value)| format!("{} % at {}", numbers::readable(value), named(regression, size)))
            .collect();
        let with = if line == 0 { "" } else { "with " };
        format!("the canary {with}{} aborts, of its rollouts, {}", canary.name, points.join(", "))
    };
    let canaries: Vec<String> = power.canaries.iter().enumerate().map(of).collect();
    format!("By the size of the regression, {}.", canaries.join("; "))
}
