//! One run's requests in order of arrival, without end.

use rand::Rng;
use rand_distr::{Distribution as _, Gamma};

use super::lengths::{longest_bounded, longest_output, whole_tokens};
use super::rate::{ModulatedStates, modulated_states};
use super::replay::{Replayed, Stretches};
use crate::random::{Distribution, Purpose, RunKey, Stream, exponential, unit_interval};
use crate::scenario::{Arrivals, Engine, Scenario, Traffic};
use crate::units::{Duration, Time};

/// A request as its user sends it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// When it first arrives.
    pub time: Time,
    /// Prompt length, tokens.
    pub prompt_tokens: u32,
    /// Answer length that stable would give, tokens.
    pub output_tokens: u32,
}

/// Requests that are drawn at once: by themselves they are drawn in less time than one by one between other work.
const DRAWN_AT_ONCE: usize = 64;

/// One run's requests, in order of arrival.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    source: Source<'a>,
    /// Requests that are drawn already.
    ready: Vec<Arrival>,
    /// The first of them that is still to come.
    next: usize,
    /// When the last of them arrives.
    last: Time,
}

#[derive(Clone, Debug)]
enum Source<'a> {
    Drawn(Box<Drawn<'a>>),
    Replayed(Box<Replayed<'a>>),
}

#[derive(Clone, Debug)]
struct Drawn<'a> {
    gaps: Gaps,
    gap_stream: Stream,
    traffic: &'a Traffic,
    engine: &'a Engine,
    prompt_tokens: &'a Distribution,
    output_tokens: &'a Distribution,
    prompt_stream: Stream,
    output_stream: Stream,
    /// Number of the next request.
    index: u64,
    /// The longest answer, where it does not depend on the prompt.
    longest_output: Option<u32>,
}

#[derive(Clone, Debug)]
enum Gaps {
    Poisson { mean_gap: f64 },
    Gamma { gamma: Gamma<f64> },
    Constant { gap: f64 },
    Diurnal { mean: f64, amplitude: f64, period: f64, peak_at: f64 },
    Modulated(ModulatedStates),
}

impl<'a> Workload<'a> {
    /// The requests of the run with this key, from `start`.
    pub fn new(scenario: &'a Scenario, key: RunKey, start: Time) -> Workload<'a> {
        let source = match &scenario.traffic {
            Traffic::Synthetic { arrivals, prompt_tokens, output_tokens } => {
                let bounded = output_tokens.max.is_finite();
                Source::Drawn(Box::new(Drawn {
                    gaps: Gaps::new(arrivals, key, start),
                    gap_stream: key.stream(Purpose::Arrivals),
                    traffic: &scenario.traffic,
                    engine: &scenario.engine,
                    prompt_tokens,
                    output_tokens,
                    prompt_stream: key.stream(Purpose::PromptTokens),
                    output_stream: key.stream(Purpose::OutputTokens),
                    index: 0,
                    longest_output: bounded.then(|| longest_bounded(output_tokens.max)),
                }))
            }
            Traffic::Trace { trace, replay, .. } => {
                let stretches = Stretches::new(trace, replay, key, start, needed(scenario));
                Source::Replayed(Box::new(Replayed::new(trace, stretches, replay.wraps)))
            }
        };
        Workload { source, ready: Vec::with_capacity(DRAWN_AT_ONCE), next: 0, last: start }
    }

    /// The next request.
    #[inline]
    pub fn next_arrival(&mut self) -> Arrival {
        if self.next == self.ready.len() {
            self.draw();
        }
        self.next += 1;
        self.ready[self.next - 1]
    }

    fn draw(&mut self) {
        self.next = 0;
        self.ready.clear();
        match &mut self.source {
            Source::Drawn(drawn) => drawn.draw(self.last, &mut self.ready),
            Source::Replayed(replayed) => {
                for _ in 0..DRAWN_AT_ONCE {
                    let arrival = replayed.next(self.last);
                    self.last = arrival.time;
                    self.ready.push(arrival);
                }
            }
        }
        self.last = self.ready[DRAWN_AT_ONCE - 1].time;
    }
}

impl Drawn<'_> {
    /// Draws the next requests after one at `last`.
    fn draw(&mut self, mut last: Time, ready: &mut Vec<Arrival>) {
        let (mut prompts, mut outputs) = ([0.0; DRAWN_AT_ONCE], [0.0; DRAWN_AT_ONCE]);
        self.prompt_tokens.draw_many(&mut self.prompt_stream, self.index, &mut prompts);
        self.output_tokens.draw_many(&mut self.output_stream, self.index, &mut outputs);
        self.index += DRAWN_AT_ONCE as u64;
        ready.extend(prompts.into_iter().zip(outputs).map(|(prompt, output)| {
            last = self.gaps.next(last, &mut self.gap_stream);
            let prompt_tokens = whole_tokens(prompt, u32::MAX);
            let depending = || longest_output(self.traffic, self.engine, prompt_tokens);
            let output_tokens = whole_tokens(output, self.longest_output.unwrap_or_else(depending));
            Arrival { time: last, prompt_tokens, output_tokens }
        }));
    }
}

