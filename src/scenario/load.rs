//! From a file, or its text, to a checked [`Scenario`].

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use toml::de::DeTable;

use super::codes::Code;
use super::problems::{Lines, LoadError, Problem, Problems};
use super::reader::{Context, Section};
use super::tree::{Node, Place};
use super::{
    Rollout, Scenario, Strategy, Study, VersionSettings, actions, advice, analysis, checks, overrides, plan, replica,
    rollout, sections, syntax, title, traffic, written::Written,
};
use crate::units::Time;

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
    if text.trim_start().starts_with('{') {
        let expected = "a scenario is TOML, and this is JSON; `cutover report DIR` shows results";
        return Err(not_a_scenario(file, text, 0, expected));
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problems = syntax::problems(text, &errors, |rest| parse(rest, file, directory, sets, metrics));
        return Err(wrong(file, text, problems));
    }
    let mut root = Node::document(document.get_ref());
    let refusals: Vec<_> = sets
        .iter()
        .enumerate()
        .filter_map(|(index, set)| Some((index, overrides::apply(&mut root, index, set).err()?)))
        .collect();
    let context = Context::new(&root);
    note_refusals(&context, refusals);
    let lines = Lines::new(text);
    let line_of = |place: &Place| match place {
        Place::Span(span) => lines.line_and_column(span.start).0,
        _ => 0,
    };
    let surroundings = Surroundings { file, directory, metrics, line_of: &line_of };
    let scenario = context.section().read_whole(|section| read_scenario(section, &surroundings));
    let hash = context.hash();
    let problems = context.finish(text, sets);
    if !problems.is_empty() {
        return Err(wrong(file, text, problems));
    }
    let Some(mut scenario) = scenario else {
        return Err(not_a_scenario(file, text, 0, "the scenario could not be read"));
    };
    scenario.hash = hash;
    scenario.source = text.to_owned();
    scenario.settings = sets.to_vec();
    scenario.written = Written::new(file, text, root, sets);
    scenario.warnings = advice::warnings(&scenario);
    Ok(scenario)
}

/// That these problems keep a file with this text from being a scenario.
fn wrong(file: &str, text: &str, problems: Vec<Problem>) -> LoadError {
    LoadError::Problems(Box::new(Problems { file: file.to_owned(), source: text.to_owned(), problems }))
}

/// Notes each `--set` that could not be applied, by its place among all.
fn note_refusals(context: &Context<'_>, refusals: Vec<(usize, overrides::Refusal)>) {
    for (index, refusal) in refusals {
        let message = "wrong setting".to_owned();
        context.problem(Code::WRONG_SETTING, &Place::Set(index), &refusal.key, message, refusal.expected, None);
    }
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
    let name = section.field("name").and_then(|field| title::read(&field, "a title, as text"));
    let name = name.unwrap_or_else(|| title::of_file(surroundings.file));
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
    let judged =
        checks::Judged { metrics: surroundings.metrics, line_of: surroundings.line_of, has_slo: slo.is_some() };
    let checks = section.field("check").map(|field| checks::read(&field, &judged));
    let plan = section.has("plan").then(|| section.read("plan", |table| plan::read(table, surroundings.metrics)));
    section.field("plan");
    if let Some(slo) = &slo {
        sections::check_slo(section.context, slo, &study);
    }
    check_start(section.context, &rollout, &study);
    if let Some(traffic) = &traffic {
        traffic::check_replay(section.context, traffic, &study);
    }
    let new_version = section.read("new_version", |table| sections::version(table, "new"));
    let mut versions = vec![VersionSettings::like_stable("stable"), new_version];
    let actions = section.field("action").map(|field| actions::read(&field, &mut versions, &rollout, &study));
    let scenario = Scenario {
        name,
        study,
        clients: section.read("clients", sections::clients),
        router: section.read("router", sections::router),
        fleet: section.read("fleet", |table| sections::fleet(table, surroundings.directory, engine.profile)),
        cold_start: section
            .read("cold_start", |table| replica::cold_start(table, surroundings.directory, engine.profile)),
        termination: section.read("termination", replica::termination),
        versions,
        actions: actions.unwrap_or_default(),
        traffic: traffic?,
        engine,
        slo,
        rollout,
        analyses,
        checks: checks.unwrap_or_default(),
        plan,
        hash: String::new(),
        read_by: env!("CARGO_PKG_VERSION").to_owned(),
        source: String::new(),
        settings: Vec::new(),
        warnings: Vec::new(),
        written: Written::default(),
    };
    Some(scenario)
}

/// A rollout that starts after the measured window would never be seen.
fn check_start(context: &Context<'_>, rollout: &Rollout, study: &Study) {
    let starts_inside = rollout.start.0 < study.duration.0 as i64;
    if matches!(rollout.strategy, Strategy::None) || starts_inside {
        return;
    }
    if !context.are_sound(&["rollout.start", "study.duration"]) {
        return;
    }
    const MESSAGE: &str = "the rollout starts after the end";
    let (start, duration) = (rollout.start.since(Time::ZERO), study.duration);
    if context.is_written("rollout.start") {
        let expected = format!("expected a start before `study.duration`, which is {duration}, found {start}");
        context.conflict(Code::OUTSIDE_WINDOW, "rollout.start", MESSAGE, expected, None);
        context.beside("study.duration", "the window ends then");
    } else {
        let expected = format!("expected more than the default `rollout.start`, which is {start}, found {duration}");
        let help = Some("set `rollout.start`, or a longer `study.duration`".to_owned());
        context.conflict(Code::OUTSIDE_WINDOW, "study.duration", MESSAGE, expected, help);
    }
}

/// The one problem of a file that is not even TOML.
fn not_a_scenario(file: &str, before: &str, byte: usize, expected: &str) -> LoadError {
    let (line, column) = Lines::new(before).line_and_column(byte);
    let message = "this is not a scenario".to_owned();
    let problem =
        Problem { expected: expected.to_owned(), line, column, ..Problem::new(Code::NOT_A_SCENARIO, message, "") };
    wrong(file, "", vec![problem])
}
