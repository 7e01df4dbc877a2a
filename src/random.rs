//! Randomness: independent streams named by (seed, run, purpose), and the distributions a scenario can name.
//!
//! One stream serves one purpose, so that a policy which draws more of one thing shifts nothing else: two policies meet
//! the same requests and the same cold starts (common random numbers). Nothing here knows what the draws mean.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_distr::{Distribution as _, Exp1, Gamma, StandardNormal, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use statrs::function::{erf::erfc, gamma::gamma_ur};

/// What a stream's draws are for. The numbers are part of every result: new purposes are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Gaps between arrivals, and the states of a modulated process.
    Arrivals = 1,
    /// Prompt lengths, one draw a request.
    PromptTokens = 2,
    /// Output lengths, one draw a request.
    OutputTokens = 3,
    /// Where in a trace a run begins.
    TraceStart = 4,
    /// Which replica an attempt goes to; keyed by request and attempt.
    Routing = 5,
    /// Which version an attempt goes to under traffic weights; keyed by request and attempt.
    Weight = 6,
    /// Whether an attempt fails; keyed by request and attempt.
    Failure = 7,
    /// Jitter of a retry's back-off; keyed by request and attempt.
    BackOff = 8,
    /// Node provisioning times; keyed by replica and start.
    Provision = 9,
    /// Image pull times; keyed by replica and start.
    ImagePull = 10,
    /// Own bandwidths or durations of weight loading; keyed by replica and start.
    WeightLoad = 11,
    /// Engine start times; keyed by replica and start.
    EngineStart = 12,
    /// Whether a start fails; keyed by replica and start.
    StartFailure = 13,
    /// When a replica crashes; keyed by replica and start.
    Crash = 14,
    /// Whether a stage of the cold start is skipped; keyed by replica and stage.
    Skip = 16,
    /// States of a Markov-modulated arrival process and how long they last.
    ArrivalStates = 18,
    /// How many tokens speculative steps yield; keyed by request and attempt.
    Speculation = 19,
    /// Whether released GPUs are lost, and for how long; keyed by release.
    Stockout = 20,
    /// Which of several equal pods a controller deletes; keyed by replica.
    PodName = 17,
    /// When within the interval a replica is scraped; keyed by replica.
    Scrape = 24,
}

/// A stream of random numbers for one purpose in one run.
pub type Stream = Xoshiro256PlusPlus;

/// One round of SplitMix64's output function (Steele, Lea and Flood 2014): a bijection whose output bits each depend on
/// every input bit.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The randomness of one run: everything that it draws is a function of this and of a name.
#[derive(Clone, Copy, Debug)]
pub struct RunKey(u64);

impl RunKey {
    /// The key of run number `run` of a study with this seed.
    pub fn new(seed: u64, run: u64) -> RunKey {
        RunKey(mix(mix(seed) ^ run.wrapping_mul(0xD6E8_FEB8_6659_FD93)))
    }

    fn purpose(self, purpose: Purpose) -> u64 {
        mix(self.0 ^ (purpose as u64) << 32)
    }

    /// The stream for one purpose.
    pub fn stream(self, purpose: Purpose) -> Stream {
        Stream::seed_from_u64(self.purpose(purpose))
    }

    /// The stream of one draw that is named by two numbers, such as a replica and its start.
    pub fn keyed_stream(self, purpose: Purpose, first: u64, second: u64) -> Stream {
        Stream::seed_from_u64(self.keyed_bits(purpose, first, second))
    }

    /// 64 random bits named by two numbers, such as a request and its attempt.
    pub fn keyed_bits(self, purpose: Purpose, first: u64, second: u64) -> u64 {
        mix(mix(self.purpose(purpose) ^ first) ^ second)
    }

    /// A uniform number in [0, 1) named by two numbers.
    pub fn keyed_uniform(self, purpose: Purpose, first: u64, second: u64) -> f64 {
        unit_interval(self.keyed_bits(purpose, first, second))
    }
}

