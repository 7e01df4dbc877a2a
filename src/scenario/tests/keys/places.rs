//! Scenarios that between them have every table, and the places in them where keys of the catalogue may stand.

use std::collections::BTreeSet;
use std::ptr;

use toml::{Table as Document, Value};

use super::super::super::keys::{
    DISTRIBUTIONS, Default, Extra, Key, Kind, MAX, Need, PROCESSES, ROOT, Table, Unit, Variant, When, find,
};

/// Between them they have every table, and every key may stand in one of them. Argo's canary, Flagger's, a trace.
pub(super) const BASES: [&str; 5] = [
    r#"
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = { distribution = "lognormal", median = 800, p99 = 6000, max = 32000 }
output_tokens = { distribution = "gamma", mean = 250, cv = 1.0 }
[clients]
backoff = { initial = "1s" }
[fleet]
stockout = { probability = 0.1, delay = "10m" }
[engine]
speculative = { tokens = 4, acceptance = 0.7 }
step_time = { base = "8ms" }
[cold_start]
provision = { distribution = "weibull", scale = "60s", shape = 1.5 }
image_pull = { distribution = "lognormal", median = "60s", sigma = 0.5 }
weight_load = { gigabytes = 27, gigabytes_per_second = 0.7 }
engine_start = { distribution = "exponential", mean = "60s" }
[termination]
[router]
[slo]
[study]
[new_version]
[rollout]
strategy = "canary"
[rollout.recreate]
[rollout.rolling]
[rollout.blue_green]
[rollout.canary]
steps = [{ set_weight = 5 }, { pause = "5m" }, { set_canary_scale = { replicas = 2 } }, { analysis = ["ttft"] }]
[analysis.ttft]
metric = "ttft"
max = "2s"
count = 5
[analysis.errors]
metric = "error_rate"
max = 0.01
[analysis.relative]
metric = "e2e"
max_ratio_to_stable = 1.2
[analysis.scraped]
metric = "ttft"
estimator = "prometheus"
max = "2s"
[analysis.judge]
metric = "ttft"
estimator = "mann_whitney"
window = "30m"
[[action]]
at = "50m"
do = "set_replicas"
replicas = 10
[[action]]
at = "51m"
do = "kill_replicas"
version = "new"
[[action]]
at = "52m"
do = "ship"
version = { name = "v3" }
[[action]]
at = "53m"
do = "pause"
[[check]]
metric = "rollout_cost_usd"
statistic = "mean"
max = 30
[plan]
"#,
    r#"
[traffic]
arrivals = { process = "gamma", rate = 6.0, cv = 2.0 }
prompt_tokens = { distribution = "uniform", low = 10, high = 1000 }
output_tokens = { distribution = "mixture", parts = [{ weight = 1, distribution = "constant", value = 10 }] }
[engine]
step_time = { base_table = [[1, "8ms"]] }
[cold_start]
provision = { distribution = "sequence", values = ["10s", "never"] }
weight_load = { distribution = "constant", value = "10s" }
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
step_weight = 10
[analysis.ttft]
metric = "ttft"
max = "2s"
count = 5
[analysis.errors]
metric = "error_rate"
max = 0.01
"#,
    r#"
[traffic]
arrivals = { process = "diurnal", mean = 6.0, peak_to_mean = 1.5, period = "24h", peak_at = "0s" }
prompt_tokens = { distribution = "zipf", exponent = 1.5, max = 1000 }
output_tokens = { distribution = "pareto", minimum = 10, alpha = 2 }
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
step_weights = [5, 50]
[analysis.ttft]
metric = "ttft"
max = "2s"
count = 5
[analysis.errors]
metric = "error_rate"
max = 0.01
"#,
    r#"
[traffic]
arrivals = { process = "mmpp", rates = [2.0, 20.0], dwell = ["5m", "30s"] }
prompt_tokens = { distribution = "empirical", file = "scenarios/traces/conversation.csv.gz", column = "prompt_tokens", max = 8000 }
output_tokens = 10
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_canary_scale = { weight = 10 } }, { set_canary_scale = { match_traffic_weight = true } }]
[analysis.ttft]
metric = "ttft"
max = "2s"
count = 5
[analysis.errors]
metric = "error_rate"
max = 0.01
"#,
    r#"
[traffic]
trace = "scenarios/traces/conversation.csv.gz"
"#,
];

