//! What the page's charts show: for each a title that asks its question, a sentence that answers it, the data for the
//! script that draws it, and the same data as a table.

use serde::Serialize;
use serde_json::value::RawValue;

use super::numbers::Short;
use crate::ledger::{Histogram, Metric, WATERFALL};
use crate::report::charts::{self, Bins};
use crate::report::format::{Quantity, counted, counted_estimate, estimate, value};
use crate::scenario::OnSigterm;
use crate::study::{Estimate, StudyResult, planning};

/// One chart.
pub struct Figure {
    /// Its name in the page and in its script.
    pub id: &'static str,
    /// The question that it answers.
    pub title: &'static str,
    /// The answer in a sentence or two, for those who do not see it too.
    pub finding: String,
    /// How to read it.
    pub reading: &'static str,
    /// What the script draws, as JSON.
    pub data: Box<RawValue>,
    /// The same as a table, a header first.
    pub table: Vec<Vec<String>>,
}

/// Plain data as JSON; what can be written at all can be written here.
pub fn json(data: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(data).unwrap_or_default()
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// An estimate and its interval.
#[derive(Serialize)]
struct Interval {
    value: Short,
    low: Option<Short>,
    high: Option<Short>,
    text: String,
}

impl Interval {
    fn of(estimate: &Estimate, quantity: Quantity) -> Interval {
        Interval {
            value: Short(estimate.value),
            low: estimate.interval.map(|(low, _)| Short(low)),
            high: estimate.interval.map(|(_, high)| Short(high)),
            text: self::estimate(estimate, quantity),
        }
    }
}

/// Shares of requests at which the latencies' curves are drawn: equally spaced in the logarithm of what is left, but for
/// the first few, which leave out the very fastest.
fn survivals() -> impl Iterator<Item = f64> {
    const POINTS_A_DECADE: i32 = 24;
    let decades = (1..=4 * POINTS_A_DECADE).map(|i| 10f64.powf(-f64::from(i) / f64::from(POINTS_A_DECADE)));
    [0.995, 0.98, 0.95].into_iter().chain(decades)
}

#[derive(Serialize)]
struct Curve {
    name: &'static str,
    /// Seconds.
    x: Vec<Short>,
    /// Share of requests that took longer, percent.
    y: Vec<Short>,
}

impl Curve {
    /// The share above each value, as far as so many requests can tell.
    fn of(name: &'static str, histogram: &Histogram) -> Curve {
        let least = 1.0 / histogram.count().max(1) as f64;
        let shares: Vec<f64> = survivals().filter(|share| *share >= least).collect();
        let seconds: Vec<f64> = shares.iter().map(|share| histogram.quantile(1.0 - share)).collect();
        let shown = |i: &usize| seconds[*i] > 0.0;
        let kept: Vec<usize> = (0..shares.len()).filter(shown).collect();
        Curve {
            name,
            x: kept.iter().map(|i| Short(seconds[*i])).collect(),
            y: kept.iter().map(|i| Short(100.0 * shares[*i])).collect(),
        }
    }
}

#[derive(Serialize)]
struct Curves {
    curves: Vec<Curve>,
    /// A bound to mark: seconds, and what it is.
    bounds: Vec<(Short, String)>,
    x: &'static str,
    y: &'static str,
}

/// Latencies of all runs' requests; `None` without any.
pub fn latencies(result: &StudyResult) -> Option<Figure> {
    let pooled = &result.pooled;
    let kinds = [
        ("queue time", &pooled.queue_time, Metric::QueueTimeP99),
        ("TTFT", &pooled.ttft, Metric::TtftP99),
        ("E2E", &pooled.e2e, Metric::E2eP99),
        ("TPOT", &pooled.tpot, Metric::TpotP99),
    ];
    if pooled.ttft.count() == 0 {
        return None;
    }
    let bounds = (result.scenario.slo.iter())
        .map(|slo| {
            let name = format!("SLO: TTFT \u{2264} {}", value(slo.ttft.seconds(), Quantity::Seconds));
            (Short(slo.ttft.seconds()), name)
        })
        .collect();
    let curves = kinds.iter().map(|(name, histogram, _)| Curve::of(name, histogram)).collect();
    let data = Curves { curves, bounds, x: "seconds (log)", y: "requests that take longer, % (log)" };
    let mut table = vec![row([
        "time",
        "P50",
        "P90",
        "P99",
        "P99.9",
        "requests",
        "P99 within a run, mean over runs [95 % interval]",
    ])];
    table.extend(kinds.iter().map(|(name, histogram, of_a_run)| {
        let quantile = |q| value(histogram.quantile(q), Quantity::Seconds);
        let count = value(histogram.count() as f64, Quantity::Plain);
        let mean = estimate(&result.metric(*of_a_run).mean, Quantity::Seconds);
        vec![(*name).to_owned(), quantile(0.5), quantile(0.9), quantile(0.99), quantile(0.999), count, mean]
    }));
    let p99 = |histogram: &Histogram| value(histogram.quantile(0.99), Quantity::Seconds);
    Some(Figure {
        id: "latencies",
        title: "How long do requests take?",
        finding: format!(
            "Of {}, 99 % get their first token within {} and their whole answer within {}.",
            if result.records.len() == 1 { "the run's requests" } else { "all runs' requests together" },
            p99(&pooled.ttft),
            p99(&pooled.e2e)
        ),
        reading: "Each line: the share of all runs' requests that take longer than so many seconds. Both axes are \
                  logarithmic, so that the slowest request in ten thousand can be seen.",
        data: json(&data),
        table,
    })
}

/// The grace period that answers in flight at a shutdown would have needed; `None` where none was in flight.
pub fn needed_grace(result: &StudyResult) -> Option<Figure> {
    let needed = &result.pooled.needed_grace;
    if needed.count() == 0 {
        return None;
    }
    let planning = planning(result);
    let what = match result.scenario.termination.on_sigterm {
        OnSigterm::Drain => "grace period",
        OnSigterm::Abort => "preStop hook",
    };
    let now = value(planning.current_grace_s, Quantity::Seconds);
    let bounds = vec![(Short(planning.current_grace_s), format!("now: {now}"))];
    let curves = vec![Curve::of("answers in flight", needed)];
    let data =
        Curves { curves, bounds, x: "seconds after the order to terminate (log)", y: "not finished by then, % (log)" };
    let mut table = vec![row(["answers that finish", "within"])];
    table.extend(
        [0.5, 0.9, 0.99, 0.999]
            .map(|share| vec![value(share, Quantity::Share), value(needed.quantile(share), Quantity::Seconds)]),
    );
    let cut = match planning.cut_share {
        None => String::new(),
        Some(0.0) => format!(" With a {what} of {now}, as now, all of them finish."),
        Some(share) => {
            format!(" With a {what} of {now}, as now, {} of them do not finish.", value(share, Quantity::Share))
        }
    };
    let runs = if result.records.len() == 1 { "in the one run" } else { "in all runs" };
    Some(Figure {
        id: "needed-grace",
        title: "How long must a replica be given to finish its answers?",
        finding: format!(
            "Of {} in flight when a replica was told to terminate, {runs}, 99 % finish within {}.{cut}",
            counted_estimate(&Estimate { value: needed.count() as f64, interval: None }, "answer"),
            value(needed.quantile(0.99), Quantity::Seconds),
        ),
        reading: "The share of answers in flight at a shutdown that would still be unfinished after so many seconds.",
        data: json(&data),
        table,
    })
}

#[derive(Serialize)]
struct Histogrammed {
    /// Middle of each bar.
    x: Vec<Short>,
    /// Percent of runs.
    y: Vec<Short>,
    width: u64,
    mean: Interval,
    p95: Interval,
    first: u64,
}

/// How many responses runs cut; `None` where no run cut any.
pub fn cut_responses(result: &StudyResult) -> Option<Figure> {
    let counts = charts::cut_responses(result);
    if counts.last().is_none_or(|greatest| *greatest == 0) {
        return None;
    }
    let bins = Bins::of(&counts);
    let summary = result.metric(Metric::TruncatedAttempts);
    let first_of = |bar: usize| bins.first + bar as u64 * bins.width;
    let share = |runs: &usize| 100.0 * *runs as f64 / counts.len() as f64;
    let data = Histogrammed {
        x: (0..bins.runs.len()).map(|bar| Short(first_of(bar) as f64 + (bins.width - 1) as f64 / 2.0)).collect(),
        y: bins.runs.iter().map(|runs| Short(share(runs))).collect(),
        width: bins.width,
        mean: Interval::of(&summary.mean, Quantity::Plain),
        p95: Interval::of(&summary.p95, Quantity::Plain),
        first: bins.first,
    };
    let mut table = vec![row(["responses cut in a run", "runs", "share of runs"])];
    table.extend(bins.runs.iter().enumerate().filter(|(_, runs)| **runs > 0).map(|(bar, runs)| {
        let (from, to) = (first_of(bar), first_of(bar) + bins.width - 1);
        let range = if from == to { from.to_string() } else { format!("{from} to {to}") };
        vec![range, runs.to_string(), value(share(runs) / 100.0, Quantity::Share)]
    }));
    if bins.beyond > 0 {
        let beyond = value(bins.beyond as f64 / counts.len() as f64, Quantity::Share);
        table.push(vec!["more".to_owned(), bins.beyond.to_string(), beyond]);
    }
    Some(Figure {
        id: "cut-responses",
        title: "How many responses does a run cut after their first token?",
        finding: format!(
            "A run cuts {} on average, P95 {}; {} of runs cut any.",
            counted_estimate(&summary.mean, "response"),
            estimate(&summary.p95, Quantity::Plain),
            estimate(&summary.probability_positive, Quantity::Share)
        ),
        reading: "Each bar: the share of runs that cut so many. Brackets are 95 % intervals.",
        data: json(&data),
        table,
    })
}

#[derive(Serialize)]
struct Step {
    name: String,
    base: Short,
    mean: Interval,
    /// Which colour.
    kind: &'static str,
}

/// Where the price of tokens comes from; `None` where there is no price.
pub fn cost(result: &StudyResult) -> Option<Figure> {
    let total = result.metric(Metric::UsdPerMillionOutput).mean;
    if !total.value.is_finite() {
        return None;
    }
    let mut base = 0.0;
    let mut steps = Vec::new();
    let mut table = vec![row(["part", "USD per million useful output tokens, mean [95 % interval]", "what it is"])];
    for (metric, name) in WATERFALL {
        let mean = result.metric(metric).mean;
        let kind = match metric {
            Metric::WaterfallIdeal => "stable",
            Metric::WaterfallIdle => "new",
            Metric::WaterfallWasted => "alert",
            _ => "costly",
        };
        let text = charts::part_of_price(&mean, total.value);
        let shown = Interval { text, ..Interval::of(&mean, Quantity::Usd) };
        steps.push(Step { name: name.to_owned(), base: Short(base), mean: shown, kind });
        base += if mean.value.is_finite() { mean.value } else { 0.0 };
        table.push(vec![name.to_owned(), estimate(&mean, Quantity::Usd), metric.description().meaning.to_owned()]);
    }
    let mean = Interval::of(&total, Quantity::Usd);
    steps.push(Step { name: "total".to_owned(), base: Short(0.0), mean, kind: "ink" });
    table.push(vec!["total".to_owned(), estimate(&total, Quantity::Usd), "the sum of the above".to_owned()]);
    let largest = (WATERFALL.iter())
        .filter(|(metric, _)| *metric != Metric::WaterfallIdeal)
        .max_by(|one, other| result.metric(one.0).mean.value.total_cmp(&result.metric(other.0).mean.value))
        .map_or_else(String::new, |(metric, name)| {
            format!("; the most beyond the ideal is {name}, {}", estimate(&result.metric(*metric).mean, Quantity::Usd))
        });
    Some(Figure {
        id: "cost",
        title: "Where does the price of a token come from?",
        finding: format!("A million useful output tokens cost {}{largest}.", estimate(&total, Quantity::Usd)),
        reading: match result.records.len() {
            1 => "Each step adds to the price. One run gives no intervals.",
            _ => "Each step adds to the price; whiskers are 95 % intervals of means over runs.",
        },
        data: json(&steps),
        table,
    })
}

/// How many runs the page is about, for subtitles.
pub fn provenance(result: &StudyResult) -> String {
    format!("{}, seed {}", counted(result.records.len() as u64, "run"), result.scenario.study.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Pooled;
    use crate::report::example;
    use crate::units::Duration;

    #[test]
    fn answers_that_all_finish_are_said_to_and_one_run_is_not_called_all_runs() {
        let mut result = example::study();
        result.pooled = Pooled::new(1);
        (0..30).for_each(|_| result.pooled.needed_grace.record(Duration::from_seconds(1)));
        let finding = |result: &StudyResult| needed_grace(result).expect("answers were in flight").finding;
        let told = finding(&result);
        assert!(told.contains("in all runs") && told.ends_with("as now, all of them finish."), "{told}");
        (0..10).for_each(|_| result.pooled.needed_grace.record(Duration::from_seconds(3_600)));
        assert!(finding(&result).ends_with("25.0 % of them do not finish."), "{}", finding(&result));
        result.records.truncate(1);
        assert!(finding(&result).contains("in the one run"), "{}", finding(&result));
        assert!(cost(&result).expect("a price").reading.ends_with("One run gives no intervals."));
    }
}
