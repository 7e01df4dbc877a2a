//! What the sources of the profiles say, in their own numbers, and where they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Folding;

/// AIConfigurator's formulas as fitted: a decode step takes `a + b batch + c batch context`, a prefill by itself
/// `max(floor, d + e tokens + f tokens^2)`. Errors are shares of the time.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct AiConfiguratorFit {
    /// Milliseconds of every decode step.
    pub a_ms: f64,
    /// Milliseconds per sequence.
    pub b_ms: f64,
    /// Microseconds per token of context.
    pub c_us: f64,
    /// Mean error of the decode steps' fit.
    pub step_mean_error: f64,
    /// Largest error of the decode steps' fit.
    pub step_largest_error: f64,
    /// The shortest prefill, milliseconds.
    pub floor_ms: f64,
    /// Milliseconds of every prefill.
    pub d_ms: f64,
    /// Milliseconds per prompt token.
    pub e_ms: f64,
    /// Milliseconds per squared prompt token.
    pub f_ms: f64,
    /// Mean error of the prefills' fit.
    pub prefill_mean_error: f64,
    /// Largest error of the prefills' fit.
    pub prefill_largest_error: f64,
}

/// The linear form, fitted to Vidur's step times; coefficients in milliseconds. Errors are shares of the time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub struct VidurFit {
    /// Of every step.
    pub a_ms: f64,
    /// Per decoding sequence.
    pub b_ms_per_decode_seq: f64,
    /// Per context token of the decoding sequences.
    pub c_ms_per_kv_token: f64,
    /// Per prompt token read.
    pub d_ms_per_prefill_token: f64,
    /// Per squared number of prompt tokens of one sequence.
    pub e_ms_per_prefill_token_sq: f64,
    /// Per prompt token read and token read before.
    pub f_ms_per_prefill_token_x_kv: f64,
    /// Share of the variance that the fit explains.
    pub r2: f64,
    /// Median error over 5,000 random steps.
    pub median_rel_err: f64,
    /// 95 % quantile of the error.
    pub p95_rel_err: f64,
    /// The errors by what a step does.
    pub rel_err_by_class: ErrorsByClass,
}

/// Errors of a fit by what a step does.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ErrorsByClass {
    /// Steps that only decode.
    pub decode_only: Spread,
    /// Steps that only read prompts.
    pub prefill_only: Spread,
    /// Steps that do both.
    pub mixed: Spread,
}

/// Median and tail of an error, as shares of the time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// 95 % quantile.
    pub p95: f64,
}

/// A piece-wise linear form, which fits Vidur's step times better: the tokens of a step cost nothing below a knee.
/// Coefficients in milliseconds. No engine here uses it; it says how much of a linear fit's error is due to its form.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Roofline {
    /// Of every step.
    pub a_ms: f64,
    /// Per decoding sequence.
    pub b_ms_per_decode_seq: f64,
    /// Per context token of the decoding sequences.
    pub c_ms_per_kv_token: f64,
    /// Per token of the step, decoded or read, above the knee.
    pub s_ms_per_token_above_knee: f64,
    /// Per squared number of prompt tokens of one sequence.
    pub e_ms_per_prefill_token_sq: f64,
    /// Per prompt token read and token read before.
    pub f_ms_per_prefill_token_x_kv: f64,
    /// Tokens.
    pub knee_tokens: u32,
    /// Median error over 5,000 random steps.
    pub median_rel_err: f64,
    /// 95 % quantile of the error.
    pub p95_rel_err: f64,
}

/// What the source says, in its own numbers.
#[derive(Clone, Copy, Debug)]
pub enum Basis {
    /// AIConfigurator's two formulas, and what joining them adds to their errors.
    AiConfigurator(AiConfiguratorFit, Folding),
    /// A fit to Vidur's steps, and a better form of it.
    Vidur(VidurFit, Roofline),
}

/// Where profiles come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name and version.
    pub title: &'static str,
    /// Where it is.
    pub repository: &'static str,
    /// SPDX identifier of its licence.
    pub licence: &'static str,
    /// How the figures came about.
    pub method: &'static str,
}

impl Basis {
    /// Where the numbers come from.
    pub fn source(&self) -> Source {
        match self {
            Basis::AiConfigurator(..) => Source {
                title: "AIConfigurator 0.12.0",
                repository: "github.com/ai-dynamo/aiconfigurator",
                licence: "Apache-2.0",
                method: "NVIDIA's measurements of the engine's kernels (database mode SILICON), composed into steps, \
                         queried over batch, context and prompt length, and fitted",
            },
            Basis::Vidur(..) => Source {
                title: "Vidur, commit 7d47513",
                repository: "github.com/microsoft/vidur",
                licence: "MIT",
                method: "Microsoft's measurements of a model's layers, composed into steps by Vidur's predictor, and \
                         fitted over 5,000 random steps of up to 128 sequences and 4,096 prompt tokens",
            },
        }
    }
}
