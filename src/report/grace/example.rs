//! A made-up answer for the tests of reports and charts.

use crate::ledger::Metric;
use crate::report::example;
use crate::study::grace::{Cost, Counted, Feedback, GraceAnswer, Method, Period, Probability, Standing, Target};
use crate::study::{Change, Difference, Estimate, wilson};
use crate::units::Duration;

fn estimate(value: f64) -> Estimate {
    Estimate { value, interval: Some((0.9 * value, 1.15 * value)) }
}

fn difference(metric: Metric, value: f64) -> Difference {
    Difference {
        metric,
        runs: 100,
        unpaired: 0,
        mean_a: 1.0,
        mean_b: 1.0 + value,
        difference: estimate(value),
        correlation: 0.9,
        runs_saved: 20.0,
        change: Change::Worse,
    }
}

/// Five periods of 10 s to 5 min, of which 30 s is today's and a minute is enough.
pub fn answer() -> GraceAnswer {
    let period = |(seconds, truncated, standing, extra): (u64, f64, Standing, f64)| Period {
        grace: Duration::from_seconds(seconds),
        kill_after: Duration::from_seconds(seconds),
        truncated: estimate(truncated),
        probability: Estimate {
            value: truncated.min(1.0),
            interval: Some(((0.9 * truncated).min(1.0), (1.15 * truncated).min(1.0))),
        },
        dropped: Estimate { value: 0.0, interval: Some((0.0, 0.0037)) },
        upper_bound: 1.12 * truncated,
        is_settled: truncated == 0.0,
        would_be_settled: false,
        runs_needed: None,
        effective_runs: 600.0,
        standing,
        counted: Some(Counted {
            runs: 100,
            truncated: estimate(truncated.round()),
            any: {
                let runs = (60.0 * truncated).min(100.0) as u64;
                Estimate { value: runs as f64 / 100.0, interval: wilson(runs, 100) }
            },
            variance_ratio: (truncated > 0.5).then(|| estimate(8.0)),
            by_run: Vec::new(),
        }),
        cost: (seconds != 30).then(|| Cost {
            duration: difference(Metric::RolloutDuration, 40.0 * extra),
            bill: difference(Metric::Cost, extra),
        }),
        expected_by_run: Vec::new(),
    };
    let periods = [
        (10, 64.0, Standing::Exceeds, -0.5),
        (30, 11.2, Standing::Exceeds, 0.0),
        (60, 8.4e-4, Standing::Meets, 0.25),
        (120, 1.2e-6, Standing::Meets, 0.3),
        (300, 0.0, Standing::Meets, 0.31),
    ];
    GraceAnswer {
        scenario: example::study().scenario,
        runs: 1_000,
        cost_runs: 100,
        partial: false,
        method: Method::Conditional,
        feedback: vec![Feedback::Gpus],
        probability: Probability::AtMost,
        target: Target::Probability(1e-3),
        periods: periods.map(period).to_vec(),
        today: 1,
        smallest: Some(2),
        truncated_otherwise: Estimate { value: 0.5, interval: Some((0.4, 0.6)) },
        unfinished: 0,
        shutdowns: 7.9,
    }
}
