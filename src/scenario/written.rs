//! What a scenario was read from: so that whoever finds something unwise about its values can point at the line.

use std::sync::Arc;

use super::codes::Code;
use super::problems::{Beside, Lines, Problem, Problems};
use super::tree::{Node, Place, Value};

/// The text of a scenario, and where each of its keys was written. Cheap to copy.
#[derive(Clone, Debug, Default)]
pub struct Written(Option<Arc<Source>>);

#[derive(Debug)]
struct Source {
    file: String,
    text: String,
    root: Node,
    sets: Vec<String>,
}

impl Written {
    pub(super) fn new(file: &str, text: &str, root: Node, sets: &[String]) -> Written {
        let (file, text) = (file.to_owned(), text.to_owned());
        Written(Some(Arc::new(Source { file, text, root, sets: sets.to_vec() })))
    }

    /// Whether the value of this dotted path was written, in the file or in a `--set`: else its default holds.
    pub fn has(&self, key: &str) -> bool {
        self.0.as_ref().is_some_and(|source| source.root.at(key).is_some())
    }

    /// How many elements the list of this dotted path has.
    pub fn elements(&self, key: &str) -> usize {
        match self.0.as_ref().and_then(|source| source.root.at(key)) {
            Some(Node { value: Value::List(list), .. }) => list.len(),
            _ => 0,
        }
    }

    /// A problem with the value of this dotted path, at the place where it was written; where it was not, at the
    /// innermost table on the way to it, and it is said that the default holds. `label` is what stands beside the caret.
    pub fn problem(&self, code: Code, key: &str, message: impl Into<String>, label: impl Into<String>) -> Problem {
        let mut problem = Problem { expected: label.into(), ..Problem::new(code, message.into(), key) };
        let Some(source) = &self.0 else { return problem };
        if !key.is_empty() && !self.has(key) {
            let leaf = key.rsplit('.').next().unwrap_or(key);
            problem.expected = format!("{} (`{leaf}` has its default)", problem.expected);
        }
        problem.at(&source.root.place_of(key), &Lines::new(&source.text), &source.sets)
    }

    /// Points at another key that a problem has to do with, if that was written in the file.
    pub fn beside(&self, problem: &mut Problem, key: &str, label: impl Into<String>) {
        let node = self.0.as_ref().and_then(|source| source.root.at(key));
        if let Some(Node { place: Place::Span(span), .. }) = node {
            problem.beside.push(Beside { span: span.clone(), label: label.into() });
        }
    }

    /// Problems of this scenario, in the order of the file, ready to be shown.
    pub fn problems(&self, mut problems: Vec<Problem>) -> Problems {
        problems.sort_by_key(|problem| (problem.set.is_some(), problem.line, problem.column));
        let (file, source) = self.0.as_ref().map_or_else(Default::default, |it| (it.file.clone(), it.text.clone()));
        Problems { file, source, problems }
    }
}
