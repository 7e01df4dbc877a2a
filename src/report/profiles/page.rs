//! One profile in full: what it is, where it comes from, how far it errs, what it stands for, what it does at each batch.

use super::figures::{AtBatch, Figures};
use super::keys::{duration, toml};
use super::{Style, assumptions};
use crate::digits::{counted, figure, percent};
use crate::profiles::{
    Basis, Capacity, FitError, GPU_MEMORY_UTILIZATION, Kind, Profile, RESERVED_GIBIBYTES, Source, WEIGHT_LOAD_BANDWIDTH,
};
use crate::report::charts::Chart;
use crate::report::format::{Quantity, value};
use crate::report::layout::{in_pieces, wrap};
use crate::report::markdown::{Page, escape};
use crate::report::terminal::begin;

/// Width of the labels on a terminal.
const LABEL: usize = 12;
/// Milliseconds as nanoseconds.
const MILLISECOND: f64 = 1e6;

/// What there is to say about a profile, as (what, text).
fn facts(profile: &Profile) -> Vec<(&'static str, String)> {
    let Source { title, repository, licence, method } = profile.basis.source();
    let model = profile.model;
    let gigabytes = model.gigabytes();
    let mut kind = format!("{}: {}", profile.kind.name(), profile.kind.meaning());
    let mut source = format!("{title} ({repository}, {licence}): {method}");
    match (profile.kind, profile.provenance.as_str()) {
        (_, "") => {}
        // Where the measurements lie.
        (Kind::Real, of_data) => source.push_str(&format!("; data: {of_data}")),
        (_, derivation) => kind.push_str(&format!("; as the source notes it: {derivation}")),
    }
    vec![
        (
            "what",
            format!(
                "{} on {} x {}, {} {}, {}",
                model.title, profile.gpus, profile.gpu.title, profile.engine, profile.version, profile.quantisation
            ),
        ),
        ("kind", kind),
        ("source", source),
        ("row", format!("{} on {}", profile.source_model, profile.source_device)),
        ("step time", derivation(profile)),
        ("errors", errors(profile)),
        (
            "overhead",
            format!(
                "{} a step beyond the kernels, as measured with gpt-oss-120b on H100s; `engine.overhead` overrides it",
                value(profile.overhead / 1e9, Quantity::Seconds)
            ),
        ),
        ("KV cache", capacity(profile)),
        (
            "weights",
            format!(
                "{} GB, which load in {} at {WEIGHT_LOAD_BANDWIDTH} GB/s unless `cold_start.weight_load` says otherwise",
                figure(gigabytes),
                value(gigabytes / WEIGHT_LOAD_BANDWIDTH, Quantity::Seconds)
            ),
        ),
    ]
}

/// How the coefficients follow from the source's.
fn derivation(profile: &Profile) -> String {
    match &profile.basis {
        Basis::AiConfigurator(fit, folding) => format!(
            "base, per_sequence and per_kv_token are the decode steps' {}, {} and {}; the prompt's coefficients make \
             base + e' p + f' p^2 of a prefill of max({}, {} + {} p + {} p^2), and per_prefill_token_context is 2 f'; \
             folding errs most at prompts of {} tokens",
            duration(fit.a_ms * MILLISECOND),
            duration(fit.b_ms * MILLISECOND),
            duration(fit.c_us * 1e3),
            duration(fit.floor_ms * MILLISECOND),
            duration(fit.d_ms * MILLISECOND),
            duration(fit.e_ms * MILLISECOND),
            duration(fit.f_ms * MILLISECOND),
            folding.worst_at,
        ),
        Basis::Vidur(_, roofline) => format!(
            "the fit's coefficients as they are; a roofline with a knee at {} would err by {} in the median instead",
            counted(f64::from(roofline.knee_tokens), "token"),
            percent(roofline.median_rel_err),
        ),
    }
}

/// The errors in a sentence.
fn errors(profile: &Profile) -> String {
    let errors = profile.errors();
    let of = |error: &FitError| format!("{} {} and {}", error.of, percent(error.usual), percent(error.large));
    let each: Vec<String> = errors.iter().map(of).collect();
    let kinds = errors.first().map_or_else(String::new, |error| format!("{} and {}", error.usual_is, error.large_is));
    format!("relative, {kinds}: {}", each.join("; "))
}

