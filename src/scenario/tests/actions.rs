//! `[[action]]`: what becomes of good ones, and what is said about bad ones.

use super::*;
use crate::scenario::ActionKind;
use crate::units::Time;

fn rolling(actions: &str) -> String {
    with(&format!("[rollout]\nstrategy = \"rolling\"\n{actions}"))
}

#[test]
fn every_action_is_read_with_its_time_and_versions() {
    let scenario = read(&rolling(
        r#"
[[action]]
at = "25m"
do = "ship"
version = { name = "v3", step_time_factor = 1.5 }
[[action]]
at = "30m"
do = "ship"
version = "new"
[[action]]
at = "31m"
do = "kill_replicas"
version = "v3"
replicas = 2
[[action]]
at = "32m"
do = "make_unready"
[[action]]
at = "33m"
do = "set_replicas"
replicas = 0
"#,
    ));
    let names: Vec<&str> = scenario.versions.iter().map(|version| version.name.as_str()).collect();
    assert_eq!(names, ["stable", "new", "v3"]);
    assert_eq!(scenario.versions[2].step_time_factor, 1.5);
    let kinds: Vec<ActionKind> = scenario.actions.iter().map(|action| action.kind).collect();
    let expected = [
        ActionKind::Ship(2),
        ActionKind::Ship(1),
        ActionKind::KillReplicas { version: Some(2), replicas: 2 },
        ActionKind::MakeUnready { version: None, replicas: 1 },
        ActionKind::SetReplicas(0),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(scenario.actions[0].at, Time(1_500_000_000_000));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let action = |body: &str| rolling(&format!("[[action]]\nat = \"30m\"\n{body}"));
    for (text, key, expected) in [
        (action("do = \"shop\""), "action.0.do", "did you mean `ship`?"),
        (action("do = \"abort\""), "action.0.do", "only \"canary\" and \"blue_green\" know this"),
        (action("do = \"set_replicas\""), "action.0.replicas", "the number of replicas"),
        (action("do = \"pause\"\nreplicas = 3"), "action.0.replicas", "not a key of `action.0`"),
        (action("do = \"ship\""), "action.0.version", "or the name of a version"),
        (action("do = \"ship\"\nversion = \"nwe\""), "action.0.version", "did you mean `new`?"),
        (action("do = \"ship\"\nversion = { step_time_factor = 2 }"), "action.0.version.name", "such as \"v3\""),
        (action("do = \"ship\"\nversion = { name = \"new\" }"), "action.0.version.name", "to ship it again"),
        (action("do = \"ship\"\nversion = { name = \"a b\" }"), "action.0.version.name", "a name of letters"),
        (action("do = \"kill_replicas\"\nreplicas = 0"), "action.0.replicas", "from 1 to 10000"),
        (rolling("[[action]]\ndo = \"pause\""), "action.0.at", "when, from time zero"),
        (rolling("[[action]]\nat = \"1000h\"\ndo = \"pause\""), "action.0.at", "a time before `study.duration`"),
        (with("[[action]]\nat = \"30m\"\ndo = \"roll_back\""), "action.0.do", "`rollout.strategy` is \"none\""),
        (rolling("[action]\nat = \"30m\""), "action", "a list of tables"),
    ] {
        let problem = problem_with(&text);
        assert_eq!(problem.key, key, "{text}");
        let said = format!("{} {} {}", problem.message, problem.expected, problem.help.unwrap_or_default());
        assert!(said.contains(expected), "{text}\nsaid: {said}");
    }
}

#[test]
fn an_action_can_be_set_from_outside() {
    let text = rolling("[[action]]\nat = \"30m\"\ndo = \"set_replicas\"\nreplicas = 4");
    let scenario = read_with(&text, &["action.0.replicas=9"]).expect("a scenario");
    assert_eq!(scenario.actions[0].kind, ActionKind::SetReplicas(9));
}
