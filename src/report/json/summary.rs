//! `summary.json`: everything in a study's report.
//!
//! Version 1 of its shape. Seconds, US dollars and shares from 0 to 1 throughout; `values` says how numbers and estimates
//! are written.

use schemars::JsonSchema;
use serde::Serialize;

use super::{CheckJson, Document, EstimateJson, EveryMetric, Kind, Named, Number, Outcomes, Provenance, document};
use crate::ledger::{Histogram, RolloutOutcome};
use crate::report::content;
use crate::report::gate::BaselineJson;
use crate::scenario::{Problem, Slo};
use crate::study::{
    Against, Ended, MetricSummary, Precision, SHARE_TO_FINISH, Standing, StudyResult, exposed_before_abort,
    most_common_reason, planning, survivorship_note, why,
};

/// A metric over all runs.
#[derive(Serialize, JsonSchema)]
struct MetricJson {
    /// Its unit, empty for a share.
    unit: &'static str,
    /// What it is.
    meaning: &'static str,
    /// Runs in which it has a value.
    runs: u64,
    /// Mean over runs; its value is null where an unfinished rollout leaves it infinite.
    mean: EstimateJson,
    /// Standard deviation over runs.
    standard_deviation: Number,
    /// Least of all runs.
    min: Number,
    /// Greatest of all runs.
    max: Number,
    /// Median over runs.
    p50: EstimateJson,
    /// 90 % quantile over runs.
    p90: EstimateJson,
    /// 95 % quantile over runs.
    p95: EstimateJson,
    /// 99 % quantile over runs.
    p99: EstimateJson,
    /// Share of runs in which it is above zero.
    probability_positive: EstimateJson,
}

impl From<&MetricSummary> for MetricJson {
    fn from(summary: &MetricSummary) -> MetricJson {
        MetricJson {
            unit: summary.metric.description().unit,
            meaning: summary.metric.description().meaning,
            runs: summary.runs,
            mean: (&summary.mean).into(),
            standard_deviation: Number(summary.standard_deviation),
            min: Number(summary.min),
            max: Number(summary.max),
            p50: (&summary.p50).into(),
            p90: (&summary.p90).into(),
            p95: (&summary.p95).into(),
            p99: (&summary.p99).into(),
            probability_positive: (&summary.probability_positive).into(),
        }
    }
}

/// Quantiles over all runs' requests together, to within half a per cent; they have no interval.
#[derive(Serialize, JsonSchema)]
struct LatencyJson {
    /// The unit of the quantiles.
    unit: &'static str,
    /// How many values there are.
    count: u64,
    /// Median.
    p50: Number,
    /// 90 % quantile.
    p90: Number,
    /// 99 % quantile.
    p99: Number,
    /// 99.9 % quantile.
    p999: Number,
}

impl From<&Histogram> for LatencyJson {
    fn from(histogram: &Histogram) -> LatencyJson {
        let quantile = |q| Number(histogram.quantile(q));
        LatencyJson {
            unit: "s",
            count: histogram.count(),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
        }
    }
}

/// All runs' requests together.
#[derive(Serialize, JsonSchema)]
struct PooledJson {
    /// Time to first token, from a request's first arrival.
    ttft: LatencyJson,
    /// Time per output token after the first.
    tpot: LatencyJson,
    /// Time to the last token of completed requests.
    e2e: LatencyJson,
    /// Time before an engine admits an attempt.
    queue_time: LatencyJson,
    /// Time from a replica's deletion until each of its answers in flight would have ended.
    needed_grace: LatencyJson,
}

/// Figures that follow from the scenario alone.
#[derive(Serialize, JsonSchema)]
struct FactsJson {
    /// Saturated rate of a stable replica, output tokens per second.
    saturated_tokens_per_second: Number,
    /// Batch at which it is reached, sequences; null where the scenario gives the rate.
    saturated_batch: Number,
    /// Mean prompt, tokens.
    mean_prompt_tokens: Number,
    /// Mean answer, tokens.
    mean_output_tokens: Number,
    /// Mean arrival rate.
    mean_requests_per_second: Number,
    /// Offered tokens over what the needed replicas emit saturated: above 1 the fleet is too small without any rollout.
    offered_load: Number,
}

/// Latency that users were promised.
#[derive(Serialize, JsonSchema)]
struct SloJson {
    /// Longest acceptable time to first token.
    ttft_s: f64,
    /// Share of requests that must meet it.
    quantile: f64,
    /// Width of the bins in which it is judged.
    bin_s: f64,
}

impl From<&Slo> for SloJson {
    fn from(slo: &Slo) -> SloJson {
        SloJson { ttft_s: slo.ttft.seconds(), quantile: slo.quantile, bin_s: slo.bin.seconds() }
    }
}

