//! One series: which of its samples a selector takes, and what counters grew by.

/// How far an instant selector looks back, milliseconds (`--query.lookback-delta`).
pub const LOOKBACK: i64 = 300_000;

/// Bits of the stale marker's NaN, which no other NaN has (`model/value/value.go`).
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The stale marker: from here on the series is not there.
pub const STALE: f64 = f64::from_bits(STALE_BITS);

/// A scraped value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When, in milliseconds.
    pub at: i64,
    /// What: a number, [`STALE`], or any other NaN, which is a value.
    pub value: f64,
}

impl Sample {
    /// Whether it says that the series has ended.
    fn is_stale(&self) -> bool {
        self.value.to_bits() == STALE_BITS
    }
}

/// What an instant selector finds at `at`, in a series in order of time: the newest sample of the last five minutes, unless
/// that is a stale marker.
pub fn instant(series: impl IntoIterator<Item = Sample>, at: i64) -> Option<f64> {
    let newest = series.into_iter().take_while(|sample| sample.at <= at).last()?;
    (newest.at > at - LOOKBACK && !newest.is_stale()).then_some(newest.value)
}

/// A range selector's window: (at - range, at], without its left edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it ends, milliseconds.
    pub at: i64,
    /// How long it is, milliseconds.
    pub range: i64,
}

/// What a counter did within a window.
struct Growth {
    first: Sample,
    last: Sample,
    samples: u32,
    /// What was lost in resets: the value before each fall.
    lost: f64,
}

impl Window {
    /// The samples of a series that are in the window. Stale markers never are, and do not end it either.
    pub fn samples(self, series: impl IntoIterator<Item = Sample>) -> impl Iterator<Item = Sample> {
        let is_in = move |sample: &Sample| sample.at > self.at - self.range && sample.at <= self.at;
        series.into_iter().filter(is_in).filter(|sample| !sample.is_stale())
    }

    /// PromQL's `increase` of a counter's series in order of time; `None` with fewer than two samples in the window.
    pub fn increase(self, series: impl IntoIterator<Item = Sample>) -> Option<f64> {
        self.extrapolated(series, 1.0)
    }

    /// PromQL's `rate` of a counter's series in order of time, per second of the window.
    pub fn rate(self, series: impl IntoIterator<Item = Sample>) -> Option<f64> {
        self.extrapolated(series, self.range as f64 / 1000.0)
    }

    /// `extrapolatedRate`: the growth between the first and the last sample, stretched towards the window's edges.
    fn extrapolated(self, series: impl IntoIterator<Item = Sample>, per: f64) -> Option<f64> {
        let growth = self.growth(series)?;
        if growth.samples < 2 {
            return None;
        }
        let difference = growth.last.value - growth.first.value + growth.lost;
        let span = (growth.last.at - growth.first.at) as f64 / 1000.0;
        let interval = span / f64::from(growth.samples - 1);
        // An edge that is further off than the usual interval and a tenth: the series began or ended in the window.
        let reach = |to_edge: f64| if to_edge >= interval * 1.1 { interval / 2.0 } else { to_edge };
        let mut before = reach((growth.first.at - (self.at - self.range)) as f64 / 1000.0);
        let after = reach((self.at - growth.last.at) as f64 / 1000.0);
        if difference > 0.0 && growth.first.value >= 0.0 {
            // A counter is not stretched to before it was zero.
            before = before.min(span * (growth.first.value / difference));
        }
        Some(difference * ((span + before + after) / span / per))
    }

    fn growth(self, series: impl IntoIterator<Item = Sample>) -> Option<Growth> {
        let mut samples = self.samples(series);
        let first = samples.next()?;
        let begin = Growth { first, last: first, samples: 1, lost: 0.0 };
        Some(samples.fold(begin, |growth, sample| Growth {
            last: sample,
            samples: growth.samples + 1,
            lost: growth.lost + if sample.value < growth.last.value { growth.last.value } else { 0.0 },
            ..growth
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples every 15 s from `from` on.
    fn series(from: i64, values: &[f64]) -> Vec<Sample> {
        (0..).map(|i| from + i * 15_000).zip(values).map(|(at, value)| Sample { at, value: *value }).collect()
    }

    #[test]
    fn a_counter_is_not_stretched_to_before_it_was_zero() {
        let window = Window { at: 60_000, range: 60_000 };
        // Seen at 5, 20, 35, 50 s: from 0 on nothing is added on the left, and the right edge is 10 s off.
        assert_eq!(window.increase(series(5_000, &[0.0, 3.0, 6.0, 9.0])), Some(11.0));
        // From 100 on, the left edge is 5 s off.
        assert_eq!(window.increase(series(5_000, &[100.0, 103.0, 106.0, 109.0])), Some(12.0));
        let rate = window.rate(series(5_000, &[100.0, 103.0, 106.0, 109.0])).expect("four samples");
        assert!((rate - 0.2).abs() < 1e-15);
    }

    #[test]
    fn after_a_reset_the_new_value_counts_in_full() {
        let window = Window { at: 60_000, range: 60_000 };
        assert_eq!(window.increase(series(15_000, &[100.0, 4.0, 5.0, 6.0])), Some(6.0 * 60.0 / 45.0));
    }

    #[test]
    fn a_window_leaves_its_left_edge_and_stale_markers_out() {
        let window = Window { at: 60_000, range: 60_000 };
        assert_eq!(window.samples(series(0, &[1.0; 5])).count(), 4);
        assert_eq!(window.samples(series(0, &[1.0, 2.0, STALE, f64::NAN, 3.0])).count(), 3);
        assert_eq!(window.rate(series(60_000, &[1.0])), None, "one sample has no rate");
    }

    #[test]
    fn an_instant_selector_ends_at_a_stale_marker_or_after_five_minutes() {
        let living = series(0, &[1.0, 2.0]);
        assert_eq!(instant(living.clone(), 14_999), Some(1.0));
        assert_eq!(instant(living.clone(), 15_000 + LOOKBACK - 1), Some(2.0));
        assert_eq!(instant(living, 15_000 + LOOKBACK), None);
        assert_eq!(instant(series(0, &[1.0, STALE]), 20_000), None);
    }
}
