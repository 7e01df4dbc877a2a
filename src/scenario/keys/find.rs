//! Finding keys by their dotted path, as in `--set`, and tables by the name of a key.

use super::kind::{Kind, Unit};
use super::quantity::{DISTRIBUTIONS, Extra, MAX, PROCESSES, Variant};
use super::{Key, ROOT, TABLES, Table};

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

/// The tables other than this one that have a key of this name, as in their headers.
pub fn elsewhere(name: &str, path: &str) -> Vec<&'static str> {
    let has = |table: &&&Table| table.path != path && table.keys.iter().any(|key| key.name == name);
    TABLES.iter().filter(has).map(|table| table.path).collect()
}
