//! `truncated.png`: how many responses a run cuts, over runs.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels::{self, Callout};
use super::numbers;
use super::theme::{self, Stroke};
use crate::ledger::Metric;
use crate::report::format::{self, Quantity};
use crate::study::{Estimate, MetricSummary, StudyResult};

/// Bars at most, however many runs there are.
const MOST_BARS: u64 = 40;
/// Bars that may be, however few runs there are.
const FEWEST_BARS: u64 = 8;
/// What the brackets are.
const INTERVALS: &str = "brackets: 95 % intervals";

/// The sheet; `None` without runs.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let counts = counts(result);
    let greatest = *counts.last()?;
    let summary = result.metric(Metric::TruncatedAttempts);
    let mut canvas = Canvas::new();
    let question = "How many responses does a run cut after their first token?";
    let top = labels::heading(&mut canvas, question, result);
    if result.records.len() == 1 {
        state_one(&mut canvas, greatest);
    } else if greatest == 0 {
        state_none(&mut canvas, result, summary);
    } else {
        draw_histogram(&mut canvas, &counts, summary, top);
    }
    Some(Sheet { file_name: "truncated.png".to_owned(), canvas, alt_text: alt_text(result, summary) })
}

/// Responses cut in each run, ascending.
pub fn counts(result: &StudyResult) -> Vec<u64> {
    let mut counts: Vec<u64> = (result.records.iter())
        .map(|record| record.value(Metric::TruncatedAttempts))
        .filter(|value| value.is_finite() && *value >= 0.0)
        .map(|value| value.round() as u64)
        .collect();
    counts.sort_unstable();
    counts
}

fn alt_text(result: &StudyResult, summary: &MetricSummary) -> String {
    if result.records.len() == 1 {
        return format!("The one run cuts {}.", responses(summary.mean.value));
    }
    format!(
        "A run cuts {} responses on average over {}, {} at P95, and {} of runs cut none.",
        numbers::estimate(&summary.mean),
        labels::runs(result),
        numbers::count(&summary.p95),
        format::estimate(&complement(&summary.probability_positive), Quantity::Share),
    )
}

/// The share that is left.
fn complement(share: &Estimate) -> Estimate {
    Estimate { value: 1.0 - share.value, interval: share.interval.map(|(low, high)| (1.0 - high, 1.0 - low)) }
}

/// `1 response`, `12 responses`.
fn responses(count: f64) -> String {
    format!("{} response{}", numbers::fixed(count, 0), if count == 1.0 { "" } else { "s" })
}

/// Says what a single run cut: it has no distribution.
fn state_one(canvas: &mut Canvas, cut: u64) {
    let middle = theme::WIDTH / 2.0;
    let (claim, color) = match cut {
        0 => ("The one run cut no response.".to_owned(), theme::NEW),
        _ => (format!("The one run cut {}.", responses(cut as f64)), theme::ALERT),
    };
    canvas.text(Text::new(claim, (middle, 220.0), Anchor::Middle, color).size(22.0).bold());
    let remark = "One run tells nothing of others: it has no distribution and no interval.";
    canvas.text(Text::new(remark, (middle, 256.0), Anchor::Middle, theme::MUTED).size(13.0));
}

/// Says plainly that nothing was cut, and how sure that is: a histogram of one bar would say less.
fn state_none(canvas: &mut Canvas, result: &StudyResult, summary: &MetricSummary) {
    let middle = theme::WIDTH / 2.0;
    let claim = format!("No response was cut in any of {}.", labels::runs(result));
    canvas.text(Text::new(claim, (middle, 220.0), Anchor::Middle, theme::NEW).size(22.0).bold());
    let remarks = [
        format!("runs that cut any: {}", format::estimate(&summary.probability_positive, Quantity::Share)),
        format!("responses cut a run, mean: {}", numbers::estimate(&summary.mean)),
        INTERVALS.to_owned(),
    ];
    for (i, remark) in remarks.into_iter().enumerate() {
        let at = (middle, 256.0 + 22.0 * i as f64);
        canvas.text(Text::new(remark, at, Anchor::Middle, theme::MUTED).size(13.0));
    }
}

/// Whole numbers in bars of equal width.
pub struct Bins {
    /// The first bar's first number.
    pub first: u64,
    /// Numbers in a bar.
    pub width: u64,
    /// Runs in each.
    pub runs: Vec<usize>,
    /// Runs beyond the last bar.
    pub beyond: usize,
}

impl Bins {
    /// Bars for these counts, ascending: from zero unless all are far from it, up to the greatest unless a few are far
    /// beyond the rest.
    pub fn of(counts: &[u64]) -> Bins {
        let (least, greatest) = (counts[0], counts[counts.len() - 1]);
        let usual = counts[(counts.len() * 99).div_ceil(100) - 1].max(1);
        let last = if greatest / 3 > usual { usual + usual / 2 + 1 } else { greatest };
        let start = if least * 2 > last { least } else { 0 };
        // Twice the square root of the number of runs shows a shape without showing every run.
        let bars = (2 * counts.len().isqrt() as u64).clamp(FEWEST_BARS, MOST_BARS);
        let width = round_width((last - start + 1).div_ceil(bars));
        let first = start / width * width;
        let mut runs = vec![0; ((last - first) / width + 1) as usize];
        let mut beyond = 0;
        for count in counts {
            match runs.get_mut(((count - first) / width) as usize) {
                Some(bar) => *bar += 1,
                None => beyond += 1,
            }
        }
        Bins { first, width, runs, beyond }
    }

    /// The ends of a bar on the axis: half a response before its first number to half a response after its last.
    fn ends(&self, bar: usize) -> (f64, f64) {
        let from = (self.first + bar as u64 * self.width) as f64 - 0.5;
        (from, from + self.width as f64)
    }
}

