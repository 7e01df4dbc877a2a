//! Scenarios and the files that they name, on disk: traces, measured values, what is no text.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::random::Family;
use crate::scenario::{Replay, Stretch, Traffic, load};
use crate::trace::Trace;
use crate::units::Duration;

const TRACE: &str = "arrival_s,prompt_tokens,output_tokens\n0.0,374,44\n4.315,396,109\n4.315,20,1\n";

/// A directory with a scenario that replays `trace.csv`, which holds this.
fn directory_with_trace(trace: &[u8]) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("trace.csv"), trace).expect("a trace");
    fs::write(directory.path().join("replay.toml"), "[traffic]\ntrace = \"trace.csv\"\n").expect("a scenario");
    directory
}

fn load_from(directory: &TempDir, sets: &[&str]) -> Result<Scenario, LoadError> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    load(&directory.path().join("replay.toml"), &sets, &METRICS)
}

/// What is said about a scenario with this trace.
fn complaint_about(trace: &[u8]) -> String {
    match load_from(&directory_with_trace(trace), &[]) {
        Ok(_) => panic!("nothing was found wrong with the trace {:?}", String::from_utf8_lossy(trace)),
        Err(LoadError::Problems(problems)) => {
            assert_eq!(problems.problems.len(), 1, "{problems}");
            assert_eq!((problems.problems[0].key.as_str(), problems.problems[0].line), ("traffic.trace", 2));
            problems.problems[0].expected.clone()
        }
        Err(error) => panic!("{error}"),
    }
}

/// (nanosecond, prompt tokens, output tokens) of every request.
fn rows(trace: &Trace) -> Vec<(i64, u32, u32)> {
    let mut rows = Vec::new();
    trace.for_each(|it| rows.push((it.arrival, it.prompt_tokens, it.output_tokens)));
    rows
}

/// The rows of a trace in a file of this name.
fn rows_of(name: &str, text: &[u8]) -> Vec<(i64, u32, u32)> {
    let directory = directory_with_trace(b"");
    fs::write(directory.path().join(name), text).expect("a trace");
    match load_from(&directory, &[&format!("traffic.trace={name}")]) {
        Ok(Scenario { traffic: Traffic::Trace { trace, .. }, .. }) => rows(&trace),
        Ok(_) => panic!("expected a trace"),
        Err(error) => panic!("{error}"),
    }
}

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("compressing in memory");
    encoder.finish().expect("compressing in memory")
}

#[test]
fn a_trace_is_read_beside_its_scenario_which_is_named_after_its_file() {
    let scenario = load_from(&directory_with_trace(TRACE.as_bytes()), &["traffic.trace_speed=2"]).expect("a trace");
    assert_eq!(scenario.name, "replay");
    let Traffic::Trace { path, trace, replay } = scenario.traffic else { panic!("expected a trace") };
    assert_eq!(path.as_path(), Path::new("trace.csv"));
    assert_eq!(replay, Replay { speed: 2.0, stretch: Stretch::FromAnyRow, wraps: true });
    assert_eq!(rows(&trace), [(0, 374, 44), (4_315_000_000, 396, 109), (4_315_000_000, 20, 1)]);
}

#[test]
fn columns_may_come_in_any_order_with_others_between() {
    let trace = b"output_tokens,who,arrival_s,prompt_tokens\n7,a,1.5,3\n8,b,2.5,4\n";
    assert_eq!(rows_of("mixed.csv", trace), [(0, 3, 7), (1_000_000_000, 4, 8)]);
}

#[test]
fn public_traces_are_read_as_they_are_published() {
    let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n\
                 2023-11-16 18:15:50.9951690,396,109\n";
    assert_eq!(rows_of("azure.csv", azure.as_bytes()), [(0, 374, 44), (4_314_579_000, 396, 109)]);
    let later = "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n\
                 2024-05-10 00:00:01.017335+00:00,2399,6\n";
    assert_eq!(rows_of("azure.csv.gz", &compressed(later)), [(0, 2162, 5), (1_007_405_000, 2399, 6)]);
    let mooncake = "{\"timestamp\": 27000, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 47]}\n\
                    {\"timestamp\": 30535, \"input_length\": 6472, \"output_length\": 26, \"hash_ids\": [46]}\n";
    assert_eq!(rows_of("mooncake.jsonl", mooncake.as_bytes()), [(0, 6955, 52), (3_535_000_000, 6472, 26)]);
}

