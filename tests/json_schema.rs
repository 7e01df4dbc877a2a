//! Every JSON document that the program writes or prints is as its published schema says, and the schemas say something.
//!
//! `docs/schemas/` is made by `CUTOVER_BLESS=1 cargo test --test json_schema`.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use assert_cmd::cargo::cargo_bin_cmd;
use cutover::ledger::{METRICS, SERIES};
use cutover::report::{Judged, StudyForm, published, run_report_of};
use cutover::{scenario, study};
use serde_json::{Value, json};
use support::small::SMALL_CANARY;
use tempfile::TempDir;

/// Two small replicas for two minutes, with a check that holds, a warning, and a choice.
const ROLLING: &str = r#"
name = "Two replicas, rolling update"
[study]
runs = 12
seed = 7
warm_up = "20s"
duration = "2m"
cool_down = "1m"
timeline_bin = "10s"
[traffic]
arrivals = { process = "poisson", rate = 2.0 }
prompt_tokens = { distribution = "lognormal", median = 100, p99 = 800, max = 2000 }
output_tokens = { distribution = "lognormal", median = 100, p99 = 900, max = 1500 }
[fleet]
replicas = 2
gpu_limit = 3
[engine]
max_num_seqs = 64
max_num_batched_tokens = 2048
step_time = { base = "10ms", per_sequence = "50us", per_prefill_token = "60us" }
[cold_start]
engine_start = "20s"
weight_load = { gigabytes = 2, gigabytes_per_second = 2.0 }
[termination]
grace_period = "5s"
[slo]
ttft = "2s"
[rollout]
strategy = "rolling"
start = "20s"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
min_ready = "1s"
progress_deadline = "1s"
[[check]]
metric = "requests"
statistic = "mean"
min = 1
[plan]
minimize = "cost_usd"
[plan.choices]
"termination.grace_period" = ["5s", "40s"]
"fleet.gpu_hour_usd" = [2.0, 3.0]
"#;

/// A command, the document that it prints, and files with the documents that they are.
type CommandLine = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Every command that finds something out.
const COMMANDS: [CommandLine; 15] = [
    ("run rolling.toml", "summary", &[("summary.json", "summary")]),
    ("run rolling.toml --precision requests.mean=3% --max-runs 80", "summary", &[("summary.json", "summary")]),
    ("run rolling.toml --set rollout.strategy=\"none\" --runs 1", "summary", &[("summary.json", "summary")]),
    ("check rolling.toml canary.toml", "check", &[("canary/summary.json", "summary")]),
    (
        "compare rolling.toml --variant fleet.gpu_hour_usd=6.0 --variant study.seed=8",
        "comparison",
        &[("comparison.json", "comparison"), ("c/summary.json", "summary")],
    ),
    (
        "sweep rolling.toml --vary termination.grace_period=5s,40s --vary fleet.gpu_limit=2,3",
        "sweep",
        &[("sweep.json", "sweep")],
    ),
    ("grace rolling.toml", "grace", &[("grace.json", "grace"), ("as-written/summary.json", "summary")]),
    ("grace rolling.toml --periods 5s,40s --cost-runs 0 --target-count 0.5", "grace", &[("grace.json", "grace")]),
    ("plan rolling.toml --runs 20", "plan", &[("plan.json", "plan"), ("best/summary.json", "summary")]),
    ("plan rolling.toml --runs 20 --set check.0.max=1", "plan", &[("plan.json", "plan")]),
    ("levers rolling.toml --runs 6 --only double-batch,quarter-more", "levers", &[("levers.json", "levers")]),
    ("power canary.toml --regression error_rate=0%,2%,40%", "power", &[("power.json", "power")]),
    ("fit day.csv", "fit", &[("fit.json", "fit")]),
    ("explain canary.toml --run 1", "explain", &[]),
    ("profiles b200-qwen3-32b-vllm", "profile", &[("profile.json", "profile")]),
];

/// A directory with the scenarios and a trace in it.
fn place() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let row = |i: u64| format!("{},{},{}\n", i * i / 9, 1 + i * i * 7_919 % 997, 1 + i * 31 % 211);
    let trace = format!("arrival_s,prompt_tokens,output_tokens\n{}", (0..300).map(row).collect::<String>());
    for (name, text) in [("rolling.toml", ROLLING), ("canary.toml", SMALL_CANARY), ("day.csv", &trace)] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// Every document of every command, by the name of its schema; each with the command that made it.
