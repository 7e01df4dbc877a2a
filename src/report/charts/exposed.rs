//! `exposed.png`, `comparison-exposed.png`: which share of a run's requests meets the new version before the verdict, as a
//! distribution over runs; one curve for each scenario.

use super::Sheet;
use super::axes::{Axis, Panel, SHARE_TICKS};
use super::canvas::Canvas;
use super::distribution::{self, Distribution};
use super::labels;
use super::numbers;
use super::theme;
use crate::ledger::{Metric, RunRecord};
use crate::report::compare_report::Compared;
use crate::scenario::{Scenario, Strategy};
use crate::study::StudyResult;
use crate::units::Duration;

const QUESTION: &str = "How many requests meet the new version before the verdict?";

/// Requests exposed before the verdict, per cent of all of a run.
fn share(record: &RunRecord) -> f64 {
    100.0 * record.value(Metric::ExposedRequests) / record.value(Metric::Requests)
}

/// Whether a verdict can come before everyone has met the new version.
fn has_verdict(result: &StudyResult) -> bool {
    let strategy = &result.scenario.rollout.strategy;
    matches!(strategy, Strategy::Canary(_) | Strategy::Flagger(_) | Strategy::BlueGreen(_))
}

/// Whether a version that is shipped is in anything worse than the stable one, by what the scenario says of it.
pub fn is_worse(scenario: &Scenario) -> bool {
    let starts_fail = scenario.cold_start.failure_probability;
    scenario.versions.iter().skip(1).any(|version| {
        version.step_time_factor.max(version.prefill_time_factor).max(version.output_tokens_factor) > 1.0
            || version.error_probability > 0.0
            || version.crash_mtbf > Duration::ZERO
            || version.start_failure_probability.is_some_and(|probability| probability > starts_fail)
    })
}

fn truth(result: &StudyResult) -> &'static str {
    if is_worse(&result.scenario) { "new version worse than stable" } else { "new version as good as stable" }
}

/// The sheet of a study; `None` without a canary or a preview, where nobody is exposed, or of a single run, which has no
/// distribution.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    if !has_verdict(result) {
        return None;
    }
    let name = vec!["share of runs".to_owned(), truth(result).to_owned()];
    let curve = Distribution::new(name, result.records.iter().map(share));
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, QUESTION, result);
    draw(canvas, top, &[curve], "exposed.png")
}

/// The sheet of a comparison; `None` where no scenario has a verdict, or nobody is exposed.
pub fn of_comparison(compared: &Compared<'_>) -> Option<Sheet> {
    let with_verdict = compared.studies.iter().enumerate().filter(|(_, study)| has_verdict(study));
    let curves: Vec<Distribution> = with_verdict
        .take(theme::rivals().len())
        .map(|(at, study)| {
            let name = vec![compared.letter_and_change(at), truth(study).to_owned()];
            Distribution::new(name, study.records.iter().map(share))
        })
        .collect();
    let mut canvas = Canvas::new();
    let top = labels::heading_over(&mut canvas, QUESTION, &labels::subjects(compared));
    draw(canvas, top, &curves, "comparison-exposed.png")
}

fn draw(mut canvas: Canvas, top: f64, curves: &[Distribution], file_name: &str) -> Option<Sheet> {
    let greatest = curves.iter().filter_map(Distribution::range).fold(0.0, |high: f64, range| high.max(range.1));
    if greatest <= 0.0 || curves.iter().all(|curve| curve.runs() < 2) {
        return None;
    }
    let panel = Panel {
        left: theme::PANEL_LEFT,
        top: top + 14.0,
        right: theme::PANEL_RIGHT - 24.0,
        bottom: 462.0,
        x: Axis::linear(0.0, greatest * 1.06),
        y: Axis::linear(0.0, 104.0),
    };
    panel.grid(&mut canvas, &SHARE_TICKS);
    distribution::draw(&mut canvas, &panel, curves);
    panel.left_axis(&mut canvas, &SHARE_TICKS, "runs that expose so many or fewer, %");
    let title = "requests that met the new version before it was promoted or given up, % of a run's";
    panel.lower_axis(&mut canvas, &panel.x.ticks(10), Some(title));
    Some(Sheet { file_name: file_name.to_owned(), canvas, alt_text: alt_text(curves) })
}

fn alt_text(curves: &[Distribution]) -> String {
    let one = |curve: &Distribution| {
        let [median, p95] = [0.5, 0.95].map(|share| {
            curve.quantile(share).map_or_else(|| "n/a".to_owned(), |value| format!("{} %", numbers::readable(value)))
        });
        let name = if curves.len() > 1 { format!("{}, ", curve.name[0]) } else { String::new() };
        format!("{name}{}: median {median} of runs, P95 {p95}", curve.name[1])
    };
    let all = curves.iter().map(one).collect::<Vec<String>>().join("; ");
    format!("Share of a run's requests that meet the new version before the verdict: {all}.")
}
