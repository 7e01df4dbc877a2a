//! What a user writes, checked: the values of a scenario after every rule of the format has been applied.
//!
//! The types here are what the rest of the program reads. How TOML becomes them, and what is said when it cannot, lives
//! in the submodules. Nothing here knows how a scenario is simulated.

mod actions;
mod advice;
mod analysis;
mod analysis_advice;
mod axis;
mod canary;
mod checks;
mod codes;
mod distribution;
mod edit;
mod flagger;
pub mod keys;
mod load;
mod overrides;
mod plan;
mod policy;
mod problems;
mod profile;
mod reader;
mod replica;
mod rollout;
pub mod schema;
mod sections;
mod traffic;
mod tree;
mod written;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::profiles::Profile;
use crate::random::Distribution;
use crate::trace::Trace;
use crate::units::{Duration, Time};

pub use axis::{Axis, Unit, parse_values, split_list};
pub use codes::{Code, Explanation, explain, explanations, is_code};
pub use edit::Revision;
pub use load::{load, parse};
pub use plan::{DEFAULT_OBJECTIVE, OBJECTIVES, Plan, Tolerance, no_choice, objective};
pub use policy::{
    Action, ActionKind, Analysis, AnalysisBound, AnalysisMetric, BlueGreenSettings, CanaryScale, CanarySettings,
    CanaryStep, Check, DeploymentSettings, Estimator, FlaggerSettings, FlaggerWeights, NoData, PodReplacementPolicy,
    Rollout, Severity, Statistic, Strategy, VersionSettings,
};
pub use problems::{Beside, LoadError, Problem, Problems, nearest, suggestion};
pub use written::Written;

/// A checked scenario: what is simulated, how often, and what must hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// Title for people.
    pub name: String,
    /// How often and how long.
    pub study: Study,
    /// The requests.
    pub traffic: Traffic,
    /// What clients do when an attempt goes wrong.
    pub clients: Clients,
    /// The router in front of the replicas.
    pub router: Router,
    /// The replicas and what they cost.
    pub fleet: Fleet,
    /// One replica's engine.
    pub engine: Engine,
    /// What a replica goes through before it is ready.
    pub cold_start: ColdStart,
    /// What a replica goes through when it is stopped.
    pub termination: Termination,
    /// The latency that users were promised.
    pub slo: Option<Slo>,
    /// The rollout.
    pub rollout: Rollout,
    /// The versions, by number: the stable one, the one that `[rollout]` ships, and what actions ship.
    pub versions: Vec<VersionSettings>,
    /// What operators and the world do during a run, in the order of the file.
    pub actions: Vec<Action>,
    /// The analysis templates, in the order of the file.
    pub analyses: Vec<Analysis>,
    /// What must hold.
    pub checks: Vec<Check>,
    /// What may be chosen, and to what end.
    pub plan: Option<Plan>,
    /// SHA-256 of the canonical text of the scenario as run (with every `--set` applied) and of what is in the traces,
    /// columns and profile that it names, in hexadecimal.
    pub hash: String,
    /// Version of the program that read it, and so simulates it.
    pub read_by: String,
    /// The text as it was written, before any `--set`.
    pub source: String,
    /// Each `--set` that was applied to it, `KEY=VALUE`.
    pub settings: Vec<String>,
    /// Things that are legal and unwise, for people.
    pub warnings: Vec<Problem>,
    /// What it was read from.
    #[serde(skip)]
    pub written: Written,
}

/// `[study]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Study {
    /// Number of Monte Carlo runs.
    pub runs: u64,
    /// Seed of all randomness.
    pub seed: u64,
    /// Simulated time before measuring begins.
    pub warm_up: Duration,
    /// Length of the measured window.
    pub duration: Duration,
    /// Longest time after the window in which measured requests may still end.
    pub cool_down: Duration,
    /// Width of a row of `timeline.csv`.
    pub timeline_bin: Duration,
}

