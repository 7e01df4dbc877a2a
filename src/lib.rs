//! Cutover: a discrete-event simulator of LLM-serving fleets during rollouts.
//!
//! It answers one question before a platform team ships a model: what will this rollout do to our users and to our bill?
//! A scenario names the traffic, the replicas' engine and life, and the rollout; a study runs it many times and reports
//! truncated responses, capacity dips and dollars per million tokens, each with its uncertainty.
//!
//! Data flows down this list of modules and never back up; each uses only those above it:
//!
//! - [`units`]: instants, durations, counts or percent, and how people write them
//! - [`digits`]: numbers as people read them
//! - [`heap`]: a priority queue of small keys
//! - [`prometheus`]: what a Prometheus server makes of its samples
//! - [`random`]: streams named by (seed, run, purpose), and distributions
//! - [`trace`]: recorded requests, read from files in bounded memory
//! - [`fit`]: from a recording to the distributions and the process that could stand for it
//! - [`profiles`]: how fast known models are on known hardware
//! - [`scenario`]: what a user writes, checked
//! - [`workload`]: the stream of requests
//! - [`serving`]: one replica's engine, and the slow reference that it must equal
//! - [`fleet`]: replicas as they live and die, the router and the clients in front of them
//! - [`rollout`]: controllers as state machines
//! - [`ledger`]: what one run measures
//! - [`simulation`]: one run, the loop that joins the above
//! - [`lints`]: what is unwise about a scenario, by a model of its engine
//! - [`study`]: many runs, their intervals, comparisons
//! - [`report`]: terminal, CSV, JSON, Markdown, charts
//! - [`cli`]: arguments, progress, exit codes

pub mod units;

pub mod digits;

pub mod heap;

pub mod prometheus;

pub mod random;

pub mod trace;

pub mod fit;

pub mod profiles;

pub mod scenario;

pub mod workload;

pub mod serving;

pub mod fleet;

pub mod rollout;

pub mod ledger;

pub mod simulation;

pub mod lints;

pub mod study;

pub mod report;

pub mod cli;
