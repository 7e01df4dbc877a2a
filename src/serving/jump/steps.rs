//! How a stride begins: who decodes, who is preempted for want of blocks, whose prompt is read, who is admitted, and for
//! how many steps all that stays so.

use super::stride::Stride;
use super::{Engine, HalfRead, State};
use crate::serving::model::{StepLoad, Ticks};
use crate::serving::{Notice, NoticeKind};
use crate::units::Time;

/// What prompts may have in the step that begins: the decodes come first.
#[derive(Clone, Copy)]
enum Free {
    /// Blocks for so many tokens at least.
    AtLeast(u64),
    /// So many blocks.
    Blocks(u64),
}

impl Engine {
    /// Decides what the next step does, and for how many steps that stays so. `time` is the nanosecond of `start`.
    #[inline]
    pub(super) fn begin_step(&mut self, start: Ticks, time: Time, notices: &mut Vec<Notice>) {
        if self.queue.is_empty() && self.half_read.is_none() {
            let Some(last_step) = self.ends.first() else {
                self.left_waiting = false;
                return self.set_stride(Stride::IDLE);
            };
            let horizon = last_step - self.batch.steps_done();
            if self.all_fit(horizon) {
                // Mostly nobody waits, and there is room until somebody ends.
                (self.left_waiting, self.stands_still) = (false, false);
                let first = self.model.step(&self.batch.load());
                return self.set_stride(Stride::new(start, first, self.batch.growth(&self.model), horizon));
            }
        }
        self.begin_crowded_step(start, time, notices);
    }

    /// Whether the blocks are certainly enough for so many decode steps.
    #[inline]
    fn all_fit(&self, steps: u64) -> bool {
        let blocks = self.model.total_blocks - self.model.free_for_decode;
        let most = self.batch.most_tokens_held() + self.batch.most_tokens_more(steps - 1);
        most <= blocks * u64::from(self.model.block_size)
    }

    fn begin_crowded_step(&mut self, start: Ticks, time: Time, notices: &mut Vec<Notice>) {
        let mut load = StepLoad::default();
        let preempted = if self.model.chunked_prefill {
            self.begin_mixed_step(&mut load, time, notices)
        } else {
            self.begin_step_of_one_kind(&mut load, time, notices)
        };
        self.left_waiting = !self.queue.is_empty();
        if self.running() == 0 {
            return self.set_stride(Stride::IDLE);
        }
        let first = self.model.step(&load);
        if !self.reading.is_empty() || preempted {
            return self.set_stride(Stride::single(start, first));
        }
        let steps = self.steps_that_fit();
        self.set_stride(Stride::new(start, first, self.batch.growth(&self.model), steps));
    }

    /// vLLM V1: everybody decodes, and what is left of the budget reads prompts. Returns whether someone was preempted.
    #[inline]
    fn begin_mixed_step(&mut self, load: &mut StepLoad, time: Time, notices: &mut Vec<Notice>) -> bool {
        self.stands_still = false;
        let mut preempted = self.preempt_for_decodes(time, notices);
        *load = self.batch.load();
        if self.queue.is_empty() && self.half_read.is_none() {
            return preempted;
        }
        let decodes = load.decoding * self.model.tokens_per_decode;
        let mut budget = self.model.max_num_batched_tokens.saturating_sub(decodes);
        let mut free = self.free_for_prompts();
        preempted |= self.continue_prompt(&mut budget, load, &mut free, time, notices);
        if !preempted {
            self.admit(budget, load, free, time, notices);
        }
        preempted
    }

    /// vLLM V0: whole prompts are read while there are some that can be, else everybody decodes. Returns whether someone
    /// was preempted.
    fn begin_step_of_one_kind(&mut self, load: &mut StepLoad, time: Time, notices: &mut Vec<Notice>) -> bool {
        let mut preempted = false;
        loop {
            if !self.queue.is_empty() {
                let free = self.free_for_prompts();
                self.admit(self.model.max_num_batched_tokens, load, free, time, notices);
            }
            self.stands_still = !self.reading.is_empty();
            if self.stands_still {
                return preempted;
            }
            preempted |= self.preempt_for_decodes(time, notices);
            *load = self.batch.load();
            if load.decoding > 0 || self.queue.is_empty() {
                return preempted;
            }
        }
    }

