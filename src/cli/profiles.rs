//! `profiles`: the hardware profiles that ship.

use super::arguments::ProfilesArguments;
use super::commands::deliver;
use super::failure::{Ending, Failure};
use super::terminal::{form, say};
use crate::profiles;
use crate::report::files::{check_place, write};
use crate::report::profiles::{list_report, profile_files, profile_report};

/// `cutover profiles`. With `--out`, the profile's files join whatever lies there.
///
/// # Errors
/// There is no such profile, or its files cannot be written.
pub fn profiles(arguments: &ProfilesArguments) -> Result<Ending, Failure> {
    let form = form(arguments.printing.format);
    let Some(name) = &arguments.name else {
        return deliver(Ok(()), &list_report(form)).map(|()| Ending::Well);
    };
    let profile = profiles::find(name).map_err(|unknown| {
        Failure::WrongUse(format!("error: there is no hardware profile {name:?}\n  = help: {}", unknown.help()))
    })?;
    arguments.out.as_deref().map_or(Ok(()), check_place)?;
    let saved = arguments.out.as_ref().map_or(Ok(()), |directory| {
        write(directory, &profile_files(profile)?)?;
        if !arguments.quiet {
            say(&format!("{} in {}", profile.name, directory.display()));
        }
        Ok(())
    });
    deliver(saved, &profile_report(profile, form))?;
    Ok(Ending::Well)
}
