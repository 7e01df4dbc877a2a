//! Every combination of the values of some axes, and which scenarios among them are the same.

use serde::{Deserialize, Serialize};

use crate::scenario::{Axis, Scenario, Traffic};

/// Most points that a sweep may have.
const MOST_POINTS: usize = 1_000;

/// Every combination of the axes' values: the first axis changes slowest, the last fastest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    axes: Vec<Axis>,
}

impl Grid {
    /// A grid over these axes, at least one of them.
    ///
    /// # Errors
    /// Two axes set the same key, or one a table that the other sets a key of; or there are too many points.
    pub fn new(axes: Vec<Axis>) -> Result<Grid, String> {
        if axes.is_empty() {
            return Err("expected at least one KEY=VALUES to vary".to_owned());
        }
        for (at, axis) in axes.iter().enumerate() {
            if let Some(other) =
                axes[..at].iter().find(|other| within(&axis.key, &other.key) || within(&other.key, &axis.key))
            {
                return Err(if other.key == axis.key {
                    format!("`{}` is varied twice; put all of its values into one list", axis.key)
                } else {
                    format!("`{}` and `{}` are varied: the one is a part of the other", other.key, axis.key)
                });
            }
        }
        let points = axes.iter().try_fold(1_usize, |points, axis| points.checked_mul(axis.values.len()));
        match points.filter(|points| *points <= MOST_POINTS) {
            Some(_) => Ok(Grid { axes }),
            None => {
                let counts: Vec<String> = axes.iter().map(|axis| axis.values.len().to_string()).collect();
                let product = counts.join(" x ");
                let points = points.map_or_else(String::new, |points| format!(" = {points}"));
                Err(format!("expected at most {MOST_POINTS} points, found {product}{points}; vary fewer values"))
            }
        }
    }

    /// The axes, the slowest first.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// How many points there are, at least one.
    pub fn points(&self) -> usize {
        self.axes.iter().map(|axis| axis.values.len()).product()
    }

    /// The index of a point's value on each axis.
    pub fn coordinates(&self, point: usize) -> Vec<usize> {
        let mut rest = point;
        let mut coordinates: Vec<usize> = (self.axes.iter().rev())
            .map(|axis| {
                let index = rest % axis.values.len();
                rest /= axis.values.len();
                index
            })
            .collect();
        coordinates.reverse();
        coordinates
    }

    /// The point with these indices of values.
    pub fn point_at(&self, coordinates: &[usize]) -> usize {
        self.axes.iter().zip(coordinates).fold(0, |point, (axis, index)| point * axis.values.len() + index)
    }

    /// What sets a scenario to a point, each as `KEY=VALUE`.
    pub fn settings(&self, point: usize) -> Vec<String> {
        self.axes.iter().zip(self.coordinates(point)).map(|(axis, index)| axis.setting(index)).collect()
    }

    /// The values of a point, as people read them.
    pub fn labels(&self, point: usize) -> Vec<String> {
        self.axes.iter().zip(self.coordinates(point)).map(|(axis, index)| axis.label(index)).collect()
    }

