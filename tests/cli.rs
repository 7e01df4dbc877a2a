//! The command line as scripts meet it: exit codes, what goes where, and bytes that depend on nothing but the scenario.

mod support;

use std::fs;

use support::interrupt::{a_run_is_finished, ended_by};
use support::place::{Place, errors, files, output, refused};
use support::small::TWO_REPLICAS;

fn with_check(check: &str) -> Place {
    Place::with(&format!("{TWO_REPLICAS}\n[[check]]\n{check}\n"))
}

/// What lies in the directory.
fn names(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.directory()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Refuses with exit code 2, says why on standard error only, and writes nothing. Returns what it said.
fn refuses(place: &Place, line: &str) -> String {
    let before = names(place);
    let said = refused(place.cutover(line));
    assert_eq!(names(place), before, "{line}");
    said
}

#[test]
fn without_a_command_it_says_what_it_is_and_what_to_do_next() {
    let place = Place::with(TWO_REPLICAS);
    let said = output(&place.cutover("").code(0));
    assert!(said.contains("cutover init") && said.contains("cutover run"), "{said}");
}

#[test]
fn help_of_every_command_shows_an_example() {
    let place = Place::with(TWO_REPLICAS);
    for command in ["run", "check", "compare", "explain", "profiles", "fit", "init", "schema", "completions"] {
        let said = output(&place.cutover(&format!("{command} --help")).code(0));
        assert!(said.contains(&format!("cutover {command}")) && said.contains("Examples:"), "{said}");
    }
    assert!(output(&place.cutover("--help").code(0)).contains("Exit codes:"));
}

#[test]
fn a_run_writes_every_file_of_the_contract() {
    let place = Place::with(TWO_REPLICAS);
    place.cutover("run scenario.toml --events 3 --requests 3").code(0);
    let files = files(&place.path("output/scenario"));
    for name in ["summary.json", "runs.csv", "timeline.csv", "report.md", "events.csv", "requests.csv"] {
        assert!(files.contains_key(name), "{name} is missing");
    }
    assert!(files.keys().any(|name| name.starts_with("charts/") && name.ends_with(".png")));
    assert!(files.keys().all(|name| !name.contains("partial")), "{:?}", files.keys());
    let rows = |name: &str| String::from_utf8(files[name].clone()).unwrap().lines().count();
    assert_eq!(rows("runs.csv"), 1 + 12);
    assert_eq!(rows("timeline.csv"), 1 + 18);
    let report = String::from_utf8(files["report.md"].clone()).unwrap();
    for chart in files.keys().filter(|name| name.starts_with("charts/") && name.ends_with(".png")) {
        assert!(report.contains(&format!("({chart})")), "{chart} is not in report.md");
        let vector = String::from_utf8(files[&chart.replace(".png", ".svg")].clone()).unwrap();
        assert!(vector.starts_with("<svg ") && vector.contains("<desc>") && !vector.contains("<text"), "{chart}");
    }
}

#[test]
fn standard_output_is_the_report_alone_and_names_no_file() {
    let place = Place::with(TWO_REPLICAS);
    let assert = place.cutover("run scenario.toml --out results").code(0);
    let report = output(&assert);
    assert!(report.contains("ROLLOUT") && report.contains("COST"), "{report}");
    for word in ["results", "scenario.toml", "thread", "\u{1b}["] {
        assert!(!report.contains(word), "{word} in {report}");
    }
    assert!(errors(&assert).contains("results"), "where the results are goes to standard error");
}

#[test]
fn json_on_standard_output_is_one_document_and_the_same_as_the_file() {
    let place = Place::with(TWO_REPLICAS);
    let printed = output(&place.cutover("run scenario.toml --format json --out results").code(0));
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["provenance"]["runs"], 12);
    assert_eq!(json["provenance"]["partial"], false);
    assert_eq!(fs::read_to_string(place.path("results/summary.json")).unwrap(), printed);
}

#[test]
fn markdown_on_standard_output_begins_with_the_title() {
    let place = Place::with(TWO_REPLICAS);
    let printed = output(&place.cutover("run scenario.toml --format md").code(0));
    assert!(printed.starts_with("# Two replicas, rolling update\n"), "{printed}");
}

