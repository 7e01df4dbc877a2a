//! `levers.csv`: a row for each lever and fleet. Empty values are empty cells; relative changes are fractions.

use super::broken::breaches;
use crate::report::csv::{Table, cells_of, columns_of, number};
use crate::report::json::word;
use crate::study::levers::{LeversResult, Point, Promise};

fn header() -> Vec<String> {
    const FLEET: [&str; 6] = ["lever", "fleet", "replicas", "gpus", "gpu_hour_usd", "saturated_tokens_per_second"];
    const FIRST: [&str; 5] =
        ["usd_per_million_output_tokens", "price_change", "ttft_p99_s", "ttft_p99_difference_s", "utilization"];
    let mut header = FLEET.map(str::to_owned).to_vec();
    header.extend(FIRST.into_iter().flat_map(columns_of));
    header.extend(["keeps_bound", "formula_change", "saves"].map(str::to_owned));
    header.extend(["tpot_p99_s", "unanswered_difference"].into_iter().flat_map(columns_of));
    header.push("breaks".to_owned());
    header
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
    let first = [&point.price, &point.change.estimate, &point.ttft, &point.ttft_difference, &point.utilization];
    row.extend(first.into_iter().flat_map(|estimate| cells_of(Some(estimate))));
    row.extend([point.keeps_bound().to_string(), number(formula_change), verdict.to_owned()]);
    row.extend([&point.tpot, &point.unanswered].into_iter().flat_map(|estimate| cells_of(Some(estimate))));
    row.push(breaches(promise, &point.breaches));
    row
}

/// The text of `levers.csv`.
pub fn csv(result: &LeversResult) -> String {
    let promise = &result.promise;
    let mut rows = vec![row((promise, "", "same"), &result.today, 0.0, "")];
    rows.extend(result.fewest_today.point().map(|point| row((promise, "", "fewest"), point, 0.0, "")));
    for turned in &result.levers {
        let (name, formula, verdict) = (&turned.lever.name, turned.formula_change, &word(&turned.verdict));
        rows.push(row((promise, name, "same"), &turned.same, formula, verdict));
        rows.extend(turned.fewest.point().map(|point| row((promise, name, "fewest"), point, formula, verdict)));
    }
    if let Some(together) = &result.together {
        rows.push(row((promise, "together", "same"), &together.same, together.formula_change, ""));
        let fewest = together.fewest.point();
        rows.extend(fewest.map(|point| row((promise, "together", "fewest"), point, together.formula_change, "")));
    }
    let mut table = Table::new();
    table.row(header());
    rows.into_iter().for_each(|row| table.row(row));
    table.text()
}
