//! Which rule of a controller decided, with the numbers that it saw, for people who ask why.
//!
//! Nothing decides by these; they are carried beside commands.

use std::fmt::{self, Display, Formatter};

use crate::units::Duration;

/// Which rule set a ReplicaSet's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Deployment: the new ReplicaSet grows by what room the sizes of all leave under the surge.
    NewWithinSurge {
        /// Sizes of all ReplicaSets together.
        pods: u32,
        /// Terminating pods that hold their place.
        terminating: u32,
        /// Desired replicas and surge.
        most: u32,
    },
    /// Deployment: the new ReplicaSet has more than the desired replicas.
    NewBeyondDesired {
        /// Desired replicas.
        desired: u32,
    },
    /// Deployment: old pods that are not available go first, whatever is available.
    OldUnavailableGo {
        /// Such pods of this ReplicaSet.
        unavailable: u32,
        /// How many may go at most.
        most: u32,
    },
    /// Deployment, and a basic canary's older versions: old pods go as far as others are available.
    OldAsAvailabilityAllows {
        /// Available pods of all versions.
        available: u32,
        /// Pods of all versions.
        pods: u32,
        /// How many must be available.
        needed: u32,
    },
    /// Deployment: the number of replicas changed while one ReplicaSet is in use.
    OnlySetTakesAll {
        /// Desired replicas.
        desired: u32,
    },
    /// Deployment: the number of replicas changed while several are in use.
    InProportion {
        /// Desired replicas and surge when this ReplicaSet was scaled before.
        before: u32,
        /// Desired replicas and surge now.
        after: u32,
    },
    /// Deployment: the number of replicas changed and the new ReplicaSet has them all.
    NewIsWhole {
        /// Desired replicas.
        desired: u32,
    },
    /// Recreate: all old pods go before the first new one comes.
    RecreateOldGo,
    /// Recreate: no old pod is left.
    RecreateNewCome {
        /// Desired replicas.
        desired: u32,
    },
    /// Argo: stable is kept whole.
    StableWhole {
        /// Desired replicas.
        desired: u32,
    },
    /// Argo, `dynamic_stable_scale`: stable has the pods for the traffic that it takes.
    StableForTraffic {
        /// The weight of stable as recorded, percent.
        percent: u32,
        /// Desired replicas.
        desired: u32,
    },
    /// Argo, basic canary: the number of pods is the weight, and goes there within surge and unavailable.
    TowardsWeight {
        /// The canary's weight, percent.
        weight: u32,
        /// Desired replicas.
        desired: u32,
    },
    /// Argo, routed canary: the pods for the weight that the steps ask for.
    CanaryForWeight {
        /// The weight, percent.
        weight: u32,
        /// Desired replicas.
        desired: u32,
    },
    /// Argo, routed canary: what `set_canary_scale` asks for, in pods.
    CanaryScaleReplicas {
        /// So many.
        replicas: u32,
    },
    /// Argo, routed canary: what `set_canary_scale` asks for, as a share.
    CanaryScaleWeight {
        /// Percent of the desired replicas.
        weight: u32,
        /// Desired replicas.
        desired: u32,
    },
    /// Argo: the steps are done or skipped, or there is no preview to be smaller: the new version gets all replicas.
    NewWhole {
        /// Desired replicas.
        desired: u32,
    },
    /// Argo, blue-green: the preview has its own size before it passed.
    Preview {
        /// `preview_replica_count`.
        count: u32,
    },
    /// Argo: the update was given up, and its pods are not kept for a delay.
    Aborted,
    /// Argo: the update was given up, stable is whole, and `abort_scale_down_delay` is over.
    AbortDelayOver {
        /// The delay.
        delay: Duration,
    },
    /// Argo: an old fleet is kept for `scale_down_delay`.
    KeptForDelay {
        /// The delay.
        delay: Duration,
    },
    /// Argo: `scale_down_delay` is over.
    ScaleDownDelayOver {
        /// The delay.
        delay: Duration,
    },
    /// Argo: newer old fleets are kept already.
    RevisionLimit {
        /// `scale_down_delay_revision_limit`.
        limit: u32,
    },
    /// Argo, `dynamic_stable_scale`: what was stable takes no traffic any more and is not kept.
    FormerStableGoes,
    /// Argo, routed canary: a version that was never promoted and gave way to a later one.
    Superseded,
    /// Argo: pods of older versions that are not available go at once.
    OtherUnavailableGo {
        /// Such pods of this ReplicaSet.
        unavailable: u32,
    },
}

