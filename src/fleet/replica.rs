//! One replica: what it is and where in its life it stands. Its engine is kept elsewhere, with those of the others.

use super::view::Version;
use crate::units::Time;

/// Where in its life a replica stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for GPUs.
    Pending,
    /// Has GPUs, waits for its node.
    Provisioning,
    /// Pulls its image.
    Pulling,
    /// Loads weights: its container runs from here on.
    Loading,
    /// Starts its engine.
    Starting,
    /// Is up, and has not been probed since.
    Unprobed,
    /// Ready.
    Ready,
    /// Serves what it has and fails its readiness probes.
    Unready,
    /// Failed or crashed; its container waits for its restart.
    BackOff,
    /// Told to terminate; some process still runs.
    Terminating,
    /// No process is left, its GPUs are free.
    Gone,
}

impl State {
    /// Whether its container runs.
    pub fn container_runs(self) -> bool {
        matches!(
            self,
            State::Loading | State::Starting | State::Unprobed | State::Ready | State::Unready | State::Terminating
        )
    }
}

/// One replica.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Its number in order of creation, from 0.
    pub id: u32,
    /// Which ReplicaSet it belongs to.
    pub version: Version,
    /// Its pod template: which of the scenario's versions it runs.
    pub template: usize,
    /// Where in its life it stands.
    pub state: State,
    /// When it was created.
    pub created: Time,
    /// Since when it has been ready without a break.
    pub ready_since: Option<Time>,
    /// Whether it has been ready for `min_ready`.
    pub available: bool,
    /// How often its container was restarted.
    pub restarts: u32,
    /// Random number that stands for its name, for controllers that break ties by it.
    pub uid: u64,
    /// Whether the router sends to it.
    pub in_endpoints: bool,
    /// Whether its server accepts requests: from readiness until SIGTERM.
    pub accepting: bool,
    /// When it was told to terminate.
    pub terminated_at: Option<Time>,
    /// Number among the replicas that had a cold start, from 0; `None` for the warm fleet.
    pub(super) cold_index: Option<u64>,
    /// Counts changes of state: a timer set before the last is stale.
    pub(super) epoch: u32,
    /// When its container started last, the origin of its probes.
    pub(super) container_started: Time,
    /// Failures and crashes in a row, for the back-off.
    pub(super) failures_in_row: u32,
    /// What a token of an answer would have taken when its requests were last cut off, seconds.
    pub last_seconds_per_token: f64,
    /// Tokens that its engine had emitted when it was told to terminate (or when the window began, if later).
    pub(super) tokens_at_termination: u64,
}
