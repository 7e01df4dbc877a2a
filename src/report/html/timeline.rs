//! The page's chart over time: replicas by version and state, latency, traffic by version, cut responses and errors.

use serde::Serialize;

use super::figures::{Figure, json};
use super::numbers::{Short, short};
use crate::ledger::{Metric, Series};
use crate::report::charts::{Bar, TimeView, bars};
use crate::report::format::{Quantity, counted_estimate, estimate, value};
use crate::scenario::Strategy;
use crate::study::StudyResult;

/// Points of a curve: enough to zoom into a minute.
const MOST_POINTS: usize = 540;
/// Rows of the table.
const MOST_ROWS: usize = 60;

/// Bands from below: name, series that are added up, which colour.
const BANDS: [(&str, &[Series], &str); 6] = [
    ("stable, ready", &[Series::ReadyStable], "stable"),
    ("new, ready", &[Series::ReadyNew], "new"),
    ("new, starting", &[Series::StartingNew], "new-tint"),
    ("stable, starting", &[Series::StartingStable], "stable-tint"),
    ("draining, holds GPUs", &[Series::DrainingStable, Series::DrainingNew], "costly"),
    ("pending, waits for GPUs", &[Series::PendingStable, Series::PendingNew], "pending"),
];

#[derive(Serialize)]
struct Band {
    name: &'static str,
    color: &'static str,
    values: Vec<Short>,
}

#[derive(Serialize)]
struct Spread {
    mean: Vec<Short>,
    low: Vec<Short>,
    high: Vec<Short>,
}

#[derive(Serialize)]
struct Latency {
    p50: Vec<Short>,
    p99: Vec<Short>,
    low: Vec<Short>,
    high: Vec<Short>,
    slo: Option<(Short, String)>,
}

#[derive(Serialize)]
struct Bars {
    name: &'static str,
    color: &'static str,
    /// From, to (minutes), mean a minute, ends of its interval.
    bars: Vec<[Short; 5]>,
}

#[derive(Serialize)]
struct Data {
    /// Minutes at which points begin; the last ends.
    edges: Vec<Short>,
    bands: Vec<Band>,
    least_ready: Spread,
    needed: Short,
    limit: Option<Short>,
    latency: Latency,
    traffic: Spread,
    traffic_new: Vec<Short>,
    harm: Vec<Bars>,
    /// What is marked: minutes, and its name.
    marks: Vec<(Short, String)>,
    runs: usize,
}

/// The chart; `None` without a timeline.
pub fn figure(result: &StudyResult) -> Option<Figure> {
    let view = TimeView::at_most(MOST_POINTS, result)?;
    let fleet = &result.scenario.fleet;
    let data = Data {
        edges: short(&view.edges),
        bands: bands(&view),
        least_ready: spread(&view, Series::LeastReady),
        needed: Short(fleet.needed_replicas),
        limit: fleet.gpu_limit.map(|gpus| Short(f64::from(gpus) / f64::from(fleet.gpus_per_replica.max(1)))),
        latency: latency(&view),
        traffic: spread(&view, Series::RequestsPerSecond),
        traffic_new: short(&new_version_rate(&view)),
        harm: [("cut", "alert", Series::Truncated), ("errors", "costly-ink", Series::Errors)]
            .map(|(name, color, series)| harm(&view, name, color, series))
            .into(),
        marks: marks(result),
        runs: result.records.len(),
    };
    Some(Figure {
        id: "timeline",
        title: "What happens to replicas, latency and answers, minute by minute?",
        finding: finding(result),
        reading: match result.records.len() {
            1 => {
                "One run, as it went: it has no intervals. P50 and P99 of TTFT are of the requests that arrive at that time."
            }
            _ => {
                "Areas, bars and solid lines are means over runs; pale bands hold 90 % of runs, whiskers are 95 % \
                 intervals of means. P50 and P99 of TTFT are over all runs' requests together. The end is the median over \
                 runs."
            }
        },
        data: json(&data),
        table: table(result),
    })
}

fn bands(view: &TimeView<'_>) -> Vec<Band> {
    let band = |(name, series, color): (&'static str, &[Series], &'static str)| {
        let mut sum = vec![0.0; view.len()];
        for one in series {
            for (sum, value) in sum.iter_mut().zip(view.mean(*one)) {
                *sum += if value.is_finite() { value } else { 0.0 };
            }
        }
        Band { name, color, values: short(&sum) }
    };
    let occurs = |band: &Band| band.values.iter().any(|value| value.0 > 0.0);
    BANDS.into_iter().map(band).filter(occurs).collect()
}

