//! The engine that simulations run: it jumps from one change of the batch to the next.
//!
//! While no prompt is read, the batch changes only when the sequence with the fewest tokens to go ends, when an arrival
//! can be admitted at the next boundary, when blocks run out, or when someone is cancelled. The steps until then are one
//! [`Stride`], whose boundaries have a closed form. A decoding sequence keeps the number of the step that ends it, so
//! nothing is touched per token. The rules are those of the parent module; the same rules, one step at a time, are in
//! [`super::reference`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::model::{EngineModel, StepLoad, Ticks, floor, seconds, ticks, ticks_after};
use super::{Handle, Notice, NoticeKind, Request};
use crate::units::Time;
use blocks::Blocks;
use sequences::{Queue, Sequences, State};
use stride::Stride;

mod blocks;
mod sequences;
mod stride;

/// One replica's engine.
///
/// Its time advances by [`run_before`](Self::run_before) and [`run_through`](Self::run_through), which handle the step
/// boundaries up to a moment; the other methods say which of the two must have been called with their `now`. Where
/// [`quiet_until`](Self::quiet_until) shows that a call would find nothing to do, it may be left out.
#[derive(Clone, Debug)]
pub struct Engine {
    model: Arc<EngineModel>,
    sequences: Sequences,
    queue: Queue,
    /// Whether the step under way began with requests left waiting, for want of a slot, of cache or of budget.
    left_waiting: bool,
    /// (number of the last step, slot) of every decoding sequence.
    ends: BinaryHeap<Reverse<(u64, u32)>>,
    /// (slot, tokens) of the prompts that the present step reads, in order of admission.
    reading: Vec<(u32, u64)>,
    /// Decoding sequences that leave at the next boundary because they are cancelled.
    cancelled: Vec<u32>,
    /// Decoding sequences that leave at the boundary being handled; kept for its memory.
    leaving: Vec<u32>,
    blocks: Blocks,
    /// Decoding sequences, and the sum of their contexts in the first step of the stride.
    decoding: u64,
    context_tokens: u64,
    stride: Stride,
    /// The floor of the stride's end.
    quiet_until: Time,
    /// Steps done before the stride, and tokens that they emitted.
    steps_done: u64,
    emitted: u64,
}

impl Engine {
    /// An idle engine.
    pub fn new(model: Arc<EngineModel>) -> Engine {
        Engine {
            blocks: Blocks::new(&model),
            model,
            sequences: Sequences::new(),
            queue: Queue::default(),
            left_waiting: false,
            ends: BinaryHeap::new(),
            reading: Vec::new(),
            cancelled: Vec::new(),
            leaving: Vec::new(),
            decoding: 0,
            context_tokens: 0,
            stride: Stride::IDLE,
            quiet_until: Time::NEVER,
            steps_done: 0,
            emitted: 0,
        }
    }

    /// Takes in a request that arrives at `now`. At an idle engine a step begins at once, with it alone; else it joins the
    /// queue and may be admitted by the first step that begins at or after `now`.
    ///
    /// Must follow `run_before(now)`, and precede `run_through(now)`: else a boundary at `now` may be over, or may still
    /// let it in, as it happens. The request must fit the cache ([`EngineModel::fits`]).
    pub fn submit(&mut self, now: Time, request: Request, notices: &mut Vec<Notice>) -> Handle {
        debug_assert!(self.model.fits(request.prompt_tokens, request.output_tokens), "{request:?} can never end");
        let slot = self.sequences.insert(request);
        let first_in_queue = self.queue.is_empty();
        self.queue.push_back(slot);
        if self.sequences.running() == 0 {
            self.begin_step(ticks(now), notices);
        } else if first_in_queue && self.sequences.running() < self.model.max_num_seqs {
            // Behind others it would wait for what they wait for, and while all places are taken, for a change.
            self.cut_stride(ticks(now));
        }
        Handle(slot)
    }

    /// Handles all step boundaries whose whole nanosecond is before `limit`.
    #[inline]
    pub fn run_before(&mut self, limit: Time, notices: &mut Vec<Notice>) {
        if self.quiet_until < limit {
            self.run_until(ticks(limit), notices);
        }
    }

    /// Handles all step boundaries whose whole nanosecond is at or before `limit`.
    #[inline]
    pub fn run_through(&mut self, limit: Time, notices: &mut Vec<Notice>) {
        if self.quiet_until <= limit {
            self.run_until(ticks_after(limit), notices);
        }
    }

    /// No boundary before this moment brings a notice or changes the batch: until here `run_before` has nothing to do.
    /// [`Time::NEVER`] when idle.
    #[inline]
    pub fn quiet_until(&self) -> Time {
        self.quiet_until
    }

