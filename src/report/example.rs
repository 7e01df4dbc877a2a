//! A made-up study for the tests of reports: a rolling update of eight replicas, forty runs, checks of every verdict.
//!
//! Its numbers are plausible and simple; nothing was simulated.

use crate::ledger::{Histogram, METRICS, Metric, Pooled, RolloutOutcome, RunRecord, SERIES};
use crate::random::{Distribution, Family};
use crate::scenario::{
    Arrivals, Backoff, Check, Clients, ColdStart, DeploymentSettings, Engine, Fleet, OnSigterm, Rollout, Router,
    RouterPolicy, Scenario, Slo, Stage, Statistic, Strategy, Study, Termination, Traffic, VersionSettings, WeightLoad,
    Written,
};
use crate::study::{Facts, StudyResult, summarize};
use crate::units::{CountOrPercent, Duration, Time};

const RUNS: u64 = 40;
const BINS: usize = 90;

fn lognormal(median: f64, sigma: f64) -> Distribution {
    Distribution { family: Family::Lognormal { median, sigma }, max: f64::INFINITY }
}

fn stage(seconds: Distribution) -> Stage {
    Stage { seconds, skip_probability: 0.0 }
}

/// Clients that do not retry.
fn clients() -> Clients {
    Clients {
        timeout: Some(Duration::from_seconds(600)),
        max_retries: 0,
        backoff: Backoff {
            initial: Duration::from_seconds(1),
            factor: 2.0,
            max: Duration::from_seconds(30),
            jitter: 0.5,
        },
    }
}

fn cold_start() -> ColdStart {
    ColdStart {
        provision: stage(Distribution::constant(0.0)),
        image_pull: stage(lognormal(60.0, 0.6)),
        weight_load: WeightLoad::Bandwidth {
            gigabytes: 27.0,
            gigabytes_per_second: Distribution::constant(0.7),
            shared_gigabytes_per_second: Some(4.0),
            skip_probability: 0.0,
        },
        engine_start: stage(lognormal(75.0, 0.3)),
        failure_probability: 0.0,
        readiness_period: Duration::from_seconds(10),
    }
}

fn rollout() -> Rollout {
    Rollout {
        start: Time(1_200_000_000_000),
        strategy: Strategy::Rolling(DeploymentSettings {
            max_surge: CountOrPercent::Percent(25),
            max_unavailable: CountOrPercent::Percent(25),
            ..DeploymentSettings::default()
        }),
    }
}

/// A check on that line of the scenario, that fails the study where the statistic is greater.
pub fn check(metric: Metric, statistic: Statistic, max: f64, line: usize) -> Check {
    Check {
        metric: metric.name().to_owned(),
        statistic,
        min: None,
        max: Some(max),
        severity: Default::default(),
        description: None,
        line,
    }
}

/// The scenario of the design: a model of 27 GB on eight GPUs.
pub fn scenario() -> Scenario {
    Scenario {
        name: "27 GB model on 8 H100: rolling update with the default grace period".to_owned(),
        study: Study {
            runs: RUNS,
            seed: 1,
            warm_up: Duration::from_seconds(600),
            duration: Duration::from_seconds(5_400),
            cool_down: Duration::from_seconds(900),
            timeline_bin: Duration::from_seconds(60),
        },
        traffic: Traffic::Synthetic {
            arrivals: Arrivals::Poisson { rate: 6.0 },
            prompt_tokens: lognormal(800.0, 0.87),
            output_tokens: lognormal(250.0, 1.07),
        },
        clients: clients(),
        router: Router {
            policy: RouterPolicy::LeastRequests,
            max_queue_per_replica: Some(1_000),
            max_gateway_wait: Duration::from_seconds(30),
        },
        fleet: Fleet {
            replicas: 8,
            needed_replicas: 8.0,
            gpus_per_replica: 1,
            gpu_limit: Some(10),
            stockout: None,
            gpu_hour_usd: 3.0,
            surge_gpu_hour_usd: 3.0,
        },
        engine: Engine::default(),
        cold_start: cold_start(),
        termination: Termination {
            grace_period: Duration::from_seconds(30),
            pre_stop: Duration::from_seconds(5),
            endpoint_lag: Duration::from_seconds(1),
            on_sigterm: OnSigterm::Drain,
        },
        slo: Some(Slo { ttft: Duration::from_seconds(2), quantile: 0.99, bin: Duration::from_seconds(60) }),
        rollout: rollout(),
        versions: ["stable", "new"].map(VersionSettings::like_stable).to_vec(),
        actions: Vec::new(),
        analyses: Vec::new(),
        checks: vec![
            check(Metric::TtftP99, Statistic::Mean, 2.5, 90),
            check(Metric::TruncatedAttempts, Statistic::Mean, 5.0, 95),
            check(Metric::CapacityDip, Statistic::P99, 500.0, 100),
        ],
        plan: None,
        hash: "5f2c9a3de1b04786a9c3d2e1f0b5a6978877665544332211ffeeddccbbaa0099".to_owned(),
        read_by: env!("CARGO_PKG_VERSION").to_owned(),
        source: "name = \"27 GB model\"  # <as written>\n".to_owned(),
        settings: vec!["study.runs=40".to_owned()],
        warnings: Vec::new(),
        written: Written::default(),
    }
}

