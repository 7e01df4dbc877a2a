//! The sequences inside an engine: where they are kept, and who waits.
//!
//! What a sequence's numbers mean lives here; what happens to it is decided by the engine.

use std::collections::VecDeque;

use crate::serving::{Notice, NoticeKind, Request};
use crate::units::Time;

/// Where a sequence is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In the queue.
    Waiting,
    /// Cancelled, with an entry in the queue that nobody has come across yet.
    Left,
    /// Admitted, with its prompt not wholly in the cache.
    Reading,
    /// Emitting tokens, every step that does not stand still.
    Decoding,
}

/// A sequence.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// What the caller asked for.
    pub request: Request,
    /// The number of the decode step that ends it, while decoding.
    pub last_step: u64,
    /// Place in the order of admission.
    pub admission: u64,
    /// Tokens emitted; while decoding, as they were when that began.
    pub emitted: u32,
    /// Decode steps from when that began to the last; decided at admission.
    pub steps: u32,
    /// Prompt tokens in the cache, while reading.
    pub read: u32,
    /// Where it is.
    pub state: State,
    /// Whether its client has gone.
    pub cancelled: bool,
    /// Whether it was admitted before.
    pub scheduled: bool,
}

impl Sequence {
    fn new(request: Request) -> Sequence {
        Sequence {
            request,
            last_step: 0,
            admission: 0,
            emitted: 0,
            steps: 0,
            read: 0,
            state: State::Waiting,
            cancelled: false,
            scheduled: false,
        }
    }

    /// Tokens emitted when `steps_done` decode steps of its engine are done.
    #[inline]
    pub fn tokens_out(&self, steps_done: u64) -> u32 {
        match self.state {
            State::Decoding => self.emitted + self.emitted_since(self.steps - (self.last_step - steps_done) as u32),
            State::Waiting | State::Left | State::Reading => self.emitted,
        }
    }

    /// Tokens that it emits in its first so many decode steps: spread evenly over them.
    #[inline]
    fn emitted_since(&self, steps: u32) -> u32 {
        let tokens = self.tokens_to_decode();
        if tokens == self.steps { steps } else { (u64::from(steps) * u64::from(tokens) / u64::from(self.steps)) as u32 }
    }

    /// Tokens that it emits while decoding.
    #[inline]
    pub fn tokens_to_decode(&self) -> u32 {
        self.request.output_tokens - self.emitted
    }

    /// Its context, the token emitted last included.
    #[inline]
    pub fn context(&self, tokens_out: u32) -> u64 {
        u64::from(self.request.prompt_tokens) + u64::from(tokens_out)
    }

    /// What it must read before it decodes: its prompt, and what it had emitted before a preemption.
    #[inline]
    pub fn to_read(&self) -> u64 {
        self.context(self.emitted)
    }

    /// A notice about it.
    #[inline]
    pub fn notice(&self, time: Time, kind: NoticeKind, tokens_out: u32) -> Notice {
        Notice { id: self.request.id, time, kind, tokens_out }
    }
}

/// All sequences of an engine, by slot.
#[derive(Clone, Debug, Default)]
pub struct Sequences {
    slots: Vec<Sequence>,
    vacant: Vec<u32>,
}

impl Sequences {
    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.vacant.clear();
    }

    /// A new sequence that waits; returns its slot.
    #[inline]
    pub fn insert(&mut self, request: Request) -> u32 {
        let sequence = Sequence::new(request);
        match self.vacant.pop() {
            Some(slot) => {
                self.slots[slot as usize] = sequence;
                slot
            }
            None => {
                self.slots.push(sequence);
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// Makes the slot of a sequence that does not run available.
    #[inline]
    pub fn release(&mut self, slot: u32) {
        self.vacant.push(slot);
    }
}

impl std::ops::Index<u32> for Sequences {
    type Output = Sequence;
    #[inline]
    fn index(&self, slot: u32) -> &Sequence {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Sequences {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut Sequence {
        &mut self.slots[slot as usize]
    }
}

/// Who waits, first come, first served. Who leaves from the middle is only marked; its entry is dropped when it comes to
/// the front, or when such entries are most of the queue.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    slots: VecDeque<u32>,
    left: usize,
}

impl Queue {
    /// The number that wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len() - self.left
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one who comes.
    #[inline]
    pub fn push_back(&mut self, slot: u32) {
        self.slots.push_back(slot);
    }

    /// Adds one who comes back.
    pub fn push_front(&mut self, slot: u32) {
        self.slots.push_front(slot);
    }

    /// Who is first; drops the entries in front of it.
    #[inline]
    pub fn front(&mut self, sequences: &mut Sequences) -> Option<u32> {
        while let Some(slot) = self.slots.front().copied() {
            if sequences[slot].state == State::Waiting {
                return Some(slot);
            }
            self.slots.pop_front();
            self.left -= 1;
            sequences.release(slot);
        }
        None
    }

    /// Removes who is first.
    #[inline]
    pub fn pop_front(&mut self) {
        self.slots.pop_front();
    }

    /// Lets one leave from anywhere.
    pub fn leave(&mut self, slot: u32, sequences: &mut Sequences) {
        sequences[slot].state = State::Left;
        self.left += 1;
        if self.left > self.slots.len() / 2 {
            self.slots.retain(|slot| {
                let waits = sequences[*slot].state == State::Waiting;
                if !waits {
                    sequences.release(*slot);
                }
                waits
            });
            self.left = 0;
        }
    }

    /// Removes all; returns those that waited, in order. Their slots are the caller's to release.
    pub fn drain(&mut self, sequences: &mut Sequences) -> Vec<u32> {
        let mut waited = Vec::with_capacity(self.len());
        while let Some(slot) = self.front(sequences) {
            self.pop_front();
            waited.push(slot);
        }
        waited
    }
}
