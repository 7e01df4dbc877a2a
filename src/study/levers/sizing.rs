//! A fleet of another size: the settings that change the number of replicas and keep what belongs to it consistent.

use crate::scenario::{ActionKind, Scenario};

/// Why the size of this scenario's fleet is left alone; `None` where it may change.
pub fn why_fixed(scenario: &Scenario) -> Option<String> {
    let sets = |kind: &ActionKind| matches!(kind, ActionKind::SetReplicas { .. });
    let action = scenario.actions.iter().any(|action| sets(&action.kind));
    action.then(|| "an [[action]] sets the number of replicas during the run".to_owned())
}

/// What gives the scenario's fleet so many replicas: `fleet.replicas`; `needed_replicas` in proportion, because capacity is
/// counted in replicas; and `gpu_limit`, if there is one, so that as many GPUs as before are free for a surge. A surge in
/// per cent is of the new size.
pub fn resized(scenario: &Scenario, replicas: u32) -> Vec<String> {
    let fleet = &scenario.fleet;
    let needed = fleet.needed_replicas * f64::from(replicas) / f64::from(fleet.replicas.max(1));
    let mut settings = vec![format!("fleet.replicas={replicas}"), format!("fleet.needed_replicas={needed}")];
    if let Some(limit) = fleet.gpu_limit {
        let free = limit.saturating_sub(fleet.replicas * fleet.gpus_per_replica);
        settings.push(format!("fleet.gpu_limit={}", replicas * fleet.gpus_per_replica + free));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::scenario;

    #[test]
    fn needed_replicas_and_free_gpus_keep_step() {
        let mut fleet_of_8 = scenario(1);
        assert_eq!(resized(&fleet_of_8, 6), ["fleet.replicas=6", "fleet.needed_replicas=6"]);
        fleet_of_8.fleet.needed_replicas = 6.0;
        fleet_of_8.fleet.gpus_per_replica = 2;
        fleet_of_8.fleet.gpu_limit = Some(20);
        let expected = ["fleet.replicas=4", "fleet.needed_replicas=3", "fleet.gpu_limit=12"];
        assert_eq!(resized(&fleet_of_8, 4), expected);
        assert_eq!(resized(&fleet_of_8, 10)[2], "fleet.gpu_limit=24");
    }
}
