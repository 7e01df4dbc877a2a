//! The arrival rate as a function of time: what the traffic offers, as opposed to what was drawn from it.

use crate::random::{Purpose, RunKey, Stream, exponential, unit_interval};
use crate::scenario::{Arrivals, TraceRequest, Traffic};
use crate::units::{Duration, Time};
use rand::Rng;

/// Width of the bins in which a trace's rate is taken, seconds of the trace.
const TRACE_RATE_BIN: f64 = 60.0;

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
    /// A trace's rate in bins of a minute.
    Trace(Box<TraceRate>),
}

/// A Markov-modulated process read forwards.
#[derive(Clone, Debug)]
pub struct Modulated(ModulatedStates);

/// A trace's rate in bins, from the point where the run begins.
#[derive(Clone, Debug)]
pub struct TraceRate {
    /// Requests/s of simulated time in each bin.
    rates: Vec<f64>,
    /// Seconds of simulated time that a bin lasts.
    bin: f64,
    /// Simulated second at which bin 0 began for the first time (before the run's beginning).
    origin: f64,
}

impl RateCurve {
    /// The curve of one run that begins at `start`.
    pub fn new(traffic: &Traffic, key: RunKey, start: Time) -> RateCurve {
        match traffic {
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
            Traffic::Trace { requests, speed, .. } => {
                let first = trace_start(requests.len(), key);
                let offset = requests[first].arrival_s - requests[0].arrival_s;
                RateCurve::Trace(Box::new(TraceRate::new(requests, *speed, start.seconds() - offset / speed)))
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
            RateCurve::Trace(trace) => trace.seconds_above(threshold, a, b),
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

impl TraceRate {
    fn new(requests: &[TraceRequest], speed: f64, origin: f64) -> TraceRate {
        let begin = requests[0].arrival_s;
        let bins = (trace_span(requests) / TRACE_RATE_BIN).ceil().max(1.0);
        // The bins divide the span evenly, so that the wrap falls on a bin's end.
        let bin = trace_span(requests) / bins;
        let mut rates = vec![0.0; bins as usize];
        for request in requests {
            let at = (((request.arrival_s - begin) / bin) as usize).min(rates.len() - 1);
            rates[at] += speed / bin;
        }
        TraceRate { rates, bin: bin / speed, origin }
    }

    fn seconds_above(&self, threshold: f64, a: f64, b: f64) -> f64 {
        let (mut at, mut above) = (a, 0.0);
        while at < b {
            let number = ((at - self.origin) / self.bin).floor();
            let mut end = (self.origin + (number + 1.0) * self.bin).min(b);
            if end <= at {
                // Rounding may put the end of a bin at its own beginning.
                end = (at + self.bin).min(b);
            }
            if self.rates[(number as i64).rem_euclid(self.rates.len() as i64) as usize] > threshold {
                above += end - at;
            }
            at = end;
        }
        above
    }
}

/// The states of a Markov-modulated process for one run; the same ones for the arrivals and for the rate.
pub(super) fn modulated_states(arrivals: &Arrivals, key: RunKey, start: Time) -> ModulatedStates {
    let Arrivals::Mmpp { rates, dwell } = arrivals else { unreachable!("only a modulated process has states") };
    ModulatedStates::new(rates, dwell, key, start)
}

/// The row of a trace at which a run begins: each as likely as the other.
pub(super) fn trace_start(rows: usize, key: RunKey) -> usize {
    ((key.keyed_uniform(Purpose::TraceStart, 0, 0) * rows as f64) as usize).min(rows - 1)
}

/// Seconds from the first row to where the first row would come again: the last row plus one mean gap.
pub(super) fn trace_span(requests: &[TraceRequest]) -> f64 {
    let recorded = requests[requests.len() - 1].arrival_s - requests[0].arrival_s;
    recorded * requests.len() as f64 / (requests.len() - 1).max(1) as f64
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
        Traffic::Trace { requests, speed, .. } => requests.len() as f64 * speed / trace_span(requests),
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