/// What was simulated.
#[derive(Serialize, JsonSchema)]
struct SettingJson {
    /// Traffic, load and engine in a sentence.
    text: String,
    /// The rollout's strategy with the settings that decide most, in words.
    rollout: String,
    /// Length of the measured window of a run.
    window_s: f64,
    /// Desired replicas.
    replicas: u32,
    /// Capacity below which the fleet dips, in stable replicas.
    needed_replicas: f64,
    /// GPUs that one replica holds.
    gpus_per_replica: u32,
    /// GPUs that may be held at once; null: no limit.
    gpu_limit: Option<u32>,
    /// Latency that users were promised; null: none.
    slo: Option<SloJson>,
}

impl SettingJson {
    fn of(result: &StudyResult) -> SettingJson {
        let scenario = &result.scenario;
        SettingJson {
            text: content::plain(&content::setting(result)),
            rollout: content::strategy(scenario),
            window_s: scenario.study.duration.seconds(),
            replicas: scenario.fleet.replicas,
            needed_replicas: scenario.fleet.needed_replicas,
            gpus_per_replica: scenario.fleet.gpus_per_replica,
            gpu_limit: scenario.fleet.gpu_limit,
            slo: scenario.slo.as_ref().map(SloJson::from),
        }
    }
}

/// Something about the scenario that is legal and unwise.
#[derive(Serialize, JsonSchema)]
struct WarningJson<'a> {
    /// Its code, which stays what it is: `W` and four digits.
    code: &'static str,
    /// What is unwise.
    message: &'a str,
    /// What would be wise, where there is more to say than the message does; else empty.
    expected: &'a str,
    /// What to do about it; null where that cannot be said.
    help: Option<&'a str>,
    /// Dotted path of the key, list elements by their index from 0; empty for the scenario as a whole.
    key: &'a str,
    /// Line in the scenario, from 1; null where it is about no line of it.
    line: Option<usize>,
    /// Column in characters, from 1; null where it is about no line of the scenario.
    column: Option<usize>,
}

impl<'a> From<&'a Problem> for WarningJson<'a> {
    fn from(problem: &'a Problem) -> WarningJson<'a> {
        let place = |at: usize| (at > 0).then_some(at);
        WarningJson {
            code: problem.code.0,
            message: &problem.message,
            expected: &problem.expected,
            help: problem.help.as_deref(),
            key: &problem.key,
            line: place(problem.line),
            column: place(problem.column),
        }
    }
}

/// The most common reason why rollouts ended in some way.
#[derive(Serialize, JsonSchema)]
struct ReasonJson {
    /// How they ended.
    #[schemars(schema_with = "outcome")]
    outcome: &'static str,
    /// The controller's reason.
    reason: String,
    /// Runs with this reason.
    runs: u64,
}

fn outcome(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": RolloutOutcome::ALL.map(RolloutOutcome::name) })
}

fn reasons(result: &StudyResult) -> Vec<ReasonJson> {
    let of = |outcome: &RolloutOutcome| {
        let records = result.records.iter().filter(|record| record.outcome == *outcome);
        let reason = most_common_reason(records)?;
        Some(ReasonJson { outcome: outcome.name(), reason: reason.text.to_owned(), runs: reason.runs })
    };
    RolloutOutcome::ALL.iter().filter_map(of).collect()
}

/// How long a window to reserve, and which grace period would cut almost nobody.
#[derive(Serialize, JsonSchema)]
struct PlanningJson {
    /// Both in a sentence; empty where nothing follows.
    text: String,
    /// Window to reserve: the 95 % quantile of the rollout's duration; `"inf"` where more than one in twenty does not finish.
    window_s: EstimateJson,
    /// Share of the answers in flight that `grace_s` lets finish.
    share_to_finish: f64,
    /// Grace period that lets that share finish; with `on_sigterm = "abort"`, preStop hook. Null where no replica was stopped
    /// with work.
    grace_s: Option<Number>,
    /// What the scenario has in its place.
    current_grace_s: Number,
    /// Share of the answers in flight that the present one cuts; null where there were none.
    cut_share: Option<Number>,
}

impl PlanningJson {
    fn of(result: &StudyResult) -> PlanningJson {
        let planning = planning(result);
        PlanningJson {
            text: content::plain(&content::planning_line(result)),
            window_s: (&planning.window_s).into(),
            share_to_finish: SHARE_TO_FINISH,
            grace_s: planning.grace_s.map(Number),
            current_grace_s: Number(planning.current_grace_s),
            cut_share: planning.cut_share.map(Number),
        }
    }
}

