//! Another simulator's replays, where its scheduler has our rules and its step time our formula: every time stamp agrees.
//! What the cases are is told in `tests/data/serving/README.md`.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use cutover::scenario;
use cutover::serving::{Engine, EngineModel, Notice, NoticeKind, Request};
use cutover::units::Time;
use flate2::read::GzDecoder;
use serde_json::Value;

/// Nanoseconds by which a stamp may differ: the other simulator adds up floating-point seconds.
const TOLERANCE: i64 = 1_000;

/// When something happened to a request, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stamps {
    scheduled: i64,
    first_token: i64,
    finished: i64,
}

fn case_file(case: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/serving").join(case).join(name)
}

/// The named columns of a compressed table.
fn columns<const N: usize>(case: &str, name: &str, names: [&str; N]) -> Vec<[f64; N]> {
    let mut text = String::new();
    GzDecoder::new(File::open(case_file(case, name)).unwrap()).read_to_string(&mut text).unwrap();
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let header = table.headers().unwrap().clone();
    let places = names.map(|name| header.iter().position(|column| column == name).unwrap());
    table.records().map(|row| row.map(|row| places.map(|place| row[place].parse().unwrap())).unwrap()).collect()
}

fn settings(config: &Value) -> scenario::Engine {
    let coefficient = |name: &str| config["linear_coefficients"][name].as_f64().unwrap() * 1e6;
    let whole = |name: &str| config[name].as_u64().unwrap();
    let block_size = whole("block_size_tokens");
    scenario::Engine {
        max_num_seqs: whole("batch_size_cap") as u32,
        max_num_batched_tokens: whole("chunk_size") as u32,
        kv_cache_tokens: whole("num_blocks_per_replica") * block_size,
        block_size: block_size as u32,
        kv_watermark: 0.01,
        step_time: scenario::StepTime {
            base: coefficient("a_ms"),
            base_table: Vec::new(),
            per_sequence: coefficient("b_ms_per_decode_seq"),
            per_kv_token: coefficient("c_ms_per_kv_token"),
            per_prefill_token: coefficient("d_ms_per_prefill_token"),
            per_prefill_token_squared: coefficient("e_ms_per_prefill_token_sq"),
            per_prefill_token_context: coefficient("f_ms_per_prefill_token_x_kv"),
        },
        ..scenario::Engine::default()
    }
}

fn nanoseconds(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// Sends every `replicas`-th request to one engine each; returns the stamps of all.
fn replay(case: &str, config: &Value) -> Vec<Stamps> {
    let requests = columns(case, "requests.csv.gz", ["arrival_time_s", "prefill_tokens", "decode_tokens"]);
    let replicas = config["num_replicas"].as_u64().unwrap() as usize;
    let model = Arc::new(EngineModel::new(&settings(config), 1.0));
    let mut stamps = vec![Stamps::default(); requests.len()];
    for replica in 0..replicas {
        let mut engine = Engine::new(model.clone());
        let mut notices: Vec<Notice> = Vec::new();
        for (id, [arrival, prompt, output]) in requests.iter().enumerate().skip(replica).step_by(replicas) {
            let now = Time(nanoseconds(*arrival));
            let request =
                Request { id: id as u32, prompt_tokens: *prompt as u32, output_tokens: *output as u32, luck: 0 };
            engine.run_before(now, &mut notices);
            engine.submit(now, request, &mut notices);
        }
        engine.run_before(Time::NEVER, &mut notices);
        for notice in notices {
            let stamps = &mut stamps[notice.id as usize];
            match notice.kind {
                NoticeKind::Scheduled => stamps.scheduled = notice.time.0,
                NoticeKind::FirstToken => stamps.first_token = notice.time.0,
                NoticeKind::Finished => stamps.finished = notice.time.0,
                NoticeKind::Cancelled | NoticeKind::Preempted => panic!("{notice:?} where there is plenty of room"),
            }
        }
    }
    stamps
}

fn assert_every_stamp_agrees(case: &str) {
    let config: Value = serde_json::from_reader(File::open(case_file(case, "config.json")).unwrap()).unwrap();
    let names = ["request_id", "scheduled_at_s", "prefill_completed_at_s", "completed_at_s"];
    let results = columns(case, "results.csv.gz", names);
    let ours = replay(case, &config);
    assert_eq!(ours.len(), results.len());
    for [id, scheduled, first_token, finished] in results {
        let theirs = Stamps {
            scheduled: nanoseconds(scheduled),
            first_token: nanoseconds(first_token),
            finished: nanoseconds(finished),
        };
        let ours = ours[id as usize];
        let apart =
            [ours.scheduled - theirs.scheduled, ours.first_token - theirs.first_token, ours.finished - theirs.finished];
        assert!(apart.iter().all(|apart| apart.abs() <= TOLERANCE), "request {id}: {ours:?}, expected {theirs:?}");
    }
}

#[test]
fn chunked_prefill_of_chat_requests_agrees_with_vidur() {
    assert_every_stamp_agrees("lin_cl34b_chat_sarathi512");
}

#[test]
fn chunked_prefill_of_code_requests_on_four_replicas_agrees_with_vidur() {
    assert_every_stamp_agrees("lin_l3-8b_code_sarathi1024_4rep");
}
