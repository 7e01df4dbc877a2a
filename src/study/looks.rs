//! Looking at a study more than once: after how many runs, and how much wider intervals must be so that whichever look is
//! the last, its interval covers the truth as often as it says.
//!
//! An interval of 95 % is one that covers in 95 % of studies of a given number of runs. Who looks, and adds runs until
//! he likes what he sees, chooses the number of runs by the very luck that the interval is about. The remedy is Pocock's
//! (1977): the same, greater number of standard errors at every look, such that the estimate lies within it at *all*
//! planned looks together in 95 % of studies. It then does so at the last one, whatever made it the last.

use super::intervals::{Confidence, bisect};

/// Share of studies in which an estimate may lie outside of its interval at some look.
const ERROR: f64 = 0.05;

/// Points of the grid on which the distribution between two looks is integrated, even. With looks a quarter apart at
/// least, the constant is right in its fifth digit.
const GRID: usize = 400;

/// Least ratio of two looks that follow one another.
const LEAST_GROWTH: f64 = 1.25;

/// After how many runs to look: after `first`, then each time that the number has doubled, at last after `most`. A look
/// that would come shortly before the last is left out.
pub fn looks(first: u64, most: u64) -> Vec<u64> {
    let first = first.clamp(1, most.max(1));
    let doubling = std::iter::successors(Some(first), |runs| runs.checked_mul(2));
    let mut looks: Vec<u64> = doubling.take_while(|runs| *runs as f64 * LEAST_GROWTH <= most as f64).collect();
    looks.push(most.max(1));
    looks
}

/// The confidence at which each interval is to be taken so that, over all these looks (numbers of runs, increasing), the
/// estimate lies within it at every one of them with 95 % probability.
///
/// Exact for a mean of independent normal values; Student's t and the other methods are taken at the same probability in
/// their tails (Jennison and Turnbull 2000, Group Sequential Methods, sections 2.3 and 4.4), which is asymptotic.
pub fn confidence_over(looks: &[u64]) -> Confidence {
    if looks.len() < 2 {
        return Confidence::NINETY_FIVE;
    }
    // Between the constant of a single look and that of looks which know nothing of one another (Bonferroni).
    let bonferroni = bisect(1.0, 10.0, 1.0 - 0.5 * ERROR / looks.len() as f64, normal_below);
    let single = Confidence::NINETY_FIVE.standard_errors();
    let standard_errors = bisect_to(single, bonferroni, 1.0 - ERROR, |bound| within_at_all(looks, bound));
    Confidence::of_standard_errors(standard_errors)
}

/// Halves [low, high] until it is narrower than a millionth: each step costs an integral.
fn bisect_to(mut low: f64, mut high: f64, target: f64, f: impl Fn(f64) -> f64) -> f64 {
    while high - low > 1e-6 {
        let middle = 0.5 * (low + high);
        if f(middle) < target { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

fn normal_below(z: f64) -> f64 {
    1.0 - Confidence::of_standard_errors(z).tail()
}

fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Probability that a standardised mean lies within +-`bound` at all of these looks.
///
/// The standardised means form a Markov chain: given z after n runs, that after m is normal with mean r z and variance
/// 1 - r^2, r = sqrt(n / m). The probability to stay within from a look on is integrated backwards by Simpson's rule
/// (Armitage, McPherson and Rowe 1969).
fn within_at_all(looks: &[u64], bound: f64) -> f64 {
    let step = 2.0 * bound / GRID as f64;
    let points: Vec<f64> = (0..=GRID).map(|i| -bound + step * i as f64).collect();
    let weight = |i: usize| match i {
        0 | GRID => step / 3.0,
        _ if i % 2 == 1 => 4.0 * step / 3.0,
        _ => 2.0 * step / 3.0,
    };
    let integral = |f: &dyn Fn(usize) -> f64| (0..=GRID).map(|i| weight(i) * f(i)).sum::<f64>();
    let mut stays = vec![1.0; GRID + 1];
    for pair in looks.windows(2).rev() {
        let share = pair[0] as f64 / pair[1] as f64;
        let (correlation, deviation) = (share.sqrt(), (1.0 - share).sqrt());
        let from =
            |z: f64| integral(&|i| normal_density((points[i] - correlation * z) / deviation) / deviation * stays[i]);
        stays = points.iter().map(|z| from(*z)).collect();
    }
    integral(&|i| normal_density(points[i]) * stays[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_double_and_end_with_the_last() {
        assert_eq!(looks(100, 1600), [100, 200, 400, 800, 1600]);
        assert_eq!(looks(100, 1000), [100, 200, 400, 800, 1000]);
        // After 800 runs, 900 are hardly more.
        assert_eq!(looks(100, 900), [100, 200, 400, 900]);
        assert_eq!(looks(100, 100), [100]);
        assert_eq!(looks(500, 100), [100]);
        assert_eq!(looks(1, 2), [1, 2]);
    }

    /// Pocock (1977), table 1, two-sided 5 %: looks after equally many further runs.
    #[test]
    fn the_constants_are_pococks_for_equally_spaced_looks() {
        for (count, published) in [(2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413), (8, 2.512), (10, 2.555)] {
            let looks: Vec<u64> = (1..=count).map(|i| 100 * i).collect();
            let found = confidence_over(&looks).standard_errors();
            assert!((found - published).abs() < 6e-4, "{count} looks: {found}, published {published}");
        }
        assert_eq!(confidence_over(&[100]), Confidence::NINETY_FIVE);
    }

    #[test]
    fn looks_further_apart_need_a_wider_interval_up_to_bonferronis() {
        let doubling = confidence_over(&looks(100, 1600));
        let equal = confidence_over(&[100, 200, 300, 400, 500]);
        let far = confidence_over(&[1, 10_000, 100_000_000, 1_000_000_000_000, 10_000_000_000_000_000]);
        assert!(equal.standard_errors() < doubling.standard_errors());
        assert!(doubling.standard_errors() < far.standard_errors());
        // Independent looks: 1 - 0.95^(1/5) in both tails.
        let independent = 0.5 * (1.0 - 0.95f64.powf(0.2));
        assert!((far.tail() / independent - 1.0).abs() < 0.02, "{far:?}");
    }
}
