//! The levers that helped, turned at once: which of them, so that the set is never dearer than one of its parts.
//!
//! All that can be turned together are; then each is left out in turn, and the cheapest set without one is taken for as long
//! as that lowers the price. Every set gets its own least fleet by the rule that holds for a single lever.

use std::sync::atomic::Ordering;

use super::judge::{Judge, price_change};
use super::run::{Candidate, LeversStudy, Seeking, Sought, fewest};
use super::sizing::why_fixed;
use super::{Dropped, Fewest, Point, Relative, Together, Turned, WhyDropped};
use crate::scenario::Scenario;
use crate::study::result::{Estimate, StudyResult};

/// A price counts as lower where it is so by more than the rounding of sums, as a share.
const ROUNDING: f64 = 1e-9;

/// A lever that helped, with by how much it changes the price by itself.
type Member<'a> = (&'a Turned, f64);

/// Levers turned one on top of the other.
struct Set<'a> {
    members: Vec<Member<'a>>,
    refused: Vec<Dropped>,
    scenario: Scenario,
    settings: Vec<String>,
}

/// A set that was simulated.
struct Tried<'a> {
    members: Vec<Member<'a>>,
    same: Point,
    fewest: Fewest,
    formula_change: f64,
    /// The runs of the fleet that is priced; `None` where none keeps the promise.
    priced: Option<StudyResult>,
}

impl Tried<'_> {
    /// USD per million output tokens with the promise kept; infinite where it is not.
    fn price(&self) -> f64 {
        price(&self.same, &self.fewest)
    }

    /// Relative change of the price from here to another set; NaN where one of them has none.
    fn change_to(&self, other: &Tried<'_>) -> Relative {
        match (&self.priced, &other.priced) {
            (Some(one), Some(other)) => price_change(one, other),
            _ => Relative { estimate: Estimate { value: f64::NAN, interval: None }, runs: 0 },
        }
    }
}

/// USD per million output tokens with the least fleet, or with today's where fleets are left alone; infinite where the promise
/// is broken.
fn price(same: &Point, fewest: &Fewest) -> f64 {
    let point = match fewest {
        Fewest::NotSought if same.keeps_bound() => Some(same),
        fewest => fewest.point(),
    };
    point.map(|point| point.price.value).filter(|price| price.is_finite()).unwrap_or(f64::INFINITY)
}

fn is_cheaper(price: f64, than: f64) -> bool {
    price < than * (1.0 - ROUNDING)
}

impl LeversStudy<'_> {
    /// The levers that helped, turned at once; `None` where fewer than two can be. With today's engine and its least fleet.
    pub(super) fn together(
        &self,
        judge: &Judge,
        levers: &[Turned],
        (fewest_today, least_today): (&Fewest, Option<&StudyResult>),
        done: &mut u64,
    ) -> Option<Together> {
        let all = self.set(&best_of_families(levers));
        if all.members.len() < 2 {
            return None;
        }
        let mut dropped = all.refused.clone();
        let mut best = self.try_sets(judge, vec![all], least_today, done).pop()?;
        while best.members.len() > 1 {
            let sets = (0..best.members.len()).map(|left_out| self.set(&without(&best.members, left_out))).collect();
            let tried = self.try_sets(judge, sets, least_today, done);
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let cheapest =
                tried.into_iter().enumerate().min_by(|(_, one), (_, other)| one.price().total_cmp(&other.price()));
            let Some((left_out, tried)) = cheapest.filter(|(_, tried)| is_cheaper(tried.price(), best.price())) else {
                break;
            };
            let why = WhyDropped::Dearer { without: best.change_to(&tried) };
            dropped.push(Dropped { name: best.members[left_out].0.lever.name.clone(), why });
            best = tried;
        }
        let best = alone_if_cheaper(best, levers, &mut dropped);
        let today = fewest_today.point().map_or(1.0, |point| 1.0 + point.change.estimate.value);
        let product: f64 = best.members.iter().map(|(_, gain)| 1.0 + gain).product();
        Some(Together {
            names: best.members.iter().map(|(turned, _)| turned.lever.name.clone()).collect(),
            dropped,
            same: best.same,
            fewest: best.fewest,
            product_change: today * product - 1.0,
            formula_change: best.formula_change,
        })
    }

    /// Turns these one on top of the other; one that cannot be is left out.
    fn set<'a>(&self, members: &[Member<'a>]) -> Set<'a> {
        let mut set =
            Set { members: Vec::new(), refused: Vec::new(), scenario: self.base.clone(), settings: Vec::new() };
        for (turned, gain) in members {
            let before = (&set.scenario, set.settings.as_slice());
            match Candidate::new(turned.lever.clone(), before, &self.options, self.load) {
                Ok(candidate) => {
                    (set.scenario, set.settings) = (candidate.scenario, candidate.settings);
                    set.members.push((turned, *gain));
                }
                Err(reason) => {
                    let why = WhyDropped::Refused(reason);
                    set.refused.push(Dropped { name: turned.lever.name.clone(), why });
                }
            }
        }
        set
    }

    /// Simulates these sets side by side, each with today's fleet and its least one; none where the study was interrupted
    /// before they had a run.
    fn try_sets<'a>(
        &self,
        judge: &Judge,
        sets: Vec<Set<'a>>,
        least_today: Option<&StudyResult>,
        done: &mut u64,
    ) -> Vec<Tried<'a>> {
        let results = self.simulate(sets.iter().map(|set| set.scenario.clone()).collect(), done);
        if results.iter().any(|result| result.records.is_empty()) {
            return Vec::new();
        }
        let seek = |(set, result): (&Set<'a>, &StudyResult)| {
            let may = why_fixed(&self.base).is_none() && why_fixed(&set.scenario).is_none();
            may.then(|| Seeking::new(judge, set.settings.clone(), result))
        };
        let mut seeking: Vec<Option<Seeking>> = sets.iter().zip(&results).map(seek).collect();
        self.rounds(judge, &mut seeking.iter_mut().flatten().collect::<Vec<_>>(), done);
        let stopped = self.stop.load(Ordering::Relaxed);
        let sought =
            seeking.into_iter().map(|seeking| seeking.map_or(Sought::Unsought, |seeking| seeking.end(stopped)));
        let tried = sets.into_iter().zip(results).zip(sought);
        tried.map(|((set, result), sought)| tried_set(judge, set, result, sought, least_today)).collect()
    }
}

