//! What the report of a fit says, as sections of labelled lines and small tables.

use super::Fitted;
use super::paste::{process_words, seconds};
use crate::digits::{figure, percent};
use crate::fit::{Basis, Candidate, LengthFit, Tail, TraceFit, WindowCounts};
use crate::report::content::{Block, Section};
use crate::report::format::{Quantity, value};
use crate::report::layout::glued;

/// Rank correlations of prompts and answers above this are worth a word: they explain more than a hundredth of the
/// variance of the ranks.
const CORRELATED: f64 = 0.1;
/// Errors of a mean, and factors by which a P99 and a P99.9 are off, that are worth a word.
const MEAN_OFF: f64 = 0.02;
const P99_OFF: f64 = 1.1;
const P999_OFF: f64 = 1.25;
/// Requests below which a fit says little.
const FEW: u64 = 500;

/// How much there is, how fast, how long.
pub(super) fn extent(fit: &TraceFit) -> String {
    let traffic = &fit.traffic;
    format!(
        "{} requests in {}, {}; prompts of {} and answers of {} tokens on average",
        plain(traffic.requests as f64),
        value(traffic.recorded_s, Quantity::Seconds),
        glued(&format!("{} a second", plain(traffic.rate))),
        plain(fit.prompt_tokens.values.mean()),
        plain(fit.output_tokens.values.mean()),
    )
}

fn plain(number: f64) -> String {
    value(number, Quantity::Plain)
}

/// What to put into a scenario.
pub(super) fn advice(fitted: &Fitted<'_>) -> Section {
    let fit = fitted.fit;
    let mut blocks = vec![
        Block::Line("arrivals", arrivals_advice(fit)),
        Block::Line("prompt_tokens", length_advice(&fit.prompt_tokens)),
        Block::Line("output_tokens", length_advice(&fit.output_tokens)),
    ];
    if fit.rank_correlation.abs() > CORRELATED {
        let correlation = figure(fit.rank_correlation);
        let answers = if fit.rank_correlation > 0.0 { "longer" } else { "shorter" };
        let said = format!(
            "longer prompts have {answers} answers (rank correlation {correlation}); a scenario draws the two \
             independently, a replay keeps them together"
        );
        blocks.push(Block::Line("both", said));
    }
    if fit.traffic.requests < FEW {
        blocks.push(Block::Line("beware", format!("{} requests are few to tell families apart", fit.traffic.requests)));
    }
    let subtitle = if needs_replay(fit) {
        "paste the TOML below, or replay the trace to keep what drawn traffic lacks"
    } else {
        "paste the TOML below"
    };
    Section { title: "ADVICE", subtitle: subtitle.to_owned(), blocks }
}

/// Whether drawn traffic lacks something of the recorded one.
fn needs_replay(fit: &TraceFit) -> bool {
    let arrivals = &fit.arrivals;
    let is_off = arrivals.too_calm_over_s.is_some() || arrivals.too_sharp_over_s.is_some();
    is_off || arrivals.basis != Basis::Gaps || fit.rank_correlation.abs() > CORRELATED
}

fn arrivals_advice(fit: &TraceFit) -> String {
    let mut said = vec![process_words(&fit.arrivals.process)];
    if fit.arrivals.basis != Basis::Gaps {
        said.push(batches_words(fit));
    }
    said.extend(limits(fit).into_iter().map(|(words, over_s)| match dispersions(fit, over_s) {
        Some((recorded, drawn)) => format!("{words}: {}", variances(over_s, recorded, drawn)),
        None => words,
    }));
    said.join("; ")
}

/// Why gaps say nothing, and what was taken instead.
fn batches_words(fit: &TraceFit) -> String {
    let traffic = &fit.traffic;
    let batches = format!(
        "{} of gaps are zero, as requests are stamped in batches some {} apart",
        percent(traffic.zero_gaps),
        glued(&value(traffic.between_stamps_s(), Quantity::Seconds)),
    );
    match fit.arrivals.basis {
        Basis::Counts(window) => format!("{batches}: its CV is from counts over {}", glued(&seconds(window))),
        Basis::Gaps | Basis::RateAlone => format!("{batches}, and the recording is too short to tell more"),
    }
}

/// The recorded and the drawn dispersion over windows of so many seconds.
fn dispersions(fit: &TraceFit, over_s: u64) -> Option<(f64, f64)> {
    let pairs = fit.traffic.windows.iter().zip(&fit.arrivals.drawn);
    let mut both = pairs.filter_map(|(recorded, drawn)| Some(((*recorded)?, (*drawn)?)));
    let (recorded, drawn) = both.find(|(recorded, _)| recorded.seconds == over_s)?;
    Some((recorded.dispersion, drawn.mean))
}

/// How the drawn process differs from the recording, each way with the length of windows that shows it, seconds.
pub(super) fn limits(fit: &TraceFit) -> Vec<(String, u64)> {
    let sharp = fit.arrivals.too_sharp_over_s.map(|over_s| {
        (format!("burstier than recorded over {}, as a few silences make the CV", seconds(over_s)), over_s)
    });
    let calm = fit.arrivals.too_calm_over_s;
    let calm = calm.map(|over_s| (format!("calmer than recorded over {} and more", seconds(over_s)), over_s));
    sharp.into_iter().chain(calm).collect()
}

fn variances(over_s: u64, recorded: f64, drawn: f64) -> String {
    format!(
        "the variance of counts over {} is {} times their mean, drawn {} times",
        glued(&seconds(over_s)),
        figure(recorded),
        figure(drawn)
    )
}

