//! The command line: arguments in, exit code out.
//!
//! Standard output carries the report alone; progress, warnings, timing and errors go to standard error. What is
//! computed and how it is written down lives elsewhere.

mod arguments;
mod commands;
mod compare;
mod explain;
mod failure;
mod fit;
mod grace;
mod init;
mod levers;
mod lint;
mod load;
mod plan;
mod power;
mod precise;
mod profiles;
mod progress;
mod stop;
mod sweep;
mod terminal;
mod unsupported;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
use failure::{Ending, Failure};

/// What is said when no command is given.
const WELCOME: &str = "\
cutover simulates a rollout of an LLM-serving fleet before you do it: what will it do to your users and to your bill?

Begin with
  cutover init scenario.toml    write a commented scenario to start from
  cutover run scenario.toml     simulate it
  cutover --help                every command
";

/// Runs the program with these arguments, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Some(said) = unsupported::not_supported_yet(&error) {
                terminal::say(&said);
                return ExitCode::from(Ending::WRONG_USE);
            }
            // Where the message itself cannot be written, nobody is left to be told.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Ending::WRONG_USE } else { 0 });
        }
    };
    let ending = match arguments.command {
        None => terminal::write_report(WELCOME).map(|()| Ending::Well),
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
        Command::Init(arguments) => init::init(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "cutover", &mut script);
            terminal::write_report(&String::from_utf8_lossy(&script)).map(|()| Ending::Well)
        }
    }
}
