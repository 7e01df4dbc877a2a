//! `compare`: scenarios, or variants of one, on the same requests.

use std::path::{Path, PathBuf};

use super::arguments::{CompareArguments, Given};
use super::commands::{deliver, save, simulate_together};
use super::failure::{Ending, Failure};
use super::load::{name, output_directory, variant_given};
use super::stop::on_interrupt;
use super::terminal::{form, say};
use crate::report::files::{COMPARED_FOLDERS, check_place};
use crate::report::{self, Compared};
use crate::scenario::{Scenario, split_list};
use crate::study::{self, Comparison, unequal_requests};

/// One of what is compared: its file, and what is set for it alone.
#[derive(Clone, Debug)]
struct Subject {
    file: PathBuf,
    settings: Vec<String>,
    /// The argument that gave each of them.
    arguments: Vec<String>,
}

impl Subject {
    /// The settings with their arguments.
    fn given(&self) -> Vec<Given> {
        let pairs = self.settings.iter().cloned().zip(self.arguments.iter().cloned());
        pairs.map(|(setting, argument)| Given { setting, argument }).collect()
    }
}

/// `cutover compare`.
///
/// # Errors
/// A scenario is wrong, they cannot be compared, or results cannot be written.
pub fn compare(arguments: &CompareArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let subjects = subjects(arguments)?;
    let scenarios = scenarios(&subjects, arguments)?;
    if !simulating.quiet {
        warnings(&scenarios).iter().for_each(|warning| say(&format!("warning: {warning}")));
    }
    let directory = directory(arguments);
    check_place(&directory)?;
    let stop = on_interrupt()?;
    let studies = simulate_together(scenarios, simulating, stop)?;
    let comparisons = (studies[1..].iter())
        .map(|study| study::compare(&studies[0], study))
        .collect::<Result<Vec<Comparison>, String>>()
        .map_err(|reason| Failure::WrongUse(format!("error: {reason}")))?;
    let settings: Vec<Vec<String>> = subjects.into_iter().map(|subject| subject.settings).collect();
    let compared = Compared { studies: &studies, comparisons: &comparisons, settings: &settings };
    let saved = report::comparison_files(&compared)
        .map_err(Failure::from)
        .and_then(|files| save(&directory, &files, simulating.quiet));
    deliver(saved, &report::comparison_report(&compared, form(arguments.printing.format)))?;
    Ok(if studies.iter().any(|study| study.partial) { Ending::Interrupted } else { Ending::Well })
}

/// What is compared: the files in their order, then the variants of the first; `--set-b` is for the second file where
/// there is one, else a variant.
fn subjects(arguments: &CompareArguments) -> Result<Vec<Subject>, Failure> {
    let subject = |file: &PathBuf| Subject { file: file.clone(), settings: Vec::new(), arguments: Vec::new() };
    let mut subjects: Vec<Subject> = arguments.scenarios.iter().map(subject).collect();
    if !arguments.set_b.is_empty() {
        if subjects.len() == 1 {
            subjects.push(subject(&arguments.scenarios[0]));
        }
        subjects[1].settings.clone_from(&arguments.set_b);
        subjects[1].arguments = arguments.set_b.iter().map(|setting| format!("--set-b {setting}")).collect();
    }
    for text in &arguments.variant {
        let settings = split_list(text, ',')
            .map_err(|reason| Failure::WrongUse(format!("error: `--variant {text}`: {reason}")))?;
        let settings: Vec<String> = settings.into_iter().map(|setting| setting.trim().to_owned()).collect();
        let arguments_of = vec![format!("--variant {text}"); settings.len()];
        subjects.push(Subject { settings, arguments: arguments_of, ..subject(&arguments.scenarios[0]) });
    }
    let most = COMPARED_FOLDERS.len();
    match subjects.len() {
        0 | 1 => Err(Failure::WrongUse(
            "error: nothing to compare with: name a second scenario, or what differs with --variant KEY=VALUE"
                .to_owned(),
        )),
        count if count > most => Err(Failure::WrongUse(format!(
            "error: {count} scenarios are more than the {most} that one comparison takes; `cutover sweep` takes more"
        ))),
        _ => Ok(subjects),
    }
}

/// Where results go: `--out`, or under the names of what is compared.
fn directory(arguments: &CompareArguments) -> PathBuf {
    match (arguments.scenarios.as_slice(), &arguments.simulating.out) {
        ([first, others @ ..], None) if !others.is_empty() => {
            let others: Vec<String> = others.iter().map(|file| name(file).display().to_string()).collect();
            Path::new("output").join(format!("{}-against-{}", name(first).display(), others.join("-and-")))
        }
        (scenarios, out) => output_directory(&scenarios[0], out.as_deref()),
    }
}

/// The scenarios, with as many runs as the one that has fewest.
fn scenarios(subjects: &[Subject], arguments: &CompareArguments) -> Result<Vec<Scenario>, Failure> {
    let simulating = &arguments.simulating;
    let load = |(at, subject): (usize, &Subject)| {
        // What the first is warned of, its variants are too.
        let is_told = subjects[..at].iter().any(|earlier| earlier.file == subject.file);
        variant_given(&subject.file, simulating, &subject.given(), simulating.quiet || is_told)
    };
    let scenarios = subjects.iter().enumerate().map(load).collect::<Result<Vec<Scenario>, Failure>>()?;
    let fewest = scenarios.iter().map(|scenario| scenario.study.runs).min().unwrap_or(0);
    if scenarios.iter().all(|scenario| scenario.study.runs == fewest) {
        return Ok(scenarios);
    }
    if !simulating.quiet {
        let runs: Vec<String> = scenarios.iter().map(|scenario| scenario.study.runs.to_string()).collect();
        say(&format!(
            "warning: study.runs differs ({}); runs are compared in pairs, so that all get {fewest}",
            runs.join(", ")
        ));
    }
    // Read once more, so that the scenario's hash tells of it; its warnings have been given.
    let shortened = |(scenario, subject): (Scenario, &Subject)| {
        if scenario.study.runs == fewest {
            return Ok(scenario);
        }
        let fewer = Given::by("--set", &format!("study.runs={fewest}"));
        variant_given(&subject.file, simulating, &[subject.given(), vec![fewer]].concat(), true)
    };
    scenarios.into_iter().zip(subjects).map(shortened).collect()
}

/// What makes the comparison say less than it seems to.
fn warnings(scenarios: &[Scenario]) -> Vec<String> {
    let (a, others) = (&scenarios[0], &scenarios[1..]);
    let mut warnings = Vec::new();
    for (at, b) in others.iter().enumerate() {
        let letter = COMPARED_FOLDERS[at + 1].to_uppercase();
        let unequal = unequal_requests(a, b);
        if !unequal.is_empty() {
            warnings.push(format!(
                "A and {letter} do not meet the same requests ({}): luck does not cancel, and differences are also those \
                 of the requests",
                report::differing(&unequal)
            ));
        }
        if a.study.duration != b.study.duration {
            warnings.push(format!(
                "A measures {} and {letter} {}: what adds up over the window (requests, tokens, GPU-hours, costs, \
                 seconds) cannot be compared",
                a.study.duration, b.study.duration
            ));
        }
    }
    warnings
}
