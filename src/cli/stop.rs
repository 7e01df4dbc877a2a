//! Ctrl-C, SIGTERM and SIGHUP: the first asks the study to stop where it is, the second leaves at once.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::{Ending, Failure};
use super::terminal::say;

static STOP: AtomicBool = AtomicBool::new(false);

/// From here on, Ctrl-C, SIGTERM and SIGHUP raise the returned flag.
///
/// # Errors
/// The system does not let itself be listened to.
pub fn on_interrupt() -> Result<&'static AtomicBool, Failure> {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Ending::INTERRUPTED));
        }
        // A run may last long: without an answer it would look as if nobody had listened. The line begins anew because
        // the terminal shows `^C`, and perhaps a progress bar, in the one that is open.
        let begin = if io::stderr().is_terminal() { "\n" } else { "" };
        say(&format!("{begin}stopping after the runs under way; press Ctrl-C again to leave at once"));
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::InputOutput(format!("cannot listen for Ctrl-C: {error}")))
        .map(|()| &STOP)
}
