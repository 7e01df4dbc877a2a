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
    heap: Vec<(Time, u32)>,
    /// The place of each replica in the heap.
    places: Vec<u32>,
}

impl Agenda {
    /// Adds the next replica.
    pub(super) fn add(&mut self, moment: Time) {
        let replica = self.places.len() as u32;
        self.places.push(self.heap.len() as u32);
        self.heap.push((moment, replica));
        self.rise(self.heap.len() - 1);
    }

    /// The earliest moment and whose it is.
    #[inline]
    pub(super) fn first(&self) -> Option<(Time, u32)> {
        self.heap.first().copied()
    }

    /// Changes the moment of a replica.
    #[inline]
    pub(super) fn set(&mut self, replica: u32, moment: Time) {
        let place = self.places[replica as usize] as usize;
        let before = std::mem::replace(&mut self.heap[place].0, moment);
        if moment < before {
            self.rise(place);
        } else if moment > before {
            self.sink(place);
        }
    }

    fn put(&mut self, place: usize, entry: (Time, u32)) {
        self.heap[place] = entry;
        self.places[entry.1 as usize] = place as u32;
    }

    fn rise(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent] <= entry {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, entry);
    }

    fn sink(&mut self, mut place: usize) {
        let entry = self.heap[place];
        loop {
            let first = ARITY * place + 1;
            let children = first..self.heap.len().min(first + ARITY);
            let Some(least) = children.min_by_key(|child| self.heap[*child]).filter(|least| self.heap[*least] < entry)
            else {
                break;
            };
            self.put(place, self.heap[least]);
            place = least;
        }
        self.put(place, entry);
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
