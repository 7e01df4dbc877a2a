//! Which simulations answer for which grace periods.
//!
//! Where the end of a drain changes nothing for anybody else, all grace periods that lead to the same SIGTERMs share one
//! simulation; else each has its own, on the same requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::law::{LengthLaw, NoLaw};
use crate::fleet::{sigkill_after, sigterm_after};
use crate::scenario::{OnSigterm, PodReplacementPolicy, RouterPolicy, Scenario, Strategy, Termination};
use crate::units::Duration;

/// How cut answers are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// By the probability that each answer in flight at a SIGTERM is cut: see `drain`.
    Conditional,
    /// By those that were cut, because answers have no law that can be conditioned on.
    CountedWithoutLaw(NoLaw),
    /// By those that were cut, because the server cuts everything at SIGTERM.
    CountedAtAbort,
}

/// Why the end of a drain matters to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// Replicas may wait for the GPUs that a draining one holds.
    Gpus,
    /// What is cut is tried again.
    Retries,
    /// Analyses read what drains do to answers.
    Analyses,
    /// The controller waits for terminating replicas, or may.
    Controller,
    /// The router counts the requests of replicas that have been killed already.
    Router,
}

impl Feedback {
    /// In words, as the reason for something.
    pub fn words(self) -> &'static str {
        match self {
            Feedback::Gpus => "replicas may wait for GPUs that a draining one holds",
            Feedback::Retries => "cut answers are tried again",
            Feedback::Analyses => "analyses may read what drains do",
            Feedback::Controller => "the controller may wait for terminating replicas",
            Feedback::Router => "the router looks at replicas after their SIGKILL, within the endpoint lag",
        }
    }
}

/// One simulation.
#[derive(Clone, Debug)]
pub struct World {
    /// The scenario with the grace period that is simulated.
    pub scenario: Scenario,
    /// The grace period that is simulated, by its place.
    pub simulates: usize,
    /// The grace periods whose cut answers it tells, by their places, ascending.
    pub answers: Vec<usize>,
}

/// All simulations for some grace periods.
#[derive(Clone, Debug)]
pub struct Worlds {
    /// How cut answers are counted.
    pub method: Method,
    /// Why one simulation cannot serve all; empty if it can, and where answers are counted.
    pub feedback: Vec<Feedback>,
    /// The simulations, those that tell cut answers first.
    pub worlds: Vec<World>,
}

impl Worlds {
    /// The simulations for these grace periods, which ascend; `today` is the place of the scenario's own.
    pub fn new(scenario: &Scenario, periods: &[Duration], today: usize) -> Worlds {
        let method = method(scenario);
        let feedback = if method == Method::Conditional { feedback(scenario, periods) } else { Vec::new() };
        let shares = method == Method::Conditional && feedback.is_empty();
        let world = |simulates: usize, answers: Vec<usize>| {
            let mut scenario = scenario.clone();
            scenario.termination.grace_period = periods[simulates];
            // Nobody looks at its timeline.
            scenario.study.timeline_bin = scenario.study.duration;
            World { scenario, simulates, answers }
        };
        let mut worlds: Vec<World> = Vec::new();
        for (at, period) in periods.iter().enumerate() {
            let sigterm = |period: Duration| sigterm_after(&with_period(&scenario.termination, period));
            match worlds.iter_mut().find(|world| shares && sigterm(periods[world.answers[0]]) == sigterm(*period)) {
                Some(world) => world.answers.push(at),
                None => worlds.push(world(at, vec![at])),
            }
        }
        // A shared world is best simulated as it is today.
        for shared in worlds.iter_mut().filter(|world| world.answers.contains(&today)) {
            let answers = std::mem::take(&mut shared.answers);
            *shared = world(today, answers);
        }
        let simulated: Vec<usize> = worlds.iter().map(|world| world.simulates).collect();
        let others = (0..periods.len()).filter(|at| !simulated.contains(at));
        worlds.extend(others.map(|at| world(at, Vec::new())));
        Worlds { method, feedback, worlds }
    }

    /// The simulation of a grace period.
    pub fn of_period(&self, at: usize) -> usize {
        self.worlds.iter().position(|world| world.simulates == at).unwrap_or(0)
    }
}

