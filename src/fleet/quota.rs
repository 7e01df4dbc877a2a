//! How many GPUs the fleet can have, and those that are lost when a replica gives them back.

use super::events::{LifeEvent, Outbox, Timer};
use super::life::Fleet;
use crate::random::Purpose;
use crate::units::{Duration, Time};

/// GPUs that can be had, held ones included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    /// `gpu_limit`; without one, the most that the fleet has asked for at once.
    size: u32,
    is_limited: bool,
    /// Of those, what can't be had at the moment.
    lost: u32,
    /// How often a replica gave its GPUs back.
    releases: u64,
}

impl Quota {
    /// Nothing is asked for yet.
    pub(super) fn new(limit: Option<u32>) -> Quota {
        Quota { size: limit.unwrap_or(0), is_limited: limit.is_some(), lost: 0, releases: 0 }
    }

    /// The fleet asks for so many at once, held ones included: a cloud without a limit has them.
    pub(super) fn ask(&mut self, gpus: u32) {
        if !self.is_limited {
            self.size = self.size.max(gpus);
        }
    }

    /// Whether so many can be held at once.
    pub(super) fn has_room(&self, gpus: u32) -> bool {
        gpus + self.lost <= self.size
    }
}

impl Fleet {
    /// GPUs that were lost when a replica gave them back and can't be had again yet.
    pub fn gpus_lost(&self) -> u32 {
        self.quota.lost
    }

    /// A replica has given its GPUs back: perhaps they are lost. The i-th release draws the i-th values, whichever replica
    /// it is.
    pub(super) fn release_gpus(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let release = self.quota.releases;
        self.quota.releases += 1;
        let Some(stockout) = &self.scenario.fleet.stockout else { return };
        if self.key.keyed_uniform(Purpose::Stockout, release, 0) >= stockout.probability {
            return;
        }
        let mut stream = self.key.keyed_stream(Purpose::Stockout, release, 1);
        let delay = Duration::from_seconds_f64(stockout.delay.draw(&mut stream, release));
        if delay.is_zero() {
            return;
        }
        self.quota.lost += self.scenario.fleet.gpus_per_replica;
        self.note(id, LifeEvent::GpusLost, out);
        if !(now + delay).is_never() {
            out.timers.push((now + delay, Timer::GpusReturned(id)));
        }
    }

    /// As many as this replica lost can be had again.
    pub(super) fn gpus_return(&mut self, id: u32, now: Time, out: &mut Outbox) {
        self.quota.lost -= self.scenario.fleet.gpus_per_replica;
        self.note(id, LifeEvent::GpusReturned, out);
        self.grant_gpus(now, out);
    }
}
