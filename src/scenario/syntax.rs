//! What is said about a text that is not TOML: its lines that are not, and what is wrong on those that are.

use std::ops::Range;

use toml::de::DeTable;

use super::Scenario;
use super::codes::Code;
use super::problems::{Lines, LoadError, Problem};

/// Everything that is wrong with a text that has these errors as TOML, in the order of the file, what only `--set` wrote
/// behind it. `parse` reads a text in which the lines at fault are blank.
pub(super) fn problems(
    text: &str,
    errors: &[toml::de::Error],
    parse: impl Fn(&str) -> Result<Scenario, LoadError>,
) -> Vec<Problem> {
    let mut problems = syntax_problems(text, errors);
    problems.extend(problems_elsewhere(text, &problems, parse));
    problems.sort_by_key(|problem| (problem.set.is_some(), problem.span.start));
    problems
}

/// What is wrong with the text as TOML: of each line the first thing, since what comes after it is its consequence; and the
/// one line alone without which all others are TOML.
fn syntax_problems(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems = wrong_lines(text, errors);
    let first = problems.iter().map(|problem| problem.line).min().unwrap_or(0);
    if problems.len() > 1
        && let Some(line) = line_at_fault(text, first)
    {
        problems.retain(|problem| problem.line == line);
        if problems.is_empty() {
            problems.push(unclosed(text, line));
        }
    }
    problems
}

/// Lines before the first that is wrong in which the fault is looked for.
const MOST_LOOKED_BACK: usize = 100;

/// The line up to the first wrong one without which the rest is TOML. What is opened there and never closed swallows all
/// that follows.
fn line_at_fault(text: &str, first: usize) -> Option<usize> {
    let is_fault = |line: &usize| DeTable::parse(&blanked(text, |other| other == *line)).is_ok();
    (first.saturating_sub(MOST_LOOKED_BACK).max(1)..=first).rev().find(is_fault)
}

/// A line on which something is opened that is not closed.
fn unclosed(text: &str, line: usize) -> Problem {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let whole = text[start..].lines().next().unwrap_or_default();
    let indent = whole.len() - whole.trim_start().len();
    let expected = "a bracket, a brace or a quote that opens here is not closed".to_owned();
    let span = start + indent..start + whole.trim_end().len().max(indent);
    let problem = Problem::new(Code::NOT_TOML, "this is not TOML".to_owned(), "");
    Problem { expected, line, column: indent + 1, span, ..problem }
}

/// Every line on which the parser finds something wrong, with the first thing of it.
fn wrong_lines(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let lines = Lines::new(text);
    let mut problems: Vec<Problem> = Vec::new();
    for error in errors {
        let span = shown(text, error.span().unwrap_or(0..0));
        let (line, column) = lines.line_and_column(span.start);
        if problems.iter().any(|problem| problem.line == line) {
            continue;
        }
        let (expected, message) = (error.message().to_owned(), "this is not TOML".to_owned());
        problems.push(Problem { expected, line, column, span, ..Problem::new(Code::NOT_TOML, message, "") });
    }
    problems
}

/// A place that can be shown: the parser gives an empty one where something is missing, which is mostly at the end of a
/// line, or behind the last one. A caret then stands behind what is there.
fn shown(text: &str, span: Range<usize>) -> Range<usize> {
    if !span.is_empty() && !text[span.clone()].trim().is_empty() {
        return span;
    }
    let end = text.trim_end().len();
    let start = span.start.min(end);
    let character = |at: usize| text[at..].chars().next();
    match (character(start), text[..start].chars().next_back()) {
        (Some(next), _) => start..start + next.len_utf8(),
        (None, Some(last)) => start - last.len_utf8()..start,
        (None, None) => span,
    }
}

/// What is wrong on lines that are TOML, beside those that are not. The latter are left out; where that makes TOML of the
/// rest, a wrong value or an unknown key of it is one whatever was meant elsewhere. What is missing, and what contradicts
/// something else, is not known before all lines can be read.
fn problems_elsewhere(
    text: &str,
    syntax: &[Problem],
    parse: impl Fn(&str) -> Result<Scenario, LoadError>,
) -> Vec<Problem> {
    const CERTAIN: [Code; 6] = [
        Code::UNKNOWN_KEY,
        Code::WRONG_TYPE,
        Code::WRONG_VALUE,
        Code::WRONG_UNIT,
        Code::UNKNOWN_WORD,
        Code::UNKNOWN_METRIC,
    ];
    let Some(rest) = without_lines(text, syntax) else { return Vec::new() };
    match parse(&rest) {
        Err(LoadError::Problems(problems)) => {
            problems.problems.into_iter().filter(|problem| CERTAIN.contains(&problem.code)).collect()
        }
        _ => Vec::new(),
    }
}

/// The text with spaces in the place of the lines of these problems, so that all else stays where it is; `None` where a
/// header is among them, or what is left is not TOML either.
fn without_lines(text: &str, problems: &[Problem]) -> Option<String> {
    let is_wrong = |line: usize| problems.iter().any(|problem| problem.line == line);
    let is_header = |line: &str| line.trim_start().starts_with('[');
    if text.lines().enumerate().any(|(index, line)| is_wrong(index + 1) && is_header(line)) {
        return None;
    }
    let rest = blanked(text, is_wrong);
    DeTable::parse(&rest).is_ok().then_some(rest)
}

/// The text with spaces in the place of some lines, counted from 1.
fn blanked(text: &str, is_left_out: impl Fn(usize) -> bool) -> String {
    let mut rest = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if is_left_out(index + 1) {
            rest.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            rest.push_str(line);
        }
    }
    rest
}
