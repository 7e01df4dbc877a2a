//! What if an answer went on? A sequence is made longer in the middle of its life, as if it had been drawn so long.
//!
//! The rules look at the length of an answer only when it ends. So an engine in which somebody becomes longer is, from
//! then on and before, the engine in which it was that long from the beginning.

use super::sequences::State;
use super::{Engine, Handle};

/// The longest answer that one can be made to: ends are kept apart by fewer steps than this.
const LONGEST_PROLONGED: u32 = i32::MAX as u32;

impl Engine {
    /// Lets a sequence go on to this many output tokens, at most 2^31 - 1 and at least what it has now; the
    /// engine is then the one that was given that length when the request was submitted. Who has been cancelled is left
    /// as it is. The longer request must fit the cache ([`EngineModel::fits`](crate::serving::EngineModel::fits)).
    ///
    /// Not for engines that speculate: there the number of steps is drawn at admission, from the length.
    pub fn prolong(&mut self, handle: Handle, output_tokens: u32) {
        debug_assert!(!self.model.speculates(), "the steps of a speculating engine follow from the length");
        let Handle(slot) = handle;
        let steps_done = self.batch.steps_done();
        let sequence = &mut self.sequences[slot];
        let more = output_tokens.min(LONGEST_PROLONGED).saturating_sub(sequence.request.output_tokens);
        if more == 0 || sequence.cancelled {
            return;
        }
        sequence.request.output_tokens += more;
        match sequence.state {
            // Its steps are counted when it is admitted.
            State::Waiting | State::Left => {}
            State::Reading => sequence.steps += more,
            State::Decoding => {
                sequence.steps += more;
                sequence.last_step += u64::from(more);
                let last_step = sequence.last_step;
                // The stride may still stop where the sequence would have ended: there nobody leaves, and it goes on.
                self.ends.retain(|other| other != slot);
                self.ends.push(last_step, slot, steps_done);
            }
        }
    }

    /// Whether a sequence has its prompt in the cache and emits a token in every step that does not stand still.
    pub fn is_decoding(&self, handle: Handle) -> bool {
        self.sequences[handle.0].state == State::Decoding
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use crate::scenario::{self, StepTime};
    use crate::serving::reference::Reference;
    use crate::serving::{Engine, EngineModel, Notice, Request};
    use crate::units::Time;

    /// Few slots, little cache and a small budget, so that requests wait, are read in pieces and lose their cache.
    fn settings(chunked_prefill: bool, kv_cache_tokens: u64, max_num_seqs: u32) -> scenario::Engine {
        scenario::Engine {
            max_num_seqs,
            max_num_batched_tokens: 48,
            chunked_prefill,
            kv_cache_tokens,
            block_size: 4,
            step_time: StepTime { base: 900.0, per_sequence: 70.3, per_kv_token: 1.7, ..StepTime::default() },
            ..scenario::Engine::default()
        }
    }

    proptest! {
        /// Whoever is still there at some moment, whatever it does then, may become longer: everything that is noticed
        /// from then on is what the engines notice, by jumping and by stepping, that had it so long from the beginning.
        #[test]
        fn a_prolonged_sequence_is_one_that_was_that_long_from_the_beginning(
            chunked_prefill: bool,
            kv_cache_tokens in 160_u64..600,
            max_num_seqs in 2_u32..9,
            requests in prop::collection::vec((0_i64..9_000, 1_u32..70, 1_u32..80), 2..14),
            chosen in 0.0..1.0_f64,
            more in 1_u32..90,
            at in 1_i64..120_000,
        ) {
            let model = Arc::new(EngineModel::new(&settings(chunked_prefill, kv_cache_tokens, max_num_seqs), 1.0));
            let mut engine = Engine::new(model.clone());
            let (mut notices, mut handles) = (Vec::new(), Vec::new());
            let mut now = Time::ZERO;
            let mut submitted = Vec::new();
            for (gap, prompt_tokens, output_tokens) in requests {
                now = Time(now.0 + gap);
                let request = Request { id: handles.len() as u32, prompt_tokens, output_tokens, luck: 0 };
                if model.fits(prompt_tokens, output_tokens + more) {
                    engine.run_before(now, &mut notices);
                    handles.push(engine.submit(now, request, &mut notices));
                    submitted.push((now, request));
                }
            }
            let moment = Time(now.0 + at);
            engine.run_through(moment, &mut notices);
            let gone = |id: u32, notices: &[Notice]| notices.iter().any(|notice| {
                notice.id == id && notice.kind == crate::serving::NoticeKind::Finished
            });
            let there: Vec<u32> = (0..handles.len() as u32).filter(|id| !gone(*id, &notices)).collect();
            prop_assume!(!there.is_empty());
            let id = there[(chosen * there.len() as f64) as usize];
            engine.prolong(handles[id as usize], submitted[id as usize].1.output_tokens + more);
            submitted[id as usize].1.output_tokens += more;

            let (mut jump, mut step) = (Engine::new(model.clone()), Reference::new(model));
            let (mut jumped, mut stepped) = (Vec::new(), Vec::new());
            for (arrival, request) in submitted {
                jump.run_before(arrival, &mut jumped);
                jump.submit(arrival, request, &mut jumped);
                step.run_before(arrival, &mut stepped);
                step.submit(arrival, request, &mut stepped);
            }
            for later in [moment.0, moment.0 + 5_000, moment.0 + 50_000, moment.0 + 10_000_000] {
                engine.run_through(Time(later), &mut notices);
                jump.run_through(Time(later), &mut jumped);
                step.run_through(Time(later), &mut stepped);
                prop_assert_eq!(&notices, &jumped);
                prop_assert_eq!(&notices, &stepped);
                prop_assert_eq!(engine.tokens_emitted(Time(later)), step.tokens_emitted(Time(later)));
            }
        }
    }
}
