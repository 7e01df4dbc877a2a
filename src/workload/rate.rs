//! The arrival rate as a function of time: what the traffic offers, as opposed to what was drawn from it.

use super::arrivals::needed;
use super::replay::{ReplayedRate, Stretches};
use crate::random::{Purpose, RunKey, Stream, exponential, unit_interval};
use crate::scenario::{Arrivals, Scenario, Traffic};
use crate::units::{Duration, Time};
use rand::Rng;

/// The states of a Markov-modulated process over time: a cyclic sequence, each for an exponential time.
#[derive(Clone, Debug)]
pub(super) struct ModulatedStates {
    rates: Vec<f64>,
    dwell: Vec<Duration>,
    state: usize,
    /// When the present state ends.
    pub(super) until: Time,
    stream: Stream,
}

impl ModulatedStates {
    /// Begins at `start` in a state drawn from the stationary distribution (its share of the dwell times).
    fn new(rates: &[f64], dwell: &[Duration], key: RunKey, start: Time) -> ModulatedStates {
        let mut stream = key.stream(Purpose::ArrivalStates);
        let total: f64 = dwell.iter().map(|d| d.seconds()).sum();
        let mut u = unit_interval(stream.next_u64()) * total;
        let mut state = dwell.len() - 1;
        for (i, d) in dwell.iter().enumerate() {
            if u < d.seconds() {
                state = i;
                break;
            }
            u -= d.seconds();
        }
        let mut states = ModulatedStates { rates: rates.to_vec(), dwell: dwell.to_vec(), state, until: start, stream };
        states.until = start + states.draw_dwell();
        states
    }

    fn draw_dwell(&mut self) -> Duration {
        Duration::from_seconds_f64(exponential(&mut self.stream) * self.dwell[self.state].seconds())
    }

    /// The present state's rate.
    pub(super) fn rate(&self) -> f64 {
        self.rates[self.state]
    }

    /// Goes to the next state.
    pub(super) fn advance(&mut self) {
        self.state = (self.state + 1) % self.rates.len();
        let dwell = self.draw_dwell();
        self.until += dwell;
    }
}

/// The rate of one run's traffic over time, read forwards.
#[derive(Clone, Debug)]
pub enum RateCurve {
    /// The same all the time, requests/s.
    Constant(f64),
    /// A cosine.
    Diurnal {
        /// Mean rate, requests/s.
        mean: f64,
        /// Greatest rate over the mean.
        peak_to_mean: f64,
        /// Seconds of a day.
        period: f64,
        /// Second of the peak.
        peak_at: f64,
    },
    /// The states of a Markov-modulated process.
    Modulated(Box<Modulated>),
    /// A trace's rate in bins of a minute of the recording.
    Replayed(Box<ReplayedRate>),
}

/// A Markov-modulated process read forwards.
#[derive(Clone, Debug)]
pub struct Modulated(ModulatedStates);

impl RateCurve {
    /// The curve of one run that begins at `start`.
    pub fn new(scenario: &Scenario, key: RunKey, start: Time) -> RateCurve {
        match &scenario.traffic {
            Traffic::Synthetic { arrivals, .. } => match arrivals {
                Arrivals::Poisson { rate } | Arrivals::Gamma { rate, .. } => RateCurve::Constant(*rate),
                Arrivals::Diurnal { mean, peak_to_mean, period, peak_at } => RateCurve::Diurnal {
                    mean: *mean,
                    peak_to_mean: *peak_to_mean,
                    period: period.seconds(),
                    peak_at: peak_at.seconds(),
                },
                Arrivals::Mmpp { .. } => {
                    RateCurve::Modulated(Box::new(Modulated(modulated_states(arrivals, key, start))))
                }
            },
            Traffic::Trace { trace, replay, .. } => {
                let stretches = Stretches::new(trace, replay, key, start, needed(scenario));
                RateCurve::Replayed(Box::new(ReplayedRate::new(trace, stretches, replay)))
            }
        }
    }

