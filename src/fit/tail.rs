//! How fast the greatest lengths thin out: Hill's estimate of a power law's exponent, and a generalised Pareto for what
//! exceeds a threshold.

use super::counts::ValueCounts;
use super::simplex::{Search, minimize};

/// Fewest values that a tail is estimated from.
const FEWEST: u64 = 10;
/// Fewest different excesses that a generalised Pareto is fitted to: below, lengths pile up at a few values.
const FEWEST_EXCESSES: usize = 10;
/// At and below this shape a generalised Pareto ends so abruptly that maximum likelihood no longer estimates it
/// (Smith 1985).
const IRREGULAR: f64 = -0.5;
/// How the most likely shape and scale are looked for.
const SEARCH: Search = Search { step: 0.2, evaluations: 400, tolerance: 1e-9 };

/// The greatest values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// Which part of all values they are.
    pub share: f64,
    /// How many they are.
    pub values: u64,
    /// The greatest value that is not one of them (some of them may equal it), tokens.
    pub threshold: u32,
    /// Hill's estimate of alpha in P(X > x) ~ x^-alpha: the number of values over the sum of ln(value / threshold).
    /// Below 2 the variance, below 1 the mean would be infinite.
    pub hill_alpha: f64,
    /// The excesses over the threshold; `None` where they are too few different ones, or end in a wall.
    pub excess: Option<GeneralisedPareto>,
}

/// P(excess > y) = (1 + xi y / beta)^(-1 / xi); exponential for xi = 0, with an end at -beta / xi for negative xi.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralisedPareto {
    /// Shape; 1 / alpha of a power law.
    pub xi: f64,
    /// Scale, tokens.
    pub beta: f64,
}

impl Tail {
    /// The tail of so great a share of the values; `None` where they are too few, or all equal to the threshold.
    pub(super) fn of(values: &ValueCounts, share: f64) -> Option<Tail> {
        let number = (share * values.total() as f64) as u64;
        if number < FEWEST {
            return None;
        }
        let threshold = values.sorted(values.total() - number - 1);
        let above: Vec<(f64, f64)> = (values.iter().rev())
            .take_while(|(value, _)| *value > threshold)
            .map(|(value, count)| (f64::from(value), count as f64))
            .collect();
        let logarithms: f64 = above.iter().map(|(value, count)| count * (value / f64::from(threshold)).ln()).sum();
        (logarithms > 0.0).then(|| Tail {
            share,
            values: number,
            threshold,
            hill_alpha: number as f64 / logarithms,
            excess: GeneralisedPareto::of(&above, f64::from(threshold), number as f64),
        })
    }
}

impl GeneralisedPareto {
    /// By maximum likelihood, from values above a threshold with their counts; the rest of `number` equals it.
    fn of(above: &[(f64, f64)], threshold: f64, number: f64) -> Option<GeneralisedPareto> {
        if above.len() < FEWEST_EXCESSES {
            return None;
        }
        let mean = above.iter().map(|(value, count)| (value - threshold) * count).sum::<f64>() / number;
        let improbability = |x: &[f64]| {
            let (beta, xi) = (x[0].exp(), x[1]);
            if xi <= IRREGULAR {
                return f64::INFINITY;
            }
            let sum: f64 = if xi.abs() < 1e-9 {
                mean * number / beta
            } else {
                // Beyond the end of a negative xi the logarithm is not a number, and the point is avoided.
                let logarithms = above.iter().map(|(value, count)| count * (xi * (value - threshold) / beta).ln_1p());
                (1.0 + 1.0 / xi) * logarithms.sum::<f64>()
            };
            x[0] + sum / number
        };
        let found = minimize(improbability, &[mean.ln(), 0.1], &SEARCH);
        let (beta, xi) = (found[0].exp(), found[1]);
        // At the bound the likelihood still rises.
        (xi > IRREGULAR + 0.01 && improbability(&found).is_finite()).then_some(GeneralisedPareto { xi, beta })
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts::tests::counts_of;
    use super::super::tests::sample;
    use super::*;
    use crate::random::Family;

    #[test]
    fn hills_estimate_on_a_pareto_is_its_exponent() {
        // Far enough from one token for rounding not to matter.
        let values = sample(Family::Pareto { minimum: 1_000.0, alpha: 2.0 }, 40_000);
        let tail = Tail::of(&values, 0.05).expect("a tail");
        assert_eq!(tail.values, 2_000);
        // Its standard error is alpha / sqrt(2,000).
        assert!((tail.hill_alpha - 2.0).abs() < 4.0 * 2.0 / 2_000f64.sqrt(), "{tail:?}");
        let excess = tail.excess.expect("excesses");
        // Excesses of a Pareto are a generalised Pareto with xi = 1 / alpha; standard error (1 + xi) / sqrt(n).
        assert!((excess.xi - 0.5).abs() < 4.0 * 1.5 / 2_000f64.sqrt(), "{tail:?}");
        assert!((excess.beta / (f64::from(tail.threshold) * 0.5) - 1.0).abs() < 0.2, "{tail:?}");
    }

    #[test]
    fn excesses_of_an_exponential_have_no_shape() {
        let values = sample(Family::Exponential { mean: 3_000.0 }, 40_000);
        let excess = Tail::of(&values, 0.05).expect("a tail").excess.expect("excesses");
        assert!(excess.xi.abs() < 4.0 / 2_000f64.sqrt(), "{excess:?}");
        assert!((excess.beta / 3_000.0 - 1.0).abs() < 0.15, "{excess:?}");
    }

    #[test]
    fn too_few_values_or_a_wall_have_no_tail() {
        assert_eq!(Tail::of(&counts_of(1..=100), 0.05), None);
        assert_eq!(Tail::of(&counts_of((1..=1_000).map(|i| i.min(900))), 0.05), None);
        let wall = Tail::of(&counts_of((1..=1_000).map(|i| if i > 950 { 5_000 + i % 2 } else { i })), 0.05);
        assert_eq!(wall.expect("two values").excess, None);
    }
}
