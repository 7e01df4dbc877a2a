//! `run` and `check`: simulate, report, say by the exit code whether the checks hold.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::arguments::{CheckArguments, Format, RunArguments, Simulating};
use super::baseline;
use super::failure::{Ending, Failure};
use super::lint;
use super::load::{name, output_directory};
use super::precise::{Asked, Job};
use super::progress::Progress;
use super::stop::on_interrupt;
use super::terminal::{colors, form, printed, say, study_forms, write_report};
use crate::ledger::RunLog;
use crate::lints;
use crate::report::files::{OutputFile, check_place, replace, replace_gate};
use crate::report::{self, Answer, Judged, StudyForm, csv};
use crate::scenario::Scenario;
use crate::simulation::Prepared;
use crate::study::{self, Against, FailOn, Outcome, StudyResult};

/// `cutover run`.
///
/// # Errors
/// The scenario is wrong, or results cannot be written.
pub fn run(arguments: &RunArguments) -> Result<Ending, Failure> {
    let forms = study_forms(&arguments.printing.format);
    annotated(&forms, simulate_and_report(arguments, &forms))
}

fn simulate_and_report(arguments: &RunArguments, forms: &[StudyForm]) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    let asked = Asked::read(&arguments.precise)?;
    let job = Job::load(&arguments.scenario, &asked, simulating)?;
    let directory = output_directory(&arguments.scenario, simulating.out.as_deref());
    check_place(&directory)?;
    let mut result = job.simulate(simulating, on_interrupt()?)?;
    result.explored = study::explore(&result, simulating.threads());
    let (fail_on, file) = (FailOn::default(), arguments.scenario.as_path());
    let judged = Judged { file, result: &result, baseline: None, lacks_baseline: false, fail_on };
    let saved = report::study_files(&result).map_err(Failure::from).and_then(|mut files| {
        files.extend(logs(&result.scenario, arguments.events, arguments.requests));
        files.extend(report::run_files(&judged, forms));
        save(&directory, &files, simulating.quiet)
    });
    deliver(saved, &report::run_report_of(&judged, printed(forms)))?;
    Ok(ending(&[judged]))
}

/// `cutover check`.
///
/// # Errors
/// A scenario is wrong (then none is simulated), or results cannot be written.
pub fn check(arguments: &CheckArguments) -> Result<Ending, Failure> {
    let forms = study_forms(&arguments.printing.format);
    annotated(&forms, simulate_and_judge(arguments, &forms))
}

fn simulate_and_judge(arguments: &CheckArguments, forms: &[StudyForm]) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    if arguments.lint_only {
        // Somebody who wants warnings to fail may well try --fail-on warn, and must not believe that they do.
        if arguments.gate.baseline.is_some() || !arguments.gate.fail_on.is_empty() {
            let said = "error: `--lint-only` judges nothing that --baseline or --fail-on could be about\n  = help: \
                        `--deny-warnings` makes the warnings of a scenario fail";
            return Err(Failure::WrongUse(said.to_owned()));
        }
        return lint::lint(&arguments.scenarios, simulating, printed(forms), arguments.deny_warnings);
    }
    let directories = directories(&arguments.scenarios, simulating)?;
    let pasts = baseline::read(&arguments.gate, &arguments.scenarios, simulating.quiet)?;
    let asked = Asked::read(&arguments.precise)?;
    let jobs = jobs(&arguments.scenarios, &asked, simulating)?;
    directories.iter().try_for_each(|directory| check_place(directory))?;
    let stop = on_interrupt()?;
    let mut results = Vec::new();
    for job in jobs {
        let mut result = job.simulate(simulating, stop)?;
        result.explored = study::explore(&result, simulating.threads());
        results.push(result);
        if results.last().is_some_and(|result| result.partial) {
            break;
        }
    }
    let against: Vec<Option<Against>> =
        results.iter().zip(pasts).map(|(result, past)| past.map(|past| study::against(past, result))).collect();
    let judged: Vec<Judged<'_>> = (arguments.scenarios.iter().zip(&results).zip(&against))
        .map(|((file, result), against)| Judged {
            file,
            result,
            baseline: against.as_ref(),
            lacks_baseline: against.is_none() && arguments.gate.baseline.is_some(),
            fail_on: arguments.gate.fail_on(),
        })
        .collect();
    let saved = save_judged(&judged, &directories, simulating, forms);
    deliver(saved, &report::check_report(&judged, printed(forms)))?;
    Ok(ending(&judged))
}

