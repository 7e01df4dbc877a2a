//! The rules in small cases that can be worked out by hand; that both engines agree is tested elsewhere.

use std::sync::Arc;

use super::NoticeKind::{Cancelled, Finished, FirstToken, Preempted, Scheduled};
use super::{Engine, EngineModel, Notice, NoticeKind, Request};
use crate::scenario::{self, StepTime};
use crate::units::Time;

/// Every step takes a microsecond; ten blocks of four tokens.
fn settings() -> scenario::Engine {
    scenario::Engine {
        max_num_seqs: 8,
        max_num_batched_tokens: 100,
        kv_cache_tokens: 40,
        block_size: 4,
        step_time: StepTime { base: 1000.0, ..StepTime::default() },
        ..scenario::Engine::default()
    }
}

fn engine(settings: &scenario::Engine) -> Engine {
    Engine::new(Arc::new(EngineModel::new(settings, 1.0)))
}

/// (arrival, prompt tokens, output tokens), in order of arrival.
type Arrival = (i64, u32, u32);

fn submit(engine: &mut Engine, id: u32, arrival: Arrival, notices: &mut Vec<Notice>) -> super::Handle {
    let (at, prompt_tokens, output_tokens) = arrival;
    engine.run_before(Time(at), notices);
    engine.submit(Time(at), Request { id, prompt_tokens, output_tokens, luck: 0 }, notices)
}

/// What is noticed when these requests, named by their place, arrive and nothing else happens.
fn noticed(settings: &scenario::Engine, arrivals: &[Arrival]) -> Vec<(i64, u32, NoticeKind, u32)> {
    let mut engine = engine(settings);
    let mut notices = Vec::new();
    for (id, arrival) in arrivals.iter().enumerate() {
        submit(&mut engine, id as u32, *arrival, &mut notices);
    }
    engine.run_before(Time::NEVER, &mut notices);
    assert!(engine.is_empty());
    plain(&notices)
}

fn plain(notices: &[Notice]) -> Vec<(i64, u32, NoticeKind, u32)> {
    notices.iter().map(|notice| (notice.time.0, notice.id, notice.kind, notice.tokens_out)).collect()
}

#[test]
fn an_idle_engine_starts_at_once_and_ends_on_the_last_token() {
    let expected = [(100, 0, Scheduled, 0), (1100, 0, FirstToken, 1), (3100, 0, Finished, 3)];
    assert_eq!(noticed(&settings(), &[(100, 5, 3)]), expected);
}

#[test]
fn a_single_token_is_the_first_and_the_last() {
    let expected = [(0, 0, Scheduled, 0), (1000, 0, FirstToken, 1), (1000, 0, Finished, 1)];
    assert_eq!(noticed(&settings(), &[(0, 5, 1)]), expected);
}

#[test]
fn of_those_that_reach_an_idle_engine_together_the_first_starts_alone() {
    let scheduled: Vec<i64> = noticed(&settings(), &[(0, 1, 5), (0, 1, 5), (0, 1, 5)])
        .iter()
        .filter(|notice| notice.2 == Scheduled)
        .map(|notice| notice.0)
        .collect();
    assert_eq!(scheduled, [0, 1000, 1000]);
}

#[test]
fn who_waits_only_for_the_step_under_way_is_not_in_the_way() {
    let two_slots = scenario::Engine { max_num_seqs: 2, ..settings() };
    let mut engine = engine(&two_slots);
    let mut notices = Vec::new();
    assert_eq!(engine.queued(), None);
    // Whoever comes next finds: a free slot, a free slot at the next boundary, one ahead of it, two ahead of it.
    for (id, queued) in [None, Some(0), Some(1), Some(2)].into_iter().enumerate() {
        submit(&mut engine, id as u32, (id as i64, 1, 9), &mut notices);
        assert_eq!(engine.queued(), queued, "after request {id}");
    }
    // Short of cache instead of slots: all ten blocks are the first one's.
    let mut engine = self::engine(&settings());
    for (id, prompt_tokens) in [40, 4].into_iter().enumerate() {
        submit(&mut engine, id as u32, (id as i64, prompt_tokens, 1), &mut notices);
    }
    assert_eq!(engine.queued(), None, "nobody has been refused room yet");
    let mut engine = self::engine(&settings());
    for (id, prompt_tokens) in [(0, 36), (1, 8), (1500, 4)] {
        submit(&mut engine, id as u32, (id, prompt_tokens, 4), &mut notices);
    }
    assert_eq!(engine.queued(), Some(2), "two wait for cache, whatever slots are free");
}

#[test]
fn who_arrives_exactly_on_a_boundary_joins_the_step_that_begins_there() {
    let notices = noticed(&settings(), &[(0, 1, 9), (3000, 1, 1), (3001, 1, 1)]);
    assert!(notices.contains(&(3000, 1, Scheduled, 0)));
    assert!(notices.contains(&(4000, 2, Scheduled, 0)));
}

