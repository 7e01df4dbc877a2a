//! The checked values of what users send: `[traffic]`, and their `[clients]`.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::random::Distribution;
use crate::trace::Trace;
use crate::units::Duration;

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
