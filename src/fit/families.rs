//! Single families by maximum likelihood.
//!
//! A scenario rounds draws up to whole tokens and cuts them at the greatest length, so a length n has the probability
//! P(X > n - 1) - P(X > n), and the greatest one P(X > n - 1): the likelihood of such counts, not of densities, is what
//! is maximised. Lognormals are fitted by [`super::mixture`], alone as in company.

use super::grid::Grid;
use super::simplex::{Search, minimize};
use crate::random::{Distribution, Family};

/// Probability that is left to what a family rules out, so that one odd value does not decide.
const LEAST_PROBABILITY: f64 = 1e-20;
/// Coefficients of variation that a scenario may have.
const VARIATIONS: (f64, f64) = (0.01, 100.0);
/// How the most likely parameters, most of them logarithms, are looked for; then once more, from closer by.
const SEARCH: Search = Search { step: 0.3, evaluations: 150, tolerance: 1e-9 };

/// The exponential, in closed form: rounded up it is geometric with q = P(N > n + 1 | N > n), and q / (1 - q) is the
/// number of tokens beyond the first over the number of lengths below the greatest.
pub(super) fn exponential(grid: &Grid, mean: f64) -> Family {
    let cut = grid.counts[grid.counts.len() - 1];
    let (beyond, ended) = ((mean - 1.0) * grid.total, grid.total - cut);
    Family::Exponential { mean: 1.0 / (ended / beyond).ln_1p() }
}

/// The gamma, from the moments on.
pub(super) fn gamma(grid: &Grid, mean: f64, variation: f64) -> Family {
    let family = |x: &[f64]| Family::Gamma { mean: scale(x[0]), cv: x[1].exp().clamp(VARIATIONS.0, VARIATIONS.1) };
    most_likely(grid, &family, [mean.ln(), variation.max(0.02).ln()])
}

/// The Weibull, from the shape that goes with the coefficient of variation, about its power of -1.086 (Justus 1978).
pub(super) fn weibull(grid: &Grid, mean: f64, variation: f64) -> Family {
    let family = |x: &[f64]| Family::Weibull { scale: scale(x[0]), shape: shape(x[1]) };
    most_likely(grid, &family, [mean.ln(), -1.086 * variation.max(0.02).ln()])
}

/// The Pareto. Its minimum lies less than a token below the least length.
pub(super) fn pareto(grid: &Grid, least: f64) -> Family {
    let family =
        |x: &[f64]| Family::Pareto { minimum: (least - 1.0 / (1.0 + (-x[0]).exp())).max(1e-3), alpha: shape(x[1]) };
    most_likely(grid, &family, [0.0, 0.0])
}

/// A mean or a scale from its logarithm, within what lengths can have.
fn scale(logarithm: f64) -> f64 {
    logarithm.exp().clamp(1e-3, 1e9)
}

/// A shape or an exponent from its logarithm, within what a scenario may have.
fn shape(logarithm: f64) -> f64 {
    logarithm.exp().clamp(0.01, 1_000.0)
}

/// The member of a family of two parameters under which the counts are most likely.
fn most_likely(grid: &Grid, family: &dyn Fn(&[f64]) -> Family, start: [f64; 2]) -> Family {
    let improbability = |x: &[f64]| -log_likelihood(grid, family(x));
    let near = minimize(improbability, &start, &SEARCH);
    family(&minimize(improbability, &near, &Search { step: 0.05, ..SEARCH }))
}

/// Mean logarithm of the probability of a value's interval.
pub(super) fn log_likelihood(grid: &Grid, family: Family) -> f64 {
    let distribution = Distribution { family, max: grid.edges[grid.edges.len() - 1] };
    let (mut sum, mut above) = (0.0, 1.0);
    for (edge, count) in grid.edges[1..].iter().zip(&grid.counts) {
        let next = distribution.survival(*edge);
        if *count > 0.0 {
            sum += count * (above - next).max(LEAST_PROBABILITY).ln();
        }
        above = next;
    }
    sum / grid.total
}

#[cfg(test)]
mod tests {
    use super::super::counts::ValueCounts;
    use super::super::tests::sample;
    use super::*;

    fn parts(family: Family) -> (Grid, ValueCounts) {
        let values = sample(family, 40_000);
        (Grid::of(&values), values)
    }

    #[test]
    fn the_exponential_is_recovered_within_its_standard_error() {
        let (grid, values) = parts(Family::Exponential { mean: 180.0 });
        let Family::Exponential { mean } = exponential(&grid, values.mean()) else { panic!() };
        // The standard error is mean / sqrt(n).
        assert!((mean - 180.0).abs() < 4.0 * 180.0 / 200.0, "{mean}");
    }

    #[test]
    fn the_exponential_in_closed_form_is_the_most_likely() {
        let (grid, values) = parts(Family::Gamma { mean: 50.0, cv: 0.7 });
        let Family::Exponential { mean } = exponential(&grid, values.mean()) else { panic!() };
        let at = |factor: f64| log_likelihood(&grid, Family::Exponential { mean: mean * factor });
        assert!(at(1.0) > at(1.002) && at(1.0) > at(0.998), "{mean}");
    }

    /// Standard errors from the inverse of the Fisher information, for n = 40,000.
    #[test]
    fn the_gamma_is_recovered_within_its_standard_errors() {
        let (grid, values) = parts(Family::Gamma { mean: 400.0, cv: 1.25 });
        let Family::Gamma { mean, cv } = gamma(&grid, values.mean(), values.variation()) else { panic!() };
        // The mean's is cv / sqrt(n) of itself; the shape's, k = 0.64, sqrt(1 / (trigamma(k) - 1 / k) / n), 0.6 % of
        // it.
        assert!((mean / 400.0 - 1.0).abs() < 4.0 * 1.25 / 200.0, "{mean}");
        assert!((1.0 / (cv * cv) / 0.64 - 1.0).abs() < 4.0 * 0.006, "{cv}");
    }

    #[test]
    fn the_weibull_is_recovered_within_its_standard_errors() {
        let (grid, values) = parts(Family::Weibull { scale: 300.0, shape: 0.8 });
        let Family::Weibull { scale, shape } = weibull(&grid, values.mean(), values.variation()) else { panic!() };
        // 0.78 / sqrt(n) of the shape, 1.053 / (shape sqrt(n)) of the scale.
        assert!((shape / 0.8 - 1.0).abs() < 4.0 * 0.78 / 200.0, "{shape}");
        assert!((scale / 300.0 - 1.0).abs() < 4.0 * 1.053 / 0.8 / 200.0, "{scale}");
    }

    #[test]
    fn the_pareto_is_recovered_within_its_standard_error() {
        let (grid, values) = parts(Family::Pareto { minimum: 20.0, alpha: 1.6 });
        let Family::Pareto { minimum, alpha } = pareto(&grid, f64::from(values.least())) else { panic!() };
        assert!((alpha / 1.6 - 1.0).abs() < 4.0 / 200.0, "{alpha}");
        assert!((minimum - 20.0).abs() < 0.5, "{minimum}");
    }

    #[test]
    fn lengths_near_one_token_do_not_mislead() {
        // A third of the draws is a single token: densities at the integers would be far off.
        let (grid, values) = parts(Family::Weibull { scale: 2.5, shape: 0.9 });
        let Family::Weibull { scale, shape } = weibull(&grid, values.mean(), values.variation()) else { panic!() };
        assert!((shape - 0.9).abs() < 0.03 && (scale - 2.5).abs() < 0.08, "{scale} {shape}");
    }
}
