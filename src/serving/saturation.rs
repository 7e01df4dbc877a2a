//! What a replica emits while it runs so many sequences, and at most: the saturated rate that utilization, overload and
//! the price of a token refer to.

use super::speculation::Speculation;
use crate::scenario::{Engine, Scenario, Traffic, interpolated};
use crate::workload::LengthMoments;

/// A replica that never lacks work.
#[derive(Clone, Copy, Debug)]
pub struct Saturation {
    /// Output tokens per second.
    pub rate: f64,
    /// Sequences that run at once; NaN where the scenario gives the rate.
    pub batch: f64,
}

impl Saturation {
    /// The rate of a steady batch as large as slots and KV cache allow at the mean context.
    /// `engine.saturated_tokens_per_second` overrides.
    pub fn new(scenario: &Scenario, lengths: &LengthMoments) -> Saturation {
        let engine = &scenario.engine;
        if let Some(rate) = engine.saturated_tokens_per_second {
            return Saturation { rate, batch: f64::NAN };
        }
        let batch = batch_in_cache(engine, lengths.mean_context).min(f64::from(engine.max_num_seqs)).max(1.0);
        Saturation { rate: SteadyBatch::new(engine, lengths, batch, tokens_per_step(scenario, lengths)).rate, batch }
    }
}

/// Mean tokens of a sequence in a step, over whole answers, of which the first token comes with the prompt.
fn tokens_per_step(scenario: &Scenario, lengths: &LengthMoments) -> f64 {
    let Some(speculative) = &scenario.engine.speculative else { return 1.0 };
    let mean_steps = Speculation::new(speculative).mean_steps();
    let steps_of = |tokens: u32| 1.0 + mean_steps.of(tokens - 1);
    let steps = match &scenario.traffic {
        Traffic::Synthetic { output_tokens, .. } => output_tokens.expect_whole(lengths.longest_output, steps_of),
        Traffic::Trace { trace, .. } => {
            let mut steps = 0.0;
            trace.for_each(|request| steps += steps_of(request.output_tokens));
            steps / trace.len() as f64
        }
    };
    lengths.mean_output / steps
}

/// A replica that always runs the same number of sequences: whenever one ends, the next begins.
#[derive(Clone, Copy, Debug)]
pub struct SteadyBatch {
    /// Output tokens per second, of all sequences together: `B r / (T(B) + x w)`. B sequences emit r tokens each in a decode
    /// step T(B) (one, unless they speculate); for every answer that ends in it, `x = B r / E[N]` of them on average, a
    /// new request's prompt is read in a time w. Without chunked prefill prompts have steps of their own: see
    /// `prompt_steps`.
    pub rate: f64,
    /// Seconds from one token of a sequence to the next: `(T(B) + (B - 1) / B x w) / r`. A sequence waits for the prompts of
    /// the others only; its own was read before its first token.
    pub tpot: f64,
}

impl SteadyBatch {
    /// The batch of a replica that emits so many tokens per second on average, and its size; the largest that slots and
    /// cache allow where it cannot emit so many.
    pub fn emitting(scenario: &Scenario, lengths: &LengthMoments, tokens_per_second: f64) -> (f64, SteadyBatch) {
        let engine = &scenario.engine;
        let tokens_per_step = tokens_per_step(scenario, lengths);
        let of = |batch: f64| SteadyBatch::new(engine, lengths, batch, tokens_per_step);
        let (mut low, mut high) =
            (1.0, batch_in_cache(engine, lengths.mean_context).min(f64::from(engine.max_num_seqs)).max(1.0));
        // The rate grows with the batch.
        for _ in 0..40 {
            let middle = (low + high) / 2.0;
            if of(middle).rate < tokens_per_second { low = middle } else { high = middle }
        }
        (high, of(high))
    }

    /// Seconds from one token of a sequence to the next while so many decode and no prompt is read.
    pub fn decode_tpot(scenario: &Scenario, lengths: &LengthMoments, batch: f64) -> f64 {
        decode_nanoseconds(&scenario.engine, batch, lengths.mean_context) / tokens_per_step(scenario, lengths) / 1e9
    }

    /// So many sequences of these lengths, each with a mean of `tokens_per_step` tokens a step.
    pub fn new(engine: &Engine, lengths: &LengthMoments, batch: f64, tokens_per_step: f64) -> SteadyBatch {
        let decode = decode_nanoseconds(engine, batch, lengths.mean_context);
        let tokens = batch * tokens_per_step;
        let ended = tokens / lengths.mean_output;
        let own_steps = if engine.chunked_prefill { 0.0 } else { prompt_steps(engine, lengths, ended) };
        let prompts =
            ended * lengths.mean_prefill_nanoseconds + own_steps * (base_nanoseconds(engine, 0.0) + engine.overhead);
        // A step that takes no time at all would be an infinite rate: a token a picosecond is as good as that.
        let rate = tokens / (decode + prompts).max(tokens * 1e-3) * 1e9;
        SteadyBatch { rate, tpot: (decode + (batch - 1.0) / batch * prompts) / tokens_per_step / 1e9 }
    }
}

/// Steps that read nothing but prompts between two decode steps in which so many answers end on average. Those prompts are
/// read together as far as the budget allows: there is a step where at least one answer ended, which takes their number as
/// Poisson, and there are as many as their tokens fill, but no more than one for each prompt.
fn prompt_steps(engine: &Engine, lengths: &LengthMoments, ended: f64) -> f64 {
    let filled = ended * lengths.mean_prompt / f64::from(engine.max_num_batched_tokens);
    filled.max(-(-ended).exp_m1()).min(ended)
}

/// Sequences of this mean context that the KV cache holds, in whole numbers.
pub fn batch_in_cache(engine: &Engine, mean_context: f64) -> f64 {
    (engine.cache_tokens() as f64 / mean_context).floor()
}

fn decode_nanoseconds(engine: &Engine, batch: f64, mean_context: f64) -> f64 {
    let step = &engine.step_time;
    base_nanoseconds(engine, batch)
        + engine.overhead
        + step.per_sequence * batch
        + step.per_kv_token * batch * mean_context
}

/// The step's base at a batch.
fn base_nanoseconds(engine: &Engine, batch: f64) -> f64 {
    interpolated(&engine.step_time.base_table, batch).unwrap_or(engine.step_time.base)
}
