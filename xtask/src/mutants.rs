//! Every rule changed in every small way, one at a time: is there a test that minds?

use std::process::Command;

use crate::error::Result;
use crate::step;
use crate::tools;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Options {
    /// Passed on: `--shard 1/8`, `--re core/plan.rs`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

/// What is mutated, and by which tests it is to be found, stands in `.cargo/mutants.toml`.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let tool = tools::installed(workspace, tools::MUTANTS)?;
    let mut mutants = Command::new(tool);
    mutants.current_dir(&workspace.root).args(["mutants", "--package", "landfall", "--output"]);
    mutants.arg(workspace.target.join("mutants")).args(&options.more);
    step::run("Mutants of the rules: about a thousand, for hours", &mut mutants)
}
