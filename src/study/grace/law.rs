//! The law of an answer's length, given that it is longer than what has been seen of it.
//!
//! An answer of stable is a draw rounded up to whole tokens, at least 1 and at most the longest; another version
//! multiplies it, rounds up once more and stops at the longest that fits. This is that law, nothing else: how many tokens
//! somebody emits by when is not known here.

use serde::{Deserialize, Serialize};

use crate::random::{Distribution, Family};
use crate::scenario::{Engine, Scenario, Traffic};
use crate::workload::{longest_drawn, longest_output, scaled_output, stable_output_within};

/// Values up to which a table of survival probabilities is kept, where each would otherwise be a long sum.
const LONGEST_TABLE: f64 = (1 << 24) as f64;

/// The law of answers' lengths in a scenario.
#[derive(Clone, Debug)]
pub struct LengthLaw<'a> {
    traffic: &'a Traffic,
    engine: &'a Engine,
    output_tokens: &'a Distribution,
    /// The factor of each version.
    factors: Vec<f64>,
    /// P(draw > n) for n from 0, where it is kept.
    table: Option<Vec<f64>>,
}

/// Why there is no such law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoLaw {
    /// Recorded requests: what is left of an answer is in the recording.
    Trace,
    /// Lengths handed out in order.
    Sequence,
    /// Speculative decoding draws an answer's steps at its admission, from its length.
    Speculation,
}

impl NoLaw {
    /// In words, as the reason for something.
    pub fn words(self) -> &'static str {
        match self {
            NoLaw::Trace => "recorded requests have no distribution of what is left of an answer",
            NoLaw::Sequence => "answers of a `sequence` have no distribution",
            NoLaw::Speculation => "speculative decoding draws an answer's steps from its length",
        }
    }
}

