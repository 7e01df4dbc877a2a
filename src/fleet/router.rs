//! The router: which version and which replica an attempt goes to.

use super::engines::choice;
use super::events::Outbox;
use super::life::Fleet;
use super::view::Version;
use crate::random::{Purpose, RunKey};
use crate::scenario::RouterPolicy;
use crate::units::Time;

/// Which pods the router may send requests to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// One Service selects the ready pods of every version.
    All,
    /// The active Service selects one version.
    Only(Version),
    /// A traffic router draws the version by weight.
    Split {
        /// Version behind the stable Service.
        stable: Version,
        /// Version behind the canary Service.
        canary: Version,
        /// Percent of the requests that go to the canary Service.
        canary_percent: u32,
    },
}

impl Routing {
    /// Whether a request may go to a replica of this version.
    pub fn reaches(self, version: Version) -> bool {
        match self {
            Routing::All => true,
            Routing::Only(active) => active == version,
            Routing::Split { stable, canary, canary_percent } => {
                (stable == version && canary_percent < 100) || (canary == version && canary_percent > 0)
            }
        }
    }
}

/// Where an attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To this replica.
    Replica(u32),
    /// Nowhere: no replica that it could go to is ready.
    Nobody,
}

/// The router of one run.
#[derive(Clone, Debug)]
pub struct Router {
    policy: RouterPolicy,
    key: RunKey,
    /// Ready replicas by version, ascending, and last those of all versions.
    groups: Vec<Vec<u32>>,
    /// Which change of the endpoints `groups` shows.
    seen: u64,
    /// The replica chosen last in each group, for round robin.
    last: Vec<Option<u32>>,
}

impl Router {
    /// A router that sends to nobody yet.
    pub fn new(policy: RouterPolicy, key: RunKey, versions: usize) -> Router {
        Router { policy, key, groups: vec![Vec::new(); versions + 1], seen: u64::MAX, last: vec![None; versions + 1] }
    }

    /// The group of replicas that an attempt may go to under the present routing.
    fn group(&self, routing: Routing, request: u64, attempt: u32) -> usize {
        match routing {
            Routing::All => self.groups.len() - 1,
            Routing::Only(version) => version,
            Routing::Split { stable, canary, canary_percent } => {
                let u = self.key.keyed_uniform(Purpose::Weight, request, u64::from(attempt));
                let to_canary = u * 100.0 < f64::from(canary_percent);
                if to_canary { canary } else { stable }
            }
        }
    }

    fn refresh(&mut self, fleet: &Fleet) {
        if self.seen == fleet.endpoints_epoch() {
            return;
        }
        self.seen = fleet.endpoints_epoch();
        for group in &mut self.groups {
            group.clear();
        }
        let all = self.groups.len() - 1;
        for replica in fleet.replicas().iter().filter(|replica| replica.in_endpoints) {
            self.groups[replica.version].push(replica.id);
            self.groups[all].push(replica.id);
        }
    }

    /// Chooses a replica for an attempt that arrives at `now`; engines are run up to there where their loads matter.
    pub fn route(
        &mut self,
        fleet: &mut Fleet,
        routing: Routing,
        (request, attempt): (u64, u32),
        now: Time,
        out: &mut Outbox,
    ) -> Destination {
        self.refresh(fleet);
        let group = self.group(routing, request, attempt);
        let candidates = &self.groups[group];
        if candidates.is_empty() {
            return Destination::Nobody;
        }
        let bits = || self.key.keyed_bits(Purpose::Routing, request, u64::from(attempt));
        let chosen = match self.policy {
            RouterPolicy::Random => candidates[choice(bits(), candidates.len())],
            RouterPolicy::RoundRobin => {
                let last = &mut self.last[group];
                let after = last.map_or(0, |last| candidates.partition_point(|id| *id <= last));
                let next = candidates[after % candidates.len()];
                *last = Some(next);
                next
            }
            RouterPolicy::LeastRequests => {
                let all = self.groups.len() - 1;
                let versions = if group == all { 0..all } else { group..group + 1 };
                fleet.engines.least_loaded(candidates, versions, now, bits(), &mut out.notices)
            }
            RouterPolicy::PowerOfTwo => {
                let (first, second) = two_of(bits(), candidates.len());
                let (a, b) = (candidates[first], candidates[second]);
                let mut load = |id| fleet.engines.load(id, now, &mut out.notices);
                if load(b) < load(a) { b } else { a }
            }
        };
        Destination::Replica(chosen)
    }
}

/// Two different places out of `n` (the same one if there is only one), uniformly.
fn two_of(bits: u64, n: usize) -> (usize, usize) {
    let first = (((bits >> 32) * n as u64) >> 32) as usize;
    if n == 1 {
        return (0, 0);
    }
    let skip = (((bits & 0xFFFF_FFFF) * (n as u64 - 1)) >> 32) as usize;
    (first, (first + 1 + skip) % n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RunKey;

    /// Each pair of places is as likely as the other, within five standard errors.
    #[test]
    fn two_places_are_different_and_any_two() {
        let key = RunKey::new(1, 1);
        let n = 80_000_u32;
        let mut pairs = [0_u32; 8];
        for request in 0..n {
            let (a, b) = two_of(key.keyed_bits(Purpose::Routing, u64::from(request), 1), 8);
            assert_ne!(a, b);
            pairs[a] += 1;
            pairs[b] += 1;
        }
        let error = (f64::from(n) / 4.0 * 3.0 / 4.0).sqrt();
        for count in pairs {
            assert!((f64::from(count) - f64::from(n) / 4.0).abs() < 5.0 * error, "{pairs:?}");
        }
        assert_eq!(two_of(u64::MAX, 1), (0, 0));
    }
}
