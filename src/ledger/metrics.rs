//! The one table of metrics: CSV header, JSON keys, the vocabulary of checks and the documentation follow from it.

use serde::{Deserialize, Serialize};

/// Which way a metric gets better, for verdicts in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Lower is better.
    Lower,
    /// Higher is better.
    Higher,
    /// Neither.
    Neither,
}

/// What kind of number a metric is, which decides its interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A count of events: exact Poisson intervals while they are rare.
    Count,
    /// Zero or one: Wilson intervals.
    YesNo,
    /// A real number: the interval of a mean.
    Real,
}

/// Which values a metric can take at all, which its intervals do not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Any number: what remains after something is deducted.
    Any,
    /// Zero or more. Fractions that may exceed one are among them.
    NonNegative,
    /// From zero to one.
    Share,
}

impl Range {
    /// The least and the greatest possible value.
    pub fn ends(self) -> (f64, f64) {
        match self {
            Range::Any => (f64::NEG_INFINITY, f64::INFINITY),
            Range::NonNegative => (0.0, f64::INFINITY),
            Range::Share => (0.0, 1.0),
        }
    }
}

/// What the table says of one metric.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name in `runs.csv`, `summary.json` and checks.
    pub name: &'static str,
    /// Its unit: `requests`, `s`, `USD`, ...; empty for a share.
    pub unit: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Which values it can take.
    pub range: Range,
    /// Which way is better.
    pub better: Better,
    /// What it is, in one sentence.
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($id:ident $name:literal $unit:literal $kind:ident $range:ident $better:ident $meaning:literal;)*) => {
        /// A metric of one run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Metric { $(#[doc = $meaning] $id,)* }

        /// Every metric, in the order of `runs.csv`.
        pub const METRICS: &[Metric] = &[$(Metric::$id,)*];

        impl Metric {
            /// What the table says of it.
            pub fn description(self) -> &'static Description {
                const DESCRIPTIONS: &[Description] = &[$(Description {
                    name: $name, unit: $unit, kind: Kind::$kind, range: Range::$range, better: Better::$better, meaning: $meaning,
                },)*];
                &DESCRIPTIONS[self as usize]
            }
        }
    };
}

