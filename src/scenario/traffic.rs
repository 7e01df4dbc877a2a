//! `[traffic]`: arrivals and lengths, or a trace; and whether every request can fit the KV cache.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codes::Code;
use super::distribution::{Quantity, Unit};
use super::reader::{Context, Field, Real, Section};
use super::tree::Value;
use super::{Arrivals, Engine, Replay, Stretch, Study, Traffic};
use crate::random::Distribution;
use crate::trace::Trace;
use crate::units::Duration;

/// Greatest mean rate, requests per second.
const GREATEST_RATE: f64 = 1e6;
/// Rates, requests per second. At much less than one request in ten days, finding the next
/// one would be a search through very many states.
const RATE: Real =
    Real { expected: "requests per second: a number from 1e-6 to 1e6", holds: |x| (1e-6..=GREATEST_RATE).contains(&x) };
/// Rates of a state of a modulated process.
const STATE_RATE: Real = Real {
    expected: "requests per second: 0 or a number from 1e-6 to 1e6",
    holds: |x| x == 0.0 || (1e-6..=GREATEST_RATE).contains(&x),
};
/// How many times faster than recorded.
const SPEED: Real = Real { expected: "a number from 0.001 to 1000", holds: |x| (1e-3..=1e3).contains(&x) };
/// Most of a recording that a run may go through, repeated as often as need be, seconds: a century, in nanoseconds well
/// within what an instant holds.
const MOST_REPLAYED: f64 = 100.0 * 365.0 * 86_400.0;
/// Shortest block as it takes place in a run, seconds: each is work.
const SHORTEST_BLOCK: f64 = 0.1;
/// Lengths of the blocks that a trace is replayed in.
const BLOCK: std::ops::RangeInclusive<Duration> = Duration::from_seconds(1)..=Duration::from_seconds(365 * 86_400);
/// Mean times in a state: each change of state is work, and time ends after some 290 years.
const DWELL: std::ops::RangeInclusive<Duration> = Duration(100_000_000)..=Duration::from_seconds(365 * 86_400);
/// Coefficients of variation of gaps.
const VARIATION: Real = Real { expected: "a number from 0.01 to 100", holds: |x| (0.01..=100.0).contains(&x) };
/// A cosine around its mean is at most twice it.
const PEAK_TO_MEAN: Real = Real { expected: "a number from 1 to 2", holds: |x| (1.0..=2.0).contains(&x) };

/// The arrival processes.
const PROCESSES: [&str; 4] = ["poisson", "gamma", "diurnal", "mmpp"];

/// Reads `[traffic]`; the engine says what fits.
pub(super) fn read(section: &Section<'_>, directory: &Path, engine: &Engine) -> Option<Traffic> {
    let capacity = section.context.are_sound(&["engine"]).then(|| engine.cache_tokens());
    match section.field("trace") {
        Some(trace) => read_trace(section, &trace, directory, capacity),
        None => read_synthetic(section, directory, capacity),
    }
}

fn read_trace(section: &Section<'_>, trace: &Field<'_>, directory: &Path, capacity: Option<u64>) -> Option<Traffic> {
    let speed_field = section.field("trace_speed");
    let speed = speed_field.as_ref().map_or(Some(1.0), |field| field.real(&SPEED));
    let stretch = read_stretch(section);
    let wraps = read_loop(section);
    for key in ["arrivals", "prompt_tokens", "output_tokens"] {
        if let Some(field) = section.field(key) {
            let help = Some("remove it, or `trace`".to_owned());
            field.wrong_because::<()>(
                Code::EXCLUSIVE_KEYS,
                format!("`{key}` comes from the trace: expected one or the other"),
                help,
            );
        }
    }
    let name = trace.text("the name of a file with arrival_s,prompt_tokens,output_tokens")?;
    let too_large = |prompt_tokens: u32, output_tokens: u32| {
        let context = u64::from(prompt_tokens) + u64::from(output_tokens) - 1;
        let largest = capacity.filter(|largest| context > *largest)?;
        Some(format!("this request needs {context} tokens of KV cache; all blocks together hold {largest}"))
    };
    match Trace::read(&directory.join(name), name, &too_large) {
        Ok(recording) => {
            check_rate(&recording, speed?, speed_field.as_ref().unwrap_or(trace))?;
            let stretch = stretch?;
            check_offset(section, &recording, stretch)?;
            trace.context.note_content(recording.digest());
            let replay = Replay { speed: speed?, stretch, wraps };
            Some(Traffic::Trace { path: PathBuf::from(name), trace: Arc::new(recording), replay })
        }
        Err(reason) => trace.wrong_because(Code::TRACE, reason, None),
    }
}

