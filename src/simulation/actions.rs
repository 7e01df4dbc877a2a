//! What operators and the world do during a run: `[[action]]`.

use super::run::Run;
use crate::scenario::ActionKind;

impl Run<'_> {
    /// Does what an action says. What the controller makes of it follows from its next reconcile, at the same instant.
    pub(super) fn act(&mut self, action: ActionKind) {
        self.managed = true;
        let now = self.now;
        let mut detail = format!("do={}", action.name());
        match action {
            ActionKind::SetReplicas(replicas) => {
                detail.push_str(&format!(" replicas={replicas}"));
                self.controller.set_replicas(replicas);
            }
            ActionKind::Pause => self.controller.set_paused(true),
            ActionKind::Resume => self.controller.set_paused(false),
            ActionKind::Abort => self.controller.abort(),
            ActionKind::Retry => {
                self.controller.retry();
                self.ledger.rollout_retried();
            }
            ActionKind::Promote => self.controller.promote(),
            ActionKind::PromoteFull => self.controller.promote_full(),
            ActionKind::RollBack | ActionKind::Ship(_) => {}
            ActionKind::MakeUnready { version, replicas } => {
                let concerned = self.fleet.make_unready(version, replicas, &mut self.out);
                detail.push_str(&format!(" replicas={concerned}"));
            }
            ActionKind::MakeReady { version, replicas } => {
                let concerned = self.fleet.make_ready(version, replicas, now, &mut self.out);
                detail.push_str(&format!(" replicas={concerned}"));
            }
            ActionKind::KillReplicas { version, replicas } => {
                let concerned = self.fleet.kill(version, replicas, now, &mut self.out);
                detail.push_str(&format!(" replicas={concerned}"));
            }
        }
        self.tell("action", None, detail);
        match action {
            ActionKind::Ship(version) => self.ship(version),
            // The version before the one that was shipped last; with none, there is nothing to go back to.
            ActionKind::RollBack => {
                if let Some(previous) = self.revisions.iter().rev().nth(1).copied() {
                    self.ship(previous);
                }
            }
            ActionKind::KillReplicas { .. } => self.replace_lost(),
            _ => {}
        }
        self.set_reconcile();
    }

    /// A ReplicaSet replaces pods that vanish at once, whatever its controller is about.
    fn replace_lost(&mut self) {
        for version in 0..self.fleet.statuses().len() {
            for _ in self.fleet.statuses()[version].replicas..self.controller.spec(version) {
                self.fleet.create(version, self.now, &mut self.out);
            }
        }
    }
}
