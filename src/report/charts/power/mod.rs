//! Charts of a canary's power, and what they share: sizes side by side along the lower edge, each with what it does to
//! users.

mod curves;
mod exposed;
mod steps;

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels;
use super::numbers;
use super::theme;
use crate::report::power::effect;
use crate::study::Estimate;
use crate::study::power::{Power, Regression, Size};

/// Half the width of a mark, points.
const MARK: f64 = 2.4;
/// Room between the panel and the numbers of a size at its sides, in sizes.
const PADDING: f64 = 0.35;
/// Distance between the marks of two lines at the same size, points.
const DODGE: f64 = 7.0;

/// Every sheet whose data exist: `power.png` is about the regression of interest, others are named after theirs.
pub(super) fn sheets(power: &Power) -> Vec<Sheet> {
    let mut sheets: Vec<Sheet> = Vec::new();
    for (index, regression) in power.regressions.iter().enumerate() {
        let name = if index == power.goal.regression { String::new() } else { format!("-{}", file_part(regression)) };
        sheets.push(curves::sheet(power, index, format!("power{name}.png")));
    }
    sheets.extend(steps::sheet(power));
    sheets.extend(exposed::sheet(power));
    sheets
}

/// A regression's name as a part of a file's.
fn file_part(regression: &Regression) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    regression.kind.name().chars().map(plain).collect()
}

/// The question and the scenario; returns where the room below begins, points.
fn heading(canvas: &mut Canvas, question: &str, power: &Power) -> f64 {
    let interrupted = if power.partial { ", interrupted" } else { "" };
    let runs = numbers::fixed(power.runs as f64, 0);
    let provenance = format!("{runs} runs of each point, seed {}{interrupted}", power.scenario.study.seed);
    labels::heading_of(canvas, question, power.scenario.name.trim(), &provenance)
}

/// A panel with a place for each size.
fn panel(top: f64, sizes: usize, y: Axis) -> Panel {
    let last = sizes.saturating_sub(1) as f64;
    Panel {
        left: theme::PANEL_LEFT,
        top,
        right: theme::PANEL_RIGHT,
        bottom: 444.0,
        x: Axis::linear(-PADDING, last + PADDING),
        y,
    }
}

/// The lower edge: the sizes as they were asked for, under each what it does, and what that is.
fn size_axis(canvas: &mut Canvas, panel: &Panel, power: &Power, regression: &Regression) {
    let ticks: Vec<f64> = (0..regression.sizes.len()).map(|size| size as f64).collect();
    panel.lower_axis(canvas, &ticks, None);
    let room = (panel.right - panel.left) / regression.sizes.len() as f64 - 4.0;
    for (tick, size) in ticks.iter().zip(&regression.sizes) {
        let mut line = |text: String, below: f64, size: f64, color| {
            let size = labels::fitting_size(&text, size, room, false);
            let at = (panel.across(*tick), panel.bottom + below);
            canvas.text(Text::new(text, at, Anchor::Middle, color).size(size));
        };
        line(size.label.clone(), 12.0, theme::LABEL_SIZE, theme::INK);
        if let Some(found) = own_effect(power, regression, size) {
            line(found, 25.0, theme::SMALL_SIZE, theme::MUTED);
        }
    }
    let mut title = format!("true regression: {}", regression.kind.meaning().replace('`', ""));
    if let Some(measure) = regression.measure.map(|measure| &power.measures[measure])
        && !power.effects.is_empty()
    {
        title.push_str(&format!("; below it, {} of the new version beside stable", in_words(&measure.name())));
    }
    let at = ((panel.left + panel.right) / 2.0, panel.bottom + 44.0);
    canvas.text(Text::new(title, at, Anchor::Middle, theme::INK));
}

/// A measure's or a regression's name as other charts write it: `P99 ttft` is P99 TTFT.
fn in_words(name: &str) -> String {
    let word = |word: &str| match word {
        "ttft" | "tpot" | "e2e" => word.to_uppercase(),
        _ if word.contains('.') => word.to_owned(),
        _ => word.replace('_', " "),
    };
    name.split(' ').map(word).collect::<Vec<String>>().join(" ")
}

/// What a size does, with its interval.
fn own_effect(power: &Power, regression: &Regression, size: &Size) -> Option<String> {
    let (measure, found) = power.own_effect(regression, size)?;
    (!found.value.is_nan()).then(|| effect(measure, found).replace('-', "\u{2212}"))
}

/// A mark with its interval, moved sideways by so many points.
fn mark(canvas: &mut Canvas, panel: &Panel, x: f64, estimate: &Estimate, color: theme::Color, aside: f64) {
    let at = |y: f64| (panel.across(x) + aside, panel.up(y));
    if let Some((low, high)) = estimate.interval {
        canvas.whisker(at(low.max(panel.y.low)), at(high.min(panel.y.high)));
    }
    let (x, y) = at(estimate.value);
    canvas.rectangle((x - MARK, y - MARK), (x + MARK, y + MARK), color);
}

/// How far aside the marks of the line of this index stand, of so many lines.
fn aside(line: usize, lines: usize) -> f64 {
    DODGE * (line as f64 - (lines.saturating_sub(1)) as f64 / 2.0)
}