impl Gaps {
    fn new(arrivals: &Arrivals, key: RunKey, start: Time) -> Gaps {
        match arrivals {
            Arrivals::Poisson { rate } => Gaps::Poisson { mean_gap: 1.0 / rate },
            Arrivals::Gamma { rate, cv } => match Gamma::new(1.0 / (cv * cv), cv * cv / rate) {
                Ok(gamma) => Gaps::Gamma { gamma },
                Err(_) => Gaps::Constant { gap: 1.0 / rate },
            },
            Arrivals::Diurnal { mean, peak_to_mean, period, peak_at } => Gaps::Diurnal {
                mean: *mean,
                amplitude: mean * (peak_to_mean - 1.0),
                period: period.seconds(),
                peak_at: peak_at.seconds(),
            },
            Arrivals::Mmpp { .. } => Gaps::Modulated(modulated_states(arrivals, key, start)),
        }
    }

    fn next(&mut self, last: Time, stream: &mut Stream) -> Time {
        match self {
            Gaps::Poisson { mean_gap } => last + Duration::from_seconds_f64(exponential(stream) * *mean_gap),
            Gaps::Gamma { gamma } => last + Duration::from_seconds_f64(gamma.sample(stream)),
            Gaps::Constant { gap } => last + Duration::from_seconds_f64(*gap),
            Gaps::Diurnal { mean, amplitude, period, peak_at } => {
                // Thinning (Lewis and Shedler 1979): candidates at the greatest rate, each kept by the rate there.
                let greatest = *mean + *amplitude;
                let mut at = last;
                loop {
                    at += Duration::from_seconds_f64(exponential(stream) / greatest);
                    let phase = std::f64::consts::TAU * (at.seconds() - *peak_at) / *period;
                    if unit_interval(stream.next_u64()) * greatest < *mean + *amplitude * phase.cos() {
                        return at;
                    }
                }
            }
            Gaps::Modulated(states) => {
                let mut at = last;
                loop {
                    let candidate = match states.rate() {
                        rate if rate > 0.0 => at + Duration::from_seconds_f64(exponential(stream) / rate),
                        _ => Time::NEVER,
                    };
                    if candidate < states.until {
                        return candidate;
                    }
                    if states.until.is_never() {
                        return Time::NEVER;
                    }
                    // The exponential forgets: from the change of state a new gap is drawn.
                    at = states.until;
                    states.advance();
                }
            }
        }
    }
}

/// How long requests must come at least, from the beginning of a run: nanoseconds.
pub(super) fn needed(scenario: &Scenario) -> u64 {
    (scenario.study.warm_up + scenario.study.duration).0
}
