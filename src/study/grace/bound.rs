//! Bounds of a mean of rare, skewed, nonnegative values, and how much one estimator's variance is below another's.
//!
//! Whether an answer is cut at a long grace period hangs on the few long answers that happened to be in flight: most runs'
//! values are tiny, a few are large. Student's t then puts its upper bound too low, exactly when a large value happens to be
//! missing. The bounds here are those of Fay and Feuer (1997) for weighted sums of rare events: each run's value is the
//! weight of an event of which a Poisson number with mean 1 happens, and the upper bound reckons with one more event as
//! heavy as the heaviest seen. For counts of 0 and 1 they are the exact Poisson bounds. Where runs agree, that is far too
//! careful: they then get the interval of a mean.

use statrs::function::gamma::gamma_lr;

use super::super::intervals::{Confidence, Moments, bisect, student_t_quantile};
use crate::study::Estimate;

/// Probability that the one-sided bounds leave out.
const ONE_SIDED: f64 = 0.05;
/// Probability that may lie beyond either end of an interval.
const TAIL: f64 = 0.025;

/// Fewest effective runs, see `Values::effective_runs`, that know how heavy a run may be. With fewer, the heaviest has
/// often not been seen: of a hundred studies of expected numbers of 10^-6 some fifteen then put the bound too low.
pub const FEWEST_EFFECTIVE_RUNS: f64 = 100.0;

/// Least share of all runs that the effective ones are where runs agree: values that vary by no more than half their mean,
/// which the interval of a mean covers (see `intervals`). Of values that vary by as much as their mean, the heaviest may
/// not have been seen.
const AGREEING: f64 = 0.8;

/// One nonnegative value from each run, as sums.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    moments: Moments,
    runs: f64,
    sum: f64,
    squares: f64,
    /// The weight of the one event more that is reckoned with: the heaviest seen, or heavier.
    heaviest: f64,
    greatest: f64,
}

impl Values {
    /// Sums over the values of all runs. `least_heavy`: the event to be reckoned with is at least as heavy as this; for
    /// counts 1, for values that may be of any size 0.
    pub fn new(values: &[f64], least_heavy: f64) -> Values {
        let greatest = values.iter().copied().fold(0.0, f64::max);
        Values {
            moments: Moments::of(values),
            runs: values.len() as f64,
            sum: values.iter().sum(),
            squares: values.iter().map(|value| value * value).sum(),
            heaviest: greatest.max(least_heavy),
            greatest,
        }
    }

    /// The sums over so many times as many runs that go as these did. With enough effective runs no event heavier than the
    /// heaviest seen is reckoned with.
    pub fn times(&self, factor: f64) -> Values {
        let longer =
            Values { runs: factor * self.runs, sum: factor * self.sum, squares: factor * self.squares, ..*self };
        let knows = longer.effective_runs() >= FEWEST_EFFECTIVE_RUNS;
        Values { heaviest: if knows { self.greatest } else { self.heaviest }, ..longer }
    }

