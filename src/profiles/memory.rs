//! How many tokens a KV cache holds, where the source does not say: what vLLM leaves for it after weights and workspace.
//!
//! Computed, not measured. Two published start-up logs to hold it against: Llama-3-70B on four H100s gets 468,752 tokens
//! (anyscale/ray-serve-llm-perf-examples@04ba8ab4, llama70b-base.txt), Llama-3-8B on one GPU of 79.2 GiB 53.29 GiB of
//! cache, which is 436,551 tokens (vllm-project/vllm#10511). The formula gives 469,612 and 440,116.

use super::{Gpu, Model};

/// Share of a GPU's memory that the engine uses: vLLM's long-standing default, `gpu_memory_utilization`. Releases from
/// 0.21 on take 0.92 and count the CUDA graphs within it, which comes to nearly the same.
pub const GPU_MEMORY_UTILIZATION: f64 = 0.9;

/// What a GPU keeps of that for activations, CUDA context and the framework, GiB: 3.06 and 3.43 by the two logs above.
pub const RESERVED_GIBIBYTES: f64 = 3.0;

/// Tokens in a block of the cache: vLLM's default. The engine that is simulated is vLLM's, whatever engine the kernels
/// are of.
pub const BLOCK_SIZE: u32 = 16;

const MEBIBYTE: f64 = 1_048_576.0;
const GIBIBYTE: f64 = 1_073_741_824.0;

/// Tokens that fit beside the weights, in whole blocks: `(utilization x memory - reserve) x GPUs - weights` over the bytes
/// of a token.
pub(super) fn kv_cache_tokens(gpu: &Gpu, gpus: u32, model: &Model) -> u64 {
    let usable = GPU_MEMORY_UTILIZATION * gpu.memory_mebibytes as f64 * MEBIBYTE - RESERVED_GIBIBYTES * GIBIBYTE;
    let left = usable * f64::from(gpus) - model.weight_bytes as f64;
    let blocks = left / model.kv_bytes_per_token() as f64 / f64::from(BLOCK_SIZE);
    blocks.max(0.0) as u64 * u64::from(BLOCK_SIZE)
}
