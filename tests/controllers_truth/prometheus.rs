//! What we make of scraped samples against what a real Prometheus server answered.

use std::collections::BTreeMap;

use cutover::prometheus::{STALE, Sample};
use serde_json::Value as Json;

use super::promql::{self, Expression, Labels, Series, Value};

/// The server whose answers count.
const SERVER: &str = "3.5.3";

fn labels(json: &Json) -> Labels {
    let labels = json.as_object().expect("labels").iter();
    labels.map(|(name, value)| (name.clone(), value.as_str().expect("a label's value").to_owned())).collect()
}

fn series(json: &Json) -> Series {
    let sample = |json: &Json| {
        let value = match json[1].as_str() {
            Some("stale") => STALE,
            Some(word) => promql::number(word).expect("a number"),
            None => json[1].as_f64().expect("a number"),
        };
        Sample { at: json[0].as_i64().expect("milliseconds"), value }
    };
    let samples = json["samples"].as_array().expect("samples").iter().map(sample).collect();
    Series { labels: labels(&json["labels"]), samples }
}

/// Whether two values agree: within a relative 1e-9, or both not a number, or the same infinity.
fn agrees(ours: f64, theirs: f64) -> bool {
    ours == theirs || (ours.is_nan() && theirs.is_nan()) || (ours - theirs).abs() <= 1e-9 * theirs.abs()
}

/// The first evaluation of a vector that differs from the server's, told; `Err`: its form is not computed here.
fn compare(vector: &Json) -> Result<Option<String>, String> {
    let expression: Expression = promql::parse(vector["expr"].as_str().expect("a query"))?;
    let series: Vec<Series> = vector["series"].as_array().expect("series").iter().map(series).collect();
    for evaluation in vector["evals"].as_array().expect("evaluations") {
        let at = evaluation["t_ms"].as_i64().expect("milliseconds");
        let ours: BTreeMap<Labels, f64> = match expression.evaluate(&series, at)? {
            Value::Vector(vector) => vector.into_iter().collect(),
            Value::Scalar(scalar) => BTreeMap::from([(Labels::new(), scalar)]),
        };
        let element = |json: &Json| {
            let value = json["value"].as_str().and_then(promql::number).expect("a number");
            (labels(&json["labels"]), value)
        };
        let rows = evaluation["result"][SERVER].as_array().expect("a result");
        let theirs: BTreeMap<Labels, f64> = rows.iter().map(element).collect();
        let are_equal = ours.len() == theirs.len()
            && theirs.iter().all(|(labels, value)| ours.get(labels).is_some_and(|our| agrees(*our, *value)));
        if !are_equal {
            return Ok(Some(format!("at {at} ms\n  theirs {theirs:?}\n  ours   {ours:?}")));
        }
    }
    Ok(None)
}

#[test]
fn queries_are_answered_as_by_a_real_server() {
    let vectors = super::cases("prometheus_vectors.jsonl", "prometheus vectors");
    let (mut agreeing, mut differing, mut others) = (0, Vec::new(), BTreeMap::<String, u32>::new());
    for vector in &vectors {
        match compare(vector) {
            Ok(None) => agreeing += 1,
            Ok(Some(difference)) => {
                differing.push(format!("{}: {} {difference}", vector["id"], vector["expr"]));
            }
            Err(form) => *others.entry(form).or_default() += 1,
        }
    }
    let others: Vec<String> = others.iter().map(|(form, number)| format!("{form} {number}")).collect();
    let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
    let report = format!(
        "prometheus vectors of other forms: {others}\nprometheus vectors: {agreeing} of {} agree\n",
        agreeing + differing.len()
    );
    super::say(&report);
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
