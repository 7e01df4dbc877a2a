//! The checked values of what is rolled out and judged: `[rollout]` here; actions with their versions, analyses and checks
//! in files of their own.
//!
//! How TOML becomes them lives in the readers beside this file, what they do in the modules that use them.

mod actions;
mod analyses;
mod checks;

use serde::{Deserialize, Serialize};

use crate::units::{CountOrPercent, Duration, Time};

pub use actions::{Action, ActionKind, VersionSettings};
pub use analyses::{Analysis, AnalysisBound, AnalysisMetric, Estimator, NoData};
pub use checks::{Check, Severity, Statistic};

/// `[rollout]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rollout {
    /// When the new version is applied, from time zero.
    pub start: Time,
    /// How it is rolled out.
    pub strategy: Strategy,
}

/// `rollout.strategy` with the keys of its table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Strategy {
    /// No rollout.
    None,
    /// Kubernetes' Recreate.
    Recreate(DeploymentSettings),
    /// Kubernetes' RollingUpdate.
    Rolling(DeploymentSettings),
    /// Argo Rollouts' blue-green.
    BlueGreen(BlueGreenSettings),
    /// Argo Rollouts' canary.
    Canary(CanarySettings),
    /// Flagger's canary: `[rollout.canary]` with `controller = "flagger"`.
    Flagger(FlaggerSettings),
}

/// `[rollout.rolling]` (and `[rollout.recreate]`, which has neither surge nor unavailable).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeploymentSettings {
    /// Replicas beyond the desired ones; a percentage rounds up.
    pub max_surge: CountOrPercent,
    /// Desired replicas that may be missing; a percentage rounds down.
    pub max_unavailable: CountOrPercent,
    /// When a terminating replica may be replaced. `None`: unset; a rolling update waits for none, Recreate for all.
    pub pod_replacement_policy: Option<PodReplacementPolicy>,
    /// How long a replica must be ready to be available.
    pub min_ready: Duration,
    /// How long without progress until it is reported.
    pub progress_deadline: Duration,
}

/// Kubernetes' `podReplacementPolicy` (KEP-3973, KEP-5882).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodReplacementPolicy {
    /// As soon as it terminates.
    TerminationStarted,
    /// When it is gone: until then it counts against the desired replicas and the surge.
    TerminationComplete,
}

/// `[rollout.blue_green]`, Argo Rollouts' keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlueGreenSettings {
    /// Size of the preview before promotion; `None`: full.
    pub preview_replica_count: Option<u32>,
    /// Whether promotion waits for nobody.
    pub auto_promotion_enabled: bool,
    /// Pause before the automatic promotion.
    pub auto_promotion: Duration,
    /// How long the old fleet is kept after promotion. `None`: unset (30 s, after post-promotion analysis). An explicit
    /// zero keeps it for ever, as Argo does.
    pub scale_down_delay: Option<Duration>,
    /// How long the new fleet is kept after an abort. `None`: unset (30 s). An explicit zero keeps it.
    pub abort_scale_down_delay: Option<Duration>,
    /// How many old ReplicaSets may be kept for `scale_down_delay` at once. `None`: any number.
    pub scale_down_delay_revision_limit: Option<u32>,
    /// Shipping an older version skips analyses and pauses if fewer than so many were created between it and stable; 0:
    /// it never does, except for stable itself and what is still kept.
    pub rollback_window: u32,
    /// Analyses before the switch, as indices into [`Scenario::analyses`](super::Scenario::analyses).
    pub pre_promotion_analysis: Vec<usize>,
    /// Analyses after the switch.
    pub post_promotion_analysis: Vec<usize>,
    /// How long a replica must be ready to be available.
    pub min_ready: Duration,
    /// How long without progress until it is reported.
    pub progress_deadline: Duration,
    /// Whether running past the progress deadline aborts.
    pub progress_deadline_abort: bool,
}

/// `[rollout.canary]`, Argo Rollouts' keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CanarySettings {
    /// Whether a traffic router splits by weight, or pods by their number.
    pub traffic_routing: bool,
    /// Replicas beyond the desired ones; a percentage rounds up.
    pub max_surge: CountOrPercent,
    /// Desired replicas that may be missing; a percentage rounds down.
    pub max_unavailable: CountOrPercent,
    /// Whether stable shrinks as the canary's weight grows.
    pub dynamic_stable_scale: bool,
    /// How long the old fleet is kept after promotion. `None`: unset (30 s). An explicit zero keeps it for ever.
    pub scale_down_delay: Option<Duration>,
    /// How long the canary is kept after an abort. `None`: unset (30 s).
    pub abort_scale_down_delay: Option<Duration>,
    /// Least nonzero number of pods of a ReplicaSet under traffic routing.
    pub min_pods_per_replica_set: Option<u32>,
    /// How many of the pods that a step asks for must be available for it to be done. `None`: all of them.
    pub replica_progress_threshold: Option<CountOrPercent>,
    /// How many old ReplicaSets may be kept for `scale_down_delay` at once. `None`: any number.
    pub scale_down_delay_revision_limit: Option<u32>,
    /// Shipping an older version skips the steps if fewer than so many were created between it and stable; 0: it never
    /// does, except for stable itself.
    pub rollback_window: u32,
    /// Analyses that run beside the steps.
    pub background_analysis: Vec<usize>,
    /// Step from which they run.
    pub background_starting_step: u32,
    /// The steps.
    pub steps: Vec<CanaryStep>,
    /// How long a replica must be ready to be available.
    pub min_ready: Duration,
    /// How long without progress until it is reported.
    pub progress_deadline: Duration,
    /// Whether running past the progress deadline aborts.
    pub progress_deadline_abort: bool,
}