#[test]
fn every_fault_of_a_public_trace_names_its_line() {
    let azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,374,44\n";
    let mooncake = "{\"timestamp\": 27, \"input_length\": 6955, \"output_length\": 52}\n";
    for (name, text, expected) in [
        ("a.csv", format!("{azure}2023-11-16 18:15:46,1,1\n"), "a.csv:3: expected arrivals in order"),
        ("a.csv", format!("{azure}18:15:47,1,1\n"), "a.csv:3: expected `TIMESTAMP` to be a date and time such as"),
        ("a.csv", format!("{azure}2023-11-16 18:15:47,0,1\n"), "a.csv:3: expected `ContextTokens`"),
        ("a.csv", format!("{azure}2023-11-16 18:15:47,1,-1\n"), "a.csv:3: expected `GeneratedTokens`"),
        ("a.csv", format!("{azure}2023-11-16 18:15:4"), "a.csv:3: expected 3 columns as in the header, found 1"),
        ("m.jsonl", format!("{mooncake}{{\"timestamp\": 28, \"inp"), "m.jsonl:2: expected a whole JSON object"),
        ("m.jsonl", mooncake.replace("27", "-1"), "m.jsonl:1: expected `timestamp` to be a number"),
        ("m.jsonl", format!("{mooncake}{}", mooncake.replace("52", "0")), "m.jsonl:2: expected `output_length`"),
        ("m.jsonl", format!("{mooncake}{}", mooncake.replace("27", "26")), "m.jsonl:2: expected arrivals in order"),
        ("m.jsonl", format!("{mooncake}{}", mooncake.replace("27", "NaN")), "m.jsonl:2: expected a JSON object"),
        ("m.jsonl", String::new(), "m.jsonl:1: expected the columns"),
        ("m.jsonl", "{\"timestamp\": 1, \"input_length\": 2}".to_owned(), "with a key `output_length`"),
    ] {
        let directory = directory_with_trace(b"");
        fs::write(directory.path().join(name), &text).expect("a trace");
        let error = load_from(&directory, &[&format!("traffic.trace={name}")]).err();
        let said = error.unwrap_or_else(|| panic!("nothing was found wrong with {text:?}")).to_string();
        assert!(said.contains(expected), "{text:?}: {said}");
    }
}

#[test]
fn how_a_trace_is_replayed_is_said_in_four_keys() {
    let directory = directory_with_trace(TRACE.as_bytes());
    let replay = |sets: &[&str]| match load_from(&directory, sets).expect("a trace").traffic {
        Traffic::Trace { replay, .. } => replay,
        Traffic::Synthetic { .. } => panic!("expected a trace"),
    };
    let plain = Replay { speed: 1.0, stretch: Stretch::FromAnyRow, wraps: true };
    assert_eq!(replay(&[]), plain);
    let offset = replay(&["traffic.trace_offset=4s", "traffic.trace_loop=false"]);
    assert_eq!(offset, Replay { stretch: Stretch::From(Duration::from_seconds(4)), wraps: false, ..plain });
    let blocks = replay(&["traffic.trace_block=2m"]);
    assert_eq!(blocks, Replay { stretch: Stretch::Blocks(Duration::from_seconds(120)), ..plain });
    for (sets, expected) in [
        (&["traffic.trace_offset=5s"][..], "expected at most 4s315ms, the length of the recording"),
        (&["traffic.trace_block=0s"], "expected a duration from 1s"),
        (&["traffic.trace_block=1m", "traffic.trace_offset=1s"], "expected `trace_offset` or `trace_block`"),
        (&["traffic.trace_block=1m", "traffic.trace_loop=false"], "blocks follow one another without end"),
        (&["traffic.trace_loop=maybe"], "expected true or false"),
    ] {
        let Err(error) = load_from(&directory, sets) else { panic!("{sets:?} was accepted") };
        assert!(error.to_string().contains(expected), "{sets:?}: {error}");
    }
    let synthetic = "[traffic]\narrivals = { process = \"poisson\", rate = 1 }\nprompt_tokens = 5\noutput_tokens = 5\n";
    for key in ["trace_speed = 2", "trace_offset = \"1s\"", "trace_block = \"1m\"", "trace_loop = false"] {
        let said = problem_with(&format!("{synthetic}{key}\n")).expected;
        assert!(said.contains("there is no `trace` that it could concern"), "{key}: {said}");
    }
}

