//! The forms of a made-up study at the gate.

use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::*;
use crate::ledger::{Metric, RunRecord};
use crate::report::example;
use crate::scenario::{Code, Problem, Severity};
use crate::study::{Past, against, evaluate};

const STYLE: Style = Style { color: false, width: 100 };

/// The example with a check of each severity that fails and is undecided, one with a reason, and a warning of a scenario.
fn study() -> StudyResult {
    study_with(|_| ())
}

fn study_with(change: impl Fn(&mut RunRecord)) -> StudyResult {
    let mut result = example::study_with(change);
    let mut more = result.scenario.checks.clone();
    more[1].severity = Severity::Warn;
    more[1].description = Some("support counts <b>every</b> cut answer | @oncall #1".to_owned());
    more[2].severity = Severity::Warn;
    result.scenario.checks.extend_from_slice(&more[1..]);
    result.checks = result.scenario.checks.iter().map(|check| evaluate(check, &result.metrics)).collect();
    result.scenario.warnings = vec![Problem {
        line: 61,
        column: 16,
        ..Problem::new(
            Code::SHORT_GRACE,
            "the grace period is shorter than preStop and what is in flight need".to_owned(),
            "",
        )
    }];
    result
}

/// What got worse, and what better.
fn later() -> StudyResult {
    study_with(|record| {
        record.values[Metric::TruncatedAttempts as usize] += 3.0;
        record.values[Metric::Cost as usize] += 0.7;
        record.values[Metric::CapacityDip as usize] *= 0.5;
    })
}

fn judged<'a>(result: &'a StudyResult, baseline: Option<&'a Against>) -> Judged<'a> {
    let fail_on = FailOn::default();
    Judged { file: Path::new("prod/chat.toml"), result, baseline, lacks_baseline: false, fail_on }
}

#[test]
fn without_a_baseline_every_form_shows_every_check() {
    let result = study();
    let one = [judged(&result, None)];
    insta::assert_snapshot!("text", check_report(&one, StudyForm::Text(STYLE)));
    insta::assert_snapshot!("comment", check_report(&one, StudyForm::Markdown));
    insta::assert_snapshot!("github", check_report(&one, StudyForm::Github));
    insta::assert_snapshot!("junit", check_report(&one, StudyForm::Junit));
}

#[test]
fn with_a_baseline_every_form_shows_what_changed() {
    let (before, after) = (study(), later());
    let found = against(Past::of(&before), &after);
    let fail_on = FailOn { warn: true, worse: true };
    let one = [Judged { fail_on, ..judged(&after, Some(&found)) }];
    insta::assert_snapshot!("baseline_text", check_report(&one, StudyForm::Text(STYLE)));
    insta::assert_snapshot!("baseline_comment", check_report(&one, StudyForm::Markdown));
    insta::assert_snapshot!("baseline_github", check_report(&one, StudyForm::Github));
    insta::assert_snapshot!("baseline_junit", check_report(&one, StudyForm::Junit));
    let json: serde_json::Value = serde_json::from_str(&check_report(&one, StudyForm::Json)).unwrap();
    let baseline = &json[0]["baseline"];
    assert_eq!(baseline["worse"], serde_json::json!(["truncated_attempts", "cost_usd"]));
    assert_eq!(baseline["paired"], true);
    assert_eq!(baseline["metrics"]["truncated_attempts"]["difference"]["value"], 3.0);
    assert_eq!(json[0]["checks"][3]["severity"], "warn");
    let narrow = check_report(&one, StudyForm::Text(Style { color: false, width: 70 }));
    let longest = narrow.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{longest:?} {narrow}");
}

