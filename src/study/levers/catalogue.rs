//! The levers there are, and what each sets in a scenario.
//!
//! A lever is derived from a scenario, not fixed: turned after another one it sets what follows from that one's engine. Why
//! one makes no sense, or cannot be derived, is said in a sentence.

use super::sizing::{resized, why_fixed};
use super::weights::{WeightFacts, bits_of, quantised};
use super::{Lever, Options, Sizes, Turn};
use crate::digits::figure;
use crate::profiles::{self, Profile};
use crate::scenario::{Engine, OnSigterm, RouterPolicy, Scenario, StepTime, Strategy, WeightLoad};
use crate::units::Duration;

/// A GPU's price.
#[derive(Clone, Copy, Debug)]
pub struct GpuPrice {
    /// The GPU, as the names of profiles begin.
    pub gpu: &'static str,
    /// USD an hour, on demand.
    pub usd: f64,
    /// Who asks it.
    pub provider: &'static str,
}

/// Prices where no other is given: on demand, by SkyPilot's catalogue (skypilot-org/skypilot-catalog, catalogs/v8, nebius at
/// 0082b043 and verda at 000c1d0b; 2025-2026).
pub const GPU_PRICES: [GpuPrice; 5] = [
    GpuPrice { gpu: "a100", usd: 1.29, provider: "Verda" },
    GpuPrice { gpu: "h100", usd: 2.95, provider: "Nebius" },
    GpuPrice { gpu: "h200", usd: 3.5, provider: "Nebius" },
    GpuPrice { gpu: "b200", usd: 5.5, provider: "Nebius" },
    GpuPrice { gpu: "l40s", usd: 1.55, provider: "Nebius" },
];

/// Draft tokens of a step, and how likely each is accepted: usual figures of a drafting head on conversations.
const DRAFTS: (u32, f64) = (4, 0.7);
/// What a draft token costs, as a share of a step's base: an assumption, of a draft model some twenty-five times as fast as the
/// model. It is the c of Leviathan et al. (Fast Inference from Transformers via Speculative Decoding, 2023).
const DRAFT_COST: f64 = 0.04;
/// Bandwidth of weights streamed from object storage by many readers, GB/s (docs/profiles.md).
const STREAMED: f64 = 5.5;
/// The grace period that "longer" means at least.
const LONG_GRACE: Duration = Duration::from_seconds(600);

/// A preStop hook that bridges a usual endpoint lag.
const BRIDGE: Duration = Duration::from_seconds(5);

/// Every built-in lever that this scenario could be asked about, whether or not it can be derived.
pub fn catalogue(scenario: &Scenario, options: &Options) -> Vec<Lever> {
    let lever = |name: &str, turn, sentence: &str| Lever { name: name.to_owned(), sentence: sentence.to_owned(), turn };
    let mut levers: Vec<Lever> = [16, 8, 4]
        .into_iter()
        .filter(|bits| WeightFacts::of(scenario, options).map_or(*bits != 16, |facts| facts.bits != *bits))
        .map(|bits| lever(&format!("{bits}-bit-weights"), Turn::Weights(bits), &weights_sentence(bits)))
        .collect();
    levers.extend(scenario.engine.profile.map_or_else(Vec::new, |profile| other_profiles(profile, scenario, options)));
    if scenario.engine.profile.is_none() {
        // There is no other to turn to; the name is kept so that it can be asked for, and is told why not.
        levers.push(lever("another-gpu", Turn::Own(Vec::new()), "another GPU"));
    }
    let drafts = format!("{} draft tokens a step, each accepted with {} %", DRAFTS.0, figure(100.0 * DRAFTS.1));
    levers.extend([
        lever("double-batch", Turn::Batch, "twice as many sequences at once and tokens a step"),
        lever("speculation", Turn::Speculation, &drafts),
        lever("least-requests", Turn::Routing, "requests go to the replica with the fewest"),
        lever("fast-cold-start", Turn::ColdStart, "the image is there already and weights stream at 5.5 GB/s"),
        lever("longer-grace", Turn::Grace, "replicas may finish their answers, for ten minutes at least"),
        lever("one-fewer", Turn::Replicas(Sizes::OneFewer), "one replica fewer"),
        lever(
            "quarter-fewer",
            Turn::Replicas(Sizes::QuarterFewer),
            "a quarter of the replicas fewer, rounded down to whole ones",
        ),
        lever(
            "quarter-more",
            Turn::Replicas(Sizes::QuarterMore),
            "a quarter of the replicas more, rounded up to whole ones",
        ),
    ]);
    levers
}

