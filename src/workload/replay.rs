//! Replaying a trace: which parts of the recording a run goes through, and when their requests arrive.
//!
//! What a trace is and how it is read lives in `trace`.

use super::arrivals::Arrival;
use crate::random::{Purpose, RunKey};
use crate::scenario::{Replay, Stretch};
use crate::trace::{Reader, Trace, TraceRequest};
use crate::units::Time;

/// A stretch of the recording that a run goes through, and those that follow it.
///
/// Positions count nanoseconds of the recording from its first request and go on past its end: one span further, the
/// recording begins again.
#[derive(Clone, Debug)]
pub(super) struct Stretches {
    key: RunKey,
    speed: f64,
    span: i64,
    /// Length of every stretch, nanoseconds of the recording; `None`: the first one does not end.
    block: Option<i64>,
    /// Which stretch it is, from 0.
    number: u64,
    /// When the run began.
    start: Time,
    /// When the stretch began.
    origin: Time,
    /// Where it begins.
    begin: i64,
}

impl Stretches {
    /// The stretches of the run with this key, which goes on from `start` for at least `needed` nanoseconds.
    pub(super) fn new(trace: &Trace, replay: &Replay, key: RunKey, start: Time, needed: u64) -> Stretches {
        let mut stretches = Stretches {
            key,
            speed: replay.speed,
            span: trace.span(),
            block: None,
            number: 0,
            start,
            origin: start,
            begin: 0,
        };
        match replay.stretch {
            Stretch::FromAnyRow => {
                let mut reader = Reader::new(trace);
                let rows = if replay.wraps { trace.len() } else { rows_with_enough_after(&mut reader, replay, needed) };
                let row = (key.keyed_uniform(Purpose::TraceStart, 0, 0) * rows as f64) as u64;
                stretches.begin = reader.get(row.min(rows - 1)).arrival;
            }
            Stretch::From(offset) => stretches.begin = offset.0 as i64,
            Stretch::Blocks(block) => {
                stretches.block = Some(block.0 as i64);
                stretches.begin = stretches.draw_begin();
            }
        }
        stretches
    }

    fn draw_begin(&self) -> i64 {
        (self.key.keyed_uniform(Purpose::TraceStart, self.number, 1) * self.span as f64) as i64
    }

    /// Goes to the next stretch.
    pub(super) fn advance(&mut self) {
        let Some(block) = self.block else { return };
        self.number += 1;
        self.begin = self.draw_begin();
        self.origin = self.after_start(self.number as f64 * block as f64);
    }

    /// The moment of the run at which so many nanoseconds of recordings have gone by.
    fn after_start(&self, recorded: f64) -> Time {
        Time(self.start.0.saturating_add((recorded / self.speed).round() as i64))
    }

    /// Where the stretch begins.
    pub(super) fn begin(&self) -> i64 {
        self.begin
    }

    /// Where the next stretch takes over; far away if none does.
    pub(super) fn end(&self) -> i64 {
        self.block.map_or(i64::MAX, |block| self.begin + block)
    }

    /// When the next stretch takes over.
    pub(super) fn ends(&self) -> Time {
        self.block.map_or(Time::NEVER, |block| self.after_start((self.number + 1) as f64 * block as f64))
    }

    /// When a position of this stretch comes.
    pub(super) fn moment(&self, position: i64) -> Time {
        let since_begin = position - self.begin;
        if self.speed == 1.0 {
            return Time(self.origin.0 + since_begin);
        }
        Time(self.origin.0.saturating_add((since_begin as f64 / self.speed).round() as i64))
    }

    /// The position that comes at a moment of this stretch.
    pub(super) fn position(&self, moment: Time) -> f64 {
        self.begin as f64 + (moment.0 - self.origin.0) as f64 * self.speed
    }
}

/// The number of rows from the first on after which the recording lasts for as long as a run needs; at least one.
fn rows_with_enough_after(reader: &mut Reader<'_>, replay: &Replay, needed: u64) -> u64 {
    let trace = reader.trace();
    let latest = trace.recorded() as f64 - needed as f64 * replay.speed;
    if latest < 0.0 { 1 } else { reader.first_from(latest as i64 + 1).max(1) }
}

/// One run's requests out of a trace.
#[derive(Clone, Debug)]
pub(super) struct Replayed<'a> {
    reader: Reader<'a>,
    stretches: Stretches,
    wraps: bool,
    /// Number of the next row.
    next: u64,
    /// How far the spans of the recording that are over have moved its rows.
    moved: i64,
}

