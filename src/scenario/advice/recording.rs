//! Recordings that were cut off, or that are short for the runs that replay them.

use crate::digits::figure;
use crate::scenario::{Code, Problem, Scenario, Stretch, Traffic};
use crate::units::Duration;

/// A block is at most this part of the recording, or all runs are much the same.
const BLOCKS_IN_RECORDING: f64 = 3.0;

/// Whether the file ends as if it had been cut off.
pub fn cut_off(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    if let Traffic::Trace { path, trace, .. } = &scenario.traffic
        && let Some(doubt) = trace.doubt()
    {
        let message = format!("{} may have been cut off", path.display());
        let warning = scenario.written.problem(Code::DOUBTFUL_TRACE, "traffic.trace", message, doubt);
        warnings.push(warning.help("fetch the file again, or end its last line"));
    }
}

/// Whether a recording lasts as long as a run, and whether runs can differ.
pub fn ends(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    let Traffic::Trace { trace, replay, .. } = &scenario.traffic else { return };
    let recorded = trace.recorded() as f64 / 1e9;
    let study = &scenario.study;
    let needed = (study.warm_up + study.duration).seconds() * replay.speed;
    let whole_seconds = |seconds: f64| Duration::from_seconds_f64(seconds.floor());
    let left = match replay.stretch {
        Stretch::From(offset) => recorded - offset.seconds(),
        Stretch::FromAnyRow => recorded,
        Stretch::Blocks(block) => {
            if block.seconds() * BLOCKS_IN_RECORDING > recorded {
                let message =
                    format!("traffic.trace_block is {block}, the recording lasts {}", whole_seconds(recorded));
                let label = "blocks overlap so much that runs are alike";
                let longest = whole_seconds(recorded / BLOCKS_IN_RECORDING);
                let warning = scenario.written.problem(Code::LONG_BLOCKS, "traffic.trace_block", message, label);
                warnings.push(warning.help(format!("blocks of at most {longest}, a third of the recording")));
            }
            return;
        }
    };
    if left >= needed {
        return;
    }
    let run = study.warm_up + study.duration;
    let (message, label) = match replay.wraps {
        false => (
            format!(
                "with trace_loop = false requests end after {} of a run, which lasts {run} (warm-up and window)",
                whole_seconds(left / replay.speed),
            ),
            "then nothing more is measured".to_owned(),
        ),
        true => (
            format!(
                "a run, which lasts {run} (warm-up and window), goes through {} times what is recorded",
                figure(needed / recorded)
            ),
            "it repeats itself, with a seam each time".to_owned(),
        ),
    };
    let warning = scenario.written.problem(Code::SHORT_RECORDING, "traffic.trace", message, label);
    warnings
        .push(warning.help("a shorter `study.duration`, or `traffic.trace_block`, which replays blocks drawn anew"));
}
