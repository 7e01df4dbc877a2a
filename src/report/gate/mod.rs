//! What the gate says of studies, in each form in which somebody reads it: a terminal, a script, a pull request, a test
//! report, the annotations of a pipeline.
//!
//! What the gate makes of a study is decided in [`crate::study`]; here it is put into words.

mod baseline;
mod comment;
mod github;
mod junit;
mod past;

pub(super) use baseline::BaselineJson;
pub(super) use comment::prose;
pub use comment::tag;
pub use github::{Annotation, Level, annotations, of_problems};
pub use past::{NoPast, read_past};

use std::path::Path;

use super::content::{self, CheckLine};
use super::files::OutputFile;
use super::layout::{Style, wrap};
use super::{Form, html, json, markdown, terminal};
use crate::digits::counted;
use crate::study::{Against, FailOn, Outcome, StudyResult, Verdict, outcome_of_study};

/// A study at the gate.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The scenario's file as it was named.
    pub file: &'a Path,
    /// The study.
    pub result: &'a StudyResult,
    /// The study against the baseline, where there is one.
    pub baseline: Option<&'a Against>,
    /// Whether a baseline was asked for that is not there yet.
    pub lacks_baseline: bool,
    /// What fails the gate.
    pub fail_on: FailOn,
}

impl Judged<'_> {
    /// How it came out.
    pub fn outcome(&self) -> Outcome {
        outcome_of_study(self.result, self.baseline, self.fail_on)
    }

    /// Name of the scenario's file, without extension.
    fn stem(&self) -> String {
        self.file.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }

    /// Name of the scenario's file, without the folders that it lies in.
    fn file_name(&self) -> String {
        self.file.file_name().map_or_else(|| "scenario".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The checks as people read them, each with its line in the file; 0 where it came from a `--set`.
    fn checks(&self) -> Vec<(CheckLine, usize)> {
        let lines = self.result.scenario.checks.iter().map(|check| check.line);
        content::checks(self.result, self.fail_on).into_iter().zip(lines).collect()
    }

    /// How many checks came out so.
    fn count(&self, outcome: Outcome) -> usize {
        self.checks().iter().filter(|(check, _)| check.outcome == outcome).count()
    }

    /// What must be said first of a study that was interrupted; else empty.
    fn interruption(&self) -> String {
        let (done, asked) = (self.result.records.len(), self.result.scenario.study.runs);
        if self.result.partial { format!("interrupted after {done} of {asked} runs; ") } else { String::new() }
    }

    /// How it came out, in a sentence without a full stop.
    fn sentence(&self) -> String {
        let checks = self.checks();
        let all = counted(checks.len() as f64, "check");
        let counts = [
            (self.count(Outcome::Failed), "failed"),
            (self.count(Outcome::Undecided), "undecided"),
            (self.count(Outcome::Warned), "only warned of"),
        ];
        let told: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let of_checks = match (checks.len(), told.is_empty()) {
            (0, _) => "no checks".to_owned(),
            (1, true) => "1 check passed".to_owned(),
            (_, true) => format!("all {all} passed"),
            (_, false) => format!("{all}: {}", told.join(", ")),
        };
        let worse = match self.baseline.map_or(0, |baseline| baseline.worse().count()) {
            0 => String::new(),
            count => format!("; {} worse than the baseline", counted(count as f64, "headline metric")),
        };
        format!("{}{of_checks}{worse}", self.interruption())
    }
}

/// The report of a study in each of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StudyForm {
    /// Text for a terminal of this style.
    Text(Style),
    /// What `summary.json` holds.
    Json,
    /// Markdown: of `run`, what `report.md` holds without the charts; of `check`, what `comment.md` holds.
    Markdown,
    /// What `junit.xml` holds.
    Junit,
    /// Annotations of the scenarios' lines, as workflow commands of GitHub Actions.
    Github,
    /// What `report.html` holds, of one study; of several, their pages one after another.
    Html,
}

impl StudyForm {
    /// Whether reports of several results may follow one another; else each is a document of its own.
    pub fn joins(self) -> bool {
        matches!(self, StudyForm::Text(_) | StudyForm::Markdown | StudyForm::Github)
    }

