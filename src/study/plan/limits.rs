//! One-sided confidence limits at any level, for a race that looks many times at many candidates: each look spends a
//! small part of the error, so that the 95 % intervals of `intervals` would not do.
//!
//! Every limit errs with at most its `level`, each side by itself: exactly for shares, counts of single events and
//! quantiles, asymptotically for means. The levels go down to a few ten-millionths; and one limit may exist where the other
//! does not, which the two-sided intervals of `intervals` do not tell.

use std::ops::RangeInclusive;

use statrs::function::beta::beta_reg;

use crate::ledger::{Kind, Metric};
use crate::scenario::Statistic;
use crate::study::intervals::{Moments, bisect, poisson_at_least};

/// A count is rare while its total over runs is below this: as in [`crate::study::summarize_metric`].
const RARE_TOTAL: f64 = 1000.0;

/// Where a value is said to lie: all numbers where nothing is known.
pub type Limits = RangeInclusive<f64>;

const ANYWHERE: Limits = f64::NEG_INFINITY..=f64::INFINITY;

/// Student's t that is exceeded with probability `level`, at so many degrees of freedom (at least 1).
///
/// P(T > t) is half the regularised incomplete beta function I_x(v/2, 1/2) at x = v / (v + t^2) (Abramowitz and Stegun
/// 26.7.1): the tail itself, so that small levels lose no digits.
pub fn student_t_at(level: f64, degrees_of_freedom: f64) -> f64 {
    let v = degrees_of_freedom;
    bisect(0.0, 1e9, -level, |t| -0.5 * beta_reg(0.5 * v, 0.5, v / (v + t * t)))
}

/// Limits of a probability after `successes` of `n` independent trials: exact binomial (Clopper and Pearson 1934).
fn share_limits(successes: u64, n: u64, level: f64) -> Limits {
    if n == 0 {
        return ANYWHERE;
    }
    let (k, trials) = (successes as f64, n as f64);
    // P(Bin(n, p) >= k) = I_p(k, n - k + 1).
    let low = if successes == 0 { 0.0 } else { bisect(0.0, 1.0, level, |p| beta_reg(k, trials - k + 1.0, p)) };
    let high = if successes == n { 1.0 } else { bisect(0.0, 1.0, 1.0 - level, |p| beta_reg(k + 1.0, trials - k, p)) };
    low..=high
}

/// Limits of the mean number of events a run: exact Poisson (Garwood 1936), as far out as these levels reach.
fn count_limits(total: f64, n: usize, level: f64) -> Limits {
    let far = total + 30.0 * (total + 1.0).sqrt() - level.ln();
    let low = if total < 1.0 { 0.0 } else { bisect(0.0, far, level, |x| poisson_at_least(total, x)) };
    let high = bisect(0.0, far, 1.0 - level, |x| poisson_at_least(total + 1.0, x));
    low / n as f64..=high / n as f64
}

/// Limits of a mean by Student's t, widened where it would mislead.
///
/// Skewed values make t err on one side: that side gets Johnson's correction, s g (2 t^2 + 1) / (6 n) with the sample's
/// skewness g (Johnson 1978, by the Cornish-Fisher expansion); the other side is not narrowed. g is the adjusted
/// coefficient of Fisher and Pearson, because a small sample shows too little of its distribution's skewness. The limits
/// take t as given, which a race works out once for each look; [`crate::study::Confidence::mean`], by Hall's
/// transformation, would do so for each of thousands of comparisons. At a level of 0.01 and 20 exponential values these
/// err with 0.026 on the long tail's side, Hall's with 0.020, Student's alone with 0.047; at smaller levels all of them err
/// many times as often as they say, until there are enough runs for the skewness: see [`knows_its_skewness`]. And t knows
/// nothing of
/// events too rare to have been seen enough: while fewer than log2(1 / level) values differ from zero, and not all are
/// equal, the sign of the mean is not shown (a sign test could not show it at this level), and a mean that is rarely
/// nonzero may be as large as the greatest value seen times the exact upper limit of how often one is nonzero. `t` is
/// [`student_t_at`] of the level and n - 1.
fn mean_limits(values: &[f64], level: f64, t: f64) -> Limits {
    if values.len() < 2 || values.iter().any(|value| !value.is_finite()) {
        return ANYWHERE;
    }
    let n = values.len() as f64;
    let Moments { mean, standard_deviation: deviation, skewness } = Moments::of(values);
    let skewness = skewness * (n * (n - 1.0)).sqrt() / (n - 2.0).max(1.0);
    let half = t * deviation / n.sqrt();
    let correction = deviation * skewness * (2.0 * t * t + 1.0) / (6.0 * n);
    let (mut low, mut high) = (mean - half + correction.min(0.0), mean + half + correction.max(0.0));
    let nonzero = values.iter().filter(|value| **value != 0.0).count() as u64;
    if deviation > 0.0 && (nonzero as f64) < -level.log2() {
        let often = *share_limits(nonzero, values.len() as u64, level).end();
        let (least, greatest) = values.iter().fold((0.0_f64, 0.0_f64), |(a, b), value| (a.min(*value), b.max(*value)));
        low = low.min(often * least);
        high = high.max(often * greatest);
    }
    low..=high
}

