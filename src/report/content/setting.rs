//! What was simulated: traffic, engine and load, in a sentence and as a table of facts.

use crate::report::format::{Quantity, counted, value};
use crate::report::layout::glued;
use crate::scenario::{Engine, Replay, Stretch, Traffic};
use crate::study::StudyResult;

/// What a trace's runs replay.
fn replayed(requests: u64, replay: &Replay) -> String {
    let speed = match replay.speed {
        1.0 => String::new(),
        speed => format!(" at {speed} times its speed"),
    };
    let stretch = match replay.stretch {
        Stretch::FromAnyRow => "each run from a row of its own".to_owned(),
        Stretch::From(offset) => format!("each run from {offset} on"),
        Stretch::Blocks(block) => format!("in blocks of {block} that each run draws anew"),
    };
    let end = if replay.wraps { "" } else { ", to its end" };
    format!("trace of {}{speed}, {stretch}{end}", counted(requests, "request"))
}

/// What is served by what, in a sentence: traffic, load and engine.
pub fn setting(result: &StudyResult) -> String {
    let facts = &result.facts;
    let plain = |number| value(number, Quantity::Plain);
    let source = match &result.scenario.traffic {
        Traffic::Synthetic { .. } => "",
        Traffic::Trace { .. } => " from a trace",
    };
    let profile = result.scenario.engine.profile.map_or_else(String::new, |profile| format!("; {}", profile.name));
    format!(
        "{} requests/s{source}, prompts of {}, answers of {} tokens on average: {} of needed capacity{profile}",
        plain(facts.mean_rate),
        plain(facts.mean_prompt_tokens),
        plain(facts.mean_output_tokens),
        glued(&value(result.offered_load(), Quantity::Share)),
    )
}

/// How the engine reads prompts and decodes, where its step times come from, and what each step takes beyond them.
fn engine(engine: &Engine) -> String {
    let mut said = vec![engine.profile.map_or_else(|| "as written".to_owned(), |profile| profile.name.clone())];
    said.push(if engine.chunked_prefill {
        format!("prompts in chunks of up to {} tokens a step", engine.max_num_batched_tokens)
    } else {
        format!("whole prompts first, up to {} tokens a step", engine.max_num_batched_tokens)
    });
    said.push(format!("at most {} sequences", engine.max_num_seqs));
    if let Some(speculative) = engine.speculative {
        let drafted = counted(u64::from(speculative.tokens), "draft token");
        said.push(format!("{drafted} a step, accepted with probability {}", speculative.acceptance));
    }
    if engine.overhead > 0.0 {
        said.push(format!("{} of overhead a step", value(engine.overhead / 1e9, Quantity::Seconds)));
    }
    said.join(", ")
}

/// What follows from the scenario alone, as (what, value).
pub fn facts(result: &StudyResult) -> Vec<(&'static str, String)> {
    let facts = &result.facts;
    let plain = |number| value(number, Quantity::Plain);
    let traffic = match &result.scenario.traffic {
        Traffic::Synthetic { .. } => "synthetic".to_owned(),
        Traffic::Trace { trace, replay, .. } => replayed(trace.len(), replay),
    };
    vec![
        ("traffic", traffic),
        ("mean arrival rate", format!("{} requests/s", plain(facts.mean_rate))),
        ("mean prompt", format!("{} tokens", plain(facts.mean_prompt_tokens))),
        ("mean answer", format!("{} tokens", plain(facts.mean_output_tokens))),
        ("engine", engine(&result.scenario.engine)),
        ("saturated rate of a replica", format!("{} output tokens/s", plain(facts.saturated_rate))),
        ("batch at saturation", format!("{} sequences", plain(facts.saturated_batch))),
        ("offered load over needed capacity", value(result.offered_load(), Quantity::Share)),
    ]
}
