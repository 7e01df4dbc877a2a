//! Expectation-maximisation for lognormal mixtures on grouped counts.
//!
//! Grouped counts of a lognormal mixture are grouped counts of a normal mixture between the logarithms of the edges.
//! Expectation: to which part a value of an interval belongs, and where in the interval it lies, by the moments of a
//! truncated normal. Maximisation: weights, means and deviations from those. The likelihood of the counts never
//! decreases (Dempster, Laird and Rubin 1977; for grouped data McLachlan and Jones 1988), nor does it with a floor
//! under the deviations: where the best deviation is below it, the floor is the best that is left.

use statrs::function::erf::erfc;

use super::grid::Grid;

/// Least standard deviation of a part's logarithm: a peak of one per cent's width, such as the prompts of one template,
/// is not narrowed down to a single value.
pub(super) const LEAST_SIGMA: f64 = 0.01;
/// What a scenario takes at most.
pub(super) const MOST_SIGMA: f64 = 20.0;
/// Natural logarithm of the greatest median that a scenario takes, 10^9 tokens, and of its inverse.
pub(super) const MOST_MU: f64 = 20.72;
/// Steps from one start at most.
const STEPS: usize = 30;
/// Gain of the mean log-likelihood below which a start has arrived.
const ARRIVED: f64 = 1e-8;
/// Probability of an interval that is left to a part far away.
const LEAST_PROBABILITY: f64 = 1e-300;

/// One lognormal of a mixture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    /// Share of the values.
    pub(super) weight: f64,
    /// Mean of the logarithm.
    pub(super) mu: f64,
    /// Standard deviation of the logarithm.
    pub(super) sigma: f64,
}

impl Part {
    /// P(ln X > logarithm) of this part alone.
    pub(super) fn above(&self, logarithm: f64) -> f64 {
        upper_tail((logarithm - self.mu) / self.sigma)
    }
}

/// P(Z > z) of a standard normal.
fn upper_tail(z: f64) -> f64 {
    0.5 * erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Steps from a start until nothing more is gained.
pub(super) fn arrive(grid: &Grid, mut parts: Vec<Part>) -> Vec<Part> {
    let mut before = f64::NEG_INFINITY;
    for _ in 0..STEPS {
        let likelihood = step(grid, &mut parts);
        if likelihood - before < ARRIVED {
            break;
        }
        before = likelihood;
    }
    parts
}

/// An edge as a part sees it.
#[derive(Clone, Copy, Debug)]
struct Edge {
    /// Deviations from the part's mean.
    z: f64,
    /// Probability beyond, on the side away from the mean.
    tail: f64,
    /// Density.
    density: f64,
}

impl Edge {
    fn of(logarithm: f64, part: &Part) -> Edge {
        let z = (logarithm - part.mu) / part.sigma;
        let density = 0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2 * (-0.5 * z * z).exp();
        Edge { z, tail: upper_tail(z.abs()), density }
    }

    /// z times the density, which is zero at infinity.
    fn moment(&self) -> f64 {
        if self.density == 0.0 { 0.0 } else { self.z * self.density }
    }
}

/// A part's probability of the interval between two edges, from the tails of the nearer side, which keeps its digits.
fn probability(low: &Edge, high: &Edge) -> f64 {
    let between = if low.z >= 0.0 {
        low.tail - high.tail
    } else if high.z <= 0.0 {
        high.tail - low.tail
    } else {
        1.0 - low.tail - high.tail
    };
    between.max(LEAST_PROBABILITY)
}

/// Means of z and of its square within an interval.
fn moments(low: &Edge, high: &Edge, probability: f64) -> (f64, f64) {
    let first = (low.density - high.density) / probability;
    let second = 1.0 + (low.moment() - high.moment()) / probability;
    // Far out no digits are left: all is at the end that is nearer.
    if probability > LEAST_PROBABILITY && first >= low.z && first <= high.z {
        (first, second.max(first * first))
    } else {
        let nearer = if low.z >= 0.0 { low.z } else { high.z };
        (nearer, nearer * nearer)
    }
}

/// One step; returns the mean log-likelihood before it.
fn step(grid: &Grid, parts: &mut [Part]) -> f64 {
    let seen: Vec<Vec<Edge>> =
        parts.iter().map(|part| grid.logarithms.iter().map(|at| Edge::of(*at, part)).collect()).collect();
    // Of each part: values, sum of z, sum of squares.
    let mut sums = vec![[0.0; 3]; parts.len()];
    let mut probabilities = vec![0.0; parts.len()];
    let mut likelihood = 0.0;
    for (interval, count) in grid.counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
        let mut all = 0.0;
        for ((part, edges), own) in parts.iter().zip(&seen).zip(&mut probabilities) {
            *own = probability(&edges[interval], &edges[interval + 1]);
            all += part.weight * *own;
        }
        likelihood += count * all.ln();
        for (((part, edges), own), sums) in parts.iter().zip(&seen).zip(&probabilities).zip(&mut sums) {
            let values = count * part.weight * own / all;
            let (first, second) = moments(&edges[interval], &edges[interval + 1], *own);
            sums[0] += values;
            sums[1] += values * first;
            sums[2] += values * second;
        }
    }
    for (part, [values, first, second]) in parts.iter_mut().zip(sums) {
        part.weight = values / grid.total;
        // A part that nothing belongs to stays where it is.
        if values > 0.0 {
            let mean = first / values;
            let deviation = (second / values - mean * mean).max(0.0).sqrt();
            part.mu = (part.mu + part.sigma * mean).clamp(-MOST_MU, MOST_MU);
            part.sigma = (part.sigma * deviation).clamp(LEAST_SIGMA, MOST_SIGMA);
        }
    }
    likelihood / grid.total
}

