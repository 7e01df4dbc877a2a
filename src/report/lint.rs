//! Problems of scenarios for standard output, and what their codes mean.

use serde::Serialize;

use super::Form;
use super::json::SCHEMA_VERSION;
use crate::scenario::{Explanation, Problem, Problems, explanations};

/// The problems of some scenarios, one after the other: in text and Markdown with their numbers at the end of each.
pub fn lint_report(found: &[Problems], form: Form) -> String {
    match form {
        Form::Text(style) => text(found, style.color),
        Form::Json => json(found),
        Form::Markdown => found.iter().map(markdown).collect::<Vec<String>>().join("\n"),
    }
}

/// How many errors and warnings, in words: "1 error, 2 warnings".
fn counts(problems: &Problems) -> String {
    let (errors, all) = (problems.errors(), problems.problems.len());
    let counted = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        number => Some(format!("{number} {noun}s")),
    };
    let said: Vec<String> =
        [counted(errors, "error"), counted(all - errors, "warning")].into_iter().flatten().collect();
    if said.is_empty() { "no problems".to_owned() } else { said.join(", ") }
}

fn text(found: &[Problems], color: bool) -> String {
    let mut text: String = found.iter().map(|problems| problems.listed(color)).collect();
    for problems in found {
        text.push_str(&format!("{}: {}\n", problems.file, counts(problems)));
    }
    if let Some(line) = Problems::where_to_read_on(found) {
        text.push_str(&format!("{line}\n"));
    }
    text
}

/// A problem as JSON has it.
#[derive(Serialize)]
struct ProblemJson<'p> {
    code: &'p str,
    severity: &'static str,
    message: &'p str,
    /// What was expected, or what follows.
    expected: &'p str,
    help: Option<&'p str>,
    file: &'p str,
    line: Option<usize>,
    column: Option<usize>,
    key: Option<&'p str>,
    /// The argument that brought it in.
    argument: Option<&'p str>,
}

#[derive(Serialize)]
struct LintJson<'p> {
    schema_version: u32,
    errors: usize,
    warnings: usize,
    problems: Vec<ProblemJson<'p>>,
}

/// `error` or `warning`.
fn severity(problem: &Problem) -> &'static str {
    if problem.code.is_warning() { "warning" } else { "error" }
}

fn json(found: &[Problems]) -> String {
    let pairs = found.iter().flat_map(|it| it.problems.iter().map(|problem| (it.file.as_str(), problem)));
    let problems: Vec<ProblemJson<'_>> = pairs.map(|(file, problem)| problem_json(file, problem)).collect();
    let errors = found.iter().map(Problems::errors).sum();
    let lint = LintJson { schema_version: SCHEMA_VERSION, errors, warnings: problems.len() - errors, problems };
    serde_json::to_string_pretty(&lint).map(|text| text + "\n").unwrap_or_default()
}

fn problem_json<'p>(file: &'p str, problem: &'p Problem) -> ProblemJson<'p> {
    ProblemJson {
        code: problem.code.0,
        severity: severity(problem),
        message: &problem.message,
        expected: &problem.expected,
        help: problem.help.as_deref(),
        file,
        line: (problem.line > 0).then_some(problem.line),
        column: (problem.column > 0).then_some(problem.column),
        key: (!problem.key.is_empty()).then_some(problem.key.as_str()),
        argument: problem.set.as_deref(),
    }
}

fn markdown(problems: &Problems) -> String {
    let mut text = format!("`{}`: {}\n", problems.file, counts(problems));
    for problem in &problems.problems {
        let place = match &problem.set {
            Some(argument) => format!("`{argument}`"),
            None => format!("line {}", problem.line),
        };
        text.push_str(&format!("\n- **{}[{}]** {place}: {}", severity(problem), problem.code, problem.sentence()));
        if let Some(help) = &problem.help {
            text.push_str(&format!(". Help: {help}"));
        }
    }
    if problems.problems.is_empty() { text } else { text + "\n" }
}

/// Problems as workflow commands, one a line, that GitHub shows at the line of the file that they are about
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).
pub fn github_annotations(file: &str, problems: &[Problem]) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for problem in problems {
        let place = match problem.line {
            0 => String::new(),
            line => format!(",line={line},col={}", problem.column),
        };
        let argument = problem.set.as_ref().map_or_else(String::new, |argument| format!("{argument}: "));
        let help = problem.help.as_ref().map_or_else(String::new, |help| format!("\nhelp: {help}"));
        text.push_str(&format!(
            "::{} file={}{place},title={}::{}\n",
            severity(problem),
            property(file),
            problem.code,
            data(&format!("{argument}{}{help}", problem.sentence()))
        ));
    }
    text
}

/// Every code with its title, one a line.
pub fn list_of_codes() -> String {
    let mut text: String = explanations().map(|it| format!("{}  {}\n", it.code, it.title)).collect();
    text.push_str("\ncutover explain CODE says more about each\n");
    text
}

/// What a code means, for a terminal: examples are indented.
pub fn meaning_of(explanation: &Explanation) -> String {
    let mut text = format!("{}: {}\n\n", explanation.code, explanation.title);
    let mut in_example = false;
    for line in explanation.text.trim().lines() {
        if line.starts_with("```") {
            in_example = !in_example;
        } else if in_example && !line.is_empty() {
            text.push_str(&format!("    {line}\n"));
        } else {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

/// `docs/errors.md`.
pub fn page_of_codes() -> String {
    let mut page = String::from(
        "# Errors and warnings\n\nEvery problem of a scenario has a code: E for errors, with which nothing is simulated, W \
         for what is legal and unwise. `cutover explain CODE` prints its section of this page, `cutover check --lint-only` \
         finds the problems of scenarios without simulating them. Codes are stable. This page is made from the tables in \
         `src/scenario/codes/`.\n\n| code | what it is |\n|---|---|\n",
    );
    for it in explanations() {
        page += &format!("| [{}](#{}) | {} |\n", it.code, it.code.0.to_lowercase(), it.title);
    }
    for it in explanations() {
        page += &format!("\n## {}\n\n**{}.**\n\n{}\n", it.code, capitalised(it.title), it.text.trim());
    }
    page
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
