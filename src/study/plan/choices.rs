//! The combinations of choices: each once, without those of strategies that are not selected.

use crate::scenario::Axis;

/// Most candidates of a plan.
pub const MOST_CANDIDATES: usize = 2_000;

/// Names of the tables of `[rollout]` that hold the keys of a strategy, which are the strategies' names.
const STRATEGIES: [&str; 4] = ["recreate", "rolling", "blue_green", "canary"];

/// A combination: for each axis the index of its value, or nothing where it has no say.
pub type Assignment = Vec<Option<usize>>;

/// Whether a key has no say under a strategy: it belongs to another one.
fn is_idle(key: &str, strategy: &str) -> bool {
    let mut parts = key.split('.');
    parts.next() == Some("rollout")
        && parts.next().is_some_and(|table| STRATEGIES.contains(&table) && table != strategy)
}

/// Every combination of the axes' values, the last axis changing fastest. `strategy` is the scenario's own, for where it is
/// no choice; an axis that sets `rollout` as a whole leaves it open, and then every axis has a say.
///
/// # Errors
/// There are more than [`MOST_CANDIDATES`]: how many.
pub fn assignments(axes: &[Axis], strategy: &str) -> Result<Vec<Assignment>, u128> {
    let selects = axes.iter().position(|axis| axis.key == "rollout.strategy");
    let is_open = axes.iter().any(|axis| axis.key == "rollout");
    let strategies: Vec<(Option<usize>, &str)> = match selects {
        Some(at) => axes[at].values.iter().enumerate().map(|(i, value)| (Some(i), value.trim_matches('"'))).collect(),
        None => vec![(None, strategy)],
    };
    let counts = |strategy: &str| -> Vec<usize> {
        let count = |axis: &Axis| if !is_open && is_idle(&axis.key, strategy) { 0 } else { axis.values.len() };
        axes.iter().enumerate().map(|(at, axis)| if Some(at) == selects { 0 } else { count(axis) }).collect()
    };
    let product = |strategy: &str| counts(strategy).iter().map(|count| (*count).max(1) as u128).product::<u128>();
    let total = strategies.iter().map(|(_, strategy)| product(strategy)).fold(0u128, u128::saturating_add);
    if total > MOST_CANDIDATES as u128 {
        return Err(total);
    }
    let mut all = Vec::new();
    for (index, strategy) in strategies {
        let counts = counts(strategy);
        for number in 0..product(strategy) as usize {
            let mut assignment = digits(number, &counts);
            if let Some(at) = selects {
                assignment[at] = index;
            }
            all.push(assignment);
        }
    }
    Ok(all)
}

/// A number in mixed radix, the last digit counting fastest; nothing where there is no radix.
fn digits(number: usize, radices: &[usize]) -> Assignment {
    let mut rest = number;
    let mut digits = vec![None; radices.len()];
    for (digit, radix) in digits.iter_mut().zip(radices).rev().filter(|(_, radix)| **radix > 0) {
        *digit = Some(rest % radix);
        rest /= radix;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(texts: &[&str]) -> Vec<Axis> {
        texts.iter().map(|text| Axis::parse(text).unwrap()).collect()
    }

    #[test]
    fn keys_of_other_strategies_do_not_multiply_candidates() {
        let axes = axes(&[
            "rollout.strategy=rolling,\"blue_green\",none",
            "rollout.rolling.max_surge=1,25%,50%",
            "rollout.blue_green.scale_down_delay=30s,5m",
            "termination.grace_period=30s,2m",
        ]);
        let all = assignments(&axes, "canary").unwrap();
        assert_eq!(all.len(), 3 * 2 + 2 * 2 + 2);
        assert_eq!(all[0], [Some(0), Some(0), None, Some(0)]);
        assert_eq!(all[1], [Some(0), Some(0), None, Some(1)]);
        assert_eq!(all[6], [Some(1), None, Some(0), Some(0)]);
        assert_eq!(all[10], [Some(2), None, None, Some(0)]);
        let mut distinct = all.clone();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn the_scenarios_own_strategy_counts_where_it_is_no_choice() {
        let axes = axes(&["rollout.rolling.max_surge=1,2", "fleet.replicas=8,9"]);
        assert_eq!(assignments(&axes, "rolling").unwrap().len(), 4);
        assert_eq!(assignments(&axes, "blue_green").unwrap().len(), 2);
    }

    #[test]
    fn too_many_are_refused_with_their_number() {
        let axes = axes(&["fleet.replicas=1..100/1", "termination.grace_period=1s..100s/1s", "a=1..1000/1"]);
        assert_eq!(assignments(&axes, "rolling"), Err(10_000_000));
    }
}
