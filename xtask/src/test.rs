//! The tests, in three phases: on this machine, in headless browsers, and the whole app.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

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

#[derive(clap::Args)]
pub struct Options {
    /// Add what takes longer
    #[arg(long)]
    full: bool,
    /// Run only the whole-app tests in files with this in their name
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
}

struct Outcome {
    name: &'static str,
    passed: bool,
    counts: Counts,
    took: Duration,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let wanted = |phase| match options.only {
        Some(_) => phase == Phase::E2e,
        None => options.phases.is_empty() || options.phases.contains(&phase),
    };
    let mut outcomes = Vec::new();
    for phase in Phase::value_variants().iter().copied().filter(|phase| wanted(*phase)) {
        let started = Instant::now();
        // A phase that fails, or cannot even be built, does not keep the others from having their say.
        let ran = match phase {
            Phase::Native => native(workspace, options.full),
            Phase::Browser => browser(workspace, options.full),
            Phase::E2e => whole_app(workspace, options),
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
        }
    }
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
    let scripts = scripts(workspace, options.only.as_deref().unwrap_or_default())?;
    setup::for_browsers()?;
    let site = instance::site(workspace)?;
    let binary = instance::binary(workspace)?;
    let mut node = workspace.node();
    // One file after another: each has a browser and an instance of its own, and two cores carry one such pair.
    let hangs = if options.full { HANGS_FULL } else { HANGS };
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1", hangs]).args(scripts);
    node.env("LANDFALL_INSTANCE_BIN", binary);
    node.env("LANDFALL_WWW", site);
    node.env("LANDFALL_CHROMIUM", tools::CHROMIUM);
    node.env("LANDFALL_SCREENSHOTS", workspace.target.join("screenshots"));
    step::run_counted("Whole-app tests", marked(&mut node, options.full))
}

/// The longer tests ask for this themselves.
fn marked(command: &mut Command, full: bool) -> &mut Command {
    if full { command.env("LANDFALL_FULL", "1") } else { command }
}

fn scripts(workspace: &Workspace, only: &str) -> Result<Vec<PathBuf>> {
    let folder = workspace.root.join("tests/e2e");
    let mut scripts = Vec::new();
    for entry in fs::read_dir(&folder).told("read", &folder)? {
        let path = entry.told("read", &folder)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".test.mjs") && name.contains(only) {
            scripts.push(path);
        }
    }
    if scripts.is_empty() {
        // Without one, node would look for tests of its own choice.
        return Err(Error::Unmet { what: format!("no file in tests/e2e has `{only}` in its name") });
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
            "{name:<8} {word:<7} {passed:>4} passed, {failed} failed, {skipped} skipped  in {}",
            step::in_words(*took)
        );
    }
    println!("{} passed, {} failed, {} skipped", all.passed, all.failed, all.skipped);
    let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.passed).map(|outcome| outcome.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Error::Unmet { what: format!("{} tests", failed.join(", ")) }) }
}