/// The made-up value of a metric in a run; `wave` goes from -1 to 1 over the runs.
fn value_of(metric: Metric, run: u64, wave: f64) -> f64 {
    match metric {
        Metric::Requests => 32_400.0 + (wave * 300.0).round(),
        Metric::CompletedRequests => 32_388.0 + (wave * 300.0).round() - (wave * 5.0).round(),
        Metric::TruncatedRequests | Metric::TruncatedAttempts => 12.0 + (wave * 5.0).round(),
        Metric::TtftMean => 0.2 + 0.01 * wave,
        Metric::TtftP50 => 0.15 + 0.005 * wave,
        Metric::TtftP99 => 1.9 + 0.2 * wave,
        Metric::TpotMean | Metric::TpotP50 => 0.012 + 0.0005 * wave,
        Metric::TpotP99 => 0.031 + 0.002 * wave,
        Metric::E2eMean => 5.1 + 0.1 * wave,
        Metric::E2eP50 => 4.5 + 0.1 * wave,
        Metric::E2eP99 => 48.0 + 2.0 * wave,
        // One run in forty does not finish in the window.
        Metric::RolloutDuration if run == 7 => f64::NAN,
        Metric::RolloutDuration => 840.0 + 60.0 * wave,
        Metric::RolloutCompleted => f64::from(u8::from(run != 7)),
        Metric::NewVersionRequests | Metric::ExposedRequests => 22_000.0 + (wave * 500.0).round(),
        // No rollout was aborted.
        Metric::TimeToDetect
        | Metric::TimeToSafety
        | Metric::WeightAtAbort
        | Metric::AbortDip
        | Metric::AbortColdStarts
        | Metric::AbortOverloaded => f64::NAN,
        Metric::MinReadyFraction | Metric::MinCapacityFraction => 0.75,
        Metric::CapacityDip => 480.0 + 60.0 * wave,
        Metric::SecondsBelowCapacity => 260.0 + 20.0 * wave,
        Metric::SecondsOverloaded => 0.0,
        Metric::SloViolation => 180.0 + (wave * 2.0).round() * 60.0,
        Metric::PeakGpus => 10.0,
        Metric::GpuHours => 12.4 + 0.05 * wave,
        Metric::GpuHoursServing => 7.1 + 0.04 * wave,
        Metric::GpuHoursIdle => 4.6 + 0.02 * wave,
        Metric::GpuHoursCold => 0.6 - 0.01 * wave,
        Metric::GpuHoursDraining => 0.1,
        Metric::GpuHoursSurge => 0.45,
        Metric::Cost => 37.2 + 0.15 * wave,
        Metric::RolloutCost => 1.2 + 0.15 * wave,
        Metric::TokensOut => 14_600_000.0 + 90_000.0 * wave,
        Metric::TokensUseful => 14_580_000.0 + 90_000.0 * wave,
        Metric::TokensWasted => 20_000.0,
        Metric::UsdPerMillionOutput => 2.55 + 0.02 * wave,
        Metric::UsdPerMillion => 0.7 + 0.006 * wave,
        Metric::Utilization => 0.607 + 0.004 * wave,
        Metric::Formula => 2.41 + 0.016 * wave,
        Metric::WaterfallIdeal => 1.46,
        Metric::WaterfallIdle => 0.86 + 0.012 * wave,
        Metric::WaterfallSurge => 0.08,
        Metric::WaterfallCold => 0.124 + 0.008 * wave,
        Metric::WaterfallDrain => 0.02,
        Metric::WaterfallWasted => 0.006,
        _ => 0.0,
    }
}

fn records() -> Vec<RunRecord> {
    (0..RUNS)
        .map(|run| {
            let wave = (run as f64 * 0.7).sin();
            RunRecord {
                run,
                values: METRICS.iter().map(|metric| value_of(*metric, run, wave)).collect(),
                outcome: if run == 7 { RolloutOutcome::Unfinished } else { RolloutOutcome::Completed },
                reason: if run == 7 { "a replica does not start".to_owned() } else { String::new() },
                timeline: (0..SERIES.len() * BINS).map(|i| (i % BINS) as f32 * 0.1).collect(),
                empty_measurements: (0, 0),
            }
        })
        .collect()
}

fn histogram(durations: impl Iterator<Item = f64>) -> Histogram {
    let mut histogram = Histogram::new();
    for seconds in durations {
        histogram.record(Duration::from_seconds_f64(seconds));
    }
    histogram
}

/// The study.
pub fn study() -> StudyResult {
    study_with(|_| ())
}

/// The study with each of its runs changed.
pub fn study_with(change: impl Fn(&mut RunRecord)) -> StudyResult {
    let mut records = records();
    records.iter_mut().for_each(change);
    let quantiles = || (1..1_000).map(|i| f64::from(i) / 1_000.0);
    let facts = Facts {
        saturated_rate: 571.0,
        saturated_batch: 98.4,
        mean_prompt_tokens: 1_170.0,
        mean_output_tokens: 443.0,
        mean_rate: 6.0,
    };
    let ttft = histogram(quantiles().map(|q| 0.15 / (1.0 - q).powf(0.5)));
    let pooled = Pooled {
        // Nobody arrives in the last bin.
        ttft_by_bin: (0..BINS).map(|bin| if bin + 1 < BINS { ttft.clone() } else { Histogram::new() }).collect(),
        ttft_new_by_bin: vec![Histogram::new(); BINS],
        ttft,
        tpot: histogram(quantiles().map(|q| 0.012 + 0.02 * q.powi(20))),
        e2e: histogram(quantiles().map(|q| 3.0 / (1.0 - q).powf(0.6))),
        queue_time: histogram(quantiles().map(|q| 0.01 / (1.0 - q).powf(0.7))),
        needed_grace: histogram(quantiles().map(|q| 4.0 / (1.0 - q).powf(0.6))),
    };
    summarize(scenario(), facts, records, pooled, false)
}