impl<'a> Replayed<'a> {
    pub(super) fn new(trace: &'a Trace, stretches: Stretches, wraps: bool) -> Replayed<'a> {
        let mut replayed = Replayed { reader: Reader::new(trace), stretches, wraps, next: 0, moved: 0 };
        replayed.begin_stretch();
        replayed
    }

    fn begin_stretch(&mut self) {
        self.moved = 0;
        self.next = self.reader.first_from(self.stretches.begin());
    }

    /// The next request, no earlier than `last`; one that never comes where the recording is over for good.
    pub(super) fn next(&mut self, last: Time) -> Arrival {
        loop {
            if self.next == self.reader.trace().len() {
                if !self.wraps {
                    return Arrival { time: Time::NEVER, prompt_tokens: 1, output_tokens: 1 };
                }
                self.next = 0;
                self.moved += self.reader.trace().span();
            }
            let TraceRequest { arrival, prompt_tokens, output_tokens } = self.reader.get(self.next);
            let position = arrival + self.moved;
            if position >= self.stretches.end() {
                self.stretches.advance();
                self.begin_stretch();
                continue;
            }
            self.next += 1;
            return Arrival { time: self.stretches.moment(position).max(last), prompt_tokens, output_tokens };
        }
    }
}

/// The rate of a run's replayed requests over time, read forwards: the recording's, bin by bin.
#[derive(Clone, Debug)]
pub struct ReplayedRate {
    stretches: Stretches,
    wraps: bool,
    /// Requests/s of simulated time in each bin of the recording.
    rates: Vec<f64>,
    /// Nanoseconds of the recording in a bin.
    bin: f64,
}

impl ReplayedRate {
    pub(super) fn new(trace: &Trace, stretches: Stretches, replay: &Replay) -> ReplayedRate {
        let bin = trace.rate_bin();
        let rates = trace.rate_counts().iter().map(|count| f64::from(*count) * replay.speed / (bin * 1e-9));
        ReplayedRate { stretches, wraps: replay.wraps, rates: rates.collect(), bin }
    }

    /// Seconds between `from` and `to` in which the rate exceeds `threshold` requests/s. Calls must move forwards.
    pub(super) fn seconds_above(&mut self, threshold: f64, from: Time, to: Time) -> f64 {
        let (mut at, mut above) = (from, 0.0);
        while at < to {
            if at >= self.stretches.ends() {
                self.stretches.advance();
                continue;
            }
            let bin = (self.stretches.position(at) / self.bin).floor();
            // Rounding may put the end of a bin at its own beginning: time must go on.
            let bin_ends = self.stretches.moment(((bin + 1.0) * self.bin) as i64).max(Time(at.0 + 1));
            let end = bin_ends.min(self.stretches.ends()).min(to);
            if self.rate(bin as i64) > threshold {
                above += end.since(at).seconds();
            }
            at = end;
        }
        above
    }

    fn rate(&self, bin: i64) -> f64 {
        let bins = self.rates.len() as i64;
        if !self.wraps && bin >= bins {
            return 0.0;
        }
        self.rates[bin.rem_euclid(bins) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Duration;

    const SECOND: i64 = 1_000_000_000;

    /// A request every second for ten minutes, its prompt as long as its number; none in the fifth minute.
    fn trace() -> Trace {
        let rows = (0..600).filter(|i| !(240..300).contains(i)).map(|i| TraceRequest {
            arrival: i * SECOND,
            prompt_tokens: 1 + i as u32,
            output_tokens: 5,
        });
        Trace::of(&rows.collect::<Vec<_>>(), "even").expect("a trace")
    }

    fn replay(stretch: Stretch) -> Replay {
        Replay { speed: 1.0, stretch, wraps: true }
    }

    fn replayed<'t>(trace: &'t Trace, replay: &Replay, run: u64, needed: u64) -> Replayed<'t> {
        let stretches = Stretches::new(trace, replay, RunKey::new(1, run), Time(-5 * SECOND), needed);
        Replayed::new(trace, stretches, replay.wraps)
    }

    /// (seconds, number of the row) of the next requests.
    fn next(replayed: &mut Replayed<'_>, count: usize) -> Vec<(f64, u32)> {
        let mut last = Time(i64::MIN);
        (0..count)
            .map(|_| {
                let arrival = replayed.next(last);
                assert!(arrival.time >= last);
                last = arrival.time;
                (arrival.time.seconds(), arrival.prompt_tokens - 1)
            })
            .collect()
    }

