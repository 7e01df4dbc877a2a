//! What follows from a profile: a rate that loads the fleet sensibly, how long answers take, and so how long a replica may
//! take to drain, what can be promised, and how long the rollout may last.

use super::super::arguments::StrategyArgument;
use crate::profiles::{Profile, WEIGHT_LOAD_BANDWIDTH};
use crate::random::{Distribution, Family, NORMAL_P99};
use crate::scenario::{Arrivals, Engine, Traffic};
use crate::serving::{SteadyBatch, batch_in_cache};
use crate::workload::LengthMoments;

/// Share of the saturated rate that is offered: room for bursts, and for a replica less.
const LOAD: f64 = 0.55;
/// Prompts and answers of a chat: median, 99th percentile, longest; tokens.
const PROMPT: [u32; 3] = [700, 5000, 16_000];
const ANSWER: [u32; 3] = [300, 2000, 4096];
/// Share of the KV cache that the longest request may take.
const SHARE_OF_CACHE: f64 = 0.25;
/// A cold start without the weights, seconds: 99th percentiles of image and engine, and a probe.
const SLOW_START: f64 = 240.0 + 150.0 + 10.0;

/// What is asked for.
pub struct Wanted {
    /// The model and its hardware.
    pub profile: &'static Profile,
    /// How it is rolled out.
    pub strategy: StrategyArgument,
    /// Replicas.
    pub replicas: u32,
    /// Requests per second; `None`: what loads the fleet sensibly.
    pub rate: Option<f64>,
    /// Price of a GPU-hour.
    pub gpu_hour_usd: f64,
}

/// What follows.
pub struct Sizing {
    /// Prompt lengths: median, 99th percentile, longest; tokens.
    pub prompt: [u32; 3],
    /// The same of answers.
    pub answer: [u32; 3],
    /// Requests per second.
    pub rate: f64,
    /// Share of the fleet's saturated rate that this is.
    pub load: f64,
    /// Seconds that the longest answer takes on a replica that is full.
    pub longest_answer_s: f64,
    /// Time to first token that can be promised, seconds.
    pub ttft_s: f64,
    /// A slow cold start, seconds.
    pub cold_start_s: f64,
}

impl Sizing {
    /// What follows from a profile and what is wanted.
    pub fn of(wanted: &Wanted) -> Sizing {
        let engine = Engine::of_profile(wanted.profile);
        // A small cache gets shorter requests, so that the longest leaves room for others.
        let largest = engine.cache_tokens() as f64 * SHARE_OF_CACHE;
        let shrink = (largest / f64::from(PROMPT[2] + ANSWER[2])).min(1.0);
        let [prompt, answer] =
            [PROMPT, ANSWER].map(|lengths| lengths.map(|tokens| rounded_tokens(f64::from(tokens) * shrink)));
        let traffic = Traffic::Synthetic {
            arrivals: Arrivals::Poisson { rate: 1.0 },
            prompt_tokens: lognormal(prompt),
            output_tokens: lognormal(answer),
        };
        let lengths = LengthMoments::new(&traffic, &engine);
        let batch = batch_in_cache(&engine, lengths.mean_context).clamp(1.0, f64::from(engine.max_num_seqs));
        let full = SteadyBatch::new(&engine, &lengths, batch, 1.0);
        let saturated = full.rate / lengths.mean_output * f64::from(wanted.replicas);
        let rate = wanted.rate.unwrap_or_else(|| two_digits(saturated * LOAD));
        let step = &engine.step_time;
        let prompt_s = step.per_prefill_token * f64::from(prompt[1]) / 1e9;
        Sizing {
            prompt,
            answer,
            rate,
            load: rate / saturated,
            longest_answer_s: full.tpot * f64::from(answer[2]),
            // Long prompts are read beside those of others: some four times as long as alone, and a second at least.
            ttft_s: (4.0 * prompt_s).max(1.0).ceil(),
            cold_start_s: SLOW_START + wanted.profile.model.gigabytes() / WEIGHT_LOAD_BANDWIDTH,
        }
    }
}

fn lognormal([median, p99, max]: [u32; 3]) -> Distribution {
    let sigma = (f64::from(p99) / f64::from(median)).ln() / NORMAL_P99;
    Distribution { family: Family::Lognormal { median: f64::from(median), sigma }, max: f64::from(max) }
}

/// A number of tokens that a person would write.
fn rounded_tokens(tokens: f64) -> u32 {
    let step = if tokens >= 1000.0 { 100.0 } else { 10.0 };
    // The usual lengths stay as they are.
    if tokens.fract() == 0.0 { tokens as u32 } else { ((tokens / step).floor() * step).max(step) as u32 }
}

/// Two significant digits.
fn two_digits(number: f64) -> f64 {
    let unit = 10f64.powi(number.log10().floor() as i32 - 1);
    let digits = (number / unit).round();
    // Dividing by a whole power of ten gives the nearest double, so that 1.7 is written 1.7.
    if unit < 1.0 { digits / (1.0 / unit).round() } else { digits * unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_as_people_do() {
        for (number, rounded) in [(17.34, 17.0), (1.749, 1.7), (0.0567, 0.057), (123.4, 120.0), (9.96, 10.0)] {
            assert_eq!(two_digits(number), rounded);
        }
        assert_eq!([4096.0, 1234.5, 777.7].map(rounded_tokens), [4096, 1200, 770]);
    }
}
