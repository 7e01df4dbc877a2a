//! The paged KV cache as a count of free blocks, and when the decoding sequences will have used them up.
//!
//! A decoding sequence takes a block whenever its context is one more than a multiple of the block size, so every
//! `block_size`-th step. One counter per residue of the step number says how many sequences do so in that step.

use crate::serving::model::EngineModel;

/// Free blocks, and the blocks that the next steps will take.
#[derive(Clone, Debug)]
pub struct Blocks {
    free: u64,
    /// Decoding sequences by the residue of the steps in which they take a block.
    takers: Vec<u32>,
    /// The residue of the next step.
    phase: u32,
}

impl Blocks {
    /// An empty cache.
    pub fn new(model: &EngineModel) -> Blocks {
        Blocks { free: model.total_blocks, takers: vec![0; model.block_size as usize], phase: 0 }
    }

    /// Empties the cache.
    pub fn clear(&mut self, model: &EngineModel) {
        self.free = model.total_blocks;
        self.takers.fill(0);
    }

    /// Blocks free now, before the next step's decodes take theirs.
    pub fn free(&self) -> u64 {
        self.free
    }

    /// Blocks that the next step's decodes take.
    #[inline]
    pub fn next_decodes_take(&self) -> u64 {
        u64::from(self.takers[self.phase as usize])
    }

    /// Blocks that prompts may have in the next step: the decodes come first.
    #[inline]
    pub fn free_for_prompts(&self) -> u64 {
        self.free - self.next_decodes_take()
    }

    /// Takes blocks for a prompt.
    #[inline]
    pub fn take(&mut self, blocks: u64) {
        self.free -= blocks;
    }

    /// Gives blocks back.
    #[inline]
    pub fn give_back(&mut self, blocks: u64) {
        self.free += blocks;
    }

    /// Counts a sequence whose next decode is at `context`; returns the residue by which it [`leaves`](Self::leave).
    #[inline]
    pub fn join(&mut self, context: u64) -> u32 {
        let size = self.takers.len() as u64;
        // It takes a block in the step in which the context is 1 modulo the size, so many steps after the next.
        let wait = size - 1 - (context + size - 2) % size;
        let mut residue = u64::from(self.phase) + wait;
        if residue >= size {
            residue -= size;
        }
        self.takers[residue as usize] += 1;
        residue as u32
    }

    /// Uncounts a sequence.
    #[inline]
    pub fn leave(&mut self, residue: u32) {
        self.takers[residue as usize] -= 1;
    }

    /// Takes the blocks of the decodes of so many steps, with so many sequences decoding.
    pub fn advance(&mut self, steps: u64, decoding: u64) {
        let size = self.takers.len() as u64;
        let mut rest = steps;
        if steps >= size {
            // In so many steps each sequence takes one block.
            self.free -= steps / size * decoding;
            rest = steps % size;
        }
        let mut phase = self.phase as usize;
        for _ in 0..rest {
            self.free -= u64::from(self.takers[phase]);
            phase = self.after(phase);
        }
        self.phase = phase as u32;
    }

    /// The residue of the step after one of this residue.
    #[inline]
    fn after(&self, phase: usize) -> usize {
        if phase + 1 == self.takers.len() { 0 } else { phase + 1 }
    }

    /// The number of steps, at most `horizon`, that the decodes can take before they lack a block.
    #[inline]
    pub fn steps_that_fit(&self, horizon: u64, decoding: u64) -> u64 {
        let size = self.takers.len() as u64;
        // Most often there is plenty: each sequence takes at most one block in `size` steps, and `horizon / size` is
        // rounded up by less than one.
        if decoding.saturating_mul(horizon + size) <= self.free.saturating_mul(size) {
            return horizon;
        }
        let cycles = self.free / decoding;
        let mut left = self.free - cycles * decoding;
        let mut steps = cycles.saturating_mul(size);
        let mut phase = self.phase as usize;
        while steps < horizon {
            let taken = u64::from(self.takers[phase]);
            if taken > left {
                break;
            }
            left -= taken;
            steps += 1;
            phase = self.after(phase);
        }
        steps.min(horizon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Engine, StepTime};
    use proptest::prelude::*;

    fn cache(block_size: u32, blocks: u64) -> (EngineModel, Blocks) {
        let settings = Engine {
            max_num_seqs: 8,
            max_num_batched_tokens: 64,
            kv_cache_tokens: blocks * u64::from(block_size),
            block_size,
            step_time: StepTime::default(),
            ..Engine::default()
        };
        let model = EngineModel::new(&settings, 1.0);
        let blocks = Blocks::new(&model);
        (model, blocks)
    }

    proptest! {
        #[test]
        fn exhaustion_is_foreseen_where_counting_block_by_block_finds_it(
            block_size in 1_u32..20,
            spare in 0_u64..40,
            contexts in prop::collection::vec(2_u64..200, 1..8),
            before in 0_u64..50,
            horizon in 1_u64..300,
        ) {
            let held = |model: &EngineModel, steps: u64| {
                // Before its next decode, a sequence holds the blocks of what it has processed.
                contexts.iter().map(|context| model.blocks_for(context - 1 + steps)).sum::<u64>()
            };
            let (model, mut blocks) = cache(block_size, 10_000);
            blocks.advance(before, 0);
            for context in &contexts {
                blocks.join(*context);
            }
            let all = held(&model, 0) + spare;
            blocks.take(blocks.free() - spare);
            let counted = (1..=horizon).take_while(|steps| held(&model, *steps) <= all).count() as u64;
            let found = blocks.steps_that_fit(horizon, contexts.len() as u64);
            prop_assert_eq!(found, counted);
            blocks.advance(found, contexts.len() as u64);
            prop_assert_eq!(blocks.free(), all - held(&model, found));
        }
    }

    #[test]
    fn who_leaves_takes_no_more_blocks() {
        let (_, mut blocks) = cache(4, 100);
        let residue = blocks.join(5);
        assert_eq!(blocks.next_decodes_take(), 1);
        blocks.leave(residue);
        blocks.advance(40, 0);
        assert_eq!(blocks.free(), 100);
    }
}
