//! The summary on standard output: checks, rollout, requests, capacity, cost, why, and how to plan.
//!
//! It names no path, date, host, thread count or elapsed time, so that it is the same wherever and however it was made.

use super::content::{self, Block, CheckLine, Section};
use super::layout::{Style, Tone, columns, fit, glued, labelled, transposed, wrap};
use crate::study::{FailOn, Outcome, StudyResult, Verdict, why};

/// The place of a verdict's mark and word, with spaces before and after.
const BESIDE: &str = "          ";

/// Width of the titles' column.
const TITLE: usize = 10;

/// Width of the labels' column.
const LABEL: usize = 16;

/// The summary of a study, ending in a newline.
pub fn summary(result: &StudyResult, style: Style) -> String {
    let mut lines = head(result, style);
    let checks = content::checks(result, FailOn::default());
    if !checks.is_empty() {
        lines.push(String::new());
        lines.push(style.paint(Tone::Heading, "CHECKS"));
        lines.extend(check_lines(&checks, style));
    }
    lines.push(String::new());
    for section in content::sections(result) {
        lines.extend(section_lines(&section, style));
    }
    lines.extend(cause(result, style));
    let plan = content::planning_line(result);
    if !plan.is_empty() {
        lines.extend(titled("PLAN", &plan, style));
    }
    lines.extend(wrap("", &content::legend(result), style.width));
    lines.join("\n") + "\n"
}

/// Why the study came out so, and a run that shows it.
pub(super) fn cause(result: &StudyResult, style: Style) -> Vec<String> {
    let mut lines = titled("WHY", &why(result), style);
    let example = content::example(result);
    if !example.is_empty() {
        lines.extend(wrap(&" ".repeat(TITLE), &example, style.width));
    }
    lines
}

/// The checks of a study alone, under its name and extent.
pub(super) fn checks(result: &StudyResult, fail_on: FailOn, style: Style) -> Vec<String> {
    let mut lines = head(result, style);
    lines.push(String::new());
    let checks = content::checks(result, fail_on);
    if checks.is_empty() {
        lines.push("  no checks".to_owned());
    }
    lines.extend(check_lines(&checks, style));
    lines
}

/// What every text begins with: the program and its version, what the text is about, and over how much it is taken.
pub(super) fn begin(version: &str, about: &str, extent: &str, style: Style) -> Vec<String> {
    let mut lines = wrap("", &format!("cutover {version}  {}", about.trim()), style.width);
    lines.extend(wrap("", extent, style.width));
    lines
}

/// What was simulated, and how much of it.
fn head(result: &StudyResult, style: Style) -> Vec<String> {
    let mut lines = begin(&result.scenario.read_by, &result.scenario.name, &content::extent(result), style);
    lines.extend(wrap("", &content::setting(result), style.width));
    for sentence in content::precision(result) {
        lines.extend(wrap("", &sentence, style.width));
    }
    lines
}

/// The mark of a verdict, with its tone.
pub(super) fn mark(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Passed => ("✔", Tone::Good),
        Verdict::Failed => ("✖", Tone::Bad),
        Verdict::Inconclusive => ("?", Tone::Unsure),
    }
}

/// The mark of what the gate makes of something, with its tone.
pub(super) fn gate_mark(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Passed => mark(Verdict::Passed),
        Outcome::Warned => ("⚠", Tone::Unsure),
        Outcome::Undecided => mark(Verdict::Inconclusive),
        Outcome::Failed => mark(Verdict::Failed),
    }
}

/// The word beside the mark of what the gate makes of something, all of one width.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "pass",
        Outcome::Warned => "warn",
        Outcome::Undecided => "open",
        Outcome::Failed => "FAIL",
    }
}

fn check_lines(checks: &[CheckLine], style: Style) -> Vec<String> {
    let rows: Vec<Vec<String>> = checks.iter().map(|check| vec![check.claim.clone(), check.found.clone()]).collect();
    let rows = columns(&rows, &[]);
    // Side by side where all of them fit, else what was found below what must hold.
    let aligned = fit(&rows, style.width.saturating_sub(BESIDE.len()));
    let mut lines = Vec::new();
    for (check, row) in checks.iter().zip(rows) {
        let (mark, tone) = gate_mark(check.outcome);
        let mut wrapped = if aligned {
            wrap(BESIDE, &glued(&row), style.width)
        } else {
            [&check.claim, &check.found].into_iter().flat_map(|text| wrap(BESIDE, text, style.width)).collect()
        };
        wrapped[0].replace_range(2..BESIDE.len() - 2, &style.paint(tone, &format!("{mark} {}", word(check.outcome))));
        lines.extend(wrapped);
        let only_warns = if check.outcome == Outcome::Warned { "only warns" } else { "" };
        let said = [only_warns, check.description.as_str(), check.explanation.as_str()];
        let said: Vec<&str> = said.into_iter().filter(|said| !said.is_empty()).collect();
        if !said.is_empty() {
            lines.extend(wrap(BESIDE, &said.join("; "), style.width));
        }
    }
    lines
}

