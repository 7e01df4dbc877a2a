//! `[study]`, `[clients]`, `[router]`, `[slo]`.

use super::kind::{DURATION, FACTOR, Kind, MOST_RUNS, POSITIVE_DURATION, PROBABILITY, QUANTILE, word};
use super::{Key, Table};

pub(super) static STUDY: Table = Table {
    path: "study",
    title: "How many runs, of what length",
    intro: "Time zero is the end of the warm-up: `rollout.start`, the `at` of actions and every `time_s` count from it. The \
            measured window is `duration` long; afterwards traffic goes on unmeasured until every measured request has \
            ended, at most `cool_down`.",
    keys: &[
        Key::value(
            "runs",
            Kind::Whole(1, MOST_RUNS),
            "1000",
            "Monte Carlo runs: four times as many halve an interval. `--runs` overrides.",
        ),
        Key::value(
            "seed",
            Kind::Whole(0, i64::MAX),
            "1",
            "Of all randomness: the same seed gives the same bytes. `--seed` overrides.",
        ),
        Key::value(
            "warm_up",
            DURATION,
            "\"10m\"",
            "Simulated before time zero and not measured, so that the fleet has filled.",
        ),
        Key::value("duration", POSITIVE_DURATION, "\"90m\"", "The measured window; the rollout should end within it."),
        Key::value("cool_down", DURATION, "\"15m\"", "Longest wait after the window for measured requests to end."),
        Key::value(
            "timeline_bin",
            POSITIVE_DURATION,
            "\"10s\"",
            "A row of `timeline.csv`; the window has at most 20,000.",
        ),
    ],
    needs: &[],
    example: "[study]\nruns = 1000\nseed = 1\nwarm_up = \"10m\"\nduration = \"90m\"",
};

pub(super) static CLIENTS: Table = Table {
    path: "clients",
    title: "What clients do when an attempt goes wrong",
    intro: "Refused, dropped, truncated and failed attempts are retried; what timed out is not. A dip in capacity makes its \
            own storm of retries.",
    keys: &[
        Key::words(
            "timeout",
            POSITIVE_DURATION,
            "never",
            "Of an attempt, end to end: it cancels the work on the server and is not retried.",
        )
        .example("\"10m\""),
        Key::value("max_retries", Kind::Whole(0, 100), "0", "Attempts after the first.").example("2"),
        Key::words("backoff", Kind::Table(&BACKOFF), "all defaults", "Wait before a retry, exponential with jitter.")
            .example("{ initial = \"500ms\", factor = 2.0, max = \"30s\", jitter = 0.5 }"),
    ],
    needs: &[],
    example: "[clients]\ntimeout = \"10m\"\nmax_retries = 2\nbackoff = { initial = \"500ms\", factor = 2.0, max = \"30s\", jitter = 0.5 }",
};

static BACKOFF: Table = Table {
    path: "clients.backoff",
    title: "Wait before a retry",
    intro: "The k-th retry waits min(`initial` x `factor`^(k-1), `max`), less a random share of up to `jitter` of it.",
    keys: &[
        Key::value("initial", DURATION, "\"500ms\"", "Before the first retry."),
        Key::value("factor", FACTOR, "2.0", "Growth from one retry to the next."),
        Key::value("max", DURATION, "\"30s\"", "Longest wait."),
        Key::value("jitter", PROBABILITY, "0.5", "Share of the wait that is random."),
    ],
    needs: &[],
    example: "",
};

pub(super) static ROUTER: Table = Table {
    path: "router",
    title: "The router in front of the replicas",
    intro: "",
    keys: &[
        Key::value(
            "policy",
            Kind::Choice(&[
                word("random", "any ready replica, uniformly"),
                word("round_robin", "in turn"),
                word("least_requests", "one of those with the fewest requests, uniformly"),
                word("power_of_two", "the one with fewer requests of two drawn uniformly"),
            ]),
            "\"least_requests\"",
            "How a ready replica is chosen.",
        ),
        Key::words(
            "max_queue_per_replica",
            Kind::Whole(0, 10_000_000),
            "no limit",
            "Requests that may wait at a replica, for a slot or for cache, beyond those that run; more are refused.",
        )
        .example("1000"),
        Key::value(
            "max_gateway_wait",
            DURATION,
            "\"30s\"",
            "How long requests wait at the gateway while no replica is ready, before they are refused.",
        ),
    ],
    needs: &[],
    example: "[router]\npolicy = \"least_requests\"\nmax_queue_per_replica = 1000\nmax_gateway_wait = \"30s\"",
};

pub(super) static SLO: Table = Table {
    path: "slo",
    title: "The latency that users were promised",
    intro: "Without this table `slo_violation_seconds` has no value. It is the total length of the bins in which more than \
            1 - `quantile` of the requests that arrive miss the time to first token; no first token is a miss.",
    keys: &[
        Key::value("ttft", POSITIVE_DURATION, "\"2s\"", "Longest acceptable time to first token."),
        Key::value("quantile", QUANTILE, "0.99", "Share of the requests that must meet it."),
        Key::value(
            "bin",
            POSITIVE_DURATION,
            "\"60s\"",
            "Width of the bins in which it is judged; the window has at most 20,000.",
        ),
    ],
    needs: &[],
    example: "[slo]\nttft = \"2s\"\nquantile = 0.99\nbin = \"60s\"",
};
