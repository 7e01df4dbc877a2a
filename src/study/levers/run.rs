//! The study of levers: today and every lever side by side, then the least fleets, then all that helped together.
//!
//! Every scenario runs the same numbers, so that a run of any meets the requests of the same run of today's. The least fleets
//! are looked for in rounds, all levers' next sizes side by side.

use std::sync::atomic::{AtomicBool, Ordering};

use super::judge::{Judge, price_change, verdict};
use super::search::Search;
use super::sizing::{resized, why_fixed};
use super::{Breach, Fewest, LeftOut, Lever, LeversResult, Options, Stop, Turn, Turned};
use crate::ledger::Metric;
use crate::scenario::Scenario;
use crate::study::result::StudyResult;
use crate::study::{Growing, grow};

/// How settings on top of those of the command line become a scenario, or why not.
pub type Loader<'a> = &'a dyn Fn(&[String]) -> Result<Scenario, String>;

/// A lever that can be turned, with the scenario that it leads to.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The lever.
    pub lever: Lever,
    /// What it sets.
    pub settings: Vec<String>,
    /// The scenario with that.
    pub scenario: Scenario,
}

impl Candidate {
    /// Turns a lever on top of these settings, with which the scenario is as given. Where the scenario writes its saturated
    /// rate, the rate follows in proportion to what the engines' coefficients say.
    ///
    /// # Errors
    /// Why it cannot be turned.
    pub fn new(
        lever: Lever,
        (before, settings): (&Scenario, &[String]),
        options: &Options,
        load: Loader<'_>,
    ) -> Result<Candidate, String> {
        let mut settings = settings.to_vec();
        settings.extend(lever.settings(before, options)?);
        let mut scenario = load(&settings)?;
        if let (Some(before_rate), Some(rate)) =
            (before.engine.saturated_tokens_per_second, scenario.engine.saturated_tokens_per_second)
            && before_rate == rate
        {
            let scaled = rate * derived_rate(&scenario) / derived_rate(before);
            settings.push(format!("engine.saturated_tokens_per_second={scaled}"));
            scenario = load(&settings)?;
        }
        Ok(Candidate { lever, settings, scenario })
    }
}

/// The saturated rate that follows from the coefficients, tokens/s, whatever the scenario writes.
fn derived_rate(scenario: &Scenario) -> f64 {
    let mut scenario = scenario.clone();
    scenario.engine.saturated_tokens_per_second = None;
    Growing::new(scenario).facts().saturated_rate
}

/// What is to be studied, and how.
pub struct LeversStudy<'a> {
    /// The scenario as it is.
    pub base: Scenario,
    /// The levers.
    pub candidates: Vec<Candidate>,
    /// Those that were left out so far.
    pub left_out: Vec<LeftOut>,
    /// What the scenario does not say.
    pub options: Options,
    /// How settings become a scenario.
    pub load: Loader<'a>,
    /// Threads; `None`: one for each core.
    pub threads: Option<usize>,
    /// Told how many runs of all are done.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Ends the study early.
    pub stop: &'a AtomicBool,
}

/// A fleet that was simulated.
pub(super) struct Fleet {
    pub settings: Vec<String>,
    pub result: StudyResult,
}

/// A search for the least fleet of one engine.
pub(super) struct Seeking {
    /// What leads to the engine.
    settings: Vec<String>,
    /// The scenario with today's number of replicas.
    scenario: Scenario,
    search: Search,
    /// The least fleet that kept the promise so far, unless it is the one with today's replicas.
    best: Option<Fleet>,
    /// The largest fleet so far that broke it and was not too large.
    stop: Option<Stop>,
    /// The smallest fleet so far that broke only what smaller ones keep.
    too_large: Option<Stop>,
}

/// How a search ended.
pub(super) enum Sought {
    /// Today's number of replicas is the least.
    Same(Option<Stop>),
    /// This fleet is.
    Other(Box<Fleet>, Option<Stop>),
    /// None up to so many replicas.
    OutOfReach(Stop),
    /// It was interrupted, or never begun because the fleet is left alone.
    Unsought,
}

