//! One run: the event queue and the loop that joins traffic, replicas, router, controller and books.
//!
//! The loop takes the earliest external event, lets the replicas concerned run up to it, lets its owner handle it, and
//! hands what follows to whom it concerns. Nothing here knows statistics over runs.

mod actions;
mod attempts;
mod calendar;
mod exposition;
mod measuring;
mod observations;
mod requests;
mod rollout;
mod run;
mod scrapes;
mod shutdowns;

use std::sync::Arc;

use crate::ledger::{Pooled, RunLedger, RunLog, RunRecord};
use crate::scenario::{Scenario, Strategy, VersionSettings};
use crate::serving::{EngineModel, Saturation};
use crate::units::Duration;
use crate::workload::LengthMoments;

pub use shutdowns::{InFlight, Shutdown, ShutdownLog};

/// A scenario made ready to be run: what all runs share.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Moments of its lengths.
    pub moments: LengthMoments,
    /// What a stable replica can emit at most.
    pub saturation: Saturation,
    models: Vec<Arc<EngineModel>>,
    min_ready: Duration,
}

impl Prepared {
    /// Works out what all runs share.
    pub fn new(scenario: Scenario) -> Prepared {
        let moments = LengthMoments::new(&scenario.traffic, &scenario.engine);
        let saturation = Saturation::new(&scenario, &moments);
        let versions = scenario.versions.iter();
        let model = |version: &VersionSettings| {
            EngineModel::of_version(&scenario.engine, version.step_time_factor, version.prefill_time_factor)
        };
        let models = versions.map(|version| Arc::new(model(version))).collect();
        let min_ready = match &scenario.rollout.strategy {
            Strategy::None => Duration::ZERO,
            Strategy::Recreate(settings) | Strategy::Rolling(settings) => settings.min_ready,
            Strategy::BlueGreen(settings) => settings.min_ready,
            Strategy::Canary(settings) => settings.min_ready,
            Strategy::Flagger(settings) => settings.deployment.min_ready,
        };
        Prepared { scenario: Arc::new(scenario), moments, saturation, models, min_ready }
    }

    /// Empty books for runs of this scenario, to be used again and again.
    pub fn ledger(&self) -> RunLedger {
        RunLedger::new(&self.scenario, self.saturation, self.moments.mean_output)
    }

    /// An empty pool for runs of this scenario.
    pub fn pooled(&self) -> Pooled {
        let study = &self.scenario.study;
        Pooled::new(study.duration.0.div_ceil(study.timeline_bin.0) as usize)
    }

    /// One run: a pure function of the scenario, its seed and the run's number.
    pub fn run(&self, number: u64, ledger: &mut RunLedger, pooled: &mut Pooled) -> RunRecord {
        run::Run::new(self, number, ledger, None).finish(pooled)
    }

    /// One run as [`run`](Self::run) has it, with what it shuts down noted.
    pub fn run_noting_shutdowns(
        &self,
        number: u64,
        ledger: &mut RunLedger,
        pooled: &mut Pooled,
        log: &mut ShutdownLog,
    ) -> RunRecord {
        let mut run = run::Run::new(self, number, ledger, None);
        run.shutdowns = Some(log);
        run.finish(pooled)
    }

    /// One run in full: its record, and every event and request.
    pub fn log_run(&self, number: u64) -> (RunRecord, RunLog) {
        let (mut ledger, mut pooled, mut log) = (self.ledger(), self.pooled(), RunLog::default());
        let record = run::Run::new(self, number, &mut ledger, Some(&mut log)).finish(&mut pooled);
        (record, log)
    }
}
