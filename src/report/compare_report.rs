//! What a comparison of two scenarios says: on a terminal, as JSON, as Markdown.

use serde::Serialize;

use super::format::{Quantity, counted, difference, value};
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
    /// What was set for the second alone, each as `KEY=VALUE`.
    pub set_b: &'a [String],
}

/// Whether something was found in a metric.
fn found(difference: &Difference) -> bool {
    !matches!(difference.change, Change::Identical | Change::NotShown | Change::TooFewRuns)
}

/// Which keys differ, as the beginning of a sentence's end: `study.seed differs`, `study.seed and study.warm_up differ`.
pub fn differing(keys: &[&str]) -> String {
    match keys {
        [] => String::new(),
        [key] => format!("{key} differs"),
        [first @ .., last] => format!("{} and {last} differ", first.join(", ")),
    }
}

impl Compared<'_> {
    /// The metrics worth a line: the headlines, and those in which something was found.
    fn shown(&self) -> impl Iterator<Item = &Difference> {
        self.comparison.rows.iter().filter(|row| HEADLINES.contains(&row.metric) || found(row))
    }

    /// What was compared: name, the scenario's hash as far as it tells them apart, and what was set.
    fn subjects(&self) -> [String; 2] {
        let set_b = if self.set_b.is_empty() { String::new() } else { format!(", {}", self.set_b.join(", ")) };
        [("A", self.a, String::new()), ("B", self.b, set_b)].map(|(letter, study, set)| {
            format!("{letter}  {} ({}){set}", study.scenario.name, study.scenario.hash.get(..12).unwrap_or_default())
        })
    }

    /// Over what, and what is left out.
    fn extent(&self) -> String {
        let left_out = self.comparison.rows.len() - self.shown().count();
        let interrupted = if self.a.partial || self.b.partial { "INTERRUPTED: " } else { "" };
        let pairs = if self.comparison.unequal.is_empty() {
            "in each the same requests for both".to_owned()
        } else {
            format!("the two do not meet the same requests: {}", differing(&self.comparison.unequal))
        };
        format!(
            "{interrupted}{}, {pairs}; intervals are 95 %; {} without a difference {} not shown",
            counted(self.comparison.runs, "run"),
            counted(left_out as u64, "metric"),
            if left_out == 1 { "is" } else { "are" },
        )
    }

    /// What must be said of rows that say `not comparable`; empty without one.
    fn note(&self) -> String {
        let rows = self.comparison.rows.iter().filter(|row| row.change == Change::NotComparable);
        let notes = rows.map(|row| {
            format!(
                "{} is not comparable: {} only one of the two has a value",
                row.metric.name(),
                match row.unpaired {
                    1 => "in 1 run".to_owned(),
                    runs => format!("in {runs} runs"),
                }
            )
        });
        notes.collect::<Vec<String>>().join("; ")
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
    let rows = compared.rows();
    for (line, row) in table(&rows, style.width).into_iter().zip(&rows) {
        let word = row.last().map_or("", String::as_str);
        lines.push(match (tone(word), line.strip_suffix(word)) {
            (Some(tone), Some(start)) => format!("{start}{}", style.paint(tone, word)),
            _ => line,
        });
    }
    if !compared.note().is_empty() {
        lines.push(String::new());
        lines.extend(wrap("", &compared.note(), style.width));
    }
    lines.join("\n") + "\n"
}

/// Widths of the columns of names and of differences in [`ragged`]: what most of them need.
const USUAL_WIDTHS: (usize, usize) = (28, 27);

/// The rows of a table of metric, A, B, B - A, verdict: in columns where they fit, else ragged.
fn table(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let aligned = columns(rows, &[1, 2]);
    if aligned.iter().all(|line| line.chars().count() <= width) { aligned } else { ragged(rows, width) }
}

/// The rows in columns of the usual widths: a longer name or difference shifts what follows it in its own line, instead
/// of widening the table for all; where that is too long, difference and verdict go to a line below.
fn ragged(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let means = columns(&rows.iter().map(|row| row[1..3].to_vec()).collect::<Vec<Vec<String>>>(), &[0, 1]);
    let (name, difference) = USUAL_WIDTHS;
    let row = |(row, means): (&Vec<String>, &String)| {
        let named = format!("{:<name$}  {means}", row[0]);
        let padded = format!("{:<difference$}  {}", row[3], row[4]).trim_end().to_owned();
        let bare = format!("{}  {}", row[3], row[4]).trim_end().to_owned();
        let fits = |told: &&String| named.chars().count() + 2 + told.chars().count() <= width;
        match [&padded, &bare].into_iter().find(fits) {
            Some(told) => format!("{named}  {told}"),
            None => format!("{named}\n    {padded}"),
        }
    };
    rows.iter().zip(&means).map(row).collect()
}

