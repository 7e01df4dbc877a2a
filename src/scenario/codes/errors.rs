//! The errors: with one of them, nothing is simulated.
//!
//! E00xx: the text and its values; E01xx: values of a section that contradict each other; E02xx: rollout, actions and
//! analyses; E03xx: checks and plan; E04xx: files and profiles that a scenario names.

use super::{Code, Explanation};

codes! { ERRORS:
NOT_TOML = "E0001", "the text is not TOML", r#"
A scenario is written in TOML: `key = value` lines under `[table]` headers. Texts and durations
stand in quotes, lists in brackets, and each key of a table is given once. What lies on other
lines is still checked as far as its meaning is certain, so mend these first and look again.

```toml
[fleet]
replicas = eight
```

`eight` is neither a number nor a text in quotes. Instead:

```toml
[fleet]
replicas = 8
```
"#;
NOT_A_SCENARIO = "E0002", "the file is not a scenario", r#"
The file is empty, longer than 16 MiB, or no text in UTF-8. Often it is the wrong file: results,
an archive, or a file that a shell redirection has just emptied.

A scenario needs at least its traffic:

```text
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = 250
```

`cutover init` writes one with comments to start from.
"#;
UNKNOWN_KEY = "E0003", "unknown key", r#"
No section ignores a key that it does not know: a misspelt key would leave its default in force,
and the simulation would answer another question than the one that was asked. The nearest key of
the same table is proposed; where there is none, the tables that have a key of this name are told.

```toml
[termination]
graceperiod = "2m"
```

Keys are Kubernetes' and Argo Rollouts' own in snake case, without a trailing `Seconds` because
durations carry their unit:

```toml
[termination]
grace_period = "2m"
```
"#;
MISSING_KEY = "E0004", "missing key", r#"
Most keys have a default. Those that don't have none because any value would be a guess: how much
traffic there is, what an analysis measures, when an action happens.

```toml
[[action]]
do = "kill_replicas"
```

When? Times count from time zero, the end of the warm-up:

```toml
[[action]]
at = "20m"
do = "kill_replicas"
```
"#;
WRONG_TYPE = "E0005", "a value of the wrong kind", r#"
The key takes another kind of value: a whole number instead of a text, a table instead of a
number. Numbers and `true` and `false` stand without quotes. `[[name]]` makes a list of tables,
`[name]` one table: checks and actions are lists, all other sections are tables.

```toml
[fleet]
replicas = "8"
```

Instead:

```toml
[fleet]
replicas = 8
```
"#;
WRONG_VALUE = "E0006", "a value out of its range", r#"
The kind of value is right, but not this value: a probability above 1, no replicas, a step that
takes no time. The range is a part of the message; it is that of the real controller or engine
where there is one, else wide enough for any fleet that exists.

```toml
[new_version]
error_probability = 5
```

Probabilities are shares, not per cent:

```toml
[new_version]
error_probability = 0.05
```
"#;
WRONG_UNIT = "E0007", "a quantity whose unit is missing or unknown", r#"
Durations carry their unit and stand in quotes: "90s", "5m", "1h30m", "20ms", "50us", "20ns".
Percentages carry their sign, "25%". Bandwidths are numbers in gigabytes (10^9 bytes) per second
or texts such as "1.5 GB/s"; "Gb/s" would be bits. A bare number is refused because 30 may be
seconds to one reader and minutes to another.

```toml
[termination]
grace_period = 30
```

Instead:

```toml
[termination]
grace_period = "30s"
```
"#;
UNKNOWN_WORD = "E0008", "a word that is none of those known", r#"
The key chooses among a few names, and this is none of them. The names are those of the real
system where it has any: Kubernetes', Argo Rollouts', vLLM's. They are written in snake case.

```toml
[rollout]
strategy = "bluegreen"
```

Instead:

```toml
[rollout]
strategy = "blue_green"
```
"#;
NOT_SUPPORTED = "E0009", "a part of the format that is not simulated yet", r#"
The format has this key or word, and this version does not act on it. It is refused rather than
ignored: a result would otherwise be that of another system than the one described.

```toml
[router]
policy = "session_affinity"
```

Choose what is simulated and comes nearest, and keep the difference in mind when reading results:

```toml
[router]
policy = "least_requests"
```
"#;
WRONG_SETTING = "E0010", "a setting on the command line that cannot be applied", r#"
`--set KEY=VALUE` (and what takes settings like it: `--variant`, `--set-b`, `--vary`) names a key
by its dotted path. The setting has no `=`, no key before it, or the path leads through something
that has no keys: a single value, or an element that a list does not have. Elements are counted
from 0.

```console
$ cutover run scenario.toml --set fleet.replicas.most=10
$ cutover run scenario.toml --set check.0.max=5 --set termination.grace_period=2m
```

The first is refused, since `fleet.replicas` is a number; the second is right if there is a check.
"#;
EXCLUSIVE_KEYS = "E0011", "keys that exclude each other", r#"
Two keys say the same in different ways, or a key belongs to something that was not chosen. Which
of them should win would be a guess.

```toml
[analysis.latency]
metric = "ttft"
max = "2s"
max_ratio_to_stable = 1.2
```

Keep the one that is meant:

```toml
[analysis.latency]
metric = "ttft"
max_ratio_to_stable = 1.2
```
"#;
DISTRIBUTION = "E0101", "parameters of a distribution that contradict each other", r#"
A P99 below the median, an upper end below the lower one: no distribution is like that.

```toml
[cold_start]
image_pull = { distribution = "lognormal", median = "4m", p99 = "60s" }
```

Most often two values are swapped:

```toml
[cold_start]
image_pull = { distribution = "lognormal", median = "60s", p99 = "4m" }
```
"#;
DOES_NOT_FIT_CACHE = "E0102", "a request that may not fit the KV cache", r#"
The longest prompt with the longest answer needs more tokens of KV cache than all blocks together
hold. A real engine refuses such a request when it arrives (vLLM: longer than `max_model_len`),
and a simulation that met one would have to invent what happens then. The last token of an answer
takes no cache. Prompts without a bound may be of any length.

```toml
[engine]
kv_cache_tokens = 500
```

Give prompts and answers a `max` as the real service has, or the cache its real size:

```toml
[engine]
kv_cache_tokens = 400000
```
"#;
FLEET_EXCEEDS_LIMIT = "E0103", "a fleet that does not fit its GPU limit", r#"
`replicas` times `gpus_per_replica` is more than `gpu_limit`: the fleet could not even stand
before its rollout. The limit counts all GPUs that may be held at once, those of a surge among
them.

```toml
[fleet]
replicas = 8
gpus_per_replica = 4
gpu_limit = 16
```

Instead:

```toml
[fleet]
replicas = 8
gpus_per_replica = 4
gpu_limit = 40
```
"#;
NO_BLOCK = "E0104", "a KV cache without a single block", r#"
The cache is handed out in blocks of `block_size` tokens, and `kv_cache_tokens` is less than one.
It is the number of tokens that all blocks hold, which vLLM prints when it starts ("GPU KV cache
size"), not gigabytes.

```toml
[engine]
kv_cache_tokens = 40
block_size = 64
```

Instead:

```toml
[engine]
kv_cache_tokens = 400000
block_size = 64
```
"#;
WHOLE_PROMPT = "E0105", "a prompt that is read whole needs room for the whole", r#"
With `chunked_prefill = false` (vLLM V0) a step reads whole prompts, so that an admission by the
first chunk (`reserve_full_prompt = false`) has no meaning: there are no chunks.

```toml
[engine]
chunked_prefill = false
reserve_full_prompt = false
```

Instead:

```toml
[engine]
chunked_prefill = true
reserve_full_prompt = false
```
"#;
TOO_MANY_BINS = "E0106", "bins that are too narrow for the window", r#"
What is measured over time is kept per bin, at most 20,000 of them. The window holds more. A
timeline is drawn a few hundred points wide; a bin of a second is enough for hours.

```toml
[study]
duration = "8h"
timeline_bin = "100ms"
```

Instead:

```toml
[study]
duration = "8h"
timeline_bin = "10s"
```
"#;
LISTS_DISAGREE = "E0107", "lists whose elements do not belong together", r#"
Two lists must be of one length, or the elements of one in order: a rate for each mean time in a
state, points of `base_table` by ascending numbers of sequences.

```toml
[engine]
step_time = { base_table = [[64, "11ms"], [1, "8ms"]] }
```

Instead:

```toml
[engine]
step_time = { base_table = [[1, "8ms"], [64, "11ms"]] }
```
"#;
OUTSIDE_WINDOW = "E0201", "something that happens after the end", r#"
A rollout or an action that begins after the measured window ends would never be seen. Times count
from time zero, which is the end of the warm-up; the window lasts `study.duration`.

```toml
[study]
duration = "30m"
[rollout]
strategy = "rolling"
start = "45m"
```

Begin it early, so that the window holds it to its end (see W0106):

```toml
[study]
duration = "30m"
[rollout]
strategy = "rolling"
start = "5m"
```
"#;
NEVER_REPLACES = "E0202", "a rollout that could never replace a replica", r#"
With neither a surge nor an unavailable replica allowed, none can be added first and none removed
first. Kubernetes refuses a Deployment with both literally zero. Percentages that round to zero
are something else: then the controllers take one unavailable replica (W0103).

```toml
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 0
max_unavailable = 0
```

Instead:

```toml
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
```
"#;
NEEDS_ROUTER = "E0203", "something that only a traffic router makes possible", r#"
Without a traffic router, a canary's share of the traffic is its share of the pods, and stable's
pods follow from the weight. Argo Rollouts then refuses `setCanaryScale`, `dynamicStableScale` and
`scaleDownDelaySeconds`, and ignores `minPodsPerReplicaSet`.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
traffic_routing = false
dynamic_stable_scale = true
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
traffic_routing = true
dynamic_stable_scale = true
```
"#;
SHRINKING_STABLE = "E0204", "a stable fleet that shrinks and is also kept", r#"
With `dynamic_stable_scale` the stable fleet shrinks as the canary's weight grows, so that at full
weight nothing is left that `scale_down_delay` could keep. Argo Rollouts refuses the two together.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
dynamic_stable_scale = true
scale_down_delay = "5m"
```

Keep the delay if rolling back must be quick, the shrinking if GPUs are scarce:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
scale_down_delay = "5m"
```
"#;
STEP = "E0205", "a canary step that is not exactly one thing", r#"
Each step is one of `set_weight`, `pause`, `set_canary_scale` and `analysis`, as in Argo Rollouts;
they are done in order. `set_canary_scale` in turn takes exactly one of `replicas`, `weight` and
`match_traffic_weight = true`.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 5, pause = "5m" }]
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 5 }, { pause = "5m" }]
```
"#;
ENDLESS_ANALYSIS = "E0206", "a wait for an analysis that never ends", r#"
A step, and a promotion, wait for the verdict of their analyses. An analysis without `count`
measures for ever: it can fail, but not pass, unless `consecutive_success_limit` ends it. Argo
Rollouts refuses such a template outside background analyses.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 25 }, { analysis = ["errors"] }]
[analysis.errors]
metric = "error_rate"
max = 0.01
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 25 }, { analysis = ["errors"] }]
[analysis.errors]
metric = "error_rate"
max = 0.01
count = 5
```
"#;
UNKNOWN_ANALYSIS = "E0207", "an analysis that there is not", r#"
A rollout names analyses by the tables that describe them, `[analysis.NAME]`, and there is none of
this name.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
background_analysis = ["errors"]
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
background_analysis = ["errors"]
[analysis.errors]
metric = "error_rate"
max = 0.01
```
"#;
ANALYSIS_LIMITS = "E0208", "limits of an analysis that contradict each other", r#"
`count` measurements can hold neither more failures nor more successes in a row than there are
measurements; and with `failure_limit = -1`, which is no limit, nothing could ever fail without a
`consecutive_success_limit`. Argo Rollouts refuses these combinations.

