//! `explain`: one run as a person would want to read it.

use super::arguments::ExplainArguments;
use super::commands::{deliver, say_where};
use super::failure::{Ending, Failure};
use super::load::scenario;
use super::terminal::form;
use crate::report::files::{OutputFile, check_place, write};
use crate::report::{self, Explained, csv};
use crate::scenario::Scenario;
use crate::simulation::Prepared;
use crate::units::{Time, parse_duration};

/// `cutover explain`. With `--out`, the run's `events.csv` and `requests.csv` are written there.
///
/// # Errors
/// The scenario is wrong, or results cannot be written.
pub fn explain(arguments: &ExplainArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let scenario = scenario(&arguments.scenario, &simulating.settings(), simulating.quiet)?;
    simulating.out.as_deref().map_or(Ok(()), check_place)?;
    let moments = moments(&arguments.at, &scenario)?;
    let prepared = Prepared::new(scenario);
    let (record, log) = prepared.log_run(arguments.run);
    let saved = simulating.out.as_ref().map_or(Ok(()), |directory| {
        let files =
            [OutputFile::new("events.csv", csv::events(&log)), OutputFile::new("requests.csv", csv::requests(&log))];
        // The logs of a run join the results of its study, if they lie there.
        write(directory, &files)?;
        say_where(directory, simulating.quiet);
        Ok(())
    });
    let explained = Explained {
        scenario: &prepared.scenario,
        record: &record,
        log: &log,
        moments: &moments,
        every_event: arguments.every_event,
    };
    deliver(saved, &report::run_report(&explained, form(arguments.printing.format)))?;
    Ok(Ending::Well)
}

/// The times at which the fleet is to be shown, in order.
fn moments(at: &[String], scenario: &Scenario) -> Result<Vec<Time>, Failure> {
    let end = scenario.study.duration + scenario.study.cool_down;
    let read = |text: &String| match parse_duration(text) {
        Ok(at) if at <= end => Ok(Time::ZERO + at),
        Ok(_) => Err(Failure::WrongUse(format!("error: --at {text}: expected a time before the run's end, at {end}"))),
        Err(expected) => Err(Failure::WrongUse(format!("error: --at {text}: {expected}"))),
    };
    let mut moments = at.iter().map(read).collect::<Result<Vec<Time>, Failure>>()?;
    moments.sort_unstable();
    Ok(moments)
}
