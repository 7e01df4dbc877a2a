//! What fewer bits a weight change: the part of a step that reads weights, the room that they leave for the cache, and how
//! much a cold start loads.
//!
//! A decode step reads every weight once, whatever its batch, so that this part is bytes over memory bandwidth, with
//! tensor parallelism over the bandwidth of all GPUs. It lies within the step's base; the rest of the base and every other
//! coefficient stay as they are. Prompts are read at the speed of arithmetic, which weight-only quantisation leaves in 16
//! bits: nothing is gained there (Frantar et al., MARLIN, 2024, whose kernels come near 4x up to 16-32 tokens and lose it
//! beyond). Arithmetic in FP8 would read prompts faster too; only a profile of such a checkpoint shows that.

use super::Options;
use crate::profiles::Model;
use crate::scenario::{Engine, Scenario, WeightLoad};

/// Bytes in a gigabyte, and nanoseconds in a second.
const GIGA: f64 = 1e9;

/// The weights of a replica today. All its GPUs together throughout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightFacts {
    /// Bytes.
    pub bytes: f64,
    /// Of those, bytes that stay in 16 bits: embeddings and output head.
    pub unquantised_bytes: f64,
    /// Bits of the others.
    pub bits: u32,
    /// Memory bandwidth, GB/s.
    pub bandwidth: f64,
    /// Bytes of a token in the KV cache, where known.
    pub kv_bytes_per_token: Option<f64>,
}

/// The engine with weights of other bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantised {
    /// Gigabytes of the weights.
    pub gigabytes: f64,
    /// What a step's base becomes shorter, nanoseconds; negative where it becomes longer.
    pub saved: f64,
    /// Tokens that the KV cache holds.
    pub kv_cache_tokens: u64,
}

/// Bits of a model's weights, by its name in the library.
pub fn bits_of(model: &Model) -> u32 {
    if model.name.ends_with("-fp8") { 8 } else { 16 }
}

impl WeightFacts {
    /// From the options, else the profile, else, for the bytes, what the cold start loads.
    ///
    /// # Errors
    /// What is missing, and how to give it.
    pub fn of(scenario: &Scenario, options: &Options) -> Result<WeightFacts, String> {
        let profile = scenario.engine.profile;
        let loaded = match &scenario.cold_start.weight_load {
            WeightLoad::Bandwidth { gigabytes, .. } => Some(*gigabytes),
            WeightLoad::Stage(_) => None,
        };
        // Which bytes are embeddings is known of the profile's own weights only.
        let own = profile.filter(|_| options.weights_gigabytes.is_none());
        let bytes = match (own, options.weights_gigabytes.or(loaded)) {
            (Some(profile), _) => profile.model.weight_bytes as f64,
            (None, Some(gigabytes)) => gigabytes * GIGA,
            (None, None) => return Err("how heavy the weights are is not known: give --weights-gb".to_owned()),
        };
        let of_a_gpu = options.memory_bandwidth.or(profile.map(|profile| profile.gpu.memory_bandwidth));
        let bandwidth = of_a_gpu.ok_or(
            "how fast a GPU reads its memory is not known: give --memory-bandwidth, such as 3350 GB/s of an H100, or an \
             engine.profile",
        )?;
        Ok(WeightFacts {
            bytes,
            unquantised_bytes: own.map_or(0.0, |profile| 2.0 * profile.model.embedding_bytes as f64),
            bits: options.weight_bits.unwrap_or(profile.map_or(16, |profile| bits_of(profile.model))),
            bandwidth: bandwidth * f64::from(scenario.fleet.gpus_per_replica),
            kv_bytes_per_token: (options.kv_bytes_per_token)
                .or(profile.map(|profile| profile.model.kv_bytes_per_token() as f64)),
        })
    }

    /// Bytes with so many bits for each quantised weight.
    fn bytes_at(&self, bits: u32) -> f64 {
        (self.bytes - self.unquantised_bytes) * f64::from(bits) / f64::from(self.bits) + self.unquantised_bytes
    }

