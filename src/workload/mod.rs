//! The stream of requests: when they arrive and how long they are, drawn before anything is decided about them.
//!
//! Nothing here knows replicas. The same run of the same scenario yields the same requests under every policy.

mod arrivals;
mod lengths;
mod rate;
mod replay;

pub use arrivals::{Arrival, Workload};
pub use lengths::{LengthMoments, longest_output, scaled_output};
pub use rate::{RateCurve, mean_rate};
