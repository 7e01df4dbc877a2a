//! `sweep-METRIC-STATISTIC.png` over two axes: a cell for each pair of values, darker where the value is greater, with the
//! value in it, marked where a check fails or is undecided.

use super::canvas::{Anchor, Canvas, Point as Place, Text, text_width};
use super::sweep::{self, Values};
use super::theme::{self, Color, Stroke};
use super::{labels, numbers};
use crate::ledger::RolloutOutcome;
use crate::report::sweep::reference_name;
use crate::study::{Estimate, Overall, Sweep};

/// Widest column of names on the left, points.
const WIDEST_NAMES: f64 = 150.0;
/// Space between a text and the edge of its cell.
const INSIDE: f64 = 4.0;
/// Half the length of a cross.
const CROSS: f64 = 3.2;
/// Steps in which the scale's bar is drawn.
const STEPS: usize = 64;
/// Which shade all cells have where all values are equal, 0 to 1.
const MIDDLE: f64 = 0.35;

/// The cells: where they begin and how large they are.
struct Cells {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    rows: usize,
    columns: usize,
}

impl Cells {
    fn corner(&self, row: usize, column: usize) -> Place {
        (self.left + column as f64 * self.width, self.top + row as f64 * self.height)
    }

    fn middle(&self, row: usize, column: usize) -> Place {
        let (x, y) = self.corner(row, column);
        (x + self.width / 2.0, y + self.height / 2.0)
    }

    fn right(&self) -> f64 {
        self.left + self.columns as f64 * self.width
    }

    fn bottom(&self) -> f64 {
        self.top + self.rows as f64 * self.height
    }
}

/// The canvas; rows go down the values of the first axis named, columns along those of the second.
pub fn draw(sweep: &Sweep, values: &Values, rows: usize, columns: usize) -> Canvas {
    let mut canvas = Canvas::new();
    let top = sweep::heading(&mut canvas, sweep, values) + 8.0;
    canvas.text(Text::new(values.title(), (theme::PANEL_LEFT, top + 2.0), Anchor::Start, theme::INK));
    let names = |axis: usize| -> Vec<String> {
        let axis = &sweep.grid.axes()[axis];
        (0..axis.values.len()).map(|index| axis.label(index)).collect()
    };
    let (row_names, column_names) = (names(rows), names(columns));
    let widest = row_names.iter().map(|name| text_width(name, theme::TICK_SIZE, false)).fold(0.0, f64::max);
    let left = theme::PANEL_LEFT.max(34.0 + widest.min(WIDEST_NAMES) + 8.0);
    let (top, bottom, right) = (top + 16.0, 462.0, theme::PANEL_RIGHT);
    let (count, across) = (row_names.len(), column_names.len());
    let (width, height) = ((right - left) / across as f64, (bottom - top) / count as f64);
    let cells = Cells { left, top, width, height, rows: count, columns: across };
    let point = |row: usize, column: usize| {
        let mut coordinates = sweep.grid.coordinates(0);
        (coordinates[rows], coordinates[columns]) = (row, column);
        sweep.grid.point_at(&coordinates)
    };
    let detail = Detail::that_fits(values, &cells);
    for row in 0..count {
        for column in 0..across {
            draw_cell(&mut canvas, sweep, values, &cells, (row, column), point(row, column), detail);
        }
    }
    let reference = sweep.grid.coordinates(sweep.reference);
    outline(&mut canvas, &cells, reference[rows], reference[columns]);
    names_beside(&mut canvas, &cells, &row_names, &sweep.grid.axes()[rows].key);
    names_below(&mut canvas, &cells, &column_names, &sweep.grid.axes()[columns].key);
    key(&mut canvas, sweep, values, &cells, detail);
    canvas
}

/// How much is written into each cell: the same in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Value and interval.
    Interval,
    /// The value.
    Value,
    /// Nothing but the colour.
    Color,
}

impl Detail {
    /// As much as fits into every cell.
    fn that_fits(values: &Values, cells: &Cells) -> Detail {
        let widest = |size: f64, bold: bool, text: &dyn Fn(&Estimate) -> String| {
            let widths = values.estimates.iter().flatten().map(|estimate| text_width(&text(estimate), size, bold));
            widths.fold(0.0, f64::max) + 2.0 * INSIDE
        };
        if cells.width < 4.0 * INSIDE || cells.height < theme::LABEL_SIZE {
            return Detail::Color;
        }
        // The mark of a check stands beside the value.
        let value = widest(theme::LABEL_SIZE, true, &value_text) + 5.0 * CROSS;
        let interval = widest(theme::SMALL_SIZE, false, &interval_text);
        if value > cells.width || cells.height < theme::LABEL_SIZE * theme::LINE_HEIGHT + 2.0 {
            Detail::Color
        } else if interval > cells.width || cells.height < 34.0 {
            Detail::Value
        } else {
            Detail::Interval
        }
    }
}

