//! The attempts that are under way, in slots that are used again.

use crate::ledger::RequestTimes;
use crate::serving::Handle;
use crate::units::Time;
use crate::workload::Arrival;

/// Where an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The slot is free.
    Nowhere,
    /// Its client waits before this attempt begins.
    BackOff,
    /// No replica is ready: it waits at the gateway.
    Gateway,
    /// At a replica.
    Replica(u32),
}

/// A moment that may not have come: as [`Option<Time>`], in half the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(Time);

impl Moment {
    /// It has not come.
    pub(super) const NOT_YET: Moment = Moment(Time::NEVER);

    #[inline]
    pub(super) fn at(time: Time) -> Moment {
        Moment(time)
    }

    #[inline]
    pub(super) fn get(self) -> Option<Time> {
        (!self.0.is_never()).then_some(self.0)
    }
}

/// One attempt of a request, with what must be remembered of the request. There are many at once and each is looked at
/// several times: small is quick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// Number of the request in order of first arrival, from 0.
    pub(super) request: u64,
    /// Number of the attempt, from 1.
    pub(super) number: u32,
    /// When the request first arrived.
    pub(super) first_arrival: Time,
    /// When this attempt arrived.
    pub(super) arrived: Time,
    /// When it reached its replica.
    pub(super) dispatched: Time,
    pub(super) prompt_tokens: u32,
    /// The answer that stable would give.
    pub(super) stable_output_tokens: u32,
    /// The answer that the version reached gives.
    pub(super) output_tokens: u32,
    pub(super) place: Place,
    pub(super) version: u8,
    pub(super) handle: Option<Handle>,
    pub(super) scheduled: Moment,
    pub(super) first_token: Moment,
    pub(super) preemptions: u32,
    /// When its client gave it up, if it did.
    pub(super) timed_out_at: Moment,
    /// Whether its request first arrived in the window.
    pub(super) measured: bool,
    /// Whether an attempt of its request reached the new version.
    pub(super) reached_new: bool,
    /// Whether one did before the verdict on it.
    pub(super) exposed: bool,
    /// Counts the uses of the slot and the attempts in it: an event set for an earlier one is stale.
    pub(super) generation: u32,
    /// Its row in `requests.csv`.
    pub(super) row: u32,
}

const _: () = assert!(size_of::<Attempt>() <= 112, "an attempt fits two lines of a cache");

impl Attempt {
    /// The first attempt of a request.
    pub(super) fn first(request: u64, arrival: &Arrival, measured: bool) -> Attempt {
        Attempt {
            request,
            number: 1,
            first_arrival: arrival.time,
            arrived: arrival.time,
            dispatched: arrival.time,
            prompt_tokens: arrival.prompt_tokens,
            stable_output_tokens: arrival.output_tokens,
            output_tokens: arrival.output_tokens,
            place: Place::BackOff,
            version: 0,
            handle: None,
            scheduled: Moment::NOT_YET,
            first_token: Moment::NOT_YET,
            preemptions: 0,
            timed_out_at: Moment::NOT_YET,
            measured,
            reached_new: false,
            exposed: false,
            generation: 0,
            row: 0,
        }
    }

    /// The next attempt of the same request, before it has begun.
    pub(super) fn retry(&self) -> Attempt {
        Attempt {
            number: self.number + 1,
            generation: self.generation + 1,
            place: Place::BackOff,
            output_tokens: self.stable_output_tokens,
            version: 0,
            handle: None,
            scheduled: Moment::NOT_YET,
            first_token: Moment::NOT_YET,
            preemptions: 0,
            timed_out_at: Moment::NOT_YET,
            row: 0,
            ..*self
        }
    }

    /// The times of its request, if this attempt is its last one.
    pub(super) fn times(&self, finish: Option<Time>) -> RequestTimes {
        RequestTimes {
            arrival: self.first_arrival,
            scheduled: self.scheduled.get(),
            first_token: self.first_token.get(),
            finish,
            output_tokens: self.output_tokens,
            reached_new: self.reached_new,
            exposed: self.exposed,
        }
    }
}

/// The slots.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    slots: Vec<Attempt>,
    free: Vec<u32>,
}

impl Attempts {
    pub(super) fn add(&mut self, attempt: Attempt) -> u32 {
        if let Some(slot) = self.free.pop() {
            let generation = self.slots[slot as usize].generation;
            self.slots[slot as usize] = Attempt { generation, ..attempt };
            slot
        } else {
            self.slots.push(attempt);
            self.slots.len() as u32 - 1
        }
    }

    pub(super) fn free(&mut self, slot: u32) {
        let attempt = &mut self.slots[slot as usize];
        attempt.place = Place::Nowhere;
        attempt.generation += 1;
        self.free.push(slot);
    }

    pub(super) fn get(&self, slot: u32) -> &Attempt {
        &self.slots[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Attempt {
        &mut self.slots[slot as usize]
    }

    /// Those under way, in order of their slots.
    pub(super) fn live(&self) -> impl Iterator<Item = (u32, &Attempt)> + '_ {
        (0u32..).zip(&self.slots).filter(|(_, attempt)| attempt.place != Place::Nowhere)
    }
}
