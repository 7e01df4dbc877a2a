//! What a replica is made of and goes through: `[engine]`, `[cold_start]`, `[termination]`.

use std::path::Path;

use super::codes::Code;
use super::distribution::{Quantity, Unit, gigabytes_per_second};
use super::reader::{Field, POSITIVE, PROBABILITY, Real, Section};
use super::tree::Value;
use super::{ColdStart, Engine, OnSigterm, Speculative, Stage, StepTime, Termination, WeightLoad, profile};
use crate::profiles::{Profile, WEIGHT_LOAD_BANDWIDTH};
use crate::random::Distribution;
use crate::units::Duration;

/// Most tokens of a KV cache.
const MOST_CACHE_TOKENS: u64 = 1_000_000_000;
/// Most draft tokens of a step.
const MOST_DRAFT_TOKENS: u64 = 32;
/// Share of the blocks that an admission leaves free in vLLM V0 (`watermark` of its block manager).
const V0_WATERMARK: f64 = 0.01;
/// Longest base of a step: an hour, in nanoseconds.
const LONGEST_BASE: f64 = 3.6e12;
/// Longest time per sequence or token: a minute, in nanoseconds.
const LONGEST_COEFFICIENT: f64 = 6e10;
/// Weights, gigabytes.
const GIGABYTES: Real = Real { expected: "gigabytes: a number from 0 to 1e6", holds: |x| (0.0..=1e6).contains(&x) };
/// Shares of the KV cache's blocks that can be left free.
const WATERMARK: Real = Real { expected: "a number from 0, below 1", holds: |x| (0.0..1.0).contains(&x) };

/// Reads `[engine]`.
pub(super) fn engine(section: &Section<'_>) -> Engine {
    let profile = profile::read(section);
    let default = profile.map_or_else(Engine::default, Engine::of_profile);
    let chunked_prefill = section.boolean("chunked_prefill", default.chunked_prefill);
    let watermark = if chunked_prefill { default.kv_watermark } else { V0_WATERMARK };
    let engine = Engine {
        profile,
        max_num_seqs: section.whole("max_num_seqs", 1..=10_000_000, default.max_num_seqs),
        max_num_batched_tokens: section.whole("max_num_batched_tokens", 1..=10_000_000, default.max_num_batched_tokens),
        chunked_prefill,
        kv_cache_tokens: section.whole("kv_cache_tokens", 1..=MOST_CACHE_TOKENS, default.kv_cache_tokens),
        block_size: section.whole("block_size", 1..=1_000_000, default.block_size),
        kv_watermark: section.real("kv_watermark", &WATERMARK, watermark),
        reserve_full_prompt: section.boolean("reserve_full_prompt", default.reserve_full_prompt),
        step_time: read_step_time(section, default.step_time, profile),
        overhead: section.field("overhead").and_then(|it| step_duration(&it, LONGEST_BASE)).unwrap_or(default.overhead),
        speculative: section.field("speculative").and_then(|field| read_speculative(&field)),
        saturated_tokens_per_second: section.optional_real("saturated_tokens_per_second", &POSITIVE),
    };
    let context = section.context;
    if !engine.chunked_prefill && !engine.reserve_full_prompt && context.is_written("engine.reserve_full_prompt") {
        let expected = "expected no `reserve_full_prompt = false`: without chunked prefill a prompt is read whole";
        context.conflict(
            Code::WHOLE_PROMPT,
            "engine.reserve_full_prompt",
            "a prompt that is read whole needs its room",
            expected,
            None,
        );
    }
    if engine.kv_cache_tokens < u64::from(engine.block_size)
        && context.are_sound(&["engine.kv_cache_tokens", "engine.block_size"])
    {
        let expected = format!(
            "expected room for at least one block of {} tokens, found {}",
            engine.block_size, engine.kv_cache_tokens
        );
        context.conflict(Code::NO_BLOCK, "engine.kv_cache_tokens", "the KV cache holds no block", expected, None);
    }
    engine
}

