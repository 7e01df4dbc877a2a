//! `power.json`: the answer for scripts.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::json::{Document, EstimateJson, Kind, Number, Ordered, Provenance, document};
use crate::study::power::{CanaryPower, LeverPower, Outcomes, Power, Reach, Regression, Size};

/// What `cutover power` finds: how often a canary catches a bad version, and gives up a good one.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct PowerJson<'a> {
    /// What is wanted of the canary as it is written, and whether that is reached.
    goal: GoalJson<'a>,
    /// Estimators that were asked for and left out, each with the reason.
    left_out: &'a [String],
    /// What was measured of each version: a quantile of a latency, or a rate.
    measures: Vec<String>,
    /// Weights at which the canary may be aborted, ascending, per cent of the traffic.
    stage_weights_percent: Vec<u32>,
    /// The regressions, each with its sizes.
    regressions: Vec<RegressionJson<'a>>,
    /// The canaries, the one as written first.
    canaries: Vec<CanaryJson<'a>>,
    /// What one change each to the canary as written would do.
    changes: Vec<LeverJson<'a>>,
}

impl Document for PowerJson<'_> {
    const KIND: Kind = Kind::Power;
    type Provenance = Provenance;
}

/// What is wanted, and whether it is reached.
#[derive(Serialize, JsonSchema)]
struct GoalJson<'a> {
    /// Least share of bad versions to be caught.
    power: Number,
    /// Largest share of good versions that may be given up.
    false_alarm: Number,
    /// The regression that it is about.
    regression: String,
    /// Its size, as it was written.
    size: &'a str,
    /// Whether both are reached.
    verdict: Reach,
    /// Whether enough bad versions are caught.
    verdict_power: Reach,
    /// Whether few enough good versions are given up.
    verdict_false_alarm: Reach,
}

/// A way in which a version can be worse.
#[derive(Serialize, JsonSchema)]
struct RegressionJson<'a> {
    /// What gets worse.
    name: String,
    /// The key of the scenario that makes it so.
    key: String,
    /// Its sizes, ascending.
    sizes: Vec<SizeJson<'a>>,
}

/// A size of a regression.
#[derive(Serialize, JsonSchema)]
struct SizeJson<'a> {
    /// The size as it was written.
    size: &'a str,
    /// What is set, each as `KEY=VALUE`.
    settings: &'a [String],
    /// By measure, new against stable: a latency's relative change, a rate's difference. Empty where it was not measured.
    effects: Ordered<EstimateJson>,
}

/// A canary and what it does with each version.
#[derive(Serialize, JsonSchema)]
struct CanaryJson<'a> {
    /// Its name.
    name: &'a str,
    /// What must be said of it.
    notes: &'a [String],
    /// What became of each regression's sizes.
    outcomes: Vec<OutcomesJson<'a>>,
}

/// One canary's rollouts of one version.
#[derive(Serialize, JsonSchema)]
struct OutcomesJson<'a> {
    /// The regression.
    regression: String,
    /// Its size, as it was written.
    size: &'a str,
    /// Runs that this was counted in.
    runs: u64,
    /// Share of runs in which the rollout was aborted within the window.
    caught: EstimateJson,
    /// Share of runs in which it completed.
    completed: EstimateJson,
    /// Share of runs in which it did neither within the window.
    undecided: EstimateJson,
    /// Share of runs aborted at this weight or before, in the order of `stage_weights_percent`.
    caught_by: Vec<EstimateJson>,
    /// Median time from the first attempt at the new version to the abort, over the runs with one.
    detected_p50_s: EstimateJson,
    /// 95 % quantile of that time.
    detected_p95_s: EstimateJson,
    /// Median number of requests that met the new version before the verdict, over all runs.
    exposed_requests_p50: EstimateJson,
    /// 95 % quantile of that number.
    exposed_requests_p95: EstimateJson,
    /// Share of a run's measurements that found too little data, mean over runs.
    without_data: EstimateJson,
    /// Why most rollouts were given up; empty where none was.
    reason: &'a str,
}