/// How narrow an interval was to be, and became.
#[derive(Serialize, JsonSchema)]
struct TargetJson {
    /// The estimate: metric and statistic.
    measure: String,
    /// Half-width that was asked for, as a share of the estimate.
    relative: f64,
    /// Half-width that was asked for, in the metric's unit.
    absolute: f64,
    /// From the estimate to the farther end of its interval, in the metric's unit.
    distance: Number,
    /// What that may be.
    allowed: Number,
    /// Whether it is no more.
    reached: bool,
}

/// How a study with a precision came to its number of runs.
#[derive(Serialize, JsonSchema)]
struct PrecisionJson {
    /// Why no further runs were added.
    ended: Ended,
    /// Numbers of runs after which the intervals were looked at.
    looks: Vec<u64>,
    /// Half-width of an interval in standard errors, wider than for a single look.
    standard_errors: f64,
    /// Each target and how it stands.
    targets: Vec<TargetJson>,
}

impl From<&Precision> for PrecisionJson {
    fn from(precision: &Precision) -> PrecisionJson {
        let target = |standing: &Standing| TargetJson {
            measure: standing.target.measure.name(),
            relative: standing.target.relative,
            absolute: standing.target.absolute,
            distance: Number(standing.distance),
            allowed: Number(standing.allowed),
            reached: standing.is_reached(),
        };
        PrecisionJson {
            ended: precision.ended,
            looks: precision.looks.clone(),
            standard_errors: precision.standard_errors,
            targets: precision.standings.iter().map(target).collect(),
        }
    }
}

/// Measurements of the analyses, over all runs.
#[derive(Serialize, JsonSchema)]
struct Measurements {
    /// All of them.
    all: u64,
    /// Those that found too little data.
    empty: u64,
}

impl Measurements {
    fn of(result: &StudyResult) -> Measurements {
        let counts = |of: fn(&(u32, u32)) -> u32| {
            result.records.iter().map(|record| u64::from(of(&record.empty_measurements))).sum::<u64>()
        };
        Measurements { all: counts(|(_, all)| *all), empty: counts(|(empty, _)| *empty) }
    }
}

/// What `cutover run` and `cutover check` find out about a scenario.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct SummaryJson<'a> {
    /// The answer in a sentence.
    answer: String,
    /// What it comes from, in a sentence or two; empty where there is nothing to explain.
    why: String,
    /// How long a window to reserve, and which grace period would cut almost nobody.
    planning: PlanningJson,
    /// What was simulated.
    setting: SettingJson,
    /// What about the scenario is legal and unwise.
    warnings: Vec<WarningJson<'a>>,
    /// Share of runs by how their rollout ended; those outcomes that occur.
    outcomes: Named<Outcomes, EstimateJson>,
    /// Why rollouts ended as they did, where the controller gave a reason: the most common one of each outcome.
    reasons: Vec<ReasonJson>,
    /// Requests that the new version had met when a rollout was aborted, mean over the runs with an abort; null without any.
    exposed_requests_before_abort: Option<EstimateJson>,
    /// The checks, in the order of the scenario.
    checks: Vec<CheckJson<'a>>,
    /// How the study came to its number of runs; only there where a precision was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<PrecisionJson>,
    /// Measurements of the analyses, over all runs.
    measurements: Measurements,
    /// Figures that follow from the scenario alone.
    facts: FactsJson,
    /// Latencies over all runs' requests together.
    pooled: PooledJson,
    /// What a reader of the latencies must know where answers were cut; null where none was.
    note: Option<String>,
    /// Every metric over runs.
    metrics: Named<EveryMetric, MetricJson>,
    /// What changed since a baseline; only there where `check` was given one.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineJson<'a>>,
}

impl Document for SummaryJson<'_> {
    const KIND: Kind = Kind::Summary;
    type Provenance = Provenance;
}

/// The text of `summary.json`.
pub fn summary(result: &StudyResult) -> String {
    summary_against(result, None)
}

