//! `plan.json`: everything in the answer, for scripts.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Planned, content, ranking, standing};
use crate::ledger::Metric;
use crate::report::content::plain;
use crate::report::json::{
    CheckJson, Document, EstimateJson, Kind, Named, Number, Ordered, Provenance, SomeMetrics, document,
};
use crate::scenario::Tolerance;
use crate::study::plan::{Ending, Feasibility, Ranked, Standing};

/// What is to be as good as possible.
#[derive(Serialize, JsonSchema)]
struct ObjectiveJson {
    /// The metric, whose mean over runs it is.
    metric: &'static str,
    /// The metric's unit, empty for a share.
    unit: &'static str,
    /// Differences that do not matter.
    tolerance: ToleranceJson,
    /// What the tolerance comes to, in the unit; null without a best candidate.
    tolerance_value: Number,
}

/// A difference that does not matter, in one of two forms.
#[derive(Serialize, JsonSchema)]
struct ToleranceJson {
    /// As a share of the best candidate's objective; null where it is absolute.
    share: Option<f64>,
    /// In the objective's unit; null where it is a share.
    absolute: Option<f64>,
}

impl From<Tolerance> for ToleranceJson {
    fn from(tolerance: Tolerance) -> ToleranceJson {
        match tolerance {
            Tolerance::Share(share) => ToleranceJson { share: Some(share), absolute: None },
            Tolerance::Absolute(value) => ToleranceJson { share: None, absolute: Some(value) },
        }
    }
}

/// Something that may be chosen.
#[derive(Serialize, JsonSchema)]
struct AxisJson<'a> {
    /// The scenario's key.
    key: &'a str,
    /// Its values.
    values: &'a [String],
}

/// How often the best candidate would be chosen from other runs.
#[derive(Serialize, JsonSchema)]
struct ProbabilityJson {
    /// In this share of resamplings.
    share: Number,
    /// Resamplings.
    resamples: usize,
    /// Runs that are resampled.
    runs: usize,
    /// Candidates that are compared.
    candidates: usize,
}

/// How a candidate stands in the end.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StandingJson {
    /// Chosen.
    Best,
    /// Equally good within the tolerance, with confidence.
    WithinTolerance,
    /// Worse than the best by more than the tolerance.
    Worse,
    /// Worse than the best, perhaps by no more than the tolerance.
    SlightlyWorse,
    /// Neither better nor worse than the best by more than the tolerance.
    Tie,
    /// Not better than the best by more than the tolerance; the interval does not tell the two apart.
    NotBetter,
    /// Worse than another candidate, with confidence; no more runs were spent on it.
    Beaten,
    /// Breaks a check, with confidence.
    FailsCheck,
    /// In some run the objective has no value.
    NoValue,
    /// The runs did not tell.
    Open,
}

impl From<Standing> for StandingJson {
    fn from(standing: Standing) -> StandingJson {
        match standing {
            Standing::Best => StandingJson::Best,
            Standing::WithinTolerance => StandingJson::WithinTolerance,
            Standing::Worse => StandingJson::Worse,
            Standing::SlightlyWorse => StandingJson::SlightlyWorse,
            Standing::Tie => StandingJson::Tie,
            Standing::NotBetter => StandingJson::NotBetter,
            Standing::Beaten(..) => StandingJson::Beaten,
            Standing::Breaks(_) => StandingJson::FailsCheck,
            Standing::Empty => StandingJson::NoValue,
            Standing::Open => StandingJson::Open,
        }
    }
}

/// Whether a candidate meets the checks.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Met {
    /// It meets all, with confidence.
    Yes,
    /// It breaks one, with confidence.
    No,
    /// The runs do not tell.
    Undecided,
}

/// A combination of the choices' values.
#[derive(Serialize, JsonSchema)]
struct CandidateJson<'a> {
    /// Its number, from 1.
    candidate: usize,
    /// The value of each key that it chooses.
    values: Ordered<&'a str>,
    /// How it stands in the end.
    standing: StandingJson,
    /// The same in words.
    standing_text: String,
    /// Whether it meets the checks.
    checks_met: Met,
    /// Its runs.
    runs: u64,
    /// The objective, mean over its runs.
    objective: EstimateJson,
    /// How much more of the objective than the best candidate's it has, run by run; null for the best, and without one.
    more_than_best: Option<EstimateJson>,
    /// The checks.
    checks: Vec<CheckJson<'a>>,
    /// Means over its runs.
    metrics: Named<SomeMetrics, EstimateJson>,
}

/// A combination that was no scenario.
#[derive(Serialize, JsonSchema)]
struct LeftOutJson<'a> {
    /// Its settings, each as `KEY=VALUE`.
    settings: &'a [String],
    /// What is wrong with it.
    reason: &'a str,
}