#[test]
fn a_recording_that_ends_before_the_run_does_is_pointed_out() {
    let directory = directory_with_trace(b"arrival_s,prompt_tokens,output_tokens\n0,5,5\n3600,5,5\n");
    let warnings = |sets: &[&str]| load_from(&directory, sets).expect("a trace").warning_messages();
    let short = ["traffic.trace_loop=false", "study.warm_up=5m", "study.duration=50m"];
    assert_eq!(warnings(&short), [""; 0]);
    let said = warnings(&[&short[..], &["traffic.trace_speed=2"]].concat());
    let expected = "with trace_loop = false requests end after 30m of a run, which lasts 55m (warm-up and window): \
                    then nothing more is measured";
    assert_eq!(said, [expected]);
    assert_eq!(warnings(&[&short[..], &["traffic.trace_offset=6m"]].concat()).len(), 1);
    let said = warnings(&["study.warm_up=0s", "study.duration=3h"]);
    assert!(matches!(&said[..], [only] if only.contains("goes through 3 times what is recorded")), "{said:?}");
    let block = |length: &str| warnings(&[&format!("traffic.trace_block={length}")]);
    assert_eq!(block("20m"), [""; 0]);
    assert!(matches!(&block("21m")[..], [only] if only.contains("the recording lasts 1h")));
}

#[test]
fn a_trace_whose_last_row_may_be_torn_is_pointed_out() {
    let trace = "arrival_s,prompt_tokens,output_tokens\n0,5,5\n36000,5,500";
    let warnings =
        |text: &str| load_from(&directory_with_trace(text.as_bytes()), &[]).expect("a trace").warning_messages();
    assert_eq!(warnings(&format!("{trace}\n")), [""; 0]);
    let said = warnings(&trace[..trace.len() - 1]);
    assert!(matches!(&said[..], [only] if only.contains("trace.csv may have been cut off: the last row does not end")));
}

#[test]
fn dates_centuries_apart_are_refused() {
    let rows = "TIMESTAMP,ContextTokens,GeneratedTokens\n1700-01-01 00:00:00,1,1\n2200-01-01 00:00:00,1,1\n";
    let Err(error) = load_from(&directory_with_trace(rows.as_bytes()), &[]) else { panic!("it was accepted") };
    assert!(error.to_string().contains("trace.csv:3: expected arrivals within 100000000 s"), "{error}");
}

#[test]
fn the_hash_of_a_scenario_sees_what_is_in_its_trace() {
    let hash = |trace: &str| load_from(&directory_with_trace(trace.as_bytes()), &[]).expect("a trace").hash;
    assert_eq!(hash(TRACE), hash(&TRACE.replace("0.0,374,44", "0,374,44")));
    assert_ne!(hash(TRACE), hash(&TRACE.replace("374", "375")));
}

#[test]
fn a_compressed_trace_is_read_and_a_torn_one_refused() {
    let directory = directory_with_trace(b"");
    let long: String =
        TRACE.to_owned() + &(5..5000).map(|i| format!("{i},{},{}\n", i % 97 + 1, i % 89 + 1)).collect::<String>();
    let bytes = compressed(&long);
    fs::write(directory.path().join("trace.csv.gz"), &bytes).expect("a trace");
    let set = ["traffic.trace=trace.csv.gz"];
    assert!(load_from(&directory, &set).is_ok());
    fs::write(directory.path().join("trace.csv.gz"), &bytes[..bytes.len() / 2]).expect("a trace");
    let Err(error) = load_from(&directory, &set) else { panic!("a torn file was read as if whole") };
    assert!(error.to_string().contains("cannot read trace.csv.gz"), "{error}");
}

