//! What a trace's arrivals are like: their rate, their gaps, and how their counts vary over windows of some lengths.

use crate::trace::Trace;
use crate::units::NANOS_PER_SECOND;

/// Lengths of the windows, seconds.
pub const WINDOWS: [u64; 4] = [1, 10, 60, 300];

/// A trace's arrivals.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// Requests.
    pub requests: u64,
    /// From the first to the last, seconds.
    pub recorded_s: f64,
    /// Mean rate, requests per second: gaps over the time that they take.
    pub rate: f64,
    /// Coefficient of variation of the gaps between requests: 1 for a Poisson process.
    pub gap_variation: f64,
    /// Share of gaps that are zero.
    pub zero_gaps: f64,
    /// Counts over windows of [`WINDOWS`] seconds; `None` where the recording has fewer than two.
    pub windows: [Option<WindowCounts>; WINDOWS.len()],
}

/// Counts of requests over the whole windows of one length, side by side from the first request on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowCounts {
    /// Length of a window, seconds.
    pub seconds: u64,
    /// Number of windows.
    pub windows: u64,
    /// Greatest count over the mean.
    pub peak_to_mean: f64,
    /// Least count over the mean.
    pub least_to_mean: f64,
    /// Index of dispersion: variance over mean of the counts; 1 for a Poisson process, however long the window.
    pub dispersion: f64,
}

impl Traffic {
    /// Mean time between stamps that some requests bear, seconds: between requests, or between batches of them.
    pub fn between_stamps_s(&self) -> f64 {
        1.0 / (self.rate * (1.0 - self.zero_gaps))
    }

    /// The arrivals of a trace.
    pub(super) fn of(trace: &Trace) -> Traffic {
        let mut windows = WINDOWS.map(|seconds| Counter::new(seconds, trace.recorded()));
        let mut before = 0;
        let (mut zeros, mut squares) = (0u64, 0.0);
        trace.for_each(|request| {
            let gap = request.arrival - before;
            before = request.arrival;
            zeros += u64::from(gap == 0);
            squares += (gap as f64).powi(2);
            windows.iter_mut().for_each(|window| window.add(request.arrival));
        });
        // The first request has no gap before it; it was counted as one of zero.
        let gaps = (trace.len() - 1) as f64;
        let mean = trace.recorded() as f64 / gaps;
        Traffic {
            requests: trace.len(),
            recorded_s: seconds(trace.recorded()),
            rate: gaps / seconds(trace.recorded()),
            gap_variation: (squares / gaps / (mean * mean) - 1.0).max(0.0).sqrt(),
            zero_gaps: (zeros - 1) as f64 / gaps,
            windows: windows.map(Counter::finish),
        }
    }
}

fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / NANOS_PER_SECOND as f64
}

/// Counts arrivals over windows side by side, as they come, in little memory.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    seconds: u64,
    width: i64,
    /// Windows that lie within the recording.
    windows: i64,
    /// The window under way, and what has come in it.
    window: i64,
    count: u64,
    counted: u64,
    squares: f64,
    most: u64,
    least: u64,
}

impl Counter {
    /// For arrivals from 0 to `recorded` nanoseconds.
    pub(super) fn new(seconds: u64, recorded: i64) -> Counter {
        let width = (seconds * NANOS_PER_SECOND) as i64;
        let windows = recorded / width;
        Counter { seconds, width, windows, window: 0, count: 0, counted: 0, squares: 0.0, most: 0, least: u64::MAX }
    }

    /// Counts an arrival, no earlier than the one before.
    pub(super) fn add(&mut self, arrival: i64) {
        let window = (arrival / self.width).min(self.windows);
        if window > self.window {
            self.pass_to(window);
        }
        self.count += 1;
    }

    fn pass_to(&mut self, window: i64) {
        self.counted += self.count;
        self.squares += (self.count as f64).powi(2);
        self.most = self.most.max(self.count);
        self.least = if window - self.window > 1 { 0 } else { self.least.min(self.count) };
        (self.window, self.count) = (window, 0);
    }

    /// The counts of all windows; `None` with fewer than two, or without any request in them.
    pub(super) fn finish(mut self) -> Option<WindowCounts> {
        if self.windows > self.window {
            self.pass_to(self.windows);
        }
        if self.windows < 2 || self.counted == 0 {
            return None;
        }
        let windows = self.windows as f64;
        let mean = self.counted as f64 / windows;
        Some(WindowCounts {
            seconds: self.seconds,
            windows: self.windows as u64,
            peak_to_mean: self.most as f64 / mean,
            least_to_mean: self.least as f64 / mean,
            dispersion: (self.squares / windows - mean * mean).max(0.0) / mean,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{trace_at, uniform};
    use super::*;

    #[test]
    fn counts_of_a_poisson_process_are_dispersed_as_much_as_their_mean() {
        let arrivals = uniform(50_000).scan(0.0, |now, u| {
            *now -= (1.0 - u).ln() / 4.0;
            Some(*now)
        });
        let traffic = Traffic::of(&trace_at(arrivals));
        assert!((traffic.rate / 4.0 - 1.0).abs() < 4.0 / 50_000f64.sqrt(), "{traffic:?}");
        assert!((traffic.gap_variation - 1.0).abs() < 4.0 / 50_000f64.sqrt(), "{traffic:?}");
        assert_eq!(traffic.zero_gaps, 0.0);
        for counts in traffic.windows.into_iter().flatten() {
            // The relative standard error of a variance from n windows is sqrt(2 / n).
            assert!((counts.dispersion - 1.0).abs() < 4.0 * (2.0 / counts.windows as f64).sqrt(), "{counts:?}");
        }
    }

    #[test]
    fn whole_windows_are_counted_and_empty_ones_too() {
        // Windows of a second: 3, 0, 1, and a rest that is no whole window.
        let traffic = Traffic::of(&trace_at([0.0, 0.5, 0.5, 2.5, 3.0, 3.25].into_iter()));
        let counts = traffic.windows[0].expect("windows of a second");
        assert_eq!((counts.seconds, counts.windows), (1, 3));
        let mean = 4.0 / 3.0;
        assert!((counts.peak_to_mean - 3.0 / mean).abs() < 1e-12 && counts.least_to_mean == 0.0);
        assert!((counts.dispersion - (10.0 / 3.0 - mean * mean) / mean).abs() < 1e-12, "{counts:?}");
        assert_eq!(traffic.windows[1], None);
        assert_eq!((traffic.zero_gaps, traffic.recorded_s), (0.2, 3.25));
        assert!((traffic.rate - 5.0 / 3.25).abs() < 1e-12);
    }
}
