//! Problems of scenarios for standard output, and what their codes mean.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::gate::prose;
use super::json::{Document, Kind, ProgramProvenance, document};
use super::{Annotation, Form, annotations, of_problems};
use crate::scenario::{Explanation, Problem, Problems, explanations};

/// The forms in which problems are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LintForm {
    /// As every report has it.
    Common(Form),
    /// Annotations of the scenarios' lines.
    Github,
}

/// The problems of some scenarios, one after the other: in text and Markdown with their numbers at the end of each.
pub fn lint_report(found: &[Problems], form: LintForm) -> String {
    match form {
        LintForm::Common(Form::Text(style)) => text(found, style.color),
        LintForm::Common(Form::Json) => json(found),
        LintForm::Common(Form::Markdown) => found.iter().map(markdown).collect::<Vec<String>>().join("\n"),
        LintForm::Github => {
            let places: Vec<Annotation> = found.iter().flat_map(of_problems).collect();
            let counted = found.iter().map(|problems| format!("cutover: {}: {}\n", problems.file, counts(problems)));
            annotations(&places) + &counted.collect::<String>()
        }
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

/// A problem of a scenario.
#[derive(Serialize, JsonSchema)]
struct ProblemJson<'p> {
    /// Its code, which stays what it is: `E` or `W` and four digits.
    code: &'p str,
    /// An error, with which nothing is simulated, or a warning.
    #[schemars(schema_with = "severities")]
    severity: &'static str,
    /// What is wrong or unwise.
    message: &'p str,
    /// What was expected and what was found; of a warning, what follows.
    expected: &'p str,
    /// What to do about it; null where that cannot be said.
    help: Option<&'p str>,
    /// The scenario's file, as it was named.
    file: &'p str,
    /// Line in the file, from 1; null where it is not in the file.
    line: Option<usize>,
    /// Column in characters, from 1; null where it is not in the file.
    column: Option<usize>,
    /// Dotted path of the key; null where it is about the scenario as a whole.
    key: Option<&'p str>,
    /// The argument that brought it in; null where the file did.
    argument: Option<&'p str>,
}

/// What `cutover check --lint-only` finds: everything that is wrong or unwise about some scenarios.
#[derive(Serialize, JsonSchema)]
pub(super) struct LintJson<'p> {
    /// How many errors.
    errors: usize,
    /// How many warnings.
    warnings: usize,
    /// All of them, in the order of the scenarios, then of the lines.
    problems: Vec<ProblemJson<'p>>,
}

impl Document for LintJson<'_> {
    const KIND: Kind = Kind::Lint;
    type Provenance = ProgramProvenance;
}

fn severities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["error", "warning"] })
}

/// `error` or `warning`.
fn severity(problem: &Problem) -> &'static str {
    if problem.code.is_warning() { "warning" } else { "error" }
}

fn json(found: &[Problems]) -> String {
    let pairs = found.iter().flat_map(|it| it.problems.iter().map(|problem| (it.file.as_str(), problem)));
    let problems: Vec<ProblemJson<'_>> = pairs.map(|(file, problem)| problem_json(file, problem)).collect();
    let errors = found.iter().map(Problems::errors).sum();
    document(ProgramProvenance::new(), LintJson { errors, warnings: problems.len() - errors, problems })
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
        text.push_str(&format!(
            "\n- **{}[{}]** {place}: {}",
            severity(problem),
            problem.code,
            prose(&problem.sentence())
        ));
        if let Some(help) = &problem.help {
            text.push_str(&format!(". Help: {}", prose(help)));
        }
    }
    if problems.problems.is_empty() { text } else { text + "\n" }
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
