//! Hardware profiles: how long the steps of a model's engine take on a GPU, how many tokens its KV cache holds, how heavy
//! its weights are. They ship inside the binary.
//!
//! The rows are data, in `data/`, with their sources' own coefficients: `aiconfigurator.csv` (NVIDIA's kernel
//! measurements, composed), `vidur.json` (fits to Vidur's measurements, as they are) and `facts.toml` (shapes of models,
//! memory of GPUs). Code derives from them what an engine needs: `fold` turns a separate prefill formula into the one
//! step formula, `memory` computes KV capacity, `names` finds a profile by what somebody typed. What is done with a
//! profile lives elsewhere; nothing here knows scenarios.

mod basis;
mod errors;
mod fold;
mod library;
mod memory;
mod names;
mod saved;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use basis::{AiConfiguratorFit, Basis, ErrorsByClass, Roofline, Source, Spread, VidurFit};
pub use errors::FitError;
pub use fold::Folding;
pub use library::{all, by_name, of_source};
pub use memory::{BLOCK_SIZE, GPU_MEMORY_UTILIZATION, RESERVED_GIBIBYTES};
pub use names::{Unknown, find};

/// What a step of a real engine takes beyond its kernels, nanoseconds: scheduling, sampling, sending tokens out.
///
/// gpt-oss-120b on H100s (18 published points, prompts of 5,000 and answers of 250 tokens, TP 1, 2 and 4) against
/// AIConfigurator's prediction for the same load: at up to 4 sequences a replica, measured TPOT is 2.2 ms above it on
/// average (1.6 to 2.8), over all points 1.9 ms. With 2 ms added, the mean error of TPOT falls from 22 to 5 %. Vidur
/// leaves out the same, by its own account.
pub const OVERHEAD: f64 = 2e6;

/// Bandwidth at which a replica loads its weights where a scenario does not say, GB/s: the download of 141 GB
/// (Llama-3-70B) from Hugging Face's Hub to an H100 node in 196.5 s (anyscale/ray-serve-llm-perf-examples@04ba8ab4).
pub const WEIGHT_LOAD_BANDWIDTH: f64 = 0.72;

/// A GPU.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Its part of a profile's name: `h100`.
    pub name: String,
    /// For people: `H100 SXM 80 GB`.
    pub title: String,
    /// What the sources call it.
    pub known_as: Vec<String>,
    /// Memory as nvidia-smi reports it, MiB.
    pub memory_mebibytes: u64,
    /// Peak bandwidth of that memory by the data sheet, GB/s (10^9 bytes).
    pub memory_bandwidth: f64,
}

/// A model, in one precision.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its part of a profile's name: `llama-3.1-8b`.
    pub name: String,
    /// For people: `Llama-3.1-8B`.
    pub title: String,
    /// What the sources call it.
    pub known_as: Vec<String>,
    /// Transformer layers.
    pub layers: u64,
    /// Heads of keys and values.
    pub kv_heads: u64,
    /// Elements of a head.
    pub head_dimension: u64,
    /// Bytes of an element of the KV cache.
    pub kv_bytes: u64,
    /// Bytes of the weights, all GPUs together.
    pub weight_bytes: u64,
    /// Of those, bytes of the table of token embeddings; the output head takes as many again. Both stay in 16 bits when the
    /// linear layers are quantised.
    pub embedding_bytes: u64,
}

impl Model {
    /// Bytes that a token's keys and values take, all GPUs together.
    pub fn kv_bytes_per_token(&self) -> u64 {
        2 * self.layers * self.kv_heads * self.head_dimension * self.kv_bytes
    }

    /// Weights, gigabytes (10^9 bytes).
    pub fn gigabytes(&self) -> f64 {
        self.weight_bytes as f64 / 1e9
    }
}

/// How far a profile's step times are measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Kind {
    /// Kernels measured on the GPU and added up, by AIConfigurator.
    #[serde(skip)]
    Silicon,
    /// Measured throughout, by Vidur.
    #[serde(rename = "REAL")]
    Real,
    /// Attention from a formula fitted to some forty measured points of the model, the rest measured, by Vidur.
    #[serde(rename = "SAMPLED")]
    Sampled,
    /// Attention scaled from another GPU's or another parallelism's measurements: an estimate.
    #[serde(rename = "SCALED")]
    Scaled,
}

impl Kind {
    /// All kinds, those nearest to measurements first.
    pub const ALL: [Kind; 4] = [Kind::Real, Kind::Silicon, Kind::Sampled, Kind::Scaled];

    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Silicon => "silicon",
            Kind::Real => "real",
            Kind::Sampled => "sampled",
            Kind::Scaled => "scaled",
        }
    }

    /// What the word means.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Silicon => "kernels measured on the GPU, added up",
            Kind::Real => "kernels measured throughout, added up",
            Kind::Sampled => "attention from a fit to some forty measured points, the rest measured",
            Kind::Scaled => "an ESTIMATE: attention scaled from other hardware or parallelism, the rest measured",
        }
    }
}

/// How long a step takes: `base + per_sequence D + per_kv_token K + per_prefill_token Q + per_prefill_token_squared
/// sum(q^2) + per_prefill_token_context sum(q kv)`, with D decoding sequences, K their context tokens, Q prompt tokens
/// read, q those of one sequence and kv what it had read before. All in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StepTime {
    /// Of every step, without the overhead.
    pub base: f64,
    /// Per decoding sequence.
    pub per_sequence: f64,
    /// Per context token of the decoding sequences.
    pub per_kv_token: f64,
    /// Per prompt token read.
    pub per_prefill_token: f64,
    /// Per squared number of prompt tokens that one sequence reads in the step.
    pub per_prefill_token_squared: f64,
    /// Per prompt token read and token that its sequence had read before.
    pub per_prefill_token_context: f64,
}

/// How the capacity of the KV cache is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Computed from the GPU's memory and the model's shape.
    Computed,
    /// The source's own memory planner.
    Planned,
}

/// One row of the library: a model on a number of GPUs of one kind, under one engine.
#[derive(Clone, Debug)]
pub struct Profile {
    /// `GPU-MODEL[-tpN]-ENGINE`, unique: `h100-qwen3-32b-tp2-vllm`.
    pub name: String,
    /// The model.
    pub model: &'static Model,
    /// The kind of GPU.
    pub gpu: &'static Gpu,
    /// GPUs that one replica holds: its tensor parallelism.
    pub gpus: u32,
    /// `vllm`, `trtllm`, `sglang`; `vidur` where the source has no engine.
    pub engine: String,
    /// Version of the engine, or of the source where it has none.
    pub version: String,
    /// Precision of the weights, as the source has it.
    pub quantisation: String,
    /// How far it is measured.
    pub kind: Kind,
    /// How the source came by its attention times; empty where there is nothing to add.
    pub provenance: String,
    /// The model as the source spells it.
    pub source_model: String,
    /// The GPU as the source spells it.
    pub source_device: String,
    /// The source's numbers.
    pub basis: Basis,
    /// How long a step takes, without the overhead.
    pub step_time: StepTime,
    /// What a step takes beyond that, nanoseconds.
    pub overhead: f64,
    /// Tokens that the KV cache holds.
    pub kv_cache_tokens: u64,
    /// How that is known.
    pub capacity: Capacity,
    /// Tokens in a block of the cache.
    pub block_size: u32,
}
