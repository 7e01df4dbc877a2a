//! The checked values of what is rolled out and judged: `[rollout]`, its versions, `[analysis]`, `[[check]]`.
//!
//! How TOML becomes them lives in the readers beside this file, what they do in the modules that use them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{CountOrPercent, Duration, Time};

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

/// `[[action]]`: what an operator or the world does during a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// When, from time zero.
    pub at: Time,
    /// What.
    pub kind: ActionKind,
}

/// What is done. Versions are indices into [`Scenario::versions`](super::Scenario::versions).
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

/// `[analysis.NAME]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Analysis {
    /// Its name.
    pub name: String,
    /// What is measured.
    pub metric: AnalysisMetric,
    /// Quantile of a latency.
    pub quantile: f64,
    /// What a measurement must not exceed to succeed.
    pub bound: AnalysisBound,
    /// Above this, in the bound's terms (a value, or a ratio to stable's), it fails; between the two it is inconclusive.
    /// `None`: whatever exceeds the bound fails.
    pub fail_above: Option<f64>,
    /// Time between measurements.
    pub interval: Duration,
    /// Measurements until it passes; `None`: as long as it runs (a background analysis).
    pub count: Option<u32>,
    /// Failed measurements that are tolerated; `None`: any number.
    pub failure_limit: Option<u32>,
    /// Inconclusive measurements that are tolerated.
    pub inconclusive_limit: u32,
    /// Consecutive errors that are tolerated.
    pub consecutive_error_limit: u32,
    /// Successes in a row by which it passes at once, and without which it does not pass; 0: none are asked for.
    pub consecutive_success_limit: u32,
    /// Whether it only looks on: its verdict is told, and decides nothing.
    pub dry_run: bool,
    /// Wait before the first measurement.
    pub initial_delay: Duration,
    /// What a measurement looks back on.
    pub window: Duration,
    /// Fewer samples than this are no data.
    pub min_samples: u64,
    /// What no data counts as.
    pub no_data: NoData,
    /// How the value is come by.
    pub estimator: Estimator,
}

/// How an analysis comes by its values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Estimator {
    /// From every attempt.
    Exact,
    /// From what a Prometheus server scraped of the replicas.
    Prometheus {
        /// Time between scrapes of a replica.
        scrape_interval: Duration,
    },
    /// From a comparison of the versions' points, one for each step of the window, as Kayenta compares time series.
    MannWhitney {
        /// Two-sided confidence of the shift's interval.
        confidence: f64,
        /// Time that a point stands for.
        step: Duration,
    },
}

/// What a scenario gets that sets nothing; metric and bound, which must be set, are those of an error rate of zero.
impl Default for Analysis {
    fn default() -> Analysis {
        Analysis {
            name: String::new(),
            metric: AnalysisMetric::ErrorRate,
            quantile: 0.99,
            bound: AnalysisBound::Max(0.0),
            fail_above: None,
            interval: Duration::from_seconds(60),
            count: None,
            failure_limit: Some(0),
            inconclusive_limit: 0,
            consecutive_error_limit: 4,
            consecutive_success_limit: 0,
            dry_run: false,
            initial_delay: Duration::ZERO,
            window: Duration::from_seconds(60),
            min_samples: 0,
            no_data: NoData::Success,
            estimator: Estimator::Exact,
        }
    }
}

/// What an analysis measures, of the new version's attempts, from arrival at the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AnalysisMetric {
    /// Time to first token, seconds.
    Ttft,
    /// Time per output token after the first, seconds.
    Tpot,
    /// Time to the last token, seconds.
    EndToEnd,
    /// Share of ended attempts that failed, were refused or dropped.
    ErrorRate,
    /// Share of ended attempts that were cut after their first token.
    TruncationRate,
    /// Time until first scheduled, seconds.
    QueueTime,
}

/// When a measurement succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum AnalysisBound {
    /// Value at most this (seconds, or a share).
    Max(f64),
    /// Value at most this many times stable's.
    MaxRatioToStable(f64),
    /// Not surely shifted above stable's.
    MaxShift {
        /// The interval's lower end must exceed this share of the shift to count as sure.
        tolerance: f64,
        /// So must the ratio of the means to this.
        ratio: f64,
    },
}

/// What a measurement without enough data counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoData {
    /// A success.
    Success,
    /// An error: measured again after 10 s, not counted.
    Error,
    /// Inconclusive.
    Inconclusive,
}

/// `[[check]]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// A metric of one run, by its name in `runs.csv`.
    pub metric: String,
    /// What of it over runs.
    pub statistic: Statistic,
    /// It must be at least this.
    pub min: Option<f64>,
    /// It must be at most this.
    pub max: Option<f64>,
    /// What it means for the gate where it does not hold.
    pub severity: Severity,
    /// Why it is promised, for people.
    pub description: Option<String>,
    /// Line of the scenario where the check stands (1-based), for messages.
    pub line: usize,
}

/// `severity` of a check: what it means for the gate where the check does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The gate fails.
    #[default]
    Fail,
    /// It is told, and the gate passes.
    Warn,
}

impl Severity {
    /// Every severity, with the name that a scenario gives it.
    pub const ALL: [(Severity, &'static str); 2] = [(Severity::Fail, "fail"), (Severity::Warn, "warn")];

    /// The name that a scenario gives it.
    pub fn name(self) -> &'static str {
        Severity::ALL.iter().find(|(severity, _)| *severity == self).map_or("", |(_, name)| name)
    }
}

/// A statistic over runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Statistic {
    /// Mean.
    Mean,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// Median.
    P50,
    /// 90 % quantile.
    P90,
    /// 95 % quantile.
    P95,
    /// 99 % quantile.
    P99,
    /// Share of runs in which it is above zero.
    ProbabilityPositive,
}

impl Statistic {
    /// Every statistic, with the name that a scenario gives it.
    pub const ALL: [(Statistic, &'static str); 8] = [
        (Statistic::Mean, "mean"),
        (Statistic::Min, "min"),
        (Statistic::Max, "max"),
        (Statistic::P50, "p50"),
        (Statistic::P90, "p90"),
        (Statistic::P95, "p95"),
        (Statistic::P99, "p99"),
        (Statistic::ProbabilityPositive, "probability_positive"),
    ];

    /// The name that a scenario gives it.
    pub fn name(self) -> &'static str {
        Statistic::ALL.iter().find(|(statistic, _)| *statistic == self).map_or("", |(_, name)| name)
    }

    /// The probability of a quantile, else `None`.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Statistic::P50 => Some(0.5),
            Statistic::P90 => Some(0.9),
            Statistic::P95 => Some(0.95),
            Statistic::P99 => Some(0.99),
            _ => None,
        }
    }
}
