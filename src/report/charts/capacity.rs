//! `capacity.png`, `comparison-capacity.png`: how far capacity falls in a run, as a distribution over runs; one curve for
//! each scenario.

use super::Sheet;
use super::axes::{Axis, Panel, SHARE_TICKS};
use super::canvas::Canvas;
use super::distribution::{self, Distribution};
use super::labels::{self, Upright};
use super::numbers;
use super::theme;
use crate::ledger::Metric;
use crate::report::compare_report::Compared;
use crate::study::StudyResult;

/// Least ready replicas, per cent of the desired ones, in each run.
fn least_ready(result: &StudyResult) -> impl Iterator<Item = f64> + '_ {
    result.records.iter().map(|record| 100.0 * record.value(Metric::MinReadyFraction))
}

/// The sheet of a study; `None` where capacity falls equally far in every run, which a number says as well.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let name = vec!["share of runs".to_owned()];
    let curve = Distribution::new(name, least_ready(result));
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, QUESTION, result);
    draw(canvas, top, &[curve], &[result], "capacity.png")
}

/// The sheet of a comparison; `None` where capacity falls equally far in every run of all.
pub fn of_comparison(compared: &Compared<'_>) -> Option<Sheet> {
    let studies: Vec<&StudyResult> = compared.studies.iter().take(theme::rivals().len()).collect();
    let curves: Vec<Distribution> = studies
        .iter()
        .enumerate()
        .map(|(at, study)| Distribution::new(vec![compared.letter_and_change(at)], least_ready(study)))
        .collect();
    let mut canvas = Canvas::new();
    let top = labels::heading_over(&mut canvas, QUESTION, &labels::subjects(compared));
    draw(canvas, top, &curves, &studies, "comparison-capacity.png")
}

const QUESTION: &str = "How far does a run's capacity fall?";

fn draw(
    mut canvas: Canvas,
    top: f64,
    curves: &[Distribution],
    studies: &[&StudyResult],
    file_name: &str,
) -> Option<Sheet> {
    let ranges = || curves.iter().filter_map(Distribution::range);
    let (least, greatest) =
        ranges().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), range| (low.min(range.0), high.max(range.1)));
    if !least.is_finite() || least >= greatest {
        return None;
    }
    // From zero unless half of the axis would be empty.
    let low = if least < 50.0 { 0.0 } else { (least / 10.0).floor() * 10.0 - 10.0 };
    let panel = Panel {
        left: theme::PANEL_LEFT,
        top: top + 36.0,
        right: theme::PANEL_RIGHT - 20.0,
        bottom: 462.0,
        x: Axis::linear(low, greatest.max(100.0) + 2.0),
        y: Axis::linear(0.0, 104.0),
    };
    panel.grid(&mut canvas, &SHARE_TICKS);
    distribution::draw(&mut canvas, &panel, curves);
    panel.left_axis(&mut canvas, &SHARE_TICKS, "runs that fall to this or below, %");
    panel.lower_axis(&mut canvas, &panel.x.ticks(10), Some("least ready replicas of a run, % of the desired ones"));
    mark_levels(&mut canvas, &panel, studies[0]);
    Some(Sheet { file_name: file_name.to_owned(), canvas, alt_text: alt_text(curves) })
}

/// Upright lines where one replica is missing, and where what is needed is no longer there.
fn mark_levels(canvas: &mut Canvas, panel: &Panel, study: &StudyResult) {
    let fleet = &study.scenario.fleet;
    let replicas = f64::from(fleet.replicas.max(1));
    let needed = format!("needed: {} of {}", numbers::short(fleet.needed_replicas), numbers::short(replicas));
    let one_less = format!("one missing: {} of {}", numbers::short(replicas - 1.0), numbers::short(replicas));
    let upright = |level: f64, content: String, stroke| Upright { value: 100.0 * level / replicas, content, stroke };
    let mut uprights = vec![upright(fleet.needed_replicas, needed, theme::BOUND_STROKE)];
    if fleet.needed_replicas != replicas - 1.0 {
        uprights.push(upright(replicas - 1.0, one_less, theme::START_STROKE));
    }
    labels::uprights(canvas, panel, uprights);
}

fn alt_text(curves: &[Distribution]) -> String {
    let one = |curve: &Distribution| {
        let (least, greatest) = curve.range().unwrap_or((f64::NAN, f64::NAN));
        let below = numbers::readable(100.0 * curve.share_up_to(99.999));
        let range = format!("{} to {} %", numbers::short(least), numbers::short(greatest));
        let name = if curves.len() > 1 { format!("{}: ", curve.name[0]) } else { String::new() };
        format!(
            "{name}in {below} % of runs fewer replicas are ready than desired; over runs the least are {range} of them"
        )
    };
    let told = curves.iter().map(one).collect::<Vec<String>>().join("; ");
    format!("How far capacity falls: {told}.")
}
