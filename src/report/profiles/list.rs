//! Every profile in one table.

use super::figures::{AtBatch, Figures, REFERENCE_BATCH};
use super::{Style, assumptions};
use crate::digits::figure;
use crate::profiles::{Kind, Profile, all};
use crate::report::content::plain;
use crate::report::format::{Quantity, value};
use crate::report::layout::{Tone, columns, glued, wrap};
use crate::report::markdown::Page;
use crate::report::terminal::begin;

/// The columns that hold numbers.
const NUMBERS: [&str; 4] = ["weights", "KV tokens", "tokens/s", "TPOT"];
/// The columns that a narrow terminal goes without, in the order in which they are left out: first what the name says too,
/// last what follows from the tokens a second.
const LEFT_OUT: [&str; 8] = ["model", "engine", "quantisation", "version", "weights", "GPUs", "KV tokens", "TPOT"];

/// The header and a row per profile.
fn rows() -> Vec<Vec<String>> {
    let header = [
        "name",
        "model",
        "GPUs",
        "engine",
        "version",
        "quantisation",
        "weights",
        "KV tokens",
        "tokens/s",
        "TPOT",
        "kind",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(all().iter().map(|profile| row(profile, &at_reference(profile))));
    rows
}

/// What a replica does at the batch at which profiles are compared.
pub(super) fn at_reference(profile: &'static Profile) -> AtBatch {
    Figures::of(profile).at(f64::from(REFERENCE_BATCH))
}

fn row(profile: &Profile, at: &AtBatch) -> Vec<String> {
    vec![
        profile.name.clone(),
        profile.model.title.clone(),
        format!("{} x {}", profile.gpus, profile.gpu.name.to_uppercase()),
        profile.engine.clone(),
        profile.version.clone(),
        profile.quantisation.clone(),
        format!("{} GB", figure(profile.model.gigabytes())),
        value(profile.kv_cache_tokens as f64, Quantity::Plain),
        figure(at.tokens_per_second),
        value(at.tpot_s, Quantity::Seconds),
        profile.kind.name().to_owned(),
    ]
}

/// What the figures are of, what the kinds are, and where to go on.
fn notes() -> Vec<(&'static str, String)> {
    let context = all().first().map_or(f64::NAN, |profile| Figures::of(profile).mean_context());
    let kinds: Vec<String> = Kind::ALL.iter().map(|kind| format!("{}: {}", kind.name(), kind.meaning())).collect();
    vec![
        ("load", format!("tokens/s of a replica and TPOT at {REFERENCE_BATCH} sequences: {}", assumptions(context))),
        ("kind", kinds.join("; ")),
        (
            "next",
            format!(
                "{} shows one in full; {} uses it",
                glued("`cutover profiles NAME`"),
                glued("`[engine] profile = \"NAME\"`")
            ),
        ),
    ]
}

/// For a terminal.
pub(super) fn text(style: Style) -> String {
    let rows = rows();
    let kinds = "models on hardware that they are known on, for `engine.profile`";
    let mut lines = begin(env!("CARGO_PKG_VERSION"), &format!("{} hardware profiles", rows.len() - 1), kinds, style);
    lines.push(String::new());
    let (mut table, left_out) = fitting(rows, style.width);
    table[0] = style.paint(Tone::Heading, &table[0]);
    lines.extend(table);
    lines.push(String::new());
    let without = (!left_out.is_empty())
        .then(|| ("wide", format!("`--format md` and `--format json` show {} too", left_out.join(", "))));
    for (label, note) in without.into_iter().chain(notes()) {
        lines.extend(wrap(&format!("{label:<6}"), &note, style.width));
    }
    lines.join("\n") + "\n"
}

/// The table's lines with as many of its columns as fit, and the names of those left out.
fn fitting(mut rows: Vec<Vec<String>>, width: usize) -> (Vec<String>, Vec<&'static str>) {
    let aligned = |rows: &[Vec<String>]| {
        let is_number = |place: &usize| NUMBERS.contains(&rows[0][*place].as_str());
        columns(rows, &(0..rows[0].len()).filter(is_number).collect::<Vec<usize>>())
    };
    let mut left_out = Vec::new();
    for name in LEFT_OUT {
        if aligned(&rows).iter().all(|line| line.chars().count() <= width) {
            break;
        }
        if let Some(place) = rows[0].iter().position(|column| column == name) {
            rows.iter_mut().for_each(|row| drop(row.remove(place)));
            left_out.push(name);
        }
    }
    (aligned(&rows), left_out)
}

/// For a page.
pub(super) fn markdown() -> String {
    let mut page = Page::default();
    page.table(&rows());
    for (_, note) in notes() {
        let mut note = plain(&note);
        note[..1].make_ascii_uppercase();
        page.paragraph(&format!("{note}."));
    }
    page.text
}
