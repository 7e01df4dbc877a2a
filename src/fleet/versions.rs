//! A small set of versions: the ReplicaSets whose pods one Service selects.

use super::view::Version;

/// Versions, as one bit each: cheap to copy and compare. Versions from 64 on cannot be held, and are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Versions(u64);

impl Versions {
    /// None at all.
    pub const NONE: Versions = Versions(0);

    /// One version.
    pub fn of(version: Version) -> Versions {
        Versions::NONE.with(version)
    }

    /// The versions below `count`.
    pub fn below(count: usize) -> Versions {
        Versions(u32::try_from(count).ok().and_then(|count| 1u64.checked_shl(count)).map_or(u64::MAX, |bit| bit - 1))
    }

    /// These and one more.
    pub fn with(self, version: Version) -> Versions {
        Versions(self.0 | Versions::bit(version))
    }

    /// Whether a version is among them.
    pub fn contains(self, version: Version) -> bool {
        self.0 & Versions::bit(version) != 0
    }

    /// The version, if there is exactly one.
    pub fn only(self) -> Option<Version> {
        self.0.is_power_of_two().then(|| self.0.trailing_zeros() as Version)
    }

    /// The versions in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Version> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let next = (left != 0).then(|| left.trailing_zeros() as Version);
            left &= left.wrapping_sub(1);
            next
        })
    }

    fn bit(version: Version) -> u64 {
        u32::try_from(version).ok().and_then(|version| 1u64.checked_shl(version)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_held_each_once_and_in_order() {
        let versions = Versions::of(5).with(2).with(5);
        assert_eq!(versions.iter().collect::<Vec<_>>(), [2, 5]);
        assert!(versions.contains(2) && !versions.contains(3));
        assert_eq!((versions.only(), Versions::of(7).only(), Versions::NONE.only()), (None, Some(7), None));
        assert_eq!(Versions::below(3).iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((Versions::below(0), Versions::of(64)), (Versions::NONE, Versions::NONE));
        assert_eq!(Versions::below(64).iter().count(), 64);
    }
}
