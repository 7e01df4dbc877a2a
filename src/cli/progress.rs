//! How far a study is: a bar where standard error is a terminal, else nothing.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::terminal::say;
use crate::digits::counted;

/// A study under way.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    quiet: bool,
    /// The most runs that it was told are done: threads tell in any order.
    most: AtomicU64,
}

impl Progress {
    /// A study of so many runs begins.
    pub fn begin(name: &str, runs: u64, quiet: bool) -> Progress {
        let bar = if quiet || !io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new(runs) };
        let template = "{msg}  {wide_bar}  {pos}/{len} runs, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name.chars().take(30).collect::<String>());
        Progress { bar, began: Instant::now(), quiet, most: AtomicU64::new(0) }
    }

    /// So many runs are known to be needed, more than was thought when it began.
    pub fn expect(&self, runs: u64) {
        if self.bar.length() != Some(runs) {
            self.bar.set_length(runs);
        }
    }

    /// So many runs are done.
    pub fn done(&self, runs: u64) {
        self.most.fetch_max(runs, Ordering::Relaxed);
        self.bar.set_position(runs);
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
