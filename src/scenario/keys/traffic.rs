//! `[traffic]`.

use super::kind::{DURATION, Kind, Reals, Unit};
use super::quantity::Extra;
use super::{Key, Need, Table, When};

pub(super) static TRAFFIC: Table = Table {
    path: "traffic",
    title: "The requests: arrivals and lengths, or a recorded trace",
    intro: "Either `arrivals`, `prompt_tokens` and `output_tokens`, or a `trace` instead of the three. Lengths are rounded up \
            to whole tokens, at least 1. A prompt must be bounded (`max`) so that it fits the KV cache; an answer without a \
            `max` is cut where its request no longer fits. `cutover fit` makes this table from recorded requests \
            ([traffic](traffic.md)).\n\n\
            A trace is CSV with the columns `arrival_s`, `prompt_tokens`, `output_tokens`, or as published by Azure \
            (`TIMESTAMP`, `ContextTokens`, `GeneratedTokens`) or by Mooncake (JSON Lines: `timestamp`, `input_length`, \
            `output_length`); plain or .gz.",
    keys: &[
        Key::words("arrivals", Kind::Process, "needed without `trace`", "When requests arrive: an arrival process.")
            .example("{ process = \"poisson\", rate = 6.0 }")
            .only(&[When::Without("trace")]),
        Key::words(
            "prompt_tokens",
            Kind::Quantity(Unit::Tokens, Extra::Nothing),
            "needed without `trace`",
            "Lengths of prompts.",
        )
        .example("{ distribution = \"lognormal\", median = 800, p99 = 6000, max = 32000 }")
        .only(&[When::Without("trace")]),
        Key::words(
            "output_tokens",
            Kind::Quantity(Unit::Tokens, Extra::Nothing),
            "needed without `trace`",
            "Lengths of answers; generation stops at `max`.",
        )
        .example("{ distribution = \"lognormal\", median = 250, p99 = 3000, max = 8192 }")
        .only(&[When::Without("trace")]),
        Key::words(
            "trace",
            Kind::Text("a file, relative to the scenario"),
            "requests are drawn",
            "Recorded requests, instead of the three.",
        )
        .example("\"traces/conversation.csv.gz\""),
        Key::value(
            "trace_speed",
            Kind::Real(Reals::from_to(0.001, 1000.0)),
            "1.0",
            "How many times as fast as recorded.",
        )
        .only(&[When::Beside("trace")]),
        Key::words("trace_offset", DURATION, "at a row drawn for each run", "Where in the recording every run begins.")
            .example("\"10m\"")
            .only(&[When::Beside("trace"), When::Without("trace_block")]),
        Key::value(
            "trace_loop",
            Kind::Boolean,
            "true",
            "Whether the recording begins again after its end, or nothing more is sent.",
        )
        .only(&[When::Beside("trace")]),
        Key::words(
            "trace_block",
            Kind::Duration("1s", "365d"),
            "one stretch",
            "Instead of an offset: stretches of this length, each from a time drawn anew, so that runs differ.",
        )
        .example("\"10m\"")
        .only(&[When::Beside("trace"), When::Without("trace_offset")]),
    ],
    needs: &[
        Need::any(&["arrivals"]).when(When::Without("trace")),
        Need::any(&["prompt_tokens"]).when(When::Without("trace")),
        Need::any(&["output_tokens"]).when(When::Without("trace")),
    ],
    example: "[traffic]\narrivals = { process = \"poisson\", rate = 6.0 }\n\
              prompt_tokens = { distribution = \"lognormal\", median = 800, p99 = 6000, max = 32000 }\n\
              output_tokens = { distribution = \"lognormal\", median = 250, p99 = 3000, max = 8192 }\n\
              # Instead of the three:\n# trace = \"traces/conversation.csv.gz\"\n# trace_block = \"10m\"",
};
