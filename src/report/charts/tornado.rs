//! `sweep-tornado-METRIC.png`: which of the keys of a sweep matters most? For each key the means at its own values, the
//! others as in the reference.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels::{self, Upright};
use super::numbers;
use super::sweep::{self, Values};
use super::theme::{self, Stroke};
use crate::ledger::Metric;
use crate::report::sweep::{reference_name, short_keys};
use crate::study::{Estimate, Measure, Sweep};

/// Left edge of the bars, points: room for the keys.
const LEFT: f64 = 190.0;
/// Room to the right of the bars for the value at their end.
const RIGHT: f64 = 104.0;
/// Greatest height of a bar, points.
const BAR: f64 = 36.0;
/// Keys that there is room for.
const MOST_ROWS: usize = 12;

/// The end of a bar: a value of the key, and how the mean there differs from the reference's.
struct End {
    label: String,
    difference: Estimate,
}

/// A key, with the values at which the mean is least and greatest; the reference has no difference.
struct Row {
    key: String,
    reference: String,
    ends: Vec<End>,
}

impl Row {
    fn span(&self) -> f64 {
        let values = || self.ends.iter().map(|end| end.difference.value).chain([0.0]);
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    }
}

/// A sheet for each metric whose mean is shown; none with fewer than two keys that vary.
pub fn sheets(sweep: &Sweep) -> Vec<Sheet> {
    let mut metrics: Vec<Metric> = Vec::new();
    for selection in &sweep.selected {
        if !metrics.contains(&selection.metric) {
            metrics.push(selection.metric);
        }
    }
    metrics.into_iter().filter_map(|metric| sheet(sweep, metric)).collect()
}

