//! The same engine, one step at a time: slow, and plain enough to be checked against the rules by eye.
//!
//! It has the methods of [`super::Engine`], with the same meaning, and shares with it the step-time function, the number
//! of steps that an answer takes and the clock, nothing else. Simulations do not use it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::model::{END_OF_TIME, EngineModel, StepLoad, Ticks, floor, ticks, ticks_after};
use super::{Handle, Notice, NoticeKind, Request};
use crate::units::Time;

/// What a step does for a sequence that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// It stands still while others' prompts are read.
    Nothing,
    /// So many tokens of its prompt are read.
    Read(u64),
    /// It emits tokens.
    Decode,
}

/// A sequence with everything about it written out.
#[derive(Clone, Debug)]
struct Sequence {
    handle: Handle,
    request: Request,
    /// Tokens emitted.
    emitted: u64,
    /// Tokens to be read before it decodes: the prompt, and what it had emitted when it was admitted.
    prompt: u64,
    /// Prompt tokens in the cache.
    read: u64,
    /// Blocks of the cache that it holds.
    blocks: u64,
    /// Tokens that it emits by decoding since it was admitted, in how many steps, and how many of those are done.
    decode_tokens: u64,
    decode_steps: u64,
    decode_steps_done: u64,
    work: Work,
    scheduled: bool,
    cancelled: bool,
}

impl Sequence {
    fn new(handle: Handle, request: Request) -> Sequence {
        Sequence {
            handle,
            request,
            emitted: 0,
            prompt: 0,
            read: 0,
            blocks: 0,
            decode_tokens: 0,
            decode_steps: 0,
            decode_steps_done: 0,
            work: Work::Nothing,
            scheduled: false,
            cancelled: false,
        }
    }

    fn is_read(&self) -> bool {
        self.read >= self.prompt
    }

    /// Tokens that its next decode step emits: they are spread evenly over the steps.
    fn next_yield(&self) -> u64 {
        let after = |steps: u64| steps * self.decode_tokens / self.decode_steps;
        after(self.decode_steps_done + 1) - after(self.decode_steps_done)
    }

    /// Its context at the end of its next decode step, without the token emitted last.
    fn next_context(&self) -> u64 {
        u64::from(self.request.prompt_tokens) + self.emitted + self.next_yield() - 1
    }

    fn notice(&self, time: Time, kind: NoticeKind) -> Notice {
        Notice { id: self.request.id, time, kind, tokens_out: self.emitted as u32 }
    }
}

/// One replica's engine, stepping.
#[derive(Clone, Debug)]
pub struct Reference {
    model: Arc<EngineModel>,
    waiting: VecDeque<Sequence>,
    /// In order of admission.
    running: Vec<Sequence>,
    /// Blocks that nobody holds.
    free_blocks: u64,
    /// The end of the present step; `None` when idle.
    step: Option<Ticks>,
    emitted: u64,
    submitted: u32,
}

impl Reference {
    /// An idle engine.
    pub fn new(model: Arc<EngineModel>) -> Reference {
        let free_blocks = model.total_blocks;
        Reference {
            model,
            waiting: VecDeque::new(),
            running: Vec::new(),
            free_blocks,
            step: None,
            emitted: 0,
            submitted: 0,
        }
    }

    /// See [`super::Engine::submit`].
    pub fn submit(&mut self, now: Time, request: Request, notices: &mut Vec<Notice>) -> Handle {
        let handle = Handle(self.submitted);
        self.submitted += 1;
        self.waiting.push_back(Sequence::new(handle, request));
        if self.step.is_none() {
            self.begin_step(ticks(now), notices);
        }
        handle
    }

    /// See [`super::Engine::run_before`].
    pub fn run_before(&mut self, limit: Time, notices: &mut Vec<Notice>) {
        self.run_until(ticks(limit), notices);
    }

    /// See [`super::Engine::run_through`].
    pub fn run_through(&mut self, limit: Time, notices: &mut Vec<Notice>) {
        self.run_until(ticks_after(limit), notices);
    }

    fn run_until(&mut self, limit: Ticks, notices: &mut Vec<Notice>) {
        while let Some(end) = self.step
            && end < limit
        {
            self.end_step(floor(end), notices);
            self.begin_step(end, notices);
        }
    }

    /// See [`super::Engine::next_boundary_after`].
    pub fn next_boundary_after(&self, _now: Time) -> Option<Time> {
        self.step.map(floor)
    }

