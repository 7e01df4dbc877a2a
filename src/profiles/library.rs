//! The rows of the library: read once, from the data that ship, into profiles with everything derived.
//!
//! The data are a part of the program, so what is wrong with them is a panic, and a test reads them all.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::fold::fold;
use super::memory::{BLOCK_SIZE, kv_cache_tokens};
use super::{AiConfiguratorFit, Basis, Capacity, Gpu, Kind, Model, OVERHEAD, Profile, Roofline, StepTime, VidurFit};

/// Nanoseconds in a millisecond.
const MILLISECOND: f64 = 1e6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    gpu: Vec<Gpu>,
    model: Vec<Model>,
}

static FACTS: LazyLock<Facts> =
    LazyLock::new(|| toml::from_str(include_str!("data/facts.toml")).expect("the facts that ship are sound"));

static LIBRARY: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let mut profiles = ai_configurator();
    profiles.extend(vidur());
    profiles.sort_by(|one, other| one.name.cmp(&other.name));
    profiles
});

/// Every profile, by name.
pub fn all() -> &'static [Profile] {
    &LIBRARY
}

/// The profile of exactly this name.
pub fn by_name(name: &str) -> Option<&'static Profile> {
    all().iter().find(|profile| profile.name == name)
}

/// The profiles of a model on a device with this tensor parallelism, all as their source spells them: one of Vidur's, or
/// one for each engine of AIConfigurator's.
pub fn of_source(model: &str, device: &str, tensor_parallel_size: u32) -> Vec<&'static Profile> {
    let is_meant = |profile: &&Profile| {
        profile.source_model == model && profile.source_device == device && profile.gpus == tensor_parallel_size
    };
    all().iter().filter(is_meant).collect()
}

fn gpu(known_as: &str) -> &'static Gpu {
    let named = |gpu: &&Gpu| gpu.known_as.iter().any(|name| name == known_as);
    FACTS.gpu.iter().find(named).unwrap_or_else(|| panic!("no facts about the GPU {known_as}"))
}

fn model(known_as: &str) -> &'static Model {
    let named = |model: &&Model| model.known_as.iter().any(|name| name == known_as);
    FACTS.model.iter().find(named).unwrap_or_else(|| panic!("no facts about the model {known_as}"))
}

/// `GPU-MODEL[-tpN]-ENGINE`.
fn name(gpu: &Gpu, model: &Model, gpus: u32, engine: &str) -> String {
    let parallelism = if gpus == 1 { String::new() } else { format!("-tp{gpus}") };
    format!("{}-{}{parallelism}-{engine}", gpu.name, model.name)
}

/// A row of `aiconfigurator.csv`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AiConfiguratorRow {
    model: String,
    gpu: String,
    backend: String,
    backend_version: String,
    tensor_parallel_size: u32,
    quantisation: String,
    a_ms: f64,
    b_ms: f64,
    c_us_per_kv_token: f64,
    step_mape: f64,
    step_max: f64,
    floor_ms: f64,
    d_ms: f64,
    e_ms_per_token: f64,
    f_ms_per_token_squared: f64,
    prefill_mape: f64,
    prefill_max: f64,
}

fn ai_configurator() -> Vec<Profile> {
    let mut table =
        csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(include_bytes!("data/aiconfigurator.csv").as_slice());
    let row = |row: Result<AiConfiguratorRow, csv::Error>| row.expect("the rows that ship are sound").profile();
    table.deserialize().map(row).collect()
}

impl AiConfiguratorRow {
    fn profile(self) -> Profile {
        let fit = AiConfiguratorFit {
            a_ms: self.a_ms,
            b_ms: self.b_ms,
            c_us: self.c_us_per_kv_token,
            step_mean_error: self.step_mape,
            step_largest_error: self.step_max,
            floor_ms: self.floor_ms,
            d_ms: self.d_ms,
            e_ms: self.e_ms_per_token,
            f_ms: self.f_ms_per_token_squared,
            prefill_mean_error: self.prefill_mape,
            prefill_largest_error: self.prefill_max,
        };
        let (gpu, model, gpus) = (gpu(&self.gpu), model(&self.model), self.tensor_parallel_size);
        let (step_time, folding) = fold(&fit);
        Profile {
            name: name(gpu, model, gpus, &self.backend),
            model,
            gpu,
            gpus,
            engine: self.backend,
            version: self.backend_version,
            quantisation: self.quantisation,
            kind: Kind::Silicon,
            provenance: String::new(),
            source_model: self.model,
            source_device: self.gpu,
            basis: Basis::AiConfigurator(fit, folding),
            step_time,
            overhead: OVERHEAD,
            kv_cache_tokens: kv_cache_tokens(gpu, gpus, model),
            capacity: Capacity::Computed,
            block_size: BLOCK_SIZE,
        }
    }
}

/// An entry of `vidur.json`, as far as it is used.
#[derive(Deserialize)]
struct VidurEntry {
    model: String,
    device: String,
    tensor_parallel_size: u32,
    attention_profile_provenance: VidurProvenance,
    fit_linear: VidurFit,
    fit_roofline: Roofline,
    block_size_tokens: u32,
    max_kv_tokens_per_replica: u64,
}

#[derive(Deserialize)]
struct VidurProvenance {
    kind: Kind,
    source: String,
}

fn vidur() -> Vec<Profile> {
    let entries: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("data/vidur.json")).expect("the entries that ship are JSON");
    let entry = |value| serde_json::from_value::<VidurEntry>(value).expect("the entries that ship are sound").profile();
    // `_meta` tells of the file.
    entries.into_iter().filter(|(key, _)| !key.starts_with('_')).map(|(_, value)| entry(value)).collect()
}

impl VidurEntry {
    fn profile(self) -> Profile {
        let (gpu, model, gpus) = (gpu(&self.device), model(&self.model), self.tensor_parallel_size);
        let (engine, fit) = ("vidur", self.fit_linear);
        Profile {
            name: name(gpu, model, gpus, engine),
            model,
            gpu,
            gpus,
            engine: engine.to_owned(),
            version: "7d47513".to_owned(),
            // Vidur profiles in this precision whatever the model.
            quantisation: "float16".to_owned(),
            kind: self.attention_profile_provenance.kind,
            provenance: self.attention_profile_provenance.source,
            source_model: self.model,
            source_device: self.device,
            basis: Basis::Vidur(fit, self.fit_roofline),
            step_time: StepTime {
                base: fit.a_ms * MILLISECOND,
                per_sequence: fit.b_ms_per_decode_seq * MILLISECOND,
                per_kv_token: fit.c_ms_per_kv_token * MILLISECOND,
                per_prefill_token: fit.d_ms_per_prefill_token * MILLISECOND,
                per_prefill_token_squared: fit.e_ms_per_prefill_token_sq * MILLISECOND,
                per_prefill_token_context: fit.f_ms_per_prefill_token_x_kv * MILLISECOND,
            },
            overhead: OVERHEAD,
            kv_cache_tokens: self.max_kv_tokens_per_replica,
            capacity: Capacity::Planned,
            block_size: self.block_size_tokens,
        }
    }
}
