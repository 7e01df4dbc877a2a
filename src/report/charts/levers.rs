//! `levers.png`: what each lever does to the price of a token, as a tornado, and to the first token's wait.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text, text_width};
use super::labels;
use super::numbers;
use super::theme::{self, Color, Stroke};
use crate::study::Estimate;
use crate::study::levers::{Bound, Fewest, LeversResult, Point};

/// Left edge of the tornado, points: room for the names.
const LEFT: f64 = 168.0;
/// Right edge of the tornado, and where the numbers of replicas end.
const RIGHT: f64 = 560.0;
const REPLICAS: f64 = 614.0;
/// Left edge of the panel of latencies.
const LATENCY: f64 = 640.0;
/// Lower edge of both panels.
const BOTTOM: f64 = 444.0;
/// Share of a row that its two bars fill.
const FILLED: f64 = 0.74;
/// The largest ratio of latencies that a linear axis shows.
const LINEAR: f64 = 12.0;
/// A bar's whisker may widen the axis by no more than this many times the widest bar.
const WIDEST: f64 = 1.3;
/// A rise beyond this is drawn up to it, per cent: a saving has at most 100 to show.
const GREATEST_RISE: f64 = 150.0;

/// Width of the edge of a hollow bar, points.
const HOLLOW: f64 = 1.2;

/// One lever on the sheet.
struct Row<'a> {
    name: &'a str,
    /// Per cent by the formula.
    formula: Option<f64>,
    same: Option<&'a Point>,
    fewest: Option<&'a Point>,
    replicas: String,
}

/// The sheet; `None` where no run has a price.
pub fn sheet(result: &LeversResult) -> Option<Sheet> {
    if !result.today.price.value.is_finite() {
        return None;
    }
    let rows = rows(result);
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, "What moves the price of a token?", &result.base);
    legend(&mut canvas, top + 8.0);
    let top = top + 42.0;
    let tornado = tornado(&rows, top);
    let latency = latencies(result, &rows, top);
    for (panel, title, x) in
        [(&tornado, "USD per million output tokens", LEFT), (&latency, "mean TTFT P99, seconds", LATENCY)]
    {
        canvas.text(Text::new(title, (x, top - 12.0), Anchor::Start, theme::INK).bold());
        panel.upright_grid(&mut canvas, &ticks(panel));
    }
    canvas.text(Text::new("replicas", (REPLICAS, top - 12.0), Anchor::End, theme::MUTED).size(theme::SMALL_SIZE));
    for (i, row) in rows.iter().enumerate() {
        draw_row(&mut canvas, &tornado, &latency, i, row);
    }
    let zero = tornado.across(0.0);
    canvas.line(vec![(zero, tornado.top), (zero, tornado.bottom)], theme::AXIS_STROKE);
    if let Some(point) = result.fewest_today.point().filter(|point| point.change.estimate.value.is_finite()) {
        let x = tornado.across(per_cent(point).value);
        canvas.line(vec![(x, tornado.top), (x, tornado.bottom)], theme::START_STROKE);
    }
    mark_latencies(&mut canvas, result, &latency);
    tornado.lower_axis(&mut canvas, &ticks(&tornado), Some("change against today, %"));
    let marks =
        if matches!(result.promise.ttft, Bound::Today) { "dotted: today" } else { "dotted: today; red: the bound" };
    latency.lower_axis(&mut canvas, &ticks(&latency), Some(marks));
    let remark = "Whiskers: 95 % intervals over pairs of runs on the same requests. Dashed: today's engine with its own fewest \
                  replicas. The formula is asked at today's utilization.";
    canvas.text(Text::new(remark, (LEFT, 492.0), Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
    Some(Sheet { file_name: "levers.png".to_owned(), canvas, alt_text: alt_text(&rows) })
}

fn ticks(panel: &Panel) -> Vec<f64> {
    panel.x.ticks(6)
}

fn rows(result: &LeversResult) -> Vec<Row<'_>> {
    let replicas = |fewest: &Fewest, same: &Point| match fewest {
        Fewest::Found { point, .. } => point.replicas.to_string(),
        Fewest::OutOfReach(_) => "none".to_owned(),
        Fewest::NotSought => same.replicas.to_string(),
    };
    let mut rows = Vec::new();
    if result.fixed_fleet.is_none() {
        rows.push(Row {
            name: "as it is",
            formula: None,
            same: None,
            fewest: result.fewest_today.point(),
            replicas: replicas(&result.fewest_today, &result.today),
        });
    }
    rows.extend(result.levers.iter().map(|turned| Row {
        name: &turned.lever.name,
        formula: Some(100.0 * turned.formula_change),
        same: Some(&turned.same),
        fewest: turned.fewest.point(),
        replicas: replicas(&turned.fewest, &turned.same),
    }));
    rows.extend(result.together.iter().map(|together| Row {
        name: "together",
        formula: Some(100.0 * together.formula_change),
        same: Some(&together.same),
        fewest: together.fewest.point(),
        replicas: replicas(&together.fewest, &together.same),
    }));
    rows
}

