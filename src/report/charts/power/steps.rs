//! `power-steps.png`: at which weight the canary as written catches the regression of interest, one line for each size.

use super::{Sheet, heading, in_words, mark, panel};
use crate::report::charts::axes::{Axis, Panel};
use crate::report::charts::canvas::{Anchor, Canvas, Text};
use crate::report::charts::labels::{self, EndLabel};
use crate::report::charts::numbers;
use crate::report::charts::theme::{self, Stroke};
use crate::report::power::named;
use crate::study::power::{Outcomes, Power, Regression};

/// Most sizes that lines can be told apart of.
const MOST_LINES: usize = 6;

/// The sheet; `None` where there is only one weight.
pub(super) fn sheet(power: &Power) -> Option<Sheet> {
    if power.stages.len() < 2 {
        return None;
    }
    let regression = &power.regressions[power.goal.regression];
    let shown = shown(regression, power.goal.size);
    let mut canvas = Canvas::new();
    let question = "At which weight does the canary catch a worse version?";
    let top = heading(&mut canvas, question, power) + 10.0;
    let panel = panel(top, power.stages.len(), Axis::linear(0.0, 100.0));
    let ticks = panel.y.ticks(5);
    panel.grid(&mut canvas, &ticks);
    let mut labels = Vec::new();
    for (line, size) in shown.iter().enumerate() {
        let stroke = stroke(line, regression.sizes[*size].version == 0);
        let outcomes = outcomes(power, regression, *size);
        draw(&mut canvas, &panel, outcomes, stroke, super::aside(line, shown.len()));
        let last = outcomes.caught_by.last().map_or(0.0, |caught| 100.0 * caught.value);
        let lines = vec![regression.sizes[*size].label.clone(), format!("{} % in all", numbers::short(last))];
        labels.push((EndLabel { lines, y: panel.up(last), color: stroke.color }, stroke));
    }
    panel.left_axis(&mut canvas, &ticks, "rollouts aborted by then, %");
    stage_axis(&mut canvas, &panel, power, regression);
    labels::at_line_ends_with_samples(&mut canvas, &panel, labels);
    Some(Sheet { file_name: "power-steps.png".to_owned(), canvas, alt_text: alt_text(power, regression, &shown) })
}

/// The sizes that get a line: all, or so many from the least to the greatest, the one of interest among them.
fn shown(regression: &Regression, of_interest: usize) -> Vec<usize> {
    let sizes = regression.sizes.len();
    if sizes <= MOST_LINES {
        return (0..sizes).collect();
    }
    let mut shown: Vec<usize> = (0..MOST_LINES - 1).map(|line| line * (sizes - 1) / (MOST_LINES - 2)).collect();
    shown.push(of_interest);
    shown.sort_unstable();
    shown.dedup();
    shown
}

/// The worse the version, the heavier its line; the one that is as stable is dashed.
fn stroke(line: usize, is_stable: bool) -> Stroke {
    let width = 0.9 + 0.45 * line as f64;
    if is_stable { theme::SECOND_STROKE } else { Stroke::solid(theme::NEW, width) }
}

fn outcomes<'p>(power: &'p Power, regression: &Regression, size: usize) -> &'p Outcomes {
    &power.as_written().outcomes[regression.sizes[size].version]
}

fn draw(canvas: &mut Canvas, panel: &Panel, outcomes: &Outcomes, stroke: Stroke, aside: f64) {
    let percent = |share: f64| 100.0 * share;
    let at = |(x, y): (usize, f64)| {
        let (x, y) = panel.at(x as f64, y);
        (x + aside, y)
    };
    let caught = || outcomes.caught_by.iter().enumerate();
    canvas.line(caught().map(|(x, caught)| at((x, percent(caught.value)))).collect(), stroke);
    for (x, caught) in caught() {
        let mut caught = *caught;
        caught.value = percent(caught.value);
        caught.interval = caught.interval.map(|(low, high)| (percent(low), percent(high)));
        mark(canvas, panel, x as f64, &caught, stroke.color, aside);
    }
}

fn stage_axis(canvas: &mut Canvas, panel: &Panel, power: &Power, regression: &Regression) {
    let ticks: Vec<f64> = (0..power.stages.len()).map(|stage| stage as f64).collect();
    panel.lower_axis(canvas, &ticks, None);
    let room = (panel.right - panel.left) / power.stages.len() as f64 - 4.0;
    for (tick, stage) in ticks.iter().zip(&power.stages) {
        let size = labels::fitting_size(&stage.name, theme::LABEL_SIZE, room, false);
        let at = (panel.across(*tick), panel.bottom + 12.0);
        canvas.text(Text::new(stage.name.clone(), at, Anchor::Middle, theme::INK).size(size));
    }
    let kind = in_words(&regression.kind.name());
    let title = format!(
        "weight of the new version at the abort, or less (a line for each regression of {kind}; brackets: 95 %)"
    );
    let at = ((panel.left + panel.right) / 2.0, panel.bottom + 32.0);
    canvas.text(Text::new(title, at, Anchor::Middle, theme::INK));
}

fn alt_text(power: &Power, regression: &Regression, shown: &[usize]) -> String {
    let of = |size: &usize| {
        let by: Vec<String> = (power.stages.iter().zip(&outcomes(power, regression, *size).caught_by))
            .map(|(stage, caught)| format!("{} % by {}", numbers::readable(100.0 * caught.value), stage.name))
            .collect();
        format!("{} at {}", by.join(", "), named(regression, &regression.sizes[*size]))
    };
    let sizes: Vec<String> = shown.iter().map(of).collect();
    format!("Of its rollouts the canary as written aborts, at a weight or below it, {}.", sizes.join("; "))
}