/// `trace_offset` or `trace_block`, if either is there.
fn read_stretch(section: &Section<'_>) -> Option<Stretch> {
    let (offset, block) = (section.field("trace_offset"), section.field("trace_block"));
    match (offset, block) {
        (None, None) => Some(Stretch::FromAnyRow),
        (Some(offset), None) => offset.duration().map(Stretch::From),
        (None, Some(block)) => block.duration_within(BLOCK).map(Stretch::Blocks),
        (Some(_), Some(block)) => {
            let expected = "each block begins at a time of its own: expected `trace_offset` or `trace_block`";
            block.wrong_because(Code::EXCLUSIVE_KEYS, expected.to_owned(), None)
        }
    }
}

fn read_loop(section: &Section<'_>) -> bool {
    let Some(field) = section.field("trace_loop") else { return true };
    let wraps = field.boolean().unwrap_or(true);
    if !wraps && section.has("trace_block") {
        let expected = "blocks follow one another without end: expected no `trace_loop = false` beside `trace_block`";
        field.wrong_because::<()>(Code::EXCLUSIVE_KEYS, expected.to_owned(), None);
    }
    wraps
}

/// A run must begin before the recording ends.
fn check_offset(section: &Section<'_>, trace: &Trace, stretch: Stretch) -> Option<()> {
    let recorded = Duration(trace.recorded().unsigned_abs());
    match stretch {
        Stretch::From(offset) if offset > recorded => {
            let field = section.field("trace_offset")?;
            field.wrong_because(Code::REPLAY, format!("expected at most {recorded}, the length of the recording"), None)
        }
        _ => Some(()),
    }
}

/// How far a run gets in a recording must be a time that can be told, and not made of crumbs.
pub(super) fn check_replay(context: &Context<'_>, traffic: &Traffic, study: &Study) {
    const KEYS: [&str; 3] = ["study.warm_up", "study.duration", "study.cool_down"];
    let Traffic::Trace { replay, .. } = traffic else { return };
    let run = study.warm_up.seconds() + study.duration.seconds() + study.cool_down.seconds();
    if run * replay.speed > MOST_REPLAYED && context.are_sound(&KEYS) {
        let key = if context.is_written("traffic.trace_speed") { "traffic.trace_speed" } else { "study.duration" };
        let expected = format!(
            "expected at most {MOST_REPLAYED:e} s of recording in a run, warm-up and cool-down included; found {run:e} s, \
             {} times as fast",
            replay.speed
        );
        context.conflict(Code::REPLAY, key, "a run goes through too much of the recording", expected, None);
    }
    if let Stretch::Blocks(block) = replay.stretch
        && block.seconds() / replay.speed < SHORTEST_BLOCK
    {
        let expected = format!(
            "expected blocks that take at least {SHORTEST_BLOCK} s of a run; {block}, {} times as fast, takes {} s",
            replay.speed,
            block.seconds() / replay.speed
        );
        context.conflict(
            Code::REPLAY,
            "traffic.trace_block",
            "the blocks of the recording are too short",
            expected,
            None,
        );
    }
}

/// A trace must not be faster than any other arrival process may be; `field` is what makes it so.
fn check_rate(trace: &Trace, speed: f64, field: &Field<'_>) -> Option<()> {
    let recorded = (trace.len() - 1) as f64 / (trace.recorded() as f64 / 1e9);
    if recorded * speed <= GREATEST_RATE {
        return Some(());
    }
    let expected = format!(
        "expected at most {GREATEST_RATE:e} requests/s, found {:e}: {recorded:e} as recorded, {speed} times as fast",
        recorded * speed
    );
    field.wrong_because(Code::REPLAY, expected, None)
}

fn read_synthetic(section: &Section<'_>, directory: &Path, capacity: Option<u64>) -> Option<Traffic> {
    for key in ["trace_speed", "trace_offset", "trace_block", "trace_loop"] {
        if let Some(field) = section.field(key) {
            field.wrong_because::<()>(
                Code::EXCLUSIVE_KEYS,
                "there is no `trace` that it could concern".to_owned(),
                None,
            );
        }
    }
    let arrivals = section.required("arrivals", "an arrival process such as { process = \"poisson\", rate = 6.0 }");
    let arrivals = arrivals.and_then(|field| field.table()?.read_whole(read_arrivals));
    let tokens = Quantity { unit: Unit::Tokens, directory };
    let expected = "a number of tokens or a distribution of it";
    let prompt = section.required("prompt_tokens", expected).and_then(|field| tokens.read(&field));
    let output = section.required("output_tokens", expected).and_then(|field| tokens.read(&field));
    if let (Some(capacity), Some(prompt)) = (capacity, &prompt) {
        check_fit(section.context, prompt, output.as_ref(), capacity);
    }
    Some(Traffic::Synthetic { arrivals: arrivals?, prompt_tokens: prompt?, output_tokens: output? })
}

