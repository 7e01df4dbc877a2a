//! What is designed and not supported yet, so that whoever asks for it is told so instead of being corrected.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error, ValueEnum};

use super::arguments::{Arguments, Format};

/// Commands to come.
const COMMANDS: &[&str] = &["import", "export", "calibrate", "deploy", "merge", "report"];
/// Formats to come.
const FORMATS: [&str; 3] = ["html", "junit", "github"];
/// Options to come.
const OPTIONS: [&str; 1] = ["--shard"];

/// What to say where the arguments were refused for asking for something that is not supported yet.
pub fn not_supported_yet(error: &Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let command = text(ContextKind::InvalidSubcommand)?;
            COMMANDS.contains(&command).then(|| sentence(&format!("cutover {command}"), &commands()))
        }
        ErrorKind::InvalidValue => {
            let argument = text(ContextKind::InvalidArg)?;
            let value = text(ContextKind::InvalidValue)?;
            let known = argument.starts_with("--format") && FORMATS.contains(&value);
            known.then(|| sentence(&format!("--format {value}"), &formats()))
        }
        ErrorKind::UnknownArgument => {
            let option = text(ContextKind::InvalidArg)?;
            OPTIONS.contains(&option).then(|| format!("error: `{option}` is not supported yet"))
        }
        _ => None,
    }
}

fn sentence(asked: &str, supported: &[String]) -> String {
    format!("error: `{asked}` is not supported yet; supported: {}", supported.join(", "))
}

fn commands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

fn formats() -> Vec<String> {
    let values = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn said(line: &str) -> Option<String> {
        let error = Arguments::try_parse_from(line.split(' ')).expect_err(line);
        not_supported_yet(&error)
    }

    #[test]
    fn what_is_to_come_is_named_with_what_there_is() {
        for command in COMMANDS {
            let said = said(&format!("cutover {command} scenario.toml --grid x")).expect(command);
            assert!(said.starts_with(&format!("error: `cutover {command}` is not supported yet; ")), "{said}");
            assert!(said.ends_with(&format!("supported: {}", commands().join(", "))), "{said}");
        }
        for format in FORMATS {
            let said = said(&format!("cutover run a.toml --format {format}")).expect(format);
            let expected = format!("error: `--format {format}` is not supported yet; supported: text, json, md");
            assert_eq!(said, expected);
        }
        for line in ["cutover run a.toml --shard 0/4", "cutover run a.toml --shard=0/4"] {
            assert_eq!(said(line).as_deref(), Some("error: `--shard` is not supported yet"), "{line}");
        }
    }

    #[test]
    fn what_was_never_promised_is_left_to_the_usual_message() {
        for line in ["cutover bogus", "cutover run a.toml --format xml", "cutover run a.toml --bogus", "cutover run"] {
            assert_eq!(said(line), None, "{line}");
        }
    }
}
