//! `sweep`: a scenario at every combination of some settings.

mod points;
mod saved;

use std::sync::atomic::AtomicBool;

use super::arguments::SweepArguments;
use super::commands::{Beside, conclude};
use super::failure::{Ending, Failure};
use super::load::{output_directory, variant};
use super::progress::Progress;
use super::stop::on_interrupt;
use super::terminal::say;
use crate::digits::counted;
use crate::ledger::RunRecord;
use crate::report::files::{AS_WRITTEN, check_place};
use crate::scenario::Scenario;
use crate::study::{Growing, Point, Sweep, grow};
use saved::Saved;

/// `cutover sweep`.
///
/// # Errors
/// The scenario is wrong as written or at a point (then nothing is simulated), or results cannot be written.
pub fn sweep(arguments: &SweepArguments) -> Result<Ending, Failure> {
    let simulating = &arguments.simulating;
    // Its warnings aside: what every point overrides is nothing to warn of.
    let scenario = variant(&arguments.scenario, simulating, &[])?;
    points::refuse_uncertifiable_as_written(&scenario)?;
    let grid = points::grid(arguments)?;
    let scenarios = points::scenarios(arguments, &scenario, &grid)?;
    let mut sweep = Sweep::new(scenario, grid, &scenarios);
    if !simulating.quiet {
        points::warnings(&sweep, &scenarios).iter().for_each(|warning| say(&format!("warning: {warning}")));
    }
    let directory = output_directory(&arguments.scenario, simulating.out.as_deref());
    check_place(&directory)?;
    let stop = on_interrupt()?;
    let saved = Saved::new(&directory, arguments.fresh);
    fill(&mut sweep, &scenarios, &saved, arguments, stop)?;
    if sweep.done().next().is_none() {
        say(
            "interrupted before a point was finished; the runs that are done are kept, the same command goes on from there",
        );
        return Ok(Ending::Interrupted);
    }
    sweep.select(&arguments.metric);
    let beside = (!sweep.partial()).then(|| Beside { folder: AS_WRITTEN, scenario: sweep.scenario.clone() });
    let interrupted =
        conclude(&sweep, Ok(Vec::new()), beside, &directory, simulating, arguments.printing.format, stop)?;
    if sweep.partial() {
        if !simulating.quiet {
            say(&format!(
                "{} of {} points are done; the same command goes on from here",
                sweep.done().count(),
                sweep.points.len()
            ));
        }
        return Ok(Ending::Interrupted);
    }
    saved.keep_only(&scenarios)?;
    Ok(if interrupted { Ending::Interrupted } else { Ending::Well })
}

/// Runs every point, or takes its runs from an earlier sweep, until all are done or the user has had enough.
fn fill(
    sweep: &mut Sweep,
    scenarios: &[Scenario],
    saved: &Saved,
    arguments: &SweepArguments,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let simulating = &arguments.simulating;
    let to_run = scenarios.iter().filter(|scenario| !saved.has(scenario)).map(|scenario| scenario.study.runs).sum();
    let progress = Progress::begin(&sweep.scenario.name, to_run, simulating.quiet);
    let (mut runs, mut taken) = (0, 0_u64);
    let mut reference: Option<Vec<RunRecord>> = None;
    for at in sweep.order() {
        let scenario = &scenarios[at];
        let kept = saved.runs(scenario).unwrap_or_default();
        let (begun, all) = (kept.len() as u64, scenario.study.runs);
        let records = if begun == all {
            taken += 1;
            kept
        } else {
            let records = all_runs(scenario, kept, simulating.threads(), &|done| progress.done(runs + done), stop);
            let done = records.len() as u64;
            runs += done - begun;
            // Also of a point that is not finished, to go on from there.
            let records = if done > begun { saved.save(scenario, &records)? } else { records };
            if done < all {
                break;
            }
            records
        };
        let reference = reference.get_or_insert_with(|| records.clone());
        sweep.points[at] = Some(Point::new(scenario, &records, reference));
    }
    progress.end(runs);
    if taken > 0 && !simulating.quiet {
        let points = counted(taken as f64, "point");
        say(&format!("{points} of {} taken from an earlier sweep; --fresh simulates all anew", scenarios.len()));
    }
    Ok(())
}

/// The runs of a point, which goes on after those that were kept of it; fewer than all where the user has had enough.
fn all_runs(
    scenario: &Scenario,
    begun: Vec<RunRecord>,
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    stop: &AtomicBool,
) -> Vec<RunRecord> {
    let mut study = Growing::resumed(scenario.clone(), begun);
    grow(&mut [&mut study], scenario.study.runs, threads, progress, stop);
    study.records().to_vec()
}
