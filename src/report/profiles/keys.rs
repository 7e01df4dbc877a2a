//! The keys of a scenario that a profile stands for, as TOML to be copied and changed.

use crate::digits::{decimals, fixed, trimmed};
use crate::profiles::{Profile, WEIGHT_LOAD_BANDWIDTH};

/// Significant digits of a coefficient.
const DIGITS: i32 = 6;

/// `[engine]` in full, and what else follows from the profile; coefficients to six digits.
pub(super) fn toml(profile: &Profile) -> String {
    let step = &profile.step_time;
    let coefficients: String = [
        ("base", step.base),
        ("per_sequence", step.per_sequence),
        ("per_kv_token", step.per_kv_token),
        ("per_prefill_token", step.per_prefill_token),
        ("per_prefill_token_squared", step.per_prefill_token_squared),
        ("per_prefill_token_context", step.per_prefill_token_context),
    ]
    .iter()
    .map(|(key, nanoseconds)| format!("{key} = \"{}\"\n", duration(*nanoseconds)))
    .collect();
    format!(
        "[engine]\nkv_cache_tokens = {}\nblock_size = {}\noverhead = \"{}\"\n\n[engine.step_time]\n{coefficients}\n\
         [fleet]\ngpus_per_replica = {}\n\n\
         [cold_start]\nweight_load = {{ gigabytes = {:.2}, gigabytes_per_second = {WEIGHT_LOAD_BANDWIDTH} }}\n",
        profile.kv_cache_tokens,
        profile.block_size,
        duration(profile.overhead),
        profile.gpus,
        profile.model.gigabytes(),
    )
}

/// A duration as a scenario takes it, in the largest unit that leaves it at least one: `6.3634ms`, `10.34us`, `43.7ns`.
pub(super) fn duration(nanoseconds: f64) -> String {
    const UNITS: [(f64, &str); 2] = [(1e6, "ms"), (1e3, "us")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| nanoseconds >= *unit).unwrap_or((1.0, "ns"));
    let value = nanoseconds / unit;
    format!("{}{name}", trimmed(&fixed(value, decimals(value, DIGITS))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_largest_unit_that_leaves_them_at_least_one() {
        for (nanoseconds, text) in
            [(6.3634e6, "6.3634ms"), (10_340.0, "10.34us"), (43.7, "43.7ns"), (0.53312345, "0.533123ns"), (0.0, "0ns")]
        {
            assert_eq!(duration(nanoseconds), text);
        }
    }
}