fn sheet(sweep: &Sweep, metric: Metric) -> Option<Sheet> {
    let values = Values::of(sweep, Measure::mean(metric))?;
    let reference = values.estimates[sweep.reference]?;
    let mut rows = rows(sweep, metric, &values);
    rows.sort_by(|one, other| other.span().total_cmp(&one.span()));
    let greatest = rows.first().map_or(0.0, Row::span);
    if rows.len() < 2 || !greatest.is_finite() || greatest <= 0.0 {
        return None;
    }
    rows.truncate(MOST_ROWS);
    let mut canvas = Canvas::new();
    let question = format!("Which key moves {} most?", metric.name());
    let top = labels::heading_of(&mut canvas, &question, sweep.scenario.name.trim(), &sweep::provenance(sweep));
    let panel = panel(&rows, reference.value, top + 44.0);
    let ticks = panel.x.ticks(8);
    panel.upright_grid(&mut canvas, &ticks);
    for (at, row) in rows.iter().enumerate() {
        draw(&mut canvas, &panel, at, row, reference.value);
    }
    let content = format!("{}: {}", reference_name(sweep), numbers::estimate(&reference));
    let upright = Upright { value: reference.value, content, stroke: Stroke::solid(theme::INK, 1.2) };
    labels::uprights(&mut canvas, &panel, vec![upright]);
    panel.lower_axis(&mut canvas, &ticks, Some(&values.title()));
    let remark = "Each key by itself, the others as in the reference. Whiskers: 95 % intervals of the difference from the reference, \
                  over pairs of runs.";
    canvas.text(Text::new(remark, (theme::PANEL_LEFT, 496.0), Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
    let file_name = format!("sweep-tornado-{}.png", metric.name());
    Some(Sheet { file_name, canvas, alt_text: alt_text(metric, &rows, values.unit) })
}

/// A row for each key that has several values, its ends the values with the least and the greatest mean.
fn rows(sweep: &Sweep, metric: Metric, values: &Values) -> Vec<Row> {
    let (axes, keys) = (sweep.grid.axes(), short_keys(sweep));
    let at_reference = sweep.grid.coordinates(sweep.reference);
    let row = |axis: usize| {
        let end = |index: usize| {
            let mut coordinates = at_reference.clone();
            coordinates[axis] = index;
            let point = sweep.points[sweep.grid.point_at(&coordinates)].as_ref()?;
            let difference = values.scaled(point.difference(metric).difference);
            difference.value.is_finite().then(|| End { label: axes[axis].label(index), difference })
        };
        let others = (0..axes[axis].values.len()).filter(|index| *index != at_reference[axis]);
        let mut ends: Vec<End> = others.filter_map(end).collect();
        ends.sort_by(|one, other| one.difference.value.total_cmp(&other.difference.value));
        if ends.len() > 2 {
            ends.drain(1..ends.len() - 1);
        }
        let reference = axes[axis].label(at_reference[axis]);
        (!ends.is_empty()).then(|| Row { key: keys[axis].clone(), reference, ends })
    };
    (0..axes.len()).filter_map(row).collect()
}

fn panel(rows: &[Row], reference: f64, top: f64) -> Panel {
    let ends = || rows.iter().flat_map(|row| &row.ends);
    let bars = ends()
        .map(|end| end.difference.value)
        .fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let span = bars.1 - bars.0;
    // The whiskers of a few runs can be many times as long as the bars, and are cut off then.
    let reach = ends().filter_map(|end| end.difference.interval).fold(bars, |(low, high), interval| {
        (low.min(interval.0.max(bars.0 - 0.5 * span)), high.max(interval.1.min(bars.1 + 0.5 * span)))
    });
    let room = 0.1 * (reach.1 - reach.0);
    Panel {
        left: LEFT,
        top,
        right: theme::WIDTH - RIGHT,
        bottom: (top + 92.0 * rows.len() as f64).min(452.0),
        x: Axis::linear(reference + reach.0 - room, reference + reach.1 + room),
        y: Axis::linear(0.0, rows.len() as f64),
    }
}

fn draw(canvas: &mut Canvas, panel: &Panel, at: usize, row: &Row, reference: f64) {
    let height = (panel.bottom - panel.top) / (panel.y.high - panel.y.low);
    let half = (height * 0.3).min(BAR / 2.0);
    let middle = panel.top + (at as f64 + 0.5) * height;
    let room = LEFT - theme::MARGIN - 12.0;
    let key = labels::shorten(&row.key, theme::LABEL_SIZE, room);
    canvas.text(Text::new(key, (LEFT - 10.0, middle - 6.0), Anchor::End, theme::INK));
    let from = labels::shorten(&format!("from {}", row.reference), theme::SMALL_SIZE, room);
    canvas.text(Text::new(from, (LEFT - 10.0, middle + 7.0), Anchor::End, theme::MUTED).size(theme::SMALL_SIZE));
    let zero = panel.across(reference);
    let mut words: Vec<(f64, Anchor, String)> = Vec::new();
    for end in &row.ends {
        let x = panel.across(reference + end.difference.value);
        let color = if end.difference.value < 0.0 { theme::NEW } else { theme::COSTLY };
        canvas.rectangle((zero, middle - half), (x, middle + half), color);
        let (mut low, mut high) = (zero.min(x), zero.max(x));
        if let Some(interval) = end.difference.interval {
            let at = |value: f64| panel.across(reference + value);
            canvas.whisker((at(interval.0), middle), (at(interval.1), middle));
            (low, high) = (low.min(at(interval.0)), high.max(at(interval.1)));
        }
        let is_lower = end.difference.value < 0.0;
        let (x, anchor) = if is_lower { (low - 6.0, Anchor::End) } else { (high + 6.0, Anchor::Start) };
        let mean = numbers::short(reference + end.difference.value);
        words.push((x, anchor, format!("{}: {mean}", end.label)));
    }
    // Two ends on one side: the nearer one's name stands above.
    let same_side = words.len() == 2 && words[0].1 == words[1].1;
    for (i, (x, anchor, label)) in words.into_iter().enumerate() {
        let nearer = same_side && (i == 1) == (anchor == Anchor::End);
        let (x, y) = if nearer { (x, middle - half - 5.0) } else { (x, middle) };
        let room = if anchor == Anchor::End { x - LEFT } else { theme::WIDTH - theme::MARGIN - x };
        let label = labels::shorten(&label, theme::TICK_SIZE, room.max(24.0));
        canvas.text(Text::new(label, (x, y), anchor, theme::INK).size(theme::TICK_SIZE));
    }
}

fn alt_text(metric: Metric, rows: &[Row], unit: &str) -> String {
    let one = |row: &Row| {
        let ends: Vec<String> =
            row.ends.iter().map(|end| format!("{} at {}", numbers::estimate(&end.difference), end.label)).collect();
        format!("{} ({})", ends.join(", "), row.key)
    };
    let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
    let all = rows.iter().map(one).collect::<Vec<String>>().join("; ");
    format!(
        "Each key by itself changes the mean of {}{unit}, with 95 % intervals and the greatest first, by {all}.",
        metric.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sweep::example;

    #[test]
    fn the_key_that_moves_most_comes_first_and_one_key_needs_no_tornado() {
        assert!(sheets(&example::over(&["termination.grace_period=30s,60s,2m"])).is_empty());
        let sweep = example::over(&["fleet.replicas=8,9", "termination.grace_period=30s,60s,2m"]);
        let all = sheets(&sweep);
        assert!(!all.is_empty());
        let values = Values::of(&sweep, Measure::mean(sweep.selected[0].metric)).expect("values");
        let mut rows = rows(&sweep, sweep.selected[0].metric, &values);
        rows.sort_by(|one, other| other.span().total_cmp(&one.span()));
        assert!(rows.windows(2).all(|pair| pair[0].span() >= pair[1].span()));
        let places: Vec<Option<usize>> =
            rows.iter().map(|row| all[0].alt_text.find(&format!("({})", row.key))).collect();
        assert!(places.windows(2).all(|pair| pair[0].is_some() && pair[0] < pair[1]), "{}", all[0].alt_text);
    }
}
