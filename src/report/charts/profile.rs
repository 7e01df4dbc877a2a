//! `profile.png`: what a hardware profile gives at each batch, and where its KV cache is full.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Point, Text};
use super::labels::{self, Callout, EndLabel};
use super::numbers;
use super::theme::{self, Stroke};
use crate::report::profiles::{ANSWER_TOKENS, AtBatch, Figures, PROMPT_TOKENS, REFERENCE_BATCH};

/// Points of a curve.
const CURVE_POINTS: u32 = 120;
/// Half the width of a mark, points.
const MARK: f64 = 2.2;
/// What cannot be reached with the default number of slots.
const BEYOND_STROKE: Stroke = Stroke::dotted(theme::NEW, 1.4);

/// A quantity that a panel shows over the batch.
type Quantity = fn(&AtBatch) -> f64;

/// The sheet.
pub fn sheet(figures: &Figures) -> Sheet {
    let mut canvas = Canvas::new();
    let question = "How much does a bigger batch give, and what does it cost each answer?";
    let lines = [
        format!("{} \u{b7} {}", figures.profile.name, what(figures)),
        format!(
            "prompts of {PROMPT_TOKENS}, answers of {ANSWER_TOKENS} tokens, the others' prompts and {} ms of overhead a \
             step included",
            numbers::short(figures.profile.overhead / 1e6)
        ),
    ];
    let top = labels::heading_over(&mut canvas, question, &lines) + 32.0;
    let rate: Quantity = |at| at.tokens_per_second;
    let tpot: Quantity = |at| at.tpot_s * 1e3;
    let ticks: Vec<f64> = (0..31).map(|k| f64::from(1 << k)).take_while(|tick| *tick <= high(figures)).collect();
    let upper = panel(figures, rate, top, 276.0);
    let lower = panel(figures, tpot, 300.0, 466.0);
    mark_limits(&mut canvas, figures, &upper, &lower);
    draw(&mut canvas, figures, &upper, rate, "tokens / s");
    upper.lower_axis(&mut canvas, &ticks, None);
    draw(&mut canvas, figures, &lower, tpot, "TPOT, ms");
    lower.lower_axis(&mut canvas, &ticks, Some("batch: sequences that run at once (log)"));
    labels::at_line_ends(&mut canvas, &upper, vec![rate_label(figures, &upper)]);
    labels::at_line_ends(&mut canvas, &lower, vec![tpot_label(figures, &lower)]);
    Sheet { file_name: "profile.png".to_owned(), canvas, alt_text: alt_text(figures) }
}

/// The hardware and the engine.
fn what(figures: &Figures) -> String {
    let profile = figures.profile;
    let (gpus, gpu, engine) = (profile.gpus, &profile.gpu.title, &profile.engine);
    format!("{} on {gpus} \u{d7} {gpu}, {engine} {}", profile.model.title, profile.version)
}

fn alt_text(figures: &Figures) -> String {
    let ends: Vec<String> = [figures.rows.first(), figures.rows.last()]
        .into_iter()
        .flatten()
        .map(|at| {
            let (rate, tpot) = (numbers::readable(at.tokens_per_second), numbers::readable(at.tpot_s * 1e3));
            format!("{rate} output tokens/s at {tpot} ms each with a batch of {}", at.batch)
        })
        .collect();
    format!(
        "A replica of {} gives {}; its KV cache is full at {} sequences.",
        figures.profile.name,
        ends.join(", "),
        figures.in_cache,
    )
}

/// The right end of the batches: where the cache is full, or the largest batch where that is reached before.
fn high(figures: &Figures) -> f64 {
    f64::from(figures.in_cache.max(figures.largest_batch()))
}

fn panel(figures: &Figures, quantity: Quantity, top: f64, bottom: f64) -> Panel {
    let greatest = quantity(&figures.at(high(figures)));
    let (left, right) = (theme::PANEL_LEFT, theme::PANEL_RIGHT);
    Panel { left, top, right, bottom, x: Axis::logarithmic(1.0, high(figures)), y: Axis::linear(0.0, greatest * 1.1) }
}

/// Names and marks the batches at which slots and cache end, through both panels.
fn mark_limits(canvas: &mut Canvas, figures: &Figures, upper: &Panel, lower: &Panel) {
    let mut callouts = Vec::new();
    let mut mark = |batch: u32, content: String, stroke: Stroke| {
        let x = upper.across(f64::from(batch));
        canvas.line(vec![(x, upper.top - 6.0), (x, lower.bottom)], stroke);
        callouts.push(Callout { content, target: (x, upper.top - 6.0), color: stroke.color });
    };
    let (held, slots) = (figures.in_cache, figures.engine.max_num_seqs);
    if slots < held {
        mark(slots, format!("max_num_seqs: {slots} (dotted: with more)"), theme::START_STROKE);
    }
    mark(held, format!("KV cache full: {} sequences", numbers::fixed(f64::from(held), 0)), theme::BOUND_STROKE);
    labels::in_a_row(canvas, upper.top - 18.0, callouts);
}

fn draw(canvas: &mut Canvas, figures: &Figures, panel: &Panel, quantity: Quantity, title: &str) {
    let ticks = panel.y.ticks(5);
    panel.grid(canvas, &ticks);
    let curve = |from: f64, to: f64| -> Vec<Point> {
        let at = |i: u32| from * (to / from).powf(f64::from(i) / f64::from(CURVE_POINTS));
        (0..=CURVE_POINTS).map(|i| panel.at(at(i), quantity(&figures.at(at(i))))).collect()
    };
    let largest = f64::from(figures.largest_batch());
    canvas.line(curve(1.0, largest), theme::DATA_STROKE);
    if largest < high(figures) {
        canvas.line(curve(largest, high(figures)), BEYOND_STROKE);
    }
    for row in &figures.rows {
        let (x, y) = panel.at(f64::from(row.batch), quantity(row));
        canvas.rectangle((x - MARK, y - MARK), (x + MARK, y + MARK), theme::NEW);
        let text = numbers::readable(quantity(row));
        // Above the curve, which rises to the right: at the left edge there is no room but to the right.
        match row.batch {
            1 => canvas.text(Text::new(text, (x + 6.0, y - 9.0), Anchor::Start, theme::NEW)),
            REFERENCE_BATCH => canvas.text(Text::new(text, (x - 5.0, y - 8.0), Anchor::End, theme::NEW)),
            _ => {}
        }
    }
    panel.left_axis(canvas, &ticks, title);
}

/// What the upper curve is, and what it reaches.
fn rate_label(figures: &Figures, panel: &Panel) -> EndLabel {
    let mut lines = vec!["output tokens / s".to_owned()];
    if let Some(last) = figures.rows.last() {
        lines.push(format!("{} at {}", numbers::readable(last.tokens_per_second), last.batch));
        if figures.profile.gpus > 1 {
            lines.push(format!("{} a GPU", numbers::readable(last.tokens_per_second_per_gpu)));
        }
    }
    EndLabel { lines, y: panel.up(figures.at(high(figures)).tokens_per_second), color: theme::NEW }
}

/// What the lower curve is, and what it reaches.
fn tpot_label(figures: &Figures, panel: &Panel) -> EndLabel {
    let mut lines = vec!["time per output token".to_owned()];
    if let Some(last) = figures.rows.last() {
        lines.push(format!("{} ms at {}", numbers::readable(last.tpot_s * 1e3), last.batch));
    }
    EndLabel { lines, y: panel.up(figures.at(high(figures)).tpot_s * 1e3), color: theme::NEW }
}
