//! `[analysis.NAME]` templates and the lists that name them.

use super::codes::Code;
use super::reader::{Field, POSITIVE, PROBABILITY, QUANTILE, Section};
use super::tree::Value;
use super::{Analysis, AnalysisBound, AnalysisMetric, Estimator, NoData};
use crate::units::Duration;

/// Most measurements, limits and samples that a template may ask for.
const MOST: u64 = 1_000_000_000;
/// The same as TOML has its numbers.
const MOST_SIGNED: i128 = MOST as i128;
/// Shortest time between measurements: each is an event of its own.
const SHORTEST_INTERVAL: Duration = Duration(100_000_000);

/// Time between scrapes of the usual configuration.
const SCRAPE_INTERVAL: Duration = Duration::from_seconds(15);
/// Shortest time between scrapes.
const SHORTEST_SCRAPE_INTERVAL: Duration = Duration(100_000_000);

/// Kayenta's defaults: two-sided confidence, share of the shift, and time of a point.
const CONFIDENCE: f64 = 0.98;
const TOLERANCE: f64 = 0.25;
const STEP: Duration = Duration::from_seconds(60);
/// Most points of a version: each is compared with each.
const MOST_POINTS: u64 = 1000;

/// Reads `[analysis]`: a table for each name.
pub(super) fn templates(section: &Section<'_>) -> Vec<Analysis> {
    let fields = section.all_fields();
    let analyses: Vec<Analysis> = fields
        .into_iter()
        .map(|(name, field)| match field.table() {
            Some(table) => table.read_whole(|table| template(name, table)),
            None => placeholder(name),
        })
        .collect();
    check_scrapes_agree(section, &analyses);
    analyses
}

/// There is one Prometheus, and it scrapes a replica for all analyses at once.
fn check_scrapes_agree(section: &Section<'_>, analyses: &[Analysis]) {
    let scraped = |analysis: &Analysis| match analysis.estimator {
        Estimator::Prometheus { scrape_interval } => Some((analysis.name.clone(), scrape_interval)),
        Estimator::Exact | Estimator::MannWhitney { .. } => None,
    };
    let mut intervals = analyses.iter().filter_map(scraped);
    let Some((first, interval)) = intervals.next() else { return };
    for (name, other) in intervals.filter(|(_, other)| *other != interval) {
        let key = section.path_of(&format!("{name}.scrape_interval"));
        let expected =
            format!("expected {interval} as in [analysis.{first}], found {other}: one server scrapes for all");
        section.context.conflict(
            Code::SCRAPE_INTERVALS,
            &key,
            format!("`{key}` differs from another analysis'"),
            expected,
            None,
        );
        section.context.beside(&section.path_of(&format!("{first}.scrape_interval")), "another interval");
    }
}

/// Holds the place of a template that cannot be read, so that the others keep their indices and its name is known.
fn placeholder(name: &str) -> Analysis {
    Analysis { name: name.to_owned(), count: Some(1), ..Analysis::default() }
}

fn template(name: &str, table: &Section<'_>) -> Analysis {
    const NO_DATA: [(&str, NoData); 3] =
        [("success", NoData::Success), ("error", NoData::Error), ("inconclusive", NoData::Inconclusive)];
    let metric = read_metric(table);
    let interval = read_interval(table).unwrap_or(Duration::from_seconds(60));
    let window = table.positive_duration("window", interval);
    let name_of_estimator = read_estimator_name(table);
    let min_samples = table.whole("min_samples", 0..=MOST, 0);
    let unread = placeholder(name);
    let (bound, fail_above) = match name_of_estimator {
        EstimatorName::MannWhitney => (Some(read_shift_bound(table)), None),
        _ => read_bounds(table, metric),
    };
    let analysis = Analysis {
        name: unread.name,
        metric: metric.unwrap_or(unread.metric),
        quantile: read_quantile(table, metric),
        bound: bound.unwrap_or(unread.bound),
        fail_above,
        interval,
        count: table.optional_whole("count", 1..=MOST),
        failure_limit: read_failure_limit(table),
        inconclusive_limit: table.whole("inconclusive_limit", 0..=MOST, 0),
        consecutive_error_limit: table.whole("consecutive_error_limit", 0..=MOST, 4),
        consecutive_success_limit: table.whole("consecutive_success_limit", 0..=MOST, 0),
        dry_run: table.boolean("dry_run", false),
        initial_delay: table.duration("initial_delay", Duration::ZERO),
        window,
        min_samples,
        no_data: table.choice("no_data", &NO_DATA, &[], NoData::Success),
        estimator: match name_of_estimator {
            EstimatorName::Exact => Estimator::Exact,
            EstimatorName::Prometheus => read_prometheus(table, metric, window),
            EstimatorName::MannWhitney => read_mann_whitney(table, window, min_samples),
        },
    };
    check_limits(table, &analysis);
    analysis
}