fn value_text(estimate: &Estimate) -> String {
    sweep::told(estimate).0
}

fn interval_text(estimate: &Estimate) -> String {
    sweep::told(estimate).1
}

/// Where a value lies between the least and the greatest, 0 to 1; `None` where it is not a number.
fn share(value: f64, (low, high): (f64, f64)) -> Option<f64> {
    match value {
        value if value.is_nan() => None,
        value if high > low => Some(((value - low) / (high - low)).clamp(0.0, 1.0)),
        value if value > high => Some(1.0),
        _ => Some(MIDDLE),
    }
}

/// The colour of a share, lighter to darker.
fn color(share: f64) -> Color {
    let (light, dark) = (theme::HEAT_LEAST, theme::HEAT_GREATEST);
    let mix = |light: u8, dark: u8| (f64::from(light) + share * (f64::from(dark) - f64::from(light))).round() as u8;
    Color(mix(light.0, dark.0), mix(light.1, dark.1), mix(light.2, dark.2))
}

/// Relative luminance by WCAG 2, 0 to 1.
fn luminance(color: Color) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
}

/// Contrast of two colours by WCAG 2, from 1.
fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The colour in which text is best read on this one.
fn ink_on(color: Color) -> Color {
    if contrast(theme::PAPER, color) > contrast(theme::INK, color) { theme::PAPER } else { theme::INK }
}

fn draw_cell(
    canvas: &mut Canvas,
    sweep: &Sweep,
    values: &Values,
    cells: &Cells,
    (row, column): (usize, usize),
    point: usize,
    detail: Detail,
) {
    let (x, y) = cells.corner(row, column);
    let estimate = values.estimates[point].as_ref();
    let fill = estimate.and_then(|estimate| share(estimate.value, values.range)).map_or(theme::PAPER, color);
    canvas.rectangle((x, y), (x + cells.width, y + cells.height), fill);
    let ink = ink_on(fill);
    let (middle, centre) = cells.middle(row, column);
    if stuck(sweep, point) > 0.0 {
        let inset = theme::HATCH_STROKE.width;
        let other = (x + cells.width - inset, y + cells.height - inset);
        canvas.hatch((x + inset, y + inset), other, Stroke { color: ink, ..theme::HATCH_STROKE });
        if let (Some(estimate), false) = (estimate, detail == Detail::Color) {
            // Words are not read on lines.
            let value = text_width(&value_text(estimate), theme::LABEL_SIZE, true);
            let interval = text_width(&interval_text(estimate), theme::SMALL_SIZE, false);
            let (wide, high) = match detail {
                Detail::Interval => (value.max(interval) / 2.0 + 4.0, 15.0),
                _ => (value / 2.0 + 4.0, 8.0),
            };
            let mark = (x + cells.width - 16.0, y + 16.0);
            canvas.rectangle((middle - wide, centre - high), (middle + wide, centre + high), fill);
            if detail == Detail::Interval {
                canvas.rectangle((mark.0, y + 1.0), (x + cells.width - 1.0, mark.1), fill);
            }
        }
    }
    let text = |content: String, y: f64| Text::new(content, (middle, y), Anchor::Middle, ink);
    match (estimate, detail) {
        (None, _) if detail != Detail::Color => canvas.text(text("not run".to_owned(), centre).size(theme::SMALL_SIZE)),
        (Some(estimate), Detail::Value | Detail::Interval) if estimate.value.is_nan() => {
            canvas.text(text("n/a".to_owned(), centre).size(theme::SMALL_SIZE));
        }
        (Some(estimate), Detail::Value) => canvas.text(text(value_text(estimate), centre).bold()),
        (Some(estimate), Detail::Interval) => {
            canvas.text(text(value_text(estimate), centre - 6.5).bold());
            canvas.text(text(interval_text(estimate), centre + 6.5).size(theme::SMALL_SIZE));
        }
        _ => {}
    }
    let at = match detail {
        Detail::Interval => (x + cells.width - 9.0, y + 9.0),
        Detail::Value => (x + cells.width - 8.0, centre),
        Detail::Color => (middle, centre),
    };
    let grid = vec![(x, y), (x + cells.width, y), (x + cells.width, y + cells.height), (x, y + cells.height), (x, y)];
    canvas.line(grid, Stroke::solid(theme::PAPER, 1.2));
    let verdict = sweep.points[point].as_ref().and_then(|point| point.verdict());
    // Where cells are smaller than a mark, a mark would stand in its neighbour.
    if cells.width.min(cells.height) > 3.0 * CROSS {
        mark(canvas, at, verdict, ink);
    }
}

