//! Bounds of a mean of rare, skewed, nonnegative values, and how much one estimator's variance is below another's.
//!
//! Whether an answer is cut at a long grace period hangs on the few long answers that happened to be in flight: most runs'
//! values are tiny, a few are large. Student's t then puts its upper bound too low, exactly when a large value happens to be
//! missing. The bounds here are those of Fay and Feuer (1997) for weighted sums of rare events: each run's value is the
//! weight of an event of which a Poisson number with mean 1 happens, and the upper bound reckons with one more event as
//! heavy as the heaviest seen. For counts of 0 and 1 they are the exact Poisson bounds.

use statrs::function::gamma::gamma_lr;

use super::super::intervals::{bisect, student_t_quantile};
use super::super::summary::mean_and_deviation;
use crate::study::Estimate;

/// Probability that the one-sided bounds leave out.
const ONE_SIDED: f64 = 0.05;
/// Probability that may lie beyond either end of an interval.
const TAIL: f64 = 0.025;

/// Fewest effective runs, see [`Values::effective_runs`], of which a bound is believed: below, the next run may well be
/// worth all others.
pub const FEWEST_EFFECTIVE_RUNS: f64 = 10.0;

/// One nonnegative value from each run, as sums.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    runs: f64,
    sum: f64,
    squares: f64,
    /// The weight of the heaviest event, seen or to be reckoned with.
    heaviest: f64,
    greatest: f64,
}

impl Values {
    /// Sums over the values of all runs. `least_heavy`: the event to be reckoned with is at least as heavy as this; for
    /// counts 1, for values that may be of any size 0.
    pub fn new(values: &[f64], least_heavy: f64) -> Values {
        let greatest = values.iter().copied().fold(0.0, f64::max);
        Values {
            runs: values.len() as f64,
            sum: values.iter().sum(),
            squares: values.iter().map(|value| value * value).sum(),
            heaviest: greatest.max(least_heavy),
            greatest,
        }
    }

    /// The greatest value.
    pub fn greatest(&self) -> f64 {
        self.greatest
    }

    /// How many runs of equal values would tell as much: (sum x)^2 / sum x^2 (Kish 1965). Zero where all are zero.
    pub fn effective_runs(&self) -> f64 {
        if self.squares > 0.0 { self.sum * self.sum / self.squares } else { 0.0 }
    }

    /// The mean with its two-sided 95 % interval.
    pub fn estimate(&self) -> Estimate {
        let any = self.runs > 0.0;
        Estimate { value: self.sum / self.runs, interval: any.then(|| (self.lower(TAIL), self.upper(TAIL))) }
    }

    /// The one-sided 95 % upper bound of the mean.
    pub fn upper_bound(&self) -> f64 {
        self.upper(ONE_SIDED)
    }

    /// The one-sided 95 % lower bound of the mean.
    pub fn lower_bound(&self) -> f64 {
        self.lower(ONE_SIDED)
    }

    fn lower(&self, tail: f64) -> f64 {
        if self.sum == 0.0 {
            return 0.0;
        }
        let shape = self.sum * self.sum / self.squares;
        gamma_quantile(shape, tail) * self.squares / self.sum / self.runs
    }

    fn upper(&self, tail: f64) -> f64 {
        let (sum, squares) = (self.sum + self.heaviest, self.squares + self.heaviest * self.heaviest);
        if sum == 0.0 {
            return 0.0;
        }
        gamma_quantile(sum * sum / squares, 1.0 - tail) * squares / sum / self.runs
    }
}

/// The quantile of the gamma distribution with this shape and scale 1.
fn gamma_quantile(shape: f64, probability: f64) -> f64 {
    let far = shape + 15.0 * (shape + 1.0).sqrt();
    bisect(0.0, far, probability, |x| if x <= 0.0 { 0.0 } else { gamma_lr(shape, x) })
}

/// Fewest runs in which an event that was never seen can be shown to come at most `target` times a run: -ln 5 % / target.
pub fn runs_without_an_event(target: f64) -> f64 {
    (-ONE_SIDED.ln() / target).ceil()
}

/// How many times the variance of `ours` over runs that of `theirs` is, value by value from the same runs, with a 95 %
/// interval; `None` where either does not vary or there are fewer than three runs.
///
/// The interval is the jackknife's for the logarithm of the ratio (Miller 1968), which does not assume normal values; there
/// is none where one run makes up all of a variance.
pub fn variance_ratio(theirs: &[f64], ours: &[f64]) -> Option<Estimate> {
    let n = theirs.len();
    let log_ratio = |theirs: f64, ours: f64| (theirs / ours).ln();
    let (of_theirs, of_ours) = (LeaveOneOut::new(theirs), LeaveOneOut::new(ours));
    let whole = log_ratio(of_theirs.variance(), of_ours.variance());
    if n < 3 || !whole.is_finite() {
        return None;
    }
    let pseudo_values: Vec<f64> = (0..n)
        .map(|i| {
            n as f64 * whole - (n - 1) as f64 * log_ratio(of_theirs.variance_without(i), of_ours.variance_without(i))
        })
        .collect();
    let (mean, deviation) = mean_and_deviation(&pseudo_values);
    let half = student_t_quantile((n - 1) as f64) * deviation / (n as f64).sqrt();
    let ends = ((mean - half).exp(), (mean + half).exp());
    let is_told = ends.0.is_finite() && ends.1.is_finite();
    Some(Estimate { value: whole.exp(), interval: is_told.then_some(ends) })
}

/// Variances of values and of all but one of them.
struct LeaveOneOut<'a> {
    values: &'a [f64],
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl<'a> LeaveOneOut<'a> {
    fn new(values: &'a [f64]) -> LeaveOneOut<'a> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        LeaveOneOut { values, mean, squares: values.iter().map(|value| (value - mean).powi(2)).sum() }
    }

    fn variance(&self) -> f64 {
        self.squares / (self.values.len() as f64 - 1.0)
    }

    fn variance_without(&self, i: usize) -> f64 {
        let n = self.values.len() as f64;
        let distance = self.values[i] - self.mean;
        (self.squares - distance * distance * n / (n - 1.0)).max(0.0) / (n - 2.0)
    }
}
