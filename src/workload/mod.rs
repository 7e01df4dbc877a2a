//! The stream of requests: when they arrive and how long they are, drawn before anything is decided about them.
//!
//! Nothing here knows replicas. The same run of the same scenario yields the same requests under every policy.

mod arrivals;
mod lengths;
mod rate;
mod replay;

pub use arrivals::{Arrival, Workload};
pub use lengths::{LengthMoments, longest_drawn, longest_output, scaled_output, stable_output_within};
pub use rate::{RateCurve, mean_rate};