/// The share of a point's runs whose rollout gets stuck: waits for GPUs that nothing frees, or cannot go on for another
/// reason.
fn stuck(sweep: &Sweep, point: usize) -> f64 {
    let outcomes = sweep.points[point].iter().flat_map(|point| &point.outcomes);
    let is_stuck = |outcome: &RolloutOutcome| matches!(outcome, RolloutOutcome::Deadlock | RolloutOutcome::Stuck);
    outcomes.filter(|(outcome, _)| is_stuck(outcome)).map(|(_, share)| share.value).sum()
}

/// A cross where a check fails, a question mark where one is undecided.
fn mark(canvas: &mut Canvas, at: Place, verdict: Option<Overall>, ink: Color) {
    match verdict {
        Some(Overall::Failed) => {
            for slope in [-1.0, 1.0] {
                let ends = vec![(at.0 - CROSS, at.1 - slope * CROSS), (at.0 + CROSS, at.1 + slope * CROSS)];
                canvas.line(ends, Stroke::solid(ink, 1.6));
            }
        }
        Some(Overall::Inconclusive) => canvas.text(Text::new("?", at, Anchor::Middle, ink).bold()),
        _ => {}
    }
}

/// A frame around the cell of the reference.
fn outline(canvas: &mut Canvas, cells: &Cells, row: usize, column: usize) {
    let (x, y) = cells.corner(row, column);
    let frame = |inset: f64| {
        let (left, top) = (x + inset, y + inset);
        let (right, bottom) = (x + cells.width - inset, y + cells.height - inset);
        vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    };
    canvas.line(frame(2.6), Stroke::solid(theme::PAPER, 1.4));
    canvas.line(frame(1.0), Stroke::solid(theme::INK, 2.0));
}

/// Which of so many labels, this far apart, can be shown if each takes so much: the first and every n-th after it.
fn every(apart: f64, takes: f64) -> usize {
    ((takes / apart).ceil() as usize).max(1)
}

/// The values of the rows, and their key.
fn names_beside(canvas: &mut Canvas, cells: &Cells, names: &[String], key: &str) {
    let step = every(cells.height, theme::TICK_SIZE * theme::LINE_HEIGHT);
    for (row, name) in names.iter().enumerate().step_by(step) {
        let (_, y) = cells.middle(row, 0);
        let name = labels::shorten(name, theme::TICK_SIZE, cells.left - 34.0);
        let text = Text::new(name, (cells.left - 7.0, y), Anchor::End, theme::MUTED);
        canvas.text(text.size(theme::TICK_SIZE));
    }
    let size = labels::fitting_size(key, theme::LABEL_SIZE, cells.bottom() - cells.top, false);
    let at = (theme::MARGIN + theme::LABEL_SIZE / 2.0, (cells.top + cells.bottom()) / 2.0);
    canvas.text(Text::new(key, at, Anchor::Middle, theme::INK).size(size).upwards());
}

/// The values of the columns, and their key.
fn names_below(canvas: &mut Canvas, cells: &Cells, names: &[String], key: &str) {
    let widest = names.iter().map(|name| text_width(name, theme::TICK_SIZE, false)).fold(0.0, f64::max);
    let step = every(cells.width, widest.min(WIDEST_NAMES) + INSIDE);
    for (column, name) in names.iter().enumerate().step_by(step) {
        let (x, _) = cells.middle(0, column);
        let name = labels::shorten(name, theme::TICK_SIZE, WIDEST_NAMES.max(cells.width - INSIDE));
        let at = (x, cells.bottom() + 12.0);
        canvas.text(Text::new(name, at, Anchor::Middle, theme::MUTED).size(theme::TICK_SIZE));
    }
    let at = ((cells.left + cells.right()) / 2.0, cells.bottom() + 30.0);
    canvas.text(Text::new(key, at, Anchor::Middle, theme::INK));
}

/// The shades and their values, from a corner down; returns where the bar ends.
fn scale(canvas: &mut Canvas, values: &Values, (left, top): Place) -> f64 {
    let length = 150.0;
    let (low, high) = values.range;
    for step in 0..STEPS {
        let share = 1.0 - step as f64 / (STEPS - 1) as f64;
        let y = top + length * step as f64 / STEPS as f64;
        // Half a point over, so that no seam is left.
        canvas.rectangle((left, y), (left + 14.0, y + length / STEPS as f64 + 0.5), color(share));
    }
    let decimals = numbers::decimals(high.abs().max(low.abs()));
    for (value, down) in [(high, 0.0), ((low + high) / 2.0, 0.5), (low, 1.0)] {
        let at = (left + 20.0, top + length * down);
        let text = Text::new(numbers::fixed(value, decimals), at, Anchor::Start, theme::MUTED);
        canvas.text(text.size(theme::TICK_SIZE));
    }
    top + length
}

