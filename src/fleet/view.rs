//! The fleet as others see it: what a controller reads of it, in Kubernetes' words.

use crate::units::Time;

/// A version of the pod template, numbered in the order in which versions were first shipped: 0 is the one that runs when
/// the simulation begins.
pub type Version = usize;

/// What a ReplicaSet's status says of its pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaSetStatus {
    /// Active pods: created, not terminating.
    pub replicas: u32,
    /// Those that are ready.
    pub ready: u32,
    /// Those that have been ready for `min_ready`.
    pub available: u32,
    /// Terminating pods that are not gone. Only Recreate looks at them, and whoever replaces pods when they are gone.
    pub terminating: u32,
}

/// A pod as the ReplicaSet controller sees it when it must choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodView {
    /// Whoever asks knows it by this.
    pub id: u32,
    /// Whether it has its node (its GPUs).
    pub scheduled: bool,
    /// Whether its containers have started; before, it is in phase Pending.
    pub running: bool,
    /// Since when it is ready; `None` if it is not.
    pub ready_since: Option<Time>,
    /// Restarts of its containers.
    pub restarts: u32,
    /// When it was created.
    pub created: Time,
    /// Random: breaks ties as pods' UIDs do.
    pub uid: u64,
}
