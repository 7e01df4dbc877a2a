//! `plan.json`: everything in the answer, for scripts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Planned, content, ranking, standing};
use crate::ledger::Metric;
use crate::report::content::plain;
use crate::report::json::{CheckJson, EstimateJson, Number, Ordered, SCHEMA_VERSION, pretty};
use crate::scenario::Tolerance;
use crate::study::plan::{Ending, Feasibility, Ranked, Standing};

#[derive(Serialize)]
struct ObjectiveJson {
    metric: &'static str,
    unit: &'static str,
    tolerance: ToleranceJson,
    /// What the tolerance comes to, in the unit.
    tolerance_value: Number,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ToleranceJson {
    Share(f64),
    Absolute(f64),
}

#[derive(Serialize)]
struct AxisJson<'a> {
    key: &'a str,
    values: &'a [String],
}

#[derive(Serialize)]
struct ProbabilityJson {
    share: Number,
    resamples: usize,
    runs: usize,
    candidates: usize,
}

#[derive(Serialize)]
struct CandidateJson<'a> {
    candidate: usize,
    settings: BTreeMap<&'a str, &'a str>,
    standing: &'static str,
    words: String,
    checks_met: &'static str,
    runs: u64,
    objective: EstimateJson,
    more_than_best: Option<EstimateJson>,
    checks: Vec<CheckJson<'a>>,
    metrics: Ordered<EstimateJson>,
}

#[derive(Serialize)]
struct LeftOutJson<'a> {
    settings: &'a [String],
    reason: &'a str,
}

#[derive(Serialize)]
struct FailedJson {
    check: String,
    candidates: usize,
}

#[derive(Serialize)]
struct HelpJson<'a> {
    key: &'a str,
    value: &'a str,
    with: Number,
    without: Number,
}

#[derive(Serialize)]
struct DiagnosisJson<'a> {
    failed: Vec<FailedJson>,
    nearest: Option<usize>,
    binding: Option<String>,
    violation: Number,
    helps_most: Option<HelpJson<'a>>,
}

#[derive(Serialize)]
struct PlanJson<'a> {
    schema_version: u32,
    version: String,
    scenario: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    most_runs: u64,
    ending: &'static str,
    answer: String,
    confidence_text: String,
    /// Runs of a candidate that it takes at least to certify the checks, where fewer are allowed.
    runs_needed: Option<u64>,
    runs_needed_text: Option<String>,
    objective: ObjectiveJson,
    choices: Vec<AxisJson<'a>>,
    /// Numbers of candidates, from 1.
    best: Option<usize>,
    runner_up: Option<usize>,
    as_written: Option<usize>,
    confidence: f64,
    probability: Option<ProbabilityJson>,
    diagnosis: Option<DiagnosisJson<'a>>,
    /// In the order in which they are told.
    candidates: Vec<CandidateJson<'a>>,
    left_out: Vec<LeftOutJson<'a>>,
    repeated: usize,
    unequal: &'a [&'static str],
}

/// The metrics told of every candidate.
const METRICS: [Metric; 7] = [
    Metric::Cost,
    Metric::RolloutCost,
    Metric::TruncatedAttempts,
    Metric::RolloutDuration,
    Metric::PeakGpus,
    Metric::CapacityDip,
    Metric::TtftP99,
];

