//! `[[action]]`, `[[check]]`, `[plan]`.

use super::fleet::SHIPPED_KEYS;
use super::kind::{Kind, MOST_RUNS, Reals, word};
use super::{Key, Need, Table, When};

/// Any number that is not absurd.
const FINITE: Kind = Kind::Real(Reals::from_to(-1e15, 1e15));

pub(super) static ACTION: Table = Table {
    path: "action",
    title: "What operators and the world do during the run; any number of them",
    intro: "With any rollout: `pause`, `resume`, `roll_back`, `ship`. With Argo Rollouts or Flagger: `abort`. With Argo \
            Rollouts: `retry`, `promote`, `promote_full`. Always: `set_replicas`, `make_unready`, `make_ready`, \
            `kill_replicas`.",
    keys: &[
        Key::needed("at", super::kind::DURATION, "When, from time zero; before `study.duration`.").example("\"50m\""),
        Key::needed(
            "do",
            Kind::Choice(&[
                word("set_replicas", "the fleet should have so many replicas from then on"),
                word("pause", "the rollout is paused"),
                word("resume", "it goes on"),
                word("abort", "back to stable"),
                word("retry", "an aborted rollout is tried again"),
                word("promote", "the pause or step is over"),
                word("promote_full", "all steps, pauses and analyses are skipped"),
                word("roll_back", "the version before is shipped"),
                word("ship", "another version is shipped"),
                word("make_unready", "replicas stop passing their readiness probe"),
                word("make_ready", "they pass it again"),
                word("kill_replicas", "replicas are lost, as with their node"),
            ]),
            "What.",
        )
        .example("\"set_replicas\""),
        Key::words(
            "replicas",
            Kind::Whole(0, 10_000),
            "1; needed with `set_replicas`",
            "Of `set_replicas`, how many there should be; of the others, how many are concerned (at least 1).",
        )
        .example("10")
        .only(&[When::With("do", &["set_replicas", "make_unready", "make_ready", "kill_replicas"])]),
        Key::words(
            "version",
            Kind::Either(&[
                Kind::Text("`\"stable\"`, `\"new\"`, or a name that an action above gives"),
                Kind::Table(&VERSION),
            ]),
            "any; needed with `ship`",
            "Whose replicas, the oldest first. Of `ship`: a version that was named before, or a new one as a table.",
        )
        .example("{ name = \"v3\", step_time_factor = 1.2 }")
        .only(&[When::With("do", &["ship", "make_unready", "make_ready", "kill_replicas"])]),
    ],
    needs: &[
        Need::any(&["replicas"]).when(When::With("do", &["set_replicas"])),
        Need::any(&["version"]).when(When::With("do", &["ship"])),
    ],
    example: "[[action]]\nat = \"50m\"\ndo = \"set_replicas\"\nreplicas = 10",
};

static VERSION: Table = Table {
    path: "action.version",
    title: "A version that an action ships",
    intro: "A name, and the keys of `[new_version]`.",
    keys: &SHIPPED_KEYS,
    needs: &[],
    example: "",
};

pub(super) static CHECK: Table = Table {
    path: "check",
    title: "What must hold; any number of them",
    intro: "`cutover check` ends with exit code 0 if every check holds, 1 if one fails, 3 if the runs cannot tell. Of `min` \
            and `max`, at least one.",
    keys: &[
        Key::needed("metric", Kind::Metric, "A metric of one run.").example("\"truncated_attempts\""),
        Key::needed(
            "statistic",
            Kind::Choice(&[
                word("mean", "the mean over runs"),
                word("min", "the least of all runs, without an interval"),
                word("max", "the greatest of all runs, without an interval"),
                word("p50", "the median over runs"),
                word("p90", "nine runs in ten are at or below it"),
                word("p95", "19 runs in 20 are at or below it"),
                word("p99", "99 runs in 100 are at or below it"),
                word("probability_positive", "the share of runs in which it is above zero"),
            ]),
            "A statistic of it over runs.",
        )
        .example("\"p95\""),
        Key::words("min", FINITE, "`max` alone", "The least that is allowed, in the metric's unit.").example("0.9"),
        Key::words("max", FINITE, "`min` alone", "The most that is allowed, in the metric's unit.").example("0"),
        Key::value(
            "severity",
            Kind::Choice(&[
                word("fail", "a broken promise fails the gate"),
                word("warn", "it is told, and the exit code stays as it is"),
            ]),
            "\"fail\"",
            "What it means where it does not hold.",
        ),
        Key::words("description", Kind::Title, "nothing is said", "Why it is promised, shown wherever the check is.")
            .example("\"nobody is cut off\""),
    ],
    needs: &[Need::any(&["min", "max"])],
    example: "[[check]]\nmetric = \"truncated_attempts\"\nstatistic = \"p95\"\nmax = 0",
};

pub(super) static PLAN: Table = Table {
    path: "plan",
    title: "What `cutover plan` may choose, and to what end; other commands do not read it",
    intro: "See [plan](plan.md). A choice is the dotted path of a key of this file, in quotes, with a list of the values that it \
            may take; not of `study`, `check`, `plan` or `name`.",
    keys: &[
        Key::value(
            "minimize",
            Kind::Objective,
            "\"cost_usd\"",
            "What is to be as small as possible: `\"dollars\"` (`rollout_cost_usd`), `\"duration\"` (`rollout_duration_s`), \
             `\"peak_gpus\"`, `\"exposure\"` (`exposed_requests`), or any metric; its mean over runs.",
        ),
        Key::value(
            "tolerance",
            Kind::Tolerance,
            "\"1%\"",
            "Within which two candidates are equally good: a share of the better one's value, or a number in the metric's unit.",
        ),
        Key::words("max_runs", Kind::Whole(2, MOST_RUNS), "`study.runs`", "Most runs of a candidate.").example("1000"),
        Key::words("choices", Kind::Choices, "none", "Keys with the values that each may take."),
    ],
    needs: &[],
    example: "[plan]\nminimize = \"dollars\"\ntolerance = \"1%\"\nmax_runs = 1000\n\n[plan.choices]\n\
              \"termination.grace_period\" = [\"30s\", \"2m\", \"5m\"]\n\"rollout.strategy\" = [\"rolling\", \"canary\"]\n\
              \"rollout.rolling.max_surge\" = [1, \"25%\"]\n\"rollout.canary.steps\" = [[{ set_weight = 5 }, { pause = \"5m\" }], \
              [{ set_weight = 50 }, { pause = \"10m\" }]]",
};
