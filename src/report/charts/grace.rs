//! `grace.png`: how many answers a rollout cuts, and how likely it cuts any, against the grace period, both axes
//! logarithmic; below, on the same axis, what a period costs against today's.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Point, Text};
use super::labels::{self, Callout, EndLabel};
use super::numbers;
use super::theme::{self, Color, Stroke};
use crate::digits;
use crate::study::grace::{GraceAnswer, Period, Probability, Target};
use crate::study::{Difference, Estimate};

/// Numbers below this are off the chart.
const LEAST: f64 = 1e-9;
/// Half the side of the mark of a period, points.
const HALF_MARK: f64 = 2.2;
/// Room for the labels to the right, beyond that of other charts, points.
const MORE_ROOM: f64 = 22.0;

/// The sheet.
pub fn sheet(answer: &GraceAnswer) -> Sheet {
    let mut canvas = Canvas::new();
    let runs = runs(answer.runs);
    let interrupted = if answer.partial { ", interrupted" } else { "" };
    let provenance = format!("{runs}, seed {}{interrupted}", answer.scenario.study.seed);
    let question = "How long must the grace period be?";
    let top = labels::heading_of(&mut canvas, question, answer.scenario.name.trim(), &provenance) + 34.0;
    let has_costs = answer.periods.iter().any(|period| period.cost.is_some());
    let bottom = if has_costs { 318.0 } else { 466.0 };
    let upper = cut_panel(answer, top, bottom);
    let mut lowest = upper;
    draw_cuts(&mut canvas, &upper, answer, !has_costs);
    if has_costs {
        let minutes = |period: &Period| per_minute(&period.cost.as_ref()?.duration);
        let dollars = |period: &Period| Some(period.cost.as_ref()?.bill.difference);
        draw_costs(&mut canvas, (upper.x, 336.0, 394.0), answer, &minutes, ("minutes", "rollout, against today"));
        lowest = draw_costs(&mut canvas, (upper.x, 410.0, 468.0), answer, &dollars, ("USD", "bill, against today"));
        period_axis(&mut canvas, &lowest, answer, true);
    }
    mark_periods(&mut canvas, &upper, lowest.bottom, answer);
    Sheet { file_name: "grace.png".to_owned(), canvas, alt_text: alt_text(answer) }
}

/// `1 run`, `1,000 runs`.
fn runs(runs: u64) -> String {
    format!("{} run{}", numbers::fixed(runs as f64, 0), if runs == 1 { "" } else { "s" })
}

fn seconds(period: &Period) -> f64 {
    // Zero has no place on a logarithmic axis.
    period.grace.seconds().max(0.1)
}

fn cut_panel(answer: &GraceAnswer, top: f64, bottom: f64) -> Panel {
    let every = answer.periods.iter().map(seconds);
    let (first, last) = every.fold((f64::INFINITY, 0.0_f64), |(low, high), at| (low.min(at), high.max(at)));
    let both = answer.periods.iter().flat_map(|period| [&period.truncated, &period.probability]);
    let ends = both.flat_map(|estimate| [Some(estimate.value), estimate.interval.map(|(low, _)| low), high(estimate)]);
    let positive = ends.flatten().filter(|value| *value > LEAST).chain([answer.target.value()]);
    let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(low, high), at| (low.min(at), high.max(at)));
    Panel {
        left: theme::PANEL_LEFT + 12.0,
        top,
        right: theme::PANEL_RIGHT - MORE_ROOM,
        bottom,
        x: Axis::logarithmic(first / 1.12, last * 1.12),
        y: Axis::logarithmic(low / 2.0, high * 2.0),
    }
}

fn high(estimate: &Estimate) -> Option<f64> {
    estimate.interval.map(|(_, high)| high)
}

fn draw_cuts(canvas: &mut Canvas, panel: &Panel, answer: &GraceAnswer, is_alone: bool) {
    let ticks = panel.y.ticks(9);
    panel.grid(canvas, &ticks);
    let band = |of: fn(&Period) -> &Estimate| {
        let upper = answer.periods.iter().map(|period| panel.at(seconds(period), high(of(period)).unwrap_or(0.0)));
        let low = |period: &Period| of(period).interval.map_or(0.0, |(low, _)| low);
        let lower = answer.periods.iter().rev().map(|period| panel.at(seconds(period), low(period)));
        upper.chain(lower).collect::<Vec<Point>>()
    };
    canvas.area(band(|period| &period.truncated), theme::NEW_TINT);
    panel.level(canvas, answer.target.value(), theme::BOUND_STROKE);
    // Zero has no place on the axis: its interval tells of it.
    let line = |of: fn(&Period) -> &Estimate| -> Vec<Point> {
        let positive = answer.periods.iter().filter(|period| of(period).value > 0.0);
        positive.map(|period| panel.at(seconds(period), of(period).value)).collect()
    };
    canvas.line(line(|period| &period.truncated), theme::DATA_STROKE);
    canvas.line(line(|period| &period.probability), theme::SECOND_STROKE);
    for period in &answer.periods {
        let (low, high) = period.truncated.interval.unwrap_or((f64::NAN, f64::NAN));
        canvas.whisker(panel.at(seconds(period), low), panel.at(seconds(period), high));
        if period.truncated.value > 0.0 {
            mark(canvas, panel.at(seconds(period), period.truncated.value), theme::NEW);
        }
    }
    canvas.line(vec![(panel.left, panel.top), (panel.left, panel.bottom)], theme::AXIS_STROKE);
    power_axis(canvas, panel, &ticks);
    period_axis(canvas, panel, answer, is_alone);
    labels::at_line_ends_with_samples(canvas, panel, end_labels(panel, answer));
}

