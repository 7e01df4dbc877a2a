//! The catalogue of keys: every key that a scenario can have, what it takes, its default and what it means.
//!
//! One table as data, from which the JSON Schema, the reference in `docs/scenario.md` and the comments of a starter
//! follow. The readers beside this folder decide what is accepted; tests hold the two together, key by key: what is asked
//! for is here and the other way round, defaults written out change nothing, and the ends of every range are accepted and
//! what lies beyond them refused. What combinations of values mean is the readers' business alone.

mod actions;
mod analysis;
mod canary;
mod find;
mod fleet;
mod kind;
mod quantity;
mod replica;
mod rollout;
mod study;
mod traffic;

pub use canary::FLAGGER_EXAMPLE;
pub(super) use find::where_it_belongs;
pub use find::{Found, elsewhere, find};
pub use kind::{Bound, Kind, Reals, Unit, Word};
pub use quantity::{DISTRIBUTIONS, Extra, MAX, PROCESSES, Variant};

/// A table of a scenario: `[study]`, `[[check]]`, or one inside another such as `clients.backoff`.
#[derive(Debug)]
pub struct Table {
    /// Dotted path as in its header; `NAME` stands for any name. Empty: the whole document.
    pub path: &'static str,
    /// What it is about, a line.
    pub title: &'static str,
    /// What else there is to say before its keys, Markdown.
    pub intro: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Keys of which some must be there.
    pub needs: &'static [Need],
    /// TOML that shows it, header included; empty: shown with the table that it is in.
    pub example: &'static str,
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in its table.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds where it is left out.
    pub default: Default,
    /// Unit of a bare number; empty: none, or the text carries its own.
    pub unit: &'static str,
    /// What it means, a sentence or two, Markdown.
    pub about: &'static str,
    /// A value that shows what it is for, TOML; empty: the default does.
    pub example: &'static str,
    /// Where it may stand: all of these must hold.
    pub only: &'static [When],
}

/// What holds where a key is left out.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// It must be there.
    Needed,
    /// This value, TOML.
    Value(&'static str),
    /// In words: another key's value, or that nothing of the kind is there.
    Words(&'static str),
}

/// A condition on other keys of the same table.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Always.
    Always,
    /// The value of this key, or its default, is one of these words.
    With(&'static str, &'static [&'static str]),
    /// This key is there.
    Beside(&'static str),
    /// This key is not there.
    Without(&'static str),
}

/// Keys of which some must be there.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// The keys.
    pub of: &'static [&'static str],
    /// Whether one is enough and a second is too much.
    pub exactly_one: bool,
    /// When this holds.
    pub when: When,
}

impl When {
    /// The condition in words; Markdown.
    pub fn words(&self) -> String {
        match self {
            When::Always => "always".to_owned(),
            When::With(key, words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                format!("with `{key} = {}`", kind::listed(&words))
            }
            When::Beside(key) => format!("beside `{key}`"),
            When::Without(key) => format!("without `{key}`"),
        }
    }
}

impl Need {
    /// Exactly one of these, always.
    const fn one(of: &'static [&'static str]) -> Need {
        Need { of, exactly_one: true, when: When::Always }
    }

    /// At least one of these, always.
    const fn any(of: &'static [&'static str]) -> Need {
        Need { of, exactly_one: false, when: When::Always }
    }

    /// The same, only then.
    const fn when(self, when: When) -> Need {
        Need { when, ..self }
    }
}

impl Key {
    const fn new(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
        Key { name, kind, default, unit: "", about, example: "", only: &[] }
    }

    /// A key that must be there.
    const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Key {
        Key::new(name, kind, Default::Needed, about)
    }

    /// A key with a default, TOML.
    const fn value(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
        Key::new(name, kind, Default::Value(default), about)
    }

    /// A key whose absence means this.
    const fn words(name: &'static str, kind: Kind, absent: &'static str, about: &'static str) -> Key {
        Key::new(name, kind, Default::Words(absent), about)
    }

    const fn unit(self, unit: &'static str) -> Key {
        Key { unit, ..self }
    }

    const fn example(self, example: &'static str) -> Key {
        Key { example, ..self }
    }

    const fn only(self, only: &'static [When]) -> Key {
        Key { only, ..self }
    }
}

/// The whole document.
pub static ROOT: Table = Table {
    path: "",
    title: "A scenario: a fleet, its traffic, and the rollout of a new version",
    intro: "",
    keys: &[
        Key::words("name", Kind::Title, "the file's name", "A title for people: reports and charts carry it.")
            .example("\"Chat on 8 H100: rolling update\""),
        Key::words("study", Kind::Table(&study::STUDY), "all defaults", study::STUDY.title),
        Key::needed("traffic", Kind::Table(&traffic::TRAFFIC), traffic::TRAFFIC.title),
        Key::words("clients", Kind::Table(&study::CLIENTS), "all defaults", study::CLIENTS.title),
        Key::words("router", Kind::Table(&study::ROUTER), "all defaults", study::ROUTER.title),
        Key::words("fleet", Kind::Table(&fleet::FLEET), "all defaults", fleet::FLEET.title),
        Key::words("engine", Kind::Table(&replica::ENGINE), "all defaults", replica::ENGINE.title),
        Key::words("cold_start", Kind::Table(&replica::COLD_START), "all defaults", replica::COLD_START.title),
        Key::words("termination", Kind::Table(&replica::TERMINATION), "all defaults", replica::TERMINATION.title),
        Key::words("slo", Kind::Table(&study::SLO), "no objective", study::SLO.title),
        Key::words("rollout", Kind::Table(&rollout::ROLLOUT), "no rollout", rollout::ROLLOUT.title),
        Key::words("new_version", Kind::Table(&fleet::NEW_VERSION), "as stable", fleet::NEW_VERSION.title),
        Key::words("analysis", Kind::Named(&analysis::ANALYSIS), "none", analysis::ANALYSIS.title),
        Key::words("action", Kind::Tables(&actions::ACTION), "none", actions::ACTION.title),
        Key::words("check", Kind::Tables(&actions::CHECK), "none", actions::CHECK.title),
        Key::words("plan", Kind::Table(&actions::PLAN), "no plan", actions::PLAN.title),
    ],
    needs: &[],
    example: "name = \"A name for people\"",
};

/// Every table with a page section of its own, in the order of the reference.
pub static TABLES: [&Table; 21] = [
    &ROOT,
    &study::STUDY,
    &traffic::TRAFFIC,
    &study::CLIENTS,
    &study::ROUTER,
    &fleet::FLEET,
    &replica::ENGINE,
    &replica::COLD_START,
    &replica::TERMINATION,
    &study::SLO,
    &rollout::ROLLOUT,
    &rollout::RECREATE,
    &rollout::ROLLING,
    &rollout::BLUE_GREEN,
    &canary::CANARY,
    &canary::STEP,
    &fleet::NEW_VERSION,
    &analysis::ANALYSIS,
    &actions::ACTION,
    &actions::CHECK,
    &actions::PLAN,
];
