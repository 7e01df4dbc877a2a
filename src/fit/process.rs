//! Which arrival process a scenario should draw, and what that process cannot do.
//!
//! A scenario knows renewal processes: Poisson, and gamma with a coefficient of variation of the gaps. Over long
//! windows the counts of such a process are dispersed by the square of that coefficient and no more, while real traffic
//! has busy minutes and quiet ones: so the process is drawn here, several times for as long as the recording, and its
//! counts are held against the recorded ones.

use rayon::prelude::*;

use super::rates::Rates;
use super::traffic::{Counter, Traffic, WINDOWS, WindowCounts};
use crate::random::{Distribution, Family, Purpose, RunKey};
use crate::units::NANOS_PER_SECOND;

/// Coefficients of variation nearer to 1 than this are taken for a Poisson process's; or than this over the root of the
/// number of gaps, of which its standard error is a third.
const AS_POISSON: f64 = 0.1;
const AS_POISSON_BY_CHANCE: f64 = 3.0;
/// Coefficients of variation that a scenario may have.
const VARIATIONS: (f64, f64) = (0.01, 100.0);
/// Rates that a scenario may have, requests per second.
const RATES: (f64, f64) = (1e-6, 1e6);
/// Share of zero gaps from which requests are said to come in batches, whose gaps say nothing of the rate.
const BATCHED: f64 = 0.5;
/// Batches that a window must hold for its counts to tell of more than the batches.
const BATCHES_IN_WINDOW: f64 = 8.0;
/// Windows from whose counts a coefficient of variation may be taken.
const FEWEST_WINDOWS: u64 = 10;
/// How often the process is drawn.
const REPLICATES: u64 = 20;
/// Gaps drawn each time at most.
const MOST_GAPS: f64 = 250_000.0;
/// Windows that must be drawn each time where there is no end of recorded ones.
const ENOUGH_WINDOWS: u64 = 10;
/// Length of the windows from which on a process is judged too calm, seconds.
const CALM_FROM: u64 = 60;
/// How many times as dispersed as drawn the recorded counts must be to call the process too calm.
const TOO_CALM: f64 = 1.5;
/// How many times as dispersed as recorded the drawn counts must be to call its bursts too sharp.
const TOO_SHARP: f64 = 2.0;
/// Standard deviations between replicates by which they must differ as well.
const DEVIATIONS: f64 = 3.0;

/// A renewal process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Process {
    /// Exponential gaps.
    Poisson {
        /// Requests per second.
        rate: f64,
    },
    /// Gamma gaps.
    Gamma {
        /// Requests per second.
        rate: f64,
        /// Coefficient of variation of the gaps.
        cv: f64,
    },
}

impl Process {
    /// Coefficient of variation of its gaps.
    fn variation(&self) -> f64 {
        match self {
            Process::Poisson { .. } => 1.0,
            Process::Gamma { cv, .. } => *cv,
        }
    }
}

/// What a process's variation is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The gaps between requests.
    Gaps,
    /// The dispersion of counts over windows of so many seconds, because requests are stamped in batches: a renewal
    /// process's is the square of its coefficient of variation.
    Counts(u64),
    /// The rate alone: requests are stamped in batches and the recording is too short for more.
    RateAlone,
}

/// Dispersion of the counts of the drawn process over windows of one length; where too few of them could be drawn
/// because each holds very many requests, its limit for long windows, the square of the coefficient of variation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawnDispersion {
    /// Mean over the replicates.
    pub mean: f64,
    /// Standard deviation between replicates; of the limit, that of a variance from so many windows, sqrt(2 / (n - 1))
    /// of it.
    pub deviation: f64,
}

/// An arrival process, and how what it draws differs from what was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrivalFit {
    /// The process.
    pub process: Process,
    /// Where its variation is from.
    pub basis: Basis,
    /// Dispersion of drawn counts over the windows of [`Traffic::windows`], where there are such.
    pub drawn: [Option<DrawnDispersion>; WINDOWS.len()],
    /// The shortest window of a minute or more, in seconds, over which recorded counts vary more than drawn ones: the
    /// process is too calm.
    pub too_calm_over_s: Option<u64>,
    /// The shortest window, in seconds, over which drawn counts vary more than recorded ones: the process's bursts are
    /// too sharp, because its variation comes from a few long silences.
    pub too_sharp_over_s: Option<u64>,
    /// The rate over time, recorded and drawn.
    pub rates: Rates,
}

