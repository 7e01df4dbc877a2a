//! What is designed and not supported yet, so that whoever asks for it is told so instead of being corrected.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};

use super::arguments::Arguments;

/// Commands to come.
const COMMANDS: &[&str] = &["import", "export", "calibrate", "deploy", "merge"];
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
            let supported = commands().join(", ");
            let said = || format!("error: `cutover {command}` is not supported yet; supported: {supported}");
            COMMANDS.contains(&command).then(said)
        }
        ErrorKind::UnknownArgument => {
            let option = text(ContextKind::InvalidArg)?;
            OPTIONS.contains(&option).then(|| format!("error: `{option}` is not supported yet"))
        }
        _ => None,
    }
}

fn commands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
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
        for line in ["cutover run a.toml --shard 0/4", "cutover run a.toml --shard=0/4"] {
            assert_eq!(said(line).as_deref(), Some("error: `--shard` is not supported yet"), "{line}");
        }
    }

    #[test]
    fn what_was_never_promised_is_left_to_the_usual_message() {
        for line in [
            "cutover bogus",
            "cutover run a.toml --format xml",
            "cutover grace a.toml --format junit",
            "cutover run a.toml --bogus",
            "cutover run",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }
}