```toml
[analysis.errors]
metric = "error_rate"
max = 0.01
count = 3
failure_limit = 5
```

Instead:

```toml
[analysis.errors]
metric = "error_rate"
max = 0.01
count = 10
failure_limit = 5
```
"#;
ANALYSIS_WINDOW = "E0209", "an analysis window that its estimator cannot use", r#"
Prometheus computes a rate from at least two scrapes, so a window must hold two of them; four are
usual. `mann_whitney` compares points, one for each `step` of the window, at least two and at
least `min_samples`.

```toml
[analysis.latency]
metric = "ttft"
max = "2s"
estimator = "prometheus"
scrape_interval = "30s"
window = "40s"
```

Instead:

```toml
[analysis.latency]
metric = "ttft"
max = "2s"
estimator = "prometheus"
scrape_interval = "30s"
window = "2m"
```
"#;
SCRAPE_INTERVALS = "E0210", "analyses with different scrape intervals", r#"
One Prometheus server scrapes each replica for all analyses at once, so that they share one
interval.

```toml
[analysis.latency]
metric = "ttft"
max = "2s"
estimator = "prometheus"
scrape_interval = "15s"
[analysis.errors]
metric = "error_rate"
max = 0.01
estimator = "prometheus"
scrape_interval = "30s"
```

