//! `fit`: from a recorded trace to what a scenario could draw in its place.

use super::arguments::FitArguments;
use super::commands::{deliver, save};
use super::failure::{Ending, Failure};
use super::load::output_directory;
use super::terminal::{form, say};
use crate::fit::TraceFit;
use crate::report::files::check_place;
use crate::report::{self, Fitted};
use crate::trace::Trace;

/// `cutover fit`.
///
/// # Errors
/// The trace cannot be read, or is wrong, or results cannot be written.
pub fn fit(arguments: &FitArguments) -> Result<Ending, Failure> {
    let file = &arguments.trace;
    let wrong = |reason: String| Failure::WrongUse(format!("error: {reason}"));
    let trace = Trace::read(file, &file.display().to_string(), &|_, _| None).map_err(wrong)?;
    if let Some(doubt) = trace.doubt().filter(|_| !arguments.quiet) {
        say(&format!("warning: {}: {doubt}", file.display()));
    }
    let directory = output_directory(file, arguments.out.as_deref());
    check_place(&directory)?;
    let fit = TraceFit::of(&trace);
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let fitted = Fitted { name: &name, fit: &fit };
    let saved =
        report::fit_files(&fitted).map_err(Failure::from).and_then(|files| save(&directory, &files, arguments.quiet));
    deliver(saved, &report::fit_report(&fitted, form(arguments.printing.format)))?;
    Ok(Ending::Well)
}
