//! `[[action]]` and the versions that actions ship.

use serde::{Deserialize, Serialize};

use crate::units::{Duration, Time};

/// `[[action]]`: what an operator or the world does during a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// When, from time zero.
    pub at: Time,
    /// What.
    pub kind: ActionKind,
}

/// What is done. Versions are indices into [`Scenario::versions`](crate::scenario::Scenario::versions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionKind {
    /// The number of desired replicas changes.
    SetReplicas(u32),
    /// The rollout is halted (`spec.paused`).
    Pause,
    /// It goes on.
    Resume,
    /// An Argo Rollouts update is given up.
    Abort,
    /// An aborted one is taken up again from its first step.
    Retry,
    /// The pause that it is in ends.
    Promote,
    /// All that it still has of pauses, steps and analyses is skipped.
    PromoteFull,
    /// The version that was shipped before the present one is shipped again.
    RollBack,
    /// A version is shipped.
    Ship(usize),
    /// Replicas fail their readiness probes from now on, the oldest ready ones first.
    MakeUnready {
        /// Of this version; `None`: of any.
        version: Option<usize>,
        /// How many, at most.
        replicas: u32,
    },
    /// Replicas that were made unready pass their probes again, the oldest first.
    MakeReady {
        /// Of this version; `None`: of any.
        version: Option<usize>,
        /// How many, at most.
        replicas: u32,
    },
    /// Replicas are lost at once with all they hold, as with their nodes; the oldest first.
    KillReplicas {
        /// Of this version; `None`: of any.
        version: Option<usize>,
        /// How many, at most.
        replicas: u32,
    },
}

impl ActionKind {
    /// The name that a scenario gives it.
    pub fn name(self) -> &'static str {
        match self {
            ActionKind::SetReplicas(_) => "set_replicas",
            ActionKind::Pause => "pause",
            ActionKind::Resume => "resume",
            ActionKind::Abort => "abort",
            ActionKind::Retry => "retry",
            ActionKind::Promote => "promote",
            ActionKind::PromoteFull => "promote_full",
            ActionKind::RollBack => "roll_back",
            ActionKind::Ship(_) => "ship",
            ActionKind::MakeUnready { .. } => "make_unready",
            ActionKind::MakeReady { .. } => "make_ready",
            ActionKind::KillReplicas { .. } => "kill_replicas",
        }
    }
}

/// A version of what is served, and how it differs from the one that runs when the simulation begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionSettings {
    /// Its name in files: `stable`, `new`, then those given to `ship`.
    pub name: String,
    /// Multiplies every step time.
    pub step_time_factor: f64,
    /// Multiplies, on top of that, what reading prompts adds to a step.
    pub prefill_time_factor: f64,
    /// Probability that an attempt is answered with an error.
    pub error_probability: f64,
    /// Multiplies answer lengths.
    pub output_tokens_factor: f64,
    /// Mean time from ready to crash; zero: never.
    pub crash_mtbf: Duration,
    /// Probability that a start fails; `None`: as `[cold_start]` says.
    pub start_failure_probability: Option<f64>,
}

impl VersionSettings {
    /// A version that does what the stable one does.
    pub fn like_stable(name: &str) -> VersionSettings {
        VersionSettings {
            name: name.to_owned(),
            step_time_factor: 1.0,
            prefill_time_factor: 1.0,
            error_probability: 0.0,
            output_tokens_factor: 1.0,
            crash_mtbf: Duration::ZERO,
            start_failure_probability: None,
        }
    }
}