fn read_speculative(field: &Field<'_>) -> Option<Speculative> {
    if !matches!(field.node.value, Value::Table(_)) {
        return field.wrong(Code::WRONG_TYPE, "a table such as { tokens = 4, acceptance = 0.7 }");
    }
    field.table()?.read_whole(|table| {
        let tokens = table.required("tokens", "draft tokens of a step, such as 4");
        let tokens = tokens.and_then(|field| field.whole(1..=MOST_DRAFT_TOKENS));
        let acceptance = table.required("acceptance", PROBABILITY.expected);
        let acceptance = acceptance.and_then(|field| field.real(&PROBABILITY));
        Some(Speculative { tokens: tokens? as u32, acceptance: acceptance? })
    })
}

/// Reads `engine.step_time`. Coefficients that a given table leaves out are the profile's, or zero without one; without
/// the table, the default's hold.
fn read_step_time(section: &Section<'_>, default: StepTime, profile: Option<&'static Profile>) -> StepTime {
    if !section.has("step_time") {
        section.field("step_time");
        return default;
    }
    let rest = if profile.is_some() { default } else { StepTime::default() };
    section.read("step_time", |table| {
        let coefficient =
            |key, rest| table.field(key).and_then(|field| step_duration(&field, LONGEST_COEFFICIENT)).unwrap_or(rest);
        let base_table = table.field("base_table");
        let (base, per_sequence) = if base_table.is_some() {
            for key in ["base", "per_sequence"] {
                if let Some(field) = table.field(key) {
                    let expected = "`base_table` stands for `base` and `per_sequence`: expected one or the other";
                    field.wrong_because::<()>(Code::EXCLUSIVE_KEYS, expected.to_owned(), None);
                }
            }
            (None, 0.0)
        } else {
            let expected = "how long every step takes, such as \"8ms\"";
            let base = profile::required_without(profile, table, "base", expected);
            (base.and_then(|field| base_duration(&field)), coefficient("per_sequence", rest.per_sequence))
        };
        StepTime {
            base: base.unwrap_or(if base_table.is_some() { 0.0 } else { rest.base }),
            base_table: base_table.and_then(|field| read_base_table(&field)).unwrap_or_default(),
            per_sequence,
            per_kv_token: coefficient("per_kv_token", rest.per_kv_token),
            per_prefill_token: coefficient("per_prefill_token", rest.per_prefill_token),
            per_prefill_token_squared: coefficient("per_prefill_token_squared", rest.per_prefill_token_squared),
            per_prefill_token_context: coefficient("per_prefill_token_context", rest.per_prefill_token_context),
        }
    })
}

/// Points of (decoding sequences, duration), ascending.
fn read_base_table(field: &Field<'_>) -> Option<Vec<(u32, f64)>> {
    const EXPECTED: &str = "a list of points such as [[1, \"8ms\"], [64, \"11ms\"]]";
    let points = field.list(EXPECTED)?;
    if points.is_empty() {
        return field.wrong(Code::WRONG_VALUE, EXPECTED);
    }
    let read: Vec<Option<(u32, f64)>> = points
        .iter()
        .map(|point| match point.list(EXPECTED)?.as_slice() {
            [sequences, duration] => {
                let (sequences, duration) = (sequences.whole(0..=10_000_000), base_duration(duration));
                Some((sequences? as u32, duration?))
            }
            _ => point.wrong(Code::WRONG_TYPE, "a number of sequences and a duration, such as [64, \"11ms\"]"),
        })
        .collect();
    let read = read.into_iter().collect::<Option<Vec<_>>>()?;
    if read.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return field.wrong_because(
            Code::LISTS_DISAGREE,
            "expected numbers of sequences in ascending order".to_owned(),
            None,
        );
    }
    Some(read)
}

/// Without a base, a step could take no time, and time would stand still.
fn base_duration(field: &Field<'_>) -> Option<f64> {
    match step_duration(field, LONGEST_BASE)? {
        0.0 => field.wrong(Code::WRONG_VALUE, "a duration above zero: a step takes time"),
        nanoseconds => Some(nanoseconds),
    }
}

fn step_duration(field: &Field<'_>, longest: f64) -> Option<f64> {
    let nanoseconds = field.nanoseconds()?;
    if nanoseconds > longest {
        return field.wrong(Code::WRONG_VALUE, format_args!("a duration of at most {}", Duration(longest as u64)));
    }
    Some(nanoseconds)
}

