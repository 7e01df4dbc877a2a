//! What changed since the baseline: on a terminal and in JSON, and the sentences that the other forms share.

use schemars::JsonSchema;
use serde::Serialize;

use super::Judged;
use crate::digits::counted;
use crate::report::compare_report::{DifferenceJson, row, table_lines};
use crate::report::json::{Named, SomeMetrics};
use crate::report::layout::{Style, wrap};
use crate::report::terminal::{gate_mark, titled};
use crate::study::{Against, Change, Difference, HEADLINES, Outcome, Pairing, StudyResult, outcome_of_row};

/// What is said where a baseline was asked for that is not there yet.
pub const NONE_YET: &str = "no baseline yet: nothing to compare with";

/// Most metrics beside the headlines that are named.
const MOST_OTHERS: usize = 6;

/// How the two are compared.
pub fn pairing(against: &Against) -> String {
    let origin = &against.past.origin;
    let runs = counted(origin.runs as f64, "run");
    let how = match against.pairing {
        Pairing::Paired => "on the same requests, compared run by run",
        Pairing::WithoutRuns => {
            "compared by means and standard errors, because no runs.csv of this version lies beside it"
        }
        Pairing::OtherRequests => {
            "compared by means and standard errors, because the two do not meet the same requests"
        }
    };
    format!("{runs}, seed {}, {how}", origin.seed)
}

/// How sure the intervals are.
pub fn sureness() -> String {
    format!("intervals hold for all {} headline metrics together with 95 %", HEADLINES.len())
}

/// What must be said of where the baseline comes from.
pub fn notes(against: &Against, result: &StudyResult) -> Vec<String> {
    let origin = &against.past.origin;
    let mut notes = Vec::new();
    if origin.scenario != result.scenario.name {
        notes.push(format!("the baseline is of another scenario, \"{}\"", origin.scenario));
    }
    if origin.version != env!("CARGO_PKG_VERSION") {
        notes.push(format!("the baseline was made by version {}: differences are also the program's", origin.version));
    }
    if origin.partial {
        notes.push("the baseline was interrupted".to_owned());
    }
    if origin.scenario_hash == result.scenario.hash {
        notes.push("the scenario is the baseline's own, unchanged".to_owned());
    }
    notes
}

/// Whether a row is to be told: something changed, and not slightly.
fn is_told(row: &&Difference) -> bool {
    row.is_found() && !row.is_slight()
}

/// The headline metrics that changed, worst first.
pub fn changed(against: &Against) -> Vec<&Difference> {
    let mut rows: Vec<&Difference> = against.headlines().iter().filter(is_told).collect();
    rows.sort_by_key(|row| match row.change {
        Change::Worse => 0,
        Change::NotComparable => 1,
        Change::Better => 2,
        _ => 3,
    });
    rows
}

/// The headline metrics that did not change, in a sentence; empty where all did.
pub fn unchanged(against: &Against) -> String {
    let count = |is: &dyn Fn(&Difference) -> bool| against.headlines().iter().filter(|row| is(row)).count();
    let told = [
        (count(&|row| row.change == Change::Identical), "identical"),
        (count(&|row| row.change == Change::NotShown), "without a difference"),
        (count(&Difference::is_slight), "different by less than 1 %"),
        (count(&|row| row.change == Change::NotEnoughRuns), "open, for want of runs"),
    ];
    let told: Vec<String> =
        told.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let which = if changed(against).is_empty() { "headline metrics" } else { "other headline metrics" };
    if told.is_empty() { String::new() } else { format!("{which}: {}", told.join(", ")) }
}

