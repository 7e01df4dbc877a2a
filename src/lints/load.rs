//! How busy a replica is at the scenario's mean traffic, and how long its answers are: what most estimates start from.

use crate::random::{Distribution, Family};
use crate::scenario::{Engine, Scenario, Traffic};
use crate::serving::{Saturation, SteadyBatch};
use crate::workload::{LengthMoments, longest_output, mean_rate};

/// Lengths up to which sums over all of them take no noticeable time, tokens; recordings likewise, rows.
const MOST_SUMMED: f64 = 500_000.0;
/// Values of a Zipf distribution up to which its survival may be asked for often.
const MOST_ZIPF: f64 = 1_000.0;
/// Points at which the survival of the answers' lengths is known.
const POINTS: usize = 400;

/// A steady fleet at the mean rate of its traffic.
pub struct Load {
    /// Output tokens per second that requests ask for, of the whole fleet.
    pub offered: f64,
    /// Output tokens per second that one replica emits when it never lacks work.
    pub saturated: f64,
    /// Seconds from one token of an answer to the next.
    pub tpot: f64,
    /// Seconds that a replica takes for the tokens of a point of [`Answers`] once nothing new comes: steps get quicker as
    /// its answers end.
    drain: Vec<(f64, f64)>,
    /// How long answers are.
    pub answers: Answers,
}

impl Load {
    /// The load of a scenario; `None` where finding out would take long, which lengths of millions of tokens do.
    pub fn new(scenario: &Scenario) -> Option<Load> {
        if !is_quick(&scenario.traffic, &scenario.engine) {
            return None;
        }
        let lengths = LengthMoments::new(&scenario.traffic, &scenario.engine);
        let offered = mean_rate(&scenario.traffic) * lengths.mean_output;
        let saturated = Saturation::new(scenario, &lengths).rate;
        let each = offered / f64::from(scenario.fleet.replicas);
        let (batch, steady) = SteadyBatch::emitting(scenario, &lengths, each);
        let tpot = steady.tpot;
        let answers = Answers::new(&scenario.traffic, lengths.longest_output);
        // The step time is linear in the batch but for a table's base, which a line between the two ends stands for.
        let (alone, together) =
            (SteadyBatch::decode_tpot(scenario, &lengths, 1.0), SteadyBatch::decode_tpot(scenario, &lengths, batch));
        let drain = drain(&answers, alone.min(together), together);
        let is_sound = [offered, saturated, tpot, answers.mean].iter().all(|x| x.is_finite() && *x > 0.0);
        is_sound.then_some(Load { offered, saturated, tpot, drain, answers })
    }
}

impl Load {
    /// Share of the answers in flight when a replica's requests stop coming that are still under way so many seconds later.
    pub fn share_in_flight_after(&self, seconds: f64) -> f64 {
        let after = self.drain.partition_point(|(_, at)| *at <= seconds);
        let tokens = match (self.drain.get(after.wrapping_sub(1)), self.drain.get(after)) {
            (Some(&(a, from)), Some(&(b, to))) => a + (b - a) * (seconds - from) / (to - from),
            _ => return 0.0,
        };
        self.answers.share_with_more_to_go(tokens)
    }

    /// Seconds after which at most this share of them is still under way.
    pub fn seconds_until_in_flight(&self, share: f64) -> f64 {
        let over = self.drain.iter().find(|(tokens, _)| self.answers.share_with_more_to_go(*tokens) <= share);
        over.or(self.drain.last()).map_or(0.0, |(_, seconds)| *seconds)
    }
}

/// The seconds that a drain takes for each number of tokens: a token takes as long as the batch that is left makes it, from
/// `together` while all are there down to `alone`.
fn drain(answers: &Answers, alone: f64, together: f64) -> Vec<(f64, f64)> {
    let mut seconds = 0.0;
    let (mut before, mut left) = (0.0, 1.0);
    let mut points = vec![(0.0, 0.0)];
    for (tokens, _) in answers.points.iter().skip(1) {
        let now_left = answers.share_with_more_to_go(*tokens);
        seconds += (tokens - before) * (alone + (together - alone) * (left + now_left) / 2.0);
        points.push((*tokens, seconds));
        (before, left) = (*tokens, now_left);
    }
    points
}