#[test]
fn quiet_leaves_standard_error_empty_and_the_report_whole() {
    let place = Place::with(TWO_REPLICAS);
    let loud = place.cutover("run scenario.toml").code(0);
    let quiet = place.cutover("run scenario.toml --quiet").code(0);
    assert_eq!(errors(&quiet), "");
    assert_eq!(output(&quiet), output(&loud));
}

#[test]
fn every_byte_is_the_same_with_one_thread_and_with_two() {
    let place = Place::with(TWO_REPLICAS);
    let one = place.cutover("run scenario.toml --threads 1 --out one --events 2 --requests 2").code(0);
    let two = place.cutover("run scenario.toml --threads 2 --out two --events 2 --requests 2").code(0);
    assert_eq!(output(&one), output(&two));
    let (one, two) = (files(&place.path("one")), files(&place.path("two")));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(bytes == &two[name], "{name} depends on the number of threads");
    }
}

#[test]
fn another_seed_gives_other_results_and_runs_can_be_set() {
    let place = Place::with(TWO_REPLICAS);
    place.cutover("run scenario.toml --out a --runs 4").code(0);
    place.cutover("run scenario.toml --out b --runs 4 --seed 8").code(0);
    let [a, b] = ["a", "b"].map(|name| fs::read_to_string(place.path(name).join("runs.csv")).unwrap());
    assert_eq!(a.lines().count(), 5);
    assert_ne!(a, b);
}

#[test]
fn a_setting_changes_the_scenario_and_its_hash() {
    let place = Place::with(TWO_REPLICAS);
    let hash = |line: &str| {
        let json: serde_json::Value = serde_json::from_str(&output(&place.cutover(line).code(0))).unwrap();
        json["provenance"]["scenario_hash"].as_str().unwrap().to_owned()
    };
    let plain = hash("run scenario.toml --format json");
    assert_eq!(plain, hash("run scenario.toml --format json --threads 1"));
    assert_ne!(plain, hash("run scenario.toml --format json --set fleet.replicas=3"));
}

#[test]
fn a_check_that_holds_is_0_and_one_that_fails_is_1_for_run_and_check_alike() {
    let holds = with_check("metric = \"requests\"\nstatistic = \"mean\"\nmin = 1");
    let fails = with_check("metric = \"requests\"\nstatistic = \"mean\"\nmax = 10");
    for command in ["run", "check"] {
        let said = output(&holds.cutover(&format!("{command} scenario.toml")).code(0));
        assert!(said.contains('✔'), "{said}");
        let said = output(&fails.cutover(&format!("{command} scenario.toml")).code(1));
        assert!(said.contains('✖'), "{said}");
        assert!(fails.path("output/scenario/summary.json").is_file(), "results are kept when a check fails");
    }
}

#[test]
fn a_check_without_an_interval_is_inconclusive_and_3() {
    let place = with_check("metric = \"ttft_p99_s\"\nstatistic = \"p99\"\nmax = 1000");
    let said = output(&place.cutover("check scenario.toml").code(3));
    assert!(said.contains('?'), "{said}");
}

#[test]
fn a_failed_check_outweighs_an_inconclusive_one() {
    let place = with_check(
        "metric = \"ttft_p99_s\"\nstatistic = \"p99\"\nmax = 1000\n\n\
         [[check]]\nmetric = \"requests\"\nstatistic = \"mean\"\nmax = 10",
    );
    place.cutover("check scenario.toml").code(1);
}

#[test]
fn a_bound_that_no_number_of_these_runs_could_certify_is_refused_with_its_line() {
    let place = with_check("metric = \"truncated_attempts\"\nstatistic = \"probability_positive\"\nmax = 0");
    for command in ["run", "check"] {
        let said = refuses(&place, &format!("{command} scenario.toml"));
        assert!(said.contains("scenario.toml:") && said.contains("certify"), "{said}");
    }
}

