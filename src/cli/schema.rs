//! `schema`: the JSON Schemas of what is read and written, and what a key of a scenario means.

use std::path::{Path, PathBuf};

use super::arguments::SchemaArguments;
use super::failure::{Ending, Failure};
use super::terminal::{say, style, write_report};
use crate::ledger::METRICS;
use crate::profiles;
use crate::report::files::{OutputFile, write};
use crate::report::keys::key_report;
use crate::report::published;
use crate::scenario::keys::{self, TABLES};
use crate::scenario::{OBJECTIVES, nearest, schema};

/// `cutover schema`.
///
/// # Errors
/// There is no such key, or the schema cannot be written.
pub fn schema(arguments: &SchemaArguments) -> Result<Ending, Failure> {
    if let Some(path) = &arguments.key {
        return tell(path).map(|()| Ending::Well);
    }
    let of_document = published().into_iter().find(|schema| schema.name == arguments.name);
    let text = of_document.map_or_else(of_scenario, |schema| schema.text());
    match &arguments.out {
        None => write_report(&text)?,
        Some(file) => save(file, text)?,
    }
    Ok(Ending::Well)
}

/// The schema of a scenario as text.
fn of_scenario() -> String {
    let metrics: Vec<(&str, &str)> =
        METRICS.iter().map(|metric| (metric.name(), metric.description().meaning)).collect();
    let profiles: Vec<&str> = profiles::all().iter().map(|profile| profile.name.as_str()).collect();
    let names = schema::Names { metrics: &metrics, objectives: &OBJECTIVES, profiles: &profiles };
    format!("{:#}\n", schema::schema(&names))
}

/// What a schema is written for: an editor that reads it again and again, so the old one is replaced.
fn save(file: &Path, text: String) -> Result<(), Failure> {
    let name = file.file_name().ok_or_else(|| {
        Failure::WrongUse(format!("error: expected the name of a file after --out, found {}", file.display()))
    })?;
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    write(&directory, &[OutputFile::new(name.to_string_lossy(), text)])?;
    say(&format!("wrote {}; how an editor finds it: cutover schema --help", file.display()));
    Ok(())
}

/// What a key means.
fn tell(path: &str) -> Result<(), Failure> {
    let found = keys::find(path);
    if found.is_empty() {
        return Err(Failure::WrongUse(unknown(path)));
    }
    write_report(&key_report(path, &found, style()))
}

/// That there is no such key, with the nearest: tables that have a key of its last name, else the path that is most like
/// it, else one whose last name is.
fn unknown(path: &str) -> String {
    let key_of = |table: &str, name: &str| format!("{table}.{name}").trim_start_matches('.').to_owned();
    let last = path.rsplit('.').next().unwrap_or_default();
    let in_tables = |name: &str| -> Vec<String> {
        keys::elsewhere(name, "").into_iter().map(|table| format!("`{}`", key_of(table.path, name))).collect()
    };
    let paths: Vec<String> =
        TABLES.iter().flat_map(|table| table.keys.iter().map(|key| key_of(table.path, key.name))).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let names: Vec<&str> = TABLES.iter().flat_map(|table| table.keys.iter().map(|key| key.name)).collect();
    let near = match (in_tables(last), nearest(path, &paths)) {
        (of_last, _) if !of_last.is_empty() => of_last,
        (_, Some(path)) => vec![format!("`{path}`")],
        _ => nearest(last, &names).map(in_tables).unwrap_or_default(),
    };
    let help = match near.is_empty() {
        false => format!("did you mean {}?", near.join(" or ")),
        true => "docs/scenario.md lists every key".to_owned(),
    };
    format!("error: a scenario has no key `{path}`\n  = help: {help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_keys_are_told_and_never_the_whole_list() {
        for (given, help) in [
            ("max_surge", "did you mean `rollout.rolling.max_surge` or `rollout.canary.max_surge`?"),
            ("termination.grace_perod", "did you mean `termination.grace_period`?"),
            ("grace_perod", "did you mean `termination.grace_period`?"),
            ("fleet.replicsa", "did you mean `fleet.replicas`?"),
            ("nonsense", "docs/scenario.md lists every key"),
        ] {
            assert_eq!(unknown(given), format!("error: a scenario has no key `{given}`\n  = help: {help}"));
        }
    }
}
