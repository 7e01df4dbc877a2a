//! Annotations in the workflow commands of GitHub Actions (docs.github.com, "Workflow commands for GitHub Actions"): a line
//! on standard output for each, which GitHub shows at the line of the scenario that it is about.

use super::baseline::pairing;
use super::{Judged, baseline};
use crate::digits::counted;
use crate::lints::without_checks;
use crate::report::content::{CheckLine, plain};
use crate::report::format::{Quantity, difference, value};
use crate::scenario::{Problem, Problems};
use crate::study::{Against, Difference, Outcome, outcome_of_row};

/// Most annotations of a level that GitHub shows of one step; it drops what comes after them.
const MOST_SHOWN: usize = 10;

/// How grave an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something that fails the step.
    Error,
    /// Something that does not.
    Warning,
}

impl Level {
    fn command(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
        }
    }
}

/// Something to be shown at a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How grave it is.
    pub level: Level,
    /// The file as it was named; empty if it is about none.
    pub file: String,
    /// Line, from 1; 0 if it is about the file as a whole.
    pub line: usize,
    /// Column, from 1; 0 if it is about the line as a whole.
    pub column: usize,
    /// A few words.
    pub title: String,
    /// What is to be said.
    pub message: String,
}

impl Annotation {
    /// The workflow command.
    fn command(&self) -> String {
        let mut properties = Vec::new();
        if !self.file.is_empty() {
            properties.push(format!("file={}", property(&self.file)));
            if self.line > 0 {
                properties.push(format!("line={}", self.line));
                if self.column > 0 {
                    properties.push(format!("col={}", self.column));
                }
            }
        }
        properties.push(format!("title={}", property(&self.title)));
        format!("::{} {}::{}", self.level.command(), properties.join(","), data(&self.message))
    }
}

/// A message of which nothing is taken for the end of the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of which nothing is taken for the end of the property either.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The commands for these annotations, the gravest first, as many of each level as GitHub shows; ends in a newline unless
/// there is none.
pub fn annotations(annotations: &[Annotation]) -> String {
    let mut text = String::new();
    for level in [Level::Error, Level::Warning] {
        let of_level: Vec<&Annotation> = annotations.iter().filter(|annotation| annotation.level == level).collect();
        for annotation in of_level.iter().take(MOST_SHOWN) {
            text.push_str(&annotation.command());
            text.push('\n');
        }
        if let more @ 1.. = of_level.len().saturating_sub(MOST_SHOWN) {
            let more = counted(more as f64, level.command());
            text.push_str(&format!("cutover: {more} more: GitHub shows {MOST_SHOWN} of a step\n"));
        }
    }
    text
}

/// The annotations of everything that is wrong with a scenario.
pub fn of_problems(problems: &Problems) -> Vec<Annotation> {
    problems.problems.iter().map(|problem| of_problem(problem, &problems.file)).collect()
}

fn of_problem(problem: &Problem, file: &str) -> Annotation {
    let is_warning = problem.code.is_warning();
    let kind = if is_warning { "unwise" } else { "wrong" };
    let help = problem.help.as_ref().map(|help| format!("help: {help}"));
    let said = problem.set.iter().cloned().chain([problem.sentence()]).chain(help);
    Annotation {
        level: if is_warning { Level::Warning } else { Level::Error },
        file: file.to_owned(),
        line: problem.line,
        column: problem.column,
        title: format!("{}: {kind} scenario", problem.code),
        message: said.collect::<Vec<String>>().join("\n"),
    }
}

