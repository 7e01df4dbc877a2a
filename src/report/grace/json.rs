//! `grace.json`: the answer for scripts, written as [`super::super::json`] writes numbers and estimates.

use serde::Serialize;

use super::content;
use crate::report::json::{EstimateJson, Number, SCHEMA_VERSION, pretty};
use crate::study::Difference;
use crate::study::grace::{GraceAnswer, Method, Period, Probability, Target};

#[derive(Serialize)]
struct GraceJson {
    schema_version: u32,
    provenance: ProvenanceJson,
    answer: String,
    notes: Vec<String>,
    method: &'static str,
    probability: &'static str,
    simulated_anew_because: Vec<&'static str>,
    target: TargetJson,
    today_s: f64,
    /// The shortest period that is shown to meet the target.
    smallest_s: Option<f64>,
    truncated_otherwise: EstimateJson,
    shutdowns_with_work: Number,
    periods: Vec<PeriodJson>,
}

#[derive(Serialize)]
struct ProvenanceJson {
    version: String,
    scenario: String,
    scenario_hash: String,
    seed: u64,
    runs: u64,
    runs_asked_for: u64,
    cost_runs: u64,
    partial: bool,
}

#[derive(Serialize)]
struct TargetJson {
    of: &'static str,
    at_most: f64,
}

#[derive(Serialize)]
struct PeriodJson {
    grace_s: f64,
    is_today: bool,
    sigkill_after_s: f64,
    truncated: EstimateJson,
    probability: EstimateJson,
    dropped: EstimateJson,
    upper_bound: Number,
    is_settled: bool,
    /// Whether it would be settled if the same held in a hundred runs.
    would_be_settled: bool,
    /// About how many runs would show how the period stands; `null` where it is shown, or no number would.
    runs_needed: Option<u64>,
    effective_runs: Number,
    standing: &'static str,
    counted: Option<CountedJson>,
    duration_difference_s: Option<EstimateJson>,
    cost_difference_usd: Option<EstimateJson>,
    unpaired_durations: Option<u64>,
}

#[derive(Serialize)]
struct CountedJson {
    runs: u64,
    truncated: EstimateJson,
    /// Share of those runs that cut any.
    any: EstimateJson,
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
            standing: period.standing.words(),
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
    pretty(&GraceJson {
        schema_version: SCHEMA_VERSION,
        provenance: ProvenanceJson {
            version: answer.scenario.read_by.clone(),
            scenario: answer.scenario.name.clone(),
            scenario_hash: answer.scenario.hash.clone(),
            seed: answer.scenario.study.seed,
            runs: answer.runs,
            runs_asked_for: answer.scenario.study.runs,
            cost_runs: answer.cost_runs,
            partial: answer.partial,
        },
        answer: content::headline(answer),
        notes: content::notes(answer).iter().map(|note| crate::report::layout::unglued(note)).collect(),
        method: match answer.method {
            Method::Conditional => "conditional",
            Method::CountedWithoutLaw(_) | Method::CountedAtAbort => "counted",
        },
        probability: match answer.probability {
            Probability::Exact => "exact",
            Probability::AtMost => "at_most",
            Probability::Counted => "counted",
        },
        simulated_anew_because: answer.feedback.iter().map(|reason| reason.words()).collect(),
        target: TargetJson {
            of: match answer.target {
                Target::Probability(_) => "probability",
                Target::Count(_) => "count",
            },
            at_most: answer.target.value(),
        },
        today_s: at(answer.today),
        smallest_s: answer.smallest.map(at),
        truncated_otherwise: (&answer.truncated_otherwise).into(),
        shutdowns_with_work: Number(answer.shutdowns),
        periods: periods.map(|(place, period)| PeriodJson::of(period, place == answer.today)).collect(),
    })
}
