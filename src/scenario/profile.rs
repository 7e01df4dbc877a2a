//! `engine.profile`: what a hardware profile gives where a scenario does not say.
//!
//! The library itself lives in [`crate::profiles`]; here its rows become the format's defaults.

use super::codes::Code;
use super::reader::{Field, Section};
use super::{Engine, StepTime, WeightLoad};
use crate::profiles::{self, Profile, WEIGHT_LOAD_BANDWIDTH};
use crate::random::Distribution;

impl Engine {
    /// The engine that a profile stands for. What a profile says nothing of is the format's default.
    pub fn of_profile(profile: &'static Profile) -> Engine {
        let step = &profile.step_time;
        Engine {
            profile: Some(profile),
            kv_cache_tokens: profile.kv_cache_tokens,
            block_size: profile.block_size,
            step_time: StepTime {
                base: step.base,
                base_table: Vec::new(),
                per_sequence: step.per_sequence,
                per_kv_token: step.per_kv_token,
                per_prefill_token: step.per_prefill_token,
                per_prefill_token_squared: step.per_prefill_token_squared,
                per_prefill_token_context: step.per_prefill_token_context,
            },
            overhead: profile.overhead,
            ..Engine::default()
        }
    }
}

impl WeightLoad {
    /// A profile's weights over the documented bandwidth, shared with nobody.
    pub fn of_profile(profile: &Profile) -> WeightLoad {
        WeightLoad::Bandwidth {
            gigabytes: profile.model.gigabytes(),
            gigabytes_per_second: Distribution::constant(WEIGHT_LOAD_BANDWIDTH),
            shared_gigabytes_per_second: None,
            skip_probability: 0.0,
        }
    }
}

/// Reads `engine.profile`. What the profile says becomes a part of the scenario's hash, as the content of a file would.
pub(super) fn read(engine: &Section<'_>) -> Option<&'static Profile> {
    let field = engine.field("profile")?;
    let name = field.text("the name of a hardware profile, such as \"h100-llama-3.1-8b-vllm\"")?;
    match profiles::find(name) {
        Ok(profile) => {
            engine.context.note_content(&content(profile));
            Some(profile)
        }
        Err(unknown) => {
            let expected = format!("expected the name of a hardware profile, found {}", field.found());
            field.wrong_because(Code::UNKNOWN_PROFILE, expected, Some(unknown.help()))
        }
    }
}

/// What a simulation takes from a profile, as text.
fn content(profile: &Profile) -> String {
    let Profile { step_time, overhead, kv_cache_tokens, block_size, gpus, .. } = profile;
    let weights = profile.model.weight_bytes;
    format!("{step_time:?} {overhead:?} {kv_cache_tokens} {block_size} {gpus} {weights} {WEIGHT_LOAD_BANDWIDTH:?}")
}

/// A key that must be there unless a profile gives its value: then, and where the profile itself is wrong, its absence is
/// no problem.
pub(super) fn required_without<'a>(
    profile: Option<&'static Profile>,
    section: &Section<'a>,
    key: &'static str,
    expected: &str,
) -> Option<Field<'a>> {
    match profile {
        None if section.context.are_sound(&["engine.profile"]) => section.required(key, expected),
        _ => section.field(key),
    }
}
