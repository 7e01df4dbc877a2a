//! What the library's reports say, and that what they say can be copied.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::profiles::{all, by_name};
use crate::scenario::{self, Engine, WeightLoad};

const STYLE: Style = Style { color: false, width: 100 };

fn profile(name: &str) -> &'static Profile {
    by_name(name).expect("it ships")
}

#[test]
fn the_list_has_a_row_for_every_profile_and_says_what_it_is_of() {
    insta::assert_snapshot!(list_report(Form::Text(STYLE)));
    for width in [80, 100, 120, 160] {
        let text = list_report(Form::Text(Style { color: false, width }));
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
        assert_eq!(text.contains("`--format json` show"), width < 160);
    }
}

#[test]
fn a_page_shows_sources_errors_keys_and_figures() {
    insta::assert_snapshot!(profile_report(profile("h100-llama-3.1-8b-vllm"), Form::Text(STYLE)));
}

#[test]
fn a_page_of_an_estimate_says_so() {
    insta::assert_snapshot!(profile_report(profile("a100-llama-2-70b-tp4-vidur"), Form::Markdown));
}

#[test]
fn the_keys_of_every_page_are_a_scenarios_and_mean_the_profile() {
    const TRAFFIC: &str =
        "[traffic]\narrivals = { process = \"poisson\", rate = 1 }\nprompt_tokens = 9\noutput_tokens = 9\n";
    for profile in all() {
        let text = format!("{TRAFFIC}{}", keys::toml(profile));
        let read = scenario::parse(&text, "profile.toml", Path::new("."), &[], &[]).unwrap_or_else(|e| panic!("{e}"));
        let (copied, meant) = (&read.engine, Engine::of_profile(profile));
        let pairs = [
            (copied.step_time.base, meant.step_time.base),
            (copied.step_time.per_sequence, meant.step_time.per_sequence),
            (copied.step_time.per_kv_token, meant.step_time.per_kv_token),
            (copied.step_time.per_prefill_token, meant.step_time.per_prefill_token),
            (copied.step_time.per_prefill_token_squared, meant.step_time.per_prefill_token_squared),
            (copied.step_time.per_prefill_token_context, meant.step_time.per_prefill_token_context),
            (copied.overhead, meant.overhead),
        ];
        for (copied, meant) in pairs {
            assert!((copied - meant).abs() <= 5e-6 * meant, "{}: {copied} for {meant}", profile.name);
        }
        assert_eq!((copied.kv_cache_tokens, copied.block_size), (meant.kv_cache_tokens, meant.block_size));
        assert_eq!(read.fleet.gpus_per_replica, profile.gpus);
        let WeightLoad::Bandwidth { gigabytes, .. } = read.cold_start.weight_load else { panic!("no bandwidth") };
        assert!((gigabytes - profile.model.gigabytes()).abs() <= 0.005, "{}", profile.name);
    }
}

#[test]
fn json_is_one_document_and_holds_every_row() {
    let read = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let list = read(&list_report(Form::Json));
    assert_eq!(
        (list["schema_version"].as_u64(), list["profiles"].as_array().map(Vec::len)),
        (Some(1), Some(all().len()))
    );
    let page = read(&profile_report(profile("a100-codellama-34b-tp2-vidur"), Form::Json));
    assert_eq!((page["measured"].as_str(), page["gpus"].as_u64()), (Some("real"), Some(2)));
    assert_eq!(page["source"]["fit"]["a_ms"].as_f64(), Some(28.52419421105774));
    assert_eq!(page["source"]["licence"].as_str(), Some("MIT"));
    let batches: Vec<u64> =
        page["batches"].as_array().expect("rows").iter().filter_map(|row| row["batch"].as_u64()).collect();
    assert_eq!(batches, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
}

#[test]
fn the_files_of_a_profile_are_its_page_its_figures_and_its_chart() {
    let files = profile_files(profile("a100-llama-2-70b-tp2-vidur")).expect("a chart");
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["profile.json", "profile.md", "charts/profile.png", "charts/profile.svg"]);
    let page = String::from_utf8(files[1].content.clone()).expect("text");
    assert!(page.contains("](charts/profile.png)") && page.contains("The KV cache is full at 42 sequences."), "{page}");
    assert_eq!(files[2].content[..8], *b"\x89PNG\r\n\x1a\n");
}