/// A termination with another grace period.
pub fn with_period(termination: &Termination, period: Duration) -> Termination {
    Termination { grace_period: period, ..termination.clone() }
}

/// Whether cut answers of a scenario can only be counted, because no law says which might have been cut.
pub fn counts_only(scenario: &Scenario) -> bool {
    method(scenario) != Method::Conditional
}

fn method(scenario: &Scenario) -> Method {
    if scenario.termination.on_sigterm == OnSigterm::Abort {
        return Method::CountedAtAbort;
    }
    LengthLaw::new(scenario).err().map_or(Method::Conditional, Method::CountedWithoutLaw)
}

/// Every reason for which the end of a drain may change what others do.
fn feedback(scenario: &Scenario, periods: &[Duration]) -> Vec<Feedback> {
    let waits = match &scenario.rollout.strategy {
        Strategy::None | Strategy::BlueGreen(_) | Strategy::Canary(_) => false,
        Strategy::Rolling(settings) => {
            settings.pod_replacement_policy == Some(PodReplacementPolicy::TerminationComplete)
        }
        Strategy::Recreate(_) | Strategy::Flagger(_) => true,
    };
    let first_kill = periods.iter().map(|period| sigkill_after(&with_period(&scenario.termination, *period))).min();
    let lags = first_kill.is_some_and(|kill| scenario.termination.endpoint_lag > kill);
    let reasons = [
        (Feedback::Gpus, scenario.fleet.gpu_limit.is_some() || scenario.fleet.stockout.is_some()),
        (Feedback::Retries, scenario.clients.max_retries > 0),
        (Feedback::Analyses, !scenario.analyses.is_empty()),
        (Feedback::Controller, waits),
        (Feedback::Router, lags && reads_loads(scenario)),
    ];
    reasons.into_iter().filter(|(_, holds)| *holds).map(|(reason, _)| reason).collect()
}

/// Whether the router looks at how many requests replicas have.
pub fn reads_loads(scenario: &Scenario) -> bool {
    match scenario.router.policy {
        RouterPolicy::Random | RouterPolicy::RoundRobin => false,
        RouterPolicy::LeastRequests | RouterPolicy::PowerOfTwo => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples;

    fn seconds(periods: &[u64]) -> Vec<Duration> {
        periods.iter().map(|seconds| Duration::from_seconds(*seconds)).collect()
    }

    /// (simulated, answered for) of each world.
    fn layout(worlds: &Worlds) -> Vec<(usize, Vec<usize>)> {
        worlds.worlds.iter().map(|world| (world.simulates, world.answers.clone())).collect()
    }

    #[test]
    fn periods_with_the_same_sigterm_share_todays_world_where_nothing_feeds_back() {
        // The hook takes 5 s: 2 s and 4 s cut it.
        let worlds = Worlds::new(&samples::scenario(1), &seconds(&[2, 4, 10, 30, 60]), 3);
        let expected = [(0, vec![0]), (1, vec![1]), (3, vec![2, 3, 4]), (2, vec![]), (4, vec![])];
        assert_eq!((worlds.method, layout(&worlds)), (Method::Conditional, expected.to_vec()));
        assert_eq!(worlds.worlds[2].scenario.termination.grace_period, Duration::from_seconds(30));
        assert_eq!((worlds.of_period(4), worlds.of_period(3)), (4, 2));
    }

    #[test]
    fn each_period_has_its_own_world_where_the_end_of_a_drain_matters() {
        let mut scenario = samples::scenario(1);
        scenario.fleet.gpu_limit = Some(10);
        scenario.clients.max_retries = 1;
        scenario.termination.endpoint_lag = Duration::from_seconds(11);
        let worlds = Worlds::new(&scenario, &seconds(&[10, 30]), 1);
        assert_eq!(worlds.feedback, [Feedback::Gpus, Feedback::Retries, Feedback::Router]);
        assert_eq!(layout(&worlds), [(0, vec![0]), (1, vec![1])]);
        scenario.termination.on_sigterm = OnSigterm::Abort;
        let worlds = Worlds::new(&scenario, &seconds(&[10, 30]), 1);
        assert_eq!((worlds.method, worlds.worlds.len()), (Method::CountedAtAbort, 2));
    }
}