/// A promise may hold while what it is about got worse: the row of the table says both.
#[test]
fn a_check_that_holds_is_not_all_green_where_its_metric_fails_the_gate() {
    let only_first = |mut result: StudyResult| {
        let check = &mut result.scenario.checks[0];
        (check.metric, check.min, check.max) = ("truncated_attempts".to_owned(), None, Some(1e6));
        result.scenario.checks.truncate(1);
        result.checks = result.scenario.checks.iter().map(|check| evaluate(check, &result.metrics)).collect();
        result
    };
    let (before, after) = (only_first(study()), only_first(later()));
    let found = against(Past::of(&before), &after);
    for (worse, expected) in [(true, "🟢 holds, 🔴 worse |"), (false, "🟢 holds, 🟠 worse |")] {
        let one = [Judged { fail_on: FailOn { warn: false, worse }, ..judged(&after, Some(&found)) }];
        let text = check_report(&one, StudyForm::Markdown);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn names_in_the_programs_own_sentences_stay_code_and_nothing_else_does() {
    assert_eq!(prose("see `cutover grace` <now>"), "see `cutover grace` &lt;now>");
    assert_eq!(prose("key `a_b` and a_b"), "key `a_b` and a\\_b");
    for text in ["an odd ` <b>", "two `` <b> ``", "behind \\` <b> `"] {
        assert!(!prose(text).contains('<') && prose(text).contains("\\`"), "{text}");
    }
}

#[test]
fn a_scenario_without_checks_is_not_shown_as_safe() {
    let mut none = study();
    none.checks.clear();
    none.scenario.checks.clear();
    none.scenario.warnings.clear();
    let one = [judged(&none, None)];
    assert!(check_report(&one, StudyForm::Markdown).contains("### 🟠 No checks: nothing is guarded"));
    let annotations = check_report(&one, StudyForm::Github);
    assert!(annotations.starts_with("::warning file=prod/chat.toml,line=1,col=1,title=W0110%3A"), "{annotations}");
}

#[test]
fn unpaired_it_says_so() {
    let (before, after) = (study(), later());
    let past = Past { records: None, ..Past::of(&before) };
    let found = against(past, &after);
    let text = check_report(&[judged(&after, Some(&found))], StudyForm::Text(STYLE));
    let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(text.contains("compared by means and standard errors, because no runs.csv"), "{text}");
}

#[test]
fn a_baseline_that_is_not_there_yet_is_told_in_every_form() {
    let result = study();
    let one = [Judged { lacks_baseline: true, ..judged(&result, None) }];
    for form in [StudyForm::Text(STYLE), StudyForm::Markdown, StudyForm::Github, StudyForm::Junit] {
        let text = check_report(&one, form);
        assert!(text.contains("no baseline yet"), "{text}");
    }
}

#[test]
fn an_interruption_is_told_first() {
    let mut result = study();
    result.partial = true;
    result.scenario.study.runs = 1_000;
    let one = [judged(&result, None)];
    assert!(check_report(&one, StudyForm::Markdown).contains("### 🔴 interrupted after 40 of 1000 runs; `truncated"));
    assert!(
        check_report(&one, StudyForm::Github).contains("grace period: interrupted after 40 of 1000 runs; 5 checks")
    );
    let junit = check_report(&one, StudyForm::Junit);
    assert!(junit.contains("message=\"interrupted after 40 of 1000 runs\""), "{junit}");
}

#[test]
fn several_scenarios_share_one_comment_worst_first() {
    let (bad, mut good) = (study(), example::study());
    good.scenario.name = "the good one".to_owned();
    good.checks.truncate(1);
    good.scenario.checks.truncate(1);
    let both = [Judged { file: Path::new("good.toml"), ..judged(&good, None) }, judged(&bad, None)];
    let text = check_report(&both, StudyForm::Markdown);
    assert!(text.starts_with("<!-- cutover:check -->\n\n## 🔴 2 rollouts: 1 failed, 1 passed\n\n### 🔴 "), "{text}");
    assert!(text.contains("### 🟢 Every check holds (1)"), "{text}");
    assert_eq!(text.matches("<!--").count(), 1);
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    for form in [StudyForm::Text(STYLE), StudyForm::Markdown, StudyForm::Github, StudyForm::Junit] {
        let text = check_report(&both, form);
        assert!(text.contains("chat") && text.contains("good"), "which file is which: {text}");
    }
    assert!(check_report(&both, StudyForm::Text(STYLE)).ends_with("\n2 rollouts: 1 failed, 1 passed\n"));
    let many: Vec<Judged<'_>> = (0..200).map(|_| judged(&bad, None)).collect();
    let text = check_report(&many, StudyForm::Markdown);
    assert!(text.chars().count() < 65_536, "{}", text.chars().count());
    assert!(text.contains("does not fit") && text.matches("<details>").count() == text.matches("</details>").count());
}

#[test]
fn a_tag_cannot_end_its_comment_and_depends_on_the_file_alone() {
    let result = study();
    for (file, expected) in [
        ("prod/chat.toml", "<!-- cutover:chat -->"),
        ("a--> <b>.toml", "<!-- cutover:a-b -->"),
        ("x/größe_2.v1.toml", "<!-- cutover:größe_2.v1 -->"),
    ] {
        assert_eq!(tag(&[Judged { file: Path::new(file), ..judged(&result, None) }]), expected);
    }
}

#[test]
fn nothing_that_a_person_wrote_steers_the_comment() {
    let mut result = study();
    result.scenario.name = "<script>`x` | **b** [l](u) @all".to_owned();
    let text = check_report(&[judged(&result, None)], StudyForm::Markdown);
    assert!(text.contains("&lt;script>\\`x\\` \\| \\*\\*b\\*\\* \\[l](u) @\u{2060}all"), "{text}");
}

/// What the schema of Jenkins' xUnit plugin (junit-10.xsd) says of an element: attributes, those of them that are
/// required, and the elements that it may stand in.
fn schema(element: &str) -> (&'static [&'static str], &'static [&'static str], &'static [&'static str]) {
    match element {
        "testsuites" => (&["name", "time", "tests", "failures", "errors"], &[], &[""]),
        "testsuite" => (
            &[
                "name",
                "tests",
                "failures",
                "errors",
                "group",
                "time",
                "skipped",
                "timestamp",
                "hostname",
                "id",
                "package",
            ],
            &["name", "tests", "failures", "errors"],
            &["testsuites", "testsuite"],
        ),
        "testcase" => (&["name", "time", "classname", "group"], &["name"], &["testsuite"]),
        "failure" | "error" | "skipped" => (&["type", "message"], &[], &["testcase"]),
        "system-out" => (&[], &[], &["testcase", "testsuite"]),
        other => panic!("<{other}> is not in the schema"),
    }
}

