//! The checked values of what serves them: `[router]`, `[fleet]`, `[engine]`, `[cold_start]`, `[termination]`.

use serde::{Deserialize, Serialize};

use crate::profiles::Profile;
use crate::random::Distribution;
use crate::units::Duration;

/// `[router]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Router {
    /// How a replica is chosen.
    pub policy: RouterPolicy,
    /// Requests that may wait at a replica, for a slot or for cache, beyond those that run; `None`: no limit.
    pub max_queue_per_replica: Option<u32>,
    /// Longest wait at the gateway while no replica is ready.
    pub max_gateway_wait: Duration,
}

/// How the router chooses among ready replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouterPolicy {
    /// Uniformly.
    Random,
    /// In turn.
    RoundRobin,
    /// One of those with the fewest requests, uniformly.
    LeastRequests,
    /// The one with fewer requests of two drawn uniformly.
    PowerOfTwo,
}

/// `[fleet]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fleet {
    /// Desired replicas.
    pub replicas: u32,
    /// Capacity below which the fleet is said to dip, in stable replicas.
    pub needed_replicas: f64,
    /// GPUs that one replica holds.
    pub gpus_per_replica: u32,
    /// GPUs that may be held at once; `None`: no limit.
    pub gpu_limit: Option<u32>,
    /// Whether GPUs that are given back can be had again at once; `None`: always.
    pub stockout: Option<Stockout>,
    /// Price of a GPU-hour, USD.
    pub gpu_hour_usd: f64,
    /// Price of a GPU-hour beyond replicas x gpus_per_replica, USD.
    pub surge_gpu_hour_usd: f64,
}

/// `fleet.stockout`: GPUs that are lost when a replica gives them back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stockout {
    /// Probability that the GPUs of a replica that is gone are lost.
    pub probability: f64,
    /// Seconds until as many can be had again.
    pub delay: Distribution,
}

/// `[engine]`: continuous batching of one replica.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine {
    /// The hardware profile that gives what is not written.
    pub profile: Option<&'static Profile>,
    /// Sequences that may run at once.
    pub max_num_seqs: u32,
    /// Tokens that a step may process.
    pub max_num_batched_tokens: u32,
    /// Whether prompts are read in chunks beside the decodes (vLLM V1), or whole while decodes stand still (vLLM V0).
    pub chunked_prefill: bool,
    /// Tokens that the KV cache holds.
    pub kv_cache_tokens: u64,
    /// Tokens in a block of the cache.
    pub block_size: u32,
    /// Share of all blocks that an admission must leave free.
    pub kv_watermark: f64,
    /// Whether an admission needs room for the whole prompt rather than its first chunk.
    pub reserve_full_prompt: bool,
    /// How long a step takes.
    pub step_time: StepTime,
    /// What every step takes beyond that, nanoseconds: scheduling, sampling, sending tokens out.
    pub overhead: f64,
    /// Speculative decoding, if it is on.
    pub speculative: Option<Speculative>,
    /// Overrides the saturated rate that follows from the step time, tokens/s per replica.
    pub saturated_tokens_per_second: Option<f64>,
}

/// `engine.speculative`: draft tokens and how likely they are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speculative {
    /// Draft tokens of a step.
    pub tokens: u32,
    /// Probability that a draft token is accepted if those before it were.
    pub acceptance: f64,
}

impl Default for Engine {
    /// The format's own defaults.
    fn default() -> Engine {
        Engine {
            profile: None,
            max_num_seqs: 256,
            max_num_batched_tokens: 8192,
            chunked_prefill: true,
            kv_cache_tokens: 400_000,
            block_size: 16,
            kv_watermark: 0.0,
            reserve_full_prompt: true,
            step_time: StepTime {
                base: 8e6,
                per_sequence: 50e3,
                per_kv_token: 20.0,
                per_prefill_token: 60e3,
                ..StepTime::default()
            },
            overhead: 0.0,
            speculative: None,
            saturated_tokens_per_second: None,
        }
    }
}

