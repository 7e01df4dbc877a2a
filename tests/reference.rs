//! `docs/scenario.md` follows from the catalogue of keys, and what it shows is read without a problem, by the program and
//! by the schema.

use std::fmt::Write as _;
use std::path::Path;

use cutover::ledger::METRICS;
use cutover::scenario::keys::{
    DISTRIBUTIONS, Default, FLAGGER_EXAMPLE, Key, Kind, PROCESSES, TABLES, Table, Variant, When, Word,
};

const HEAD: &str = "\
# Scenario reference

A scenario is a TOML file. Below, every table with its keys: what each takes, what holds where it is left out, and what it
means. Unknown keys are errors, with the nearest known one. Any key can be overridden: `--set termination.grace_period=2m`.
`cutover schema --key termination.grace_period` tells the same in a terminal, and in an editor keys complete and explain
themselves ([editor](editor.md)). `cutover init` writes a scenario to start from.

Durations are text with units (`\"90s\"`, `\"5m\"`, `\"1h30m\"`, `\"20ms\"`; ns, us, ms, s, m, h, d), at most 100 years; zero is
legal unless a key says \"above zero\", negative isn't. This page is made from the catalogue in `src/scenario/keys`.
";

const QUANTITIES: &str = "
## Quantities that vary

A quantity that varies is a constant, or a table `{ distribution = NAME, ... }` with the parameters below in the quantity's
unit: lengths in tokens, stages and delays as durations, bandwidths in GB/s. Each may have a `max`: draws beyond it become it.

| distribution | what it is | parameters |
|---|---|---|
";

const PROCESS_HEAD: &str = "
An arrival process is a table `{ process = NAME, ... }`:

| process | what it is | parameters |
|---|---|---|
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for table in TABLES {
        page += &section(table);
        if table.path == "traffic" {
            page += PROCESS_HEAD;
            page += &variants(&PROCESSES);
        }
    }
    page += QUANTITIES;
    page += &variants(&DISTRIBUTIONS);
    page
}

/// A table's section: what it is about, an example, its keys and those of the tables inside it.
fn section(table: &Table) -> String {
    let mut text = String::new();
    if !table.path.is_empty() {
        let _ = write!(text, "\n## {}\n\n{}.", heading(table), table.title);
        if !table.intro.is_empty() {
            let _ = write!(text, " {}", table.intro);
        }
        text.push('\n');
    }
    if !table.example.is_empty() {
        let _ = write!(text, "\n```toml\n{}\n```\n", table.example);
    }
    if table.path == "rollout.canary" {
        let _ = write!(text, "\nFlagger's:\n\n```toml\n{FLAGGER_EXAMPLE}\n```\n");
    }
    text += &rows(table);
    text += &inside(table);
    text
}

fn heading(table: &Table) -> String {
    match table.path {
        "rollout.canary.steps" => "rollout.canary.steps".to_owned(),
        "action" | "check" => format!("[[{}]]", table.path),
        path => format!("[{path}]"),
    }
}

/// The tables that are values of keys, each below the one that it is in; those with a section of their own are linked.
fn inside(table: &Table) -> String {
    let mut text = String::new();
    for key in table.keys {
        for inner in tables_of(&key.kind) {
            if TABLES.iter().any(|own| own.path == inner.path) {
                continue;
            }
            let _ = write!(text, "\n### `{}`\n\n{}.", inner.path, inner.title);
            if !inner.intro.is_empty() {
                let _ = write!(text, " {}", inner.intro);
            }
            text.push('\n');
            text += &rows(inner);
            text += &inside(inner);
        }
    }
    text
}

fn tables_of(kind: &Kind) -> Vec<&'static Table> {
    match kind {
        Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) => vec![table],
        Kind::Either(kinds) => kinds.iter().flat_map(tables_of).collect(),
        _ => Vec::new(),
    }
}

