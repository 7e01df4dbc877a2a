//! `compare`: two scenarios on the same requests.

use super::arguments::CompareArguments;
use super::commands::{save, simulate};
use super::failure::{Ending, Failure};
use super::load::{name, output_directory, scenario};
use super::stop::on_interrupt;
use super::terminal::{form, write_report};
use crate::report::files::check_place;
use crate::report::{self, Compared};
use crate::study;

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
    let file_b = arguments.b.as_ref().unwrap_or(&arguments.a);
    let settings_a = simulating.settings();
    let settings_b: Vec<String> = settings_a.iter().chain(&arguments.set_b).cloned().collect();
    let a = scenario(&arguments.a, &settings_a, simulating.quiet)?;
    let b = scenario(file_b, &settings_b, simulating.quiet)?;
    if a.study.seed != b.study.seed {
        return Err(Failure::WrongUse(format!(
            "error: the scenarios have different seeds, {} and {}, so they would not meet the same requests; give both \
             one with --seed",
            a.study.seed, b.study.seed
        )));
    }
    let directory = match (&arguments.b, &simulating.out) {
        (Some(b), None) => {
            let both = format!("{}-against-{}", name(&arguments.a).display(), name(b).display());
            std::path::Path::new("output").join(both)
        }
        _ => output_directory(&arguments.a, simulating),
    };
    check_place(&directory)?;
    let stop = on_interrupt()?;
    let a = simulate(a, simulating, stop)?;
    let b = simulate(b, simulating, stop)?;
    let comparison = study::compare(&a, &b).map_err(|reason| Failure::WrongUse(format!("error: {reason}")))?;
    let compared = Compared { a: &a, b: &b, comparison: &comparison };
    write_report(&report::comparison_report(&compared, form(simulating.format)))?;
    save(&directory, &report::comparison_files(&compared)?, simulating)?;
    Ok(if a.partial || b.partial { Ending::Interrupted } else { Ending::Well })
}
