//! What an analysis reads through Prometheus, on the program itself: the same figures follow from the log of requests, the
//! times of scrapes and the rules of PromQL, put together here once more and in another way.

mod support;

use cutover::ledger::{EventRow, Metric, RequestRow, RunLog};
use cutover::prometheus::{Bucket, Sample, Window, histogram_quantile, sum};
use cutover::random::{Purpose, RunKey};
use cutover::units::Time;
use support::prepared;

/// A canary at a third of the traffic for twenty minutes, measured every minute. Its replicas crash, too.
const BASE: &str = r#"
[study]
runs = 1
seed = 5
warm_up = "5m"
duration = "40m"
timeline_bin = "1m"
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = { distribution = "lognormal", median = 600, p99 = 5000, max = 8000 }
output_tokens = { distribution = "lognormal", median = 100, p99 = 800, max = 2000 }
[fleet]
replicas = 6
[engine]
max_num_seqs = 64
step_time = { base = "20ms", per_prefill_token = "100us" }
[cold_start]
engine_start = { distribution = "uniform", low = "20s", high = "60s" }
[rollout]
strategy = "canary"
start = "5m"
[rollout.canary]
background_analysis = ["it"]
steps = [{ set_weight = 33 }, { pause = "20m" }, { set_weight = 100 }]
[new_version]
crash_mtbf = "4m"
[analysis.it]
metric = "ttft"
quantile = 0.9
max = "1h"
window = "2m"
"#;

const PROMETHEUS: &str = "analysis.it.estimator=prometheus";
const INTERVAL: i64 = 15_000;
const BOUNDS: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];

fn log(sets: &[&str]) -> RunLog {
    prepared(BASE, sets).log_run(0).1
}

/// A figure in the detail of a measurement; `None` where it says none.
fn figure(row: &EventRow, name: &str) -> Option<f64> {
    let word = row.detail.split(' ').find_map(|word| word.strip_prefix(name)).expect("the figure");
    word.trim_start_matches('=').trim_end_matches('s').parse().ok()
}

fn measurements(log: &RunLog) -> Vec<&EventRow> {
    log.events.iter().filter(|row| row.event == "measurement").collect()
}

/// The times at which a replica's server was up, each from and until, and when its counters were at zero.
fn lives(log: &RunLog, replica: u32) -> Vec<(Time, Time)> {
    let mut lives: Vec<(Time, Time)> = Vec::new();
    for row in log.events.iter().filter(|row| row.replica == Some(replica)) {
        match row.event {
            "ready" => lives.push((row.time, Time::NEVER)),
            "crashed" | "sigterm" => lives.iter_mut().for_each(|life| life.1 = life.1.min(row.time)),
            _ => {}
        }
    }
    lives
}

/// What scrapes of a replica saw of the bucket up to `upper`.
fn series(log: &RunLog, replica: u32, upper: f64) -> Vec<Sample> {
    let phase = (RunKey::new(5, 0).keyed_uniform(Purpose::Scrape, u64::from(replica), 0) * INTERVAL as f64) as i64;
    let requests: Vec<&RequestRow> = log.requests.iter().filter(|row| row.replica == Some(replica)).collect();
    let mut samples = Vec::new();
    for (from, until) in lives(log, replica) {
        let scrapes = (-40..400).map(|i| phase + i * INTERVAL).map(|at| (at, Time(at * 1_000_000)));
        for (at, time) in scrapes.filter(|(_, time)| *time >= from && *time < until) {
            let is_counted = |row: &&&RequestRow| {
                row.first_token
                    .is_some_and(|first| first >= from && first <= time && first.since(row.arrival).seconds() <= upper)
            };
            samples.push(Sample { at, value: requests.iter().filter(is_counted).count() as f64 });
        }
    }
    samples
}

/// The bounds, infinity among them, each with the series of every replica of the new version.
fn scraped(log: &RunLog) -> Vec<(f64, Vec<Vec<Sample>>)> {
    let mut replicas: Vec<u32> =
        log.events.iter().filter(|row| row.version == "new").filter_map(|row| row.replica).collect();
    replicas.sort_unstable();
    replicas.dedup();
    let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
    bounds.map(|upper| (upper, replicas.iter().map(|replica| series(log, *replica, upper)).collect())).collect()
}

/// `histogram_quantile(0.9, sum by (le) (rate(...[2m])))`.
fn quantile(scraped: &[(f64, Vec<Vec<Sample>>)], at: Time) -> f64 {
    let window = Window { at: at.0 / 1_000_000, range: 120_000 };
    let bucket = |(upper, series): &(f64, Vec<Vec<Sample>>)| {
        let rates = series.iter().filter_map(|series| window.rate(series.iter().copied()));
        Bucket { upper: *upper, count: sum(rates) }
    };
    let buckets: Vec<Bucket> = scraped.iter().map(bucket).collect();
    histogram_quantile(0.9, &buckets)
}

