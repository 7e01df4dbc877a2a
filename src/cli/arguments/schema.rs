//! `schema`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};

use crate::report::published;

/// What stands below the help: how editors find the schema.
pub const SCHEMA_EXAMPLES: &str = "\
Examples:
  cutover schema --out scenario.schema.json
  cutover schema --key rollout.canary.steps    # what one key takes and means, here
  cutover schema --key traffic.output_tokens
  cutover schema summary    # of the JSON that `run` writes; docs/json.md has all

So that keys complete and explain themselves in an editor, write the schema beside your scenarios and either put this on
the first line of each

  #:schema ./scenario.schema.json

or name it once for all of them, in .taplo.toml (Taplo: Even Better TOML in VS Code, Helix, Neovim)

  [[rule]]
  include = [\"scenarios/*.toml\"]
  [rule.schema]
  path = \"./scenario.schema.json\"

or in tombi.toml (Tombi)

  [[schemas]]
  path = \"scenario.schema.json\"
  include = [\"scenarios/*.toml\"]

docs/editor.md says more.";

/// `schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// What it is the schema of: scenario, or one of the documents that are written: summary, check, comparison, sweep, grace,
    /// plan, levers, power, fit, explain, lint, profiles, profile
    #[arg(default_value = SCENARIO, value_parser = PossibleValuesParser::new(names()), hide_possible_values = true)]
    pub name: String,
    /// Tell what one key of a scenario takes and means instead, by its dotted path
    #[arg(long, value_name = "KEY", conflicts_with = "out")]
    pub key: Option<String>,
    /// Write it to this file instead of standard output, in the place of an older one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// The name of the schema of scenarios.
pub const SCENARIO: &str = "scenario";

/// The name of every schema.
fn names() -> Vec<&'static str> {
    let documents = published().into_iter().map(|schema| schema.name);
    std::iter::once(SCENARIO).chain(documents).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_help_names_every_schema() {
        let mut command = super::super::Arguments::command();
        let help = command.find_subcommand_mut("schema").expect("a command").render_long_help().to_string();
        for name in names() {
            assert!(help.contains(name), "{name} is not in\n{help}");
        }
    }
}