/// The longest prompt must fit the cache, with the longest answer if answers have a bound of their own (if they have
/// none, or are wrong themselves, prompts alone are judged: each answer is cut so that its request fits). The last token of an answer takes no cache.
fn check_fit(context: &Context<'_>, prompt: &Distribution, output: Option<&Distribution>, capacity: u64) {
    const MESSAGE: &str = "a request may not fit the KV cache";
    let longest_prompt = prompt.greatest().ceil();
    let longest_answer = output.map_or(f64::INFINITY, |output| output.greatest().ceil());
    let prompt_bound = bound_of(context, "traffic.prompt_tokens");
    if longest_prompt.is_infinite() {
        let expected = format!("expected prompts with an upper bound: the KV cache holds {capacity} tokens");
        let help = Some(format!("add `max`, at most {capacity}"));
        return context.conflict(Code::DOES_NOT_FIT_CACHE, &prompt_bound, MESSAGE, expected, help);
    }
    let blocks = format!("whole blocks of `engine.kv_cache_tokens` hold {capacity} tokens");
    let help = Some("lower the `max` of prompts or answers, or raise `engine.kv_cache_tokens`".to_owned());
    if longest_prompt > capacity as f64 {
        let expected = format!("prompts of up to {longest_prompt} tokens; {blocks}");
        context.conflict(Code::DOES_NOT_FIT_CACHE, &prompt_bound, MESSAGE, expected, help);
        context.beside("engine.kv_cache_tokens", "all the room there is");
    } else if longest_answer.is_finite() && longest_prompt + longest_answer - 1.0 > capacity as f64 {
        let expected = format!(
            "prompts of up to {longest_prompt} tokens with answers of up to {longest_answer} need {}; {blocks}",
            longest_prompt + longest_answer - 1.0
        );
        // Without the answers, all prompts would fit.
        context.conflict(
            Code::DOES_NOT_FIT_CACHE,
            &bound_of(context, "traffic.output_tokens"),
            MESSAGE,
            expected,
            help,
        );
        context.beside(&prompt_bound, "the longest prompt");
        context.beside("engine.kv_cache_tokens", "all the room there is");
    }
}

/// The key that bounds a quantity: its `max`, or itself where there is none.
fn bound_of(context: &Context<'_>, quantity: &str) -> String {
    let max = format!("{quantity}.max");
    if context.is_written(&max) { max } else { quantity.to_owned() }
}

fn read_arrivals(section: &Section<'_>) -> Option<Arrivals> {
    let process = section.required("process", "the name of a process, such as \"poisson\"");
    let name = process.as_ref().and_then(|field| match &field.node.value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let rate = |key: &'static str| section.required(key, RATE.expected).and_then(|field| field.real(&RATE));
    match name {
        Some("poisson") => Some(Arrivals::Poisson { rate: rate("rate")? }),
        Some("gamma") => {
            let cv = section.required("cv", VARIATION.expected).and_then(|field| field.real(&VARIATION));
            Some(Arrivals::Gamma { rate: rate("rate")?, cv: cv? })
        }
        Some("diurnal") => {
            let mean = rate("mean");
            let peak = section.required("peak_to_mean", PEAK_TO_MEAN.expected).and_then(|f| f.real(&PEAK_TO_MEAN));
            let period = section.required("period", "the length of a day, such as \"24h\"");
            let period = period.and_then(|field| field.positive_duration());
            let peak_at = section.required("peak_at", "when the rate is greatest, such as \"30m\"");
            let peak_at = peak_at.and_then(|field| field.duration());
            Some(Arrivals::Diurnal { mean: mean?, peak_to_mean: peak?, period: period?, peak_at: peak_at? })
        }
        Some("mmpp") => read_modulated(section),
        _ => {
            // Which parameters belong here cannot be known.
            section.all_fields();
            process?.unknown_word(Code::UNKNOWN_WORD, &PROCESSES)
        }
    }
}

fn read_modulated(section: &Section<'_>) -> Option<Arrivals> {
    const RATES: &str = "a list of rates such as [2.0, 20.0]";
    const DWELLS: &str = "a list of durations such as [\"5m\", \"30s\"]";
    let rates_field = section.required("rates", RATES);
    let dwell_field = section.required("dwell", DWELLS);
    let rates = rates_field.as_ref().and_then(|field| {
        let read: Vec<_> = field.list(RATES)?.iter().map(|rate| rate.real(&STATE_RATE)).collect();
        read.into_iter().collect::<Option<Vec<f64>>>()
    });
    let dwell = dwell_field.as_ref().and_then(|field| {
        let read: Vec<_> = field.list(DWELLS)?.iter().map(|dwell| dwell.duration_within(DWELL)).collect();
        read.into_iter().collect::<Option<Vec<_>>>()
    });
    let (rates, dwell) = (rates?, dwell?);
    if !rates.iter().any(|rate| *rate > 0.0) {
        return rates_field?.wrong_because(Code::LISTS_DISAGREE, "expected at least one rate above 0".to_owned(), None);
    }
    if rates.len() != dwell.len() {
        let expected = format!("expected as many durations as rates ({}), found {}", rates.len(), dwell.len());
        return dwell_field?.wrong_because(Code::LISTS_DISAGREE, expected, None);
    }
    Some(Arrivals::Mmpp { rates, dwell })
}
