//! Replicas as they live and die, and the router and clients in front of them.
//!
//! A replica here has a version, GPUs, a life (cold start, readiness, termination) and an engine. Which replicas should
//! exist is decided elsewhere: nothing here knows rollout policies.

mod clients;
mod life;
mod loading;
mod replica;
mod router;
mod view;

pub use clients::retry_wait;
pub use life::{Change, Fleet, LifeEvent, Outbox, Timer, VersionCounts};
pub use replica::{Replica, State};
pub use router::{Destination, Router, Routing};
pub use view::{PodView, ReplicaSetStatus, Version};
