//! What happens to requests in a run: arrival, routing, the gateway, time-outs, ends and retries.

use super::attempts::{Attempt, Moment, Place};
use super::calendar::Event;
use super::run::Run;
use crate::fleet::{Destination, retry_wait};
use crate::ledger::{EndedAttempt, Outcome, RequestRow};
use crate::random::Purpose;
use crate::scenario::AnalysisMetric;
use crate::serving::{Notice, NoticeKind, Request};
use crate::units::{Duration, Time};
use crate::workload::{Arrival, longest_output, scaled_output};

impl Run<'_> {
    /// A request arrives for the first time.
    pub(super) fn first_attempt(&mut self, arrival: &Arrival) {
        let measured = self.ledger.arrival(arrival.time);
        let attempt = Attempt::first(self.next_request, arrival, measured);
        self.next_request += 1;
        let slot = self.attempts.add(attempt);
        self.begin_attempt(slot);
    }

    /// An attempt reaches the router.
    pub(super) fn begin_attempt(&mut self, slot: u32) {
        let now = self.now;
        self.attempts.get_mut(slot).arrived = now;
        if self.log.is_some() {
            self.log_attempt(slot);
        }
        if let Some(timeout) = self.scenario.clients.timeout {
            let generation = self.attempts.get(slot).generation;
            self.timeouts.push_back((now + timeout, slot, generation));
        }
        if !self.dispatch(slot) {
            self.wait_at_gateway(slot);
        }
    }

    /// Sends an attempt to a replica, if there is one that it can go to.
    fn dispatch(&mut self, slot: u32) -> bool {
        let attempt = self.attempts.get(slot);
        let name = (attempt.request, attempt.number);
        let routing = self.controller.routing();
        let destination = self.router.route(&mut self.fleet, routing, name, self.now, &mut self.out);
        let Destination::Replica(id) = destination else { return false };
        self.submit(slot, id);
        true
    }

    /// A replica gets an attempt: it refuses it, answers it with an error, or takes it in.
    fn submit(&mut self, slot: u32, id: u32) {
        let now = self.now;
        self.fleet.run_before(id, now, &mut self.out);
        self.process_notices();
        let replica = self.fleet.replica(id);
        let (version, accepting) = (replica.template, replica.accepting);
        let attempt = self.attempts.get_mut(slot);
        attempt.place = Place::Replica(id);
        attempt.version = version as u8;
        attempt.dispatched = now;
        if version > 0 {
            attempt.reached_new = true;
            attempt.exposed |= self.ledger.exposes(version, now);
            let scenario = self.scenario;
            let longest = longest_output(&scenario.traffic, &scenario.engine, attempt.prompt_tokens);
            let factor = scenario.versions[version].output_tokens_factor;
            attempt.output_tokens = scaled_output(attempt.stable_output_tokens, factor, longest);
        } else {
            attempt.output_tokens = attempt.stable_output_tokens;
        }
        let (request, number) = (attempt.request, attempt.number);
        let (prompt_tokens, output_tokens) = (attempt.prompt_tokens, attempt.output_tokens);
        self.ledger.attempt_begun(Some(version), now);
        let full = match self.scenario.router.max_queue_per_replica {
            Some(limit) => self.fleet.engine(id).queued().is_some_and(|queued| queued >= limit as usize),
            None => false,
        };
        if !accepting || full || !self.fleet.fits(version, prompt_tokens, output_tokens) {
            return self.end_attempt(slot, Outcome::Refused, now, 0);
        }
        let error_probability = self.scenario.versions[version].error_probability;
        if error_probability > 0.0
            && self.key.keyed_uniform(Purpose::Failure, request, u64::from(number)) < error_probability
        {
            return self.end_attempt(slot, Outcome::Failed, now, 0);
        }
        let luck = match self.scenario.engine.speculative {
            Some(_) => self.key.keyed_bits(Purpose::Speculation, request, u64::from(number)),
            None => 0,
        };
        let request = Request { id: slot, prompt_tokens, output_tokens, luck };
        let handle = self.fleet.submit(id, now, request, &mut self.out);
        self.attempts.get_mut(slot).handle = Some(handle);
    }

    fn wait_at_gateway(&mut self, slot: u32) {
        let wait = self.scenario.router.max_gateway_wait;
        if wait.is_zero() {
            self.ledger.attempt_begun(None, self.now);
            return self.end_attempt(slot, Outcome::Refused, self.now, 0);
        }
        let attempt = self.attempts.get_mut(slot);
        attempt.place = Place::Gateway;
        let generation = attempt.generation;
        self.gateway.push_back((slot, generation));
        self.calendar.set(self.now + wait, Event::GatewayExpiry(slot, generation));
    }

    fn waits_at_gateway(&self, slot: u32, generation: u32) -> bool {
        let attempt = self.attempts.get(slot);
        attempt.generation == generation && attempt.place == Place::Gateway
    }

    /// Sends what waits at the gateway on its way, as far as there is someone to send it to.
    pub(super) fn flush_gateway(&mut self) {
        if self.gateway.is_empty() {
            return;
        }
        for (slot, generation) in std::mem::take(&mut self.gateway) {
            if self.waits_at_gateway(slot, generation) && !self.dispatch(slot) {
                self.gateway.push_back((slot, generation));
            }
        }
        self.settle();
    }

    /// An attempt has waited at the gateway for as long as it may.
    pub(super) fn gateway_expires(&mut self, slot: u32, generation: u32) {
        if self.waits_at_gateway(slot, generation) {
            self.ledger.attempt_begun(None, self.now);
            self.end_attempt(slot, Outcome::Refused, self.now, 0);
        }
    }

    /// When the next client gives up; stale deadlines are thrown away.
    pub(super) fn next_timeout(&mut self) -> Time {
        while let Some((deadline, slot, generation)) = self.timeouts.front() {
            if self.attempts.get(*slot).generation == *generation {
                return *deadline;
            }
            self.timeouts.pop_front();
        }
        Time::NEVER
    }

    /// The client whose deadline is first gives up.
    pub(super) fn time_out(&mut self) {
        let Some((_, slot, generation)) = self.timeouts.pop_front() else { return };
        let now = self.now;
        match self.attempts.get(slot).place {
            Place::Gateway => {
                self.ledger.attempt_begun(None, now);
                self.end_attempt(slot, Outcome::TimedOut, now, 0);
            }
            Place::Replica(id) => {
                self.fleet.run_through(id, now, &mut self.out);
                self.process_notices();
                let attempt = self.attempts.get_mut(slot);
                if attempt.generation == generation
                    && let Some(handle) = attempt.handle
                {
                    attempt.timed_out_at = Moment::at(now);
                    self.fleet.cancel(id, now, handle, &mut self.out);
                }
            }
            Place::BackOff | Place::Nowhere => {}
        }
        self.settle();
    }

    /// Deals with what engines have let go of since the last time.
    pub(super) fn process_notices(&mut self) {
        while !self.out.notices.is_empty() {
            std::mem::swap(&mut self.out.notices, &mut self.spare_notices);
            for i in 0..self.spare_notices.len() {
                let notice = self.spare_notices[i];
                self.process_notice(&notice);
            }
            self.spare_notices.clear();
        }
    }

    fn process_notice(&mut self, notice: &Notice) {
        let slot = notice.id;
        let attempt = self.attempts.get_mut(slot);
        match notice.kind {
            NoticeKind::Scheduled => {
                attempt.scheduled = Moment::at(notice.time);
                let wait = notice.time.since(attempt.dispatched);
                self.observe(slot, AnalysisMetric::QueueTime, notice.time, wait);
            }
            // What comes after its client has given up, nobody sees.
            NoticeKind::FirstToken if attempt.timed_out_at != Moment::NOT_YET => {}
            NoticeKind::FirstToken => {
                attempt.first_token = Moment::at(notice.time);
                let ttft = notice.time.since(attempt.dispatched);
                self.observe(slot, AnalysisMetric::Ttft, notice.time, ttft);
            }
            NoticeKind::Preempted => attempt.preemptions += 1,
            NoticeKind::Finished => {
                let e2e = notice.time.since(attempt.dispatched);
                let gaps = u64::from(attempt.output_tokens.saturating_sub(1));
                let first = attempt.first_token.get();
                self.observe(slot, AnalysisMetric::EndToEnd, notice.time, e2e);
                if let (Some(first), true) = (first, gaps > 0) {
                    self.observe(slot, AnalysisMetric::Tpot, notice.time, Duration(notice.time.since(first).0 / gaps));
                }
                self.end_attempt(slot, Outcome::Completed, notice.time, notice.tokens_out);
            }
            NoticeKind::Cancelled => {
                let outcome = match attempt.timed_out_at.get() {
                    Some(_) => Outcome::TimedOut,
                    None if notice.tokens_out > 0 => Outcome::Truncated,
                    None => Outcome::Dropped,
                };
                self.end_attempt(slot, outcome, notice.time, notice.tokens_out);
            }
        }
    }

    /// An attempt ends: it is counted, and tried again or not.
    fn end_attempt(&mut self, slot: u32, outcome: Outcome, time: Time, tokens_out: u32) {
        let attempt = self.attempts.get(slot);
        let version = matches!(attempt.place, Place::Replica(_)).then_some(usize::from(attempt.version));
        self.ledger.attempt_ended(&EndedAttempt {
            outcome,
            time,
            version,
            measured: attempt.measured,
            prompt_tokens: attempt.prompt_tokens,
            tokens_out,
        });
        if self.observing {
            self.observe_end(slot, outcome, time);
        }
        let attempt = self.attempts.get(slot);
        if let Place::Replica(id) = attempt.place
            && let Some(terminated) = self.fleet.replica(id).terminated_at
            && (time > terminated || outcome != Outcome::Completed)
        {
            self.note_needed_grace(slot, id, outcome, time.since(terminated), tokens_out);
        }
        if self.notes_cuts(outcome) {
            self.note_cut(slot, time, tokens_out);
        }
        if self.log.is_some() {
            // A client that has given up saw the end then, not when the server noticed.
            let seen = self.attempts.get(slot).timed_out_at.get().unwrap_or(time);
            self.log_end(slot, outcome.name(), Some(seen), tokens_out);
        }
        let attempt = self.attempts.get(slot);
        if outcome.is_retried() && attempt.number <= self.scenario.clients.max_retries {
            return self.retry(slot, time);
        }
        if attempt.measured {
            let finish = (outcome == Outcome::Completed).then_some(time);
            self.ledger.request_ended(outcome, &attempt.times(finish));
        }
        self.attempts.free(slot);
    }

    fn retry(&mut self, slot: u32, time: Time) {
        let attempt = self.attempts.get_mut(slot);
        let wait = retry_wait(&self.scenario.clients.backoff, self.key, attempt.request, attempt.number);
        *attempt = attempt.retry();
        if attempt.measured {
            self.ledger.retry();
        }
        self.calendar.set(time + wait, Event::Retry(slot));
    }

    /// An answer that was in flight on a terminating replica has ended so long after the replica was told to terminate:
    /// the grace period that it needed. For one that was cut, each missing token takes a decode step of the batch that it was
    /// cut from.
    #[cold]
    fn note_needed_grace(&mut self, slot: u32, id: u32, outcome: Outcome, so_far: Duration, tokens_out: u32) {
        let attempt = self.attempts.get(slot);
        if attempt.handle.is_none() {
            return;
        }
        match outcome {
            Outcome::Completed => self.ledger.needed_grace(so_far),
            Outcome::Truncated | Outcome::Dropped => {
                let tokens = f64::from(attempt.output_tokens - tokens_out);
                let missing = tokens * self.fleet.replica(id).last_seconds_per_token;
                self.ledger.needed_grace(so_far + Duration::from_seconds_f64(missing));
            }
            Outcome::Refused | Outcome::TimedOut | Outcome::Failed => {}
        }
    }

    fn log_attempt(&mut self, slot: u32) {
        let Some(log) = &mut self.log else { return };
        let attempt = self.attempts.get_mut(slot);
        attempt.row = log.requests.len() as u32;
        log.requests.push(RequestRow {
            id: attempt.request,
            attempt: attempt.number,
            arrival: attempt.arrived,
            prompt_tokens: attempt.prompt_tokens,
            output_tokens: attempt.stable_output_tokens,
            version: String::new(),
            replica: None,
            scheduled: None,
            first_token: None,
            finish: None,
            tokens_out: 0,
            outcome: "in_flight",
            preemptions: 0,
        });
    }

    fn log_end(&mut self, slot: u32, outcome: &'static str, finish: Option<Time>, tokens_out: u32) {
        let Some(log) = &mut self.log else { return };
        let attempt = self.attempts.get(slot);
        let row = &mut log.requests[attempt.row as usize];
        if let Place::Replica(id) = attempt.place {
            row.version.clone_from(&self.scenario.versions[usize::from(attempt.version)].name);
            row.replica = Some(id);
            row.output_tokens = attempt.output_tokens;
        }
        row.scheduled = attempt.scheduled.get();
        row.first_token = attempt.first_token.get();
        row.preemptions = attempt.preemptions;
        (row.finish, row.tokens_out, row.outcome) = (finish, tokens_out, outcome);
    }

    /// Completes the row of an attempt that had not ended when the run did.
    pub(super) fn log_in_flight(&mut self, slot: u32) {
        let attempt = self.attempts.get(slot);
        let tokens_out = match (attempt.place, attempt.handle) {
            (Place::Replica(id), Some(handle)) => {
                let before = Time(self.now.0 - 1);
                self.fleet.engine(id).tokens_out(handle, before)
            }
            _ => 0,
        };
        self.log_end(slot, "in_flight", None, tokens_out);
    }
}
