//! `schema`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// What stands below the help: how editors find the schema.
pub const SCHEMA_EXAMPLES: &str = "\
Examples:
  cutover schema --out scenario.schema.json
  cutover schema --key rollout.canary.steps       what one key takes and means, here
  cutover schema --key traffic.output_tokens

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
    /// What it is the schema of
    #[arg(value_enum, default_value_t = SchemaName::Scenario)]
    pub name: SchemaName,
    /// Tell what one key of a scenario takes and means instead, by its dotted path
    #[arg(long, value_name = "KEY", conflicts_with = "out")]
    pub key: Option<String>,
    /// Write it to this file instead of standard output, in the place of an older one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// A scenario, as TOML in an editor
    Scenario,
}
