//! Ctrl-C: the first asks the study to stop where it is, the second leaves at once.

use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::{Ending, Failure};

static STOP: AtomicBool = AtomicBool::new(false);

/// From here on, Ctrl-C raises the returned flag.
///
/// # Errors
/// The system does not let itself be listened to.
pub fn on_interrupt() -> Result<&'static AtomicBool, Failure> {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Ending::INTERRUPTED));
        }
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::InputOutput(format!("cannot listen for Ctrl-C: {error}")))
        .map(|()| &STOP)
}
