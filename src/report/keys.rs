//! A key of the scenario, for a terminal: what it takes, its default and what it means.

use super::layout::{Style, Tone, columns, wrap};
use crate::scenario::keys::{DISTRIBUTIONS, Default, Found, Kind, PROCESSES, Table, When};

/// What there is to say about the keys that a path means.
pub fn key_report(path: &str, found: &[Found], style: Style) -> String {
    found.iter().map(|found| key(path, found, style)).collect::<Vec<String>>().join("\n")
}

fn key(path: &str, found: &Found, style: Style) -> String {
    let of = match found.variant {
        "" => String::new(),
        variant => format!(" (of \"{variant}\")"),
    };
    let mut lines = vec![format!("{}{of}", style.paint(Tone::Heading, path))];
    let about = match found.kind {
        Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) => [table.title, ".\n\n", table.intro].concat(),
        _ => found.key.about.to_owned(),
    };
    for paragraph in about.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        lines.extend(wrap("  ", &plain(paragraph), style.width));
    }
    lines.push(String::new());
    for (name, value) in facts(found) {
        lines.extend(wrap(&format!("  {name:<9}"), &plain(&value), style.width));
    }
    lines.extend(listed("words", words(&found.kind), style));
    if let Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) = found.kind {
        lines.extend(listed("keys", keys(table), style));
    }
    if let Kind::Quantity(..) = found.kind {
        let rows = DISTRIBUTIONS.iter().map(|it| (it.name, names_of(it.keys, it.about))).collect();
        lines.extend(listed("or a table { distribution = NAME, ... } with an optional max", rows, style));
    }
    if let Kind::Process = found.kind {
        let rows = PROCESSES.iter().map(|it| (it.name, names_of(it.keys, it.about))).collect();
        lines.extend(listed("a table { process = NAME, ... }", rows, style));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A parameter list before what it is.
fn names_of(keys: &[crate::scenario::keys::Key], about: &str) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    format!("{}: {about}", names.join(", "))
}

/// What is said of every key.
fn facts(found: &Found) -> Vec<(&'static str, String)> {
    let key = found.key;
    let mut facts = vec![("takes", found.kind.words())];
    facts.push(match key.default {
        Default::Needed => ("default", "none: it must be there".to_owned()),
        Default::Value(value) => ("default", value.to_owned()),
        Default::Words(words) => ("left out", words.to_owned()),
    });
    if !key.unit.is_empty() {
        facts.push(("unit", key.unit.to_owned()));
    }
    if !key.example.is_empty() {
        facts.push(("example", format!("{} = {}", key.name, key.example)));
    }
    let conditions: Vec<String> = key.only.iter().map(When::words).collect();
    if !conditions.is_empty() {
        facts.push(("only", conditions.join(", ")));
    }
    facts
}

fn words(kind: &Kind) -> Vec<(&'static str, String)> {
    match kind {
        Kind::Choice(words) => words.iter().map(|word| (word.name, word.about.to_owned())).collect(),
        Kind::Either(kinds) => kinds.iter().flat_map(words).collect(),
        _ => Vec::new(),
    }
}

fn keys(table: &Table) -> Vec<(&'static str, String)> {
    table.keys.iter().map(|key| (key.name, key.about.to_owned())).collect()
}

/// Names with what they mean, below a heading; nothing where there are none.
fn listed(heading: &str, rows: Vec<(&str, String)>, style: Style) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let names: Vec<Vec<String>> = rows.iter().map(|(name, _)| vec![format!("    {name}"), String::new()]).collect();
    let mut lines = vec![String::new(), format!("  {heading}")];
    let width = columns(&names, &[]).iter().map(|line| line.trim_end().chars().count()).max().unwrap_or_default();
    for (name, about) in rows {
        lines.extend(wrap(&format!("    {name:<0$}  ", width - 4), &plain(&about), style.width));
    }
    lines
}

/// Markdown without its signs.
fn plain(markdown: &str) -> String {
    crate::scenario::schema::plain(markdown).replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::keys::find;

    fn said(path: &str) -> String {
        key_report(path, &find(path), Style { color: false, width: 90 })
    }

    #[test]
    fn a_key_is_told_with_what_it_takes() {
        insta::assert_snapshot!(
            ["termination.on_sigterm", "rollout.canary.steps", "traffic.prompt_tokens", "traffic.output_tokens.mean"]
                .map(said)
                .join("--------\n")
        );
    }
}
