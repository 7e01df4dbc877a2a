//! `prompt_tokens.png` and `output_tokens.png`: how many requests are longer than so many tokens, as recorded and as
//! fitted distributions have it, both axes logarithmic so that the tail is seen.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Canvas, Point};
use super::labels::{self, Callout, EndLabel};
use super::numbers;
use super::theme::{self, Stroke};
use crate::fit::{Candidate, Kind, LengthFit};
use crate::report::fit::Fitted;

/// Lengths at which a fitted line is computed.
const POINTS: usize = 320;
/// Points of the sheet that two corners of the recorded steps are apart at least.
const APART: f64 = 0.3;
/// Share of the shortest requests that are left out at the left, where all lines are level.
const SHORTEST: f64 = 0.002;
/// How far below one request the axis goes, so that the last step is seen.
const BELOW_ONE: f64 = 0.5;

/// The sheet of prompts; `None` where all are equally long.
pub fn of_prompts(fitted: &Fitted<'_>) -> Option<Sheet> {
    let length = &fitted.fit.prompt_tokens;
    sheet(fitted, length, "prompt_tokens.png", "Which distribution draws prompts like these?", "prompt")
}

/// The sheet of answers; `None` where all are equally long.
pub fn of_outputs(fitted: &Fitted<'_>) -> Option<Sheet> {
    let length = &fitted.fit.output_tokens;
    sheet(fitted, length, "output_tokens.png", "Which distribution draws answers like these?", "answer")
}

fn sheet(
    fitted: &Fitted<'_>,
    length: &LengthFit,
    file_name: &'static str,
    question: &str,
    noun: &str,
) -> Option<Sheet> {
    if length.values.distinct() < 2 {
        return None;
    }
    let requests = length.values.total() as f64;
    let mut canvas = Canvas::new();
    let provenance = format!("{} requests", numbers::fixed(requests, 0));
    let top = labels::heading_of(&mut canvas, question, fitted.name, &provenance) + 36.0;
    let (least, greatest) = (length.values.quantile(SHORTEST), f64::from(length.values.greatest()));
    let panel = Panel {
        left: theme::PANEL_LEFT,
        top,
        right: theme::PANEL_RIGHT - 24.0,
        bottom: 462.0,
        x: Axis::logarithmic((least / 1.15).max(0.8), greatest * 1.02),
        y: Axis::logarithmic(100.0 * BELOW_ONE / requests, 100.0),
    };
    let ticks = panel.y.ticks(9);
    panel.grid(&mut canvas, &ticks);
    mark_quantiles(&mut canvas, &panel, length);
    canvas.line(recorded(&panel, length), theme::RECORDED_STROKE);
    let rivals = rivals(length);
    for (candidate, stroke) in &rivals {
        canvas.line(fitted_line(&panel, candidate), *stroke);
    }
    panel.left_axis(&mut canvas, &ticks, "requests that are longer, % (log)");
    panel.lower_axis(&mut canvas, &panel.x.ticks(14), Some(&format!("tokens of a request's {noun} (log)")));
    labels::at_line_ends_with_samples(&mut canvas, &panel, end_labels(&panel, length, &rivals));
    Some(Sheet { file_name: file_name.to_owned(), canvas, alt_text: alt_text(length, noun, &rivals) })
}

/// A single family (the advised one, else the closest) and the mixtures, each with the stroke that it is drawn with.
fn rivals(length: &LengthFit) -> Vec<(&Candidate, Stroke)> {
    let advised = length.recommended();
    let single = if advised.kind.is_single() { advised } else { length.closest_single() };
    let single = Some((single, theme::FIRST_RIVAL_STROKE));
    let two = length.candidate(Kind::TwoLognormals).map(|candidate| (candidate, theme::SECOND_RIVAL_STROKE));
    let three = length.candidate(Kind::ThreeLognormals).map(|candidate| (candidate, theme::THIRD_RIVAL_STROKE));
    [single, two, three].into_iter().flatten().collect()
}

