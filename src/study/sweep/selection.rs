//! `NAME.STATISTIC`: a metric and how it is taken over runs, as a person asks to see it.

use crate::ledger::{METRICS, Metric};
use crate::scenario::{Statistic, suggestion};

/// A statistic of a metric over runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which metric.
    pub metric: Metric,
    /// What of it over runs.
    pub statistic: Statistic,
}

impl Selection {
    /// The mean of a metric.
    pub const fn mean(metric: Metric) -> Selection {
        Selection { metric, statistic: Statistic::Mean }
    }

    /// Reads `NAME.STATISTIC`, or `NAME` for its mean.
    ///
    /// # Errors
    /// There is no such metric or statistic: which is meant, for a person.
    pub fn parse(text: &str) -> Result<Selection, String> {
        let (name, statistic) = text.split_once('.').unwrap_or((text, Statistic::Mean.name()));
        let metric = Metric::by_name(name).ok_or_else(|| {
            let names: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
            unknown("metric", name, &names)
        })?;
        let named = Statistic::ALL.into_iter().find(|(_, known)| *known == statistic);
        let (statistic, _) =
            named.ok_or_else(|| unknown("statistic", statistic, &Statistic::ALL.map(|(_, name)| name)))?;
        Ok(Selection { metric, statistic })
    }

    /// As [`Selection::parse`] reads it.
    pub fn name(self) -> String {
        format!("{}.{}", self.metric.name(), self.statistic.name())
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let help = suggestion(name, known).map_or_else(String::new, |help| format!("; {help}"));
    format!("there is no {what} `{name}`{help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_read_as_it_is_written() {
        for text in ["truncated_attempts.p90", "ttft_p99_s.mean", "cost_usd.probability_positive"] {
            assert_eq!(Selection::parse(text).unwrap().name(), text);
        }
        assert_eq!(Selection::parse("cost_usd").unwrap(), Selection::mean(Metric::Cost));
    }

    #[test]
    fn unknown_names_are_answered_with_the_nearest_one() {
        for (text, said) in [
            (
                "trunctated_attempts.mean",
                "there is no metric `trunctated_attempts`; did you mean `truncated_attempts`?",
            ),
            ("cost_usd.mea", "there is no statistic `mea`; did you mean `mean`?"),
            ("cost_usd.average", "there is no statistic `average`; known here: mean, min, max, "),
        ] {
            let error = Selection::parse(text).unwrap_err();
            assert!(error.starts_with(said), "{text}: {error}");
        }
    }
}
