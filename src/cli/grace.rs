//! `grace`: how long the termination grace period must be.

use super::arguments::GraceArguments;
use super::commands::{Beside, conclude};
use super::failure::{Ending, Failure};
use super::load::{output_directory, scenario};
use super::progress::Progress;
use super::stop::on_interrupt;
use super::terminal::say;
use crate::report::GraceReport;
use crate::report::files::{AS_WRITTEN, check_place};
use crate::scenario::{ActionKind, OnSigterm, Scenario, Strategy, parse_values};
use crate::study::grace::{GraceAnswer, GraceStudy, Question, Target, counts_only, runs_without_an_event};
use crate::units::{Duration, parse_duration};

/// The target where none is given: of a thousand rollouts one cuts an answer.
const DEFAULT_PROBABILITY: f64 = 1e-3;

/// `cutover grace`.
///
/// # Errors
/// The scenario or an argument is wrong, or results cannot be written.
pub fn grace(arguments: &GraceArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let question = Question {
        periods: arguments.periods.as_deref().map(periods).transpose()?,
        target: target(arguments)?,
        cost_runs: arguments.cost_runs,
    };
    let scenario = scenario(&arguments.scenario, simulating)?;
    if !shuts_down(&scenario) {
        let hint = "error: this scenario shuts no replica down, so that no grace period matters: rollout.strategy is \
                    \"none\" and no [[action]] sets fewer replicas";
        return Err(Failure::WrongUse(hint.to_owned()));
    }
    if !simulating.quiet {
        warnings(&scenario, question.target).iter().for_each(|warning| say(&format!("warning: {warning}")));
    }
    let directory = output_directory(&arguments.scenario, simulating.out.as_deref());
    check_place(&directory)?;
    let stop = on_interrupt()?;
    let study = GraceStudy::new(scenario.clone(), question);
    let progress = Progress::begin(&scenario.name, study.simulations(), simulating.quiet);
    let answer = study.run(simulating.threads(), &|done| progress.done(done), stop);
    progress.finish();
    let answer = answer.ok_or(Failure::InterruptedAtOnce)?;
    let report = GraceReport { answer: &answer };
    let beside = (!answer.partial).then_some(Beside { folder: AS_WRITTEN, scenario });
    let interrupted =
        conclude(&report, Ok(Vec::new()), beside, &directory, simulating, arguments.printing.format, stop)?;
    Ok(if interrupted { Ending::Interrupted } else { ending(&answer) })
}

/// How an answer ends the program.
pub(super) fn ending(answer: &GraceAnswer) -> Ending {
    match answer.smallest {
        _ if answer.partial => Ending::Interrupted,
        Some(_) => Ending::Well,
        None if answer.all_exceed() => Ending::CheckFailed,
        None => Ending::Inconclusive,
    }
}

/// Reads `--periods`.
fn periods(text: &str) -> Result<Vec<Duration>, Failure> {
    let wrong = |reason: String| Failure::WrongUse(format!("error: --periods: {reason}"));
    let values = parse_values(text).map_err(wrong)?;
    let read = |value: &String| {
        parse_duration(value).map_err(|reason| wrong(format!("`{value}` is no grace period: {reason}")))
    };
    values.iter().map(read).collect()
}

fn target(arguments: &GraceArguments) -> Result<Target, Failure> {
    let wrong = |expected: &str| Err(Failure::WrongUse(format!("error: {expected}")));
    match (arguments.target_count, arguments.target_probability.unwrap_or(DEFAULT_PROBABILITY)) {
        (Some(count), _) if count > 0.0 && count.is_finite() => Ok(Target::Count(count)),
        (Some(count), _) => wrong(&format!("--target-count: expected a number above 0, such as 0.01, found {count}")),
        (None, share) if share > 0.0 && share < 1.0 => Ok(Target::Probability(share)),
        (None, share) => {
            wrong(&format!("--target-probability: expected a number between 0 and 1, such as 0.001, found {share}"))
        }
    }
}

/// Whether anything in a scenario may shut a replica down.
fn shuts_down(scenario: &Scenario) -> bool {
    let rolls_out = !matches!(scenario.rollout.strategy, Strategy::None);
    rolls_out || scenario.actions.iter().any(|action| matches!(action.kind, ActionKind::SetReplicas(_)))
}

/// What makes the answer say less than it seems to.
fn warnings(scenario: &Scenario, target: Target) -> Vec<String> {
    let mut warnings = Vec::new();
    let termination = &scenario.termination;
    if termination.on_sigterm == OnSigterm::Abort {
        warnings.push(format!(
            "the server drops everything at SIGTERM (termination.on_sigterm = \"abort\"): a grace period beyond \
             termination.pre_stop = {} changes nothing; what helps is a server that drains, or a longer preStop hook",
            termination.pre_stop
        ));
    }
    let drains = termination.on_sigterm == OnSigterm::Drain;
    let (runs, needed) = (scenario.study.runs, runs_without_an_event(target.value()));
    if drains && counts_only(scenario) && (runs as f64) < needed {
        warnings.push(format!(
            "in this scenario cut answers can only be counted, and {runs} runs without any do not show the target of {}: \
             at least {needed} are needed (--runs)",
            target.value()
        ));
    }
    warnings
}
