//! `grace.json`: the answer for scripts.

use schemars::JsonSchema;
use serde::Serialize;

use super::content;
use crate::report::json::{Document, EstimateJson, Kind, Number, Provenance, document};
use crate::report::layout::unglued;
use crate::study::Difference;
use crate::study::grace::{Feedback, GraceAnswer, Method, Period, Probability, Standing, Target};

/// What `cutover grace` finds: how many answers each grace period cuts.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct GraceJson {
    /// The answer in a sentence.
    answer: String,
    /// What a reader must know beside it.
    notes: Vec<String>,
    /// How cut answers were counted.
    method: MethodJson,
    /// What `probability` of a period is.
    probability: ProbabilityJson,
    /// Why each period was simulated anew rather than read off one simulation; empty: it was not.
    simulated_anew_because: Vec<Feedback>,
    /// What is wanted.
    target: TargetJson,
    /// The scenario's own grace period.
    today_s: f64,
    /// The shortest period that is shown to meet the target; null where none is.
    smallest_s: Option<f64>,
    /// Of the runs, those in which every period was simulated, so that costs are paired.
    cost_runs: u64,
    /// Answers a run that crashes and lost nodes cut after their first token: no grace period helps.
    truncated_otherwise: EstimateJson,
    /// Replicas a run that are shut down with something in flight; null where they were not looked at.
    shutdowns_with_work: Number,
    /// The periods, ascending.
    periods: Vec<PeriodJson>,
}

impl Document for GraceJson {
    const KIND: Kind = Kind::Grace;
    type Provenance = Provenance;
}

/// How cut answers were counted.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MethodJson {
    /// Given how long an answer had run, by the law of its length.
    Conditional,
    /// One by one.
    Counted,
}

/// What the probability of a cut answer is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ProbabilityJson {
    /// That of any cut answer in a run.
    Exact,
    /// An upper bound of it.
    AtMost,
    /// The share of runs that cut any.
    Counted,
}

/// What is wanted of a grace period.
#[derive(Serialize, JsonSchema)]
struct TargetJson {
    /// What is bounded.
    of: TargetOf,
    /// The most that it may be.
    at_most: f64,
}

/// What a target bounds.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TargetOf {
    /// The probability that a run cuts any answer.
    Probability,
    /// The number of answers cut a run.
    Count,
}

/// A grace period and what it does.
#[derive(Serialize, JsonSchema)]
struct PeriodJson {
    /// The period.
    grace_s: f64,
    /// Whether it is the scenario's own.
    is_today: bool,
    /// From a replica's deletion to its SIGKILL.
    sigkill_after_s: f64,
    /// Answers that a rollout's drains cut after their first token.
    truncated: EstimateJson,
    /// Probability that a rollout cuts any; the document's `probability` says what kind of figure this is.
    probability: EstimateJson,
    /// Answers that a rollout's drains cut before their first token.
    dropped: EstimateJson,
    /// One-sided 95 % upper bound of what the target is about.
    upper_bound: Number,
    /// Whether no run cuts any answer, and none would in drains slower by a quarter: that meets any target.
    is_settled: bool,
    /// Whether it would be settled if the same held in a hundred runs.
    would_be_settled: bool,
    /// About how many runs would show how the period stands; null where it is shown, or no number would.
    runs_needed: Option<u64>,
    /// How many runs of equal values tell as much of the number of cut answers; 0 where no run cuts any.
    effective_runs: Number,
    /// How it stands to the target, with 95 % confidence.
    standing: Standing,
    /// What runs with this very period cut; null where none were made.
    counted: Option<CountedJson>,
    /// How much longer than with today's period the rollout takes, mean over runs; null where that was not asked for.
    duration_difference_s: Option<EstimateJson>,
    /// How much more than with today's period a run costs; null where that was not asked for.
    cost_difference_usd: Option<EstimateJson>,
    /// Pairs of runs in which only one of the two rollouts finished; null where that was not asked for.
    unpaired_durations: Option<u64>,
}

/// Answers that were really cut in runs with a grace period.
#[derive(Serialize, JsonSchema)]
struct CountedJson {
    /// Those runs.
    runs: u64,
    /// Answers cut by drains a run.
    truncated: EstimateJson,
    /// Share of those runs that cut any.
    any: EstimateJson,
    /// How many times as many runs counting needs for the precision of the conditional estimate; null where there is none.
    variance_ratio: Option<EstimateJson>,
}

impl PeriodJson {
    fn of(period: &Period, is_today: bool) -> PeriodJson {
        let cost = |of: fn(&Period) -> Option<&Difference>| of(period).map(|cost| (&cost.difference).into());
        PeriodJson {
            grace_s: period.grace.seconds(),
            is_today,
            sigkill_after_s: period.kill_after.seconds(),
            truncated: (&period.truncated).into(),
            probability: (&period.probability).into(),
            dropped: (&period.dropped).into(),
            upper_bound: Number(period.upper_bound),
            is_settled: period.is_settled,
            would_be_settled: period.would_be_settled,
            runs_needed: period.runs_needed,
            effective_runs: Number(period.effective_runs),
            standing: period.standing,
            counted: period.counted.as_ref().map(|counted| CountedJson {
                runs: counted.runs,
                truncated: (&counted.truncated).into(),
                any: (&counted.any).into(),
                variance_ratio: counted.variance_ratio.as_ref().map(EstimateJson::from),
            }),
            duration_difference_s: cost(|period| Some(&period.cost.as_ref()?.duration)),
            cost_difference_usd: cost(|period| Some(&period.cost.as_ref()?.bill)),
            unpaired_durations: period.cost.as_ref().map(|cost| cost.duration.unpaired),
        }
    }
}

/// The answer as JSON.
pub fn json(answer: &GraceAnswer) -> String {
    let at = |place: usize| answer.periods[place].grace.seconds();
    let periods = answer.periods.iter().enumerate();
    let body = GraceJson {
        answer: content::headline(answer),
        notes: content::notes(answer).iter().map(|note| unglued(note)).collect(),
        method: match answer.method {
            Method::Conditional => MethodJson::Conditional,
            Method::CountedWithoutLaw(_) | Method::CountedAtAbort => MethodJson::Counted,
        },
        probability: match answer.probability {
            Probability::Exact => ProbabilityJson::Exact,
            Probability::AtMost => ProbabilityJson::AtMost,
            Probability::Counted => ProbabilityJson::Counted,
        },
        simulated_anew_because: answer.feedback.clone(),
        target: TargetJson {
            of: match answer.target {
                Target::Probability(_) => TargetOf::Probability,
                Target::Count(_) => TargetOf::Count,
            },
            at_most: answer.target.value(),
        },
        today_s: at(answer.today),
        smallest_s: answer.smallest.map(at),
        cost_runs: answer.cost_runs,
        truncated_otherwise: (&answer.truncated_otherwise).into(),
        shutdowns_with_work: Number(answer.shutdowns),
        periods: periods.map(|(place, period)| PeriodJson::of(period, place == answer.today)).collect(),
    };
    document(Provenance::of_runs(&answer.scenario, answer.runs, answer.partial), body)
}
