//! What the tests of fitting share, and those of the whole.

use super::counts::tests::counts_of;
use super::*;
use crate::random::{Distribution, Family, Purpose, RunKey, unit_interval};
use crate::trace::TraceRequest;
use rand::Rng as _;

/// Whole-token draws of a family, always the same.
pub(super) fn sample(family: Family, number: u64) -> ValueCounts {
    let distribution = Distribution { family, max: f64::INFINITY };
    let mut stream = RunKey::new(5, 0).stream(Purpose::OutputTokens);
    counts_of((0..number).map(|index| distribution.draw(&mut stream, index).ceil().max(1.0) as u32))
}

/// A mixture of lognormals, each with weight, median and sigma.
pub(super) fn mixture(parts: &[(f64, f64, f64)]) -> Family {
    let part = |(weight, median, sigma): &(f64, f64, f64)| {
        let family = Family::Lognormal { median: *median, sigma: *sigma };
        (*weight, Distribution { family, max: f64::INFINITY })
    };
    Family::Mixture(parts.iter().map(part).collect())
}

/// Uniform numbers in [0, 1), always the same.
pub(super) fn uniform(number: usize) -> impl Iterator<Item = f64> {
    let mut stream = RunKey::new(5, 1).stream(Purpose::Arrivals);
    (0..number).map(move |_| unit_interval(stream.next_u64()))
}

/// A trace of requests at these seconds, which need not begin at zero.
pub(super) fn trace_at(seconds: impl Iterator<Item = f64>) -> Trace {
    let mut first = None;
    let requests: Vec<TraceRequest> = seconds
        .map(|second| {
            let second = second - *first.get_or_insert(second);
            TraceRequest { arrival: (second * 1e9).round() as i64, prompt_tokens: 10, output_tokens: 20 }
        })
        .collect();
    Trace::of(&requests, "made up").expect("a trace")
}

/// A trace of requests with gaps of this family.
pub(super) fn drawn_trace(gaps: Family, number: u64) -> Trace {
    let gaps = Distribution { family: gaps, max: f64::INFINITY };
    let mut stream = RunKey::new(5, 2).stream(Purpose::Arrivals);
    trace_at((0..number).scan(0.0, |now, index| {
        *now += gaps.draw(&mut stream, index);
        Some(*now)
    }))
}

/// A trace of Poisson arrivals whose requests have these lengths.
fn trace_of(lengths: impl Iterator<Item = (u32, u32)>) -> Trace {
    let mut now = 0.0;
    let requests: Vec<TraceRequest> = lengths
        .zip(uniform(1_000_000))
        .enumerate()
        .map(|(number, ((prompt_tokens, output_tokens), u))| {
            now -= if number == 0 { 0.0 } else { (1.0 - u).ln() / 4.0 };
            TraceRequest { arrival: (now * 1e9) as i64, prompt_tokens, output_tokens }
        })
        .collect();
    Trace::of(&requests, "made up").expect("a trace")
}

/// The rank correlation of requests with these lengths.
fn correlation(lengths: impl Iterator<Item = (u32, u32)>) -> f64 {
    let lengths: Vec<(u32, u32)> = lengths.collect();
    let (prompts, outputs): (Vec<u32>, Vec<u32>) = lengths.iter().copied().unzip();
    rank_correlation(&trace_of(lengths.into_iter()), &counts_of(prompts), &counts_of(outputs))
}

#[test]
fn ranks_that_agree_correlate_fully_whatever_the_values() {
    assert!((correlation((1..1_000).map(|i| (i, i * i))) - 1.0).abs() < 1e-12);
    assert!((correlation((1..1_000).map(|i| (i, 1_000_000 / i))) + 1.0).abs() < 1e-2, "ties at the end");
    assert_eq!(correlation((1..1_000).map(|i| (i, 7))), 0.0);
}

#[test]
fn independent_lengths_hardly_correlate() {
    let others = uniform(40_000).skip(20_000);
    let lengths = uniform(20_000).zip(others).map(|(u, v)| ((1.0 + u * 900.0) as u32, (1.0 + v * 50.0) as u32));
    let found = correlation(lengths);
    assert!(found.abs() < 4.0 / 20_000f64.sqrt(), "{found}");
}

#[test]
fn the_least_trace_is_fitted() {
    let fit = TraceFit::of(&trace_of([(10, 20), (30, 40)].into_iter()));
    assert_eq!((fit.traffic.requests, fit.prompt_tokens.values.total()), (2, 2));
    assert!(matches!(fit.arrivals.process, Process::Poisson { .. }), "one gap has no variation");
    assert!(fit.prompt_tokens.recommended().closeness.ks.is_finite());
    assert!(fit.prompt_tokens.recommended().kind.parameters() <= 2);
}

#[test]
fn any_number_of_threads_gives_the_same_fit() {
    let lengths = || (0..3_000u32).map(|i| (1 + i * i % 1_789, if i % 3 == 0 { 75 } else { 1 + i * 7 % 400 }));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| format!("{:?}", TraceFit::of(&trace_of(lengths()))))
    };
    assert!(with(1) == with(3));
}
