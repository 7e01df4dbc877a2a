//! Recorded requests: a file of rows, checked whole once, then read from anywhere in bounded memory.
//!
//! The layouts that are read, and the files of named columns under them, live here. How a run replays a trace, and what
//! fits an engine, is decided elsewhere.

mod layout;
mod saved;
mod store;
mod table;

use std::path::Path;

use sha2::{Digest as _, Sha256};

use layout::Layout;
use store::{Builder, Store};
use table::Table;
pub use table::read_column;

use crate::units::NANOS_PER_SECOND;

/// Longest recorded time of a trace, nanoseconds: some three years. Its rate is kept minute by minute.
const LONGEST: i64 = 100_000_000 * NANOS_PER_SECOND as i64;
/// Width of the bins in which a trace's rate is taken, nanoseconds of the recording (or a little less).
const RATE_BIN: i64 = 60 * NANOS_PER_SECOND as i64;
/// Most tokens of one request.
const MOST_TOKENS: u32 = 100_000_000;

/// One recorded request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRequest {
    /// Nanoseconds of the recording since the first request.
    pub arrival: i64,
    /// Prompt length, tokens, at least 1.
    pub prompt_tokens: u32,
    /// Answer length, tokens, at least 1.
    pub output_tokens: u32,
}

/// A recording: at least two requests in order of arrival, not all at the same instant.
#[derive(Debug)]
pub struct Trace {
    store: Store,
    len: u64,
    /// From the first request to the last.
    recorded: i64,
    /// Requests in each bin of [`Trace::rate_bin`] nanoseconds.
    rate_counts: Vec<u32>,
    /// For each bin, the number of the first request in it or after it.
    first_in_bin: Vec<u64>,
    digest: String,
    layout: Layout,
    /// Whether the file ended with the end of a line.
    is_whole: bool,
}

impl Trace {
    /// Reads a trace, in any of the layouts that are known: `arrival_s,prompt_tokens,output_tokens`, or one of those in
    /// which public traces are published. Columns may come in any order, others are ignored. `refuse` says what is
    /// wrong with a request of so many prompt and output tokens, if anything.
    ///
    /// # Errors
    /// The first thing that is wrong, with the name of the file and the line.
    pub fn read(path: &Path, name: &str, refuse: &dyn Fn(u32, u32) -> Option<String>) -> Result<Trace, String> {
        let mut table = Table::open(path, name)?;
        let layout = Layout::of(&table, name)?;
        table.select(&layout.columns())?;
        let mut builder = Builder::new(name);
        let mut first = None;
        let mut last = i64::MIN;
        while table.next()? {
            let instant = layout.instant(&table)?;
            if instant < last {
                return Err(table.at_line("expected arrivals in order, found one earlier than that of the row before"));
            }
            last = instant;
            // Dates may be farther apart than an instant can hold.
            let arrival = instant.saturating_sub(*first.get_or_insert(instant));
            if arrival > LONGEST {
                let [most, found] = [LONGEST, arrival].map(|time| time / NANOS_PER_SECOND as i64);
                let what = format!("expected arrivals within {most} s of the first, found one after {found} s");
                return Err(table.at_line(&what));
            }
            let request = TraceRequest {
                arrival,
                prompt_tokens: table.count(1, MOST_TOKENS)?,
                output_tokens: table.count(2, MOST_TOKENS)?,
            };
            if let Some(why) = refuse(request.prompt_tokens, request.output_tokens) {
                return Err(table.at_line(&why));
            }
            builder.push(request)?;
        }
        let trace = Trace::finish(builder, layout, name)?;
        Ok(Trace { is_whole: table.is_whole(), ..trace })
    }

    /// A trace of these requests, which came from somewhere called `name`.
    ///
    /// # Errors
    /// There are fewer than two, or all are at the same instant.
    pub fn of(requests: &[TraceRequest], name: &str) -> Result<Trace, String> {
        let mut builder = Builder::new(name);
        requests.iter().try_for_each(|request| builder.push(*request))?;
        Trace::finish(builder, Layout::Own, name)
    }

    fn finish(builder: Builder<'_>, layout: Layout, name: &str) -> Result<Trace, String> {
        let (store, len, recorded) = builder.finish()?;
        if len < 2 {
            return Err(format!("{name}: expected at least 2 rows with a request, found {len}"));
        }
        if recorded == 0 {
            return Err(format!("{name}: expected arrivals over some time, found all at the same instant"));
        }
        let (rate_counts, first_in_bin, digest) = (Vec::new(), Vec::new(), String::new());
        let mut trace = Trace { store, len, recorded, rate_counts, first_in_bin, digest, layout, is_whole: true };
        trace.index();
        Ok(trace)
    }

    /// Goes through the requests once for what is known of them without reading them again.
    fn index(&mut self) {
        let bins = (self.span() + RATE_BIN - 1) / RATE_BIN;
        let bin = self.span() as f64 / bins as f64;
        let mut counts = vec![0_u32; bins as usize];
        let mut digest = Sha256::new();
        self.for_each(|request| {
            let at = ((request.arrival as f64 / bin) as usize).min(counts.len() - 1);
            counts[at] = counts[at].saturating_add(1);
            digest.update(store::to_bytes(request));
        });
        let firsts = counts.iter().scan(0, |next, count| {
            let first = *next;
            *next += u64::from(*count);
            Some(first)
        });
        self.first_in_bin = firsts.collect();
        self.rate_counts = counts;
        self.digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    }

    /// The number of requests.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// A trace always has requests.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Nanoseconds from the first request to the last.
    pub fn recorded(&self) -> i64 {
        self.recorded
    }