/// A check that candidates break.
#[derive(Serialize, JsonSchema)]
struct FailedJson {
    /// The check in words.
    check: String,
    /// How many candidates break it.
    candidates: usize,
}

/// The value of a choice that brings the checks nearest to being met.
#[derive(Serialize, JsonSchema)]
struct HelpJson<'a> {
    /// The scenario's key.
    key: &'a str,
    /// The value.
    value: &'a str,
    /// How far the best candidate with it is from the bound that binds.
    with: Number,
    /// How far the best one without it is.
    without: Number,
}

/// Why nothing meets the checks.
#[derive(Serialize, JsonSchema)]
struct DiagnosisJson<'a> {
    /// The checks that candidates break.
    failed: Vec<FailedJson>,
    /// Number of the candidate that comes nearest; null where none can be said to.
    nearest: Option<usize>,
    /// The check that it breaks most; null where there is none.
    binding: Option<String>,
    /// By how much, relative to the bound.
    violation: Number,
    /// What helps most; null where nothing stands out.
    helps_most: Option<HelpJson<'a>>,
}

/// What `cutover plan` finds: the combination that serves the objective best and meets the checks.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct PlanJson<'a> {
    /// The answer in a sentence.
    answer: String,
    /// How it ended.
    ending: Ending,
    /// With what confidence, in a sentence.
    confidence_text: String,
    /// Confidence that the best candidate meets the checks and that none that does is better by more than the tolerance.
    confidence: f64,
    /// Runs of a candidate that it takes at least to certify the checks; null where as many are allowed.
    runs_needed: Option<u64>,
    /// The same in a sentence.
    runs_needed_text: Option<String>,
    /// What is to be as good as possible.
    objective: ObjectiveJson,
    /// What may be chosen.
    axes: Vec<AxisJson<'a>>,
    /// Number of the chosen candidate, from 1; null: none.
    best: Option<usize>,
    /// Number of the next best that breaks no check; null: none.
    runner_up: Option<usize>,
    /// Number of the candidate that does what the scenario says without any choice; null: none.
    as_written: Option<usize>,
    /// How often the best would be chosen from other runs; null where that cannot be said.
    probability: Option<ProbabilityJson>,
    /// Why nothing meets the checks; null where something does.
    diagnosis: Option<DiagnosisJson<'a>>,
    /// The candidates, in the order in which they are told.
    candidates: Vec<CandidateJson<'a>>,
    /// Combinations that are no scenarios.
    left_out: Vec<LeftOutJson<'a>>,
    /// How many combinations come to the same as an earlier one.
    repeated: usize,
    /// The keys that make candidates meet different requests.
    unequal: &'a [&'static str],
}

impl Document for PlanJson<'_> {
    const KIND: Kind = Kind::Plan;
    type Provenance = Provenance;
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
    let body = PlanJson {
        answer: plain(&content::headline(planned)),
        ending: outcome.ending,
        confidence_text: plain(&content::confidence(planned)),
        confidence: outcome.confidence,
        runs_needed: outcome.fewest_runs,
        runs_needed_text: outcome.fewest_runs.map(|_| plain(&content::too_few_runs(planned))),
        objective: ObjectiveJson {
            metric: rules.objective.name(),
            unit: rules.objective.description().unit,
            tolerance: rules.tolerance.into(),
            tolerance_value: Number(outcome.tolerance),
        },
        axes: planned.axes.iter().map(|axis| AxisJson { key: &axis.key, values: &axis.values }).collect(),
        best: one_based(outcome.best),
        runner_up: one_based(outcome.runner_up),
        as_written: one_based(planned.as_written),
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
    };
    let partial = outcome.ending == Ending::Interrupted;
    document(Provenance::of_runs(planned.scenario, planned.most_runs(), partial), body)
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
    let values = (planned.axes.iter().zip(&found.assignment))
        .filter_map(|(axis, value)| Some((axis.key.clone(), axis.values[(*value)?].as_str())));
    CandidateJson {
        candidate: index + 1,
        values: Ordered(values.collect()),
        standing: found.standing.into(),
        standing_text: standing(planned, index),
        checks_met: match found.feasibility {
            Feasibility::Undecided => Met::Undecided,
            Feasibility::Meets => Met::Yes,
            Feasibility::Breaks(_) => Met::No,
        },
        runs: found.runs,
        objective: (&found.metric(planned.outcome.rules.objective).mean).into(),
        more_than_best: found.excess.as_ref().map(EstimateJson::from),
        checks: found.checks.iter().map(CheckJson::from).collect(),
        metrics: METRICS.iter().map(|metric| (metric.name(), (&found.metric(*metric).mean).into())).collect(),
    }
}
