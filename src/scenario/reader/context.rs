//! What the sections of one scenario share: the document, and the problems noted so far.

use std::cell::RefCell;

use super::Section;
use crate::scenario::codes::Code;
use crate::scenario::problems::{Beside, Lines, Problem, nearest};
use crate::scenario::tree::{Node, Place};

/// What the sections of one scenario share: the tree, and what was found to be wrong so far.
pub struct Context<'a> {
    /// The document with every `--set` applied.
    pub root: &'a Node,
    problems: RefCell<Vec<(Place, Problem)>>,
    /// Digests of what is in the files that the scenario names, and what a profile holds, in the order in which they were
    /// read.
    contents: RefCell<Vec<String>>,
}

impl<'a> Context<'a> {
    /// Nothing found yet.
    pub fn new(root: &'a Node) -> Context<'a> {
        Context { root, problems: RefCell::default(), contents: RefCell::default() }
    }

    /// The whole document as a section.
    pub fn section(&'a self) -> Section<'a> {
        Section::new(self, String::new(), Some(self.root))
    }

    /// Notes a problem.
    pub fn problem(
        &self,
        code: Code,
        place: &Place,
        key: &str,
        message: String,
        expected: String,
        help: Option<String>,
    ) {
        let problem = Problem { expected, help, ..Problem::new(code, message, key) };
        self.problems.borrow_mut().push((place.clone(), problem));
    }

    /// Notes a problem between several keys, at the place where this one was written.
    pub fn conflict(
        &self,
        code: Code,
        key: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
        help: Option<String>,
    ) {
        self.problem(code, &self.root.place_of(key), key, message.into(), expected.into(), help);
    }

    /// Points at another key that the problem noted last has to do with, where it was written; says what it is there.
    pub fn beside(&self, key: &str, label: impl Into<String>) {
        let Some(Place::Span(span)) = self.root.at(key).map(|node| node.place.clone()) else { return };
        if let Some((_, problem)) = self.problems.borrow_mut().last_mut() {
            problem.beside.push(Beside { span, label: label.into() });
        }
    }

    /// Notes what a name in the scenario stands for (the digest of a file, what a profile holds): it counts as a part of the
    /// scenario.
    pub fn note_content(&self, digest: &str) {
        self.contents.borrow_mut().push(digest.to_owned());
    }

    /// SHA-256 of the scenario as run, and of what it names.
    pub fn hash(&self) -> String {
        self.root.hash(&self.contents.borrow())
    }

    /// Whether the value of this dotted path was written, in the file or in a `--set`: else its default holds.
    pub fn is_written(&self, key: &str) -> bool {
        self.root.at(key).is_some()
    }

    /// Whether a problem was noted at this very key.
    pub(super) fn has_problem_at(&self, key: &str) -> bool {
        self.problems.borrow().iter().any(|(_, problem)| problem.key == key)
    }

    /// Whether nothing is wrong with these keys, so that comparing them makes sense.
    pub fn are_sound(&self, keys: &[&str]) -> bool {
        let problems = self.problems.borrow();
        let concerns = |problem: &Problem, key: &str| {
            problem.key.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        !keys.iter().any(|key| problems.iter().any(|(_, problem)| concerns(problem, key)))
    }

    /// The problems, if there are any, in order and with their places.
    pub fn finish(self, source: &str, sets: &[String]) -> Vec<Problem> {
        let mut found = self.problems.into_inner();
        drop_slips(&mut found);
        found.sort_by_key(|(place, _)| match place {
            Place::Whole => (0, 0),
            Place::Span(span) => (1, span.start),
            Place::Set(index) => (2, *index),
        });
        let lines = Lines::new(source);
        found.into_iter().map(|(place, problem)| problem.at(&place, &lines, sets)).collect()
    }
}

/// Drops what is said of a missing key where an unknown one of the same table is a slip of it: that says more.
fn drop_slips(found: &mut Vec<(Place, Problem)>) {
    let split = |key: &str| {
        let (table, leaf) = key.rsplit_once('.').unwrap_or(("", key));
        (table.to_owned(), leaf.to_owned())
    };
    let unknown: Vec<(String, String)> =
        found.iter().filter(|(_, it)| it.code == Code::UNKNOWN_KEY).map(|(_, it)| split(&it.key)).collect();
    found.retain(|(_, problem)| {
        let (table, leaf) = split(&problem.key);
        let is_slip = |(of, name): &(String, String)| *of == table && nearest(name, &[leaf.as_str()]).is_some();
        problem.code != Code::MISSING_KEY || !unknown.iter().any(is_slip)
    });
}
