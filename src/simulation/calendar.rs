//! The calendar: events to come, in the one order in which those of the same nanosecond happen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::fleet::Timer;
use crate::units::Time;

/// An event to come. First arrivals and client timeouts come in order by themselves and are kept outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A request is tried again: the attempt in this slot.
    Retry(u32),
    /// Something in a replica's life.
    Fleet(Timer),
    /// An attempt has waited at the gateway for as long as it may: its slot and the slot's generation.
    GatewayExpiry(u32, u32),
    /// The new version is applied.
    RolloutStart,
    /// An operator or the world does something: an index into the scenario's actions.
    Action(u32),
    /// A replica is scraped.
    Scrape(u32),
    /// The controller asked to be called.
    Wake,
    /// Something changed at this instant: the controller looks at it, after everything else has happened.
    Reconcile,
}

impl Event {
    /// The order of events of one nanosecond: arrivals, then (step boundaries, then) lifecycle, then scrapes, then analyses
    /// and the policy's reconcile, which sees them all.
    fn class(self) -> u8 {
        match self {
            Event::Retry(_) => 0,
            Event::Fleet(_) => 1,
            // Whoever becomes ready at the last moment still gets what waited for it.
            Event::GatewayExpiry(..) => 2,
            Event::RolloutStart | Event::Action(_) => 3,
            Event::Scrape(_) => 4,
            Event::Wake | Event::Reconcile => 5,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Time, class and sequence number in one key.
    key: u128,
    event: Event,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Events to come, earliest first; those of the same time and class in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    heap: BinaryHeap<Reverse<Entry>>,
    set: u64,
}

/// Bits of the key below the time: class and sequence number.
const CLASS_SHIFT: u32 = 48;

impl Calendar {
    pub(super) fn set(&mut self, at: Time, event: Event) {
        if at.is_never() {
            return;
        }
        // Times may be negative: an offset keeps their order in an unsigned key.
        let time = (at.0 as i128 - i64::MIN as i128) as u128;
        let key = time << 64 | u128::from(event.class()) << CLASS_SHIFT | u128::from(self.set);
        self.set += 1;
        self.heap.push(Reverse(Entry { key, event }));
    }

    /// When the earliest event comes, and whether it is an arrival; never if there is none.
    pub(super) fn next(&self) -> (Time, bool) {
        self.heap
            .peek()
            .map_or((Time::NEVER, false), |Reverse(entry)| (time_of(entry.key), matches!(entry.event, Event::Retry(_))))
    }

    pub(super) fn pop(&mut self) -> Option<(Time, Event)> {
        self.heap.pop().map(|Reverse(entry)| (time_of(entry.key), entry.event))
    }

    /// When this very event comes; never if it does not.
    pub(super) fn when(&self, event: Event) -> Time {
        let comes = self.heap.iter().filter(|Reverse(entry)| entry.event == event);
        comes.map(|Reverse(entry)| time_of(entry.key)).min().unwrap_or(Time::NEVER)
    }

    /// Every event to come, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.heap.iter().map(|Reverse(entry)| entry.event)
    }
}

fn time_of(key: u128) -> Time {
    Time(((key >> 64) as i128 + i64::MIN as i128) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_nanosecond_happen_in_the_documented_order() {
        let mut calendar = Calendar::default();
        let at = Time(-5);
        calendar.set(at, Event::Reconcile);
        calendar.set(at, Event::Scrape(1));
        calendar.set(at, Event::RolloutStart);
        calendar.set(at, Event::Fleet(Timer::Sigterm(1)));
        calendar.set(at, Event::Retry(3));
        calendar.set(at, Event::Fleet(Timer::Sigterm(2)));
        calendar.set(Time(-6), Event::Wake);
        let order: Vec<Event> = std::iter::from_fn(|| calendar.pop().map(|(_, event)| event)).collect();
        let expected = [
            Event::Wake,
            Event::Retry(3),
            Event::Fleet(Timer::Sigterm(1)),
            Event::Fleet(Timer::Sigterm(2)),
            Event::RolloutStart,
            Event::Scrape(1),
            Event::Reconcile,
        ];
        assert_eq!(order, expected);
    }
}
