//! `explain`: everything that happens in one run.

use super::arguments::ExplainArguments;
use super::commands::{deliver, say_where};
use super::failure::{Ending, Failure};
use super::load::scenario;
use super::terminal::form;
use crate::report::files::{OutputFile, check_place, write};
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
    let saved = simulating.out.as_ref().map_or(Ok(()), |directory| {
        let files =
            [OutputFile::new("events.csv", csv::events(&log)), OutputFile::new("requests.csv", csv::requests(&log))];
        // The logs of a run join the results of its study, if they lie there.
        write(directory, &files)?;
        say_where(directory, simulating.quiet);
        Ok(())
    });
    deliver(saved, &report::run_report(&name, arguments.run, &log, form(simulating.format)))?;
    Ok(Ending::Well)
}
