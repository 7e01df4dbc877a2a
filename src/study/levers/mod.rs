//! What moves the price of a token: a scenario, and the same with one lever turned after another, run by run on the same
//! requests; what the paper formula would have said; and all that helped together.
//!
//! `catalogue` says which levers there are and what each sets, `weights` how fewer bits become coefficients, `sizing` how
//! a fleet changes its size, `search` which size is the least that keeps a promise, `bounds` what the promise is, `paired` how a change is estimated,
//! `formula` what a person with the formula expects, `judge` what each fleet comes to. `run` puts them together, `together` what helped. Nothing here
//! reads a file: who calls hands in how settings become a scenario.

mod bounds;
mod catalogue;
mod formula;
mod judge;
mod paired;
mod run;
mod search;
mod sizing;
mod together;
mod weights;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compare::Change;
use super::result::{CheckResult, Estimate, StudyResult};
use crate::profiles::Profile;

pub use bounds::{Breach, MISSED, Promise, UNANSWERED};
pub use catalogue::{GPU_PRICES, GpuPrice, catalogue};
pub use formula::{formula, predicted_change};
pub use paired::{Relative, relative};
pub use run::{Candidate, LeversStudy, Loader, study};
pub use sizing::{resized, why_fixed};
pub use weights::{Quantised, WeightFacts, quantised};

/// What the scenario does not say and some levers need.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Weights of a replica, all its GPUs together, gigabytes (10^9 bytes); `None`: the profile's, else those that the cold
    /// start loads.
    pub weights_gigabytes: Option<f64>,
    /// Bits of a weight today; `None`: the profile's, else 16.
    pub weight_bits: Option<u32>,
    /// Memory bandwidth of one GPU, GB/s; `None`: the profile's.
    pub memory_bandwidth: Option<f64>,
    /// Bytes of a token in the KV cache, all GPUs together; `None`: the profile's.
    pub kv_bytes_per_token: Option<f64>,
    /// Prices of GPUs in USD an hour, by the name that profiles begin with; they win over [`GPU_PRICES`].
    pub gpu_prices: Vec<(String, f64)>,
    /// Longest TTFT P99 that a smaller fleet may have, seconds; `None`: the scenario's objective, else today's.
    pub ttft_p99: Option<f64>,
    /// Greatest mean utilization that a fleet may have, as a share; `None`: any.
    pub max_utilization: Option<f64>,
}

/// What a lever turns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Turn {
    /// Another hardware profile of the same model.
    Profile(&'static Profile),
    /// Weights of so many bits, on the same GPUs.
    Weights(u32),
    /// Twice as many sequences and tokens a step.
    Batch,
    /// Draft tokens.
    Speculation,
    /// Requests go where the fewest are.
    Routing,
    /// More or fewer replicas.
    Replicas(Sizes),
    /// Replicas start sooner.
    ColdStart,
    /// Replicas get longer to finish what they have.
    Grace,
    /// Settings of the user's own, each `KEY=VALUE`.
    Own(Vec<String>),
}

/// By how much a fleet changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sizes {
    /// One replica fewer.
    OneFewer,
    /// A quarter fewer, rounded down to whole replicas that go.
    QuarterFewer,
    /// A quarter more, rounded up.
    QuarterMore,
}

/// A lever: one thing that a platform team could change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lever {
    /// Its name, by which it is asked for.
    pub name: String,
    /// What it does, in a sentence without a full stop.
    pub sentence: String,
    /// What it turns.
    pub turn: Turn,
}

/// A lever that makes no sense for the scenario, or cannot be derived from what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The lever's name.
    pub name: String,
    /// Why, in a sentence without a full stop.
    pub reason: String,
}

/// What a fleet's TTFT P99 must keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// TTFT P99 of at most so many seconds: the whole 95 % interval of its mean over runs lies within.
    Seconds(f64),
    /// No worse than today: the mean over runs of TTFT P99 is at most today's.
    Today,
}