#[test]
fn every_fault_of_a_trace_names_its_line() {
    let header = "arrival_s,prompt_tokens,output_tokens\n";
    for (rows, expected) in [
        ("0,5,5\n3,5,5\n2,5,5\n", "trace.csv:4: expected arrivals in order"),
        ("-1,5,5\n3,5,5\n", "trace.csv:2: expected `arrival_s`"),
        ("0,5,5\nNaN,5,5\n", "trace.csv:3: expected `arrival_s`"),
        ("0,5,5\ninf,5,5\n", "trace.csv:3: expected `arrival_s`"),
        ("0,0,5\n3,5,5\n", "trace.csv:2: expected `prompt_tokens`"),
        ("0,5,5\n3,5,0\n", "trace.csv:3: expected `output_tokens`"),
        ("0,5,5\n3,5,1.5\n", "trace.csv:3: expected `output_tokens`"),
        ("0,5,5\n3,5\n", "trace.csv:3: expected 3 columns as in the header, found 2"),
        ("0,5,5\n3,5,400000\n", "trace.csv:3: this request needs 400004 tokens of KV cache"),
        ("0,5,5\n", "expected at least 2 rows"),
        ("", "expected at least 2 rows"),
        ("3,5,5\n3,5,5\n", "all at the same instant"),
        (
            "0,5,5\n100000001,5,5\n",
            "trace.csv:3: expected arrivals within 100000000 s of the first, found one after 100000001 s",
        ),
        ("0,5,5\n0.0000005,5,5\n", "expected at most 1e6 requests/s, found 2e6"),
    ] {
        let said = complaint_about(format!("{header}{rows}").as_bytes());
        assert!(said.contains(expected), "{rows:?}: {said}");
    }
    assert!(complaint_about(b"").contains("expected the columns arrival_s,prompt_tokens,output_tokens or TIMESTAMP"));
    assert!(complaint_about(b"").ends_with("found an empty file"));
    let twice = b"arrival_s,prompt_tokens,prompt_tokens,output_tokens\n1,2,3,4\n";
    assert!(complaint_about(twice).contains("trace.csv:1: expected one column `prompt_tokens`, found 2"));
    assert!(complaint_about(b"time,in,out\n1,2,3\n").contains("trace.csv:1: expected the columns"));
    assert!(complaint_about(b"arrival_s,in,out\n1,2,3\n").contains("a header with a column `prompt_tokens`"));
    assert!(complaint_about(b"arrival_s,prompt_tokens,output_tokens\n0,\xff,5\n").contains("not UTF-8"));
}

#[test]
fn a_trace_that_is_not_there_or_is_not_alone_is_refused() {
    let directory = directory_with_trace(TRACE.as_bytes());
    for (set, expected) in [
        ("traffic.trace=none.csv", "cannot read none.csv"),
        ("traffic.trace=.", "it is a directory, not a regular file"),
        ("traffic.trace=3", "expected the name of a file"),
        ("traffic.trace_speed=0", "from 0.001 to 1000"),
        ("traffic.trace_speed=1e4", "from 0.001 to 1000"),
        ("traffic.prompt_tokens=5", "comes from the trace"),
    ] {
        let Err(error) = load_from(&directory, &[set]) else { panic!("{set} was accepted") };
        assert!(error.to_string().contains(expected), "{set}: {error}");
    }
}

#[test]
fn a_trace_that_is_too_fast_only_by_its_speed_is_refused_there() {
    let directory = directory_with_trace(b"arrival_s,prompt_tokens,output_tokens\n0,5,5\n0.001,5,5\n0.002,5,5\n");
    assert!(load_from(&directory, &["traffic.trace_speed=1000"]).is_ok());
    let directory = directory_with_trace(b"arrival_s,prompt_tokens,output_tokens\n0,5,5\n0.001,5,5\n0.001,5,5\n");
    let Err(LoadError::Problems(problems)) = load_from(&directory, &["traffic.trace_speed=1000"]) else {
        panic!("2e6 requests/s were accepted")
    };
    assert_eq!((problems.problems.len(), problems.problems[0].key.as_str()), (1, "traffic.trace_speed"));
    assert!(problems.problems[0].expected.contains("found 2e6: 2e3 as recorded, 1000 times as fast"), "{problems}");
}