/// A key of the catalogue at a place of a document: it may be there already or not.
#[derive(Clone)]
pub(super) struct Place {
    /// Keys and indices down to the table.
    table: Vec<String>,
    /// What the table is called in the catalogue.
    owner: String,
    /// The key.
    pub key: &'static Key,
    /// The unit of the distribution that the table is.
    pub unit: Option<Unit>,
}

impl Place {
    /// Dotted path.
    pub fn path(&self) -> String {
        let mut path = self.table.clone();
        path.push(self.key.name.to_owned());
        path.join(".")
    }

    /// What it is called in the catalogue.
    pub fn label(&self) -> String {
        label(&self.owner, self.key)
    }

    /// Sets the key.
    pub fn set(&self, document: &mut Document, value: &Value) {
        self.table_in(document).insert(self.key.name.to_owned(), value.clone());
    }

    /// Removes the key.
    pub fn remove(&self, document: &mut Document) {
        self.table_in(document).remove(self.key.name);
    }

    fn table_in<'d>(&self, document: &'d mut Document) -> &'d mut Document {
        let mut names = self.table.iter();
        let Some(first) = names.next() else { return document };
        let value = document.get_mut(first).expect("the place is in the document");
        let into = |value: &'d mut Value, name: &String| match value {
            Value::Array(list) => &mut list[name.parse::<usize>().expect("an index")],
            other => other.get_mut(name).expect("the place is in the document"),
        };
        names.fold(value, into).as_table_mut().expect("a table")
    }
}

fn label(owner: &str, key: &Key) -> String {
    if owner.is_empty() { key.name.to_owned() } else { format!("{owner}.{}", key.name) }
}

/// The catalogue's names of what a path may mean.
pub(super) fn labels_of(path: &str) -> BTreeSet<String> {
    let owner = |found: &super::super::super::keys::Found| match (found.table, found.variant) {
        (Some(table), _) => table.path.to_owned(),
        (None, "") => "distribution".to_owned(),
        (None, variant) => variant.to_owned(),
    };
    find(path).iter().map(|found| label(&owner(found), found.key)).collect()
}

/// Every key of the catalogue, by its name there.
pub(super) fn all_labels() -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    let of_variants = |variants: &'static [Variant], labels: &mut BTreeSet<String>| {
        variants.iter().for_each(|it| labels.extend(it.keys.iter().map(|key| label(it.name, key))));
    };
    of_variants(&DISTRIBUTIONS, &mut labels);
    of_variants(&PROCESSES, &mut labels);
    for key in Extra::Skip.keys().iter().chain(Extra::Weight.keys()).chain([&MAX]) {
        labels.insert(label("distribution", key));
    }
    collect(&ROOT, &mut labels);
    labels
}

fn collect(table: &'static Table, labels: &mut BTreeSet<String>) {
    for key in table.keys {
        labels.insert(label(table.path, key));
        inside(&key.kind, labels);
    }
}

fn inside(kind: &'static Kind, labels: &mut BTreeSet<String>) {
    match kind {
        Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) => collect(table, labels),
        Kind::Either(kinds) => kinds.iter().for_each(|kind| inside(kind, labels)),
        _ => {}
    }
}

/// A scenario as a document.
pub(super) fn document(text: &str) -> Document {
    text.parse().expect("TOML")
}

/// The document as text.
pub(super) fn rendered(document: &Document) -> String {
    toml::to_string(document).expect("TOML")
}

/// Every place in a document where a key may stand.
pub(super) fn places(document: &Document) -> Vec<Place> {
    walk(document).into_iter().filter(|(_, may)| *may).map(|(place, _)| place).collect()
}

/// Every place in a document where a key may not stand, because of its neighbours.
pub(super) fn misplaced(document: &Document) -> Vec<Place> {
    walk(document).into_iter().filter(|(_, may)| !*may).map(|(place, _)| place).collect()
}

fn walk(document: &Document) -> Vec<(Place, bool)> {
    let mut found = Vec::new();
    walk_table(&ROOT, document, &[], &mut found);
    found
}

fn walk_table(table: &'static Table, document: &Document, path: &[String], found: &mut Vec<(Place, bool)>) {
    let keys: Vec<&'static Key> = table.keys.iter().collect();
    walk_keys(&keys, table.needs, table.path, None, document, path, found);
}

