//! `timeline.png`: replicas, latency and cut responses over the same minutes.

use std::ops::Range;

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels::{self, EndLabel};
use super::latency::Latency;
use super::numbers;
use super::over_time::TimeView;
use super::replicas::Replicas;
use super::theme;
use crate::ledger::{Metric, Series};
use crate::scenario::Strategy;
use crate::study::{StudyResult, student_t};

/// Widths of a bar that are offered, minutes.
const BAR_MINUTES: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 240.0];
/// Bars at most.
const MOST_BARS: f64 = 100.0;

/// The sheet; `None` without a timeline.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let view = TimeView::interesting(result)?;
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, &question(result), result) + 32.0;
    let ticks = view.axis().minute_ticks(10);
    let replicas = Replicas::of(&view).draw(&mut canvas, &view, top, 266.0);
    replicas.lower_axis(&mut canvas, &ticks, None);
    let latency = Latency::of(&view).draw(&mut canvas, &view, 286.0, 382.0);
    latency.lower_axis(&mut canvas, &ticks, None);
    let bars = draw_bars(&mut canvas, &view, 402.0, 468.0);
    bars.lower_axis(&mut canvas, &ticks, Some("minutes since time zero, the end of the warm-up"));
    view.mark_moments(&mut canvas, &bars, top - 6.0, bars.bottom);
    Some(Sheet { file_name: "timeline.png".to_owned(), canvas, alt_text: alt_text(result) })
}

fn question(result: &StudyResult) -> String {
    let scenario = &result.scenario;
    let rollout = match scenario.rollout.strategy {
        Strategy::None => return "What do capacity, latency and answers look like without a rollout?".to_owned(),
        Strategy::Recreate(_) => "recreating all replicas",
        Strategy::Rolling(_) => "a rolling update",
        Strategy::BlueGreen(_) => "a blue-green rollout",
        Strategy::Canary(_) | Strategy::Flagger(_) => "a canary rollout",
    };
    let grace = scenario.termination.grace_period;
    format!("What does {rollout} with {grace} of grace do to capacity, latency and answers?")
}

fn alt_text(result: &StudyResult) -> String {
    let truncated = &result.metric(Metric::TruncatedAttempts).mean;
    let ready = &result.metric(Metric::MinCapacityFraction).mean;
    format!(
        "On average over {}, capacity falls to {} of what is needed and {} responses are cut.",
        labels::runs(result),
        numbers::estimate(ready),
        numbers::estimate(truncated),
    )
}

/// A bar: events per minute between two instants, minutes.
pub struct Bar {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Mean over runs.
    pub mean: f64,
    /// Ends of the 95 % interval of the mean; a single run has none.
    pub interval: Option<(f64, f64)>,
}

fn draw_bars(canvas: &mut Canvas, view: &TimeView<'_>, top: f64, bottom: f64) -> Panel {
    let bars = bars(view, Series::Truncated);
    let (left, right) = (theme::PANEL_LEFT, theme::PANEL_RIGHT);
    let tallest = bars.iter().map(|bar| bar.mean).fold(0.0, f64::max);
    let widest = bars.iter().filter_map(|bar| bar.interval).map(|(_, high)| high).fold(tallest, f64::max);
    // The whiskers of a few runs can be many times as long as the bars, and are cut off then.
    let greatest = widest.min(3.0 * tallest);
    let y = Axis::linear(0.0, greatest * 1.1);
    let panel = Panel { left, top, right, bottom, x: view.axis(), y };
    let ticks = if greatest > 0.0 { panel.y.ticks(3) } else { vec![0.0] };
    panel.grid(canvas, &ticks);
    for bar in bars.iter().filter(|bar| bar.mean > 0.0) {
        let (from, to) = (panel.across(bar.from), panel.across(bar.to));
        let gap = ((to - from) * 0.1).min(1.0);
        canvas.rectangle((from + gap, panel.up(bar.mean)), (to - gap, panel.bottom), theme::ALERT);
        if let Some((low, high)) = bar.interval {
            let x = (from + to) / 2.0;
            canvas.line(vec![(x, panel.up(low)), (x, panel.up(high))], theme::WHISKER_STROKE);
        }
    }
    if greatest <= 0.0 {
        let middle = (view.clear_middle(&panel), (top + bottom) / 2.0);
        canvas.text(Text::new("no response was cut", middle, Anchor::Middle, theme::MUTED));
    }
    panel.left_axis(canvas, &ticks, "cut / min");
    let whiskers = bars.iter().any(|bar| bar.mean > 0.0 && bar.interval.is_some());
    labels::at_line_ends(canvas, &panel, vec![total(view.result, whiskers, (top + bottom) / 2.0 - 12.0)]);
    panel
}

fn total(result: &StudyResult, whiskers: bool, y: f64) -> EndLabel {
    let mean = &result.metric(Metric::TruncatedAttempts).mean;
    let decimals = numbers::estimate_decimals(mean);
    let over = match mean.interval {
        Some(_) => format!("a run, {}", numbers::interval_95(mean.interval, decimals)),
        None if result.records.len() == 1 => "in the one run".to_owned(),
        None => "a run (no interval)".to_owned(),
    };
    let mut lines = vec![format!("{} responses cut", numbers::fixed(mean.value, decimals)), over];
    if whiskers {
        lines.push("whiskers: 95 % intervals".to_owned());
    }
    EndLabel { lines, y, color: theme::ALERT }
}

/// The bars of a view, of a series that counts events. The spread over runs comes from what was counted in each run.
pub fn bars(view: &TimeView<'_>, counted: Series) -> Vec<Bar> {
    let result = view.result;
    let bin_minutes = result.timeline.bin_s / 60.0;
    let length = view.axis().high - view.axis().low;
    let least = (length / MOST_BARS).max(bin_minutes);
    let width = BAR_MINUTES.iter().copied().find(|minutes| *minutes >= least).unwrap_or(least);
    let bins_a_bar = ((width / bin_minutes).round() as usize).max(1);
    let bins = view.bins();
    let ranges = bins.clone().step_by(bins_a_bar).map(|first| first..(first + bins_a_bar).min(bins.end));
    ranges.map(|range| bar(result, counted, range)).collect()
}

fn bar(result: &StudyResult, counted: Series, bins: Range<usize>) -> Bar {
    let timeline = &result.timeline;
    let from = timeline.times[bins.start] / 60.0;
    let minutes = timeline.end_of(bins.end - 1) / 60.0 - from;
    let in_run = |bars: &[(u32, f32)]| -> f64 {
        bars.iter().filter(|(bin, _)| bins.contains(&(*bin as usize))).map(|(_, count)| f64::from(*count)).sum()
    };
    let summed = &timeline.series[counted as usize].mean[bins.clone()];
    let mean = summed.iter().filter(|value| value.is_finite()).sum::<f64>();
    let runs = result.records.len();
    let squares: f64 = timeline.by_run(counted).iter().map(|run| (in_run(run) - mean).powi(2)).sum();
    let deviation = (squares / (runs.max(2) - 1) as f64).sqrt();
    let interval = student_t(mean, deviation, runs as u64).map(|(low, high)| (low.max(0.0) / minutes, high / minutes));
    Bar { from, to: from + minutes, mean: mean / minutes, interval }
}
