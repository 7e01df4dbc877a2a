//! How often each value occurs: all that is kept of a trace's lengths, however many requests it has.

use std::collections::HashMap;

/// Whole numbers, at least 1, and how often each occurs; at least one value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueCounts {
    /// Ascending.
    values: Vec<u32>,
    /// Occurrences of each.
    counts: Vec<u64>,
    /// Occurrences of all.
    total: u64,
}

/// Counts values as they come.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: HashMap<u32, u64>,
}

impl Tally {
    /// Counts one more value.
    pub(super) fn add(&mut self, value: u32) {
        *self.counts.entry(value).or_insert(0) += 1;
    }

    /// What was counted, which must be something.
    pub(super) fn finish(self) -> ValueCounts {
        let mut sorted: Vec<(u32, u64)> = self.counts.into_iter().collect();
        sorted.sort_unstable();
        let total = sorted.iter().map(|(_, count)| count).sum();
        let (values, counts) = sorted.into_iter().unzip();
        ValueCounts { values, counts, total }
    }
}

impl ValueCounts {
    /// Values with their counts, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, u64)> + '_ {
        self.values.iter().copied().zip(self.counts.iter().copied())
    }

    /// Number of occurrences.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Number of different values.
    pub fn distinct(&self) -> usize {
        self.values.len()
    }

    /// Least value.
    pub fn least(&self) -> u32 {
        self.values[0]
    }

    /// Greatest value.
    pub fn greatest(&self) -> u32 {
        self.values[self.values.len() - 1]
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        self.iter().map(|(value, count)| f64::from(value) * count as f64).sum::<f64>() / self.total as f64
    }

    /// Coefficient of variation: standard deviation over mean.
    pub fn variation(&self) -> f64 {
        let mean = self.mean();
        let squares = self.iter().map(|(value, count)| (f64::from(value) - mean).powi(2) * count as f64).sum::<f64>();
        (squares / self.total as f64).sqrt() / mean
    }

    /// A quantile, linear between the two nearest of the sorted values (type 7 of Hyndman and Fan 1996, which NumPy and
    /// R use).
    pub fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.total - 1) as f64;
        let (low, rest) = (place.floor() as u64, place.fract());
        let (low, high) = (self.sorted(low), self.sorted((low + 1).min(self.total - 1)));
        f64::from(low) + rest * (f64::from(high) - f64::from(low))
    }

    /// The value at a place of the sorted values, counted from 0.
    pub(super) fn sorted(&self, place: u64) -> u32 {
        let mut below = 0;
        for (value, count) in self.iter() {
            below += count;
            if place < below {
                return value;
            }
        }
        self.greatest()
    }

    /// Share of occurrences above `value`.
    pub fn share_above(&self, value: u32) -> f64 {
        let first = self.values.partition_point(|v| *v <= value);
        self.counts[first..].iter().sum::<u64>() as f64 / self.total as f64
    }

    /// The least value that is exceeded by a share of at most `share`, without interpolation.
    pub(super) fn exceeded_by(&self, share: f64) -> u32 {
        let mut above = self.total;
        for (value, count) in self.iter() {
            above -= count;
            if above as f64 <= share * self.total as f64 {
                return value;
            }
        }
        self.greatest()
    }

    /// Ranks by which a value is known among all, ties sharing the middle of theirs.
    pub(super) fn ranks(&self) -> Ranks<'_> {
        let middles = self.counts.iter().scan(0.0, |below, count| {
            let rank = *below + (*count as f64 + 1.0) / 2.0;
            *below += *count as f64;
            Some(rank)
        });
        Ranks { values: &self.values, middles: middles.collect() }
    }
}

/// The rank of each value.
pub(super) struct Ranks<'c> {
    values: &'c [u32],
    middles: Vec<f64>,
}

impl Ranks<'_> {
    /// The rank of a value that was counted, from 1.
    pub(super) fn of(&self, value: u32) -> f64 {
        self.middles[self.values.partition_point(|v| *v < value)]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Counts of these values.
    pub(in crate::fit) fn counts_of(values: impl IntoIterator<Item = u32>) -> ValueCounts {
        let mut tally = Tally::default();
        values.into_iter().for_each(|value| tally.add(value));
        tally.finish()
    }

    #[test]
    fn moments_and_quantiles_are_those_of_the_sorted_values() {
        let counts = counts_of([4, 1, 2, 2, 10]);
        assert_eq!((counts.total(), counts.distinct(), counts.least(), counts.greatest()), (5, 4, 1, 10));
        assert!((counts.mean() - 3.8).abs() < 1e-12);
        // Squares about the mean: 7.84 + 2 * 3.24 + 0.04 + 38.44.
        assert!((counts.variation() - (52.8f64 / 5.0).sqrt() / 3.8).abs() < 1e-12);
        let quantiles = [0.0, 0.25, 0.5, 0.75, 0.9, 1.0].map(|share| counts.quantile(share));
        for (found, expected) in quantiles.into_iter().zip([1.0, 2.0, 2.0, 4.0, 7.6, 10.0]) {
            assert!((found - expected).abs() < 1e-12, "{quantiles:?}");
        }
    }

    #[test]
    fn shares_above_count_strictly() {
        let counts = counts_of([4, 1, 2, 2, 10]);
        assert_eq!([0, 1, 2, 3, 10].map(|value| counts.share_above(value)), [1.0, 0.8, 0.4, 0.4, 0.0]);
        assert_eq!([0.0, 0.2, 0.5, 0.8, 1.0].map(|share| counts.exceeded_by(share)), [10, 4, 2, 1, 1]);
    }

    #[test]
    fn ties_share_the_middle_of_their_ranks() {
        let counts = counts_of([4, 1, 2, 2, 10]);
        let ranks = counts.ranks();
        assert_eq!([1, 2, 4, 10].map(|value| ranks.of(value)), [1.0, 2.5, 4.0, 5.0]);
    }
}
