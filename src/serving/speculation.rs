//! Speculative decoding: how many steps an answer takes when each step may yield several tokens.
//!
//! A step proposes `tokens` draft tokens; each is accepted with the same probability as long as those before it were, and
//! the step yields one token more than were accepted (Leviathan et al. 2023, arXiv 2211.17192). So a step yields X tokens
//! with P(X = j + 1) = a^j (1 - a) for j below `tokens`, and P(X = tokens + 1) = a^tokens.
//!
//! The number of steps that an answer needs is drawn from its exact distribution, once for each admission. Over those
//! steps its tokens are spread evenly: after j of m steps it has emitted floor(j n / m) of n tokens. That is an
//! approximation: where in the answer the lucky steps lie is forgotten, how many there are isn't.

use crate::random::{Stream, unit_interval};
use crate::scenario::Speculative;
use rand::{Rng, SeedableRng};

/// So many steps are drawn at once while they cannot be too many, most first.
const STEPS_AT_ONCE: [u64; 5] = [256, 64, 16, 4, 1];
/// Answers up to this length have their mean number of steps worked out one by one; beyond, the mean is a straight line.
const LONGEST_TABULATED: usize = 1 << 14;

/// How many tokens the steps of a speculating engine yield.
#[derive(Clone, Debug)]
pub struct Speculation {
    /// Draft tokens of a step.
    draft_tokens: u64,
    /// P(X = i + 1).
    yields: Vec<f64>,
    /// For each of [`STEPS_AT_ONCE`]: P(sum of so many X <= steps + i).
    sums: Vec<Vec<f64>>,
}

impl Speculation {
    /// From a scenario's settings.
    pub fn new(settings: &Speculative) -> Speculation {
        let a = settings.acceptance;
        let mut yields: Vec<f64> = (0..settings.tokens).map(|j| a.powi(j as i32) * (1.0 - a)).collect();
        yields.push(a.powi(settings.tokens as i32));
        // Each number of steps is four times the one before, counted from one.
        let mut distributions = vec![yields.clone()];
        for _ in 1..STEPS_AT_ONCE.len() {
            let previous = &distributions[distributions.len() - 1];
            let twice = convolve(previous, previous);
            distributions.push(convolve(&twice, &twice));
        }
        let sums = distributions.into_iter().rev().map(|distribution| cumulative(&distribution)).collect();
        Speculation { draft_tokens: u64::from(settings.tokens), yields, sums }
    }

    /// The number of steps after which at least `tokens` tokens are there: a draw that follows from `luck`.
    pub fn steps(&self, tokens: u64, luck: u64) -> u64 {
        let mut stream = Stream::seed_from_u64(luck);
        let (mut left, mut steps) = (tokens, 0);
        for (at_once, sums) in STEPS_AT_ONCE.iter().zip(&self.sums) {
            // While even the luckiest of these steps leave a token to go, the answer does not end among them.
            let most = at_once * (self.draft_tokens + 1);
            while left > most || (*at_once == 1 && left > 0) {
                let u = unit_interval(stream.next_u64());
                let extra = sums.partition_point(|sum| *sum <= u) as u64;
                left = left.saturating_sub(at_once + extra);
                steps += at_once;
            }
        }
        steps
    }

    /// Mean tokens of a step that does not end an answer.
    pub fn mean_yield(&self) -> f64 {
        self.yields.iter().zip(1..).map(|(probability, tokens)| probability * f64::from(tokens)).sum()
    }

    /// The mean of [`steps`](Self::steps) for 0, 1, 2, ... tokens: m(n) = 1 + sum over j of P(X = j) m(n - j).
    pub fn mean_steps(&self) -> MeanSteps {
        let mut table = vec![0.0];
        for n in 1..=LONGEST_TABULATED {
            let later = self.yields.iter().zip(1..).map(|(p, j)| if j < n { p * table[n - j] } else { 0.0 });
            table.push(1.0 + later.sum::<f64>());
        }
        MeanSteps { table, per_token: 1.0 / self.mean_yield() }
    }
}

/// Mean numbers of steps by length.
#[derive(Clone, Debug)]
pub struct MeanSteps {
    table: Vec<f64>,
    /// Steps for each token beyond the table.
    per_token: f64,
}