/// Runs the study; `None` where it was interrupted before a run was finished.
pub fn study(study: LeversStudy<'_>) -> Option<LeversResult> {
    let scenarios = std::iter::once(&study.base).chain(study.candidates.iter().map(|candidate| &candidate.scenario));
    let mut done = 0;
    let mut results = study.simulate(scenarios.cloned().collect(), &mut done).into_iter();
    let base = results.next().filter(|base| !base.records.is_empty())?;
    let same: Vec<StudyResult> = results.collect();
    let judge = Judge::new(base, &study.options);
    let fixed_fleet = why_fixed(&study.base);
    let (of_today, of_levers) = study.seek(&judge, &same, fixed_fleet.is_none(), &mut done);
    let least_today = match &of_today {
        Sought::Other(fleet, _) => Some(&fleet.result),
        Sought::Same(_) => Some(&judge.base),
        _ => None,
    };
    let each = study.candidates.iter().zip(&same).zip(&of_levers);
    let levers: Vec<Turned> =
        each.map(|((candidate, result), sought)| turned(&judge, candidate, result, sought, least_today)).collect();
    let fewest_today = fewest(&judge, &[], &judge.base, &of_today, None);
    let interrupted = study.stop.load(Ordering::Relaxed);
    let together =
        if interrupted { None } else { study.together(&judge, &levers, (&fewest_today, least_today), &mut done) };
    let partial = study.stop.load(Ordering::Relaxed);
    Some(LeversResult {
        today: judge.point(&[], &judge.base),
        formula_today: judge.base.metric(Metric::Formula).mean,
        promise: judge.promise,
        fewest_today,
        fixed_fleet,
        levers,
        left_out: study.left_out.clone(),
        together,
        partial,
        // What is made of it is marked, too.
        base: StudyResult { partial, ..judge.base },
    })
}

impl LeversStudy<'_> {
    /// Runs these scenarios side by side.
    pub(super) fn simulate(&self, scenarios: Vec<Scenario>, done: &mut u64) -> Vec<StudyResult> {
        let runs = self.base.study.runs;
        let mut studies: Vec<Growing> = scenarios.into_iter().map(Growing::without_timeline).collect();
        let before = *done;
        let progress = |runs| (self.progress)(before + runs);
        grow(&mut studies.iter_mut().collect::<Vec<_>>(), runs, self.threads, &progress, self.stop);
        *done += studies.iter().map(Growing::runs).sum::<u64>();
        let result = |study: Growing| {
            let partial = study.runs() < runs;
            study.result(partial)
        };
        studies.into_iter().map(result).collect()
    }

    /// The least fleets of today's engine and of every lever's.
    fn seek(&self, judge: &Judge, same: &[StudyResult], may: bool, done: &mut u64) -> (Sought, Vec<Sought>) {
        let mut seeking = vec![may.then(|| Seeking::new(judge, Vec::new(), &judge.base))];
        for (candidate, result) in self.candidates.iter().zip(same) {
            let is_fleet = matches!(candidate.lever.turn, Turn::Replicas(_));
            let may = may && !is_fleet && why_fixed(&candidate.scenario).is_none();
            seeking.push(may.then(|| Seeking::new(judge, candidate.settings.clone(), result)));
        }
        self.rounds(judge, &mut seeking.iter_mut().flatten().collect::<Vec<_>>(), done);
        let stopped = self.stop.load(Ordering::Relaxed);
        let mut sought = seeking.into_iter().map(|seeking| match seeking {
            Some(seeking) => seeking.end(stopped),
            None => Sought::Unsought,
        });
        (sought.next().unwrap_or(Sought::Unsought), sought.collect())
    }

    /// Tries sizes, the next of every search side by side, until each has ended or the study is stopped.
    pub(super) fn rounds(&self, judge: &Judge, searches: &mut [&mut Seeking], done: &mut u64) {
        while !self.stop.load(Ordering::Relaxed) {
            let mut tried = Vec::new();
            for (index, seeking) in searches.iter_mut().enumerate() {
                let Some(replicas) = seeking.search.next() else { continue };
                let settings: Vec<String> =
                    seeking.settings.iter().cloned().chain(resized(&seeking.scenario, replicas)).collect();
                match (self.load)(&settings) {
                    Ok(scenario) => tried.push((index, replicas, settings, scenario)),
                    // A fleet that the scenario's other keys do not allow, such as a preview larger than it.
                    Err(_) => seeking.broken(Stop { replicas, breaches: Vec::new() }),
                }
            }
            if tried.is_empty() {
                if searches.iter().all(|seeking| seeking.search.next().is_none()) {
                    return;
                }
                continue;
            }
            let scenarios = tried.iter().map(|(.., scenario)| scenario.clone()).collect();
            let results = self.simulate(scenarios, done);
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            for ((index, replicas, settings, _), result) in tried.into_iter().zip(results) {
                let breaches = judge.breaches(&result);
                if breaches.is_empty() {
                    searches[index].search.learn(replicas, true);
                    searches[index].best = Some(Fleet { settings, result });
                } else {
                    searches[index].broken(Stop { replicas, breaches });
                }
            }
        }
    }
}

