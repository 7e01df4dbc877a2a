//! `sweep-METRIC-STATISTIC.png` over one axis: the estimate at each value with its interval, the bounds of the checks and
//! where all checks hold; over more axes a line for each combination of the others.

use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Point as Place, Text, text_width};
use super::labels::{self, Callout, EndLabel};
use super::sweep::{self, Values};
use super::sweep_axis::{GAP, Positions, room_for_each, thinned};
use super::theme::{self, Stroke};
use crate::report::sweep::{reference_name, short_keys};
use crate::study::{Estimate, Sweep};

/// Room in which no estimate with its interval would fit.
const LEAST_ROOM: f64 = 12.0;
/// How far whiskers of neighbouring lines stand apart.
const BESIDE: f64 = 5.0;
/// How many times its own length the axis may become for the sake of a check's bound.
const STRETCH: f64 = 2.5;

/// A line of the chart: its points by the index of their value, and how it is drawn.
struct Line {
    points: Vec<usize>,
    names: Vec<String>,
    stroke: Stroke,
}

/// The canvas.
pub fn draw(sweep: &Sweep, values: &Values, along: usize) -> Canvas {
    let mut canvas = Canvas::new();
    let positions = Positions::of(&sweep.grid.axes()[along]);
    let lines = lines(sweep, along);
    let top = sweep::heading(&mut canvas, sweep, values) + 10.0;
    legend(&mut canvas, sweep, values, top, lines.len() == 1 && positions.continuous);
    let told = lines.len() == 1;
    let bounds = values.bounds(sweep);
    let right = if told && bounds.is_empty() { theme::WIDTH - 2.0 * theme::MARGIN } else { theme::PANEL_RIGHT };
    let (y, shown) = vertical(values, &bounds);
    let bottom = if told { 424.0 } else { 450.0 };
    let panel = Panel { left: theme::PANEL_LEFT, top: top + 40.0, right, bottom, x: positions.axis, y };
    let ticks = panel.y.ticks(8);
    panel.grid(&mut canvas, &ticks);
    // Before the bounds: one of zero lies on it.
    canvas.line(vec![(panel.left, panel.bottom), (panel.right, panel.bottom)], theme::AXIS_STROKE);
    mark_reference(&mut canvas, &panel, sweep, &positions, along);
    let mut ends = bound_labels(&mut canvas, &panel, &bounds, &shown);
    for (number, line) in lines.iter().enumerate() {
        let shift = (number as f64 - (lines.len() - 1) as f64 / 2.0) * BESIDE;
        draw_line(&mut canvas, &panel, sweep, values, &positions, line, shift);
        ends.extend(if told { None } else { end_label(&panel, values, &positions, line) });
    }
    name_infinite(&mut canvas, &panel, values, &positions, &lines);
    mark_empty(&mut canvas, &panel, values, &positions, &lines);
    let log = if panel.y.logarithmic { " (log)" } else { "" };
    panel.left_axis(&mut canvas, &ticks, &format!("{}{log}", values.title()));
    lower_axis(&mut canvas, &panel, sweep, values, &positions, along);
    labels::at_line_ends_with_samples(&mut canvas, &panel, ends);
    canvas
}

/// The lines: one for each combination of the other axes' values.
fn lines(sweep: &Sweep, along: usize) -> Vec<Line> {
    let (axes, keys) = (sweep.grid.axes(), short_keys(sweep));
    let first_of_lines = (0..sweep.points.len()).filter(|point| sweep.grid.coordinates(*point)[along] == 0);
    let line = |(number, first): (usize, usize)| {
        let mut coordinates = sweep.grid.coordinates(first);
        let others = (0..axes.len()).filter(|at| *at != along && axes[*at].values.len() > 1);
        let names = others.map(|at| format!("{} {}", keys[at], axes[at].label(coordinates[at]))).collect();
        let points = (0..axes[along].values.len())
            .map(|index| {
                coordinates[along] = index;
                sweep.grid.point_at(&coordinates)
            })
            .collect();
        Line { points, names, stroke: theme::SWEEP_STROKES[number % theme::SWEEP_STROKES.len()] }
    };
    first_of_lines.enumerate().map(line).collect()
}