/// What the colours mean, in one line.
fn legend(canvas: &mut Canvas, y: f64) {
    let mut x = theme::PANEL_LEFT;
    for (color, words) in [
        (theme::STABLE, "same fleet, or the size that the lever names (hollow: breaks the bound)"),
        (theme::NEW, "fewest replicas that keep the bound"),
    ] {
        canvas.rectangle((x, y - 4.0), (x + 14.0, y + 4.0), color);
        canvas.text(Text::new(words, (x + 19.0, y), Anchor::Start, theme::INK).size(theme::TICK_SIZE));
        x += 19.0 + text_width(words, theme::TICK_SIZE, false) + 18.0;
    }
    diamond(canvas, x + 6.0, y);
    canvas.text(Text::new("paper formula", (x + 17.0, y), Anchor::Start, theme::INK).size(theme::TICK_SIZE));
}

/// A hollow marker.
fn diamond(canvas: &mut Canvas, x: f64, y: f64) {
    let corners = |half: f64| vec![(x - half, y), (x, y - half), (x + half, y), (x, y + half), (x - half, y)];
    canvas.area(corners(4.6), theme::PAPER);
    canvas.line(corners(4.2), Stroke::solid(theme::ALERT, 1.6));
}

fn per_cent(point: &Point) -> Estimate {
    let change = &point.change.estimate;
    Estimate { value: 100.0 * change.value, interval: change.interval.map(|(low, high)| (100.0 * low, 100.0 * high)) }
}