#[cfg(test)]
mod tests {
    use super::super::counts::tests::counts_of;
    use super::super::families::log_likelihood;
    use super::super::starts::starts;
    use super::super::tests::{mixture, sample};
    use super::*;
    use crate::random::Family;

    #[test]
    fn the_likelihood_never_decreases() {
        let spiky = counts_of((0..5_000u32).map(|i| if i % 3 == 0 { 75 } else { 1 + i * i % 1_789 }));
        let smooth = sample(mixture(&[(0.6, 20.0, 1.2), (0.4, 700.0, 0.3)]), 5_000);
        for values in [spiky, smooth] {
            let grid = Grid::of(&values);
            for mut parts in starts(&grid, 2).into_iter().chain(starts(&grid, 3)) {
                let mut before = f64::NEG_INFINITY;
                for number in 0..30 {
                    let likelihood = step(&grid, &mut parts);
                    assert!(likelihood >= before - 1e-10, "step {number}: {before} {likelihood} {parts:?}");
                    before = likelihood;
                }
                assert!((parts.iter().map(|part| part.weight).sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(parts.iter().all(|part| part.sigma >= LEAST_SIGMA && part.mu.is_finite()), "{parts:?}");
            }
        }
    }

    #[test]
    fn one_lognormal_is_recovered_within_its_standard_errors() {
        let values = sample(Family::Lognormal { median: 250.0, sigma: 1.1 }, 40_000);
        let grid = Grid::of(&values);
        let part = arrive(&grid, starts(&grid, 1).swap_remove(0))[0];
        // sigma / sqrt(n) of mu, sigma / sqrt(2 n) of sigma.
        assert!((part.mu - 250f64.ln()).abs() < 4.0 * 1.1 / 200.0, "{part:?}");
        assert!((part.sigma - 1.1).abs() < 4.0 * 1.1 / 283.0, "{part:?}");
    }

    #[test]
    fn one_lognormal_is_the_most_likely_one_even_near_one_token() {
        let values = sample(Family::Lognormal { median: 1.3, sigma: 0.9 }, 40_000);
        let grid = Grid::of(&values);
        let part = arrive(&grid, starts(&grid, 1).swap_remove(0))[0];
        let at = |median: f64, sigma: f64| {
            log_likelihood(&grid, Family::Lognormal { median: part.mu.exp() * median, sigma: part.sigma * sigma })
        };
        for (median, sigma) in [(1.01, 1.0), (0.99, 1.0), (1.0, 1.01), (1.0, 0.99)] {
            assert!(at(1.0, 1.0) > at(median, sigma), "{part:?} {median} {sigma}");
        }
        assert!((part.sigma - 0.9).abs() < 0.03 && (part.mu.exp() - 1.3).abs() < 0.03, "{part:?}");
    }
}
