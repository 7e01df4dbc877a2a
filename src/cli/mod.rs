//! The command line: arguments in, exit code out.
//!
//! Standard output carries the report alone; progress, warnings, timing and errors go to standard error. What is
//! computed and how it is written down lives elsewhere.

mod arguments;
mod baseline;
#[cfg(test)]
mod ci_page;
mod commands;
mod compare;
mod explain;
mod failure;
mod fit;
mod grace;
mod help;
mod init;
mod levers;
mod lint;
mod load;
mod man;
mod plan;
mod power;
mod precise;
mod profiles;
mod progress;
mod report;
mod schema;
mod stop;
mod sweep;
mod terminal;
mod unsupported;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ColorChoice, FromArgMatches, ValueEnum};

use arguments::{Arguments, Command};
use failure::{Ending, Failure};

/// Runs the program with these arguments, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let parsed = help::command(terminal::style().width).try_get_matches_from(&words);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error, &words),
    };
    terminal::set_colors(arguments.color);
    let ending = match arguments.command {
        None => terminal::write_report(help::WELCOME).map(|()| Ending::Well),
        Some(command) => dispatch(command),
    };
    match ending {
        Ok(ending) => ExitCode::from(ending.code()),
        Err(failure) => {
            terminal::say(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

/// Says what is wrong with the arguments, or the help that they asked for.
fn refused(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    terminal::set_colors(color_asked(&words));
    if let Some(said) = unsupported::not_supported_yet(error) {
        terminal::say(&said);
        return ExitCode::from(Ending::WRONG_USE);
    }
    // Where the message itself cannot be written, nobody is left to be told.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if let Some(hint) = help::hint(error, &words) {
        terminal::say(&hint);
    }
    ExitCode::from(Ending::WRONG_USE)
}

/// What `--color` asks for among arguments that are not understood as a whole.
fn color_asked(words: &[String]) -> ColorChoice {
    let value = |(at, word): (usize, &String)| match word.strip_prefix("--color")? {
        "" => words.get(at + 1).cloned(),
        rest => rest.strip_prefix('=').map(str::to_owned),
    };
    let asked = words.iter().enumerate().find_map(value);
    asked.and_then(|asked| ColorChoice::from_str(&asked, false).ok()).unwrap_or(ColorChoice::Auto)
}

fn dispatch(command: Command) -> Result<Ending, Failure> {
    match command {
        Command::Run(arguments) => commands::run(&arguments),
        Command::Check(arguments) => commands::check(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Power(arguments) => power::power(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Levers(arguments) => levers::levers(&arguments),
        Command::Sweep(arguments) => sweep::sweep(&arguments),
        Command::Grace(arguments) => grace::grace(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Profiles(arguments) => profiles::profiles(&arguments),
        Command::Fit(arguments) => fit::fit(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Init(arguments) => init::init(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Man(arguments) => man::man(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut help::command(terminal::style().width), "cutover", &mut script);
            terminal::write_report(&String::from_utf8_lossy(&script)).map(|()| Ending::Well)
        }
    }
}
