//! `explain`: one run as a person would want to read it.

use super::arguments::ExplainArguments;
use super::commands::{deliver, say_where};
use super::failure::{Ending, Failure};
use super::load::scenario;
use super::terminal::{form, write_report};
use crate::report::files::{OutputFile, check_place, write};
use crate::report::{self, Explained, csv};
use crate::scenario::{self, Scenario};
use crate::simulation::Prepared;
use crate::units::{Time, parse_duration};
use std::path::Path;

/// Asks for the list of all codes.
const ALL_CODES: &str = "codes";

/// `cutover explain`. With `--out`, the run's `events.csv` and `requests.csv` are written there.
///
/// # Errors
/// The scenario is wrong, or results cannot be written.
pub fn explain(arguments: &ExplainArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    if let Some(asked) = asked_for_a_code(&arguments.scenario) {
        return codes(asked);
    }
    let scenario = scenario(&arguments.scenario, simulating)?;
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

/// The argument, where it is a code or asks for all of them and no file has that name.
fn asked_for_a_code(argument: &Path) -> Option<&str> {
    let word = argument.to_str()?;
    let asks = word.eq_ignore_ascii_case(ALL_CODES) || scenario::is_code(word);
    (asks && !argument.exists()).then_some(word)
}

/// Prints what a code means, or the list of all.
fn codes(asked: &str) -> Result<Ending, Failure> {
    let text = if asked.eq_ignore_ascii_case(ALL_CODES) {
        report::list_of_codes()
    } else {
        let unknown = |near: String| {
            let help = if near.is_empty() { "`cutover explain codes` lists them".to_owned() } else { near };
            Failure::WrongUse(format!("error: there is no code {asked}\n  = help: {help}"))
        };
        report::meaning_of(scenario::explain(asked).map_err(unknown)?)
    };
    write_report(&text).map(|()| Ending::Well)
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
