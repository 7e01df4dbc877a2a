//! `[fleet]` and `[new_version]`.

use super::kind::{DURATION, FACTOR, Kind, PROBABILITY, Reals, Unit};
use super::quantity::Extra;
use super::{Key, Table};

/// Prices of a GPU-hour.
const PRICE: Kind = Kind::Real(Reals::from_to(0.0, 1e6));

pub(super) static FLEET: Table = Table {
    path: "fleet",
    title: "The replicas, their GPUs and what these cost",
    intro: "GPUs are billed from the moment a replica gets its node until its last process has exited, back-off after \
            crashes included; a replica that waits for GPUs holds none.",
    keys: &[
        Key::value(
            "replicas",
            Kind::Whole(1, 10_000),
            "8",
            "Replicas that the fleet should have; so many are ready when a run begins.",
        ),
        Key::words(
            "needed_replicas",
            Kind::Real(Reals::from_to(0.001, 1e4)),
            "as `replicas`",
            "Capacity, in stable replicas, below which the fleet is said to dip.",
        )
        .unit("replicas")
        .example("7"),
        Key::words(
            "gpus_per_replica",
            Kind::Whole(1, 1024),
            "those of `engine.profile`, else 1",
            "GPUs that one replica holds.",
        )
        .example("1"),
        Key::words(
            "gpu_limit",
            Kind::Whole(1, 1_000_000_000),
            "no limit",
            "GPUs that may be held at once, surge included: the quota. A replica beyond it waits as `pending`.",
        )
        .example("10"),
        Key::words(
            "stockout",
            Kind::Table(&STOCKOUT),
            "never lost",
            "Capacity that is taken by others as soon as it is given back.",
        )
        .example("{ probability = 0.1, delay = \"10m\" }"),
        Key::value("gpu_hour_usd", PRICE, "3.0", "Price of a GPU-hour.").unit("USD"),
        Key::words(
            "surge_gpu_hour_usd",
            PRICE,
            "as `gpu_hour_usd`",
            "Price of a GPU-hour beyond `replicas` x `gpus_per_replica`: on demand rather than reserved, say.",
        )
        .unit("USD")
        .example("4.5"),
    ],
    needs: &[],
    example: "[fleet]\nreplicas = 8\nneeded_replicas = 8\ngpus_per_replica = 1\ngpu_limit = 10\ngpu_hour_usd = 3.0\n\
              surge_gpu_hour_usd = 3.0\n# GPUs that a replica gives back are lost one time in ten, for ten minutes:\n\
              # stockout = { probability = 0.1, delay = \"10m\" }",
};

static STOCKOUT: Table = Table {
    path: "fleet.stockout",
    title: "GPUs that are lost when a replica gives them back",
    intro: "",
    keys: &[
        Key::needed("probability", PROBABILITY, "How likely the GPUs of a replica that is gone are lost.")
            .example("0.1"),
        Key::needed("delay", Kind::Quantity(Unit::Seconds, Extra::Nothing), "Until as many can be had again.")
            .example("\"10m\""),
    ],
    needs: &[],
    example: "",
};

pub(super) static NEW_VERSION: Table = Table {
    path: "new_version",
    title: "How the version being shipped differs from stable",
    intro: "What is left out is as stable's. A bad version is a part of the scenario: this is where it is made bad.",
    keys: &VERSION_KEYS,
    needs: &[],
    example: "[new_version]\nstep_time_factor = 1.0\nerror_probability = 0.0\noutput_tokens_factor = 1.0\ncrash_mtbf = \"0s\"",
};

const VERSION_KEYS: [Key; 6] = [
    Key::value("step_time_factor", FACTOR, "1.0", "Multiplies the time of every step: 1.4 is 40 % slower."),
    Key::value(
        "prefill_time_factor",
        FACTOR,
        "1.0",
        "Multiplies what reading prompts adds to a step, on top of that: slow first tokens alone.",
    ),
    Key::value("error_probability", PROBABILITY, "0.0", "How likely an attempt fails at once, without a token."),
    Key::value("output_tokens_factor", FACTOR, "1.0", "Multiplies the length of answers."),
    Key::value("crash_mtbf", DURATION, "\"0s\"", "Mean time from ready to a crash; `\"0s\"`: it never crashes."),
    Key::words(
        "start_failure_probability",
        PROBABILITY,
        "as `cold_start.failure_probability`",
        "How likely a start fails at its end.",
    )
    .example("0.0"),
];

/// The keys of a version that an action ships.
pub(super) const SHIPPED_KEYS: [Key; 7] = [
    Key::needed("name", Kind::Text("letters, digits, `.`, `_` and `-`, at most 40"), "Its name in files; a new one.")
        .example("\"v3\""),
    VERSION_KEYS[0],
    VERSION_KEYS[1],
    VERSION_KEYS[2],
    VERSION_KEYS[3],
    VERSION_KEYS[4],
    VERSION_KEYS[5],
];
