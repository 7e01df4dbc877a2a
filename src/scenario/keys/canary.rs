//! `[rollout.canary]`: Argo Rollouts' keys, its steps, and Flagger's keys.

use super::kind::{DURATION, Kind, word};
use super::rollout::{
    ABORT_SCALE_DOWN_DELAY, MAX_SURGE, MAX_UNAVAILABLE, MIN_READY, PROGRESS_DEADLINE, PROGRESS_DEADLINE_ABORT,
    SCALE_DOWN_DELAY,
};
use super::{Key, Need, Table, When};

const ARGO: &[When] = &[When::With("controller", &["argo"])];
const FLAGGER: &[When] = &[When::With("controller", &["flagger"])];
/// Percentages from 0.
const PERCENT: Kind = Kind::Whole(0, 100);
/// Percentages above 0.
const WEIGHT: Kind = Kind::Whole(1, 100);

pub(super) static CANARY: Table = Table {
    path: "rollout.canary",
    title: "Argo Rollouts' canary, or Flagger's",
    intro: "`controller` says whose. Each has keys of its own, refused beside the other; `max_surge`, `max_unavailable`, \
            `min_ready` and `progress_deadline` are both's. Argo's goes through `steps`; with traffic routing it may need two \
            whole fleets, and ignores surge and unavailable. Flagger's does all that it does at a tick, keeps a whole canary \
            beside the primary, and its `max_surge` and `max_unavailable` are those of both Deployments: the primary's is \
            what the promotion rolls with ([model](model.md#flagger)). Of an analysis Flagger reads `metric`, `quantile`, \
            `max` or `max_ratio_to_stable`, `window` and `min_samples`; no data is a failed check.",
    keys: &[
        Key::value(
            "controller",
            Kind::Choice(&[word("argo", "Argo Rollouts: steps"), word("flagger", "Flagger: ticks")]),
            "\"argo\"",
            "Whose canary.",
        ),
        Key::value(
            "steps",
            Kind::Tables(&STEP),
            "[]",
            "What it goes through, one after another; then everything goes to the new version.",
        )
        .example("[{ set_weight = 5 }, { pause = \"5m\" }, { set_weight = 25 }, { analysis = [\"ttft\"] }]")
        .only(ARGO),
        Key::value(
            "traffic_routing",
            Kind::Boolean,
            "true",
            "Whether a traffic router splits requests by weight; else the number of pods does.",
        )
        .only(ARGO),
        MAX_SURGE,
        MAX_UNAVAILABLE,
        Key::value(
            "background_analysis",
            Kind::Analyses(0),
            "[]",
            "Analyses that run beside the steps and may abort at any time.",
        )
        .example("[\"errors\"]")
        .only(ARGO),
        Key::value(
            "background_starting_step",
            Kind::Whole(0, i64::MAX),
            "0",
            "Step, counted from 0, at which they start; no more than there are steps.",
        )
        .only(ARGO),
        Key::value(
            "dynamic_stable_scale",
            Kind::Boolean,
            "false",
            "Whether stable shrinks as the canary grows; needs traffic routing.",
        )
        .only(ARGO),
        SCALE_DOWN_DELAY.only(ARGO),
        ABORT_SCALE_DOWN_DELAY.only(ARGO),
        Key::words(
            "scale_down_delay_revision_limit",
            Kind::Whole(0, 10_000),
            "any number",
            "Old fleets that are kept for `scale_down_delay` at once.",
        )
        .example("2")
        .only(ARGO),
        Key::words(
            "min_pods_per_replica_set",
            Kind::Whole(1, 10_000),
            "none",
            "Least number of pods of a version that has any; needs traffic routing.",
        )
        .example("1")
        .only(ARGO),
        Key::words(
            "replica_progress_threshold",
            Kind::CountOrPercent(100),
            "all",
            "How many of the pods that a step asks for must be available for it to be done.",
        )
        .example("\"90%\"")
        .only(ARGO),
        Key::value(
            "rollback_window",
            Kind::Whole(0, 10_000),
            "0",
            "Going back past fewer versions than this skips the steps; 0: it never does.",
        )
        .only(ARGO),
        MIN_READY,
        PROGRESS_DEADLINE,
        PROGRESS_DEADLINE_ABORT.only(ARGO),
        Key::value("interval", Kind::Duration("10s", "24h"), "\"60s\"", "Of the ticks.").only(FLAGGER),
        Key::value(
            "threshold",
            Kind::Whole(1, 1_000_000),
            "1",
            "Failed checks, of the whole analysis, that roll it back.",
        )
        .example("5")
        .only(FLAGGER),
        Key::words("step_weight", WEIGHT, "needed, or `step_weights`", "Percent of the requests that a tick adds.")
            .unit("%")
            .example("10")
            .only(FLAGGER),
        Key::value("max_weight", WEIGHT, "100", "Percent from which on it is promoted.")
            .unit("%")
            .example("50")
            .only(&[When::With("controller", &["flagger"]), When::Without("step_weights")]),
        Key::words(
            "step_weights",
            Kind::List(&WEIGHT, 1),
            "`step_weight` and `max_weight` say",
            "Instead of the two: ascending percentages; at the last it is promoted.",
        )
        .unit("%")
        .example("[1, 5, 25, 50]")
        .only(FLAGGER),
        Key::value(
            "step_weight_promotion",
            PERCENT,
            "0",
            "Percent that go back to the primary at a tick once it is updated; 0: all.",
        )
        .unit("%")
        .only(FLAGGER),
        Key::value("analysis", Kind::Analyses(0), "[]", "Checked once a tick, in this order.")
            .example("[\"errors\"]")
            .only(FLAGGER),
        Key::value(
            "canary_ready_threshold",
            PERCENT,
            "100",
            "Percent of the canary's replicas that must be available for a tick to go on.",
        )
        .unit("%")
        .only(FLAGGER),
        Key::value("primary_ready_threshold", PERCENT, "100", "The same of the primary's.").unit("%").only(FLAGGER),
    ],
    needs: &[Need::one(&["step_weight", "step_weights"]).when(When::With("controller", &["flagger"]))],
    example: "[rollout.canary]\nmax_surge = \"25%\"\nmax_unavailable = 0\nbackground_analysis = [\"errors\"]\nsteps = [\n  \
              { set_weight = 5 },\n  { pause = \"5m\" },\n  { set_canary_scale = { replicas = 2 } },\n  \
              { set_weight = 25 },\n  { analysis = [\"ttft\"] },\n]",
};

