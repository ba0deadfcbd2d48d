//! The tests, in four phases: on this machine, in headless browsers, the whole app, and those who use the package.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::consumers;
use crate::error::{Error, Result, Told};
use crate::instance;
use crate::setup;
use crate::step;
use crate::tally::Counts;
use crate::tools::{self, WASM};
use crate::workspace::Workspace;

/// A file of whole-app tests that takes longer waits for what will not come.
const HANGS: &str = "--test-timeout=600000";
const HANGS_FULL: &str = "--test-timeout=5400000";

const E2E: &str = "tests/e2e";
const CONSUMERS: &str = "tests/consumers";

#[derive(clap::Args)]
pub struct Options {
    /// Add what takes longer
    #[arg(long)]
    full: bool,
    /// Run only the whole-app and consumers' tests in files with this in their name
    #[arg(long, conflicts_with = "phases")]
    only: Option<String>,
    /// Run only these (default: all)
    phases: Vec<Phase>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Phase {
    /// Rust tests on this machine: core, wire, engine, instance, doctests
    Native,
    /// The store and its neighbours in headless Chromium: window, worker, service worker
    Browser,
    /// The field app in Chromium against the instance as a process of its own
    E2e,
    /// The package as npm packs it, used in every way it is meant to be: bundlers, workers, service workers, TypeScript
    Consumers,
}

struct Outcome {
    name: &'static str,
    passed: bool,
    counts: Counts,
    took: Duration,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut outcomes = Vec::new();
    for phase in wanted(workspace, options)? {
        let started = Instant::now();
        // A phase that fails, or cannot even be built, does not keep the others from having their say.
        let ran = match phase {
            Phase::Native => native(workspace, options.full),
            Phase::Browser => browser(workspace, options.full),
            Phase::E2e => whole_app(workspace, options),
            Phase::Consumers => consumers(workspace, options),
        };
        let (passed, counts) = ran.unwrap_or_else(|error| {
            eprintln!("{error}");
            (false, Counts::default())
        });
        outcomes.push(Outcome { name: phase.name(), passed, counts, took: started.elapsed() });
    }
    summed_up(&outcomes)
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Browser => "browser",
            Self::E2e => "e2e",
            Self::Consumers => "consumers",
        }
    }
}

fn wanted(workspace: &Workspace, options: &Options) -> Result<Vec<Phase>> {
    let all = Phase::value_variants();
    let Some(only) = &options.only else {
        let is_wanted = |phase: &&Phase| options.phases.is_empty() || options.phases.contains(*phase);
        return Ok(all.iter().filter(is_wanted).copied().collect());
    };
    let mut wanted = Vec::new();
    for (phase, folder) in [(Phase::E2e, E2E), (Phase::Consumers, CONSUMERS)] {
        if !scripts(workspace, folder, Some(only))?.is_empty() {
            wanted.push(phase);
        }
    }
    if wanted.is_empty() {
        // Without one, node would look for tests of its own choice.
        return Err(Error::Unmet { what: format!("no file in {E2E} or {CONSUMERS} has `{only}` in its name") });
    }
    Ok(wanted)
}

fn native(workspace: &Workspace, full: bool) -> Result<(bool, Counts)> {
    setup::for_native()?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    step::run_counted("Native tests", marked(&mut cargo, full))
}

fn browser(workspace: &Workspace, full: bool) -> Result<(bool, Counts)> {
    setup::for_browsers()?;
    let bindgen = setup::for_build(workspace)?.bindgen;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--target", WASM, "--package", "landfall", "--features", "testing", "--no-fail-fast"]);
    cargo.args(["--test", "web_*"]);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &bindgen.test_runner);
    cargo.env("CHROMEDRIVER", tools::CHROMEDRIVER);
    // Five seconds, the default, are too few for a driver that starts on two busy cores.
    cargo.env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
    // Twenty, the default, for all tests of a file: they take seventeen where nothing else runs.
    cargo.env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    step::run_counted("Browser tests: window, worker, service worker", marked(&mut cargo, full))
}

fn whole_app(workspace: &Workspace, options: &Options) -> Result<(bool, Counts)> {
    setup::for_browsers()?;
    let site = instance::site(workspace)?;
    let mut node = scripted(workspace, options, E2E)?;
    node.env("LANDFALL_WWW", site);
    node.env("LANDFALL_SCREENSHOTS", workspace.target.join("screenshots"));
    step::run_counted("Whole-app tests", &mut node)
}

fn consumers(workspace: &Workspace, options: &Options) -> Result<(bool, Counts)> {
    setup::for_browsers()?;
    let place = consumers::place(workspace)?;
    let mut node = scripted(workspace, options, CONSUMERS)?;
    node.env("LANDFALL_CONSUMERS", place);
    step::run_counted("Consumers of the package", &mut node)
}

/// Node over the test files of a folder, with a browser and an instance at hand.
fn scripted(workspace: &Workspace, options: &Options, folder: &str) -> Result<Command> {
    let binary = instance::binary(workspace)?;
    let mut node = workspace.node();
    // One file after another: each has a browser and an instance of its own, and two cores carry one such pair.
    let hangs = if options.full { HANGS_FULL } else { HANGS };
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1", hangs]);
    node.args(scripts(workspace, folder, options.only.as_deref())?);
    node.env("LANDFALL_INSTANCE_BIN", binary);
    node.env("LANDFALL_CHROMIUM", tools::CHROMIUM);
    marked(&mut node, options.full);
    Ok(node)
}

/// The longer tests ask for this themselves.
fn marked(command: &mut Command, full: bool) -> &mut Command {
    if full { command.env("LANDFALL_FULL", "1") } else { command }
}

fn scripts(workspace: &Workspace, folder: &str, only: Option<&str>) -> Result<Vec<PathBuf>> {
    let folder = workspace.root.join(folder);
    let mut scripts = Vec::new();
    for entry in fs::read_dir(&folder).told("read", &folder)? {
        let path = entry.told("read", &folder)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".test.mjs") && name.contains(only.unwrap_or_default()) {
            scripts.push(path);
        }
    }
    scripts.sort();
    Ok(scripts)
}

fn summed_up(outcomes: &[Outcome]) -> Result<()> {
    println!();
    let mut all = Counts::default();
    for Outcome { name, passed, counts, took } in outcomes {
        all = all.plus(*counts);
        let word = if *passed { "ok" } else { "FAILED" };
        let Counts { passed, failed, skipped } = counts;
        println!(
            "{name:<9} {word:<7} {passed:>4} passed, {failed} failed, {skipped} skipped  in {}",
            step::in_words(*took)
        );
    }
    println!("{} passed, {} failed, {} skipped", all.passed, all.failed, all.skipped);
    let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.passed).map(|outcome| outcome.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Error::Unmet { what: format!("{} tests", failed.join(", ")) }) }
}
