//! How many pods a rolling update may have too many and too few.

use crate::units::CountOrPercent;

/// `max_surge` and `max_unavailable` resolved for a number of desired replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pods beyond the desired ones.
    pub surge: u32,
    /// Desired pods that may be missing.
    pub unavailable: u32,
}

impl Limits {
    /// Kubernetes' rule, which Argo Rollouts shares: [`fenceposts`], with unavailable at most `desired` (`MaxUnavailable`);
    /// surge has no such bound.
    pub fn resolve(max_surge: CountOrPercent, max_unavailable: CountOrPercent, desired: u32) -> Limits {
        let Limits { surge, unavailable } = fenceposts(max_surge, max_unavailable, desired);
        Limits { surge, unavailable: unavailable.min(desired) }
    }
}

/// Surge rounds up, unavailable rounds down; if both come to zero, one may be unavailable, so that the update can move
/// (`ResolveFenceposts`).
pub fn fenceposts(max_surge: CountOrPercent, max_unavailable: CountOrPercent, desired: u32) -> Limits {
    let surge = max_surge.round_up(desired);
    let unavailable = max_unavailable.round_down(desired);
    Limits { surge, unavailable: if surge == 0 && unavailable == 0 { 1 } else { unavailable } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CountOrPercent::{Count, Percent};

    #[test]
    fn surge_rounds_up_and_unavailable_down_and_both_are_never_zero() {
        for (surge, unavailable, desired, expected) in [
            (Percent(25), Percent(25), 10, (3, 2)),
            (Percent(25), Percent(0), 1, (1, 0)),
            (Percent(0), Percent(25), 3, (0, 1)),
            (Count(0), Count(0), 5, (0, 1)),
            (Count(2), Count(9), 4, (2, 4)),
            (Count(20), Count(0), 4, (20, 0)),
            (Percent(25), Percent(25), 0, (0, 0)),
        ] {
            let limits = Limits::resolve(surge, unavailable, desired);
            assert_eq!((limits.surge, limits.unavailable), expected, "{surge} {unavailable} of {desired}");
        }
    }
}
