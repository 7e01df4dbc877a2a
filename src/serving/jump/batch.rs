//! The decoding sequences as sums: what their next step costs and which blocks of the cache they hold, now and some steps
//! ahead, without a look at any of them.
//!
//! While every step yields one token, a sequence takes a block in every `block_size`-th step. One counter per residue of
//! the step number says how many sequences do so in the same steps; so the blocks of all of them follow from the sum of
//! their contexts and those counters. Mostly not even the counters are read: with the most that the contexts can take
//! there is still room. Where steps yield several tokens there are no such counters, and the engine counts one by one.

use crate::serving::model::{EngineModel, StepLoad};

/// Sums over the decoding sequences.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Sequences.
    decoding: u64,
    /// Contexts in the next step; while speculating, at the end of it or less.
    context_tokens: u64,
    /// Steps done so far that decoded.
    steps_done: u64,
    /// Tokens in a block.
    block_size: u64,
    /// Sequences by the residue of (steps done - context), modulo the block size.
    residues: Vec<u32>,
    /// What differs while speculating.
    speculating: Option<Box<Speculating>>,
}

/// More sums where steps yield several tokens.
#[derive(Clone, Debug, Default)]
struct Speculating {
    /// Contexts when each sequence began to decode.
    first_contexts: u64,
    /// What a step is longer by than if contexts had not grown since, ticks; and how much that grows in a step.
    grown: u128,
    growth: u128,
    /// An upper bound of the contexts, and of what they grow by in a step: in 2^-32 tokens.
    contexts: u128,
    contexts_growth: u128,
}

/// Bits after the point of a context while speculating.
const FRACTION_BITS: u32 = 32;

/// How a sequence takes part in a batch.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its context when it began to decode.
    pub first_context: u64,
    /// Tokens that it decodes in how many steps, all in all.
    pub tokens: u32,
    /// See `tokens`.
    pub steps: u32,
    /// Steps that it has done.
    pub steps_done: u32,
}

impl Batch {
    /// Nobody.
    pub fn new(model: &EngineModel) -> Batch {
        Batch {
            decoding: 0,
            context_tokens: 0,
            steps_done: 0,
            block_size: u64::from(model.block_size),
            residues: vec![0; if model.speculates() { 0 } else { model.block_size as usize }],
            speculating: model.speculates().then(Box::default),
        }
    }

    /// Forgets everybody; the count of steps goes on.
    pub fn clear(&mut self) {
        (self.decoding, self.context_tokens) = (0, 0);
        self.residues.fill(0);
        if let Some(sums) = &mut self.speculating {
            **sums = Speculating::default();
        }
    }

    /// Sequences that decode.
    #[inline]
    pub fn decoding(&self) -> u64 {
        self.decoding
    }

    /// Decode steps done.
    #[inline]
    pub fn steps_done(&self) -> u64 {
        self.steps_done
    }

    /// Counts decode steps that everybody has done.
    #[inline]
    pub fn advance(&mut self, steps: u64) {
        self.steps_done += steps;
        self.context_tokens += steps * self.decoding;
        if let Some(sums) = &mut self.speculating {
            sums.grown += sums.growth * u128::from(steps);
            sums.contexts += sums.contexts_growth * u128::from(steps);
        }
    }

    /// The residue of a sequence whose next decode is at `context`.
    #[inline]
    fn residue(&self, context: u64) -> usize {
        // Both are counted up together, so the residue stays.
        let size = self.block_size;
        if size.is_power_of_two() {
            (self.steps_done.wrapping_sub(context) & (size - 1)) as usize
        } else {
            ((self.steps_done % size + size - context % size) % size) as usize
        }
    }

    /// Takes in a sequence that decodes from the next step on.
    #[inline]
    pub fn join(&mut self, member: Member, model: &EngineModel) {
        self.decoding += 1;
        if self.speculating.is_some() {
            return self.join_speculating(member, model);
        }
        self.context_tokens += member.first_context;
        let residue = self.residue(member.first_context);
        self.residues[residue] += 1;
    }

    /// Lets a sequence go that has done so many steps.
    #[inline]
    pub fn leave(&mut self, member: Member, model: &EngineModel) {
        self.decoding -= 1;
        if self.speculating.is_some() {
            return self.leave_speculating(member, model);
        }
        let context = member.first_context + u64::from(member.steps_done);
        self.context_tokens -= context;
        let residue = self.residue(context);
        self.residues[residue] -= 1;
    }

    #[cold]
    fn join_speculating(&mut self, member: Member, model: &EngineModel) {
        let Some(sums) = &mut self.speculating else { return };
        sums.first_contexts += member.first_context;
        sums.growth += model.growth_of(member.tokens, member.steps);
        sums.contexts += u128::from(member.first_context) << FRACTION_BITS;
        sums.contexts_growth += context_growth(member);
    }

    #[cold]
    fn leave_speculating(&mut self, member: Member, model: &EngineModel) {
        let Some(sums) = &mut self.speculating else { return };
        let done = u128::from(member.steps_done);
        let growth = model.growth_of(member.tokens, member.steps);
        sums.first_contexts -= member.first_context;
        sums.growth -= growth;
        sums.grown -= growth * done;
        sums.contexts -= (u128::from(member.first_context) << FRACTION_BITS) + context_growth(member) * done;
        sums.contexts_growth -= context_growth(member);
    }