/// How many tokens the cache holds, and how that is known.
fn capacity(profile: &Profile) -> String {
    let known = match profile.capacity {
        Capacity::Planned => "by the source's own memory planner".to_owned(),
        Capacity::Computed => format!(
            "computed, not measured: ({GPU_MEMORY_UTILIZATION} x {} GiB - {RESERVED_GIBIBYTES} GiB) x {} less the weights",
            figure(profile.gpu.memory_mebibytes as f64 / 1024.0),
            counted(f64::from(profile.gpus), "GPU"),
        ),
    };
    format!(
        "{} tokens of {} bytes in blocks of {}, {known}",
        profile.kv_cache_tokens,
        profile.model.kv_bytes_per_token(),
        profile.block_size
    )
}

/// What stands above the keys.
fn gives(figures: &Figures) -> String {
    format!("`profile = \"{}\"` in `[engine]` gives these keys where they are not written:", figures.profile.name)
}

/// The table over the batch, its first row the header.
fn table(figures: &Figures) -> Vec<Vec<String>> {
    let header = ["batch", "tokens/s", "tokens/s/GPU", "TPOT"].map(str::to_owned).to_vec();
    let row = |at: &AtBatch| {
        vec![
            at.batch.to_string(),
            figure(at.tokens_per_second),
            figure(at.tokens_per_second_per_gpu),
            value(at.tpot_s, Quantity::Seconds),
        ]
    };
    std::iter::once(header).chain(figures.rows.iter().map(row)).collect()
}

/// What the table is of, and why it ends where it does.
fn table_notes(figures: &Figures) -> (String, String) {
    let (held, slots) = (figures.in_cache, figures.engine.max_num_seqs);
    let end = if held <= slots {
        format!("The KV cache is full at {held} sequences.")
    } else {
        format!("{slots} is the default of `max_num_seqs`; the KV cache would be full at {held} sequences.")
    };
    (format!("A replica that always runs so many sequences: {}.", assumptions(figures.mean_context())), end)
}

/// For a terminal.
pub(super) fn text(figures: &Figures, style: Style) -> String {
    let mut lines =
        begin(env!("CARGO_PKG_VERSION"), &figures.profile.name, "a hardware profile, for `engine.profile`", style);
    lines.push(String::new());
    for (label, text) in facts(figures.profile) {
        lines.extend(wrap(&format!("{label:<LABEL$}"), &text, style.width));
    }
    let keys = toml(figures.profile);
    lines.push(String::new());
    lines.extend(wrap("", &gives(figures), style.width));
    lines.push(String::new());
    lines.extend(keys.lines().map(|line| format!("  {line}").trim_end().to_owned()));
    let (what, end) = table_notes(figures);
    lines.push(String::new());
    lines.extend(wrap("", &what, style.width));
    lines.push(String::new());
    let pieces = in_pieces(&table(figures), &[0, 1, 2, 3], style.width.saturating_sub(2));
    lines.extend(pieces.iter().map(|line| format!("  {line}").trim_end().to_owned()));
    lines.push(String::new());
    lines.extend(wrap("", &end, style.width));
    lines.join("\n") + "\n"
}

/// For a page; the chart is linked relatively.
pub(super) fn markdown(figures: &Figures, chart: Option<&Chart>) -> String {
    let mut page = Page::default();
    page.paragraph(&format!("# {}", figures.profile.name));
    let rows = std::iter::once(vec!["fact".to_owned(), "value".to_owned()])
        .chain(facts(figures.profile).into_iter().map(|(what, text)| vec![what.to_owned(), text]));
    page.table(&rows.collect::<Vec<_>>());
    page.paragraph("## In a scenario");
    page.paragraph(&gives(figures));
    page.paragraph(&format!("```toml\n{}```", toml(figures.profile)));
    let (what, end) = table_notes(figures);
    page.paragraph("## At each batch");
    page.paragraph(&what);
    page.table(&table(figures));
    page.paragraph(&end);
    if let Some(chart) = chart {
        page.paragraph(&format!("![{}](charts/{})", escape(&chart.alt_text), chart.file_name));
    }
    page.text
}
