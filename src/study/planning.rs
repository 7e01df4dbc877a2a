//! What a planner takes away: how long to reserve for the rollout, and the grace period that would cut nobody.

use super::result::{Estimate, StudyResult};
use crate::fleet::{sigkill_after, sigterm_after};
use crate::ledger::Metric;
use crate::scenario::{OnSigterm, Termination};
use crate::units::Duration;

/// Share of the answers in flight at a shutdown that the proposed grace period lets finish.
pub const SHARE_TO_FINISH: f64 = 0.999;

/// The planning line of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planning {
    /// Window to reserve: the 95 % quantile of the rollout's duration over runs, seconds.
    pub window_s: Estimate,
    /// Grace period that would let [`SHARE_TO_FINISH`] of the answers in flight at a shutdown finish, seconds; with a
    /// server that aborts on SIGTERM, the preStop hook would have to last so long. `None` if nothing was in flight.
    pub grace_s: Option<f64>,
    /// What an answer in flight has today from the shutdown until it is cut, seconds.
    pub current_grace_s: f64,
    /// Share of the answers in flight at a shutdown that need longer than that; `None` if nothing was in flight.
    pub cut_share: Option<f64>,
}

/// What follows from a study for planning.
pub fn planning(result: &StudyResult) -> Planning {
    let needed = &result.pooled.needed_grace;
    let current_grace_s = time_to_finish(&result.scenario.termination).seconds();
    let any = needed.count() > 0;
    Planning {
        window_s: result.metric(Metric::RolloutDuration).p95,
        grace_s: any.then(|| needed.quantile(SHARE_TO_FINISH)),
        current_grace_s,
        cut_share: any.then(|| needed.share_above(current_grace_s)),
    }
}

/// From the shutdown until SIGKILL, or until SIGTERM where the server aborts: the longest that an answer can last.
pub fn time_to_finish(termination: &Termination) -> Duration {
    match termination.on_sigterm {
        OnSigterm::Abort => sigterm_after(termination),
        OnSigterm::Drain => sigkill_after(termination),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::{record, study};

    fn termination(grace: u64, pre_stop: u64, on_sigterm: OnSigterm) -> Termination {
        Termination {
            grace_period: Duration::from_seconds(grace),
            pre_stop: Duration::from_seconds(pre_stop),
            endpoint_lag: Duration::ZERO,
            on_sigterm,
        }
    }

    #[test]
    fn an_answer_has_until_sigkill_or_until_an_aborting_server_gets_sigterm() {
        for (grace, pre_stop, on_sigterm, seconds) in [
            (30, 5, OnSigterm::Drain, 30.0),
            (30, 29, OnSigterm::Drain, 31.0),
            (30, 60, OnSigterm::Drain, 32.0),
            (0, 0, OnSigterm::Drain, 2.0),
            (30, 5, OnSigterm::Abort, 5.0),
            (30, 60, OnSigterm::Abort, 30.0),
        ] {
            assert_eq!(time_to_finish(&termination(grace, pre_stop, on_sigterm)).seconds(), seconds);
        }
    }

    #[test]
    fn the_proposed_grace_period_and_todays_cuts_follow_from_what_was_in_flight() {
        let mut result = study((0..100).map(|run| record(run, &[(Metric::RolloutDuration, run as f64)])).collect());
        for seconds in 1..=1_000 {
            result.pooled.needed_grace.record(Duration::from_seconds(seconds));
        }
        let planning = planning(&result);
        // Ranks 90 and 100 of 100 enclose the 95 % quantile: P(Bin(100, 0.95) >= 99) is 3.7 %. Values begin at 0.
        assert_eq!(planning.window_s, Estimate { value: 94.0, interval: Some((89.0, 99.0)) });
        assert!((planning.grace_s.unwrap() / 999.0 - 1.0).abs() <= 0.004, "{planning:?}");
        assert_eq!(planning.current_grace_s, 30.0);
        // 970 of 1,000 need more than 30 s, give or take those that share its bucket.
        assert!((planning.cut_share.unwrap() - 0.97).abs() <= 0.001, "{planning:?}");
    }

    #[test]
    fn nothing_is_proposed_where_nothing_was_in_flight() {
        let planning = planning(&study(vec![record(0, &[])]));
        assert_eq!((planning.grace_s, planning.cut_share), (None, None));
    }
}
