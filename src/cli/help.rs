//! What the program says of itself: alone, with `--help`, and beside an error of its arguments.
//!
//! The words on each command stand in [`super::arguments`]; here they are put in groups.

use clap::builder::Styles;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Error};

use super::arguments::Arguments;
use crate::report::wrap;

/// Commands by what they are for, in the order in which a newcomer meets them.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Simulate", &["run", "compare", "sweep"]),
    ("Decide", &["check", "grace", "power", "plan", "levers"]),
    ("Understand", &["explain", "report"]),
    ("Author", &["init", "schema", "profiles", "fit", "import", "export", "calibrate", "deploy"]),
    ("Integrate", &["merge", "completions", "man"]),
];
/// Where a command goes that no group names.
const OTHERS: &str = "Others";

/// Furthest from a command's name that a word is taken for it, in letters inserted, left out, changed or swapped.
const FURTHEST: usize = 2;

/// What is said when no command is given.
pub const WELCOME: &str = concat!(
    "cutover ",
    env!("CARGO_PKG_VERSION"),
    ": what will this rollout do to our users and to our bill?

It simulates a fleet of GPU replicas that serve a language model through a
rolling, blue-green or canary update, many times, and reports truncated
responses, capacity dips and dollars per million tokens, each with its 95 %
interval.

Begin with
  cutover init scenario.toml       write a commented scenario to start from
  cutover run scenario.toml        simulate it: what does its rollout do?
  cutover explain scenario.toml    one of its runs, decision by decision

Go on with
  cutover --help                   every command
  cutover run --help               one command, with examples
  README.md, docs/                 to a decision step by step; all keys
"
);

/// The widest that clap makes its own part of a help.
const WIDEST: usize = 100;

/// The definition of the arguments, its commands listed by what they are for, laid out for so many columns.
pub fn command(width: usize) -> Command {
    let width = width.min(WIDEST);
    let command = Arguments::command();
    let listed = listed(&command, width);
    let options = heading("Options");
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = names.into_iter().fold(with_after_help(command, width), |command, name| {
        command.mut_subcommand(name, |command| with_after_help(command, width))
    });
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{listed}{options}\n{{options}}{{after-help}}"
    ))
}

/// The command, what follows its options laid out by [`laid_out`].
fn with_after_help(command: Command, width: usize) -> Command {
    let Some(text) = command.get_after_help().map(ToString::to_string) else { return command };
    command.after_help(laid_out(&text, width))
}

/// What begins the note behind an example.
const NOTE: &str = "    # ";

/// Text after a help: the lines of a paragraph are joined, for clap to break; the notes behind examples stand in one
/// column where all of them fit, else each above its example.
fn laid_out(text: &str, width: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let noted: Vec<(&str, &str)> = lines.iter().filter_map(|line| line.split_once(NOTE)).collect();
    let length = |text: &str| text.chars().count();
    let column = noted.iter().map(|(example, _)| length(example)).max().unwrap_or(0);
    let fits = noted.iter().all(|(_, note)| column + length(NOTE) + length(note) <= width);
    let mut laid: Vec<String> = Vec::new();
    let mut in_paragraph = false;
    for line in lines {
        let is_prose = !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
        match (line.split_once(NOTE), laid.last_mut()) {
            (Some((example, note)), _) if fits => laid.push(format!("{example:column$}{NOTE}{note}")),
            (Some((example, note)), _) => laid.extend([format!("  # {note}"), example.to_owned()]),
            (None, Some(last)) if is_prose && in_paragraph => last.extend([" ", line]),
            (None, _) => laid.push(line.to_owned()),
        }
        in_paragraph = is_prose;
    }
    laid.join("\n")
}

/// A heading as clap styles its own.
fn heading(title: &str) -> String {
    let styles = Styles::styled();
    let style = styles.get_header();
    format!("{style}{title}:{style:#}")
}

/// The commands by group, each with what it is for.
fn listed(command: &Command, columns: usize) -> String {
    let literal = *Styles::styled().get_literal();
    let is_grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let line = |name: &str| {
        let about = command.find_subcommand(name)?.get_about()?;
        let lines = wrap(&format!("  {name:width$}  "), &about.to_string(), columns);
        Some(lines.join("\n").replacen(name, &format!("{literal}{name}{literal:#}"), 1) + "\n")
    };
    let others: Vec<&str> = names.iter().copied().filter(|name| !is_grouped(name)).collect();
    let groups = GROUPS.iter().copied().chain(std::iter::once((OTHERS, others.as_slice())));
    let mut text = String::new();
    for (title, names) in groups {
        let lines: String = names.iter().filter_map(|name| line(name)).collect();
        if !lines.is_empty() {
            text.push_str(&format!("{}\n{lines}\n", heading(title)));
        }
    }
    text
}