    /// Nanoseconds in which a step reads them: all but the embeddings, of which it looks up a row for each token. A GB/s is
    /// a byte a nanosecond.
    fn reading_time(&self, bits: u32) -> f64 {
        (self.bytes_at(bits) - self.unquantised_bytes / 2.0) / self.bandwidth
    }
}

/// The engine with so many bits a weight. What a step saves is at most the share of its base that reading can be: where the
/// weights take longer to read than the base lasts, the bandwidth is taken to be higher.
///
/// # Errors
/// Why it cannot be: more bits than there is room for, or nothing changes.
pub fn quantised(facts: &WeightFacts, engine: &Engine, bits: u32) -> Result<Quantised, String> {
    if bits == facts.bits {
        return Err(format!("the weights have {bits} bits already"));
    }
    let shortest = engine.step_time.base_table.iter().map(|(_, base)| *base).fold(f64::INFINITY, f64::min);
    let base = if shortest.is_finite() { shortest } else { engine.step_time.base };
    let today = facts.reading_time(facts.bits);
    let share = 1.0 - facts.reading_time(bits) / today;
    let freed = facts.bytes - facts.bytes_at(bits);
    let tokens = match facts.kv_bytes_per_token {
        Some(of_a_token) => engine.kv_cache_tokens as f64 + freed / of_a_token,
        None if freed < 0.0 => {
            return Err(
                "how much room more bits take from the cache is not known: give --kv-bytes-per-token".to_owned()
            );
        }
        // Weights that shrink leave room; without knowing how much, the cache stays as it is.
        None => engine.kv_cache_tokens as f64,
    };
    let block = f64::from(engine.block_size);
    if tokens < block {
        return Err(format!("weights of {bits} bits leave no room for a KV cache on these GPUs"));
    }
    Ok(Quantised {
        gigabytes: facts.bytes_at(bits) / GIGA,
        saved: today.min(base) * share,
        kv_cache_tokens: ((tokens / block).floor() * block) as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles::by_name;

    fn facts_of(name: &str, gpus: u32) -> WeightFacts {
        let profile = by_name(name).expect("it ships");
        WeightFacts {
            bytes: profile.model.weight_bytes as f64,
            unquantised_bytes: 2.0 * profile.model.embedding_bytes as f64,
            bits: bits_of(profile.model),
            bandwidth: profile.gpu.memory_bandwidth * f64::from(gpus),
            kv_bytes_per_token: Some(profile.model.kv_bytes_per_token() as f64),
        }
    }

    fn engine_of(name: &str) -> Engine {
        Engine::of_profile(by_name(name).expect("it ships"))
    }

    /// Worked by hand. Llama-3.1-8B: 16.060522496 GB in 16 bits, of which embeddings and head 128,256 x 4,096 x 2 bytes
    /// each (1.050673152 GB); H100: 3,350 GB/s; 2 x 32 x 8 x 128 x 2 = 131,072 bytes of cache a token.
    #[test]
    fn eight_and_four_bits_of_llama_8b_on_an_h100() {
        let (facts, engine) = (facts_of("h100-llama-3.1-8b-vllm", 1), engine_of("h100-llama-3.1-8b-vllm"));
        // (16.060522 - 1.050673) / 3350 GB/s = 4.480552 ms of the step's 6.3634 ms read weights.
        assert!((facts.reading_time(16) / 1e6 - 4.480_552).abs() < 1e-5);
        // Linear layers: 13.959176 GB; in 8 bits 6.979588, in 4 bits 3.489794, each with 2.101346 of the rest.
        let eight = quantised(&facts, &engine, 8).unwrap();
        assert!(
            (eight.gigabytes - 9.080_934).abs() < 1e-5 && (eight.saved / 1e6 - 2.083_459).abs() < 1e-5,
            "{eight:?}"
        );
        let four = quantised(&facts, &engine, 4).unwrap();
        assert!((four.gigabytes - 5.591_140).abs() < 1e-5 && (four.saved / 1e6 - 3.125_189).abs() < 1e-5, "{four:?}");
        // 10.469382 GB that are freed hold 79,875 tokens more: 440,112 and those, in whole blocks.
        assert_eq!(engine.kv_cache_tokens, 440_112);
        assert_eq!(four.kv_cache_tokens, 519_984);
        // So the step of 6.3634 ms takes 3.2382 ms: the rest of it, 1.8828 ms, does not shrink.
        assert!((engine.step_time.base - four.saved - 3.238_211e6).abs() < 10.0);
    }

    /// The bytes of an FP8 checkpoint follow from those in 16 bits to a thousandth.
    #[test]
    fn eight_bits_weigh_what_the_quantised_checkpoint_does() {
        for (wide, narrow, gpus) in [
            ("h100-llama-3.1-70b-tp4-vllm", "h100-llama-3.1-70b-fp8-tp2-vllm", 4),
            ("h100-qwen3-32b-tp2-vllm", "h100-qwen3-32b-fp8-vllm", 2),
        ] {
            let derived = quantised(&facts_of(wide, gpus), &engine_of(wide), 8).unwrap().gigabytes;
            let real = by_name(narrow).unwrap().model.gigabytes();
            assert!((derived / real - 1.0).abs() < 1e-3, "{wide}: {derived} against {real}");
        }
    }

    /// What is left of a step's base beside the weights is nearly the same for a model in 16 and in 8 bits: the library's own
    /// FP8 rows, which are measured, bear the arithmetic out. Qwen3-32B, one GPU: 19.0182 ms in 16 bits on an H200 less 13.3 ms
    /// of reading; 14.4307 ms in FP8 on an H100 (SGLang) less 9.8 ms.
    #[test]
    fn a_measured_fp8_checkpoint_agrees_within_a_tenth_of_the_step() {
        let wide = facts_of("h200-qwen3-32b-vllm", 1);
        let rest = engine_of("h200-qwen3-32b-vllm").step_time.base - wide.reading_time(16);
        let narrow = facts_of("h100-qwen3-32b-fp8-sglang", 1);
        let predicted = rest + narrow.reading_time(8);
        let measured = engine_of("h100-qwen3-32b-fp8-sglang").step_time.base;
        assert!((predicted / measured - 1.0).abs() < 0.1, "{predicted} against {measured}");
    }

    #[test]
    fn what_is_read_is_never_more_than_the_base() {
        let facts =
            WeightFacts { bytes: 27e9, unquantised_bytes: 0.0, bits: 16, bandwidth: 1_000.0, kv_bytes_per_token: None };
        // 27 ms of reading in a base of 8 ms: the whole base reads, and a quarter of it is left.
        let four = quantised(&facts, &Engine::default(), 4).unwrap();
        assert_eq!((four.saved, four.kv_cache_tokens), (6e6, 400_000));
        let mut table = Engine::default();
        table.step_time.base_table = vec![(1, 4e6), (64, 11e6)];
        assert_eq!(quantised(&facts, &table, 4).unwrap().saved, 3e6);
    }

    #[test]
    fn more_bits_take_room_until_there_is_none() {
        let facts = facts_of("h100-llama-3.1-70b-fp8-tp2-vllm", 2);
        let engine = engine_of("h100-llama-3.1-70b-fp8-tp2-vllm");
        // 68.454 GB more at 163,840 bytes a token take 417,809 of the 456,752 tokens.
        assert_eq!(quantised(&facts, &engine, 16).unwrap().kv_cache_tokens, 38_944);
        let heavier = WeightFacts { bytes: 90e9, ..facts };
        let reason = quantised(&heavier, &engine, 16).unwrap_err();
        assert!(reason.contains("leave no room"), "{reason}");
        assert!(quantised(&facts, &engine, 8).unwrap_err().contains("already"));
        let unknown = WeightFacts { kv_bytes_per_token: None, ..facts };
        assert!(quantised(&unknown, &engine, 16).unwrap_err().contains("--kv-bytes-per-token"));
    }
}
