//! How long a replica takes from its creation to being available: quantiles over draws of the stages.

use crate::random::{Purpose, RunKey, unit_interval};
use crate::scenario::{Scenario, Stage, WeightLoad};
use crate::units::Duration;
use rand::Rng;

/// Draws of a cold start.
const DRAWS: u64 = 400;

/// Cold starts of replicas that start together.
pub struct ColdStarts {
    /// Seconds, ascending; infinite where a stage never ends.
    draws: Vec<f64>,
}

impl ColdStarts {
    /// Cold starts while so many replicas load at once, each of which must be ready for `min_ready`.
    pub fn new(scenario: &Scenario, at_once: u32, min_ready: Duration) -> ColdStarts {
        let mut draws: Vec<f64> = (0..DRAWS).map(|index| draw(scenario, at_once, index)).collect();
        draws.iter_mut().for_each(|draw| *draw += min_ready.seconds());
        draws.sort_by(f64::total_cmp);
        ColdStarts { draws }
    }

    /// A quantile, seconds.
    pub fn quantile(&self, q: f64) -> f64 {
        self.draws[((q * self.draws.len() as f64) as usize).min(self.draws.len() - 1)]
    }

    /// What one start takes, typically: the median, seconds.
    pub fn typical(&self) -> f64 {
        self.quantile(0.5)
    }

    /// What the slowest of so many starts takes, typically, seconds: the quantile that all are below in half of the cases.
    pub fn slowest_of(&self, starts: u32) -> f64 {
        self.quantile(0.5_f64.powf(1.0 / f64::from(starts.max(1))))
    }
}

/// One cold start, seconds; readiness is seen half a period late on average.
fn draw(scenario: &Scenario, at_once: u32, index: u64) -> f64 {
    let stages = &scenario.cold_start;
    let loading = match &stages.weight_load {
        WeightLoad::Stage(stage) => of_stage(stage, Purpose::WeightLoad, index),
        WeightLoad::Bandwidth { gigabytes, gigabytes_per_second, shared_gigabytes_per_second, skip_probability } => {
            if is_skipped(*skip_probability, Purpose::WeightLoad, index) {
                0.0
            } else {
                let own = gigabytes_per_second.draw(&mut stream(Purpose::WeightLoad, index), index);
                let share = shared_gigabytes_per_second.map_or(f64::INFINITY, |all| all / f64::from(at_once.max(1)));
                gigabytes / own.min(share)
            }
        }
    };
    of_stage(&stages.provision, Purpose::Provision, index)
        + of_stage(&stages.image_pull, Purpose::ImagePull, index)
        + loading
        + of_stage(&stages.engine_start, Purpose::EngineStart, index)
        + stages.readiness_period.seconds() / 2.0
}

fn stream(purpose: Purpose, index: u64) -> crate::random::Stream {
    RunKey::new(0, 0).keyed_stream(purpose, index, 0)
}

fn is_skipped(probability: f64, stage: Purpose, index: u64) -> bool {
    probability > 0.0
        && unit_interval(RunKey::new(0, 0).keyed_stream(Purpose::Skip, index, stage as u64).next_u64()) < probability
}

fn of_stage(stage: &Stage, purpose: Purpose, index: u64) -> f64 {
    if is_skipped(stage.skip_probability, purpose, index) {
        return 0.0;
    }
    stage.seconds.draw(&mut stream(purpose, index), index)
}