/// One fleet with its engine, against the scenario as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    /// What was set on top of the scenario.
    pub settings: Vec<String>,
    /// Replicas.
    pub replicas: u32,
    /// GPUs that they hold without a rollout.
    pub gpus: u32,
    /// USD for a GPU-hour.
    pub gpu_hour_usd: f64,
    /// Saturated rate of a replica, output tokens/s.
    pub saturated_rate: f64,
    /// Runs that this and today's scenario both have.
    pub runs: u64,
    /// Mean of USD per million useful output tokens.
    pub price: Estimate,
    /// Its relative change against today.
    pub change: Relative,
    /// Mean of TTFT P99, seconds.
    pub ttft: Estimate,
    /// Mean of the change of TTFT P99 within a run, seconds.
    pub ttft_difference: Estimate,
    /// That change in words.
    pub ttft_change: Change,
    /// Mean of TPOT P99, seconds.
    pub tpot: Estimate,
    /// Mean of the change of TPOT P99 within a run, seconds.
    pub tpot_difference: Estimate,
    /// Mean utilization.
    pub utilization: Estimate,
    /// How many more of the requests than today are without their whole answer, as a share.
    pub unanswered: Estimate,
    /// For how many more seconds of a run than today the objective is missed; NaN without an objective.
    pub missed: Estimate,
    /// What of the [`Promise`] it breaks.
    pub breaches: Vec<Breach>,
    /// Means of the parts of the price, in the order of [`crate::ledger::WATERFALL`].
    pub waterfall: Vec<Estimate>,
    /// The keys that make this and today's scenario meet different requests; empty where they meet the same.
    #[serde(deserialize_with = "crate::study::read_keys")]
    pub unequal: Vec<&'static str>,
}

impl Point {
    /// Whether the promise is kept.
    pub fn keeps_bound(&self) -> bool {
        self.breaches.is_empty()
    }
}

/// A fleet that was tried and broke the promise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stop {
    /// Its replicas.
    pub replicas: u32,
    /// What it broke; empty where the scenario's other keys do not allow such a fleet.
    pub breaches: Vec<Breach>,
}

impl Stop {
    /// Whether this check is among what it broke.
    fn breaks_check(&self, check: &CheckResult) -> bool {
        let is_it = |breach: &Breach| match breach {
            Breach::Check(broken) => (&broken.metric, broken.statistic) == (&check.metric, check.statistic),
            _ => false,
        };
        self.breaches.iter().any(is_it)
    }
}

/// The least fleet that keeps the promise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Fewest {
    /// It was found; the change of its price against today's engine with its own least fleet is `gain`.
    Found {
        /// The fleet.
        point: Box<Point>,
        /// Relative change of the price against today's engine with its own least fleet; `None` for that one itself, and
        /// where it has none.
        gain: Option<Relative>,
        /// What one replica fewer broke; `None` where it was not tried, because it could not serve the traffic.
        stop: Option<Stop>,
    },
    /// No fleet keeps it, of up to so many replicas; with what those broke.
    OutOfReach(Stop),
    /// It was not looked for: the study was interrupted, or the lever is about the fleet's size itself.
    NotSought,
}

impl Fewest {
    /// The fleet, if it was found.
    pub fn point(&self) -> Option<&Point> {
        match self {
            Fewest::Found { point, .. } => Some(point),
            _ => None,
        }
    }

    /// The change of the price against today's engine with its own least fleet.
    pub fn gain(&self) -> Option<Relative> {
        match self {
            Fewest::Found { gain, .. } => *gain,
            _ => None,
        }
    }
}

/// What turning one lever did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Turned {
    /// The lever.
    pub lever: Lever,
    /// With as many replicas as today, unless the lever is about them.
    pub same: Point,
    /// With as few replicas as the promise allows.
    pub fewest: Fewest,
    /// Relative change of the price by the formula, at today's utilization.
    pub formula_change: f64,
    /// What follows for the price.
    pub verdict: LeverVerdict,
}

impl Turned {
    /// By how much it lowers the price with the promise kept: against today's engine with its own least fleet or, where the
    /// fleet is left alone, against today; `None` where that is not shown.
    pub fn helps(&self) -> Option<Relative> {
        let change = match &self.fewest {
            Fewest::Found { gain, .. } => *gain,
            // A lever on the size is no more than a step towards the least fleet.
            Fewest::NotSought if matches!(self.lever.turn, Turn::Replicas(_)) => None,
            Fewest::NotSought if self.same.keeps_bound() => Some(self.same.change),
            _ => None,
        };
        change.filter(Relative::is_lower)
    }
}

