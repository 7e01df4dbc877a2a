//! `[engine]`, `[cold_start]`, `[termination]`.

use super::kind::{DURATION, Kind, PROBABILITY, Reals, Unit, word};
use super::quantity::{Extra, SKIP};
use super::{Key, Table, When};

/// A coefficient of the step time.
const COEFFICIENT: Kind = Kind::Duration("", "1m");
/// What every step takes.
const BASE: Kind = Kind::Duration("+", "1h");
/// A stage of a cold start.
const STAGE: Kind = Kind::Quantity(Unit::Seconds, Extra::Skip);

pub(super) static ENGINE: Table = Table {
    path: "engine",
    title: "One replica's engine, all its GPUs together: continuous batching as vLLM does it",
    intro: "Take the figures from your own server: the cache from vLLM's start-up log (\"GPU KV cache size\"), `base` and \
            `per_sequence` from the time between tokens at small and large batches, `per_prefill_token` from the time to \
            first token of long prompts over their length. Or name a model on known hardware as `profile`: it gives \
            `kv_cache_tokens`, `block_size`, `overhead` and `step_time` where they are not written, of `step_time` each \
            coefficient; and the weights of the cold start and `fleet.gpus_per_replica`.",
    keys: &[
        Key::words("profile", Kind::Profile, "none", "A model on known hardware; `cutover profiles` lists them.")
            .example("\"h100-llama-3.1-8b-vllm\""),
        Key::value("max_num_seqs", Kind::Whole(1, 10_000_000), "256", "Sequences that run at once."),
        Key::value("max_num_batched_tokens", Kind::Whole(1, 10_000_000), "8192", "Tokens that one step may process."),
        Key::value(
            "chunked_prefill",
            Kind::Boolean,
            "true",
            "`true`: prompts are read in chunks beside the decodes (vLLM V1); `false`: whole, before decodes (vLLM V0).",
        ),
        Key::words(
            "kv_cache_tokens",
            Kind::Whole(1, 1_000_000_000),
            "the profile's, else 400000",
            "Tokens that the KV cache holds.",
        )
        .unit("tokens")
        .example("400000"),
        Key::words("block_size", Kind::Whole(1, 1_000_000), "the profile's, else 16", "Tokens in a block of the cache.")
            .unit("tokens")
            .example("16"),
        Key::words(
            "kv_watermark",
            Kind::Real(Reals { below_greatest: true, ..Reals::from_to(0.0, 1.0) }),
            "0; 0.01 without chunked prefill",
            "Share of the blocks that an admission leaves free.",
        )
        .example("0.0"),
        Key::value(
            "reserve_full_prompt",
            Kind::Boolean,
            "true",
            "Whether a prompt is admitted only with room for all of it, rather than for its first chunk.",
        ),
        Key::words(
            "step_time",
            Kind::Table(&STEP_TIME),
            "the profile's, else `{ base = \"8ms\", per_sequence = \"50us\", per_kv_token = \"20ns\", per_prefill_token = \"60us\" }`",
            "How long a step takes.",
        )
        .example("{ base = \"8ms\", per_sequence = \"50us\", per_kv_token = \"20ns\", per_prefill_token = \"60us\" }"),
        Key::words(
            "overhead",
            Kind::Duration("", "1h"),
            "the profile's, else 0ms",
            "Of every step, beyond `step_time`: scheduling, sampling, sending tokens out.",
        )
        .example("\"2ms\""),
        Key::words("speculative", Kind::Table(&SPECULATIVE), "none", "Speculative decoding.")
            .example("{ tokens = 4, acceptance = 0.7 }"),
        Key::words(
            "saturated_tokens_per_second",
            Kind::Real(Reals::positive(1e15)),
            "follows from the step time",
            "The rate of a replica that never lacks work, to which utilization and the price of a token refer.",
        )
        .unit("tokens/s")
        .example("2000"),
    ],
    needs: &[],
    example: "[engine]\nmax_num_seqs = 256\nmax_num_batched_tokens = 8192\nkv_cache_tokens = 400000\n\
              step_time = { base = \"8ms\", per_sequence = \"50us\", per_kv_token = \"20ns\", per_prefill_token = \"60us\" }\n\
              # Instead of the last two, a measured engine:\n# profile = \"h100-llama-3.1-8b-vllm\"\n\
              # speculative = { tokens = 4, acceptance = 0.7 }",
};

static STEP_TIME: Table = Table {
    path: "engine.step_time",
    title: "How long a step takes",
    intro: "The sum of these, each times what it is per ([model](model.md)). What the table leaves out is the profile's, or \
            zero without one.",
    keys: &[
        Key::words(
            "base",
            BASE,
            "the profile's; needed without one, or `base_table` instead",
            "Of every step: reading the weights.",
        )
        .example("\"8ms\"")
        .only(&[When::Without("base_table")]),
        Key::words(
            "base_table",
            Kind::List(&Kind::Pair(&[Kind::Whole(0, 10_000_000), BASE]), 1),
            "none",
            "Instead of `base` and `per_sequence`: points of decoding sequences and time, ascending, linear between.",
        )
        .example("[[1, \"8ms\"], [64, \"11ms\"]]"),
        Key::words("per_sequence", COEFFICIENT, "the profile's, else 0", "Per decoding sequence.")
            .example("\"50us\"")
            .only(&[When::Without("base_table")]),
        Key::words(
            "per_kv_token",
            COEFFICIENT,
            "the profile's, else 0",
            "Per token of context of the decoding sequences.",
        )
        .example("\"20ns\""),
        Key::words("per_prefill_token", COEFFICIENT, "the profile's, else 0", "Per prompt token read.")
            .example("\"60us\""),
        Key::words(
            "per_prefill_token_squared",
            COEFFICIENT,
            "the profile's, else 0",
            "Per squared number of prompt tokens that a sequence reads in the step.",
        )
        .example("\"2ns\""),
        Key::words(
            "per_prefill_token_context",
            COEFFICIENT,
            "the profile's, else 0",
            "Per prompt token read and token that its sequence had read before.",
        )
        .example("\"2ns\""),
    ],
    needs: &[],
    example: "",
};

