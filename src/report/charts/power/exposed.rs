//! `power-exposed.png`: how many requests meet the new version before the verdict, over how bad it is: median and P95 of
//! runs of the canary as written.

use super::{Sheet, heading, mark, panel, size_axis};
use crate::report::charts::axes::{Axis, Panel};
use crate::report::charts::canvas::Canvas;
use crate::report::charts::labels::{self, EndLabel};
use crate::report::charts::numbers;
use crate::report::charts::theme::{self, Stroke};
use crate::report::power::named;
use crate::study::Estimate;
use crate::study::power::{Outcomes, Power, Regression};

/// A quantile over runs, with its stroke and its name.
type Quantile = (fn(&Outcomes) -> &Estimate, Stroke, &'static str);

const QUANTILES: [Quantile; 2] = [
    (|outcomes| &outcomes.exposed_p50, theme::DATA_STROKE, "median run"),
    (|outcomes| &outcomes.exposed_p95, theme::SECOND_RIVAL_STROKE, "P95 of runs"),
];

/// The sheet; `None` where nobody ever met the new version.
pub(super) fn sheet(power: &Power) -> Option<Sheet> {
    let regression = &power.regressions[power.goal.regression];
    let of = |quantile: &Quantile| -> Vec<Estimate> {
        let outcomes = regression.sizes.iter().map(|size| &power.as_written().outcomes[size.version]);
        outcomes.map(|outcomes| *(quantile.0)(outcomes)).collect()
    };
    let lines = QUANTILES.map(|quantile| (of(&quantile), quantile));
    let high = |estimate: &Estimate| estimate.interval.map_or(estimate.value, |(_, high)| high);
    let finite = lines.iter().flat_map(|(line, _)| line.iter().map(high)).filter(|value| value.is_finite());
    let greatest = finite.fold(0.0, f64::max);
    if greatest <= 0.0 {
        return None;
    }
    let mut canvas = Canvas::new();
    let question = "How many requests meet the new version before the verdict?";
    let top = heading(&mut canvas, question, power) + 10.0;
    let panel = panel(top, regression.sizes.len(), Axis::linear(0.0, greatest * 1.08));
    let ticks = panel.y.ticks(6);
    panel.grid(&mut canvas, &ticks);
    let mut labels = Vec::new();
    for (index, (line, (_, stroke, name))) in lines.iter().enumerate() {
        let aside = super::aside(index, lines.len());
        draw(&mut canvas, &panel, line, *stroke, aside);
        let last = line.last().map_or(0.0, |estimate| estimate.value);
        let has_interval = line.iter().any(|estimate| estimate.interval.is_some());
        let intervals = if has_interval { "brackets: 95 %" } else { "too few runs for intervals" };
        let words = vec![(*name).to_owned(), intervals.to_owned()];
        labels.push((EndLabel { lines: words, y: panel.up(last), color: stroke.color }, *stroke));
    }
    panel.left_axis(&mut canvas, &ticks, "requests exposed in a run");
    size_axis(&mut canvas, &panel, power, regression);
    labels::at_line_ends_with_samples(&mut canvas, &panel, labels);
    let alt_text = alt_text(regression, &lines.map(|(line, _)| line));
    Some(Sheet { file_name: "power-exposed.png".to_owned(), canvas, alt_text })
}

fn draw(canvas: &mut Canvas, panel: &Panel, line: &[Estimate], stroke: Stroke, aside: f64) {
    let there = || line.iter().enumerate().filter(|(_, estimate)| estimate.value.is_finite());
    let at = |(x, estimate): (usize, &Estimate)| {
        let (x, y) = panel.at(x as f64, estimate.value);
        (x + aside, y)
    };
    canvas.line(there().map(at).collect(), stroke);
    for (x, estimate) in there() {
        mark(canvas, panel, x as f64, estimate, stroke.color, aside);
    }
}

fn alt_text(regression: &Regression, lines: &[Vec<Estimate>; 2]) -> String {
    let [median, p95] = lines;
    let points: Vec<String> = (regression.sizes.iter().zip(median.iter().zip(p95)))
        .map(|(size, (median, p95))| {
            format!("{} and {} at {}", numbers::count(median), numbers::count(p95), named(regression, size))
        })
        .collect();
    let points = points.join("; ");
    format!(
        "Before the verdict, in the median and in the P95 of runs, so many requests meet the new version: {points}."
    )
}
