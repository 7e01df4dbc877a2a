//! `[rollout]` and the tables of its strategies but the canary's.

use super::kind::{DURATION, Kind, POSITIVE_DURATION, word};
use super::{Key, Table, canary};

/// Most percent of a surge.
const MOST_SURGE: u32 = 10_000;

/// Beyond the desired replicas.
pub(super) const MAX_SURGE: Key = Key::value(
    "max_surge",
    Kind::CountOrPercent(MOST_SURGE),
    "\"25%\"",
    "Replicas beyond the desired ones while it rolls; a percentage rounds up.",
);
/// Short of the desired replicas.
pub(super) const MAX_UNAVAILABLE: Key = Key::value(
    "max_unavailable",
    Kind::CountOrPercent(100),
    "\"25%\"",
    "Desired replicas that may be missing while it rolls; a percentage rounds down.",
);
/// How soon a ready replica counts.
pub(super) const MIN_READY: Key =
    Key::value("min_ready", DURATION, "\"0s\"", "A replica that was ready for so long is available.");
/// How long nothing may happen.
pub(super) const PROGRESS_DEADLINE: Key =
    Key::value("progress_deadline", POSITIVE_DURATION, "\"10m\"", "So long without progress is reported.");
/// Whether that ends it.
pub(super) const PROGRESS_DEADLINE_ABORT: Key =
    Key::value("progress_deadline_abort", Kind::Boolean, "false", "Whether running past the progress deadline aborts.");

const POLICIES: Kind = Kind::Choice(&[
    word("termination_started", "it may be replaced as soon as it terminates"),
    word("termination_complete", "it holds its place until it is gone"),
]);

pub(super) static ROLLOUT: Table = Table {
    path: "rollout",
    title: "How the new version is rolled out, and when",
    intro: "Keys of strategies are Kubernetes', Argo Rollouts' and Flagger's own in snake case, with a trailing `Seconds` \
            dropped because durations carry their unit; the rules are theirs, to the replica and the second. Tables of \
            strategies that are not selected are checked, then ignored: `--set rollout.strategy=none` compares.",
    keys: &[
        Key::needed(
            "strategy",
            Kind::Choice(&[
                word("none", "no rollout: what everything else is compared with"),
                word("recreate", "Kubernetes' Recreate: all old replicas go first"),
                word("rolling", "Kubernetes' RollingUpdate"),
                word("blue_green", "Argo Rollouts' blue-green: a second fleet, switched at once"),
                word("canary", "Argo Rollouts' or Flagger's canary"),
            ]),
            "How.",
        )
        .example("\"rolling\""),
        Key::value(
            "start",
            DURATION,
            "\"20m\"",
            "When the new version is applied, from time zero; before `study.duration`.",
        ),
        Key::words("recreate", Kind::Table(&RECREATE), "all defaults", RECREATE.title),
        Key::words("rolling", Kind::Table(&ROLLING), "all defaults", ROLLING.title),
        Key::words("blue_green", Kind::Table(&BLUE_GREEN), "all defaults", BLUE_GREEN.title),
        Key::words("canary", Kind::Table(&canary::CANARY), "all defaults", canary::CANARY.title),
    ],
    needs: &[],
    example: "[rollout]\nstrategy = \"canary\"\nstart = \"20m\"",
};

pub(super) static RECREATE: Table = Table {
    path: "rollout.recreate",
    title: "Kubernetes' Recreate",
    intro: "An outage as long as a cold start.",
    keys: &[
        Key::words(
            "pod_replacement_policy",
            POLICIES,
            "all old replicas must be gone",
            "When a terminating replica may be replaced.",
        )
        .example("\"termination_complete\""),
        MIN_READY,
        PROGRESS_DEADLINE,
    ],
    needs: &[],
    example: "[rollout.recreate]\nmin_ready = \"0s\"\nprogress_deadline = \"10m\"",
};

pub(super) static ROLLING: Table = Table {
    path: "rollout.rolling",
    title: "Kubernetes' RollingUpdate",
    intro: "Two literal zeros are refused; any other pair that comes to zero and zero lets one replica be unavailable, as in \
            Kubernetes.",
    keys: &[
        MAX_SURGE,
        MAX_UNAVAILABLE,
        Key::words(
            "pod_replacement_policy",
            POLICIES,
            "a terminating replica does not hold its place",
            "When a terminating replica may be replaced.",
        )
        .example("\"termination_complete\""),
        MIN_READY,
        PROGRESS_DEADLINE,
    ],
    needs: &[],
    example: "[rollout.rolling]\nmax_surge = \"25%\"\nmax_unavailable = \"25%\"\nmin_ready = \"0s\"\nprogress_deadline = \"10m\"",
};

/// How long the old fleet is kept.
pub(super) const SCALE_DOWN_DELAY: Key = Key::words(
    "scale_down_delay",
    DURATION,
    "30s",
    "How long the old fleet is kept after the promotion; an explicit `\"0s\"` keeps it for ever, as Argo does.",
)
.example("\"30s\"");
/// How long the new fleet is kept after an abort.
pub(super) const ABORT_SCALE_DOWN_DELAY: Key = Key::words(
    "abort_scale_down_delay",
    DURATION,
    "30s",
    "How long the new fleet is kept after an abort; an explicit `\"0s\"` keeps it.",
)
.example("\"30s\"");

pub(super) static BLUE_GREEN: Table = Table {
    path: "rollout.blue_green",
    title: "Argo Rollouts' blue-green",
    intro: "It needs GPUs for a second fleet, or for `preview_replica_count` replicas until the promotion.",
    keys: &[
        Key::words(
            "preview_replica_count",
            Kind::Whole(0, 10_000),
            "all",
            "Replicas of the new version before the promotion.",
        )
        .example("2"),
        Key::value("auto_promotion_enabled", Kind::Boolean, "true", "Whether it is promoted without somebody's word."),
        Key::value("auto_promotion", DURATION, "\"0s\"", "Pause before the automatic promotion."),
        SCALE_DOWN_DELAY,
        ABORT_SCALE_DOWN_DELAY,
        Key::words(
            "scale_down_delay_revision_limit",
            Kind::Whole(0, 10),
            "any number",
            "Old fleets that are kept for `scale_down_delay` at once.",
        )
        .example("2"),
        Key::value(
            "rollback_window",
            Kind::Whole(0, 10_000),
            "0",
            "Going back past fewer versions than this skips pauses and analyses; 0: it never does.",
        ),
        Key::value("pre_promotion_analysis", Kind::Analyses(0), "[]", "Analyses that must pass before the switch."),
        Key::value(
            "post_promotion_analysis",
            Kind::Analyses(0),
            "[]",
            "Analyses that must pass after it, or traffic goes back.",
        )
        .example("[\"ttft\"]"),
        MIN_READY,
        PROGRESS_DEADLINE,
        PROGRESS_DEADLINE_ABORT,
    ],
    needs: &[],
    example: "[rollout.blue_green]\npreview_replica_count = 2\nauto_promotion_enabled = true\nauto_promotion = \"0s\"\n\
              scale_down_delay = \"30s\"\npost_promotion_analysis = [\"ttft\"]",
};