/// What `summary.json` holds, and what changed since a baseline.
pub fn summary_against(result: &StudyResult, baseline: Option<&Against>) -> String {
    let pooled = &result.pooled;
    let body = SummaryJson {
        answer: content::plain(&content::answer(result)),
        why: why(result),
        planning: PlanningJson::of(result),
        setting: SettingJson::of(result),
        warnings: result.scenario.warnings.iter().map(WarningJson::from).collect(),
        outcomes: result.outcomes.iter().map(|(outcome, share)| (outcome.name(), share.into())).collect(),
        reasons: reasons(result),
        exposed_requests_before_abort: exposed_before_abort(result).as_ref().map(EstimateJson::from),
        checks: result.checks.iter().map(CheckJson::from).collect(),
        precision: result.precision.as_ref().map(PrecisionJson::from),
        measurements: Measurements::of(result),
        facts: FactsJson {
            saturated_tokens_per_second: Number(result.facts.saturated_rate),
            saturated_batch: Number(result.facts.saturated_batch),
            mean_prompt_tokens: Number(result.facts.mean_prompt_tokens),
            mean_output_tokens: Number(result.facts.mean_output_tokens),
            mean_requests_per_second: Number(result.facts.mean_rate),
            offered_load: Number(result.offered_load()),
        },
        pooled: PooledJson {
            ttft: (&pooled.ttft).into(),
            tpot: (&pooled.tpot).into(),
            e2e: (&pooled.e2e).into(),
            queue_time: (&pooled.queue_time).into(),
            needed_grace: (&pooled.needed_grace).into(),
        },
        note: survivorship_note(result),
        metrics: result.metrics.iter().map(|summary| (summary.metric.name(), summary.into())).collect(),
        baseline: baseline.map(BaselineJson::from),
    };
    document(Provenance::of(result), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{METRICS, Metric};
    use crate::report::example;
    use crate::scenario::Code;
    use serde_json::Value;

    fn read(result: &StudyResult) -> Value {
        serde_json::from_str(&summary(result)).unwrap()
    }

    #[test]
    fn every_metric_is_there_with_its_statistics() {
        let result = example::study();
        let json = read(&result);
        assert_eq!(json["schema_version"], 1);
        for metric in METRICS {
            let entry = &json["metrics"][metric.name()];
            for key in ["mean", "min", "max", "p50", "p90", "p95", "p99", "probability_positive", "unit"] {
                assert!(entry.get(key).is_some(), "{} {key}", metric.name());
            }
        }
        let truncated = &json["metrics"]["truncated_attempts"]["mean"];
        assert_eq!(truncated["value"].as_f64(), Some(result.metric(Metric::TruncatedAttempts).mean.value));
    }

    #[test]
    fn what_is_empty_is_null_and_infinity_is_a_word() {
        let json = read(&example::study());
        let duration = &json["metrics"]["rollout_duration_s"];
        assert_eq!(duration["mean"]["value"], Value::Null);
        assert_eq!(duration["mean"]["low"], Value::Null);
        assert_eq!(duration["max"], "inf");
        assert_eq!(json["metrics"]["requests"]["p95"]["low"], Value::Null);
    }

    #[test]
    fn provenance_outcomes_checks_and_pooled_latencies_are_there() {
        let mut result = example::study();
        result.partial = true;
        let json = read(&result);
        assert_eq!(json["provenance"]["seed"], 1);
        assert_eq!(json["provenance"]["runs"], 40);
        assert_eq!(json["provenance"]["partial"], true);
        assert_eq!(json["provenance"]["scenario_hash"], result.scenario.hash);
        assert_eq!(json["outcomes"]["completed"]["value"], 0.975);
        assert_eq!(json["checks"][1]["verdict"], "failed");
        assert_eq!(json["pooled"]["ttft"]["count"], 999);
        assert!(json["pooled"]["e2e"]["p999"].is_number());
        assert!(json["why"].as_str().is_some_and(|why| !why.is_empty()));
        assert!(json["planning"]["grace_s"].is_number());
    }

    #[test]
    fn what_the_report_says_in_words_is_there_as_data() {
        let mut result = example::study();
        let mut warning = Problem::new(Code::SHORT_RUN, "too hasty".to_owned(), "rollout.start");
        (warning.line, warning.column) = (7, 9);
        result.scenario.warnings = vec![warning, Problem::new(Code::NO_CHECK, "all of it".to_owned(), "")];
        result.records[3].outcome = RolloutOutcome::Stuck;
        result.records[3].reason = "no GPU".to_owned();
        let json = read(&result);
        assert_eq!((&json["schema_version"], &json["kind"]), (&1.into(), &"summary".into()));
        let [first, second] = [0, 1].map(|at| &json["warnings"][at]);
        assert_eq!((&first["code"], &first["line"], &first["column"]), (&"W0106".into(), &7.into(), &9.into()));
        assert_eq!((&first["key"], &first["help"]), (&"rollout.start".into(), &Value::Null));
        assert_eq!((&second["line"], &second["column"]), (&Value::Null, &Value::Null));
        let stuck = serde_json::json!({ "outcome": "stuck", "reason": "no GPU", "runs": 1 });
        assert!(json["reasons"].as_array().is_some_and(|reasons| reasons.contains(&stuck)), "{}", json["reasons"]);
        assert_eq!(json["setting"]["slo"]["ttft_s"], 2.0);
        assert_eq!(json["facts"]["offered_load"].as_f64(), Some(result.offered_load()));
        assert_eq!(json["note"].as_str(), survivorship_note(&result).as_deref());
    }
}