    /// Preempts whoever was admitted last until the next step's decodes find the blocks that they need.
    ///
    /// The rule goes through the decodes one by one, but its outcome is this: it stops at the first number of preemptions
    /// that leaves enough for those that remain, for each of them gives blocks back and takes a need away.
    #[inline]
    fn preempt_for_decodes(&mut self, time: Time, notices: &mut Vec<Notice>) -> bool {
        let mut preempted = false;
        while !self.decodes_fit()
            && let Some(slot) = self.last_admitted()
        {
            self.preempt(slot, time, notices);
            preempted = true;
        }
        preempted
    }

    /// Whether the blocks are enough for the decodes of the next step.
    #[inline]
    fn decodes_fit(&self) -> bool {
        let blocks = self.model.total_blocks - self.half_read_blocks();
        let size = u64::from(self.model.block_size);
        let most = self.batch.most_tokens_held() + self.model.free_for_decode * size;
        most <= blocks * size || self.batch.decoding() == 0 || self.decodes_fit_exactly(blocks)
    }

    #[cold]
    fn decodes_fit_exactly(&self, blocks: u64) -> bool {
        let held = self.blocks_held(0);
        // Whoever decodes needs a free block even if it takes none: that matters for the last in order alone, because
        // what is free only becomes less.
        held <= blocks && (held + self.model.free_for_decode <= blocks || self.last_decode_takes())
    }

    /// Blocks that the decodes hold in the step after so many more, exactly.
    fn blocks_held(&self, steps: u64) -> u64 {
        if !self.model.speculates() {
            let size = u64::from(self.model.block_size);
            debug_assert_eq!(steps, 0, "further ahead the batch knows");
            return self.batch.tokens_held() / size;
        }
        self.ends.slots().map(|slot| self.blocks_of(slot, steps + 1)).sum()
    }

    /// Blocks that a decoding sequence holds when so many more steps are done: all its context but the last token.
    fn blocks_of(&self, slot: u32, steps: u64) -> u64 {
        let sequence = &self.sequences[slot];
        let tokens_out = sequence.tokens_out(self.batch.steps_done() + steps);
        self.model.blocks_for(sequence.context(tokens_out) - 1)
    }

    /// Whether the decode of whoever was admitted last takes a block.
    fn last_decode_takes(&self) -> bool {
        self.last_admitted().is_some_and(|slot| self.blocks_of(slot, 1) > self.blocks_of(slot, 0))
    }

    /// Who was admitted last of those that run.
    fn last_admitted(&self) -> Option<u32> {
        if let Some(half_read) = self.half_read {
            return Some(half_read.slot);
        }
        self.ends.slots().max_by_key(|slot| self.sequences[*slot].admission)
    }

    /// The decode steps that follow without a change: until somebody ends, or until blocks run out.
    fn steps_that_fit(&self) -> u64 {
        let Some(last_step) = self.ends.first() else { return 1 };
        let horizon = last_step - self.batch.steps_done();
        if self.all_fit(horizon) {
            return horizon;
        }
        let blocks = self.model.total_blocks - self.model.free_for_decode;
        // The step that begins now fits; where the next one might not, it is decided when it comes.
        let steps = if self.model.speculates() {
            self.speculative_steps_that_fit(horizon, blocks)
        } else {
            self.batch.steps_that_fit(horizon, blocks)
        };
        steps.max(1)
    }

    /// The number of decode steps, of `horizon` at most, for which these blocks are enough. More steps need no fewer
    /// blocks, so bisection finds it.
    #[cold]
    fn speculative_steps_that_fit(&self, horizon: u64, blocks: u64) -> u64 {
        let (mut fits, mut exceeds) = (0, horizon + 1);
        while exceeds - fits > 1 {
            let steps = fits + (exceeds - fits) / 2;
            if self.blocks_held(steps - 1) <= blocks { fits = steps } else { exceeds = steps }
        }
        fits
    }

    fn preempt(&mut self, slot: u32, time: Time, notices: &mut Vec<Notice>) {
        if self.sequences[slot].state == State::Decoding {
            self.ends.retain(|other| other != slot);
            self.stop_decoding(slot);
        } else {
            self.half_read = None;
        }
        let sequence = &mut self.sequences[slot];
        sequence.state = State::Waiting;
        notices.push(sequence.notice(time, NoticeKind::Preempted, sequence.emitted));
        self.queue.push_front(slot);
    }

