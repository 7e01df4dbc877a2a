//! `[[action]]`: what operators and the world do during a run, and the versions that they ship.

use super::codes::Code;
use super::policy::{Action, ActionKind, Strategy, VersionSettings};
use super::reader::{Field, Section};
use super::sections;
use super::tree::Value;
use super::{Rollout, Study};
use crate::units::{Duration, Time};

/// Versions that a scenario may name, the first two included.
const MOST_VERSIONS: usize = 32;
/// Longest name of a version, characters.
const LONGEST_NAME: usize = 40;

/// What can be done; numbers and versions are read once it is known what.
const KINDS: [ActionKind; 12] = [
    ActionKind::SetReplicas(0),
    ActionKind::Pause,
    ActionKind::Resume,
    ActionKind::Abort,
    ActionKind::Retry,
    ActionKind::Promote,
    ActionKind::PromoteFull,
    ActionKind::RollBack,
    ActionKind::Ship(0),
    ActionKind::MakeUnready { version: None, replicas: 1 },
    ActionKind::MakeReady { version: None, replicas: 1 },
    ActionKind::KillReplicas { version: None, replicas: 1 },
];

/// Reads `[[action]]`; a `ship` may add to `versions`.
pub(super) fn read(
    field: &Field<'_>,
    versions: &mut Vec<VersionSettings>,
    rollout: &Rollout,
    study: &Study,
) -> Vec<Action> {
    let elements = field.list("a list of tables: [[action]]").unwrap_or_default();
    let read = |element: &Field<'_>| element.table()?.read_whole(|table| action(table, versions, rollout, study));
    elements.iter().filter_map(read).collect()
}

fn action(
    table: &Section<'_>,
    versions: &mut Vec<VersionSettings>,
    rollout: &Rollout,
    study: &Study,
) -> Option<Action> {
    let at = table.required("at", "when, from time zero, such as \"50m\"");
    let at = at.and_then(|field| read_time(&field, study.duration));
    let words = KINDS.map(|kind| (kind.name(), kind));
    let names = words.map(|(name, _)| name).join(", ");
    let what = table.required("do", &format!("one of {names}"));
    let Some(kind) = what.as_ref().and_then(|field| field.choice(&words, &[])) else {
        // What was meant is not known, nor which keys belong to it.
        ["replicas", "version"].iter().for_each(|key| drop(table.field(key)));
        return None;
    };
    if let Some(field) = &what {
        check_strategy(field, kind, &rollout.strategy);
    }
    let kind = match kind {
        ActionKind::SetReplicas(_) => {
            let replicas = table.required("replicas", "the number of replicas to have from then on");
            ActionKind::SetReplicas(replicas?.whole(0..=10_000)? as u32)
        }
        ActionKind::Ship(_) => ActionKind::Ship(shipped(table, versions)?),
        ActionKind::MakeUnready { .. } => {
            let (version, replicas) = concerned(table, versions)?;
            ActionKind::MakeUnready { version, replicas }
        }
        ActionKind::MakeReady { .. } => {
            let (version, replicas) = concerned(table, versions)?;
            ActionKind::MakeReady { version, replicas }
        }
        ActionKind::KillReplicas { .. } => {
            let (version, replicas) = concerned(table, versions)?;
            ActionKind::KillReplicas { version, replicas }
        }
        other => other,
    };
    Some(Action { at: at?, kind })
}

/// Whose replicas, of any version if none is named, and how many; `None` if that is wrong.
fn concerned(table: &Section<'_>, versions: &[VersionSettings]) -> Option<(Option<usize>, u32)> {
    let version = table.field("version").map(|field| known_version(&field, versions));
    let replicas = table.whole("replicas", 1..=10_000, 1);
    match version {
        Some(version) => Some((Some(version?), replicas)),
        None => Some((None, replicas)),
    }
}

