//! The sequences inside an engine: where they are kept, in what order they were admitted, and who waits.
//!
//! What a sequence's numbers mean lives here; what happens to it is decided by the engine.

use std::collections::VecDeque;

use crate::serving::{Notice, NoticeKind, Request};
use crate::units::Time;

/// The end of a list.
const NOBODY: u32 = u32::MAX;

/// Where a sequence is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In the queue.
    Waiting,
    /// Cancelled, with an entry in the queue that nobody has come across yet.
    Left,
    /// Admitted, with its prompt not wholly in the cache.
    Reading,
    /// Emitting a token every step.
    Decoding,
}

/// A sequence.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// What the caller asked for.
    pub request: Request,
    /// Where it is.
    pub state: State,
    /// Whether its client has gone.
    pub cancelled: bool,
    /// Whether it was admitted before.
    pub scheduled: bool,
    /// By which it leaves the block counters, while decoding.
    pub residue: u32,
    /// Tokens emitted, up to date unless decoding.
    emitted: u32,
    /// The number of the step that emits its last token, while decoding.
    pub last_step: u64,
    /// Prompt tokens in the cache, while reading.
    pub read: u64,
    /// Place in the order of admission.
    pub admission: u64,
    previous: u32,
    next: u32,
}

impl Sequence {
    /// Tokens emitted when `steps_done` steps are done.
    #[inline]
    pub fn tokens_out(&self, steps_done: u64) -> u32 {
        match self.state {
            State::Decoding => self.request.output_tokens - (self.last_step - steps_done) as u32,
            State::Waiting | State::Left | State::Reading => self.emitted,
        }
    }

    /// What it must read before it decodes: its prompt, and what it had emitted before a preemption.
    #[inline]
    pub fn to_read(&self) -> u64 {
        u64::from(self.request.prompt_tokens) + u64::from(self.emitted)
    }

    /// Counts the token that the end of a prompt emits; returns how many that makes.
    pub fn emit(&mut self) -> u32 {
        self.emitted += 1;
        self.emitted
    }

    /// Ends decoding after so many tokens in all.
    pub fn stop_decoding(&mut self, emitted: u32) {
        self.emitted = emitted;
    }

    /// A notice about it.
    #[inline]
    pub fn notice(&self, time: Time, kind: NoticeKind, tokens_out: u32) -> Notice {
        Notice { id: self.request.id, time, kind, tokens_out }
    }
}

/// All sequences of an engine, by slot; those that run form a list in order of admission.
#[derive(Clone, Debug)]
pub struct Sequences {
    slots: Vec<Sequence>,
    vacant: Vec<u32>,
    first: u32,
    last: u32,
    running: usize,
    admissions: u64,
}

impl Sequences {
    /// None.
    pub fn new() -> Sequences {
        Sequences { slots: Vec::new(), vacant: Vec::new(), first: NOBODY, last: NOBODY, running: 0, admissions: 0 }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.vacant.clear();
        (self.first, self.last, self.running) = (NOBODY, NOBODY, 0);
    }

    /// A new sequence that waits; returns its slot.
    pub fn insert(&mut self, request: Request) -> u32 {
        let sequence = Sequence {
            request,
            state: State::Waiting,
            cancelled: false,
            scheduled: false,
            residue: 0,
            emitted: 0,
            last_step: 0,
            read: 0,
            admission: 0,
            previous: NOBODY,
            next: NOBODY,
        };
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

    /// The number that run.
    #[inline]
    pub fn running(&self) -> usize {
        self.running
    }

    /// The one admitted last of those that run.
    #[inline]
    pub fn last_admitted(&self) -> Option<u32> {
        (self.last != NOBODY).then_some(self.last)
    }

    /// The slots of those that run, in order of admission.
    pub fn in_order(&self) -> impl Iterator<Item = u32> {
        let some = |slot: u32| (slot != NOBODY).then_some(slot);
        std::iter::successors(some(self.first), move |slot| some(self.slots[*slot as usize].next))
    }

    /// Makes a sequence run, as the one admitted last.
    #[inline]
    pub fn admit(&mut self, slot: u32) {
        let last = std::mem::replace(&mut self.last, slot);
        if last == NOBODY {
            self.first = slot;
        } else {
            self[last].next = slot;
        }
        self.admissions += 1;
        self.running += 1;
        let admission = self.admissions;
        let sequence = &mut self[slot];
        sequence.state = State::Reading;
        sequence.read = 0;
        sequence.admission = admission;
        sequence.previous = last;
        sequence.next = NOBODY;
    }

    /// Makes a sequence run no longer.
    #[inline]
    pub fn stop(&mut self, slot: u32) {
        let Sequence { previous, next, .. } = self[slot];
        if previous == NOBODY {
            self.first = next;
        } else {
            self[previous].next = next;
        }
        if next == NOBODY {
            self.last = previous;
        } else {
            self[next].previous = previous;
        }
        self.running -= 1;
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