/// Skewness that values are taken to have at least: a sample that has not met its long tail shows none.
const LEAST_SKEWNESS: f64 = 1.0;

/// Whether there are runs enough for the limits of a mean to err about as often as they say at this level.
///
/// The expansion that the correction comes from goes on with terms of t^6 g^2 / (72 n); they must be below two thirds, of
/// the skewness that the sample shows and of one that any may have.
pub fn knows_its_skewness(values: &[f64], level: f64) -> bool {
    let n = values.len() as f64;
    if n < 3.0 {
        return false;
    }
    let skewness = (Moments::of(values).skewness * (n * (n - 1.0)).sqrt() / (n - 2.0)).abs().max(LEAST_SKEWNESS);
    n >= student_t_at(level, n - 1.0).powi(6) * skewness * skewness / 50.0
}

/// Limits of the mean of a metric's values over runs, or of differences of two candidates' values within runs.
///
/// Counts get the hull of that and of exact Poisson limits of what adds and of what deducts, while they are rare: at half
/// the level each, since either may err.
pub fn metric_limits(metric: Metric, values: &[f64], level: f64, t: f64) -> Limits {
    let by_t = mean_limits(values, level, t);
    if metric.description().kind == Kind::Real || values.is_empty() {
        return by_t;
    }
    let gained: f64 = values.iter().map(|value| value.max(0.0)).sum();
    let lost: f64 = values.iter().map(|value| -value.min(0.0)).sum();
    if gained + lost >= RARE_TOTAL {
        return by_t;
    }
    // What is never negative deducts nothing, and needs no share of the level.
    let (gains, losses) = if lost == 0.0 && *by_t.start() >= 0.0 && gained > 0.0 {
        (count_limits(gained, values.len(), level), 0.0..=0.0)
    } else {
        (count_limits(gained, values.len(), level / 2.0), count_limits(lost, values.len(), level / 2.0))
    };
    let (low, high) = (gains.start() - losses.end(), gains.end() - losses.start());
    by_t.start().min(low)..=by_t.end().max(high)
}

/// Limits of the `q`-quantile of sorted values, distribution-free: the ranks of [`crate::study::quantile_ranks`] at this
/// level. Infinite on a side for which there are too few values.
fn quantile_limits(sorted: &[f64], q: f64, level: f64) -> Limits {
    let n = sorted.len();
    // P(Bin(n, q) <= k - 1) = 1 - I_q(k, n - k + 1) is what a lower limit of rank k errs with: the greatest k is taken.
    let at_least = |k: usize| beta_reg(k as f64, (n - k + 1) as f64, q);
    let partition = |holds: &dyn Fn(usize) -> bool| {
        let (mut before, mut after) = (0, n + 1);
        while after - before > 1 {
            let middle = (before + after) / 2;
            if holds(middle) { before = middle } else { after = middle }
        }
        before
    };
    let lower = partition(&|k| 1.0 - at_least(k) <= level);
    // P(Bin(n, q) >= u) is what an upper limit of rank u errs with: the first u for which that is little enough.
    let upper = partition(&|u| at_least(u) > level) + 1;
    let low = if lower == 0 { f64::NEG_INFINITY } else { sorted[lower - 1] };
    let high = if upper > n { f64::INFINITY } else { sorted[upper - 1] };
    low..=high
}

