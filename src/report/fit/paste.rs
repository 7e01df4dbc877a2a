//! The TOML to paste: a `[traffic]` table that draws what was fitted, or what was recorded where no fit is good enough,
//! and, commented out, what replays the trace.

use super::Fitted;
use super::content::limits;
use crate::digits::figure;
use crate::fit::{LengthFit, Process};
use crate::random::{Distribution, Family};
use crate::report::layout::{unglued, wrap};
use crate::units::Duration;

/// Columns of comments.
const WIDTH: usize = 100;
/// Lengths of the blocks that a trace is replayed in, seconds, longest first.
const BLOCKS: [u64; 4] = [600, 60, 10, 1];
/// A block is at most this part of the recording, or all runs would be much the same.
const BLOCKS_IN_TRACE: f64 = 3.0;

/// The TOML, ending in a newline.
pub fn paste(fitted: &Fitted<'_>) -> String {
    let fit = fitted.fit;
    let name = quoted(fitted.name);
    let lengths = [("prompt_tokens", &fit.prompt_tokens, 1), ("output_tokens", &fit.output_tokens, 2)];
    let longest: u64 = lengths.iter().map(|(_, length, _)| u64::from(length.values.greatest())).sum();
    let head = format!(
        "Fitted to the {} requests of {name}. The longest prompt with the longest answer needs an \
         engine.kv_cache_tokens of {}.",
        fit.traffic.requests,
        longest - 1
    );
    let mut lines = comment(&head);
    lines.push("[traffic]".to_owned());
    lines.push(format!("arrivals = {}", process(&fit.arrivals.process)));
    for (key, length, column) in lengths {
        let fitted = table(&length.recommended().distribution);
        if length.is_poor {
            lines.extend(comment(&poor_words(length)));
            let column = quoted(fit.columns[column]);
            lines.push(format!("{key} = {{ distribution = \"empirical\", file = {name}, column = {column} }}"));
            lines.extend(format!("{key} = {fitted}").lines().map(|line| format!("# {line}")));
        } else {
            lines.push(format!("{key} = {fitted}"));
        }
    }
    lines.push(String::new());
    lines.extend(comment(&replay_words(fitted)));
    lines.push(format!("# trace = {name}"));
    lines.extend(block(fit.traffic.recorded_s).map(|block| format!("# trace_block = \"{block}\"")));
    lines.join("\n") + "\n"
}

fn comment(text: &str) -> Vec<String> {
    wrap("", &unglued(text), WIDTH - 2).into_iter().map(|line| format!("# {line}")).collect()
}

fn replay_words(fitted: &Fitted<'_>) -> String {
    let limits: Vec<String> = limits(fitted.fit).into_iter().map(|(words, _)| words).collect();
    let why = if limits.is_empty() { String::new() } else { format!("Drawn arrivals are {}. ", limits.join(", and ")) };
    format!("{why}Instead of the three, a replay of the trace, which lies beside the scenario:")
}

fn poor_words(length: &LengthFit) -> String {
    let ks = figure(length.recommended().closeness.ks);
    format!("From the trace, which lies beside the scenario, because the best fit is poor (KS {ks}). That fit follows:")
}

/// The longest block of which the recording holds enough.
fn block(recorded_s: f64) -> Option<Duration> {
    let fits = |seconds: &u64| *seconds as f64 * BLOCKS_IN_TRACE <= recorded_s;
    BLOCKS.into_iter().find(fits).map(Duration::from_seconds)
}

/// A length of time in seconds as people write it: `10s`, `5m`.
pub(super) fn seconds(seconds: u64) -> String {
    Duration::from_seconds(seconds).to_string()
}

/// The process in words.
pub(super) fn process_words(process: &Process) -> String {
    match process {
        Process::Poisson { rate } => format!("poisson, {} requests/s", figure(*rate)),
        Process::Gamma { rate, cv } => format!("gamma, {} requests/s with a CV of {}", figure(*rate), figure(*cv)),
    }
}

/// The process as an inline table.
fn process(process: &Process) -> String {
    match process {
        Process::Poisson { rate } => format!("{{ process = \"poisson\", rate = {} }}", four_digits(*rate)),
        Process::Gamma { rate, cv } => {
            format!("{{ process = \"gamma\", rate = {}, cv = {} }}", four_digits(*rate), four_digits(*cv))
        }
    }
}

fn four_digits(number: f64) -> String {
    format!("{number:.3e}").parse::<f64>().unwrap_or(number).to_string()
}

