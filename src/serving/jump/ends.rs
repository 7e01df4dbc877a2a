//! When the decoding sequences end: by the number of the decode step that emits their last token.

use crate::heap::MinHeap;

/// Steps further ahead of the epoch than this make it be moved. Answers have fewer than 2^31 tokens.
const FARTHEST: u64 = 1 << 31;

/// Ends that are kept in order, at most; what ends later waits in a heap.
const MOST_NEAR: usize = 128;

/// The slots of the decoding sequences, whoever ends first first.
///
/// A key is the last step, counted from the epoch, above the slot. Up to some hundred keys are quickest kept sorted: the
/// first is at hand, and making room for another moves a few cache lines.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// The least keys, greatest first.
    near: Vec<u64>,
    /// The others, none of them less than any of the near ones.
    far: MinHeap<u64>,
    /// A step that is over.
    epoch: u64,
}

impl Ends {
    /// The number of sequences.
    #[inline]
    pub fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    /// Adds a sequence while `steps_done` steps are done.
    #[inline]
    pub fn push(&mut self, last_step: u64, slot: u32, steps_done: u64) {
        if steps_done - self.epoch >= FARTHEST {
            self.move_epoch(steps_done);
        }
        let key = (last_step - self.epoch) << 32 | u64::from(slot);
        if self.near.len() == MOST_NEAR || !self.far.is_empty() {
            return self.push_among_many(key);
        }
        let place = self.near.partition_point(|other| *other > key);
        self.near.insert(place, key);
    }

    fn push_among_many(&mut self, key: u64) {
        if self.far.first().is_some_and(|first| first < key) {
            return self.far.push(key);
        }
        if self.near.len() == MOST_NEAR {
            self.near.drain(..MOST_NEAR / 2).for_each(|key| self.far.push(key));
        }
        let place = self.near.partition_point(|other| *other > key);
        if place == 0 && !self.far.is_empty() {
            return self.far.push(key);
        }
        self.near.insert(place, key);
    }

    #[cold]
    fn move_epoch(&mut self, steps_done: u64) {
        let steps = steps_done - self.epoch;
        self.near.iter_mut().for_each(|key| *key -= steps << 32);
        self.far.shift(|key| key - (steps << 32));
        self.epoch = steps_done;
    }

    /// The first step that is the last of somebody.
    #[inline]
    pub fn first(&self) -> Option<u64> {
        self.near.last().map(|key| self.epoch + (key >> 32))
    }

    /// Takes out somebody whose last step this is.
    #[inline]
    pub fn pop_at(&mut self, step: u64) -> Option<u32> {
        let key = *self.near.last()?;
        if self.epoch + (key >> 32) != step {
            return None;
        }
        self.near.pop();
        if self.near.is_empty() && !self.far.is_empty() {
            self.bring_near();
        }
        Some(key as u32)
    }

    fn bring_near(&mut self) {
        while self.near.len() < MOST_NEAR / 2
            && let Some(key) = self.far.pop()
        {
            self.near.push(key);
        }
        self.near.reverse();
    }

    /// Every slot, in no particular order.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.near.iter().copied().chain(self.far.iter()).map(|key| key as u32)
    }

    /// Keeps only the sequences that are wanted.
    pub fn retain(&mut self, wanted: impl Fn(u32) -> bool) {
        self.near.retain(|key| wanted(*key as u32));
        self.far.retain(|key| wanted(key as u32));
        if self.near.is_empty() {
            self.bring_near();
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequences_end_in_order_also_after_billions_of_steps() {
        let mut ends = Ends::default();
        let mut done = 0;
        for round in 0..5_u64 {
            ends.push(done + 7, 1, done);
            ends.push(done + 3_000_000_000, u32::MAX, done);
            assert_eq!((ends.first(), ends.pop_at(done + 6)), (Some(done + 7), None));
            assert_eq!(ends.pop_at(done + 7), Some(1));
            done += 2_500_000_000;
            ends.push(done + 9, 2, done);
            assert_eq!(ends.pop_at(done + 9), Some(2), "round {round}");
            done += 500_000_000;
            assert_eq!((ends.pop_at(done), ends.len()), (Some(u32::MAX), 0));
        }
    }

    proptest! {
        #[test]
        fn sequences_end_in_order_however_many_there_are(
            deeds in prop::collection::vec((0_u8..10, 1_u64..2_000), 1..1_500),
        ) {
            let (mut ends, mut sorted, mut done, mut next) = (Ends::default(), Vec::new(), 0, 0);
            for (deed, steps) in deeds {
                match deed {
                    0..6 => {
                        ends.push(done + steps, next, done);
                        sorted.push((done + steps, next));
                        sorted.sort_unstable();
                        next += 1;
                    }
                    6..9 => if let Some((first, _)) = sorted.first().copied() {
                        prop_assert_eq!((ends.first(), ends.pop_at(first - 1)), (Some(first), None));
                        let slot = ends.pop_at(first).expect("somebody ends");
                        let place = sorted.iter().position(|entry| *entry == (first, slot));
                        sorted.remove(place.expect("one of those who end"));
                        done = first;
                    },
                    _ => {
                        ends.retain(|slot| u64::from(slot) % 7 != steps % 7);
                        sorted.retain(|(_, slot)| u64::from(*slot) % 7 != steps % 7);
                    }
                }
                prop_assert_eq!(ends.len(), sorted.len());
                prop_assert_eq!(ends.first(), sorted.first().map(|(step, _)| *step));
            }
            let mut slots: Vec<u32> = ends.slots().collect();
            slots.sort_unstable();
            sorted.sort_unstable_by_key(|(_, slot)| *slot);
            prop_assert_eq!(slots, sorted.iter().map(|(_, slot)| *slot).collect::<Vec<u32>>());
        }
    }
}
