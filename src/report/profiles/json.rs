//! The library for scripts. Seconds, bytes and shares unless a key says otherwise.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::figures::{ANSWER_TOKENS, AtBatch, Figures, PROMPT_TOKENS, REFERENCE_BATCH};
use super::keys::toml;
use super::list::at_reference;
use crate::profiles::{
    AiConfiguratorFit, Basis, Capacity, FitError, Kind, Profile, Source, StepTime, VidurFit, WEIGHT_LOAD_BANDWIDTH, all,
};
use crate::report::json::{Document, Kind as DocumentKind, ProgramProvenance, document};

fn measured(_: &mut SchemaGenerator) -> Schema {
    let word = |kind: Kind| json_schema!({ "const": kind.name(), "description": kind.meaning() });
    json_schema!({ "oneOf": Kind::ALL.map(word) })
}

/// What `cutover profiles` lists: the library of hardware profiles.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct ListJson {
    /// Sequences that decode together in the figures below.
    batch: u32,
    /// Tokens of a prompt in the figures below.
    prompt_tokens: u32,
    /// Tokens of an answer in the figures below.
    output_tokens: u32,
    /// The profiles.
    profiles: Vec<RowJson>,
}

impl Document for ListJson {
    const KIND: DocumentKind = DocumentKind::Profiles;
    type Provenance = ProgramProvenance;
}

/// A profile.
#[derive(Serialize, JsonSchema)]
struct RowJson {
    /// Its name, as `engine.profile` takes it.
    name: &'static str,
    /// The model.
    model: &'static str,
    /// The kind of GPU.
    gpu: &'static str,
    /// GPUs that one replica holds.
    gpus: u32,
    /// The engine; `vidur` where the source has none.
    engine: &'static str,
    /// Version of the engine, or of the source where it has none.
    engine_version: &'static str,
    /// Precision of the weights, as the source has it.
    quantisation: &'static str,
    /// Weights, all GPUs together, 10^9 bytes.
    weights_gigabytes: f64,
    /// Tokens that the KV cache holds.
    kv_cache_tokens: u64,
    /// Output tokens per second of a replica with that batch.
    tokens_per_second: f64,
    /// Time per output token with that batch.
    tpot_s: f64,
    /// How far its step times are measurements.
    #[schemars(schema_with = "measured")]
    measured: &'static str,
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
            measured: profile.kind.name(),
        }
    };
    let body = ListJson {
        batch: REFERENCE_BATCH,
        prompt_tokens: PROMPT_TOKENS,
        output_tokens: ANSWER_TOKENS,
        profiles: all().iter().map(row).collect(),
    };
    document(ProgramProvenance::new(), body)
}

/// What `cutover profiles NAME` shows: one hardware profile.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct ProfileJson {
    /// Its name, as `engine.profile` takes it.
    name: &'static str,
    /// The model.
    model: &'static str,
    /// The kind of GPU.
    gpu: &'static str,
    /// GPUs that one replica holds.
    gpus: u32,
    /// The engine; `vidur` where the source has none.
    engine: &'static str,
    /// Version of the engine, or of the source where it has none.
    engine_version: &'static str,
    /// Precision of the weights, as the source has it.
    quantisation: &'static str,
    /// How far its step times are measurements.
    #[schemars(schema_with = "measured")]
    measured: &'static str,
    /// Where the figures come from.
    source: SourceJson,
    /// Errors of the fits, in the order in which the steps of the derivation make them.
    errors: Vec<ErrorJson>,
    /// How long a step takes, without the overhead; nanoseconds.
    step_time_ns: StepTime,
    /// What a step takes beyond that, nanoseconds.
    overhead_ns: f64,
    /// Tokens that the KV cache holds.
    kv_cache_tokens: u64,
    /// How that is known.
    kv_cache_is: CapacityJson,
    /// Bytes that a token's keys and values take, all GPUs together.
    kv_bytes_per_token: u64,
    /// Tokens in a block of the cache.
    block_size: u32,
    /// Weights, all GPUs together, 10^9 bytes.
    weights_gigabytes: f64,
    /// Bandwidth at which a replica loads its weights where a scenario does not say.
    weight_load_gigabytes_per_second: f64,
    /// What the profile stands for in a scenario.
    toml: String,
    /// What the figures of `batches` are for.
    load: LoadJson,
    /// Speed with so many sequences at once.
    batches: Vec<BatchJson>,
}

