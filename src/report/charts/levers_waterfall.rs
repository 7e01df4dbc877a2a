//! `levers-waterfall.png`: from the ideal price of a token to the actual one, today and with all that helped, side by side.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels;
use super::numbers;
use super::theme::{self, Color};
use crate::ledger::{Metric, WATERFALL};
use crate::study::Estimate;
use crate::study::levers::{LeversResult, Point};

/// Columns of one waterfall: its parts and their sum.
const COLUMNS: usize = WATERFALL.len() + 1;
/// Share of its column that a bar fills.
const BAR_SHARE: f64 = 0.66;
/// Bars lower than this are drawn so high, points, so that they can be seen.
const LEAST_HEIGHT: f64 = 1.5;

/// One bar.
struct Bar {
    name: &'static str,
    color: Color,
    estimate: Estimate,
    /// Where it begins.
    base: f64,
}

impl Bar {
    fn end(&self) -> f64 {
        self.base + self.estimate.value
    }

    fn is_total(&self) -> bool {
        self.name == "price"
    }
}

/// The sheet; `None` where no run has a price.
pub fn sheet(result: &LeversResult) -> Option<Sheet> {
    if !result.today.price.value.is_finite() {
        return None;
    }
    let best = result.best();
    let mut waterfalls = vec![(title("today", &result.today), bars(&result.today))];
    waterfalls.extend(best.iter().map(|(name, point)| (title(name, point), bars(point))));
    let mut canvas = Canvas::new();
    let top = labels::heading(
        &mut canvas,
        "Where does the price of a token come from, and what is left of it?",
        &result.base,
    );
    let panel = panel(&waterfalls, top + 52.0);
    let ticks = panel.y.ticks(8);
    panel.grid(&mut canvas, &ticks);
    let decimals = numbers::decimals(result.today.price.value);
    for (which, (title, bars)) in waterfalls.iter().enumerate() {
        let first = which as f64 * (COLUMNS as f64 + 0.5);
        let middle = panel.across(first + COLUMNS as f64 / 2.0);
        let room = panel.across(COLUMNS as f64) - panel.across(0.0);
        let size = labels::fitting_size(title, theme::LABEL_SIZE + 1.0, room, true);
        canvas.text(Text::new(title.clone(), (middle, top + 16.0), Anchor::Middle, theme::INK).size(size).bold());
        draw(&mut canvas, &panel, first, bars, decimals);
    }
    panel.left_axis(&mut canvas, &ticks, "USD per million useful output tokens");
    let zero = panel.up(0.0);
    canvas.line(vec![(panel.left, zero), (panel.right, zero)], theme::AXIS_STROKE);
    let remark = match result.base.records.len() {
        1 => "One run gives no intervals.",
        _ => "Whiskers and brackets: 95 % intervals of means over runs.",
    };
    canvas.text(Text::new(remark, (panel.left, 496.0), Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
    Some(Sheet { file_name: "levers-waterfall.png".to_owned(), canvas, alt_text: alt_text(&waterfalls) })
}

fn title(name: &str, point: &Point) -> String {
    let plural = if point.replicas == 1 { "" } else { "s" };
    format!("{name}: {} replica{plural}, {} GPUs", point.replicas, point.gpus)
}

fn color(part: Metric) -> Color {
    match part {
        Metric::WaterfallIdeal => theme::STABLE,
        Metric::WaterfallIdle => theme::NEW,
        Metric::WaterfallWasted => theme::ALERT,
        _ => theme::COSTLY,
    }
}

fn bars(point: &Point) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut base = 0.0;
    for ((metric, name), estimate) in WATERFALL.iter().zip(&point.waterfall) {
        bars.push(Bar { name, color: color(*metric), estimate: *estimate, base });
        base += if estimate.value.is_finite() { estimate.value } else { 0.0 };
    }
    bars.push(Bar { name: "price", color: theme::INK, estimate: point.price, base: 0.0 });
    bars
}

fn panel(waterfalls: &[(String, Vec<Bar>)], top: f64) -> Panel {
    let ends = || waterfalls.iter().flat_map(|(_, bars)| bars).map(Bar::end).filter(|end| end.is_finite());
    let (low, high) = (ends().fold(0.0, f64::min), ends().fold(0.0, f64::max));
    let columns = waterfalls.len() as f64 * COLUMNS as f64 + 0.5 * (waterfalls.len() as f64 - 1.0);
    Panel {
        left: theme::PANEL_LEFT,
        top,
        right: theme::WIDTH - theme::MARGIN,
        bottom: 458.0,
        x: Axis::linear(0.0, columns),
        y: Axis::linear(if low < 0.0 { low - 0.03 * high } else { 0.0 }, high * 1.04),
    }
}

fn draw(canvas: &mut Canvas, panel: &Panel, first: f64, bars: &[Bar], decimals: usize) {
    let width = panel.across(1.0) - panel.across(0.0);
    for (i, bar) in bars.iter().enumerate() {
        let x = panel.across(first + i as f64 + 0.5);
        let size = labels::fitting_size(bar.name, theme::TICK_SIZE, width - 3.0, bar.is_total());
        let name = Text::new(bar.name, (x, panel.bottom + 13.0), Anchor::Middle, theme::INK).size(size);
        canvas.text(if bar.is_total() { name.bold() } else { name });
        if !bar.estimate.value.is_finite() {
            continue;
        }
        let half = width * BAR_SHARE / 2.0;
        if !bar.is_total() {
            // The level goes on to the next bar, from the bar's other side where it has no height of its own.
            let from = if bar.estimate.value == 0.0 { x - half } else { x + half };
            let level = panel.up(bar.end());
            canvas.line(vec![(from, level), (x + width - half, level)], theme::LEADER_STROKE);
        }
        let lower = panel.up(bar.base.min(bar.end()));
        let mut upper = panel.up(bar.base.max(bar.end()));
        if bar.estimate.value != 0.0 {
            upper = upper.min(lower - LEAST_HEIGHT);
        }
        canvas.rectangle((x - half, upper), (x + half, lower), bar.color);
        let mut highest = upper;
        if let Some((low, high)) = bar.estimate.interval {
            canvas.whisker((x, panel.up(bar.base + low)), (x, panel.up(bar.base + high)));
            highest = highest.min(panel.up(bar.base + high));
        }
        write_value(canvas, (x, highest), width, bar, decimals);
    }
}

/// The estimate and, under it, its interval, above the bar.
fn write_value(canvas: &mut Canvas, (x, y): (f64, f64), width: f64, bar: &Bar, decimals: usize) {
    let own = numbers::decimals(bar.estimate.value).clamp(decimals, decimals + 1);
    let value = numbers::fixed(bar.estimate.value, own);
    let interval = numbers::interval(bar.estimate.interval, own);
    let size = labels::fitting_size(&interval, theme::SMALL_SIZE, width - 2.0, false);
    canvas.text(Text::new(interval, (x, y - 8.0), Anchor::Middle, theme::MUTED).size(size));
    let text = Text::new(value, (x, y - 19.0), Anchor::Middle, theme::INK);
    canvas.text(if bar.is_total() { text.bold() } else { text });
}

fn alt_text(waterfalls: &[(String, Vec<Bar>)]) -> String {
    let one = |(title, bars): &(String, Vec<Bar>)| {
        let parts: Vec<String> =
            bars.iter().map(|bar| format!("{} {}", bar.name, numbers::estimate(&bar.estimate))).collect();
        format!("{title}: {}", parts.join(", "))
    };
    let all: Vec<String> = waterfalls.iter().map(one).collect();
    format!("A million useful output tokens costs, in USD with 95 % intervals and by its parts, {}.", all.join("; "))
}
