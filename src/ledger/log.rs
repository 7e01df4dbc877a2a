//! One run in full, for people: its events and its requests, row by row.

use crate::units::Time;

/// A row of `events.csv`: a state change, a controller's command or a verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// When, from time zero.
    pub time: Time,
    /// What: `created`, `ready`, `sigterm`, `scaled`, `analysis_passed`, ...
    pub event: &'static str,
    /// Number of the replica in order of creation, where one is concerned.
    pub replica: Option<u32>,
    /// The name of the version that is concerned: `stable`, `new`, ...; else empty.
    pub version: String,
    /// More, as `key=value` words: `new=4`, `weight=25`, `reason=...`.
    pub detail: String,
    /// Which rule of the controller decided so, in a sentence for people; empty where none did. Not a column of the file.
    pub why: String,
}

/// The state that an event leaves its replica in, in the contract's words; `None` where it only says what becomes of a
/// replica's GPUs after it is gone.
pub fn state_after(event: &'static str) -> Option<&'static str> {
    match event {
        "created" => Some("pending"),
        "start_failed" | "crashed" => Some("failed"),
        "sigterm" | "sigkill" => Some("terminating"),
        event if event.starts_with("gpus_") => None,
        event => Some(event),
    }
}

/// A row of `requests.csv`: one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Number of the request in order of first arrival over the whole run, warm-up included, from 0.
    pub id: u64,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// When this attempt arrived, from time zero.
    pub arrival: Time,
    /// Prompt length, tokens.
    pub prompt_tokens: u32,
    /// Answer length that it would have, tokens.
    pub output_tokens: u32,
    /// The name of the version that it reached: `stable`, `new`, ...; empty if it reached none.
    pub version: String,
    /// The replica it went to.
    pub replica: Option<u32>,
    /// When some of its prompt was first read.
    pub scheduled: Option<Time>,
    /// When its first token was emitted.
    pub first_token: Option<Time>,
    /// When it ended.
    pub finish: Option<Time>,
    /// Tokens that it emitted.
    pub tokens_out: u32,
    /// `completed`, `truncated`, `refused`, `dropped`, `timed_out`, `failed` or `in_flight`.
    pub outcome: &'static str,
    /// How often it lost its cache.
    pub preemptions: u32,
}

/// One run in full.
#[derive(Clone, Debug, Default)]
pub struct RunLog {
    /// Events in the order in which they came about.
    pub events: Vec<EventRow>,
    /// Attempts in the order of their arrival.
    pub requests: Vec<RequestRow>,
}
