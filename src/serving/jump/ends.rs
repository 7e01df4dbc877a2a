//! When the decoding sequences end: by the number of the decode step that emits their last token.

use crate::heap::MinHeap;

/// Steps further ahead of the epoch than this make it be moved. Answers have fewer than 2^31 tokens.
const FARTHEST: u64 = 1 << 31;

/// The slots of the decoding sequences, whoever ends first first.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// The last step, counted from the epoch, above the slot.
    heap: MinHeap<u64>,
    /// A step that is over.
    epoch: u64,
}

impl Ends {
    /// The number of sequences.
    #[inline]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Adds a sequence while `steps_done` steps are done.
    #[inline]
    pub fn push(&mut self, last_step: u64, slot: u32, steps_done: u64) {
        if steps_done - self.epoch >= FARTHEST {
            self.move_epoch(steps_done);
        }
        self.heap.push((last_step - self.epoch) << 32 | u64::from(slot));
    }

    #[cold]
    fn move_epoch(&mut self, steps_done: u64) {
        let steps = steps_done - self.epoch;
        self.heap.shift(|key| key - (steps << 32));
        self.epoch = steps_done;
    }

    /// The first step that is the last of somebody.
    #[inline]
    pub fn first(&self) -> Option<u64> {
        self.heap.first().map(|key| self.epoch + (key >> 32))
    }

    /// Takes out somebody whose last step this is.
    #[inline]
    pub fn pop_at(&mut self, step: u64) -> Option<u32> {
        let key = self.heap.first()?;
        if self.epoch + (key >> 32) != step {
            return None;
        }
        self.heap.pop();
        Some(key as u32)
    }

    /// Every slot, in no particular order.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.heap.iter().map(|key| key as u32)
    }

    /// Keeps only the sequences that are wanted.
    pub fn retain(&mut self, wanted: impl Fn(u32) -> bool) {
        self.heap.retain(|key| wanted(key as u32));
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.heap.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