/// The plan as JSON.
pub fn json(planned: &Planned<'_>) -> String {
    let outcome = planned.outcome;
    let rules = &outcome.rules;
    let one_based = |index: Option<usize>| index.map(|index| index + 1);
    pretty(&PlanJson {
        schema_version: SCHEMA_VERSION,
        version: planned.scenario.read_by.clone(),
        scenario: &planned.scenario.name,
        scenario_hash: &planned.scenario.hash,
        seed: planned.scenario.study.seed,
        most_runs: planned.most_runs(),
        ending: ending(outcome.ending),
        answer: plain(&content::headline(planned)),
        confidence_text: plain(&content::confidence(planned)),
        runs_needed: outcome.fewest_runs,
        runs_needed_text: outcome.fewest_runs.map(|_| plain(&content::too_few_runs(planned))),
        objective: ObjectiveJson {
            metric: rules.objective.name(),
            unit: rules.objective.description().unit,
            tolerance: match rules.tolerance {
                Tolerance::Share(share) => ToleranceJson::Share(share),
                Tolerance::Absolute(value) => ToleranceJson::Absolute(value),
            },
            tolerance_value: Number(outcome.tolerance),
        },
        choices: planned.axes.iter().map(|axis| AxisJson { key: &axis.key, values: &axis.values }).collect(),
        best: one_based(outcome.best),
        runner_up: one_based(outcome.runner_up),
        as_written: one_based(planned.as_written),
        confidence: outcome.confidence,
        probability: outcome.probability.map(|probability| ProbabilityJson {
            share: Number(probability.share),
            resamples: crate::study::plan::RESAMPLES,
            runs: probability.runs,
            candidates: probability.candidates,
        }),
        diagnosis: diagnosis(planned),
        candidates: ranking(planned).into_iter().map(|index| candidate(planned, index)).collect(),
        left_out: (planned.left_out.iter())
            .map(|left_out| LeftOutJson { settings: &left_out.settings, reason: &left_out.reason })
            .collect(),
        repeated: planned.repeated,
        unequal: planned.unequal,
    })
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Decided => "decided",
        Ending::OutOfRuns => "out_of_runs",
        Ending::NothingMeets => "nothing_meets",
        Ending::Interrupted => "interrupted",
    }
}

fn diagnosis<'a>(planned: &'a Planned<'_>) -> Option<DiagnosisJson<'a>> {
    let diagnosis = planned.outcome.diagnosis.as_ref()?;
    let claim = |check: usize| content::claim(&planned.outcome.rules.checks[check]);
    Some(DiagnosisJson {
        failed: (diagnosis.failed.iter())
            .map(|failed| FailedJson { check: claim(failed.check), candidates: failed.candidates })
            .collect(),
        nearest: diagnosis.nearest.map(|nearest| nearest + 1),
        binding: diagnosis.binding.map(claim),
        violation: Number(diagnosis.violation),
        helps_most: diagnosis.help.as_ref().map(|help| HelpJson {
            key: &planned.axes[help.axis].key,
            value: &planned.axes[help.axis].values[help.value],
            with: Number(help.with),
            without: Number(help.without),
        }),
    })
}

fn candidate<'a>(planned: &'a Planned<'_>, index: usize) -> CandidateJson<'a> {
    let found: &Ranked = &planned.outcome.candidates[index];
    let settings = planned.axes.iter().zip(&found.assignment);
    CandidateJson {
        candidate: index + 1,
        settings: settings
            .filter_map(|(axis, value)| Some((axis.key.as_str(), axis.values[(*value)?].as_str())))
            .collect(),
        standing: match found.standing {
            Standing::Best => "best",
            Standing::WithinTolerance => "within_tolerance",
            Standing::Worse => "worse",
            Standing::SlightlyWorse => "slightly_worse",
            Standing::Tie => "tie",
            Standing::NotBetter => "not_better",
            Standing::Beaten(..) => "beaten",
            Standing::Breaks(_) => "fails_check",
            Standing::Empty => "no_value",
            Standing::Open => "open",
        },
        words: standing(planned, index),
        checks_met: match found.feasibility {
            Feasibility::Undecided => "undecided",
            Feasibility::Meets => "yes",
            Feasibility::Breaks(_) => "no",
        },
        runs: found.runs,
        objective: (&found.metric(planned.outcome.rules.objective).mean).into(),
        more_than_best: found.excess.as_ref().map(EstimateJson::from),
        checks: found.checks.iter().map(CheckJson::from).collect(),
        metrics: Ordered(METRICS.map(|metric| (metric.name(), (&found.metric(metric).mean).into())).into()),
    }
}
