//! How a replica goes down: crashes, the three clocks of its termination, and its last process's exit.

use super::events::{LifeEvent, Outbox, Timer};
use super::life::Fleet;
use super::replica::{Replica, State};
use crate::scenario::{OnSigterm, Termination};
use crate::units::{Duration, Time};

/// Least time between SIGTERM and SIGKILL, even when preStop ate the grace period (kubelet's
/// `minimumGracePeriodInSeconds`).
const LEAST_SIGTERM_TIME: Duration = Duration::from_seconds(2);

/// From a replica's deletion to its SIGTERM: the preStop hook, which the grace period cuts.
pub fn sigterm_after(termination: &Termination) -> Duration {
    termination.pre_stop.min(termination.grace_period)
}

/// From a replica's deletion to its SIGKILL.
pub fn sigkill_after(termination: &Termination) -> Duration {
    termination.grace_period.max(sigterm_after(termination) + LEAST_SIGTERM_TIME)
}

impl Fleet {
    /// The process ends by itself: what runs is cut, and the container waits for its restart.
    pub(super) fn crash(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let state = self.replicas[id as usize].state;
        if !matches!(state, State::Ready | State::Unready | State::Terminating) {
            return;
        }
        self.run_through(id, now, out);
        self.note(id, LifeEvent::Crashed, out);
        self.engines.kill(id, now, &mut out.notices);
        self.replicas[id as usize].accepting = false;
        self.leave_endpoints(id);
        if state == State::Terminating {
            // A pod that is being deleted is not restarted.
            return self.gone(id, now, out);
        }
        self.lose_readiness(id);
        self.back_off(id, now, out);
    }

    /// Deletes a replica: the grace period, the endpoint lag and the preStop hook start together.
    pub fn terminate(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let state = self.replicas[id as usize].state;
        if matches!(state, State::Terminating | State::Gone) {
            return;
        }
        self.run_through(id, now, out);
        self.note(id, LifeEvent::Terminating, out);
        self.withdraw(id, now, out);
        self.replicas[id as usize].terminated_at = Some(now);
        if !state.container_runs() {
            // No container runs: there is nothing to stop.
            return self.gone(id, now, out);
        }
        self.set_state(id, State::Terminating);
        let termination = &self.scenario.termination;
        let (sigterm, sigkill) = (now + sigterm_after(termination), now + sigkill_after(termination));
        out.timers.push((now + termination.endpoint_lag, Timer::EndpointRemoved(id)));
        out.timers.push((sigterm, Timer::Sigterm(id)));
        out.timers.push((sigkill, Timer::Sigkill(id)));
    }

    /// A replica is no longer one of its ReplicaSet's active pods, and waits and loads no more.
    pub(super) fn withdraw(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let Replica { version, state, .. } = self.replicas[id as usize];
        self.statuses[version].replicas -= 1;
        self.statuses[version].terminating += 1;
        self.lose_readiness(id);
        match state {
            State::Pending => self.pending.retain(|waiting| *waiting != id),
            State::Loading => {
                if let Some(pool) = &mut self.pool
                    && let Some(next) = pool.leave(now, id)
                    && !next.is_never()
                {
                    out.timers.push((next, Timer::Loaded { epoch: pool.epoch }));
                }
            }
            _ => {}
        }
        self.replicas[id as usize].tokens_at_termination = self.engines.get(id).tokens_emitted(now);
    }

    pub(super) fn sigterm(&mut self, id: u32, now: Time, out: &mut Outbox) {
        if self.replicas[id as usize].state != State::Terminating {
            return;
        }
        self.run_through(id, now, out);
        self.note(id, LifeEvent::Sigterm, out);
        let replica = &mut self.replicas[id as usize];
        replica.accepting = false;
        replica.last_seconds_per_token = self.engines.get(id).seconds_per_token();
        if self.scenario.termination.on_sigterm == OnSigterm::Abort {
            self.engines.abort(id, now, &mut out.notices);
        }
        if self.engines.get(id).is_empty() { self.gone(id, now, out) } else { self.draining.push(id) }
    }

    pub(super) fn sigkill(&mut self, id: u32, now: Time, out: &mut Outbox) {
        if self.replicas[id as usize].state != State::Terminating {
            return;
        }
        self.run_through(id, now, out);
        if !self.engines.get(id).is_empty() {
            self.note(id, LifeEvent::Sigkill, out);
            self.replicas[id as usize].last_seconds_per_token = self.engines.get(id).seconds_per_token();
            self.engines.kill(id, now, &mut out.notices);
        }
        self.gone(id, now, out);
    }

    /// Takes a draining replica whose engine has run empty off the list; its [`Timer::Drained`] is set by the caller.
    pub fn drained(&mut self, id: u32) {
        self.draining.retain(|draining| *draining != id);
    }

    pub(super) fn gone(&mut self, id: u32, now: Time, out: &mut Outbox) {
        if self.replicas[id as usize].state == State::Gone {
            return;
        }
        // The router may not know yet: it stops sending when the endpoint lag has passed.
        let held_gpus = self.replicas[id as usize].state != State::Pending;
        self.set_state(id, State::Gone);
        self.draining.retain(|draining| *draining != id);
        let replica = &mut self.replicas[id as usize];
        replica.accepting = false;
        self.drain_tokens += self.engines.get(id).tokens_emitted(now) - replica.tokens_at_termination;
        self.statuses[replica.version].terminating -= 1;
        self.note(id, LifeEvent::Gone, out);
        if held_gpus {
            self.gpus_held -= self.scenario.fleet.gpus_per_replica;
            self.release_gpus(id, now, out);
            self.grant_gpus(now, out);
        }
    }

    /// A replica is not ready any more.
    pub(super) fn lose_readiness(&mut self, id: u32) {
        let replica = &mut self.replicas[id as usize];
        if replica.ready_since.take().is_some() {
            self.statuses[replica.version].ready -= 1;
        }
        if replica.available {
            replica.available = false;
            self.statuses[replica.version].available -= 1;
        }
    }

    pub(super) fn leave_endpoints(&mut self, id: u32) {
        let replica = &mut self.replicas[id as usize];
        if replica.in_endpoints {
            replica.in_endpoints = false;
            self.engines.delist(id);
            self.endpoints_epoch += 1;
        }
    }
}
