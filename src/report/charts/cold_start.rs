//! `cold_start.png`: how long each stage of a cold start takes, median and P95, and all of them together.
//!
//! From draws of the scenario's own distributions, so that a chart exists before any rollout has; a replica loads its weights
//! alone here.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels::{self, Upright};
use super::numbers;
use super::theme::{self, Stroke};
use crate::random::{Purpose, RunKey};
use crate::scenario::{ColdStart, Stage, Strategy, WeightLoad};
use crate::study::{Estimate, StudyResult, quantile_ranks};

/// Cold starts that are drawn.
const DRAWS: u64 = 10_000;
/// Greatest height of a bar, points.
const BAR: f64 = 26.0;
/// Where names end and bars begin, points.
const LEFT: f64 = 150.0;
/// A deadline is shown where it is at most so many times as long as what is drawn.
const NEAR: f64 = 2.5;

/// A stage, or all of them.
struct Row {
    name: &'static str,
    median: Estimate,
    p95: Estimate,
}

impl Row {
    fn of(name: &'static str, seconds: &[f64]) -> Row {
        let mut sorted = seconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let quantile = |q: f64| {
            let at = |rank: u64| sorted[rank as usize - 1];
            let rank = ((q * sorted.len() as f64).ceil() as u64).max(1);
            let interval = quantile_ranks(q, sorted.len() as u64).map(|(low, high)| (at(low), at(high)));
            Estimate { value: at(rank), interval }
        };
        Row { name, median: quantile(0.5), p95: quantile(0.95) }
    }

    /// The longest that is shown of it.
    fn end(&self) -> f64 {
        if self.p95.value.is_finite() { self.p95.value } else { self.median.value }
    }
}

