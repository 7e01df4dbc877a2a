//! Every measurement of a run's analyses: value, threshold, samples, and what it counted as.

use super::{Explained, word};
use crate::report::format::clock;
use crate::report::layout::in_pieces;
use crate::scenario::{Analysis, AnalysisBound, AnalysisMetric};

/// Measurements that are shown at most.
const MOST_SHOWN: usize = 60;

/// A row for each measurement.
pub(super) fn lines(explained: &Explained<'_>, width: usize) -> Vec<String> {
    let rows: Vec<Vec<String>> = (explained.log.events.iter())
        .filter(|event| event.event == "measurement")
        .filter_map(|event| {
            let detail = event.detail.as_str();
            let name = word(detail, "analysis")?;
            let analysis = explained.scenario.analyses.iter().find(|analysis| analysis.name == name)?;
            let cell = |key: &str| word(detail, key).unwrap_or_default().to_owned();
            let value = readable(word(detail, "value").or(word(detail, "shift"))?);
            let exact = word(detail, "exact").map(readable).unwrap_or_default();
            Some(vec![
                clock(event.time.0),
                name.to_owned(),
                value,
                exact,
                threshold(analysis, word(detail, "stable").map(readable)),
                cell("samples"),
                cell("outcome"),
            ])
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let more = rows.len().saturating_sub(MOST_SHOWN);
    let header =
        ["time", "analysis", "value", "exact", "threshold", "samples", "counts as"].map(str::to_owned).to_vec();
    let table: Vec<Vec<String>> = std::iter::once(header).chain(rows.into_iter().skip(more)).collect();
    // The exact value stands beside an estimator's.
    let has_exact = table[1..].iter().any(|row| !row[3].is_empty());
    let without =
        |row: Vec<String>| row.into_iter().enumerate().filter(|(i, _)| *i != 3).map(|(_, cell)| cell).collect();
    let mut lines = match has_exact {
        true => in_pieces(&table, &[0, 2, 3, 5], width),
        false => in_pieces(&table.into_iter().map(without).collect::<Vec<Vec<String>>>(), &[0, 2, 4], width),
    };
    if more > 0 {
        lines.push(format!("{more} earlier ones are in events.csv"));
    }
    lines
}

/// The number without the digits that nobody reads.
fn readable(value: &str) -> String {
    let (number, unit) = match value.strip_suffix('s') {
        Some(number) => (number, " s"),
        None => (value, ""),
    };
    match number.parse::<f64>() {
        Ok(parsed) => format!("{}{unit}", crate::digits::figure(parsed)),
        Err(_) => value.to_owned(),
    }
}

fn threshold(analysis: &Analysis, stable: Option<String>) -> String {
    let is_share = matches!(analysis.metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate);
    match analysis.bound {
        AnalysisBound::Max(max) => format!("<= {max}{}", if is_share { "" } else { " s" }),
        AnalysisBound::MaxShift { tolerance, ratio } => {
            format!("not surely above {tolerance} of the shift, or mean < {ratio} x stable")
        }
        AnalysisBound::MaxRatioToStable(ratio) => {
            let stable = stable.map_or("stable".to_owned(), |stable| format!("{stable} of stable"));
            format!("<= {ratio} x {stable}")
        }
    }
}