    /// The number of runs.
    pub fn runs(&self) -> f64 {
        self.runs
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

    /// The interval of a mean, where runs agree and are so many that the heaviest would have been among them.
    fn of_agreeing(&self, tail: f64) -> Option<(f64, f64)> {
        let agree = self.effective_runs() >= FEWEST_EFFECTIVE_RUNS.max(AGREEING * self.runs);
        agree.then(|| Confidence::of_tail(tail).mean(self.moments, self.runs as u64)).flatten()
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
        if let Some((low, _)) = self.of_agreeing(tail) {
            return low.max(0.0);
        }
        let shape = self.sum * self.sum / self.squares;
        gamma_quantile(shape, tail) * self.squares / self.sum / self.runs
    }

    fn upper(&self, tail: f64) -> f64 {
        if let Some((_, high)) = self.of_agreeing(tail) {
            return high;
        }
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

/// What is left of a variance without one run, as a share of it, that may be nothing but rounding.
const ROUNDING: f64 = 1e-9;

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
    let Moments { mean, standard_deviation: deviation, .. } = Moments::of(&pseudo_values);
    let half = student_t_quantile((n - 1) as f64) * deviation / (n as f64).sqrt();
    let ends = ((mean - half).exp(), (mean + half).exp());
    let is_told = !of_theirs.is_one_run() && !of_ours.is_one_run();
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

    /// Whether one run makes up all of the variance.
    fn is_one_run(&self) -> bool {
        (0..self.values.len()).any(|i| self.variance_without(i) <= ROUNDING * self.variance())
    }

    fn variance_without(&self, i: usize) -> f64 {
        let n = self.values.len() as f64;
        let distance = self.values[i] - self.mean;
        (self.squares - distance * distance * n / (n - 1.0)).max(0.0) / (n - 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Distribution, Family, Purpose, RunKey, Stream, exponential, unit_interval};
    use crate::study::intervals::garwood;
    use rand::Rng;

    fn poisson(mean: f64, stream: &mut Stream) -> usize {
        let (mut events, mut time) = (0, exponential(stream));
        while time < mean {
            events += 1;
            time += exponential(stream);
        }
        events
    }

    #[test]
    fn counts_of_zero_and_one_have_the_exact_poisson_interval() {
        for events in [1, 7, 30] {
            let values: Vec<f64> = (0..80).map(|run| f64::from(u8::from(run < events))).collect();
            let (low, high) = Values::new(&values, 1.0).estimate().interval.expect("runs");
            let (exact_low, exact_high) = garwood(events, 80).expect("runs");
            assert!((low - exact_low).abs() < 1e-9 && (high - exact_high).abs() < 1e-9, "{events}: {low} to {high}");
        }
        let none = Values::new(&[0.0; 100], 1.0);
        assert!((none.upper_bound() - 0.05f64.ln().abs() / 100.0).abs() < 1e-9);
        assert_eq!((none.lower_bound(), none.effective_runs()), (0.0, 0.0));
        assert_eq!(runs_without_an_event(1e-3), 2_996.0);
    }

    #[test]
    fn runs_that_agree_get_the_interval_of_a_mean() {
        let values: Vec<f64> = (0..110).map(|run| 31.0 + f64::from(run % 5)).collect();
        let (low, high) = Values::new(&values, 0.0).estimate().interval.expect("runs");
        let mean = Confidence::NINETY_FIVE.mean(Moments::of(&values), 110).expect("runs");
        assert!((low - mean.0).abs() < 1e-9 && (high - mean.1).abs() < 1e-9, "{low} to {high}, {mean:?}");
        // Of 33 a run, weights of as many events would give 6 to either side.
        assert!(high - low < 1.0);
    }

    /// Nineteen rollouts in twenty come in quiet hours and cut about one answer, the twentieth in a busy one and cuts
    /// twenty. In twenty runs a third of the studies meet no busy hour, and their runs agree: the bound must reckon with one.
    #[test]
    fn a_few_runs_that_agree_do_not_hide_a_busy_hour() {
        const STUDIES: u64 = 2_000;
        let error = 3.0 * (0.95_f64 * 0.05 / STUDIES as f64).sqrt();
        let truth = 0.95 + 0.05 * 20.0;
        for runs in [20, 120] {
            let covered = (0..STUDIES).filter(|study| {
                let mut stream = RunKey::new(10, *study).stream(Purpose::Arrivals);
                let mut rollout = || {
                    let is_busy = unit_interval(stream.next_u64()) < 0.05;
                    if is_busy { 20.0 } else { 0.9 + 0.2 * unit_interval(stream.next_u64()) }
                };
                let values: Vec<f64> = (0..runs).map(|_| rollout()).collect();
                let few = Values::new(&values, 0.0).effective_runs() < FEWEST_EFFECTIVE_RUNS;
                // The worst run of the next shorter period, which cuts more, is what is reckoned with.
                Values::new(&values, if few { 25.0 } else { 0.0 }).upper_bound() >= truth
            });
            let share = covered.count() as f64 / STUDIES as f64;
            assert!(share >= 0.95 - error, "{runs} runs: {share}");
        }
    }

    /// What is cut at one rollout of M/G/infinity replicas, in expectation: of answers in flight, which are old with
    /// density proportional to P(S > age), each by P(S > age + grace) / P(S > age).
    fn rollout(service: &Distribution, ages: &[f64], in_flight: f64, grace: f64, stream: &mut Stream) -> f64 {
        let age = |stream: &mut Stream| ages[(unit_interval(stream.next_u64()) * ages.len() as f64) as usize];
        (0..poisson(in_flight, stream))
            .map(|_| age(stream))
            .map(|age| service.survival(age + grace) / service.survival(age))
            .sum()
    }

    /// Ages of answers in flight, which are old with density proportional to P(S > age), each as likely as the other.
    fn ages(service: &Distribution) -> Vec<f64> {
        const AGES: usize = 20_000;
        let step = 1e-3;
        let weights: Vec<f64> = (0..60_000).map(|i| service.survival((f64::from(i) + 0.5) * step)).collect();
        let total: f64 = weights.iter().sum();
        let (mut ages, mut below) = (Vec::new(), 0.0);
        for (i, weight) in weights.iter().enumerate() {
            below += weight;
            while ages.len() < AGES && (ages.len() as f64 + 0.5) / (AGES as f64) < below / total {
                ages.push((i as f64 + 0.5) * step);
            }
        }
        ages
    }

    /// The upper bound covers the truth in 95 % of studies at least, where Student's t does not: rollouts of fleets whose
    /// answers are lognormal without a bound. A grace period of 15, 30 or 60 medians cuts one in 7, in 500 or in 17,000
    /// rollouts. With few effective runs one answer is reckoned with. Within three binomial standard errors.
    #[test]
    fn the_upper_bound_covers_the_truth_of_rare_and_skewed_values() {
        const STUDIES: u64 = 200;
        const RUNS: u32 = 150;
        let service = Distribution { family: Family::Lognormal { median: 1.0, sigma: 0.8155 }, max: f64::INFINITY };
        let ages = ages(&service);
        let error = 3.0 * (0.95_f64 * 0.05 / STUDIES as f64).sqrt();
        for (grace, t_fails) in [(15.0, false), (30.0, false), (60.0, true)] {
            let cut = |age: &f64| service.survival(age + grace) / service.survival(*age);
            let truth = 30.0 * ages.iter().map(cut).sum::<f64>() / ages.len() as f64;
            let (mut covered, mut covered_by_t) = (0, 0);
            for study in 0..STUDIES {
                let mut stream = RunKey::new(9, study).stream(Purpose::Arrivals);
                let values: Vec<f64> = (0..RUNS).map(|_| rollout(&service, &ages, 30.0, grace, &mut stream)).collect();
                let few = Values::new(&values, 0.0).effective_runs() < FEWEST_EFFECTIVE_RUNS;
                let bound = Values::new(&values, if few { 1.0 } else { 0.0 }).upper_bound();
                covered += u64::from(bound >= truth);
                let Moments { mean, standard_deviation: deviation, .. } = Moments::of(&values);
                // Student's t at 95 % with 149 degrees of freedom.
                covered_by_t += u64::from(mean + 1.655_14 * deviation / f64::from(RUNS).sqrt() >= truth);
            }
            let share = |covered: u64| covered as f64 / STUDIES as f64;
            assert!(share(covered) >= 0.95 - error, "{grace}: {truth:e} covered by {}", share(covered));
            assert!(!t_fails || share(covered_by_t) < 0.95 - error, "{grace}: by Student's t {}", share(covered_by_t));
        }
    }

    /// Exponential values have a variance of their mean squared: those of mean 3 nine times that of mean 1. The jackknife's
    /// interval encloses it in 95 % of studies, within three binomial standard errors of 400 and what 60 values leave.
    #[test]
    fn the_variance_ratio_encloses_the_true_one() {
        let covered = (0..400).filter(|study| {
            let mut stream = RunKey::new(4, *study).stream(Purpose::Arrivals);
            let mut values = |mean: f64| -> Vec<f64> { (0..60).map(|_| mean * exponential(&mut stream)).collect() };
            let ratio = variance_ratio(&values(3.0), &values(1.0)).expect("both vary");
            ratio.interval.is_some_and(|(low, high)| low <= 9.0 && 9.0 <= high)
        });
        let share = covered.count() as f64 / 400.0;
        assert!((0.88..=0.99).contains(&share), "{share}");
        assert!(variance_ratio(&[1.0; 9], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).is_none());
        let mut one = [0.0; 9];
        one[4] = 1.0;
        let ratio = variance_ratio(&one, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).expect("both vary");
        assert_eq!(ratio.interval, None, "one run makes up all of it");
    }
}
