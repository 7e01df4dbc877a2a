//! `levers.csv`: a row for each lever and fleet. Empty values are empty cells; relative changes are fractions.

use super::broken::breaches;
use crate::study::Estimate;
use crate::study::levers::{LeversResult, Point, Promise};

const HEADER: [&str; 29] = [
    "lever",
    "fleet",
    "replicas",
    "gpus",
    "gpu_hour_usd",
    "saturated_tokens_per_second",
    "usd_per_million_output_tokens",
    "usd_low",
    "usd_high",
    "change",
    "change_low",
    "change_high",
    "ttft_p99_s",
    "ttft_p99_low_s",
    "ttft_p99_high_s",
    "ttft_p99_difference_s",
    "ttft_p99_difference_low_s",
    "ttft_p99_difference_high_s",
    "utilization",
    "keeps_bound",
    "formula_change",
    "saves",
    "tpot_p99_s",
    "tpot_p99_low_s",
    "tpot_p99_high_s",
    "unanswered_difference",
    "unanswered_difference_low",
    "unanswered_difference_high",
    "breaks",
];

/// The shortest text that reads back as the same number; empty for none.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => String::new(),
        0.0 => "0".to_owned(),
        value => value.to_string(),
    }
}

fn with_ends(estimate: &Estimate) -> [String; 3] {
    let (low, high) = estimate.interval.unwrap_or((f64::NAN, f64::NAN));
    [estimate.value, low, high].map(number)
}

fn row(
    (promise, lever, fleet): (&Promise, &str, &str),
    point: &Point,
    formula_change: f64,
    verdict: &str,
) -> Vec<String> {
    let mut row = vec![
        lever.to_owned(),
        fleet.to_owned(),
        point.replicas.to_string(),
        point.gpus.to_string(),
        number(point.gpu_hour_usd),
        number(point.saturated_rate),
    ];
    row.extend(with_ends(&point.price));
    row.extend(with_ends(&point.change.estimate));
    row.extend(with_ends(&point.ttft));
    row.extend(with_ends(&point.ttft_difference));
    row.extend([
        number(point.utilization.value),
        point.keeps_bound().to_string(),
        number(formula_change),
        verdict.to_owned(),
    ]);
    row.extend(with_ends(&point.tpot));
    row.extend(with_ends(&point.unanswered));
    row.push(breaches(promise, &point.breaches));
    row
}

/// The text of `levers.csv`.
pub fn csv(result: &LeversResult) -> String {
    let promise = &result.promise;
    let mut rows = vec![row((promise, "", "same"), &result.today, 0.0, "")];
    rows.extend(result.fewest_today.point().map(|point| row((promise, "", "fewest"), point, 0.0, "")));
    for turned in &result.levers {
        let (name, formula, verdict) = (&turned.lever.name, turned.formula_change, turned.verdict.words());
        rows.push(row((promise, name, "same"), &turned.same, formula, verdict));
        rows.extend(turned.fewest.point().map(|point| row((promise, name, "fewest"), point, formula, verdict)));
    }
    if let Some(together) = &result.together {
        rows.push(row((promise, "together", "same"), &together.same, together.formula_change, ""));
        let fewest = together.fewest.point();
        rows.extend(fewest.map(|point| row((promise, "together", "fewest"), point, together.formula_change, "")));
    }
    let mut table = ::csv::Writer::from_writer(Vec::new());
    table.write_record(HEADER).expect("memory takes what is written to it");
    for row in rows {
        table.write_record(row).expect("rows of one length are written to memory");
    }
    let bytes = table.into_inner().expect("memory takes what is written to it");
    String::from_utf8(bytes).expect("every cell is text")
}