/// What the marks mean, in a row.
fn legend(canvas: &mut Canvas, sweep: &Sweep, values: &Values, y: f64, band: bool) {
    let mut x = theme::PANEL_LEFT;
    for verdict in sweep::verdicts(sweep) {
        let words = sweep::verdict_words(Some(verdict));
        sweep::mark(canvas, (x + sweep::RADIUS, y), Some(verdict), theme::NEW);
        sweep::remark(canvas, words, (x + 14.0, y));
        x += 14.0 + text_width(words, theme::SMALL_SIZE, false) + 18.0;
    }
    if values.estimates.iter().flatten().all(|estimate| estimate.interval.is_none()) {
        return sweep::remark(canvas, "no 95 % interval: too few runs", (x, y));
    }
    if band {
        canvas.rectangle((x, y - 5.0), (x + 14.0, y + 5.0), theme::NEW_TINT);
    } else {
        canvas.whisker((x + 7.0, y - 6.0), (x + 7.0, y + 6.0));
    }
    let words = if sweep.unequal.is_empty() {
        "95 % interval; all points meet the same requests, so that they move together"
    } else {
        "95 % interval; the points do not all meet the same requests"
    };
    sweep::remark(canvas, words, (x + 20.0, y));
}

/// The upright axis, and whether each bound lies on it: by differences, or by factors where the values are above zero and
/// spread widely.
fn vertical(values: &Values, bounds: &[(f64, String)]) -> (Axis, Vec<bool>) {
    if sweep::spread_widely(values.range) { by_factors(values, bounds) } else { by_differences(values, bounds) }
}

/// A logarithmic axis; intervals that reach down far below the least value are cut.
fn by_factors(values: &Values, bounds: &[(f64, String)]) -> (Axis, Vec<bool>) {
    let (least, greatest) = values.range;
    let ends = values.estimates.iter().flatten().filter_map(|estimate| estimate.interval);
    let (mut low, mut high) = (ends.filter(|(low, high)| low.is_finite() && high.is_finite()))
        .fold((least, greatest), |(low, high), ends| (ends.0.max(least / 4.0).min(low), ends.1.max(high)));
    let reach = (high / low).powf((STRETCH - 1.0) / 2.0);
    let shown: Vec<bool> = bounds.iter().map(|(bound, _)| (low / reach..=high * reach).contains(bound)).collect();
    for bound in bounds.iter().zip(&shown).filter(|(_, shown)| **shown).map(|((bound, _), _)| *bound) {
        (low, high) = (low.min(bound), high.max(bound));
    }
    let pad = (high / low).powf(0.06);
    (Axis::logarithmic(low / pad, high * pad), shown)
}

fn by_differences(values: &Values, bounds: &[(f64, String)]) -> (Axis, Vec<bool>) {
    let ends = values.estimates.iter().flatten().filter_map(|estimate| estimate.interval);
    let all = ends.flat_map(|(low, high)| [low, high]).chain([values.range.0, values.range.1]);
    let (mut low, mut high) = all
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low >= 0.0 && low < 0.6 * high {
        low = 0.0;
    }
    // Where nothing varies, a tenth of the value itself; where all is zero, one.
    let length = match high - low {
        differ if differ > 0.0 => differ,
        _ if high == 0.0 => 1.0,
        _ => 0.1 * high.abs(),
    };
    let shown: Vec<bool> = (bounds.iter())
        .map(|(bound, _)| bound.max(high) - bound.min(low) <= STRETCH * length && bound.is_finite())
        .collect();
    for (bound, _) in bounds.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(bound, _)| bound) {
        (low, high) = (low.min(*bound), high.max(*bound));
    }
    let pad = if high > low { 0.08 * (high - low) } else { length };
    let low = if low == 0.0 { 0.0 } else { low - pad };
    (Axis::linear(low, high + pad), shown)
}

