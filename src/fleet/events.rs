//! What the fleet and its caller tell each other: timers to set, changes to write down, what engines let go of.

use super::view::Version;
use crate::serving::Notice;
use crate::units::Time;

/// Something that the fleet wants to be told at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A stage of a replica's life ends, unless its state has changed since.
    Stage {
        /// Which replica.
        replica: u32,
        /// Its epoch when the timer was set.
        epoch: u32,
    },
    /// The first of those that share the load bandwidth is done, unless they have changed since.
    Loaded {
        /// The pool's epoch when the timer was set.
        epoch: u32,
    },
    /// A replica has been ready for `min_ready`.
    Available {
        /// Which replica.
        replica: u32,
        /// Its epoch when the timer was set.
        epoch: u32,
    },
    /// Those that this replica held, and that were lost when it was gone, can be had again.
    GpusReturned(u32),
    /// A replica crashes, unless its process has ended since.
    Crash {
        /// Which replica.
        replica: u32,
        /// Its restarts when the timer was set.
        restarts: u32,
    },
    /// The router stops sending to a terminating replica.
    EndpointRemoved(u32),
    /// The preStop hook has ended.
    Sigterm(u32),
    /// The grace period has ended.
    Sigkill(u32),
    /// The last request of a replica after SIGTERM is done.
    Drained(u32),
}

/// A change of a replica's state, by its name in `events.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEvent {
    /// The replica exists.
    Created,
    /// It has its GPUs.
    Provisioning,
    /// It pulls its image.
    Pulling,
    /// It loads its weights.
    Loading,
    /// It starts its engine.
    Starting,
    /// It is ready.
    Ready,
    /// It has been ready for `min_ready`.
    Available,
    /// It fails its readiness probes.
    Unready,
    /// Its start failed.
    StartFailed,
    /// It crashed.
    Crashed,
    /// It was told to terminate.
    Terminating,
    /// Its server was told to stop.
    Sigterm,
    /// Its processes were killed.
    Sigkill,
    /// No process is left.
    Gone,
    /// What it held is lost for a while.
    GpusLost,
    /// What was lost can be had again.
    GpusReturned,
}

impl LifeEvent {
    /// The name in `events.csv`.
    pub fn name(self) -> &'static str {
        match self {
            LifeEvent::Created => "created",
            LifeEvent::Provisioning => "provisioning",
            LifeEvent::Pulling => "pulling",
            LifeEvent::Loading => "loading",
            LifeEvent::Starting => "starting",
            LifeEvent::Ready => "ready",
            LifeEvent::Available => "available",
            LifeEvent::Unready => "unready",
            LifeEvent::StartFailed => "start_failed",
            LifeEvent::Crashed => "crashed",
            LifeEvent::Terminating => "terminating",
            LifeEvent::Sigterm => "sigterm",
            LifeEvent::Sigkill => "sigkill",
            LifeEvent::Gone => "gone",
            LifeEvent::GpusLost => "gpus_lost",
            LifeEvent::GpusReturned => "gpus_returned",
        }
    }
}

/// A change of one replica.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Which replica.
    pub replica: u32,
    /// Its version.
    pub version: Version,
    /// What changed.
    pub event: LifeEvent,
}

/// What the fleet hands to its caller: timers to set, changes to write down, notices of its engines.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Timers to set.
    pub timers: Vec<(Time, Timer)>,
    /// Changes that happened now.
    pub changes: Vec<Change>,
    /// What engines let go of.
    pub notices: Vec<Notice>,
}