fn alt_text(length: &LengthFit, noun: &str, rivals: &[(&Candidate, Stroke)]) -> String {
    let distances: Vec<String> = (rivals.iter())
        .map(|(candidate, _)| format!("{} from {}", numbers::readable(candidate.closeness.ks), candidate.kind.name()))
        .collect();
    let advised = if length.is_poor { "the recorded lengths" } else { length.recommended().kind.name() };
    format!(
        "The recorded tokens of a request's {noun}, up to {}, are at a Kolmogorov-Smirnov distance of {}; to draw from {advised} \
         is advised.",
        numbers::fixed(f64::from(length.values.greatest()), 0),
        distances.join(", ")
    )
}

/// The recorded share of longer requests as steps, without those that could not be told apart.
fn recorded(panel: &Panel, length: &LengthFit) -> Vec<Point> {
    let total = length.values.total() as f64;
    let mut above = length.values.total();
    let mut points = vec![panel.at(panel.x.low, 100.0)];
    for (value, count) in length.values.iter() {
        let before = panel.at(f64::from(value), 100.0 * above as f64 / total);
        above -= count;
        let after = panel.at(f64::from(value), 100.0 * above as f64 / total);
        let last = points[points.len() - 1];
        if (after.0 - last.0).hypot(after.1 - last.1) >= APART || above == 0 {
            points.extend([before, after]);
        }
    }
    points
}

/// The share of longer draws, at whole tokens, down to the lower edge and up to the cut.
fn fitted_line(panel: &Panel, candidate: &Candidate) -> Vec<Point> {
    let greatest = candidate.distribution.max;
    let factor = (greatest / panel.x.low).powf(1.0 / (POINTS - 1) as f64);
    let mut tokens: Vec<f64> =
        (0..POINTS).map(|i| (panel.x.low * factor.powi(i as i32)).round().clamp(0.0, greatest - 1.0)).collect();
    tokens.dedup();
    let mut points = Vec::new();
    for at in tokens {
        let share = 100.0 * candidate.distribution.survival(at);
        points.push(panel.at(at, share));
        if share <= panel.y.low {
            break;
        }
    }
    points
}

/// Upright lines at the recorded median and P99, named above the panel.
fn mark_quantiles(canvas: &mut Canvas, panel: &Panel, length: &LengthFit) {
    let mut callouts = Vec::new();
    for (name, share) in [("P50", 0.5), ("P99", 0.99)] {
        let tokens = length.values.quantile(share);
        let (x, y) = panel.at(tokens, 100.0 * (1.0 - share));
        canvas.line(vec![(x, panel.top - 6.0), (x, y)], theme::START_STROKE);
        let content = format!("{name} {}", numbers::fixed(tokens, 0));
        callouts.push(Callout { content, target: (x, panel.top - 6.0), color: theme::MUTED });
    }
    labels::in_a_row(canvas, panel.top - 20.0, callouts);
}

/// A label for each line where it leaves the panel.
fn end_labels(panel: &Panel, length: &LengthFit, rivals: &[(&Candidate, Stroke)]) -> Vec<(EndLabel, Stroke)> {
    let end = |share: f64| panel.up((100.0 * share).max(panel.y.low));
    let before_last = length.values.share_above(length.values.greatest() - 1);
    let lines = vec!["recorded".to_owned()];
    let recorded = EndLabel { lines, y: end(before_last), color: theme::STABLE_INK };
    let mut labels = vec![(recorded, theme::RECORDED_STROKE)];
    for (candidate, stroke) in rivals {
        let share = candidate.distribution.survival(candidate.distribution.max - 1.0);
        let advised = match (candidate.kind == length.recommended().kind, length.is_poor) {
            (true, false) => ", advised",
            (true, true) => ", poor",
            (false, _) => "",
        };
        let distance = format!("KS distance {}{advised}", numbers::readable(candidate.closeness.ks));
        let lines = vec![candidate.kind.name().to_owned(), distance];
        labels.push((EndLabel { lines, y: end(share), color: stroke.color }, *stroke));
    }
    labels
}