/// The comparison as Markdown.
pub fn markdown(compared: &Compared) -> String {
    let mut page = Page::default();
    page.paragraph("# Comparison");
    let subjects = compared.subjects().map(|subject| format!("- {}", escape(&subject)));
    page.paragraph(&subjects.join("\n"));
    page.paragraph(&compared.extent());
    page.table(&compared.rows());
    page.paragraph(&escape(&compared.note()));
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
struct ComparisonJson<'a> {
    schema_version: u32,
    a: Provenance,
    b: Provenance,
    runs: u64,
    /// The keys that make the two meet different requests.
    unequal: &'a [&'static str],
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
        unequal: &compared.comparison.unequal,
        metrics: Ordered(rows.iter().map(|row| (row.metric.name(), row.into())).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{METRICS, Metric, RolloutOutcome};
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
        let text = text(&Compared { a: &a, b: &b, comparison: &comparison, set_b: &[] }, Style { color: false, width });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        text
    }

    #[test]
    fn the_table_says_what_got_better_and_worse() {
        let text = text_that_fits(100);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_narrow_terminal_gets_a_narrow_table_with_all_that_a_wide_one_has() {
        let text = text_that_fits(72);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn one_long_difference_goes_to_a_line_of_its_own() {
        let texts = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
        let rows = [
            texts(["mean of", "A", "B", "B - A", ""]),
            texts(["capacity_dip_replica_seconds", "861", "0", "-861 [-938, -784]", "no difference shown"]),
            texts([
                "formula_usd_per_million_output_tokens",
                "$0.846",
                "$0.887",
                "+$0.0407 [+0.0305, +0.0509]",
                "higher",
            ]),
            texts(["waterfall_cold_usd", "$0.0988", "$0.0706", "-$0.0000173 [-0.0000312, -0.0000035]", "better"]),
        ];
        assert!(columns(&rows, &[]).iter().any(|line| line.len() > 100), "it does not fit in columns");
        let text = table(&rows, 100).join("\n");
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        assert_eq!(text.lines().count(), 4);
        let broken = table(&rows, 90).join("\n");
        assert!(broken.lines().all(|line| line.len() <= 90), "{broken}");
        assert!(broken.ends_with("$0.0988  $0.0706\n    -$0.0000173 [-0.0000312, -0.0000035]  better"), "{broken}");
    }

    #[test]
    fn a_comparison_says_what_differs_in_the_requests_and_what_is_not_comparable() {
        let (a, mut b) = studies();
        b.scenario.study.seed += 1;
        b.records[3].outcome = RolloutOutcome::Stuck;
        b.records[3].values[Metric::RolloutDuration as usize] = f64::NAN;
        let comparison = compare(&a, &b).unwrap();
        let compared = Compared { a: &a, b: &b, comparison: &comparison, set_b: &[] };
        let text = text(&compared, Style { color: false, width: 200 });
        assert!(text.contains("40 runs, the two do not meet the same requests: study.seed differs; "), "{text}");
        assert!(text.contains("rollout_duration_s is not comparable: in "), "{text}");
        let json: serde_json::Value = serde_json::from_str(&json(&compared)).unwrap();
        assert_eq!(json["unequal"][0], "study.seed");
        assert_eq!(differing(&["a", "b", "c"]), "a, b and c differ");
    }

    #[test]
    fn the_json_has_every_metric() {
        let (a, b) = studies();
        let comparison = compare(&a, &b).unwrap();
        let json = json(&Compared { a: &a, b: &b, comparison: &comparison, set_b: &[] });
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["metrics"].as_object().unwrap().len(), METRICS.len());
        assert_eq!(json["metrics"]["truncated_attempts"]["difference"]["value"], -6.0);
        assert_eq!(json["metrics"]["cost_usd"]["change"], "worse");
        assert_eq!(json["b"]["runs"], 40);
    }
}