/// A change to the canary as written, and what it would do.
#[derive(Serialize, JsonSchema)]
struct LeverJson<'a> {
    /// What is changed.
    what: &'a str,
    /// What it is.
    from: &'a str,
    /// What it would be.
    to: &'a str,
    /// What is set, each as `KEY=VALUE`.
    settings: &'a [String],
    /// Share of runs with the regression in which the rollout was aborted.
    caught: EstimateJson,
    /// Share of runs without a regression in which it was.
    false_alarm: EstimateJson,
    /// Share of runs without a regression in which it was neither completed nor aborted.
    undecided: EstimateJson,
    /// Whether both are as wanted.
    verdict: Reach,
}

fn regression<'a>(power: &'a Power, regression: &'a Regression) -> RegressionJson<'a> {
    let size =
        |size: &'a Size| SizeJson { size: &size.written, settings: &size.settings, effects: effects(power, size) };
    RegressionJson {
        name: regression.kind.name(),
        key: regression.kind.key(),
        sizes: regression.sizes.iter().map(size).collect(),
    }
}

fn effects(power: &Power, size: &Size) -> Ordered<EstimateJson> {
    let effects = power.effects.get(size.version).into_iter().flatten().map(EstimateJson::from);
    Ordered(power.measures.iter().map(|measure| measure.name()).zip(effects).collect())
}

fn canary<'a>(power: &'a Power, canary: &'a CanaryPower) -> CanaryJson<'a> {
    let sizes = power.regressions.iter().flat_map(|of| of.sizes.iter().map(move |size| (of, size)));
    CanaryJson {
        name: &canary.name,
        notes: &canary.notes,
        outcomes: sizes.map(|(of, size)| outcomes(of, size, &canary.outcomes[size.version])).collect(),
    }
}

fn outcomes<'a>(regression: &Regression, size: &'a Size, outcomes: &'a Outcomes) -> OutcomesJson<'a> {
    OutcomesJson {
        regression: regression.kind.name(),
        size: &size.written,
        runs: outcomes.runs,
        caught: (&outcomes.caught).into(),
        completed: (&outcomes.promoted).into(),
        undecided: (&outcomes.undecided).into(),
        caught_by: outcomes.caught_by.iter().map(EstimateJson::from).collect(),
        detected_p50_s: (&outcomes.detected_p50).into(),
        detected_p95_s: (&outcomes.detected_p95).into(),
        exposed_requests_p50: (&outcomes.exposed_p50).into(),
        exposed_requests_p95: (&outcomes.exposed_p95).into(),
        without_data: (&outcomes.without_data).into(),
        reason: &outcomes.reason,
    }
}

fn lever(power: &LeverPower) -> LeverJson<'_> {
    LeverJson {
        what: &power.lever.what,
        from: &power.lever.from,
        to: &power.lever.to,
        settings: &power.lever.settings,
        caught: (&power.power).into(),
        false_alarm: (&power.false_alarm).into(),
        undecided: (&power.undecided).into(),
        verdict: power.verdict,
    }
}

/// The answer as JSON.
pub fn json(power: &Power) -> String {
    let outcomes = &power.as_written().outcomes;
    let size = power.size_at_goal();
    let body = PowerJson {
        goal: GoalJson {
            power: Number(power.goal.power),
            false_alarm: Number(power.goal.false_alarm),
            regression: power.regressions[power.goal.regression].kind.name(),
            size: &size.written,
            verdict: power.verdict(),
            verdict_power: power.goal.judge_power(&outcomes[size.version].caught),
            verdict_false_alarm: power.goal.judge_false_alarm(&outcomes[0].caught),
        },
        left_out: &power.left_out,
        measures: power.measures.iter().map(|measure| measure.name()).collect(),
        stage_weights_percent: power.stages.iter().map(|stage| stage.weight).collect(),
        regressions: power.regressions.iter().map(|it| regression(power, it)).collect(),
        canaries: power.canaries.iter().map(|it| canary(power, it)).collect(),
        changes: power.levers.iter().map(lever).collect(),
    };
    document(Provenance::of_runs(&power.scenario, power.runs, power.partial), body)
}
