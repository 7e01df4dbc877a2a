//! An engine's limits and step times in integers, and its clock, which is finer than a nanosecond.
//!
//! Coefficients are rounded once, here, so that everything after is exact: sums of integers can be regrouped, which is
//! what lets the jump equal stepping. How steps are filled is not decided here.

use super::speculation::Speculation;
use crate::scenario;
use crate::units::Time;

/// An instant on an engine's clock, in 2^-32 nanoseconds from time zero.
pub(super) type Ticks = i128;

/// Ticks in a nanosecond, as a power of two.
const TICK_BITS: u32 = 32;

/// The first instant that [`Time`] cannot hold. A boundary here or later never comes.
pub(super) const END_OF_TIME: Ticks = 1 << 95;

/// Steps as long as this reach past [`END_OF_TIME`] from wherever they begin, so how much longer they are is of no concern.
const LONGEST_STEP: u128 = 1 << 97;

/// The tick at which a nanosecond begins.
pub(super) fn ticks(time: Time) -> Ticks {
    Ticks::from(time.0) << TICK_BITS
}

/// The tick at which the nanosecond after `time` begins: whatever comes before it has a floor of at most `time`.
pub(super) fn ticks_after(time: Time) -> Ticks {
    (Ticks::from(time.0) + 1) << TICK_BITS
}

/// The nanosecond that a tick lies in.
pub(super) fn floor(instant: Ticks) -> Time {
    Time((instant >> TICK_BITS).min(Ticks::from(i64::MAX)) as i64)
}

/// Ticks in so many nanoseconds, rounded to the nearest.
fn rounded(nanoseconds: f64) -> u128 {
    ((nanoseconds * (1_u64 << TICK_BITS) as f64).round() as u128).min(LONGEST_STEP)
}

/// A coefficient times a count, in ticks; at most [`LONGEST_STEP`] where the product could overflow, so that up to
/// eight of them can be added.
#[inline]
pub(super) fn times(coefficient: u128, count: u64) -> u128 {
    if coefficient < 1 << 61 {
        u128::from(coefficient as u64) * u128::from(count)
    } else {
        coefficient.saturating_mul(u128::from(count)).min(LONGEST_STEP)
    }
}

/// The length of `steps` steps in ticks, the first lasting `first` and each next one `growth` more than the one before:
/// `n A + G n (n - 1) / 2`. At most [`LONGEST_STEP`].
#[inline]
pub(super) fn length_of_steps(first: u128, growth: u128, steps: u64) -> u128 {
    debug_assert!(steps < 1 << 32, "answers have fewer tokens than that");
    let pairs = steps * steps.saturating_sub(1) / 2;
    (times(first, steps) + times(growth, pairs)).min(LONGEST_STEP)
}

/// What one step does, as far as its length depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepLoad {
    /// Decoding sequences.
    pub decoding: u64,
    /// Context tokens of the decoding sequences, those being processed included; while speculating, as they were when
    /// each began to decode.
    pub context_tokens: u64,
    /// What contexts have grown by since, in ticks of the step's time; zero unless speculating.
    pub grown: u128,
    /// Prompt tokens read.
    pub prompt_tokens: u64,
    /// Sum over sequences of the squared number of prompt tokens read.
    pub prompt_tokens_squared: u64,
    /// Sum over sequences of prompt tokens read times prompt tokens read in earlier steps.
    pub prompt_tokens_context: u64,
}

impl StepLoad {
    /// Adds a chunk of a prompt of which `read_before` tokens are in the cache.
    pub fn read_prompt(&mut self, chunk: u64, read_before: u64) {
        self.prompt_tokens += chunk;
        self.prompt_tokens_squared = self.prompt_tokens_squared.saturating_add(chunk * chunk);
        self.prompt_tokens_context = self.prompt_tokens_context.saturating_add(chunk.saturating_mul(read_before));
    }
}

/// Step time that does not depend on tokens.
#[derive(Clone, Debug)]
enum Base {
    /// The same for every step, ticks.
    Constant(u128),
    /// (decoding sequences, nanoseconds) points, ascending; linear between, constant outside.
    Table(Vec<(u32, f64)>),
}

impl Base {
    fn ticks(&self, decoding: u64) -> u128 {
        match self {
            Base::Constant(ticks) => *ticks,
            Base::Table(points) => scenario::interpolated(points, decoding as f64).map_or(0, rounded),
        }
    }
}

