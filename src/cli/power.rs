//! `power`: will the canary catch it?

use std::sync::atomic::AtomicBool;

use super::arguments::{EstimatorArgument, PowerArguments, Simulating};
use super::commands::{Beside, conclude};
use super::failure::{Ending, Failure};
use super::load::{output_directory, scenario, variant};
use super::progress::Progress;
use super::stop::on_interrupt;
use super::terminal::say;
use crate::digits::percent_as_given;
use crate::report::files::{AS_WRITTEN, check_place};
use crate::study::power::{Design, EstimatorName, Power, Reach, Regression, Request, deciding, design};

/// `cutover power`.
///
/// # Errors
/// The scenario or the arguments are wrong, the scenario has nothing that could catch a bad version, or results cannot be
/// written.
pub fn power(arguments: &PowerArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let request = request(arguments)?;
    let base = scenario(&arguments.scenario, simulating)?;
    let refuse = |expected: String| {
        Failure::WrongUse(format!("error: {} has no power to be found\n  = {expected}", arguments.scenario.display()))
    };
    // Before what follows from the arguments, so that the greater mistake is told first.
    deciding(&base).map_err(refuse)?;
    let wrong = |expected: String| Failure::WrongUse(format!("error: {expected}"));
    let as_written = base.clone();
    let load = |further: &[String]| variant(&arguments.scenario, simulating, further);
    let design = design(base, request, &load, &wrong)?;
    if !simulating.quiet {
        design.left_out.iter().for_each(|why| say(&format!("warning: left out: {why}")));
    }
    let directory = output_directory(&arguments.scenario, simulating.out.as_deref());
    check_place(&directory)?;
    let stop = on_interrupt()?;
    let power = simulate(design, simulating, stop)?;
    let beside = (!power.partial).then_some(Beside { folder: AS_WRITTEN, scenario: as_written });
    let interrupted =
        conclude(&power, Ok(Vec::new()), beside, &directory, simulating, arguments.printing.format, stop)?;
    Ok(if interrupted { Ending::Interrupted } else { ending(&power) })
}

/// How the canary as written ends the program.
pub(super) fn ending(power: &Power) -> Ending {
    match power.verdict() {
        _ if power.partial => Ending::Interrupted,
        Reach::Reached => Ending::Well,
        Reach::Missed => Ending::CheckFailed,
        Reach::Undecided => Ending::Inconclusive,
    }
}

/// What is asked, as far as it can be told without the scenario.
fn request(arguments: &PowerArguments) -> Result<Request, Failure> {
    if arguments.power <= arguments.false_alarm {
        return Err(Failure::WrongUse(format!(
            "error: --power {} is not above --false-alarm {}\n  = expected a canary to give up more of the bad versions than \
             of the good ones",
            percent_as_given(arguments.power),
            percent_as_given(arguments.false_alarm)
        )));
    }
    let regressions = (arguments.regression.iter())
        .map(|text| {
            Regression::parse(text).map_err(|expected| {
                Failure::WrongUse(format!("error: wrong value for `--regression {text}`\n  = {expected}"))
            })
        })
        .collect::<Result<Vec<Regression>, Failure>>()?;
    let repeated = (regressions.iter().enumerate())
        .find(|(at, one)| regressions[..*at].iter().any(|earlier| earlier.kind == one.kind));
    if let Some((_, regression)) = repeated {
        let name = regression.kind.name();
        return Err(Failure::WrongUse(format!("error: `{name}` is given twice; give all its sizes at once")));
    }
    let estimators = arguments.estimators.as_ref().map(|names| {
        let mut names: Vec<EstimatorName> = names.iter().copied().map(name_of).collect();
        // Each once, in the order given.
        let all = names.clone();
        let mut at = 0..;
        names.retain(|name| at.next().is_some_and(|at| !all[..at].contains(name)));
        names
    });
    Ok(Request {
        regressions,
        estimators,
        power: arguments.power,
        false_alarm: arguments.false_alarm,
        at: arguments.at.clone(),
        levers: !arguments.curves_only,
    })
}

fn name_of(estimator: EstimatorArgument) -> EstimatorName {
    match estimator {
        EstimatorArgument::Exact => EstimatorName::Exact,
        EstimatorArgument::Prometheus => EstimatorName::Prometheus,
        EstimatorArgument::MannWhitney => EstimatorName::MannWhitney,
    }
}

/// Simulates with progress on standard error.
fn simulate(design: Design, simulating: &Simulating, stop: &AtomicBool) -> Result<Power, Failure> {
    let progress = Progress::begin(&design.base.name, design.total_runs(), simulating.quiet);
    let power = design.simulate(simulating.threads(), &|runs| progress.done(runs), stop);
    progress.finish();
    power.ok_or(Failure::InterruptedAtOnce)
}
