//! What becomes of the answers in flight when a replica gets SIGTERM, for each grace period: conditional Monte Carlo.
//!
//! From SIGTERM on nothing enters the server, so that it is a world of its own. For one request in flight at a time, its
//! engine goes on with that answer kept alive and all others as long as they are. Let it have emitted n tokens at SIGKILL.
//! The answer is cut exactly if it is longer than n, and given everything before SIGTERM and the other answers' lengths its
//! length has the scenario's law, conditioned on being longer than what has been seen of it: the rules of an engine look at
//! a length only when it is reached. So the probability that it is cut is known without drawing it. By the law of total
//! expectation, one request at a time, the sum of these probabilities is an unbiased estimate of how many are cut.

use super::law::LengthLaw;
use crate::scenario::{Engine as EngineSettings, Scenario};
use crate::serving::{Notice, NoticeKind};
use crate::simulation::{InFlight, Shutdown};
use crate::units::{Duration, Time};

/// What the shutdowns of a run do to answers at one grace period, in expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    /// Answers cut after their first token.
    pub truncated: f64,
    /// Answers cut before it.
    pub dropped: f64,
    /// Logarithm of the probability that no answer is cut after its first token, were each cut independently.
    pub log_none: f64,
    /// From SIGTERM to the last end of an answer before SIGKILL, each having been as long as it may be.
    pub slowest: Duration,
}

/// One answer at one SIGKILL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtKill {
    /// Its client has given up, or the replica has crashed.
    Gone,
    /// It has ended then, having been as long as it may be.
    Ended(Time),
    /// If it is not over, it has emitted so many tokens.
    Emitted(u32),
}

/// Adds to `expected` what a shutdown does at each of these ends, which ascend: SIGKILL so long after the deletion.
///
/// Returns the greatest probability that an answer in flight reaches the longest that it may have: however long the grace
/// period, such an answer is cut by a drain that takes longer than it.
pub fn add_shutdown(law: &LengthLaw<'_>, shutdown: &Shutdown, ends: &[Duration], expected: &mut [Expected]) -> f64 {
    let mut reaches_longest: f64 = 0.0;
    let kills: Vec<Time> = ends.iter().map(|end| shutdown.deleted + *end).collect();
    let given_up = give_ups(shutdown);
    for request in shutdown.in_flight.iter().filter(|request| request.measured && !request.has_given_up) {
        let longest = law.longest(shutdown.version, request.prompt_tokens);
        let reaches = law.exceeds(shutdown.version, request.prompt_tokens, longest - 1, request.longer_than);
        reaches_longest = reaches_longest.max(reaches);
        for (at_kill, expected) in keep_alive(shutdown, request, longest, &given_up, &kills).zip(expected.iter_mut()) {
            match at_kill {
                AtKill::Gone => {}
                AtKill::Ended(time) => expected.slowest = expected.slowest.max(time.since(shutdown.sigterm)),
                // An answer has a token at least.
                AtKill::Emitted(0) => expected.dropped += 1.0,
                AtKill::Emitted(tokens) => {
                    let p = law.exceeds(shutdown.version, request.prompt_tokens, tokens, request.longer_than);
                    expected.truncated += p;
                    expected.log_none += (-p).ln_1p();
                }
            }
        }
    }
    reaches_longest
}

/// When clients give up after SIGTERM, in order: (time, place among those in flight).
fn give_ups(shutdown: &Shutdown) -> Vec<(Time, usize)> {
    let waiting = shutdown.in_flight.iter().enumerate().filter(|(_, request)| !request.has_given_up);
    let mut times: Vec<(Time, usize)> = waiting.map(|(place, request)| (request.gives_up, place)).collect();
    times.retain(|(time, _)| !time.is_never());
    times.sort_unstable();
    times
}

