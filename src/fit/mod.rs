//! From a recorded trace to what a scenario could draw in its place: how its traffic and its lengths are, which
//! distributions and which arrival process come close, and how close.
//!
//! Everything here is a function of the trace to plain data. How it is written down, as TOML or in a report, is
//! decided in `report`; how a trace is read, in `trace`.

mod closeness;
mod counts;
mod expectation;
mod families;
mod grid;
mod length;
mod mixture;
mod process;
mod rates;
mod refine;
mod simplex;
mod starts;
mod tail;
mod traffic;

#[cfg(test)]
mod tests;

pub use closeness::Closeness;
pub use counts::ValueCounts;
pub use length::{Candidate, Kind, LengthFit};
pub use process::{ArrivalFit, Basis, DrawnDispersion, Process};
pub use rates::Rates;
pub use tail::{GeneralisedPareto, Tail};
pub use traffic::{Traffic, WINDOWS, WindowCounts};

use counts::Tally;

use crate::trace::Trace;

/// What there is to know of a trace.
#[derive(Clone, Debug)]
pub struct TraceFit {
    /// SHA-256 of the requests, in hexadecimal.
    pub digest: String,
    /// Names of the columns with times, prompt tokens and output tokens in the trace's file.
    pub columns: [&'static str; 3],
    /// Its arrivals.
    pub traffic: Traffic,
    /// The process that could stand for them.
    pub arrivals: ArrivalFit,
    /// Its prompts, and the distributions that could stand for them.
    pub prompt_tokens: LengthFit,
    /// Its answers, likewise.
    pub output_tokens: LengthFit,
    /// Spearman's rank correlation of a request's prompt and answer, over all requests; 0 where one of them is always
    /// the same. A scenario draws the two independently.
    pub rank_correlation: f64,
}

impl TraceFit {
    /// Fits everything to a trace, always the same. The trace is gone through a few times; memory grows with the number
    /// of different lengths, not with that of requests.
    pub fn of(trace: &Trace) -> TraceFit {
        let (mut prompts, mut outputs) = (Tally::default(), Tally::default());
        trace.for_each(|request| {
            prompts.add(request.prompt_tokens);
            outputs.add(request.output_tokens);
        });
        let (prompts, outputs) = (prompts.finish(), outputs.finish());
        let rank_correlation = rank_correlation(trace, &prompts, &outputs);
        let traffic = Traffic::of(trace);
        let arrivals = ArrivalFit::of(&traffic, Rates::of(trace));
        let (prompt_tokens, output_tokens) = rayon::join(|| LengthFit::of(prompts), || LengthFit::of(outputs));
        let (digest, columns) = (trace.digest().to_owned(), trace.columns());
        TraceFit { digest, columns, traffic, arrivals, prompt_tokens, output_tokens, rank_correlation }
    }
}

/// The correlation of the ranks of prompts and answers, ties sharing the middle of theirs.
fn rank_correlation(trace: &Trace, prompts: &ValueCounts, outputs: &ValueCounts) -> f64 {
    let (prompts, outputs) = (prompts.ranks(), outputs.ranks());
    // Whatever the ties, the mean rank is this.
    let middle = (trace.len() as f64 + 1.0) / 2.0;
    let (mut products, mut prompt_squares, mut output_squares) = (0.0, 0.0, 0.0);
    trace.for_each(|request| {
        let prompt = prompts.of(request.prompt_tokens) - middle;
        let output = outputs.of(request.output_tokens) - middle;
        products += prompt * output;
        prompt_squares += prompt * prompt;
        output_squares += output * output;
    });
    let scale = (prompt_squares * output_squares).sqrt();
    if scale > 0.0 { products / scale } else { 0.0 }
}