/// Draws the bounds that lie on the axis, and names all of them.
fn bound_labels(
    canvas: &mut Canvas,
    panel: &Panel,
    bounds: &[(f64, String)],
    shown: &[bool],
) -> Vec<(EndLabel, Stroke)> {
    let mut labels = Vec::new();
    for ((bound, words), shown) in bounds.iter().zip(shown) {
        let (beyond, stroke) = if *shown {
            panel.level(canvas, *bound, theme::BOUND_STROKE);
            ("", theme::BOUND_STROKE)
        } else if *bound > panel.y.high {
            (", above this chart", theme::LEADER_STROKE)
        } else {
            (", below this chart", theme::LEADER_STROKE)
        };
        let lines = vec![format!("check: {words}{beyond}")];
        labels.push((EndLabel { lines, y: panel.up(*bound), color: theme::ALERT }, stroke));
    }
    labels
}

/// An upright line at the value of the scenario as written.
fn mark_reference(canvas: &mut Canvas, panel: &Panel, sweep: &Sweep, positions: &Positions, along: usize) {
    let index = sweep.grid.coordinates(sweep.reference)[along];
    let x = panel.across(positions.at[index]);
    canvas.line(vec![(x, panel.top - 6.0), (x, panel.bottom)], theme::START_STROKE);
    let callout =
        Callout { content: reference_name(sweep).to_owned(), target: (x, panel.top - 6.0), color: theme::MUTED };
    labels::in_a_row(canvas, panel.top - 18.0, vec![callout]);
}

/// The places of a line's finite estimates from left to right, with what they are of.
fn places<'a>(
    panel: &Panel,
    values: &'a Values,
    positions: &Positions,
    line: &Line,
    shift: f64,
) -> Vec<(usize, Place, &'a Estimate)> {
    let place = |(index, point): (usize, &usize)| {
        let estimate = values.estimates[*point].as_ref().filter(|estimate| estimate.value.is_finite())?;
        Some((*point, (panel.across(positions.at[index]) + shift, panel.up(estimate.value)), estimate))
    };
    let mut places: Vec<_> = line.points.iter().enumerate().filter_map(place).collect();
    places.sort_by(|(_, one, _), (_, other, _)| one.0.total_cmp(&other.0));
    places
}

fn draw_line(
    canvas: &mut Canvas,
    panel: &Panel,
    sweep: &Sweep,
    values: &Values,
    positions: &Positions,
    line: &Line,
    shift: f64,
) {
    let places = places(panel, values, positions, line, shift);
    let stroke = if positions.continuous { line.stroke } else { Stroke::dotted(line.stroke.color, 1.0) };
    // What is empty or infinite parts the line: nothing is known to lie between its neighbours.
    let has_no_place = |point: usize| values.estimates[point].is_some_and(|estimate| !estimate.value.is_finite());
    let without_place = line.points.iter().zip(&positions.at).filter(|(point, _)| has_no_place(**point));
    let gaps: Vec<f64> = without_place.map(|(_, at)| panel.across(*at) + shift).collect();
    let is_joined = |(_, one, _): &(usize, Place, &Estimate), (_, other, _): &(usize, Place, &Estimate)| {
        !gaps.iter().any(|gap| (one.0..other.0).contains(gap))
    };
    let stretches = || places.chunk_by(is_joined);
    for stretch in stretches() {
        draw_intervals(canvas, panel, stretch, line.names.is_empty() && positions.continuous);
    }
    for stretch in stretches().filter(|stretch| stretch.len() > 1) {
        canvas.line(stretch.iter().map(|(_, place, _)| *place).collect(), stroke);
    }
    let mut marked: Vec<(usize, Place)> = places.iter().map(|(point, at, _)| (*point, *at)).collect();
    for (index, point) in line.points.iter().enumerate() {
        // What is infinite stands at the upper edge, by itself.
        if is_infinite(values, *point) {
            marked.push((*point, (panel.across(positions.at[index]) + shift, panel.top + sweep::RADIUS)));
        }
    }
    for (point, at) in &marked {
        let verdict = sweep.points[*point].as_ref().and_then(|point| point.verdict());
        sweep::mark(canvas, *at, verdict, line.stroke.color);
    }
    // Over the marks of its neighbours.
    if let Some((_, at)) = marked.iter().find(|(point, _)| *point == sweep.reference) {
        sweep::ring(canvas, *at);
    }
}

fn is_infinite(values: &Values, point: usize) -> bool {
    values.estimates[point].is_some_and(|estimate| estimate.value == f64::INFINITY)
}

