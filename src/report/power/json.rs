//! `power.json`, written as `summary.json` is.

use serde::Serialize;

use crate::report::json::{EstimateJson, Number, SCHEMA_VERSION, pretty};
use crate::study::power::{CanaryPower, LeverPower, Outcomes, Power, Regression, Size};

#[derive(Serialize)]
struct PowerJson<'a> {
    schema_version: u32,
    version: String,
    scenario: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    runs: u64,
    runs_asked_for: u64,
    partial: bool,
    goal: GoalJson<'a>,
    left_out: &'a [String],
    measures: Vec<String>,
    stages: Vec<u32>,
    regressions: Vec<RegressionJson<'a>>,
    canaries: Vec<CanaryJson<'a>>,
    changes: Vec<LeverJson<'a>>,
}

#[derive(Serialize)]
struct GoalJson<'a> {
    power: Number,
    false_alarm: Number,
    regression: String,
    size: &'a str,
    verdict: &'static str,
    verdict_power: &'static str,
    verdict_false_alarm: &'static str,
}

#[derive(Serialize)]
struct RegressionJson<'a> {
    name: String,
    key: String,
    sizes: Vec<SizeJson<'a>>,
}

#[derive(Serialize)]
struct SizeJson<'a> {
    size: &'a str,
    settings: &'a [String],
    /// In the order of `measures`.
    effects: Vec<EstimateJson>,
}

#[derive(Serialize)]
struct CanaryJson<'a> {
    name: &'a str,
    notes: &'a [String],
    outcomes: Vec<OutcomesJson<'a>>,
}

#[derive(Serialize)]
struct OutcomesJson<'a> {
    regression: String,
    size: &'a str,
    caught: EstimateJson,
    completed: EstimateJson,
    undecided: EstimateJson,
    /// In the order of `stages`.
    caught_by: Vec<EstimateJson>,
    detected_p50_s: EstimateJson,
    detected_p95_s: EstimateJson,
    exposed_p50: EstimateJson,
    exposed_p95: EstimateJson,
    without_data: EstimateJson,
    reason: &'a str,
}

#[derive(Serialize)]
struct LeverJson<'a> {
    what: &'a str,
    from: &'a str,
    to: &'a str,
    settings: &'a [String],
    caught: EstimateJson,
    false_alarm: EstimateJson,
    undecided: EstimateJson,
    verdict: &'static str,
}

fn regression<'a>(power: &'a Power, regression: &'a Regression) -> RegressionJson<'a> {
    let size = |size: &'a Size| SizeJson {
        size: &size.written,
        settings: &size.settings,
        effects: power.effects.get(size.version).into_iter().flatten().map(EstimateJson::from).collect(),
    };
    RegressionJson {
        name: regression.kind.name(),
        key: regression.kind.key(),
        sizes: regression.sizes.iter().map(size).collect(),
    }
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
        caught: (&outcomes.caught).into(),
        completed: (&outcomes.promoted).into(),
        undecided: (&outcomes.undecided).into(),
        caught_by: outcomes.caught_by.iter().map(EstimateJson::from).collect(),
        detected_p50_s: (&outcomes.detected_p50).into(),
        detected_p95_s: (&outcomes.detected_p95).into(),
        exposed_p50: (&outcomes.exposed_p50).into(),
        exposed_p95: (&outcomes.exposed_p95).into(),
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
        verdict: power.verdict.name(),
    }
}

/// The answer as JSON.
pub fn json(power: &Power) -> String {
    let outcomes = &power.as_written().outcomes;
    let size = power.size_at_goal();
    pretty(&PowerJson {
        schema_version: SCHEMA_VERSION,
        version: power.scenario.read_by.clone(),
        scenario: &power.scenario.name,
        scenario_hash: &power.scenario.hash,
        seed: power.scenario.study.seed,
        runs: power.runs,
        runs_asked_for: power.scenario.study.runs,
        partial: power.partial,
        goal: GoalJson {
            power: Number(power.goal.power),
            false_alarm: Number(power.goal.false_alarm),
            regression: power.regressions[power.goal.regression].kind.name(),
            size: &size.written,
            verdict: power.verdict().name(),
            verdict_power: power.goal.judge_power(&outcomes[size.version].caught).name(),
            verdict_false_alarm: power.goal.judge_false_alarm(&outcomes[0].caught).name(),
        },
        left_out: &power.left_out,
        measures: power.measures.iter().map(|measure| measure.name()).collect(),
        stages: power.stages.iter().map(|stage| stage.weight).collect(),
        regressions: power.regressions.iter().map(|it| regression(power, it)).collect(),
        canaries: power.canaries.iter().map(|it| canary(power, it)).collect(),
        changes: power.levers.iter().map(lever).collect(),
    })
}