    /// Seconds between `from` and `to` in which the rate exceeds `threshold` requests/s. Calls must move forwards.
    pub fn seconds_above(&mut self, threshold: f64, from: Time, to: Time) -> f64 {
        let (a, b) = (from.seconds(), to.seconds());
        match self {
            RateCurve::Constant(rate) => {
                if *rate > threshold {
                    b - a
                } else {
                    0.0
                }
            }
            RateCurve::Diurnal { mean, peak_to_mean, period, peak_at } => {
                cosine_seconds_above(*mean, *peak_to_mean, *period, *peak_at, threshold, (a, b))
            }
            RateCurve::Modulated(states) => {
                let states = &mut states.0;
                let (mut at, mut above) = (from, 0.0);
                while at < to {
                    while states.until <= at {
                        states.advance();
                    }
                    let end = states.until.min(to);
                    if states.rate() > threshold {
                        above += end.since(at).seconds();
                    }
                    at = end;
                }
                above
            }
            RateCurve::Replayed(replayed) => replayed.seconds_above(threshold, from, to),
        }
    }
}

/// Seconds in [a, b) in which mean (1 + (p - 1) cos(2 pi (t - peak) / period)) exceeds the threshold.
fn cosine_seconds_above(mean: f64, p: f64, period: f64, peak: f64, threshold: f64, (a, b): (f64, f64)) -> f64 {
    let amplitude = mean * (p - 1.0);
    if amplitude <= 0.0 || threshold < mean - amplitude || threshold >= mean + amplitude {
        return if mean - amplitude > threshold || (amplitude <= 0.0 && mean > threshold) { b - a } else { 0.0 };
    }
    let half_width = ((threshold - mean) / amplitude).acos() * period / std::f64::consts::TAU;
    let first = ((a - peak - half_width) / period).floor() as i64;
    let last = ((b - peak + half_width) / period).ceil() as i64;
    (first..=last)
        .map(|k| {
            let centre = peak + k as f64 * period;
            ((centre + half_width).min(b) - (centre - half_width).max(a)).max(0.0)
        })
        .sum()
}

/// The states of a Markov-modulated process for one run; the same ones for the arrivals and for the rate.
pub(super) fn modulated_states(arrivals: &Arrivals, key: RunKey, start: Time) -> ModulatedStates {
    let Arrivals::Mmpp { rates, dwell } = arrivals else { unreachable!("only a modulated process has states") };
    ModulatedStates::new(rates, dwell, key, start)
}

/// Mean arrival rate, requests/s of simulated time.
pub fn mean_rate(traffic: &Traffic) -> f64 {
    match traffic {
        Traffic::Synthetic { arrivals, .. } => match arrivals {
            Arrivals::Poisson { rate } | Arrivals::Gamma { rate, .. } => *rate,
            Arrivals::Diurnal { mean, .. } => *mean,
            Arrivals::Mmpp { rates, dwell } => {
                let total: f64 = dwell.iter().map(|d| d.seconds()).sum();
                rates.iter().zip(dwell).map(|(rate, d)| rate * d.seconds()).sum::<f64>() / total
            }
        },
        Traffic::Trace { trace, replay, .. } => trace.len() as f64 * replay.speed / (trace.span() as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time above a threshold equals what a fine grid finds, to the grid's width.
    #[test]
    fn time_above_a_threshold_agrees_with_a_fine_grid() {
        let mut curve = RateCurve::Diurnal { mean: 5.0, peak_to_mean: 1.8, period: 1_000.0, peak_at: 300.0 };
        for threshold in [0.5, 1.0, 3.0, 5.0, 8.9, 9.0, 10.0] {
            let exact = curve.seconds_above(threshold, Time::ZERO, Time::ZERO + Duration::from_seconds(2_500));
            let step = 0.01;
            let grid = (0..250_000)
                .filter(|i| {
                    let t = (f64::from(*i) + 0.5) * step;
                    5.0 * (1.0 + 0.8 * (std::f64::consts::TAU * (t - 300.0) / 1_000.0).cos()) > threshold
                })
                .count() as f64
                * step;
            assert!((exact - grid).abs() < 0.1, "threshold {threshold}: {exact} against {grid}");
        }
    }

    #[test]
    fn a_modulated_process_spends_its_time_by_dwell() {
        let arrivals = Arrivals::Mmpp {
            rates: vec![1.0, 10.0],
            dwell: vec![Duration::from_seconds(90), Duration::from_seconds(10)],
        };
        let end = Time::ZERO + Duration::from_seconds(1_000_000);
        let mut curve =
            RateCurve::Modulated(Box::new(Modulated(modulated_states(&arrivals, RunKey::new(1, 1), Time::ZERO))));
        // 10,000 cycles: the share in the second state has a standard error of about 0.0013.
        let share = curve.seconds_above(5.0, Time::ZERO, end) / 1_000_000.0;
        assert!((share - 0.1).abs() < 0.006, "{share}");
    }
}