impl<'a> LengthLaw<'a> {
    /// The law of a scenario.
    ///
    /// # Errors
    /// Why it has none that can be conditioned on.
    pub fn new(scenario: &'a Scenario) -> Result<LengthLaw<'a>, NoLaw> {
        let Traffic::Synthetic { output_tokens, .. } = &scenario.traffic else { return Err(NoLaw::Trace) };
        if scenario.engine.speculative.is_some() {
            return Err(NoLaw::Speculation);
        }
        if any(output_tokens, &|family| matches!(family, Family::Sequence(_))) {
            return Err(NoLaw::Sequence);
        }
        let is_summed = any(output_tokens, &|family| matches!(family, Family::Zipf { .. }));
        let most = output_tokens.greatest().min(LONGEST_TABLE) as usize;
        Ok(LengthLaw {
            traffic: &scenario.traffic,
            engine: &scenario.engine,
            output_tokens,
            factors: scenario.versions.iter().map(|version| version.output_tokens_factor).collect(),
            table: is_summed.then(|| survival_table(output_tokens, most)),
        })
    }

    /// The longest answer that this version may give to such a prompt, tokens.
    pub fn longest(&self, version: usize, prompt_tokens: u32) -> u32 {
        let drawn = longest_drawn(self.traffic, self.engine, prompt_tokens);
        let greatest = self.output_tokens.greatest().ceil().clamp(1.0, f64::from(drawn)) as u32;
        let fits = longest_output(self.traffic, self.engine, prompt_tokens);
        scaled_output(greatest, self.factors[version], fits)
    }

    /// The probability that this version's answer to such a prompt is longer than `tokens`, given that stable's would be
    /// longer than `longer_than`.
    pub fn exceeds(&self, version: usize, prompt_tokens: u32, tokens: u32, longer_than: u32) -> f64 {
        let longest = longest_output(self.traffic, self.engine, prompt_tokens);
        let within = stable_output_within(tokens, self.factors[version], longest);
        if within <= longer_than {
            return 1.0;
        }
        let drawn = longest_drawn(self.traffic, self.engine, prompt_tokens);
        let (far, near) = (self.stable_exceeds(within, drawn), self.stable_exceeds(longer_than, drawn));
        // What has been seen has happened: where its probability is too small for a number, nothing is known of the rest.
        if near > 0.0 { (far / near).min(1.0) } else { 1.0 }
    }

    /// P(N > n) of stable's answer N, at most `longest` tokens.
    fn stable_exceeds(&self, n: u32, longest: u32) -> f64 {
        if n == 0 {
            return 1.0;
        }
        if n >= longest {
            return 0.0;
        }
        match &self.table {
            Some(table) if (n as usize) < table.len() => table[n as usize],
            _ => self.output_tokens.survival(f64::from(n)),
        }
    }

    /// The fewest tokens that an answer to a mean prompt exceeds with at most this probability, whatever the version.
    pub fn quantile(&self, prompt_tokens: u32, probability: f64) -> u32 {
        let of_version = |version: usize| {
            let (mut low, mut high) = (0, self.longest(version, prompt_tokens));
            while low < high {
                let middle = low + (high - low) / 2;
                if self.exceeds(version, prompt_tokens, middle, 0) > probability {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            low
        };
        (0..self.factors.len()).map(of_version).max().unwrap_or(0)
    }
}

/// Whether a distribution, or a part of it, is of a family.
fn any(distribution: &Distribution, is_meant: &dyn Fn(&Family) -> bool) -> bool {
    let in_parts = |parts: &[(f64, Distribution)]| parts.iter().any(|(_, part)| any(part, is_meant));
    is_meant(&distribution.family) || matches!(&distribution.family, Family::Mixture(parts) if in_parts(parts))
}

/// P(X > n) for n in 0..=most, with the sums of Zipf's law taken once, from its far end so that no digit is lost.
fn survival_table(distribution: &Distribution, most: usize) -> Vec<f64> {
    let mut table = match &distribution.family {
        Family::Zipf { exponent, max } => {
            let greatest = *max as usize;
            let mut beyond = vec![0.0; greatest + 1];
            for n in (0..greatest).rev() {
                beyond[n] = beyond[n + 1] + ((n + 1) as f64).powf(-exponent);
            }
            let total = beyond[0];
            (0..=most).map(|n| beyond.get(n).map_or(0.0, |sum| sum / total)).collect()
        }
        Family::Mixture(parts) => {
            let mut sums = vec![0.0; most + 1];
            for (weight, part) in parts {
                let of_part = survival_table(part, most);
                sums.iter_mut().zip(of_part).for_each(|(sum, survival)| *sum += weight * survival);
            }
            sums
        }
        _ => (0..=most).map(|n| distribution.survival(n as f64)).collect(),
    };
    let bound = distribution.max.ceil().clamp(0.0, table.len() as f64) as usize;
    table[bound..].fill(0.0);
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RunKey;
    use crate::study::samples;
    use crate::units::Time;
    use crate::workload::Workload;
    use std::sync::Arc;

    fn with(family: Family, max: f64, factor: f64) -> Scenario {
        let mut scenario = samples::scenario(1);
        let Traffic::Synthetic { output_tokens, .. } = &mut scenario.traffic else { unreachable!() };
        *output_tokens = Distribution { family, max };
        let mut new = scenario.versions[0].clone();
        new.output_tokens_factor = factor;
        scenario.versions = vec![scenario.versions[0].clone(), new];
        scenario
    }

    fn families() -> Vec<Family> {
        let lognormal = Family::Lognormal { median: 30.0, sigma: 1.1 };
        let zipf = Family::Zipf { exponent: 1.1, max: 700.0 };
        let part = |family: &Family, max| Distribution { family: family.clone(), max };
        vec![
            Family::Mixture(vec![(0.3, part(&lognormal, 60.5)), (0.7, part(&zipf, f64::INFINITY))]),
            lognormal,
            zipf,
            Family::Constant(37.2),
            Family::Empirical(Arc::from([1.0, 12.0, 12.5, 90.0, 400.0])),
            Family::Pareto { minimum: 3.0, alpha: 1.2 },
        ]
    }

    /// The lengths that runs draw, and what a version makes of them, exceed so many tokens as often as the law says:
    /// within five standard errors, from a thousand draws at least.
    #[test]
    fn the_law_is_that_of_the_lengths_that_runs_draw() {
        for (family, max, factor) in families()
            .into_iter()
            .flat_map(|f| [(f.clone(), f64::INFINITY, 1.0), (f.clone(), 211.5, 0.7), (f, 150.0, 2.3)])
        {
            let scenario = with(family.clone(), max, factor);
            let law = LengthLaw::new(&scenario).expect("a law");
            let mut workload = Workload::new(&scenario, RunKey::new(5, 1), Time::ZERO);
            let longest = longest_output(&scenario.traffic, &scenario.engine, 800);
            let draws: Vec<u32> = (0..40_000).map(|_| workload.next_arrival().output_tokens).collect();
            for version in [0, 1] {
                let answer = |n: u32| scaled_output(n, [1.0, factor][version], longest);
                assert!(draws.iter().all(|n| answer(*n) <= law.longest(version, 800)), "{family:?}");
                for (seen, tokens) in [(0, 0), (0, 1), (0, 40), (5, 30), (20, 60), (35, 37), (100, 149), (140, 300)] {
                    let longer_than = stable_output_within(seen, [1.0, factor][version], longest);
                    let given: Vec<&u32> = draws.iter().filter(|n| answer(**n) > seen).collect();
                    if given.len() < 1_000 {
                        continue;
                    }
                    let n = given.len() as f64;
                    let found = given.into_iter().filter(|n| answer(**n) > tokens).count() as f64 / n;
                    let expected = law.exceeds(version, 800, tokens, longer_than);
                    let error = (expected * (1.0 - expected) / n).sqrt();
                    assert!(
                        (found - expected).abs() <= 5.0 * error + 1e-12,
                        "{family:?}, at most {max}, times {factor}: P(> {tokens} | > {seen}) is {found}, not {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn tables_hold_what_the_distribution_says_to_the_last_digits() {
        for family in families() {
            for max in [f64::INFINITY, 211.5] {
                let distribution = Distribution { family: family.clone(), max };
                for (n, found) in survival_table(&distribution, 800).into_iter().enumerate() {
                    let expected = distribution.survival(n as f64);
                    assert!((found - expected).abs() <= 1e-12, "{family:?} at {n}: {found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn recordings_sequences_and_speculation_have_no_law() {
        let parts = vec![(1.0, Distribution { family: Family::Sequence(vec![3.0]), max: 9.0 })];
        assert_eq!(LengthLaw::new(&with(Family::Mixture(parts), 9.0, 1.0)).err(), Some(NoLaw::Sequence));
        let mut scenario = samples::scenario(1);
        scenario.engine.speculative = Some(crate::scenario::Speculative { tokens: 3, acceptance: 0.5 });
        assert_eq!(LengthLaw::new(&scenario).err(), Some(NoLaw::Speculation));
    }

    #[test]
    fn quantiles_are_the_fewest_tokens_that_are_exceeded_so_rarely() {
        let scenario = with(Family::Exponential { mean: 100.0 }, f64::INFINITY, 2.0);
        let law = LengthLaw::new(&scenario).expect("a law");
        let tokens = law.quantile(800, 1e-6);
        assert!(law.exceeds(1, 800, tokens, 0) <= 1e-6 && law.exceeds(1, 800, tokens - 1, 0) > 1e-6);
    }
}
