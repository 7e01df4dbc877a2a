//! Whether two scenarios ask for the same requests, so that their runs can be compared in pairs.

use std::fmt::Debug;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

use crate::scenario::{Scenario, Traffic};

/// What [`unequal_requests`] may name.
const KEYS: [&str; 11] = [
    "traffic",
    "traffic.arrivals",
    "traffic.prompt_tokens",
    "traffic.output_tokens",
    "traffic.trace",
    "traffic.trace_speed",
    "traffic.trace_offset or trace_block",
    "traffic.trace_loop",
    "study.warm_up",
    "study.duration",
    "study.seed",
];

/// Reads such keys in a saved result.
///
/// # Errors
/// A text that is none.
pub fn read_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'static str>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let known = |text: &String| {
        let key = KEYS.into_iter().find(|key| key == text);
        key.ok_or_else(|| D::Error::custom(format!("`{text}` has no say in the requests")))
    };
    texts.iter().map(known).collect()
}

/// The keys that make the runs of two scenarios meet different requests; empty where they meet the same.
///
/// Requests are drawn, or picked from a trace, from the beginning of the warm-up to the end of the window, keyed by the
/// seed and the number of the run; nothing else has a say in them.
pub fn unequal_requests(a: &Scenario, b: &Scenario) -> Vec<&'static str> {
    let mut keys = unequal_traffic(&a.traffic, &b.traffic);
    keys.extend(unequal([
        ("study.warm_up", a.study.warm_up != b.study.warm_up),
        ("study.duration", a.study.duration != b.study.duration),
        ("study.seed", a.study.seed != b.study.seed),
    ]));
    keys
}

/// A name for the requests of a scenario's runs: two with the same name meet the same requests, run by run. SHA-256, in
/// hexadecimal, of the values of the keys that [`unequal_requests`] compares.
pub fn requests_hash(scenario: &Scenario) -> String {
    let traffic = match &scenario.traffic {
        Traffic::Synthetic { arrivals, prompt_tokens, output_tokens } => {
            format!("{arrivals:?} {prompt_tokens:?} {output_tokens:?}")
        }
        Traffic::Trace { trace, replay, .. } => format!("{:?} {replay:?}", trace.digest()),
    };
    let study = &scenario.study;
    let text = format!("{traffic} {:?} {:?} {}", study.warm_up, study.duration, study.seed);
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unequal<const N: usize>(keys: [(&'static str, bool); N]) -> impl Iterator<Item = &'static str> {
    keys.into_iter().filter_map(|(key, differs)| differs.then_some(key))
}

fn unequal_traffic(a: &Traffic, b: &Traffic) -> Vec<&'static str> {
    match (a, b) {
        (
            Traffic::Synthetic { arrivals, prompt_tokens, output_tokens },
            Traffic::Synthetic { arrivals: b_arrivals, prompt_tokens: b_prompts, output_tokens: b_outputs },
        ) => unequal([
            ("traffic.arrivals", differ(arrivals, b_arrivals)),
            ("traffic.prompt_tokens", differ(prompt_tokens, b_prompts)),
            ("traffic.output_tokens", differ(output_tokens, b_outputs)),
        ])
        .collect(),
        (Traffic::Trace { trace, replay, .. }, Traffic::Trace { trace: b_trace, replay: b_replay, .. }) => unequal([
            ("traffic.trace", trace.digest() != b_trace.digest()),
            ("traffic.trace_speed", replay.speed != b_replay.speed),
            ("traffic.trace_offset or trace_block", replay.stretch != b_replay.stretch),
            ("traffic.trace_loop", replay.wraps != b_replay.wraps),
        ])
        .collect(),
        _ => vec!["traffic"],
    }
}

/// Whether two values differ, by what they are printed as: numbers are printed with every digit.
fn differ<T: Debug>(a: &T, b: &T) -> bool {
    format!("{a:?}") != format!("{b:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Arrivals, Replay, Stretch};
    use crate::study::samples::scenario;
    use crate::trace::{Trace, TraceRequest};
    use crate::units::Duration;
    use std::sync::Arc;

    #[test]
    fn what_has_no_say_in_the_requests_is_not_named() {
        let (a, mut b) = (scenario(5), scenario(7));
        b.fleet.replicas += 1;
        b.termination.grace_period = Duration::ZERO;
        b.study.cool_down = Duration::ZERO;
        assert_eq!(unequal_requests(&a, &b), Vec::<&str>::new());
        assert_eq!(requests_hash(&a), requests_hash(&b));
    }

    #[test]
    fn every_key_that_changes_the_requests_is_named() {
        let a = scenario(5);
        let changed = |change: &dyn Fn(&mut Scenario)| {
            let mut b = a.clone();
            change(&mut b);
            let unequal = unequal_requests(&a, &b);
            assert_eq!(requests_hash(&a) != requests_hash(&b), !unequal.is_empty(), "{unequal:?}");
            unequal
        };
        assert_eq!(changed(&|b| b.study.seed += 1), ["study.seed"]);
        assert_eq!(changed(&|b| b.study.warm_up = Duration::from_seconds(77)), ["study.warm_up"]);
        assert_eq!(changed(&|b| b.study.duration = Duration::from_seconds(77)), ["study.duration"]);
        let faster = |b: &mut Scenario| {
            if let Traffic::Synthetic { arrivals, prompt_tokens, output_tokens } = &mut b.traffic {
                *arrivals = Arrivals::Poisson { rate: 6.000_000_001 };
                std::mem::swap(prompt_tokens, output_tokens);
            }
        };
        let drawn = ["traffic.arrivals", "traffic.prompt_tokens", "traffic.output_tokens"];
        assert_eq!(changed(&faster), drawn);
        assert!(drawn.iter().chain(&["study.seed", "study.warm_up", "study.duration"]).all(|key| KEYS.contains(key)));
    }

    #[test]
    fn traces_are_compared_by_their_rows_and_how_they_are_replayed() {
        let with = |tokens: u32, replay: Replay, name: &str| {
            let request = |arrival| TraceRequest { arrival, prompt_tokens: 5, output_tokens: tokens };
            let trace = Arc::new(Trace::of(&[request(0), request(9)], name).expect("a trace"));
            Traffic::Trace { path: name.into(), trace, replay }
        };
        let plain = Replay { speed: 1.0, stretch: Stretch::FromAnyRow, wraps: true };
        let a = with(5, plain, "a.csv");
        assert_eq!(unequal_traffic(&a, &with(5, plain, "b.csv")), Vec::<&str>::new());
        let other = Replay { speed: 2.0, stretch: Stretch::From(Duration::ZERO), wraps: false };
        let all = ["traffic.trace", "traffic.trace_speed", "traffic.trace_offset or trace_block", "traffic.trace_loop"];
        assert_eq!(unequal_traffic(&a, &with(6, other, "a.csv")), all);
        assert_eq!(unequal_traffic(&a, &scenario(5).traffic), ["traffic"]);
        assert!(all.iter().chain(&["traffic"]).all(|key| KEYS.contains(key)));
    }
}