fn rows(table: &Table) -> String {
    let mut text = String::from("\n| key | takes | left out | what it is |\n|---|---|---|---|\n");
    for key in table.keys {
        let _ = writeln!(text, "| `{}` | {} | {} | {} |", key.name, takes(key), left_out(key), about(key));
    }
    text
}

/// What a key takes; a table with a section is a link to it.
fn takes(key: &Key) -> String {
    let section = tables_of(&key.kind).into_iter().find(|inner| TABLES.iter().any(|own| own.path == inner.path));
    let words = match section {
        Some(table) => format!("[{}](#{})", key.kind.words(), anchor(&heading(table))),
        None => key.kind.words(),
    };
    match key.unit {
        "" => words,
        unit => format!("{words} ({unit})"),
    }
}

/// The anchor that a heading gets on the usual hosts: letters, digits and hyphens of it.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '_' || *c == '-').collect()
}

fn left_out(key: &Key) -> String {
    match key.default {
        Default::Needed => "**needed**".to_owned(),
        Default::Value(value) => format!("`{value}`"),
        Default::Words(words) => words.to_owned(),
    }
}

fn about(key: &Key) -> String {
    let mut text = key.about.trim_end_matches('.').to_owned() + ".";
    let words = words_of(&key.kind);
    if !words.is_empty() {
        let each: Vec<String> = words.iter().map(|word| format!("`{}`: {}", word.name, word.about)).collect();
        text += &format!(" {}.", each.join("; "));
    }
    let conditions: Vec<String> = key.only.iter().map(When::words).collect();
    if !conditions.is_empty() {
        text += &format!(" Only {}.", conditions.join(" and "));
    }
    if !key.example.is_empty() && key.example.len() < 60 {
        text += &format!(" Such as `{}`.", key.example);
    }
    text
}

fn words_of(kind: &Kind) -> Vec<&'static Word> {
    match kind {
        Kind::Choice(words) => words.iter().collect(),
        Kind::Either(kinds) => kinds.iter().flat_map(words_of).collect(),
        _ => Vec::new(),
    }
}

fn variants(variants: &[Variant]) -> String {
    let mut text = String::new();
    for variant in variants {
        let parameter = |key: &Key| {
            let unit = if key.unit.is_empty() { String::new() } else { format!(", {}", key.unit) };
            format!("`{}` ({}{unit}): {}", key.name, key.kind.words(), key.about.trim_end_matches('.'))
        };
        let parameters: Vec<String> = variant.keys.iter().map(parameter).collect();
        let _ = writeln!(text, "| `{}` | {} | {} |", variant.name, variant.about, parameters.join("; "));
    }
    text
}

#[test]
fn the_reference_is_what_the_catalogue_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario.md");
    if std::env::var_os("CUTOVER_BLESS").is_some() {
        std::fs::write(&path, page()).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "make it anew with CUTOVER_BLESS=1 cargo test --test reference");
}

/// Every example of the page together is one scenario: that of one table may name what another's has.
#[test]
fn the_examples_of_the_reference_are_read_without_a_problem() {
    let text: String = TABLES.iter().flat_map(|table| [table.example, "\n\n"]).collect();
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let parsed = cutover::scenario::parse(&text, "scenario.md", Path::new("."), &[], &metrics);
    assert!(parsed.is_ok(), "{}", parsed.err().map_or(String::new(), |error| error.to_string()));
}

#[test]
fn the_canary_under_flagger_of_the_reference_is_read_without_a_problem() {
    const BEFORE: &str = "[traffic]\narrivals = { process = \"poisson\", rate = 1 }\nprompt_tokens = 9\noutput_tokens = 9\n\
                          [rollout]\nstrategy = \"canary\"\n";
    let text = format!("{BEFORE}{FLAGGER_EXAMPLE}");
    let parsed = cutover::scenario::parse(&text, "scenario.md", Path::new("."), &[], &[]);
    assert!(parsed.is_ok(), "{}", parsed.err().map_or(String::new(), |error| error.to_string()));
}
