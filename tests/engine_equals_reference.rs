//! Law 2: jumping equals stepping, to the tick. Random workloads are given to the engine that jumps and to the one that
//! takes one step at a time; every notice and every count must be the same.

use std::sync::Arc;

use cutover::scenario;
use cutover::serving::reference::Reference;
use cutover::serving::{Engine, EngineModel, Handle, Notice, NoticeKind, Request};
use cutover::units::Time;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// What is done to both engines.
#[derive(Clone, Debug)]
enum Deed {
    /// So many requests at once, each with its prompt and output tokens.
    Submit(Vec<(u32, u32)>),
    /// The client of one of the sequences that are there goes; which one, as a share of them.
    Cancel(f64),
    /// All clients go.
    Abort,
    /// SIGKILL.
    Kill,
    /// Nothing but a look at the counts.
    Look,
}

/// A deed, and how long after the one before: so many nanoseconds, or exactly on the next boundary.
#[derive(Clone, Debug)]
struct Event {
    gap: u64,
    on_boundary: bool,
    deed: Deed,
}

/// Both engines side by side, with what the jump has in it.
struct Pair {
    model: Arc<EngineModel>,
    jump: Engine,
    step: Reference,
    jump_notices: Vec<Notice>,
    step_notices: Vec<Notice>,
    /// (id, handle in the jump, handle in the reference) of the sequences that are not gone.
    alive: Vec<(u32, Handle, Handle)>,
    submitted: u32,
    /// Notices compared so far.
    seen: usize,
}

impl Pair {
    fn new(settings: &scenario::Engine, factor: f64) -> Pair {
        // Prompts are slowed down on top, or made faster where steps are slow.
        let model = Arc::new(EngineModel::of_version(settings, factor, 1.5 / factor));
        Pair {
            jump: Engine::new(model.clone()),
            step: Reference::new(model.clone()),
            model,
            jump_notices: Vec::new(),
            step_notices: Vec::new(),
            alive: Vec::new(),
            submitted: 0,
            seen: 0,
        }
    }

    fn run_before(&mut self, now: Time) {
        // As a caller does that wants to save a call.
        if self.jump.quiet_until() < now {
            self.jump.run_before(now, &mut self.jump_notices);
        }
        self.step.run_before(now, &mut self.step_notices);
    }

    fn run_through(&mut self, now: Time) {
        if self.jump.quiet_until() <= now {
            self.jump.run_through(now, &mut self.jump_notices);
        }
        self.step.run_through(now, &mut self.step_notices);
    }

    /// Compares what has been noticed since the last time, and forgets who is gone.
    fn compare_notices(&mut self) -> Result<(), TestCaseError> {
        prop_assert_eq!(&self.jump_notices[self.seen..], &self.step_notices[self.seen..]);
        for notice in &self.jump_notices[self.seen..] {
            if matches!(notice.kind, NoticeKind::Finished | NoticeKind::Cancelled) {
                self.alive.retain(|(id, _, _)| *id != notice.id);
            }
        }
        self.seen = self.jump_notices.len();
        prop_assert_eq!((self.jump.waiting(), self.jump.running()), (self.step.waiting(), self.step.running()));
        prop_assert_eq!(self.jump.in_system(), self.alive.len());
        prop_assert_eq!(self.jump.is_empty(), self.step.is_empty());
        Ok(())
    }