/// `failure_limit`; -1: none.
fn read_failure_limit(table: &Section<'_>) -> Option<u32> {
    let Some(field) = table.field("failure_limit") else { return Some(0) };
    match field.node.value {
        Value::Whole(-1) => None,
        Value::Whole(limit @ 0..=MOST_SIGNED) => Some(limit as u32),
        _ => field.wrong(Code::WRONG_VALUE, format_args!("a whole number from 0 to {MOST}, or -1 for no limit")),
    }
}

/// What Argo Rollouts refuses of a metric's limits (`utils/analysis/factory.go`, `ValidateMetric`).
fn check_limits(table: &Section<'_>, analysis: &Analysis) {
    let key = |name: &str| table.path_of(name);
    let keys = ["failure_limit", "inconclusive_limit", "consecutive_success_limit", "count"].map(key);
    if !table.context.are_sound(&keys.each_ref().map(String::as_str)) {
        return;
    }
    let [failure_key, inconclusive_key, _, count_key] = keys;
    let successes = analysis.consecutive_success_limit;
    if analysis.failure_limit.is_none() && successes == 0 {
        let message = format!("`{}` could never fail", table.path);
        let expected = "expected a `failure_limit`, or a `consecutive_success_limit` above zero";
        table.context.conflict(Code::ANALYSIS_LIMITS, &failure_key, message, expected, None);
    }
    let Some(count) = analysis.count else { return };
    let needed = u64::from(analysis.failure_limit.unwrap_or(0)) + u64::from(successes);
    if u64::from(count) < needed {
        let message = format!("`{count_key}` is too small for the limits");
        let expected =
            format!("expected at least `failure_limit` + `consecutive_success_limit` = {needed}, found {count}");
        table.context.conflict(Code::ANALYSIS_LIMITS, &count_key, message, expected, None);
        table.context.beside(&failure_key, "these count too");
    } else if count < analysis.inconclusive_limit {
        let message = format!("`{inconclusive_key}` could never be exceeded");
        let expected = format!("expected at most `count`, which is {count}, found {}", analysis.inconclusive_limit);
        table.context.conflict(Code::ANALYSIS_LIMITS, &inconclusive_key, message, expected, None);
        table.context.beside(&count_key, "as many are measured");
    }
}

/// The estimators by name.
#[derive(Clone, Copy, PartialEq)]
enum EstimatorName {
    Exact,
    Prometheus,
    MannWhitney,
}

const ESTIMATORS: [(&str, EstimatorName); 3] = [
    ("exact", EstimatorName::Exact),
    ("prometheus", EstimatorName::Prometheus),
    ("mann_whitney", EstimatorName::MannWhitney),
];

/// Which estimator, and no key of another one.
fn read_estimator_name(table: &Section<'_>) -> EstimatorName {
    let field = table.field("estimator");
    let Some(name) = field.map_or(Some(EstimatorName::Exact), |field| field.choice(&ESTIMATORS, &[])) else {
        // What was meant is not known, nor which keys belong to it.
        for key in ["scrape_interval", "tolerance", "confidence", "step"] {
            table.field(key);
        }
        return EstimatorName::Exact;
    };
    let of_others = [
        ("scrape_interval", EstimatorName::Prometheus, "prometheus"),
        ("tolerance", EstimatorName::MannWhitney, "mann_whitney"),
        ("confidence", EstimatorName::MannWhitney, "mann_whitney"),
        ("step", EstimatorName::MannWhitney, "mann_whitney"),
    ];
    for (key, _, word) in of_others.into_iter().filter(|(_, owner, _)| *owner != name) {
        if let Some(field) = table.field(key) {
            field.wrong_because::<()>(
                Code::ANALYSIS_METRIC,
                format!("expected `estimator = \"{word}\"` with it: no other one has it"),
                None,
            );
        }
    }
    name
}

fn read_prometheus(table: &Section<'_>, metric: Option<AnalysisMetric>, window: Duration) -> Estimator {
    if let (Some(AnalysisMetric::TruncationRate), Some(field)) = (metric, table.field("estimator")) {
        let expected = "expected \"exact\": vLLM has no metric of answers that were cut, so Prometheus cannot see them";
        field.wrong_because::<()>(Code::ANALYSIS_METRIC, expected.to_owned(), None);
    }
    let scrapes = table.field("scrape_interval");
    let scrape_interval = scrapes.and_then(|field| read_scrape_interval(&field)).unwrap_or(SCRAPE_INTERVAL);
    let key = table.path_of("window");
    if window < scrape_interval + scrape_interval && table.context.are_sound(&[&key]) {
        let expected = format!("expected at least two scrapes of {scrape_interval} in a window, found {window}");
        let help = Some("a rate needs two samples; four scrapes are usual".to_owned());
        table.context.conflict(Code::ANALYSIS_WINDOW, &key, format!("`{key}` is too short for a rate"), expected, help);
        table.context.beside(&table.path_of("scrape_interval"), "from one scrape to the next");
    }
    Estimator::Prometheus { scrape_interval }
}