/// The engine of one version: limits and step times. Built once and shared by its replicas.
#[derive(Clone, Debug)]
pub struct EngineModel {
    /// Sequences that may run at once.
    pub(super) max_num_seqs: usize,
    /// Tokens that a step may process.
    pub(super) max_num_batched_tokens: u64,
    /// Tokens of a step that each decoding sequence takes: one, and its draft tokens.
    pub(super) tokens_per_decode: u64,
    /// Whether prompts are read in chunks beside the decodes.
    pub(super) chunked_prefill: bool,
    speculation: Option<Speculation>,
    /// Tokens in a block of the cache.
    pub(super) block_size: u32,
    /// Blocks of the cache.
    pub(super) total_blocks: u64,
    /// Blocks that an admission must leave free while something runs.
    pub(super) reserved_blocks: u64,
    /// Whether an admission needs room for the whole prompt rather than its first chunk.
    pub(super) reserve_full_prompt: bool,
    /// Blocks that must be free for a decode, whether it takes one or not.
    pub(super) free_for_decode: u64,
    base: Base,
    per_sequence: u128,
    per_kv_token: u128,
    per_prefill_token: u128,
    per_prefill_token_squared: u128,
    per_prefill_token_context: u128,
    /// The same in machine words, where they fit as they do for any real engine.
    words: Option<Words>,
}

/// Coefficients so small that no step that they make is longer than [`LONGEST_STEP`]: below 2^61 ticks, half a second, and
/// those of squares and contexts, whose counts have up to 54 bits, below 2^42 ticks, a microsecond.
#[derive(Clone, Copy, Debug)]
struct Words {
    base: u64,
    per_sequence: u64,
    per_kv_token: u64,
    per_prefill_token: u64,
    per_prefill_token_squared: u64,
    per_prefill_token_context: u64,
}

impl Words {
    /// The coefficients in this order, if all are small enough.
    fn of(coefficients: [u128; 6]) -> Option<Words> {
        let below = |bits: u32, coefficient: u128| u64::try_from(coefficient).ok().filter(|word| word >> bits == 0);
        let small = |coefficient| below(61, coefficient);
        let [base, per_sequence, per_kv_token, per_prefill_token, squared, context] = coefficients;
        Some(Words {
            base: small(base)?,
            per_sequence: small(per_sequence)?,
            per_kv_token: small(per_kv_token)?,
            per_prefill_token: small(per_prefill_token)?,
            per_prefill_token_squared: below(42, squared)?,
            per_prefill_token_context: below(42, context)?,
        })
    }
}

/// A product of two words.
#[inline]
fn product(coefficient: u64, count: u64) -> u128 {
    u128::from(coefficient) * u128::from(count)
}

impl EngineModel {
    /// The engine of a version whose steps take `step_time_factor` times as long as written.
    pub fn new(settings: &scenario::Engine, step_time_factor: f64) -> EngineModel {
        EngineModel::of_version(settings, step_time_factor, 1.0)
    }

    /// The engine of a version whose steps take `step_time_factor` times as long as written, and what reading prompts adds
    /// to them `prefill_time_factor` times as long again.
    pub fn of_version(settings: &scenario::Engine, step_time_factor: f64, prefill_time_factor: f64) -> EngineModel {
        let step_time = &settings.step_time;
        let coefficient = |nanoseconds: f64| rounded(nanoseconds * step_time_factor);
        let of_prefill = |nanoseconds: f64| coefficient(nanoseconds * prefill_time_factor);
        let total_blocks = settings.cache_blocks();
        let overhead = settings.overhead;
        let base = if step_time.base_table.is_empty() {
            Base::Constant(coefficient(step_time.base + overhead))
        } else {
            let scaled = |(sequences, base): &(u32, f64)| (*sequences, (base + overhead) * step_time_factor);
            Base::Table(step_time.base_table.iter().map(scaled).collect())
        };
        let per_sequence = coefficient(step_time.per_sequence);
        let per_kv_token = coefficient(step_time.per_kv_token);
        let per_prefill_token = of_prefill(step_time.per_prefill_token);
        let per_prefill_token_squared = of_prefill(step_time.per_prefill_token_squared);
        let per_prefill_token_context = of_prefill(step_time.per_prefill_token_context);
        let words = match base {
            Base::Constant(base) => Words::of([
                base,
                per_sequence,
                per_kv_token,
                per_prefill_token,
                per_prefill_token_squared,
                per_prefill_token_context,
            ]),
            Base::Table(_) => None,
        };
        EngineModel {
            max_num_seqs: settings.max_num_seqs as usize,
            max_num_batched_tokens: u64::from(settings.max_num_batched_tokens),
            tokens_per_decode: 1 + settings.speculative.map_or(0, |speculative| u64::from(speculative.tokens)),
            chunked_prefill: settings.chunked_prefill,
            speculation: settings.speculative.as_ref().map(Speculation::new),
            block_size: settings.block_size,
            total_blocks,
            reserved_blocks: (settings.kv_watermark * total_blocks as f64) as u64,
            reserve_full_prompt: settings.reserve_full_prompt || !settings.chunked_prefill,
            free_for_decode: u64::from(!settings.chunked_prefill),
            base,
            per_sequence,
            per_kv_token,
            per_prefill_token,
            per_prefill_token_squared,
            per_prefill_token_context,
            words,
        }
    }

