//! What the world does to replicas that nobody deleted: probes that fail and pass again, nodes that are lost.

use super::events::{LifeEvent, Outbox, Timer};
use super::life::Fleet;
use super::replica::State;
use crate::units::Time;

impl Fleet {
    /// So many replicas that `is_meant` holds for, the oldest first, of one pod template or of any.
    fn oldest(&self, template: Option<usize>, most: u32, is_meant: impl Fn(State) -> bool) -> Vec<u32> {
        let replicas = self.replicas.iter();
        let meant = replicas.filter(|r| template.is_none_or(|template| r.template == template) && is_meant(r.state));
        meant.map(|replica| replica.id).take(most as usize).collect()
    }

    /// Up to `most` ready replicas fail their probes from now on: they leave the endpoints at once and go on serving what
    /// they have. Returns how many.
    pub fn make_unready(&mut self, template: Option<usize>, most: u32, out: &mut Outbox) -> usize {
        let concerned = self.oldest(template, most, |state| state == State::Ready);
        for id in &concerned {
            self.note(*id, LifeEvent::Unready, out);
            self.lose_readiness(*id);
            self.leave_endpoints(*id);
            self.set_state(*id, State::Unready);
        }
        concerned.len()
    }

    /// Up to `most` replicas that were made unready are ready again. Returns how many.
    pub fn make_ready(&mut self, template: Option<usize>, most: u32, now: Time, out: &mut Outbox) -> usize {
        let concerned = self.oldest(template, most, |state| state == State::Unready);
        for id in &concerned {
            self.pass_probe(*id, now, out);
        }
        concerned.len()
    }

    /// Up to `most` replicas are gone at once with all that they hold, as if their nodes were lost. The router notices after
    /// the endpoint lag. Returns how many.
    pub fn kill(&mut self, template: Option<usize>, most: u32, now: Time, out: &mut Outbox) -> usize {
        let concerned = self.oldest(template, most, |state| !matches!(state, State::Terminating | State::Gone));
        for id in &concerned {
            self.run_through(*id, now, out);
            if self.replicas[*id as usize].state.container_runs() {
                self.note(*id, LifeEvent::Sigkill, out);
            }
            self.withdraw(*id, now, out);
            self.engines.kill(*id, now, &mut out.notices);
            out.timers.push((now + self.scenario.termination.endpoint_lag, Timer::EndpointRemoved(*id)));
            self.gone(*id, now, out);
        }
        concerned.len()
    }
}
