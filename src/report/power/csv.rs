//! `power.csv`: a row for each canary, regression and size. Empty values are empty cells.

use crate::study::Estimate;
use crate::study::power::{CanaryPower, Power, Regression, Size};

/// A number as the shortest text that reads back as the same; empty for NaN.
fn number(value: f64) -> String {
    if value.is_nan() { String::new() } else { value.to_string() }
}

fn cells(estimate: &Estimate) -> [String; 3] {
    let end = |end: Option<f64>| end.map_or_else(String::new, number);
    let (low, high) = estimate.interval.unzip();
    [number(estimate.value), end(low), end(high)]
}

/// The columns of an estimate.
fn columns(name: &str) -> [String; 3] {
    [name.to_owned(), format!("{name}_low"), format!("{name}_high")]
}

/// The table.
pub fn csv(power: &Power) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let mut add = |row: Vec<String>| writer.write_record(row).expect("rows of one length are written to memory");
    add(header(power));
    for canary in &power.canaries {
        for regression in &power.regressions {
            regression.sizes.iter().for_each(|size| add(row(power, canary, regression, size)));
        }
    }
    let bytes = writer.into_inner().expect("memory takes what is written to it");
    String::from_utf8(bytes).expect("every cell is text")
}

fn header(power: &Power) -> Vec<String> {
    let mut header = ["canary", "regression", "size", "runs"].map(str::to_owned).to_vec();
    let mut add = |name: &str| header.extend(columns(name));
    ["caught", "completed", "undecided"].into_iter().for_each(&mut add);
    ["detected_p50_s", "detected_p95_s", "exposed_p50", "exposed_p95", "without_data"].into_iter().for_each(&mut add);
    power.stages.iter().for_each(|stage| add(&format!("caught_by_{}", stage.weight)));
    power.measures.iter().for_each(|measure| add(&format!("effect_{}", measure.name().replace(' ', "_"))));
    header
}

fn row(power: &Power, canary: &CanaryPower, regression: &Regression, size: &Size) -> Vec<String> {
    let outcomes = &canary.outcomes[size.version];
    let mut row = vec![canary.name.clone(), regression.kind.name(), size.written.clone(), outcomes.runs.to_string()];
    let none = Estimate { value: f64::NAN, interval: None };
    let estimates = [
        &outcomes.caught,
        &outcomes.promoted,
        &outcomes.undecided,
        &outcomes.detected_p50,
        &outcomes.detected_p95,
        &outcomes.exposed_p50,
        &outcomes.exposed_p95,
        &outcomes.without_data,
    ];
    let effects = |measure: usize| power.effects.get(size.version).map_or(&none, |effects| &effects[measure]);
    let effects = (0..power.measures.len()).map(effects);
    let all = estimates.into_iter().chain(&outcomes.caught_by).chain(effects);
    row.extend(all.flat_map(cells));
    row
}
