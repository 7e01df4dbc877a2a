//! What a comparison of two scenarios says: on a terminal, as JSON, as Markdown.

use serde::Serialize;

use super::format::{Quantity, difference, value};
use super::json::{EstimateJson, Number, Ordered, Provenance, SCHEMA_VERSION, pretty};
use super::layout::{Style, Tone, columns, wrap};
use super::markdown::{Page, escape};
use crate::study::{Change, Comparison, Difference, HEADLINES, StudyResult};

/// Two studies and what comparing them, run by run, gave.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The first.
    pub a: &'a StudyResult,
    /// The second.
    pub b: &'a StudyResult,
    /// Their comparison.
    pub comparison: &'a Comparison,
}

/// Whether something was found in a metric.
fn found(difference: &Difference) -> bool {
    !matches!(difference.change, Change::Identical | Change::NotShown)
}

impl Compared<'_> {
    /// The metrics worth a line: the headlines, and those in which something was found.
    fn shown(&self) -> impl Iterator<Item = &Difference> {
        self.comparison.rows.iter().filter(|row| HEADLINES.contains(&row.metric) || found(row))
    }

    /// What was compared: name, seed, and the scenario's hash as far as it tells them apart.
    fn subjects(&self) -> [String; 2] {
        [("A", self.a), ("B", self.b)].map(|(letter, study)| {
            format!("{letter}  {} ({})", study.scenario.name, study.scenario.hash.get(..12).unwrap_or_default())
        })
    }

    /// Over what, and what is left out.
    fn extent(&self) -> String {
        let left_out = self.comparison.rows.len() - self.shown().count();
        let interrupted = if self.a.partial || self.b.partial { "INTERRUPTED: " } else { "" };
        format!(
            "{interrupted}{} runs, in each the same requests for both; intervals are 95 %; {left_out} metrics without \
             a difference are not shown",
            self.comparison.runs
        )
    }

    /// The table with its header: metric, A, B, B - A, verdict.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![["mean of", "A", "B", "B - A", ""].map(str::to_owned).to_vec()];
        rows.extend(self.shown().map(row));
        rows
    }
}

fn row(row: &Difference) -> Vec<String> {
    let quantity = Quantity::of(row.metric);
    let both = if row.change == Change::Identical { "-".to_owned() } else { difference(&row.difference, quantity) };
    vec![
        row.metric.name().to_owned(),
        value(row.mean_a, quantity),
        value(row.mean_b, quantity),
        both,
        row.change.words().to_owned(),
    ]
}

fn tone(change: &str) -> Option<Tone> {
    match change {
        word if word == Change::Better.words() => Some(Tone::Good),
        word if word == Change::Worse.words() => Some(Tone::Bad),
        word if word == Change::NotComparable.words() => Some(Tone::Unsure),
        _ => None,
    }
}

/// The comparison for a terminal, ending in a newline.
pub fn text(compared: &Compared, style: Style) -> String {
    let mut lines = Vec::new();
    for subject in compared.subjects() {
        lines.extend(wrap("", &subject, style.width));
    }
    lines.extend(wrap("", &compared.extent(), style.width));
    lines.push(String::new());
    let mut rows = compared.rows();
    if columns(&rows, &[]).iter().any(|line| line.chars().count() > style.width) {
        // The difference says more than the two means.
        rows.iter_mut().for_each(|row| drop(row.drain(1..3)));
    }
    let numbers: Vec<usize> = (1..rows[0].len().saturating_sub(2)).collect();
    for (line, row) in columns(&rows, &numbers).into_iter().zip(&rows) {
        let word = row.last().map_or("", String::as_str);
        lines.push(match (tone(word), line.strip_suffix(word)) {
            (Some(tone), Some(start)) => format!("{start}{}", style.paint(tone, word)),
            _ => line,
        });
    }
    lines.join("\n") + "\n"
}

/// The comparison as Markdown.
pub fn markdown(compared: &Compared) -> String {
    let mut page = Page::default();
    page.paragraph("# Comparison");
    let subjects = compared.subjects().map(|subject| format!("- {}", escape(&subject)));
    page.paragraph(&subjects.join("\n"));
    page.paragraph(&compared.extent());
    page.table(&compared.rows());
    page.text
}

#[derive(Serialize)]
struct DifferenceJson {
    unit: &'static str,
    runs: u64,
    unpaired: u64,
    mean_a: Number,
    mean_b: Number,
    difference: EstimateJson,
    correlation: Number,
    runs_saved: Number,
    change: &'static str,
}

impl From<&Difference> for DifferenceJson {
    fn from(row: &Difference) -> DifferenceJson {
        DifferenceJson {
            unit: row.metric.description().unit,
            runs: row.runs,
            unpaired: row.unpaired,
            mean_a: Number(row.mean_a),
            mean_b: Number(row.mean_b),
            difference: (&row.difference).into(),
            correlation: Number(row.correlation),
            runs_saved: Number(row.runs_saved),
            change: row.change.words(),
        }
    }
}

#[derive(Serialize)]
struct ComparisonJson {
    schema_version: u32,
    a: Provenance,
    b: Provenance,
    runs: u64,
    metrics: Ordered<DifferenceJson>,
}

/// The comparison as JSON, written as [`super::json`] writes numbers and estimates.
pub fn json(compared: &Compared) -> String {
    let rows = &compared.comparison.rows;
    pretty(&ComparisonJson {
        schema_version: SCHEMA_VERSION,
        a: Provenance::of(compared.a),
        b: Provenance::of(compared.b),
        runs: compared.comparison.runs,
        metrics: Ordered(rows.iter().map(|row| (row.metric.name(), row.into())).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{METRICS, Metric};
    use crate::report::example;
    use crate::study::compare;

    /// The made-up study, and the same with fewer cut responses at a higher price.
    fn studies() -> (StudyResult, StudyResult) {
        let a = example::study();
        let b = example::study_with(|record| {
            record.values[Metric::TruncatedAttempts as usize] -= 6.0;
            record.values[Metric::Cost as usize] += 0.3 + 0.01 * (record.run as f64).sin();
        });
        (a, b)
    }

    /// The comparison for a terminal so wide, having checked that it fits.
    fn text_that_fits(width: usize) -> String {
        let (a, b) = studies();
        let comparison = compare(&a, &b).unwrap();
        let text = text(&Compared { a: &a, b: &b, comparison: &comparison }, Style { color: false, width });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        text
    }

    #[test]
    fn the_table_says_what_got_better_and_worse() {
        let text = text_that_fits(100);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_narrow_terminal_gets_a_narrow_table() {
        text_that_fits(80);
    }

    #[test]
    fn the_json_has_every_metric() {
        let (a, b) = studies();
        let comparison = compare(&a, &b).unwrap();
        let json = json(&Compared { a: &a, b: &b, comparison: &comparison });
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["metrics"].as_object().unwrap().len(), METRICS.len());
        assert_eq!(json["metrics"]["truncated_attempts"]["difference"]["value"], -6.0);
        assert_eq!(json["metrics"]["cost_usd"]["change"], "worse");
        assert_eq!(json["b"]["runs"], 40);
    }
}