fn documents() -> &'static BTreeMap<&'static str, Vec<(String, Value)>> {
    static DOCUMENTS: OnceLock<BTreeMap<&str, Vec<(String, Value)>>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let place = place();
        let mut documents: BTreeMap<&str, Vec<(String, Value)>> = BTreeMap::new();
        let mut add = |name, from: String, text: &str| {
            let document = serde_json::from_str(text).unwrap_or_else(|error| panic!("{from}: {error}\n{text}"));
            documents.entry(name).or_default().push((from, document));
        };
        for (number, (line, printed, files)) in COMMANDS.into_iter().enumerate() {
            let out = format!("out{number}");
            let text = run(place.path(), &format!("{line} --out {out}"));
            add(printed, line.to_owned(), &text);
            for (file, name) in files {
                let path = place.path().join(&out).join(file);
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{line}: {file}: {error}"));
                add(name, format!("{file} of {line}"), &text);
            }
        }
        add("profiles", "profiles".to_owned(), &run(place.path(), "profiles"));
        let unwise = "check rolling.toml canary.toml --lint-only --set termination.endpoint_lag=3m";
        add("lint", unwise.to_owned(), &run(place.path(), unwise));
        documents
    })
}

/// What a command prints as JSON.
fn run(directory: &Path, line: &str) -> String {
    let mut command = cargo_bin_cmd!("cutover");
    command.current_dir(directory).args(line.split(' ')).args(["--format", "json"]);
    let output = command.output().unwrap();
    // Checks and goals may be missed or undecided in so few runs.
    let code = output.status.code();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(code, Some(0 | 1 | 3)), "{line}: {code:?} {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn schema(name: &str) -> Value {
    let schemas = published();
    let published = schemas.iter().find(|published| published.name == name).expect("a schema of this name");
    serde_json::from_str(&published.text()).unwrap()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(schema).expect("a schema")
}

fn schema_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

/// A study at a gate without a baseline.
fn judged(result: &study::StudyResult) -> Judged<'_> {
    let fail_on = study::FailOn::default();
    Judged { file: Path::new("scenario.toml"), result, baseline: None, lacks_baseline: false, fail_on }
}

#[test]
fn every_document_is_as_its_schema_says() {
    for published in published() {
        let validator = validator(&schema(published.name));
        let documents = documents().get(published.name).expect("a command that writes such a document");
        for (from, document) in documents {
            let errors: Vec<String> =
                validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{from}:\n{}", errors.join("\n"));
        }
    }
}

#[test]
fn what_is_printed_is_what_is_saved() {
    for name in ["summary", "comparison", "sweep", "grace", "plan", "levers", "power", "fit", "profile"] {
        let documents = &documents()[name];
        let saved = &documents.iter().find(|(from, _)| from.ends_with(&format!(" of {}", documents[0].0))).unwrap().1;
        assert_eq!(&documents[0].1, saved, "{name}");
    }
}

#[test]
fn every_document_begins_with_version_kind_and_provenance() {
    for (name, documents) in documents().iter().filter(|(name, _)| **name != "check") {
        for (from, document) in documents {
            assert_eq!((&document["schema_version"], &document["kind"]), (&1.into(), &(*name).into()), "{from}");
            assert_eq!(document["provenance"]["version"], env!("CARGO_PKG_VERSION"), "{from}");
            if !["fit", "lint", "profile", "profiles"].contains(name) {
                let keys: Vec<&String> = document["provenance"].as_object().unwrap().keys().collect();
                let all = [
                    "partial",
                    "requests_hash",
                    "runs",
                    "runs_asked_for",
                    "scenario",
                    "scenario_hash",
                    "seed",
                    "version",
                ];
                assert_eq!(keys, all, "{from}");
            }
        }
    }
}

#[test]
fn the_summary_has_the_warnings_of_the_scenario() {
    let (_, summary) = &documents()["summary"][0];
    let warning = &summary["warnings"][0];
    assert!(warning["code"].as_str().is_some_and(|code| code.starts_with('W') && code.len() == 5), "{warning}");
    assert!(warning["message"].as_str().is_some_and(|message| !message.is_empty()), "{warning}");
}

