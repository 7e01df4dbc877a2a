//! The library as it ships: complete, consistent, and equal to its sources where they are at hand.
//!
//! The sources lie beside a checkout of the project, in `../shared`; where they are missing, a test that needs them says
//! so and passes.

use std::fs;
use std::path::Path;

use super::*;

/// The text of a source, if it is at hand.
fn source(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    let text = fs::read_to_string(path).ok();
    if text.is_none() {
        eprintln!("{name} is not at hand: nothing compared");
    }
    text
}

/// The rows of the first Markdown table after a heading, as cells.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let after = &text[text.find(heading).expect("the heading is there")..];
    let rows = after.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

#[test]
fn names_are_unique_and_follow_from_the_rows() {
    let names: Vec<&str> = all().iter().map(|profile| profile.name.as_str()).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "in order and none twice: {names:?}");
    assert_eq!(names.len(), 28 + 10);
    for name in &names {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        assert!(name.chars().all(plain), "{name}");
    }
    for name in
        ["h100-llama-3.1-8b-vllm", "h100-qwen3-32b-tp2-vllm", "h100-qwen3-32b-fp8-vllm", "a100-codellama-34b-tp2-vidur"]
    {
        assert!(by_name(name).is_some(), "{name}");
    }
}

#[test]
fn every_profile_is_complete_and_every_number_above_zero() {
    for profile in all() {
        let step = &profile.step_time;
        let positive = [step.base, step.per_sequence, step.per_kv_token, step.per_prefill_token, profile.overhead];
        assert!(positive.iter().all(|value| *value > 0.0 && value.is_finite()), "{profile:?}");
        // The attention of a prompt: one of Vidur's fits has no share for what was read before.
        let attention = [step.per_prefill_token_squared, step.per_prefill_token_context];
        assert!(attention[0] > 0.0 && attention.iter().all(|value| *value >= 0.0 && value.is_finite()), "{profile:?}");
        assert!(profile.kv_cache_tokens >= 40_000 && profile.kv_cache_tokens % u64::from(profile.block_size) == 0);
        assert!(profile.gpus >= 1 && u64::from(profile.gpus) <= profile.model.kv_heads, "{profile:?}");
        let texts = [&profile.engine, &profile.version, &profile.quantisation, &profile.source_model];
        assert!(texts.iter().all(|text| !text.is_empty()), "{profile:?}");
        assert_eq!(profile.provenance.is_empty(), profile.kind == Kind::Silicon, "{profile:?}");
        let fp8 = profile.quantisation.starts_with("fp8");
        assert_eq!((profile.model.name.ends_with("-fp8"), profile.model.kv_bytes == 1), (fp8, fp8), "{profile:?}");
    }
}

#[test]
fn errors_of_the_fits_and_of_folding_are_shares_within_reason() {
    for profile in all() {
        let errors = profile.errors();
        assert_eq!(errors.len(), 3, "{}", profile.name);
        for FitError { of, usual, large, .. } in errors {
            assert!(
                usual > 0.0 && usual < large && usual < 0.15 && large < 0.45,
                "{}: {of} {usual} {large}",
                profile.name
            );
        }
    }
}

#[test]
fn folding_leaves_the_attention_of_long_prompts_near_the_sources() {
    for profile in all() {
        let Basis::AiConfigurator(fit, _) = &profile.basis else { continue };
        let ratio = profile.step_time.per_prefill_token_squared / (fit.f_ms * 1e6);
        assert!((0.9..1.4).contains(&ratio), "{}: {ratio}", profile.name);
    }
}

#[test]
fn folding_loses_short_prompts_and_little_from_512_tokens_on() {
    for profile in all() {
        let Basis::AiConfigurator(fit, folding) = &profile.basis else { continue };
        assert!((0.03..0.14).contains(&folding.mean_error), "{}: {folding:?}", profile.name);
        assert!((128..=384).contains(&folding.worst_at), "{}: {folding:?}", profile.name);
        let most = if profile.gpu.name == "l40s" { 0.26 } else { 0.131 };
        for tokens in [512.0, 1024.0, 2048.0, 4096.0, 8192.0, 32_768.0, 131_072.0] {
            let step = &profile.step_time;
            let folded = step.base + step.per_prefill_token * tokens + step.per_prefill_token_squared * tokens * tokens;
            let wanted = fit.floor_ms.max(fit.d_ms + fit.e_ms * tokens + fit.f_ms * tokens * tokens) * 1e6;
            assert!((folded / wanted - 1.0).abs() < most, "{} at {tokens}: {folded} for {wanted}", profile.name);
        }
    }
}