metrics! {
    Requests "requests" "requests" Count NonNegative Neither "Requests that first arrive in the measured window.";
    CompletedRequests "completed_requests" "requests" Count NonNegative Higher "Requests whose user got the whole answer.";
    TruncatedRequests "truncated_requests" "requests" Count NonNegative Lower "Requests whose last attempt was cut after its first token.";
    RefusedRequests "refused_requests" "requests" Count NonNegative Lower "Requests whose last attempt no server accepted.";
    DroppedRequests "dropped_requests" "requests" Count NonNegative Lower "Requests whose last attempt was cut before its first token.";
    TimedOutRequests "timed_out_requests" "requests" Count NonNegative Lower "Requests that their client gave up.";
    FailedRequests "failed_requests" "requests" Count NonNegative Lower "Requests whose last attempt was answered with an error.";
    InFlightRequests "in_flight_requests" "requests" Count NonNegative Lower "Requests that had not ended when the cool-down did.";
    CompletedAttempts "completed_attempts" "attempts" Count NonNegative Neither "Attempts that were answered whole.";
    TruncatedAttempts "truncated_attempts" "attempts" Count NonNegative Lower "Responses cut after their first token, retried or not.";
    RefusedAttempts "refused_attempts" "attempts" Count NonNegative Lower "Attempts that no server accepted.";
    DroppedAttempts "dropped_attempts" "attempts" Count NonNegative Lower "Attempts cut before their first token.";
    TimedOutAttempts "timed_out_attempts" "attempts" Count NonNegative Lower "Attempts that their client gave up.";
    FailedAttempts "failed_attempts" "attempts" Count NonNegative Lower "Attempts answered with an error.";
    Retries "retries" "attempts" Count NonNegative Lower "Attempts after a request's first.";
    TokensOut "tokens_out" "tokens" Real NonNegative Neither "Output tokens emitted in the window.";
    TokensUseful "tokens_useful" "tokens" Real NonNegative Higher "Output tokens of completed answers that ended in the window.";
    TokensWasted "tokens_wasted" "tokens" Real NonNegative Lower "Output tokens of attempts that ended otherwise in the window.";
    TtftMean "ttft_mean_s" "s" Real NonNegative Lower "Mean time from first arrival to the last attempt's first token.";
    TtftP50 "ttft_p50_s" "s" Real NonNegative Lower "Median time to first token.";
    TtftP90 "ttft_p90_s" "s" Real NonNegative Lower "90 % quantile of time to first token.";
    TtftP99 "ttft_p99_s" "s" Real NonNegative Lower "99 % quantile of time to first token.";
    TpotMean "tpot_mean_s" "s" Real NonNegative Lower "Mean time per output token after the first, completed answers of more than one token.";
    TpotP50 "tpot_p50_s" "s" Real NonNegative Lower "Median time per output token.";
    TpotP90 "tpot_p90_s" "s" Real NonNegative Lower "90 % quantile of time per output token.";
    TpotP99 "tpot_p99_s" "s" Real NonNegative Lower "99 % quantile of time per output token.";
    E2eMean "e2e_mean_s" "s" Real NonNegative Lower "Mean time from first arrival to the last token, completed requests.";
    E2eP50 "e2e_p50_s" "s" Real NonNegative Lower "Median end-to-end time.";
    E2eP90 "e2e_p90_s" "s" Real NonNegative Lower "90 % quantile of end-to-end time.";
    E2eP99 "e2e_p99_s" "s" Real NonNegative Lower "99 % quantile of end-to-end time.";
    QueueTimeMean "queue_time_mean_s" "s" Real NonNegative Lower "Mean time from first arrival until the last attempt was first scheduled.";
    QueueTimeP50 "queue_time_p50_s" "s" Real NonNegative Lower "Median queueing time.";
    QueueTimeP90 "queue_time_p90_s" "s" Real NonNegative Lower "90 % quantile of queueing time.";
    QueueTimeP99 "queue_time_p99_s" "s" Real NonNegative Lower "99 % quantile of queueing time.";
    RolloutDuration "rollout_duration_s" "s" Real NonNegative Lower "From the rollout's start to the controller's own completion, or to stable restored; empty if unfinished.";
    RolloutCompleted "rollout_completed" "" YesNo Share Higher "Whether the rollout completed in the window.";
    RolledBack "rolled_back" "" YesNo Share Neither "Whether the rollout was aborted and stable restored in the window.";
    MisjudgedMeasurements "misjudged_measurements" "measurements" Count NonNegative Lower "Measurements that an analysis' estimator judged otherwise than the exact value would have been; zero with exact ones.";
    EstimatorOnlyFailures "estimator_only_failures" "analyses" Count NonNegative Lower "AnalysisRuns that did not pass, and would have so far with exact measurements.";
    EstimatorOnlyPasses "estimator_only_passes" "analyses" Count NonNegative Lower "AnalysisRuns that passed or went on, and would have failed with exact measurements.";
    NewVersionRequests "new_version_requests" "requests" Count NonNegative Neither "Requests of which an attempt reached the new version.";
    ExposedRequests "exposed_requests" "requests" Count NonNegative Lower "Of those, the ones that reached it before the verdict (promoted, aborted or, without either, the rollout's end); without a verdict, before the window's end.";
    TimeToDetect "time_to_detect_s" "s" Real NonNegative Lower "From the first attempt routed to the new version to the abort, 0 if the abort came first; empty if never aborted.";
    TimeToSafety "time_to_safety_s" "s" Real NonNegative Lower "From the first attempt routed to the new version until, after the abort, the router had stopped sending to it; empty if never aborted or not stopped in the window.";
    WeightAtAbort "weight_at_abort" "" Real Share Neither "Share of the requests that the new version was given at the abort: the canary's weight, in blue-green 0 before the switch and 1 after; empty if never aborted or without weights.";
    AbortDip "abort_capacity_dip_replica_seconds" "replica-s" Real NonNegative Lower "Integral of the missing capacity from the abort until stable is restored; empty if never aborted.";
    AbortColdStarts "abort_cold_starts" "replicas" Real NonNegative Lower "Replicas created from the abort until stable is restored; empty if never aborted.";
    AbortOverloaded "abort_seconds_overloaded" "s" Real NonNegative Lower "Time overloaded from the abort until stable is restored; empty if never aborted.";
    MinReadyFraction "min_ready_fraction" "" Real NonNegative Higher "Least ready replicas over desired ones.";
    MinCapacityFraction "min_capacity_fraction" "" Real NonNegative Higher "Least capacity over needed capacity.";
    CapacityDip "capacity_dip_replica_seconds" "replica-s" Real NonNegative Lower "Integral of the capacity that was missing.";
    SecondsBelowCapacity "seconds_below_capacity" "s" Real NonNegative Lower "Time with capacity missing.";
    SecondsOverloaded "seconds_overloaded" "s" Real NonNegative Lower "Time in which offered tokens exceed the capacity's saturated rate.";
    SloViolation "slo_violation_seconds" "s" Real NonNegative Lower "Total length of the bins that miss the objective; empty without one.";
    PeakGpus "peak_gpus" "GPUs" Real NonNegative Lower "Most GPUs held at once.";
    GpuHours "gpu_hours" "GPU-h" Real NonNegative Lower "GPU-hours billed.";
    GpuHoursServing "gpu_hours_serving" "GPU-h" Real NonNegative Neither "Of those, what ready replicas' tokens take at the saturated rate.";
    GpuHoursIdle "gpu_hours_idle" "GPU-h" Real Any Lower "Of those, the rest of ready replicas' time.";
    GpuHoursCold "gpu_hours_cold" "GPU-h" Real NonNegative Lower "Of those, before readiness, back-off included.";
    GpuHoursDraining "gpu_hours_draining" "GPU-h" Real NonNegative Lower "Of those, from termination to the last process's exit.";
    GpuHoursSurge "gpu_hours_surge" "GPU-h" Real NonNegative Lower "Of all, those above replicas x gpus_per_replica (overlays the four).";
    Cost "cost_usd" "USD" Real NonNegative Lower "The bill for the window.";
    RolloutCost "rollout_cost_usd" "USD" Real Any Lower "The bill less what the steady fleet costs.";
    UsdPerMillionOutput "usd_per_million_output_tokens" "USD" Real NonNegative Lower "Cost per million useful output tokens.";
    UsdPerMillion "usd_per_million_tokens" "USD" Real NonNegative Lower "Cost per million useful output tokens and prompts of those answers.";
    Utilization "utilization" "" Real NonNegative Neither "Tokens emitted over what the ready replicas could emit saturated.";
    Formula "formula_usd_per_million_output_tokens" "USD" Real NonNegative Neither "Paper formula: price / (saturated rate x utilization).";
    WaterfallIdeal "waterfall_ideal_usd" "USD" Real NonNegative Neither "Per million useful output tokens: those tokens at the saturated rate.";
    WaterfallIdle "waterfall_idle_usd" "USD" Real Any Lower "Per million useful output tokens: ready time beyond its tokens, steady fleet.";
    WaterfallSurge "waterfall_surge_usd" "USD" Real Any Lower "Per million useful output tokens: ready GPUs above the steady fleet, and the surcharge for all surge.";
    WaterfallCold "waterfall_cold_usd" "USD" Real NonNegative Lower "Per million useful output tokens: cold starts.";
    WaterfallDrain "waterfall_drain_usd" "USD" Real Any Lower "Per million useful output tokens: draining beyond the tokens emitted there.";
    WaterfallWasted "waterfall_wasted_usd" "USD" Real Any Lower "Per million useful output tokens: tokens emitted that were not useful.";
}