/// The lower edge with a tick at each period; if the lowest, with their names as far as there is room, and a title.
fn period_axis(canvas: &mut Canvas, panel: &Panel, answer: &GraceAnswer, is_lowest: bool) {
    let at: Vec<f64> = answer.periods.iter().map(seconds).collect();
    panel.lower_axis(canvas, &at, None);
    if !is_lowest {
        return;
    }
    let mut free_from = f64::NEG_INFINITY;
    for (at, period) in at.iter().zip(&answer.periods) {
        let label =
            Text::new(period.grace.to_string(), (panel.across(*at), panel.bottom + 12.0), Anchor::Middle, theme::MUTED);
        let label = label.size(theme::TICK_SIZE);
        let half = label.width() / 2.0;
        if label.at.0 - half > free_from {
            free_from = label.at.0 + half + 6.0;
            canvas.text(label);
        }
    }
    let middle = ((panel.left + panel.right) / 2.0, panel.bottom + 28.0);
    canvas.text(Text::new("grace period (log)", middle, Anchor::Middle, theme::INK));
}

/// A mark of a period.
fn mark(canvas: &mut Canvas, at: Point, color: Color) {
    canvas.rectangle((at.0 - HALF_MARK, at.1 - HALF_MARK), (at.0 + HALF_MARK, at.1 + HALF_MARK), color);
}

/// The left edge with ticks that may be very small numbers.
fn power_axis(canvas: &mut Canvas, panel: &Panel, ticks: &[f64]) {
    for tick in ticks {
        let y = panel.up(*tick);
        canvas.line(vec![(panel.left - 4.0, y), (panel.left, y)], theme::AXIS_STROKE);
        let label = Text::new(small(*tick), (panel.left - 7.0, y), Anchor::End, theme::MUTED);
        canvas.text(label.size(theme::TICK_SIZE));
    }
    let at = (theme::MARGIN + theme::LABEL_SIZE / 2.0, (panel.top + panel.bottom) / 2.0);
    canvas.text(Text::new("of a rollout: answers, probability (log)", at, Anchor::Middle, theme::INK).upwards());
}

/// A number that may be very small.
fn small(value: f64) -> String {
    if value == 0.0 || value >= 1e-3 { numbers::short(value) } else { format!("{value:.0e}") }
}

fn end_labels(panel: &Panel, answer: &GraceAnswer) -> Vec<(EndLabel, Stroke)> {
    let end = |of: fn(&Period) -> &Estimate| {
        let last = answer.periods.iter().rev().map(|period| of(period).value).find(|value| *value > 0.0);
        last.unwrap_or(panel.y.low)
    };
    let is_zero = answer.periods.last().is_some_and(|period| period.truncated.value == 0.0);
    let expected = if is_zero { "0 at the longest, 95 %" } else { "expected number, 95 %" };
    let label = |lines: [&str; 2], value: f64, stroke: Stroke| {
        let lines = lines.iter().filter(|line| !line.is_empty()).map(|line| (*line).to_owned()).collect();
        (EndLabel { lines, y: panel.up(value), color: stroke.color }, stroke)
    };
    let any = match answer.probability {
        Probability::Exact => ["probability of any", ""],
        Probability::AtMost => ["probability of any", "at most: union bound"],
        Probability::Counted => ["share of runs", "that cut any"],
    };
    let target = match answer.target {
        Target::Probability(_) => "of the probability",
        Target::Count(_) => "of the expected number",
    };
    let bound = format!("target {}", digits::figure(answer.target.value()));
    vec![
        label(["answers cut", expected], end(|period| &period.truncated), theme::DATA_STROKE),
        label(any, end(|period| &period.probability), theme::SECOND_STROKE),
        label([&bound, target], answer.target.value(), theme::BOUND_STROKE),
    ]
}