static SPECULATIVE: Table = Table {
    path: "engine.speculative",
    title: "Speculative decoding",
    intro: "",
    keys: &[
        Key::needed("tokens", Kind::Whole(1, 32), "Draft tokens of a step.").example("4"),
        Key::needed("acceptance", PROBABILITY, "How likely each is accepted if those before it were.").example("0.7"),
    ],
    needs: &[],
    example: "",
};

pub(super) static COLD_START: Table = Table {
    path: "cold_start",
    title: "What a new replica goes through before it is ready",
    intro: "The stages follow one another, in this order; each is `\"0s\"` where it is left out. A stage's table may have a \
            `skip_probability`: image or weights may be there already. Loading is gigabytes over a bandwidth of the \
            replica's own, and all that load at once share `shared_gigabytes_per_second`: surge replicas slow each other \
            down.",
    keys: &[
        Key::value("provision", STAGE, "\"0s\"", "Getting a node."),
        Key::value("image_pull", STAGE, "\"0s\"", "Pulling the image.")
            .example("{ distribution = \"lognormal\", median = \"60s\", p99 = \"240s\" }"),
        Key::words(
            "weight_load",
            Kind::Either(&[Kind::Table(&WEIGHT_LOAD), STAGE]),
            "0s; the profile's weights at 0.72 GB/s where there is one",
            "Loading the weights: gigabytes over a bandwidth, or a plain stage.",
        )
        .example("{ gigabytes = 27, gigabytes_per_second = 0.7, shared_gigabytes_per_second = 4.0 }"),
        Key::value("engine_start", STAGE, "\"0s\"", "Starting the engine: compilation, graph capture.")
            .example("{ distribution = \"lognormal\", median = \"75s\", p99 = \"150s\" }"),
        Key::value(
            "failure_probability",
            PROBABILITY,
            "0.0",
            "How likely a start fails at its end, and is tried again after a back-off.",
        ),
        Key::value(
            "readiness_period",
            DURATION,
            "\"0s\"",
            "Period of the readiness probe; `\"0s\"`: readiness is seen at once.",
        )
        .example("\"10s\""),
    ],
    needs: &[],
    example: "[cold_start]\nimage_pull = { distribution = \"lognormal\", median = \"60s\", p99 = \"240s\" }\n\
              weight_load = { gigabytes = 27, gigabytes_per_second = 0.7, shared_gigabytes_per_second = 4.0 }\n\
              engine_start = { distribution = \"lognormal\", median = \"75s\", p99 = \"150s\" }\nreadiness_period = \"10s\"",
};

static WEIGHT_LOAD: Table = Table {
    path: "cold_start.weight_load",
    title: "Gigabytes over a bandwidth",
    intro: "With `engine.profile`, `gigabytes` and `gigabytes_per_second` may be left out.",
    keys: &[
        Key::words(
            "gigabytes",
            Kind::Real(Reals::from_to(0.0, 1e6)),
            "the profile's; needed without one",
            "What one replica reads, 10^9 bytes; 0: no such stage.",
        )
        .unit("GB")
        .example("27"),
        Key::words(
            "gigabytes_per_second",
            Kind::Quantity(Unit::GigabytesPerSecond, Extra::Nothing),
            "0.72 beside a profile; needed without one",
            "A replica's own bandwidth.",
        )
        .unit("GB/s")
        .example("0.7"),
        Key::words(
            "shared_gigabytes_per_second",
            Kind::Bandwidth,
            "nothing shared",
            "What all that load at once share fairly.",
        )
        .unit("GB/s")
        .example("4.0"),
        SKIP,
    ],
    needs: &[],
    example: "",
};

pub(super) static TERMINATION: Table = Table {
    path: "termination",
    title: "What an old replica goes through, as in the pod's specification",
    intro: "Three clocks start together when a replica is deleted: the grace period, the endpoint lag and the preStop hook. \
            SIGTERM follows the hook; then the server refuses new requests and finishes or drops what it has. SIGKILL comes \
            when the grace period is over (at least 2 s after SIGTERM) and cuts whoever is still answering. `cutover grace` \
            finds a period that is long enough.",
    keys: &[
        Key::value(
            "grace_period",
            DURATION,
            "\"30s\"",
            "From the deletion to SIGKILL, the hook included: Kubernetes' `terminationGracePeriodSeconds`.",
        ),
        Key::value(
            "pre_stop",
            DURATION,
            "\"0s\"",
            "Length of the preStop hook, before SIGTERM and inside the grace period; it bridges the endpoint lag.",
        )
        .example("\"5s\""),
        Key::value("endpoint_lag", DURATION, "\"0s\"", "From the deletion until the router stops sending.")
            .example("\"1s\""),
        Key::value(
            "on_sigterm",
            Kind::Choice(&[
                word("drain", "finish what was accepted"),
                word("abort", "drop it, as vLLM does by default"),
            ]),
            "\"drain\"",
            "What the server does on SIGTERM with what it has accepted, its queue included.",
        ),
    ],
    needs: &[],
    example: "[termination]\ngrace_period = \"30s\"\npre_stop = \"5s\"\nendpoint_lag = \"1s\"\non_sigterm = \"drain\"",
};
