//! The engines of all replicas, and beside them what routing asks of each at a glance: until when it is quiet, and how
//! many requests it has.
//!
//! Engines run only when somebody asks. In a small fleet routing looks at every candidate; in a large one an agenda tells
//! which engines have something to do before a moment, and an index which replicas have the fewest requests.

use super::agenda::Agenda;
use super::by_load::ByLoad;
use super::versions::Versions;
use super::view::Version;
use crate::serving::{Engine, Handle, Notice, Request};
use crate::units::Time;

/// Fleets of more replicas than this keep an index, if they are routed by the number of requests.
pub(super) const LARGE_FLEET: u32 = 32;

/// The engines of all replicas, by replica.
#[derive(Debug)]
pub(super) struct Engines {
    engines: Vec<Engine>,
    glances: Vec<Glance>,
    index: Option<Index>,
    /// Those with the fewest requests; kept for its memory.
    ties: Vec<u32>,
}

/// What routing asks of an engine.
#[derive(Clone, Copy, Debug)]
struct Glance {
    /// Until when it is quiet.
    quiet_until: Time,
    /// Requests that it has.
    load: u32,
}

impl Glance {
    #[inline]
    fn of(engine: &Engine) -> Glance {
        Glance { quiet_until: engine.quiet_until(), load: engine.in_system() as u32 }
    }
}

/// What a large fleet keeps.
#[derive(Debug)]
struct Index {
    agenda: Agenda,
    /// Replicas in the endpoints, by version.
    by_load: Vec<ByLoad>,
    /// The version of each replica that is in the endpoints.
    listed: Vec<Option<Version>>,
}

impl Engines {
    /// No engine yet, of so many versions; with an index or without.
    pub(super) fn new(is_indexed: bool, versions: usize) -> Engines {
        let index =
            || Index { agenda: Agenda::default(), by_load: vec![ByLoad::default(); versions], listed: Vec::new() };
        Engines { engines: Vec::new(), glances: Vec::new(), index: is_indexed.then(index), ties: Vec::new() }
    }

    /// Adds the engine of the next replica.
    pub(super) fn add(&mut self, engine: Engine) {
        self.glances.push(Glance::of(&engine));
        if let Some(index) = &mut self.index {
            index.agenda.add(engine.quiet_until());
            index.listed.push(None);
        }
        self.engines.push(engine);
    }