Instead:

```toml
[analysis.latency]
metric = "ttft"
max = "2s"
estimator = "prometheus"
scrape_interval = "30s"
[analysis.errors]
metric = "error_rate"
max = 0.01
estimator = "prometheus"
scrape_interval = "30s"
```
"#;
ANALYSIS_METRIC = "E0211", "something that this analysis' metric or estimator has not", r#"
Rates have no quantile; each estimator has keys of its own; and vLLM exports no metric of answers
that were cut, so that Prometheus cannot see `truncation_rate` (in this simulation `exact` can,
which no real controller does).

```toml
[analysis.errors]
metric = "error_rate"
quantile = 0.99
max = 0.01
```

Instead:

```toml
[analysis.errors]
metric = "error_rate"
max = 0.01
```
"#;
ANALYSIS_BOUNDS = "E0212", "bounds of an analysis that contradict each other", r#"
A measurement succeeds up to its bound (`max`) and fails above the second one (`fail_above`);
between the two it is inconclusive, so the second cannot be the smaller. Both are values, or both
ratios to stable's (`max_ratio_to_stable`, `fail_above_ratio_to_stable`).

```toml
[analysis.latency]
metric = "ttft"
max = "2s"
fail_above = "1s"
```

Instead:

```toml
[analysis.latency]
metric = "ttft"
max = "1s"
fail_above = "2s"
```
"#;
IMPOSSIBLE_ACTION = "E0214", "an action that this rollout's controller does not know", r#"
Only Argo Rollouts can be asked to abort, retry or promote; a Deployment can be paused, resumed
and rolled back; Flagger knows no promotion by hand; and without a rollout there is nothing to
pause.

