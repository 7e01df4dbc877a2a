//! How far a study is: a bar where standard error is a terminal, else a line now and then.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::terminal::{is_ascii_only, say};
use crate::digits::counted;

/// Time between two lines where no bar can be drawn: a log of an hour's study stays readable.
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// Characters of the scenario's name beside a bar.
const NAME: usize = 30;

/// A study under way.
pub struct Progress {
    bar: ProgressBar,
    name: String,
    began: Instant,
    quiet: bool,
    /// Whether fewer runs than were announced may do, so that the time left is the longest it can be.
    at_most: bool,
    /// The most runs that it was told are done: threads tell in any order.
    most: AtomicU64,
    /// Runs that are known to be needed.
    expected: AtomicU64,
    /// Lines that were said, or may no longer be said.
    lines: AtomicU64,
}

impl Progress {
    /// A study of so many runs begins.
    pub fn begin(name: &str, runs: u64, quiet: bool) -> Progress {
        Progress::new(name, runs, quiet, false)
    }

    /// A study that takes so many runs at most begins.
    pub fn begin_at_most(name: &str, runs: u64, quiet: bool) -> Progress {
        Progress::new(name, runs, quiet, true)
    }

    fn new(name: &str, runs: u64, quiet: bool, at_most: bool) -> Progress {
        let bar = if quiet || !io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new(runs) };
        let limit = if at_most { "at most " } else { "" };
        let template = format!("{{msg}}  {{wide_bar}}  {{pos}}/{{len}} runs, {limit}{{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let style = if is_ascii_only(&io::stderr()) { style.progress_chars("=> ") } else { style };
            bar.set_style(style);
        }
        bar.set_message(name.chars().take(NAME).collect::<String>());
        Progress {
            bar,
            name: name.to_owned(),
            began: Instant::now(),
            quiet,
            at_most,
            most: AtomicU64::new(0),
            expected: AtomicU64::new(runs),
            lines: AtomicU64::new(0),
        }
    }

    /// So many runs are known to be needed, more than was thought when it began.
    pub fn expect(&self, runs: u64) {
        self.expected.store(runs, Ordering::Relaxed);
        if self.bar.length() != Some(runs) {
            self.bar.set_length(runs);
        }
    }

    /// So many runs are done.
    pub fn done(&self, runs: u64) {
        let most = self.most.fetch_max(runs, Ordering::Relaxed).max(runs);
        self.bar.set_position(most);
        if self.bar.is_hidden() && !self.quiet && self.is_time_for_a_line() {
            say(&self.line(most));
        }
    }

    /// Whether the next line is due; to one thread alone.
    fn is_time_for_a_line(&self) -> bool {
        let due = self.began.elapsed().as_secs() / BETWEEN_LINES.as_secs();
        self.lines.fetch_max(due, Ordering::Relaxed) < due
    }

    /// `Rolling update: 120/1000 runs, 25 s left`.
    fn line(&self, done: u64) -> String {
        line(&self.name, done, self.expected.load(Ordering::Relaxed), self.began.elapsed(), self.at_most)
    }

    /// The study is over, after the runs that it was told of.
    pub fn finish(self) {
        let runs = self.most.load(Ordering::Relaxed);
        self.end(runs);
    }

    /// The study is over, after so many runs.
    pub fn end(self, runs: u64) {
        self.bar.finish_and_clear();
        if !self.quiet {
            let runs = counted(runs as f64, "run");
            say(&format!("{runs} in {:.1} s", self.began.elapsed().as_secs_f64()));
        }
    }
}

/// How far a study is, with the time that its further runs would take at the pace of those done.
fn line(name: &str, done: u64, expected: u64, elapsed: Duration, at_most: bool) -> String {
    let left = elapsed.as_secs_f64() * expected.saturating_sub(done) as f64 / done.max(1) as f64;
    let limit = if at_most { "at most " } else { "" };
    format!("{name}: {done}/{expected} runs, {limit}{left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_the_time_left_at_that_pace() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(line("A", 250, 1000, elapsed, false), "A: 250/1000 runs, 30 s left");
        assert_eq!(line("A", 500, 1000, elapsed, true), "A: 500/1000 runs, at most 10 s left");
        assert_eq!(line("A", 0, 0, elapsed, false), "A: 0/0 runs, 0 s left");
    }

    #[test]
    fn a_line_is_due_once_in_its_time_and_not_at_the_beginning() {
        let mut progress = Progress::begin("A", 10, true);
        assert!(!progress.is_time_for_a_line());
        progress.began -= 2 * BETWEEN_LINES;
        assert!(progress.is_time_for_a_line());
        assert!(!progress.is_time_for_a_line());
    }
}