impl Rule {
    /// The rule in plain words, with its numbers.
    pub fn sentence(&self) -> String {
        self.to_string()
    }
}

/// "1 old may go", "2 pods": nouns that do not change are left alone.
fn pods(count: u32) -> String {
    format!("{count} {}", if count == 1 { "pod" } else { "pods" })
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Rule::NewWithinSurge { pods, terminating: 0, most } => {
                write!(f, "{pods} of at most {most} pods are there: room for {}", most.saturating_sub(pods))
            }
            Rule::NewWithinSurge { pods, terminating, most } => {
                let room = most.saturating_sub(pods + terminating);
                write!(f, "{pods} of at most {most} pods are there and {terminating} still terminate: room for {room}")
            }
            Rule::NewBeyondDesired { desired } => write!(f, "more new pods than the {desired} desired"),
            Rule::OldUnavailableGo { unavailable, most } => {
                write!(f, "{} not available: old ones go first, at most {most}", pods(unavailable))
            }
            Rule::OldAsAvailabilityAllows { available, pods, needed } => {
                let spare = available.saturating_sub(needed);
                write!(f, "{available} of {pods} available, {needed} needed: {spare} old may go")
            }
            Rule::OnlySetTakesAll { desired } => write!(f, "the only version in use gets all {desired}"),
            Rule::InProportion { before, after } => {
                write!(f, "at most {after} pods instead of {before}: each version keeps its share")
            }
            Rule::NewIsWhole { desired } => write!(f, "all {desired} new pods are available: the old ones go"),
            Rule::RecreateOldGo => f.write_str("Recreate: all old pods go before the first new one comes"),
            Rule::RecreateNewCome { desired } => write!(f, "no old pod is left: {desired} new ones come at once"),
            ref argo => argo.fmt_argo(f),
        }
    }
}

impl Rule {
    /// What only Argo Rollouts does.
    fn fmt_argo(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Rule::StableWhole { desired } => write!(f, "stable is kept at all {desired}"),
            Rule::StableForTraffic { percent, desired } => {
                write!(f, "stable has what {percent} % of the traffic needs of {desired}")
            }
            Rule::TowardsWeight { weight, desired } => {
                write!(f, "towards {weight} % of {desired} as canary, within surge and unavailable")
            }
            Rule::CanaryForWeight { weight, desired } => {
                write!(f, "the canary has what {weight} % of the traffic needs of {desired}")
            }
            Rule::CanaryScaleReplicas { replicas } => write!(f, "set_canary_scale asks for {}", pods(replicas)),
            Rule::CanaryScaleWeight { weight, desired } => {
                write!(f, "set_canary_scale asks for {weight} % of {desired}")
            }
            Rule::NewWhole { desired } => write!(f, "the new version gets all {desired}"),
            Rule::Preview { count } => write!(f, "preview_replica_count is {count} until the preview passed"),
            Rule::Aborted => f.write_str("aborted: the new version goes"),
            Rule::AbortDelayOver { delay } => {
                write!(f, "aborted, stable is whole and abort_scale_down_delay ({delay}) is over")
            }
            Rule::KeptForDelay { delay } => write!(f, "the old fleet is kept for scale_down_delay ({delay})"),
            Rule::ScaleDownDelayOver { delay } => write!(f, "scale_down_delay ({delay}) is over"),
            Rule::RevisionLimit { limit } => {
                write!(f, "scale_down_delay_revision_limit ({limit}): newer old fleets are kept already")
            }
            Rule::FormerStableGoes => f.write_str("what was stable takes no traffic any more"),
            Rule::Superseded => f.write_str("it was never promoted, and a later version came"),
            Rule::OtherUnavailableGo { unavailable } => {
                write!(f, "{} of an older version not available: they go at once", pods(unavailable))
            }
            _ => Ok(()),
        }
    }
}

