//! From a file, or its text, to a checked [`Scenario`].

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use toml::de::DeTable;

use super::problems::{LoadError, Problem, Problems, line_and_column};
use super::reader::{Context, Section};
use super::tree::{Node, Place};
use super::{Rollout, Scenario, Strategy, Study, advice, analysis, overrides, replica, rollout, sections, traffic};

/// Longest file that is taken for a scenario, bytes.
const LONGEST_FILE: u64 = 16 << 20;

/// Reads and checks the scenario in a file, after applying `sets` (each `KEY=VALUE`). `metrics` are the names that a
/// check may use.
///
/// # Errors
/// The file cannot be read, or something is wrong with the scenario: then everything that is, at once.
pub fn load(path: &Path, sets: &[String], metrics: &[&str]) -> Result<Scenario, LoadError> {
    let file = path.display().to_string();
    let unreadable = |reason: String| LoadError::Unreadable { file: file.clone(), reason };
    if path.is_dir() {
        return Err(unreadable("it is a directory, not a scenario file".to_owned()));
    }
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    opened.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(not_a_scenario(&file, "", 0, "expected a scenario, found a file of more than 16 MiB"));
    }
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
            let expected = "expected text in UTF-8, found bytes that are none: is this a scenario?";
            return Err(not_a_scenario(&file, &before, before.len(), expected));
        }
    };
    parse(text, &file, path.parent().unwrap_or(Path::new("")), sets, metrics)
}

/// Checks the text of a scenario, after applying `sets`. The files that it names are looked for in `directory`.
///
/// # Errors
/// Something is wrong with the scenario: then everything that is, at once.
pub fn parse(
    text: &str,
    file: &str,
    directory: &Path,
    sets: &[String],
    metrics: &[&str],
) -> Result<Scenario, LoadError> {
    if let Some(byte) = text.find('\0') {
        return Err(not_a_scenario(file, text, byte, "expected text, found a zero byte: is this a scenario?"));
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        let expected =
            "expected at least [traffic] with arrivals, prompt_tokens and output_tokens, found an empty file";
        return Err(not_a_scenario(file, text, 0, expected));
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(syntax_problems(file, text, &errors));
    }
    let mut root = Node::document(document.get_ref());
    let refusals: Vec<_> = sets
        .iter()
        .enumerate()
        .filter_map(|(index, set)| Some((index, overrides::apply(&mut root, index, set).err()?)))
        .collect();
    let context = Context::new(&root);
    for (index, refusal) in refusals {
        context.problem(&Place::Set(index), &refusal.key, "wrong --set".to_owned(), refusal.expected, None);
    }
    let line_of = |place: &Place| match place {
        Place::Span(span) => line_and_column(text, span.start).0,
        _ => 0,
    };
    let surroundings = Surroundings { file, directory, metrics, line_of: &line_of };
    let scenario = context.section().read_whole(|section| read_scenario(section, &surroundings));
    let hash = root.hash();
    context.finish(file, text, sets).map_err(|problems| LoadError::Problems(Box::new(problems)))?;
    let Some(mut scenario) = scenario else {
        return Err(not_a_scenario(file, text, 0, "the scenario could not be read"));
    };
    scenario.hash = hash;
    scenario.warnings = advice::warnings(&scenario);
    Ok(scenario)
}

/// What reading needs beside the document.
struct Surroundings<'s> {
    file: &'s str,
    directory: &'s Path,
    metrics: &'s [&'s str],
    line_of: &'s dyn Fn(&Place) -> usize,
}

/// Reads every section; `None` if the traffic is wrong, which has been noted.
fn read_scenario(section: &Section<'_>, surroundings: &Surroundings<'_>) -> Option<Scenario> {
    section.not_supported(&["action", "plan"]);
    let name = section.field("name").and_then(|field| field.text("a title, as text"));
    let name = name.map_or_else(|| file_stem(surroundings.file), str::to_owned);
    let study = section.read("study", sections::study);
    let engine = section.read("engine", replica::engine);
    section.required("traffic", "a table [traffic] with arrivals, prompt_tokens and output_tokens, or with a trace");
    let traffic = section.read("traffic", |table| traffic::read(table, surroundings.directory, &engine));
    let slo = section.has("slo").then(|| section.read("slo", sections::slo));
    section.field("slo");
    let analyses = section.read("analysis", analysis::templates);
    let rollout = match section.has("rollout") {
        true => section.read("rollout", |table| rollout::read(table, &analyses)),
        false => rollout::none(),
    };
    section.field("rollout");
    let checks = section.field("check");
    let checks = checks.map(|field| analysis::checks(&field, surroundings.metrics, surroundings.line_of));
    if let Some(slo) = &slo {
        sections::check_slo(section.context, slo, &study);
    }
    check_start(section.context, &rollout, &study);
    let scenario = Scenario {
        name,
        study,
        clients: section.read("clients", sections::clients),
        router: section.read("router", sections::router),
        fleet: section.read("fleet", sections::fleet),
        cold_start: section.read("cold_start", |table| replica::cold_start(table, surroundings.directory)),
        termination: section.read("termination", replica::termination),
        new_version: section.read("new_version", sections::new_version),
        traffic: traffic?,
        engine,
        slo,
        rollout,
        analyses,
        checks: checks.unwrap_or_default(),
        hash: String::new(),
        warnings: Vec::new(),
    };
    Some(scenario)
}

/// A rollout that starts after the measured window would never be seen.
fn check_start(context: &Context<'_>, rollout: &Rollout, study: &Study) {
    let starts_inside = rollout.start.0 < study.duration.0 as i64;
    if matches!(rollout.strategy, Strategy::None) || starts_inside {
        return;
    }
    if context.are_sound(&["rollout.start", "study.duration"]) {
        let start = rollout.start.since(crate::units::Time::ZERO);
        let expected = format!("expected a start before `study.duration`, which is {}, found {start}", study.duration);
        context.conflict("rollout.start", "the rollout starts after the end", expected, None);
    }
}

fn file_stem(file: &str) -> String {
    Path::new(file).file_stem().map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The one problem of a file that is not even TOML.
fn not_a_scenario(file: &str, before: &str, byte: usize, expected: &str) -> LoadError {
    let (line, column) = line_and_column(before, byte);
    let problem = Problem {
        message: "this is not a scenario".to_owned(),
        expected: expected.to_owned(),
        help: None,
        key: String::new(),
        line,
        column,
        span: 0..0,
        set: None,
    };
    LoadError::Problems(Box::new(Problems { file: file.to_owned(), source: String::new(), problems: vec![problem] }))
}

/// What is wrong with the text as TOML; nothing more can be said before that is mended.
fn syntax_problems(file: &str, text: &str, errors: &[toml::de::Error]) -> LoadError {
    let problems = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            let (line, column) = line_and_column(text, span.start);
            Problem {
                message: "this is not TOML".to_owned(),
                expected: error.message().to_owned(),
                help: None,
                key: String::new(),
                line,
                column,
                span,
                set: None,
            }
        })
        .collect();
    LoadError::Problems(Box::new(Problems { file: file.to_owned(), source: text.to_owned(), problems }))
}