impl MeanSteps {
    /// Mean steps of an answer of so many tokens.
    pub fn of(&self, tokens: u32) -> f64 {
        let last = self.table.len() - 1;
        match self.table.get(tokens as usize) {
            Some(steps) => *steps,
            None => self.table[last] + f64::from(tokens - last as u32) * self.per_token,
        }
    }
}

/// The distribution of the sum of two independent numbers.
fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; a.len() + b.len() - 1];
    for (i, p) in a.iter().enumerate() {
        for (j, q) in b.iter().enumerate() {
            sum[i + j] += p * q;
        }
    }
    sum
}

fn cumulative(distribution: &[f64]) -> Vec<f64> {
    let mut total = 0.0;
    let mut sums: Vec<f64> = (distribution.iter())
        .map(|probability| {
            total += probability;
            total
        })
        .collect();
    // What rounding has left belongs to the last value.
    if let Some(last) = sums.last_mut() {
        *last = 1.0;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speculation(tokens: u32, acceptance: f64) -> Speculation {
        Speculation::new(&Speculative { tokens, acceptance })
    }

    /// P(so many steps) for an answer of so many tokens, by walking through the steps.
    fn exact(speculation: &Speculation, tokens: usize) -> Vec<f64> {
        let mut left = vec![0.0; tokens + 1];
        left[tokens] = 1.0;
        let mut probabilities = vec![0.0];
        while left[1..].iter().any(|probability| *probability > 0.0) {
            let mut next = vec![0.0; tokens + 1];
            let mut ended = 0.0;
            for (n, probability) in left.iter().enumerate().skip(1) {
                for (i, p) in speculation.yields.iter().enumerate() {
                    match n.checked_sub(i + 1) {
                        Some(0) | None => ended += probability * p,
                        Some(rest) => next[rest] += probability * p,
                    }
                }
            }
            probabilities.push(ended);
            left = next;
        }
        probabilities
    }

    /// The draws have the exact distribution: a chi-squared test for short and long answers.
    #[test]
    fn steps_follow_their_exact_distribution() {
        for (tokens, acceptance, length) in [(4, 0.7, 9), (4, 0.7, 300), (1, 0.5, 40), (7, 0.9, 1500)] {
            let speculation = speculation(tokens, acceptance);
            let exact = exact(&speculation, length);
            let n = 40_000;
            let mut counts = vec![0.0; exact.len()];
            for luck in 0..n {
                counts[speculation.steps(length as u64, luck * 7_919 + 1) as usize] += 1.0;
            }
            let (mut chi_squared, mut classes) = (0.0, 0.0);
            for (count, probability) in counts.iter().zip(&exact).filter(|(_, p)| **p * n as f64 > 10.0) {
                let expected: f64 = probability * n as f64;
                chi_squared += (count - expected).powi(2) / expected;
                classes += 1.0;
            }
            // Mean and variance of chi-squared are its degrees of freedom and twice them.
            let bound = classes + 5.0 * (2.0_f64 * classes).sqrt();
            assert!(classes > 2.0 && chi_squared < bound, "{tokens}, {acceptance}: {chi_squared} of {classes}");
        }
    }

    #[test]
    fn mean_steps_are_those_of_the_distribution() {
        let speculation = speculation(3, 0.6);
        let mean_steps = speculation.mean_steps();
        for length in [1, 2, 5, 77] {
            let mean: f64 = exact(&speculation, length).iter().zip(0..).map(|(p, n)| p * f64::from(n)).sum();
            assert!((mean_steps.of(length as u32) - mean).abs() < 1e-9, "{length}");
        }
        let slope = mean_steps.of(40_000) - mean_steps.of(30_000);
        assert!((slope * speculation.mean_yield() - 10_000.0).abs() < 1e-6);
        assert_eq!(mean_steps.of(0), 0.0);
    }

    #[test]
    fn certain_drafts_need_no_luck() {
        for luck in 0..10 {
            assert_eq!(speculation(4, 1.0).steps(1001, luck), 201);
            assert_eq!(speculation(4, 0.0).steps(1001, luck), 1001);
            assert_eq!(speculation(4, 0.5).steps(0, luck), 0);
        }
    }
}