/// The top 53 bits as a number in [0, 1).
pub fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// The normal distribution's 99 % quantile: what turns a median and a P99 into a lognormal's sigma.
pub const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// A family of distributions with its parameters, in the unit of what is drawn (seconds, tokens, ...).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Family {
    /// Always this value.
    Constant(f64),
    /// Uniform on [low, high].
    Uniform {
        /// Least value.
        low: f64,
        /// Greatest value.
        high: f64,
    },
    /// Exponential with this mean.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// exp(mu + sigma Z), mu the logarithm of the median.
    Lognormal {
        /// Median.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Gamma with shape 1 / cv^2.
    Gamma {
        /// Mean.
        mean: f64,
        /// Coefficient of variation.
        cv: f64,
    },
    /// Weibull: P(X > x) = exp(-(x / scale)^shape).
    Weibull {
        /// Scale.
        scale: f64,
        /// Shape.
        shape: f64,
    },
    /// Pareto: P(X > x) = (minimum / x)^alpha for x above the minimum.
    Pareto {
        /// Least value.
        minimum: f64,
        /// Tail exponent.
        alpha: f64,
    },
    /// Zipf on 1..=max: P(X = k) proportional to k^-exponent.
    Zipf {
        /// Exponent.
        exponent: f64,
        /// Greatest value.
        max: f64,
    },
    /// The i-th draw gets the i-th value, the last repeats; infinity is a stage that never ends.
    Sequence(Vec<f64>),
    /// One of these sorted values, each as likely as the other.
    Empirical(Arc<[f64]>),
    /// One of these, drawn by weight (weights sum to 1).
    Mixture(Vec<(f64, Distribution)>),
}

/// A distribution that a scenario names: a family, cut off at `max`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Distribution {
    /// The family with its parameters.
    pub family: Family,
    /// Draws above are clamped to this; infinity for none.
    pub max: f64,
}

impl Distribution {
    /// Always `value`.
    pub fn constant(value: f64) -> Distribution {
        Distribution { family: Family::Constant(value), max: f64::INFINITY }
    }

    /// Whether every draw is this same value.
    pub fn as_constant(&self) -> Option<f64> {
        match &self.family {
            Family::Constant(value) => Some(value.min(self.max)),
            Family::Sequence(values) if values.iter().all(|v| *v == values[0]) => Some(values[0].min(self.max)),
            _ => None,
        }
    }

    /// The `index`-th draw, from `stream`. The index only matters to a sequence.
    pub fn draw(&self, stream: &mut Stream, index: u64) -> f64 {
        let value = match &self.family {
            Family::Constant(value) => *value,
            Family::Uniform { low, high } => low + (high - low) * unit_interval(stream.next_u64()),
            Family::Exponential { mean } => mean * exponential(stream),
            Family::Lognormal { median, sigma } => lognormal_draw(*median, *sigma, stream),
            Family::Gamma { mean, cv } => gamma_draw(*mean, *cv, stream),
            Family::Weibull { scale, shape } => scale * exponential(stream).powf(1.0 / shape),
            Family::Pareto { minimum, alpha } => minimum * (exponential(stream) / alpha).exp(),
            Family::Zipf { exponent, max } => match Zipf::new(*max, *exponent) {
                Ok(zipf) => zipf.sample(stream),
                Err(_) => 1.0,
            },
            Family::Sequence(values) => values[(index as usize).min(values.len() - 1)],
            Family::Empirical(values) => {
                let at = (unit_interval(stream.next_u64()) * values.len() as f64) as usize;
                values[at.min(values.len() - 1)]
            }
            Family::Mixture(parts) => {
                let mut u = unit_interval(stream.next_u64());
                let mut chosen = parts.len() - 1;
                for (i, (weight, _)) in parts.iter().enumerate() {
                    if u < *weight {
                        chosen = i;
                        break;
                    }
                    u -= weight;
                }
                parts[chosen].1.draw(stream, index)
            }
        };
        value.min(self.max)
    }

    /// The draws from number `first` on, as many as there is room for: the same as [`draw`](Self::draw) one by one.
    pub fn draw_many(&self, stream: &mut Stream, first: u64, draws: &mut [f64]) {
        // Without a choice of family between them, one exponential is under way while the next number is drawn.
        if let Family::Lognormal { median, sigma } = &self.family {
            return draws.iter_mut().for_each(|draw| *draw = lognormal_draw(*median, *sigma, stream).min(self.max));
        }
        for (draw, index) in draws.iter_mut().zip(first..) {
            *draw = self.draw(stream, index);
        }
    }