impl Engine {
    /// Whole blocks of the KV cache.
    pub fn cache_blocks(&self) -> u64 {
        self.kv_cache_tokens / u64::from(self.block_size.max(1))
    }

    /// Tokens that they hold: no request's prompt + output - 1 may exceed it.
    pub fn cache_tokens(&self) -> u64 {
        self.cache_blocks() * u64::from(self.block_size)
    }
}

/// `engine.step_time`: coefficients in nanoseconds, finer than a nanosecond.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepTime {
    /// Nanoseconds of every step.
    pub base: f64,
    /// Instead of `base`: (decoding sequences, nanoseconds) points, ascending, linear between, constant outside.
    pub base_table: Vec<(u32, f64)>,
    /// Nanoseconds per decoding sequence.
    pub per_sequence: f64,
    /// Nanoseconds per context token of the decoding sequences.
    pub per_kv_token: f64,
    /// Nanoseconds per prompt token read.
    pub per_prefill_token: f64,
    /// Nanoseconds per squared number of prompt tokens that one sequence reads in the step.
    pub per_prefill_token_squared: f64,
    /// Nanoseconds per prompt token read and token that its sequence had read before.
    pub per_prefill_token_context: f64,
}

/// The value of a `base_table` at so many decoding sequences: linear between its points, constant outside; `None` where
/// it has none.
pub fn interpolated(table: &[(u32, f64)], decoding: f64) -> Option<f64> {
    let after = table.partition_point(|(sequences, _)| f64::from(*sequences) <= decoding);
    Some(match (after.checked_sub(1).map(|before| table[before]), table.get(after)) {
        (Some((left, left_value)), Some((right, right_value))) => {
            let share = (decoding - f64::from(left)) / f64::from(right - left);
            left_value + share * (right_value - left_value)
        }
        (None, first) => first?.1,
        (Some((_, last)), None) => last,
    })
}

/// `[cold_start]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ColdStart {
    /// Getting a node, seconds.
    pub provision: Stage,
    /// Pulling the image, seconds.
    pub image_pull: Stage,
    /// Loading the weights.
    pub weight_load: WeightLoad,
    /// Starting the engine: compilation, graph capture; seconds.
    pub engine_start: Stage,
    /// Probability that a start fails at the end of `engine_start`.
    pub failure_probability: f64,
    /// Period of the readiness probe; zero: readiness is seen at once.
    pub readiness_period: Duration,
}

/// A stage of the cold start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// How long it takes, seconds; infinity: it does not end.
    pub seconds: Distribution,
    /// Probability that it is skipped (the image or the weights are there already).
    pub skip_probability: f64,
}

/// `cold_start.weight_load`: a plain stage, or gigabytes over a bandwidth that is shared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum WeightLoad {
    /// So many seconds, whoever else loads.
    Stage(Stage),
    /// Gigabytes (10^9 bytes) over a bandwidth.
    Bandwidth {
        /// What is read.
        gigabytes: f64,
        /// A replica's own bandwidth, GB/s.
        gigabytes_per_second: Distribution,
        /// What all that load at once share fairly, GB/s; `None`: no limit.
        shared_gigabytes_per_second: Option<f64>,
        /// Probability that nothing need be read.
        skip_probability: f64,
    },
}

/// `[termination]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Termination {
    /// From the deletion to SIGKILL.
    pub grace_period: Duration,
    /// Length of the preStop hook, inside the grace period.
    pub pre_stop: Duration,
    /// From the deletion until the router stops sending.
    pub endpoint_lag: Duration,
    /// What the server does on SIGTERM.
    pub on_sigterm: OnSigterm,
}

/// What a server does on SIGTERM with what it has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnSigterm {
    /// Finish it.
    Drain,
    /// Drop it.
    Abort,
}
