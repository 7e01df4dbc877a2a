//! What is legal and unwise about a scenario, as far as a model of the engine tells: answers that a shutdown would cut,
//! traffic that the fleet cannot carry, rollouts that outlast their run, analyses without data.
//!
//! Nothing is simulated here. All figures are estimates from means and quantiles, quick and without randomness that
//! anyone would notice; where one lies close to a threshold nothing is said. What the text alone tells is said in
//! `scenario`, what a simulation shows in `study`.

mod answers;
mod capacity;
mod cold_start;
mod course;
mod length;
mod load;
mod samples;
#[cfg(test)]
mod tests;

use crate::scenario::{Code, Problem, Scenario};
use load::Load;

/// Everything that is unwise about a checked scenario beyond what [`Scenario::warnings`] holds when it was just read.
pub fn warnings(scenario: &Scenario) -> Vec<Problem> {
    let mut warnings = Vec::new();
    if let Some(load) = Load::new(scenario) {
        answers::warnings(scenario, &load, &mut warnings);
        capacity::warnings(scenario, &load, &mut warnings);
    }
    course::warnings(scenario, &mut warnings);
    samples::warnings(scenario, &mut warnings);
    warnings
}

/// That a scenario has no check, where its checks are what is asked for.
pub fn without_checks(scenario: &Scenario) -> Option<Problem> {
    let label = "`cutover check` then always ends well, and guards nothing";
    let warning = scenario.written.problem(Code::NO_CHECK, "", "this scenario has no [[check]]", label);
    let help = "add one, such as:\n[[check]]\nmetric = \"truncated_attempts\"\nstatistic = \"p95\"\nmax = 0";
    scenario.checks.is_empty().then(|| warning.help(help))
}