/// What turning a lever does to the price, the promise kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeverVerdict {
    /// Cheaper with the fleet as it is, and no cheaper with another.
    #[serde(rename = "at_once")]
    PaysAtOnce,
    /// Cheaper only with another number of replicas.
    #[serde(rename = "if_resized")]
    PaysResized,
    /// Cheaper with the fleet as it is, and more so with another.
    #[serde(rename = "either_way")]
    PaysBoth,
    /// Cheaper, by less than a hundredth.
    Slight,
    /// The promise is broken: users wait too long, or are left without their answers.
    BreaksBound,
    /// No saving is shown.
    NoSaving,
    /// Dearer, by a hundredth and more.
    Dearer,
    /// There are too few runs to show any change.
    TooFewRuns,
}

impl LeverVerdict {
    /// The answer to "does it save?" in a word or two.
    pub fn words(self) -> &'static str {
        match self {
            LeverVerdict::PaysAtOnce => "at once",
            LeverVerdict::PaysResized => "if resized",
            LeverVerdict::PaysBoth => "either way",
            LeverVerdict::Slight => "under 1 %",
            LeverVerdict::BreaksBound => "not kept",
            LeverVerdict::NoSaving => "no",
            LeverVerdict::Dearer => "dearer",
            LeverVerdict::TooFewRuns => "too few runs",
        }
    }
}

/// Why a lever that helped is not among those that are turned together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum WhyDropped {
    /// It cannot be turned on top of the others.
    Refused(String),
    /// With the others it is cheaper without it.
    Dearer {
        /// Relative change of the price when it is left out; NaN where the bound was broken with it.
        without: Relative,
    },
    /// This lever alone is cheaper than those that were left with it.
    Alone(String),
}

/// A lever that helped and is not among those that are turned together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: WhyDropped,
}

/// The levers that helped, turned at once: of all that can be, the cheapest set that leaving out one after another leads to,
/// and never a dearer one than the best of them alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Together {
    /// Their names, in the order in which they were applied; one where it alone is the cheapest.
    pub names: Vec<String>,
    /// Those that helped and are not among them, with the reason.
    pub dropped: Vec<Dropped>,
    /// With as many replicas as today.
    pub same: Point,
    /// With as few as the promise allows.
    pub fewest: Fewest,
    /// Relative change that the product of the single changes promises, today's own least fleet among them.
    pub product_change: f64,
    /// Relative change of the price by the formula, at today's utilization.
    pub formula_change: f64,
}

/// The whole answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeversResult {
    /// The scenario as it is.
    pub base: StudyResult,
    /// The scenario as it is, as a point.
    pub today: Point,
    /// Mean of the paper formula's price today, USD.
    pub formula_today: Estimate,
    /// The promise.
    pub promise: Promise,
    /// Today's engine with as few replicas as the promise allows.
    pub fewest_today: Fewest,
    /// Why the fleet's size was left alone; `None` where it was not.
    pub fixed_fleet: Option<String>,
    /// Every lever, in the order of the catalogue.
    pub levers: Vec<Turned>,
    /// Levers that were left out.
    pub left_out: Vec<LeftOut>,
    /// All that helped at once; `None` where fewer than two did.
    pub together: Option<Together>,
    /// Whether it was interrupted.
    pub partial: bool,
}

impl LeversResult {
    /// What the price comes to at best: all that helped together, else the lever that did most, else today's engine with the
    /// least fleet; with a name.
    pub fn best(&self) -> Option<(String, &Point)> {
        if let Some(together) = &self.together {
            let name = if together.names.len() == 1 { together.names[0].clone() } else { "together".to_owned() };
            return Some((name, together.fewest.point().unwrap_or(&together.same)));
        }
        let gain = |turned: &&Turned| turned.helps().map_or(f64::INFINITY, |gain| gain.estimate.value);
        let best = self.levers.iter().min_by(|one, other| gain(one).total_cmp(&gain(other)));
        if let Some(turned) = best.filter(|turned| turned.helps().is_some()) {
            return Some((turned.lever.name.clone(), turned.fewest.point().unwrap_or(&turned.same)));
        }
        self.fewest_today.point().map(|point| ("fewest replicas".to_owned(), point))
    }
}