    /// Compares everything that can be asked at `now`, to which both must have run.
    fn compare_counts(&self, now: Time) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.jump.tokens_emitted(now), self.step.tokens_emitted(now));
        prop_assert_eq!(self.jump.next_boundary_after(now), self.step.next_boundary_after(now));
        for (id, jump, step) in &self.alive {
            let tokens = (self.jump.tokens_out(*jump, now), self.step.tokens_out(*step, now));
            prop_assert_eq!(tokens.0, tokens.1, "tokens of {}", id);
        }
        Ok(())
    }

    fn submit(&mut self, now: Time, prompt_tokens: u32, output_tokens: u32) {
        if !self.model.fits(prompt_tokens, output_tokens) {
            return;
        }
        let request = Request {
            id: self.submitted,
            prompt_tokens,
            output_tokens,
            luck: u64::from(self.submitted).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        };
        self.submitted += 1;
        let jump = self.jump.submit(now, request, &mut self.jump_notices);
        let step = self.step.submit(now, request, &mut self.step_notices);
        self.alive.push((request.id, jump, step));
    }

    fn cancel(&mut self, now: Time, share: f64) -> Result<(), TestCaseError> {
        if self.alive.is_empty() {
            return Ok(());
        }
        let (_, jump, step) = self.alive[(share * self.alive.len() as f64) as usize];
        let jump_gone = self.jump.cancel(now, jump, &mut self.jump_notices);
        let step_gone = self.step.cancel(now, step, &mut self.step_notices);
        prop_assert_eq!(jump_gone, step_gone);
        Ok(())
    }

    /// Lets both run to `now` and does the deed; returns whether `now` is over for arrivals.
    fn apply(&mut self, now: Time, deed: &Deed) -> Result<bool, TestCaseError> {
        if let Deed::Submit(requests) = deed {
            self.run_before(now);
            self.compare_notices()?;
            for (prompt_tokens, output_tokens) in requests {
                self.submit(now, *prompt_tokens, *output_tokens);
            }
            self.compare_notices()?;
            return Ok(false);
        }
        self.run_through(now);
        self.compare_notices()?;
        self.compare_counts(now)?;
        match deed {
            Deed::Cancel(share) => self.cancel(now, *share)?,
            Deed::Abort => {
                self.jump.abort(now, &mut self.jump_notices);
                self.step.abort(now, &mut self.step_notices);
            }
            Deed::Kill => {
                self.jump.kill(now, &mut self.jump_notices);
                self.step.kill(now, &mut self.step_notices);
                prop_assert!(self.jump.is_empty());
                prop_assert_eq!(self.jump.quiet_until(), Time::NEVER);
            }
            Deed::Submit(_) | Deed::Look => {}
        }
        self.compare_notices()?;
        self.compare_counts(now)?;
        Ok(true)
    }

    /// No more arrivals: everything ends.
    fn drain(&mut self) -> Result<(), TestCaseError> {
        let horizon = Time(i64::MAX - 1);
        self.run_through(horizon);
        self.compare_notices()?;
        self.compare_counts(horizon)
    }
}

/// Runs the events through both engines; returns the notices.
fn replay(settings: &scenario::Engine, factor: f64, events: &[Event]) -> Result<Vec<Notice>, TestCaseError> {
    let mut pair = Pair::new(settings, factor);
    let mut now = -1_000;
    let mut over = false;
    for event in events {
        let boundary = pair.step.next_boundary_after(Time(now)).map_or(i64::MAX, |time| time.0);
        let later = now.saturating_add_unsigned(event.gap);
        let near = now.saturating_add(1_000_000_000_000);
        let next = if event.on_boundary && boundary < near { boundary.max(now) } else { later };
        // Arrivals of a nanosecond come before everything else that happens in it.
        let is_arrival = matches!(event.deed, Deed::Submit(_));
        now = if over && is_arrival { next.max(now + 1) } else { next };
        over = pair.apply(Time(now), &event.deed)? || (over && !is_arrival);
    }
    pair.drain()?;
    Ok(pair.jump_notices)
}

/// Nanoseconds of a coefficient: often a plain value, sometimes none, seldom too much for a machine word of ticks.
fn coefficient(scale: f64) -> impl Strategy<Value = f64> {
    prop_oneof![3 => Just(0.0), 8 => (0.0..1.0_f64).prop_map(move |x| x * scale), 1 => (1.0..40.0_f64).prop_map(f64::exp)]
}

/// Half of the step times are whole nanoseconds, or a tick or two off, so that boundaries fall on a nanosecond or just
/// beside it, where a single tick shows.
fn step_time() -> impl Strategy<Value = scenario::StepTime> {
    let table = prop::collection::btree_map(0_u32..12, 0.0..3000.0_f64, 0..4);
    let scales = [1000.0, 50.0, 2.0, 20.0, 0.5, 0.1];
    let any = (scales.map(coefficient), table);
    let any = any.prop_map(|(coefficients, table)| with_coefficients(coefficients, table.into_iter().collect()));
    let ticks = prop_oneof![Just([0; 6]), prop::array::uniform6(-1_i32..3)];
    let whole = (scales.map(|scale| 0..=(scale as i32).max(1)), ticks).prop_map(|(nanoseconds, ticks)| {
        let coefficient = |i: usize| f64::from(nanoseconds[i]) + f64::from(ticks[i]) * 2_f64.powi(-32);
        with_coefficients(std::array::from_fn(|i| coefficient(i).max(0.0)), Vec::new())
    });
    prop_oneof![any, whole]
}

fn with_coefficients(coefficients: [f64; 6], base_table: Vec<(u32, f64)>) -> scenario::StepTime {
    let [base, per_sequence, per_kv_token, per_prefill_token, squared, context] = coefficients;
    scenario::StepTime {
        base,
        base_table,
        per_sequence,
        per_kv_token,
        per_prefill_token,
        per_prefill_token_squared: squared,
        per_prefill_token_context: context,
    }
}