/// The least of 1, 2, 5, 10, ... that is at least this.
fn round_width(least: u64) -> u64 {
    let decades = (0..19).map(|decade| 10u64.pow(decade));
    let mut widths = decades.flat_map(|decade| [1, 2, 5].map(|factor| decade.saturating_mul(factor)));
    widths.find(|width| *width >= least).unwrap_or(least)
}

fn draw_histogram(canvas: &mut Canvas, counts: &[u64], summary: &MetricSummary, top: f64) {
    let bins = Bins::of(counts);
    let share = |runs: usize| runs as f64 / counts.len() as f64 * 100.0;
    let tallest = bins.runs.iter().map(|runs| share(*runs)).fold(0.0, f64::max);
    let (left, right) = (bins.ends(0).0, bins.ends(bins.runs.len() - 1).1);
    // A lone bar would fill the panel.
    let padding = if bins.runs.len() < 8 { (8 - bins.runs.len()) as f64 * bins.width as f64 / 2.0 } else { 0.0 };
    let panel = Panel {
        left: theme::PANEL_LEFT,
        top: top + 48.0,
        right: theme::WIDTH - 2.0 * theme::MARGIN,
        bottom: 462.0,
        x: Axis::linear((left - padding).max(-0.5), right + padding),
        y: Axis::linear(0.0, tallest * 1.08),
    };
    let ticks = panel.y.ticks(6);
    panel.grid(canvas, &ticks);
    for (bar, runs) in bins.runs.iter().enumerate() {
        let (from, to) = bins.ends(bar);
        let (from, to) = (panel.across(from), panel.across(to));
        let gap = ((to - from) * 0.06).min(1.5);
        let none = bins.width == 1 && bins.first + bar as u64 == 0;
        let color = if none { theme::STABLE } else { theme::ALERT };
        canvas.rectangle((from + gap, panel.up(share(*runs))), (to - gap, panel.bottom), color);
    }
    mark_estimates(canvas, &panel, summary);
    state_shares(canvas, &panel, &bins, counts, summary, top);
    panel.left_axis(canvas, &ticks, "share of runs, %");
    let bar =
        if bins.width > 1 { format!(", bars of {}", numbers::fixed(bins.width as f64, 0)) } else { String::new() };
    let title = format!("responses cut in a run{bar}");
    panel.lower_axis(canvas, &panel.x.whole_ticks(12), Some(&title));
}

/// Vertical lines at the mean and the P95, named above the panel.
fn mark_estimates(canvas: &mut Canvas, panel: &Panel, summary: &MetricSummary) {
    let marks = [
        ("mean", &summary.mean, numbers::estimate(&summary.mean), Stroke::solid(theme::INK, 1.5)),
        ("P95 of runs", &summary.p95, numbers::count(&summary.p95), Stroke::dashed(theme::INK, 1.5)),
    ];
    let mut callouts = Vec::new();
    for (name, estimate, text, stroke) in marks.into_iter().filter(|mark| mark.1.value.is_finite()) {
        let x = panel.across(estimate.value);
        let line = vec![(x, panel.top - 6.0), (x, panel.bottom)];
        let fits = |interval: &(f64, f64)| interval.0 >= panel.x.low && interval.1 <= panel.x.high;
        if let Some((low, high)) = estimate.interval.filter(fits) {
            canvas.whisker((panel.across(low), panel.top), (panel.across(high), panel.top));
        }
        canvas.line(line, stroke);
        let content = format!("{name} {text}");
        callouts.push(Callout { content, target: (x, panel.top - 6.0), color: theme::INK });
    }
    labels::in_a_row(canvas, panel.top - 20.0, callouts);
}

/// Says how many runs cut none, and how many lie beyond the axis.
fn state_shares(canvas: &mut Canvas, panel: &Panel, bins: &Bins, counts: &[u64], summary: &MetricSummary, top: f64) {
    let none = format::estimate(&complement(&summary.probability_positive), Quantity::Share);
    let mut text = format!("{none} of runs cut none \u{b7} {INTERVALS}");
    if bins.beyond > 0 {
        let greatest = numbers::fixed(counts[counts.len() - 1] as f64, 0);
        let beyond = if bins.beyond == 1 { "1 run lies".to_owned() } else { format!("{} runs lie", bins.beyond) };
        text.push_str(&format!(" \u{b7} {beyond} beyond the axis, up to {greatest}"));
    }
    let at = (panel.left, top + 8.0);
    canvas.text(Text::new(text, at, Anchor::Start, theme::STABLE_INK));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_whole_numbers_wide_and_hold_every_run() {
        for counts in [vec![0, 0, 1, 2, 2], vec![7], (900..1400).collect(), vec![0, 3_000_000], (0..81).collect()] {
            let bins = Bins::of(&counts);
            assert_eq!(bins.runs.iter().sum::<usize>() + bins.beyond, counts.len(), "{counts:?}");
            assert!(bins.runs.len() as u64 <= MOST_BARS + 1, "{counts:?}");
        }
        assert_eq!(Bins::of(&[0, 1, 2, 3]).width, 1);
        assert_eq!(Bins::of(&(900..1400).collect::<Vec<_>>()).width, 20);
        assert_eq!((Bins::of(&[900, 1400]).width, Bins::of(&[900, 1400]).first), (100, 900));
    }

    #[test]
    fn a_few_runs_far_out_do_not_flatten_the_rest() {
        let mut counts: Vec<u64> = (0..1000).map(|run| run % 12).collect();
        counts.extend([5_000, 9_000]);
        let bins = Bins::of(&counts);
        assert_eq!((bins.beyond, bins.width), (2, 1));
    }
}
