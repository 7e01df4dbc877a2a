//! From an end of expectation-maximisation to the closest mixture near it.
//!
//! The most likely mixture near a start may still miss the mean by a tenth or the P99 by a factor, because the
//! likelihood is made in the bulk. A simulated fleet feels both: the mean is its load, the tail is what a drain cuts.
//! So weights, medians and sigmas are moved until [`super::closeness`]'s distance is least: a minimum-distance estimate
//! that begins at a maximum of the likelihood.

use super::closeness::{Target, distance};
use super::expectation::{LEAST_SIGMA, MOST_MU, MOST_SIGMA, Part};
use super::grid::Grid;
use super::simplex::{Search, minimize};

/// Evaluations for each parameter and round.
const EVALUATIONS: usize = 100;
/// First step of each parameter: of logarithms of weights' ratios, of medians and of sigmas.
const STEP: f64 = 0.1;
/// Gain of the distance that is not worth looking for.
const TOLERANCE: f64 = 2e-5;
/// Times that the search begins anew from where it stopped, with a fresh simplex.
const ROUNDS: usize = 2;
/// Least weight of a part while it is moved.
const LEAST_WEIGHT: f64 = 1e-9;

/// The closest mixture near this one, with its distance.
pub(super) fn refine(grid: &Grid, parts: &[Part], target: &Target) -> (f64, Vec<Part>) {
    let far = |x: &[f64]| grid_distance(grid, &decoded(x), target);
    let mut x = encoded(parts);
    let search = Search { step: STEP, evaluations: EVALUATIONS * x.len(), tolerance: TOLERANCE };
    for _ in 0..ROUNDS {
        x = minimize(far, &x, &search);
    }
    let refined = decoded(&x);
    (grid_distance(grid, &refined, target), refined)
}

/// Closeness's distance with the bulk judged at the edges of the grid.
pub(super) fn grid_distance(grid: &Grid, parts: &[Part], target: &Target) -> f64 {
    let above = |logarithm: f64| parts.iter().map(|part| part.weight * part.above(logarithm)).sum::<f64>();
    let shares: Vec<f64> = grid.logarithms.iter().map(|logarithm| above(*logarithm)).collect();
    let mut rest = grid.total;
    let mut ks = 0.0_f64;
    for (share, count) in shares[1..].iter().zip(&grid.counts) {
        rest -= count;
        ks = ks.max((share - rest / grid.total).abs());
    }
    distance(ks, grid.mean(&shares), above(f64::from(target.p99).ln()), target)
}

/// The parts as numbers without bounds: logarithms of the weights over the last one's, then mu and ln sigma of each.
fn encoded(parts: &[Part]) -> Vec<f64> {
    let last = parts[parts.len() - 1].weight.max(LEAST_WEIGHT);
    let weights = parts[..parts.len() - 1].iter().map(|part| (part.weight.max(LEAST_WEIGHT) / last).ln());
    weights.chain(parts.iter().flat_map(|part| [part.mu, part.sigma.ln()])).collect()
}

fn decoded(x: &[f64]) -> Vec<Part> {
    let (ratios, shapes) = x.split_at((x.len() - 2) / 3);
    let ratios: Vec<f64> = ratios.iter().map(|ratio| ratio.exp()).chain([1.0]).collect();
    let total: f64 = ratios.iter().sum();
    let part = |(ratio, shape): (f64, &[f64])| Part {
        weight: ratio / total,
        mu: shape[0].clamp(-MOST_MU, MOST_MU),
        sigma: shape[1].exp().clamp(LEAST_SIGMA, MOST_SIGMA),
    };
    ratios.into_iter().zip(shapes.chunks(2)).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{mixture, sample};
    use super::*;

    #[test]
    fn encoding_loses_nothing() {
        let parts: Vec<Part> = [(0.5, 3.0, 0.7), (0.3, 5.0, 1.5), (0.2, 6.0, 0.02)]
            .map(|(weight, mu, sigma)| Part { weight, mu, sigma })
            .to_vec();
        for (one, other) in parts.iter().zip(decoded(&encoded(&parts))) {
            assert!((one.weight - other.weight).abs() < 1e-12 && (one.sigma - other.sigma).abs() < 1e-12, "{other:?}");
            assert_eq!(one.mu, other.mu);
        }
    }

    #[test]
    fn refining_comes_closer_and_mends_the_mean() {
        let values = sample(mixture(&[(0.7, 90.0, 0.8), (0.3, 900.0, 0.2)]), 20_000);
        let grid = Grid::of(&values);
        let target = Target::of(&values);
        let rough = [(0.6, 80f64.ln(), 0.9), (0.4, 850f64.ln(), 0.3)];
        let rough = rough.map(|(weight, mu, sigma)| Part { weight, mu, sigma });
        let (distance, refined) = refine(&grid, &rough, &target);
        assert!(distance < grid_distance(&grid, &rough, &target) / 5.0, "{distance}");
        assert!((refined[0].weight - 0.7).abs() < 0.02 && (refined[1].mu - 900f64.ln()).abs() < 0.02, "{refined:?}");
    }
}
