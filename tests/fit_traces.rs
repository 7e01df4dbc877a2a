//! Fitting real traces: as close as, and the same statistics as, what was found elsewhere.
//!
//! The traces and those figures lie beside a checkout of the project, in `../shared`, and are not ours to ship. Where
//! they are missing, these tests say so and pass.

mod support;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cutover::fit::{Basis, Kind, LengthFit, Process, Tail, TraceFit};
use cutover::random::{Distribution, Purpose, RunKey};
use cutover::report::{Fitted, fit_files};
use cutover::scenario::Traffic;
use cutover::trace::Trace;
use serde_json::Value;

/// A trace, what we found in it, and what was found elsewhere.
struct Case {
    name: String,
    fit: TraceFit,
    theirs: Value,
}

impl Case {
    fn lengths(&self) -> [(&'static str, &LengthFit); 2] {
        [("prompt", &self.fit.prompt_tokens), ("output", &self.fit.output_tokens)]
    }
}

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")
}

fn traces() -> PathBuf {
    shared().join("traces")
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let Ok(text) = std::fs::read_to_string(shared().join("data/trace_stats_public.json")) else {
        println!("skipped: there is no {}", shared().display());
        return Vec::new();
    };
    let statistics: Value = serde_json::from_str(&text).expect("JSON");
    let files = statistics.as_object().expect("an object by file").iter();
    let present = files.map(|(name, theirs)| (traces().join(name), name, theirs));
    present.filter(|(path, ..)| path.is_file()).map(|(path, name, theirs)| case(&path, name, theirs)).collect()
});

fn case(path: &Path, name: &str, theirs: &Value) -> Case {
    let trace = Trace::read(path, name, &|_, _| None).unwrap_or_else(|error| panic!("{error}"));
    Case { name: name.to_owned(), fit: TraceFit::of(&trace), theirs: theirs.clone() }
}

/// Theirs is rounded to its last digit; ours may differ from it by this share of the value beside.
fn agree(ours: f64, theirs: &Value, digit: f64, share: f64) -> bool {
    let theirs = theirs.as_f64().expect("a number");
    (ours - theirs).abs() <= 0.5001 * digit + share * theirs.abs()
}

#[test]
fn mixtures_are_at_least_about_as_close_as_those_found_elsewhere() {
    for case in CASES.iter() {
        for (what, length) in case.lengths() {
            for (parts, kind) in [(2, Kind::TwoLognormals), (3, Kind::ThreeLognormals)] {
                let ours = length.candidate(kind).expect("a mixture").closeness.ks;
                let theirs = &case.theirs[format!("{what}_fits")][format!("lognormal_mix{parts}")]["ks"];
                let theirs = theirs.as_f64().expect("a distance");
                println!("{} {what} {parts} parts: {ours:.4}, elsewhere {theirs:.4}", case.name);
                assert!(ours <= theirs + 0.005, "{} {what} {parts} parts: {ours} against {theirs}", case.name);
            }
        }
    }
}

#[test]
fn single_families_are_about_as_close_as_those_found_elsewhere() {
    for case in CASES.iter() {
        for (what, length) in case.lengths() {
            for candidate in &length.candidates {
                // Theirs are of continuous distributions, which matters where many answers have a few tokens.
                let theirs = &case.theirs[format!("{what}_fits")][candidate.kind.name()]["ks"];
                if theirs.is_null() {
                    continue;
                }
                let ours = candidate.closeness.ks;
                assert!(agree(ours, theirs, 0.0, 0.3), "{} {what} {candidate:?}: {ours} {theirs}", case.name);
            }
        }
    }
}

#[test]
fn arrivals_have_the_statistics_found_elsewhere() {
    for Case { name, fit, theirs } in CASES.iter() {
        let (traffic, theirs) = (&fit.traffic, &theirs["rate"]);
        assert_eq!(Some(traffic.requests), theirs["n"].as_u64(), "{name}");
        assert!(agree(traffic.recorded_s, &theirs["span_s"], 0.1, 0.0), "{name}");
        // Theirs counts the first request, which has no gap before it.
        let first = 1.0 / traffic.requests as f64;
        assert!(agree(traffic.rate, &theirs["mean_rps"], 1e-4, first), "{name} {}", traffic.rate);
        assert!(
            agree(traffic.gap_variation, &theirs["interarrival_cv"], 1e-3, 0.0),
            "{name} {}",
            traffic.gap_variation
        );
        assert!(agree(traffic.zero_gaps, &theirs["frac_zero_ia"], 1e-4, 0.0), "{name} {}", traffic.zero_gaps);
        for counts in traffic.windows.iter().map(|counts| counts.as_ref().expect("enough windows")) {
            let theirs = &theirs[format!("w{}s", counts.seconds)];
            for (ours, key) in [
                (counts.peak_to_mean, "peak_over_mean"),
                (counts.least_to_mean, "min_over_mean"),
                (counts.dispersion, "index_of_dispersion"),
            ] {
                assert!(agree(ours, &theirs[key], 0.01, 0.0), "{name} {} s {key}: {ours}", counts.seconds);
            }
        }
    }
}