/// Mean and, of several runs, the quantiles between which 90 % of them lie.
fn spread(view: &TimeView<'_>, series: Series) -> Spread {
    let several = view.result.records.len() > 1;
    let only = |values: Vec<f64>| if several { short(&values) } else { Vec::new() };
    Spread { mean: short(&view.mean(series)), low: only(view.low(series)), high: only(view.high(series)) }
}

fn latency(view: &TimeView<'_>) -> Latency {
    let spread = spread(view, Series::TtftP99);
    let slo = view.result.scenario.slo.as_ref();
    Latency {
        p50: short(&view.pooled_ttft(0.5)),
        p99: short(&view.pooled_ttft(0.99)),
        low: spread.low,
        high: spread.high,
        slo: slo.map(|slo| {
            let name = format!(
                "SLO: P{} \u{2264} {}",
                crate::digits::figure(100.0 * slo.quantile),
                value(slo.ttft.seconds(), Quantity::Seconds)
            );
            (Short(slo.ttft.seconds()), name)
        }),
    }
}

/// Requests per second that the new version gets, mean over runs.
fn new_version_rate(view: &TimeView<'_>) -> Vec<f64> {
    let rates = &view.result.timeline.new_requests_per_s;
    let mean = |group: &std::ops::Range<usize>| {
        let of_group = rates.get(group.clone()).unwrap_or(&[]);
        of_group.iter().sum::<f64>() / of_group.len().max(1) as f64
    };
    view.groups().iter().map(mean).collect()
}

fn harm(view: &TimeView<'_>, name: &'static str, color: &'static str, series: Series) -> Bars {
    let numbers = |bar: Bar| {
        let (low, high) = bar.interval.unwrap_or((f64::NAN, f64::NAN));
        [bar.from, bar.to, bar.mean, low, high].map(Short)
    };
    let bars = bars(view, series).into_iter().filter(|bar| bar.mean > 0.0).map(numbers).collect();
    Bars { name, color, bars }
}

/// When the rollout starts, and when half of the runs' have ended.
fn marks(result: &StudyResult) -> Vec<(Short, String)> {
    let rollout = &result.scenario.rollout;
    if matches!(rollout.strategy, Strategy::None) {
        return Vec::new();
    }
    let start = rollout.start.seconds() / 60.0;
    let mut marks = vec![(Short(start), "rollout starts".to_owned())];
    let duration = result.metric(Metric::RolloutDuration).p50;
    if duration.value.is_finite() {
        let text = format!("ends after {}", estimate(&duration, Quantity::Seconds));
        marks.push((Short(start + duration.value / 60.0), text));
    }
    marks
}

fn finding(result: &StudyResult) -> String {
    let mean = |metric: Metric| estimate(&result.metric(metric).mean, Quantity::of(metric));
    let truncated = &result.metric(Metric::TruncatedAttempts).mean;
    let cut = match (truncated.value, result.records.len()) {
        (0.0, 1) => "No response is cut".to_owned(),
        (0.0, _) => "No response is cut in any run".to_owned(),
        (1.0, 1) => "1 response is cut".to_owned(),
        _ => format!("{} are cut", counted_estimate(truncated, "response")),
    };
    format!(
        "At least {} of the desired replicas are ready; capacity is below need for {}. P99 of time to first token \
         within a run is {}. {cut}.",
        mean(Metric::MinReadyFraction),
        mean(Metric::SecondsBelowCapacity),
        mean(Metric::TtftP99),
    )
}

fn table(result: &StudyResult) -> Vec<Vec<String>> {
    let header = [
        "from minute",
        "ready, stable",
        "ready, new",
        "least ready, P5 of runs",
        "TTFT P50",
        "TTFT P99",
        "P99 within a run, 90 % of runs",
        "requests/s",
        "to the new version",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let Some(view) = TimeView::at_most(MOST_ROWS, result) else { return rows };
    let plain = |values: Vec<f64>| -> Vec<String> { values.iter().map(|v| value(*v, Quantity::Plain)).collect() };
    let seconds = |values: Vec<f64>| -> Vec<String> { values.iter().map(|v| value(*v, Quantity::Seconds)).collect() };
    let band = seconds(view.low(Series::TtftP99)).into_iter().zip(seconds(view.high(Series::TtftP99)));
    let columns = [
        plain(view.edges[..view.len()].to_vec()),
        plain(view.mean(Series::ReadyStable)),
        plain(view.mean(Series::ReadyNew)),
        plain(view.low(Series::LeastReady)),
        seconds(view.pooled_ttft(0.5)),
        seconds(view.pooled_ttft(0.99)),
        band.map(|(low, high)| format!("{low} to {high}")).collect(),
        plain(view.mean(Series::RequestsPerSecond)),
        plain(new_version_rate(&view)),
    ];
    rows.extend((0..view.len()).map(|i| columns.iter().map(|column| column[i].clone()).collect()));
    rows
}
