//! `[[check]]`: what must hold, refused where no run, or every run, would obey it.
//!
//! Whether enough runs are asked for to certify a check is the business of the study.

use super::codes::Code;
use super::problems::nearest;
use super::reader::{FINITE, Field, Section};
use super::title;
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
        table.required_or(Code::CHECK_WITHOUT_BOUND, "max", "`min`, `max` or both: what the statistic must obey");
    }
    let bound = |field: &Option<Field<'_>>| field.as_ref().and_then(|field| read_bound(field, metric, statistic));
    let (min, max) = (bound(&least), bound(&greatest));
    if let (Some(low), Some(high), Some(field)) = (min, max, &greatest)
        && low > high
    {
        field.wrong_because::<()>(
            Code::IMPOSSIBLE_BOUND,
            format!("expected `max` to be no less than `min`, which is {low}, found {high}"),
            None,
        );
        table.context.beside(&table.path_of("min"), "the least");
    }
    let severities = Severity::ALL.map(|(severity, name)| (name, severity));
    let severity = table.choice("severity", &severities, &[], Severity::Fail);
    let description = table.field("description").and_then(|field| title::read(&field, "a sentence, as text"));
    Some(Check { metric: metric?.to_owned(), statistic: statistic?, min, max, severity, description, line })
}

/// A metric that this scenario gives a value.
fn read_metric<'m>(field: &Field<'_>, judged: &Judged<'m>) -> Option<&'m str> {
    let known = match &field.node.value {
        Value::Text(name) => judged.metrics.iter().find(|metric| *metric == name),
        _ => None,
    };
    let Some(metric) = known else { return unknown_metric(field, judged.metrics) };
    if *metric == "slo_violation_seconds" && !judged.has_slo {
        let expected = format!("expected a table [slo]: without an objective, `{metric}` has no value");
        return field.wrong_because(
            Code::NEEDS_SLO,
            expected,
            Some("add [slo] with `ttft`, such as \"2s\"".to_owned()),
        );
    }
    Some(metric)
}

/// What people call metrics in other tools, and what is meant here where the words themselves do not lead there.
const OTHER_NAMES: [(&str, &str); 8] = [
    ("truncated", "truncated_attempts"),
    ("truncation_rate", "truncated_attempts"),
    ("truncations", "truncated_attempts"),
    ("error_rate", "failed_requests"),
    ("errors", "failed_requests"),
    ("latency", "ttft_p99_s"),
    ("price", "usd_per_million_output_tokens"),
    ("availability", "min_ready_fraction"),
];

/// Notes a name that is no metric's, with the one that was likely meant.
pub(super) fn unknown_metric<T>(field: &Field<'_>, known: &[&str]) -> Option<T> {
    let help = match &field.node.value {
        Value::Text(name) => metric_meant(name, known).map(|metric| format!("did you mean `{metric}`?")),
        _ => None,
    };
    field.unknown_name(Code::UNKNOWN_METRIC, known, help)
}

/// The metric that a name likely stands for: one of its other names, the one whose words hold all words of it and the
/// fewest besides (`p99_ttft`, `cost`), else the nearest in spelling.
fn metric_meant<'m>(name: &str, known: &[&'m str]) -> Option<&'m str> {
    let name = name.to_lowercase().replace(['-', '.', ' '], "_");
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|(_, metric)| *metric);
    if let Some(metric) = known.iter().find(|metric| Some(**metric) == other) {
        return Some(metric);
    }
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let is_word =
        |word: &str, of: &str| of == word || (word.len() >= 4 && (of.starts_with(word) || word.starts_with(of)));
    let holds = |metric: &&&str| words.iter().all(|word| metric.split('_').any(|of| is_word(word, of)));
    let fewest = known.iter().filter(holds).min_by_key(|metric| metric.split('_').count());
    fewest.filter(|_| !words.is_empty()).copied().or_else(|| nearest(&name, known))
}

/// A bound that the statistic could both obey and break, as far as the names tell.
fn read_bound(field: &Field<'_>, metric: Option<&str>, statistic: Option<Statistic>) -> Option<f64> {
    let bound = field.real(&FINITE)?;
    let outside = |why: String| field.wrong_because(Code::IMPOSSIBLE_BOUND, format!("{why}, found {bound}"), None);
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