```toml
[rollout]
strategy = "rolling"
[[action]]
at = "30m"
do = "abort"
```

Instead:

```toml
[rollout]
strategy = "rolling"
[[action]]
at = "30m"
do = "roll_back"
```
"#;
VERSION_NAME = "E0215", "a version whose name is taken or unknown", r#"
`stable` runs when the simulation begins, `new` is what `[rollout]` ships; an action may ship
others, described where they are first shipped. A name describes one version only, at most 32 of
them.

```toml
[rollout]
strategy = "rolling"
[[action]]
at = "30m"
do = "ship"
version = "v3"
```

Instead:

```toml
[rollout]
strategy = "rolling"
[[action]]
at = "30m"
do = "ship"
version = { name = "v3", step_time_factor = 1.1 }
```
"#;
OTHER_CONTROLLER = "E0216", "a key of the other canary controller", r#"
`[rollout.canary]` describes Argo Rollouts' canary or, with `controller = "flagger"`, Flagger's.
They work differently, and few keys exist in both.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
steps = [{ set_weight = 5 }]
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
step_weights = [5, 25, 50]
```
"#;
FLAGGER_WEIGHTS = "E0217", "weights that Flagger cannot follow", r#"
Flagger raises the weight at each tick by `step_weight` up to `max_weight`, or along
`step_weights`, which must ascend. With both, one of them is lost; with neither, no request is
ever moved.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
step_weights = [5, 50, 25]
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
step_weights = [5, 25, 50]
```
"#;
UNKNOWN_METRIC = "E0301", "a metric that no run has", r#"
A check and an objective name a metric of one run: a column of `runs.csv`. A misspelt one would
never fail. Latencies are named metric, quantile, unit: `ttft_p99_s`. docs/metrics.md lists all.

```toml
[[check]]
metric = "p99_ttft"
statistic = "mean"
max = 2
```

Instead:

```toml
[[check]]
metric = "ttft_p99_s"
statistic = "mean"
max = 2
```
"#;
CHECK_WITHOUT_BOUND = "E0302", "a check that checks nothing", r#"
A check holds as long as its statistic lies between `min` and `max`; without either it could never
fail.