fn attributes(element: &BytesStart<'_>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    element.attributes().map(|attribute| attribute.unwrap()).map(|a| (text(a.key.as_ref()), text(&a.value))).collect()
}

/// Cases, failures, errors and skipped ones of a suite, as written and as counted.
type Counts = ([usize; 4], [usize; 4]);

/// Reads `junit.xml` as the schema allows it and returns each suite's counts.
fn read(xml: &str) -> Vec<Counts> {
    let mut reader = Reader::from_str(xml);
    let (mut open, mut suites): (Vec<String>, Vec<Counts>) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error}\n{xml}"));
        let (element, is_empty) = match &event {
            Event::Start(element) => (element, false),
            Event::Empty(element) => (element, true),
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
        let (known, required, parents) = schema(&name);
        let found = attributes(element);
        assert!(found.iter().all(|(key, _)| known.contains(&key.as_str())), "{name} {found:?}");
        assert!(required.iter().all(|key| found.iter().any(|(name, _)| name == key)), "{name} {found:?}");
        assert!(parents.contains(&open.last().map_or("", String::as_str)), "{name} in {open:?}");
        let number = |key: &str| found.iter().find(|(name, _)| name == key).unwrap().1.parse::<usize>().unwrap();
        if name == "testsuite" {
            suites.push((["tests", "failures", "errors", "skipped"].map(number), [0; 4]));
        }
        let kinds = ["testcase", "failure", "error", "skipped"];
        if let (Some(at), Some((_, counted))) = (kinds.iter().position(|kind| *kind == name), suites.last_mut()) {
            counted[at] += 1;
        }
        if !is_empty {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} is left open");
    suites
}

#[test]
fn junit_obeys_the_schema_and_its_counts_add_up() {
    let (before, after) = (study(), later());
    let found = against(Past::of(&before), &after);
    let mut none = example::study();
    none.checks.clear();
    none.scenario.checks.clear();
    none.scenario.name = "a \"<&>\u{1}\u{fffe}\n' b".to_owned();
    let fail_on = FailOn { warn: false, worse: true };
    let all = [
        Judged { fail_on, ..judged(&after, Some(&found)) },
        judged(&before, None),
        Judged { lacks_baseline: true, ..judged(&none, None) },
    ];
    let xml = check_report(&all, StudyForm::Junit);
    let suites = read(&xml);
    for (written, counted) in &suites {
        assert_eq!(written, counted);
    }
    let expected: Vec<[usize; 4]> = vec![[15, 3, 1, 2], [5, 1, 1, 2], [2, 0, 0, 2]];
    assert_eq!(suites.iter().map(|(written, _)| *written).collect::<Vec<_>>(), expected);
    assert!(!xml.contains(['\u{1}', '\u{fffe}']) && !xml.contains("time"), "{xml}");
}