#[test]
fn a_long_prompt_is_read_in_chunks_as_large_as_the_decodes_leave_room_for() {
    let settings = scenario::Engine { max_num_batched_tokens: 4, ..settings() };
    // Four tokens at 0; from 1000 on, one of the four is the first sequence's decode.
    let notices = noticed(&settings, &[(0, 4, 20), (500, 7, 1)]);
    assert!(notices.contains(&(1000, 1, Scheduled, 0)));
    assert!(notices.contains(&(4000, 1, FirstToken, 1)));
}

#[test]
fn a_decode_without_a_block_preempts_who_came_last_and_it_is_recomputed() {
    let settings = scenario::Engine { kv_cache_tokens: 12, ..settings() };
    // At 2000 request 1 needs a second block for its first decode, and request 0 holds the other two. It then waits until
    // the five tokens that it must read again fit, which is when request 0 ends.
    let expected = [
        (0, 0, Scheduled, 0),
        (1000, 0, FirstToken, 1),
        (1000, 1, Scheduled, 0),
        (2000, 1, FirstToken, 1),
        (2000, 1, Preempted, 1),
        (6000, 0, Finished, 6),
        (10000, 1, Finished, 5),
    ];
    assert_eq!(noticed(&settings, &[(0, 4, 6), (500, 4, 5)]), expected);
}

#[test]
fn the_watermark_is_kept_free_unless_nothing_runs() {
    let settings = scenario::Engine { kv_watermark: 0.5, ..settings() };
    let notices = noticed(&settings, &[(0, 32, 3), (0, 4, 1)]);
    assert!(notices.contains(&(0, 0, Scheduled, 0)));
    assert!(notices.contains(&(3000, 1, Scheduled, 0)));
}

#[test]
fn who_does_not_fit_holds_up_those_behind_it_until_its_client_goes() {
    let mut engine = engine(&settings());
    let mut notices = Vec::new();
    submit(&mut engine, 0, (0, 20, 10), &mut notices);
    let large = submit(&mut engine, 1, (100, 30, 1), &mut notices);
    submit(&mut engine, 2, (200, 1, 1), &mut notices);
    engine.run_through(Time(2500), &mut notices);
    assert_eq!((engine.waiting(), engine.running()), (2, 1));
    assert!(engine.cancel(Time(2500), large, &mut notices));
    engine.run_through(Time(3000), &mut notices);
    assert_eq!(plain(&notices)[2..], [(2500, 1, Cancelled, 0), (3000, 2, Scheduled, 0)]);
}

/// Prompts are read whole, before anybody decodes.
fn prompts_first() -> scenario::Engine {
    scenario::Engine { chunked_prefill: false, ..settings() }
}

#[test]
fn without_chunks_decodes_stand_still_while_prompts_are_read() {
    let notices = noticed(&prompts_first(), &[(0, 4, 5), (500, 7, 2), (600, 3, 1)]);
    let expected = [
        (0, 0, Scheduled, 0),
        (1000, 0, FirstToken, 1),
        (1000, 1, Scheduled, 0),
        (1000, 2, Scheduled, 0),
        (2000, 1, FirstToken, 1),
        (2000, 2, FirstToken, 1),
        (2000, 2, Finished, 1),
        (3000, 1, Finished, 2),
        (6000, 0, Finished, 5),
    ];
    assert_eq!(notices, expected);
}

#[test]
fn without_chunks_a_step_reads_prompts_up_to_its_budget_and_a_longer_one_alone() {
    let settings = scenario::Engine { max_num_batched_tokens: 8, ..prompts_first() };
    let scheduled: Vec<(i64, u32)> = noticed(&settings, &[(0, 1, 1), (10, 5, 1), (20, 3, 1), (30, 12, 1), (40, 1, 1)])
        .iter()
        .filter(|notice| notice.2 == Scheduled)
        .map(|notice| (notice.0, notice.1))
        .collect();
    assert_eq!(scheduled, [(0, 0), (1000, 1), (1000, 2), (2000, 3), (3000, 4)]);
}

#[test]
fn without_chunks_a_decode_needs_a_free_block_even_if_it_takes_none() {
    let settings = scenario::Engine { kv_cache_tokens: 8, ..prompts_first() };
    // At 2000 its six tokens have room, but no block is free: it is preempted, and read again at once, as nobody is left.
    let expected = [(0, 0, Scheduled, 0), (1000, 0, FirstToken, 1), (2000, 0, Preempted, 2), (3000, 0, Finished, 3)];
    assert_eq!(noticed(&settings, &[(0, 4, 3)]), expected);
    let chunked = scenario::Engine { kv_cache_tokens: 8, ..self::settings() };
    let expected = [(0, 0, Scheduled, 0), (1000, 0, FirstToken, 1), (3000, 0, Finished, 3)];
    assert_eq!(noticed(&chunked, &[(0, 4, 3)]), expected);
}

#[test]
fn speculative_steps_yield_as_many_tokens_as_are_accepted_and_one_more() {
    for (acceptance, finished) in [(1.0, 3000), (0.0, 11000)] {
        let speculative = Some(scenario::Speculative { tokens: 4, acceptance });
        let settings = scenario::Engine { speculative, ..settings() };
        let expected = [(0, 0, Scheduled, 0), (1000, 0, FirstToken, 1), (finished, 0, Finished, 11)];
        assert_eq!(noticed(&settings, &[(0, 4, 11)]), expected, "acceptance {acceptance}");
    }
}

