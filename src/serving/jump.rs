//! The engine that simulations run: it jumps from one change of the batch to the next.
//!
//! While no prompt is read, the batch changes only when the sequence with the fewest steps to go ends, when an arrival can
//! be admitted at the next boundary, when blocks run out, or when someone is cancelled. The steps until then are one
//! [`Stride`], whose boundaries have a closed form. A decoding sequence keeps the number of the step that ends it, so
//! nothing is touched per token. The rules are those of the parent module; the same rules, one step at a time, are in
//! [`super::reference`].
//!
//! This file holds what callers see and how a stride ends; how the next one begins is in `steps`.

use std::sync::Arc;

use super::model::{EngineModel, Ticks, floor, seconds, ticks, ticks_after};
use super::{Handle, Notice, NoticeKind, Request};
use crate::units::Time;
use batch::{Batch, Member};
use ends::Ends;
use sequences::{Queue, Sequence, Sequences, State};
use stride::Stride;

mod batch;
mod ends;
mod prolonging;
mod sequences;
mod steps;
mod stride;

/// A prompt of which a part is in the cache.
#[derive(Clone, Copy, Debug)]
struct HalfRead {
    slot: u32,
    /// Blocks that the part holds.
    blocks: u64,
}

/// One replica's engine.
///
/// Its time advances by [`run_before`](Self::run_before) and [`run_through`](Self::run_through), which handle the step
/// boundaries up to a moment; the other methods say which of the two must have been called with their `now`. Where
/// [`quiet_until`](Self::quiet_until) shows that a call would find nothing to do, it may be left out.
#[derive(Clone, Debug)]
pub struct Engine {
    model: Arc<EngineModel>,
    /// The floor of the stride's end.
    quiet_until: Time,
    stride: Stride,
    /// Whether decodes stand still in the stride.
    stands_still: bool,
    /// Whether the step under way began with requests left waiting, for want of a slot, of cache or of budget.
    left_waiting: bool,
    batch: Batch,
    ends: Ends,
    sequences: Sequences,
    queue: Queue,
    /// (slot, tokens) of the prompts that the present step reads, in order of admission.
    reading: Vec<(u32, u32)>,
    /// The prompt that is not wholly in the cache when a step begins.
    half_read: Option<HalfRead>,
    /// Decoding sequences that leave at the next boundary because they are cancelled.
    cancelled: Vec<u32>,
    /// Decoding sequences that leave at the boundary being handled; kept for its memory.
    leaving: Vec<u32>,
    admissions: u64,
    /// Tokens emitted, but for those that the decoding sequences have emitted since they began to decode.
    emitted: u64,
}