fn settings() -> impl Strategy<Value = scenario::Engine> {
    let seats = prop_oneof![1_u32..4, 2_u32..12, Just(1000)];
    let batch = prop_oneof![1_u32..4, 2_u32..40, Just(1000)];
    // From a few blocks, with a preemption every other step, to plenty.
    let blocks = prop_oneof![4 => 2_u64..12, 4 => 8_u64..60, 1 => Just(100_000)];
    let watermark = prop_oneof![2 => Just(0.0), 1 => 0.0..0.4_f64];
    let acceptance = prop_oneof![1 => Just(0.0), 1 => Just(1.0), 4 => 0.0..1.0_f64];
    let speculative = prop::option::weighted(0.3, (1_u32..6, acceptance));
    let speculative =
        speculative.prop_map(|it| it.map(|(tokens, acceptance)| scenario::Speculative { tokens, acceptance }));
    let rules = (prop::bool::weighted(0.6), any::<bool>(), watermark, speculative);
    (seats, batch, 1_u32..18, blocks, rules, step_time(), prop_oneof![3 => Just(0.0), 1 => 0.0..500.0_f64]).prop_map(
        |(max_num_seqs, max_num_batched_tokens, block_size, blocks, rules, step_time, overhead)| {
            let (chunked_prefill, reserve_full_prompt, kv_watermark, speculative) = rules;
            scenario::Engine {
                max_num_seqs,
                max_num_batched_tokens,
                chunked_prefill,
                kv_cache_tokens: blocks * u64::from(block_size) + u64::from(block_size) / 2,
                block_size,
                kv_watermark,
                reserve_full_prompt,
                step_time,
                overhead,
                speculative,
                ..scenario::Engine::default()
            }
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let prompt = prop_oneof![1_u32..8, 1_u32..60];
    let output = prop_oneof![1 => Just(1_u32), 3 => 1_u32..10, 3 => 1_u32..120];
    let deed = prop_oneof![
        20 => prop::collection::vec((prompt, output), 1..4).prop_map(Deed::Submit),
        4 => (0.0..1.0_f64).prop_map(Deed::Cancel),
        1 => Just(Deed::Abort),
        1 => Just(Deed::Kill),
        4 => Just(Deed::Look),
    ];
    let gap = prop_oneof![1 => Just(0_u64), 1 => 1_u64..20, 4 => 1_u64..3_000, 2 => 1_u64..60_000];
    let event = (gap, prop::bool::weighted(0.3), deed);
    let event = event.prop_map(|(gap, on_boundary, deed)| Event { gap, on_boundary, deed });
    prop::collection::vec(event, 1..60)
}

/// The number of cases: so many, or what the environment asks for.
fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn jumping_equals_stepping_to_the_tick(
        settings in settings(),
        factor in prop_oneof![Just(1.0), 0.5..3.0_f64],
        events in events(),
    ) {
        replay(&settings, factor, &events)?;
    }
}

proptest! {
    #![proptest_config(config(30))]

    /// Sizes as in production: long answers, up to hundreds of sequences at once, a cache that is sometimes too small.
    #[test]
    fn jumping_equals_stepping_on_a_busy_replica(
        kv_cache_tokens in 30_000_u64..400_000,
        kv_watermark in prop_oneof![Just(0.0), Just(0.01)],
        chunked_prefill in prop::bool::weighted(0.6),
        speculative in prop::option::weighted(0.3, Just(scenario::Speculative { tokens: 4, acceptance: 0.7 })),
        requests in prop::collection::vec((1_u64..500_000_000, 1_u32..4000, 1_u32..1500), 100..400),
    ) {
        let step_time = with_coefficients([8e6, 5e4, 20.123, 6e4, 0.5, 0.1], Vec::new());
        let settings = scenario::Engine {
            kv_cache_tokens,
            kv_watermark,
            chunked_prefill,
            speculative,
            step_time,
            ..scenario::Engine::default()
        };
        let events: Vec<Event> = requests
            .into_iter()
            .map(|(gap, prompt, output)| Event { gap, on_boundary: false, deed: Deed::Submit(vec![(prompt, output)]) })
            .collect();
        replay(&settings, 1.0, &events)?;
    }
}

#[test]
fn the_random_workloads_meet_every_kind_of_event() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = [0; 5];
    let mut recomputed = 0;
    for _ in 0..400 {
        let (settings, events) = (settings(), events()).new_tree(&mut runner).unwrap().current();
        for notice in replay(&settings, 1.0, &events).unwrap() {
            counts[notice.kind as usize] += 1;
            recomputed += usize::from(notice.kind == NoticeKind::Preempted && notice.tokens_out > 0);
        }
    }
    assert!(
        counts.iter().all(|count| *count > 500),
        "scheduled, first token, finished, cancelled, preempted: {counts:?}"
    );
    assert!(recomputed > 200, "{recomputed} sequences lost the cache of emitted tokens");
}