```toml
[[check]]
metric = "truncated_attempts"
statistic = "p95"
```

Instead:

```toml
[[check]]
metric = "truncated_attempts"
statistic = "p95"
max = 0
```
"#;
IMPOSSIBLE_BOUND = "E0303", "a bound that every run obeys, or none can", r#"
Shares and probabilities lie between 0 and 1, counts and times are never negative, and `max` is
not below `min`. A check outside of that says nothing about the rollout, and is mostly a slip of
the unit.

```toml
[[check]]
metric = "rollout_completed"
statistic = "mean"
min = 99
```

Instead:

```toml
[[check]]
metric = "rollout_completed"
statistic = "mean"
min = 0.9
```
"#;
UNCERTIFIABLE = "E0304", "a check that no outcome of these runs could certify", r#"
A check holds if the whole 95 % interval of its statistic obeys the bound, and some intervals
never get there: after n runs without a single event, its probability may still be about 3.8 / n,
which is above zero for every n. Rather than simulate and report "inconclusive" for ever, the
check is refused with the tightest bound that these runs could certify.

```toml
[study]
runs = 1000
[[check]]
metric = "truncated_attempts"
statistic = "probability_positive"
max = 0
```

Say how rare is rare enough; more runs can certify less:

```toml
[study]
runs = 1000
[[check]]
metric = "truncated_attempts"
statistic = "probability_positive"
max = 0.01
```
"#;
NEEDS_SLO = "E0305", "a metric that needs an objective", r#"
`slo_violation_seconds` counts the time in which users miss the promised latency, and `[slo]` says
what was promised.

```toml
[[check]]
metric = "slo_violation_seconds"
statistic = "mean"
max = 60
```

Instead:

```toml
[slo]
ttft = "2s"
[[check]]
metric = "slo_violation_seconds"
statistic = "mean"
max = 60
```
"#;
CHOICES = "E0306", "choices of a plan that cannot be made", r#"
A plan chooses among settings of the rollout. What it is judged by (checks, seed, runs, the
traffic) is the same for all candidates and cannot be chosen; a key is a choice once; values
differ.

```toml
[plan.choices]
"study.runs" = [100, 1000]
```

Instead:

```toml
[plan.choices]
"termination.grace_period" = ["30s", "2m"]
```
"#;
TRACE = "E0401", "a trace that cannot be replayed", r#"
The file is not there, has no columns `arrival_s,prompt_tokens,output_tokens` (or those of Azure's
or Mooncake's public traces), or a row of it is wrong: the message names it. Its place counts from
the scenario's own directory, not from where the command was typed.

```toml
[traffic]
trace = "no-such-trace.csv"
```

Instead:

```toml
[traffic]
trace = "trace.csv"
```
"#;
COLUMN = "E0402", "a column of values that cannot be read", r#"
`empirical` draws from a column of a CSV or JSON Lines file: it is not there, has no such column,
or a value that is no number in the unit's range (seconds from 0, tokens from 1).

```toml
[cold_start]
image_pull = { distribution = "empirical", file = "pulls.csv", column = "second" }
```

Instead:

```toml
[cold_start]
image_pull = { distribution = "empirical", file = "pulls.csv", column = "seconds" }
```
"#;
UNKNOWN_PROFILE = "E0403", "a hardware profile that there is not", r#"
`engine.profile` names one of the profiles that ship; `cutover profiles` lists them. For other
hardware, measure step times and write `engine.step_time` and `engine.kv_cache_tokens` instead.

```toml
[engine]
profile = "h100-llama"
```

Instead:

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
```
"#;
REPLAY = "E0404", "a replay that the recording does not allow", r#"
The run begins after the recording ends (`trace_offset`), goes through centuries of it, is faster
than any arrival process may be, or is made of blocks shorter than a tenth of a second.

```toml
[traffic]
trace = "trace.csv"
trace_offset = "400h"
```

Instead:

```toml
[traffic]
trace = "trace.csv"
trace_offset = "10s"
```
"#;
UNREADABLE = "E0405", "a scenario's file that cannot be read", r#"
The file is not there, is a directory, or may not be read. Patterns such as `scenarios/*.toml` are
the shell's: where nothing matches, most shells hand on the pattern itself, and there is no file
of that name.

```console
$ ls scenarios/
$ cutover check scenarios/rolling.toml
```
"#;
}