fn weights_sentence(bits: u32) -> String {
    format!("weights of {bits} bits, read by every step; prompts as fast as before")
}

/// Levers for the other profiles of this model, or of its FP8 checkpoint, under the same engine.
fn other_profiles(today: &'static Profile, scenario: &Scenario, options: &Options) -> Vec<Lever> {
    let family = |profile: &Profile| profile.model.name.trim_end_matches("-fp8");
    let is_meant =
        |other: &&Profile| other.name != today.name && other.engine == today.engine && family(other) == family(today);
    let lever = |other: &'static Profile| {
        let price = price_of(other, scenario, options).map_or_else(
            |_| String::new(),
            |(usd, whose)| {
                if other.gpu.name == today.gpu.name { String::new() } else { format!(" at ${usd} an hour{whose}") }
            },
        );
        let gpus = if other.gpus == 1 { "one".to_owned() } else { other.gpus.to_string() };
        let sentence =
            format!("{}, {gpus} {} a replica{price}: profile {}", other.model.title, other.gpu.title, other.name);
        Lever { name: profile_lever(today, other), sentence, turn: Turn::Profile(other) }
    };
    profiles::all().iter().filter(is_meant).map(lever).collect()
}

/// What tells a profile from today's: `b200`, `on-1-gpu`, `8-bit-on-2-gpus`, `h100-8-bit-on-2-gpus`.
fn profile_lever(today: &Profile, other: &Profile) -> String {
    let mut parts = Vec::new();
    if other.gpu.name != today.gpu.name {
        parts.push(other.gpu.name.clone());
    }
    if other.model.name != today.model.name {
        parts.push(format!("{}-bit", bits_of(other.model)));
    }
    if other.gpus != today.gpus {
        parts.push(format!("on-{}-gpu{}", other.gpus, if other.gpus == 1 { "" } else { "s" }));
    }
    parts.join("-")
}

/// USD an hour for a profile's GPU, and whose price that is, for a sentence: the scenario's for its own kind of GPU.
fn price_of(profile: &Profile, scenario: &Scenario, options: &Options) -> Result<(f64, String), String> {
    let gpu = profile.gpu.name.as_str();
    if scenario.engine.profile.is_some_and(|today| today.gpu.name == gpu) {
        return Ok((scenario.fleet.gpu_hour_usd, String::new()));
    }
    if let Some((_, usd)) = options.gpu_prices.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(gpu)) {
        return Ok((*usd, String::new()));
    }
    let known = GPU_PRICES.iter().find(|price| price.gpu == gpu);
    known
        .map(|price| (price.usd, format!(" ({})", price.provider)))
        .ok_or_else(|| format!("its price is not known: give --gpu-price {gpu}=USD"))
}

impl Lever {
    /// What it sets on top of this scenario, each `KEY=VALUE`.
    ///
    /// # Errors
    /// Why it makes no sense here, or what is missing.
    pub fn settings(&self, scenario: &Scenario, options: &Options) -> Result<Vec<String>, String> {
        match &self.turn {
            Turn::Profile(profile) => another_profile(profile, scenario, options),
            Turn::Weights(bits) => other_weights(*bits, scenario, options),
            Turn::Batch => Ok(double_batch(&scenario.engine)),
            Turn::Speculation => speculation(&scenario.engine),
            Turn::Routing => match scenario.router.policy {
                RouterPolicy::LeastRequests => Err("the router sends requests where the fewest are already".to_owned()),
                _ if scenario.fleet.replicas == 1 => Err("there is one replica to send requests to".to_owned()),
                _ => Ok(vec!["router.policy=\"least_requests\"".to_owned()]),
            },
            Turn::Replicas(sizes) => other_size(*sizes, scenario),
            Turn::ColdStart => fast_cold_start(scenario),
            Turn::Grace => longer_grace(scenario),
            Turn::Own(settings) if settings.is_empty() => Err(
                "without an engine.profile it is not known how fast another GPU is; give its coefficients with --lever"
                    .to_owned(),
            ),
            Turn::Own(settings) => Ok(settings.clone()),
        }
    }

    /// Levers that cannot be turned together are in one family; each of the user's own is in none.
    pub fn family(&self) -> Option<u8> {
        Some(match self.turn {
            Turn::Profile(_) => 0,
            Turn::Weights(_) => 1,
            Turn::Batch => 2,
            Turn::Speculation => 3,
            Turn::Routing => 4,
            Turn::Replicas(_) => 5,
            Turn::ColdStart => 6,
            Turn::Grace => 7,
            Turn::Own(_) => return None,
        })
    }
}