impl Metric {
    /// Its name in files and checks.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// The metric of this name.
    pub fn by_name(name: &str) -> Option<Metric> {
        METRICS.iter().copied().find(|metric| metric.name() == name)
    }
}

/// Name of the one column of `runs.csv` that is a word.
pub const OUTCOME_COLUMN: &str = "rollout_outcome";

/// How a rollout stood at the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RolloutOutcome {
    /// There was none.
    None,
    /// The controller said that it was complete.
    Completed,
    /// It was aborted and stable was restored.
    RolledBack,
    /// Replicas wait for GPUs that nothing will ever free.
    Deadlock,
    /// Nothing will ever leave the state that it is in, for another reason.
    Stuck,
    /// Still under way.
    Unfinished,
}

impl RolloutOutcome {
    /// Every outcome.
    pub const ALL: [RolloutOutcome; 6] = [
        RolloutOutcome::None,
        RolloutOutcome::Completed,
        RolloutOutcome::RolledBack,
        RolloutOutcome::Deadlock,
        RolloutOutcome::Stuck,
        RolloutOutcome::Unfinished,
    ];

    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            RolloutOutcome::None => "none",
            RolloutOutcome::Completed => "completed",
            RolloutOutcome::RolledBack => "rolled_back",
            RolloutOutcome::Deadlock => "deadlock",
            RolloutOutcome::Stuck => "stuck",
            RolloutOutcome::Unfinished => "unfinished",
        }
    }

    /// What the word means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            RolloutOutcome::None => "There was no rollout.",
            RolloutOutcome::Completed => "The controller said that it was complete.",
            RolloutOutcome::RolledBack => "It was aborted and stable was restored.",
            RolloutOutcome::Deadlock => "Replicas wait for GPUs that nothing will ever free.",
            RolloutOutcome::Stuck => "Nothing will ever leave the state that it is in, for another reason.",
            RolloutOutcome::Unfinished => "It was still under way when the window ended.",
        }
    }
}
