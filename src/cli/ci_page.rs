//! What `docs/ci.md` gives away to be copied: YAML that parses, and commands that this program takes.

use clap::Parser;
use serde_json::Value;

use super::arguments::Arguments;

const PAGE: &str = include_str!("../../docs/ci.md");

/// The blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let begins = format!("{language}\n");
    PAGE.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix(&begins)).collect()
}

/// Every script in a pipeline: what stands under the keys that hold one.
fn scripts(value: &Value, found: &mut Vec<String>) {
    let texts = |value: &Value| -> Vec<String> {
        let lines = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        lines.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match key.as_str() {
                    "run" | "script" | "before_script" | "after_script" => found.extend(texts(value)),
                    _ => scripts(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| scripts(value, found)),
        _ => {}
    }
}

/// The commands of this program in a script, without what the shell makes of their ends.
fn commands(script: &str) -> Vec<Vec<String>> {
    let joined = script.replace("\\\n", " ");
    let of_line = |line: &str| {
        let command = line.trim().split(" || ").next()?.to_owned();
        let words: Vec<String> = command.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect();
        (words.first()? == "cutover").then_some(words)
    };
    joined.lines().filter_map(of_line).collect()
}

#[test]
fn pipelines_are_yaml_and_every_command_in_them_is_taken() {
    let mut found = Vec::new();
    for block in blocks("yaml") {
        let pipeline: Value = serde_saphyr::from_str(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
        scripts(&pipeline, &mut found);
    }
    let commands: Vec<Vec<String>> = found.iter().flat_map(|script| commands(script)).collect();
    assert!(commands.len() >= 3 && found.len() >= 8, "{found:?}");
    let lints = |command: &Vec<String>| command.iter().any(|word| word == "--lint-only");
    let gates = |command: &Vec<String>| command.iter().any(|word| word == "--baseline");
    let order: Vec<bool> = commands.iter().filter(|it| lints(it) || gates(it)).map(lints).collect();
    assert_eq!(order, [true, false, true, false], "each pipeline lints before its gate simulates");
    for command in commands {
        Arguments::try_parse_from(&command).unwrap_or_else(|error| panic!("{command:?}\n{error}"));
    }
}

#[test]
fn the_checks_that_it_shows_are_checks() {
    let traffic = "[traffic]\narrivals = { process = \"poisson\", rate = 1 }\nprompt_tokens = 1\noutput_tokens = 1\n";
    let metrics: Vec<&str> = crate::ledger::METRICS.iter().map(|metric| metric.name()).collect();
    let shown = blocks("toml");
    assert!(!shown.is_empty());
    for block in shown {
        let text = format!("{traffic}{block}");
        let scenario = crate::scenario::parse(&text, "ci.toml", std::path::Path::new("."), &[], &metrics);
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((scenario.checks.len(), scenario.promises().count()), (2, 1));
    }
}
