//! One replica's engine: continuous batching over a paged KV cache, by vLLM V1's rules, and how long its steps take.
//!
//! Two engines live here, with the same methods and the same results to the last tick: [`Engine`] jumps from change to
//! change and is what simulations run; [`reference::Reference`] takes one step at a time and is what the jump is checked
//! against. This file holds what both speak: requests in, notices out. Fleets, routers and rollouts are unknown here.
//!
//! # The rules
//! - A step begins when a request reaches an idle engine or when the step before ends. What it does is decided at its
//!   beginning and does not change in the middle.
//! - A sequence decodes when its prompt is in the cache: with `e` tokens emitted it processes token `e`, at context
//!   `prompt + e`, and emits the next one when the step ends. A decode that needs a block and finds none free preempts the
//!   sequence admitted last, if need be itself, until one is free.
//! - The step that reads the last of a prompt emits a token. After a preemption the tokens already emitted are read as
//!   part of the prompt, and the sequence counts as newly admitted.
//! - Who is cancelled while computing leaves at the end of the step, as cancelled even if that step emits its last token.
//!
//! With `chunked_prefill` (vLLM V1):
//! - Every sequence whose prompt is in the cache decodes, in order of admission.
//! - What is left of `max_num_batched_tokens` reads prompts: the half-read one (there is at most one, and it was admitted
//!   last; if it finds no blocks it preempts itself), then waiting requests in order, as far as `max_num_seqs` and the
//!   free blocks allow. Nothing is admitted in a step that preempted.
//!
//! Without it (vLLM V0):
//! - A step that can admit someone reads whole prompts, as many waiting requests in order as `max_num_batched_tokens`,
//!   `max_num_seqs` and the free blocks allow, and the decodes stand still. A prompt longer than the budget is read alone.
//! - Else every sequence decodes, in order of admission; each needs a free block, whether it takes one or not. If that
//!   leaves nobody, who waits is admitted at once.
//!
//! With speculative decoding a decode takes its draft tokens of the budget too, and steps yield tokens by a schedule that
//! is fixed at admission: see `speculation`. Draft tokens take no room in the cache.
//!
//! Notices of one boundary come in order of admission: first what the step that ended has brought about, then who is
//! preempted, then who is scheduled. A first token is always noticed, also when its sequence leaves at that boundary.

use crate::units::Time;

mod jump;
mod model;
pub mod reference;
mod saturation;
mod speculation;
#[cfg(test)]
mod tests;

pub use jump::Engine;
pub use model::EngineModel;
pub use saturation::{Saturation, SteadyBatch, batch_in_cache};

/// A request as an engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The caller's name for it; returned in its notices and otherwise unused.
    pub id: u32,
    /// Prompt tokens, at least 1.
    pub prompt_tokens: u32,
    /// Tokens after which the answer ends, at least 1.
    pub output_tokens: u32,
    /// What the yields of its speculative steps follow from; without meaning where steps yield one token.
    pub luck: u64,
}

/// A sequence inside one engine; valid until the notice that it has finished or is cancelled, then used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(u32);

/// What has happened to a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The step that reads the first of its prompt begins; once, not again after a preemption.
    Scheduled,
    /// It has emitted its first token; once.
    FirstToken,
    /// It has emitted its last token and is gone.
    Finished,
    /// It was cancelled, aborted or killed and is gone.
    Cancelled,
    /// It has lost its cache and waits at the head of the queue.
    Preempted,
}

/// One thing that happened to one sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The caller's name for the request.
    pub id: u32,
    /// When, in whole nanoseconds.
    pub time: Time,
    /// What.
    pub kind: NoticeKind,
    /// Tokens that the sequence has emitted so far, this moment's included.
    pub tokens_out: u32,
}
