//! Made-up sweeps for the tests of reports and charts: each step along the first axis cuts fewer answers and costs more.

use crate::ledger::{METRICS, Metric, RunRecord};
use crate::report::example;
use crate::scenario::{Axis, Scenario, Statistic};
use crate::study::{Estimate, Grid, Measure, Point, Sweep};

/// A sweep of forty runs a point over these axes, all points done; the second point is as written.
pub fn over(axes: &[&str]) -> Sweep {
    let grid = Grid::new(axes.iter().map(|axis| Axis::parse(axis).expect("an axis")).collect()).expect("a grid");
    let study = example::study();
    let mut base = study.scenario.clone();
    base.checks = vec![example::check(Metric::TruncatedAttempts, Statistic::P90, 10.0, 1)];
    // What the scenarios are does not matter here, only that they differ.
    let scenarios: Vec<Scenario> = (0..grid.points())
        .map(|point| {
            let mut scenario = base.clone();
            scenario.fleet.gpu_hour_usd += (point as f64) - 1.0;
            scenario.hash = format!("{point:064x}");
            scenario
        })
        .collect();
    let mut sweep = Sweep::new(base, grid, &scenarios);
    let records = |point: usize| -> Vec<RunRecord> {
        let coordinates = sweep.grid.coordinates(point);
        study.records.iter().map(|record| shifted(record, &coordinates)).collect()
    };
    let reference = records(sweep.reference);
    let points = (0..sweep.points.len()).map(|at| Some(Point::new(&scenarios[at], &records(at), &reference))).collect();
    sweep.points = points;
    sweep.select(&[]);
    sweep
}

/// A run at a point: fewer cut answers and a higher price along the first axis, longer waits along the second.
fn shifted(record: &RunRecord, coordinates: &[usize]) -> RunRecord {
    let mut record = record.clone();
    let first = coordinates[0] as f64;
    let second = coordinates.get(1).map_or(0.0, |index| *index as f64);
    for metric in METRICS {
        let value = &mut record.values[*metric as usize];
        match metric {
            Metric::TruncatedAttempts => *value = (*value - 6.0 * first - 2.0 * second).max(0.0),
            Metric::UsdPerMillionOutput => *value += 0.02 * first,
            Metric::Cost => *value += 0.3 * first,
            Metric::TtftP99 => *value *= 1.0 + 0.1 * second,
            _ => {}
        }
    }
    record
}

/// Sweeps of every shape that charts and tables meet.
pub fn every() -> Vec<Sweep> {
    let long =
        "cold_start.image_pull=60s,{ distribution = \"lognormal\", median = \"60s\", p99 = \"240s\", max = \"10m\" }";
    let surge = "rollout.rolling.max_surge=1,25%,50%";
    let mut sweeps: Vec<Sweep> = [
        vec!["termination.grace_period=30s,60s,2m"],
        vec!["termination.grace_period=10s,30s,60s,2m,5m"],
        vec!["fleet.replicas=1..40/1"],
        vec![surge],
        vec!["fleet.replicas=8"],
        vec![long],
        vec![long, surge],
        vec!["termination.grace_period=30s,60s,2m", surge],
        vec!["termination.grace_period=30s,60s,2m", "fleet.gpu_limit=9"],
        vec!["fleet.replicas=1..14/1", "traffic.arrivals.rate=1..17/0.5"],
        vec!["fleet.replicas=4,8,12", surge, "router.policy=random,round_robin"],
        vec![surge, "router.policy=random,round_robin", "fleet.gpu_limit=9"],
        vec!["fleet.replicas=4,8", surge, "router.policy=random,round_robin,power_of_two"],
    ]
    .iter()
    .map(|axes| over(axes))
    .collect();
    let mut interrupted = over(&["termination.grace_period=30s,60s,2m", surge]);
    interrupted.points[5] = None;
    let mut unjudged = over(&["termination.grace_period=30s,60s,2m"]);
    unjudged.points.iter_mut().flatten().for_each(|point| point.checks.clear());
    unjudged.as_written = false;
    unjudged.selected =
        [Metric::RolloutDuration, Metric::TimeToDetect, Metric::MinReadyFraction].map(Measure::mean).into();
    sweeps.extend([interrupted, unjudged]);
    // Rollouts that never finish at the first points.
    for axes in [vec!["fleet.gpu_limit=8,9,10"], vec!["fleet.gpu_limit=8,9", surge, "router.policy=random,round_robin"]]
    {
        let mut stuck = over(&axes);
        let median = Measure { metric: Metric::RolloutDuration, statistic: Statistic::P50 };
        for point in stuck.points.iter_mut().take(3).flatten() {
            point.metrics[Metric::RolloutDuration as usize].p50 =
                Estimate { value: f64::INFINITY, interval: Some((f64::INFINITY, f64::INFINITY)) };
        }
        stuck.selected = vec![median];
        sweeps.push(stuck);
    }
    // Of which the mean is empty at some points, and spreads over decades at the others.
    for axes in [
        vec!["fleet.gpu_limit=8,9,10,11,12"],
        vec!["fleet.gpu_limit=8,9", surge, "router.policy=random,round_robin"],
        vec!["fleet.gpu_limit=8,9", surge],
    ] {
        let mut wide = over(&axes);
        for (at, point) in wide.points.iter_mut().flatten().enumerate() {
            let value = if at % 4 == 2 { f64::NAN } else { 0.5 * 4f64.powi(at as i32) };
            let interval = (at % 4 != 2).then_some((0.9 * value, 1.2 * value));
            point.metrics[Metric::RolloutDuration as usize].mean = Estimate { value, interval };
        }
        wide.selected = vec![Measure::mean(Metric::RolloutDuration)];
        sweeps.push(wide);
    }
    sweeps
}
