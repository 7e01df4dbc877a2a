//! `check --lint-only`: what is wrong or unwise about scenarios, without simulating them.

use std::path::PathBuf;

use super::arguments::Simulating;
use super::failure::{Ending, Failure};
use super::load::{read_and_lint, uncertifiable_checks};
use super::terminal::write_report;
use crate::lints;
use crate::report::{self, LintForm, StudyForm};
use crate::scenario::Problems;
use crate::study::Confidence;

/// Prints the problems of some scenarios, all of them.
///
/// # Errors
/// Standard output cannot be written to.
pub fn lint(
    files: &[PathBuf],
    simulating: &Simulating,
    form: StudyForm,
    deny_warnings: bool,
) -> Result<Ending, Failure> {
    let form = match (form, form.common()) {
        (_, Some(form)) => LintForm::Common(form),
        (StudyForm::Github, _) => LintForm::Github,
        _ => {
            let said = "error: `--lint-only` judges nothing: it has --format text, json, md and github";
            return Err(Failure::WrongUse(said.to_owned()));
        }
    };
    let given = simulating.given();
    let found: Vec<Problems> = files
        .iter()
        .map(|file| match read_and_lint(file, &given) {
            Err(problems) => problems,
            Ok(scenario) => {
                let mut problems = uncertifiable_checks(&scenario, scenario.study.runs, Confidence::NINETY_FIVE);
                problems.extend(lints::without_checks(&scenario));
                problems.extend(scenario.warnings.iter().cloned());
                scenario.written.problems(problems)
            }
        })
        .collect();
    write_report(&report::lint_report(&found, form))?;
    let (errors, all) = found.iter().fold((0, 0), |(e, a), it| (e + it.errors(), a + it.problems.len()));
    Ok(match (errors, all) {
        (1.., _) => Ending::WrongScenario,
        (0, 1..) if deny_warnings => Ending::CheckFailed,
        _ => Ending::Well,
    })
}