#[test]
fn a_profile_is_found_by_what_its_source_calls_it() {
    let vidur = of_source("codellama/CodeLlama-34b-Instruct-hf", "a100", 2);
    let names: Vec<&str> = vidur.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["a100-codellama-34b-tp2-vidur"]);
    assert_eq!(of_source("Qwen3-32B", "h100_sxm", 2).len(), 3);
    assert!(of_source("Qwen3-32B", "h100_sxm", 8).is_empty());
}

#[test]
fn computed_capacities_are_those_of_published_logs_within_a_percent() {
    for (name, published) in [("h100-llama-3.1-70b-tp4-vllm", 468_752.0), ("h100-llama-3.1-8b-vllm", 436_551.0)] {
        let computed = by_name(name).expect("it ships").kv_cache_tokens as f64;
        assert!((computed / published - 1.0).abs() < 0.01, "{name}: {computed} for {published}");
    }
}

#[test]
fn vidurs_own_bytes_per_token_are_what_the_shapes_say() {
    let entries: serde_json::Value = serde_json::from_str(include_str!("data/vidur.json")).expect("JSON");
    for entry in entries.as_object().expect("an object").values().filter(|entry| entry.get("model").is_some()) {
        let (model, device) = (entry["model"].as_str().expect("text"), entry["device"].as_str().expect("text"));
        let gpus = entry["tensor_parallel_size"].as_u64().expect("a number");
        let bytes = entry["kv_bytes_per_token_per_gpu"].as_u64().expect("a number") * gpus;
        let [profile] = of_source(model, device, gpus as u32)[..] else { panic!("{model} on {device}") };
        assert_eq!(profile.model.kv_bytes_per_token(), bytes, "{}", profile.name);
    }
}

#[test]
fn the_rows_of_vidur_are_the_fits_that_were_made() {
    let Some(text) = source("serving/fitted_profiles.json") else { return };
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(parsed(include_str!("data/vidur.json")), parsed(&text));
}

#[test]
fn the_rows_of_ai_configurator_are_the_table_that_was_made() {
    let Some(text) = source("data/aiconfigurator.md") else { return };
    let rows = table(&text, "# AIConfigurator");
    assert_eq!(rows.len(), 28);
    for row in rows {
        let number = |i: usize| row[i].parse::<f64>().expect("a number");
        let (engine, version) = row[2].split_once(' ').expect("an engine and its version");
        let meant = of_source(&row[0], &row[1], number(3) as u32);
        let profile = meant.into_iter().find(|profile| profile.engine == engine).expect("the row ships");
        assert_eq!((profile.version.as_str(), &profile.quantisation), (version, &row[4]));
        let Basis::AiConfigurator(fit, _) = profile.basis else { panic!("not a row of AIConfigurator's") };
        let ours = [
            fit.a_ms,
            fit.b_ms,
            fit.c_us,
            fit.step_mean_error,
            fit.step_largest_error,
            fit.floor_ms,
            fit.d_ms,
            fit.e_ms,
            fit.f_ms,
            fit.prefill_mean_error,
            fit.prefill_largest_error,
        ];
        let theirs: Vec<f64> = (5..16).map(number).collect();
        assert_eq!(ours.as_slice(), theirs, "{}", profile.name);
    }
}

#[test]
fn the_overhead_is_what_measurements_show_beyond_the_prediction() {
    let Some(text) = source("data/aiconfigurator.md") else { return };
    // Sequences a replica, measured TPOT and predicted TPOT, ms.
    let points: Vec<[f64; 3]> = table(&text, "## Against real measurements")
        .iter()
        .map(|row| [3, 4, 8].map(|i: usize| row[i].parse().expect("a number")))
        .collect();
    assert_eq!(points.len(), 18);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let beyond = |most: f64| -> Vec<f64> {
        points
            .iter()
            .filter(|[batch, ..]| *batch <= most)
            .map(|[_, measured, predicted]| measured - predicted)
            .collect()
    };
    let (few, all) = (mean(&beyond(4.0)), mean(&beyond(f64::INFINITY)));
    assert!((2.15..2.25).contains(&few) && (1.9..2.0).contains(&all), "{few} {all}");
    let error = |added: f64| {
        mean(&points.iter().map(|[_, measured, it]| ((it + added) / measured - 1.0).abs()).collect::<Vec<_>>())
    };
    let (without, with) = (error(0.0), error(OVERHEAD / 1e6));
    assert!((0.21..0.23).contains(&without) && (0.05..0.06).contains(&with), "{without} {with}");
}
