//! The library for scripts. Version 1 of its shape, as that of `summary.json`; seconds, bytes and shares unless a key says
//! otherwise.

use serde::Serialize;

use super::figures::{ANSWER_TOKENS, AtBatch, Figures, PROMPT_TOKENS, REFERENCE_BATCH};
use super::keys::toml;
use super::list::at_reference;
use crate::profiles::{
    AiConfiguratorFit, Basis, Capacity, FitError, Profile, Source, StepTime, VidurFit, WEIGHT_LOAD_BANDWIDTH, all,
};
use crate::report::json::{SCHEMA_VERSION, pretty};

#[derive(Serialize)]
struct ListJson {
    schema_version: u32,
    version: &'static str,
    batch: u32,
    prompt_tokens: u32,
    output_tokens: u32,
    profiles: Vec<RowJson>,
}

#[derive(Serialize)]
struct RowJson {
    name: &'static str,
    model: &'static str,
    gpu: &'static str,
    gpus: u32,
    engine: &'static str,
    engine_version: &'static str,
    quantisation: &'static str,
    weights_gigabytes: f64,
    kv_cache_tokens: u64,
    tokens_per_second: f64,
    tpot_s: f64,
    kind: &'static str,
}

/// All profiles.
pub(super) fn list() -> String {
    let row = |profile: &'static Profile| {
        let at = at_reference(profile);
        RowJson {
            name: &profile.name,
            model: &profile.model.title,
            gpu: &profile.gpu.title,
            gpus: profile.gpus,
            engine: &profile.engine,
            engine_version: &profile.version,
            quantisation: &profile.quantisation,
            weights_gigabytes: profile.model.gigabytes(),
            kv_cache_tokens: profile.kv_cache_tokens,
            tokens_per_second: at.tokens_per_second,
            tpot_s: at.tpot_s,
            kind: profile.kind.name(),
        }
    };
    pretty(&ListJson {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        batch: REFERENCE_BATCH,
        prompt_tokens: PROMPT_TOKENS,
        output_tokens: ANSWER_TOKENS,
        profiles: all().iter().map(row).collect(),
    })
}

#[derive(Serialize)]
struct ProfileJson {
    schema_version: u32,
    version: &'static str,
    name: &'static str,
    model: &'static str,
    gpu: &'static str,
    gpus: u32,
    engine: &'static str,
    engine_version: &'static str,
    quantisation: &'static str,
    kind: &'static str,
    provenance: &'static str,
    source: SourceJson,
    errors: Vec<ErrorJson>,
    step_time_ns: StepTime,
    overhead_ns: f64,
    kv_cache_tokens: u64,
    kv_cache_is: &'static str,
    kv_bytes_per_token: u64,
    block_size: u32,
    weights_gigabytes: f64,
    weight_load_gigabytes_per_second: f64,
    toml: String,
    load: LoadJson,
    batches: Vec<BatchJson>,
}

#[derive(Serialize)]
struct SourceJson {
    title: &'static str,
    repository: &'static str,
    licence: &'static str,
    method: &'static str,
    model: &'static str,
    device: &'static str,
    fit: FitJson,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FitJson {
    AiConfigurator(AiConfiguratorFit),
    Vidur(VidurFit),
}

#[derive(Serialize)]
struct ErrorJson {
    of: &'static str,
    usual: f64,
    usual_is: &'static str,
    large: f64,
    large_is: &'static str,
}

#[derive(Serialize)]
struct LoadJson {
    prompt_tokens: u32,
    output_tokens: u32,
    mean_context_tokens: f64,
    max_num_seqs: u32,
    sequences_in_cache: u32,
}

#[derive(Serialize)]
struct BatchJson {
    batch: u32,
    tokens_per_second: f64,
    tokens_per_second_per_gpu: f64,
    tpot_s: f64,
}

impl SourceJson {
    fn of(profile: &'static Profile) -> SourceJson {
        let Source { title, repository, licence, method } = profile.basis.source();
        let fit = match profile.basis {
            Basis::AiConfigurator(fit, _) => FitJson::AiConfigurator(fit),
            Basis::Vidur(fit, _) => FitJson::Vidur(fit),
        };
        let (model, device) = (&profile.source_model, &profile.source_device);
        SourceJson { title, repository, licence, method, model, device, fit }
    }
}

/// One profile.
pub(super) fn page(figures: &Figures) -> String {
    let profile = figures.profile;
    let error = |error: FitError| {
        let FitError { of, usual, usual_is, large, large_is } = error;
        ErrorJson { of, usual, usual_is, large, large_is }
    };
    let batch = |at: &AtBatch| {
        let AtBatch { batch, tokens_per_second, tokens_per_second_per_gpu, tpot_s } = *at;
        BatchJson { batch, tokens_per_second, tokens_per_second_per_gpu, tpot_s }
    };
    pretty(&ProfileJson {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        name: &profile.name,
        model: &profile.model.title,
        gpu: &profile.gpu.title,
        gpus: profile.gpus,
        engine: &profile.engine,
        engine_version: &profile.version,
        quantisation: &profile.quantisation,
        kind: profile.kind.name(),
        provenance: &profile.provenance,
        source: SourceJson::of(profile),
        errors: profile.errors().into_iter().map(error).collect(),
        step_time_ns: profile.step_time,
        overhead_ns: profile.overhead,
        kv_cache_tokens: profile.kv_cache_tokens,
        kv_cache_is: match profile.capacity {
            Capacity::Computed => "computed",
            Capacity::Planned => "planned by the source",
        },
        kv_bytes_per_token: profile.model.kv_bytes_per_token(),
        block_size: profile.block_size,
        weights_gigabytes: profile.model.gigabytes(),
        weight_load_gigabytes_per_second: WEIGHT_LOAD_BANDWIDTH,
        toml: toml(profile),
        load: LoadJson {
            prompt_tokens: PROMPT_TOKENS,
            output_tokens: ANSWER_TOKENS,
            mean_context_tokens: figures.mean_context(),
            max_num_seqs: figures.engine.max_num_seqs,
            sequences_in_cache: figures.in_cache,
        },
        batches: figures.rows.iter().map(batch).collect(),
    })
}