/// Another profile: GPUs, price and weights with it.
fn another_profile(profile: &Profile, scenario: &Scenario, options: &Options) -> Result<Vec<String>, String> {
    let today = scenario.engine.profile.ok_or("the scenario names no engine.profile")?;
    let as_shipped = Engine::of_profile(today);
    let (engine, fleet) = (&scenario.engine, &scenario.fleet);
    let own = [
        ("engine.step_time", engine.step_time != as_shipped.step_time),
        ("engine.kv_cache_tokens", engine.kv_cache_tokens != as_shipped.kv_cache_tokens),
        ("fleet.gpus_per_replica", fleet.gpus_per_replica != today.gpus),
    ];
    if let Some((key, _)) = own.iter().find(|(_, differs)| *differs) {
        return Err(format!("{key} is the scenario's own, not the profile's, and would stay"));
    }
    let (price, _) = price_of(profile, scenario, options)?;
    let surcharge = fleet.surge_gpu_hour_usd / fleet.gpu_hour_usd;
    let mut settings = vec![
        format!("engine.profile=\"{}\"", profile.name),
        format!("fleet.gpus_per_replica={}", profile.gpus),
        format!("fleet.gpu_hour_usd={price}"),
        format!("fleet.surge_gpu_hour_usd={}", price * if surcharge.is_finite() { surcharge } else { 1.0 }),
    ];
    if let Some(limit) = fleet.gpu_limit {
        // Room for as many replicas as before.
        settings.push(format!("fleet.gpu_limit={}", limit / fleet.gpus_per_replica * profile.gpus));
    }
    if matches!(scenario.cold_start.weight_load, WeightLoad::Bandwidth { .. }) {
        settings.push(format!("cold_start.weight_load.gigabytes={}", profile.model.gigabytes()));
    }
    Ok(settings)
}

fn other_weights(bits: u32, scenario: &Scenario, options: &Options) -> Result<Vec<String>, String> {
    let engine = &scenario.engine;
    let facts = WeightFacts::of(scenario, options)?;
    let quantised = quantised(&facts, engine, bits)?;
    let mut settings = base_settings(engine, |base| base - quantised.saved);
    if quantised.kv_cache_tokens != engine.kv_cache_tokens {
        settings.push(format!("engine.kv_cache_tokens={}", quantised.kv_cache_tokens));
    }
    if matches!(scenario.cold_start.weight_load, WeightLoad::Bandwidth { .. }) {
        settings.push(format!("cold_start.weight_load.gigabytes={:.3}", quantised.gigabytes));
    }
    Ok(settings)
}

fn double_batch(engine: &Engine) -> Vec<String> {
    vec![
        format!("engine.max_num_seqs={}", engine.max_num_seqs.saturating_mul(2)),
        format!("engine.max_num_batched_tokens={}", engine.max_num_batched_tokens.saturating_mul(2)),
    ]
}

/// A step also drafts, which takes a share of its base for each draft token, and verifies one token more than it drafts for
/// each sequence, which takes the arithmetic of as many sequences. Contexts are read once for all of them.
fn speculation(engine: &Engine) -> Result<Vec<String>, String> {
    if engine.speculative.is_some() {
        return Err("the engine speculates already".to_owned());
    }
    let (tokens, acceptance) = DRAFTS;
    let drafting = 1.0 + f64::from(tokens) * DRAFT_COST;
    let verified = f64::from(tokens + 1);
    let step = &engine.step_time;
    // Of a table, what lies above its first point is the sequences' part.
    let first = step.base_table.first().map_or(step.base, |(_, base)| *base);
    let mut settings = base_settings(engine, |base| first * drafting + (base - first) * verified);
    if step.base_table.is_empty() {
        settings.push(format!("engine.step_time.per_sequence={}", duration(step.per_sequence * verified)));
    }
    settings.push(format!("engine.speculative={{ tokens = {tokens}, acceptance = {acceptance} }}"));
    Ok(settings)
}

