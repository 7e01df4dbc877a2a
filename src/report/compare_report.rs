//! What a comparison of two or more scenarios says: on a terminal, as JSON, as Markdown.

mod table;

use schemars::JsonSchema;
use serde::Serialize;

use super::charts::Chart;
use super::format::{Quantity, counted, difference, value};
use super::json::{Document, EstimateJson, EveryMetric, Kind, Named, Number, Provenance, document};
use super::layout::{Style, Tone, wrap};
use super::markdown::{Page, escape};
use super::terminal::begin;
use crate::digits::figure;
use crate::study::{Change, Comparison, Difference, HEADLINES, StudyResult};

/// Studies and what comparing each with the first, run by run, gave.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The studies: A, which the others are compared with, then B and so on.
    pub studies: &'a [StudyResult],
    /// Of each but the first, its comparison with the first.
    pub comparisons: &'a [Comparison],
    /// What was set for each study alone, as `KEY=VALUE`.
    pub settings: &'a [Vec<String>],
}

/// Letters of a change that is told at the end of a line.
const MOST_CHANGE: usize = 16;

/// The letter of the study of this index, and its folder in lower case.
pub(super) fn letter(index: usize) -> char {
    (b'A' + index as u8) as char
}

/// The metrics worth a line: the headlines, and those in which something was found that is not slight.
pub(super) fn shown(comparison: &Comparison) -> impl Iterator<Item = &Difference> {
    let matters = |row: &&Difference| row.is_found() && !row.is_slight();
    comparison.rows.iter().filter(move |row| HEADLINES.contains(&row.metric) || matters(row))
}

/// Which keys differ, as the beginning of a sentence's end: `study.seed differs`, `study.seed and study.warm_up differ`.
pub fn differing(keys: &[&str]) -> String {
    match keys {
        [] => String::new(),
        [key] => format!("{key} differs"),
        [first @ .., last] => format!("{} and {last} differ", first.join(", ")),
    }
}

/// The verdict in words; of no difference, beyond which size.
pub(super) fn verdict(row: &Difference) -> String {
    match (row.change, row.beyond()) {
        (Change::NotShown, Some(beyond)) => {
            format!("no difference beyond {}", value(beyond, Quantity::of(row.metric)).replace(" %", " points"))
        }
        (change, _) if row.is_slight() => format!("{}, under 1 %", change.words()),
        (change, _) => change.words().to_owned(),
    }
}

impl Compared<'_> {
    /// The version that simulated it.
    fn version(&self) -> &str {
        self.studies.first().map_or("", |study| &study.scenario.read_by)
    }

    /// `A: NAME`, or what was set for the study of this index alone in the place of its name.
    pub(super) fn subject(&self, at: usize) -> String {
        let set = self.settings[at].join(", ");
        let name = if set.is_empty() { self.studies[at].scenario.name.clone() } else { set };
        format!("{}: {}", letter(at), name.trim())
    }

    /// The letter of a study with the values that were set for it alone, for the end of a line.
    pub(super) fn letter_and_change(&self, at: usize) -> String {
        let value = |set: &String| set.rsplit('=').next().unwrap_or_default().trim_matches('"').to_owned();
        let values: Vec<String> = self.settings[at].iter().map(value).collect();
        let change = values.join(", ");
        let is_short = !change.is_empty() && change.chars().count() <= MOST_CHANGE;
        if is_short { format!("{}: {change}", letter(at)) } else { letter(at).to_string() }
    }

    /// What was compared: name, the scenario's hash as far as it tells them apart, and what was set.
    fn subjects(&self) -> Vec<String> {
        let subject = |(at, (study, set)): (usize, (&StudyResult, &Vec<String>))| {
            let set: String = set.iter().map(|set| format!(", {set}")).collect();
            let hash = study.scenario.hash.get(..12).unwrap_or_default();
            format!("{}  {} ({hash}){set}", letter(at), study.scenario.name)
        };
        self.studies.iter().zip(self.settings).enumerate().map(subject).collect()
    }

    /// Over what all of it is taken.
    fn extent(&self) -> String {
        let interrupted = if self.studies.iter().any(|study| study.partial) { "INTERRUPTED: " } else { "" };
        let runs = self.comparisons.iter().map(|comparison| comparison.runs).min().unwrap_or(0);
        let unequal = self.comparisons.iter().find(|comparison| !comparison.unequal.is_empty());
        let pairs = match unequal {
            None if self.studies.len() == 2 => "in each the same requests for both".to_owned(),
            None => "in each the same requests for all".to_owned(),
            Some(comparison) => {
                let they = if self.studies.len() == 2 { "the two do not" } else { "they do not all" };
                format!("{they} meet the same requests: {}", differing(&comparison.unequal))
            }
        };
        let seed = |study: &StudyResult| study.scenario.study.seed;
        let seeds = match self.studies {
            [first, others @ ..] if others.iter().all(|other| seed(other) == seed(first)) => {
                format!("; seed {}", seed(first))
            }
            _ => String::new(),
        };
        format!("{interrupted}{}, {pairs}{seeds}; brackets are 95 % intervals, each by itself", counted(runs, "run"))
    }

    /// The heading of a comparison among several.
    fn heading(&self, index: usize) -> String {
        format!("{} against A", letter(index + 1))
    }

    /// The table of one comparison with its header: metric, A, B, B - A, verdict.
    fn rows(&self, index: usize) -> Vec<Vec<String>> {
        let letter = letter(index + 1);
        let header =
            ["mean of".to_owned(), "A".to_owned(), letter.to_string(), format!("{letter} - A"), "verdict".to_owned()];
        std::iter::once(header.to_vec()).chain(shown(&self.comparisons[index]).map(row)).collect()
    }
}