/// Whether sums over the lengths take no noticeable time.
fn is_quick(traffic: &Traffic, engine: &Engine) -> bool {
    fn knows_survival(distribution: &Distribution) -> bool {
        match &distribution.family {
            Family::Zipf { max, .. } => *max <= MOST_ZIPF,
            Family::Mixture(parts) => parts.iter().all(|(_, part)| knows_survival(part)),
            _ => true,
        }
    }
    match traffic {
        Traffic::Synthetic { prompt_tokens, output_tokens, .. } => {
            let answers = output_tokens.greatest().min(f64::from(longest_output(traffic, engine, 1)));
            [prompt_tokens, output_tokens].into_iter().all(knows_survival)
                && prompt_tokens.greatest().max(answers) <= MOST_SUMMED
        }
        Traffic::Trace { trace, .. } => trace.len() as f64 <= MOST_SUMMED,
    }
}

/// How many tokens answers have: P(N > n) at points that grow geometrically, linear between.
pub struct Answers {
    points: Vec<(f64, f64)>,
    /// Mean tokens.
    pub mean: f64,
}

impl Answers {
    fn new(traffic: &Traffic, longest: u32) -> Answers {
        let longest = f64::from(longest.max(2));
        let at = |i: usize| longest.powf(i as f64 / POINTS as f64);
        let points: Vec<(f64, f64)> = match traffic {
            Traffic::Synthetic { output_tokens, .. } => {
                let survival = |n: f64| if n >= longest { 0.0 } else { output_tokens.survival(n) };
                std::iter::once((0.0, 1.0)).chain((0..=POINTS).map(|i| (at(i), survival(at(i))))).collect()
            }
            Traffic::Trace { trace, .. } => {
                let mut lengths = Vec::new();
                trace.for_each(|request| lengths.push(f64::from(request.output_tokens)));
                lengths.sort_by(f64::total_cmp);
                let rows = lengths.len() as f64;
                let survival = |n: f64| 1.0 - lengths.partition_point(|length| *length <= n) as f64 / rows;
                std::iter::once((0.0, 1.0)).chain((0..=POINTS).map(|i| (at(i), survival(at(i))))).collect()
            }
        };
        let mut answers = Answers { points, mean: 0.0 };
        answers.mean = answers.beyond(0.0);
        answers
    }

    /// P(N > n).
    pub fn share_longer(&self, n: f64) -> f64 {
        let after = self.points.partition_point(|(at, _)| *at <= n);
        match (self.points.get(after.wrapping_sub(1)), self.points.get(after)) {
            (Some(&(a, left)), Some(&(b, right))) => left + (right - left) * (n - a) / (b - a),
            _ => 0.0,
        }
    }

    /// E[(N - n)+]: the mean number of tokens beyond the n-th.
    fn beyond(&self, n: f64) -> f64 {
        let area = |pair: &[(f64, f64)]| {
            let (from, to) = (pair[0].0.max(n), pair[1].0);
            if to <= from { 0.0 } else { (to - from) * (self.share_longer(from) + pair[1].1) / 2.0 }
        };
        self.points.windows(2).map(area).sum()
    }

    /// Share of the answers under way at any moment that have more than n tokens to go: under way they are weighted by
    /// their length, and their rest is uniform on it, so that it is `E[(N - n)+] / E[N]`.
    fn share_with_more_to_go(&self, n: f64) -> f64 {
        self.beyond(n) / self.mean
    }

    /// The least number of tokens that a share of at most `share` exceeds, by a survival that falls.
    pub fn tokens_at(&self, share: f64, survival: impl Fn(&Answers, f64) -> f64) -> f64 {
        let (mut low, mut high) = (0.0, self.points.last().map_or(1.0, |point| point.0));
        for _ in 0..50 {
            let middle = (low + high) / 2.0;
            if survival(self, middle) > share { low = middle } else { high = middle }
        }
        high
    }
}
