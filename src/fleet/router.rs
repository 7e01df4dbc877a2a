//! The router: which version and which replica an attempt goes to.

use super::engines::choice;
use super::events::Outbox;
use super::life::Fleet;
use super::versions::Versions;
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
    /// A traffic router draws one of two Services by weight.
    Split {
        /// Versions behind the stable Service.
        stable: Versions,
        /// Versions behind the canary Service.
        canary: Versions,
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
                (stable.contains(version) && canary_percent < 100) || (canary.contains(version) && canary_percent > 0)
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
    /// Ready replicas by version, ascending; then those of all versions, and of each of `services`.
    groups: Vec<Vec<u32>>,
    /// The Services of several versions whose replicas the last groups hold: the stable and the canary one.
    services: [Versions; 2],
    /// Which change of the endpoints `groups` shows.
    seen: u64,
    /// The replica chosen last in each group, for round robin.
    last: Vec<Option<u32>>,
}

impl Router {
    /// A router that sends to nobody yet.
    pub fn new(policy: RouterPolicy, key: RunKey, versions: usize) -> Router {
        let groups = versions + 1 + 2;
        Router {
            policy,
            key,
            groups: vec![Vec::new(); groups],
            services: [Versions::NONE; 2],
            seen: u64::MAX,
            last: vec![None; groups],
        }
    }

    /// The group of all versions.
    fn all(&self) -> usize {
        self.groups.len() - 3
    }

    /// The group of a Service: its only version's, or else its own.
    fn group_of(&self, service: Versions, own: usize) -> usize {
        service.only().filter(|version| *version < self.all()).unwrap_or(own)
    }

    /// The group of replicas that an attempt may go to under the present routing.
    fn group(&self, routing: Routing, request: u64, attempt: u32) -> usize {
        match routing {
            Routing::All => self.all(),
            Routing::Only(version) => version,
            Routing::Split { stable, canary, canary_percent } => {
                let u = self.key.keyed_uniform(Purpose::Weight, request, u64::from(attempt));
                let to_canary = u * 100.0 < f64::from(canary_percent);
                match to_canary {
                    false => self.group_of(stable, self.all() + 1),
                    true => self.group_of(canary, self.all() + 2),
                }
            }
        }
    }

    #[inline]
    fn refresh(&mut self, fleet: &Fleet, routing: Routing) {
        let services = match routing {
            Routing::Split { stable, canary, .. } => [stable, canary],
            Routing::All | Routing::Only(_) => self.services,
        };
        if self.seen != fleet.endpoints_epoch() || self.services != services {
            self.look_again(fleet, services);
        }
    }

    /// Finds the ready replicas of each group anew.
    #[cold]
    fn look_again(&mut self, fleet: &Fleet, services: [Versions; 2]) {
        (self.seen, self.services) = (fleet.endpoints_epoch(), services);
        for group in &mut self.groups {
            group.clear();
        }
        let all = self.all();
        for replica in fleet.replicas().iter().filter(|replica| replica.in_endpoints) {
            self.groups[replica.version].push(replica.id);
            self.groups[all].push(replica.id);
            for (service, group) in services.iter().zip(all + 1..) {
                if service.contains(replica.version) {
                    self.groups[group].push(replica.id);
                }
            }
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
        self.refresh(fleet, routing);
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
                let all = self.groups.len() - 3;
                let versions = match group.checked_sub(all) {
                    None => Versions::of(group),
                    Some(0) => Versions::below(all),
                    Some(service) => self.services[service - 1],
                };
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
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::random::RunKey;
    use crate::scenario;
    use crate::serving::EngineModel;
    use crate::units::Duration;

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

    /// A fleet of so many ready replicas of the versions 0, 1 and 2 each.
    fn fleet(policy: &str, each: u32) -> Fleet {
        const TRAFFIC: &str =
            "[traffic]\narrivals = { process = \"poisson\", rate = 1 }\nprompt_tokens = 9\noutput_tokens = 9\n";
        let sets = [format!("router.policy={policy}"), format!("fleet.replicas={each}")];
        let scenario = scenario::parse(TRAFFIC, "here", Path::new("."), &sets, &[]).expect("a scenario");
        let model = Arc::new(EngineModel::new(&scenario.engine, 1.0));
        let models = vec![model.clone(), model];
        let mut out = Outbox::default();
        let (key, zero) = (RunKey::new(1, 1), Time::ZERO);
        let mut fleet = Fleet::new(Arc::new(scenario), models, vec![0, 1, 1], key, Duration::ZERO, zero, &mut out);
        for i in 0..2 * each as usize {
            fleet.create(1 + i % 2, zero, &mut out);
        }
        while !out.timers.is_empty() {
            let timers: Vec<_> = out.timers.drain(..).collect();
            timers.into_iter().for_each(|(at, timer)| fleet.handle(timer, at, &mut out));
        }
        fleet
    }

    /// Whatever the policy, and with an index or without: a Service of two versions is one Service.
    #[test]
    fn a_side_of_several_versions_shares_its_requests_among_all_their_replicas() {
        let policies = [
            ("random", RouterPolicy::Random),
            ("round_robin", RouterPolicy::RoundRobin),
            ("least_requests", RouterPolicy::LeastRequests),
            ("power_of_two", RouterPolicy::PowerOfTwo),
        ];
        let routing = |percent| Routing::Split {
            stable: Versions::of(0).with(2),
            canary: Versions::of(1),
            canary_percent: percent,
        };
        for ((name, policy), each) in policies.into_iter().flat_map(|policy| [(policy, 3), (policy, 40)]) {
            let (mut fleet, mut out) = (fleet(name, each), Outbox::default());
            let mut router = Router::new(policy, RunKey::new(1, 1), 3);
            let mut counts = [0.0_f64; 3];
            let n = 12_000;
            for request in 0..n {
                let destination = router.route(&mut fleet, routing(25), (request, 1), Time::ZERO, &mut out);
                let Destination::Replica(id) = destination else { panic!("{name}: all are ready") };
                counts[fleet.replicas()[id as usize].version] += 1.0;
            }
            let near = |count: f64, share: f64| {
                let expected = share * n as f64;
                (count - expected).abs() < 5.0 * (expected * (1.0 - share)).sqrt()
            };
            assert!(near(counts[1], 0.25) && near(counts[0], 0.375) && near(counts[2], 0.375), "{name} {counts:?}");
            let nobody = Routing::Split { stable: Versions::NONE, canary: Versions::of(1), canary_percent: 0 };
            let destination = router.route(&mut fleet, nobody, (0, 1), Time::ZERO, &mut out);
            assert_eq!(destination, Destination::Nobody, "{name}");
        }
    }
}