/// The other metrics that changed, named with how; empty where none did.
pub fn others(against: &Against) -> String {
    let rows: Vec<&Difference> = against.rows[against.headlines().len()..].iter().filter(is_told).collect();
    let name = |row: &&&Difference| match row.relative() {
        relative if relative.is_finite() => {
            format!("{} {:+.0} % ({})", row.metric.name(), 100.0 * share_of_change(row), row.change.words())
        }
        _ => format!("{} ({})", row.metric.name(), row.change.words()),
    };
    let mut told: Vec<String> = rows.iter().take(MOST_OTHERS).map(|row| name(&row)).collect();
    if rows.len() > MOST_OTHERS {
        told.push(format!("{} more", rows.len() - MOST_OTHERS));
    }
    if told.is_empty() { String::new() } else { format!("also changed: {}", told.join(", ")) }
}

/// The difference as a share of the baseline's mean; of the larger mean where that is zero.
fn share_of_change(row: &Difference) -> f64 {
    if row.mean_a == 0.0 { row.relative() } else { row.difference.value / row.mean_a.abs() }
}

/// What changed since the baseline, for a terminal.
pub fn lines(against: &Against, judged: &Judged<'_>, style: Style) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(titled("BASELINE", &format!("{}; {}", pairing(against), sureness()), style));
    let rows = changed(against);
    if !rows.is_empty() {
        let header = ["mean of", "baseline", "now", "change", ""].map(str::to_owned).to_vec();
        let cells: Vec<Vec<String>> =
            std::iter::once(header).chain(rows.iter().map(|difference| row(difference))).collect();
        let marks = std::iter::once(None).chain(rows.iter().map(|row| Some(outcome_of_row(row, judged.fail_on))));
        let table = table_lines(&cells, style.width.saturating_sub(4), style);
        for (row, outcome) in table.into_iter().zip(marks) {
            let mark = match outcome {
                Some(Outcome::Passed) | None => " ".to_owned(),
                Some(outcome) => {
                    let (mark, tone) = gate_mark(outcome);
                    style.paint(tone, mark)
                }
            };
            lines.push(format!("  {mark} {}", row.join("\n    ")));
        }
    }
    let said = [unchanged(against), others(against)].into_iter().filter(|said| !said.is_empty());
    for sentence in said.chain(notes(against, judged.result)) {
        lines.extend(wrap("    ", &sentence, style.width));
    }
    lines
}

/// Where the baseline comes from.
#[derive(Serialize, JsonSchema)]
struct OriginJson<'a> {
    /// Version of cutover.
    version: &'a str,
    /// Name of the scenario.
    scenario: &'a str,
    /// SHA-256 of the scenario.
    scenario_hash: &'a str,
    /// Its seed.
    seed: u64,
    /// Its runs.
    runs: u64,
    /// Whether it was interrupted.
    partial: bool,
}

/// What changed since the baseline.
#[derive(Serialize, JsonSchema)]
pub struct BaselineJson<'a> {
    /// Where the baseline comes from.
    provenance: OriginJson<'a>,
    /// Whether the two were compared run by run.
    paired: bool,
    /// How, in words.
    comparison: String,
    /// Of each interval below, so that those of all headline metrics together are at 95 %.
    confidence: f64,
    /// The headline metrics that got worse by at least 1 %.
    worse: Vec<&'static str>,
    /// Every metric, the baseline being A: the headlines first.
    metrics: Named<SomeMetrics, DifferenceJson>,
}

impl<'a> From<&'a Against> for BaselineJson<'a> {
    fn from(against: &'a Against) -> BaselineJson<'a> {
        let origin = &against.past.origin;
        BaselineJson {
            provenance: OriginJson {
                version: &origin.version,
                scenario: &origin.scenario,
                scenario_hash: &origin.scenario_hash,
                seed: origin.seed,
                runs: origin.runs,
                partial: origin.partial,
            },
            paired: against.pairing == Pairing::Paired,
            comparison: pairing(against),
            confidence: 1.0 - 0.05 / HEADLINES.len() as f64,
            worse: against.worse().map(|row| row.metric.name()).collect(),
            metrics: against.rows.iter().map(|row| (row.metric.name(), row.into())).collect(),
        }
    }
}
