//! What a replica exposes to whoever scrapes it: vLLM's histograms, and the counter of its HTTP server.
//!
//! Names and bounds are vLLM's (`vllm/v1/metrics/loggers.py`); the counter is `http_requests_total` of
//! prometheus-fastapi-instrumentator, which vLLM's server carries. Only what some analysis reads is kept.

use crate::ledger::Outcome;
use crate::prometheus::STALE;
use crate::scenario::AnalysisMetric;
use crate::units::Duration;

/// Bounds of `vllm:time_to_first_token_seconds`.
const TTFT_BOUNDS: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
/// Bounds of `vllm:request_time_per_output_token_seconds`.
const TPOT_BOUNDS: [f64; 19] =
    [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0];
/// Bounds of `vllm:e2e_request_latency_seconds` and `vllm:request_queue_time_seconds`.
const REQUEST_BOUNDS: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
];

/// Bounds of the buckets that a latency is counted in, without infinity; none for a rate.
pub(super) fn bounds(metric: AnalysisMetric) -> &'static [f64] {
    match metric {
        AnalysisMetric::Ttft => &TTFT_BOUNDS,
        AnalysisMetric::Tpot => &TPOT_BOUNDS,
        AnalysisMetric::EndToEnd | AnalysisMetric::QueueTime => &REQUEST_BOUNDS,
        AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate => &[],
    }
}

/// What the counter of HTTP requests says of an attempt that has ended, by status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// 2xx: it was answered, or its stream had begun.
    Success,
    /// 5xx: an error before any token.
    Error,
}

/// Every status, as series are ordered.
pub(super) const STATUSES: usize = 2;

impl Status {
    /// What the server counts; `None`: the attempt did not reach it.
    pub(super) fn of(outcome: Outcome) -> Option<Status> {
        match outcome {
            // The status of a stream goes out before it is cut, or before its client has had enough.
            Outcome::Completed | Outcome::Truncated | Outcome::TimedOut => Some(Status::Success),
            Outcome::Failed | Outcome::Dropped => Some(Status::Error),
            Outcome::Refused => None,
        }
    }
}

/// The counters of one metric in one process.
#[derive(Clone, Debug)]
pub(super) enum Counters {
    /// Observations by bucket, each counted once; the last bucket is for infinity.
    Histogram(&'static [f64], Vec<u64>),
    /// Requests by status.
    Requests([u64; STATUSES]),
}

impl Counters {
    /// As a process begins: nothing counted.
    pub(super) fn new(metric: AnalysisMetric) -> Counters {
        match bounds(metric) {
            [] => Counters::Requests([0; STATUSES]),
            bounds => Counters::Histogram(bounds, vec![0; bounds.len() + 1]),
        }
    }

    pub(super) fn reset(&mut self) {
        match self {
            Counters::Histogram(_, counts) => counts.fill(0),
            Counters::Requests(counts) => counts.fill(0),
        }
    }

    pub(super) fn observe(&mut self, value: Duration) {
        if let Counters::Histogram(bounds, counts) = self {
            let seconds = value.seconds();
            counts[bounds.partition_point(|bound| *bound < seconds)] += 1;
        }
    }

    pub(super) fn count(&mut self, status: Status) {
        if let Counters::Requests(counts) = self {
            counts[status as usize] += 1;
        }
    }

    /// The values of its series. A histogram's are there from the start; that of a status comes into being with its first
    /// request, as labels do, and until then is as if it had ended.
    pub(super) fn values(&self, row: &mut Vec<f64>) {
        match self {
            Counters::Histogram(_, counts) => row.extend(counts.iter().scan(0, |sum, count| {
                *sum += count;
                Some(*sum as f64)
            })),
            Counters::Requests(counts) => {
                row.extend(counts.iter().map(|count| if *count == 0 { STALE } else { *count as f64 }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(counters: &Counters) -> Vec<f64> {
        let mut row = Vec::new();
        counters.values(&mut row);
        row
    }

    #[test]
    fn a_latency_is_counted_in_every_bucket_that_it_fits() {
        let mut counters = Counters::new(AnalysisMetric::Ttft);
        counters.observe(Duration::from_seconds_f64(0.25));
        counters.observe(Duration::from_seconds_f64(0.251));
        counters.observe(Duration::from_seconds(9_999));
        let values = row(&counters);
        assert_eq!(values.len(), 23);
        assert_eq!(values[7..10], [0.0, 1.0, 2.0], "at most 0.1, 0.25 and 0.5 s");
        assert_eq!(values[21..], [2.0, 3.0], "at most 2560 s, and infinity");
        counters.reset();
        assert_eq!(row(&counters), [0.0; 23]);
    }

    #[test]
    fn a_status_is_there_from_its_first_request_on() {
        let mut counters = Counters::new(AnalysisMetric::ErrorRate);
        let is_absent = |counters: &Counters| row(counters).iter().map(|value| value.is_nan()).collect::<Vec<bool>>();
        assert_eq!(is_absent(&counters), [true, true]);
        counters.count(Status::Success);
        assert_eq!(is_absent(&counters), [false, true]);
        counters.count(Status::Error);
        assert_eq!(row(&counters), [1.0, 1.0]);
    }

    #[test]
    fn a_cut_stream_had_its_status_and_a_refused_attempt_met_no_server() {
        assert_eq!(Status::of(Outcome::Truncated), Some(Status::Success));
        assert_eq!(Status::of(Outcome::Failed), Some(Status::Error));
        assert_eq!(Status::of(Outcome::Refused), None);
    }
}
