//! Minimising a function of a few numbers without its derivatives: the downhill simplex of Nelder and Mead, with the
//! coefficients that Gao and Han (2012, Computational Optimization and Applications 51) give by dimension.
//!
//! The same function gives the same result: nothing is random, and nothing depends on time.

/// How a search goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// What is tried at first along each axis.
    pub(super) step: f64,
    /// Evaluations at most, about.
    pub(super) evaluations: usize,
    /// Spread of the values at the corners below which nothing more is to be gained.
    pub(super) tolerance: f64,
}

/// A corner of the simplex: where, and the function there.
type Corner = (Vec<f64>, f64);

/// The best point found from `start`.
pub(super) fn minimize(function: impl Fn(&[f64]) -> f64, start: &[f64], search: &Search) -> Vec<f64> {
    let dimension = start.len();
    // What is not a number is as bad as can be.
    let corner = |point: Vec<f64>| {
        let value = function(&point);
        (point, if value.is_nan() { f64::INFINITY } else { value })
    };
    let mut corners = vec![corner(start.to_vec())];
    for axis in 0..dimension {
        let mut point = start.to_vec();
        point[axis] += search.step;
        corners.push(corner(point));
    }
    let mut left = search.evaluations.saturating_sub(corners.len());
    while left > 0 {
        corners.sort_by(|one, other| one.1.total_cmp(&other.1));
        if corners[dimension].1 - corners[0].1 <= search.tolerance {
            break;
        }
        left = left.saturating_sub(improve(&mut corners, &corner));
    }
    corners.sort_by(|one, other| one.1.total_cmp(&other.1));
    corners.swap_remove(0).0
}

/// Replaces the worst of the sorted corners, or draws all towards the best; returns the number of evaluations.
fn improve(corners: &mut [Corner], corner: &impl Fn(Vec<f64>) -> Corner) -> usize {
    let dimension = corners.len() - 1;
    let n = dimension as f64;
    let (expansion, contraction, shrinkage) = (1.0 + 2.0 / n, 0.75 - 0.5 / n, 1.0 - 1.0 / n.max(2.0));
    let centre: Vec<f64> =
        (0..dimension).map(|i| corners[..dimension].iter().map(|corner| corner.0[i]).sum::<f64>() / n).collect();
    let worst = corners[dimension].clone();
    // On the line from the worst corner through the centre of the others, so many distances beyond that centre.
    let beyond = |distance: f64| (0..dimension).map(|i| centre[i] + distance * (centre[i] - worst.0[i])).collect();
    let reflected = corner(beyond(1.0));
    if reflected.1 < corners[0].1 {
        let expanded = corner(beyond(expansion));
        corners[dimension] = if expanded.1 < reflected.1 { expanded } else { reflected };
        return 2;
    }
    if reflected.1 < corners[dimension - 1].1 {
        corners[dimension] = reflected;
        return 1;
    }
    let contracted = corner(beyond(if reflected.1 < worst.1 { contraction } else { -contraction }));
    if contracted.1 < reflected.1.min(worst.1) {
        corners[dimension] = contracted;
        return 2;
    }
    let best = corners[0].0.clone();
    for shrunk in &mut corners[1..] {
        let point = best.iter().zip(&shrunk.0).map(|(best, own)| best + shrinkage * (own - best)).collect();
        *shrunk = corner(point);
    }
    dimension + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEARCH: Search = Search { step: 0.5, evaluations: 2_000, tolerance: 1e-9 };

    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        // Rosenbrock's function, least at (1, 1).
        let valley = |x: &[f64]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        let found = minimize(valley, &[-1.2, 1.0], &SEARCH);
        assert!((found[0] - 1.0).abs() < 1e-3 && (found[1] - 1.0).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn five_dimensions_and_kinks_are_no_obstacle() {
        let kinked = |x: &[f64]| x.iter().enumerate().map(|(i, x)| (x - i as f64).abs()).sum::<f64>();
        let found = minimize(kinked, &[3.0; 5], &Search { evaluations: 5_000, ..SEARCH });
        assert!(kinked(&found) < 1e-2, "{found:?}");
    }

    #[test]
    fn what_is_not_a_number_is_avoided() {
        let broken = |x: &[f64]| if x[0] < 0.0 { f64::NAN } else { (x[0] - 0.1).powi(2) };
        assert!((minimize(broken, &[1.0], &Search { step: -0.7, ..SEARCH })[0] - 0.1).abs() < 1e-3);
    }
}