/// Everything to be said of these studies, and a last line with how they came out.
pub fn report(judged: &[Judged<'_>]) -> String {
    let mut all: Vec<(Outcome, Annotation)> = judged.iter().flat_map(of_study).collect();
    // What fails comes before what is undecided, since GitHub shows the first ones only.
    all.sort_by_key(|(outcome, _)| std::cmp::Reverse(*outcome));
    let all: Vec<Annotation> = all.into_iter().map(|(_, annotation)| annotation).collect();
    let mut text = annotations(&all);
    let is_alone = judged.len() == 1;
    for judged in judged {
        let file = if is_alone { String::new() } else { format!("{}: ", judged.file_name()) };
        text.push_str(&format!("cutover: {file}{}: {}\n", judged.result.scenario.name, judged.sentence()));
        if judged.lacks_baseline {
            text.push_str(&format!("cutover: {}\n", baseline::NONE_YET));
        }
    }
    text
}

fn of_study(judged: &Judged<'_>) -> Vec<(Outcome, Annotation)> {
    let file = judged.file.display().to_string();
    let checks = judged.checks().into_iter().filter(|(check, _)| check.outcome != Outcome::Passed);
    let mut all: Vec<(Outcome, Annotation)> =
        checks.map(|(check, line)| (check.outcome, of_check(&check, line, &file))).collect();
    if let Some(against) = judged.baseline {
        let row = |row| (outcome_of_row(row, judged.fail_on), of_row(row, against, judged, &file));
        all.extend(against.worse().map(row));
    }
    let scenario = &judged.result.scenario;
    // Of a study that was saved the text is not known any longer; this is about the file as a whole.
    let unguarded = without_checks(scenario).map(|problem| Problem { line: 1, column: 1, ..problem });
    let warnings = unguarded.iter().chain(&scenario.warnings);
    all.extend(warnings.map(|warning| (Outcome::Warned, of_problem(warning, &file))));
    all
}

fn of_check(check: &CheckLine, line: usize, file: &str) -> Annotation {
    let is_warning = check.outcome == Outcome::Warned;
    let title = check.standing();
    let only_warns = if is_warning { " (only warns)" } else { "" };
    let found = format!("found {}", plain(&check.found));
    let said = [found.as_str(), check.explanation.as_str(), check.description.as_str()];
    let said: Vec<&str> = said.into_iter().filter(|said| !said.is_empty()).collect();
    Annotation {
        level: if is_warning { Level::Warning } else { Level::Error },
        file: file.to_owned(),
        line,
        column: 0,
        title: format!("{} {title}{only_warns}", check.claim),
        message: said.join("\n"),
    }
}

fn of_row(row: &Difference, against: &Against, judged: &Judged<'_>, file: &str) -> Annotation {
    let is_failure = outcome_of_row(row, judged.fail_on) == Outcome::Failed;
    let quantity = Quantity::of(row.metric);
    let (before, now) = (value(row.mean_a, quantity), value(row.mean_b, quantity));
    Annotation {
        level: if is_failure { Level::Error } else { Level::Warning },
        file: file.to_owned(),
        line: 1,
        column: 0,
        title: format!("{} is worse than the baseline", row.metric.name()),
        message: format!(
            "mean {before} before, {now} now: {}\nbaseline: {}",
            difference(&row.difference, quantity),
            pairing(against)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(title: &str, message: &str) -> Annotation {
        Annotation {
            level: Level::Error,
            file: "a,b:c/50%.toml".to_owned(),
            line: 3,
            column: 7,
            title: title.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn nothing_of_a_text_ends_its_command() {
        let command = annotation("x: 1, 2", "50 %\r\n::error::mine, not: yours").command();
        assert_eq!(
            command,
            "::error file=a%2Cb%3Ac/50%25.toml,line=3,col=7,title=x%3A 1%2C 2::50 %25%0D%0A::error::mine, not: yours"
        );
    }

    #[test]
    fn a_place_that_is_not_known_is_left_out() {
        let whole = Annotation { line: 0, column: 0, ..annotation("t", "m") };
        assert_eq!(whole.command(), "::error file=a%2Cb%3Ac/50%25.toml,title=t::m");
        let nowhere = Annotation { file: String::new(), ..annotation("t", "m") };
        assert_eq!(nowhere.command(), "::error title=t::m");
    }

    #[test]
    fn ten_of_a_level_are_shown_and_the_rest_counted() {
        let warning = Annotation { level: Level::Warning, ..annotation("t", "m") };
        let mut all = vec![warning; 3];
        all.extend((0..12).map(|number| annotation(&format!("number {number}"), "m")));
        let text = annotations(&all);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 14, "{text}");
        assert!(lines[..10].iter().all(|line| line.starts_with("::error ")), "{text}");
        assert_eq!(lines[10], "cutover: 2 errors more: GitHub shows 10 of a step");
        assert!(lines[11..].iter().all(|line| line.starts_with("::warning ")), "{text}");
    }
}
