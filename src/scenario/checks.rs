//! `[[check]]`: what must hold, refused where no run, or every run, would obey it.
//!
//! Whether enough runs are asked for to certify a check is the business of the study.

use super::load::read_title;
use super::reader::{FINITE, Field, Section};
use super::tree::{Place, Value};
use super::{Check, Severity, Statistic};

/// Metrics that lie between 0 and 1 in every run.
pub(super) const SHARES: [&str; 3] = ["min_ready_fraction", "rolled_back", "rollout_completed"];
/// Metrics that are a difference, and so may be negative; no other metric can.
pub(super) const DIFFERENCES: [&str; 6] = [
    "gpu_hours_idle",
    "rollout_cost_usd",
    "waterfall_drain_usd",
    "waterfall_idle_usd",
    "waterfall_surge_usd",
    "waterfall_wasted_usd",
];

/// What the checks of a scenario are read against.
pub(super) struct Judged<'s> {
    /// The names that a check may use.
    pub metrics: &'s [&'s str],
    /// The line of a place in the file, 0 elsewhere.
    pub line_of: &'s dyn Fn(&Place) -> usize,
    /// Whether there is a `[slo]`.
    pub has_slo: bool,
}

/// Reads `[[check]]`.
pub(super) fn read(field: &Field<'_>, judged: &Judged<'_>) -> Vec<Check> {
    let elements = field.list("a list of tables: [[check]]").unwrap_or_default();
    let read = |element: &Field<'_>| {
        let line = (judged.line_of)(&element.node.place);
        element.table()?.read_whole(|table| check(table, judged, line))
    };
    elements.iter().filter_map(read).collect()
}

fn check(table: &Section<'_>, judged: &Judged<'_>, line: usize) -> Option<Check> {
    let metric = table.required("metric", "a metric of one run, such as \"truncated_attempts\"");
    let metric = metric.and_then(|field| read_metric(&field, judged));
    let statistics = Statistic::ALL.map(|(statistic, name)| (name, statistic));
    let statistic = table.required("statistic", "a statistic over runs, such as \"p95\"");
    let statistic = statistic.and_then(|field| field.choice(&statistics, &[]));
    let (least, greatest) = (table.field("min"), table.field("max"));
    if least.is_none() && greatest.is_none() {
        table.required("max", "`min`, `max` or both: what the statistic must obey");
    }
    let bound = |field: &Option<Field<'_>>| field.as_ref().and_then(|field| read_bound(field, metric, statistic));
    let (min, max) = (bound(&least), bound(&greatest));
    if let (Some(low), Some(high), Some(field)) = (min, max, &greatest)
        && low > high
    {
        field.wrong_because::<()>(
            format!("expected `max` to be no less than `min`, which is {low}, found {high}"),
            None,
        );
    }
    let severities = Severity::ALL.map(|(severity, name)| (name, severity));
    let severity = table.choice("severity", &severities, &[], Severity::Fail);
    let description = table.field("description").and_then(|field| read_title(&field, "a sentence, as text"));
    Some(Check { metric: metric?.to_owned(), statistic: statistic?, min, max, severity, description, line })
}

/// A metric that this scenario gives a value.
fn read_metric<'m>(field: &Field<'_>, judged: &Judged<'m>) -> Option<&'m str> {
    let known = match &field.node.value {
        Value::Text(name) => judged.metrics.iter().find(|metric| *metric == name),
        _ => None,
    };
    let Some(metric) = known else { return field.unknown_word(judged.metrics) };
    if *metric == "slo_violation_seconds" && !judged.has_slo {
        let expected = format!("expected a table [slo]: without an objective, `{metric}` has no value");
        return field.wrong_because(expected, Some("add [slo] with `ttft`, such as \"2s\"".to_owned()));
    }
    Some(metric)
}

/// A bound that the statistic could both obey and break, as far as the names tell.
fn read_bound(field: &Field<'_>, metric: Option<&str>, statistic: Option<Statistic>) -> Option<f64> {
    let bound = field.real(&FINITE)?;
    let outside = |why: String| field.wrong_because(format!("{why}, found {bound}"), None);
    let is_no_share = !(0.0..=1.0).contains(&bound);
    match metric {
        _ if statistic == Some(Statistic::ProbabilityPositive) && is_no_share => {
            outside("expected a number from 0 to 1: `probability_positive` is a share of the runs".to_owned())
        }
        Some(metric) if SHARES.contains(&metric) && is_no_share => {
            outside(format!("expected a number from 0 to 1: in every run, `{metric}` is"))
        }
        Some(metric) if bound < 0.0 && !DIFFERENCES.contains(&metric) => {
            outside(format!("expected a number from 0: `{metric}` is never negative"))
        }
        _ => Some(bound),
    }
}