/// What is left out of a table, what pairing saved, and what must be said of rows that are not comparable.
fn notes(comparison: &Comparison) -> Vec<String> {
    let left_out = (comparison.rows.len() - shown(comparison).count()) as u64;
    let mut notes = Vec::new();
    if left_out > 0 {
        let are = if left_out == 1 { "is" } else { "are" };
        notes.push(format!("{} with a difference under 1 % or none {are} not shown", counted(left_out, "metric")));
    }
    if let Some(saved) = comparison.runs_saved() {
        notes.push(format!(
            "runs saved by pairing: unpaired studies would need {} times as many for the same intervals (median over \
             metrics)",
            figure(saved)
        ));
    }
    notes.extend(not_comparable(comparison));
    notes
}

/// Why metrics are not comparable, those that lack as many runs in one sentence.
fn not_comparable(comparison: &Comparison) -> Vec<String> {
    let rows: Vec<&Difference> = comparison.rows.iter().filter(|row| row.change == Change::NotComparable).collect();
    let mut counts: Vec<u64> = rows.iter().map(|row| row.unpaired).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts.dedup();
    let sentence = |runs: u64| {
        let names: Vec<&str> = rows.iter().filter(|row| row.unpaired == runs).map(|row| row.metric.name()).collect();
        let why = match runs {
            0 => "rollouts of only one of the two finish".to_owned(),
            1 => "in 1 run only one of the two has a value".to_owned(),
            runs => format!("in {runs} runs only one of the two has a value"),
        };
        format!("not comparable, because {why}: {}", names.join(", "))
    };
    counts.into_iter().map(sentence).collect()
}

/// A row of the table: metric, A, B, B - A, verdict.
pub(super) fn row(row: &Difference) -> Vec<String> {
    let quantity = Quantity::of(row.metric);
    let both = if row.change == Change::Identical { "-".to_owned() } else { difference(&row.difference, quantity) };
    vec![row.metric.name().to_owned(), value(row.mean_a, quantity), value(row.mean_b, quantity), both, verdict(row)]
}

fn tone(verdict: &str) -> Option<Tone> {
    match verdict {
        word if word == Change::Better.words() => Some(Tone::Good),
        word if word == Change::Worse.words() => Some(Tone::Bad),
        word if word == Change::NotComparable.words() => Some(Tone::Unsure),
        _ => None,
    }
}

/// The lines of each row of a table of metric, A, B, B - A, verdict, in so many columns, the verdicts coloured.
pub(super) fn table_lines(rows: &[Vec<String>], width: usize, style: Style) -> Vec<Vec<String>> {
    let painted = |row: table::Row| {
        let painted = |line: String| match (tone(&row.verdict), line.strip_suffix(&row.verdict)) {
            (Some(tone), Some(start)) => format!("{start}{}", style.paint(tone, &row.verdict)),
            _ => line,
        };
        row.lines.into_iter().map(painted).collect()
    };
    table::lines(rows, width).into_iter().map(painted).collect()
}

/// Most rows of a table on a terminal beside its header; the others are in the files.
const MOST_ROWS: usize = 24;

/// The comparison for a terminal, ending in a newline.
pub fn text(compared: &Compared, style: Style) -> String {
    let about = format!("comparison of {}", counted(compared.studies.len() as u64, "scenario"));
    let mut lines = begin(compared.version(), &about, &compared.extent(), style);
    for subject in compared.subjects() {
        let (letter, subject) = subject.split_once("  ").unwrap_or(("", &subject));
        lines.extend(wrap(&format!("  {letter}  "), subject, style.width));
    }
    for (index, comparison) in compared.comparisons.iter().enumerate() {
        lines.push(String::new());
        if compared.comparisons.len() > 1 {
            lines.push(style.paint(Tone::Heading, &compared.heading(index)));
        }
        let rows = compared.rows(index);
        let (shown, more) = most(&rows);
        lines.extend(table_lines(&shown, style.width, style).concat());
        if more > 0 {
            let are = if more == 1 { "is" } else { "are" };
            let metrics = counted(more as u64, "more metric");
            lines.extend(wrap("", &format!("{metrics} with a smaller difference {are} in comparison.md"), style.width));
        }
        lines.extend(notes(comparison).iter().flat_map(|note| wrap("", note, style.width)));
    }
    lines.join("\n") + "\n"
}

