//! From choices to scenarios: each combination read as with `--set`, those that are no scenarios or that come to the same
//! as another put aside.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::cli::arguments::Simulating;
use crate::cli::failure::Failure;
use crate::cli::terminal::colors;
use crate::ledger::METRICS;
use crate::report::LeftOut;
use crate::scenario::{self, Axis, LoadError, Scenario, Strategy, Traffic};
use crate::study::plan::{Assignment, Candidate, MOST_CANDIDATES, assignments};
use crate::study::unequal_requests;

/// The candidates, and what became of the other combinations.
pub struct Found {
    /// Each once.
    pub candidates: Vec<Candidate>,
    /// Combinations that are no scenarios.
    pub left_out: Vec<LeftOut>,
    /// Combinations that come to the same as an earlier one.
    pub repeated: usize,
    /// The candidate that is the scenario as written.
    pub as_written: Option<usize>,
    /// The keys by which candidates meet other requests than the scenario as written.
    pub unequal: Vec<&'static str>,
}

/// Reads every combination of these choices.
///
/// # Errors
/// There are too many, or none is a scenario: then what is wrong with the first.
pub fn read(file: &Path, simulating: &Simulating, base: &Scenario, axes: &[Axis]) -> Result<Found, Failure> {
    let all = assignments(axes, strategy(base)).map_err(|count| {
        Failure::WrongUse(format!(
            "error: the choices make {count} candidates; expected at most {MOST_CANDIDATES}: leave out values, or choose \
             in two steps"
        ))
    })?;
    let mut found =
        Found { candidates: Vec::new(), left_out: Vec::new(), repeated: 0, as_written: None, unequal: Vec::new() };
    let mut signatures = BTreeSet::new();
    let mut first_error = None;
    for assignment in all {
        let settings = settings_of(axes, &assignment);
        match load(file, simulating, &settings) {
            Ok(scenario) => found.take(Candidate { assignment, scenario }, base, &mut signatures),
            Err(LoadError::Problems(mut problems)) => {
                let is_choice = |setting: &str| settings.iter().any(|chosen| chosen == setting);
                problems.name_arguments(|setting| is_choice(setting).then(|| format!("the choice {setting}")));
                let reason =
                    problems.problems.first().map(|problem| format!("{}: {}", problem.message, problem.expected));
                found.left_out.push(LeftOut { settings, reason: reason.unwrap_or_default() });
                first_error.get_or_insert(problems);
            }
            Err(error) => return Err(Failure::WrongUse(format!("error: {error}"))),
        }
    }
    match first_error.filter(|_| found.candidates.is_empty()) {
        Some(problems) => Err(Failure::WrongUse(format!(
            "{}\nof {}, none is a scenario; this is what is wrong with the first",
            problems.render(colors(&std::io::stderr())),
            crate::digits::counted(found.left_out.len() as f64, "combination")
        ))),
        None => Ok(found),
    }
}

impl Found {
    /// Takes a candidate, unless it comes to the same as one of those whose signatures are given.
    fn take(&mut self, mut candidate: Candidate, base: &Scenario, signatures: &mut BTreeSet<String>) {
        let signature = signature(&candidate.scenario);
        let is_as_written = signature == self::signature(base);
        if !signatures.insert(signature) {
            self.repeated += 1;
            return;
        }
        if is_as_written {
            self.as_written = Some(self.candidates.len());
        }
        for key in unequal_requests(base, &candidate.scenario) {
            if !self.unequal.contains(&key) {
                self.unequal.push(key);
            }
        }
        share_trace(&mut candidate.scenario, base);
        self.candidates.push(candidate);
    }
}

/// What sets the choices so, each as for `--set`.
pub fn settings_of(axes: &[Axis], assignment: &Assignment) -> Vec<String> {
    axes.iter().zip(assignment).filter_map(|(axis, value)| Some(axis.setting((*value)?))).collect()
}

fn load(file: &Path, simulating: &Simulating, further: &[String]) -> Result<Scenario, LoadError> {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let settings: Vec<String> = simulating.settings().iter().chain(further).cloned().collect();
    scenario::load(file, &settings, &metrics)
}

/// The name of a scenario's strategy.
fn strategy(scenario: &Scenario) -> &'static str {
    match scenario.rollout.strategy {
        Strategy::None => "none",
        Strategy::Recreate(_) => "recreate",
        Strategy::Rolling(_) => "rolling",
        Strategy::BlueGreen(_) => "blue_green",
        Strategy::Canary(_) | Strategy::Flagger(_) => "canary",
    }
}

/// All that is simulated, as text: equal for scenarios that are the same in other words (`"60s"` and `"1m"`, or keys of
/// strategies that are not selected). A trace is told by its digest.
fn signature(scenario: &Scenario) -> String {
    let traffic = match &scenario.traffic {
        Traffic::Trace { trace, replay, .. } => format!("{} {replay:?}", trace.digest()),
        synthetic => format!("{synthetic:?}"),
    };
    let Scenario { study, clients, router, fleet, engine, cold_start, termination, slo, .. } = scenario;
    let Scenario { rollout, versions, actions, analyses, .. } = scenario;
    let start = if matches!(rollout.strategy, Strategy::None) { "never".to_owned() } else { format!("{rollout:?}") };
    format!(
        "{traffic} {study:?} {clients:?} {router:?} {fleet:?} {engine:?} {cold_start:?} {termination:?} {slo:?} {start} \
         {versions:?} {actions:?} {analyses:?}"
    )
}

/// Holds a recording in memory once for all candidates.
fn share_trace(scenario: &mut Scenario, base: &Scenario) {
    if let (Traffic::Trace { trace, .. }, Traffic::Trace { trace: of_base, .. }) =
        (&mut scenario.traffic, &base.traffic)
        && trace.digest() == of_base.digest()
    {
        *trace = Arc::clone(of_base);
    }
}
