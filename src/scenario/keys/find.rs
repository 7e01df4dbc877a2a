//! Finding keys by their dotted path, as in `--set`, and tables by the name of a key.

use super::kind::{Kind, Unit};
use super::quantity::{DISTRIBUTIONS, Extra, MAX, PROCESSES, Variant};
use super::{Key, ROOT, Table};

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The last key of the path.
    pub key: &'static Key,
    /// What is taken there: what the key takes, or an element of it.
    pub kind: Kind,
    /// The table that the key is in; none for parameters of distributions and arrival processes.
    pub table: Option<&'static Table>,
    /// The word that chooses the distribution or arrival process that it belongs to; empty: any, or none.
    pub variant: &'static str,
    /// The unit of the distribution that it is in.
    pub unit: Option<Unit>,
}

impl Found {
    fn of(key: &'static Key, table: Option<&'static Table>, variant: &'static str, unit: Option<Unit>) -> Found {
        Found { key, kind: key.kind, table, variant, unit }
    }
}

/// `distribution` itself.
static DISTRIBUTION: Key = Key::needed("distribution", Kind::Text("the name of a distribution"), "Which distribution.");
/// `process` itself.
static PROCESS: Key = Key::needed("process", Kind::Text("the name of an arrival process"), "Which arrival process.");

/// What a dotted path may mean, list elements by their index or left out: nothing if there is no such key, several keys
/// where the tables of distributions or processes share a name.
pub fn find(path: &str) -> Vec<Found> {
    let mut segments = path.split('.');
    let mut found = of_table(&ROOT, segments.next().unwrap_or_default());
    for segment in segments {
        found = found.into_iter().flat_map(|from| below(from, from.kind, segment)).collect();
    }
    found
}

fn of_table(table: &'static Table, name: &str) -> Vec<Found> {
    let keys = table.keys.iter().filter(|key| key.name == name);
    keys.map(|key| Found::of(key, Some(table), "", None)).collect()
}

/// What a segment means below a value of this kind.
fn below(from: Found, kind: Kind, segment: &str) -> Vec<Found> {
    let index = segment.parse::<usize>().ok();
    let element = |kind| vec![Found { kind, ..from }];
    match (kind, index) {
        (Kind::Tables(table), Some(_)) => element(Kind::Table(table)),
        (Kind::Table(table) | Kind::Tables(table), _) => of_table(table, segment),
        (Kind::Named(table), _) => element(Kind::Table(table)),
        (Kind::Quantity(unit, extra), _) => of_quantity(unit, extra, segment),
        (Kind::Process, _) => of_variants(&PROCESS, &PROCESSES, None, segment),
        (Kind::Parts, Some(_)) => from.unit.map_or_else(Vec::new, |unit| element(Kind::Quantity(unit, Extra::Weight))),
        (Kind::List(of, _), Some(_)) => element(*of),
        (Kind::Pair(pair), Some(at)) => pair.get(at).map_or_else(Vec::new, |kind| element(*kind)),
        (Kind::Analyses(_), Some(_)) => element(Kind::Text("the name of an `[analysis]` table")),
        (Kind::Either(kinds), _) => kinds.iter().flat_map(|kind| below(from, *kind, segment)).collect(),
        _ => Vec::new(),
    }
}

fn of_quantity(unit: Unit, extra: Extra, segment: &str) -> Vec<Found> {
    let everywhere = extra.keys().iter().chain([&MAX]).filter(|key| key.name == segment);
    let mut found: Vec<Found> = everywhere.map(|key| Found::of(key, None, "", Some(unit))).collect();
    found.extend(of_variants(&DISTRIBUTION, &DISTRIBUTIONS, Some(unit), segment));
    found
}

fn of_variants(tag: &'static Key, variants: &'static [Variant], unit: Option<Unit>, segment: &str) -> Vec<Found> {
    if tag.name == segment {
        return vec![Found::of(tag, None, "", unit)];
    }
    let named = |variant: &'static Variant| {
        let keys = variant.keys.iter().filter(move |key| key.name == segment);
        keys.map(move |key| Found::of(key, None, variant.name, unit))
    };
    variants.iter().flat_map(named).collect()
}

/// The tables that have a key of this name, except the one that this path leads to.
pub fn elsewhere(name: &str, path: &str) -> Vec<&'static Table> {
    let mut tables = Vec::new();
    gather(&ROOT, &mut tables);
    tables.retain(|table| table.keys.iter().any(|key| key.name == name) && !leads_to(path, table));
    tables
}

/// "`max_surge` belongs to [rollout.rolling] and [rollout.canary]": where a key has its place that the table of this path
/// does not have; `None` where no table has it.
pub fn where_it_belongs(name: &str, path: &str) -> Option<String> {
    let headers: Vec<String> = elsewhere(name, path).into_iter().map(header).collect();
    let (last, others) = headers.split_last()?;
    let joined = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
    Some(format!("`{name}` belongs to {joined}"))
}

/// Adds a table and those inside it, each once.
fn gather(table: &'static Table, found: &mut Vec<&'static Table>) {
    if !found.iter().any(|known| known.path == table.path) {
        found.push(table);
        table.keys.iter().for_each(|key| gather_below(key.kind, found));
    }
}

fn gather_below(kind: Kind, found: &mut Vec<&'static Table>) {
    match kind {
        Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) => gather(table, found),
        Kind::Either(kinds) => kinds.iter().for_each(|kind| gather_below(*kind, found)),
        Kind::List(kind, _) => gather_below(*kind, found),
        _ => {}
    }
}

/// Whether a path as in a scenario, such as `rollout.canary.steps.2` or `analysis.ttft`, is of this table.
fn leads_to(path: &str, table: &Table) -> bool {
    let mut segments = path.split('.').peekable();
    let is_index = |segment: &str| segment.parse::<usize>().is_ok();
    let follows = table.path.split('.').all(|named| {
        while named != "NAME" && segments.next_if(|segment| is_index(segment)).is_some() {}
        segments.next().is_some_and(|segment| named == "NAME" || segment == named)
    });
    follows && segments.all(is_index)
}

/// How a scenario begins the table.
fn header(table: &Table) -> String {
    if table.path.is_empty() {
        return "the top of the file".to_owned();
    }
    match find(table.path).as_slice() {
        [Found { key: Key { kind: Kind::Tables(_), .. }, .. }] => format!("[[{}]]", table.path),
        _ => format!("[{}]", table.path),
    }
}
