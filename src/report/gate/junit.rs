//! `junit.xml`: a suite for each scenario, a case for each check and for each headline metric against the baseline.
//!
//! Its shape is what the schema of Jenkins' xUnit plugin (junit-10.xsd) allows, the strictest reader; GitLab and the
//! actions that show test reports on GitHub read less. A check that fails is a `failure`; one that the runs leave open an
//! `error`, because the test could not tell; one that only warns is `skipped` with its message, because readers show
//! nothing of what passed. There are no times: they would not be the same twice.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Judged;
use super::baseline::{self, pairing};
use crate::report::compare_report::verdict;
use crate::report::content::CheckLine;
use crate::report::content::plain;
use crate::report::format::{Quantity, difference, value};
use crate::study::{Against, Difference, Outcome, outcome_of_row, why};

/// How a case came out, with a line for where there is room for no more, and all of it.
enum State {
    Passed,
    Failure { message: String, text: String },
    Error { message: String, text: String },
    Skipped { message: String },
}

struct Case {
    class: String,
    name: String,
    state: State,
    /// What was found, whatever became of it.
    output: String,
}

/// The text of `junit.xml`.
pub fn report(judged: &[Judged<'_>]) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut writer, judged).expect("memory takes what is written to it");
    String::from_utf8(writer.into_inner()).expect("every text is one") + "\n"
}

type Xml = Writer<Vec<u8>>;

fn write(writer: &mut Xml, judged: &[Judged<'_>]) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites: Vec<(&Judged<'_>, Vec<Case>)> = judged.iter().map(|judged| (judged, cases(judged))).collect();
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let [tests, failures, errors, _] = counts(all());
    writer
        .create_element("testsuites")
        .with_attributes([("name", "cutover"), ("tests", &tests), ("failures", &failures), ("errors", &errors)])
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|(judged, cases)| {
                let name = &judged.result.scenario.name;
                match suites.len() {
                    1 => write_suite(writer, name, cases),
                    _ => write_suite(writer, &format!("{}: {name}", judged.stem()), cases),
                }
            })
        })?;
    Ok(())
}

/// Cases, failures, errors and skipped ones, as text.
fn counts<'c>(cases: impl Iterator<Item = &'c Case> + Clone) -> [String; 4] {
    let count = |is: fn(&State) -> bool| cases.clone().filter(|case| is(&case.state)).count().to_string();
    [
        count(|_| true),
        count(|state| matches!(state, State::Failure { .. })),
        count(|state| matches!(state, State::Error { .. })),
        count(|state| matches!(state, State::Skipped { .. })),
    ]
}

fn write_suite(writer: &mut Xml, name: &str, cases: &[Case]) -> io::Result<()> {
    let [tests, failures, errors, skipped] = counts(cases.iter());
    let name = clean(name);
    let attributes = [
        ("name", name.as_str()),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", &skipped),
    ];
    let suite = writer.create_element("testsuite").with_attributes(attributes);
    suite.write_inner_content(|writer| cases.iter().try_for_each(|case| write_case(writer, case)))?;
    Ok(())
}

fn write_case(writer: &mut Xml, case: &Case) -> io::Result<()> {
    let (name, class) = (clean(&case.name), clean(&case.class));
    let element = writer.create_element("testcase").with_attributes([("classname", &*class), ("name", &*name)]);
    element.write_inner_content(|writer| {
        match &case.state {
            State::Passed => {}
            State::Failure { message, text } => write_state(writer, "failure", "check failed", message, text)?,
            State::Error { message, text } => write_state(writer, "error", "undecided", message, text)?,
            State::Skipped { message } => write_state(writer, "skipped", "warning", message, "")?,
        }
        if !case.output.is_empty() {
            writer.create_element("system-out").write_text_content(BytesText::new(&clean(&case.output)))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_state(writer: &mut Xml, name: &str, kind: &str, message: &str, text: &str) -> io::Result<()> {
    let (message, text) = (clean(message), clean(text));
    let element = writer.create_element(name).with_attributes([("type", kind), ("message", &message)]);
    if text.is_empty() {
        element.write_empty()?;
    } else {
        element.write_text_content(BytesText::new(&text))?;
    }
    Ok(())
}

/// The text without characters that XML 1.0 has no way to write (production 2, Char).
fn clean(text: &str) -> String {
    let is_char = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(|c| is_char(*c)).collect()
}

fn cases(judged: &Judged<'_>) -> Vec<Case> {
    let class = judged.stem();
    let mut cases: Vec<Case> = judged.checks().iter().map(|(check, _)| of_check(check, &class, judged)).collect();
    if cases.is_empty() {
        cases.push(skipped(&class, "checks", "the scenario has no [[check]]"));
    }
    if judged.result.partial {
        cases.push(unfinished(&class, judged));
    }
    let class = format!("{class}.baseline");
    if let Some(against) = judged.baseline {
        cases.extend(against.headlines().iter().map(|row| of_row(row, &class, against, judged)));
    } else if judged.lacks_baseline {
        cases.push(skipped(&class, "baseline", baseline::NONE_YET));
    }
    cases
}

/// That the study was interrupted, as an error: what the other cases tell is not what was asked for.
fn unfinished(class: &str, judged: &Judged<'_>) -> Case {
    let message = judged.interruption().trim_end_matches("; ").to_owned();
    let text = "the checks are judged by the runs that were finished".to_owned();
    let state = State::Error { message, text };
    Case { class: class.to_owned(), name: "every run is finished".to_owned(), state, output: String::new() }
}

fn skipped(class: &str, name: &str, message: &str) -> Case {
    let state = State::Skipped { message: message.to_owned() };
    Case { class: class.to_owned(), name: name.to_owned(), state, output: String::new() }
}

fn of_check(check: &CheckLine, class: &str, judged: &Judged<'_>) -> Case {
    let found = format!("found {}", plain(&check.found));
    let message = format!("{}: {found}", check.claim);
    let lines = [message.as_str(), check.explanation.as_str(), check.description.as_str()];
    let lines = lines.into_iter().filter(|line| !line.is_empty());
    let state = match check.outcome {
        Outcome::Passed => State::Passed,
        Outcome::Warned => {
            State::Skipped { message: format!("warning: {} {}: {found}", check.claim, check.standing()) }
        }
        Outcome::Undecided => {
            State::Error { text: lines.collect::<Vec<&str>>().join("\n"), message: format!("undecided: {message}") }
        }
        Outcome::Failed => {
            let cause = why(judged.result);
            State::Failure { text: lines.chain([cause.as_str()]).collect::<Vec<&str>>().join("\n"), message }
        }
    };
    Case { class: class.to_owned(), name: check.claim.clone(), state, output: found }
}

fn of_row(row: &Difference, class: &str, against: &Against, judged: &Judged<'_>) -> Case {
    let quantity = Quantity::of(row.metric);
    let (before, now) = (value(row.mean_a, quantity), value(row.mean_b, quantity));
    let change = difference(&row.difference, quantity);
    let found = format!("mean {before} before, {now} now; {change}: {}", verdict(row));
    let state = match outcome_of_row(row, judged.fail_on) {
        Outcome::Failed => State::Failure {
            message: format!("{} is worse than the baseline: {before} before, {now} now", row.metric.name()),
            text: format!("{found}\nbaseline: {}", pairing(against)),
        },
        Outcome::Warned => State::Skipped { message: format!("warning: worse than the baseline: {found}") },
        Outcome::Passed | Outcome::Undecided => State::Passed,
    };
    let name = format!("{} is not worse than the baseline", row.metric.name());
    Case { class: class.to_owned(), name, state, output: found }
}