    /// See [`super::Engine::cancel`].
    pub fn cancel(&mut self, now: Time, handle: Handle, notices: &mut Vec<Notice>) -> bool {
        if let Some(place) = self.waiting.iter().position(|sequence| sequence.handle == handle) {
            notices.push(self.waiting[place].notice(now, NoticeKind::Cancelled));
            self.waiting.remove(place);
            return true;
        }
        for sequence in &mut self.running {
            sequence.cancelled |= sequence.handle == handle;
        }
        false
    }

    /// See [`super::Engine::abort`].
    pub fn abort(&mut self, now: Time, notices: &mut Vec<Notice>) {
        notices.extend(self.waiting.drain(..).map(|sequence| sequence.notice(now, NoticeKind::Cancelled)));
        for sequence in &mut self.running {
            sequence.cancelled = true;
        }
    }

    /// See [`super::Engine::kill`].
    pub fn kill(&mut self, now: Time, notices: &mut Vec<Notice>) {
        notices.extend(self.running.drain(..).map(|sequence| sequence.notice(now, NoticeKind::Cancelled)));
        notices.extend(self.waiting.drain(..).map(|sequence| sequence.notice(now, NoticeKind::Cancelled)));
        self.free_blocks = self.model.total_blocks;
        self.step = None;
    }

    /// See [`super::Engine::waiting`].
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// See [`super::Engine::running`].
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// See [`super::Engine::in_system`].
    pub fn in_system(&self) -> usize {
        self.waiting() + self.running()
    }

    /// See [`super::Engine::is_empty`].
    pub fn is_empty(&self) -> bool {
        self.in_system() == 0
    }

    /// See [`super::Engine::tokens_emitted`].
    pub fn tokens_emitted(&self, _now: Time) -> u64 {
        self.emitted
    }

    /// See [`super::Engine::tokens_out`].
    pub fn tokens_out(&self, handle: Handle, _now: Time) -> u32 {
        let mut sequences = self.running.iter().chain(&self.waiting);
        sequences.find(|sequence| sequence.handle == handle).map_or(0, |sequence| sequence.emitted as u32)
    }

    /// What the step has computed counts; who has finished or is cancelled leaves.
    fn end_step(&mut self, time: Time, notices: &mut Vec<Notice>) {
        for mut sequence in std::mem::take(&mut self.running) {
            let emitted = match sequence.work {
                Work::Nothing => 0,
                Work::Decode => {
                    let emitted = sequence.next_yield();
                    sequence.decode_steps_done += 1;
                    emitted
                }
                Work::Read(chunk) => {
                    sequence.read += chunk;
                    u64::from(sequence.is_read())
                }
            };
            sequence.work = Work::Nothing;
            if sequence.emitted == 0 && emitted > 0 {
                notices.push(Notice { tokens_out: emitted as u32, ..sequence.notice(time, NoticeKind::FirstToken) });
            }
            sequence.emitted += emitted;
            self.emitted += emitted;
            if sequence.cancelled {
                self.free_blocks += sequence.blocks;
                notices.push(sequence.notice(time, NoticeKind::Cancelled));
            } else if sequence.emitted == u64::from(sequence.request.output_tokens) {
                self.free_blocks += sequence.blocks;
                notices.push(sequence.notice(time, NoticeKind::Finished));
            } else {
                self.running.push(sequence);
            }
        }
    }

    fn begin_step(&mut self, start: Ticks, notices: &mut Vec<Notice>) {
        let time = floor(start);
        let mut load = StepLoad::default();
        if self.model.chunked_prefill {
            self.begin_mixed_step(&mut load, time, notices);
        } else {
            self.begin_step_of_one_kind(&mut load, time, notices);
        }
        let length = self.model.step(&load);
        self.step = (!self.running.is_empty()).then_some((start + length as Ticks).min(END_OF_TIME));
    }

    /// vLLM V1: everybody decodes, and what is left of the budget reads prompts.
    fn begin_mixed_step(&mut self, load: &mut StepLoad, time: Time, notices: &mut Vec<Notice>) {
        let mut preempted = self.begin_decodes(load, time, notices);
        let decodes = load.decoding * self.model.tokens_per_decode;
        let mut budget = self.model.max_num_batched_tokens.saturating_sub(decodes);
        preempted |= self.begin_half_read_prompt(load, &mut budget, time, notices);
        if !preempted {
            self.begin_new_prompts(load, budget, time, notices);
        }
    }

    /// vLLM V0: whole prompts are read while there are some that can be, else everybody decodes.
    fn begin_step_of_one_kind(&mut self, load: &mut StepLoad, time: Time, notices: &mut Vec<Notice>) {
        loop {
            self.begin_new_prompts(load, self.model.max_num_batched_tokens, time, notices);
            if load.prompt_tokens > 0 {
                return;
            }
            self.begin_decodes(load, time, notices);
            if load.decoding > 0 || self.waiting.is_empty() {
                return;
            }
        }
    }

