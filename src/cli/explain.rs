//! `explain`: everything that happens in one run.

use super::arguments::ExplainArguments;
use super::commands::save;
use super::failure::{Ending, Failure};
use super::load::scenario;
use super::terminal::{form, write_report};
use crate::report::files::{OutputFile, check_place};
use crate::report::{self, csv};
use crate::simulation::Prepared;

/// `cutover explain`. With `--out`, the run's `events.csv` and `requests.csv` are written there.
///
/// # Errors
/// The scenario is wrong, or results cannot be written.
pub fn explain(arguments: &ExplainArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let scenario = scenario(&arguments.scenario, &simulating.settings(), simulating.quiet)?;
    simulating.out.as_deref().map_or(Ok(()), check_place)?;
    let name = scenario.name.clone();
    let (_, log) = Prepared::new(scenario).log_run(arguments.run);
    write_report(&report::run_report(&name, arguments.run, &log, form(simulating.format)))?;
    if let Some(directory) = &simulating.out {
        let files =
            [OutputFile::new("events.csv", csv::events(&log)), OutputFile::new("requests.csv", csv::requests(&log))];
        save(directory, &files, simulating)?;
    }
    Ok(Ending::Well)
}