    /// The first axis of which two values are one wherever the others stand, and those values; `settings` says what every
    /// point simulates. All values of a key that no scenario here reads are such.
    pub fn repeated_values<T: PartialEq>(&self, settings: &[T]) -> Option<(&Axis, usize, usize)> {
        self.axes.iter().enumerate().find_map(|(at, axis)| {
            // What the points with a value simulate, in the order of the other axes.
            let mut of_values: Vec<Vec<&T>> = vec![Vec::new(); axis.values.len()];
            for (point, setting) in settings.iter().enumerate() {
                of_values[self.coordinates(point)[at]].push(setting);
            }
            let mut pairs = (0..of_values.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
            let (first, second) = pairs.find(|(first, second)| of_values[*first] == of_values[*second])?;
            Some((axis, first, second))
        })
    }
}

/// Whether a dotted key is another one, or lies in the table that it names.
fn within(key: &str, table: &str) -> bool {
    let mut parts = key.split('.').map(str::trim);
    table.split('.').map(str::trim).all(|part| parts.next() == Some(part))
}

/// Whether setting `key` also sets, or takes away, what `other` sets.
pub fn overrides(key: &str, other: &str) -> bool {
    within(other, key)
}

/// Everything that is simulated, and all that is asked of it, as text: equal of two scenarios that simulate the same,
/// however they are written and whatever they are called.
pub fn setting(scenario: &Scenario) -> String {
    // Every field by name, so that a new one cannot be forgotten.
    let Scenario { name: _, hash: _, warnings: _, written: _, study, traffic, clients, router, fleet, .. } = scenario;
    let Scenario { engine, cold_start, termination, slo, rollout, versions, actions, analyses, checks, .. } = scenario;
    let requests = match traffic {
        // A recording may be long; its digest tells it from others.
        Traffic::Trace { path: _, trace, replay } => format!("{}{replay:?}", trace.digest()),
        Traffic::Synthetic { .. } => format!("{traffic:?}"),
    };
    // Not where a check was written.
    let checks: Vec<_> = checks.iter().map(|check| (&check.metric, check.statistic, check.min, check.max)).collect();
    format!(
        "{study:?}{requests}{clients:?}{router:?}{fleet:?}{engine:?}{cold_start:?}{termination:?}{slo:?}{rollout:?}\
         {versions:?}{actions:?}{analyses:?}{checks:?}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::scenario;
    use crate::units::Duration;

    fn grid(axes: &[&str]) -> Result<Grid, String> {
        Grid::new(axes.iter().map(|axis| Axis::parse(axis).unwrap()).collect())
    }

    #[test]
    fn points_count_up_with_the_last_axis_fastest() {
        let grid = grid(&["a=1,2", "b.c=x,y,z"]).unwrap();
        assert_eq!(grid.points(), 6);
        let settings: Vec<Vec<String>> = (0..6).map(|point| grid.settings(point)).collect();
        assert_eq!(settings[0], ["a=1", "b.c=x"]);
        assert_eq!(settings[1], ["a=1", "b.c=y"]);
        assert_eq!(settings[5], ["a=2", "b.c=z"]);
        for point in 0..6 {
            assert_eq!(grid.point_at(&grid.coordinates(point)), point);
        }
    }

    #[test]
    fn axes_that_set_the_same_are_refused() {
        assert!(grid(&["a.b=1", "a.b=2"]).unwrap_err().contains("`a.b` is varied twice"));
        for axes in [["a.b=1", "a=2"], ["a=2", "a.b=1"]] {
            assert!(grid(&axes).unwrap_err().contains("is a part of the other"), "{axes:?}");
        }
        assert!(grid(&["a.b=1", "a.bc=2"]).is_ok());
        assert!(overrides("a", "a.b") && overrides("a.b", "a.b") && !overrides("a.b", "a"));
    }

    #[test]
    fn too_many_points_are_refused_with_how_many_there_would_be() {
        assert!(grid(&["a=1..10/1", "b=1..100/1"]).is_ok());
        let error = grid(&["a=1..11/1", "b=1..100/1"]).unwrap_err();
        assert!(error.contains("at most 1000 points, found 11 x 100 = 1100"), "{error}");
        let many: Vec<String> = (0..30).map(|i| format!("k{i}=1..1000/1")).collect();
        assert!(grid(&many.iter().map(String::as_str).collect::<Vec<&str>>()).unwrap_err().contains("at most 1000"));
    }

    #[test]
    fn values_that_are_the_same_everywhere_are_found() {
        let grid = grid(&["a=1,2,3", "b=1,2"]).unwrap();
        // The second and third value of `a` are the same.
        let (axis, first, second) = grid.repeated_values(&["1 1", "1 2", "2 1", "2 2", "2 1", "2 2"]).unwrap();
        assert_eq!((axis.key.as_str(), first, second), ("a", 1, 2));
        // Only where `b` has its first value.
        assert_eq!(grid.repeated_values(&["1 1", "1 2", "2 1", "2 2", "2 1", "3 2"]), None);
        let (axis, ..) = grid.repeated_values(&["1", "1", "2", "2", "3", "3"]).unwrap();
        assert_eq!(axis.key, "b", "a key that changes nothing");
    }

    #[test]
    fn a_scenario_is_the_same_whatever_it_is_called() {
        let (a, mut b) = (scenario(5), scenario(5));
        (b.name, b.hash) = ("another".to_owned(), "0".to_owned());
        assert_eq!(setting(&a), setting(&b));
        for change in [
            (|s| s.termination.grace_period = Duration::ZERO) as fn(&mut Scenario),
            |s| s.fleet.replicas += 1,
            |s| s.study.duration = Duration::from_seconds(77),
            |s| s.study.runs += 1,
        ] {
            let mut c = a.clone();
            change(&mut c);
            assert_ne!(setting(&a), setting(&c));
        }
    }
}
