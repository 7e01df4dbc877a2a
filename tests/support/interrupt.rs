//! Ctrl-C, or another signal that asks a program to end, in the middle of a command.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for the end of a command that was interrupted.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the program ends in this directory with these arguments if it gets this signal once `until` returns: `INT` is what
/// Ctrl-C sends.
pub fn ended_by(signal: &str, directory: &Path, arguments: &[&str], until: impl FnOnce()) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cutover"))
        .current_dir(directory)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until();
    Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    let asked = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if asked.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it goes on after an interruption");
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

/// Long enough for the handler of signals to be in place and a small run to be finished.
pub fn a_run_is_finished() {
    thread::sleep(Duration::from_secs(3));
}