/// Says of the marks at the upper edge that they are infinite, to the right of those of all lines.
fn name_infinite(canvas: &mut Canvas, panel: &Panel, values: &Values, positions: &Positions, lines: &[Line]) {
    let beside = (lines.len() - 1) as f64 / 2.0 * BESIDE + 2.0 * sweep::RADIUS + 2.0;
    for (index, at) in positions.at.iter().enumerate() {
        if lines.iter().any(|line| is_infinite(values, line.points[index])) {
            sweep::remark(canvas, "\u{221e}", (panel.across(*at) + beside, panel.top + sweep::RADIUS));
        }
    }
}

/// Marks on the lower edge the points that are done and have no value, such as a mean duration where some rollout did not
/// finish.
fn mark_empty(canvas: &mut Canvas, panel: &Panel, values: &Values, positions: &Positions, lines: &[Line]) {
    let is_empty = |point: usize| values.estimates[point].is_some_and(|estimate| estimate.value.is_nan());
    for (index, at) in positions.at.iter().enumerate() {
        let empty = lines.iter().filter(|line| is_empty(line.points[index])).count();
        if empty > 0 {
            let place = (panel.across(*at), panel.bottom - sweep::RADIUS - 2.0);
            sweep::cross(canvas, place, theme::ALERT);
            let of_lines = if lines.len() > 1 { format!(" ({empty} of {})", lines.len()) } else { String::new() };
            sweep::remark(canvas, &format!("n/a{of_lines}"), (place.0 + 2.0 * sweep::RADIUS, place.1));
        }
    }
}

/// The intervals: a band over every stretch of points that have one, or a whisker at each.
fn draw_intervals(canvas: &mut Canvas, panel: &Panel, places: &[(usize, Place, &Estimate)], band: bool) {
    for stretch in places.split(|(_, _, estimate)| estimate.interval.is_none()) {
        let ends = stretch.iter().filter_map(|(_, at, estimate)| {
            let (low, high) = estimate.interval?;
            Some(((at.0, panel.up(low)), (at.0, panel.up(high))))
        });
        let (low, mut high): (Vec<Place>, Vec<Place>) = ends.unzip();
        if band && low.len() > 1 {
            high.extend(low.into_iter().rev());
            canvas.area(high, theme::NEW_TINT);
        } else {
            low.into_iter().zip(high).for_each(|(low, high)| canvas.whisker(low, high));
        }
    }
}

/// What a line is of, at its right end.
fn end_label(panel: &Panel, values: &Values, positions: &Positions, line: &Line) -> Option<(EndLabel, Stroke)> {
    let (_, place, _) = places(panel, values, positions, line, 0.0).pop()?;
    Some((EndLabel { lines: line.names.clone(), y: place.1, color: line.stroke.color }, line.stroke))
}

/// The lower edge with the values as they were written and, of a single line, the estimates, where they fit.
fn lower_axis(canvas: &mut Canvas, panel: &Panel, sweep: &Sweep, values: &Values, positions: &Positions, along: usize) {
    let axis = &sweep.grid.axes()[along];
    let xs: Vec<f64> = positions.at.iter().map(|at| panel.across(*at)).collect();
    let room = room_for_each(&xs, panel);
    let names: Vec<String> = (0..axis.values.len()).map(|index| axis.label(index)).collect();
    for (x, name) in thinned(&xs, &names, room.max(80.0)) {
        canvas.line(vec![(x, panel.bottom), (x, panel.bottom + 4.0)], theme::AXIS_STROKE);
        let at = (x, panel.bottom + 15.0);
        canvas.text(Text::new(name, at, Anchor::Middle, theme::MUTED).size(theme::TICK_SIZE));
    }
    let lines = lines(sweep, along);
    let told = match lines.as_slice() {
        [line] => estimates_below(canvas, panel, values, &xs, line, room),
        _ => false,
    };
    let log = if positions.axis.logarithmic { " (log)" } else { "" };
    let at = ((panel.left + panel.right) / 2.0, panel.bottom + if told { 56.0 } else { 33.0 });
    canvas.text(Text::new(format!("{}{log}", axis.key), at, Anchor::Middle, theme::INK));
}

