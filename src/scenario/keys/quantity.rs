//! Quantities that vary: the distributions by name, with their parameters; and the arrival processes.

use super::kind::{Bound, Kind, POSITIVE_DURATION, Reals};
use super::{Key, Need};

/// What a distribution's table may hold besides, for where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    Nothing,
    /// `skip_probability`: it is a stage of a cold start.
    Skip,
    /// `weight`: it is a part of a mixture.
    Weight,
}

/// One of the tables that a word chooses among.
#[derive(Debug)]
pub struct Variant {
    /// The word.
    pub name: &'static str,
    /// What it is, a line.
    pub about: &'static str,
    /// Its keys beside the word.
    pub keys: &'static [Key],
    /// Keys of which some must be there.
    pub needs: &'static [Need],
}

const ANY: Kind = Kind::InUnit(Bound::Any);
const VALUE: Kind = Kind::InUnit(Bound::Value);
const POSITIVE: Kind = Kind::InUnit(Bound::Positive);
/// Shapes and tail exponents.
const SHAPE: Kind = Kind::Real(Reals::from_to(0.01, 1000.0));
/// Coefficients of variation: zero is a constant.
const VARIATION: Kind = Kind::Real(Reals::from_to(0.01, 100.0).or_zero());

/// `max` of every distribution that does not need one.
pub static MAX: Key = Key::words("max", POSITIVE, "no bound", "The greatest value: draws beyond it become it.");
/// What a stage's table may hold besides.
pub(super) static SKIP: Key = Key::value(
    "skip_probability",
    super::kind::PROBABILITY,
    "0.0",
    "How likely the stage is skipped: image or weights are there already.",
);
/// What a part's table must hold besides.
pub(super) static WEIGHT: Key =
    Key::needed("weight", Kind::Real(Reals::positive(1e9)), "How often this part is drawn, relative to the others.");

impl Extra {
    /// The key.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Extra::Nothing => &[],
            Extra::Skip => std::slice::from_ref(&SKIP),
            Extra::Weight => std::slice::from_ref(&WEIGHT),
        }
    }
}

/// The distributions by name.
pub static DISTRIBUTIONS: [Variant; 11] = [
    Variant {
        name: "constant",
        about: "always the same value",
        keys: &[Key::needed("value", VALUE, "The value.")],
        needs: &[],
    },
    Variant {
        name: "uniform",
        about: "equally likely anywhere between two bounds",
        keys: &[
            Key::needed("low", ANY, "The least value."),
            Key::needed("high", ANY, "The greatest value, no less than `low`."),
        ],
        needs: &[],
    },
    Variant {
        name: "exponential",
        about: "memoryless",
        keys: &[Key::needed("mean", POSITIVE, "The mean.")],
        needs: &[],
    },
    Variant {
        name: "lognormal",
        about: "long-tailed; its logarithm is normal",
        keys: &[
            Key::needed("median", POSITIVE, "The median."),
            Key::words("p99", POSITIVE, "`sigma` is given", "The 99th percentile, no less than the median."),
            Key::words(
                "sigma",
                Kind::Real(Reals::from_to(0.0, 20.0)),
                "`p99` is given",
                "Standard deviation of the logarithm.",
            ),
        ],
        needs: &[Need::one(&["p99", "sigma"])],
    },
    Variant {
        name: "gamma",
        about: "between a constant and long-tailed",
        keys: &[
            Key::needed("mean", POSITIVE, "The mean."),
            Key::needed("cv", VARIATION, "Coefficient of variation: standard deviation over mean."),
        ],
        needs: &[],
    },
    Variant {
        name: "weibull",
        about: "times to failure",
        keys: &[
            Key::needed("scale", POSITIVE, "The scale."),
            Key::needed("shape", SHAPE, "The shape; below 1 it is long-tailed."),
        ],
        needs: &[],
    },
    Variant {
        name: "pareto",
        about: "a tail that falls off as a power",
        keys: &[
            Key::needed("minimum", POSITIVE, "The least value."),
            Key::needed("alpha", SHAPE, "Exponent of the tail: the smaller, the heavier."),
        ],
        needs: &[],
    },
    Variant {
        name: "zipf",
        about: "whole values, the k-th as likely as 1 / k^exponent",
        keys: &[
            Key::needed("exponent", Kind::Real(Reals::from_to(0.0, 100.0)), "The exponent."),
            Key::needed("max", POSITIVE, "The greatest value, from 1 to 10 million."),
        ],
        needs: &[],
    },
    Variant {
        name: "sequence",
        about: "a list in its order; the i-th draw gets the i-th value, the last repeats",
        keys: &[Key::needed(
            "values",
            Kind::List(&Kind::InUnit(Bound::ValueOrNever), 1),
            "The values; of a stage that does not end, `\"never\"`.",
        )],
        needs: &[],
    },
    Variant {
        name: "empirical",
        about: "draws from a column of a file",
        keys: &[
            Key::needed(
                "file",
                Kind::Text("a CSV or JSON Lines file, plain or .gz, relative to the scenario"),
                "The file.",
            ),
            Key::needed("column", Kind::Text("the name of a column"), "The column."),
        ],
        needs: &[],
    },
    Variant {
        name: "mixture",
        about: "one of several distributions, drawn by weight",
        keys: &[Key::needed("parts", Kind::Parts, "The parts: `[{ weight = 0.9, distribution = ... }, ...]`.")],
        needs: &[],
    },
];

/// Rates, requests per second.
const RATE: Kind = Kind::Real(Reals::from_to(1e-6, 1e6));
/// A rate of a state.
const STATE_RATE: Kind = Kind::Real(Reals::from_to(1e-6, 1e6).or_zero());

/// The arrival processes by name.
pub static PROCESSES: [Variant; 4] = [
    Variant {
        name: "poisson",
        about: "independent arrivals",
        keys: &[Key::needed("rate", RATE, "Mean rate.").unit("requests/s").example("6.0")],
        needs: &[],
    },
    Variant {
        name: "gamma",
        about: "burstier or smoother than Poisson",
        keys: &[
            Key::needed("rate", RATE, "Mean rate.").unit("requests/s").example("6.0"),
            Key::needed(
                "cv",
                Kind::Real(Reals::from_to(0.01, 100.0)),
                "Coefficient of variation of the gaps: 1 is Poisson, more is burstier.",
            )
            .example("2.0"),
        ],
        needs: &[],
    },
    Variant {
        name: "diurnal",
        about: "a Poisson process whose rate is a cosine",
        keys: &[
            Key::needed("mean", RATE, "Mean rate.").unit("requests/s").example("6.0"),
            Key::needed("peak_to_mean", Kind::Real(Reals::from_to(1.0, 2.0)), "The greatest rate over the mean.")
                .example("1.6"),
            Key::needed("period", POSITIVE_DURATION, "Length of a day.").example("\"24h\""),
            Key::needed("peak_at", super::kind::DURATION, "When the rate is greatest, from time zero.")
                .example("\"30m\""),
        ],
        needs: &[],
    },
    Variant {
        name: "mmpp",
        about: "a Poisson process that goes through states in turn (Markov-modulated)",
        keys: &[
            Key::needed("rates", Kind::List(&STATE_RATE, 1), "Rate of each state; one must be above 0.")
                .unit("requests/s")
                .example("[2.0, 20.0]"),
            Key::needed(
                "dwell",
                Kind::List(&Kind::Duration("100ms", "365d"), 1),
                "Mean time in each state, as many as rates.",
            )
            .example("[\"5m\", \"30s\"]"),
        ],
        needs: &[],
    },
];