pub(super) static STEP: Table = Table {
    path: "rollout.canary.steps",
    title: "A step of Argo Rollouts' canary",
    intro: "Each is a table with exactly one of these keys.",
    keys: &[
        Key::words(
            "set_weight",
            PERCENT,
            "another kind of step",
            "Percent of the requests that go to the new version.",
        )
        .unit("%")
        .example("25"),
        Key::words(
            "pause",
            Kind::Either(&[DURATION, Kind::Choice(&[word("until_promoted", "until an action promotes it")])]),
            "another kind of step",
            "Wait so long; or until somebody promotes it.",
        )
        .example("\"5m\""),
        Key::words(
            "set_canary_scale",
            Kind::Table(&SCALE),
            "another kind of step",
            "How many replicas the canary has, apart from its weight.",
        )
        .example("{ replicas = 2 }"),
        Key::words(
            "analysis",
            Kind::Analyses(1),
            "another kind of step",
            "Run these analyses and wait for their verdict; each needs a `count`.",
        )
        .example("[\"ttft\"]"),
    ],
    needs: &[Need::one(&["set_weight", "pause", "set_canary_scale", "analysis"])],
    example: "",
};

static SCALE: Table = Table {
    path: "rollout.canary.steps.set_canary_scale",
    title: "How many replicas the canary has",
    intro: "Exactly one of these keys; needs traffic routing.",
    keys: &[
        Key::words("replicas", Kind::Whole(0, 10_000), "one of the others", "So many.").example("2"),
        Key::words(
            "weight",
            Kind::Whole(0, 1000),
            "one of the others",
            "Percent of the desired replicas; may be more than all.",
        )
        .unit("%")
        .example("25"),
        Key::words(
            "match_traffic_weight",
            Kind::True,
            "one of the others",
            "`true`: as its weight says, from then on.",
        )
        .example("true"),
    ],
    needs: &[Need::one(&["replicas", "weight", "match_traffic_weight"])],
    example: "",
};

/// Flagger's canary in TOML, with an analysis as Flagger reads it.
pub const FLAGGER_EXAMPLE: &str = "\
[rollout.canary]
controller = \"flagger\"
interval = \"60s\"
threshold = 5
step_weight = 10
max_weight = 50
analysis = [\"errors\"]
max_surge = \"25%\"
max_unavailable = 0

[analysis.errors]
metric = \"error_rate\"
max = 0.01";
