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

/// What is wrong with the text as TOML: of each line the first thing, since what comes after it is its consequence.
fn syntax_problems(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
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
    let mut rest = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if !problems.iter().any(|problem| problem.line == index + 1) {
            rest.push_str(line);
            continue;
        }
        if line.trim_start().starts_with('[') {
            return None;
        }
        let blanked = line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' });
        rest.extend(blanked);
    }
    DeTable::parse(&rest).is_ok().then_some(rest)
}
