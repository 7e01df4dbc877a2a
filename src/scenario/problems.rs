//! What is said when a scenario is wrong: every problem with its line, what was expected and the nearest valid name.
//!
//! How problems are found lives in the readers; here they are only put into words.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::{Deserialize, Serialize};

use super::codes::Code;

/// Most problems that are printed: what comes after so many is mostly a consequence of them.
const MOST_PRINTED: usize = 20;

/// One thing that is wrong with a scenario, or legal and unwise: its code says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem it is.
    pub code: Code,
    /// What is wrong, naming the key: "wrong value for `fleet.replicas`".
    pub message: String,
    /// What was expected and what was found instead.
    pub expected: String,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
    /// Dotted path of the key, list elements by their index from 0; empty for the scenario as a whole.
    pub key: String,
    /// Line in the file, from 1; 0 if the problem is not in the file but in a `--set`.
    pub line: usize,
    /// Column in characters, from 1; 0 if the problem is not in the file but in a `--set`.
    pub column: usize,
    /// Bytes of the file that the problem is about; empty if it is about the file as a whole or in a `--set`.
    pub span: Range<usize>,
    /// The `KEY=VALUE` of the `--set` that brought the problem in.
    pub set: Option<String>,
}

impl Problem {
    /// A problem of no particular kind with this key, its place unknown.
    pub fn new(message: String, key: &str) -> Problem {
        Problem {
            code: Code::OTHER,
            message,
            expected: String::new(),
            help: None,
            key: key.to_owned(),
            line: 0,
            column: 0,
            span: 0..0,
            set: None,
        }
    }
}

/// Everything that is wrong with a scenario, in the order of the file, then of the `--set`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file as it was named.
    pub file: String,
    /// Its text.
    pub source: String,
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// The problems for a terminal, as many as people read: `file:line:column`, the line itself, a caret under what is
    /// meant.
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for problem in self.problems.iter().take(MOST_PRINTED) {
            text.push_str(&renderer.render(&[self.group(problem)]));
            text.push_str("\n\n");
        }
        if let more @ 1.. = self.problems.len().saturating_sub(MOST_PRINTED) {
            text.push_str(&format!("and {more} more\n\n"));
        }
        text.push_str(&match self.problems.len() {
            1 => "1 problem; nothing was simulated".to_owned(),
            count => format!("{count} problems; nothing was simulated"),
        });
        text
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let group = match &problem.set {
            Some(set) => title
                .element(Origin::path(format!("--set {set}")))
                .element(Level::NOTE.message(problem.expected.as_str())),
            None if problem.span.is_empty() => title
                .element(Origin::path(self.file.as_str()).line(problem.line).char_column(problem.column))
                .element(Level::NOTE.message(problem.expected.as_str())),
            None => title.element(
                Snippet::source(self.source.as_str())
                    .path(self.file.as_str())
                    .annotation(AnnotationKind::Primary.span(problem.span.clone()).label(problem.expected.as_str())),
            ),
        };
        match &problem.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The scenario, or a `--set`, is wrong.
    #[error("{0}")]
    Problems(Box<Problems>),
    /// The file could not be read.
    #[error("cannot read {file}: {reason}")]
    Unreadable {
        /// The file as it was named.
        file: String,
        /// What the system said.
        reason: String,
    },
}

/// A text and where its lines begin: a file can have as many problems as lines.
pub(super) struct Lines<'s> {
    source: &'s str,
    /// The first byte of each line, ascending.
    starts: Vec<usize>,
}

impl<'s> Lines<'s> {
    /// Looks for the lines once.
    pub fn new(source: &'s str) -> Lines<'s> {
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        Lines { source, starts }
    }

    /// Line and column (both from 1, the column in characters) of a byte.
    pub fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte);
        let before = self.source.get(self.starts[line - 1]..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// The candidate that `name` is most likely a slip of, if any is near.
pub(super) fn nearest<'c>(name: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let bare = |text: &str| text.to_lowercase().replace('-', "_");
    let name = bare(name);
    let (distance, candidate) = candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &bare(candidate)), *candidate))
        .min_by_key(|(distance, _)| *distance)?;
    let tolerated = (name.chars().count().max(candidate.chars().count()) / 3).max(1);
    if distance <= tolerated {
        return Some(candidate);
    }
    // A name cut short, or with too much behind it.
    let begins = |long: &str, short: &str| short.chars().count() >= 3 && long.starts_with(short);
    candidates.iter().copied().find(|candidate| begins(candidate, &name) || begins(&name, candidate))
}

/// "did you mean `x`?" where a candidate is near, else the candidates.
pub fn suggestion(name: &str, candidates: &[&str]) -> Option<String> {
    if let Some(candidate) = nearest(name, candidates) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    (!candidates.is_empty()).then(|| format!("known here: {}", candidates.join(", ")))
}