#[test]
fn a_bound_that_needs_more_runs_is_inconclusive_and_says_how_many() {
    let place = with_check("metric = \"rollout_completed\"\nstatistic = \"mean\"\nmin = 0.98");
    for command in ["run", "check"] {
        let said = output(&place.cutover(&format!("{command} scenario.toml")).code(3));
        // Even if every run completes: z^2 / (n + z^2) <= 0.02 needs 189, in two digits.
        assert!(said.replace('\n', " ").contains("about 190 runs"), "{said}");
    }
}

#[test]
fn several_scenarios_are_checked_at_once_and_one_that_is_wrong_stops_all() {
    let place = with_check("metric = \"requests\"\nstatistic = \"mean\"\nmin = 1");
    fs::copy(place.path("scenario.toml"), place.path("second.toml")).unwrap();
    place.cutover("check scenario.toml second.toml --out results").code(0);
    for name in ["scenario", "second"] {
        assert!(place.path("results").join(name).join("summary.json").is_file(), "{name}");
    }
    fs::write(place.path("wrong.toml"), "name = 3").unwrap();
    refuses(&place, "check scenario.toml wrong.toml --out more");
}

#[test]
fn scenarios_that_would_overwrite_each_others_results_are_refused() {
    let place = Place::with(TWO_REPLICAS);
    refuses(&place, "check scenario.toml scenario.toml");
}

