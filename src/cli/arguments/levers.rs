//! The arguments of `levers`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{Printing, Simulating};

/// Examples after the help.
pub const LEVERS_EXAMPLES: &str = "\
Examples:
  cutover levers scenarios/llama-70b-profile.toml
  cutover levers scenarios/llama-70b-profile.toml --runs 20 \\
      --only 8-bit-weights,4-bit-weights
  cutover levers scenarios/rolling-drained.toml --memory-bandwidth 3350 \\
      --weight-bits 8
  cutover levers scenario.toml \\
      --lever 'small-batch: engine.max_num_seqs=64, engine.block_size=32'

Runs are the scenario's, at most 100 unless --runs says so: every lever is a study of its own, and pairs of runs on the same
requests need few. Each lever, and each fleet tried for it, takes as long as a `cutover run` of as many runs: some 30 to 80 of
them for all levers. --only and --runs 10 make it quick.

A smaller fleet must keep what users were promised: TTFT P99, the share of requests that are answered, the scenario's [slo] and
every [[check]] that holds today.

Exit codes: 0 whatever is found, also where no lever saves or every fleet breaks the bound; 2 the scenario or an argument is
wrong; 4 results cannot be written; 130 interrupted, what was finished is saved.";

/// `levers`.
#[derive(Debug, Args)]
pub struct LeversArguments {
    /// The scenario's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,
    /// Only these levers, by name; several with commas between
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not these levers
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "only")]
    pub skip: Vec<String>,
    /// A lever of your own: settings of the scenario's keys as for --set; may be repeated
    #[arg(long, value_name = "NAME: KEY=VALUE, KEY=VALUE")]
    pub lever: Vec<String>,
    /// Longest mean TTFT P99 that a smaller fleet may have, such as 2s [the scenario's objective, else today's]
    #[arg(long, value_name = "DURATION")]
    pub ttft_p99: Option<String>,
    /// Greatest mean utilization that a smaller fleet may have, such as 85%: spare for a lost node or a peak [any]
    #[arg(long, value_name = "PERCENT")]
    pub max_utilization: Option<String>,
    /// Weights of a replica, gigabytes, all its GPUs together [the profile's, else what the cold start loads]
    #[arg(long, value_name = "GB")]
    pub weights_gb: Option<f64>,
    /// Bits of a weight today: 16, 8 or 4 [the profile's, else 16]
    #[arg(long, value_name = "BITS")]
    pub weight_bits: Option<u32>,
    /// Memory bandwidth of one GPU, GB/s [the profile's]
    #[arg(long, value_name = "GB/S")]
    pub memory_bandwidth: Option<f64>,
    /// Bytes of a token in the KV cache, all GPUs of a replica together [the profile's; else the cache stays as it is]
    #[arg(long, value_name = "BYTES")]
    pub kv_bytes_per_token: Option<f64>,
    /// Price of a GPU-hour of another kind of GPU, such as b200=4.5; may be repeated [a list price, see docs/levers.md]
    #[arg(long, value_name = "GPU=USD")]
    pub gpu_price: Vec<String>,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}
