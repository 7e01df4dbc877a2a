//! Scenarios that take a second or less to study.

/// Two small replicas for three minutes.
pub const TWO_REPLICAS: &str = r#"
name = "Two replicas, rolling update"

[study]
runs = 12
seed = 7
warm_up = "20s"
duration = "3m"
cool_down = "1m"
timeline_bin = "10s"

[traffic]
arrivals = { process = "poisson", rate = 2.0 }
prompt_tokens = { distribution = "lognormal", median = 100, p99 = 800, max = 2000 }
output_tokens = { distribution = "lognormal", median = 100, p99 = 900, max = 1500 }

[router]
policy = "least_requests"

[fleet]
replicas = 2
gpus_per_replica = 1
gpu_hour_usd = 3.0

[engine]
max_num_seqs = 64
max_num_batched_tokens = 2048
kv_cache_tokens = 100000
step_time = { base = "10ms", per_sequence = "50us", per_prefill_token = "60us" }

[cold_start]
engine_start = "20s"

[termination]
grace_period = "5s"

[rollout]
strategy = "rolling"
start = "30s"

[rollout.rolling]
max_surge = 1
max_unavailable = 0
"#;

/// The two replicas with other text in the place of some, which must be there once.
pub fn two_replicas(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(TWO_REPLICAS.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    })
}

/// A canary of a small fleet, whose errors give it away.
pub const SMALL_CANARY: &str = r#"
name = "A small canary"
[study]
runs = 12
seed = 3
warm_up = "5s"
duration = "2m"
cool_down = "5s"
[traffic]
arrivals = { process = "poisson", rate = 4.0 }
prompt_tokens = 50
output_tokens = 20
[fleet]
replicas = 2
gpu_limit = 4
[engine]
max_num_seqs = 64
step_time = { base = "10ms", per_prefill_token = "200us" }
[rollout]
strategy = "canary"
start = "0s"
[rollout.canary]
steps = [{ set_weight = 10 }, { pause = "10s" }, { set_weight = 50 }, { analysis = ["errors"] }]
[new_version]
error_probability = 0.5
[analysis.errors]
metric = "error_rate"
max = 0.05
count = 2
interval = "20s"
"#;
