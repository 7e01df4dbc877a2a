//! `comment.md`: what a pull request's comment says of its scenarios.
//!
//! Its first line is a hidden tag by which a bot finds the comment that it is to write anew. It holds no picture, because
//! a comment has nowhere to take one from.

use super::baseline::{self, changed, notes, others, pairing, sureness, unchanged};
use super::{Judged, counts_of_all};
use crate::digits::counted;
use crate::ledger::Metric;
use crate::report::compare_report::verdict;
use crate::report::content::{self, CheckLine, plain};
use crate::report::format::{Quantity, difference, estimate, value};
use crate::report::markdown::{Page, escape};
use crate::study::{Against, CheckResult, Difference, Outcome, outcome_of_row, why};

/// Most characters of a comment; GitHub takes 65,536, GitLab more.
const MOST_CHARACTERS: usize = 65_000;
/// What stands in the place of what does not fit.
const CUT: &str = "\n\n*The rest does not fit into a comment; it is in the results that the pipeline keeps.*\n";

/// The comment's first line: invisible, and the same for the same scenarios' files.
///
/// Several scenarios share one comment, whose tag does not depend on which they are: one that joins them must find it.
pub fn tag(judged: &[Judged<'_>]) -> String {
    let name = match judged {
        [one] => one.stem(),
        _ => "check".to_owned(),
    };
    // Two hyphens, or a hyphen before the end, would end the comment.
    let safe: String = name.chars().map(|c| if c.is_alphanumeric() || "._".contains(c) { c } else { '-' }).collect();
    let parts: Vec<&str> = safe.split('-').filter(|part| !part.is_empty()).collect();
    format!("<!-- cutover:{} -->", parts.join("-"))
}

/// The text of `comment.md`.
pub fn comment(judged: &[Judged<'_>]) -> String {
    let mut ordered: Vec<&Judged<'_>> = judged.iter().collect();
    ordered.sort_by_key(|judged| std::cmp::Reverse(judged.outcome()));
    let mut page = Page::default();
    page.paragraph(&tag(judged));
    if let [_, _, ..] = judged {
        page.paragraph(&format!("## {} {}", light(ordered[0].outcome()), counts_of_all(judged)));
    }
    let mut sections = ordered.iter().map(|judged| section(judged, ordered.len() == 1));
    let mut left_out = 0;
    for section in sections.by_ref() {
        // A section that is cut in the middle would leave its table or its details open.
        if page.text.chars().count() + section.chars().count() + CUT.len() > MOST_CHARACTERS {
            left_out += 1;
            continue;
        }
        page.paragraph(section.trim_end());
    }
    if left_out > 0 {
        page.text.push_str(CUT);
    }
    page.text
}

/// A light for a state, told apart by its place in the sentence too: colours alone do not reach everybody.
fn light(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "🟢",
        Outcome::Warned => "🟠",
        Outcome::Undecided => "🟡",
        Outcome::Failed => "🔴",
    }
}

/// Text of a person, of which nothing is taken for Markdown, HTML or a mention.
fn safe(text: &str) -> String {
    // An invisible joiner keeps `@name` from calling somebody, and `#7` from linking.
    escape(&text.replace('&', "&amp;"))
        .replace('_', "\\_")
        .replace('`', "\\`")
        .replace('[', "\\[")
        .replace('~', "\\~")
        .replace('@', "@\u{2060}")
        .replace('#', "#\u{2060}")
}

/// A sentence of the program's own, in which backticks mark names: what is between them stays code, all else is [`safe`].
pub fn prose(text: &str) -> String {
    // Where a person's text within it could shift which backticks belong together, none of them is kept.
    if text.matches('`').count() % 2 == 1 || text.contains("``") || text.contains('\\') {
        return safe(text);
    }
    let part = |(at, part): (usize, &str)| if at % 2 == 1 { format!("`{part}`") } else { safe(part) };
    text.split('`').enumerate().map(part).collect()
}

fn section(judged: &Judged<'_>, is_alone: bool) -> String {
    let mut page = Page::default();
    // Nothing that could fail is nothing to be calm about.
    let is_guarded = !judged.result.checks.is_empty();
    let outcome = if is_guarded { judged.outcome() } else { judged.outcome().max(Outcome::Warned) };
    page.paragraph(&format!("### {} {}", light(outcome), headline(judged)));
    let file = if is_alone { String::new() } else { format!("`{}`, ", judged.file_name().replace('`', "'")) };
    page.paragraph(&format!("{file}{}: {}.", safe(&judged.result.scenario.name), judged.sentence()));
    page.paragraph(&table(judged));
    if let Some(against) = judged.baseline {
        let said: Vec<String> = [unchanged(against), others(against)]
            .into_iter()
            .filter(|said| !said.is_empty())
            .chain(notes(against, judged.result))
            .map(|said| format!("- {}", prose(&said)))
            .collect();
        page.paragraph(&said.join("\n"));
    } else if judged.lacks_baseline {
        page.paragraph(&format!("*{}.*", baseline::NONE_YET));
    }
    page.paragraph(&details(judged));
    page.text
}

/// What matters most: the worst check, else what got worse, else that all is well; and what it costs.
fn headline(judged: &Judged<'_>) -> String {
    let checks = judged.checks();
    let worst = checks.iter().map(|(check, _)| check).max_by_key(|check| check.outcome);
    let row = judged.baseline.and_then(|against| against.worse().next());
    let checks_outcome = worst.map_or(Outcome::Passed, |check| check.outcome);
    let row_outcome = row.map_or(Outcome::Passed, |row| outcome_of_row(row, judged.fail_on));
    let said = match (worst, row) {
        (_, Some(row)) if row_outcome > checks_outcome => {
            let quantity = Quantity::of(row.metric);
            let (before, now) = (value(row.mean_a, quantity), value(row.mean_b, quantity));
            format!("`{}` is worse than the baseline: {before} → {now}", row.metric.name())
        }
        (Some(check), _) if check.outcome > Outcome::Passed => of_worst(check, &checks),
        (None, _) => "No checks: nothing is guarded".to_owned(),
        _ => format!("Every check holds ({})", checks.len()),
    };
    format!("{}{said}{}", judged.interruption(), cost(judged))
}

fn of_worst(check: &CheckLine, checks: &[(CheckLine, usize)]) -> String {
    let alike = checks.iter().filter(|(other, _)| other.outcome == check.outcome).count();
    let more = if alike > 1 { format!(" (and {} more)", alike - 1) } else { String::new() };
    let found = plain(&check.found);
    let warning = if check.outcome == Outcome::Warned { "warning: " } else { "" };
    format!("{warning}`{}` {}: found {found}{more}", check.claim, check.standing())
}

/// What the price of the window did, where there is a baseline.
fn cost(judged: &Judged<'_>) -> String {
    let row = judged.baseline.and_then(|against| against.row(Metric::Cost));
    let Some(row) = row.filter(|row| row.is_found() && row.mean_a > 0.0) else { return String::new() };
    let change = 100.0 * row.difference.value / row.mean_a;
    let (before, now) = (value(row.mean_a, Quantity::Usd), value(row.mean_b, Quantity::Usd));
    format!(" · cost {before} → {now} ({change:+.1} %)")
}

fn table(judged: &Judged<'_>) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let results = judged.result.checks.iter();
    let checks: Vec<(CheckLine, &CheckResult)> =
        judged.checks().into_iter().map(|(check, _)| check).zip(results).collect();
    let Some(against) = judged.baseline else {
        let cells = |(check, _): &(CheckLine, &CheckResult)| {
            vec![format!("`{}`", check.claim), plain(&check.found), state(check)]
        };
        rows.extend(checks.iter().map(cells));
        return markdown_table(&["check", "found (95 %)", ""], &rows);
    };
    rows.extend(checks.iter().map(|(check, result)| checked(check, result, against, judged)));
    let is_checked = |row: &Difference| checks.iter().any(|(_, result)| result.metric == row.metric.name());
    rows.extend(changed(against).into_iter().filter(|row| !is_checked(row)).map(|row| compared(row, judged)));
    let change = match against.pairing {
        crate::study::Pairing::Paired => "change of the mean (95 % together, paired)",
        _ => "change of the mean (95 % together, unpaired)",
    };
    markdown_table(&["check", "baseline", "this change", change, ""], &rows)
}

/// A check's row: its statistic in both studies, and how its metric's mean changed.
fn checked(check: &CheckLine, result: &CheckResult, against: &Against, judged: &Judged<'_>) -> Vec<String> {
    let metric = Metric::by_name(&result.metric);
    let quantity = content::quantity_of(result);
    let past = metric.and_then(|metric| against.past.metrics.get(metric as usize).and_then(Option::as_ref));
    let before = past.map_or_else(String::new, |past| estimate(&past.statistic(result.statistic), quantity));
    let row = metric.and_then(|metric| against.row(metric));
    let change = row.map_or_else(String::new, difference_in_words);
    // A promise may hold while its metric got worse, and that be what fails the gate.
    let worse = row.map_or(Outcome::Passed, |row| outcome_of_row(row, judged.fail_on));
    let worse = if worse > check.outcome { format!(", {} worse", light(worse)) } else { String::new() };
    let state = format!("{}{worse}", state(check));
    vec![format!("`{}`", check.claim), plain(&before), format!("**{}**", plain(&check.found)), change, state]
}

/// The row of a headline metric that is no check's.
fn compared(row: &Difference, judged: &Judged<'_>) -> Vec<String> {
    let quantity = Quantity::of(row.metric);
    let outcome = outcome_of_row(row, judged.fail_on);
    let light = if outcome == Outcome::Passed && verdict(row) != "better" { "⚪" } else { light(outcome) };
    vec![
        format!("`{}` mean", row.metric.name()),
        value(row.mean_a, quantity),
        value(row.mean_b, quantity),
        difference(&row.difference, quantity),
        format!("{light} {}", verdict(row)),
    ]
}

fn difference_in_words(row: &Difference) -> String {
    match row.change {
        crate::study::Change::Identical => "identical".to_owned(),
        _ => format!("{} ({})", difference(&row.difference, Quantity::of(row.metric)), verdict(row)),
    }
}

/// How a check came out, with its light.
fn state(check: &CheckLine) -> String {
    let only_warns = if check.outcome == Outcome::Warned { ", only warns" } else { "" };
    format!("{} {}{only_warns}", light(check.outcome), check.standing())
}

/// A table whose cells are Markdown already; empty without rows.
fn markdown_table(header: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let cell = |text: &String| text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ");
    let rule: Vec<String> =
        (0..header.len()).map(|at| if at == 0 || at + 1 == header.len() { "---" } else { "--:" }.to_owned()).collect();
    let mut lines = vec![line(header.iter().map(|name| (*name).to_owned()).collect()), line(rule)];
    // Within backticks an entity would be shown as it is written.
    let row = |row: &Vec<String>| {
        let cells = row.iter().map(|text| if text.starts_with('`') { text.replace('|', "\\|") } else { cell(text) });
        line(cells.collect())
    };
    lines.extend(rows.iter().map(row));
    lines.join("\n")
}

/// What is read by whoever wants to know more, folded away: cause, explanations, warnings, provenance.
fn details(judged: &Judged<'_>) -> String {
    let result = judged.result;
    let mut page = Page::default();
    page.paragraph("<details><summary>Cause, explanations, provenance</summary>");
    page.paragraph(&prose(&why(result)));
    let plan = plain(&content::planning_line(result));
    if !plan.is_empty() {
        page.paragraph(&format!("To plan with: {}.", prose(&plan)));
    }
    let told = |(check, line): &(CheckLine, usize)| {
        let said = [check.description.as_str(), check.explanation.as_str()];
        let said: Vec<&str> = said.into_iter().filter(|said| !said.is_empty()).collect();
        let place = if *line > 0 { format!(" (line {line})") } else { String::new() };
        (!said.is_empty()).then(|| format!("- `{}`{place}: {}", check.claim, safe(&said.join("; "))))
    };
    let explained: Vec<String> = judged.checks().iter().filter_map(told).collect();
    page.paragraph(&explained.join("\n"));
    let warnings = result.scenario.warnings.iter().map(|warning| format!("- warning: {}", prose(&warning.message)));
    page.paragraph(&warnings.collect::<Vec<String>>().join("\n"));
    if let Some(against) = judged.baseline {
        let hash = against.past.origin.scenario_hash.get(..12).unwrap_or_default().to_owned();
        page.paragraph(&format!("Baseline: {}; {}; scenario `{}`.", pairing(against), sureness(), safe(&hash)));
    }
    let study = &result.scenario.study;
    let partial = if result.partial { ", **interrupted**" } else { "" };
    page.paragraph(&format!(
        "{} of {}, seed {}{partial}; cutover {}; scenario `{}`. Brackets are 95 % intervals.",
        counted(result.records.len() as f64, "run"),
        study.duration,
        study.seed,
        env!("CARGO_PKG_VERSION"),
        result.scenario.hash.get(..12).unwrap_or(&result.scenario.hash),
    ));
    page.paragraph("</details>");
    page.text
}