/// The header and the rows that a terminal shows, and how many it does not: the headlines, and of those that got worse,
/// better or else, of each in turn, the greatest differences.
fn most(rows: &[Vec<String>]) -> (Vec<Vec<String>>, usize) {
    let always = 1 + HEADLINES.len();
    if rows.len() <= 1 + MOST_ROWS {
        return (rows.to_vec(), 0);
    }
    // Rows of one verdict follow one another, the greatest difference first.
    let place = |at: usize| rows[always..at].iter().filter(|row| row.last() == rows[at].last()).count();
    let mut order: Vec<usize> = (always..rows.len()).collect();
    order.sort_by_key(|at| place(*at));
    order.truncate(1 + MOST_ROWS - always);
    order.sort_unstable();
    let shown = (0..always).chain(order).map(|at| rows[at].clone()).collect();
    (shown, rows.len() - 1 - MOST_ROWS)
}

/// The comparison as Markdown, with these charts linked.
pub fn markdown(compared: &Compared, charts: &[Chart]) -> String {
    let mut page = Page::default();
    page.paragraph("# Comparison");
    let subjects: Vec<String> = compared.subjects().iter().map(|subject| format!("- {}", escape(subject))).collect();
    page.paragraph(&subjects.join("\n"));
    page.paragraph(&compared.extent());
    for (index, comparison) in compared.comparisons.iter().enumerate() {
        if compared.comparisons.len() > 1 {
            page.paragraph(&format!("## {}", compared.heading(index)));
        }
        page.table(&compared.rows(index));
        let notes: Vec<String> = notes(comparison).iter().map(|note| format!("- {}", escape(note))).collect();
        page.paragraph(&notes.join("\n"));
    }
    page.charts(charts);
    page.text
}

/// How a metric differs between two studies, run by run.
#[derive(Serialize, JsonSchema)]
pub(super) struct DifferenceJson {
    /// The metric's unit, empty for a share.
    unit: &'static str,
    /// Pairs of runs in which both have a value.
    runs: u64,
    /// Pairs in which only one of the two has a value, or a finished rollout.
    unpaired: u64,
    /// Mean of A over the pairs; its interval is in A's own summary.
    mean_a: Number,
    /// Mean of the other over the pairs; its interval is in its own summary.
    mean_b: Number,
    /// Mean of the other's value minus A's, pair by pair.
    difference: EstimateJson,
    /// Correlation of the two over the pairs; null where one of them does not vary.
    correlation: Number,
    /// How many times as many runs it would take without pairing.
    runs_saved: Number,
    /// How the other stands to A.
    change: Change,
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
            change: row.change,
        }
    }
}

/// One study's comparison with the first.
#[derive(Serialize, JsonSchema)]
struct AgainstJson<'a> {
    /// B, C and so on, in the order in which they were named.
    letter: char,
    /// What was set for this study alone, as `KEY=VALUE`.
    settings: &'a [String],
    /// Where this study comes from.
    provenance: Provenance,
    /// Runs that both studies have.
    runs: u64,
    /// The keys that make the two meet different requests.
    unequal: &'a [&'static str],
    /// How many times as many runs unpaired studies would need: the median over metrics; null where it cannot be said.
    runs_saved: Option<f64>,
    /// Every metric.
    metrics: Named<EveryMetric, DifferenceJson>,
}

/// What `cutover compare` finds: the provenance is that of A, which the others are compared with.
#[derive(Serialize, JsonSchema)]
pub(super) struct ComparisonJson<'a> {
    /// What was set for A alone, as `KEY=VALUE`.
    settings: &'a [String],
    /// Each of the others, compared with A.
    against_a: Vec<AgainstJson<'a>>,
}

impl Document for ComparisonJson<'_> {
    const KIND: Kind = Kind::Comparison;
    type Provenance = Provenance;
}

/// The comparison as JSON.
pub fn json(compared: &Compared) -> String {
    let against = |(index, comparison)| against(compared, index, comparison);
    let body = ComparisonJson {
        settings: &compared.settings[0],
        against_a: compared.comparisons.iter().enumerate().map(against).collect(),
    };
    document(Provenance::of(&compared.studies[0]), body)
}