    /// Whether a request fits the cache when it is alone. The last token takes no room, so its largest context is
    /// `prompt_tokens + output_tokens - 1`.
    pub fn fits(&self, prompt_tokens: u32, output_tokens: u32) -> bool {
        let largest_context = u64::from(prompt_tokens) + u64::from(output_tokens.saturating_sub(1));
        self.blocks_for(largest_context) <= self.total_blocks
    }

    /// Whether steps may yield several tokens.
    #[inline]
    pub fn speculates(&self) -> bool {
        self.speculation.is_some()
    }

    /// Mean tokens that a sequence emits in a decode step.
    pub fn tokens_per_step(&self) -> f64 {
        self.speculation.as_ref().map_or(1.0, Speculation::mean_yield)
    }

    /// Decode steps that so many tokens of an answer take, by the luck of its request.
    #[inline]
    pub(super) fn decode_steps(&self, tokens: u32, luck: u64) -> u32 {
        match &self.speculation {
            None => tokens,
            // Each admission of the request has luck of its own.
            Some(speculation) => {
                let luck = luck ^ u64::from(tokens).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                speculation.steps(u64::from(tokens), luck) as u32
            }
        }
    }

    /// How much longer a step becomes with each step of a sequence that emits `tokens` tokens in `steps` steps, ticks.
    #[inline]
    pub(super) fn growth_of(&self, tokens: u32, steps: u32) -> u128 {
        times(self.per_kv_token, u64::from(tokens)) / u128::from(steps.max(1))
    }

    /// Blocks that so many tokens take.
    #[inline]
    pub(super) fn blocks_for(&self, tokens: u64) -> u64 {
        let size = u64::from(self.block_size);
        // Block sizes are nearly always powers of two, and shifting is quicker than dividing.
        if size.is_power_of_two() { (tokens + size - 1) >> size.trailing_zeros() } else { tokens.div_ceil(size) }
    }

    /// The length of a step, ticks.
    #[inline]
    pub(super) fn step(&self, load: &StepLoad) -> u128 {
        let Some(words) = &self.words else { return self.long_step(load) };
        let mut total = u128::from(words.base)
            + product(words.per_sequence, load.decoding)
            + product(words.per_kv_token, load.context_tokens);
        if load.prompt_tokens > 0 {
            total += product(words.per_prefill_token, load.prompt_tokens)
                + product(words.per_prefill_token_squared, load.prompt_tokens_squared)
                + product(words.per_prefill_token_context, load.prompt_tokens_context);
        }
        total + load.grown
    }

    /// The length of a step whose base is a table, or whose coefficients are beyond any real engine's.
    fn long_step(&self, load: &StepLoad) -> u128 {
        let decoding = times(self.per_sequence, load.decoding) + times(self.per_kv_token, load.context_tokens);
        let prompts = times(self.per_prefill_token, load.prompt_tokens)
            + times(self.per_prefill_token_squared, load.prompt_tokens_squared)
            + times(self.per_prefill_token_context, load.prompt_tokens_context);
        (self.base.ticks(load.decoding) + decoding + load.grown.min(LONGEST_STEP) + prompts).min(LONGEST_STEP)
    }

    /// How much longer the next step is than this one while nothing but the contexts changes, ticks.
    #[inline]
    pub(super) fn growth(&self, decoding: u64) -> u128 {
        match &self.words {
            Some(words) => product(words.per_kv_token, decoding),
            None => times(self.per_kv_token, decoding).min(LONGEST_STEP),
        }
    }
}

