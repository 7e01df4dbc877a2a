//! What a ReplicaSet does with its pods: which of them go when it shrinks.

use std::cmp::Ordering;

use crate::fleet::PodView;
use crate::units::Time;

/// The pods that a ReplicaSet deletes when it must lose `count` of them, in that order; they are left at the front of `pods`.
///
/// The order is `ActivePodsWithRanks` of Kubernetes 1.22 and later (`pkg/controller/controller_utils.go`, with
/// LogarithmicScaleDown): unscheduled, pending, not ready; then ready for a shorter time, more restarts, created later. Times
/// count by the power of two of their nanoseconds, and within one the lesser UID goes first. Deletion cost and the number of
/// related pods on a node do not exist here.
pub fn victims(pods: &mut [PodView], count: usize, now: Time) -> Vec<u32> {
    let count = count.min(pods.len());
    // Selection rather than a library's sort: Kubernetes' relation is not transitive (restarts count only between pods that
    // became ready at the same instant, UIDs between others), which a sort may answer with a panic.
    for place in 0..count {
        let first = (place..pods.len()).min_by(|a, b| compare(&pods[*a], &pods[*b], now)).unwrap_or(place);
        pods.swap(place, first);
    }
    pods[..count].iter().map(|pod| pod.id).collect()
}

/// Which of two pods goes first: the lesser.
fn compare(a: &PodView, b: &PodView, now: Time) -> Ordering {
    a.scheduled
        .cmp(&b.scheduled)
        .then(a.running.cmp(&b.running))
        .then(a.ready_since.is_some().cmp(&b.ready_since.is_some()))
        .then_with(|| match (a.ready_since, b.ready_since) {
            (Some(since_a), Some(since_b)) if since_a != since_b => by_age(since_a, since_b, a, b, now),
            _ => Ordering::Equal,
        })
        .then(b.restarts.cmp(&a.restarts))
        .then_with(|| if a.created == b.created { Ordering::Equal } else { by_age(a.created, b.created, a, b, now) })
        .then(a.uid.cmp(&b.uid))
        .then(a.id.cmp(&b.id))
}

/// The younger by powers of two goes first; within one power, the lesser UID.
fn by_age(since_a: Time, since_b: Time, a: &PodView, b: &PodView, now: Time) -> Ordering {
    bucket(since_a, now).cmp(&bucket(since_b, now)).then(a.uid.cmp(&b.uid))
}

/// Floor of the binary logarithm of the nanoseconds since an instant; none at all is below every other.
fn bucket(since: Time, now: Time) -> Option<u32> {
    now.since(since).0.checked_ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Duration;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_seconds(seconds)
    }

    fn pod(id: u32) -> PodView {
        PodView {
            id,
            scheduled: true,
            running: true,
            ready_since: Some(at(10)),
            restarts: 0,
            created: at(0),
            uid: u64::from(id),
        }
    }

    #[test]
    fn what_is_furthest_from_serving_goes_first() {
        let mut pods = [
            pod(0),
            PodView { ready_since: None, ..pod(1) },
            PodView { ready_since: None, running: false, ..pod(2) },
            PodView { ready_since: None, running: false, scheduled: false, ..pod(3) },
        ];
        assert_eq!(victims(&mut pods, 4, at(100)), [3, 2, 1, 0]);
    }

    #[test]
    fn among_ready_pods_the_one_ready_for_far_less_time_goes_first() {
        let mut pods = [pod(0), PodView { ready_since: Some(at(990)), ..pod(1) }, pod(2)];
        assert_eq!(victims(&mut pods, 1, at(1000)), [1]);
    }

    #[test]
    fn ready_times_within_a_power_of_two_are_settled_by_uid() {
        // 990 s and 600 s lie between 2^39 ns = 550 s and 2^40 ns = 1100 s.
        let mut pods = [PodView { uid: 7, ..pod(0) }, PodView { ready_since: Some(at(400)), uid: 9, ..pod(1) }];
        assert_eq!(victims(&mut pods, 1, at(1000)), [0]);
    }

    #[test]
    fn of_pods_ready_since_the_same_instant_the_one_that_restarted_more_goes_first() {
        let mut pods = [pod(0), PodView { restarts: 1, ..pod(1) }];
        assert_eq!(victims(&mut pods, 1, at(1000)), [1]);
    }

    #[test]
    fn of_unready_pods_the_one_created_last_goes_first() {
        let unready = |id, created| PodView { ready_since: None, created: at(created), ..pod(id) };
        let mut pods = [unready(0, 0), unready(1, 900)];
        assert_eq!(victims(&mut pods, 1, at(1000)), [1]);
    }
}