#[test]
fn lengths_have_the_statistics_found_elsewhere() {
    for case in CASES.iter() {
        for (what, length) in case.lengths() {
            let (values, theirs) = (&length.values, &case.theirs[what]);
            let quantile = |share: f64| values.quantile(share);
            for (ours, key, digit) in [
                (values.total() as f64, "n", 0.0),
                (values.mean(), "mean", 0.01),
                (values.variation(), "cv", 1e-3),
                (f64::from(values.least()), "min", 0.0),
                (f64::from(values.greatest()), "max", 0.0),
                (quantile(0.01), "p1", 0.1),
                (quantile(0.1), "p10", 0.1),
                (quantile(0.25), "p25", 0.1),
                (quantile(0.5), "p50", 0.1),
                (quantile(0.75), "p75", 0.1),
                (quantile(0.9), "p90", 0.1),
                (quantile(0.95), "p95", 0.1),
                (quantile(0.99), "p99", 0.1),
                (quantile(0.999), "p99.9", 0.1),
            ] {
                assert!(agree(ours, &theirs[key], digit, 1e-9), "{} {what} {key}: {ours} {}", case.name, theirs[key]);
            }
        }
        let rank_correlation = case.fit.rank_correlation;
        assert!(agree(rank_correlation, &case.theirs["spearman"], 1e-4, 0.0), "{} {rank_correlation}", case.name);
    }
}

#[test]
fn tails_are_those_found_elsewhere() {
    for case in CASES.iter() {
        for (what, length) in case.lengths() {
            for (tail, key) in length.tails.iter().zip(["tail_top5pct", "tail_top1pct"]) {
                let tail: &Tail = tail.as_ref().expect("enough values");
                let theirs = &case.theirs[format!("{what}_fits")][key];
                let what = format!("{} {what} {tail:?} {theirs}", case.name);
                assert_eq!(
                    (Some(tail.values), Some(f64::from(tail.threshold))),
                    (theirs["n"].as_u64(), theirs["threshold"].as_f64()),
                    "{what}"
                );
                assert!(agree(tail.hill_alpha, &theirs["hill_alpha"], 1e-3, 1e-9), "{what}");
                match tail.excess {
                    Some(excess) => {
                        assert!(agree(excess.xi, &theirs["gpd_xi"], 2e-3, 1e-3), "{what}");
                        assert!(agree(excess.beta, &theirs["gpd_beta"], 0.01, 1e-3), "{what}");
                    }
                    // Theirs goes on where likelihood no longer has a maximum, or a few ties are all there is.
                    None => assert!(theirs["gpd_xi"].as_f64() < Some(-0.5) || tail.hill_alpha > 1_000.0, "{what}"),
                }
            }
        }
    }
}

#[test]
fn no_process_is_nonsense_and_every_one_says_what_it_lacks() {
    for Case { name, fit, .. } in CASES.iter() {
        let arrivals = &fit.arrivals;
        let batched = name.starts_with("mooncake");
        assert_eq!(matches!(arrivals.basis, Basis::Counts(60)), batched, "{name} {:?}", arrivals.basis);
        if batched {
            assert!(matches!(arrivals.process, Process::Gamma { cv, .. } if (1.0..2.5).contains(&cv)), "{arrivals:?}");
        } else {
            let warned = arrivals.too_calm_over_s.is_some() || arrivals.too_sharp_over_s.is_some();
            assert!(warned, "{name}: {:?}", arrivals.drawn);
        }
    }
}

/// Kolmogorov-Smirnov distance of so many whole-token draws from the recorded lengths.
fn drawn_distance(distribution: &Distribution, length: &LengthFit, draws: usize) -> f64 {
    let mut stream = RunKey::new(3, 0).stream(Purpose::OutputTokens);
    let draw = |index| distribution.draw(&mut stream, index).ceil().max(1.0) as u32;
    let mut drawn: Vec<u32> = (0..draws as u64).map(draw).collect();
    drawn.sort_unstable();
    let (mut rest, mut greatest) = (length.values.total(), 0.0_f64);
    for (value, count) in length.values.iter() {
        for (tokens, recorded) in [(value - 1, rest), (value, rest - count)] {
            let above = draws - drawn.partition_point(|drawn| *drawn <= tokens);
            let difference = above as f64 / draws as f64 - recorded as f64 / length.values.total() as f64;
            greatest = greatest.max(difference.abs());
        }
        rest -= count;
    }
    greatest
}

#[test]
fn what_is_pasted_draws_lengths_as_close_as_was_promised() {
    for Case { name, fit, .. } in CASES.iter() {
        let files = fit_files(&Fitted { name, fit }).expect("charts can be drawn");
        let pasted = files.iter().find(|file| file.name == "fit.toml").expect("the TOML");
        let text = String::from_utf8(pasted.content.clone()).expect("text");
        let Traffic::Synthetic { prompt_tokens, output_tokens, .. } =
            support::scenario_in(&traces(), &text, &[]).traffic
        else {
            panic!("{text}");
        };
        for (distribution, length) in [(prompt_tokens, &fit.prompt_tokens), (output_tokens, &fit.output_tokens)] {
            // Where no fit is good, the recorded lengths themselves are drawn.
            let promised = if length.is_poor { 0.0 } else { length.recommended().closeness.ks };
            let found = drawn_distance(&distribution, length, 40_000);
            // 1.63 / sqrt(n) is exceeded once in a hundred times.
            assert!((found - promised).abs() < 1.63 / 200.0, "{name}: promised {promised}, drew {found}");
        }
    }
}