fn length_advice(fit: &LengthFit) -> String {
    let candidate = fit.recommended();
    let [of_mean, of_p99, of_p999] = ratios(candidate, fit);
    let mut said = vec![format!("{}, {}", candidate.kind.name(), glued(&format!("KS {}", ks(candidate))))];
    if (of_mean - 1.0).abs() > MEAN_OFF {
        said.push(glued(&format!("mean {} of the recorded", percent(of_mean))));
    }
    for (name, ratio, most) in [("P99", of_p99, P99_OFF), ("P99.9", of_p999, P999_OFF)] {
        if ratio.max(ratio.recip()) > most {
            said.push(glued(&format!("{name} {} of the recorded", percent(ratio))));
        }
    }
    let said = said.join(", ");
    if fit.is_poor { format!("the recorded lengths themselves: the best fit is poor ({said})") } else { said }
}

fn ks(candidate: &Candidate) -> String {
    figure(candidate.closeness.ks)
}

/// Mean, P99 and P99.9 of a candidate over the recorded ones.
fn ratios(candidate: &Candidate, fit: &LengthFit) -> [f64; 3] {
    let (drawn, recorded) = (&candidate.closeness, &fit.values);
    [drawn.mean / recorded.mean(), drawn.p99 / recorded.quantile(0.99), drawn.p999 / recorded.quantile(0.999)]
}

/// Rate, gaps and counts, recorded and drawn.
pub(super) fn arrivals(fit: &TraceFit) -> Section {
    let traffic = &fit.traffic;
    let windows: Vec<(&WindowCounts, String)> = (traffic.windows.iter().zip(&fit.arrivals.drawn))
        .filter_map(|(counts, drawn)| Some((counts.as_ref()?, drawn.map_or_else(String::new, |d| figure(d.mean)))))
        .collect();
    let row = |label: &str, cell: &dyn Fn(&(&WindowCounts, String)) -> String| {
        std::iter::once(label.to_owned()).chain(windows.iter().map(cell)).collect::<Vec<String>>()
    };
    let table = vec![
        row("counts over", &|(counts, _)| seconds(counts.seconds)),
        row("peak / mean", &|(counts, _)| figure(counts.peak_to_mean)),
        row("least / mean", &|(counts, _)| figure(counts.least_to_mean)),
        row("variance / mean", &|(counts, _)| figure(counts.dispersion)),
        row("the same, drawn", &|(_, drawn)| drawn.clone()),
    ];
    let subtitle = format!(
        "gaps have a CV of {}, {} of them are zero",
        figure(traffic.gap_variation),
        glued(&percent(traffic.zero_gaps))
    );
    let blocks = if windows.is_empty() { vec![] } else { vec![Block::Figures(table)] };
    Section { title: "ARRIVALS", subtitle, blocks }
}

/// Moments, percentiles and tails.
pub(super) fn lengths(fit: &TraceFit) -> Section {
    let both = [("prompts", &fit.prompt_tokens), ("answers", &fit.output_tokens)];
    let mut table =
        vec![["", "mean", "CV", "min", "P10", "P50", "P90", "P99", "P99.9", "max"].map(str::to_owned).to_vec()];
    for (name, length) in both {
        let values = &length.values;
        let quantiles = [0.1, 0.5, 0.9, 0.99, 0.999].map(|share| plain(values.quantile(share)));
        let mut row = vec![name.to_owned(), plain(values.mean()), figure(values.variation())];
        row.push(plain(f64::from(values.least())));
        row.extend(quantiles);
        row.push(plain(f64::from(values.greatest())));
        table.push(row);
    }
    let mut blocks = vec![Block::Figures(table)];
    for ((_, length), label) in both.into_iter().zip(["top prompts", "top answers"]) {
        let tails: Vec<String> = length.tails.iter().flatten().map(tail_words).collect();
        if !tails.is_empty() {
            blocks.push(Block::Line(label, tails.join("   ")));
        }
    }
    let correlation = figure(fit.rank_correlation);
    Section { title: "LENGTHS", subtitle: format!("in tokens; rank correlation of the two {correlation}"), blocks }
}

fn tail_words(tail: &Tail) -> String {
    let excess = match tail.excess {
        Some(excess) => format!("xi {}, beta {}", figure(excess.xi), plain(excess.beta)),
        None => "ends in a wall".to_owned(),
    };
    let alpha = plain(tail.hill_alpha);
    glued(&format!("{}: alpha {alpha}, {excess}", percent(tail.share)))
}

/// Every candidate's distance, mean and high quantiles: a table for prompts, one for answers.
pub(super) fn fits(fit: &TraceFit) -> Section {
    let both = [("prompts", &fit.prompt_tokens), ("answers", &fit.output_tokens)];
    let blocks = both.map(|(name, length)| {
        let header = [name, "KS", "mean", "P99", "P99.9"].map(str::to_owned).to_vec();
        let row = |(place, candidate): (usize, &Candidate)| {
            let mark = if place == length.recommended && !length.is_poor { "*" } else { " " };
            let mut row = vec![candidate.kind.name().to_owned(), format!("{}{mark}", ks_column(candidate))];
            row.extend(ratios(candidate, length).map(ratio));
            row
        };
        Block::Figures(std::iter::once(header).chain(length.candidates.iter().enumerate().map(row)).collect())
    });
    let star = match both.map(|(_, length)| length.is_poor) {
        [true, true] => "none is good enough to be advised",
        _ => "* is advised",
    };
    let subtitle = format!("KS distance, and mean and high quantiles over the recorded ones; {star}");
    Section { title: "FITS", subtitle, blocks: blocks.to_vec() }
}

fn ks_column(candidate: &Candidate) -> String {
    format!("{:.4}", candidate.closeness.ks)
}

fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}")
}