    /// Reads the next chunk of the half-read prompt, if there is one; returns whether it had to be preempted.
    #[inline]
    fn continue_prompt(
        &mut self,
        budget: &mut u64,
        load: &mut StepLoad,
        free: &mut Free,
        time: Time,
        notices: &mut Vec<Notice>,
    ) -> bool {
        let Some(HalfRead { slot, blocks }) = self.half_read else { return false };
        let sequence = &self.sequences[slot];
        let read = u64::from(sequence.read);
        let chunk = (sequence.to_read() - read).min(*budget);
        let needed = self.model.blocks_for(read + chunk) - blocks;
        if !self.has_free(free, needed) {
            self.preempt(slot, time, notices);
            return true;
        }
        self.take(free, needed);
        load.read_prompt(chunk, read);
        self.reading.push((slot, chunk as u32));
        *budget -= chunk;
        false
    }

    /// Admits waiting requests while budget, places and blocks allow.
    fn admit(&mut self, mut budget: u64, load: &mut StepLoad, mut free: Free, time: Time, notices: &mut Vec<Notice>) {
        while budget > 0
            && self.running() < self.model.max_num_seqs
            && let Some(slot) = self.queue.front(&mut self.sequences)
        {
            let whole = self.sequences[slot].to_read();
            let chunk = if self.model.chunked_prefill { whole.min(budget) } else { whole };
            if chunk > budget && !self.reading.is_empty() {
                break;
            }
            let taken = self.model.blocks_for(chunk);
            let all_at_once = chunk == whole || !self.model.reserve_full_prompt;
            let needed = if all_at_once { taken } else { self.model.blocks_for(whole) };
            let reserved = if self.running() == 0 { 0 } else { self.model.reserved_blocks };
            if !self.has_free(&mut free, needed + reserved) {
                break;
            }
            self.queue.pop_front();
            self.take(&mut free, taken);
            load.read_prompt(chunk, 0);
            self.reading.push((slot, chunk as u32));
            budget = budget.saturating_sub(chunk);
            self.begin_reading(slot, time, notices);
        }
    }

    #[inline]
    fn begin_reading(&mut self, slot: u32, time: Time, notices: &mut Vec<Notice>) {
        self.admissions += 1;
        let sequence = &mut self.sequences[slot];
        sequence.state = State::Reading;
        sequence.read = 0;
        sequence.admission = self.admissions;
        let tokens = sequence.tokens_to_decode() - 1;
        sequence.steps = self.model.decode_steps(tokens, sequence.request.luck);
        if !std::mem::replace(&mut sequence.scheduled, true) {
            notices.push(sequence.notice(time, NoticeKind::Scheduled, 0));
        }
    }

    /// What prompts may have in the step that begins, from below.
    #[inline]
    fn free_for_prompts(&self) -> Free {
        let tokens = (self.model.total_blocks - self.half_read_blocks()) * u64::from(self.model.block_size);
        Free::AtLeast(tokens.saturating_sub(self.batch.most_tokens_held()))
    }

    /// Whether so many blocks are free.
    #[inline]
    fn has_free(&self, free: &mut Free, blocks: u64) -> bool {
        if let Free::AtLeast(tokens) = *free {
            if blocks * u64::from(self.model.block_size) <= tokens {
                return true;
            }
            *free = Free::Blocks(self.count_free());
        }
        matches!(free, Free::Blocks(free) if blocks <= *free)
    }

    /// Takes blocks that are free.
    #[inline]
    fn take(&self, free: &mut Free, blocks: u64) {
        match free {
            Free::AtLeast(tokens) => *tokens -= blocks * u64::from(self.model.block_size),
            Free::Blocks(free) => *free -= blocks,
        }
    }

    /// Blocks that are free in the step that begins, what it reads so far taken off.
    #[cold]
    fn count_free(&self) -> u64 {
        let decodes = match self.model.chunked_prefill {
            true => self.blocks_held(0),
            // They stand still while prompts are read.
            false => self.ends.slots().map(|slot| self.blocks_of(slot, 0)).sum(),
        };
        let prompts = match self.reading.is_empty() {
            true => self.half_read_blocks(),
            false => self.reading.iter().map(|(slot, chunk)| self.blocks_read(*slot, *chunk)).sum(),
        };
        self.model.total_blocks - decodes - prompts
    }

    /// Blocks of a prompt when so many tokens more of it are read.
    fn blocks_read(&self, slot: u32, chunk: u32) -> u64 {
        self.model.blocks_for(u64::from(self.sequences[slot].read + chunk))
    }

    #[inline]
    fn half_read_blocks(&self) -> u64 {
        self.half_read.map_or(0, |half_read| half_read.blocks)
    }
}