#[test]
fn a_measurement_is_the_quantile_of_what_was_scraped() {
    let log = log(&[PROMETHEUS]);
    let crashes = log.events.iter().filter(|row| row.event == "crashed").count();
    assert!(crashes > 0, "no counter was reset");
    let scraped = scraped(&log);
    let (mut compared, mut apart) = (0, 0);
    for row in measurements(&log) {
        let expected = quantile(&scraped, row.time);
        match figure(row, "value") {
            Some(value) => {
                assert!((value - expected).abs() < 2e-6, "{value} for {expected} at {:?}", row.time);
                compared += 1;
                apart += u32::from(figure(row, "exact").is_some_and(|exact| (exact - value).abs() > 0.005));
            }
            None => assert!(expected.is_nan(), "none for {expected} at {:?}", row.time),
        }
    }
    assert!(compared > 15 && apart > 10, "{compared} figures, {apart} of them far from the exact ones");
}

#[test]
fn scrapes_change_nothing_but_what_is_read() {
    let (scraped, exact) = (log(&[PROMETHEUS]), log(&[]));
    assert_eq!(scraped.requests, exact.requests);
    let others = |log: &RunLog| -> Vec<(Time, &str)> { log.events.iter().map(|row| (row.time, row.event)).collect() };
    assert_eq!(others(&scraped), others(&exact));
    let beside: Vec<Option<f64>> = measurements(&scraped).iter().map(|row| figure(row, "exact")).collect();
    let alone: Vec<Option<f64>> = measurements(&exact).iter().map(|row| figure(row, "value")).collect();
    assert_eq!(beside, alone);
}

#[test]
fn an_error_rate_without_an_error_is_no_data_and_the_first_errors_are_not_seen() {
    let text = BASE.replace("quantile = 0.9\nmax = \"1h\"\n", "max = 0.9\n");
    let log = |more: &str| {
        prepared(&text, &["analysis.it.metric=error_rate", PROMETHEUS, "new_version.crash_mtbf=0s", more]).log_run(0).1
    };
    let none = log("new_version.error_probability=0.0");
    assert!(measurements(&none).iter().all(|row| figure(row, "value").is_none()));
    assert!(measurements(&none).iter().any(|row| figure(row, "exact") == Some(0.0)));
    let often = log("new_version.error_probability=0.3");
    let last = *measurements(&often).last().expect("a measurement");
    let (value, exact) = (figure(last, "value").expect("errors"), figure(last, "exact").expect("errors"));
    assert!((value - exact).abs() < 0.05, "{value} for {exact}");
    let some = log("new_version.error_probability=0.004");
    let (mut unseen, mut errors) = (0, 0);
    for row in measurements(&some) {
        errors += u32::from(figure(row, "exact").is_some_and(|exact| exact > 0.0));
        unseen += u32::from(
            figure(row, "exact").is_some_and(|exact| exact > 0.0)
                && figure(row, "value").is_none_or(|value| value == 0.0),
        );
    }
    assert!(unseen > 0 && errors > unseen, "{unseen} of {errors} measurements saw none of their errors");
}

#[test]
fn verdicts_of_the_estimator_alone_are_counted() {
    // Between 0.25 s and 0.5 s there is no bucket: a limit within is too strict or too lax.
    let record = |max: &str, sets: &[&str]| {
        let max = format!("analysis.it.max={max}");
        let sets: Vec<&str> = [max.as_str(), PROMETHEUS].into_iter().chain(sets.iter().copied()).collect();
        let record = prepared(BASE, &sets).log_run(0).0;
        [Metric::MisjudgedMeasurements, Metric::EstimatorOnlyFailures, Metric::EstimatorOnlyPasses]
            .map(|it| record.value(it))
    };
    assert_eq!(record("1h", &[]), [0.0; 3]);
    assert_eq!(record("1ms", &[]), [0.0; 3], "both fail at once");
    let found: Vec<[f64; 3]> =
        ["150ms", "250ms", "350ms", "450ms", "600ms"].iter().map(|max| record(max, &[])).collect();
    assert!(found.iter().any(|[misjudged, ..]| *misjudged > 0.0), "{found:?}");
    assert!(
        found.iter().all(|[misjudged, failures, passes]| failures + passes <= 1.0 && failures + passes <= *misjudged)
    );
    assert!(found.iter().any(|[_, failures, passes]| failures + passes == 1.0), "{found:?}");
}

#[test]
fn a_judge_of_points_finds_a_slower_version_and_passes_an_equal_one() {
    let judge = BASE.replace("max = \"1h\"\nwindow = \"2m\"", "window = \"10m\"\nstep = \"20s\"\nmin_samples = 20")
        + "estimator = \"mann_whitney\"\ninterval = \"10m\"\ninitial_delay = \"12m\"\n";
    let run = |factor: &str| {
        prepared(&judge, &["new_version.crash_mtbf=0s", "analysis.it.quantile=0.5", factor]).log_run(0).1
    };
    let outcomes = |log: &RunLog| log.events.iter().filter(|row| row.event == "analysis_failed").count();
    let (equal, slower) = (run("new_version.step_time_factor=1.0"), run("new_version.step_time_factor=1.5"));
    assert_eq!((outcomes(&equal), outcomes(&slower)), (0, 1));
    let first = *measurements(&slower).first().expect("a measurement");
    assert!(figure(first, "shift") > figure(first, "lower") && figure(first, "lower") > Some(0.0), "{}", first.detail);
    assert!(first.detail.contains("samples=30"), "30 steps of 20 s: {}", first.detail);
    // With more points demanded than there are in the window so far, there are no data.
    let early = prepared(&judge, &["analysis.it.initial_delay=2m"]).log_run(0).1;
    assert!(measurements(&early)[0].detail.contains("value=none"), "{}", measurements(&early)[0].detail);
}
