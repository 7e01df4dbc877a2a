//! `sweep-METRIC-STATISTIC.png` over one axis: the estimate at each value with its interval, the bounds of the checks and
//! where all checks hold; over more axes a line for each combination of the others.

use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Point as Place, Text, text_width};
use super::labels::{self, Callout, EndLabel};
use super::sweep::{self, Values};
use super::theme::{self, Stroke};
use crate::report::sweep::{reference_name, short_keys};
use crate::study::{Estimate, Sweep};

/// Greatest value over least from which an axis of numbers is logarithmic.
const DECADE: f64 = 10.0;
/// Space between texts under the axis.
const GAP: f64 = 6.0;
/// Room in which no estimate with its interval would fit.
const LEAST_ROOM: f64 = 12.0;
/// How far whiskers of neighbouring lines stand apart.
const BESIDE: f64 = 5.0;
/// How many times its own length the axis may become for the sake of a check's bound.
const STRETCH: f64 = 2.5;

/// Where the values of an axis lie.
pub(super) struct Positions {
    /// A number for each value, in the order of the values.
    pub at: Vec<f64>,
    /// The axis under them.
    pub axis: Axis,
    /// Whether between two values there are others, so that a line between them means something.
    pub continuous: bool,
}

impl Positions {
    /// Numbers of one unit lie where they belong, logarithmically over a decade and more unless their steps are equal;
    /// anything else side by side.
    pub(super) fn of(axis: &crate::scenario::Axis) -> Positions {
        let Some((at, _)) = axis.numbers().filter(|(at, _)| at.len() > 1) else {
            let count = axis.values.len();
            let at = (0..count).map(|index| index as f64).collect();
            return Positions { at, axis: Axis::linear(-0.5, count as f64 - 0.5), continuous: false };
        };
        let mut sorted = at.clone();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
        let step = sorted[1] - low;
        let even = sorted.len() > 2 && sorted.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-6 * step);
        let axis = if low > 0.0 && high / low >= DECADE && !even {
            let pad = (high / low).powf(0.05);
            Axis::logarithmic(low / pad, high * pad)
        } else {
            let pad = 0.05 * (high - low);
            Axis::linear(low - pad, high + pad)
        };
        Positions { at, axis, continuous: true }
    }
}

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
    legend(&mut canvas, sweep, top, lines.len() == 1 && positions.continuous);
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
    panel.left_axis(&mut canvas, &ticks, &values.title());
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
fn legend(canvas: &mut Canvas, sweep: &Sweep, y: f64, band: bool) {
    let mut x = theme::PANEL_LEFT;
    for verdict in sweep::verdicts(sweep) {
        let words = sweep::verdict_words(Some(verdict));
        sweep::mark(canvas, (x + sweep::RADIUS, y), Some(verdict), theme::NEW);
        sweep::remark(canvas, words, (x + 14.0, y));
        x += 14.0 + text_width(words, theme::SMALL_SIZE, false) + 18.0;
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

/// The upright axis, and whether each bound lies on it.
fn vertical(values: &Values, bounds: &[(f64, String)]) -> (Axis, Vec<bool>) {
    let ends = values.estimates.iter().flatten().filter_map(|estimate| estimate.interval);
    let all = ends.flat_map(|(low, high)| [low, high]).chain([values.range.0, values.range.1]);
    let (mut low, mut high) = all
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low >= 0.0 && low < 0.6 * high {
        low = 0.0;
    }
    // Where nothing varies, a tenth of the value itself.
    let length = if high > low { high - low } else { (0.1 * high.abs()).max(1e-9) };
    let shown: Vec<bool> = (bounds.iter())
        .map(|(bound, _)| bound.max(high) - bound.min(low) <= STRETCH * length && bound.is_finite())
        .collect();
    for (bound, _) in bounds.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(bound, _)| bound) {
        (low, high) = (low.min(*bound), high.max(*bound));
    }
    let pad = 0.08 * if high > low { high - low } else { length };
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
    let alone = line.names.is_empty();
    let end = |at: &(usize, Place, &Estimate), low: bool| {
        let (from, to) = at.2.interval?;
        Some((at.1.0, panel.up(if low { from } else { to })))
    };
    if alone && positions.continuous {
        let upper: Option<Vec<Place>> = places.iter().map(|place| end(place, false)).collect();
        let lower: Option<Vec<Place>> = places.iter().rev().map(|place| end(place, true)).collect();
        if let (Some(mut corners), Some(lower)) = (upper, lower) {
            corners.extend(lower);
            canvas.area(corners, theme::NEW_TINT);
        }
    }
    let stroke = if positions.continuous { line.stroke } else { Stroke::dotted(line.stroke.color, 1.0) };
    canvas.line(places.iter().map(|(_, place, _)| *place).collect(), stroke);
    for place in &places {
        if !(alone && positions.continuous)
            && let (Some(low), Some(high)) = (end(place, true), end(place, false))
        {
            canvas.whisker(low, high);
        }
        draw_mark(canvas, sweep, place.0, place.1, line.stroke);
    }
    let mut marked: Vec<(usize, Place)> = places.iter().map(|(point, at, _)| (*point, *at)).collect();
    for (index, point) in line.points.iter().enumerate() {
        if values.estimates[*point].is_some_and(|estimate| estimate.value == f64::INFINITY) {
            let at = (panel.across(positions.at[index]) + shift, panel.top + sweep::RADIUS);
            draw_mark(canvas, sweep, *point, at, line.stroke);
            marked.push((*point, at));
            if line.names.is_empty() {
                sweep::remark(canvas, "\u{221e}", (at.0 + 10.0, at.1));
            }
        }
    }
    ring_reference(canvas, sweep, &marked);
}

/// The mark of a point.
fn draw_mark(canvas: &mut Canvas, sweep: &Sweep, point: usize, at: Place, stroke: Stroke) {
    let verdict = sweep.points[point].as_ref().and_then(|point| point.verdict());
    sweep::mark(canvas, at, verdict, stroke.color);
}

/// A ring around the reference, over the marks of its neighbours.
fn ring_reference(canvas: &mut Canvas, sweep: &Sweep, marked: &[(usize, Place)]) {
    if let Some((_, at)) = marked.iter().find(|(point, _)| *point == sweep.reference) {
        sweep::ring(canvas, *at);
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

/// Least distance between two values, or of the outermost ones from the sheet's edges.
fn room_for_each(xs: &[f64], panel: &Panel) -> f64 {
    let mut sorted = xs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let between = sorted.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let edges = sorted.first().map_or(f64::INFINITY, |first| 2.0 * (first - theme::MARGIN));
    let end = sorted.last().map_or(f64::INFINITY, |last| 2.0 * (theme::WIDTH - theme::MARGIN - last));
    between.min(edges).min(end).min(panel.right - panel.left)
}

/// The names that can stand side by side, from the left, each at its place and no wider than `room`.
fn thinned(xs: &[f64], names: &[String], room: f64) -> Vec<(f64, String)> {
    let mut sorted: Vec<(f64, &String)> = xs.iter().copied().zip(names).collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut kept: Vec<(f64, String)> = Vec::new();
    let mut edge = f64::NEG_INFINITY;
    // Measuring takes time: what begins before the last one ends is left out unmeasured.
    for (x, name) in sorted {
        if x < edge + GAP {
            continue;
        }
        let name = labels::shorten(name, theme::TICK_SIZE, room);
        let half = text_width(&name, theme::TICK_SIZE, false) / 2.0;
        if x - half >= edge + GAP {
            edge = x + half;
            kept.push((x, name));
        }
    }
    kept
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
    use crate::scenario::{Axis as Swept, Unit};

    #[test]
    fn numbers_lie_where_they_belong_and_words_side_by_side() {
        let of = |text: &str| Positions::of(&Swept::parse(text).unwrap());
        let linear = of("a=30s,60s,2m");
        assert_eq!((linear.at, linear.axis.logarithmic, linear.continuous), (vec![30.0, 60.0, 120.0], false, true));
        assert!(of("a=10,1,2").axis.logarithmic && !of("a=0,2,10").axis.logarithmic);
        assert!(!of("a=1..40/1").axis.logarithmic && of("a=1..64*2").axis.logarithmic);
        let words = of("a=1,25%,50%");
        assert_eq!((words.at, words.continuous), (vec![0.0, 1.0, 2.0], false));
        assert_eq!(Swept::parse("a=5%,10%").unwrap().numbers().unwrap().1, Unit::Percent);
        let one = of("a=5");
        assert_eq!((one.at, one.continuous), (vec![0.0], false));
    }

    #[test]
    fn names_that_would_overlap_are_left_out() {
        let names = ["30s", "60s", "90s"].map(str::to_owned);
        assert_eq!(thinned(&[100.0, 200.0, 300.0], &names, 80.0).len(), 3);
        let kept = thinned(&[100.0, 105.0, 300.0], &names, 80.0);
        assert_eq!(kept.iter().map(|(_, name)| name.as_str()).collect::<Vec<&str>>(), ["30s", "90s"]);
    }
}
