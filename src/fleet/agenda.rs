//! Which engine has something to do next: for fleets too large to look at every engine for every request.
//!
//! A heap of replicas by the moment until which their engines are quiet, with four children to a node and the place of
//! every replica, so that a moment can be changed where it stands.

use crate::units::Time;

/// Children of a node.
const ARITY: usize = 4;

/// Replicas by their moments, earliest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    /// Moments above replicas, as [`key`] joins them: a node's children fill a line of the cache.
    heap: Vec<u128>,
    /// The place of each replica in the heap.
    places: Vec<u32>,
}

/// A moment and a replica as one number, in the order of moments.
#[inline]
fn key(moment: Time, replica: u32) -> u128 {
    // Moments may be negative: turning the sign keeps their order.
    u128::from(moment.0 as u64 ^ 1 << 63) << 32 | u128::from(replica)
}

#[inline]
fn moment_of(key: u128) -> Time {
    Time(((key >> 32) as u64 ^ 1 << 63) as i64)
}

impl Agenda {
    /// Adds the next replica.
    pub(super) fn add(&mut self, moment: Time) {
        let replica = self.places.len() as u32;
        self.places.push(self.heap.len() as u32);
        self.heap.push(key(moment, replica));
        self.rise(self.heap.len() - 1, key(moment, replica));
    }

    /// The earliest moment and whose it is.
    #[inline]
    pub(super) fn first(&self) -> Option<(Time, u32)> {
        self.heap.first().map(|key| (moment_of(*key), *key as u32))
    }

    /// Changes the moment of a replica.
    #[inline]
    pub(super) fn set(&mut self, replica: u32, moment: Time) {
        let place = self.places[replica as usize] as usize;
        let key = key(moment, replica);
        if key < self.heap[place] {
            self.rise(place, key);
        } else {
            self.sink(place, key);
        }
    }

    #[inline]
    fn put(&mut self, place: usize, key: u128) {
        self.heap[place] = key;
        self.places[key as u32 as usize] = place as u32;
    }

    /// Puts a key in a place that is free, or above it.
    fn rise(&mut self, mut place: usize, key: u128) {
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent] <= key {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, key);
    }

    /// Puts a key in a place that is free, or below it.
    fn sink(&mut self, mut place: usize, key: u128) {
        loop {
            let first = ARITY * place + 1;
            let least = match self.heap.get(first..first + ARITY) {
                Some(&[a, b, c, d]) => a.min(b).min(c.min(d)),
                // Fewer children, or none.
                _ => self.heap.get(first..).unwrap_or_default().iter().copied().min().unwrap_or(u128::MAX),
            };
            if least >= key {
                break;
            }
            let child = self.places[least as u32 as usize] as usize;
            self.put(place, least);
            place = child;
        }
        self.put(place, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_is_whoever_has_the_earliest_moment(
            moments in prop::collection::vec(0_i64..50, 1..40),
            changes in prop::collection::vec((0_usize..40, 0_i64..50), 0..200),
        ) {
            let mut agenda = Agenda::default();
            let mut moments = moments;
            moments.iter().for_each(|moment| agenda.add(Time(*moment)));
            for (replica, moment) in changes {
                let replica = replica % moments.len();
                moments[replica] = moment;
                agenda.set(replica as u32, Time(moment));
                let earliest = moments.iter().zip(0..).map(|(moment, replica)| (Time(*moment), replica)).min();
                prop_assert_eq!(agenda.first(), earliest);
            }
        }
    }
}