/// The panel of prices: wide enough for every bar and the formula; a whisker of few runs is cut off.
fn tornado(rows: &[Row<'_>], top: f64) -> Panel {
    let points = || rows.iter().flat_map(|row| [row.same, row.fewest]).flatten().map(per_cent);
    let values: Vec<f64> = points()
        .map(|change| change.value)
        .chain(rows.iter().filter_map(|row| row.formula))
        .filter(|value| value.is_finite())
        .collect();
    let bars = (values.iter().copied().fold(0.0, f64::min), values.iter().copied().fold(0.0, f64::max));
    let span = (bars.1.min(GREATEST_RISE) - bars.0).max(1.0);
    let ends =
        |end: fn((f64, f64)) -> f64| points().filter_map(move |change| change.interval.map(end)).collect::<Vec<f64>>();
    let low = ends(|(low, _)| low).into_iter().fold(bars.0, f64::min).max(bars.0 * WIDEST);
    let high = ends(|(_, high)| high).into_iter().fold(bars.1, f64::max).min(bars.1 * WIDEST).min(GREATEST_RISE);
    let x = Axis::linear(low - 0.03 * span, high.max(0.0) + 0.03 * span);
    Panel { left: LEFT, top, right: RIGHT, bottom: BOTTOM, x, y: Axis::linear(0.0, rows.len() as f64) }
}

/// The panel of latencies: logarithmic where they are of different orders.
fn latencies(result: &LeversResult, rows: &[Row<'_>], top: f64) -> Panel {
    let bound = match result.promise.ttft {
        Bound::Seconds(bound) => Some(bound),
        Bound::Today => None,
    };
    let points = rows.iter().flat_map(|row| [row.same, row.fewest]).flatten().chain([&result.today]);
    let values: Vec<f64> = points
        .flat_map(|point| {
            let (low, high) = point.ttft.interval.unwrap_or((point.ttft.value, point.ttft.value));
            [point.ttft.value, low.max(point.ttft.value / 2.0), high.min(point.ttft.value * 2.0)]
        })
        .chain(bound)
        .filter(|value| value.is_finite() && *value > 0.0)
        .collect();
    let (low, high) = values.iter().fold((f64::INFINITY, 0.0), |(low, high), v| (v.min(low), v.max(high)));
    let x = if low.is_finite() && high / low > LINEAR {
        Axis::logarithmic(low / 1.15, high * 1.15)
    } else {
        Axis::linear(0.0, high * 1.05)
    };
    let right = theme::WIDTH - theme::MARGIN;
    Panel { left: LATENCY, top, right, bottom: BOTTOM, x, y: Axis::linear(0.0, rows.len() as f64) }
}

fn draw_row(canvas: &mut Canvas, tornado: &Panel, latency: &Panel, i: usize, row: &Row<'_>) {
    let height = (tornado.bottom - tornado.top) / (tornado.y.high - tornado.y.low);
    let middle = tornado.top + (i as f64 + 0.5) * height;
    let bar = (FILLED * height / 2.0).min(9.0);
    let size = labels::fitting_size(row.name, theme::LABEL_SIZE.min(height * 0.8), LEFT - theme::MARGIN - 8.0, false);
    canvas.text(Text::new(row.name, (LEFT - 8.0, middle), Anchor::End, theme::INK).size(size));
    let size = theme::TICK_SIZE.min(height * 0.8);
    canvas.text(Text::new(row.replicas.clone(), (REPLICAS, middle), Anchor::End, theme::MUTED).size(size));
    let fleets = [(row.same, theme::STABLE, -bar / 2.0), (row.fewest, theme::NEW, bar / 2.0)];
    for (point, color, offset) in fleets {
        let Some(point) = point else { continue };
        draw_bar(canvas, tornado, point, middle + offset, bar, color);
        dot(canvas, latency, &point.ttft, middle + offset, color);
    }
    if let Some(formula) = row.formula.filter(|value| value.is_finite()) {
        diamond(canvas, tornado.across(formula), middle);
    }
}

/// A change of the price; hollow where the fleet breaks the bound.
fn draw_bar(canvas: &mut Canvas, panel: &Panel, point: &Point, y: f64, height: f64, color: Color) {
    let change = per_cent(point);
    if !change.value.is_finite() {
        return;
    }
    let half = height / 2.0 - 0.4;
    let (start, end) = (panel.across(0.0), panel.across(change.value));
    canvas.rectangle((start, y - half), (end, y + half), color);
    if !point.keeps_bound() {
        let (left, right) = (start.min(end) + HOLLOW, start.max(end) - HOLLOW);
        if left < right {
            canvas.rectangle((left, y - half + HOLLOW), (right, y + half - HOLLOW), theme::PAPER);
        }
    }
    if let Some((low, high)) = change.interval {
        canvas.whisker((panel.across(low), y), (panel.across(high), y));
    }
}

/// A latency with its interval.
fn dot(canvas: &mut Canvas, panel: &Panel, ttft: &Estimate, y: f64, color: Color) {
    if !ttft.value.is_finite() {
        return;
    }
    if let Some((low, high)) = ttft.interval {
        canvas.whisker((panel.across(low), y), (panel.across(high), y));
    }
    let x = panel.across(ttft.value);
    canvas.rectangle((x - 3.4, y - 3.4), (x + 3.4, y + 3.4), theme::PAPER);
    canvas.rectangle((x - 2.8, y - 2.8), (x + 2.8, y + 2.8), color);
}

/// Today's latency and the bound, across all rows.
fn mark_latencies(canvas: &mut Canvas, result: &LeversResult, panel: &Panel) {
    let mut upright = |value: f64, stroke: Stroke| {
        let x = panel.across(value);
        canvas.line(vec![(x, panel.top), (x, panel.bottom)], stroke);
    };
    if result.today.ttft.value.is_finite() {
        upright(result.today.ttft.value, Stroke::dotted(theme::INK, 1.2));
    }
    if let Bound::Seconds(bound) = result.promise.ttft {
        upright(bound, theme::BOUND_STROKE);
    }
}

fn alt_text(rows: &[Row<'_>]) -> String {
    let part = |row: &Row<'_>| {
        let point = row.fewest.or(row.same)?;
        let change = per_cent(point);
        let decimals = 1;
        Some(format!(
            "{} {} % {} with {} replicas",
            row.name,
            numbers::fixed(change.value, decimals),
            numbers::interval(change.interval, decimals),
            point.replicas
        ))
    };
    let parts: Vec<String> = rows.iter().filter_map(part).collect();
    format!("Change of USD per million output tokens by lever, with 95 % intervals: {}.", parts.join(", "))
}