#[test]
fn the_published_schemas_are_those_of_the_program() {
    for published in published() {
        let path = schema_files().join(published.file_name());
        if std::env::var_os("CUTOVER_BLESS").is_some() {
            fs::create_dir_all(schema_files()).expect("docs can be written");
            fs::write(&path, published.text()).expect("docs can be written");
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        let name = published.file_name();
        assert_eq!(
            written,
            published.text(),
            "{name}: make it anew with CUTOVER_BLESS=1 cargo test --test json_schema"
        );
    }
    let mut files: Vec<String> =
        fs::read_dir(schema_files()).unwrap().flatten().map(|it| it.file_name().into_string().unwrap()).collect();
    files.sort();
    let mut names: Vec<String> = published().iter().map(|published| published.file_name()).collect();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn schemas_are_schemas_of_their_draft_and_explain_every_key() {
    for published in published() {
        let schema = schema(published.name);
        assert!(jsonschema::meta::is_valid(&schema), "{}", published.name);
        assert_eq!(schema["$id"], format!("urn:cutover:schema:{}:{}", published.name, published.version));
        explained(&schema, published.name);
    }
}

/// Holds that every property below has a description.
fn explained(schema: &Value, path: &str) {
    match schema {
        Value::Object(keywords) => {
            assert_ne!(keywords.get("additionalProperties"), Some(&json!(false)), "{path}: later versions add keys");
            for (name, property) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let text = property["description"].as_str().unwrap_or_default();
                assert!(text.len() > 5 && !text.contains('\n'), "{path}.{name}: {property}");
            }
            keywords.iter().for_each(|(key, value)| explained(value, &format!("{path}.{key}")));
        }
        Value::Array(all) => all.iter().for_each(|value| explained(value, path)),
        _ => {}
    }
}

/// Keys that a document may lack: those of tables with what occurs, and the few that are only there where they say something.
fn may_be_missing(path: &[String]) -> bool {
    const TABLES: [&str; 4] = ["outcomes", "values", "effects", "attempts"];
    const SPREAD: [&str; 5] = ["p50", "p90", "p95", "p99", "probability_positive"];
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["precision"] | ["events", _, "why"] | ["candidates", _, "metrics", _] => true,
        ["points", _, "metrics", _, statistic] => SPREAD.contains(&statistic),
        [.., table, _] => TABLES.contains(&table),
        _ => false,
    }
}

/// The places in a document, each but once: of an array its first element, of the metrics the first.
fn places(document: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let keys: Vec<String> = match document {
        Value::Object(object) if path.last().is_some_and(|key| key == "metrics") => {
            object.keys().take(1).cloned().collect()
        }
        Value::Object(object) => object.keys().cloned().collect(),
        Value::Array(all) => (0..all.len().min(1)).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    };
    // What a fitted distribution's parameters are depends on the distribution.
    if path.last().is_some_and(|key| key == "value") && document.is_object() {
        return;
    }
    for key in keys {
        let below = match document {
            Value::Array(all) => &all[0],
            _ => &document[&key],
        };
        path.push(key);
        found.push(path.clone());
        places(below, path, found);
        path.pop();
    }
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}

#[test]
fn a_missing_key_and_a_value_of_another_type_are_refused_everywhere() {
    let mut failures = Vec::new();
    for (name, documents) in documents().iter().filter(|(name, _)| **name != "check") {
        let validator = validator(&schema(name));
        let (from, document) = &documents[0];
        let mut all = Vec::new();
        places(document, &mut Vec::new(), &mut all);
        assert!(all.len() > 15, "{from}: {} places", all.len());
        for path in all {
            let mut wrong = document.clone();
            let value = wrong.pointer_mut(&pointer(&path)).expect("a place in it");
            *value = if value.is_object() { json!("something else") } else { json!({ "something": "else" }) };
            if validator.is_valid(&wrong) {
                failures.push(format!("{from}: {} may have any type", pointer(&path)));
            }
            let (key, parent) = path.split_last().expect("a key");
            let mut wrong = document.clone();
            let object = wrong.pointer_mut(&pointer(parent)).and_then(Value::as_object_mut);
            let Some(object) = object else { continue };
            object.remove(key);
            if validator.is_valid(&wrong) != may_be_missing(&path) {
                failures.push(format!("{from}: without {}", pointer(&path)));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn another_kind_another_version_and_an_unknown_word_are_refused_and_a_new_key_is_not() {
    let validator = validator(&schema("summary"));
    let with = |at: &str, value: Value| {
        let mut document = documents()["summary"][0].1.clone();
        *document.pointer_mut(at).expect("it is there") = value;
        validator.is_valid(&document)
    };
    assert!(!with("/kind", json!("grace")) && !with("/schema_version", json!(2)));
    assert!(!with("/checks/0/verdict", json!("perhaps")) && !with("/metrics/requests/p95/low", json!("infinite")));
    assert!(with("/metrics/requests/p95/low", json!("inf")));
    let mut later = documents()["summary"][0].1.clone();
    later["metrics"]["a_new_metric"] = json!(1);
    later["something_new"] = json!([1]);
    assert!(validator.is_valid(&later));
}

#[test]
fn the_summary_of_every_shipped_scenario_is_as_its_schema_says() {
    let validator = validator(&schema("summary"));
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(directory).unwrap().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    assert!(files.len() > 10);
    for file in files {
        let scenario = scenario::load(&file, &["study.runs=2".to_owned()], &metrics).unwrap();
        let mut result = study::run(scenario, None, &|_| {}, &AtomicBool::new(false));
        for partial in [false, true] {
            result.partial = partial;
            let document: Value = serde_json::from_str(&run_report_of(&judged(&result), StudyForm::Json)).unwrap();
            let errors: Vec<String> =
                validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{}:\n{}", file.display(), errors.join("\n"));
        }
    }
}

/// What `jq` finds at a path of keys, quoted keys and indices.
fn at<'d>(document: &'d Value, path: &str) -> Option<&'d Value> {
    let mut value = document;
    let mut rest = path.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let (key, after) = bracket.split_once(']')?;
            value = match key.parse::<usize>() {
                Ok(index) => value.get(index)?,
                Err(_) => value.get(key.trim_matches('"'))?,
            };
            rest = after.trim_start_matches('.');
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            value = value.get(&rest[..end])?;
            rest = rest[end..].trim_start_matches('.');
        }
    }
    Some(value)
}