/// Writes each estimate and its interval under its value; whether there was room.
fn estimates_below(canvas: &mut Canvas, panel: &Panel, values: &Values, xs: &[f64], line: &Line, room: f64) -> bool {
    if room < LEAST_ROOM {
        return false;
    }
    let mut texts = Vec::new();
    for (x, point) in xs.iter().zip(&line.points) {
        let Some(estimate) = &values.estimates[*point] else { continue };
        let (value, interval) = sweep::told(estimate);
        for (content, y) in [(value, 28.0), (interval, 39.5)] {
            let at = (*x, panel.bottom + y);
            texts.push(Text::new(content, at, Anchor::Middle, theme::INK).size(theme::SMALL_SIZE));
        }
    }
    let fits = texts.iter().all(|text| text.width() + GAP <= room);
    if fits {
        texts.into_iter().for_each(|text| canvas.text(text));
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Metric;
    use crate::report::sweep::example;
    use crate::study::Measure;

    /// The upright axis over these values and bounds.
    fn axis_of(values: [f64; 3], bounds: &[f64]) -> (Axis, Vec<bool>) {
        let mut sweep = example::over(&["termination.grace_period=30s,60s,2m"]);
        for (point, value) in sweep.points.iter_mut().flatten().zip(values) {
            let interval = Some((value - 0.5, value + 0.5));
            point.metrics[Metric::CapacityDip as usize].mean = Estimate { value, interval };
        }
        let values = Values::of(&sweep, Measure::mean(Metric::CapacityDip)).expect("there are values");
        vertical(&values, &bounds.iter().map(|bound| (*bound, String::new())).collect::<Vec<_>>())
    }

    #[test]
    fn values_that_spread_over_one_and_a_half_decades_lie_by_factors() {
        let (axis, shown) = axis_of([0.73, 20.0, 114.0], &[5.0, 1_000.0, 1e6, 0.0]);
        assert!(axis.logarithmic && axis.low > 0.0 && axis.high >= 1_000.0, "{axis:?}");
        assert_eq!(shown, [true, true, false, false]);
        // An interval that reaches to zero does not stretch the axis down for ever.
        assert!(axis_of([0.3, 20.0, 114.0], &[]).0.low > 0.3 / 8.0);
        for linear in [[0.0, 20.0, 114.0], [-0.73, 20.0, 114.0], [5.0, 20.0, 114.0]] {
            assert!(!axis_of(linear, &[]).0.logarithmic, "{linear:?}");
        }
    }

    /// A sweep that found these means, each without an interval.
    fn found(values: [f64; 3], metric: Metric) -> Sweep {
        let mut sweep = example::over(&["termination.grace_period=30s,60s,2m"]);
        for (point, value) in sweep.points.iter_mut().flatten().zip(values) {
            point.metrics[metric as usize].mean = Estimate { value, interval: None };
        }
        sweep.selected = vec![Measure::mean(metric)];
        sweep
    }

    #[test]
    fn an_axis_of_zeros_has_ticks_that_can_be_read_and_no_interval_is_promised_where_there_is_none() {
        let sweep = found([0.0; 3], Metric::CapacityDip);
        let values = Values::of(&sweep, sweep.selected[0]).expect("values");
        let (axis, shown) = vertical(&values, &[(0.0, String::new())]);
        assert!((axis.low, axis.high) == (0.0, 1.0) && shown == [true], "{axis:?}");
        let svg = draw(&sweep, &values, 0).to_svg().expect("an SVG");
        assert!(svg.contains("no 95 % interval: too few runs") && !svg.contains("95 % interval;"));
    }

    #[test]
    fn times_that_spread_over_decades_are_in_a_unit_that_suits_them_all() {
        let unit_of = |values: [f64; 3]| {
            let sweep = found(values, Metric::TtftP99);
            Values::of(&sweep, sweep.selected[0]).map(|values| values.unit)
        };
        assert_eq!(unit_of([0.7, 1.0, 134.0]), Some("seconds"));
        assert_eq!(unit_of([0.0, 1.0, 134.0]), Some("minutes"));
        assert_eq!(unit_of([90.0, 100.0, 134.0]), Some("minutes"));
        assert_eq!(unit_of([0.01, 0.1, 2.0]), Some("milliseconds"));
    }
}
