//! What aborted rollouts cost their users: statistics over the runs with an abort, of which the others have nothing to say.

use super::result::{Estimate, StudyResult};
use super::summary::summarize_metric;
use crate::ledger::{Metric, RunRecord};

fn was_aborted(record: &RunRecord) -> bool {
    !record.value(Metric::TimeToDetect).is_nan()
}

/// The mean of `exposed_requests` over the runs with an abort; `None` without any.
pub fn exposed_before_abort(result: &StudyResult) -> Option<Estimate> {
    let aborted = result.records.iter().filter(|record| was_aborted(record));
    let exposed: Vec<f64> = aborted.map(|record| record.value(Metric::ExposedRequests)).collect();
    (!exposed.is_empty()).then(|| summarize_metric(Metric::ExposedRequests, &exposed, 0).mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::{record, study};

    #[test]
    fn only_the_runs_with_an_abort_count() {
        let run = |run: u64| {
            let detected = if run < 3 { 60.0 } else { f64::NAN };
            record(run, &[(Metric::TimeToDetect, detected), (Metric::ExposedRequests, 10.0 * run as f64)])
        };
        assert_eq!(exposed_before_abort(&study((0..12).map(run).collect())).unwrap().value, 10.0);
        assert!(exposed_before_abort(&study((3..12).map(run).collect())).is_none());
    }
}