/// The example lines of a command's help, each whole: what a backslash continues is joined, notes after a `#` are cut.
pub fn examples(command: &Command) -> Vec<String> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let joined = after.replace("\\\n", " ");
    let lines = joined.lines().filter(|line| line.starts_with("  cutover "));
    lines.map(|line| line.split(NOTE).next().unwrap_or(line).trim().to_owned()).collect()
}

/// What helps beside clap's message: the nearest command, what to do with a file that stands in a command's place, else
/// an example of the command that was meant.
pub fn hint(error: &Error, arguments: &[String]) -> Option<String> {
    let command = Arguments::command();
    if error.kind() == ErrorKind::InvalidSubcommand {
        let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand) else { return None };
        if given.ends_with(".toml") {
            return Some(format!("To simulate it: cutover run {given}"));
        }
        if error.get(ContextKind::SuggestedSubcommand).is_some() {
            return None;
        }
        let names = command.get_subcommands().map(Command::get_name);
        let near = names.map(|name| (strsim::damerau_levenshtein(given, name), name)).min()?;
        let is_near = near.0 <= FURTHEST && near.0 < given.chars().count();
        return is_near.then(|| format!("Did you mean: cutover {}", near.1));
    }
    let meant = arguments.iter().skip(1).find_map(|word| command.find_subcommand(word))?;
    examples(meant).into_iter().next().map(|example| format!("Example: {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn said(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let error = command(80).try_get_matches_from(&words).expect_err(line);
        hint(&error, &words)
    }

    #[test]
    fn every_command_stands_in_one_group() {
        let command = Arguments::command();
        for name in command.get_subcommands().map(Command::get_name) {
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&name)).count();
            assert_eq!(groups, 1, "{name}");
        }
        assert!(!listed(&command, 80).contains(OTHERS));
    }

    /// What follows the options of every command, and of the program.
    fn every_after_help(width: usize) -> Vec<String> {
        let command = command(width);
        let commands = std::iter::once(&command).chain(command.get_subcommands());
        commands.filter_map(|command| Some(command.get_after_help()?.to_string())).collect()
    }

    #[test]
    fn the_help_fits_a_terminal_of_60_columns_and_of_80() {
        for width in [60, 80] {
            let help = command(width).term_width(width).render_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= width, "{line}");
            }
            assert!(!help.contains('{'), "a placeholder is left: {help}");
        }
        assert!(WELCOME.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn no_example_and_no_line_of_a_list_is_broken_at_80_columns() {
        for text in every_after_help(80) {
            for line in text.lines().filter(|line| line.starts_with(' ')) {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn lines_of_a_paragraph_are_joined_and_notes_stand_in_one_column_or_above() {
        let text = "Examples:\n  cutover a    # one\n  cutover longer    # two\n\nIt\ngoes on.\n\nCodes:\n  0    well";
        let wide =
            "Examples:\n  cutover a         # one\n  cutover longer    # two\n\nIt goes on.\n\nCodes:\n  0    well";
        let narrow = "Examples:\n  # one\n  cutover a\n  # two\n  cutover longer\n\nIt goes on.\n\nCodes:\n  0    well";
        assert_eq!(laid_out(text, 80), wide);
        assert_eq!(laid_out(text, 20), narrow);
    }

    #[test]
    fn every_command_has_examples_and_each_is_understood() {
        let mut count = 0;
        for command in Arguments::command().get_subcommands() {
            let examples = examples(command);
            let own = format!("cutover {}", command.get_name());
            assert!(examples.iter().any(|example| example.starts_with(&own)), "{} lacks one", command.get_name());
            for example in examples {
                let words: Vec<String> = shlex::Shlex::new(&example).collect();
                let end = words.iter().position(|word| ["|", ">", "<"].contains(&word.as_str()));
                let words = &words[..end.unwrap_or(words.len())];
                if let Err(error) = Arguments::try_parse_from(words) {
                    panic!("{example}: {error}");
                }
                count += 1;
            }
        }
        assert!(count >= 30, "{count}");
    }

    #[test]
    fn errors_of_arguments_come_with_what_would_do() {
        for (line, hint) in [
            ("cutover rnu", "Did you mean: cutover run"),
            ("cutover scenario.toml", "To simulate it: cutover run scenario.toml"),
            ("cutover run", "Example: cutover run scenario.toml"),
            ("cutover grace a.toml --cost-runs much", "Example: cutover grace scenario.toml"),
        ] {
            assert_eq!(said(line).as_deref(), Some(hint), "{line}");
        }
        for line in ["cutover bogus", "cutover --bogus"] {
            assert_eq!(said(line), None, "{line}");
        }
    }
}
