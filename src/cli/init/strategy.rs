//! The table of each strategy, its defaults written out from the catalogue of keys, with what a starter sets otherwise.

use super::super::arguments::StrategyArgument;
use super::document::Line;
use super::sizing::{Sizing, Wanted};
use crate::scenario::keys::{Default, Key, Kind, find};

/// Least time for which no progress is no news: Kubernetes' default, minutes.
const LEAST_DEADLINE: f64 = 10.0;

impl StrategyArgument {
    /// `rollout.strategy`.
    pub fn word(self) -> &'static str {
        match self {
            StrategyArgument::None => "none",
            StrategyArgument::Recreate => "recreate",
            StrategyArgument::Rolling => "rolling",
            StrategyArgument::BlueGreen => "blue_green",
            StrategyArgument::Canary | StrategyArgument::Flagger => "canary",
        }
    }

    /// The canary's controller; empty for other strategies.
    fn controller(self) -> &'static str {
        match self {
            StrategyArgument::Canary => "argo",
            StrategyArgument::Flagger => "flagger",
            _ => "",
        }
    }

    /// Whether analyses judge it.
    pub fn has_analyses(self) -> bool {
        matches!(self, StrategyArgument::Canary | StrategyArgument::Flagger)
    }

    /// Replicas that it needs beside the fleet.
    pub fn surge(self, replicas: u32) -> u32 {
        match self {
            StrategyArgument::None | StrategyArgument::Recreate => 0,
            StrategyArgument::Rolling => replicas.div_ceil(4),
            StrategyArgument::BlueGreen | StrategyArgument::Canary => replicas,
            StrategyArgument::Flagger => replicas + 1,
        }
    }

    /// About how long it takes, minutes, with cold starts of this length.
    pub fn minutes(self, replicas: u32, cold_start_s: f64) -> f64 {
        let cold = cold_start_s / 60.0;
        match self {
            StrategyArgument::None => 0.0,
            StrategyArgument::Recreate => 2.0 * cold,
            StrategyArgument::Rolling => f64::from(replicas.div_ceil(replicas.div_ceil(4))) * cold,
            StrategyArgument::BlueGreen => cold + 2.0,
            // Three cold starts, two pauses and an analysis.
            StrategyArgument::Canary => 3.0 * cold + 20.0,
            StrategyArgument::Flagger => 3.0 * cold + 10.0,
        }
    }

    /// What a starter sets otherwise than by default, and what it adds; TOML.
    fn settings(self, sizing: &Sizing) -> Vec<(&'static str, String)> {
        let deadline = LEAST_DEADLINE.max((2.0 * sizing.cold_start_s / 60.0 / 5.0).ceil() * 5.0);
        let mut settings = vec![("progress_deadline", format!("\"{deadline}m\""))];
        match self {
            StrategyArgument::None | StrategyArgument::Recreate => {}
            StrategyArgument::Rolling => settings.push(("max_unavailable", "0".to_owned())),
            StrategyArgument::BlueGreen => {
                settings.extend([("auto_promotion", "\"60s\"".to_owned()), ("scale_down_delay", "\"30s\"".to_owned())]);
            }
            StrategyArgument::Canary => settings.extend([
                ("background_analysis", "[\"errors\"]".to_owned()),
                (
                    "steps",
                    "[\n  { set_weight = 5 }, { pause = \"5m\" },\n  { set_weight = 25 }, { analysis = [\"ttft\"] },\n  \
                     { set_weight = 100 },\n]"
                        .to_owned(),
                ),
            ]),
            StrategyArgument::Flagger => settings.extend([
                ("controller", "\"flagger\"".to_owned()),
                ("threshold", "3".to_owned()),
                ("step_weights", "[5, 10, 25, 50]".to_owned()),
                ("analysis", "[\"ttft\", \"errors\"]".to_owned()),
                ("max_surge", "1".to_owned()),
                ("max_unavailable", "0".to_owned()),
            ]),
        }
        settings
    }

    /// Keys that do nothing here: a traffic-routed canary ignores them, or a list takes their place.
    fn idle(self) -> &'static [&'static str] {
        match self {
            StrategyArgument::Canary => &["max_surge", "max_unavailable"],
            StrategyArgument::Flagger => &["max_weight"],
            _ => &[],
        }
    }
}

/// The lines of the strategy's own table, header first; none for `none`.
pub fn table(wanted: &Wanted, sizing: &Sizing) -> Vec<Line> {
    let strategy = wanted.strategy;
    let path = format!("rollout.{}", strategy.word());
    let Some(Kind::Table(table)) = find(&path).first().map(|found| found.kind) else { return Vec::new() };
    let settings = strategy.settings(sizing);
    let mut lines = vec![Line::heading(&format!("[{path}]"), table.title)];
    for key in table.keys.iter().filter(|key| stands(key, strategy)) {
        let setting = settings.iter().find(|(name, _)| *name == key.name).map(|(_, value)| value.clone());
        let default = match key.default {
            Default::Value(value) if !strategy.idle().contains(&key.name) => Some(value.to_owned()),
            _ => None,
        };
        if let Some(value) = setting.or(default) {
            lines.push(Line::of(&format!("{path}.{}", key.name), &value));
        }
    }
    lines
}

/// Whether a key is this strategy's: of the canary's, those of its controller.
fn stands(key: &Key, strategy: StrategyArgument) -> bool {
    use crate::scenario::keys::When;
    key.only.iter().all(|when| match when {
        When::With("controller", words) => words.contains(&strategy.controller()),
        _ => true,
    })
}