    /// What the next decode step costs.
    #[inline]
    pub fn load(&self) -> StepLoad {
        let load = StepLoad { decoding: self.decoding, context_tokens: self.context_tokens, ..StepLoad::default() };
        match &self.speculating {
            None => load,
            Some(sums) => StepLoad { context_tokens: sums.first_contexts, grown: sums.grown, ..load },
        }
    }

    /// How much longer each decode step is than the one before it, ticks.
    #[inline]
    pub fn growth(&self, model: &EngineModel) -> u128 {
        match &self.speculating {
            None => model.growth(self.decoding),
            Some(sums) => sums.growth,
        }
    }

    /// The most tokens that the blocks held in the next decode step can have room for: contexts and what is left of blocks.
    #[inline]
    pub fn most_tokens_held(&self) -> u64 {
        let contexts = match &self.speculating {
            None => self.context_tokens,
            // The step after `n` ends at a context of at most that after `n + 1`, less the token emitted last.
            Some(sums) => ((sums.contexts + sums.contexts_growth) >> FRACTION_BITS) as u64 + 1,
        };
        contexts + self.decoding * (self.block_size - 1)
    }

    /// At least as many tokens more than [`most_tokens_held`](Self::most_tokens_held) as are held after so many steps more.
    #[inline]
    pub fn most_tokens_more(&self, steps: u64) -> u64 {
        match &self.speculating {
            None => self.decoding * steps,
            Some(sums) => ((sums.contexts_growth * u128::from(steps)) >> FRACTION_BITS) as u64 + 1,
        }
    }

    /// Tokens that the blocks held in the next decode step have room for, exactly; not while speculating.
    pub fn tokens_held(&self) -> u64 {
        debug_assert!(self.speculating.is_none(), "blocks are counted one by one");
        let size = self.block_size;
        let phase = self.steps_done % size;
        let unused: u64 = (self.residues.iter().zip(0..))
            .map(|(sequences, residue)| u64::from(*sequences) * ((residue + size - phase) % size))
            .sum();
        self.context_tokens + unused
    }

    /// The number of decode steps, of `horizon` at most, for which these blocks are enough: exactly; not while speculating.
    pub fn steps_that_fit(&self, horizon: u64, blocks: u64) -> u64 {
        let held = self.tokens_held() / self.block_size;
        let Some(mut left) = blocks.checked_sub(held) else { return 0 };
        // In a whole round of residues each sequence takes one block.
        let rounds = left / self.decoding.max(1);
        left -= rounds * self.decoding;
        let mut steps = 1 + rounds.saturating_mul(self.block_size);
        while steps < horizon {
            // Who is at the end of a block in one step takes the next one in the step after.
            let phase = (self.steps_done + steps - 1) % self.block_size;
            let takes = u64::from(self.residues[phase as usize]);
            if takes > left {
                break;
            }
            left -= takes;
            steps += 1;
        }
        steps.min(horizon)
    }
}

/// Tokens that a sequence's context grows by in a step, in 2^-32 tokens, rounded up.
fn context_growth(member: Member) -> u128 {
    (u128::from(member.tokens) << FRACTION_BITS).div_ceil(u128::from(member.steps.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Engine;
    use proptest::prelude::*;

    fn model(block_size: u32) -> EngineModel {
        EngineModel::new(&Engine { block_size, kv_cache_tokens: 1 << 30, ..Engine::default() }, 1.0)
    }

    fn member(first_context: u64, steps_done: u32) -> Member {
        Member { first_context, tokens: 1_000_000, steps: 1_000_000, steps_done }
    }

    proptest! {
        #[test]
        fn blocks_are_those_that_counting_one_by_one_finds(
            block_size in 1_u32..20,
            spare in 0_u64..40,
            contexts in prop::collection::vec(2_u64..200, 1..8),
            before in 0_u64..50,
            horizon in 1_u64..300,
        ) {
            let model = model(block_size);
            let mut batch = Batch::new(&model);
            batch.advance(before);
            contexts.iter().for_each(|context| batch.join(member(*context, 0), &model));
            // Blocks held in the step after `steps` steps.
            let held = |steps: u64| contexts.iter().map(|context| model.blocks_for(context + steps)).sum::<u64>();
            for steps in 0..40 {
                prop_assert_eq!(batch.tokens_held(), held(steps) * u64::from(block_size));
                prop_assert!(batch.most_tokens_held() >= batch.tokens_held());
                let blocks = held(steps) + spare;
                let counted = (0..horizon).take_while(|more| held(steps + more) <= blocks).count() as u64;
                prop_assert_eq!(batch.steps_that_fit(horizon, blocks), counted);
                prop_assert_eq!(batch.steps_that_fit(horizon, held(steps) - 1), 0);
                batch.advance(1);
            }
            contexts.iter().for_each(|context| batch.leave(member(*context, 40), &model));
            prop_assert_eq!((batch.decoding(), batch.tokens_held()), (0, 0));
            prop_assert!(batch.residues.iter().all(|sequences| *sequences == 0));
        }
    }
}