/// What colours and marks mean, to the right of the cells.
fn key(canvas: &mut Canvas, sweep: &Sweep, values: &Values, cells: &Cells, detail: Detail) {
    let left = cells.right() + 22.0;
    let differ = values.range.1 > values.range.0;
    let alike = values.estimates.iter().flatten().all(|estimate| estimate.value == values.range.0);
    let mut y = if differ { scale(canvas, values, (left, cells.top + 8.0)) + 26.0 } else { cells.top + 12.0 };
    let room = theme::WIDTH - theme::MARGIN / 2.0 - left - 18.0;
    let mut line = |canvas: &mut Canvas, words: &str, sign: &dyn Fn(&mut Canvas, Place)| {
        sign(canvas, (left + 6.0, y));
        for words in labels::wrap(words, theme::SMALL_SIZE, room) {
            sweep::remark(canvas, &words, (left + 18.0, y));
            y += theme::SMALL_SIZE * theme::LINE_HEIGHT;
        }
        y += 5.0;
    };
    if alike {
        line(canvas, "the same at every point", &|_, _| {});
    }
    for verdict in sweep::verdicts(sweep) {
        let words = sweep::verdict_words(Some(verdict));
        let words = if verdict == Overall::Passed { format!("no mark: {words}") } else { words.to_owned() };
        line(canvas, &words, &|canvas, at| mark(canvas, at, Some(verdict), theme::INK));
    }
    line(canvas, reference_name(sweep), &|canvas, (x, y)| {
        let corners = [(-5.0, -4.0), (5.0, -4.0), (5.0, 4.0), (-5.0, 4.0), (-5.0, -4.0)];
        let frame = corners.map(|(across, down)| (x + across, y + down)).to_vec();
        canvas.line(frame, Stroke::solid(theme::INK, 2.0));
    });
    let shares: Vec<f64> =
        (0..sweep.points.len()).map(|point| stuck(sweep, point)).filter(|share| *share > 0.0).collect();
    if !shares.is_empty() {
        let some =
            if shares.iter().all(|share| *share == 1.0) { "rollouts get stuck" } else { "some rollouts get stuck" };
        line(canvas, some, &|canvas, (x, y)| {
            canvas.hatch((x - 6.0, y - 5.0), (x + 6.0, y + 5.0), theme::HATCH_STROKE);
        });
    }
    let intervals = match detail {
        _ if values.estimates.iter().flatten().all(|estimate| estimate.interval.is_none()) => {
            "no 95 % intervals: too few runs"
        }
        Detail::Interval => "brackets: 95 % intervals",
        Detail::Value => "95 % intervals: see sweep.csv",
        Detail::Color => "values and 95 % intervals: see sweep.csv",
    };
    line(canvas, intervals, &|_, _| {});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_be_read_on_every_shade_and_shades_differ_in_grey() {
        let mut last = f64::INFINITY;
        for step in 0..=100 {
            let shade = color(f64::from(step) / 100.0);
            assert!(luminance(shade) <= last, "darker where the value is greater, in grey too");
            last = luminance(shade);
            let contrast = contrast(ink_on(shade), shade);
            // WCAG 2 asks for 3 of large or bold print and 4.5 of other; no shade of one hue reaches that with either ink.
            assert!(contrast > 3.7, "{shade:?}: {contrast}");
        }
        assert!(luminance(color(0.0)) - luminance(color(1.0)) > 0.7);
    }

    #[test]
    fn shares_lie_between_the_least_and_the_greatest_whatever_the_value() {
        assert_eq!(share(5.0, (0.0, 10.0)), Some(0.5));
        assert_eq!(share(f64::INFINITY, (0.0, 10.0)), Some(1.0));
        assert_eq!(share(3.0, (3.0, 3.0)), Some(MIDDLE));
        assert_eq!(share(f64::INFINITY, (3.0, 3.0)), Some(1.0));
        assert_eq!(share(f64::NAN, (0.0, 10.0)), None);
    }

    #[test]
    fn labels_that_would_overlap_are_thinned_and_the_first_is_kept() {
        assert_eq!([every(50.0, 30.0), every(30.0, 30.0), every(29.0, 30.0), every(5.0, 13.0)], [1, 1, 2, 3]);
    }
}