/// What has become of a request at each of these moments, which ascend, if its answer is this long.
fn keep_alive<'a>(
    shutdown: &'a Shutdown,
    request: &'a InFlight,
    longest: u32,
    give_ups: &'a [(Time, usize)],
    kills: &'a [Time],
) -> impl Iterator<Item = AtKill> + 'a {
    let mut engine = shutdown.engine.clone();
    engine.prolong(request.handle, longest);
    let (mut notices, mut left) = (Vec::new(), vec![None; shutdown.in_flight.len()]);
    let mut to_come = give_ups.iter().copied().peekable();
    let place = place_of(shutdown, request.id);
    kills.iter().map(move |kill| {
        if let Some(time) = place.and_then(|place| left[place]) {
            return AtKill::Ended(time);
        }
        if shutdown.crashes <= *kill || request.gives_up <= *kill {
            return AtKill::Gone;
        }
        while let Some((time, who)) = to_come.next_if(|(time, _)| time <= kill) {
            engine.run_through(time, &mut notices);
            note_left(shutdown, &mut notices, &mut left);
            if left[who].is_none() {
                engine.cancel(time, shutdown.in_flight[who].handle, &mut notices);
            }
        }
        engine.run_through(*kill, &mut notices);
        note_left(shutdown, &mut notices, &mut left);
        match place.and_then(|place| left[place]) {
            None => AtKill::Emitted(engine.tokens_out(request.handle, *kill)),
            Some(time) => AtKill::Ended(time),
        }
    })
}

fn place_of(shutdown: &Shutdown, id: u32) -> Option<usize> {
    shutdown.in_flight.binary_search_by_key(&id, |request| request.id).ok()
}

/// Notes who has left the engine, and when: its handle names nobody any more.
fn note_left(shutdown: &Shutdown, notices: &mut Vec<Notice>, left: &mut [Option<Time>]) {
    let gone = |notice: &Notice| matches!(notice.kind, NoticeKind::Finished | NoticeKind::Cancelled);
    for notice in notices.drain(..).filter(gone) {
        if let Some(place) = place_of(shutdown, notice.id) {
            left[place] = Some(notice.time);
        }
    }
}

/// Whether, until `end` after the deletion, no answer of a shutdown can slow down or hold up another: steps take a
/// constant time, everybody has a slot, every prompt is read in the next step, and the cache holds all, however long the
/// answers are. Then whether each is cut depends on its own length alone.
pub fn answers_are_independent(scenario: &Scenario, shutdown: &Shutdown, end: Duration) -> bool {
    let settings = &scenario.engine;
    if !has_constant_steps(settings) || shutdown.in_flight.len() > settings.max_num_seqs as usize {
        return false;
    }
    let is_decoding = |request: &InFlight| shutdown.engine.is_decoding(request.handle);
    let unread = shutdown.in_flight.iter().filter(|request| !is_decoding(request));
    let unread: u64 = unread.map(|request| u64::from(request.prompt_tokens) + u64::from(request.tokens_out)).sum();
    if unread > 0 && !settings.chunked_prefill {
        return false;
    }
    let budget = u64::from(settings.max_num_batched_tokens);
    let factor = scenario.versions[shutdown.version].step_time_factor;
    let step = (settings.step_time.base + settings.overhead) * factor * 1e-9;
    let more = ((shutdown.deleted + end).since(shutdown.sigterm).seconds() / step).min(1e12) as u64 + 2;
    let blocks = |request: &InFlight| {
        (u64::from(request.prompt_tokens) + u64::from(request.tokens_out) + more) / u64::from(settings.block_size) + 1
    };
    let held: u64 = shutdown.in_flight.iter().map(blocks).sum();
    let kept_free = (settings.kv_watermark * settings.cache_blocks() as f64).ceil() as u64 + 1;
    unread + shutdown.in_flight.len() as u64 <= budget && held + kept_free <= settings.cache_blocks()
}

/// Whether every step takes the same time, whatever it does.
fn has_constant_steps(settings: &EngineSettings) -> bool {
    let step = &settings.step_time;
    let varying = [
        step.per_sequence,
        step.per_kv_token,
        step.per_prefill_token,
        step.per_prefill_token_squared,
        step.per_prefill_token_context,
    ];
    step.base_table.is_empty() && varying.iter().all(|coefficient| *coefficient == 0.0)
}
