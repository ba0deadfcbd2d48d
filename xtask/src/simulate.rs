//! Histories of bad days from seeds, played over the real engine: see `tests/simulation`.

use std::num::NonZeroU32;
use std::thread;

use crate::error::Result;
use crate::step;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Options {
    /// How many are played (default: 10000; with a seed, the one of that seed)
    #[arg(long)]
    histories: Option<u64>,
    /// The seed of the first; the others are those that follow
    #[arg(long)]
    seed: Option<u64>,
    /// How many are played at once (default: as many as there are cores)
    #[arg(long)]
    jobs: Option<NonZeroU32>,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let histories = options.histories.unwrap_or(if options.seed.is_some() { 1 } else { 10_000 });
    let cores = || thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    let jobs = options.jobs.map_or_else(cores, NonZeroU32::get);
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--quiet", "--profile", "sim", "--package", "landfall", "--test", "simulation", "at_length"]);
    cargo.args(["--", "--ignored", "--nocapture"]);
    cargo.env("LANDFALL_HISTORIES", histories.to_string());
    cargo.env("LANDFALL_SEED", options.seed.unwrap_or(0).to_string());
    cargo.env("LANDFALL_JOBS", jobs.to_string());
    step::run("Histories of bad days, each checked against every promise", &mut cargo)
}