    /// Nanoseconds from the first request to where it comes again when the trace is repeated: the last request plus one
    /// mean gap.
    pub fn span(&self) -> i64 {
        let gaps = i128::from(self.len - 1);
        (i128::from(self.recorded) * i128::from(self.len) / gaps) as i64
    }

    /// Requests in each bin of the recording.
    pub fn rate_counts(&self) -> &[u32] {
        &self.rate_counts
    }

    /// Length of such a bin in nanoseconds: a minute or a little less, so that they divide the [span](Self::span).
    pub fn rate_bin(&self) -> f64 {
        self.span() as f64 / self.rate_counts.len() as f64
    }

    /// SHA-256 of the requests, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Names of the columns with times, prompt tokens and output tokens in the file that it was read from.
    pub fn columns(&self) -> [&'static str; 3] {
        self.layout.columns()
    }

    /// What makes the last request doubtful, if anything: a file that was cut off in the middle of a number looks like one.
    pub fn doubt(&self) -> Option<&'static str> {
        (!self.is_whole)
            .then_some("the last row does not end its line: if the file was cut off, its last number was too")
    }

    /// Calls `f` for every request, in order.
    pub fn for_each(&self, mut f: impl FnMut(&TraceRequest)) {
        let mut reader = Reader::new(self);
        for number in 0..self.len {
            f(&reader.get(number));
        }
    }
}

/// Reads the requests of a trace by their numbers; cheap while they follow one another.
#[derive(Clone, Debug)]
pub struct Reader<'t> {
    trace: &'t Trace,
    buffer: Vec<TraceRequest>,
    /// Number of the first request in the buffer.
    first: u64,
}

impl<'t> Reader<'t> {
    /// A reader that has read nothing yet.
    pub fn new(trace: &'t Trace) -> Reader<'t> {
        Reader { trace, buffer: Vec::new(), first: 0 }
    }

    /// The trace.
    pub fn trace(&self) -> &'t Trace {
        self.trace
    }

    /// Request number `number`, which must be below the trace's length.
    ///
    /// # Panics
    /// The trace comes from a saved result, which is shown and never simulated.
    #[inline]
    pub fn get(&mut self, number: u64) -> TraceRequest {
        match &self.trace.store {
            Store::Memory(requests) => requests[number as usize],
            Store::NotKept => panic!("a saved result does not keep the requests of its trace: it cannot be simulated"),
            Store::Spooled(file) => {
                let place = number.wrapping_sub(self.first) as usize;
                if let Some(request) = self.buffer.get(place) {
                    return *request;
                }
                self.first = number;
                file.read(number, self.trace.len, &mut self.buffer);
                self.buffer[0]
            }
        }
    }

    /// The number of the first request that arrives at `nanosecond` of the recording or later; the trace's length if
    /// there is none.
    pub fn first_from(&mut self, nanosecond: i64) -> u64 {
        let trace = self.trace;
        let bin = ((nanosecond as f64 / trace.rate_bin()) as usize).min(trace.first_in_bin.len() - 1);
        // Rounding may have put a request into the bin beside its own.
        let mut low = trace.first_in_bin[bin.saturating_sub(1)];
        let mut high = trace.first_in_bin.get(bin + 2).copied().unwrap_or(trace.len);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).arrival < nanosecond { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(n: u64) -> Vec<TraceRequest> {
        let request = |i: u64| TraceRequest {
            arrival: (i * i % 7_000 + i * 7_000) as i64 * 1_000_000,
            prompt_tokens: 1 + (i % 97) as u32,
            output_tokens: 1 + (i % 89) as u32,
        };
        (0..n).map(request).collect()
    }

    /// A trace on disk and the same in memory are read alike, from anywhere.
    #[test]
    fn a_spooled_trace_reads_like_one_in_memory() {
        let mut requests = requests(10_000);
        requests.sort_by_key(|request| request.arrival);
        let first = requests[0].arrival;
        requests.iter_mut().for_each(|request| request.arrival -= first);
        let memory = Trace::of(&requests, "memory").expect("a trace");
        let mut builder = Builder::new("spooled");
        builder.spool_from(100);
        requests.iter().for_each(|request| builder.push(*request).expect("room on the disk"));
        let spooled = Trace::finish(builder, Layout::Own, "spooled").expect("a trace");
        assert!(matches!(spooled.store, Store::Spooled(_)) && matches!(memory.store, Store::Memory(_)));
        assert_eq!((spooled.len(), spooled.recorded(), spooled.digest()), (10_000, memory.recorded(), memory.digest()));
        assert_eq!(spooled.rate_counts(), memory.rate_counts());
        let (mut from_disk, mut from_memory) = (Reader::new(&spooled), Reader::new(&memory));
        for number in (0..10_000).chain([9_999, 0, 4_095, 4_096, 4_097, 77]) {
            assert_eq!(from_disk.get(number), from_memory.get(number), "request {number}");
            assert_eq!(from_memory.get(number), requests[number as usize]);
        }
        for i in 0..2_000 {
            let instant = i * memory.span() / 1_990;
            let counted = requests.partition_point(|request| request.arrival < instant) as u64;
            assert_eq!((from_disk.first_from(instant), from_memory.first_from(instant)), (counted, counted));
        }
    }

    #[test]
    fn the_bins_divide_the_span_and_hold_every_request() {
        let requests: Vec<TraceRequest> =
            (0..100).map(|i| TraceRequest { arrival: i * 3_000_000_000, prompt_tokens: 1, output_tokens: 1 }).collect();
        let trace = Trace::of(&requests, "even").expect("a trace");
        assert_eq!((trace.recorded(), trace.span()), (297_000_000_000, 300_000_000_000));
        assert_eq!(trace.rate_counts(), [20; 5]);
        assert!((trace.rate_bin() - 60e9).abs() < 1.0);
    }
}