#[test]
fn a_run_that_goes_through_centuries_or_crumbs_of_a_recording_is_refused() {
    let directory = directory_with_trace(b"arrival_s,prompt_tokens,output_tokens\n0,5,5\n1000000,5,5\n");
    let key_and_text = |sets: &[&str]| match load_from(&directory, sets) {
        Ok(_) => (String::new(), String::new()),
        Err(LoadError::Problems(problems)) => (problems.problems[0].key.clone(), problems.to_string()),
        Err(other) => panic!("{other}"),
    };
    let long = ["study.duration=\"900h\"", "study.timeline_bin=\"10m\""];
    assert_eq!(key_and_text(&[&long[..], &["traffic.trace_speed=900"]].concat()).0, "");
    let (key, text) = key_and_text(&[&long[..], &["traffic.trace_speed=1000"]].concat());
    assert!(key == "traffic.trace_speed" && text.contains("at most 3.1536e9 s of recording"), "{key}: {text}");
    assert_eq!(key_and_text(&["traffic.trace_speed=1000", "traffic.trace_block=\"100s\""]).0, "");
    let (key, text) = key_and_text(&["traffic.trace_speed=1000", "traffic.trace_block=\"99s\""]);
    assert!(key == "traffic.trace_block" && text.contains("takes 0.099 s"), "{key}: {text}");
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_unread() {
    let directory = directory_with_trace(TRACE.as_bytes());
    let made = std::process::Command::new("mkfifo").arg(directory.path().join("pipe.csv")).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
    for file in ["/dev/zero", "pipe.csv", "."] {
        let empirical =
            format!("cold_start.provision={{ distribution = \"empirical\", file = \"{file}\", column = \"x\" }}");
        for set in [format!("traffic.trace={file}"), empirical] {
            let Err(error) = load_from(&directory, &[&set]) else { panic!("{set} was accepted") };
            assert!(error.to_string().contains("not a regular file"), "{set}: {error}");
        }
    }
}

#[test]
fn a_row_without_end_is_refused_before_it_fills_the_memory() {
    for row in [format!("0,5,{}", "5".repeat(4 << 20)), format!("0,5,\"{}", "5\n".repeat(2 << 20))] {
        let said = complaint_about(format!("arrival_s,prompt_tokens,output_tokens\n{row}").as_bytes());
        assert!(said.contains("a row of more than 1048576 bytes"), "{}", said.chars().take(200).collect::<String>());
    }
}

#[test]
fn a_long_file_of_short_rows_is_read() {
    let rows: String = (0..200_000).map(|i| format!("{i},5,5\n")).collect();
    let directory = directory_with_trace(format!("arrival_s,prompt_tokens,output_tokens\n{rows}").as_bytes());
    let Traffic::Trace { trace, .. } = load_from(&directory, &[]).expect("a trace").traffic else {
        panic!("expected a trace")
    };
    assert_eq!(trace.len(), 200_000);
}

#[test]
fn measured_values_are_read_from_a_column_and_sorted() {
    let directory = directory_with_trace(TRACE.as_bytes());
    fs::write(directory.path().join("pulls.csv"), "node,pull_s\na,61.5\nb,12\nc,40\n").expect("values");
    let set = "cold_start.image_pull={ distribution = \"empirical\", file = \"pulls.csv\", column = \"pull_s\" }";
    let Family::Empirical(values) = load_from(&directory, &[set]).expect("legal").cold_start.image_pull.seconds.family
    else {
        panic!("expected measured values")
    };
    assert_eq!(&*values, &[12.0, 40.0, 61.5]);
    let wrong = set.replace("pull_s", "pull");
    let Err(error) = load_from(&directory, &[&wrong]) else { panic!("a column that is not there was read") };
    assert!(error.to_string().contains("pulls.csv:1: expected a header with a column `pull`"), "{error}");
}

#[test]
fn a_file_that_is_no_text_is_not_a_scenario() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (bytes, line, expected) in [
        (&b"[study]\nruns = \xff\xfe\n"[..], 2, "UTF-8"),
        (&b"name = \"x\"\n\0\0\0"[..], 2, "a zero byte"),
        (&b"\x7fELF\x02\x01\x01\0"[..], 1, "a zero byte"),
        (&b""[..], 1, "an empty file"),
    ] {
        fs::write(directory.path().join("replay.toml"), bytes).expect("a file");
        let Err(LoadError::Problems(problems)) = load_from(&directory, &[]) else { panic!("{bytes:?} was accepted") };
        assert_eq!((problems.problems.len(), problems.problems[0].line), (1, line));
        assert!(problems.problems[0].expected.contains(expected), "{problems}");
        assert!(!problems.to_string().contains('\0'), "junk is printed");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (path, expected) in
        [(directory.path().to_owned(), "it is a directory"), (directory.path().join("none.toml"), "none.toml")]
    {
        let Err(error) = load(&path, &[], &METRICS) else { panic!("{} was read", path.display()) };
        assert!(matches!(error, LoadError::Unreadable { .. }));
        assert!(error.to_string().contains(expected), "{error}");
    }
}