/// Kubernetes' and Argo Rollouts' default of both surge and unavailable.
const QUARTER: CountOrPercent = CountOrPercent::Percent(25);
/// Kubernetes' and Argo Rollouts' default `progressDeadlineSeconds`.
const TEN_MINUTES: Duration = Duration::from_seconds(600);

/// What a scenario gets that sets nothing: Kubernetes' defaults.
impl Default for DeploymentSettings {
    fn default() -> DeploymentSettings {
        DeploymentSettings {
            max_surge: QUARTER,
            max_unavailable: QUARTER,
            pod_replacement_policy: None,
            min_ready: Duration::ZERO,
            progress_deadline: TEN_MINUTES,
        }
    }
}

/// What a scenario gets that sets nothing: Argo Rollouts' defaults.
impl Default for BlueGreenSettings {
    fn default() -> BlueGreenSettings {
        BlueGreenSettings {
            preview_replica_count: None,
            auto_promotion_enabled: true,
            auto_promotion: Duration::ZERO,
            scale_down_delay: None,
            abort_scale_down_delay: None,
            scale_down_delay_revision_limit: None,
            rollback_window: 0,
            pre_promotion_analysis: Vec::new(),
            post_promotion_analysis: Vec::new(),
            min_ready: Duration::ZERO,
            progress_deadline: TEN_MINUTES,
            progress_deadline_abort: false,
        }
    }
}

/// What a scenario gets that sets nothing: Argo Rollouts' defaults, behind a traffic router.
impl Default for CanarySettings {
    fn default() -> CanarySettings {
        CanarySettings {
            traffic_routing: true,
            max_surge: QUARTER,
            max_unavailable: QUARTER,
            dynamic_stable_scale: false,
            scale_down_delay: None,
            abort_scale_down_delay: None,
            min_pods_per_replica_set: None,
            replica_progress_threshold: None,
            scale_down_delay_revision_limit: None,
            rollback_window: 0,
            background_analysis: Vec::new(),
            background_starting_step: 0,
            steps: Vec::new(),
            min_ready: Duration::ZERO,
            progress_deadline: TEN_MINUTES,
            progress_deadline_abort: false,
        }
    }
}

/// One step of a canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CanaryStep {
    /// `{ set_weight = 25 }`: percent of the traffic.
    SetWeight(u32),
    /// `{ pause = "5m" }`, or `{ pause = "until_promoted" }` without a duration.
    Pause(Option<Duration>),
    /// `{ set_canary_scale = ... }`.
    SetCanaryScale(CanaryScale),
    /// `{ analysis = ["ttft"] }`: indices into [`Scenario::analyses`](super::Scenario::analyses).
    Analysis(Vec<usize>),
}

/// `set_canary_scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum CanaryScale {
    /// `{ replicas = 2 }`.
    Replicas(u32),
    /// `{ weight = 25 }`: percent of the desired replicas, which may be more than all of them.
    Weight(u32),
    /// `{ match_traffic_weight = true }`.
    MatchTrafficWeight,
}

/// `[rollout.canary]` with `controller = "flagger"`, Flagger's keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlaggerSettings {
    /// Time between ticks: all that Flagger does it does at one.
    pub interval: Duration,
    /// Failed checks, of the whole analysis, that roll it back.
    pub threshold: u32,
    /// How the canary's weight grows.
    pub weights: FlaggerWeights,
    /// By how much it shrinks at a tick once the primary is updated, percent; zero: at once.
    pub step_weight_promotion: u32,
    /// What a tick checks, as indices into [`Scenario::analyses`](super::Scenario::analyses).
    pub analysis: Vec<usize>,
    /// Percent of the canary's updated replicas that must be available for a tick to go on.
    pub canary_ready_threshold: u32,
    /// The same of the primary's.
    pub primary_ready_threshold: u32,
    /// How both Deployments are updated. Its progress deadline is Flagger's too.
    pub deployment: DeploymentSettings,
}

/// How a canary's weight grows under Flagger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FlaggerWeights {
    /// `step_weight` at each tick, until it is at least `max_weight`.
    Step {
        /// Percent added at a tick, 1 to 100.
        step: u32,
        /// Percent from which on it is promoted, 1 to 100.
        max: u32,
    },
    /// `step_weights`: ascending percentages, one a tick; at the last it is promoted.
    List(Vec<u32>),
}