/// Reads `[cold_start]`; a profile gives the weights where nothing else is written.
pub(super) fn cold_start(section: &Section<'_>, directory: &Path, profile: Option<&'static Profile>) -> ColdStart {
    let seconds = Quantity { unit: Unit::Seconds, directory };
    let stage = |key| section.field(key).and_then(|field| read_stage(&field, seconds)).unwrap_or_else(no_stage);
    ColdStart {
        provision: stage("provision"),
        image_pull: stage("image_pull"),
        weight_load: read_weight_load(section, directory, profile),
        engine_start: stage("engine_start"),
        failure_probability: section.real("failure_probability", &PROBABILITY, 0.0),
        readiness_period: section.duration("readiness_period", Duration::ZERO),
    }
}

fn no_stage() -> Stage {
    Stage { seconds: Distribution::constant(0.0), skip_probability: 0.0 }
}

fn read_stage(field: &Field<'_>, seconds: Quantity<'_>) -> Option<Stage> {
    match &field.node.value {
        Value::Table(_) => field.table()?.read_whole(|section| {
            let skip_probability = section.real("skip_probability", &PROBABILITY, 0.0);
            Some(Stage { seconds: seconds.read_table(section)?, skip_probability })
        }),
        _ => Some(Stage { seconds: seconds.read(field)?, skip_probability: 0.0 }),
    }
}

fn read_weight_load(section: &Section<'_>, directory: &Path, profile: Option<&'static Profile>) -> WeightLoad {
    const KEYS: [&str; 3] = ["gigabytes", "gigabytes_per_second", "shared_gigabytes_per_second"];
    let Some(field) = section.field("weight_load") else {
        return profile.map_or_else(|| WeightLoad::Stage(no_stage()), WeightLoad::of_profile);
    };
    let has = |key: &&str| field.node.entry(key).is_some();
    // Beside a profile a table need name neither the weights nor a bandwidth.
    let is_of_profile = profile.is_some() && matches!(field.node.value, Value::Table(_)) && !has(&"distribution");
    let read = if KEYS.iter().any(has) || is_of_profile {
        field.table().and_then(|table| table.read_whole(|table| read_bandwidth(table, directory, profile)))
    } else {
        read_stage(&field, Quantity { unit: Unit::Seconds, directory }).map(WeightLoad::Stage)
    };
    read.unwrap_or_else(|| WeightLoad::Stage(no_stage()))
}

fn read_bandwidth(table: &Section<'_>, directory: &Path, profile: Option<&'static Profile>) -> Option<WeightLoad> {
    let gigabytes = match profile::required_without(profile, table, "gigabytes", GIGABYTES.expected) {
        Some(field) => field.real(&GIGABYTES),
        None => profile.map(|profile| profile.model.gigabytes()),
    };
    let own = Quantity { unit: Unit::GigabytesPerSecond, directory };
    let expected = "a replica's own bandwidth, such as 1.5 or \"1.5 GB/s\"";
    let own = match profile::required_without(profile, table, "gigabytes_per_second", expected) {
        Some(field) => own.read(&field),
        None => profile.map(|_| Distribution::constant(WEIGHT_LOAD_BANDWIDTH)),
    };
    let shared = table.field("shared_gigabytes_per_second");
    let shared_bandwidth = shared.as_ref().and_then(gigabytes_per_second);
    if shared_bandwidth == Some(0.0) {
        shared?.wrong::<()>(Code::WRONG_VALUE, "a bandwidth above zero");
    }
    let skip_probability = table.real("skip_probability", &PROBABILITY, 0.0);
    let (gigabytes, gigabytes_per_second) = (gigabytes?, own?);
    if gigabytes == 0.0 {
        return Some(WeightLoad::Stage(no_stage()));
    }
    Some(WeightLoad::Bandwidth {
        gigabytes,
        gigabytes_per_second,
        shared_gigabytes_per_second: shared_bandwidth,
        skip_probability,
    })
}

/// Reads `[termination]`.
pub(super) fn termination(section: &Section<'_>) -> Termination {
    const ON_SIGTERM: [(&str, OnSigterm); 2] = [("drain", OnSigterm::Drain), ("abort", OnSigterm::Abort)];
    Termination {
        grace_period: section.duration("grace_period", Duration::from_seconds(30)),
        pre_stop: section.duration("pre_stop", Duration::ZERO),
        endpoint_lag: section.duration("endpoint_lag", Duration::ZERO),
        on_sigterm: section.choice("on_sigterm", &ON_SIGTERM, &[], OnSigterm::Drain),
    }
}
