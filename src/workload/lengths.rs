//! Lengths in whole tokens, and the moments of them that capacity and cost follow from.

use crate::random::Distribution;
use crate::scenario::{Engine, Traffic};
use crate::trace::Trace;

/// The longest answer to a prompt: the distribution's own `max`, else what fits the KV cache.
pub fn longest_output(traffic: &Traffic, engine: &Engine, prompt_tokens: u32) -> u32 {
    let fits = (engine.cache_tokens() + 1).saturating_sub(u64::from(prompt_tokens)).max(1);
    let fits = u32::try_from(fits).unwrap_or(u32::MAX);
    match traffic {
        Traffic::Synthetic { output_tokens, .. } if output_tokens.max < f64::from(u32::MAX) => {
            fits.min(output_tokens.max.floor().max(1.0) as u32)
        }
        _ => fits,
    }
}

/// An answer of the version that multiplies lengths by `factor`, rounded up to whole tokens, at most `longest`.
pub fn scaled_output(output_tokens: u32, factor: f64, longest: u32) -> u32 {
    if factor == 1.0 {
        return output_tokens;
    }
    (f64::from(output_tokens) * factor).ceil().clamp(1.0, f64::from(longest)) as u32
}

/// The longest answer of stable of which [`scaled_output`] makes no more than so many tokens, at most `longest`;
/// [`u32::MAX`] where it makes no more of any.
pub fn stable_output_within(tokens: u32, factor: f64, longest: u32) -> u32 {
    if factor == 1.0 || tokens == 0 {
        return tokens;
    }
    if tokens >= longest {
        return u32::MAX;
    }
    // Rounding may put the quotient on either side.
    let mut within = (f64::from(tokens) / factor) as u32;
    while within < u32::MAX && scaled_output(within + 1, factor, longest) <= tokens {
        within += 1;
    }
    while within > 0 && scaled_output(within, factor, longest) > tokens {
        within -= 1;
    }
    within
}

/// The longest answer that stable is drawn for a prompt.
pub fn longest_drawn(traffic: &Traffic, engine: &Engine, prompt_tokens: u32) -> u32 {
    match traffic {
        Traffic::Synthetic { output_tokens, .. } if output_tokens.max.is_finite() => longest_bounded(output_tokens.max),
        _ => longest_output(traffic, engine, prompt_tokens),
    }
}

/// The longest answer that is drawn where the distribution has a bound of its own.
pub(super) fn longest_bounded(max: f64) -> u32 {
    max.floor().clamp(1.0, 4e9) as u32
}

/// A real-valued draw as whole tokens.
pub(super) fn whole_tokens(draw: f64, longest: u32) -> u32 {
    // Rounded up: quicker than the library's rounding on plain x86-64.
    let whole = draw as i64;
    let up = whole.saturating_add(i64::from((whole as f64) < draw));
    up.clamp(1, i64::from(longest)) as u32
}

/// Means over requests of what a replica's capacity depends on.
#[derive(Clone, Copy, Debug)]
pub struct LengthMoments {
    /// Mean prompt, tokens.
    pub mean_prompt: f64,
    /// Mean answer, tokens.
    pub mean_output: f64,
    /// Context tokens of a request averaged over the tokens that it emits: prompt + j - 1 at the j-th.
    pub mean_context: f64,
    /// Mean time to read a prompt that has the engine to itself, nanoseconds, without the step's base.
    pub mean_prefill_nanoseconds: f64,
    /// The longest answer, tokens.
    pub longest_output: u32,
}

impl LengthMoments {
    /// The moments of a traffic on an engine: exact sums over the distributions, or over a trace's rows.
    pub fn new(traffic: &Traffic, engine: &Engine) -> LengthMoments {
        match traffic {
            Traffic::Synthetic { prompt_tokens, output_tokens, .. } => {
                LengthMoments::of_distributions(prompt_tokens, output_tokens, traffic, engine)
            }
            Traffic::Trace { trace, .. } => LengthMoments::of_trace(trace, engine),
        }
    }

    fn of_trace(trace: &Trace, engine: &Engine) -> LengthMoments {
        let (mut prompts, mut outputs, mut contexts, mut prefills) = (0.0, 0.0, 0.0, 0.0);
        let mut longest_output = 1;
        trace.for_each(|request| {
            longest_output = longest_output.max(request.output_tokens);
            let (prompt, output) = (f64::from(request.prompt_tokens), f64::from(request.output_tokens));
            prompts += prompt;
            outputs += output;
            contexts += output * prompt + output * (output - 1.0) / 2.0;
            prefills += prefill_nanoseconds(engine, request.prompt_tokens);
        });
        let n = trace.len() as f64;
        LengthMoments {
            mean_prompt: prompts / n,
            mean_output: outputs / n,
            mean_context: contexts / outputs,
            mean_prefill_nanoseconds: prefills / n,
            longest_output,
        }
    }

    fn of_distributions(prompt: &Distribution, output: &Distribution, traffic: &Traffic, engine: &Engine) -> Self {
        let longest_prompt = u32::try_from(engine.cache_tokens()).unwrap_or(u32::MAX);
        let mean_prompt = prompt.expect_whole(longest_prompt, f64::from);
        // An answer without a bound of its own is cut where the cache ends, which depends on the prompt: the mean prompt
        // stands for all here, which moves only the far tail.
        let longest_output = longest_output(traffic, engine, mean_prompt.ceil() as u32);
        let mean_output = output.expect_whole(longest_output, f64::from);
        let pairs = output.expect_whole(longest_output, |n| f64::from(n) * (f64::from(n) - 1.0) / 2.0);
        LengthMoments {
            mean_prompt,
            mean_output,
            mean_context: mean_prompt + pairs / mean_output,
            mean_prefill_nanoseconds: prompt.expect_whole(longest_prompt, |p| prefill_nanoseconds(engine, p)),
            longest_output,
        }
    }
}

/// Time to read a prompt in chunks of `max_num_batched_tokens` (or whole, without chunked prefill), nanoseconds, without
/// the step's base.
fn prefill_nanoseconds(engine: &Engine, prompt: u32) -> f64 {
    let p = f64::from(prompt);
    let chunk = if engine.chunked_prefill { f64::from(engine.max_num_batched_tokens) } else { p };
    let whole = (p / chunk).floor();
    let last = p - whole * chunk;
    let squares = whole * chunk * chunk + last * last;
    // Sum of what was read before, times what is read: (p^2 - sum of squares) / 2.
    let with_context = (p * p - squares) / 2.0;
    let step = &engine.step_time;
    step.per_prefill_token * p
        + step.per_prefill_token_squared * squares
        + step.per_prefill_token_context * with_context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_answer_within_so_many_tokens_is_found_whatever_the_factor() {
        for factor in [0.001, 0.1, 0.3, 1.0 / 3.0, 0.999, 1.0, 1.1, 1.5, 3.0, 7.3] {
            for longest in [1, 2, 50, 500] {
                for tokens in 0..520 {
                    let scaled = |stable: u32| scaled_output(stable.min(longest), factor, longest);
                    let within = stable_output_within(tokens, factor, longest);
                    let case = format!("{tokens} of {longest} by {factor}: {within}");
                    if within == 0 {
                        assert!(tokens == 0 || scaled(1) > tokens, "{case}");
                        continue;
                    }
                    assert!(scaled(within.min(longest)) <= tokens, "{case}");
                    assert!(within >= longest || scaled(within + 1) > tokens, "{case}");
                }
            }
        }
        assert_eq!(stable_output_within(7, 0.0, 100), u32::MAX, "an answer of nothing is one token");
    }
}
