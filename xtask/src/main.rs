//! The commands of this workspace: `cargo xtask setup | build | demo | test | bench | check`.
//!
//! Each one first sees to the tools it needs, so that the first command on a fresh machine may be any of them.

mod bench;
mod build;
mod check;
mod consumers;
mod demo;
mod error;
mod files;
mod fuzz;
mod instance;
mod mutants;
mod package;
mod rules;
mod setup;
mod simulate;
mod sizes;
mod step;
mod tally;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Result;
use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Landfall's commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install the tools that the other commands use; they do so by themselves, each for its own needs
    Setup,
    /// Build the npm package in `pkg/`
    Build,
    /// Serve the field app from a reference instance with a SQLite file
    Demo(demo::Options),
    /// Run the tests: native, headless browsers, whole app, consumers of the package
    Test(test::Options),
    /// Play histories of bad days, as many as you like, and check every promise in each
    Simulate(simulate::Options),
    /// Change the rules in every small way and see whether a test minds (takes hours)
    Mutants(mutants::Options),
    /// Feed spoiled input to everything that reads what others wrote, led by what code it reaches
    Fuzz(fuzz::Options),
    /// Measure the package beside what a user would pick instead, and print the table
    Bench(bench::Options),
    /// Check format, lints, docs, the house rules, and of the package its size and whether others can use it
    Check,
}

fn main() -> ExitCode {
    match carry_out(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<()> {
    let workspace = Workspace::find()?;
    match command {
        Command::Setup => setup::everything(&workspace),
        Command::Build => build::package(&workspace).map(drop),
        Command::Demo(options) => demo::serve(&workspace, &options),
        Command::Test(options) => test::run(&workspace, &options),
        Command::Simulate(options) => simulate::run(&workspace, &options),
        Command::Mutants(options) => mutants::run(&workspace, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &options),
        Command::Bench(options) => bench::run(&workspace, &options),
        Command::Check => check::run(&workspace),
    }
}
