//! Closing the books: what was counted becomes the run's record, once it is sure that nothing was lost.

use super::RunLedger;
use crate::ledger::facts::{Outcome, RolloutResult};
use crate::ledger::metrics::{Metric, RolloutOutcome};
use crate::ledger::money::bill;
use crate::ledger::record::{Pooled, RunRecord};
use crate::units::Duration;

impl RunLedger {
    /// Closes the books: asserts that nothing was lost, adds to what all runs pool, and returns the run's record.
    ///
    /// # Panics
    /// If requests, attempts or tokens are not conserved: a bug of the simulator, never of a scenario.
    pub fn close(&self, run: u64, rollout: &RolloutResult, in_flight: &[u64], pooled: &mut Pooled) -> RunRecord {
        self.assert_conservation(run, in_flight);
        self.pool(pooled);
        RunRecord {
            run,
            values: self.values(rollout),
            outcome: rollout.outcome,
            reason: rollout.reason.clone(),
            timeline: self.timeline.values(),
            empty_measurements: rollout.empty_measurements,
        }
    }

    /// The value of every metric.
    fn values(&self, rollout: &RolloutResult) -> Vec<f64> {
        let mut values: Vec<f64> = self.counts.iter().map(|count| *count as f64).collect();
        let set = |values: &mut Vec<f64>, metric: Metric, value: f64| values[metric as usize] = value;
        set(&mut values, Metric::TokensOut, self.tokens.emitted as f64);
        set(&mut values, Metric::TokensUseful, self.tokens.useful as f64);
        set(&mut values, Metric::TokensWasted, self.tokens.wasted as f64);
        self.ttft.metrics([Metric::TtftMean, Metric::TtftP50, Metric::TtftP90, Metric::TtftP99], &mut values);
        self.tpot.metrics([Metric::TpotMean, Metric::TpotP50, Metric::TpotP90, Metric::TpotP99], &mut values);
        self.e2e.metrics([Metric::E2eMean, Metric::E2eP50, Metric::E2eP90, Metric::E2eP99], &mut values);
        self.queue_time.metrics(
            [Metric::QueueTimeMean, Metric::QueueTimeP50, Metric::QueueTimeP90, Metric::QueueTimeP99],
            &mut values,
        );
        set(&mut values, Metric::RolloutDuration, rollout.duration.map_or(f64::NAN, Duration::seconds));
        set(&mut values, Metric::RolloutCompleted, f64::from(rollout.outcome == RolloutOutcome::Completed));
        set(&mut values, Metric::RolledBack, f64::from(rollout.outcome == RolloutOutcome::RolledBack));
        self.exposure_metrics(&mut values);
        let estimates = rollout.estimates;
        set(&mut values, Metric::MisjudgedMeasurements, f64::from(estimates.misjudged));
        set(&mut values, Metric::EstimatorOnlyFailures, f64::from(estimates.only_failures));
        set(&mut values, Metric::EstimatorOnlyPasses, f64::from(estimates.only_passes));
        let least_ready = self.capacity.least_ready.unwrap_or(0);
        set(&mut values, Metric::MinReadyFraction, f64::from(least_ready) / f64::from(self.desired));
        set(&mut values, Metric::MinCapacityFraction, self.capacity.least_capacity / self.needed);
        set(&mut values, Metric::CapacityDip, self.capacity.dip_replica_seconds);
        set(&mut values, Metric::SecondsBelowCapacity, self.capacity.seconds_below);
        set(&mut values, Metric::SecondsOverloaded, self.capacity.seconds_overloaded);
        set(&mut values, Metric::SloViolation, self.slo_violation_seconds());
        set(&mut values, Metric::PeakGpus, f64::from(self.capacity.peak_gpus));
        for (metric, value) in bill(&self.gpu_time, &self.tokens, &self.tariff) {
            set(&mut values, metric, value);
        }
        values
    }

    /// Adds what all runs pool.
    fn pool(&self, pooled: &mut Pooled) {
        pooled.ttft.merge(&self.ttft.histogram);
        pooled.tpot.merge(&self.tpot.histogram);
        pooled.e2e.merge(&self.e2e.histogram);
        pooled.queue_time.merge(&self.queue_time.histogram);
        pooled.needed_grace.merge(&self.needed_grace);
        self.timeline.pool_ttft(pooled);
    }

    fn exposure_metrics(&self, values: &mut [f64]) {
        let (exposure, cost) = (&self.exposure, &self.exposure.cost);
        let after_abort = |value: f64| if exposure.aborted.is_some() { value } else { f64::NAN };
        values[Metric::TimeToDetect as usize] = exposure.time_to_detect().map_or(f64::NAN, Duration::seconds);
        values[Metric::TimeToSafety as usize] = exposure.time_to_safety().map_or(f64::NAN, Duration::seconds);
        let weight = exposure.weight_at_abort.map_or(f64::NAN, |percent| f64::from(percent) / 100.0);
        values[Metric::WeightAtAbort as usize] = after_abort(weight);
        values[Metric::AbortDip as usize] = after_abort(cost.dip_replica_seconds);
        values[Metric::AbortColdStarts as usize] = after_abort(cost.replicas_created as f64);
        values[Metric::AbortOverloaded as usize] = after_abort(cost.seconds_overloaded);
    }

    /// Total length of the bins in which too many of the requests that arrived missed the objective.
    fn slo_violation_seconds(&self) -> f64 {
        let Some(slo) = self.slo else { return f64::NAN };
        let tolerated = |arrived: u32| (1.0 - slo.quantile) * f64::from(arrived) + 1e-9;
        let missed = |arrived: u32, met: u32| f64::from(arrived - met) > tolerated(arrived);
        (self.slo_bins.iter().enumerate())
            .filter(|(_, (arrived, met))| missed(*arrived, *met))
            .map(|(i, _)| slo.bins.length(i).seconds())
            .fold(0.0, |sum, seconds| sum + seconds)
    }

    fn assert_conservation(&self, run: u64, in_flight: &[u64]) {
        let requests = self.counts[Metric::Requests as usize];
        let ended: u64 = Outcome::ALL.iter().map(|outcome| self.counts[outcome.metrics().0 as usize]).sum();
        let open = self.counts[Metric::InFlightRequests as usize];
        assert_eq!(requests, ended + open, "run {run}: requests are not conserved");
        assert_eq!(self.open_requests, 0, "run {run}: requests were left open");
        for (version, in_flight) in self.versions.iter().zip(in_flight.iter().chain([&0])) {
            assert_eq!(version.begun, version.ended + *in_flight, "run {run}: attempts of a version are not conserved");
        }
        assert_eq!(
            self.at_start.in_flight + self.tokens.emitted,
            self.tokens.useful + self.tokens.wasted + self.at_end.in_flight,
            "run {run}: tokens are not conserved"
        );
    }
}