fn walk_keys(
    keys: &[&'static Key],
    needs: &[Need],
    owner: &str,
    unit: Option<Unit>,
    document: &Document,
    path: &[String],
    found: &mut Vec<(Place, bool)>,
) {
    let holds = |when: &When| match when {
        When::Always => true,
        When::Beside(other) => document.contains_key(*other),
        When::Without(other) => !document.contains_key(*other),
        When::With(other, words) => {
            let default = keys.iter().find(|key| key.name == *other).map(|key| key.default);
            let default = match default {
                Some(Default::Value(value)) => value.trim_matches('"'),
                _ => "",
            };
            let word = document.get(*other).and_then(Value::as_str).unwrap_or(default);
            words.contains(&word)
        }
    };
    // What is there may exclude what is not.
    let excludes =
        |there: &Key, name: &str| there.only.iter().any(|it| matches!(it, When::Without(other) if *other == name));
    let is_there = |name: &str| document.contains_key(name);
    for key in keys {
        let one_of_others = |need: &Need| {
            let other = |name: &&str| *name != key.name && is_there(name);
            need.exactly_one && need.of.contains(&key.name) && need.of.iter().any(other) && holds(&need.when)
        };
        let excluded = keys.iter().any(|there| is_there(there.name) && excludes(there, key.name));
        let may = key.only.iter().all(holds) && !excluded && !needs.iter().any(one_of_others);
        let shared = [Extra::Skip.keys(), Extra::Weight.keys()].concat();
        let is_shared = ptr::eq(*key, &MAX) || (unit.is_some() && shared.iter().any(|it| it.name == key.name));
        let owner = if is_shared { "distribution" } else { owner };
        found.push((Place { table: path.to_vec(), owner: owner.to_owned(), key, unit }, may));
        if let Some(value) = document.get(key.name) {
            let mut below = path.to_vec();
            below.push(key.name.to_owned());
            walk_value(&key.kind, value, unit, &below, found);
        }
    }
}

fn walk_value(kind: &'static Kind, value: &Value, unit: Option<Unit>, path: &[String], found: &mut Vec<(Place, bool)>) {
    let beside = |name: String| [path, &[name]].concat();
    match (kind, value) {
        (Kind::Table(table), Value::Table(document)) if !document.contains_key("distribution") => {
            walk_table(table, document, path, found);
        }
        (Kind::Tables(table), Value::Array(list)) => {
            for (index, element) in list.iter().enumerate() {
                walk_table(table, element.as_table().expect("a table"), &beside(index.to_string()), found);
            }
        }
        (Kind::Named(table), Value::Table(document)) => {
            for (name, element) in document {
                walk_table(table, element.as_table().expect("a table"), &beside(name.clone()), found);
            }
        }
        (Kind::Quantity(unit, extra), Value::Table(document)) if document.contains_key("distribution") => {
            walk_variant(&DISTRIBUTIONS, "distribution", *extra, Some(*unit), document, path, found);
        }
        (Kind::Process, Value::Table(document)) => {
            walk_variant(&PROCESSES, "process", Extra::Nothing, None, document, path, found);
        }
        (Kind::Parts, Value::Array(list)) => {
            for (index, element) in list.iter().enumerate() {
                let document = element.as_table().expect("a table");
                let path = beside(index.to_string());
                walk_variant(&DISTRIBUTIONS, "distribution", Extra::Weight, unit, document, &path, found);
            }
        }
        (Kind::Either(kinds), _) => kinds.iter().for_each(|kind| walk_value(kind, value, unit, path, found)),
        _ => {}
    }
}

fn walk_variant(
    variants: &'static [Variant],
    tag: &str,
    extra: Extra,
    unit: Option<Unit>,
    document: &Document,
    path: &[String],
    found: &mut Vec<(Place, bool)>,
) {
    let name = document.get(tag).and_then(Value::as_str).expect("a word chooses");
    let variant = variants.iter().find(|variant| variant.name == name).expect("a known word");
    let mut keys: Vec<&'static Key> = variant.keys.iter().chain(extra.keys()).collect();
    if unit.is_some() && !keys.iter().any(|key| key.name == MAX.name) {
        keys.push(&MAX);
    }
    walk_keys(&keys, variant.needs, variant.name, unit, document, path, found);
}