#[test]
fn wrong_scenarios_are_refused() {
    let place = Place::with(TWO_REPLICAS);
    assert!(refuses(&place, "run missing.toml").contains("missing.toml"));
    refuses(&place, "run .");
    for (wrong, expected) in
        [("this is not TOML", "scenario.toml"), ("[study]\nruns = -1", "runs"), ("[fleet]\nreplicaz = 3", "replicas")]
    {
        let place = Place::with(wrong);
        let said = refuses(&place, "run scenario.toml");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let place = Place::with(TWO_REPLICAS);
    for line in [
        "run",
        "bogus",
        "run scenario.toml --bogus",
        "run scenario.toml --threads 0",
        "run scenario.toml --runs 0",
        "run scenario.toml --runs many",
        "run scenario.toml --seed -1",
        "run scenario.toml --format xml",
        "run scenario.toml --set nonsense",
        "run scenario.toml --set fleet.replicaz=3",
        "run scenario.toml --set fleet.replicas=-3",
        "compare scenario.toml",
        "explain scenario.toml --run -1",
        "explain scenario.toml --at noon",
        "explain scenario.toml --at 1000h",
        "fit",
        "fit scenario.toml --seed 3",
        "fit scenario.toml --format xml",
        "completions klingon",
    ] {
        refuses(&place, line);
    }
}

#[test]
fn results_that_cannot_be_written_are_4_and_nothing_is_simulated() {
    let place = Place::with(TWO_REPLICAS);
    write_trace(&place);
    fs::write(place.path("taken"), "mine").unwrap();
    for line in [
        "run scenario.toml --out taken",
        "check scenario.toml --out taken/deeper",
        "compare scenario.toml --set-b fleet.replicas=3 --out taken",
        "explain scenario.toml --out taken",
        "fit traces/day.csv.gz --out taken",
    ] {
        let assert = place.cutover(line).code(4);
        assert_eq!(output(&assert), "", "{line}");
        assert!(errors(&assert).contains("taken"), "{}", errors(&assert));
    }
    assert_eq!(fs::read_to_string(place.path("taken")).unwrap(), "mine");
}

#[test]
fn results_of_an_earlier_run_are_replaced() {
    let place = Place::with(TWO_REPLICAS);
    place.cutover("run scenario.toml --out results --runs 3").code(0);
    place.cutover("run scenario.toml --out results --runs 5").code(0);
    let rows = fs::read_to_string(place.path("results/runs.csv")).unwrap();
    assert_eq!(rows.lines().count(), 6);
}

#[test]
fn profiles_are_listed_and_shown_and_nothing_is_written_unless_asked_for() {
    let place = Place::with(TWO_REPLICAS);
    let before = names(&place);
    let list = place.cutover("profiles").code(0);
    assert!(output(&list).contains("\na100-codellama-34b-tp2-vidur ") && errors(&list).is_empty(), "{}", output(&list));
    let page = place.cutover("profiles h100-llama-3.1-8b-vllm").code(0);
    assert!(output(&page).contains("[engine.step_time]") && errors(&page).is_empty(), "{}", output(&page));
    let json: serde_json::Value =
        serde_json::from_str(&output(&place.cutover("profiles --format json").code(0))).unwrap();
    assert!(json["profiles"].as_array().is_some_and(|rows| rows.len() > 30));
    assert!(
        output(&place.cutover("profiles b200-qwen3-32b --format md").code(0)).starts_with("# b200-qwen3-32b-vllm\n")
    );
    assert_eq!(names(&place), before);
}

#[test]
fn the_files_of_a_profile_join_what_lies_in_the_directory() {
    let place = Place::with(TWO_REPLICAS);
    place.cutover("run scenario.toml --runs 2 --out results").code(0);
    let shown = place.cutover("profiles l40s-llama-3.1-8b --out results").code(0);
    assert_eq!(errors(&shown), "l40s-llama-3.1-8b-vllm in results\n");
    let quiet = place.cutover("profiles l40s-llama-3.1-8b --out results --quiet").code(0);
    assert_eq!((errors(&quiet), output(&quiet)), (String::new(), output(&shown)));
    let files = files(&place.path("results"));
    for name in ["profile.json", "profile.md", "charts/profile.png", "summary.json", "charts/timeline.png"] {
        assert!(files.contains_key(name), "{name} is missing");
    }
}

#[test]
fn a_profile_that_does_not_exist_is_refused_with_the_nearest() {
    let place = Place::with(TWO_REPLICAS);
    let said = refuses(&place, "profiles h100-llama-3-8b");
    assert!(said.contains("`h100-llama-3.1-8b-vllm`") && said.contains("`cutover profiles` lists all"), "{said}");
    assert!(refuses(&place, "profiles h100-llama-3.1-8b").contains("`h100-llama-3.1-8b-trtllm`"));
    refuses(&place, "profiles --out results");
    let said = refuses(&place, "run scenario.toml --set engine.profile=h100-llama-3-8b");
    assert!(said.contains("engine.profile") && said.contains("`h100-llama-3.1-8b-vllm`"), "{said}");
}

#[test]
fn a_scenario_runs_on_a_profile_and_its_report_names_it() {
    let place = Place::with(
        &TWO_REPLICAS.replace("kv_cache_tokens = 100000\n", "profile = \"h100-codellama-34b-tp2-vidur\"\n"),
    );
    let run = place.cutover("run scenario.toml --runs 2 --format md").code(0);
    assert!(output(&run).contains("| engine | h100-codellama-34b-tp2-vidur, prompts in chunks"), "{}", output(&run));
    assert!(errors(&run).contains("is an estimate, not a measurement"), "{}", errors(&run));
}

#[test]
fn a_comparison_with_itself_finds_nothing_and_with_a_dearer_fleet_the_price() {
    let place = Place::with(TWO_REPLICAS);
    let json =
        |line: &str| -> serde_json::Value { serde_json::from_str(&output(&place.cutover(line).code(0))).unwrap() };
    let same = json("compare scenario.toml scenario.toml --format json");
    for (name, metric) in same["against_a"][0]["metrics"].as_object().unwrap() {
        assert_eq!(metric["change"], "identical", "{name}");
    }
    let dearer = json("compare scenario.toml --set-b fleet.gpu_hour_usd=6.0 --format json --out results");
    let metrics = &dearer["against_a"][0]["metrics"];
    assert_eq!(metrics["cost_usd"]["change"], "worse");
    assert_eq!(metrics["ttft_p99_s"]["change"], "identical");
    for name in ["comparison.json", "comparison.md", "charts/comparison.png", "a/summary.json", "b/summary.json"] {
        assert!(place.path("results").join(name).is_file(), "{name}");
    }
}

#[test]
fn several_scenarios_and_variants_are_compared_with_the_first() {
    let place = Place::with(TWO_REPLICAS);
    fs::write(place.path("other.toml"), TWO_REPLICAS.replace("gpu_hour_usd = 3.0", "gpu_hour_usd = 5.0")).unwrap();
    let line = "compare scenario.toml other.toml --variant fleet.replicas=3,fleet.gpu_hour_usd=2.0 --variant \
                fleet.replicas=4 --format json";
    let json: serde_json::Value = serde_json::from_str(&output(&place.cutover(line).code(0))).unwrap();
    let others = json["against_a"].as_array().unwrap();
    assert_eq!(others.iter().map(|other| other["letter"].as_str().unwrap()).collect::<Vec<&str>>(), ["B", "C", "D"]);
    assert_eq!(others[1]["settings"], serde_json::json!(["fleet.replicas=3", "fleet.gpu_hour_usd=2.0"]));
    assert_eq!(others[0]["metrics"]["cost_usd"]["change"], "worse");
    for name in ["charts/comparison.png", "charts/comparison-c.png", "charts/comparison-d.png", "d/summary.json"] {
        assert!(place.path("output/scenario-against-other").join(name).is_file(), "{name}");
    }
    assert!(refuses(&place, "compare scenario.toml").contains("nothing to compare with"));
    let many = format!("compare scenario.toml{}", " --variant fleet.replicas=3".repeat(8));
    assert!(refuses(&place, &many).contains("9 scenarios are more than the 8"));
    assert!(refuses(&place, "compare scenario.toml --variant fleet.replica=3").contains("did you mean `replicas`?"));
}

#[test]
fn a_comparison_says_when_the_two_do_not_meet_the_same_requests() {
    let place = Place::with(TWO_REPLICAS);
    let same = place.cutover("compare scenario.toml --set-b fleet.replicas=3").code(0);
    assert!(output(&same).contains("in each the same requests for both"), "{}", output(&same));
    assert!(!errors(&same).contains("do not meet the same requests"), "{}", errors(&same));
    for (setting, key) in [
        ("study.seed=8", "study.seed differs"),
        ("study.warm_up=\"30s\"", "study.warm_up differs"),
        ("traffic.output_tokens=50", "traffic.output_tokens differs"),
    ] {
        let other = place.cutover(&format!("compare scenario.toml --set-b {setting}")).code(0);
        let printed = output(&other).replace('\n', " ");
        assert!(printed.contains(&format!("the two do not meet the same requests: {key}")), "{printed}");
        assert!(!printed.contains("the same requests for both"), "{printed}");
        let said = errors(&other);
        assert!(said.contains("warning") && said.contains(key), "{said}");
    }
    let longer = place.cutover("compare scenario.toml --set-b study.duration=\"4m\"").code(0);
    assert!(errors(&longer).contains("A measures 3m and B 4m"), "{}", errors(&longer));
}

#[test]
fn scenarios_of_different_numbers_of_runs_are_both_run_as_often_as_the_lesser() {
    let place = Place::with(TWO_REPLICAS);
    for setting in ["--set-b study.runs=5", "--runs 5 --set-b study.runs=12"] {
        let assert = place.cutover(&format!("compare scenario.toml {setting} --out results")).code(0);
        assert!(output(&assert).contains("5 runs, in each the same requests"), "{}", output(&assert));
        assert!(errors(&assert).contains("all get 5"), "{}", errors(&assert));
        for side in ["a", "b"] {
            let summary = fs::read_to_string(place.path("results").join(side).join("summary.json")).unwrap();
            let json: serde_json::Value = serde_json::from_str(&summary).unwrap();
            assert_eq!(json["provenance"]["runs"], 5);
            assert_eq!(json["provenance"]["partial"], false, "nothing was interrupted");
        }
    }
}

#[test]
fn what_is_not_supported_yet_is_called_so() {
    let place = Place::with(TWO_REPLICAS);
    for (line, name) in [("deploy scenario.toml", "cutover deploy"), ("run scenario.toml --shard 0/4", "--shard")] {
        let said = refuses(&place, line);
        assert!(said.contains(&format!("`{name}` is not supported yet")), "{said}");
    }
    assert!(refuses(&place, "deploy").contains("supported: run, check, compare"));
}

#[test]
fn a_page_for_a_browser_is_written_when_asked_for_and_goes_with_the_next_run() {
    let place = Place::with(TWO_REPLICAS);
    let page = place.path("output/scenario/report.html");
    let with = output(&place.cutover("run scenario.toml --format html"));
    let html = fs::read_to_string(&page).expect("a page");
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    assert_eq!(output(&place.cutover("run scenario.toml")), with, "standard output has the summary either way");
    assert!(!page.exists(), "the page of earlier results");
    refuses(&place, "compare scenario.toml --set-b fleet.replicas=3 --format html");
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_takes_nothing_is_4_and_loses_no_file() {
    let place = Place::with(TWO_REPLICAS);
    write_trace(&place);
    for (line, file) in [
        ("run scenario.toml", "output/scenario/summary.json"),
        ("check scenario.toml --out checked", "checked/summary.json"),
        ("compare scenario.toml --set-b fleet.replicas=3 --out compared", "compared/comparison.json"),
        ("explain scenario.toml --out explained", "explained/events.csv"),
        ("fit traces/day.csv.gz --out fitted", "fitted/fit.toml"),
    ] {
        let status = std::process::Command::new(place.command(&[]).get_program())
            .args(line.split(' '))
            .current_dir(place.directory())
            .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(4), "{line}");
        assert!(place.path(file).is_file(), "{line}: {file}");
    }
}

#[test]
fn what_a_command_of_the_same_kind_left_in_the_directory_is_removed_and_other_files_stay() {
    let place = Place::with(TWO_REPLICAS);
    place.cutover("run scenario.toml --out results --events 1 --requests 1").code(0);
    fs::write(place.path("results/notes.txt"), "mine").unwrap();
    place.cutover("compare scenario.toml --set-b fleet.replicas=3 --out results").code(0);
    write_trace(&place);
    place.cutover("fit traces/day.csv.gz --out results").code(0);
    let found = files(&place.path("results"));
    for name in ["events.csv", "summary.json", "comparison.json", "a/runs.csv", "fit.toml", "notes.txt"] {
        assert!(found.contains_key(name), "{name} is missing: {:?}", found.keys());
    }
    place.cutover("run scenario.toml --out results").code(0);
    place.cutover("run scenario.toml --out fresh").code(0);
    let (mut found, fresh) = (files(&place.path("results")), files(&place.path("fresh")));
    assert_eq!(found.remove("notes.txt").as_deref(), Some(&b"mine"[..]));
    let is_a_studys = |name: &String| {
        let others = [
            "a/",
            "b/",
            "comparison.",
            "charts/comparison",
            "fit.",
            "charts/arrivals",
            "charts/prompt",
            "charts/output",
            "charts/qq",
        ];
        !others.iter().any(|other| name.starts_with(other))
    };
    found.retain(|name, _| is_a_studys(name));
    assert_eq!(found.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>());
}

#[test]
fn explain_prints_the_events_of_one_run_and_writes_only_where_it_is_told() {
    let place = Place::with(TWO_REPLICAS);
    let printed = output(&place.cutover("explain scenario.toml --run 3").code(0));
    assert!(printed.contains("new is shipped") && printed.contains("+0m30.000s"), "{printed}");
    assert!(!printed.contains("rollout_started"), "{printed}");
    let every = output(&place.cutover("explain scenario.toml --run 3 --events --at 40s,10s").code(0));
    assert!(every.contains("rollout_started"), "{every}");
    let (earlier, later) = (every.find("at +0m10.000s"), every.find("at +0m40.000s"));
    assert!(earlier.is_some() && earlier < later, "{every}");
    assert_eq!(names(&place), ["scenario.toml"]);
    place.cutover("explain scenario.toml --run 3 --out results").code(0);
    place.cutover("run scenario.toml --events 3 --requests 3").code(0);
    for name in ["events.csv", "requests.csv"] {
        let [explained, run] =
            ["results", "output/scenario"].map(|folder| fs::read(place.path(folder).join(name)).unwrap());
        assert!(explained == run, "{name} of run 3 differs between explain and run");
    }
}

/// A trace of 300 requests in Azure's layout, compressed, in a folder beside the scenario.
fn write_trace(place: &Place) {
    use std::io::Write;
    fs::create_dir(place.path("traces")).unwrap();
    let file = fs::File::create(place.path("traces/day.csv.gz")).unwrap();
    let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    writeln!(file, "TIMESTAMP,ContextTokens,GeneratedTokens").unwrap();
    for i in 0..300u64 {
        let (minute, milliseconds) = (i / 60, i * i * 7_919 % 1_000 + i % 60 * 1_000);
        let time = format!("2023-11-16 18:{minute:02}:{:02}.{:03}", milliseconds / 1_000, milliseconds % 1_000);
        let (prompt, output) = (1 + i * i % 997, if i % 3 == 0 { 40 } else { 1 + i * i % 211 });
        writeln!(file, "{time},{prompt},{output}").unwrap();
    }
    file.finish().unwrap();
}

#[test]
fn a_fit_writes_its_files_and_names_the_trace_alone() {
    let place = Place::with(TWO_REPLICAS);
    write_trace(&place);
    let assert = place.cutover("fit traces/day.csv.gz").code(0);
    let report = output(&assert);
    for part in ["day.csv.gz", "ADVICE", "ARRIVALS", "LENGTHS", "FITS", "[traffic]", "# trace = \"day.csv.gz\""] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
    assert!(!report.contains("traces/") && !report.contains("output/"), "{report}");
    assert!(errors(&assert).contains("output/day"), "{}", errors(&assert));
    let files = files(&place.path("output/day"));
    let charts = ["arrivals", "output_tokens", "prompt_tokens", "qq"].map(|name| format!("charts/{name}.png"));
    let both = charts.iter().flat_map(|chart| [chart.clone(), chart.replace(".png", ".svg")]);
    let expected: Vec<String> = both.chain(["fit.json", "fit.md", "fit.toml"].map(str::to_owned)).collect();
    assert_eq!(files.keys().cloned().collect::<Vec<String>>(), expected);
    let pasted = String::from_utf8(files["fit.toml"].clone()).unwrap();
    assert!(report.ends_with(&pasted), "{report}");
    let page = String::from_utf8(files["fit.md"].clone()).unwrap();
    assert!(charts.iter().all(|chart| page.contains(&format!("({chart})"))), "{page}");
}

#[test]
fn what_a_fit_says_is_a_scenario_and_so_is_its_replay() {
    let place = Place::with(TWO_REPLICAS);
    write_trace(&place);
    let assert = place.cutover("fit traces/day.csv.gz --format json --quiet --out fitted").code(0);
    assert_eq!(errors(&assert), "");
    let printed = output(&assert);
    assert_eq!(fs::read_to_string(place.path("fitted/fit.json")).unwrap(), printed);
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&json["schema_version"], &json["traffic"]["requests"]), (&1.into(), &300.into()));
    let fitted = fs::read_to_string(place.path("fitted/fit.toml")).unwrap();
    assert_eq!(json["toml"], fitted);
    let replay: String = (fitted.lines().filter_map(|line| line.strip_prefix("# ")))
        .filter(|line| line.starts_with("trace"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(replay.contains("trace = ") && replay.contains("trace_block = "), "{fitted}");
    let (before, after) = TWO_REPLICAS.split_once("[traffic]").unwrap();
    let after = after.split_once("[router]").unwrap().1;
    for (name, traffic) in [("traces/fitted.toml", fitted), ("traces/replayed.toml", format!("[traffic]\n{replay}"))] {
        fs::write(place.path(name), format!("{before}{traffic}\n[router]{after}")).unwrap();
        place.cutover(&format!("run {name} --runs 2 --quiet --out ran")).code(0);
    }
}

#[test]
fn traces_that_cannot_be_fitted_are_refused_with_their_line() {
    let place = Place::with(TWO_REPLICAS);
    assert!(refuses(&place, "fit missing.csv").contains("missing.csv"));
    refuses(&place, "fit .");
    for (text, expected) in [
        ("arrival_s,prompt_tokens\n", "wrong.csv:1: expected a header with a column `output_tokens`"),
        ("a,b\n1,2\n", "wrong.csv:1: expected the columns arrival_s,prompt_tokens,output_tokens or TIMESTAMP"),
        ("arrival_s,prompt_tokens,output_tokens\n0,1,1\n1,0,1\n", "wrong.csv:3: expected `prompt_tokens` to be"),
        ("arrival_s,prompt_tokens,output_tokens\n1,1,1\n0,1,1\n", "wrong.csv:3: expected arrivals in order"),
        ("arrival_s,prompt_tokens,output_tokens\n0,1,1\n", "wrong.csv: expected at least 2 rows"),
    ] {
        let place = Place::with(TWO_REPLICAS);
        fs::write(place.path("wrong.csv"), text).unwrap();
        let said = refuses(&place, "fit wrong.csv");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn init_writes_a_scenario_that_runs_and_never_overwrites() {
    let place = Place::with(TWO_REPLICAS);
    place.cutover("init mine.toml").code(0);
    // So few runs do not settle its checks.
    place.cutover("run mine.toml --runs 3 --set traffic.arrivals.rate=2").code(3);
    let said = refuses(&place, "init scenario.toml");
    assert!(said.contains("exists"), "{said}");
    assert_eq!(fs::read_to_string(place.path("scenario.toml")).unwrap(), TWO_REPLICAS);
    for command in ["run mine.toml", "check mine.toml", "explain mine.toml"] {
        let written = place.cutover(&format!("init {}.toml", &command[..3])).code(0);
        assert!(errors(&written).contains(&command.replace("mine", &command[..3])), "{}", errors(&written));
    }
}

#[test]
fn init_takes_a_profile_a_strategy_and_numbers() {
    let place = Place::with(TWO_REPLICAS);
    for strategy in ["none", "recreate", "rolling", "blue_green", "blue-green", "canary", "flagger"] {
        let line = format!(
            "init - --profile h200-llama-3.1-70b-tp4-vllm --strategy {strategy} --replicas 2 --rate 4 --gpu-hour-usd 2.25"
        );
        let text = output(&place.cutover(&line).code(0));
        for wanted in [
            "profile = \"h200-llama-3.1-70b-tp4-vllm\"",
            "replicas = 2 ",
            "rate = 4.0 ",
            "gpu_hour_usd = 2.25 ",
            "gpus_per_replica = 4 ",
        ] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
        fs::write(place.path(&format!("{strategy}.toml")), &text).unwrap();
        let run = place.cutover(&format!("run {strategy}.toml --runs 2")).code(3);
        assert!(!errors(&run).contains("warning"), "{}", errors(&run));
    }
    assert!(!place.path("scenario.toml-").exists() && !place.path("-").exists());
    assert!(refuses(&place, "init it.toml --profile h200").contains("it begins the names of"));
    assert!(refuses(&place, "init it.toml --rate -1").contains("requests per second"));
    assert!(refuses(&place, "init it.toml --gpu-hour-usd x").contains("a number of USD"));
    assert!(refuses(&place, "init it.toml --strategy bogus").contains("blue_green"));
    assert!(!place.path("it.toml").exists());
}

#[test]
fn completions_are_printed_for_every_shell() {
    let place = Place::with(TWO_REPLICAS);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(output(&place.cutover(&format!("completions {shell}")).code(0)).contains("cutover"), "{shell}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_study_ends_with_130_and_saves_what_was_finished() {
    // As a terminal interrupts, and as pipelines and `timeout` do.
    for signal in ["INT", "TERM"] {
        let place = Place::with(TWO_REPLICAS);
        let endless = ["run", "scenario.toml", "--runs", "10000000", "--threads", "1"];
        let ended = ended_by(signal, place.directory(), &endless, a_run_is_finished);
        assert_eq!(ended.status.code(), Some(130), "{signal}");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains("stopping after the runs under way; press Ctrl-C again to leave at once"), "{said}");
        let summary = fs::read_to_string(place.path("output/scenario/summary.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(json["provenance"]["partial"], true, "{signal}");
        assert!(json["provenance"]["runs"].as_u64().unwrap() >= 1, "{signal}");
    }
}
