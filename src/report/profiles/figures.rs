//! What a replica of a profile does at a given batch, for a stated load.

use crate::profiles::Profile;
use crate::random::Distribution;
use crate::scenario::{Arrivals, Engine, Traffic};
use crate::serving::{SteadyBatch, batch_in_cache};
use crate::workload::LengthMoments;

/// Tokens of every prompt of the stated load.
pub const PROMPT_TOKENS: u32 = 1000;
/// Tokens of every answer of the stated load.
pub const ANSWER_TOKENS: u32 = 500;
/// The batch at which profiles are compared, sequences.
pub const REFERENCE_BATCH: u32 = 32;

/// What a replica does at a batch.
#[derive(Clone, Copy, Debug)]
pub struct AtBatch {
    /// Sequences that run at once.
    pub batch: u32,
    /// Output tokens per second of the replica.
    pub tokens_per_second: f64,
    /// Output tokens per second and GPU.
    pub tokens_per_second_per_gpu: f64,
    /// Seconds from one token of a sequence to the next.
    pub tpot_s: f64,
}

/// A profile under the stated load.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The profile.
    pub profile: &'static Profile,
    /// The engine that it stands for.
    pub engine: Engine,
    /// The load.
    lengths: LengthMoments,
    /// Sequences of the load that the KV cache holds, whatever `max_num_seqs`.
    pub in_cache: u32,
    /// 1, 2, 4, ... up to the largest batch, which is the last.
    pub rows: Vec<AtBatch>,
}

impl Figures {
    /// The figures of a profile.
    pub fn of(profile: &'static Profile) -> Figures {
        let engine = Engine::of_profile(profile);
        let traffic = Traffic::Synthetic {
            // How often they come has no part in their lengths.
            arrivals: Arrivals::Poisson { rate: 1.0 },
            prompt_tokens: Distribution::constant(f64::from(PROMPT_TOKENS)),
            output_tokens: Distribution::constant(f64::from(ANSWER_TOKENS)),
        };
        let lengths = LengthMoments::new(&traffic, &engine);
        let in_cache = batch_in_cache(&engine, lengths.mean_context) as u32;
        let mut figures = Figures { profile, engine, lengths, in_cache, rows: Vec::new() };
        figures.rows = batches(figures.largest_batch()).into_iter().map(|batch| figures.at(f64::from(batch))).collect();
        figures
    }

    /// The largest batch: `max_num_seqs` of the format's default, or what the cache holds.
    pub fn largest_batch(&self) -> u32 {
        self.in_cache.clamp(1, self.engine.max_num_seqs)
    }

    /// Context tokens of a running sequence, on average.
    pub fn mean_context(&self) -> f64 {
        self.lengths.mean_context
    }

    /// What the replica does at a batch, which need not be a whole number: a curve has points between.
    pub fn at(&self, batch: f64) -> AtBatch {
        let steady = SteadyBatch::new(&self.engine, &self.lengths, batch, 1.0);
        AtBatch {
            batch: batch as u32,
            tokens_per_second: steady.rate,
            tokens_per_second_per_gpu: steady.rate / f64::from(self.profile.gpus),
            tpot_s: steady.tpot,
        }
    }
}

/// Powers of two up to the largest batch, and that itself.
fn batches(largest: u32) -> Vec<u32> {
    let mut batches: Vec<u32> = (0..31).map(|k| 1 << k).take_while(|batch| *batch < largest).collect();
    batches.push(largest);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles::{all, by_name};

    #[test]
    fn batches_are_powers_of_two_and_end_with_the_largest() {
        assert_eq!(batches(1), [1]);
        assert_eq!(batches(8), [1, 2, 4, 8]);
        assert_eq!(batches(42), [1, 2, 4, 8, 16, 32, 42]);
    }

    #[test]
    fn every_profile_holds_the_reference_batch_and_gets_faster_and_slower_with_it() {
        for profile in all() {
            let figures = Figures::of(profile);
            assert!(figures.largest_batch() >= REFERENCE_BATCH, "{}", profile.name);
            for pair in figures.rows.windows(2) {
                let more = pair[0].tokens_per_second < pair[1].tokens_per_second;
                assert!(more && pair[0].tpot_s < pair[1].tpot_s, "{}: {pair:?}", profile.name);
            }
        }
    }

    #[test]
    fn a_sequence_alone_waits_for_its_decode_steps_only() {
        let figures = Figures::of(by_name("h100-llama-3.1-8b-vllm").expect("it ships"));
        // 2 ms of overhead, 6.3634 + 0.01034 ms, and 43.7 ns for each of 1000 + 249.5 tokens of context.
        let expected = 8.37374e-3 + 43.7e-9 * 1249.5;
        assert!((figures.rows[0].tpot_s / expected - 1.0).abs() < 1e-9, "{:?}", figures.rows[0]);
    }
}