fn against<'a>(compared: &Compared<'a>, index: usize, comparison: &'a Comparison) -> AgainstJson<'a> {
    AgainstJson {
        letter: letter(index + 1),
        settings: &compared.settings[index + 1],
        provenance: Provenance::of(&compared.studies[index + 1]),
        runs: comparison.runs,
        unequal: &comparison.unequal,
        runs_saved: comparison.runs_saved(),
        metrics: comparison.rows.iter().map(|row| (row.metric.name(), row.into())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{METRICS, Metric, RolloutOutcome};
    use crate::report::example;
    use crate::study::compare;

    /// The made-up study, and the same with fewer cut responses at a higher price.
    fn studies() -> [StudyResult; 2] {
        let a = example::study();
        let b = example::study_with(|record| {
            record.values[Metric::TruncatedAttempts as usize] -= 6.0;
            record.values[Metric::Cost as usize] += 0.3 + 0.01 * (record.run as f64).sin();
        });
        [a, b]
    }

    /// What comparing these studies with the first of them gave, told by `tell`.
    fn told(studies: &[StudyResult], tell: impl Fn(&Compared) -> String) -> String {
        let comparisons: Vec<Comparison> =
            studies[1..].iter().map(|study| compare(&studies[0], study).unwrap()).collect();
        let settings = vec![Vec::new(); studies.len()];
        tell(&Compared { studies, comparisons: &comparisons, settings: &settings })
    }

    /// The comparison for a terminal so wide, having checked that it fits.
    fn text_that_fits(width: usize) -> String {
        let text = told(&studies(), |compared| text(compared, Style { color: false, width }));
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
        insta::assert_snapshot!("compared_at_60", text_that_fits(60));
        insta::assert_snapshot!("compared_at_80", text_that_fits(80));
        insta::assert_snapshot!("compared_at_140", text_that_fits(140));
    }

    #[test]
    fn a_table_that_is_long_shows_the_greatest_differences_of_each_verdict() {
        let row = |at: usize, verdict: &str| vec![format!("metric_{at}"), String::new(), verdict.to_owned()];
        let verdict = |at: usize| match at {
            0..=10 => "identical",
            11..60 => "worse",
            _ => "better",
        };
        let rows: Vec<Vec<String>> = (0..90).map(|at| row(at, verdict(at))).collect();
        let (shown, more) = most(&rows);
        assert_eq!((shown.len(), more), (25, 65));
        let names: Vec<&str> = shown[11..].iter().map(|row| row[0].as_str()).collect();
        assert_eq!((names[0], names[7]), ("metric_11", "metric_60"), "{names:?}");
        assert_eq!(most(&rows[..25]), (rows[..25].to_vec(), 0));
    }

    #[test]
    fn several_are_compared_with_the_first_one_after_the_other() {
        let [a, b] = studies();
        let c = a.clone();
        let all = [a, b, c];
        let text = told(&all, |compared| text(compared, Style { color: false, width: 100 }));
        let (of_b, of_c) = text.split_once("\nC against A\n").expect("a heading of its own");
        assert!(of_b.contains("\nB against A\n") && of_b.contains("better"), "{of_b}");
        assert!(of_c.contains("identical") && !of_c.contains("better"), "{of_c}");
        let page = told(&all, |compared| markdown(compared, &[]));
        assert!(page.contains("## C against A"), "{page}");
    }

    #[test]
    fn a_comparison_says_what_differs_in_the_requests_and_what_is_not_comparable() {
        let [a, mut b] = studies();
        b.scenario.study.seed += 1;
        b.records[3].outcome = RolloutOutcome::Stuck;
        b.records[3].values[Metric::RolloutDuration as usize] = f64::NAN;
        let both = [a, b];
        let text = told(&both, |compared| text(compared, Style { color: false, width: 200 }));
        let said = "40 runs, the two do not meet the same requests: study.seed differs; ";
        assert!(text.contains(said), "{text}");
        assert!(text.contains("not comparable, because in 1 run only one of the two has a value: rollout_"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&told(&both, json)).unwrap();
        assert_eq!(json["against_a"][0]["unequal"][0], "study.seed");
        assert_eq!(differing(&["a", "b", "c"]), "a, b and c differ");
    }

    #[test]
    fn the_json_has_every_metric() {
        let json: serde_json::Value = serde_json::from_str(&told(&studies(), json)).unwrap();
        let b = &json["against_a"][0];
        assert_eq!(b["metrics"].as_object().unwrap().len(), METRICS.len());
        assert_eq!(b["metrics"]["truncated_attempts"]["difference"]["value"], -6.0);
        assert_eq!(b["metrics"]["cost_usd"]["change"], "worse");
        assert_eq!(b["letter"], "B");
        assert_eq!(json["provenance"]["runs"], 40);
        assert_eq!(b["provenance"]["runs"], 40);
    }
}