/// An action after the measured window would never be seen.
fn read_time(field: &Field<'_>, duration: Duration) -> Option<Time> {
    let at = field.duration()?;
    if at >= duration {
        let expected = format!("expected a time before `study.duration`, which is {duration}, found {at}");
        return field.wrong_because(Code::OUTSIDE_WINDOW, expected, None);
    }
    Some(Time::ZERO + at)
}

/// What a strategy's controller cannot be asked for is refused.
fn check_strategy(field: &Field<'_>, kind: ActionKind, strategy: &Strategy) {
    let has_steps = matches!(strategy, Strategy::BlueGreen(_) | Strategy::Canary(_));
    let needs_rollout = matches!(
        kind,
        ActionKind::Abort | ActionKind::Pause | ActionKind::Resume | ActionKind::RollBack | ActionKind::Ship(_)
    );
    let is_flagger = matches!(strategy, Strategy::Flagger(_));
    let needs_argo = matches!(kind, ActionKind::Retry | ActionKind::Promote | ActionKind::PromoteFull);
    let refuse = |why: &str| {
        field.wrong_because::<()>(Code::IMPOSSIBLE_ACTION, format!("{why}, found {}", field.found()), None);
    };
    if matches!(strategy, Strategy::None) && (needs_rollout || needs_argo) {
        refuse("expected something that needs no rollout: `rollout.strategy` is \"none\"");
    } else if needs_argo && is_flagger {
        refuse("expected something that Flagger can be asked for (pause, resume, abort, roll_back, ship)");
    } else if (needs_argo || kind == ActionKind::Abort) && !has_steps && !is_flagger {
        refuse(
            "expected something that a Kubernetes Deployment can do (pause, resume, roll_back, ship): only \"canary\" \
             and \"blue_green\" know this",
        );
    }
}

/// The version that a `ship` names, or describes.
fn shipped(table: &Section<'_>, versions: &mut Vec<VersionSettings>) -> Option<usize> {
    let expected = "a table such as { name = \"v3\", step_time_factor = 1.2 }, or the name of a version";
    let field = table.required("version", expected)?;
    match &field.node.value {
        Value::Text(_) => known_version(&field, versions),
        Value::Table(_) => {
            let version = field.table()?.read_whole(|table| {
                let name = table.required("name", "the version's name in files, such as \"v3\"");
                let name = name.and_then(|field| read_name(&field, versions));
                let settings = sections::version(table, name.unwrap_or_default());
                name.map(|_| settings)
            })?;
            if versions.len() >= MOST_VERSIONS {
                return field.wrong_because(
                    Code::VERSION_NAME,
                    format!("expected at most {MOST_VERSIONS} versions in a scenario"),
                    None,
                );
            }
            versions.push(version);
            Some(versions.len() - 1)
        }
        _ => field.wrong(Code::WRONG_TYPE, expected),
    }
}

fn read_name<'a>(field: &Field<'a>, versions: &[VersionSettings]) -> Option<&'a str> {
    let name = field.text("a name, as text")?;
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(is_plain) {
        return field.wrong(
            Code::VERSION_NAME,
            format_args!("a name of letters, digits, `.`, `_` and `-`, at most {LONGEST_NAME}"),
        );
    }
    if versions.iter().any(|version| version.name == name) {
        let help = Some(format!("to ship it again: version = \"{name}\""));
        return field.wrong_because(
            Code::VERSION_NAME,
            format!("expected a new name: there is a version \"{name}\" already"),
            help,
        );
    }
    Some(name)
}

/// The number of a version that has been named before.
fn known_version(field: &Field<'_>, versions: &[VersionSettings]) -> Option<usize> {
    let names: Vec<&str> = versions.iter().map(|version| version.name.as_str()).collect();
    let Value::Text(name) = &field.node.value else { return field.unknown_word(Code::VERSION_NAME, &names) };
    names.iter().position(|known| known == name).or_else(|| field.unknown_word(Code::VERSION_NAME, &names))
}
