//! In which order candidates are told, and by which names.

use super::Planned;
use crate::digits::counted;
use crate::scenario::Axis;
use crate::study::Verdict;
use crate::study::plan::{Feasibility, Ranked, Standing, violation};

/// The candidates in the order in which they are told: the best, the runner-up, the others by how much their objective
/// exceeds the best one's, then those that fail checks, by how much, then those without a value.
pub fn ranking(planned: &Planned<'_>) -> Vec<usize> {
    let outcome = planned.outcome;
    let key = |index: usize| {
        let candidate = &outcome.candidates[index];
        let excess = candidate.excess.map_or(f64::INFINITY, |excess| excess.value);
        let checks = outcome.rules.checks.iter().zip(&candidate.checks);
        let worst = checks.map(|(check, found)| violation(check, found.estimate.value)).fold(0.0, f64::max);
        match candidate.standing {
            _ if Some(index) == outcome.best => (0, 0.0),
            _ if Some(index) == outcome.runner_up => (1, 0.0),
            Standing::Empty => (4, worst),
            Standing::Breaks(_) => (3, worst),
            _ if outcome.best.is_none() => (2, worst),
            _ => (2, excess),
        }
    };
    let mut order: Vec<usize> = (0..outcome.candidates.len()).collect();
    order.sort_by(|a, b| {
        let (one, other) = (key(*a), key(*b));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then(a.cmp(b))
    });
    order
}

/// For each axis as much of the end of its key as tells it from the others: `grace_period`, `canary.max_surge`.
pub fn short_keys(axes: &[Axis]) -> Vec<String> {
    let end = |key: &str, parts: usize| {
        let all: Vec<&str> = key.split('.').collect();
        all[all.len().saturating_sub(parts)..].join(".")
    };
    let is_taken = |at: usize, short: &str, parts: usize| {
        axes.iter().enumerate().any(|(other, axis)| other != at && end(&axis.key, parts) == *short)
    };
    let shortened = |(at, axis): (usize, &Axis)| {
        let longest = axis.key.split('.').count();
        let parts = (1..longest).find(|parts| !is_taken(at, &end(&axis.key, *parts), *parts)).unwrap_or(longest);
        end(&axis.key, parts)
    };
    axes.iter().enumerate().map(shortened).collect()
}

/// A candidate's settings in words: `rolling, max_surge 25%, grace_period 5m`; only of axes with several values.
pub fn label(planned: &Planned<'_>, candidate: &Ranked) -> String {
    let keys = short_keys(planned.axes);
    let settings = planned.axes.iter().zip(&keys).zip(&candidate.assignment);
    let words: Vec<String> = settings
        .filter_map(|((axis, key), value)| {
            let value = axis.values[(*value)?].trim_matches('"');
            let is_named = key == "strategy";
            (axis.values.len() > 1).then(|| if is_named { value.to_owned() } else { format!("{key} {value}") })
        })
        .collect();
    if words.is_empty() { "as written".to_owned() } else { words.join(", ") }
}

/// How a candidate stands, in a few words. Candidates are numbered from 1.
pub fn standing(planned: &Planned<'_>, index: usize) -> String {
    let outcome = planned.outcome;
    let candidate = &outcome.candidates[index];
    let mut words = match candidate.standing {
        Standing::Best => "best".to_owned(),
        Standing::WithinTolerance => "within tolerance".to_owned(),
        Standing::Worse => "worse".to_owned(),
        Standing::SlightlyWorse => "slightly worse".to_owned(),
        Standing::Tie => "tie".to_owned(),
        Standing::NotBetter => "not better".to_owned(),
        Standing::Open => "open".to_owned(),
        Standing::Empty => format!("a run has no {}", outcome.rules.objective.name()),
        Standing::Breaks(check) => {
            let check = &outcome.rules.checks[check];
            format!("fails {} {}", check.metric, check.statistic.name())
        }
        Standing::Beaten(by, runs) if Some(by) == outcome.best => {
            format!("beaten after {}", counted(runs as f64, "run"))
        }
        Standing::Beaten(by, runs) => format!("beaten by {} after {}", by + 1, counted(runs as f64, "run")),
    };
    let is_told = matches!(
        candidate.standing,
        Standing::Best | Standing::WithinTolerance | Standing::Tie | Standing::NotBetter | Standing::Open
    );
    if is_told && candidate.feasibility == Feasibility::Undecided && !outcome.rules.checks.is_empty() {
        // The ordinary interval may say of a check what the race is not yet sure of.
        let failing = candidate.checks.iter().find(|found| found.verdict == Verdict::Failed);
        words.push_str(&failing.map_or(", checks open".to_owned(), |found| {
            format!(", seems to fail {} {}", found.metric, found.statistic.name())
        }));
    }
    if Some(index) == outcome.runner_up { format!("runner-up, {words}") } else { words }
}