impl ArrivalFit {
    /// The process for this traffic, whose rate over time is `rates`.
    pub(super) fn of(traffic: &Traffic, rates: Rates) -> ArrivalFit {
        let (process, basis) = choose(traffic);
        let replicates: Vec<Replicate> =
            (0..REPLICATES).into_par_iter().map(|number| draw(&process, traffic, rates.bin_s, number)).collect();
        let limit = |counts: &WindowCounts| {
            let mean = process.variation().powi(2);
            DrawnDispersion { mean, deviation: mean * (2.0 / (counts.windows as f64 - 1.0)).sqrt() }
        };
        let drawn = std::array::from_fn(|window| {
            let counts = traffic.windows[window].as_ref()?;
            spread(replicates.iter().filter_map(|replicate| replicate.dispersions[window])).or(Some(limit(counts)))
        });
        let judged = || traffic.windows.iter().zip(&drawn).filter_map(|(counts, drawn)| Some(((*counts)?, (*drawn)?)));
        let too_calm = |(counts, drawn): &(WindowCounts, DrawnDispersion)| {
            let least = (TOO_CALM * drawn.mean).max(drawn.mean + DEVIATIONS * drawn.deviation);
            counts.seconds >= CALM_FROM && counts.dispersion > least
        };
        let too_sharp = |(counts, drawn): &(WindowCounts, DrawnDispersion)| {
            drawn.mean > TOO_SHARP * counts.dispersion
                && drawn.mean - DEVIATIONS * drawn.deviation > counts.dispersion
                && basis == Basis::Gaps
        };
        let bins = replicates.iter().flat_map(|replicate| &replicate.bins).copied().collect();
        ArrivalFit {
            process,
            basis,
            too_calm_over_s: judged().find(too_calm).map(|(counts, _)| counts.seconds),
            too_sharp_over_s: judged().find(too_sharp).map(|(counts, _)| counts.seconds),
            drawn,
            rates: rates.with_drawn(bins),
        }
    }
}

/// The process by the gaps or, where those say nothing, by the counts.
fn choose(traffic: &Traffic) -> (Process, Basis) {
    let rate = traffic.rate.clamp(RATES.0, RATES.1);
    let by_chance = AS_POISSON_BY_CHANCE / ((traffic.requests - 1) as f64).sqrt();
    let gamma = |cv: f64| {
        let cv = cv.clamp(VARIATIONS.0, VARIATIONS.1);
        if (cv - 1.0).abs() <= AS_POISSON.max(by_chance) {
            Process::Poisson { rate }
        } else {
            Process::Gamma { rate, cv }
        }
    };
    if traffic.zero_gaps < BATCHED {
        return (gamma(traffic.gap_variation), Basis::Gaps);
    }
    let shortest = BATCHES_IN_WINDOW * traffic.between_stamps_s();
    let telling = |counts: &&WindowCounts| counts.seconds as f64 >= shortest && counts.windows >= FEWEST_WINDOWS;
    match traffic.windows.iter().flatten().find(telling) {
        Some(counts) => (gamma(counts.dispersion.sqrt()), Basis::Counts(counts.seconds)),
        None => (Process::Poisson { rate }, Basis::RateAlone),
    }
}

/// What was drawn once.
struct Replicate {
    dispersions: [Option<f64>; WINDOWS.len()],
    /// Requests in each bin of the rate over time.
    bins: Vec<u32>,
}

/// Draws the process for as long as the recording, or until there is enough.
fn draw(process: &Process, traffic: &Traffic, bin_s: f64, number: u64) -> Replicate {
    let (rate, gaps) = match *process {
        Process::Poisson { rate } => (rate, Family::Exponential { mean: 1.0 / rate }),
        Process::Gamma { rate, cv } => (rate, Family::Gamma { mean: 1.0 / rate, cv }),
    };
    let gaps = Distribution { family: gaps, max: f64::INFINITY };
    let length_s = traffic.recorded_s.min(MOST_GAPS / rate);
    let mut counters = WINDOWS.map(|seconds| Counter::new(seconds, (length_s * NANOS_PER_SECOND as f64) as i64));
    let mut bins = vec![0; (length_s / bin_s) as usize];
    let mut stream = RunKey::new(1, number).stream(Purpose::Arrivals);
    let (mut now_s, mut index) = (0.0, 0);
    while now_s < length_s {
        let arrival = (now_s * NANOS_PER_SECOND as f64) as i64;
        counters.iter_mut().for_each(|counter| counter.add(arrival));
        if let Some(bin) = bins.get_mut((now_s / bin_s) as usize) {
            *bin += 1;
        }
        now_s += gaps.draw(&mut stream, index);
        index += 1;
    }
    let dispersions = std::array::from_fn(|window| {
        let (recorded, drawn) = (traffic.windows[window]?, counters[window].clone().finish()?);
        (drawn.windows >= recorded.windows.min(ENOUGH_WINDOWS)).then_some(drawn.dispersion)
    });
    Replicate { dispersions, bins }
}