/// `[traffic]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Traffic {
    /// Drawn requests.
    Synthetic {
        /// When requests arrive.
        arrivals: Arrivals,
        /// Prompt lengths, tokens.
        prompt_tokens: Distribution,
        /// Answer lengths, tokens.
        output_tokens: Distribution,
    },
    /// Recorded requests.
    Trace {
        /// The file, relative to the scenario.
        path: PathBuf,
        /// What is in it.
        trace: Arc<Trace>,
        /// How it is replayed.
        replay: Replay,
    },
}

/// How runs replay a trace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// `trace_speed`: how many times faster than recorded.
    pub speed: f64,
    /// Which parts of the recording a run replays.
    pub stretch: Stretch,
    /// `trace_loop`: whether the recording begins again after its end; else no requests come after it.
    pub wraps: bool,
}

/// Which parts of a recording a run replays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stretch {
    /// One, from a row drawn for each run.
    FromAnyRow,
    /// `trace_offset`: one, from this time of the recording in every run.
    From(Duration),
    /// `trace_block`: one after another of this length of the recording, each from a time drawn anew, around the end to
    /// the beginning: the circular block bootstrap (Politis and Romano 1992).
    Blocks(Duration),
}

/// `traffic.arrivals`: an arrival process; rates in requests per second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Arrivals {
    /// Independent exponential gaps.
    Poisson {
        /// Mean rate.
        rate: f64,
    },
    /// Independent gamma gaps: a renewal process.
    Gamma {
        /// Mean rate.
        rate: f64,
        /// Coefficient of variation of the gaps.
        cv: f64,
    },
    /// A Poisson process whose rate is a cosine around its mean.
    Diurnal {
        /// Mean rate.
        mean: f64,
        /// Greatest rate over the mean, 1 to 2.
        peak_to_mean: f64,
        /// Length of a day.
        period: Duration,
        /// When the rate is greatest, from time zero.
        peak_at: Duration,
    },
    /// Markov-modulated Poisson process: rates taken in cyclic order, each for an exponential time.
    Mmpp {
        /// Rate of each state.
        rates: Vec<f64>,
        /// Mean time in each state.
        dwell: Vec<Duration>,
    },
}

/// `[clients]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Clients {
    /// An attempt is given up after this; `None`: never.
    pub timeout: Option<Duration>,
    /// Attempts after the first.
    pub max_retries: u32,
    /// Wait before a retry.
    pub backoff: Backoff,
}

/// `clients.backoff`: the k-th retry waits min(initial factor^(k-1), max), less a uniform share of up to `jitter` of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backoff {
    /// Wait before the first retry.
    pub initial: Duration,
    /// Growth from one retry to the next.
    pub factor: f64,
    /// Longest wait.
    pub max: Duration,
    /// Share of the wait that is random, 0 to 1.
    pub jitter: f64,
}

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

impl Scenario {
    /// What is unwise about it, in sentences.
    pub fn warning_messages(&self) -> Vec<String> {
        self.warnings.iter().map(Problem::sentence).collect()
    }

    /// The checks that must hold; those that only warn bind nobody.
    pub fn promises(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.severity == Severity::Fail)
    }

    /// The versions in the order in which they are first shipped, the stable one first and those never shipped last:
    /// controllers ask which ReplicaSet is older.
    pub fn order_of_shipping(&self) -> Vec<usize> {
        let first_shipped = |version: usize| {
            let by_rollout = (version == 1).then_some(self.rollout.start);
            let ships = self.actions.iter().filter(|action| action.kind == ActionKind::Ship(version));
            ships.map(|action| action.at).chain(by_rollout).min().unwrap_or(Time::NEVER)
        };
        let mut order: Vec<usize> = (0..self.versions.len()).collect();
        order[1..].sort_by_key(|version| first_shipped(*version));
        order
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

/// `[slo]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slo {
    /// Longest acceptable time to first token.
    pub ttft: Duration,
    /// Share of requests that must meet it.
    pub quantile: f64,
    /// Width of the bins in which it is judged.
    pub bin: Duration,
}