impl Engine {
    /// An idle engine.
    pub fn new(model: Arc<EngineModel>) -> Engine {
        Engine {
            batch: Batch::new(&model),
            model,
            quiet_until: Time::NEVER,
            stride: Stride::IDLE,
            stands_still: false,
            left_waiting: false,
            ends: Ends::default(),
            sequences: Sequences::default(),
            queue: Queue::default(),
            reading: Vec::new(),
            half_read: None,
            cancelled: Vec::new(),
            leaving: Vec::new(),
            admissions: 0,
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
        if self.is_idle() {
            self.begin_step(ticks(now), now, notices);
        } else if first_in_queue && self.running() < self.model.max_num_seqs {
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
        let done = self.stride.boundaries_before(ticks_after(now));
        (!self.is_idle()).then(|| floor(self.stride.boundary(done + 1)))
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
        notices.push(sequence.notice(now, NoticeKind::Cancelled, sequence.emitted));
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
        for slot in self.computing() {
            self.cancel_computing(slot);
        }
        self.cut_stride(ticks_after(now));
    }

    /// Ends everything at once, as SIGKILL does; tokens of the step being computed are lost. The engine is empty and idle
    /// afterwards. Must follow `run_through(now)`.
    pub fn kill(&mut self, now: Time, notices: &mut Vec<Notice>) {
        self.batch.advance(self.stride_decodes_done(now));
        for slot in self.computing() {
            let sequence = &self.sequences[slot];
            let tokens_out = sequence.tokens_out(self.batch.steps_done());
            self.emitted += u64::from(tokens_out - sequence.emitted);
            notices.push(sequence.notice(now, NoticeKind::Cancelled, tokens_out));
        }
        self.drop_queue(now, notices);
        self.sequences.clear();
        self.ends.clear();
        self.reading.clear();
        self.cancelled.clear();
        self.batch.clear();
        self.half_read = None;
        self.left_waiting = false;
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
        self.ends.len() + self.reading.len()
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
        let steps_done = self.batch.steps_done() + self.stride_decodes_done(now);
        let decoded = |slot: u32| {
            let sequence = &self.sequences[slot];
            u64::from(sequence.tokens_out(steps_done) - sequence.emitted)
        };
        self.emitted + self.ends.slots().map(decoded).sum::<u64>()
    }

    /// Tokens that a sequence has emitted, up to and including `now`. Must follow `run_through(now)`.
    pub fn tokens_out(&self, handle: Handle, now: Time) -> u32 {
        self.sequences[handle.0].tokens_out(self.batch.steps_done() + self.stride_decodes_done(now))
    }

    /// Seconds between two tokens of an answer, on average, while no prompt is read: those of a decode step of the batch as
    /// of its last change (later ones are longer as contexts grow). Zero when idle.
    pub fn seconds_per_token(&self) -> f64 {
        if self.is_idle() {
            return 0.0;
        }
        let mut load = self.batch.load();
        load.decoding = load.decoding.max(1);
        seconds(self.model.step(&load)) / self.model.tokens_per_step()
    }

    #[inline]
    fn is_idle(&self) -> bool {
        self.stride.steps() == 0
    }

    /// Decode steps of the stride that are done at `now`.
    fn stride_decodes_done(&self, now: Time) -> u64 {
        if self.stands_still { 0 } else { self.stride.boundaries_before(ticks_after(now)) }
    }

    #[inline]
    fn set_stride(&mut self, stride: Stride) {
        self.quiet_until = floor(stride.end());
        self.stride = stride;
    }

    /// Lets the batch change at the first boundary at or after `limit`.
    #[inline]
    fn cut_stride(&mut self, limit: Ticks) {
        if self.stride.cut(limit) {
            self.quiet_until = floor(self.stride.end());
        }
    }

    /// The slots of those that compute, in order of admission.
    fn computing(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.ends.slots().chain(self.reading.iter().map(|(slot, _)| *slot)).collect();
        slots.sort_unstable_by_key(|slot| self.sequences[*slot].admission);
        slots
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
            notices.push(sequence.notice(now, NoticeKind::Cancelled, sequence.emitted));
            self.sequences.release(slot);
        }
    }

    fn run_until(&mut self, limit: Ticks, notices: &mut Vec<Notice>) {
        while self.stride.end() < limit {
            let (end, time) = (self.stride.end(), self.quiet_until);
            self.end_stride(time, notices);
            self.begin_step(end, time, notices);
        }
    }

    /// Handles the boundary at the end of the stride: who leaves and who emits.
    #[inline]
    fn end_stride(&mut self, time: Time, notices: &mut Vec<Notice>) {
        if !self.stands_still {
            self.batch.advance(self.stride.steps());
        }
        if !self.cancelled.is_empty() {
            self.take_out_cancelled();
            self.end_several_decodes(time, notices);
        } else if let Some(slot) = self.ends.pop_at(self.batch.steps_done()) {
            if self.ends.first() == Some(self.batch.steps_done()) {
                self.leaving.push(slot);
                self.end_several_decodes(time, notices);
            } else {
                self.end_decode(slot, time, notices);
            }
        }
        if !self.reading.is_empty() {
            self.half_read = None;
            for index in 0..self.reading.len() {
                let (slot, chunk) = self.reading[index];
                self.end_chunk(slot, chunk, time, notices);
            }
            self.reading.clear();
        }
    }

    #[cold]
    fn take_out_cancelled(&mut self) {
        self.leaving.append(&mut self.cancelled);
        self.ends.retain(|slot| !self.sequences[slot].cancelled);
    }

    /// Lets those leave whose last step this is, and those that are leaving already, in order of admission.
    fn end_several_decodes(&mut self, time: Time, notices: &mut Vec<Notice>) {
        while let Some(slot) = self.ends.pop_at(self.batch.steps_done()) {
            self.leaving.push(slot);
        }
        let mut leaving = std::mem::take(&mut self.leaving);
        leaving.sort_unstable_by_key(|slot| self.sequences[*slot].admission);
        leaving.drain(..).for_each(|slot| self.end_decode(slot, time, notices));
        self.leaving = leaving;
    }

    /// Lets a decoding sequence leave that has emitted its last token or is cancelled.
    #[inline]
    fn end_decode(&mut self, slot: u32, time: Time, notices: &mut Vec<Notice>) {
        let tokens_out = self.stop_decoding(slot);
        let sequence = &self.sequences[slot];
        let kind = if sequence.cancelled { NoticeKind::Cancelled } else { NoticeKind::Finished };
        notices.push(sequence.notice(time, kind, tokens_out));
        self.sequences.release(slot);
    }

    /// Lets a prompt of which the step has read a chunk grow, emit its token, decode from now on, or leave.
    #[inline]
    fn end_chunk(&mut self, slot: u32, chunk: u32, time: Time, notices: &mut Vec<Notice>) {
        let sequence = &mut self.sequences[slot];
        sequence.read += chunk;
        let is_read = u64::from(sequence.read) == sequence.to_read();
        if is_read {
            sequence.emitted += 1;
            self.emitted += 1;
            if sequence.emitted == 1 {
                notices.push(sequence.notice(time, NoticeKind::FirstToken, 1));
            }
        }
        let is_done = is_read && sequence.emitted == sequence.request.output_tokens;
        if sequence.cancelled || is_done {
            let kind = if sequence.cancelled { NoticeKind::Cancelled } else { NoticeKind::Finished };
            notices.push(sequence.notice(time, kind, sequence.emitted));
            self.sequences.release(slot);
        } else if is_read {
            self.start_decoding(slot);
        } else {
            let blocks = self.model.blocks_for(u64::from(sequence.read));
            self.half_read = Some(HalfRead { slot, blocks });
        }
    }

    #[inline]
    fn start_decoding(&mut self, slot: u32) {
        let steps_done = self.batch.steps_done();
        let sequence = &mut self.sequences[slot];
        sequence.state = State::Decoding;
        sequence.last_step = steps_done + u64::from(sequence.steps);
        let member = member(sequence, steps_done);
        self.ends.push(sequence.last_step, slot, steps_done);
        self.batch.join(member, &self.model);
    }

    /// Takes a decoding sequence, which is no longer among the ends, out of the batch; returns how many tokens it has
    /// emitted.
    #[inline]
    fn stop_decoding(&mut self, slot: u32) -> u32 {
        let steps_done = self.batch.steps_done();
        let sequence = &mut self.sequences[slot];
        let tokens_out = sequence.tokens_out(steps_done);
        self.batch.leave(member(sequence, steps_done), &self.model);
        self.emitted += u64::from(tokens_out - sequence.emitted);
        sequence.emitted = tokens_out;
        tokens_out
    }
}

/// How a decoding sequence takes part in the batch when so many steps are done.
#[inline]
fn member(sequence: &Sequence, steps_done: u64) -> Member {
    Member {
        first_context: sequence.to_read(),
        tokens: sequence.tokens_to_decode(),
        steps: sequence.steps,
        steps_done: sequence.steps - (sequence.last_step - steps_done) as u32,
    }
}