impl Seeking {
    pub(super) fn new(judge: &Judge, settings: Vec<String>, result: &StudyResult) -> Seeking {
        let (scenario, facts) = (result.scenario.clone(), &result.facts);
        // With fewer the queue grows without end. A rate that the scenario writes is not relied on for that.
        let written = scenario.engine.saturated_tokens_per_second.is_some();
        let busy = facts.mean_rate * facts.mean_output_tokens / facts.saturated_rate;
        let too_few = if written || !busy.is_finite() { 0 } else { busy.floor() as u32 };
        let (replicas, breaches) = (scenario.fleet.replicas, judge.breaches(result));
        let search = Search::new(replicas, breaches.is_empty(), too_few);
        let stop = (!breaches.is_empty()).then_some(Stop { replicas, breaches });
        Seeking { settings, scenario, search, best: None, stop, too_large: None }
    }

    /// Takes in a fleet that broke the promise. Where a larger one than broke it before breaks nothing but checks that the
    /// smaller one kept, such as the duration of its rollout, it is too large.
    fn broken(&mut self, stop: Stop) {
        let kept_before = |breach: &Breach| match (breach, &self.stop) {
            (Breach::Check(check), Some(smaller)) => !smaller.breaks_check(check),
            _ => false,
        };
        let is_larger = self.search.found().is_none() && !stop.breaches.is_empty();
        if is_larger && stop.breaches.iter().all(kept_before) {
            self.search.learn_too_large(stop.replicas);
            self.too_large = Some(stop);
        } else {
            self.search.learn(stop.replicas, false);
            self.stop = Some(stop);
        }
    }

    pub(super) fn end(self, stopped: bool) -> Sought {
        let is_next = |stop: Option<Stop>, found: u32| stop.filter(|stop| stop.replicas + 1 == found);
        match self.search.next() {
            Some(_) if stopped => Sought::Unsought,
            _ => match (self.search.found(), self.best) {
                (Some(found), Some(fleet)) => Sought::Other(Box::new(fleet), is_next(self.stop, found)),
                (Some(found), None) => Sought::Same(is_next(self.stop, found)),
                (None, _) => {
                    let replicas = self.search.limit();
                    let largest = self.too_large.or(self.stop);
                    Sought::OutOfReach(largest.unwrap_or(Stop { replicas, breaches: Vec::new() }))
                }
            },
        }
    }
}

/// What a search found, as a point, with the change against today's engine with its own least fleet.
pub(super) fn fewest(
    judge: &Judge,
    settings: &[String],
    same: &StudyResult,
    sought: &Sought,
    least_today: Option<&StudyResult>,
) -> Fewest {
    let found = |settings: &[String], result: &StudyResult, stop: &Option<Stop>| Fewest::Found {
        point: Box::new(judge.point(settings, result)),
        gain: least_today.map(|least| price_change(least, result)),
        stop: stop.clone(),
    };
    match sought {
        Sought::Same(stop) => found(settings, same, stop),
        Sought::Other(fleet, stop) => found(&fleet.settings, &fleet.result, stop),
        Sought::OutOfReach(stop) => Fewest::OutOfReach(stop.clone()),
        Sought::Unsought => Fewest::NotSought,
    }
}

fn turned(
    judge: &Judge,
    candidate: &Candidate,
    result: &StudyResult,
    sought: &Sought,
    least_today: Option<&StudyResult>,
) -> Turned {
    let same = judge.point(&candidate.settings, result);
    let fewest = fewest(judge, &candidate.settings, result, sought, least_today);
    let verdict = verdict(&same, &fewest);
    Turned { lever: candidate.lever.clone(), formula_change: judge.formula_change(result), same, fewest, verdict }
}
