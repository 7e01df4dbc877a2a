//! `init`: a scenario to start from.

use std::fs::File;
use std::io::{ErrorKind, Write};

use super::arguments::InitArguments;
use super::failure::{Ending, Failure};
use super::terminal::say;

/// A small scenario with a comment on every key that a newcomer changes first.
const STARTER: &str = include_str!("starter.toml");

/// `cutover init`.
///
/// # Errors
/// The file exists already, or cannot be written.
pub fn init(arguments: &InitArguments) -> Result<Ending, Failure> {
    let file = arguments.file.display();
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::WrongUse(format!("error: {file} exists already; choose another name, or remove it first"))
        }
        _ => Failure::InputOutput(format!("cannot write {file}: {error}")),
    };
    let mut created = File::create_new(&arguments.file).map_err(cannot)?;
    created.write_all(STARTER.as_bytes()).map_err(cannot)?;
    say(&format!("wrote {file}; simulate it with\n  cutover run {file}"));
    Ok(Ending::Well)
}
