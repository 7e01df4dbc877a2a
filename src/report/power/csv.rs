//! `power.csv`: a row for each canary, regression and size. Empty values are empty cells.

use crate::report::csv::{Table, cells_of, columns_of};
use crate::study::power::{CanaryPower, Power, Regression, Size};

/// The table.
pub fn csv(power: &Power) -> String {
    let mut table = Table::new();
    table.row(header(power));
    for canary in &power.canaries {
        for regression in &power.regressions {
            regression.sizes.iter().for_each(|size| table.row(row(power, canary, regression, size)));
        }
    }
    table.text()
}

fn header(power: &Power) -> Vec<String> {
    let mut header = ["canary", "regression", "size", "runs"].map(str::to_owned).to_vec();
    let mut add = |name: &str| header.extend(columns_of(name));
    ["caught", "completed", "undecided"].into_iter().for_each(&mut add);
    ["detected_p50_s", "detected_p95_s", "exposed_requests_p50", "exposed_requests_p95", "without_data"]
        .into_iter()
        .for_each(&mut add);
    power.stages.iter().for_each(|stage| add(&format!("caught_by_{}", stage.weight)));
    power.measures.iter().for_each(|measure| add(&format!("effect_{}", measure.name().replace(' ', "_"))));
    header
}

fn row(power: &Power, canary: &CanaryPower, regression: &Regression, size: &Size) -> Vec<String> {
    let outcomes = &canary.outcomes[size.version];
    let mut row = vec![canary.name.clone(), regression.kind.name(), size.written.clone(), outcomes.runs.to_string()];
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
    let effects = |measure: usize| power.effects.get(size.version).map(|effects| &effects[measure]);
    let effects = (0..power.measures.len()).map(effects);
    let all = estimates.into_iter().chain(&outcomes.caught_by).map(Some).chain(effects);
    row.extend(all.flat_map(cells_of));
    row
}