fn other_size(sizes: Sizes, scenario: &Scenario) -> Result<Vec<String>, String> {
    if let Some(reason) = why_fixed(scenario) {
        return Err(reason);
    }
    let replicas = scenario.fleet.replicas;
    let quarter = replicas / 4;
    let size = match sizes {
        Sizes::OneFewer if replicas <= 1 => return Err("there is one replica".to_owned()),
        Sizes::OneFewer => replicas - 1,
        Sizes::QuarterFewer if quarter <= 1 => return Err("a quarter of the replicas is not more than one".to_owned()),
        Sizes::QuarterFewer => replicas - quarter,
        Sizes::QuarterMore => replicas + replicas.div_ceil(4),
    };
    Ok(resized(scenario, size))
}

/// Whether a replica may start, or stop, during a run.
fn changes(scenario: &Scenario) -> bool {
    !matches!(scenario.rollout.strategy, Strategy::None) || !scenario.actions.is_empty()
}

fn fast_cold_start(scenario: &Scenario) -> Result<Vec<String>, String> {
    if !changes(scenario) {
        return Err("no replica starts: there is neither a rollout nor an [[action]]".to_owned());
    }
    let mut settings = Vec::new();
    if scenario.cold_start.image_pull.seconds.as_constant() != Some(0.0) {
        settings.push("cold_start.image_pull=\"0s\"".to_owned());
    }
    if let WeightLoad::Bandwidth { gigabytes_per_second, .. } = &scenario.cold_start.weight_load
        && gigabytes_per_second.as_constant().is_none_or(|bandwidth| bandwidth < STREAMED)
    {
        settings.push(format!("cold_start.weight_load.gigabytes_per_second={STREAMED}"));
    }
    if settings.is_empty() {
        return Err("no image is pulled and no weights load more slowly than 5.5 GB/s".to_owned());
    }
    Ok(settings)
}

fn longer_grace(scenario: &Scenario) -> Result<Vec<String>, String> {
    if !changes(scenario) {
        return Err("no replica is stopped: there is neither a rollout nor an [[action]]".to_owned());
    }
    let termination = &scenario.termination;
    let drains = termination.on_sigterm == OnSigterm::Drain;
    if drains && termination.grace_period >= LONG_GRACE {
        return Err("the grace period is ten minutes or longer already".to_owned());
    }
    let mut settings = Vec::new();
    if termination.grace_period < LONG_GRACE {
        settings.push(format!("termination.grace_period=\"{LONG_GRACE}\""));
    }
    if !drains {
        settings.push("termination.on_sigterm=\"drain\"".to_owned());
        // A server that drains needs no hook that waits for it, only one that outlasts the endpoint lag.
        let bridge = BRIDGE.max(termination.endpoint_lag);
        if termination.pre_stop > bridge {
            settings.push(format!("termination.pre_stop=\"{bridge}\""));
        }
    }
    Ok(settings)
}

/// What gives every step another base, by its present one, nanoseconds.
fn base_settings(engine: &Engine, other: impl Fn(f64) -> f64) -> Vec<String> {
    let step = &engine.step_time;
    // A step takes time, however little.
    let other = |base: f64| other(base).max(1.0);
    let mut settings = Vec::new();
    // A scenario that leaves out the table has the format's own, and would lose the rest of it by writing one key.
    if engine.profile.is_none() && *step == Engine::default().step_time {
        settings.push(format!("engine.step_time={}", whole_table(step)));
    }
    if step.base_table.is_empty() {
        settings.push(format!("engine.step_time.base={}", duration(other(step.base))));
    } else {
        let points: Vec<String> =
            step.base_table.iter().map(|(at, base)| format!("[{at}, {}]", duration(other(*base)))).collect();
        settings.push(format!("engine.step_time.base_table=[{}]", points.join(", ")));
    }
    settings
}

/// The format's default step time, written out.
fn whole_table(step: &StepTime) -> String {
    format!(
        "{{ base = {}, per_sequence = {}, per_kv_token = {}, per_prefill_token = {} }}",
        duration(step.base),
        duration(step.per_sequence),
        duration(step.per_kv_token),
        duration(step.per_prefill_token)
    )
}

/// A coefficient as a scenario writes it, to a nanosecond or finer.
fn duration(nanoseconds: f64) -> String {
    let (unit, value) =
        [("ms", 1e6), ("us", 1e3)].into_iter().find(|(_, size)| nanoseconds >= *size).unwrap_or(("ns", 1.0));
    let decimals = if unit == "ms" { 6 } else { 3 };
    let text = format!("{:.decimals$}", nanoseconds / value);
    format!("\"{}{unit}\"", text.trim_end_matches('0').trim_end_matches('.'))
}
