//! What a run shows of the replicas that it shuts down, to whoever asks what would have happened with another grace
//! period: each server at its SIGTERM, cloned, with what it has in flight; and how many answers the drains cut.
//!
//! Optional, as the log is. What is made of it (which answers would have been cut when) is not known here.

use std::collections::HashMap;

use super::attempts::Place;
use super::calendar::Event;
use super::run::Run;
use crate::fleet::{State, Timer, sigkill_after, sigterm_after};
use crate::ledger::Outcome;
use crate::scenario::OnSigterm;
use crate::serving::{Engine, Handle};
use crate::units::Time;
use crate::workload::{longest_output, stable_output_within};

/// A server at its SIGTERM, after everything that happened at that nanosecond: from here on nothing new enters.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Which of the scenario's versions it runs.
    pub version: usize,
    /// When the replica was deleted.
    pub deleted: Time,
    /// When it got SIGTERM.
    pub sigterm: Time,
    /// When it crashes by itself, if it is still there; [`Time::NEVER`] if it never does.
    pub crashes: Time,
    /// The engine.
    pub engine: Engine,
    /// What it has in flight, in order of `id`.
    pub in_flight: Vec<InFlight>,
}

/// A request in flight at a SIGTERM, running or waiting.
#[derive(Clone, Copy, Debug)]
pub struct InFlight {
    /// Its name in the engine's notices.
    pub id: u32,
    /// Its name in the engine.
    pub handle: Handle,
    /// Prompt length, tokens.
    pub prompt_tokens: u32,
    /// The answer's true length, tokens.
    pub output_tokens: u32,
    /// Tokens that it has emitted.
    pub tokens_out: u32,
    /// All that the run has shown of the answer's length: what stable would answer is longer than this, tokens.
    pub longer_than: u32,
    /// When its client gives up; [`Time::NEVER`] if it never does.
    pub gives_up: Time,
    /// Whether its client has given up already, and it only has not left yet.
    pub has_given_up: bool,
    /// Whether it counts: its request first arrived in the window.
    pub measured: bool,
}

/// The replicas that a run shuts down, and what became of what they had. Attempts are counted whose requests first
/// arrived in the window.
#[derive(Clone, Debug, Default)]
pub struct ShutdownLog {
    /// The servers at their SIGTERM that had something in flight; empty unless engines are kept.
    pub shutdowns: Vec<Shutdown>,
    /// Attempts cut after their first token because their replica was shut down: by SIGKILL, or by a server that aborts.
    pub truncated: u32,
    /// Attempts cut so before their first token.
    pub dropped: u32,
    /// Attempts cut after their first token for another reason: a crash, a node that was lost.
    pub truncated_otherwise: u32,
    keeps_engines: bool,
    /// By request: what stable would answer is longer than this, as attempts that were cut have shown.
    longer_than: HashMap<u64, u32>,
}

impl ShutdownLog {
    /// An empty log that keeps engines, so that what might have been can be found out, or only counts.
    pub fn new(keeps_engines: bool) -> ShutdownLog {
        ShutdownLog { keeps_engines, ..ShutdownLog::default() }
    }
}

impl Run<'_> {
    /// A SIGTERM has been dealt with, and everything that followed from it at once.
    #[cold]
    pub(super) fn note_shutdown(&mut self, id: u32) {
        let replica = self.fleet.replica(id);
        let is_draining = replica.state == State::Terminating && !self.fleet.engine(id).is_empty();
        let keeps_engines = self.shutdowns.as_ref().is_some_and(|log| log.keeps_engines);
        let (true, true, Some(deleted)) = (is_draining, keeps_engines, replica.terminated_at) else { return };
        let crash = Event::Fleet(Timer::Crash { replica: id, restarts: replica.restarts });
        let shutdown = Shutdown {
            version: replica.template,
            deleted,
            sigterm: self.now,
            crashes: self.calendar.when(crash),
            engine: self.fleet.engine(id).clone(),
            in_flight: self.in_flight_at(id),
        };
        if let Some(log) = &mut self.shutdowns {
            log.shutdowns.push(shutdown);
        }
    }

    fn in_flight_at(&self, id: u32) -> Vec<InFlight> {
        let engine = self.fleet.engine(id);
        let at_replica = self.attempts.live().filter(|(_, attempt)| attempt.place == Place::Replica(id));
        let with_handle = at_replica.filter_map(|(slot, attempt)| Some((slot, attempt, attempt.handle?)));
        with_handle
            .map(|(slot, attempt, handle)| {
                let tokens_out = engine.tokens_out(handle, self.now);
                let earlier = self.shutdowns.as_ref().and_then(|log| log.longer_than.get(&attempt.request)).copied();
                InFlight {
                    id: slot,
                    handle,
                    prompt_tokens: attempt.prompt_tokens,
                    output_tokens: attempt.output_tokens,
                    tokens_out,
                    longer_than: self.stable_within(slot, tokens_out).max(earlier.unwrap_or(0)),
                    gives_up: self.scenario.clients.timeout.map_or(Time::NEVER, |timeout| attempt.arrived + timeout),
                    has_given_up: attempt.timed_out_at.get().is_some(),
                    measured: attempt.measured,
                }
            })
            .collect()
    }

    /// The longest answer of stable for which this attempt's version would have answered no more than so many tokens.
    fn stable_within(&self, slot: u32, tokens: u32) -> u32 {
        let attempt = self.attempts.get(slot);
        let longest = longest_output(&self.scenario.traffic, &self.scenario.engine, attempt.prompt_tokens);
        let version = &self.scenario.versions[usize::from(attempt.version)];
        stable_output_within(tokens, version.output_tokens_factor, longest)
    }

    /// An attempt has been cut after so many tokens.
    #[cold]
    pub(super) fn note_cut(&mut self, slot: u32, time: Time, tokens_out: u32) {
        let attempt = *self.attempts.get(slot);
        let longer_than = self.stable_within(slot, tokens_out);
        let by_shutdown = match attempt.place {
            Place::Replica(id) => {
                self.fleet.replica(id).terminated_at.is_some_and(|deleted| self.is_end(deleted, time))
            }
            _ => false,
        };
        let Some(log) = &mut self.shutdowns else { return };
        if tokens_out > 0 {
            let known = log.longer_than.entry(attempt.request).or_default();
            *known = longer_than.max(*known);
        }
        let counter = match (tokens_out > 0, by_shutdown) {
            (true, true) => &mut log.truncated,
            (false, true) => &mut log.dropped,
            (true, false) => &mut log.truncated_otherwise,
            (false, false) => return,
        };
        *counter += u32::from(attempt.measured);
    }

    /// Whether a shutdown cuts what a replica deleted then has in flight at this time.
    fn is_end(&self, deleted: Time, time: Time) -> bool {
        let termination = &self.scenario.termination;
        match termination.on_sigterm {
            OnSigterm::Drain => time == deleted + sigkill_after(termination),
            // What computes is cut at the end of the step.
            OnSigterm::Abort => time >= deleted + sigterm_after(termination),
        }
    }

    /// Whether cut attempts are to be noted.
    pub(super) fn notes_cuts(&self, outcome: Outcome) -> bool {
        self.shutdowns.is_some() && matches!(outcome, Outcome::Truncated | Outcome::Dropped)
    }
}