    /// P(X > x).
    pub fn survival(&self, x: f64) -> f64 {
        if x >= self.max {
            return 0.0;
        }
        match &self.family {
            Family::Constant(value) => f64::from(u8::from(*value > x)),
            Family::Uniform { low, high } if high > low => ((high - x) / (high - low)).clamp(0.0, 1.0),
            Family::Uniform { low, .. } => f64::from(u8::from(*low > x)),
            Family::Exponential { mean } => (-(x.max(0.0)) / mean).exp(),
            Family::Lognormal { .. } if x <= 0.0 => 1.0,
            Family::Lognormal { median, sigma } if *sigma == 0.0 => f64::from(u8::from(*median > x)),
            Family::Lognormal { median, sigma } => 0.5 * erfc((x / median).ln() / (sigma * std::f64::consts::SQRT_2)),
            Family::Gamma { mean, cv } if *cv == 0.0 => f64::from(u8::from(*mean > x)),
            Family::Gamma { .. } if x <= 0.0 => 1.0,
            Family::Gamma { mean, cv } => gamma_ur(1.0 / (cv * cv), x / (mean * cv * cv)),
            Family::Weibull { scale, shape } => (-(x.max(0.0) / scale).powf(*shape)).exp(),
            Family::Pareto { minimum, .. } if x <= *minimum => 1.0,
            Family::Pareto { minimum, alpha } => (minimum / x).powf(*alpha),
            Family::Zipf { exponent, max } => zipf_survival(*exponent, *max, x),
            // The last value repeats for ever: in the long run it is the distribution.
            Family::Sequence(values) => f64::from(u8::from(values[values.len() - 1] > x)),
            Family::Empirical(values) => 1.0 - values.partition_point(|value| *value <= x) as f64 / values.len() as f64,
            Family::Mixture(parts) => parts.iter().map(|(weight, part)| weight * part.survival(x)).sum(),
        }
    }

    /// Greatest value that can be drawn; infinity if there is none.
    pub fn greatest(&self) -> f64 {
        let greatest = match &self.family {
            Family::Constant(value) => *value,
            Family::Uniform { high, .. } => *high,
            Family::Zipf { max, .. } => *max,
            Family::Sequence(values) => values.iter().copied().fold(0.0, f64::max),
            Family::Empirical(values) => values.last().copied().unwrap_or(0.0),
            Family::Mixture(parts) => parts.iter().map(|(_, part)| part.greatest()).fold(0.0, f64::max),
            _ => f64::INFINITY,
        };
        greatest.min(self.max)
    }

    /// Expectation of `f` over whole-token draws: rounded up, at least 1, at most `most`.
    ///
    /// Exact up to rounding: E f(N) = f(1) + sum over n of (f(n + 1) - f(n)) P(X > n).
    pub fn expect_whole(&self, most: u32, f: impl Fn(u32) -> f64) -> f64 {
        let most = f64::from(most).min(self.greatest().ceil()).max(1.0) as u32;
        let mut expectation = f(1);
        let mut previous = expectation;
        let tabulated = self.whole_survival(most);
        for n in 1..most {
            let next = f(n + 1);
            let survival = tabulated.as_ref().map_or_else(|| self.survival(f64::from(n)), |table| table[n as usize]);
            if survival < 1e-16 && n > 1 && !matches!(self.family, Family::Sequence(_) | Family::Empirical(_)) {
                break;
            }
            expectation += (next - previous) * survival;
            previous = next;
        }
        expectation
    }

    /// P(X > n) for n in 0..=most where a sum over all values would otherwise be taken for each n.
    fn whole_survival(&self, most: u32) -> Option<Vec<f64>> {
        let Family::Zipf { exponent, max } = &self.family else { return None };
        let total: f64 = (1..=*max as u64).map(|k| (k as f64).powf(-exponent)).sum();
        let mut below = 0.0;
        let mut table = Vec::with_capacity(most as usize + 1);
        for n in 0..=most {
            if n > 0 {
                below += f64::from(n).powf(-exponent) / total;
            }
            table.push((1.0 - below).max(0.0));
        }
        Some(table)
    }
}

/// A draw from the exponential distribution with mean 1.
pub fn exponential(stream: &mut Stream) -> f64 {
    Exp1.sample(stream)
}

#[inline]
fn lognormal_draw(median: f64, sigma: f64, stream: &mut Stream) -> f64 {
    let normal: f64 = StandardNormal.sample(stream);
    median * (sigma * normal).exp()
}

fn gamma_draw(mean: f64, cv: f64, stream: &mut Stream) -> f64 {
    match Gamma::new(1.0 / (cv * cv), mean * cv * cv) {
        Ok(gamma) => gamma.sample(stream),
        // A coefficient of variation of 0 is a constant.
        Err(_) => mean,
    }
}

