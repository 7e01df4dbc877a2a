//! The plain sections: `[study]`, `[clients]`, `[router]`, `[fleet]`, `[slo]`, `[new_version]`.

use std::path::Path;

use super::codes::Code;
use super::distribution::{Quantity, Unit};
use super::reader::{Context, Field, PROBABILITY, QUANTILE, Real, Section};
use super::tree::Value;
use super::{Backoff, Clients, Fleet, Router, RouterPolicy, Slo, Stockout, Study, VersionSettings};
use crate::digits::counted;
use crate::profiles::Profile;
use crate::units::Duration;

/// Most rows of a timeline.
const MOST_BINS: u64 = 20_000;
/// Factors by which a version differs.
const FACTOR: Real = Real { expected: "a number from 0.001 to 1000", holds: |x| (0.001..=1000.0).contains(&x) };
/// Capacities in replicas.
const REPLICAS: Real =
    Real { expected: "a number of replicas from 0.001 to 10000", holds: |x| (0.001..=1e4).contains(&x) };
/// Prices of a GPU-hour.
const PRICE: Real = Real { expected: "a number of USD from 0 to 1e6", holds: |x| (0.0..=1e6).contains(&x) };

/// Reads `[study]`.
pub(super) fn study(section: &Section<'_>) -> Study {
    let study = Study {
        runs: section.whole("runs", 1..=10_000_000, 1000),
        seed: section.whole("seed", 0..=u64::MAX, 1),
        warm_up: section.duration("warm_up", Duration::from_seconds(600)),
        duration: section.positive_duration("duration", Duration::from_seconds(5400)),
        cool_down: section.duration("cool_down", Duration::from_seconds(900)),
        timeline_bin: section.positive_duration("timeline_bin", Duration::from_seconds(10)),
    };
    check_bins(section.context, "study.timeline_bin", study.timeline_bin, study.duration);
    study
}

/// What is measured per bin is kept in memory, so there must not be too many.
fn check_bins(context: &Context<'_>, key: &str, bin: Duration, duration: Duration) {
    if duration.0.div_ceil(bin.0.max(1)) <= MOST_BINS || !context.are_sound(&[key, "study.duration"]) {
        return;
    }
    let least = Duration(duration.0.div_ceil(MOST_BINS)).seconds();
    if context.is_written(key) {
        let expected = format!("expected at most {MOST_BINS} bins in {duration}: at least {least} s wide, found {bin}");
        context.conflict(Code::TOO_MANY_BINS, key, format!("`{key}` is too narrow"), expected, None);
        context.beside("study.duration", "the window");
    } else {
        let longest = Duration(bin.0 * MOST_BINS);
        let message = format!("`study.duration` is too long for the default `{key}`");
        let expected =
            format!("expected at most {longest}, which is {MOST_BINS} bins of the default {bin}, found {duration}");
        context.conflict(
            Code::TOO_MANY_BINS,
            "study.duration",
            message,
            expected,
            Some(format!("set `{key}`, to at least {least} s")),
        );
    }
}

/// Reads `[clients]`.
pub(super) fn clients(section: &Section<'_>) -> Clients {
    Clients {
        timeout: section.optional_positive_duration("timeout"),
        max_retries: section.whole("max_retries", 0..=100, 0),
        backoff: section.read("backoff", |backoff| Backoff {
            initial: backoff.duration("initial", Duration(500_000_000)),
            factor: backoff.real("factor", &FACTOR, 2.0),
            max: backoff.duration("max", Duration::from_seconds(30)),
            jitter: backoff.real("jitter", &PROBABILITY, 0.5),
        }),
    }
}

/// Reads `[router]`.
pub(super) fn router(section: &Section<'_>) -> Router {
    const POLICIES: [(&str, RouterPolicy); 4] = [
        ("random", RouterPolicy::Random),
        ("round_robin", RouterPolicy::RoundRobin),
        ("least_requests", RouterPolicy::LeastRequests),
        ("power_of_two", RouterPolicy::PowerOfTwo),
    ];
    Router {
        policy: section.choice("policy", &POLICIES, &["session_affinity"], RouterPolicy::LeastRequests),
        max_queue_per_replica: section.optional_whole("max_queue_per_replica", 0..=10_000_000),
        max_gateway_wait: section.duration("max_gateway_wait", Duration::from_seconds(30)),
    }
}