    /// The whole nanosecond of the first boundary after `now`; `None` when idle. Must follow `run_through(now)`.
    pub fn next_boundary_after(&self, now: Time) -> Option<Time> {
        (!self.is_idle()).then(|| floor(self.stride.boundary(self.stride_steps_done(now) + 1)))
    }

    /// Takes a sequence out because its client has gone. True: it waited and is gone, with its notice at `now`. False: it
    /// computes, and goes at the next boundary, with its notice then. Must follow `run_through(now)`.
    pub fn cancel(&mut self, now: Time, handle: Handle, notices: &mut Vec<Notice>) -> bool {
        let Handle(slot) = handle;
        if self.sequences[slot].state != State::Waiting {
            self.cancel_computing(slot);
            self.cut_stride(ticks_after(now));
            return false;
        }
        let sequence = &self.sequences[slot];
        notices.push(sequence.notice(now, NoticeKind::Cancelled, sequence.tokens_out(self.steps_done)));
        let was_first = self.queue.front(&mut self.sequences) == Some(slot);
        self.queue.leave(slot, &mut self.sequences);
        if was_first && !self.queue.is_empty() {
            // The next in the queue may fit where this one did not.
            self.cut_stride(ticks_after(now));
        }
        true
    }

    /// Cancels everything: what waits is gone at once, what computes at the next boundary. Must follow `run_through(now)`.
    pub fn abort(&mut self, now: Time, notices: &mut Vec<Notice>) {
        self.drop_queue(now, notices);
        let computing: Vec<u32> = self.sequences.in_order().collect();
        for slot in computing {
            self.cancel_computing(slot);
        }
        self.cut_stride(ticks_after(now));
    }

    /// Ends everything at once, as SIGKILL does; tokens of the step being computed are lost. The engine is empty and idle
    /// afterwards. Must follow `run_through(now)`.
    pub fn kill(&mut self, now: Time, notices: &mut Vec<Notice>) {
        let steps = self.stride_steps_done(now);
        self.steps_done += steps;
        self.emitted += steps * self.decoding;
        for slot in self.sequences.in_order() {
            let sequence = &self.sequences[slot];
            notices.push(sequence.notice(now, NoticeKind::Cancelled, sequence.tokens_out(self.steps_done)));
        }
        self.drop_queue(now, notices);
        self.sequences.clear();
        self.ends.clear();
        self.reading.clear();
        self.cancelled.clear();
        self.blocks.clear(&self.model);
        self.left_waiting = false;
        (self.decoding, self.context_tokens) = (0, 0);
        self.set_stride(Stride::IDLE);
    }

    /// Sequences that wait.
    #[inline]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many wait ahead of whoever is submitted now, for a slot or for cache; `None` if nobody has to: there is a
    /// free slot at the next boundary. Who waits only for the step under way to end is not in the way.
    pub fn queued(&self) -> Option<usize> {
        let slots = self.model.max_num_seqs;
        let free = if self.left_waiting { 0 } else { slots.saturating_sub(self.running()) };
        self.waiting().checked_sub(free)
    }

    /// Sequences that compute.
    #[inline]
    pub fn running(&self) -> usize {
        self.sequences.running()
    }

    /// Sequences that wait or compute.
    #[inline]
    pub fn in_system(&self) -> usize {
        self.waiting() + self.running()
    }

