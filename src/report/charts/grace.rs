//! `grace.png`: how many answers a rollout cuts, and how likely it cuts any, against the grace period, both axes
//! logarithmic; below, on the same axis, what a period costs against today's. Where only a bound of the probability is known,
//! what was counted is shown instead.

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
/// How far to the right of a period's expected number stands what was counted, points.
const ASIDE: f64 = 5.5;
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
        let (unit, name) = time_unit(answer);
        let times = |period: &Period| per_unit(&period.cost.as_ref()?.duration, unit);
        let dollars = |period: &Period| Some(period.cost.as_ref()?.bill.difference);
        draw_costs(&mut canvas, (upper.x, 336.0, 394.0), answer, &times, (name, "rollout, against today"));
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
    let both = answer.periods.iter().flat_map(|period| [Some(period.truncated), answer.any(period)]).flatten();
    let ends = both.flat_map(|estimate| [Some(estimate.value), estimate.interval.map(|(low, _)| low), high(&estimate)]);
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
    let shown = answer.periods.iter().filter(|period| !period.is_settled);
    let upper = shown.clone().map(|period| panel.at(seconds(period), high(&period.truncated).unwrap_or(0.0)));
    let low = |period: &Period| period.truncated.interval.map_or(0.0, |(low, _)| low);
    let lower = shown.rev().map(|period| panel.at(seconds(period), low(period)));
    canvas.area(upper.chain(lower).collect(), theme::NEW_TINT);
    panel.level(canvas, answer.target.value(), theme::BOUND_STROKE);
    // Zero has no place on the axis: its interval tells of it.
    let line = |of: &dyn Fn(&Period) -> Option<Estimate>, aside: f64| -> Vec<Point> {
        let points =
            answer.periods.iter().filter_map(|period| Some((panel.across(seconds(period)), of(period)?.value)));
        points.filter(|(_, value)| *value > 0.0).map(|(x, value)| (x + aside, panel.up(value))).collect()
    };
    canvas.line(line(&|period| Some(period.truncated), 0.0), theme::DATA_STROKE);
    canvas.line(line(&|period| answer.any(period), if is_counted(answer) { ASIDE } else { 0.0 }), theme::SECOND_STROKE);
    draw_marks(canvas, panel, answer);
    canvas.line(vec![(panel.left, panel.top), (panel.left, panel.bottom)], theme::AXIS_STROKE);
    power_axis(canvas, panel, &ticks);
    period_axis(canvas, panel, answer, is_alone);
    labels::at_line_ends_with_samples(canvas, panel, end_labels(panel, answer));
}

/// Each period's estimates with their intervals. A settled one stands on the lower edge: what its interval allows is not what
/// decides.
fn draw_marks(canvas: &mut Canvas, panel: &Panel, answer: &GraceAnswer) {
    for period in &answer.periods {
        let x = panel.across(seconds(period));
        if let Some(Estimate { value, interval: Some((low, high)) }) = answer.any(period).filter(|_| is_counted(answer))
        {
            let x = x + ASIDE;
            if value > 0.0 {
                canvas.whisker((x, panel.up(low)), (x, panel.up(high)));
                mark(canvas, (x, panel.up(value)), theme::STABLE_INK);
            }
        }
        let (low, high) = period.truncated.interval.unwrap_or((f64::NAN, f64::NAN));
        if period.is_settled {
            let (half, height) = (2.0 * HALF_MARK, 3.5 * HALF_MARK);
            let corners = [(x - half, panel.bottom - height), (x + half, panel.bottom - height), (x, panel.bottom)];
            canvas.area(corners.to_vec(), theme::NEW);
            continue;
        }
        canvas.whisker((x, panel.up(low)), (x, panel.up(high)));
        if period.truncated.value > 0.0 {
            mark(canvas, (x, panel.up(period.truncated.value)), theme::NEW);
        }
    }
}

/// Whether the probability of any cut is shown by what was counted beside the expected number.
fn is_counted(answer: &GraceAnswer) -> bool {
    answer.probability == Probability::AtMost
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
        let number = numbers::short(*tick);
        // Many zeros need more room than other labels.
        let size = labels::fitting_size(&number, theme::TICK_SIZE, panel.left - 34.0, false);
        canvas.text(Text::new(number, (panel.left - 7.0, y), Anchor::End, theme::MUTED).size(size));
    }
    let at = (theme::MARGIN + theme::LABEL_SIZE / 2.0, (panel.top + panel.bottom) / 2.0);
    canvas.text(Text::new("of a rollout: answers, probability (log)", at, Anchor::Middle, theme::INK).upwards());
}

