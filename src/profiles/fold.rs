//! From a decode formula and a prefill formula to the one formula of a step.
//!
//! A step of the simulated engine has one base, whether it decodes, reads a prompt or both; AIConfigurator's two
//! formulas have one each, and its prefill a floor. The decode side is kept as it is. The prefill side becomes
//! `a + e' p + f' p^2`, with a the decode step's base, as near as possible to `max(floor, d + e p + f p^2)` in relative
//! terms, by least squares over a fixed grid of prompt lengths. Reading in chunks costs the same attention:
//! `f' p^2 = f' sum(q^2) + 2 f' sum(q kv)`, so the coefficient of the last is `2 f'`.

use super::{AiConfiguratorFit, StepTime};

/// Nanoseconds in a millisecond, and in a microsecond.
const MILLISECOND: f64 = 1e6;
const MICROSECOND: f64 = 1e3;

/// The shortest prompt of the grid, tokens.
const SHORTEST: u32 = 128;
/// The longest prompt of the grid, tokens: the longest context of the models. A grid that ends at 8192 would let the
/// floor of short prompts bend the parabola: for Llama-3.1-8B on an H100 f' would be thrice f, and a prompt of 32768 tokens
/// take 74 % too long.
const LONGEST: u32 = 131_072;

/// What joining the two formulas adds to the prefill's error, as shares of the time over the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Folding {
    /// Mean error.
    pub mean_error: f64,
    /// Largest error.
    pub largest_error: f64,
    /// Prompt tokens at which it is largest.
    pub worst_at: u32,
}

/// Prompt lengths: powers of two, and three times those.
fn grid() -> impl Iterator<Item = u32> {
    (7..=17).flat_map(|k| [1_u32 << k, 3 << (k - 1)]).filter(|p| (SHORTEST..=LONGEST).contains(p))
}

/// Milliseconds of a prefill by itself.
fn prefill_ms(fit: &AiConfiguratorFit, tokens: f64) -> f64 {
    fit.floor_ms.max(fit.d_ms + fit.e_ms * tokens + fit.f_ms * tokens * tokens)
}

/// Non-negative (x, y) that minimise the sum over points of `(u x + v y - w)^2`, by the normal equations.
fn least_squares(points: &[[f64; 3]]) -> (f64, f64) {
    let sum = |of: fn(&[f64; 3]) -> f64| points.iter().map(of).sum::<f64>();
    let (uu, uv, vv) = (sum(|p| p[0] * p[0]), sum(|p| p[0] * p[1]), sum(|p| p[1] * p[1]));
    let (uw, vw) = (sum(|p| p[0] * p[2]), sum(|p| p[1] * p[2]));
    let determinant = uu * vv - uv * uv;
    let (x, y) = ((uw * vv - vw * uv) / determinant, (vw * uu - uw * uv) / determinant);
    if y < 0.0 {
        return ((uw / uu).max(0.0), 0.0);
    }
    if x < 0.0 { (0.0, (vw / vv).max(0.0)) } else { (x, y) }
}

/// The one formula, and what it adds to the source's own errors.
pub(super) fn fold(fit: &AiConfiguratorFit) -> (StepTime, Folding) {
    // Divided by the time that is wanted, so that every length counts by its relative error.
    let points: Vec<[f64; 3]> = grid()
        .map(|p| {
            let (p, wanted) = (f64::from(p), prefill_ms(fit, f64::from(p)));
            [p / wanted, p * p / wanted, (wanted - fit.a_ms) / wanted]
        })
        .collect();
    let (linear, squared) = least_squares(&points);
    let error = |p: u32| {
        let tokens = f64::from(p);
        ((fit.a_ms + linear * tokens + squared * tokens * tokens) / prefill_ms(fit, tokens) - 1.0).abs()
    };
    let errors: Vec<(u32, f64)> = grid().map(|p| (p, error(p))).collect();
    let worst = errors.iter().copied().fold((0, 0.0), |worst, it| if it.1 > worst.1 { it } else { worst });
    let folding = Folding {
        mean_error: errors.iter().map(|(_, error)| error).sum::<f64>() / errors.len() as f64,
        largest_error: worst.1,
        worst_at: worst.0,
    };
    let step_time = StepTime {
        base: fit.a_ms * MILLISECOND,
        per_sequence: fit.b_ms * MILLISECOND,
        per_kv_token: fit.c_us * MICROSECOND,
        per_prefill_token: linear * MILLISECOND,
        per_prefill_token_squared: squared * MILLISECOND,
        per_prefill_token_context: 2.0 * squared * MILLISECOND,
    };
    (step_time, folding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(floor_ms: f64, d_ms: f64, f_ms: f64) -> AiConfiguratorFit {
        AiConfiguratorFit {
            a_ms: 6.0,
            b_ms: 0.01,
            c_us: 0.04,
            step_mean_error: 0.0,
            step_largest_error: 0.0,
            floor_ms,
            d_ms,
            e_ms: 0.02,
            f_ms,
            prefill_mean_error: 0.0,
            prefill_largest_error: 0.0,
        }
    }

    #[test]
    fn the_grid_is_powers_of_two_and_thrice_those() {
        let grid: Vec<u32> = grid().collect();
        assert_eq!(grid[..5], [128, 192, 256, 384, 512]);
        assert_eq!((grid.len(), grid[grid.len() - 1]), (21, 131_072));
    }

    #[test]
    fn a_prefill_that_has_the_form_already_is_kept_to_the_last_digits() {
        let (step, folding) = fold(&fit(0.0, 6.0, 5e-7));
        assert!((step.per_prefill_token / 20e3 - 1.0).abs() < 1e-9, "{step:?}");
        assert!((step.per_prefill_token_squared / 0.5 - 1.0).abs() < 1e-9, "{step:?}");
        assert_eq!(step.per_prefill_token_context.to_bits(), (2.0 * step.per_prefill_token_squared).to_bits());
        assert!(folding.largest_error < 1e-9, "{folding:?}");
        assert_eq!((step.base, step.per_sequence, step.per_kv_token), (6e6, 1e4, 40.0));
    }

    #[test]
    fn the_error_of_folding_is_that_of_the_worst_length() {
        let source = fit(8.0, 3.0, 5e-7);
        let (step, folding) = fold(&source);
        let error = |p: u32| {
            let (p, ms) = (f64::from(p), 1e-6);
            let folded = step.base + step.per_prefill_token * p + step.per_prefill_token_squared * p * p;
            (folded * ms / prefill_ms(&source, p) - 1.0).abs()
        };
        assert!((error(folding.worst_at) - folding.largest_error).abs() < 1e-12);
        assert!(grid().all(|p| error(p) <= folding.largest_error + 1e-12));
        assert!(folding.mean_error > 0.0 && folding.mean_error < folding.largest_error);
    }

    #[test]
    fn no_coefficient_is_negative() {
        // A prefill that grows ever more slowly would want a negative square; one below the base, a negative slope.
        assert_eq!(fold(&fit(0.0, 6.0, -1e-7)).0.per_prefill_token_squared, 0.0);
        assert_eq!(least_squares(&[[1.0, 1.0, -1.0], [2.0, 4.0, 1.0]]).0, 0.0);
        assert_eq!(least_squares(&[[1.0, 1.0, -1.0], [2.0, 4.0, -1.0]]), (0.0, 0.0));
    }
}