/// A title and its text beside it.
pub(super) fn titled(title: &str, text: &str, style: Style) -> Vec<String> {
    let mut lines = wrap(&format!("{title:<TITLE$}"), text, style.width);
    lines[0].replace_range(..title.len(), &style.paint(Tone::Heading, title));
    lines
}

/// A section: its title with what stands beside it, then its labelled lines and tables.
pub(super) fn section_lines(section: &Section, style: Style) -> Vec<String> {
    let mut lines = titled(section.title, &section.subtitle, style);
    for block in &section.blocks {
        match block {
            Block::Line(label, text) => lines.extend(wrap(&format!("  {label:<LABEL$}"), text, style.width)),
            Block::Table(rows) => {
                let table = labelled(rows, &[1, 2, 3], style.width.saturating_sub(2));
                lines.extend(table.iter().map(|line| format!("  {line}")));
            }
            Block::Figures(rows) => lines.extend(figure_lines(rows, style.width)),
        }
    }
    lines
}

/// A table of figures, its columns but the first aligned at their right ends; on its side where it is too wide.
fn figure_lines(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let aligned = |rows: &[Vec<String>]| -> Vec<String> {
        let count = rows.first().map_or(0, Vec::len);
        let right: Vec<usize> = (1..count).collect();
        columns(rows, &right).iter().map(|line| format!("  {line}")).collect()
    };
    let lines = aligned(rows);
    if fit(&lines, width) { lines } else { aligned(&transposed(rows)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Metric, RunRecord};
    use crate::report::example;
    use crate::report::layout::unglued;
    use crate::units::Duration;

    fn text(style: Style) -> String {
        summary(&example::study(), style)
    }

    #[test]
    fn the_summary_fills_a_screen_of_100_columns() {
        let text = text(Style { color: false, width: 100 });
        insta::assert_snapshot!(text);
        assert!(text.lines().count() <= 44, "{} lines", text.lines().count());
        assert!(text.lines().all(|line| line.chars().count() <= 100));
    }

    #[test]
    fn the_summary_adapts_to_80_columns() {
        let text = text(Style { color: false, width: 80 });
        insta::assert_snapshot!(text);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn what_no_run_had_and_idle_time_below_zero_are_explained() {
        let said = |change: &dyn Fn(&mut RunRecord)| {
            let text = summary(&example::study_with(change), Style { color: false, width: 100 });
            text.split_whitespace().collect::<Vec<&str>>().join(" ")
        };
        let (unseen, negative) = ("0 [0, b]: no run had any", "so that it is below zero");
        let usual = said(&|_| ());
        assert!(!usual.contains(unseen) && !usual.contains(negative), "{usual}");
        assert!(said(&|record| record.values[Metric::CapacityDip as usize] = 0.0).contains(unseen));
        let said = said(&|record| record.values[Metric::GpuHoursIdle as usize] = -0.01);
        assert!(said.contains(negative), "{said}");
    }

    #[test]
    fn what_is_planned_with_names_the_grace_period_as_it_is_set() {
        let mut result = example::study();
        let mut plan = |grace: u64, pre_stop: u64| {
            result.scenario.termination.grace_period = Duration::from_seconds(grace);
            result.scenario.termination.pre_stop = Duration::from_seconds(pre_stop);
            unglued(&content::planning_line(&result))
        };
        assert!(plan(4_000, 5).contains("a grace period of 66.7 min, as now, is enough"), "{}", plan(4_000, 5));
        let put_off = plan(4_000, 3_999);
        assert!(put_off.contains("of 1h6m40s, as now (SIGKILL after 66.7 min: preStop and 2 s), is"), "{put_off}");
        let hook_cut = plan(4_000, 5_000);
        assert!(hook_cut.contains("(SIGKILL after 66.7 min: itself and 2 s)"), "{hook_cut}");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let mut bare = text(Style { color: true, width: 100 });
        for code in ["0", "1", "31", "32", "33"] {
            bare = bare.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(bare, text(Style { color: false, width: 100 }));
    }
}
