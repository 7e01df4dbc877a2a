//! What is said when a scenario is wrong: every problem with its line, what was expected and the nearest valid name.
//!
//! How problems are found lives in the readers; here they are only put into words, in rustc's manner.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::{Deserialize, Serialize};

use super::codes::{Code, where_to_read_on};
use super::tree::Place;

/// Most problems that are printed: what comes after so many is mostly a consequence of them.
const MOST_PRINTED: usize = 20;

/// One thing that is wrong with a scenario, or legal and unwise: its code says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem it is.
    pub code: Code,
    /// What is wrong, naming the key: "wrong value for `fleet.replicas`".
    pub message: String,
    /// What was expected and what was found instead; of a warning, what follows.
    pub expected: String,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
    /// Dotted path of the key, list elements by their index from 0; empty for the scenario as a whole.
    pub key: String,
    /// Line in the file, from 1; 0 if the problem is not in the file but in an argument.
    pub line: usize,
    /// Column in characters, from 1; 0 if the problem is not in the file but in an argument.
    pub column: usize,
    /// Bytes of the file that the problem is about; empty if it is about the file as a whole or in an argument.
    pub span: Range<usize>,
    /// Other places in the file that it has to do with.
    pub beside: Vec<Beside>,
    /// The argument that brought the problem in, as it was given: `--set KEY=VALUE`.
    pub set: Option<String>,
}

/// Another place that a problem has to do with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Bytes of the file.
    pub span: Range<usize>,
    /// What is there.
    pub label: String,
}

impl Problem {
    /// A problem with this key, its place unknown.
    pub fn new(code: Code, message: String, key: &str) -> Problem {
        Problem {
            code,
            message,
            expected: String::new(),
            help: None,
            key: key.to_owned(),
            line: 0,
            column: 0,
            span: 0..0,
            beside: Vec::new(),
            set: None,
        }
    }

    /// The same with what to do about it.
    pub fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: Some(help.into()), ..self }
    }

    /// The problem with its line, column and span, or its `--set`.
    pub(super) fn at(mut self, place: &Place, lines: &Lines<'_>, sets: &[String]) -> Problem {
        match place {
            Place::Whole => (self.line, self.column) = (1, 1),
            Place::Span(span) => {
                (self.line, self.column) = lines.line_and_column(span.start);
                self.span = span.clone();
            }
            Place::Set(index) => self.set = Some(format!("--set {}", sets.get(*index).map_or("", String::as_str))),
        }
        self
    }

    /// What is wrong and what follows, or was expected, as one sentence.
    pub fn sentence(&self) -> String {
        if self.expected.is_empty() { self.message.clone() } else { format!("{}: {}", self.message, self.expected) }
    }
}

/// Problems of a scenario, in the order of the file, then of the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file as it was named.
    pub file: String,
    /// Its text.
    pub source: String,
    /// What is wrong with it, or unwise.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// How many are errors.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| !problem.code.is_warning()).count()
    }

    /// What is wrong, in one line: a sentence for each, with what to do about it.
    pub fn sentences(&self) -> String {
        let sentence = |problem: &Problem| match &problem.help {
            Some(help) => format!("{}; help: {help}", problem.sentence()),
            None => problem.sentence(),
        };
        self.problems.iter().map(sentence).collect::<Vec<String>>().join("; ")
    }

    /// The problems for a terminal, as many as people read: `file:line:column`, the line itself, a caret under what is
    /// meant. Errors end with their number, and all with where to read on.
    pub fn render(&self, coloured: bool) -> String {
        let mut text = self.listed(coloured);
        match self.errors() {
            0 => {}
            1 => text.push_str("1 problem; nothing was simulated\n"),
            count => text.push_str(&format!("{count} problems; nothing was simulated\n")),
        }
        text.push_str(&where_to_read_on(self.problems.iter().map(|problem| problem.code)).unwrap_or_default());
        text
    }

    /// What leads from the codes of problems to what they mean: one line.
    pub fn where_to_read_on(of: &[Problems]) -> Option<String> {
        where_to_read_on(of.iter().flat_map(|problems| &problems.problems).map(|problem| problem.code))
    }

    /// The problems alone, each with an empty line after it.
    pub fn listed(&self, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for problem in self.problems.iter().take(MOST_PRINTED) {
            text.push_str(&renderer.render(&[self.group(problem)]));
            text.push_str("\n\n");
        }
        if let more @ 1.. = self.problems.len().saturating_sub(MOST_PRINTED) {
            text.push_str(&format!("and {more} more\n\n"));
        }
        text
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let level = if problem.code.is_warning() { Level::WARNING } else { Level::ERROR };
        let title = level.primary_title(problem.message.as_str()).id(problem.code.0);
        let note = || Level::NOTE.message(problem.expected.as_str());
        let group = match &problem.set {
            Some(set) => title.element(Origin::path(set.as_str())).element(note()),
            None if problem.span.is_empty() => {
                let origin = Origin::path(self.file.as_str());
                let origin =
                    if problem.line > 0 { origin.line(problem.line).char_column(problem.column) } else { origin };
                title.element(origin).element(note())
            }
            None => title.element(self.snippet(problem)),
        };
        match &problem.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }

    /// The lines that a problem is about.
    fn snippet<'a>(&'a self, problem: &'a Problem) -> Snippet<'a, Annotation<'a>> {
        let first = AnnotationKind::Primary.span(self.first_line(&problem.span)).label(problem.expected.as_str());
        let others = problem
            .beside
            .iter()
            .map(|beside| AnnotationKind::Context.span(self.first_line(&beside.span)).label(beside.label.as_str()));
        Snippet::source(self.source.as_str()).path(self.file.as_str()).annotation(first).annotations(others)
    }

    /// The part of a place that lies on its first line: a list of ten lines need not be shown whole. Nothing of it, behind
    /// the line's end, is shown as a caret there.
    fn first_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.source.get(span.clone()).unwrap_or_default();
        let length = text.find(['\n', '\r']).unwrap_or(text.len());
        span.start..span.start + length
    }

    /// Names arguments as they were given where a setting came from another one than `--set`: `argument` says which, by
    /// the setting.
    pub fn name_arguments(&mut self, argument: impl Fn(&str) -> Option<String>) {
        for set in self.problems.iter_mut().filter_map(|problem| problem.set.as_mut()) {
            if let Some(other) = set.strip_prefix("--set ").and_then(&argument) {
                *set = other;
            }
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

impl LoadError {
    /// The same as problems: that a file cannot be read is the only one of it.
    pub fn into_problems(self) -> Problems {
        match self {
            LoadError::Problems(problems) => *problems,
            LoadError::Unreadable { file, reason } => {
                let problem = Problem::new(Code::UNREADABLE, format!("cannot read {file}"), "");
                let help = "name the scenario's file as seen from where the command is run";
                let problems = vec![Problem { expected: reason, ..problem }.help(help)];
                Problems { file, source: String::new(), problems }
            }
        }
    }
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
pub fn nearest<'c>(name: &str, candidates: &[&'c str]) -> Option<&'c str> {
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