/// Mean and standard deviation; `None` of fewer than two numbers.
fn spread(values: impl Iterator<Item = f64>) -> Option<DrawnDispersion> {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| DrawnDispersion { mean, deviation: (squares / (n - 1.0)).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{drawn_trace, trace_at};
    use super::*;
    use crate::trace::Trace;

    fn fitted(trace: &Trace) -> ArrivalFit {
        ArrivalFit::of(&Traffic::of(trace), Rates::of(trace))
    }

    #[test]
    fn exponential_gaps_are_a_poisson_process_and_explain_its_counts() {
        let fit = fitted(&drawn_trace(Family::Exponential { mean: 0.25 }, 20_000));
        assert!(matches!(fit.process, Process::Poisson { rate } if (rate / 4.0 - 1.0).abs() < 0.03), "{fit:?}");
        assert_eq!((fit.basis, fit.too_calm_over_s, fit.too_sharp_over_s), (Basis::Gaps, None, None));
        let second = fit.drawn[0].expect("windows of a second");
        assert!((second.mean - 1.0).abs() < 0.02, "{second:?}");
    }

    #[test]
    fn gamma_gaps_are_recovered_with_their_variation() {
        let fit = fitted(&drawn_trace(Family::Gamma { mean: 0.5, cv: 2.0 }, 40_000));
        assert!(matches!(fit.process, Process::Gamma { cv, .. } if (cv - 2.0).abs() < 0.1), "{fit:?}");
        assert_eq!((fit.too_calm_over_s, fit.too_sharp_over_s), (None, None));
        // The dispersion of a renewal process tends to the square of its variation.
        let long = fit.drawn[2].expect("windows of a minute");
        assert!((long.mean - 4.0).abs() < 0.3, "{long:?}");
    }

    /// Poisson arrivals whose rate is 8 and 2 a second in turn, for five minutes each.
    #[test]
    fn a_rate_that_changes_makes_the_process_too_calm() {
        let mut now = 0.0;
        let arrivals = super::super::tests::uniform(30_000).map(|u| {
            let rate = if (now as u64 / 300).is_multiple_of(2) { 8.0 } else { 2.0 };
            now -= (1.0 - u).ln() / rate;
            now
        });
        let fit = fitted(&trace_at(arrivals.collect::<Vec<f64>>().into_iter()));
        assert_eq!((fit.basis, fit.too_calm_over_s), (Basis::Gaps, Some(60)), "{fit:?}");
    }

    #[test]
    fn a_few_long_silences_make_the_bursts_of_the_process_too_sharp() {
        let arrivals = (0..6_000).map(|i| f64::from(i) * 0.1 + f64::from(i / 1_500) * 600.0);
        let fit = fitted(&trace_at(arrivals));
        assert!(matches!(fit.process, Process::Gamma { cv, .. } if cv > 30.0), "{:?}", fit.process);
        assert_eq!(fit.too_sharp_over_s, Some(1), "{fit:?}");
    }

    #[test]
    fn where_too_many_requests_would_have_to_be_drawn_the_limit_stands() {
        let arrivals = (0..400_000).map(|i| f64::from(i) * 2e-3 + f64::from(i / 200_000 * 300));
        let fit = fitted(&trace_at(arrivals));
        let long = fit.drawn[3].expect("windows of five minutes");
        assert!(matches!(fit.process, Process::Gamma { cv, .. } if long.mean == cv * cv), "{:?}", fit.drawn);
    }

    /// Twelve requests every three seconds, as evenly as can be: no gap tells anything.
    #[test]
    fn batches_are_seen_and_counts_decide() {
        let even = fitted(&trace_at((0..12_000).map(|i| f64::from(i / 12) * 3.0)));
        assert_eq!(even.basis, Basis::Counts(60));
        assert!(matches!(even.process, Process::Gamma { cv, .. } if cv < 0.2), "{:?}", even.process);
        let short = fitted(&trace_at((0..120).map(|i| f64::from(i / 12) * 3.0)));
        assert!(matches!((short.basis, short.process), (Basis::RateAlone, Process::Poisson { .. })), "{short:?}");
    }
}
