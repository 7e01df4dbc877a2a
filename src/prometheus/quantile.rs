//! `histogram_quantile` of classic histograms.

/// A bucket of a classic histogram: how many observations were at most its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Its bound, `le`.
    pub upper: f64,
    /// Observations, or a rate of them, up to the bound.
    pub count: f64,
}

/// Relative difference of two buckets that is taken for rounding.
const TOLERANCE: f64 = 1e-12;

/// PromQL's `histogram_quantile`: interpolated linearly within the bucket that holds the quantile. NaN without observations,
/// or without a bucket for infinity; the last finite bound, if the quantile lies beyond it.
pub fn histogram_quantile(q: f64, buckets: &[Bucket]) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let mut buckets = merged(buckets);
    make_monotonic(&mut buckets);
    let [finite @ .., last] = buckets.as_slice() else { return f64::NAN };
    let Some(highest) = finite.last() else { return f64::NAN };
    if last.upper != f64::INFINITY || last.count == 0.0 {
        return f64::NAN;
    }
    let rank = q * last.count;
    let Some(found) = finite.iter().position(|bucket| bucket.count >= rank) else { return highest.upper };
    let Bucket { upper, count } = finite[found];
    if found == 0 && upper <= 0.0 {
        return upper;
    }
    let below = if found == 0 { Bucket { upper: 0.0, count: 0.0 } } else { finite[found - 1] };
    below.upper + (upper - below.upper) * ((rank - below.count) / (count - below.count))
}

/// In order of their bounds, those of equal bounds added.
fn merged(buckets: &[Bucket]) -> Vec<Bucket> {
    let mut sorted = buckets.to_vec();
    sorted.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    let mut merged: Vec<Bucket> = Vec::with_capacity(sorted.len());
    for bucket in sorted {
        match merged.last_mut() {
            Some(last) if last.upper == bucket.upper => last.count += bucket.count,
            _ => merged.push(bucket),
        }
    }
    merged
}

/// Counts that fall, as they do when a reset was noticed in some buckets only, are raised to those before them.
fn make_monotonic(buckets: &mut [Bucket]) {
    let Some(first) = buckets.first() else { return };
    let mut previous = first.count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        let is_rounding = (count - previous).abs() / (count.abs() + previous.abs()) < TOLERANCE;
        if is_rounding || count < previous {
            bucket.count = previous;
        } else {
            previous = count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn buckets(counts: &[(f64, f64)]) -> Vec<Bucket> {
        counts.iter().map(|(upper, count)| Bucket { upper: *upper, count: *count }).collect()
    }

    #[test]
    fn a_quantile_is_interpolated_within_its_bucket() {
        let counts = buckets(&[(0.1, 0.0), (0.25, 1.0), (INF, 1.0)]);
        assert_eq!(histogram_quantile(0.99, &counts), 0.2485);
        let first = buckets(&[(0.001, 8.0), (0.005, 8.0), (INF, 8.0)]);
        assert_eq!(histogram_quantile(0.99, &first), 0.00099, "the first bucket begins at zero");
        let edge = buckets(&[(1.0, 5.0), (2.0, 10.0), (INF, 10.0)]);
        assert_eq!(histogram_quantile(0.5, &edge), 1.0, "a rank on a bucket's count is its bound");
    }

    #[test]
    fn beyond_the_last_bound_the_answer_is_that_bound() {
        assert_eq!(histogram_quantile(0.99, &buckets(&[(1.0, 0.0), (2560.0, 1.0), (INF, 9.0)])), 2560.0);
    }

    #[test]
    fn without_observations_or_without_an_end_there_is_no_number() {
        assert!(histogram_quantile(0.5, &buckets(&[(1.0, 0.0), (INF, 0.0)])).is_nan());
        assert!(histogram_quantile(0.5, &buckets(&[(1.0, 1.0), (2.0, 3.0)])).is_nan());
        assert!(histogram_quantile(0.5, &buckets(&[(INF, 3.0)])).is_nan());
        assert!(histogram_quantile(0.5, &[]).is_nan());
        assert!(histogram_quantile(f64::NAN, &buckets(&[(1.0, 1.0), (INF, 3.0)])).is_nan());
        assert_eq!(histogram_quantile(1.5, &[]), INF);
        assert_eq!(histogram_quantile(-0.5, &[]), -INF);
    }

    #[test]
    fn buckets_that_fall_are_raised_to_the_ones_before_and_equal_bounds_are_added() {
        let fallen = buckets(&[(1.0, 4.0), (2.0, 1.0), (INF, 2.0)]);
        assert_eq!(histogram_quantile(1.0, &fallen), 1.0);
        let twice = buckets(&[(INF, 4.0), (1.0, 1.0), (1.0, 1.0), (2.0, 4.0)]);
        assert_eq!(histogram_quantile(0.75, &twice), 1.5);
    }
}