/// A distribution of lengths as a value: a number, or an inline table with its cut. Its parameters are written as they
/// are.
pub(super) fn table(distribution: &Distribution) -> String {
    if let Some(value) = distribution.as_constant() {
        return value.to_string();
    }
    let max = distribution.max;
    match &distribution.family {
        Family::Mixture(parts) => {
            let parts: String = (parts.iter())
                .map(|(weight, part)| format!("  {{ weight = {weight}, {} }},\n", family(&part.family)))
                .collect();
            format!("{{ distribution = \"mixture\", max = {max}, parts = [\n{parts}] }}")
        }
        single => format!("{{ {}, max = {max} }}", family(single)),
    }
}

/// The name of a family and its parameters.
fn family(family: &Family) -> String {
    match family {
        Family::Exponential { mean } => format!("distribution = \"exponential\", mean = {mean}"),
        Family::Lognormal { median, sigma } => {
            format!("distribution = \"lognormal\", median = {median}, sigma = {sigma}")
        }
        Family::Gamma { mean, cv } => format!("distribution = \"gamma\", mean = {mean}, cv = {cv}"),
        Family::Weibull { scale, shape } => format!("distribution = \"weibull\", scale = {scale}, shape = {shape}"),
        Family::Pareto { minimum, alpha } => {
            format!("distribution = \"pareto\", minimum = {minimum}, alpha = {alpha}")
        }
        other => unreachable!("{other:?} is not fitted"),
    }
}

