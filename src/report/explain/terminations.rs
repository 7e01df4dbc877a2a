//! How each replica of a run went down, phase by phase, and which requests that lost.

use super::Explained;
use super::replicas::{Life, lives};
use crate::ledger::RequestRow;
use crate::report::format::clock;
use crate::report::layout::{hanging, in_pieces};
use crate::units::Time;

/// Rows that are shown at most of each table.
const MOST_SHOWN: usize = 40;

/// When a replica was told to terminate, or was killed without being told.
fn told(life: &Life<'_>) -> Option<Time> {
    life.when("terminating").or_else(|| life.when("sigkill"))
}

/// A row for each replica that was told to terminate, or killed; times after that moment.
pub(super) fn table(explained: &Explained<'_>, width: usize) -> Vec<String> {
    let lag = explained.scenario.termination.endpoint_lag;
    let lives = lives(explained.log);
    let mut rows = vec![
        [
            "replica",
            "version",
            "told at",
            "off router",
            "SIGTERM",
            "last request",
            "SIGKILL",
            "gone",
            "had",
            "cut",
            "refused",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let doomed: Vec<&Life<'_>> = lives.iter().filter(|life| told(life).is_some()).collect();
    for life in doomed.iter().take(MOST_SHOWN) {
        let told = told(life).unwrap_or_default();
        let after = |at: Option<Time>| at.map_or("-".to_owned(), |at| format!("+{:.1} s", at.since(told).seconds()));
        let served: Vec<&RequestRow> = of_replica(explained, life.id).collect();
        let had = served.iter().filter(|row| row.arrival <= told && is_later(row.finish, told));
        let ended = |outcomes: &[&str]| {
            served.iter().filter(|row| is_later(row.finish, told) && outcomes.contains(&row.outcome)).count()
        };
        let last = served.iter().filter_map(|row| row.finish).filter(|finish| *finish > told).max();
        rows.push(vec![
            life.id.to_string(),
            life.version.to_owned(),
            clock(told.0),
            after(life.when("sigterm").map(|_| told + lag)),
            after(life.when("sigterm")),
            after(last),
            after(life.when("sigkill")),
            after(life.when("gone")),
            had.count().to_string(),
            ended(&["truncated", "dropped"]).to_string(),
            ended(&["refused"]).to_string(),
        ]);
    }
    if rows.len() == 1 {
        return Vec::new();
    }
    let mut lines = in_pieces(&rows, &[0, 2, 3, 4, 5, 6, 7, 8, 9, 10], width);
    if doomed.len() > MOST_SHOWN {
        lines.push(format!("and {} more, in events.csv", doomed.len() - MOST_SHOWN));
    }
    lines
}

fn is_later(finish: Option<Time>, told: Time) -> bool {
    finish.is_none_or(|finish| finish >= told)
}

fn of_replica<'a>(explained: &Explained<'a>, replica: u32) -> impl Iterator<Item = &'a RequestRow> {
    explained.log.requests.iter().filter(move |row| row.replica == Some(replica))
}

/// A row for each attempt that was cut, dropped or refused, with why.
pub(super) fn lost(explained: &Explained<'_>, width: usize) -> Vec<String> {
    let lives = lives(explained.log);
    let is_lost = |row: &&RequestRow| ["truncated", "dropped", "refused"].contains(&row.outcome);
    let lost: Vec<&RequestRow> = explained.log.requests.iter().filter(is_lost).collect();
    if lost.is_empty() {
        return Vec::new();
    }
    let header = ["at", "request", "attempt", "replica", "tokens", "why"].map(str::to_owned).to_vec();
    let rows = lost.iter().take(MOST_SHOWN).map(|row| {
        vec![
            clock(row.finish.unwrap_or(row.arrival).0),
            row.id.to_string(),
            row.attempt.to_string(),
            row.replica.map_or("-".to_owned(), |id| id.to_string()),
            format!("{} of {}", row.tokens_out, row.output_tokens),
            why(row, &lives).to_owned(),
        ]
    });
    let table: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let mut lines = hanging(&table, &[0, 1, 2, 3, 4], width);
    if lost.len() > MOST_SHOWN {
        lines.push(format!("and {} more, in requests.csv", lost.len() - MOST_SHOWN));
    }
    lines
}

/// What ended an attempt, from its outcome and what happened to its replica then.
fn why(row: &RequestRow, lives: &[Life<'_>]) -> &'static str {
    let Some(life) = lives.iter().find(|life| Some(life.id) == row.replica) else {
        return "refused at the gateway: no replica was ready for longer than max_gateway_wait";
    };
    let end = row.finish.unwrap_or(row.arrival);
    let happened = |event: &str| life.changes.iter().any(|(at, name)| *name == event && *at == end);
    let before = |event: &str| life.changes.iter().any(|(at, name)| *name == event && *at <= end);
    match row.outcome {
        "refused" if before("sigterm") => "refused: its server had been told to stop, and the router did not know yet",
        "refused" if before("sigkill") || before("gone") => {
            "refused: its server was gone, and the router did not know yet"
        }
        "refused" if before("crashed") => "refused: its server was down",
        "refused" => "refused: the queue was full, or it cannot fit",
        "truncated" if happened("crashed") => "cut: its server crashed",
        "truncated" if happened("sigkill") && !before("sigterm") => "cut: its node was lost",
        "truncated" if happened("sigkill") => "cut: SIGKILL, at the end of the grace period",
        "truncated" => "cut: its server stopped on SIGTERM",
        _ if happened("crashed") => "dropped before its first token: its server crashed",
        _ if happened("sigkill") && !before("sigterm") => "dropped before its first token: its node was lost",
        _ if happened("sigkill") => "dropped before its first token: SIGKILL",
        _ => "dropped before its first token: its server stopped on SIGTERM",
    }
}
