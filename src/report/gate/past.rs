//! Reads an earlier study from the files that it left: `summary.json`, and `runs.csv` where it lies beside it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::ledger::{METRICS, Metric};
use crate::report::json::SUMMARY_VERSION;
use crate::report::sweep::read_runs;
use crate::study::{Confidence, Estimate, MetricSummary, Origin, Past};

/// Why a text is no earlier study.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPast {
    /// It is something else.
    #[error("{0}")]
    NotASummary(String),
    /// Its shape is that of another version.
    #[error("it has schema_version {0}, and this version of cutover reads {SUMMARY_VERSION}: make the baseline anew")]
    OtherVersion(u64),
}

/// What an earlier study's files tell. Where `runs` is no `runs.csv` of this version, there is nothing to pair with.
///
/// # Errors
/// `summary` is no `summary.json` that this version reads.
pub fn read_past(summary: &str, runs: Option<&str>) -> Result<Past, NoPast> {
    let not = |reason: String| NoPast::NotASummary(format!("expected a summary.json of cutover, found {reason}"));
    let value: Value = serde_json::from_str(summary).map_err(|error| not(format!("no JSON ({error})")))?;
    if value.is_array() {
        let printed = "an array, as `cutover check --format json` prints it; name the summary.json that it leaves";
        return Err(not(printed.to_owned()));
    }
    let version = value.get("schema_version").and_then(Value::as_u64);
    match version {
        None => return Err(not("JSON without a schema_version".to_owned())),
        Some(version) if version != u64::from(SUMMARY_VERSION) => return Err(NoPast::OtherVersion(version)),
        Some(_) => {}
    }
    if let Some(kind) = value.get("kind").and_then(Value::as_str).filter(|kind| *kind != "summary") {
        return Err(not(format!("a {kind}.json")));
    }
    let written: Written = serde_json::from_value(value).map_err(|error| not(format!("other JSON ({error})")))?;
    let origin = Origin {
        version: written.provenance.version,
        scenario: written.provenance.scenario,
        scenario_hash: written.provenance.scenario_hash,
        requests_hash: written.provenance.requests_hash,
        seed: written.provenance.seed,
        runs: written.provenance.runs,
        partial: written.provenance.partial,
    };
    let metric = |metric: &Metric| written.metrics.get(metric.name()).map(|of| of.summary(*metric));
    // Nothing would have changed since one without any, and a gate that compares with nothing must not look green.
    if !written.metrics.keys().any(|name| Metric::by_name(name).is_some()) {
        return Err(not("one without metrics".to_owned()));
    }
    let records = runs.and_then(read_runs).filter(|records| records.len() as u64 == origin.runs);
    Ok(Past { origin, metrics: METRICS.iter().map(metric).collect(), records })
}

#[derive(Deserialize)]
struct Written {
    provenance: WrittenProvenance,
    metrics: BTreeMap<String, WrittenMetric>,
}

#[derive(Deserialize)]
struct WrittenProvenance {
    version: String,
    scenario: String,
    scenario_hash: String,
    requests_hash: Option<String>,
    seed: u64,
    runs: u64,
    partial: bool,
}

/// A number, or the word for an infinite one; absent where it is empty.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenNumber {
    Number(f64),
    Word(String),
}

fn number(written: &Option<WrittenNumber>) -> f64 {
    match written {
        Some(WrittenNumber::Number(value)) => *value,
        Some(WrittenNumber::Word(word)) => word.parse().unwrap_or(f64::NAN),
        None => f64::NAN,
    }
}

#[derive(Deserialize)]
struct WrittenEstimate {
    value: Option<WrittenNumber>,
    low: Option<WrittenNumber>,
    high: Option<WrittenNumber>,
}

impl WrittenEstimate {
    fn estimate(&self) -> Estimate {
        let has_interval = self.low.is_some() && self.high.is_some();
        Estimate { value: number(&self.value), interval: has_interval.then(|| (number(&self.low), number(&self.high))) }
    }
}

#[derive(Deserialize)]
struct WrittenMetric {
    runs: u64,
    mean: WrittenEstimate,
    standard_deviation: Option<WrittenNumber>,
    min: Option<WrittenNumber>,
    max: Option<WrittenNumber>,
    p50: WrittenEstimate,
    p90: WrittenEstimate,
    p95: WrittenEstimate,
    p99: WrittenEstimate,
    probability_positive: WrittenEstimate,
}

impl WrittenMetric {
    fn summary(&self, metric: Metric) -> MetricSummary {
        MetricSummary {
            metric,
            confidence: Confidence::NINETY_FIVE,
            runs: self.runs,
            mean: self.mean.estimate(),
            standard_deviation: number(&self.standard_deviation),
            min: number(&self.min),
            max: number(&self.max),
            p50: self.p50.estimate(),
            p90: self.p90.estimate(),
            p95: self.p95.estimate(),
            p99: self.p99.estimate(),
            probability_positive: self.probability_positive.estimate(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sweep::written_runs;
    use crate::report::{example, json};
    use crate::study::{Pairing, against};

    #[test]
    fn what_a_study_leaves_is_read_back() {
        let result = example::study();
        let (summary, runs) = (json::summary(&result), written_runs(&result.records));
        let past = read_past(&summary, Some(&runs)).expect("it is a summary");
        let expected = Past::of(&result);
        assert_eq!(past.origin, expected.origin);
        for (read, written) in past.metrics.iter().zip(&expected.metrics) {
            // NaN is not equal to itself, its text is.
            assert_eq!(format!("{read:?}"), format!("{written:?}"));
        }
        assert_eq!(against(past, &result).pairing, Pairing::Paired);
        for other in [None, Some(runs.replace("cost_usd", "cost_eur")), Some(runs[..runs.len() / 2].to_owned())] {
            let past = read_past(&summary, other.as_deref()).expect("it is a summary");
            assert!(past.records.is_none());
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_it_is() {
        let summary = json::summary(&example::study());
        for (text, said) in [
            ("", "no JSON"),
            ("{}", "without a schema_version"),
            ("[1]", "an array, as `cutover check --format json` prints it"),
            ("{\"schema_version\": 1, \"a\": 3}", "other JSON (missing field `provenance`)"),
        ] {
            let error = read_past(text, None).expect_err(text).to_string();
            assert!(error.contains(said), "{error}");
        }
        let mut value: Value = serde_json::from_str(&summary).expect("it is JSON");
        value["metrics"] = serde_json::json!({});
        assert!(read_past(&value.to_string(), None).is_err_and(|error| error.to_string().contains("without metrics")));
        let other = summary.replacen("\"schema_version\": 1", "\"schema_version\": 7", 1);
        assert_eq!(read_past(&other, None).unwrap_err(), NoPast::OtherVersion(7));
    }
}