    /// The form that every other report has too, if it is one.
    pub fn common(self) -> Option<Form> {
        match self {
            StudyForm::Text(style) => Some(Form::Text(style)),
            StudyForm::Json => Some(Form::Json),
            StudyForm::Markdown => Some(Form::Markdown),
            StudyForm::Junit | StudyForm::Github | StudyForm::Html => None,
        }
    }
}

/// What `run` prints.
pub fn run_report_of(judged: &Judged<'_>, form: StudyForm) -> String {
    match form {
        StudyForm::Text(style) => terminal::summary(judged.result, style),
        StudyForm::Json => json::summary(judged.result),
        StudyForm::Markdown => markdown::report(judged.result, &[]),
        StudyForm::Junit => junit::report(&[*judged]),
        StudyForm::Github => github::report(&[*judged]),
        StudyForm::Html => html::page(judged.result, &judged.result.explored),
    }
}

/// What `check` prints; in JSON, an array of what `summary.json` would hold, each with what changed since its baseline.
pub fn check_report(judged: &[Judged<'_>], form: StudyForm) -> String {
    let texts = |of: &dyn Fn(&Judged<'_>) -> String| judged.iter().map(of).collect::<Vec<String>>();
    match form {
        StudyForm::Text(style) => match judged {
            [one] => text(one, style),
            // Scenarios are often named alike; their files are not.
            _ => {
                let of_each = texts(&|judged| format!("{}\n{}", judged.file_name(), text(judged, style))).join("\n");
                format!("{of_each}\n{}\n", counts_of_all(judged))
            }
        },
        StudyForm::Json => {
            let json = |judged: &Judged<'_>| json::summary_against(judged.result, judged.baseline);
            format!("[{}]\n", texts(&|judged| json(judged).trim_end().to_owned()).join(",\n"))
        }
        StudyForm::Markdown => comment::comment(judged),
        StudyForm::Junit => junit::report(judged),
        StudyForm::Github => github::report(judged),
        StudyForm::Html => texts(&|judged| html::page(judged.result, &judged.result.explored)).concat(),
    }
}

/// How several studies came out together: "3 rollouts: 1 failed, 2 passed".
fn counts_of_all(judged: &[Judged<'_>]) -> String {
    let count = |outcome| judged.iter().filter(|judged| judged.outcome() == outcome).count();
    let told = [
        (count(Outcome::Failed), "failed"),
        (count(Outcome::Undecided), "undecided"),
        (count(Outcome::Warned), "with warnings"),
        (count(Outcome::Passed), "passed"),
    ];
    let told: Vec<String> =
        told.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("{}: {}", counted(judged.len() as f64, "rollout"), told.join(", "))
}

/// The files that `run` writes for these forms beside those of every study.
pub fn run_files(judged: &Judged<'_>, forms: &[StudyForm]) -> Vec<OutputFile> {
    let junit = forms.contains(&StudyForm::Junit).then(|| OutputFile::new("junit.xml", junit::report(&[*judged])));
    junit.into_iter().chain(page(judged.result, forms)).collect()
}

/// The page of a study, where it is among these forms.
pub fn page(result: &StudyResult, forms: &[StudyForm]) -> Option<OutputFile> {
    let page = || OutputFile::new("report.html", html::page(result, &result.explored));
    forms.contains(&StudyForm::Html).then(page)
}

/// The files about all scenarios of a `check` together: the comment, and those of these forms.
pub fn check_files(judged: &[Judged<'_>], forms: &[StudyForm]) -> Vec<OutputFile> {
    let comment = OutputFile::new("comment.md", comment::comment(judged));
    let junit = forms.contains(&StudyForm::Junit).then(|| OutputFile::new("junit.xml", junit::report(judged)));
    std::iter::once(comment).chain(junit).collect()
}

/// The checks, why one does not hold, and what changed since the baseline, for a terminal.
fn text(judged: &Judged<'_>, style: Style) -> String {
    let mut lines = terminal::checks(judged.result, judged.fail_on, style);
    let is_broken = |check: &CheckLine| check.verdict == Verdict::Failed;
    if content::checks(judged.result, judged.fail_on).iter().any(is_broken) {
        lines.extend(terminal::cause(judged.result, style));
    }
    if let Some(against) = judged.baseline {
        lines.extend(baseline::lines(against, judged, style));
    } else if judged.lacks_baseline {
        lines.extend(wrap("", baseline::NONE_YET, style.width));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests;
