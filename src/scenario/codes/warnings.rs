//! The warnings: what is legal and unwise, and simulated all the same.
//!
//! W01xx: capacity, GPUs and the course of a rollout; W02xx: termination; W03xx: analyses; W04xx: traffic, engine, profile
//! and the length of a study.

use super::{Code, Explanation};

codes! { WARNINGS:
WAITS_FOR_GPUS = "W0101", "a rollout that has to wait for GPUs", r#"
The rollout wants more GPUs at once than `fleet.gpu_limit` allows. It does not fail: replicas stay
pending until others have given theirs back, as Kubernetes' pods do. It takes longer, and the
fleet may be smaller meanwhile than the strategy promises.

```toml
[fleet]
replicas = 8
gpu_limit = 9
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 2
max_unavailable = 1
```

Raise the limit, or ask for what there is:

```toml
[fleet]
replicas = 8
gpu_limit = 9
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 1
max_unavailable = 1
```
"#;
DEADLOCK = "W0102", "a rollout that deadlocks for want of GPUs", r#"
The new replicas wait for GPUs that only old replicas hold, and no old replica may leave before a
new one is there: Deployment and Rollout wait for ever, and at most report a missed progress
deadline. A full GPU pool with `max_unavailable = 0` is the usual way to get there, a blue-green
rollout without room for two fleets another.

```toml
[fleet]
replicas = 8
gpu_limit = 8
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
```

Let one replica leave first, or make room for one more:

```toml
[fleet]
replicas = 8
gpu_limit = 8
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 0
max_unavailable = 1
```
"#;
ROUNDS_TO_ZERO = "W0103", "percentages that round to no replica at all", r#"
`max_surge` rounds up and `max_unavailable` down. Where both come to zero, Kubernetes and Argo
Rollouts take `max_unavailable` as 1: one replica is missing, although 0 % or less than one
replica was allowed.

```toml
[fleet]
replicas = 3
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 0
max_unavailable = "25%"
```

Say which of the two is meant:

```toml
[fleet]
replicas = 3
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
```
"#;
DEADLINE_WITHIN_MIN_READY = "W0104", "a progress deadline within the minimum ready time", r#"
No replica could become available before the deadline is over. Kubernetes and Argo Rollouts refuse
such a manifest: `progressDeadlineSeconds` must be greater than `minReadySeconds`.

```toml
[rollout]
strategy = "rolling"
[rollout.rolling]
min_ready = "15m"
progress_deadline = "10m"
```

Instead:

```toml
[rollout]
strategy = "rolling"
[rollout.rolling]
min_ready = "30s"
progress_deadline = "10m"
```
"#;
SLOW_START = "W0105", "a cold start longer than the progress deadline", r#"
The deadline counts from the last progress to the next: mostly one cold start. Estimated from the
stages of `[cold_start]`, with as many replicas loading at once as the rollout starts together, a
start takes longer. A Deployment then reports `ProgressDeadlineExceeded` and goes on; Argo
Rollouts aborts with `progress_deadline_abort`; Flagger rolls back.

```toml
[cold_start]
engine_start = "15m"
[rollout]
strategy = "rolling"
```

Instead:

```toml
[cold_start]
engine_start = "15m"
[rollout]
strategy = "rolling"
[rollout.rolling]
progress_deadline = "30m"
```
"#;
SHORT_RUN = "W0106", "a run too short for its rollout", r#"
By the typical cold start, the number of batches, the pauses and the analyses, the rollout would
still be under way when the measured window ends. `rollout_completed` is then 0, the duration
unknown, and what the last replicas do to users and bill is not counted.

```toml
[study]
duration = "30m"
[cold_start]
engine_start = "4m"
[rollout]
strategy = "rolling"
start = "20m"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
```

Instead:

```toml
[study]
duration = "90m"
[cold_start]
engine_start = "4m"
[rollout]
strategy = "rolling"
start = "20m"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
```
"#;
LESS_THAN_A_REPLICA = "W0107", "a canary weight that is less than one replica", r#"
Without a traffic router the canary's share of the traffic is its share of the pods, and there are
no fractions of a pod: Argo Rollouts runs at least one, which gets more traffic than the weight
says. Eight replicas cannot send less than a ninth to the canary.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
traffic_routing = false
steps = [{ set_weight = 1 }, { pause = "5m" }]
```

Use weights that the fleet can divide into, or a traffic router:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
traffic_routing = true
steps = [{ set_weight = 1 }, { pause = "5m" }]
```
"#;
UNUSED_AUTO_PROMOTION = "W0108", "a delay of an automatic promotion that is switched off", r#"
With `auto_promotion_enabled = false` a blue-green rollout waits for somebody to promote it,
unless `auto_promotion` gives a time: Argo Rollouts then promotes all the same after
`autoPromotionSeconds`. Who switched it off may expect that nothing happens by itself.

```toml
[rollout]
strategy = "blue_green"
[rollout.blue_green]
auto_promotion_enabled = false
auto_promotion = "5m"
```

Instead:

```toml
[rollout]
strategy = "blue_green"
[rollout.blue_green]
auto_promotion = "5m"
```
"#;
CHECK_WITHOUT_ROLLOUT = "W0109", "a check of a rollout that there is not", r#"
`rollout.strategy` is "none": no rollout completes, takes time or is rolled back. Such a check
fails, or holds, whatever the fleet does.

```toml
[rollout]
strategy = "none"
[[check]]
metric = "rolled_back"
statistic = "mean"
max = 0.1
```

Instead:

```toml
[rollout]
strategy = "rolling"
[[check]]
metric = "rolled_back"
statistic = "mean"
max = 0.1
```
"#;
NO_CHECK = "W0110", "a scenario without a check", r#"
`cutover check` says by its exit code whether the checks hold. Without any it always ends well,
and a pipeline that relies on it guards nothing.

```toml
[slo]
ttft = "2s"
```

Instead:

```toml
[[check]]
metric = "truncated_attempts"
statistic = "p95"
max = 0
```
"#;
THIN_ROLLOUT = "W0111", "too few replicas for the traffic while the rollout runs", r#"
The traffic fits the whole fleet, but not what is left of it while as many replicas are missing as
the rollout allows. Queues grow for as long as they are missing: with cold starts of minutes, that
is most of the rollout. Offered is the mean rate times the mean answer; what a replica can carry
is its saturated rate, which requests reach with queues only.

```toml
[traffic]
arrivals = { process = "poisson", rate = 80.0 }
prompt_tokens = 800
output_tokens = 250
[rollout]
strategy = "rolling"
[rollout.rolling]
max_unavailable = "50%"
```

Let the surge come first:

```toml
[traffic]
arrivals = { process = "poisson", rate = 80.0 }
prompt_tokens = 800
output_tokens = 250
[rollout]
strategy = "rolling"
[rollout.rolling]
max_surge = "25%"
max_unavailable = 0
```
"#;
NOBODY_PROMOTES = "W0112", "a rollout that waits for a promotion that never comes", r#"
A pause `until_promoted`, or `auto_promotion_enabled = false`, waits for an operator. In a
simulation the operator is an `[[action]]`; without one the rollout waits to the end of the run.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 25 }, { pause = "until_promoted" }]
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 25 }, { pause = "until_promoted" }]
[[action]]
at = "40m"
do = "promote"
```
"#;
SHORT_GRACE = "W0201", "a grace period shorter than what is in flight needs", r#"
At a shutdown the three clocks start together: preStop, the endpoint lag and the grace period.
What is still running when the grace period is over is cut by SIGKILL (with `on_sigterm =
"abort"`, when preStop ends). Estimated from the answer lengths and the time per token at this
load, more than one in a thousand of the answers in flight needs longer. Long answers are in
flight for longer, so that they are more frequent there than among requests. `cutover grace`
measures it.

```toml
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = { distribution = "lognormal", median = 2000, p99 = 12000, max = 32000 }
[termination]
grace_period = "30s"
[rollout]
strategy = "rolling"
```

Instead:

```toml
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = { distribution = "lognormal", median = 2000, p99 = 12000, max = 32000 }
[study]
warm_up = "30m"
[termination]
grace_period = "15m"
[rollout]
strategy = "rolling"
```
"#;
GRACE_WITHIN_PRE_STOP = "W0202", "a grace period that the preStop hook uses up", r#"
The hook runs inside the grace period. Where it lasts as long, it is cut, SIGTERM is sent, and the
kubelet leaves the server 2 s before SIGKILL.

```toml
[termination]
grace_period = "30s"
pre_stop = "30s"
[rollout]
strategy = "rolling"
```

The grace period must hold the hook and what comes after it:

```toml
[termination]
grace_period = "90s"
pre_stop = "30s"
[rollout]
strategy = "rolling"
```
"#;
LAG_BEYOND_PRE_STOP = "W0203", "an endpoint lag longer than the preStop hook", r#"
Routers learn that a pod is going only after `endpoint_lag`; until then they send it requests.
After SIGTERM the server accepts none, so whatever arrives between the end of preStop and that of
the lag is refused. A preStop hook that sleeps through the lag is the usual remedy.

```toml
[termination]
pre_stop = "0s"
endpoint_lag = "2s"
[rollout]
strategy = "rolling"
```

Instead:

```toml
[termination]
pre_stop = "5s"
endpoint_lag = "2s"
[rollout]
strategy = "rolling"
```
"#;
TOO_FEW_SAMPLES = "W0301", "an analysis window that holds fewer requests than it asks for", r#"
Rate times the canary's weight times the window is less than `min_samples`: most measurements have
no data, and what decides is `no_data`, not the version. With `no_data = "success"` the analysis
passes whatever the version does. An analysis that is a step is held against the least weight at
which it is one, one that runs beside the steps against the greatest.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 1 }, { analysis = ["latency"] }]
[analysis.latency]
metric = "ttft"
max = "2s"
count = 5
window = "60s"
min_samples = 50
```

