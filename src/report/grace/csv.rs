//! `grace.csv`: a row for each grace period. Empty values are empty cells; seconds and US dollars.

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
    let ends = ESTIMATES.iter().map(|name| format!("{name},{name}_low,{name}_high"));
    let mut text =
        format!("grace_s,sigkill_after_s,{},upper_bound,standing\n", ends.collect::<Vec<String>>().join(","));
    for period in &answer.periods {
        let mut cells = vec![number(period.grace.seconds()), number(period.kill_after.seconds())];
        cells.extend(estimates(period).iter().flat_map(|estimate| three(estimate.as_ref())));
        cells.push(number(period.upper_bound));
        cells.push(period.standing.words().to_owned());
        text.push_str(&format!("{}\n", cells.join(",")));
    }
    text
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

fn three(estimate: Option<&Estimate>) -> [String; 3] {
    let end = |of: fn((f64, f64)) -> f64| {
        estimate.and_then(|estimate| estimate.interval).map(of).map_or(String::new(), number)
    };
    [estimate.map_or(String::new(), |estimate| number(estimate.value)), end(|ends| ends.0), end(|ends| ends.1)]
}

/// The shortest text that reads back as the same number; empty for NaN, zero without a sign.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => String::new(),
        0.0 => "0".to_owned(),
        value => value.to_string(),
    }
}