/// The sheet; `None` where replicas start at once, or never, or where nothing was run.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    if result.records.is_empty() {
        return None;
    }
    let cold = &result.scenario.cold_start;
    let rows = rows(cold, result.scenario.study.seed)?;
    let mut canvas = Canvas::new();
    let provenance = format!("{} draws, seed {}", numbers::fixed(DRAWS as f64, 0), result.scenario.study.seed);
    let name = result.scenario.name.trim();
    let top = labels::heading_of(&mut canvas, "Where does the time of a cold start go?", name, &provenance) + 36.0;
    let deadline = deadline(result).filter(|seconds| *seconds <= NEAR * longest(&rows));
    let high = deadline.unwrap_or(0.0).max(longest(&rows));
    let panel = Panel {
        left: LEFT,
        top,
        right: theme::WIDTH - theme::MARGIN - 190.0,
        bottom: 446.0,
        x: Axis::linear(0.0, high * 1.04),
        y: Axis::linear(0.0, rows.len() as f64),
    };
    let ticks = panel.x.ticks(8);
    panel.upright_grid(&mut canvas, &ticks);
    for (at, row) in rows.iter().enumerate() {
        draw(&mut canvas, &panel, at, row);
    }
    let zero = panel.across(0.0);
    canvas.line(vec![(zero, panel.top), (zero, panel.bottom)], theme::AXIS_STROKE);
    panel.lower_axis(&mut canvas, &ticks, Some("seconds; full: median, light: up to P95, whiskers: 95 % intervals"));
    mark(&mut canvas, &panel, &rows, deadline);
    canvas.text(Text::new(remark(cold), (LEFT, 496.0), Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
    Some(Sheet { file_name: "cold_start.png".to_owned(), canvas, alt_text: alt_text(&rows) })
}

fn longest(rows: &[Row]) -> f64 {
    rows.iter().map(Row::end).fold(0.0, f64::max)
}

/// Each stage that takes time, and, of several, their sum, which comes last.
fn rows(cold: &ColdStart, seed: u64) -> Option<Vec<Row>> {
    let stages = [
        ("node", of_stage(&cold.provision, seed, Purpose::Provision)),
        ("image pull", of_stage(&cold.image_pull, seed, Purpose::ImagePull)),
        ("weights", of_weights(&cold.weight_load, seed)),
        ("engine start", of_stage(&cold.engine_start, seed, Purpose::EngineStart)),
    ];
    let sums: Vec<f64> =
        (0..DRAWS as usize).map(|draw| stages.iter().map(|(_, seconds)| seconds[draw]).sum()).collect();
    let takes_time = |seconds: &[f64]| seconds.iter().any(|seconds| *seconds > 0.0);
    let mut rows: Vec<Row> = (stages.iter())
        .filter(|(_, seconds)| takes_time(seconds))
        .map(|(name, seconds)| Row::of(name, seconds))
        .filter(|row| row.median.value.is_finite())
        .collect();
    if rows.len() > 1 {
        rows.push(Row::of("cold start", &sums));
    }
    (longest(&rows) > 0.0).then_some(rows)
}

/// Draws of a stage, seconds.
fn of_stage(stage: &Stage, seed: u64, purpose: Purpose) -> Vec<f64> {
    let key = RunKey::new(seed, 0);
    let mut stream = key.stream(purpose);
    let draw = |index: u64| {
        let seconds = stage.seconds.draw(&mut stream, index);
        let skipped = key.keyed_uniform(Purpose::Skip, index, purpose as u64) < stage.skip_probability;
        if skipped { 0.0 } else { seconds.max(0.0) }
    };
    (0..DRAWS).map(draw).collect()
}

/// Draws of the loading of weights by a replica alone, seconds.
fn of_weights(load: &WeightLoad, seed: u64) -> Vec<f64> {
    match load {
        WeightLoad::Stage(stage) => of_stage(stage, seed, Purpose::WeightLoad),
        WeightLoad::Bandwidth { gigabytes, gigabytes_per_second, shared_gigabytes_per_second, skip_probability } => {
            let own = Stage { seconds: gigabytes_per_second.clone(), skip_probability: *skip_probability };
            let shared = shared_gigabytes_per_second.unwrap_or(f64::INFINITY);
            let seconds = |own: f64| if own > 0.0 { gigabytes / own.min(shared) } else { 0.0 };
            of_stage(&own, seed, Purpose::WeightLoad).into_iter().map(seconds).collect()
        }
    }
}

/// How long a Kubernetes rolling update may be without progress, seconds.
fn deadline(result: &StudyResult) -> Option<f64> {
    match &result.scenario.rollout.strategy {
        Strategy::Rolling(settings) => Some(settings.progress_deadline.seconds()),
        _ => None,
    }
}

/// What the draws leave out.
fn remark(cold: &ColdStart) -> String {
    let shared = match &cold.weight_load {
        WeightLoad::Bandwidth { shared_gigabytes_per_second: Some(shared), .. } => {
            format!(" Weights load alone here; replicas that load at once share {} GB/s.", numbers::short(*shared))
        }
        _ => String::new(),
    };
    format!("P95 of the stages do not add up to that of the cold start: they are seldom slow together.{shared}")
}

fn draw(canvas: &mut Canvas, panel: &Panel, at: usize, row: &Row) {
    let height = (panel.bottom - panel.top) / (panel.y.high - panel.y.low);
    let middle = panel.top + (at as f64 + 0.5) * height;
    let half = (height * 0.36).min(BAR / 2.0);
    let is_sum = row.name == "cold start";
    let name = Text::new(row.name, (panel.left - 10.0, middle), Anchor::End, theme::INK);
    canvas.text(if is_sum { name.bold() } else { name });
    let (full, light) = if is_sum { (theme::INK, theme::STABLE) } else { (theme::NEW, theme::NEW_TINT) };
    let (median, p95) = (panel.across(row.median.value), panel.across(row.end()));
    canvas.rectangle((panel.left, middle - half), (p95, middle + half), light);
    canvas.rectangle((panel.left, middle - half), (median, middle + half), full);
    for (estimate, x) in [(&row.median, median), (&row.p95, p95)] {
        if let Some((low, high)) = estimate.interval.filter(|(low, high)| low < high && high.is_finite()) {
            canvas.whisker((panel.across(low), middle), (panel.across(high), middle));
        } else {
            canvas.line(vec![(x, middle - half), (x, middle + half)], Stroke::solid(theme::PAPER, 0.8));
        }
    }
    let told = format!("median {} s, P95 {} s", numbers::readable(row.median.value), numbers::readable(row.p95.value));
    let told = Text::new(told, (theme::WIDTH - theme::MARGIN - 176.0, middle), Anchor::Start, theme::INK);
    canvas.text(if is_sum { told.bold() } else { told });
}

/// The deadline of the rollout, upright.
fn mark(canvas: &mut Canvas, panel: &Panel, rows: &[Row], deadline: Option<f64>) {
    let Some(seconds) = deadline else { return };
    let beyond = if longest(rows) > seconds { "a cold start may be longer than " } else { "" };
    let content = format!("{beyond}progress deadline {} s", numbers::short(seconds));
    labels::uprights(canvas, panel, vec![Upright { value: seconds, content, stroke: theme::BOUND_STROKE }]);
}

fn alt_text(rows: &[Row]) -> String {
    let told = |row: &Row| {
        format!("{} {} s and {} s", row.name, numbers::readable(row.median.value), numbers::readable(row.p95.value))
    };
    let all = rows.iter().map(told).collect::<Vec<String>>().join(", ");
    format!("The stages of a cold start take, in the median and at P95, {all}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Distribution;
    use crate::report::example;

    #[test]
    fn medians_are_those_of_the_distributions_and_the_sum_comes_last() {
        let cold = example::scenario().cold_start;
        let rows = rows(&cold, 1).expect("it takes time");
        assert_eq!(
            rows.iter().map(|row| row.name).collect::<Vec<_>>(),
            ["image pull", "weights", "engine start", "cold start"]
        );
        // A lognormal's median is its own; the standard error of the median of 10,000 is 1.25 sigma / 100.
        assert!((rows[0].median.value / 60.0 - 1.0).abs() < 4.0 * 0.6 * 0.0125, "{:?}", rows[0].median);
        assert!((rows[1].median.value - 27.0 / 0.7).abs() < 1e-9 && rows[1].p95.value == rows[1].median.value);
        let sum: f64 = rows[..3].iter().map(|row| row.median.value).sum();
        assert!(rows[3].median.value > sum, "a sum of skewed stages is longer than the sum of their medians");
        let p95: f64 = rows[..3].iter().map(|row| row.p95.value).sum();
        assert!(rows[3].p95.value < p95);
    }

    #[test]
    fn what_takes_no_time_and_what_never_ends_have_no_row() {
        let none = || Stage { seconds: Distribution::constant(0.0), skip_probability: 0.0 };
        let mut cold = example::scenario().cold_start;
        (cold.image_pull, cold.engine_start, cold.weight_load) = (none(), none(), WeightLoad::Stage(none()));
        assert!(rows(&cold, 1).is_none());
        cold.provision = Stage { seconds: Distribution::constant(30.0), skip_probability: 0.0 };
        assert_eq!(rows(&cold, 1).map(|rows| rows.len()), Some(1));
        cold.provision.seconds = Distribution::constant(f64::INFINITY);
        assert!(rows(&cold, 1).is_none());
    }
}