Measure at a greater weight, over a longer window, or ask for fewer:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
steps = [{ set_weight = 25 }, { analysis = ["latency"] }]
[analysis.latency]
metric = "ttft"
max = "2s"
count = 5
window = "5m"
min_samples = 50
```
"#;
UNREAD_ANALYSIS = "W0302", "an analysis that is never measured", r#"
The rollout names no analysis of this name, so that the table has no effect.

```toml
[rollout]
strategy = "canary"
[analysis.errors]
metric = "error_rate"
max = 0.01
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
BLIND_PREVIEW = "W0303", "an analysis of a preview that nobody uses", r#"
Before the switch a blue-green preview gets none of the users' requests, so a pre-promotion
analysis has no data and its verdict is what `no_data` says. Analyse after the switch, or use a
canary.

```toml
[rollout]
strategy = "blue_green"
[rollout.blue_green]
pre_promotion_analysis = ["errors"]
[analysis.errors]
metric = "error_rate"
max = 0.01
count = 5
```

Instead:

```toml
[rollout]
strategy = "blue_green"
[rollout.blue_green]
post_promotion_analysis = ["errors"]
[analysis.errors]
metric = "error_rate"
max = 0.01
count = 5
```
"#;
NO_ERROR_SERIES = "W0304", "an error rate that no errors leave without data", r#"
In Prometheus a version that never answered with an error has no series that counts errors, and
the quotient of the usual query is empty. Unless `no_data` is a success, a faultless version is
held up.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
background_analysis = ["errors"]
[analysis.errors]
metric = "error_rate"
max = 0.01
estimator = "prometheus"
no_data = "error"
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
estimator = "prometheus"
no_data = "success"
```
"#;
UNREAD_BY_FLAGGER = "W0305", "keys of an analysis that Flagger does not read", r#"
Flagger measures every metric once a tick, counts failed checks against `threshold`, and takes no
data for a failure. Limits, counts, delays and `no_data` are Argo Rollouts'.

```toml
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
step_weight = 10
analysis = ["errors"]
[analysis.errors]
metric = "error_rate"
max = 0.01
count = 5
```

Instead:

```toml
[rollout]
strategy = "canary"
[rollout.canary]
controller = "flagger"
step_weight = 10
threshold = 5
analysis = ["errors"]
[analysis.errors]
metric = "error_rate"
max = 0.01
```
"#;
OVERLOAD = "W0401", "more traffic than the fleet can carry", r#"
The mean rate times the mean answer is more than all replicas emit when they never lack work; of
`diurnal` traffic the rate in the measured window, on average or at its peak; bursts of `mmpp` are
taken at their mean, so that a fleet which they overrun for a while is not warned of.
Queues grow for as long as the run lasts: latencies then measure the length of the run, not the
fleet. A `needed_replicas` that could not carry the load either understates every capacity dip.

```toml
[traffic]
arrivals = { process = "poisson", rate = 2000.0 }
prompt_tokens = 800
output_tokens = 250
```

Give the fleet enough replicas, with some to spare for the rollout:

```toml
[traffic]
arrivals = { process = "poisson", rate = 60.0 }
prompt_tokens = 800
output_tokens = 250
```
"#;
SHORT_WARM_UP = "W0402", "a warm-up shorter than the longest answers", r#"
A run begins with empty replicas. Until the longest answers have had time to end, fewer are in
flight than later, and a shutdown in that time cuts too few of them. The estimate is the 99.9 %
quantile of the answer lengths times the time per token at this load.

```toml
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = { distribution = "lognormal", median = 2000, p99 = 12000, max = 32000 }
[study]
warm_up = "30s"
```

Instead:

```toml
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = { distribution = "lognormal", median = 2000, p99 = 12000, max = 32000 }
[study]
warm_up = "30m"
```
"#;
SHORT_TIMEOUT = "W0403", "a client timeout that ordinary answers exceed", r#"
A client gives up an attempt after `clients.timeout`, end to end, and the work that the server has
done for it is lost. More than one answer in twenty takes longer even where nothing waits: rollout
or not, those users get no answer.

```toml
[clients]
timeout = "1s"
```

Instead:

```toml
[clients]
timeout = "5m"
```
"#;
SHORT_RECORDING = "W0404", "a recording that ends before the run does", r#"
The run, warm-up and window, lasts longer than what is recorded. With `trace_loop` the recording
begins anew, with a seam, and the accidents of one day come again and again; without it, no
requests come after its end.

```toml
[traffic]
trace = "trace.csv"
```

Shorten the run, or replay blocks drawn anew, which gives each run other traffic:

```toml
[traffic]
trace = "trace.csv"
trace_block = "5s"
```
"#;
LONG_BLOCKS = "W0405", "blocks that hold much of the recording", r#"
Runs differ by the blocks that they draw. Blocks longer than a third of the recording overlap so
much that all runs are alike, and intervals over runs are too narrow. Blocks should still hold
what belongs together: bursts, and some minutes of a rate.

```toml
[traffic]
trace = "trace.csv"
trace_block = "50s"
```

Instead:

```toml
[traffic]
trace = "trace.csv"
trace_block = "5s"
```
"#;
DOUBTFUL_TRACE = "W0406", "a trace that may have been cut off", r#"
The last row does not end its line. Either the writer left out the last line break, or the file
was cut off while it was copied, and then the last number lost digits too: 1200 tokens may be read
as 12. What was cut off cannot be told from what is left, so the row counts as it stands.

Compare it with the original, or end the line:

```console
$ tail -n 2 trace.csv
$ echo >> trace.csv
```
"#;
PROMPT_BEYOND_BUDGET = "W0407", "prompts longer than a step of an engine that reads them whole", r#"
Without chunked prefill a prompt is read in one step, and vLLM V0 does not start where
`max_num_batched_tokens` is less than the longest prompt that it accepts. Here such a prompt is
read alone.

```toml
[engine]
chunked_prefill = false
max_num_batched_tokens = 500
```

Instead:

```toml
[engine]
chunked_prefill = false
max_num_batched_tokens = 8192
```
"#;
ESTIMATED_PROFILE = "W0408", "a hardware profile that is an estimate", r#"
Its step times were scaled from other hardware or another model, not measured. Differences between
rollouts are less sensitive to that than absolute latencies and prices.

```toml
[engine]
profile = "h100-codellama-34b-tp2-vidur"
```

Measure your own engine, or use a profile that was measured:

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
```
"#;
MASKED_PROFILE = "W0409", "keys that replace what a profile says", r#"
What a scenario writes wins over its profile. Where other step times or weights than the profile's
are written, little of it is left, and the profile's name in the scenario misleads.

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
step_time = { base = "30ms" }
```

Instead:

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
```
"#;
OTHER_GPUS = "W0410", "a profile for another number of GPUs", r#"
The profile's step times are those of a replica with as many GPUs as it was measured on. With
another number only the price changes here, not the speed.

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
[fleet]
gpus_per_replica = 4
```

Leave it out, so that the profile's own number holds:

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
```
"#;
FREE_DRAFTS = "W0411", "draft tokens that cost nothing", r#"
The profile was measured without speculative decoding. Drafting and verifying take time in every
step; without it, each accepted token comes free and the fleet looks faster than it can be.

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
speculative = { tokens = 4, acceptance = 0.7 }
```

Add what a step takes longer:

```toml
[engine]
profile = "h100-llama-3.1-8b-vllm"
speculative = { tokens = 4, acceptance = 0.7 }
overhead = "5ms"
```
"#;
SLOWER_VERSION = "W0412", "a new version that cannot carry the traffic", r#"
The fleet carries the traffic with the stable version, and would not with the new one: its steps
take longer, or its answers are. Queues begin to grow during the rollout and go on growing after
it, which an analysis may catch and a fleet of this size cannot mend. What `step_time_factor` and
`output_tokens_factor` multiply is reckoned with; `prefill_time_factor` is not, so that it may be
worse than is said.

```toml
[traffic]
arrivals = { process = "poisson", rate = 60.0 }
prompt_tokens = 800
output_tokens = 250
[rollout]
strategy = "blue_green"
[new_version]
step_time_factor = 3.0
```

Give the new version the replicas that it needs, before it is shipped:

```toml
[traffic]
arrivals = { process = "poisson", rate = 60.0 }
prompt_tokens = 800
output_tokens = 250
[fleet]
replicas = 24
[rollout]
strategy = "blue_green"
[new_version]
step_time_factor = 3.0
```
"#;
}