fn read_mann_whitney(table: &Section<'_>, window: Duration, min_samples: u64) -> Estimator {
    let step = table.positive_duration("step", STEP);
    let points = window.0 / step.0;
    let key = table.path_of("window");
    let least = min_samples.max(2);
    if !(least..=MOST_POINTS).contains(&points) && table.context.are_sound(&[&key, &table.path_of("step")]) {
        let expected = format!(
            "expected {least} to {MOST_POINTS} points in a window of {window}, found {points}: one for each step of {step}"
        );
        table.context.conflict(Code::ANALYSIS_WINDOW, &key, format!("`{key}` and the step do not fit"), expected, None);
        table.context.beside(&table.path_of("step"), "a point for each");
    }
    Estimator::MannWhitney { confidence: table.real("confidence", &QUANTILE, CONFIDENCE), step }
}

/// What `mann_whitney` fails on: it compares with stable, whatever the value.
fn read_shift_bound(table: &Section<'_>) -> AnalysisBound {
    if let Some(max) = table.field("max") {
        let expected = "expected no `max` with `estimator = \"mann_whitney\"`: it compares with stable";
        let help = Some("`max_ratio_to_stable` bounds the ratio of the means".to_owned());
        max.wrong_because::<()>(Code::ANALYSIS_METRIC, expected.to_owned(), help);
    }
    for key in ["fail_above", "fail_above_ratio_to_stable"] {
        if let Some(field) = table.field(key) {
            let expected = "expected no second bound with `estimator = \"mann_whitney\"`: it passes or fails";
            field.wrong_because::<()>(Code::ANALYSIS_BOUNDS, expected.to_owned(), None);
        }
    }
    AnalysisBound::MaxShift {
        tolerance: table.real("tolerance", &PROBABILITY, TOLERANCE),
        ratio: table.real("max_ratio_to_stable", &POSITIVE, 1.0),
    }
}

fn read_scrape_interval(field: &Field<'_>) -> Option<Duration> {
    match field.duration()? {
        interval if interval < SHORTEST_SCRAPE_INTERVAL => {
            field.wrong(Code::WRONG_VALUE, format_args!("a duration of at least {SHORTEST_SCRAPE_INTERVAL}"))
        }
        interval => Some(interval),
    }
}

fn read_metric(table: &Section<'_>) -> Option<AnalysisMetric> {
    const METRICS: [(&str, AnalysisMetric); 6] = [
        ("ttft", AnalysisMetric::Ttft),
        ("tpot", AnalysisMetric::Tpot),
        ("e2e", AnalysisMetric::EndToEnd),
        ("error_rate", AnalysisMetric::ErrorRate),
        ("truncation_rate", AnalysisMetric::TruncationRate),
        ("queue_time", AnalysisMetric::QueueTime),
    ];
    table.required("metric", "what is measured, such as \"ttft\"")?.choice(&METRICS, &[])
}

fn read_interval(table: &Section<'_>) -> Option<Duration> {
    let field = table.field("interval")?;
    match field.duration()? {
        interval if interval < SHORTEST_INTERVAL => {
            field.wrong(Code::WRONG_VALUE, format_args!("a duration of at least {SHORTEST_INTERVAL}"))
        }
        interval => Some(interval),
    }
}

fn is_rate(metric: AnalysisMetric) -> bool {
    matches!(metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate)
}

fn read_quantile(table: &Section<'_>, metric: Option<AnalysisMetric>) -> f64 {
    let Some(field) = table.field("quantile") else { return 0.99 };
    if metric.is_some_and(is_rate) {
        let help = Some("remove it".to_owned());
        field.wrong_because::<()>(Code::ANALYSIS_METRIC, "a rate has no quantile; latencies have".to_owned(), help);
    }
    field.real(&QUANTILE).unwrap_or(0.99)
}

