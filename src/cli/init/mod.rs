//! `init`: a scenario to start from, for a model on known hardware and a strategy.
//!
//! It asks nothing: what is not said has a default, and what follows from the profile (the rate, the grace period, the
//! objective, how long the rollout may take) is computed and said in a comment.

mod document;
mod sizing;
mod strategy;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::arguments::InitArguments;
use super::failure::{Ending, Failure};
use super::terminal::{say, write_report};
use crate::profiles;
use sizing::{Sizing, Wanted};

/// `cutover init`.
///
/// # Errors
/// There is no such profile, the file exists already, or it cannot be written.
pub fn init(arguments: &InitArguments) -> Result<Ending, Failure> {
    let profile = profiles::find(&arguments.profile).map_err(|unknown| {
        let name = &arguments.profile;
        Failure::WrongUse(format!("error: there is no hardware profile {name:?}\n  = help: {}", unknown.help()))
    })?;
    let wanted = Wanted {
        profile,
        strategy: arguments.strategy,
        replicas: arguments.replicas,
        rate: arguments.rate,
        gpu_hour_usd: arguments.gpu_hour_usd,
    };
    let text = document::write(&wanted, &Sizing::of(&wanted));
    if arguments.stdout || arguments.file == Path::new("-") {
        write_report(&text)?;
        return Ok(Ending::Well);
    }
    let file = arguments.file.display();
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::WrongUse(format!("error: {file} exists already; choose another name, or remove it first"))
        }
        _ => Failure::InputOutput(format!("cannot write {file}: {error}")),
    };
    let mut created = File::create_new(&arguments.file).map_err(cannot)?;
    created.write_all(text.as_bytes()).map_err(cannot)?;
    say(&format!(
        "wrote {file}: {} on {} replicas, strategy {}\n\n{}",
        profile.name,
        wanted.replicas,
        wanted.strategy.word(),
        next(&file.to_string())
    ));
    Ok(Ending::Well)
}

/// What to do with the scenario, each command under what it is for.
fn next(file: &str) -> String {
    let mut lines = vec!["Next".to_owned()];
    for (what, command) in [
        ("what does its rollout do?", format!("run {file}")),
        ("one of its runs, decision by decision", format!("explain {file}")),
        ("do its promises hold? In CI, by the exit code", format!("check {file}")),
        (
            "and with Kubernetes' default grace period, on the same requests?",
            format!("compare {file} --variant termination.grace_period=30s"),
        ),
    ] {
        lines.extend([format!("  # {what}"), format!("  cutover {command}")]);
    }
    lines.join("\n")
}
