//! Scenarios and the files that they name, on disk: traces, measured values, what is no text.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::random::Family;
use crate::scenario::{Traffic, load};

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

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("compressing in memory");
    encoder.finish().expect("compressing in memory")
}

#[test]
fn a_trace_is_read_beside_its_scenario_which_is_named_after_its_file() {
    let scenario = load_from(&directory_with_trace(TRACE.as_bytes()), &["traffic.trace_speed=2"]).expect("a trace");
    assert_eq!(scenario.name, "replay");
    let Traffic::Trace { path, requests, speed } = scenario.traffic else { panic!("expected a trace") };
    assert_eq!((path.as_path(), speed.to_bits()), (Path::new("trace.csv"), 2f64.to_bits()));
    let rows: Vec<_> = requests.iter().map(|it| (it.arrival_s, it.prompt_tokens, it.output_tokens)).collect();
    assert_eq!(rows, [(0.0, 374, 44), (4.315, 396, 109), (4.315, 20, 1)]);
}

#[test]
fn columns_may_come_in_any_order_with_others_between() {
    let trace = b"output_tokens,who,arrival_s,prompt_tokens\n7,a,1.5,3\n8,b,2.5,4\n";
    let Traffic::Trace { requests, .. } = load_from(&directory_with_trace(trace), &[]).expect("a trace").traffic else {
        panic!("expected a trace")
    };
    assert_eq!(
        (requests[0].arrival_s.to_bits(), requests[0].prompt_tokens, requests[0].output_tokens),
        (1.5f64.to_bits(), 3, 7)
    );
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
        ("0,5,5\n100000001,5,5\n", "expected arrivals within 1e8 s"),
        ("0,5,5\n0.0000005,5,5\n", "expected at most 1e6 requests/s, found 2e6"),
    ] {
        let said = complaint_about(format!("{header}{rows}").as_bytes());
        assert!(said.contains(expected), "{rows:?}: {said}");
    }
    assert!(complaint_about(b"").contains("expected a header with a column `arrival_s`"));
    assert!(complaint_about(b"time,in,out\n1,2,3\n").contains("trace.csv:1: expected a header"));
    assert!(complaint_about(b"arrival_s,prompt_tokens,output_tokens\n0,\xff,5\n").contains("not UTF-8"));
}

#[test]
fn a_trace_that_is_not_there_or_is_not_alone_is_refused() {
    let directory = directory_with_trace(TRACE.as_bytes());
    for (set, expected) in [
        ("traffic.trace=none.csv", "cannot read none.csv"),
        ("traffic.trace=.", "it is a directory, not a regular file"),
        ("traffic.trace=3", "expected the name of a CSV file"),
        ("traffic.trace_speed=0", "from 1e-6 to 1e6"),
        ("traffic.trace_speed=1e7", "from 1e-6 to 1e6"),
        ("traffic.prompt_tokens=5", "comes from the trace"),
    ] {
        let Err(error) = load_from(&directory, &[set]) else { panic!("{set} was accepted") };
        assert!(error.to_string().contains(expected), "{set}: {error}");
    }
}

#[test]
fn a_trace_that_is_too_fast_only_by_its_speed_is_refused_there() {
    let directory = directory_with_trace(b"arrival_s,prompt_tokens,output_tokens\n0,5,5\n1,5,5\n2,5,5\n");
    assert!(load_from(&directory, &["traffic.trace_speed=1e6"]).is_ok());
    let directory = directory_with_trace(b"arrival_s,prompt_tokens,output_tokens\n0,5,5\n1,5,5\n1,5,5\n");
    let Err(LoadError::Problems(problems)) = load_from(&directory, &["traffic.trace_speed=1e6"]) else {
        panic!("2e6 requests/s were accepted")
    };
    assert_eq!((problems.problems.len(), problems.problems[0].key.as_str()), (1, "traffic.trace_speed"));
    assert!(problems.problems[0].expected.contains("found 2e6: 2e0 as recorded, 1000000 times as fast"), "{problems}");
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
    let Traffic::Trace { requests, .. } = load_from(&directory, &[]).expect("a trace").traffic else {
        panic!("expected a trace")
    };
    assert_eq!(requests.len(), 200_000);
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
