//! The rate over time: recorded, and the range in which a drawn process would keep it.

use crate::trace::Trace;
use crate::units::NANOS_PER_SECOND;

/// Bins at most.
const MOST_BINS: i64 = 150;
/// Lengths of a bin, seconds; then whole days.
const BINS: [i64; 13] = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600];
/// Seconds in a day.
const DAY: i64 = 86_400;
/// The share of drawn bins above, and below, the range.
const OUTSIDE: f64 = 0.05;

/// Requests per second over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Length of a bin, seconds.
    pub bin_s: f64,
    /// Recorded rate in each whole bin from the first request on, requests per second.
    pub recorded: Vec<f64>,
    /// Between these lie nine of ten bins that the process draws, requests per second.
    pub drawn: Option<(f64, f64)>,
}

impl Rates {
    /// The recorded rate of a trace, in so long bins that there are not too many.
    pub(super) fn of(trace: &Trace) -> Rates {
        let recorded_s = trace.recorded() / NANOS_PER_SECOND as i64;
        let fits = |seconds: &i64| recorded_s / seconds <= MOST_BINS;
        let bin_s = BINS.into_iter().find(fits).unwrap_or_else(|| (recorded_s / MOST_BINS / DAY + 1) * DAY);
        let mut counts = vec![0_u64; (recorded_s / bin_s) as usize];
        trace.for_each(|request| {
            let bin = request.arrival / (bin_s * NANOS_PER_SECOND as i64);
            if let Some(count) = counts.get_mut(bin as usize) {
                *count += 1;
            }
        });
        let bin_s = bin_s as f64;
        Rates { bin_s, recorded: counts.into_iter().map(|count| count as f64 / bin_s).collect(), drawn: None }
    }

    /// With the range of these drawn bins, which hold so many requests each.
    pub(super) fn with_drawn(self, mut bins: Vec<u32>) -> Rates {
        bins.sort_unstable();
        let outside = (bins.len() as f64 * OUTSIDE) as usize;
        let rate = |bin: u32| f64::from(bin) / self.bin_s;
        let drawn = (!bins.is_empty()).then(|| (rate(bins[outside]), rate(bins[bins.len() - 1 - outside])));
        Rates { drawn, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::trace_at;
    use super::*;

    #[test]
    fn whole_bins_are_counted_and_not_too_many() {
        let rates = Rates::of(&trace_at((0..10_000).map(|i| f64::from(i) * 0.05)));
        assert_eq!((rates.bin_s, rates.recorded.len(), rates.drawn), (5.0, 99, None));
        assert!(rates.recorded.iter().all(|rate| *rate == 20.0), "{rates:?}");
        let years = Rates::of(&trace_at((0..1_000).map(|i| f64::from(i) * 86_400.0)));
        assert_eq!((years.bin_s, years.recorded.len()), (7.0 * 86_400.0, 142));
    }

    #[test]
    fn the_range_leaves_a_twentieth_on_each_side() {
        let rates = Rates { bin_s: 2.0, recorded: vec![], drawn: None };
        assert_eq!(rates.clone().with_drawn((0..100).rev().collect()).drawn, Some((2.5, 47.0)));
        assert_eq!(rates.with_drawn(vec![]).drawn, None);
    }
}