    /// Whether there is no sequence.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.in_system() == 0
    }

    /// Tokens emitted since the engine was made, up to and including `now`. Must follow `run_through(now)`.
    pub fn tokens_emitted(&self, now: Time) -> u64 {
        self.emitted + self.stride_steps_done(now) * self.decoding
    }

    /// Tokens that a sequence has emitted, up to and including `now`. Must follow `run_through(now)`.
    pub fn tokens_out(&self, handle: Handle, now: Time) -> u32 {
        self.sequences[handle.0].tokens_out(self.steps_done + self.stride_steps_done(now))
    }

    /// Seconds that a step takes, as of the last change of the batch (later ones are longer as contexts grow); zero when
    /// idle.
    pub fn step_seconds(&self) -> f64 {
        seconds(self.stride.first())
    }

    fn is_idle(&self) -> bool {
        self.stride.steps() == 0
    }

    /// Steps of the stride that are done at `now`.
    #[inline]
    fn stride_steps_done(&self, now: Time) -> u64 {
        self.stride.boundaries_before(ticks_after(now))
    }

    fn set_stride(&mut self, stride: Stride) {
        self.quiet_until = floor(stride.end());
        self.stride = stride;
    }

    /// Lets the batch change at the first boundary at or after `limit`.
    fn cut_stride(&mut self, limit: Ticks) {
        if self.stride.cut(limit) {
            self.quiet_until = floor(self.stride.end());
        }
    }

    fn run_until(&mut self, limit: Ticks, notices: &mut Vec<Notice>) {
        while self.stride.end() < limit {
            self.end_stride(notices);
        }
    }

    fn cancel_computing(&mut self, slot: u32) {
        let sequence = &mut self.sequences[slot];
        if !sequence.cancelled && sequence.state == State::Decoding {
            self.cancelled.push(slot);
        }
        sequence.cancelled = true;
    }

    fn drop_queue(&mut self, now: Time, notices: &mut Vec<Notice>) {
        for slot in self.queue.drain(&mut self.sequences) {
            let sequence = &self.sequences[slot];
            notices.push(sequence.notice(now, NoticeKind::Cancelled, sequence.tokens_out(self.steps_done)));
            self.sequences.release(slot);
        }
    }

    /// Handles the boundary at the end of the stride: who leaves, who emits, and what the next steps do.
    fn end_stride(&mut self, notices: &mut Vec<Notice>) {
        let (end, steps) = (self.stride.end(), self.stride.steps());
        let time = floor(end);
        self.steps_done += steps;
        self.emitted += steps * self.decoding;
        self.context_tokens += steps * self.decoding;
        self.blocks.advance(steps, self.decoding);
        self.end_decodes(time, notices);
        self.end_chunks(time, notices);
        self.begin_step(end, notices);
    }

    /// Lets those decoding sequences leave that have emitted their last token or are cancelled.
    fn end_decodes(&mut self, time: Time, notices: &mut Vec<Notice>) {
        while let Some(Reverse((last_step, slot))) = self.ends.peek().copied()
            && last_step == self.steps_done
        {
            self.ends.pop();
            self.leaving.push(slot);
        }
        if !self.cancelled.is_empty() {
            let steps_done = self.steps_done;
            let early = self.cancelled.drain(..).filter(|slot| self.sequences[*slot].last_step > steps_done);
            self.leaving.extend(early);
            self.ends.retain(|Reverse((_, slot))| !self.sequences[*slot].cancelled);
        }
        if self.leaving.len() > 1 {
            self.leaving.sort_unstable_by_key(|slot| self.sequences[*slot].admission);
        }
        for index in 0..self.leaving.len() {
            let slot = self.leaving[index];
            let emitted = self.stop_decoding(slot);
            let kind = if self.sequences[slot].cancelled { NoticeKind::Cancelled } else { NoticeKind::Finished };
            notices.push(self.sequences[slot].notice(time, kind, emitted));
            self.sequences.release(slot);
        }
        self.leaving.clear();
    }

    /// Lets the prompts that the step has read grow, emit their token, decode from now on, or leave.
    fn end_chunks(&mut self, time: Time, notices: &mut Vec<Notice>) {
        for index in 0..self.reading.len() {
            let (slot, chunk) = self.reading[index];
            let sequence = &mut self.sequences[slot];
            let whole = sequence.to_read();
            sequence.read += chunk;
            let is_read = sequence.read == whole;
            let mut emitted = sequence.tokens_out(self.steps_done);
            if is_read {
                emitted = sequence.emit();
                self.emitted += 1;
                if emitted == 1 {
                    notices.push(sequence.notice(time, NoticeKind::FirstToken, emitted));
                }
            }
            let is_done = is_read && emitted == sequence.request.output_tokens;
            if sequence.cancelled || is_done {
                let kind = if sequence.cancelled { NoticeKind::Cancelled } else { NoticeKind::Finished };
                notices.push(sequence.notice(time, kind, emitted));
                self.blocks.give_back(self.model.blocks_for(sequence.read));
                self.sequences.stop(slot);
                self.sequences.release(slot);
            } else if is_read {
                self.start_decoding(slot, emitted);
            }
        }
        self.reading.clear();
    }

    fn start_decoding(&mut self, slot: u32, emitted: u32) {
        let sequence = &mut self.sequences[slot];
        let context = u64::from(sequence.request.prompt_tokens) + u64::from(emitted);
        sequence.state = State::Decoding;
        sequence.last_step = self.steps_done + u64::from(sequence.request.output_tokens - emitted);
        sequence.residue = self.blocks.join(context);
        self.ends.push(Reverse((sequence.last_step, slot)));
        self.decoding += 1;
        self.context_tokens += context;
    }

    /// Takes a decoding sequence out of the batch; returns how many tokens it has emitted.
    fn stop_decoding(&mut self, slot: u32) -> u32 {
        let sequence = &mut self.sequences[slot];
        let emitted = sequence.tokens_out(self.steps_done);
        let context = u64::from(sequence.request.prompt_tokens) + u64::from(emitted);
        sequence.stop_decoding(emitted);
        self.blocks.leave(sequence.residue);
        self.blocks.give_back(self.model.blocks_for(context - 1));
        self.decoding -= 1;
        self.context_tokens -= context;
        self.sequences.stop(slot);
        emitted
    }

    /// Decides what the next step does, and for how many steps that stays so.
    fn begin_step(&mut self, start: Ticks, notices: &mut Vec<Notice>) {
        let time = floor(start);
        let mut preempted = self.preempt_for_decodes(time, notices);
        let mut load = StepLoad { decoding: self.decoding, context_tokens: self.context_tokens, ..StepLoad::default() };
        let mut budget = self.model.max_num_batched_tokens.saturating_sub(self.decoding);
        preempted |= self.continue_prompt(&mut budget, &mut load, time, notices);
        if !preempted {
            self.admit(budget, &mut load, time, notices);
        }
        self.left_waiting = !self.queue.is_empty();
        if self.sequences.running() == 0 {
            self.set_stride(Stride::IDLE);
            return;
        }
        let first = self.model.step(&load);
        let stride = if self.reading.is_empty() && !preempted {
            let last_step = self.ends.peek().map_or(self.steps_done + 1, |Reverse((last_step, _))| *last_step);
            let steps = self.blocks.steps_that_fit(last_step - self.steps_done, self.decoding);
            Stride::new(start, first, self.model.growth(self.decoding), steps)
        } else {
            Stride::new(start, first, 0, 1)
        };
        self.set_stride(stride);
    }

    /// Preempts whoever was admitted last until the next step's decodes find the blocks that they need.
    ///
    /// The rule goes through the decodes one by one, but its outcome is this: it stops at the first number of preemptions
    /// that leaves enough for those that remain, for each of them gives blocks back and takes a need away.
    fn preempt_for_decodes(&mut self, time: Time, notices: &mut Vec<Notice>) -> bool {
        let mut preempted = false;
        while self.blocks.next_decodes_take() > self.blocks.free()
            && let Some(slot) = self.sequences.last_admitted()
        {
            self.preempt(slot, time, notices);
            preempted = true;
        }
        preempted
    }

    fn preempt(&mut self, slot: u32, time: Time, notices: &mut Vec<Notice>) {
        let emitted = if self.sequences[slot].state == State::Decoding {
            self.ends.retain(|Reverse((_, other))| *other != slot);
            self.stop_decoding(slot)
        } else {
            self.blocks.give_back(self.model.blocks_for(self.sequences[slot].read));
            self.sequences.stop(slot);
            self.sequences[slot].tokens_out(self.steps_done)
        };
        self.sequences[slot].state = State::Waiting;
        self.queue.push_front(slot);
        notices.push(self.sequences[slot].notice(time, NoticeKind::Preempted, emitted));
    }

    /// Reads the next chunk of the half-read prompt, if there is one; returns whether it had to be preempted.
    fn continue_prompt(
        &mut self,
        budget: &mut u64,
        load: &mut StepLoad,
        time: Time,
        notices: &mut Vec<Notice>,
    ) -> bool {
        let Some(slot) = self.sequences.last_admitted() else { return false };
        let sequence = &self.sequences[slot];
        if sequence.state != State::Reading {
            return false;
        }
        let chunk = (sequence.to_read() - sequence.read).min(*budget);
        let needed = self.model.blocks_for(sequence.read + chunk) - self.model.blocks_for(sequence.read);
        if needed > self.blocks.free_for_prompts() {
            self.preempt(slot, time, notices);
            return true;
        }
        self.blocks.take(needed);
        load.read_prompt(chunk, sequence.read);
        self.reading.push((slot, chunk));
        *budget -= chunk;
        false
    }

    /// Admits waiting requests while budget, places and blocks allow.
    fn admit(&mut self, mut budget: u64, load: &mut StepLoad, time: Time, notices: &mut Vec<Notice>) {
        while budget > 0
            && self.sequences.running() < self.model.max_num_seqs
            && let Some(slot) = self.queue.front(&mut self.sequences)
        {
            let whole = self.sequences[slot].to_read();
            let chunk = whole.min(budget);
            let taken = self.model.blocks_for(chunk);
            let all_at_once = chunk == whole || !self.model.reserve_full_prompt;
            let needed = if all_at_once { taken } else { self.model.blocks_for(whole) };
            let reserved = if self.sequences.running() == 0 { 0 } else { self.model.reserved_blocks };
            if needed + reserved > self.blocks.free_for_prompts() {
                break;
            }
            self.queue.pop_front();
            self.sequences.admit(slot);
            self.blocks.take(taken);
            load.read_prompt(chunk, 0);
            self.reading.push((slot, chunk));
            budget -= chunk;
            let sequence = &mut self.sequences[slot];
            if !std::mem::replace(&mut sequence.scheduled, true) {
                notices.push(sequence.notice(time, NoticeKind::Scheduled, 0));
            }
        }
    }
}
