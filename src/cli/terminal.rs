//! Standard output and standard error: how wide they are, whether they take colour and more than ASCII.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstream::stream::RawStream;

use super::arguments::{Format, StudyFormat};
use super::failure::Failure;
use crate::report::{Form, StudyForm, Style};

/// Columns of a report that goes to no terminal, unless `COLUMNS` says how many.
const WIDTH: usize = 100;
/// The narrowest report; a narrower terminal wraps by itself.
const NARROWEST: usize = 60;
/// The widest: what eyes can follow along one row of a table.
const WIDEST: usize = 160;

/// What a terminal without Unicode shows instead of the reports' own marks and lines; letters of names stay as they are.
const PLAIN: [(char, &str); 12] = [
    ('✔', "+"),
    ('✖', "x"),
    ('◌', "."),
    ('⚠', "!"),
    ('├', "|"),
    ('└', "`"),
    ('│', "|"),
    ('─', "-"),
    ('µ', "u"),
    ('±', "+-"),
    ('∞', "inf"),
    ('\u{a0}', " "),
];

/// Prints the report on standard output.
///
/// # Errors
/// Standard output cannot be written to. A reader that has had enough (a closed pipe) is no error.
pub fn write_report(text: &str) -> Result<(), Failure> {
    let text = shown_on(&io::stdout(), text);
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
    let text = shown_on(&io::stderr(), text);
    // Where standard error is closed, nobody is left to be told.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether colour is wanted on this stream. By `--color`; of `auto`, where the stream is a terminal that knows colours,
/// or `CLICOLOR_FORCE` is set, and `NO_COLOR` is not.
pub fn colors(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// Sets what [`colors`] answers by `--color`, for clap's own messages too.
pub fn set_colors(choice: clap::ColorChoice) {
    let choice = match choice {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Whether this stream is a terminal that shows nothing but ASCII: the Linux console, whose font has no marks, a dumb one,
/// or a locale of another encoding. What is no terminal gets the same bytes everywhere.
pub fn is_ascii_only(stream: &impl IsTerminal) -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    stream.is_terminal() && lacks_unicode(set("TERM").as_deref(), locale.as_deref())
}

/// See [`is_ascii_only`]; where no locale is set, as in most containers, terminals know Unicode all the same.
fn lacks_unicode(term: Option<&str>, locale: Option<&str>) -> bool {
    let is_utf8 = |locale: &str| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    };
    matches!(term, Some("linux" | "dumb")) || locale.is_some_and(|locale| !is_utf8(locale))
}

/// The text as this stream can show it.
fn shown_on(stream: &impl IsTerminal, text: &str) -> String {
    if is_ascii_only(stream) { in_ascii(text) } else { text.to_owned() }
}

fn in_ascii(text: &str) -> String {
    let shown = |c: char| {
        let plain = PLAIN.iter().find(|(mark, _)| *mark == c);
        plain.map_or_else(|| c.to_string(), |(_, plain)| (*plain).to_owned())
    };
    text.chars().map(shown).collect()
}

/// Columns of the report: the terminal's; where it is none, those that `COLUMNS` says.
fn width() -> usize {
    let terminal = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    width_of(terminal, std::env::var("COLUMNS").ok().as_deref())
}

fn width_of(terminal: Option<usize>, columns: Option<&str>) -> usize {
    let said = || columns.and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    terminal.filter(|columns| *columns > 0).or_else(said).unwrap_or(WIDTH).clamp(NARROWEST, WIDEST)
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
    Style { color: colors(&io::stdout()), width: width() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_knows_its_width_and_else_columns_says_it() {
        assert_eq!(width_of(Some(80), Some("140")), 80);
        assert_eq!(width_of(None, Some("140")), 140);
        for (columns, expected) in [("30", NARROWEST), ("9999", WIDEST), ("0", WIDTH), ("wide", WIDTH), ("", WIDTH)] {
            assert_eq!(width_of(None, Some(columns)), expected, "{columns}");
        }
        assert_eq!(width_of(None, None), WIDTH);
        assert_eq!(width_of(Some(0), None), WIDTH, "a terminal that does not know");
    }

    #[test]
    fn terminals_without_unicode_get_marks_of_ascii_and_names_as_they_are() {
        assert!(in_ascii("✔ ✖ ? ├─ 12 µs ±5 % [0, ∞]\u{a0}ok").is_ascii());
        assert_eq!(in_ascii("Müller"), "Müller");
    }

    #[test]
    fn only_consoles_and_other_encodings_lack_unicode() {
        for (term, locale, lacks) in [
            (Some("xterm-256color"), Some("en_US.UTF-8"), false),
            (Some("xterm"), Some("de_DE.utf8"), false),
            (Some("xterm"), None, false),
            (None, None, false),
            (Some("linux"), Some("en_US.UTF-8"), true),
            (Some("dumb"), None, true),
            (Some("xterm"), Some("C"), true),
            (Some("xterm"), Some("de_DE.ISO-8859-1"), true),
        ] {
            assert_eq!(lacks_unicode(term, locale), lacks, "{term:?} {locale:?}");
        }
    }
}