    pub(super) fn get(&self, id: u32) -> &Engine {
        &self.engines[id as usize]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Engine> {
        self.engines.iter()
    }

    #[inline]
    pub(super) fn quiet_until(&self, id: u32) -> Time {
        self.glances[id as usize].quiet_until
    }

    /// A replica is in the endpoints from now on.
    pub(super) fn enlist(&mut self, id: u32, version: Version) {
        if let Some(index) = &mut self.index {
            index.listed[id as usize] = Some(version);
            index.by_load[version].add(id, self.glances[id as usize].load);
        }
    }

    /// A replica is in the endpoints no longer.
    pub(super) fn delist(&mut self, id: u32) {
        if let Some(index) = &mut self.index
            && let Some(version) = index.listed[id as usize].take()
        {
            index.by_load[version].remove(id, self.glances[id as usize].load);
        }
    }

    /// Runs one engine up to the boundaries before `limit`.
    #[inline]
    pub(super) fn run_before(&mut self, id: u32, limit: Time, notices: &mut Vec<Notice>) {
        if self.glances[id as usize].quiet_until < limit {
            self.engines[id as usize].run_before(limit, notices);
            self.note(id);
        }
    }

    /// See [`Engine::submit`].
    pub(super) fn submit(&mut self, id: u32, now: Time, request: Request, notices: &mut Vec<Notice>) -> Handle {
        let handle = self.engines[id as usize].submit(now, request, notices);
        self.note(id);
        handle
    }

    /// See [`Engine::cancel`].
    pub(super) fn cancel(&mut self, id: u32, now: Time, handle: Handle, notices: &mut Vec<Notice>) {
        self.engines[id as usize].cancel(now, handle, notices);
        self.note(id);
    }

    /// See [`Engine::abort`].
    pub(super) fn abort(&mut self, id: u32, now: Time, notices: &mut Vec<Notice>) {
        self.engines[id as usize].abort(now, notices);
        self.note(id);
    }

    /// See [`Engine::kill`].
    pub(super) fn kill(&mut self, id: u32, now: Time, notices: &mut Vec<Notice>) {
        self.engines[id as usize].kill(now, notices);
        self.note(id);
    }

    /// Writes down what an engine looks like after something was done to it.
    #[inline]
    fn note(&mut self, id: u32) {
        let glance = Glance::of(&self.engines[id as usize]);
        let before = std::mem::replace(&mut self.glances[id as usize], glance);
        if let Some(index) = &mut self.index {
            index.agenda.set(id, glance.quiet_until);
            if let Some(version) = index.listed[id as usize]
                && before.load != glance.load
            {
                index.by_load[version].change(id, before.load, glance.load);
            }
        }
    }

    /// Requests that a replica has when everything before `now` has happened to it.
    #[inline]
    pub(super) fn load(&mut self, id: u32, now: Time, notices: &mut Vec<Notice>) -> u32 {
        self.run_before(id, now, notices);
        self.glances[id as usize].load
    }

    /// Of these candidates, who are all replicas of these versions in the endpoints, one of those with the fewest
    /// requests, each as likely as the other.
    pub(super) fn least_loaded(
        &mut self,
        candidates: &[u32],
        versions: Versions,
        now: Time,
        bits: u64,
        notices: &mut Vec<Notice>,
    ) -> u32 {
        if self.index.is_some() {
            self.run_all_before(now, notices);
            return self.least_loaded_by_index(versions, bits).unwrap_or(candidates[0]);
        }
        self.run_candidates(candidates, now, notices);
        let load = |id: &u32| self.glances[*id as usize].load;
        let least = candidates.iter().map(load).min().unwrap_or(0);
        // Which replicas are tied is anybody's guess: without a branch on it nothing is guessed wrong.
        self.ties.resize(candidates.len(), 0);
        let mut ties = 0;
        for id in candidates {
            self.ties[ties] = *id;
            ties += usize::from(self.glances[*id as usize].load == least);
        }
        self.ties[choice(bits, ties)]
    }

    /// Runs the engines of these replicas up to the boundaries before `now`.
    #[inline]
    fn run_candidates(&mut self, candidates: &[u32], now: Time, notices: &mut Vec<Notice>) {
        for few in candidates.chunks(64) {
            // Who is due is anybody's guess too.
            let is_due = |(id, place): (&u32, u32)| u64::from(self.glances[*id as usize].quiet_until < now) << place;
            let mut due: u64 = few.iter().zip(0..).map(is_due).sum();
            while due > 0 {
                self.run_before(few[due.trailing_zeros() as usize], now, notices);
                due &= due - 1;
            }
        }
    }

    /// Runs every engine up to the boundaries before `limit`.
    pub(super) fn run_all_before(&mut self, limit: Time, notices: &mut Vec<Notice>) {
        if self.index.is_none() {
            return (0..self.engines.len() as u32).for_each(|id| self.run_before(id, limit, notices));
        }
        while let Some((moment, id)) = self.index.as_ref().and_then(|index| index.agenda.first())
            && moment < limit
        {
            self.run_before(id, limit, notices);
        }
    }

    fn least_loaded_by_index(&mut self, versions: Versions, bits: u64) -> Option<u32> {
        let by_load = &mut self.index.as_mut()?.by_load;
        let (mut least, mut ties) = (usize::MAX, 0);
        for version in versions.iter() {
            let Some((load, replicas)) = by_load.get_mut(version).and_then(ByLoad::least) else { continue };
            ties = if load < least { 0 } else { ties } + if load <= least { replicas.len() } else { 0 };
            least = least.min(load);
        }
        let mut chosen = choice(bits, ties);
        for version in versions.iter() {
            match by_load.get_mut(version).and_then(ByLoad::least).filter(|(load, _)| *load == least) {
                Some((_, replicas)) if chosen < replicas.len() => return Some(replicas[chosen]),
                Some((_, replicas)) => chosen -= replicas.len(),
                None => {}
            }
        }
        None
    }
}

/// One of `n` places, each as likely as the other.
#[inline]
pub(super) fn choice(bits: u64, n: usize) -> usize {
    ((u128::from(bits) * n as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, RunKey};
    use crate::scenario;
    use crate::serving::EngineModel;
    use std::sync::Arc;

    fn engines(replicas: u32) -> Engines {
        let model = Arc::new(EngineModel::new(&scenario::Engine::default(), 1.0));
        let mut engines = Engines::new(replicas > LARGE_FLEET, 2);
        for id in 0..replicas {
            engines.add(Engine::new(model.clone()));
            engines.enlist(id, id as usize % 2);
        }
        engines
    }

    fn request(id: u32) -> Request {
        Request { id, prompt_tokens: 100 + id % 700, output_tokens: 1 + id % 300, luck: 0 }
    }

    /// Every request goes to a replica that has as few requests as any, with an index and without; ties are broken
    /// uniformly, within five standard errors.
    #[test]
    fn requests_go_to_the_least_loaded_and_ties_are_broken_uniformly() {
        let key = RunKey::new(1, 1);
        for replicas in [8, LARGE_FLEET + 8] {
            let mut engines = engines(replicas);
            let candidates: Vec<u32> = (0..replicas).collect();
            let (mut notices, mut chosen) = (Vec::new(), vec![0.0; replicas as usize]);
            let n = 4_000 * replicas;
            for i in 0..n {
                let now = Time(i64::from(i) * 400_000_000 / i64::from(replicas));
                let bits = key.keyed_bits(Purpose::Routing, u64::from(i), 1);
                let id = engines.least_loaded(&candidates, Versions::below(2), now, bits, &mut notices);
                let loads: Vec<u32> = (0..replicas).map(|id| engines.load(id, now, &mut notices)).collect();
                assert_eq!(Some(&loads[id as usize]), loads.iter().min());
                let only = engines.least_loaded(&[1, 3, 5], Versions::of(1), now, bits, &mut notices);
                assert!(engines.index.is_none() || only % 2 == 1);
                engines.submit(id, now, request(i), &mut notices);
                notices.clear();
                chosen[id as usize] += 1.0;
            }
            let expected = f64::from(n) / f64::from(replicas);
            // Whoever was chosen has more requests: shares vary less than those of independent choices.
            assert!(chosen.iter().all(|count| (count - expected).abs() < 5.0 * expected.sqrt()), "{chosen:?}");
        }
    }

    #[test]
    fn every_place_is_as_likely_as_the_other() {
        let key = RunKey::new(1, 1);
        let mut counts = [0.0_f64; 7];
        (0..70_000).for_each(|i| counts[choice(key.keyed_bits(Purpose::Routing, i, 1), 7)] += 1.0);
        let error = (10_000.0_f64 * 6.0 / 7.0).sqrt();
        assert!(counts.iter().all(|count| (count - 10_000.0).abs() < 5.0 * error), "{counts:?}");
        assert_eq!((choice(u64::MAX, 1), choice(0, 0)), (0, 0));
    }
}