#[test]
fn what_the_page_takes_out_of_documents_is_there() {
    let page = include_str!("../docs/json.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("jq '")).collect();
    assert!(lines.len() > 10);
    for line in lines {
        let (path, file) = line["jq '".len()..].split_once("' ").expect("a path and a file");
        let name = file.split(".json").next().expect("a file");
        let found = at(&documents()[name][0].1, path).unwrap_or_else(|| panic!("nothing there: {line}"));
        assert!(!found.is_object() && !found.is_array(), "{line}: {found}");
    }
}

#[test]
fn the_page_names_every_schema_and_every_column_of_the_tables() {
    let page = include_str!("../docs/json.md");
    for published in published() {
        let (name, file) = (published.name, published.file_name());
        assert!(page.contains(&format!("| `{name}` |")) && page.contains(&format!("](schemas/{file})")), "{name}");
    }
    let place = place();
    for (line, file, own) in [
        ("grace rolling.toml --runs 4 --cost-runs 0", "grace.csv", &[][..]),
        ("plan rolling.toml --runs 4", "plan.csv", &["fleet.gpu_hour_usd", "termination.grace_period"]),
        ("levers rolling.toml --runs 4 --only double-batch", "levers.csv", &[]),
        ("power canary.toml --runs 4 --regression error_rate=40% --curves-only", "power.csv", &[]),
        ("sweep rolling.toml --runs 4 --vary fleet.gpu_limit=2,3", "sweep.csv", &["fleet.gpu_limit"]),
        ("run rolling.toml --runs 4 --events 0 --requests 0", "runs.csv", &[]),
        ("run rolling.toml --runs 4 --events 0 --requests 0", "timeline.csv", &[]),
        ("run rolling.toml --runs 4 --events 0 --requests 0", "events.csv", &[]),
        ("run rolling.toml --runs 4 --events 0 --requests 0", "requests.csv", &[]),
    ] {
        run(place.path(), &format!("{line} --out tables"));
        let row = page.lines().find(|row| row.starts_with(&format!("| `{file}` |"))).expect("a row of the page");
        let mut reader = csv::Reader::from_path(place.path().join("tables").join(file)).unwrap();
        for column in reader.headers().unwrap() {
            let bare = column.strip_suffix("_low").or(column.strip_suffix("_high")).unwrap_or(column);
            assert!(own.contains(&bare) || is_told(row, bare), "{file}: {column} is not in: {row}");
        }
    }
}

/// Whether a row of the page tells of a column: by its name, as a metric, or by the pattern that it follows.
fn is_told(row: &str, column: &str) -> bool {
    const PATTERNS: [(&str, &str); 5] = [
        ("check.", "`check.N.METRIC.STATISTIC`"),
        ("check_", "`check_N_METRIC_STATISTIC`"),
        ("rollout_outcome.", "`rollout_outcome.OUTCOME`"),
        ("caught_by_", "`caught_by_WEIGHT`"),
        ("effect_", "`effect_MEASURE`"),
    ];
    let is_of_series = row.contains("every series")
        && SERIES.iter().any(|(_, name)| {
            let end = column.strip_prefix(name).unwrap_or_default();
            ["_mean", "_p5", "_p50", "_p95"].contains(&end)
        });
    let is_metric = |name: &str| METRICS.iter().any(|metric| name == metric.name());
    let is_of_metric = column
        .rsplit_once('.')
        .is_some_and(|(metric, of)| is_metric(metric) && row.contains(&format!("`METRIC.{of}`")));
    let follows = |(begins, pattern): &(&str, &str)| column.starts_with(begins) && row.contains(pattern);
    let names_metrics = ["every metric", "some metrics"].iter().any(|words| row.contains(words));
    row.contains(&format!("`{column}`"))
        || names_metrics && is_metric(column)
        || is_of_metric
        || is_of_series
        || PATTERNS.iter().any(follows)
}