/// Today's period and the shortest that is enough, across all panels.
fn mark_periods(canvas: &mut Canvas, panel: &Panel, bottom: f64, answer: &GraceAnswer) {
    let mut callouts = Vec::new();
    let mut call = |at: usize, content: String, color: Color, stroke: Stroke| {
        let x = panel.across(seconds(&answer.periods[at]));
        canvas.line(vec![(x, panel.top - 6.0), (x, bottom)], stroke);
        callouts.push(Callout { content, target: (x, panel.top - 6.0), color });
    };
    let enough = answer.smallest.map(|at| (at, answer.periods[at].grace));
    match enough {
        Some((at, grace)) if at == answer.today => {
            call(at, format!("today, {grace}, is the shortest that is enough"), theme::NEW, theme::START_STROKE);
        }
        _ => {
            let today = format!("today {}", answer.periods[answer.today].grace);
            call(answer.today, today, theme::MUTED, theme::START_STROKE);
            if let Some((at, grace)) = enough {
                let content = format!("{grace} is the shortest that is enough");
                call(at, content, theme::NEW, Stroke::dotted(theme::NEW, 1.2));
            }
        }
    }
    labels::in_a_row(canvas, panel.top - 19.0, callouts);
}

fn per_minute(duration: &Difference) -> Option<Estimate> {
    let Estimate { value, interval } = duration.difference;
    let minutes = interval.map(|(low, high)| (low / 60.0, high / 60.0));
    value.is_finite().then_some(Estimate { value: value / 60.0, interval: minutes })
}

/// A panel between two heights with the differences against today's period, which is at zero.
fn draw_costs(
    canvas: &mut Canvas,
    (x, top, bottom): (Axis, f64, f64),
    answer: &GraceAnswer,
    of: &dyn Fn(&Period) -> Option<Estimate>,
    (unit, name): (&str, &str),
) -> Panel {
    const TODAY: Estimate = Estimate { value: 0.0, interval: Some((0.0, 0.0)) };
    let shown: Vec<(f64, Estimate)> = (answer.periods.iter().enumerate())
        .filter_map(|(at, period)| Some((seconds(period), if at == answer.today { TODAY } else { of(period)? })))
        .collect();
    let ends = shown.iter().flat_map(|(_, estimate)| {
        let (low, high) = estimate.interval.unwrap_or((estimate.value, estimate.value));
        [low, high, estimate.value]
    });
    let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let room = 0.08 * (high - low);
    let panel = Panel {
        left: theme::PANEL_LEFT + 12.0,
        top,
        right: theme::PANEL_RIGHT - MORE_ROOM,
        bottom,
        x,
        y: Axis::linear(low - room, high + room),
    };
    let ticks = panel.y.ticks(3);
    panel.grid(canvas, &ticks);
    panel.level(canvas, 0.0, theme::GRID_STROKE);
    canvas.line(shown.iter().map(|(at, estimate)| panel.at(*at, estimate.value)).collect(), theme::DATA_STROKE);
    for (at, estimate) in &shown {
        if let Some((low, high)) = estimate.interval {
            canvas.whisker(panel.at(*at, low), panel.at(*at, high));
        }
        mark(canvas, panel.at(*at, estimate.value), theme::NEW);
    }
    panel.left_axis(canvas, &ticks, unit);
    period_axis(canvas, &panel, answer, false);
    let y = shown.last().map_or(panel.up(0.0), |(_, estimate)| panel.up(estimate.value));
    let runs = format!("paired, {}, 95 %", runs(answer.cost_runs));
    let label = EndLabel { lines: vec![name.to_owned(), runs], y, color: theme::NEW };
    labels::at_line_ends(canvas, &panel, vec![label]);
    panel
}

fn alt_text(answer: &GraceAnswer) -> String {
    let today = &answer.periods[answer.today];
    let enough = match answer.smallest {
        Some(at) => format!("{} is the shortest that is shown to be enough", answer.periods[at].grace),
        None => "no period is shown to be enough".to_owned(),
    };
    format!(
        "Expected number of answers that a rollout cuts and the probability that it cuts any, against the grace period, and \
         what a period costs. Today's {} cuts {} {} a rollout; {enough}.",
        today.grace,
        digits::figure(today.truncated.value),
        numbers::interval_95(today.truncated.interval, numbers::decimals(today.truncated.value)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::finish;
    use crate::report::grace::example;

    #[test]
    fn the_chart_shows_today_the_shortest_period_and_the_target() {
        let chart = finish(sheet(&example::answer())).expect("a chart");
        for said in ["today 30s", "1m is the shortest that is enough", "target 0.001", "bill, against today"] {
            assert!(chart.svg.contains(said), "{said}");
        }
        assert!(chart.alt_text.contains("Today's 30s cuts 11.2"), "{}", chart.alt_text);
    }

    #[test]
    fn a_chart_without_cuts_or_costs_is_drawn_all_the_same() {
        let mut answer = example::answer();
        answer.periods.truncate(1);
        answer.today = 0;
        answer.smallest = None;
        answer.periods[0].cost = None;
        answer.periods[0].truncated = Estimate { value: 0.0, interval: None };
        answer.periods[0].probability = answer.periods[0].truncated;
        assert!(finish(sheet(&answer)).is_ok());
    }
}
