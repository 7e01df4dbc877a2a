//! The JSON Schema of a scenario against the reader: what the reader takes is valid, and what is invalid the reader refuses.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use cutover::ledger::METRICS;
use cutover::scenario;
use cutover::scenario::keys::TABLES;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value as Json;
use toml::{Table, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// What the command prints.
fn printed() -> String {
    let assert = cargo_bin_cmd!("cutover").arg("schema").assert().code(0);
    String::from_utf8(assert.get_output().stdout.clone()).expect("text")
}

fn validator() -> Validator {
    let schema: Json = serde_json::from_str(&printed()).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema), "the schema itself is one of draft 7");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Every scenario that ships, and the example of the format.
fn scenarios() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scenario/tests/example.toml"));
    let read = |path: &PathBuf| (path.display().to_string(), fs::read_to_string(path).unwrap());
    paths.iter().map(read).collect()
}

fn is_valid(validator: &Validator, document: &Table) -> bool {
    validator.is_valid(&serde_json::to_value(document).expect("JSON"))
}

/// Whether the reader takes it.
fn is_taken(text: &str) -> bool {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    scenario::parse(text, "scenario.toml", &folder(), &[], &metrics).is_ok()
}

#[test]
fn every_scenario_that_ships_is_valid() {
    let validator = validator();
    let shipped = scenarios();
    assert!(shipped.len() > 15, "{} scenarios", shipped.len());
    for (name, text) in shipped {
        let json = serde_json::to_value(text.parse::<Table>().unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
    let text: String = TABLES.iter().flat_map(|table| [table.example, "\n\n"]).collect();
    assert!(is_valid(&validator, &text.parse().unwrap()), "{text}");
}

/// Every place in a document: keys and indices.
fn paths(value: &Value, above: &[String], found: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let path = [above, &[name]].concat();
        found.push(path.clone());
        paths(child, &path, found);
    }
}

fn at<'v>(value: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().fold(value, |value, name| match value {
        Value::Array(list) => &mut list[name.parse::<usize>().unwrap()],
        other => other.get_mut(name).unwrap(),
    })
}

#[test]
fn values_of_a_wrong_type_and_unknown_keys_are_invalid_everywhere() {
    let validator = validator();
    for (name, text) in scenarios() {
        let document: Value = Value::Table(text.parse().unwrap());
        let mut found = Vec::new();
        paths(&document, &[], &mut found);
        // What a plan may choose is read with each choice, not before.
        for path in found.iter().filter(|path| path[0] != "plan") {
            let mut changed = document.clone();
            *at(&mut changed, path) = Value::Array(vec![Value::Array(vec![Value::Array(Vec::new())])]);
            assert!(!is_valid(&validator, changed.as_table().unwrap()), "{name}: a list at {}", path.join("."));
            let mut changed = document.clone();
            if let Value::Table(table) = at(&mut changed, path) {
                // Names of analyses are the scenario's own.
                if path.join(".") != "analysis" {
                    table.insert("bogus".to_owned(), Value::Integer(1));
                    assert!(!is_valid(&validator, changed.as_table().unwrap()), "{name}: bogus in {}", path.join("."));
                }
            }
        }
    }
}

/// Values that scenarios have somewhere, and some that they have nowhere.
const VALUES: [&str; 34] = [
    "0",
    "1",
    "-1",
    "0.5",
    "1.5",
    "1e9",
    "100",
    "101",
    "true",
    "false",
    "\"\"",
    "\"0s\"",
    "\"90s\"",
    "\"1h 30m\"",
    "\".5m\"",
    "\"5\"",
    "\"25%\"",
    "\"+7 %\"",
    "\"101%\"",
    "\"0.5%\"",
    "\"1.5 GB/s\"",
    "\"never\"",
    "\"until_promoted\"",
    "\"ttft\"",
    "\"canary\"",
    "\"flagger\"",
    "\"mann_whitney\"",
    "[]",
    "[1]",
    "[\"ttft\"]",
    "{}",
    "{ distribution = \"constant\", value = \"9s\" }",
    "{ distribution = \"gamma\", mean = 9, cv = 0 }",
    "{ process = \"gamma\", rate = 1, cv = 1 }",
];
/// Names of keys to put in wrong or right places.
const NAMES: [&str; 16] = [
    "max",
    "weight",
    "skip_probability",
    "steps",
    "interval",
    "quantile",
    "max_ratio_to_stable",
    "fail_above",
    "trace_speed",
    "replicas",
    "version",
    "min_ready",
    "base_table",
    "step_weight",
    "distribution",
    "profile",
];

fn parsed(value: &str) -> Value {
    let document: Table = format!("it = {value}").parse().unwrap();
    document["it"].clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_invalid_is_refused_and_what_is_taken_is_valid(
        which in 0usize..100,
        changes in prop::collection::vec((0usize..1000, 0usize..4, prop::sample::select(&VALUES[..]), prop::sample::select(&NAMES[..])), 1..3),
    ) {
        thread_local! {
            static SHARED: (Validator, Vec<(String, String)>) = (validator(), scenarios());
        }
        SHARED.with(|(validator, shipped)| {
            // Traces take long to read.
            let shipped: Vec<_> = shipped.iter().filter(|(name, _)| !name.contains("trace")).collect();
            let mut document = Value::Table(shipped[which % shipped.len()].1.parse().unwrap());
            for (place, what, value, name) in changes {
                change(&mut document, place, what, &parsed(value), name);
            }
            let document = document.as_table().unwrap();
            let text = toml::to_string(document).unwrap();
            if is_taken(&text) {
                let json = serde_json::to_value(document).unwrap();
                let errors: Vec<String> = validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
                assert!(errors.is_empty(), "taken, and invalid: {errors:?}\n{text}");
            }
        });
    }
}

/// Changes one thing: another value, a key less, a key more, a value from elsewhere.
fn change(document: &mut Value, place: usize, what: usize, value: &Value, name: &str) {
    let mut found = Vec::new();
    paths(document, &[], &mut found);
    let path = found[place % found.len()].clone();
    let (last, above) = path.split_last().unwrap();
    match (what, at(document, above)) {
        (0 | 1, _) => *at(document, &path) = value.clone(),
        (2, Value::Table(table)) => drop(table.remove(last)),
        (2, Value::Array(list)) => drop(list.remove(last.parse().unwrap())),
        (_, Value::Table(table)) => drop(table.insert(name.to_owned(), value.clone())),
        _ => {}
    }
}

#[test]
fn the_command_writes_the_schema_and_tells_of_keys() {
    let place = tempfile::tempdir().unwrap();
    let command = |line: &str| {
        let mut command = cargo_bin_cmd!("cutover");
        command.current_dir(place.path()).args(line.split(' '));
        command
    };
    for _ in 0..2 {
        // An older one is replaced.
        command("schema scenario --out scenario.schema.json").assert().code(0).stdout("");
        assert_eq!(fs::read_to_string(place.path().join("scenario.schema.json")).unwrap(), printed());
    }
    command("schema --out missing/.. ").assert().code(2);
    let told = command("schema --key termination.grace_period").assert().code(0);
    assert!(String::from_utf8_lossy(&told.get_output().stdout).contains("SIGKILL"));
    let refused = command("schema --key max_surge").assert().code(2).stdout("");
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(said.contains("did you mean `rollout.rolling.max_surge` or `rollout.canary.max_surge`?"), "{said}");
    command("schema bogus").assert().code(2);
}