fn zipf_survival(exponent: f64, max: f64, x: f64) -> f64 {
    let total: f64 = (1..=max as u64).map(|k| (k as f64).powf(-exponent)).sum();
    let below: f64 = (1..=x.min(max).max(0.0) as u64).map(|k| (k as f64).powf(-exponent)).sum();
    1.0 - below / total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<Distribution> {
        let plain = [
            Family::Constant(7.0),
            Family::Uniform { low: 2.0, high: 9.0 },
            Family::Exponential { mean: 5.0 },
            Family::Lognormal { median: 20.0, sigma: 1.1 },
            Family::Gamma { mean: 12.0, cv: 2.0 },
            Family::Weibull { scale: 10.0, shape: 0.7 },
            Family::Pareto { minimum: 2.0, alpha: 1.5 },
            Family::Zipf { exponent: 0.8, max: 50.0 },
            Family::Sequence(vec![3.0, 5.0]),
            Family::Empirical(Arc::from([1.0, 2.0, 40.0])),
        ];
        let mut all: Vec<_> = plain.into_iter().map(|family| Distribution { family, max: 100.0 }).collect();
        let parts = vec![(0.3, all[2].clone()), (0.7, all[3].clone())];
        all.push(Distribution { family: Family::Mixture(parts), max: 60.0 });
        all
    }

    /// Draws of every family have the mean that its survival function gives, within five standard errors.
    #[test]
    fn draws_agree_with_survival_functions() {
        for (number, distribution) in families().into_iter().enumerate() {
            if matches!(distribution.family, Family::Sequence(_)) {
                continue;
            }
            let mut stream = RunKey::new(1, number as u64).stream(Purpose::OutputTokens);
            let n = 200_000u32;
            let (mut sum, mut squares) = (0.0, 0.0);
            for i in 0..n {
                let tokens = distribution.draw(&mut stream, u64::from(i)).ceil().max(1.0);
                sum += tokens;
                squares += tokens * tokens;
            }
            let mean = sum / f64::from(n);
            let error = ((squares / f64::from(n) - mean * mean).max(0.0) / f64::from(n)).sqrt();
            let expected = distribution.expect_whole(1_000, f64::from);
            assert!(
                (mean - expected).abs() <= 5.0 * error + 1e-9,
                "{distribution:?}: drew {mean} +- {error}, expected {expected}"
            );
        }
    }

    #[test]
    fn many_draws_are_those_drawn_one_by_one() {
        for distribution in families() {
            let mut streams = [(); 2].map(|()| RunKey::new(3, 1).stream(Purpose::PromptTokens));
            let one_by_one: Vec<f64> = (5..45).map(|i| distribution.draw(&mut streams[0], i)).collect();
            let mut many = [0.0; 40];
            distribution.draw_many(&mut streams[1], 5, &mut many);
            assert_eq!(many.map(f64::to_bits).to_vec(), one_by_one.iter().map(|x| x.to_bits()).collect::<Vec<u64>>());
            assert_eq!(streams[0], streams[1]);
        }
    }

    #[test]
    fn a_sequence_hands_out_its_values_in_order_and_repeats_the_last() {
        let sequence = Distribution { family: Family::Sequence(vec![3.0, 5.0]), max: f64::INFINITY };
        let mut stream = RunKey::new(1, 0).stream(Purpose::Provision);
        let drawn: Vec<f64> = (0..4).map(|i| sequence.draw(&mut stream, i)).collect();
        assert_eq!(drawn, [3.0, 5.0, 5.0, 5.0]);
    }

    #[test]
    fn streams_of_different_names_differ() {
        let key = RunKey::new(1, 0);
        let mut seen = std::collections::HashSet::new();
        for purpose in [Purpose::Arrivals, Purpose::PromptTokens, Purpose::Routing] {
            assert!(seen.insert(key.stream(purpose).next_u64()));
            for first in 0..100 {
                for second in 0..10 {
                    assert!(seen.insert(key.keyed_bits(purpose, first, second)));
                }
            }
        }
        assert_ne!(RunKey::new(1, 1).stream(Purpose::Arrivals), RunKey::new(1, 0).stream(Purpose::Arrivals));
        assert_ne!(RunKey::new(2, 0).stream(Purpose::Arrivals), RunKey::new(1, 0).stream(Purpose::Arrivals));
    }

    /// The draws are part of the contract: this digest changes only with the results' version.
    #[test]
    fn draws_are_the_same_on_every_machine() {
        let key = RunKey::new(42, 7);
        let mut stream = key.stream(Purpose::OutputTokens);
        let lognormal = Distribution { family: Family::Lognormal { median: 250.0, sigma: 1.0 }, max: f64::INFINITY };
        let digest = (0..1000).fold(0u64, |digest, i| mix(digest ^ lognormal.draw(&mut stream, i).to_bits()));
        assert_eq!(digest, DIGEST, "{digest:#x}");
    }

    const DIGEST: u64 = 0xe7bd_7225_35d6_dbbf;
}
