//! `plan`: the cheapest rollout that meets the checks.

mod candidates;
mod scenarios;

use super::arguments::{PlanArguments, Simulating};
use super::commands::{Beside, conclude};
use super::failure::{Ending, Failure};
use super::load::{checked_scenario, output_directory};
use super::progress::Progress;
use super::stop::on_interrupt;
use super::terminal::say;
use crate::ledger::{METRICS, Metric};
use crate::report::files::{BEST, check_place};
use crate::report::{Planned, differing};
use crate::scenario::{self, Axis, OBJECTIVES, Plan, Scenario, Tolerance};
use crate::study::Extent;
use crate::study::plan::{self, Outcome, Rules, Standing};

/// `cutover plan`.
///
/// # Errors
/// The scenario or the choices are wrong, or results cannot be written.
pub fn plan(arguments: &PlanArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let base = checked_scenario(&arguments.scenario, simulating)?;
    let plan = settled(arguments, base.plan.clone().unwrap_or_default())?;
    let rules = rules(&plan, &base, simulating)?;
    let directory = output_directory(&arguments.scenario, simulating.out.as_deref());
    check_place(&directory)?;
    let found = candidates::read(&arguments.scenario, simulating, &base, &plan.choices)?;
    if !simulating.quiet {
        warnings(&rules, &plan.choices, &found).iter().for_each(|warning| say(&format!("warning: {warning}")));
    }
    let stop = on_interrupt()?;
    let (as_written, left_out, repeated, unequal) = (found.as_written, found.left_out, found.repeated, found.unequal);
    let raced: Vec<Scenario> = found.candidates.iter().map(|candidate| candidate.scenario.clone()).collect();
    let progress = Progress::begin(&base.name, 0, simulating.quiet);
    let told = |done, expected| {
        progress.expect(expected);
        progress.done(done);
    };
    let outcome = plan::plan(found.candidates, &plan.choices, rules, simulating.threads(), &told, stop);
    progress.end(outcome.candidates.iter().map(|candidate| candidate.runs).sum());
    if outcome.candidates.iter().all(|candidate| candidate.runs == 0) {
        return Err(Failure::InterruptedAtOnce);
    }
    let planned = Planned {
        scenario: &base,
        axes: &plan.choices,
        outcome: &outcome,
        as_written,
        left_out: &left_out,
        repeated,
        unequal: &unequal,
    };
    let scenarios = scenarios::files(&arguments.scenario, simulating, &planned);
    let beside = outcome.best.map(|best| {
        let mut scenario = raced[best].clone();
        scenario.study.runs = outcome.candidates[best].runs;
        Beside { folder: BEST, scenario }
    });
    let is_over = matches!(ending(&outcome), Ending::Interrupted);
    let interrupted = conclude(
        &planned,
        scenarios,
        beside.filter(|_| !is_over),
        &directory,
        simulating,
        arguments.printing.format,
        stop,
    )?;
    Ok(if interrupted { Ending::Interrupted } else { ending(&outcome) })
}

/// The scenario's `[plan]` with what the command line says.
fn settled(arguments: &PlanArguments, mut plan: Plan) -> Result<Plan, Failure> {
    let wrong = |option: &str, said: &str| Failure::WrongUse(format!("error: {option}: {said}"));
    for text in &arguments.choose {
        let option = format!("--choose {text}");
        let axis = Axis::parse(text).map_err(|said| wrong(&option, &said))?;
        if let Some(why) = scenario::no_choice(&axis.key) {
            return Err(wrong(&option, &format!("`{}` cannot be a choice: {why}", axis.key)));
        }
        match plan.choices.iter_mut().find(|choice| choice.key == axis.key) {
            Some(choice) => *choice = axis,
            None => plan.choices.push(axis),
        }
    }
    if let Some(word) = &arguments.minimize {
        plan.minimize = scenario::objective(word).to_owned();
    }
    if let Some(text) = &arguments.tolerance {
        plan.tolerance = Tolerance::parse(text).map_err(|said| wrong("--tolerance", &said))?;
    }
    if plan.choices.is_empty() {
        return Err(Failure::WrongUse(
            "error: nothing to choose from: add a table [plan.choices] to the scenario, or --choose KEY=VALUES, such as \
             `--choose termination.grace_period=30s,2m,5m`"
                .to_owned(),
        ));
    }
    Ok(plan)
}

fn rules(plan: &Plan, base: &Scenario, simulating: &Simulating) -> Result<Rules, Failure> {
    let objective = Metric::by_name(&plan.minimize).ok_or_else(|| {
        let words = OBJECTIVES.iter().map(|(word, _)| *word);
        let names: Vec<&str> = words.chain(METRICS.iter().map(|metric| metric.name())).collect();
        let help = scenario::suggestion(&plan.minimize, &names).unwrap_or_default();
        Failure::WrongUse(format!("error: --minimize: there is no metric `{}`; {help}", plan.minimize))
    })?;
    let max_runs = simulating.runs.or(plan.max_runs).unwrap_or(base.study.runs);
    if max_runs < 2 {
        return Err(Failure::WrongUse("error: a plan compares means over runs: expected at least 2 runs".to_owned()));
    }
    let checks = base.promises().cloned().collect();
    Ok(Rules { objective, tolerance: plan.tolerance, checks, max_runs, extent: Extent::of(base) })
}

/// What makes the answer say less than it seems to.
fn warnings(rules: &Rules, axes: &[Axis], found: &candidates::Found) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_of_fleet = axes.iter().any(|axis| axis.key.split('.').next() == Some("fleet"));
    if rules.objective == Metric::RolloutCost && is_of_fleet {
        warnings.push(
            "rollout_cost_usd leaves out what the steady fleet costs, which a choice changes: cost_usd is the whole bill"
                .to_owned(),
        );
    }
    if rules.checks.is_empty() {
        warnings.push(
            "the scenario has no [[check]] that must hold: nothing keeps the cheapest rollout from harming users"
                .to_owned(),
        );
    }
    if !found.unequal.is_empty() {
        warnings.push(format!(
            "candidates do not meet the same requests ({}): luck does not cancel between them",
            differing(&found.unequal)
        ));
    }
    if let Some(least) = plan::fewest_runs(&rules.checks, found.candidates.len(), rules.max_runs) {
        warnings.push(format!(
            "a quantile or share that is checked takes at least {least} runs to be certified among so many candidates; at \
             most {} are made: no candidate can be said to meet the checks with 95 % confidence",
            rules.max_runs
        ));
    }
    warnings
}

/// How an outcome ends the program.
pub(super) fn ending(outcome: &Outcome) -> Ending {
    let is_certain = outcome.candidates.iter().all(|candidate| candidate.standing != Standing::Open);
    match outcome.ending {
        plan::Ending::Decided => Ending::Well,
        plan::Ending::Interrupted => Ending::Interrupted,
        plan::Ending::NothingMeets if is_certain => Ending::CheckFailed,
        plan::Ending::NothingMeets | plan::Ending::OutOfRuns => Ending::Inconclusive,
    }
}
