//! Standard output and standard error.

use std::io::{self, IsTerminal, Write};

use super::arguments::{Format, StudyFormat};
use super::failure::Failure;
use crate::report::{Form, StudyForm, Style};

/// Columns of a report that goes to no terminal, and the most that one fills on a terminal.
const WIDTH: usize = 100;
/// The narrowest report; a narrower terminal wraps by itself.
const NARROWEST: usize = 60;

/// Prints the report on standard output.
///
/// # Errors
/// Standard output cannot be written to. A reader that has had enough (a closed pipe) is no error.
pub fn write_report(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::InputOutput(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something on standard error.
pub fn say(text: &str) {
    // Where standard error is closed, nobody is left to be told.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether colour is wanted on this stream: it is a terminal that knows any, and `NO_COLOR` is not set.
pub fn colors(stream: &impl IsTerminal) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// The form of the report that was asked for.
pub fn form(format: Format) -> Form {
    match format {
        Format::Json => Form::Json,
        Format::Md => Form::Markdown,
        Format::Text => Form::Text(style()),
    }
}

/// How standard output wants its text.
pub fn style() -> Style {
    let size = console::Term::stdout().size_checked();
    let width = size.map_or(WIDTH, |(_, columns)| usize::from(columns).clamp(NARROWEST, WIDTH));
    Style { color: colors(&io::stdout()), width }
}

/// The forms of a study's report that were asked for, the one for standard output first.
pub fn study_forms(formats: &[StudyFormat]) -> Vec<StudyForm> {
    let form = |format: &StudyFormat| match format {
        StudyFormat::Text => StudyForm::Text(style()),
        StudyFormat::Json => StudyForm::Json,
        StudyFormat::Md => StudyForm::Markdown,
        StudyFormat::Junit => StudyForm::Junit,
        StudyFormat::Github => StudyForm::Github,
        StudyFormat::Html => StudyForm::Html,
    };
    formats.iter().map(form).collect()
}

/// The one of these forms that goes to standard output: the first that is no page for a browser, else the summary.
pub fn printed(forms: &[StudyForm]) -> StudyForm {
    forms.iter().copied().find(|form| *form != StudyForm::Html).unwrap_or_else(|| StudyForm::Text(style()))
}