/// Saves each scenario's results in its directory, and what is said of all together beside them: for one scenario in its
/// own directory, for several in the one that holds theirs.
fn save_judged(
    judged: &[Judged<'_>],
    directories: &[PathBuf],
    simulating: &Simulating,
    forms: &[StudyForm],
) -> Result<(), Failure> {
    let together = report::check_files(judged, forms);
    if let ([judged], [directory]) = (judged, directories) {
        let mut files = [report::study_files(judged.result)?, together].concat();
        files.extend(report::page(judged.result, forms));
        return save(directory, &files, simulating.quiet);
    }
    for (judged, directory) in judged.iter().zip(directories) {
        let mut files = report::study_files(judged.result)?;
        files.extend(report::page(judged.result, forms));
        save(directory, &files, simulating.quiet)?;
    }
    let common = simulating.out.clone().unwrap_or_else(|| PathBuf::from("output"));
    Ok(replace_gate(&common, &together)?)
}

/// Where annotations were asked for, prints those of a scenario that is wrong: nothing else would be printed.
fn annotated(forms: &[StudyForm], ending: Result<Ending, Failure>) -> Result<Ending, Failure> {
    match &ending {
        Err(Failure::WrongScenario { annotations, .. }) if forms[0] == StudyForm::Github => {
            write_report(&report::annotations(annotations))?;
        }
        _ => {}
    }
    ending
}

/// The scenarios to be judged; where some are wrong, all that is wrong with any.
fn jobs(files: &[PathBuf], asked: &Asked, simulating: &Simulating) -> Result<Vec<Job>, Failure> {
    let (mut jobs, mut refused, mut annotations) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        match Job::load(file, asked, simulating) {
            Ok(job) => jobs.push(job),
            Err(Failure::WrongScenario { said, annotations: places }) => {
                refused.push(said);
                annotations.extend(places);
            }
            Err(failure) => return Err(failure),
        }
    }
    if !refused.is_empty() {
        let (wrong, all) = (refused.len(), files.len());
        if all > 1 {
            refused.push(format!("{wrong} of {all} scenarios cannot be simulated, so that none was"));
        }
        return Err(Failure::WrongScenario { said: refused.join("\n\n"), annotations });
    }
    let without = jobs.iter().filter_map(|job| Some((job, lints::without_checks(&job.scenario)?)));
    for (job, warning) in without.filter(|_| !simulating.quiet) {
        say(&job.scenario.written.problems(vec![warning]).render(colors(&io::stderr())));
    }
    Ok(jobs)
}

/// A directory for each scenario: `--out` itself for one, one within it for each of several.
fn directories(files: &[PathBuf], simulating: &Simulating) -> Result<Vec<PathBuf>, Failure> {
    let directories: Vec<PathBuf> = (files.iter())
        .map(|file| match &simulating.out {
            Some(out) if files.len() > 1 => out.join(name(file)),
            _ => output_directory(file, simulating.out.as_deref()),
        })
        .collect();
    let repeated = directories.iter().enumerate().find(|(i, directory)| directories[..*i].contains(directory));
    match repeated {
        Some((_, directory)) => Err(Failure::WrongUse(format!(
            "error: two scenarios would write to {}; rename one, or check them one by one",
            directory.display()
        ))),
        None => Ok(directories),
    }
}