    /// Gives every decode, in order of admission, the blocks that it needs; returns whether someone lost theirs.
    fn begin_decodes(&mut self, load: &mut StepLoad, time: Time, notices: &mut Vec<Notice>) -> bool {
        let mut preempted = false;
        let mut place = 0;
        while place < self.running.len() {
            let sequence = &self.running[place];
            if !sequence.is_read() {
                break; // The half-read prompt, which was admitted last.
            }
            let needed = self.model.blocks_for(sequence.next_context()) - sequence.blocks;
            if needed.max(self.model.free_for_decode) > self.free_blocks {
                self.preempt_last_admitted(time, notices);
                preempted = true;
                continue; // The same place again, unless it was itself the last.
            }
            self.free_blocks -= needed;
            let sequence = &mut self.running[place];
            sequence.blocks += needed;
            sequence.work = Work::Decode;
            load.decoding += 1;
            let context = u64::from(sequence.request.prompt_tokens) + sequence.emitted;
            if self.model.speculates() {
                let growth = self.model.growth_of(sequence.decode_tokens as u32, sequence.decode_steps as u32);
                let since = sequence.decode_steps_done * sequence.decode_tokens / sequence.decode_steps;
                load.context_tokens += context - since;
                load.grown += growth * u128::from(sequence.decode_steps_done);
            } else {
                load.context_tokens += context;
            }
            place += 1;
        }
        preempted
    }

    /// Reads on in the half-read prompt, if there is one; returns whether it lacked blocks and was preempted.
    fn begin_half_read_prompt(
        &mut self,
        load: &mut StepLoad,
        budget: &mut u64,
        time: Time,
        notices: &mut Vec<Notice>,
    ) -> bool {
        let Some(sequence) = self.running.last_mut().filter(|sequence| !sequence.is_read()) else { return false };
        let chunk = (sequence.prompt - sequence.read).min(*budget);
        let needed = self.model.blocks_for(sequence.read + chunk) - sequence.blocks;
        if needed > self.free_blocks {
            self.preempt_last_admitted(time, notices);
            return true;
        }
        self.free_blocks -= needed;
        sequence.blocks += needed;
        sequence.work = Work::Read(chunk);
        load.read_prompt(chunk, sequence.read);
        *budget -= chunk;
        false
    }

    /// Admits who waits, in order, until one does not fit.
    fn begin_new_prompts(&mut self, load: &mut StepLoad, mut budget: u64, time: Time, notices: &mut Vec<Notice>) {
        while budget > 0 && self.running.len() < self.model.max_num_seqs {
            let Some(sequence) = self.waiting.front() else { return };
            let prompt = u64::from(sequence.request.prompt_tokens) + sequence.emitted;
            let chunk = if self.model.chunked_prefill { prompt.min(budget) } else { prompt };
            let is_first = load.prompt_tokens == 0;
            if chunk > budget && !is_first {
                return;
            }
            let reserve = if self.model.reserve_full_prompt { prompt } else { chunk };
            let kept_free = if self.running.is_empty() { 0 } else { self.model.reserved_blocks };
            if self.model.blocks_for(reserve) + kept_free > self.free_blocks {
                return;
            }
            let Some(mut sequence) = self.waiting.pop_front() else { return };
            sequence.prompt = prompt;
            sequence.read = 0;
            sequence.work = Work::Read(chunk);
            sequence.blocks = self.model.blocks_for(chunk);
            self.free_blocks -= sequence.blocks;
            let decode_tokens = sequence.request.output_tokens - sequence.emitted as u32 - 1;
            sequence.decode_tokens = u64::from(decode_tokens);
            sequence.decode_steps = u64::from(self.model.decode_steps(decode_tokens, sequence.request.luck));
            sequence.decode_steps_done = 0;
            load.read_prompt(chunk, 0);
            budget = budget.saturating_sub(chunk);
            if !sequence.scheduled {
                sequence.scheduled = true;
                notices.push(sequence.notice(time, NoticeKind::Scheduled));
            }
            self.running.push(sequence);
        }
    }

    /// The sequence admitted last loses its cache and goes to the head of the queue.
    fn preempt_last_admitted(&mut self, time: Time, notices: &mut Vec<Notice>) {
        let Some(mut sequence) = self.running.pop() else { return };
        self.free_blocks += sequence.blocks;
        sequence.blocks = 0;
        sequence.work = Work::Nothing;
        notices.push(sequence.notice(time, NoticeKind::Preempted));
        self.waiting.push_front(sequence);
    }
}