/// Limits of a statistic over runs of a metric; `values` are those of the runs that have one, plus infinity where a
/// rollout did not finish. The least and the greatest value have none: they are what they are.
pub fn statistic_limits(statistic: Statistic, metric: Metric, values: &[f64], level: f64) -> Limits {
    if values.is_empty() {
        return ANYWHERE;
    }
    let n = values.len() as u64;
    let positive = values.iter().filter(|value| **value > 0.0).count() as u64;
    if let Some(q) = statistic.quantile() {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        return quantile_limits(&sorted, q, level);
    }
    match (statistic, metric.description().kind) {
        (Statistic::ProbabilityPositive, _) | (Statistic::Mean, Kind::YesNo) => share_limits(positive, n, level),
        (Statistic::Mean, _) if values.contains(&f64::INFINITY) => f64::INFINITY..=f64::INFINITY,
        (Statistic::Mean, _) if n < 2 => ANYWHERE,
        (Statistic::Mean, _) => {
            let (least, greatest) = metric.description().range.ends();
            let limits = metric_limits(metric, values, level, student_t_at(level, n as f64 - 1.0));
            limits.start().max(least)..=limits.end().min(greatest)
        }
        _ => {
            let value = statistic_of(statistic, values);
            value..=value
        }
    }
}

/// The statistic itself; NaN without values.
pub fn statistic_of(statistic: Statistic, values: &[f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    if let Some(q) = statistic.quantile() {
        let mut sorted = values.to_vec();
        let at = crate::study::summary::quantile_index(q, n);
        return *sorted.select_nth_unstable_by(at, f64::total_cmp).1;
    }
    match statistic {
        Statistic::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        Statistic::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Statistic::ProbabilityPositive => values.iter().filter(|value| **value > 0.0).count() as f64 / n as f64,
        _ => values.iter().sum::<f64>() / n as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, RunKey, Stream, exponential, unit_interval};
    use rand::Rng;

    fn close(found: f64, expected: f64) -> bool {
        (found / expected - 1.0).abs() < 1e-6
    }

    #[test]
    fn student_quantiles_are_those_of_the_tables_far_out_too() {
        // 19 and 1 degrees of freedom at 2.5 %.
        assert!(close(student_t_at(0.025, 19.0), 2.093_024_054));
        assert!(close(student_t_at(0.025, 1.0), 12.706_204_736));
        // With one degree of freedom it is Cauchy's: tan(pi (1/2 - level)).
        let cauchy = (std::f64::consts::PI * (0.5 - 1e-6)).tan();
        assert!(close(student_t_at(1e-6, 1.0), cauchy));
    }

    #[test]
    fn exact_limits_of_shares_and_counts_are_those_of_the_tables() {
        // No success in n trials: 1 - level^(1/n). 3 of 20 at 2.5 %: 0.0321 and 0.3789 (Clopper and Pearson).
        assert!(close(*share_limits(0, 20, 0.025).end(), 1.0 - 0.025f64.powf(0.05)));
        let three = share_limits(3, 20, 0.025);
        assert!((three.start() - 0.0321).abs() < 5e-5 && (three.end() - 0.3789).abs() < 5e-5, "{three:?}");
        assert_eq!(*share_limits(20, 20, 0.025).end(), 1.0);
        // No event in 20 runs: -ln(level) / 20.
        let none = metric_limits(Metric::TruncatedAttempts, &[0.0; 20], 1e-4, student_t_at(1e-4, 19.0));
        assert!(close(*none.end(), -(0.5e-4f64.ln()) / 20.0), "{none:?}");
    }

    #[test]
    fn quantiles_take_the_ranks_of_the_binomial_distribution() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        for q in [0.5, 0.9] {
            let (low, high) = crate::study::quantile_ranks(q, 100).unwrap();
            assert_eq!(quantile_limits(&values, q, 0.025), low as f64..=high as f64, "{q}");
        }
        // 0.95^n <= level is needed for an upper limit: 59 values at 5 %.
        assert!(quantile_limits(&values[..58], 0.95, 0.05).end().is_infinite());
        assert_eq!(*quantile_limits(&values[..59], 0.95, 0.05).end(), 59.0);
    }

    #[test]
    fn a_handful_of_rare_events_shows_no_sign() {
        let mut values = vec![0.0; 200];
        values[3..9].fill(-5.0);
        let limits = mean_limits(&values, 1e-4, student_t_at(1e-4, 199.0));
        assert!(*limits.end() >= 0.0, "{limits:?}");
        assert!(*limits.start() <= -5.0 * 6.0 / 200.0 * 2.0, "{limits:?}");
        let always = mean_limits(&[-5.0; 20], 1e-4, student_t_at(1e-4, 19.0));
        assert_eq!(always, -5.0..=-5.0);
    }

    /// How often either limit lies beyond the true mean.
    fn errors(n: usize, level: f64, draw: impl Fn(&mut Stream) -> f64, truth: f64) -> (f64, f64) {
        const STUDIES: u64 = 20_000;
        let t = student_t_at(level, n as f64 - 1.0);
        let (mut above, mut below) = (0, 0);
        for study in 0..STUDIES {
            let mut stream = RunKey::new(11, study).stream(Purpose::Arrivals);
            let values: Vec<f64> = (0..n).map(|_| draw(&mut stream)).collect();
            let limits = mean_limits(&values, level, t);
            above += u32::from(*limits.end() < truth);
            below += u32::from(*limits.start() > truth);
        }
        (f64::from(above) / STUDIES as f64, f64::from(below) / STUDIES as f64)
    }

    #[test]
    fn limits_of_symmetric_means_err_no_oftener_than_they_say_and_of_skewed_ones_little_oftener() {
        let level = 0.01;
        // Three binomial standard errors of a share of 20,000 studies.
        let noise = 3.0 * (level * (1.0 - level) / 20_000.0f64).sqrt();
        let (above, below) = errors(20, level, |stream| unit_interval(stream.next_u64()), 0.5);
        assert!(above <= level + noise && below <= level + noise, "{above} {below}");
        // Student's t alone errs with 0.0455 at 20 exponential values and with 0.0270 at 80, measured likewise: the correction takes more
        // than half of the excess.
        for (n, alone) in [(20, 0.0455), (80, 0.0270)] {
            let (above, below) = errors(n, level, exponential, 1.0);
            assert!(above <= level + 0.5 * (alone - level) && below <= level + noise, "{n}: {above} {below}");
        }
    }

    /// At the levels of a race: how often an exponential or a lognormal mean is said to be below its true value. Without
    /// waiting for runs enough that is twelve times as often as said at 20 exponential values and more at lognormal ones;
    /// with it, no more than five times, within three standard errors of a share of 20,000 studies.
    #[test]
    fn limits_at_the_small_levels_of_a_race_wait_until_there_are_runs_enough_for_the_skewness() {
        let level: f64 = 5e-4;
        let noise = 3.0 * (5.0 * level / 20_000.0).sqrt();
        let wrongly = |n: usize, draw: &dyn Fn(&mut Stream) -> f64, truth: f64| {
            let t = student_t_at(level, n as f64 - 1.0);
            let said = |study: &u64| {
                let mut stream = RunKey::new(12, *study).stream(Purpose::Arrivals);
                let values: Vec<f64> = (0..n).map(|_| draw(&mut stream)).collect();
                *mean_limits(&values, level, t).end() < truth && knows_its_skewness(&values, level)
            };
            (0..20_000).filter(said).count() as f64 / 20_000.0
        };
        let lognormal = |stream: &mut Stream| (0.8 * normal(stream)).exp();
        for n in [20, 80, 160] {
            for (draw, truth) in [(&exponential as &dyn Fn(&mut Stream) -> f64, 1.0), (&lognormal, 0.32f64.exp())] {
                let share = wrongly(n, draw, truth);
                println!("{n} values of mean {truth}: {share}");
                assert!(share <= 5.0 * level + noise, "{n}: {share}");
            }
        }
    }

    fn normal(stream: &mut Stream) -> f64 {
        use rand_distr::{Distribution, StandardNormal};
        StandardNormal.sample(stream)
    }
}