/// Simulates scenarios run by run side by side, under the name of the first.
///
/// # Errors
/// It was interrupted before any run was finished: there is nothing to report.
pub fn simulate_together(
    scenarios: Vec<Scenario>,
    simulating: &Simulating,
    stop: &AtomicBool,
) -> Result<Vec<StudyResult>, Failure> {
    let name = scenarios.first().map_or_else(String::new, |scenario| scenario.name.clone());
    let runs = scenarios.iter().map(|scenario| scenario.study.runs).sum();
    let progress = Progress::begin(&name, runs, simulating.quiet);
    let results = study::run_together(scenarios, simulating.threads(), &|runs| progress.done(runs), stop);
    progress.end(results.iter().map(|result| result.records.len() as u64).sum());
    let nothing = results.iter().any(|result| result.records.is_empty());
    if nothing { Err(Failure::InterruptedAtOnce) } else { Ok(results) }
}

/// The logs that were asked for; a run that both want is simulated once.
fn logs(scenario: &Scenario, events: Option<u64>, requests: Option<u64>) -> Vec<OutputFile> {
    let prepared = Prepared::new(scenario.clone());
    let log = |run: Option<u64>| run.map(|run| prepared.log_run(run).1);
    let events_log = log(events);
    let requests_log = if requests == events { events_log.clone() } else { log(requests) };
    let events = events_log.map(|log| OutputFile::new("events.csv", csv::events(&log)));
    let requests = requests_log.map(|log: RunLog| OutputFile::new("requests.csv", csv::requests(&log)));
    events.into_iter().chain(requests).collect()
}

/// Writes results in the place of earlier ones and, unless quiet, says where they are.
///
/// # Errors
/// They cannot be written.
pub fn save(directory: &Path, files: &[OutputFile], quiet: bool) -> Result<(), Failure> {
    replace(directory, files)?;
    say_where(directory, quiet);
    Ok(())
}

/// Says where results are, unless quiet.
pub fn say_where(directory: &Path, quiet: bool) {
    if !quiet {
        say(&format!("results in {}", directory.display()));
    }
}

/// Prints the report once the files are written, or could not be: neither a full disk nor a broken standard output
/// takes the other's results with it.
///
/// # Errors
/// What became of the files, else what became of standard output.
pub fn deliver(saved: Result<(), Failure>, report: &str) -> Result<(), Failure> {
    let printed = write_report(report);
    saved.and(printed)
}

/// A scenario that an answer is about, whose whole study is saved beside it.
pub struct Beside {
    /// The folder that its files go to.
    pub folder: &'static str,
    /// What is simulated.
    pub scenario: Scenario,
}

/// Saves an answer with `further` files and the study of what it is about, and prints it. An interruption of that study
/// leaves the answer without it; whether there was one is returned.
///
/// # Errors
/// What became of the files, else what became of standard output.
pub fn conclude(
    answer: &dyn Answer,
    further: Result<Vec<OutputFile>, Failure>,
    beside: Option<Beside>,
    directory: &Path,
    simulating: &Simulating,
    format: Format,
    stop: &AtomicBool,
) -> Result<bool, Failure> {
    let study = beside.map(|beside| {
        simulate_together(vec![beside.scenario], simulating, stop).map(|results| (beside.folder, results))
    });
    let (studies, interrupted) = match study {
        Some(Ok((folder, results))) if results.iter().all(|result| !result.partial) => (Some((folder, results)), false),
        Some(_) => (None, true),
        None => (None, false),
    };
    let files = || -> Result<Vec<OutputFile>, Failure> {
        let mut files = report::answer_files(answer, further?)?;
        if let Some((folder, results)) = &studies {
            for result in results {
                files.extend(report::study_files_in(folder, result)?);
            }
        }
        Ok(files)
    };
    let saved = files().and_then(|files| save(directory, &files, simulating.quiet));
    deliver(saved, &report::answer_report(answer, form(format)))?;
    Ok(interrupted)
}

/// How these studies end the program: an interruption first, then what their checks say.
pub(super) fn ending(judged: &[Judged<'_>]) -> Ending {
    if judged.iter().any(|judged| judged.result.partial) {
        return Ending::Interrupted;
    }
    match judged.iter().map(Judged::outcome).max() {
        None | Some(Outcome::Passed | Outcome::Warned) => Ending::Well,
        Some(Outcome::Undecided) => Ending::Inconclusive,
        Some(Outcome::Failed) => Ending::CheckFailed,
    }
}
