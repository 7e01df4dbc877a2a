//! A mergeable log-linear histogram of durations, for quantiles with a stated relative error.
//!
//! 128 buckets an octave: a quantile is reported at the middle of its bucket, at most 0.4 % from the truth; below a
//! microsecond it is reported as zero. Only the range in use is stored, so that a histogram a timeline bin stays small.

use serde::{Deserialize, Serialize};

use crate::units::Duration;

/// log2 of the buckets in an octave.
const SUB_BITS: u32 = 7;
/// Durations below 2^10 ns (a microsecond) share bucket 0, which stands for zero.
const LEAST_EXPONENT: u32 = 10;

/// Counts of durations in log-linear buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept")]
pub struct Histogram {
    /// Bucket number of `counts[0]`.
    first: u32,
    counts: Vec<u32>,
    total: u64,
}

/// A histogram as it was saved, before it is known to be one.
#[derive(Deserialize)]
struct Kept {
    first: u32,
    counts: Vec<u32>,
    total: u64,
}

impl TryFrom<Kept> for Histogram {
    type Error = &'static str;

    fn try_from(kept: Kept) -> Result<Histogram, &'static str> {
        let Kept { first, counts, total } = kept;
        let last = u64::from(first) + counts.len() as u64;
        if last > u64::from(bucket_of(u64::MAX)) + 1 {
            return Err("a histogram has more buckets than there are");
        }
        if counts.iter().map(|count| u64::from(*count)).sum::<u64>() != total {
            return Err("a histogram's counts do not add up");
        }
        Ok(Histogram { first, counts, total })
    }
}

#[inline]
fn bucket_of(nanoseconds: u64) -> u32 {
    if nanoseconds < 1 << LEAST_EXPONENT {
        return 0;
    }
    let exponent = 63 - nanoseconds.leading_zeros();
    let sub = (nanoseconds >> (exponent - SUB_BITS)) as u32 & ((1 << SUB_BITS) - 1);
    1 + ((exponent - LEAST_EXPONENT) << SUB_BITS) + sub
}

/// Middle of a bucket, seconds.
fn middle_of(bucket: u32) -> f64 {
    let Some(bucket) = bucket.checked_sub(1) else { return 0.0 };
    let exponent = (bucket >> SUB_BITS) + LEAST_EXPONENT;
    let sub = bucket & ((1 << SUB_BITS) - 1);
    let width = 2f64.powi(exponent as i32 - SUB_BITS as i32);
    (2f64.powi(exponent as i32) + (f64::from(sub) + 0.5) * width) * 1e-9
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Histogram {
        Histogram::default()
    }

    /// Adds one duration.
    #[inline]
    pub fn record(&mut self, duration: Duration) {
        let bucket = bucket_of(duration.0);
        self.total += 1;
        match self.counts.get_mut(bucket.wrapping_sub(self.first) as usize) {
            Some(count) => *count += 1,
            None => self.record_outside(bucket),
        }
    }

    #[cold]
    fn record_outside(&mut self, bucket: u32) {
        self.make_room(bucket, bucket);
        self.counts[(bucket - self.first) as usize] += 1;
    }

    /// Grows the stored range to hold these buckets.
    fn make_room(&mut self, low: u32, high: u32) {
        if self.counts.is_empty() {
            self.first = low;
        }
        if low < self.first {
            let missing = (self.first - low) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = low;
        }
        let needed = (high - self.first) as usize + 1;
        if needed > self.counts.len() {
            self.counts.resize(needed, 0);
        }
    }

    /// Adds another histogram's counts. The order of merging does not matter.
    pub fn merge(&mut self, other: &Histogram) {
        if other.total == 0 {
            return;
        }
        self.make_room(other.first, other.first + other.counts.len() as u32 - 1);
        let offset = (other.first - self.first) as usize;
        for (mine, theirs) in self.counts[offset..].iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// Forgets the counts, keeps the storage.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
    }

    /// Number of durations recorded.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The `q`-quantile in seconds: the value of rank ceil(q n), at most 0.4 % off; NaN when empty.
    pub fn quantile(&self, q: f64) -> f64 {
        if self.total == 0 {
            return f64::NAN;
        }
        let rank = ((q * self.total as f64).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        for (i, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return middle_of(self.first + i as u32);
            }
        }
        f64::NAN
    }

    /// Share of the recorded durations that are above `seconds`, bucket by bucket; 0 when empty.
    pub fn share_above(&self, seconds: f64) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        let above: u64 = (self.counts.iter().enumerate())
            .filter(|(i, _)| middle_of(self.first + *i as u32) > seconds)
            .map(|(_, count)| u64::from(*count))
            .sum();
        above as f64 / self.total as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_stated_error() {
        let mut histogram = Histogram::new();
        let values: Vec<u64> = (1..=10_000u64).map(|i| i * i * 1_000).collect();
        for value in &values {
            histogram.record(Duration(*value));
        }
        for q in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let rank = (q * values.len() as f64).ceil() as usize;
            let truth = values[rank - 1] as f64 * 1e-9;
            let error = (histogram.quantile(q) / truth - 1.0).abs();
            assert!(error <= 0.004, "q {q}: {error}");
        }
        histogram.clear();
        histogram.record(Duration::ZERO);
        assert_eq!(histogram.quantile(0.5), 0.0);
    }

    #[test]
    fn merging_is_the_same_as_recording_together() {
        let (mut all, mut even, mut odd) = (Histogram::new(), Histogram::new(), Histogram::new());
        for i in 0..1000u64 {
            let duration = Duration(i * 7_919_000);
            all.record(duration);
            if i % 2 == 0 { even.record(duration) } else { odd.record(duration) }
        }
        let mut merged = odd.clone();
        merged.merge(&even);
        assert_eq!(merged.count(), all.count());
        for q in [0.1, 0.5, 0.99] {
            assert_eq!(merged.quantile(q), all.quantile(q));
        }
    }
}