    #[test]
    fn an_offset_is_where_every_run_begins() {
        let trace = trace();
        let settings = Replay { speed: 2.0, ..replay(Stretch::From(Duration::from_seconds(599))) };
        for run in 0..3 {
            let arrivals = next(&mut replayed(&trace, &settings, run, 0), 3);
            // The span is a mean gap longer than what was recorded.
            let gap = 599.0 / 539.0 / 2.0;
            assert_eq!((arrivals[0], arrivals[1].1, arrivals[2].1), ((-5.0, 599), 0, 1));
            assert!((arrivals[1].0 - (-5.0 + gap)).abs() < 1e-6 && (arrivals[2].0 - (-4.5 + gap)).abs() < 1e-6);
        }
    }

    #[test]
    fn a_recording_that_is_not_repeated_ends_and_runs_begin_where_enough_is_left() {
        let trace = trace();
        let settings = Replay { wraps: false, ..replay(Stretch::FromAnyRow) };
        let mut begins = std::collections::BTreeSet::new();
        for run in 0..200 {
            let mut replayed = replayed(&trace, &settings, run, 500 * SECOND as u64);
            let arrivals = next(&mut replayed, 1);
            assert!(arrivals[0].1 <= 99, "{arrivals:?}");
            begins.insert(arrivals[0].1);
            while !replayed.next(Time(0)).time.is_never() {}
        }
        assert!(begins.len() > 50, "{begins:?}");
        let too_long = next(&mut replayed(&trace, &settings, 0, 700 * SECOND as u64), 1);
        assert_eq!(too_long[0].1, 0);
    }

    /// Every block holds the rows of its own stretch, in order and at their distances; blocks differ between runs.
    #[test]
    fn blocks_are_stretches_of_the_recording() {
        let trace = trace();
        let settings = replay(Stretch::Blocks(Duration::from_seconds(20)));
        let mut begins = std::collections::BTreeSet::new();
        for run in 0..20 {
            let mut replayed = replayed(&trace, &settings, run, 0);
            let arrivals = next(&mut replayed, 400);
            for block in 0..10 {
                let from = -5.0 + 20.0 * f64::from(block);
                let rows: Vec<_> = arrivals.iter().filter(|(at, _)| (from..from + 20.0).contains(at)).collect();
                for pair in rows.windows(2) {
                    let (gap, rows) = (pair[1].0 - pair[0].0, i64::from(pair[1].1) - i64::from(pair[0].1));
                    assert!(rows < 0 || (gap - rows as f64).abs() < 1e-6, "{pair:?}");
                }
                begins.extend(rows.first().map(|(_, row)| *row));
            }
        }
        assert!(begins.len() > 100, "{begins:?}");
    }

    /// On average a block bootstrap sends as many requests as the recording did.
    #[test]
    fn blocks_keep_the_mean_rate() {
        let trace = trace();
        let settings = replay(Stretch::Blocks(Duration::from_seconds(45)));
        let counts: Vec<f64> = (0..400)
            .map(|run| {
                let mut replayed = replayed(&trace, &settings, run, 0);
                let mut count = 0.0;
                while replayed.next(Time(i64::MIN)).time < Time(895 * SECOND) {
                    count += 1.0;
                }
                count
            })
            .collect();
        let mean = counts.iter().sum::<f64>() / 400.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 399.0;
        let expected = 900.0 * 540.0 / (trace.span() as f64 * 1e-9);
        let error = (variance / 400.0).sqrt();
        assert!((mean - expected).abs() < 5.0 * error && error > 0.0, "{mean} +- {error} against {expected}");
    }

    /// The rate that is told follows the requests that are sent.
    #[test]
    fn the_rate_is_that_of_the_stretches_that_are_replayed() {
        let trace = trace();
        for stretch in [Stretch::FromAnyRow, Stretch::Blocks(Duration::from_seconds(130))] {
            let settings = replay(stretch);
            let start = Time(-5 * SECOND);
            let stretches = Stretches::new(&trace, &settings, RunKey::new(1, 3), start, 0);
            let mut rate = ReplayedRate::new(&trace, stretches, &settings);
            let mut replayed = replayed(&trace, &settings, 3, 0);
            let arrivals = next(&mut replayed, 12_000);
            let mut quiet = 0.0;
            for second in -5..10_000 {
                quiet += 1.0 - rate.seconds_above(0.5, Time(second * SECOND), Time((second + 1) * SECOND));
            }
            // Gaps of more than a few seconds are the minutes without requests.
            let seen = arrivals.windows(2).filter(|pair| pair[1].0 < 10_000.0);
            let gaps: f64 = seen.map(|pair| pair[1].0 - pair[0].0).filter(|gap| *gap > 5.0).sum();
            // A bin is a little less than a minute, and does not begin where the silence does.
            assert!((quiet - gaps).abs() < 0.15 * gaps, "{stretch:?}: {quiet} against {gaps}");
            assert!(gaps > 500.0, "{stretch:?}: {gaps}");
        }
    }
}
