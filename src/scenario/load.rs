//! From a file, or its text, to a checked [`Scenario`].

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::codes::Code;
use super::problems::{Lines, LoadError, Problem, Problems};
use super::reader::{Context, Field, Section};
use super::tree::{Node, Place};
use super::{
    Rollout, Scenario, Strategy, Study, VersionSettings, actions, advice, analysis, checks, overrides, plan, replica,
    rollout, sections, traffic, written::Written,
};
use crate::units::Time;

/// Longest file that is taken for a scenario, bytes.
const LONGEST_FILE: u64 = 16 << 20;
/// Longest name of a scenario, characters.
const LONGEST_NAME: usize = 200;

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
        let mut problems = syntax_problems(text, &errors);
        problems.extend(problems_elsewhere(text, file, directory, sets, metrics, &problems));
        problems.sort_by_key(|problem| (problem.set.is_some(), problem.span.start));
        let problems = Problems { file: file.to_owned(), source: text.to_owned(), problems };
        return Err(LoadError::Problems(Box::new(problems)));
    }
    let mut root = Node::document(document.get_ref());
    let refusals: Vec<_> = sets
        .iter()
        .enumerate()
        .filter_map(|(index, set)| Some((index, overrides::apply(&mut root, index, set).err()?)))
        .collect();
    let context = Context::new(&root);
    for (index, refusal) in refusals {
        context.problem(
            Code::WRONG_SETTING,
            &Place::Set(index),
            &refusal.key,
            "wrong setting".to_owned(),
            refusal.expected,
            None,
        );
    }
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
        let problems = Problems { file: file.to_owned(), source: text.to_owned(), problems };
        return Err(LoadError::Problems(Box::new(problems)));
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

/// What reading needs beside the document.
struct Surroundings<'s> {
    file: &'s str,
    directory: &'s Path,
    metrics: &'s [&'s str],
    line_of: &'s dyn Fn(&Place) -> usize,
}

/// Reads every section; `None` if the traffic is wrong, which has been noted.
fn read_scenario(section: &Section<'_>, surroundings: &Surroundings<'_>) -> Option<Scenario> {
    let name = section.field("name").and_then(|field| read_title(&field, "a title, as text"));
    let name = name.unwrap_or_else(|| file_stem(surroundings.file));
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

/// One line for people: text of a reasonable length. It goes to terminals and into reports, so nothing in it may steer a
/// terminal or turn text around.
pub(super) fn read_title(field: &Field<'_>, expected: &str) -> Option<String> {
    let name = field.text(expected)?;
    if let Some(control) = name.chars().find(|character| steers(*character)) {
        let expected =
            format!("expected {expected} without control characters, found U+{:04X} in it", u32::from(control));
        return field.wrong_because(Code::WRONG_VALUE, expected, None);
    }
    match name.chars().count() {
        length if length > LONGEST_NAME => field.wrong_because(
            Code::WRONG_VALUE,
            format!("expected at most {LONGEST_NAME} characters, found {length}"),
            None,
        ),
        _ => Some(name.to_owned()),
    }
}

/// Whether a character is a control character, or overrides the direction of the text around it.
fn steers(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name of the file as a title.
fn file_stem(file: &str) -> String {
    let stem = Path::new(file).file_stem().map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let harmless = |character| if steers(character) { char::REPLACEMENT_CHARACTER } else { character };
    stem.chars().map(harmless).take(LONGEST_NAME).collect()
}

/// The one problem of a file that is not even TOML.
fn not_a_scenario(file: &str, before: &str, byte: usize, expected: &str) -> LoadError {
    let (line, column) = Lines::new(before).line_and_column(byte);
    let message = "this is not a scenario".to_owned();
    let problem =
        Problem { expected: expected.to_owned(), line, column, ..Problem::new(Code::NOT_A_SCENARIO, message, "") };
    LoadError::Problems(Box::new(Problems { file: file.to_owned(), source: String::new(), problems: vec![problem] }))
}

/// What is wrong with the text as TOML: of each line the first thing, since what comes after it is its consequence.
fn syntax_problems(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let lines = Lines::new(text);
    let mut problems: Vec<Problem> = Vec::new();
    for error in errors {
        let span = shown(text, error.span().unwrap_or(0..0));
        let (line, column) = lines.line_and_column(span.start);
        if problems.iter().any(|problem| problem.line == line) {
            continue;
        }
        let (expected, message) = (error.message().to_owned(), "this is not TOML".to_owned());
        problems.push(Problem { expected, line, column, span, ..Problem::new(Code::NOT_TOML, message, "") });
    }
    problems
}

/// A place that can be shown: the parser gives an empty one where something is missing, which is mostly at the end of a
/// line, or behind the last one. A caret then stands behind what is there.
fn shown(text: &str, span: Range<usize>) -> Range<usize> {
    if !span.is_empty() && !text[span.clone()].trim().is_empty() {
        return span;
    }
    let end = text.trim_end().len();
    let start = span.start.min(end);
    let character = |at: usize| text[at..].chars().next();
    match (character(start), text[..start].chars().next_back()) {
        (Some(next), _) => start..start + next.len_utf8(),
        (None, Some(last)) => start - last.len_utf8()..start,
        (None, None) => span,
    }
}

/// What is wrong on lines that are TOML, beside those that are not. The latter are left out; where that makes TOML of the
/// rest, a wrong value or an unknown key of it is one whatever was meant elsewhere. What is missing, and what contradicts
/// something else, is not known before all lines can be read.
fn problems_elsewhere(
    text: &str,
    file: &str,
    directory: &Path,
    sets: &[String],
    metrics: &[&str],
    syntax: &[Problem],
) -> Vec<Problem> {
    const CERTAIN: [Code; 6] = [
        Code::UNKNOWN_KEY,
        Code::WRONG_TYPE,
        Code::WRONG_VALUE,
        Code::WRONG_UNIT,
        Code::UNKNOWN_WORD,
        Code::UNKNOWN_METRIC,
    ];
    let Some(rest) = without_lines(text, syntax) else { return Vec::new() };
    match parse(&rest, file, directory, sets, metrics) {
        Err(LoadError::Problems(problems)) => {
            problems.problems.into_iter().filter(|problem| CERTAIN.contains(&problem.code)).collect()
        }
        _ => Vec::new(),
    }
}

/// The text with spaces in the place of the lines of these problems, so that all else stays where it is; `None` where a
/// header is among them, or what is left is not TOML either.
fn without_lines(text: &str, problems: &[Problem]) -> Option<String> {
    let mut rest = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if !problems.iter().any(|problem| problem.line == index + 1) {
            rest.push_str(line);
            continue;
        }
        if line.trim_start().starts_with('[') {
            return None;
        }
        let blanked = line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' });
        rest.extend(blanked);
    }
    DeTable::parse(&rest).is_ok().then_some(rest)
}