/// The bound and what fails beyond it: `max` and `fail_above` (durations for latencies, shares for rates), or
/// `max_ratio_to_stable` and `fail_above_ratio_to_stable`.
fn read_bounds(table: &Section<'_>, metric: Option<AnalysisMetric>) -> (Option<AnalysisBound>, Option<f64>) {
    let (max, ratio) = (table.field("max"), table.field("max_ratio_to_stable"));
    let (fail, fail_ratio) = (table.field("fail_above"), table.field("fail_above_ratio_to_stable"));
    match (max, ratio) {
        (Some(max), None) => {
            refuse_other_bound(fail_ratio.as_ref(), "fail_above");
            let read = |field: &Field<'_>| read_value(field, metric);
            let bound = read(&max);
            (bound.map(AnalysisBound::Max), read_fail_above(fail, read, bound))
        }
        (None, Some(ratio)) => {
            refuse_other_bound(fail.as_ref(), "fail_above_ratio_to_stable");
            let read = |field: &Field<'_>| field.real(&POSITIVE);
            let bound = read(&ratio);
            (bound.map(AnalysisBound::MaxRatioToStable), read_fail_above(fail_ratio, read, bound))
        }
        (Some(_), Some(ratio)) => {
            ratio.wrong_because::<()>(
                Code::EXCLUSIVE_KEYS,
                "expected only one of `max` and `max_ratio_to_stable`".to_owned(),
                None,
            );
            (None, None)
        }
        (None, None) => {
            table.required("max", "`max` or `max_ratio_to_stable`: what a measurement must not exceed");
            (None, None)
        }
    }
}

/// A value of the metric: seconds of a duration, or a share. Without a metric, nobody knows what it should look like.
fn read_value(field: &Field<'_>, metric: Option<AnalysisMetric>) -> Option<f64> {
    if is_rate(metric?) { field.real(&PROBABILITY) } else { field.duration().map(|value| value.seconds()) }
}

/// What fails beyond it, which lies at or above the bound.
fn read_fail_above(
    field: Option<Field<'_>>,
    read: impl Fn(&Field<'_>) -> Option<f64>,
    bound: Option<f64>,
) -> Option<f64> {
    let field = field?;
    let value = read(&field)?;
    if bound.is_some_and(|bound| value < bound) {
        let found = field.found();
        let expected = format!("expected at least the bound up to which a measurement succeeds, found {found}");
        return field.wrong_because(Code::ANALYSIS_BOUNDS, expected, None);
    }
    Some(value)
}

fn refuse_other_bound(field: Option<&Field<'_>>, key: &str) {
    if let Some(field) = field {
        let expected = format!("expected `{key}` here: both bounds are values, or both are ratios to stable's");
        field.wrong_because::<()>(Code::ANALYSIS_BOUNDS, expected, None);
    }
}

/// How an analysis is used, which decides whether it must end by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Beside the steps, until they are done.
    Background,
    /// As a step or around a promotion, which waits for its verdict.
    Awaited,
}

/// A list of names of templates, as indices.
pub(super) fn names(field: &Field<'_>, analyses: &[Analysis], usage: Use) -> Vec<usize> {
    const EXPECTED: &str = "a list of names of [analysis] tables, such as [\"ttft\"]";
    let known: Vec<&str> = analyses.iter().map(|analysis| analysis.name.as_str()).collect();
    let mut indices = Vec::new();
    for element in field.list(EXPECTED).unwrap_or_default() {
        let Value::Text(name) = &element.node.value else {
            element.wrong::<()>(Code::WRONG_TYPE, "the name of an [analysis] table");
            continue;
        };
        match known.iter().position(|candidate| candidate == name) {
            Some(index) => {
                if usage == Use::Awaited {
                    check_ends(&element, &analyses[index]);
                }
                indices.push(index);
            }
            None if known.is_empty() => {
                let expected = format!("there is no table [analysis.{name}]");
                element.wrong_because::<()>(Code::UNKNOWN_ANALYSIS, expected, None);
            }
            None => {
                element.unknown_word::<()>(Code::UNKNOWN_ANALYSIS, &known);
            }
        }
    }
    indices
}

/// An analysis with an interval and no count goes on for ever, and so would whoever waits for its verdict.
fn check_ends(element: &Field<'_>, analysis: &Analysis) {
    let key = format!("analysis.{}", analysis.name);
    let count = format!("{key}.count");
    // Successes in a row, or too many failures, end it too.
    let may_end = analysis.count.is_some() || analysis.consecutive_success_limit > 0;
    if !may_end && element.context.are_sound(&[&count]) {
        let message = format!("`{}` waits for an analysis that never ends", element.path);
        let expected = format!("expected `count` in [{key}]: without it, measuring goes on for ever");
        let help = Some(format!("set `{count}`, such as 5"));
        element.context.problem(Code::ENDLESS_ANALYSIS, &element.node.place, &element.path, message, expected, help);
    }
}
