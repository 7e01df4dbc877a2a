//! Latencies of one run: their mean, exact, and their quantiles, from a histogram.

use super::histogram::Histogram;
use super::metrics::Metric;
use crate::units::Duration;

/// A duration of one kind over requests.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// Their distribution.
    pub histogram: Histogram,
    total_nanoseconds: u128,
}

impl Latency {
    /// One more request.
    pub fn record(&mut self, duration: Duration) {
        self.histogram.record(duration);
        self.total_nanoseconds += u128::from(duration.0);
    }

    /// Sets these metrics, seconds; NaN where there was no request.
    pub fn metrics(&self, [mean, p50, p90, p99]: [Metric; 4], values: &mut [f64]) {
        let n = self.histogram.count();
        values[mean as usize] = if n > 0 { self.total_nanoseconds as f64 / n as f64 * 1e-9 } else { f64::NAN };
        values[p50 as usize] = self.histogram.quantile(0.5);
        values[p90 as usize] = self.histogram.quantile(0.9);
        values[p99 as usize] = self.histogram.quantile(0.99);
    }

    /// As if nothing had been recorded.
    pub fn clear(&mut self) {
        self.histogram.clear();
        self.total_nanoseconds = 0;
    }
}