fn tried_set<'a>(
    judge: &Judge,
    set: Set<'a>,
    result: StudyResult,
    sought: Sought,
    least_today: Option<&StudyResult>,
) -> Tried<'a> {
    let same = judge.point(&set.settings, &result);
    let fewest = fewest(judge, &set.settings, &result, &sought, least_today);
    let formula_change = judge.formula_change(&result);
    let priced = match sought {
        Sought::Same(_) => Some(result),
        Sought::Other(fleet, _) => Some(fleet.result),
        Sought::Unsought if same.keeps_bound() => Some(result),
        Sought::Unsought | Sought::OutOfReach(_) => None,
    };
    Tried { members: set.members, same, fewest, formula_change, priced }
}

fn without<'a>(members: &[Member<'a>], left_out: usize) -> Vec<Member<'a>> {
    members.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, member)| *member).collect()
}

/// The set, or the single lever that is cheaper than it.
fn alone_if_cheaper<'a>(best: Tried<'a>, levers: &'a [Turned], dropped: &mut Vec<Dropped>) -> Tried<'a> {
    let helping = levers.iter().filter_map(|turned| Some((turned, turned.helps()?.estimate.value)));
    let of = |(turned, _): &Member<'_>| price(&turned.same, &turned.fewest);
    let Some(single) = helping.min_by(|one, other| of(one).total_cmp(&of(other))) else { return best };
    if !is_cheaper(of(&single), best.price()) {
        return best;
    }
    let name = &single.0.lever.name;
    dropped.retain(|dropped| dropped.name != *name);
    let others = best.members.iter().map(|(turned, _)| turned.lever.name.clone()).filter(|other| other != name);
    dropped.extend(others.map(|other| Dropped { name: other, why: WhyDropped::Alone(name.clone()) }));
    let turned = single.0;
    Tried {
        members: vec![single],
        same: turned.same.clone(),
        fewest: turned.fewest.clone(),
        formula_change: turned.formula_change,
        priced: None,
    }
}

/// The levers that helped, of each family the one that lowers the price most, in the order in which one can be turned on top
/// of the other: the GPU before what is derived from it. With by how much each lowers it.
fn best_of_families(levers: &[Turned]) -> Vec<Member<'_>> {
    let mut chosen: Vec<Member<'_>> = Vec::new();
    for turned in levers {
        let Some(gain) = turned.helps().map(|gain| gain.estimate.value) else { continue };
        let family = turned.lever.family();
        match chosen.iter_mut().find(|(other, _)| family.is_some() && other.lever.family() == family) {
            Some(other) if gain < other.1 => *other = (turned, gain),
            Some(_) => {}
            None => chosen.push((turned, gain)),
        }
    }
    chosen.sort_by_key(|(turned, _)| turned.lever.family().unwrap_or(u8::MAX));
    chosen
}