/// Reads `[fleet]`; a replica holds as many GPUs as a profile is for where nothing else is written.
pub(super) fn fleet(section: &Section<'_>, directory: &Path, profile: Option<&Profile>) -> Fleet {
    let replicas: u32 = section.whole("replicas", 1..=10_000, 8);
    let gpu_hour_usd = section.real("gpu_hour_usd", &PRICE, 3.0);
    let fleet = Fleet {
        replicas,
        needed_replicas: section.real("needed_replicas", &REPLICAS, f64::from(replicas)),
        gpus_per_replica: section.whole("gpus_per_replica", 1..=1024, profile.map_or(1, |profile| profile.gpus)),
        gpu_limit: section.optional_whole("gpu_limit", 1..=1_000_000_000),
        stockout: section.field("stockout").and_then(|field| read_stockout(&field, directory)),
        gpu_hour_usd,
        surge_gpu_hour_usd: section.real("surge_gpu_hour_usd", &PRICE, gpu_hour_usd),
    };
    let context = section.context;
    let steady = fleet.replicas * fleet.gpus_per_replica;
    if let Some(limit) = fleet.gpu_limit.filter(|limit| *limit < steady)
        && context.are_sound(&["fleet.replicas", "fleet.gpus_per_replica", "fleet.gpu_limit"])
    {
        let expected = format!(
            "expected room for {} of {}, which is {}, found {limit}",
            counted(f64::from(fleet.replicas), "replica"),
            counted(f64::from(fleet.gpus_per_replica), "GPU"),
            counted(f64::from(steady), "GPU")
        );
        context.conflict(
            Code::FLEET_EXCEEDS_LIMIT,
            "fleet.gpu_limit",
            "the fleet does not fit `fleet.gpu_limit`",
            expected,
            None,
        );
        context.beside("fleet.replicas", counted(f64::from(fleet.replicas), "replica"));
        context.beside("fleet.gpus_per_replica", format!("{} each", counted(f64::from(fleet.gpus_per_replica), "GPU")));
    }
    fleet
}

fn read_stockout(field: &Field<'_>, directory: &Path) -> Option<Stockout> {
    if !matches!(field.node.value, Value::Table(_)) {
        return field.wrong(Code::WRONG_TYPE, "a table such as { probability = 0.1, delay = \"10m\" }");
    }
    field.table()?.read_whole(|table| {
        let probability = table.required("probability", PROBABILITY.expected);
        let probability = probability.and_then(|field| field.real(&PROBABILITY));
        let delay = table.required("delay", "how long lost GPUs can't be had, such as \"10m\"");
        let delay = delay.and_then(|field| Quantity { unit: Unit::Seconds, directory }.read(&field));
        Some(Stockout { probability: probability?, delay: delay? })
    })
}

/// Reads `[slo]`.
pub(super) fn slo(section: &Section<'_>) -> Slo {
    Slo {
        ttft: section.positive_duration("ttft", Duration::from_seconds(2)),
        quantile: section.real("quantile", &QUANTILE, 0.99),
        bin: section.positive_duration("bin", Duration::from_seconds(60)),
    }
}

/// Checks `[slo]` against the length of the measured window.
pub(super) fn check_slo(context: &Context<'_>, slo: &Slo, study: &Study) {
    check_bins(context, "slo.bin", slo.bin, study.duration);
}

/// Reads `[new_version]`, or the table of a version that an action ships.
pub(super) fn version(section: &Section<'_>, name: &str) -> VersionSettings {
    VersionSettings {
        name: name.to_owned(),
        step_time_factor: section.real("step_time_factor", &FACTOR, 1.0),
        prefill_time_factor: section.real("prefill_time_factor", &FACTOR, 1.0),
        error_probability: section.real("error_probability", &PROBABILITY, 0.0),
        output_tokens_factor: section.real("output_tokens_factor", &FACTOR, 1.0),
        crash_mtbf: section.duration("crash_mtbf", Duration::ZERO),
        start_failure_probability: section.optional_real("start_failure_probability", &PROBABILITY),
    }
}