/// The text as a string of TOML on one line.
fn quoted(text: &str) -> String {
    // Escapes of JSON are escapes of TOML; what TOML forbids beyond them is dropped.
    let printable: String = text.chars().filter(|letter| *letter != '\u{7f}').collect();
    serde_json::Value::String(printable).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;
    use crate::fit::TraceFit;
    use crate::random::{Purpose, RunKey};
    use crate::scenario::{self, Arrivals, Traffic};
    use std::path::Path;

    fn read(text: &str) -> Traffic {
        let scenario = scenario::parse(text, "pasted.toml", Path::new(""), &[], &[]);
        scenario.unwrap_or_else(|error| panic!("{text}\n{error}")).traffic
    }

    /// Kolmogorov-Smirnov distance of so many whole-token draws from the recorded lengths.
    fn drawn_ks(distribution: &Distribution, length: &LengthFit, draws: u64) -> f64 {
        let mut stream = RunKey::new(3, 0).stream(Purpose::OutputTokens);
        let mut drawn: Vec<u32> =
            (0..draws).map(|i| distribution.draw(&mut stream, i).ceil().max(1.0) as u32).collect();
        drawn.sort_unstable();
        let values: Vec<u32> = length.values.iter().map(|(value, _)| value).chain(drawn.iter().copied()).collect();
        let difference = |value: u32| {
            let above = drawn.len() - drawn.partition_point(|drawn| *drawn <= value);
            (above as f64 / draws as f64 - length.values.share_above(value)).abs()
        };
        values.into_iter().map(difference).fold(0.0, f64::max)
    }

    /// The text with fits that were commented out, because they are poor, in the place of the recorded lengths.
    fn with_poor_fits(text: &str) -> String {
        let mut is_fit = false;
        let lines = text.lines().filter(|line| !line.contains("\"empirical\"")).map(|line| {
            is_fit |= line.starts_with("# prompt_tokens = ") || line.starts_with("# output_tokens = ");
            let uncommented = line.strip_prefix("# ").filter(|_| is_fit).unwrap_or(line);
            is_fit &= line.starts_with('#') && !line.ends_with("] }");
            format!("{uncommented}\n")
        });
        lines.collect()
    }

    #[test]
    fn what_is_pasted_draws_lengths_as_close_as_was_promised() {
        for fit in [example::bursty(), example::batched()] {
            let text = with_poor_fits(&paste(&Fitted { name: "trace.csv.gz", fit }));
            let Traffic::Synthetic { prompt_tokens, output_tokens, .. } = read(&text) else { panic!("{text}") };
            for (pasted, length) in [(prompt_tokens, &fit.prompt_tokens), (output_tokens, &fit.output_tokens)] {
                assert_eq!(pasted.max, f64::from(length.values.greatest()));
                let (promised, found) = (length.recommended().closeness.ks, drawn_ks(&pasted, length, 40_000));
                // 1.63 / sqrt(n) is exceeded once in a hundred times.
                assert!((found - promised).abs() < 1.63 / 200.0, "promised {promised}, drew {found}\n{text}");
            }
        }
    }

    #[test]
    fn every_family_and_process_can_be_pasted() {
        let lengths = |fit: &TraceFit| {
            let candidates = fit.prompt_tokens.candidates.iter().chain(&fit.output_tokens.candidates);
            candidates.map(|candidate| table(&candidate.distribution)).collect::<Vec<String>>()
        };
        for length in lengths(example::bursty()).into_iter().chain(lengths(example::constant())) {
            for (arrivals, cv) in
                [(Process::Poisson { rate: 5.87651 }, None), (Process::Gamma { rate: 0.25, cv: 1.5 }, Some(1.5))]
            {
                let text = format!(
                    "[traffic]\narrivals = {}\nprompt_tokens = {length}\noutput_tokens = {length}\n",
                    process(&arrivals)
                );
                match (read(&text), cv) {
                    (Traffic::Synthetic { arrivals: Arrivals::Poisson { rate }, .. }, None) => assert_eq!(rate, 5.877),
                    (Traffic::Synthetic { arrivals: Arrivals::Gamma { cv, .. }, .. }, expected) => {
                        assert_eq!(Some(cv), expected);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[test]
    fn the_oddest_lengths_give_fits_that_a_scenario_takes() {
        for answers in [[1, 1, 1, 100_000_000], [1, 1, 1, 2], [1, 100_000_000, 1, 100_000_000], [3, 1, 4, 1]] {
            let request = |(second, output_tokens): (usize, u32)| crate::trace::TraceRequest {
                arrival: second as i64 * 1_000_000_000,
                prompt_tokens: 1,
                output_tokens,
            };
            let requests: Vec<_> = answers.into_iter().enumerate().map(request).collect();
            let fit = TraceFit::of(&crate::trace::Trace::of(&requests, "odd").expect("a trace"));
            let cache = "[engine]\nkv_cache_tokens = 1000000000\n";
            for candidate in &fit.output_tokens.candidates {
                let answers = table(&candidate.distribution);
                let arrivals = "{ process = \"poisson\", rate = 1 }";
                read(&format!(
                    "[traffic]\narrivals = {arrivals}\nprompt_tokens = 1\noutput_tokens = {answers}\n{cache}"
                ));
            }
        }
    }

    #[test]
    fn recorded_lengths_are_drawn_where_no_fit_is_good_and_what_is_commented_out_replays_the_trace() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows: String = (0..50).map(|i| format!("{},{},{}\n", 90 * i, 10 + i % 7, 20 + i % 5)).collect();
        let name = "it's \"mine\".csv";
        std::fs::write(folder.path().join(name), format!("arrival_s,prompt_tokens,output_tokens\n{rows}")).unwrap();
        let parse = |text: &str| scenario::parse(text, "pasted.toml", folder.path(), &[], &[]).expect(text).traffic;
        let text = paste(&Fitted { name, fit: example::poor() });
        let Traffic::Synthetic { prompt_tokens, output_tokens, .. } = parse(&text) else { panic!("{text}") };
        assert!(matches!(prompt_tokens.family, Family::Empirical(_)), "{text}");
        assert!(!matches!(output_tokens.family, Family::Empirical(_)), "{text}");
        let lines = text.lines().filter_map(|line| line.strip_prefix("# trace")).map(|rest| format!("trace{rest}\n"));
        let replay = format!("[traffic]\n{}", lines.collect::<String>());
        assert!(matches!(parse(&replay), Traffic::Trace { .. }), "{replay}");
    }

    #[test]
    fn no_name_breaks_out_of_its_comment_or_its_quotes() {
        for fit in [example::batched(), example::poor()] {
            let text = paste(&Fitted { name: "a\nb = 1\u{7f}\\.csv", fit });
            let read: toml::Table = toml::from_str(&text).expect(&text);
            assert_eq!(read.keys().collect::<Vec<_>>(), ["traffic"], "{text}");
            assert_eq!(read["traffic"].as_table().map(toml::Table::len), Some(3), "{text}");
            assert!(text.contains(r#"trace = "a\nb = 1\\.csv""#), "{text}");
        }
    }

    #[test]
    fn blocks_are_a_part_of_the_recording() {
        let texts = [1e6, 1_800.0, 1_799.0, 30.0, 3.0, 2.9].map(|s| block(s).map(|block| block.to_string()));
        assert_eq!(texts.map(Option::unwrap_or_default), ["10m", "10m", "1m", "10s", "1s", ""]);
    }
}
