//! The section on the requests: how they ended, how long they took, whether the objective was missed.

use super::{Block, Section, any, mean};
use crate::digits::{NONE, percent_as_given};
use crate::ledger::{Histogram, Metric};
use crate::report::format::{Quantity, estimate, value};
use crate::report::layout::glued;
use crate::study::{StudyResult, survivorship_note};

/// What a request may end as, with its word.
pub(super) const ENDINGS: [(Metric, &str); 7] = [
    (Metric::CompletedRequests, "completed"),
    (Metric::TruncatedRequests, "truncated"),
    (Metric::RefusedRequests, "refused"),
    (Metric::DroppedRequests, "dropped"),
    (Metric::TimedOutRequests, "timed out"),
    (Metric::FailedRequests, "failed"),
    (Metric::InFlightRequests, "in flight"),
];

/// How requests ended, and how long they took.
pub(super) fn section(result: &StudyResult) -> Section {
    let mut endings: Vec<String> = (ENDINGS.iter())
        .filter(|(metric, _)| any(result, *metric))
        .map(|(metric, word)| glued(&format!("{word} {}", estimate(&result.metric(*metric).mean, Quantity::Plain))))
        .collect();
    if endings.is_empty() {
        let arrived = any(result, Metric::Requests);
        endings.push(if arrived { NONE.to_owned() } else { glued("no request arrived") });
    } else if endings.len() < ENDINGS.len() {
        endings.push(glued("nothing else"));
    }
    let cut = result.metric(Metric::TruncatedAttempts);
    let mut blocks = vec![
        Block::Line("ended as", endings.join("   ")),
        Block::Line(
            "cut responses",
            format!(
                "{}   {}   {}",
                glued(&format!("mean {}", mean(result, Metric::TruncatedAttempts))),
                glued(&format!("P95 {}", estimate(&cut.p95, Quantity::Plain))),
                glued(&format!("some in {} of runs", estimate(&cut.probability_positive, Quantity::Share))),
            ),
        ),
    ];
    if any(result, Metric::Retries) {
        blocks.push(Block::Line("retries", mean(result, Metric::Retries)));
    }
    blocks.push(Block::Table(latencies(result)));
    if let Some(note) = survivorship_note(result) {
        blocks.push(Block::Line("note", note));
    }
    if let Some(slo) = &result.scenario.slo {
        let text = format!(
            "TTFT within {} for {} of requests: missed for {} of {}",
            slo.ttft,
            glued(&percent_as_given(slo.quantile)),
            mean(result, Metric::SloViolation),
            result.scenario.study.duration,
        );
        blocks.push(Block::Line("SLO", text));
    }
    Section { title: "REQUESTS", subtitle: format!("{} a run", mean(result, Metric::Requests)), blocks }
}

/// Latencies: over runs the means of each run's P50 and P99, which have intervals, and over all requests of all runs a
/// quantile that one run is often too short for.
fn latencies(result: &StudyResult) -> Vec<Vec<String>> {
    let row = |label: &str, histogram: &Histogram, of_a_run: [Metric; 2]| {
        let [p50, p99] = of_a_run.map(|metric| estimate(&result.metric(metric).mean, Quantity::Seconds));
        vec![label.to_owned(), p50, p99, value(histogram.quantile(0.999), Quantity::Seconds)]
    };
    vec![
        ["mean of a run's", "P50", "P99", "P99.9 of all"].map(str::to_owned).to_vec(),
        row("first token (TTFT)", &result.pooled.ttft, [Metric::TtftP50, Metric::TtftP99]),
        row("per token (TPOT)", &result.pooled.tpot, [Metric::TpotP50, Metric::TpotP99]),
        row("end to end (E2E)", &result.pooled.e2e, [Metric::E2eP50, Metric::E2eP99]),
    ]
}
