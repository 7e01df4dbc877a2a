//! `grace.csv`: a row for each grace period. Empty values are empty cells; seconds and US dollars.

use crate::report::csv::{Table, cells_of, columns_of, number};
use crate::report::json::word;
use crate::study::Estimate;
use crate::study::grace::{GraceAnswer, Period};

/// Estimates, each a column with its value and two with the ends of its interval.
const ESTIMATES: [&str; 8] = [
    "truncated",
    "probability",
    "dropped",
    "counted_truncated",
    "counted_any",
    "variance_ratio",
    "duration_difference_s",
    "cost_difference_usd",
];

/// The table.
pub fn csv(answer: &GraceAnswer) -> String {
    let mut table = Table::new();
    let mut header = ["grace_s", "sigkill_after_s"].map(str::to_owned).to_vec();
    header.extend(ESTIMATES.into_iter().flat_map(columns_of));
    header.extend(["upper_bound", "standing"].map(str::to_owned));
    table.row(header);
    for period in &answer.periods {
        let mut cells = vec![number(period.grace.seconds()), number(period.kill_after.seconds())];
        cells.extend(estimates(period).iter().flat_map(|estimate| cells_of(estimate.as_ref())));
        cells.extend([number(period.upper_bound), word(&period.standing)]);
        table.row(cells);
    }
    table.text()
}

/// Those of [`ESTIMATES`], in their order.
fn estimates(period: &Period) -> [Option<Estimate>; 8] {
    let (counted, cost) = (period.counted.as_ref(), period.cost.as_ref());
    [
        Some(period.truncated),
        Some(period.probability),
        Some(period.dropped),
        counted.map(|counted| counted.truncated),
        counted.map(|counted| counted.any),
        counted.and_then(|counted| counted.variance_ratio),
        cost.map(|cost| cost.duration.difference),
        cost.map(|cost| cost.bill.difference),
    ]
}
