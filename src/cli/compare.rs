//! `compare`: two scenarios on the same requests.

use super::arguments::CompareArguments;
use super::commands::{deliver, save, simulate_together};
use super::failure::{Ending, Failure};
use super::load::{name, output_directory, scenario};
use super::stop::on_interrupt;
use super::terminal::{form, say};
use crate::report::files::check_place;
use crate::report::{self, Compared};
use crate::scenario::Scenario;
use crate::study::{self, unequal_requests};

/// `cutover compare`.
///
/// # Errors
/// A scenario is wrong, the two cannot be compared, or results cannot be written.
pub fn compare(arguments: &CompareArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    if arguments.b.is_none() && arguments.set_b.is_empty() {
        let hint = "error: nothing to compare with: name a second scenario, or what differs with --set-b KEY=VALUE";
        return Err(Failure::WrongUse(hint.to_owned()));
    }
    let (a, b) = scenarios(arguments)?;
    if !simulating.quiet {
        warnings(&a, &b).iter().for_each(|warning| say(&format!("warning: {warning}")));
    }
    let directory = match (&arguments.b, &simulating.out) {
        (Some(b), None) => {
            let both = format!("{}-against-{}", name(&arguments.a).display(), name(b).display());
            std::path::Path::new("output").join(both)
        }
        _ => output_directory(&arguments.a, simulating.out.as_deref()),
    };
    check_place(&directory)?;
    let stop = on_interrupt()?;
    let results = simulate_together(vec![a, b], simulating, stop)?;
    let [a, b] = results.as_slice() else { return Err(Failure::InterruptedAtOnce) };
    let comparison = study::compare(a, b).map_err(|reason| Failure::WrongUse(format!("error: {reason}")))?;
    let compared = Compared { a, b, comparison: &comparison, set_b: &arguments.set_b };
    let saved = report::comparison_files(&compared)
        .map_err(Failure::from)
        .and_then(|files| save(&directory, &files, simulating.quiet));
    deliver(saved, &report::comparison_report(&compared, form(simulating.format)))?;
    Ok(if a.partial || b.partial { Ending::Interrupted } else { Ending::Well })
}

/// The two scenarios, with as many runs as the one that has fewer.
fn scenarios(arguments: &CompareArguments) -> Result<(Scenario, Scenario), Failure> {
    let simulating = &arguments.simulating;
    let file_b = arguments.b.as_ref().unwrap_or(&arguments.a);
    let settings_a = simulating.settings();
    let settings_b: Vec<String> = settings_a.iter().chain(&arguments.set_b).cloned().collect();
    let a = scenario(&arguments.a, &settings_a, simulating.quiet)?;
    let b = scenario(file_b, &settings_b, simulating.quiet)?;
    let (runs_a, runs_b) = (a.study.runs, b.study.runs);
    if runs_a == runs_b {
        return Ok((a, b));
    }
    let fewest = runs_a.min(runs_b);
    if !simulating.quiet {
        say(&format!(
            "warning: A has study.runs = {runs_a} and B has {runs_b}; runs are compared in pairs, so both get {fewest}"
        ));
    }
    // Read once more, so that the scenario's hash tells of it; its warnings have been given.
    let shortened = |mut settings: Vec<String>| {
        settings.push(format!("study.runs={fewest}"));
        settings
    };
    let a = if runs_a > fewest { scenario(&arguments.a, &shortened(settings_a), true)? } else { a };
    let b = if runs_b > fewest { scenario(file_b, &shortened(settings_b), true)? } else { b };
    Ok((a, b))
}

/// What makes the comparison say less than it seems to.
fn warnings(a: &Scenario, b: &Scenario) -> Vec<String> {
    let mut warnings = Vec::new();
    let unequal = unequal_requests(a, b);
    if !unequal.is_empty() {
        warnings.push(format!(
            "A and B do not meet the same requests ({}): luck does not cancel, and differences are also those of the \
             requests",
            report::differing(&unequal)
        ));
    }
    if a.study.duration != b.study.duration {
        warnings.push(format!(
            "A measures {} and B {}: what adds up over the window (requests, tokens, GPU-hours, costs, seconds) cannot \
             be compared",
            a.study.duration, b.study.duration
        ));
    }
    warnings
}
