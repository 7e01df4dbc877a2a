//! Replicas as they live and die, and the router and clients in front of them.
//!
//! A replica here has a version, GPUs, a life (cold start, readiness, termination) and an engine. Which replicas should
//! exist is decided elsewhere: nothing here knows rollout policies.

mod agenda;
mod by_load;
mod clients;
mod disturbances;
mod ending;
mod engines;
mod events;
mod life;
mod loading;
mod quota;
mod replica;
mod router;
mod starting;
mod versions;
mod view;

pub use clients::retry_wait;
pub use ending::{sigkill_after, sigterm_after};
pub use events::{Change, LifeEvent, Outbox, Timer};
pub use life::{Fleet, VersionCounts};
pub use replica::{Replica, State};
pub use router::{Destination, Router, Routing};
pub use versions::Versions;
pub use view::{PodView, ReplicaSetStatus, Version};