#[test]
fn speculative_tokens_come_evenly_and_drafts_come_out_of_the_budget() {
    let speculative = Some(scenario::Speculative { tokens: 4, acceptance: 1.0 });
    let settings = scenario::Engine { speculative, max_num_batched_tokens: 6, ..settings() };
    let mut engine = engine(&settings);
    let mut notices = Vec::new();
    // Thirteen tokens after the first take three steps; beside each, one token is left for the prompt that waits.
    let handle = submit(&mut engine, 0, (0, 4, 14), &mut notices);
    submit(&mut engine, 1, (500, 2, 1), &mut notices);
    let emitted: Vec<u32> = [1000, 2000, 3000]
        .map(|at| {
            engine.run_through(Time(at), &mut notices);
            engine.tokens_out(handle, Time(at))
        })
        .to_vec();
    assert_eq!(emitted, [1, 5, 9]);
    assert_eq!(engine.tokens_emitted(Time(3000)), 10);
    assert!(plain(&notices).contains(&(1000, 1, Scheduled, 0)));
    assert!(plain(&notices).contains(&(3000, 1, Finished, 1)));
}

#[test]
fn who_is_cancelled_while_computing_leaves_at_the_boundary_even_with_its_last_token() {
    let mut engine = engine(&settings());
    let mut notices = Vec::new();
    let handle = submit(&mut engine, 0, (0, 1, 3), &mut notices);
    engine.run_through(Time(2500), &mut notices);
    assert!(!engine.cancel(Time(2500), handle, &mut notices));
    assert_eq!(engine.next_boundary_after(Time(2500)), Some(Time(3000)));
    engine.run_through(Time(3000), &mut notices);
    assert_eq!(plain(&notices).last(), Some(&(3000, 0, Cancelled, 3)));
    assert!(engine.is_empty());
}

#[test]
fn an_abort_drops_who_waits_at_once_and_who_computes_at_the_boundary() {
    let mut engine = engine(&scenario::Engine { max_num_seqs: 1, ..settings() });
    let mut notices = Vec::new();
    submit(&mut engine, 0, (0, 1, 30), &mut notices);
    submit(&mut engine, 1, (10, 1, 30), &mut notices);
    engine.run_through(Time(4200), &mut notices);
    engine.abort(Time(4200), &mut notices);
    assert_eq!((engine.waiting(), engine.running()), (0, 1));
    engine.run_through(Time(9000), &mut notices);
    assert_eq!(plain(&notices)[2..], [(4200, 1, Cancelled, 0), (5000, 0, Cancelled, 5)]);
    assert_eq!(engine.quiet_until(), Time::NEVER);
}

/// What a cut answer would have needed is reckoned from this: the prompts that happen to be read are not in it.
#[test]
fn the_time_between_tokens_is_that_of_a_decode_step_also_while_prompts_are_read() {
    for chunked_prefill in [true, false] {
        let step_time = StepTime { base: 1000.0, per_sequence: 10.0, per_prefill_token: 500.0, ..StepTime::default() };
        let mut engine = engine(&scenario::Engine { chunked_prefill, step_time, ..settings() });
        let mut notices = Vec::new();
        submit(&mut engine, 0, (0, 1, 30), &mut notices);
        engine.run_through(Time(0), &mut notices);
        assert!((engine.seconds_per_token() - 1.01e-6).abs() < 1e-15, "{}", engine.seconds_per_token());
        submit(&mut engine, 1, (3000, 8, 30), &mut notices);
        for now in 3000..12_000 {
            engine.run_through(Time(now), &mut notices);
            let decoding = engine.seconds_per_token();
            assert!((1.0099e-6..=1.0201e-6).contains(&decoding), "{chunked_prefill}, {now}: {decoding}");
        }
    }
}

#[test]
fn a_kill_in_the_middle_of_a_jump_loses_only_the_step_being_computed() {
    let mut engine = engine(&settings());
    let mut notices = Vec::new();
    let handle = submit(&mut engine, 0, (0, 1, 30), &mut notices);
    engine.run_through(Time(5999), &mut notices);
    assert_eq!((engine.tokens_emitted(Time(5999)), engine.tokens_out(handle, Time(5999))), (5, 5));
    engine.run_through(Time(6000), &mut notices);
    assert_eq!(engine.tokens_emitted(Time(6000)), 6);
    engine.kill(Time(6000), &mut notices);
    assert_eq!(plain(&notices).last(), Some(&(6000, 0, Cancelled, 6)));
    assert_eq!((engine.in_system(), engine.tokens_emitted(Time(9000)), engine.seconds_per_token()), (0, 6, 0.0));
    submit(&mut engine, 1, (9000, 1, 2), &mut notices);
    engine.run_before(Time::NEVER, &mut notices);
    assert_eq!(plain(&notices).last(), Some(&(11000, 1, Finished, 2)));
}
