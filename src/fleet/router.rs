//! The router: which version and which replica an attempt goes to.

use super::life::Fleet;
use super::view::Version;
use crate::random::{Purpose, RunKey, unit_interval};
use crate::scenario::RouterPolicy;

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

    /// Chooses a replica for an attempt. `load` tells how many requests a replica has.
    pub fn route(
        &mut self,
        fleet: &mut Fleet,
        routing: Routing,
        (request, attempt): (u64, u32),
        mut load: impl FnMut(&mut Fleet, u32) -> usize,
    ) -> Destination {
        self.refresh(fleet);
        let group = self.group(routing, request, attempt);
        let candidates = &self.groups[group];
        if candidates.is_empty() {
            return Destination::Nobody;
        }
        let bits = || self.key.keyed_bits(Purpose::Routing, request, u64::from(attempt));
        let chosen = match self.policy {
            RouterPolicy::Random => candidates[index(bits(), candidates.len())],
            RouterPolicy::RoundRobin => {
                let last = &mut self.last[group];
                let after = last.map_or(0, |last| candidates.partition_point(|id| *id <= last));
                let next = candidates[after % candidates.len()];
                *last = Some(next);
                next
            }
            RouterPolicy::LeastRequests => least_requests(candidates, bits(), |id| load(fleet, id)),
            RouterPolicy::PowerOfTwo => {
                let (first, second) = two_of(bits(), candidates.len());
                let (a, b) = (candidates[first], candidates[second]);
                if load(fleet, b) < load(fleet, a) { b } else { a }
            }
        };
        Destination::Replica(chosen)
    }
}

fn index(bits: u64, n: usize) -> usize {
    ((unit_interval(bits) * n as f64) as usize).min(n - 1)
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

/// The one with the fewest requests, ties uniform.
fn least_requests(candidates: &[u32], bits: u64, mut load: impl FnMut(u32) -> usize) -> u32 {
    let (mut least, mut ties) = (usize::MAX, 0u64);
    let mut chosen = candidates[0];
    // Reservoir sampling over the ties: the k-th tie replaces the choice with probability 1/k. The bits are stretched
    // by multiplication, each tie reading a fresh product.
    let mut luck = bits | 1;
    for &id in candidates {
        let requests = load(id);
        if requests < least {
            (least, ties, chosen) = (requests, 1, id);
        } else if requests == least {
            ties += 1;
            luck = luck.wrapping_mul(0xD129_0C4F_6A5B_8E2D).rotate_left(29);
            if unit_interval(luck) * (ties as f64) < 1.0 {
                chosen = id;
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RunKey;

    /// Each of equally loaded candidates is chosen equally often, within five standard errors.
    #[test]
    fn ties_are_broken_uniformly() {
        let key = RunKey::new(1, 1);
        let candidates: Vec<u32> = (0..8).collect();
        let n = 80_000u32;
        let mut counts = [0u32; 8];
        let mut pairs = [0u32; 8];
        for request in 0..n {
            let bits = key.keyed_bits(Purpose::Routing, u64::from(request), 1);
            counts[least_requests(&candidates, bits, |_| 3) as usize] += 1;
            let (a, b) = two_of(bits, 8);
            assert_ne!(a, b);
            pairs[a] += 1;
            pairs[b] += 1;
        }
        let error = (f64::from(n) / 8.0 * 7.0 / 8.0).sqrt();
        for count in counts {
            assert!((f64::from(count) - f64::from(n) / 8.0).abs() < 5.0 * error, "{counts:?}");
        }
        for count in pairs {
            assert!((f64::from(count) - f64::from(n) / 4.0).abs() < 5.0 * error * 1.42, "{pairs:?}");
        }
    }
}