/// Why the traffic router's weight is what it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightRule {
    /// The steps ask for it, and their pods are there.
    Step,
    /// The pods of the current step are not there yet: the weight of the step before it holds.
    StepBefore,
    /// All steps are done.
    StepsDone,
    /// The new version has no available pod.
    NoCanaryPods,
    /// What is shipped is stable: there is no canary.
    NoCanary,
    /// An operator skipped the steps: as much as the new version has pods for, or as before.
    PromotedInFull,
    /// The update is given up.
    Aborted,
    /// Flagger: a tick whose checks passed.
    ChecksPassed,
    /// Flagger: another version came during the analysis, which begins anew.
    Restarted,
    /// Flagger: the primary is updated and takes its traffic back.
    PrimaryUpdated,
    /// Flagger: the primary's update failed, and the canary is known to be good.
    PrimaryFailed,
    /// The update is given up: as far as a stable fleet that was shrunk can take the traffic back.
    AsStableGrows {
        /// Available pods of stable.
        available: u32,
        /// Desired replicas.
        desired: u32,
    },
}

impl WeightRule {
    /// The rule in plain words, with its numbers.
    pub fn sentence(&self) -> String {
        match *self {
            WeightRule::Step => "the step asks for it, and its pods are there".to_owned(),
            WeightRule::StepBefore => "the step's pods are not there: the weight of the step before holds".to_owned(),
            WeightRule::StepsDone => "all steps are done".to_owned(),
            WeightRule::NoCanaryPods => "no pod of the new version is available".to_owned(),
            WeightRule::NoCanary => "there is no canary: what is shipped is stable".to_owned(),
            WeightRule::PromotedInFull => "an operator skipped the steps".to_owned(),
            WeightRule::Aborted => "aborted: all traffic goes to stable".to_owned(),
            WeightRule::ChecksPassed => "the checks of this tick passed".to_owned(),
            WeightRule::Restarted => "another version came: the analysis begins anew".to_owned(),
            WeightRule::PrimaryUpdated => "the primary is updated and takes its traffic back".to_owned(),
            WeightRule::PrimaryFailed => "the primary's update failed: the canary takes all".to_owned(),
            WeightRule::AsStableGrows { available, desired } => {
                format!("the canary gives way as stable grows: {available} of {desired} available")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_say_the_numbers_that_the_controller_saw() {
        let delay = Duration::from_seconds(30);
        for (rule, expected) in [
            (
                Rule::OldAsAvailabilityAllows { available: 8, pods: 10, needed: 6 },
                "8 of 10 available, 6 needed: 2 old may go",
            ),
            (Rule::NewWithinSurge { pods: 8, terminating: 0, most: 10 }, "8 of at most 10 pods are there: room for 2"),
            (
                Rule::NewWithinSurge { pods: 8, terminating: 1, most: 10 },
                "8 of at most 10 pods are there and 1 still terminate: room for 1",
            ),
            (Rule::OldUnavailableGo { unavailable: 1, most: 3 }, "1 pod not available: old ones go first, at most 3"),
            (Rule::ScaleDownDelayOver { delay }, "scale_down_delay (30s) is over"),
            (Rule::CanaryForWeight { weight: 5, desired: 8 }, "the canary has what 5 % of the traffic needs of 8"),
        ] {
            assert_eq!(rule.sentence(), expected);
        }
        assert_eq!(
            WeightRule::AsStableGrows { available: 3, desired: 8 }.sentence(),
            "the canary gives way as stable grows: 3 of 8 available"
        );
    }
}