impl Document for ProfileJson {
    const KIND: DocumentKind = DocumentKind::Profile;
    type Provenance = ProgramProvenance;
}

/// How the capacity of the KV cache is known.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CapacityJson {
    /// Computed from the GPU's memory and the model's shape.
    Computed,
    /// The source's own memory planner.
    Planned,
}

/// Where a profile's figures come from.
#[derive(Serialize, JsonSchema)]
struct SourceJson {
    /// What it is called.
    title: &'static str,
    /// Where it is published.
    repository: &'static str,
    /// Its licence.
    licence: &'static str,
    /// How it came by its figures.
    method: &'static str,
    /// How it came by its attention times; empty where there is nothing to add.
    attention: &'static str,
    /// The model as it spells it.
    model: &'static str,
    /// The GPU as it spells it.
    device: &'static str,
    /// Its numbers.
    fit: FitJson,
}

/// A source's numbers.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum FitJson {
    /// AIConfigurator's.
    AiConfigurator(AiConfiguratorFit),
    /// Vidur's.
    Vidur(VidurFit),
}

/// The error of a fit, as shares of the time.
#[derive(Serialize, JsonSchema)]
struct ErrorJson {
    /// What errs.
    of: &'static str,
    /// The usual error.
    usual: f64,
    /// What the usual error is: the mean, the median.
    usual_is: &'static str,
    /// The large error.
    large: f64,
    /// What the large error is: the largest, a quantile.
    large_is: &'static str,
}

/// What figures of speed are for.
#[derive(Serialize, JsonSchema)]
struct LoadJson {
    /// Tokens of a prompt.
    prompt_tokens: u32,
    /// Tokens of an answer.
    output_tokens: u32,
    /// Mean context of a sequence while it decodes, tokens.
    mean_context_tokens: f64,
    /// Sequences that the engine runs at once at most.
    max_num_seqs: u32,
    /// Sequences that the KV cache holds.
    sequences_in_cache: u32,
}

/// Speed with so many sequences at once.
#[derive(Serialize, JsonSchema)]
struct BatchJson {
    /// Sequences that decode together.
    batch: u32,
    /// Output tokens per second of a replica.
    tokens_per_second: f64,
    /// The same per GPU.
    tokens_per_second_per_gpu: f64,
    /// Time per output token.
    tpot_s: f64,
}

impl SourceJson {
    fn of(profile: &'static Profile) -> SourceJson {
        let Source { title, repository, licence, method } = profile.basis.source();
        let fit = match profile.basis {
            Basis::AiConfigurator(fit, _) => FitJson::AiConfigurator(fit),
            Basis::Vidur(fit, _) => FitJson::Vidur(fit),
        };
        let (attention, model, device) = (&profile.provenance, &profile.source_model, &profile.source_device);
        SourceJson { title, repository, licence, method, attention, model, device, fit }
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
    let body = ProfileJson {
        name: &profile.name,
        model: &profile.model.title,
        gpu: &profile.gpu.title,
        gpus: profile.gpus,
        engine: &profile.engine,
        engine_version: &profile.version,
        quantisation: &profile.quantisation,
        measured: profile.kind.name(),
        source: SourceJson::of(profile),
        errors: profile.errors().into_iter().map(error).collect(),
        step_time_ns: profile.step_time,
        overhead_ns: profile.overhead,
        kv_cache_tokens: profile.kv_cache_tokens,
        kv_cache_is: match profile.capacity {
            Capacity::Computed => CapacityJson::Computed,
            Capacity::Planned => CapacityJson::Planned,
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
    };
    document(ProgramProvenance::new(), body)
}
