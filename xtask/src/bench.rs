//! The benchmark beside what a user would pick instead: `tests/bench`, in Chromium with a profile on disk.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::build;
use crate::consumers;
use crate::error::{Result, Told};
use crate::files;
use crate::setup;
use crate::step;
use crate::tools::{self, CHROMIUM, NodeModules};
use crate::workspace::Workspace;

const HERE: &str = "tests/bench";
/// Each is a bundle of its own: its size is what a page would load.
const PEERS: &str = "peers";
const ROUNDS: u32 = 5;

#[derive(clap::Args)]
pub struct Options {
    /// Fewer records and one round: whether it works, in a minute
    #[arg(long)]
    quick: bool,
    /// Of the records and of the order of turns
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// How often each contestant does each job (default: 5, or 1 with `--quick`)
    #[arg(long)]
    repeats: Option<u32>,
    /// Only these: bulk, single, strict, reconcile, beside, query, open, counts, growth
    #[arg(long)]
    only: Vec<String>,
    /// Only these contestants, beside `raw`: dexie, pouchdb, rxdb, tanstack, landfall
    #[arg(long)]
    peer: Vec<String>,
    /// How many parents are reconciled, with five children each (default: 2000)
    #[arg(long)]
    parents: Option<u32>,
    /// Growth to 1,000,000 records (takes hours)
    #[arg(long)]
    million: bool,
    /// Put the table and the plots into `docs/` (a full run does so anyway)
    #[arg(long)]
    write: bool,
    /// Leave `docs/` as it is
    #[arg(long, conflicts_with = "write")]
    keep_docs: bool,
    /// Measure nothing: the table of the last run again
    #[arg(long)]
    again: bool,
    /// Measure nothing: the transactions of each job, one after another, with what is asked in them
    #[arg(long)]
    trace: bool,
}

impl Options {
    fn is_full(&self) -> bool {
        !self.quick && self.only.is_empty() && self.peer.is_empty() && !self.again && !self.trace
    }
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::for_browsers()?;
    let package = build::package(workspace)?;
    let npm = tools::npm(workspace)?;
    let modules = tools::peers(workspace)?;
    let site = site(workspace, &npm, &package, &modules)?;
    let asked = json!({
        "quick": options.quick,
        "seed": options.seed,
        "repeats": options.repeats.unwrap_or(if options.quick { 1 } else { ROUNDS }),
        "only": options.only,
        "peers": options.peer,
        "parents": options.parents,
        "million": options.million,
        "again": options.again,
        "trace": options.trace,
        "write": options.write || (options.is_full() && !options.keep_docs),
        "versions": versions(&modules)?,
        "site": site,
        "out": workspace.target.join("bench"),
        "docs": workspace.root.join("docs"),
    });
    let mut node = workspace.node();
    node.arg(workspace.root.join(HERE).join("run.mjs"));
    node.env("BENCH", asked.to_string()).env("LANDFALL_CHROMIUM", CHROMIUM);
    step::run("Every contestant does every job, in turns", &mut node)
}

/// The pages, and beside them the contestants, bundled and minified as an app would have them.
fn site(workspace: &Workspace, npm: &NodeModules, package: &Path, modules: &Path) -> Result<PathBuf> {
    let place = workspace.target.join("bench/place");
    let site = workspace.target.join("bench/site");
    let landfall = consumers::beside(&place, modules)?;
    files::copy_below(package, &landfall)?;
    files::copy_below(&workspace.root.join(HERE), &place)?;
    files::empty(&site)?;
    files::copy_below(&place.join("page"), &site)?;
    let mut esbuild = npm.tool("esbuild");
    for peer in files::below(&place.join(PEERS))? {
        esbuild.arg(peer);
    }
    esbuild.args(["--bundle", "--minify", "--format=esm", "--loader:.wasm=file", "--log-level=error"]);
    esbuild.args(["--define:process.env.NODE_ENV=\"production\"", "--define:global=globalThis"]);
    esbuild.arg(format!("--outdir={}", site.join(PEERS).display())).current_dir(&place);
    step::run_silent("The contestants, bundled", &mut esbuild)?;
    Ok(site)
}

/// What was measured, by the versions that are installed.
fn versions(modules: &Path) -> Result<Map<String, Value>> {
    let mut versions = Map::new();
    for name in ["dexie", "pouchdb-browser", "rxdb", "@tanstack/db", "@tanstack/offline-transactions"] {
        let manifest = modules.join(name).join("package.json");
        let text = fs::read_to_string(&manifest).told("read", &manifest)?;
        let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
        versions.insert(name.to_owned(), manifest.get("version").cloned().unwrap_or_default());
    }
    Ok(versions)
}
