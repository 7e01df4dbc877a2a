//! What a client does after an attempt that went wrong: how long it waits before it tries again.

use crate::random::{Purpose, RunKey};
use crate::scenario::Backoff;
use crate::units::Duration;

/// The wait before retry number `retry` (from 1) of a request: exponential, at most `max`, less a uniform share of up to
/// `jitter` of it. The draw is keyed, so that nobody else's luck depends on it.
pub fn retry_wait(backoff: &Backoff, key: RunKey, request: u64, retry: u32) -> Duration {
    let grown = backoff.initial.seconds() * backoff.factor.powi(retry.saturating_sub(1).min(1_000) as i32);
    let wait = grown.min(backoff.max.seconds());
    let share = backoff.jitter * key.keyed_uniform(Purpose::BackOff, request, u64::from(retry));
    Duration::from_seconds_f64(wait * (1.0 - share))
}