fn end_labels(panel: &Panel, answer: &GraceAnswer) -> Vec<(EndLabel, Stroke)> {
    let end = |of: &dyn Fn(&Period) -> Option<Estimate>| {
        let values = answer.periods.iter().rev().filter_map(|period| Some(of(period)?.value));
        values.into_iter().find(|value| *value > 0.0)
    };
    let is_zero = answer.periods.last().is_some_and(|period| period.truncated.value == 0.0);
    let expected = if is_zero { "0 at the longest, 95 %" } else { "expected number, 95 %" };
    let label = |lines: [&str; 2], value: f64, stroke: Stroke| {
        let lines = lines.iter().filter(|line| !line.is_empty()).map(|line| (*line).to_owned()).collect();
        (EndLabel { lines, y: panel.up(value), color: stroke.color }, stroke)
    };
    let any = match answer.probability {
        Probability::Exact => ["probability of any", ""],
        Probability::AtMost => ["runs that cut any", "counted, 95 %"],
        Probability::Counted => ["share of runs", "that cut any"],
    };
    let target = match answer.target {
        Target::Probability(_) => "of the probability",
        Target::Count(_) => "of the expected number",
    };
    let bound = format!("target {}", digits::figure(answer.target.value()));
    let of_any = end(&|period| answer.any(period)).or((!is_counted(answer)).then_some(panel.y.low));
    let is_settled = answer.periods.iter().any(|period| period.is_settled);
    let settled = ["settled", "longest answer ends in time"];
    let of_expected = end(&|period| Some(period.truncated)).unwrap_or(panel.y.low);
    let all = [
        Some(label(["answers cut", expected], of_expected, theme::DATA_STROKE)),
        of_any.map(|value| label(any, value, theme::SECOND_STROKE)),
        Some(label([&bound, target], answer.target.value(), theme::BOUND_STROKE)),
        is_settled.then(|| label(settled, panel.y.low, Stroke::solid(theme::NEW, 0.9))),
    ];
    all.into_iter().flatten().collect()
}

/// Today's period and the shortest that is enough, across all panels.
fn mark_periods(canvas: &mut Canvas, panel: &Panel, bottom: f64, answer: &GraceAnswer) {
    let mut callouts = Vec::new();
    let mut call = |at: usize, content: String, color: Color, stroke: Stroke| {
        let x = panel.across(seconds(&answer.periods[at]));
        canvas.line(vec![(x, panel.top - 6.0), (x, bottom)], stroke);
        callouts.push(Callout { content, target: (x, panel.top - 6.0), color });
    };
    let settled = |at: usize| if answer.periods[at].is_settled { " (settled)" } else { "" };
    let enough = answer.smallest.map(|at| (at, answer.periods[at].grace));
    match enough {
        Some((at, grace)) if at == answer.today => {
            call(
                at,
                format!("today, {grace}, is the shortest that is enough{}", settled(at)),
                theme::NEW,
                theme::START_STROKE,
            );
        }
        _ => {
            let today = format!("today {}", answer.periods[answer.today].grace);
            call(answer.today, today, theme::MUTED, theme::START_STROKE);
            if let Some((at, grace)) = enough {
                let content = format!("{grace} is the shortest that is enough{}", settled(at));
                call(at, content, theme::NEW, Stroke::dotted(theme::NEW, 1.2));
            }
        }
    }
    labels::in_a_row(canvas, panel.top - 19.0, callouts);
}

/// Seconds of the unit in which the differences of durations are shown, and its name: minutes where any is two or more.
fn time_unit(answer: &GraceAnswer) -> (f64, &'static str) {
    let differences = answer.periods.iter().filter_map(|period| Some(period.cost.as_ref()?.duration.difference.value));
    let longest =
        differences.filter(|value| value.is_finite()).fold(0.0_f64, |longest, value| longest.max(value.abs()));
    if longest < 120.0 { (1.0, "seconds") } else { (60.0, "minutes") }
}

fn per_unit(duration: &Difference, unit: f64) -> Option<Estimate> {
    let Estimate { value, interval } = duration.difference;
    let ends = interval.map(|(low, high)| (low / unit, high / unit));
    value.is_finite().then_some(Estimate { value: value / unit, interval: ends })
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
    format!("Today's {} cuts {} answers a rollout; {enough}.", today.grace, numbers::estimate(&today.truncated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::finish;
    use crate::report::grace::example;

    #[test]
    fn the_chart_shows_today_the_shortest_period_and_the_target() {
        let sheet = sheet(&example::answer());
        let svg = sheet.canvas.to_svg().expect("an SVG");
        for said in ["today 30s", "1m is the shortest that is enough", "target 0.001", "bill, against today"] {
            assert!(svg.contains(said), "{said}");
        }
        assert!(sheet.alt_text.contains("Today's 30s cuts 11.2"), "{}", sheet.alt_text);
    }

    #[test]
    fn a_settled_period_is_marked_and_named_and_short_times_are_in_seconds() {
        let mut answer = example::answer();
        answer.smallest = Some(4);
        let svg = sheet(&answer).canvas.to_svg().expect("an SVG");
        for said in [
            "5m is the shortest that is enough (settled)",
            "longest answer ends in time",
            "seconds",
            "runs that cut any",
        ] {
            assert!(svg.contains(said), "{said}");
        }
        if let Some(cost) = answer.periods[4].cost.as_mut() {
            cost.duration.difference = Estimate { value: 130.0, interval: Some((120.0, 140.0)) };
        }
        assert!(sheet(&answer).canvas.to_svg().expect("an SVG").contains("minutes"));
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
