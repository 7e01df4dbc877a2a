//! `METRIC.STATISTIC`: what of a study a question is about, as people name it on the command line.

use serde::{Deserialize, Serialize};

use super::result::{Estimate, MetricSummary};
use crate::ledger::{METRICS, Metric};
use crate::scenario::{Statistic, suggestion};

/// One statistic over runs of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Which metric of a run.
    pub metric: Metric,
    /// Which statistic over runs.
    pub statistic: Statistic,
}

impl Measure {
    /// The mean of a metric.
    pub const fn mean(metric: Metric) -> Measure {
        Measure { metric, statistic: Statistic::Mean }
    }

    /// Reads `truncated_attempts.mean`; the mean is meant where no statistic is named.
    ///
    /// # Errors
    /// What was expected, with the nearest valid name.
    pub fn parse(text: &str) -> Result<Measure, String> {
        let (metric, statistic) = text.split_once('.').unwrap_or((text, Statistic::Mean.name()));
        let names: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
        let unknown = |what: &str, name: &str, known: &[&str]| {
            let help = suggestion(name, known).map_or_else(String::new, |help| format!("; {help}"));
            format!("there is no {what} `{name}`{help}")
        };
        let found = Metric::by_name(metric).ok_or_else(|| unknown("metric", metric, &names))?;
        let statistics = Statistic::ALL.map(|(_, name)| name);
        let statistic = (Statistic::ALL.iter().find(|(_, name)| *name == statistic))
            .map(|(statistic, _)| *statistic)
            .ok_or_else(|| unknown("statistic", statistic, &statistics))?;
        Ok(Measure { metric: found, statistic })
    }

    /// `METRIC.STATISTIC`.
    pub fn name(self) -> String {
        format!("{}.{}", self.metric.name(), self.statistic.name())
    }

    /// Its estimate in the summary of its metric.
    pub fn of(self, summary: &MetricSummary) -> Estimate {
        summary.statistic(self.statistic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_a_metric_and_a_statistic() {
        let mean = Measure::mean(Metric::TruncatedAttempts);
        assert_eq!(Measure::parse("truncated_attempts"), Ok(mean));
        assert_eq!(Measure::parse("truncated_attempts.mean"), Ok(mean));
        let p95 = Measure::parse("ttft_p99_s.p95").unwrap();
        assert_eq!(
            (p95.metric, p95.statistic, p95.name().as_str()),
            (Metric::TtftP99, Statistic::P95, "ttft_p99_s.p95")
        );
    }

    #[test]
    fn a_slip_is_told_the_nearest_name() {
        for (text, said) in [
            ("truncated_attempt.mean", "there is no metric `truncated_attempt`; did you mean `truncated_attempts`?"),
            ("cost_usd.median", "there is no statistic `median`; did you mean `mean`?"),
            ("cost_usd.p75", "there is no statistic `p75`; did you mean `p95`?"),
        ] {
            assert_eq!(Measure::parse(text).unwrap_err(), said);
        }
    }
}
