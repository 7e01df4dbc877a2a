//! `[[check]]`: statistics over runs, and the bounds that they must keep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[[check]]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// A metric of one run, by its name in `runs.csv`.
    pub metric: String,
    /// What of it over runs.
    pub statistic: Statistic,
    /// It must be at least this.
    pub min: Option<f64>,
    /// It must be at most this.
    pub max: Option<f64>,
    /// What it means for the gate where it does not hold.
    pub severity: Severity,
    /// Why it is promised, for people.
    pub description: Option<String>,
    /// Line of the scenario where the check stands (1-based), for messages.
    pub line: usize,
}

/// `severity` of a check: what it means for the gate where the check does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The gate fails.
    #[default]
    Fail,
    /// It is told, and the gate passes.
    Warn,
}

impl Severity {
    /// Every severity, with the name that a scenario gives it.
    pub const ALL: [(Severity, &'static str); 2] = [(Severity::Fail, "fail"), (Severity::Warn, "warn")];

    /// The name that a scenario gives it.
    pub fn name(self) -> &'static str {
        Severity::ALL.iter().find(|(severity, _)| *severity == self).map_or("", |(_, name)| name)
    }
}

/// A statistic over runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Statistic {
    /// Mean.
    Mean,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// Median.
    P50,
    /// 90 % quantile.
    P90,
    /// 95 % quantile.
    P95,
    /// 99 % quantile.
    P99,
    /// Share of runs in which it is above zero.
    ProbabilityPositive,
}

impl Statistic {
    /// Every statistic, with the name that a scenario gives it.
    pub const ALL: [(Statistic, &'static str); 8] = [
        (Statistic::Mean, "mean"),
        (Statistic::Min, "min"),
        (Statistic::Max, "max"),
        (Statistic::P50, "p50"),
        (Statistic::P90, "p90"),
        (Statistic::P95, "p95"),
        (Statistic::P99, "p99"),
        (Statistic::ProbabilityPositive, "probability_positive"),
    ];

    /// The name that a scenario gives it.
    pub fn name(self) -> &'static str {
        Statistic::ALL.iter().find(|(statistic, _)| *statistic == self).map_or("", |(_, name)| name)
    }

    /// The probability of a quantile, else `None`.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Statistic::P50 => Some(0.5),
            Statistic::P90 => Some(0.9),
            Statistic::P95 => Some(0.95),
            Statistic::P99 => Some(0.99),
            _ => None,
        }
    }
}