/// Seconds in so many ticks.
pub(super) fn seconds(ticks: u128) -> f64 {
    ticks as f64 / (1_u64 << TICK_BITS) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Engine, StepTime};

    fn settings(step_time: StepTime) -> Engine {
        Engine {
            max_num_seqs: 8,
            max_num_batched_tokens: 64,
            kv_cache_tokens: 103,
            block_size: 10,
            kv_watermark: 0.25,
            step_time,
            ..Engine::default()
        }
    }

    #[test]
    fn slow_prompts_leave_decodes_as_they_are() {
        let step_time = StepTime { per_sequence: 100.0, per_prefill_token: 10.0, ..StepTime::default() };
        let model = |prefill| EngineModel::of_version(&settings(step_time.clone()), 2.0, prefill);
        let mut load = StepLoad { decoding: 3, context_tokens: 40, ..StepLoad::default() };
        assert_eq!(model(1.5).step(&load), model(1.0).step(&load));
        load.read_prompt(4, 8);
        // 4 tokens of 10 ns, twice as slow and half as much again, in ticks of 2^-32 ns.
        let more = model(1.5).step(&load) - model(1.0).step(&load);
        assert_eq!(more, (4 * 10 * 2 / 2) << 32);
    }

    #[test]
    fn a_step_lasts_what_the_formula_says() {
        let step_time = StepTime {
            base: 1000.0,
            per_sequence: 100.0,
            per_kv_token: 0.5,
            per_prefill_token: 10.0,
            per_prefill_token_squared: 0.25,
            per_prefill_token_context: 0.125,
            ..StepTime::default()
        };
        let model = EngineModel::new(&settings(step_time), 2.0);
        let mut load = StepLoad { decoding: 3, context_tokens: 40, ..StepLoad::default() };
        load.read_prompt(4, 8);
        load.read_prompt(2, 0);
        let nanoseconds = 1000.0 + 300.0 + 20.0 + 60.0 + 0.25 * 20.0 + 0.125 * 32.0;
        assert_eq!(model.step(&load), (2.0 * nanoseconds * 2_f64.powi(32)) as u128);
    }

    #[test]
    fn a_base_table_is_linear_between_its_points_and_constant_outside() {
        let table = StepTime { base_table: vec![(2, 10.0), (6, 30.0)], ..StepTime::default() };
        let model = EngineModel::new(&settings(table), 1.0);
        for (decoding, nanoseconds) in [(0, 10), (2, 10), (3, 15), (6, 30), (100, 30)] {
            let load = StepLoad { decoding, ..StepLoad::default() };
            assert_eq!(model.step(&load), nanoseconds << 32, "{decoding} decoding sequences");
        }
    }

    #[test]
    fn a_step_that_decodes_nothing_is_not_one_that_decodes_one_sequence() {
        let table = StepTime { base_table: vec![(0, 10.0), (2, 30.0)], ..StepTime::default() };
        let model = EngineModel::new(&settings(table), 1.0);
        let step = |decoding| model.step(&StepLoad { decoding, ..StepLoad::default() }) >> 32;
        assert_eq!([step(0), step(1), step(2), step(3)], [10, 20, 30, 30]);
    }

    #[test]
    fn the_overhead_is_a_part_of_every_step_and_of_the_factor() {
        let step_time = StepTime { base: 10.0, base_table: vec![(2, 10.0), (6, 30.0)], ..StepTime::default() };
        for table in [step_time.base_table.clone(), Vec::new()] {
            let step_time = StepTime { base_table: table, ..step_time.clone() };
            let model = EngineModel::new(&Engine { overhead: 2.5, ..settings(step_time) }, 2.0);
            assert_eq!(model.step(&StepLoad { decoding: 1, ..StepLoad::default() }), 25 << 32);
        }
    }

    #[test]
    fn a_request_fits_without_room_for_its_last_token() {
        let model = EngineModel::new(&settings(StepTime::default()), 1.0);
        assert_eq!((model.total_blocks, model.reserved_blocks), (10, 2));
        assert!(model.fits(90, 11));
        assert!(!model.fits(90, 12));
        assert!(model.fits(100, 1));
    }

    #[test]
    fn the_longest_coefficients_do_not_overflow() {
        let century = 3.2e18;
        let step_time = StepTime {
            base: century,
            per_sequence: century,
            per_kv_token: century,
            per_prefill_token: century,
            per_prefill_token_squared: century,
            per_prefill_token_context: century,
            base_table: Vec::new(),
        };
        let model = EngineModel::new(&settings(step_time), 1e9);
        let most = u64::MAX;
        let load = StepLoad {
            decoding: most,
            context_tokens: most,
            prompt_tokens: most,
            prompt_tokens_squared: most,
            prompt_tokens_context: most,
            grown: u128::MAX,
        };
        assert_eq!(model.step(&load), LONGEST_STEP);
        assert_eq!(length_of_steps(LONGEST_STEP, LONGEST_STEP, u64::from(u32::MAX)), LONGEST_STEP);
        let just_short = (1 << 61) - 1;
        assert_eq!(length_of_steps(just_short, 1, 3), 3 * just_short + 3);
    }

    #[test]
    fn an_instant_lies_in_the_nanosecond_below_also_before_time_zero() {
        assert_eq!(floor(ticks(Time(-5)) + 1), Time(-5));
        assert_eq!(floor(ticks(Time(-5)) - 1), Time(-6));
        assert_eq!(floor(ticks_after(Time(7)) - 1), Time(7));
        assert_eq!(floor(END_OF_TIME), Time::NEVER);
    }
}
